# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_window on Azure Virtual Desktop: a window from close to open, and what may come between."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Finished
from tests.integration.window_runs import WindowRuns
from tests.integration.wvd_window import BEFORE, PLACE, A, B, C, make_runs, states
from tests.lab.client import Lab, Row

ENDS = 15.0
"""Seconds in which a guard has opened everything, where nothing keeps it from it."""
AT_ONCE: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "1s",
    "session_window_minimum_notice": "0s",
}

NEWEST = pytest.mark.newest_core
pytestmark = pytest.mark.outer_cores


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path)
    yield runs
    runs.stop()


def wave_lines(finished: Finished) -> list[str]:
    """What a run says of its waves."""
    return [line.removeprefix("[wave] ") for line in finished.output.splitlines() if line.startswith("[wave] ")]


def test_check_mode_shows_what_the_run_then_does(runs: WindowRuns) -> None:
    play = runs.play(hosts=f"{A},{B}", session_window_remaining="logoff")
    checked = runs.run(play, arguments=["--check"])
    assert (checked.status, runs.done()) == (0, []), checked.output
    assert not runs.journals.exists()
    ran = runs.run(play)
    assert ran.status == 0, ran.output

    (planned,) = (task.result["wave"] for task in checked.tasks if "Close the hosts" in task.name)
    (done,) = runs.report()["waves"]

    def told(wave: Any) -> Any:
        hosts = {name: (host["ready"], host["out"]) for name, host in wave["hosts"].items()}
        return hosts, sorted((row["owner"], row["outcome"], len(row["messages"])) for row in wave["sessions"])

    assert told(planned) == told(done)


def test_check_mode_prints_its_plan(runs: WindowRuns) -> None:
    """Hosts, users, messages with their times, and what would be done to whom."""
    checked = runs.run(runs.play(session_window_remaining="logoff"), arguments=["--check"])
    lines = wave_lines(checked)
    (planned,) = (task.result["wave"] for task in checked.tasks if "Close the hosts" in task.name)
    assert planned["check_mode"]
    assert [line for line in lines if line.startswith((f"{A}: ", f"{C}: "))] == [
        f"{A}: would be closed",
        f"{C}: was closed before, so it would stay closed",
    ]
    assert planned["sessions"]
    for row in planned["sessions"]:
        (line,) = (line for line in lines if line.startswith(f"{row['host']}, session {row['session']} of "))
        assert f" of {row['owner']}, {row['state']}: " in line
        assert [one for one in row["messages"] if f'"{one["title"]}" at {one["sent_at"]}' not in line] == []
        assert line.endswith(f"would be logged off at {planned['deadline']}")
    assert "2 session hosts would be opened again" in lines
    assert not runs.reports.exists()


@NEWEST
def test_check_mode_names_nobody_where_nothing_is_to_be_logged(runs: WindowRuns) -> None:
    checked = runs.run(runs.play(session_window_remaining="logoff", no_log=True), arguments=["--check"])
    lines = wave_lines(checked)
    assert f"{A}: would be closed" in lines
    assert [line for line in lines if "@" in line] == []


def test_check_mode_plans_later_waves_after_the_deadlines_of_earlier_ones(runs: WindowRuns) -> None:
    """So it refuses one for which latest leaves no time, as the run does."""
    deadlines = {}
    for latest in ("120s", "50s"):
        times = {"session_window_deadline": "30s", "session_window_latest": latest}
        checked = runs.run(runs.play(serial=1, hosts=f"{A},{B}", **AT_ONCE | times), arguments=["--check"])
        waves = [
            task.result["wave"] for task in checked.tasks if "Close the hosts" in task.name and "wave" in task.result
        ]
        deadlines[checked.status] = [datetime.fromisoformat(wave["deadline"].replace("Z", "+00:00")) for wave in waves]
    (first, second), (_only,) = deadlines[0], deadlines[2]
    assert 30 <= (second - first).total_seconds() < 60


@pytest.mark.parametrize(
    ("number", "group"),
    [
        (signal.SIGKILL, True),
        (signal.SIGTERM, False),
        pytest.param(signal.SIGKILL, False, marks=NEWEST),
        pytest.param(signal.SIGTERM, True, marks=NEWEST),
        pytest.param(signal.SIGHUP, True, marks=NEWEST),
        pytest.param(signal.SIGINT, True, marks=NEWEST),
    ],
)
def test_run_is_killed_while_users_are_waited_for(runs: WindowRuns, number: int, group: bool) -> None:
    process = runs.start(runs.play(session_window_deadline="60s"))
    runs.wait_for(lambda: states(runs) == dict.fromkeys(BEFORE, False))
    time.sleep(1.0)
    killed = runs.kill(process, number, group)
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE
    assert runs.journal().finished_by == "guard"
    assert max(runs.times("undrain")) - killed < ENDS
    assert max(runs.times("drain")) < min(runs.times("undrain"))


