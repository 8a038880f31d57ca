# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pytest plugin with the fixture C(windows): the lab's Windows hosts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ansible_process import Ansible, environment
from tests.integration.windows_hosts import Windows
from tests.lab.client import Lab


@pytest.fixture(scope="session")
def windows_lab() -> Iterator[Lab]:
    with Lab.start(winrm=True) as lab:
        yield lab


@pytest.fixture
def windows(windows_lab: Lab, tmp_path: Path) -> Iterator[Windows]:
    """The lab's Windows hosts with the default farm, without faults and audit. Every shell is closed in the end."""
    windows_lab.reset()
    home = tmp_path / "home"
    home.mkdir()
    assert windows_lab.winrm is not None
    inventory = tmp_path / "windows.yml"
    inventory.write_text(json.dumps(windows_lab.winrm["inventory"]))
    windows = Windows(windows_lab, Ansible(tmp_path, environment(home)), inventory)
    yield windows
    assert windows.shells()[0] == 0, "a remote shell was left open"
