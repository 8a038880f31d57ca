# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_window on Remote Desktop Services: over connections of its own to the connection brokers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.rds_window import BEFORE, BROKER_2, expect_whole_window, make_runs, states
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER, script_host
from tests.lab.client import Lab


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path)
    yield runs
    runs.stop()


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
