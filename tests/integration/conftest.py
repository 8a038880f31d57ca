# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab for all integration tests, put back before each, and a way to run Ansible against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ansible_process import Ansible, environment
from tests.lab.client import Lab


@pytest.fixture(scope="session")
def running_lab() -> Iterator[Lab]:
    with Lab.start() as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """The lab with its default farm, without faults, log and audit."""
    running_lab.reset()
    return running_lab


@pytest.fixture
def ansible(lab: Lab, tmp_path: Path) -> Ansible:
    """Ansible with the sign-in of the lab's operator in the environment."""
    home = tmp_path / "home"
    home.mkdir()
    return Ansible(tmp_path, environment(home, **lab.environment))