WAYS: dict[str, Row] = {
    "work fails": {"ansible.builtin.fail": {"msg": "No."}},
    "end_host": {"ansible.builtin.meta": "end_host"},
    "end_batch": {"ansible.builtin.meta": "end_batch"},
    "end_play": {"ansible.builtin.meta": "end_play"},
    "run_once fails": {"ansible.builtin.fail": {"msg": "No."}, "run_once": True},
    "undefined variable": {"ansible.builtin.debug": {"msg": "{{ nothing.at_all }}"}},
    "unknown module in an include": {"ansible.builtin.include_tasks": "{{ unknown_file }}"},
    "unreachable": {"ansible.builtin.raw": "true", "vars": {"ansible_connection": "ssh", "ansible_port": 1}},
}


@pytest.mark.parametrize(
    "way",
    [pytest.param(way, marks=() if way in ("end_play", "run_once fails", "unreachable") else NEWEST) for way in WAYS],
)
def test_hosts_are_opened_however_the_work_ends(runs: WindowRuns, way: str) -> None:
    unknown = runs.folder / "unknown.yml"
    unknown.write_text("[{no_such_module: {}}]")
    work = [{"name": "Work", **WAYS[way]}]
    play = runs.play(work, hosts=f"{A},{B}", vars={"unknown_file": str(unknown)}, **AT_ONCE)
    runs.run(play)
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE, way
    assert sorted(runs.done("drain", "undrain")) == [
        (verb, host, "") for verb in ("drain", "undrain") for host in (A, B)
    ]


@pytest.mark.parametrize("way", ["roles", "include_role", "import_role"])
def test_host_for_which_a_condition_of_the_window_is_not_true_is_no_part_of_it(runs: WindowRuns, way: str) -> None:
    """Ansible asks only for the first host whether a task that is run once is to be run."""
    for number, own in enumerate(runs.inventory["window"]["hosts"].values()):
        own.update(number=number, wanted="{{ number < 1 }}")
    play = runs.play(hosts=f"{A},{B}", **AT_ONCE)
    (role,) = play.pop("roles")

    def conditional(*conditions: str) -> Row:
        if way == "roles":
            return {**play, "roles": [{**role, "when": conditions}]}
        task = {f"ansible.builtin.{way}": {"name": role["role"]}, "vars": role["vars"]}
        return {**play, "tasks": [{"name": "Window", "when": conditions, "block": [{"name": "Hold it", **task}]}]}

    refused = runs.run(conditional("number < 5", "wanted"))
    assert refused.status != 0
    assert f"is not true for {B}" in " ".join(refused.output.split()), refused.output
    assert runs.done() == []
    held = runs.run(conditional("number < 5", "session_window_deadline == '1s'"))
    assert held.status == 0, held.output
    assert [host for verb, host, _user in runs.done("undrain")] in ([A, B], [B, A])


@NEWEST
def test_each_host_is_a_wave_where_it_goes_its_own_way(runs: WindowRuns) -> None:
    """Without the role. The work on one takes until the other one has been opened."""
    options = {"service": "wvd", "place": PLACE, "journal": str(runs.journals)}
    close = {**options, "remaining": "logoff", "deadline": "1s", "minimum_notice": "0s"}
    first = f"inventory_hostname == '{A}'"
    tasks = [
        {"name": "Close", "remotedesktop.sessions.session_window_close": close, "register": "window"},
        {
            "name": "Work",
            "ansible.builtin.wait_for": {"path": str(runs.folder / "opened"), "timeout": 30},
            "when": ["window.wave.hosts[inventory_hostname].ready", first],
        },
        {
            "name": "Open",
            "remotedesktop.sessions.session_window_open": {**options, "wave": "{{ window.wave }}"},
        },
        {
            "name": "Mark",
            "ansible.builtin.file": {"path": str(runs.folder / "opened"), "state": "touch"},
            "when": f"not {first}",
        },
    ]
    own = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": f"{A},{B}", "gather_facts": False, "strategy": "free", "vars": own, "tasks": tasks}
    finished = runs.run(play)
    assert finished.status == 0, finished.output
    assert [host for verb, host, _user in runs.done("undrain")] == [B, A]
    assert states(runs) == BEFORE


def test_guard_ends_a_run_that_is_late(runs: WindowRuns) -> None:
    """With what it is at."""
    sleeps = [{"name": "Sleep", "ansible.builtin.pause": {"seconds": 120}}]
    play = runs.play(sleeps, hosts=f"{A},{B}", session_window_latest="12s", **AT_ONCE)
    began = time.time()
    finished = runs.run(play)
    assert finished.status != 0
    assert 12 <= time.time() - began < 40
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE
    assert runs.journal().over_why == "the run was still at work at its latest time"


@NEWEST
def test_run_that_is_late_goes_on_where_its_guard_only_warns(runs: WindowRuns) -> None:
    sleeps = [{"name": "Sleep", "ansible.builtin.pause": {"seconds": 12}}]
    late = {"session_window_latest": "6s", "session_window_latest_action": "warn"}
    finished = runs.run(runs.play(sleeps, hosts=A, **late, **AT_ONCE))
    assert finished.status == 0, finished.output
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE
    state = runs.journal()
    assert [one["record"] for one in state.done_by("guard")] == ["guard", "late", "over", "finished"]
    assert {host.opened_by for host in state.hosts.values()} == {"run"}


