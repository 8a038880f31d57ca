# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab for all integration tests, put back before each, and ways to run Ansible against it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import powershell
from tests.integration.ansible_process import Ansible, environment
from tests.integration.windows_hosts import Windows
from tests.lab.client import Lab


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits long: at the end nothing else would run meanwhile."""
    items.sort(key=lambda item: item.get_closest_marker("waits_long") is None)


@pytest.fixture(scope="session")
def running_lab() -> Iterator[Lab]:
    """With Windows hosts, behind which is the stand-in for PowerShell, or in the session `engine` a real one."""
    real = powershell.require() if os.environ.get("TEST_SESSION") == "engine" else ""
    with Lab.start(winrm=True, powershell=real) as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    """The lab with its default farm, without faults, log, audit and shells that a killed run has left open."""
    running_lab.reset()
    running_lab.call("DELETE", "winrm/shells")
    return running_lab


@pytest.fixture
def ansible(lab: Lab, tmp_path: Path) -> Ansible:
    """Ansible with the sign-in of the lab's operator in the environment."""
    home = tmp_path / "home"
    home.mkdir()
    return Ansible(tmp_path, environment(home, LAB_CONTROL=lab.announcement["control"], **lab.environment))


@pytest.fixture
def windows(lab: Lab, tmp_path: Path) -> Iterator[Windows]:
    """The lab's Windows hosts. Every shell is closed in the end."""
    home = tmp_path / "home"
    home.mkdir()
    assert lab.winrm is not None
    inventory = tmp_path / "windows.yml"
    inventory.write_text(json.dumps(lab.winrm["inventory"]))
    control = lab.announcement["control"]
    windows = Windows(lab, Ansible(tmp_path, environment(home, LAB_CONTROL=control)), inventory)
    yield windows
    assert windows.shells()[0] == 0, "a remote shell was left open"
