# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows on a host pool of Azure Virtual Desktop with three hosts, of which one was closed before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.integration.ansible_process import Ansible, environment
from tests.integration.window_runs import WindowRuns, hosts_of
from tests.lab.client import Lab, Row

PLACE = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
A, B, C = (f"avd-{number}.contoso.com" for number in range(3))
SIGN_IN = {
    "AZURE_SUBSCRIPTION_ID": "subscription_id",
    "AZURE_CLIENT_ID": "client_id",
    "AZURE_TENANT": "tenant",
    "AZURE_SECRET": "secret",
}
"""The sign-in in the environment, as options."""
BEFORE = {A: True, B: True, C: False}


def make_runs(lab: Lab, folder: Path, hosts: Sequence[str] = (A, B, C)) -> WindowRuns:
    """With the sign-in of the lab's operator in the environment."""
    home = folder / "home"
    home.mkdir()
    ansible = Ansible(folder, environment(home, LAB_CONTROL=lab.announcement["control"], **lab.environment))
    local = {"ansible_connection": "local", "session_window_place": PLACE}
    inventory = hosts_of({name: dict(local) for name in hosts})
    return WindowRuns(lab, ansible, folder, inventory, {"session_window_service": "wvd"})


def states(runs: WindowRuns) -> dict[str, object]:
    return {name: state for name, state in runs.states().items() if name in BEFORE}


def take_sign_in(runs: WindowRuns) -> Row:
    """Take the sign-in out of the environment of all runs; return it as the option azure takes it."""
    return {option: runs.ansible.environment.pop(name) for name, option in SIGN_IN.items()}
