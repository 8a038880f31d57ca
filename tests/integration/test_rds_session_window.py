# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_window on Remote Desktop Services: over connections of its own to the connection brokers."""

from __future__ import annotations

import copy
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.ansible_process import Ansible, environment
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER, script_host
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


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path)
    yield runs
    runs.stop()


def states(runs: WindowRuns) -> dict[str, object]:
    return {name: state for name, state in runs.states().items() if name in BEFORE}


def expect_whole_window(runs: WindowRuns) -> None:
    assert states(runs) == BEFORE
    done = runs.done()
    assert sorted(done[:2]) == [("drain", A, ""), ("drain", B, "")]
    assert sorted(done[2:4]) == [("message", A, "alice"), ("message", B, "alice")]
    assert sorted(done[4:7]) == [("logoff", A, "alice"), ("logoff", A, "bob"), ("logoff", B, "alice")]
    assert sorted((verb, host) for verb, host, _user in done[7:]) == [("drain", B), ("undrain", A)]


@pytest.mark.outer_cores
def test_window_over_the_first_broker_that_answers(runs: WindowRuns) -> None:
    finished = runs.run(runs.play(session_window_remaining="logoff", session_window_place=[AWAY, BROKER]))
    assert finished.status == 0, finished.output
    expect_whole_window(runs)


@pytest.mark.newest_core
def test_window_by_the_script(lab: Lab, tmp_path: Path) -> None:
    runs = make_runs(lab, tmp_path, **script_host(lab))
    python = "{{ ansible_playbook_python }}"
    runs.inventory["all"]["hosts"][BROKER] |= {"ansible_connection": "local", "ansible_python_interpreter": python}
    there = {"SCRIPT_HOST_NAME": BROKER}
    # A list takes seconds here.
    slow = {
        "session_window_deadline": "30s",
        "session_window_messages": [{"before": "29s", "title": "Maintenance", "body": "In {minutes} min."}],
        "session_window_poll_interval": 3,
    }
    play = runs.play(session_window_remaining="logoff", environment=there, **slow)
    finished = runs.run(play)
    assert finished.status == 0, finished.output
    expect_whole_window(runs)


@pytest.mark.outer_cores
@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
def test_run_is_killed_and_its_broker_has_failed_over(runs: WindowRuns, group: bool) -> None:
    process = runs.start(runs.play(session_window_deadline="60s", session_window_place=[BROKER, BROKER_2]))
    runs.wait_for(lambda: states(runs) == dict.fromkeys(BEFORE, "No"))
    runs.wait_for(lambda: len(runs.journal().written) > 2)
    runs.lab.call("POST", "winrm/settings", {"active_broker": BROKER_2})
    runs.lab.call("POST", "winrm/faults", {"kind": "unreachable", "host": BROKER})
    runs.kill(process, signal.SIGKILL, group)
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE
    assert runs.journal().finished_by == "guard"