NO_ROOM = """\
import errno, tempfile
make = tempfile.mkdtemp

def mkdtemp(suffix=None, prefix=None, dir=None):
    if suffix == ".tmp":
        raise OSError(errno.ENOSPC, "No space left on device")
    return make(suffix, prefix, dir)

tempfile.mkdtemp = mkdtemp
"""
"""A Python in which there is no room for what the guard needs."""


@NEWEST
def test_nothing_is_closed_where_no_guard_can_be_started(runs: WindowRuns) -> None:
    (runs.folder / "python").mkdir()
    (runs.folder / "python/sitecustomize.py").write_text(NO_ROOM)
    path = runs.ansible.environment.get("PYTHONPATH", "")
    runs.ansible.environment["PYTHONPATH"] = f"{runs.folder / 'python'}{os.pathsep}{path}"
    finished = runs.run(runs.play(**AT_ONCE))
    assert finished.status != 0
    assert "could not be started, so nothing is closed: No space left" in " ".join(finished.output.split())
    assert (runs.done(), states(runs)) == ([], BEFORE)
    assert runs.journal().guard is None
    without = runs.run(runs.play(hosts=A, session_window_guard=False, **AT_ONCE))
    assert (without.status, states(runs)) == (0, BEFORE), without.output


@pytest.mark.parametrize("folder", ["the same", pytest.param("another", marks=NEWEST)])
def test_other_run_and_one_that_has_died_keep_their_hosts(runs: WindowRuns, folder: str) -> None:
    """The run that has died had no guard; a playbook opens what it has closed.

    Another folder of journals is what another user of the machine has.
    """
    journals = str(runs.journals if folder == "the same" else runs.folder / "others")
    process = runs.start(runs.play(hosts=A, session_window_deadline="60s", session_window_guard=False))
    runs.wait_for(lambda: states(runs)[A] is False)
    second = runs.run(runs.play(hosts=f"{A},{B}", session_window_journal=journals))
    assert re.search(f"{A} is closed by (another run|a run of the user .*) that is at work", second.output)
    assert states(runs) == {**BEFORE, A: False}
    runs.kill(process, signal.SIGKILL, True)
    third = runs.run(runs.play(hosts=f"{A},{B}", session_window_journal=journals))
    assert "reopen_hosts" in third.output
    assert states(runs) == {**BEFORE, A: False}
    reopen = ["remotedesktop.sessions.reopen_hosts", "-i", "localhost,", "-e", f"reopen_hosts_journal={runs.journals}"]
    checked = runs.ansible.run("ansible-playbook", *reopen, "--check")
    assert (checked.status, states(runs)[A]) == (0, False), checked.output
    opened = runs.ansible.run("ansible-playbook", *reopen)
    assert (opened.status, states(runs)) == (0, BEFORE), opened.output
    assert len(runs.done("undrain")) == 1
    again = runs.ansible.run("ansible-playbook", *reopen)
    assert (again.status, len(runs.done("undrain"))) == (0, 1), again.output
    fourth = runs.run(runs.play(hosts=A, session_window_journal=journals, **AT_ONCE))
    assert (fourth.status, states(runs)) == (0, BEFORE), fourth.output
    shared = Path(runs.ansible.environment["SESSION_WINDOW_RUNS"])
    runs.wait_for(lambda: not list(shared.glob("*.runs")))


def test_host_that_is_left_closed_and_a_window_that_stops(runs: WindowRuns) -> None:
    """One of two fails, which is more than a quarter: the second wave is not begun."""
    fails = [{"name": "Fail", "ansible.builtin.fail": {"msg": "No."}, "when": f"inventory_hostname == '{A}'"}]
    runs.lab.change_host(pool="pool-01", host=C, allow_new_session=True)
    play = runs.play(fails, serial=2, session_window_reopen_failed_hosts=False, **AT_ONCE)
    finished = runs.run(play)
    assert finished.status != 0
    assert "the window ends with this wave" in finished.output
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == {A: False, B: True, C: True}
    assert [host for verb, host, _user in runs.done("drain")] in ([A, B], [B, A])
    (wave,) = runs.report()["waves"]
    assert (wave["hosts"][A]["left_closed"], wave["hosts"][B]["worked"]) == ("the work on it failed", "done")


@NEWEST
def test_option_that_is_wrong_fails_every_host_and_closes_none(runs: WindowRuns) -> None:
    finished = runs.run(runs.play(session_window_ready_timeout="10"))
    assert finished.status != 0
    failed = {task.host: task.message for task in finished.tasks if task.name.endswith("or the window ends here")}
    assert set(failed) == set(BEFORE)
    assert all("ready_timeout" in message for message in failed.values()), failed
    assert runs.done() == []
