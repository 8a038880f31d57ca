# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every trouble at every step of a window: hosts are as they were before in the end, nobody is ended without notice.

All of it takes a quarter of an hour, so that a run takes some of it, others each time. `WINDOW_TROUBLES=all` takes all;
a number, so many. What has failed is found by its name with `WINDOW_TROUBLES=all` and `-k`. `WINDOW_OUTAGE=150` makes
outages last so many seconds.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.integration import rds_window, wvd_window
from tests.integration.window_runs import WindowRuns, moment
from tests.integration.windows_hosts import BROKER
from tests.lab.client import Lab, Row

NOTICE = 1.0
WINDOW: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "3s",
    "session_window_minimum_notice": f"{NOTICE:g}s",
    "session_window_messages": [{"before": "2s", "title": "Maintenance", "body": "In {minutes} min."}],
    "session_window_wait_timeout": 20,
}
WORKS, HANDLES = "works", "handles"
"""Folders in which the work of a host, and its handler, begins a file; each takes a while."""
OUTAGE = float(os.environ.get("WINDOW_OUTAGE", "5"))
AFTER_KILL = 2.0
"""Seconds after which a run that is gone does nothing more."""
SERVICES = {"wvd": wvd_window, "rds": rds_window}
USERS = {"wvd": 6, "rds": 3}
"""How many sessions there are to be ended."""

STEPS: dict[str, Callable[[WindowRuns, int], object]] = {
    "close": lambda runs, _users: runs.done("drain"),
    "warn": lambda runs, _users: runs.done("message"),
    "end": lambda runs, _users: runs.done("logoff"),
    "prove": lambda runs, users: len(runs.done("logoff")) >= users,
    "work": lambda runs, _users: list((runs.folder / WORKS).iterdir()),
    "handle": lambda runs, _users: list((runs.folder / HANDLES).iterdir()),
    "open": lambda runs, _users: runs.done("undrain"),
}
"""How each is seen to have begun."""


def end(number: int, group: bool) -> Callable[[WindowRuns, subprocess.Popen[bytes]], None]:
    def trouble(runs: WindowRuns, process: subprocess.Popen[bytes]) -> None:
        runs.kill(process, number, group)

    return trouble


def outage(runs: WindowRuns, _process: object = None) -> None:
    """The service answers nothing for a while."""
    runs.lab.add_fault(kind="status", status=503, times=0)
    runs.lab.call("POST", "winrm/faults", {"kind": "unreachable", "host": BROKER})
    time.sleep(OUTAGE)
    runs.lab.clear_faults()
    runs.lab.call("DELETE", "winrm/faults")


def outage_and_end(runs: WindowRuns, process: subprocess.Popen[bytes]) -> None:
    """The run is killed because of it, or has bad luck."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    outage(runs)


def failover(runs: WindowRuns, _process: object) -> None:
    """Another broker is the active one."""
    runs.lab.call("POST", "winrm/settings", {"active_broker": rds_window.BROKER_2})


TROUBLES: dict[str, Callable[[WindowRuns, subprocess.Popen[bytes]], None]] = {
    "killed": end(signal.SIGKILL, False),
    "group killed": end(signal.SIGKILL, True),
    "terminated": end(signal.SIGTERM, False),
    "group terminated": end(signal.SIGTERM, True),
    "interrupted": end(signal.SIGINT, True),
    "hung up": end(signal.SIGHUP, True),
    "outage": outage,
    "outage and killed": outage_and_end,
    "failover": failover,
}
ALL = [
    (service, step, trouble)
    for service in SERVICES
    for step in STEPS
    for trouble in TROUBLES
    if trouble != "failover" or service == "rds"
]


def drawn() -> list[tuple[str, str, str]]:
    """Return what this run takes; the same in each of its workers."""
    wanted = os.environ.get("WINDOW_TROUBLES", "12")
    if wanted == "all":
        return ALL
    return random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).sample(ALL, int(wanted))


@pytest.fixture
def runs(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[WindowRuns]:
    if request.param == "rds":
        runs = rds_window.make_runs(lab, tmp_path)
        runs.variables["session_window_place"] = [BROKER, rds_window.BROKER_2]
    else:
        runs = wvd_window.make_runs(lab, tmp_path, [wvd_window.A, wvd_window.B])
    yield runs
    lab.clear_faults()
    lab.call("DELETE", "winrm/faults")
    runs.stop()


def play_of(runs: WindowRuns) -> Row:
    """A work of two tasks and a handler, which run on the controller."""

    def takes_a_while(name: str, folder: str, **more: Any) -> Row:
        (runs.folder / folder).mkdir()
        file = runs.folder / folder / "{{ session_window_host }}"
        return {"name": name, "ansible.builtin.shell": f"touch {file}; sleep 1.5", **more}

    work = [takes_a_while("Patch", WORKS, notify="restart")]
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    tasks = [{"name": "Here", "vars": local, "block": work}]
    handler = takes_a_while("restart", HANDLES, vars=local)
    return runs.play(tasks, handlers=[handler], **WINDOW)


@pytest.mark.parametrize(
    ("runs", "step", "trouble"), drawn(), indirect=["runs"], ids=lambda value: str(value).replace(" ", "_")
)
def test_hosts_are_as_before_and_nobody_is_ended_without_notice(
    runs: WindowRuns, step: str, trouble: str, request: pytest.FixtureRequest
) -> None:
    service = request.node.callspec.params["runs"]
    farm = SERVICES[service]
    process = runs.start(play_of(runs))
    runs.wait_for(lambda: STEPS[step](runs, USERS[service]))
    TROUBLES[trouble](runs, process)
    at = time.time()
    runs.wait_for(lambda: process.poll() is not None)
    runs.wait_for(runs.guard_is_gone)
    assert farm.states(runs) == farm.BEFORE, runs.done()
    assert runs.journal().to_open() == []
    audit = runs.lab.audit()
    if trouble not in ("outage", "failover"):
        late = [one for one in audit if one["verb"] in ("message", "logoff") and moment(one) > at + AFTER_KILL]
        assert late == []
    runs.expect_notice(NOTICE)
    expect_not_opened_at_work(runs, audit, trouble)


def expect_not_opened_at_work(runs: WindowRuns, audit: list[Row], trouble: str) -> None:
    """Without an end by force no host is open before its work is done."""
    for begun in (runs.folder / HANDLES).iterdir() if trouble in ("outage", "failover") else ():
        host = begun.name.partition(".")[0]
        opened = [one for one in audit if one["verb"] == "undrain" and one["host"].lower().startswith(host)]
        assert all(moment(one) > begun.stat().st_mtime for one in opened), audit
