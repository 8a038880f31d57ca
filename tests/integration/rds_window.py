# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows on a deployment of Remote Desktop Services with two hosts and two connection brokers."""

from __future__ import annotations

import copy
from pathlib import Path

from tests.integration.ansible_process import Ansible, environment
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.lab.client import Lab, Row

A, B = "rdsh-0.contoso.com", "rdsh-1.contoso.com"
BROKER_2 = "broker-2.contoso.com"
AWAY = "broker-9.contoso.com"
BEFORE = {A: "Yes", B: "NotUntilReboot"}
USERS: list[Row] = [
    {"id": 2, "user": "alice@contoso.com", "state": "Active"},
    {"id": 3, "user": "bob@contoso.com", "state": "Disconnected"},
]
FARM = {
    "pools": [
        {
            "name": "Desktops",
            "service": "rds",
            "connection_broker": BROKER,
            "passive_brokers": [BROKER_2],
            "hosts": [
                {"name": A, "sessions": USERS},
                {"name": B, "new_connection_allowed": "NotUntilReboot", "sessions": [USERS[0]]},
            ],
        }
    ]
}


def make_runs(lab: Lab, folder: Path, **more: str) -> WindowRuns:
    home = folder / "home"
    home.mkdir()
    lab.reset(FARM)
    assert lab.winrm is not None
    inventory = copy.deepcopy(lab.winrm["inventory"])
    hosts = inventory["all"]["hosts"]
    hosts[BROKER_2] = {"ansible_psrp_path": f"wsman/{BROKER_2}"}
    hosts[AWAY] = {"ansible_port": 1, "ansible_psrp_connection_timeout": 2}
    # What is of the hosts of the window must not count for the brokers.
    own = {"ansible_connection": "ssh", "ansible_host": "127.0.0.9", "ansible_user": "nobody", "ansible_password": "no"}
    # One by its short name.
    inventory["window"] = {"hosts": {name: dict(own) for name in ("rdsh-0", B)}}
    variables = {"session_window_service": "rds", "session_window_place": BROKER}
    return WindowRuns(lab, Ansible(folder, environment(home, **more)), folder, inventory, variables)


def states(runs: WindowRuns) -> dict[str, object]:
    return {name: state for name, state in runs.states().items() if name in BEFORE}


def expect_whole_window(runs: WindowRuns) -> None:
    """With users who are logged off."""
    assert states(runs) == BEFORE
    done = runs.done()
    assert sorted(done[:2]) == [("drain", A, ""), ("drain", B, "")]
    assert sorted(done[2:4]) == [("message", A, "alice"), ("message", B, "alice")]
    assert sorted(done[4:7]) == [("logoff", A, "alice"), ("logoff", A, "bob"), ("logoff", B, "alice")]
    assert sorted((verb, host) for verb, host, _user in done[7:]) == [("drain", B), ("undrain", A)]
