# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether processes live, by real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.ending import end, end_run
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import (
    PIDFD_OPEN,
    Process,
    Watch,
    all_processes,
    descendants,
    find_process,
    lives,
    read_process,
    this_process,
)

SLEEP = "import time; print(0, flush=True); time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
RUN = """
import os, subprocess, sys
worker = subprocess.Popen([sys.executable, "-c", sys.argv[1]], start_new_session=True, stdout=subprocess.PIPE)
worker.stdout.readline()
print(worker.pid, flush=True)
exec(sys.argv[2])
"""
Start = Callable[..., tuple[Process, str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program; return it with its first line."""
    started: list[subprocess.Popen[str]] = []

    def begin(*words: str) -> tuple[Process, str]:
        process = subprocess.Popen([sys.executable, "-c", *words], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        line = process.stdout.readline()
        found = find_process(process.pid)
        assert found is not None
        return found, line

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def refuse(_pid: int) -> int:
    raise PermissionError(1, "Operation not permitted")


WAYS = pytest.mark.parametrize("way", [PIDFD_OPEN, refuse, None], ids=["pidfd", "refused", "none"])


@WAYS
def test_end_is_noticed_although_nobody_has_asked_for_the_child(start: Start, way: Callable[[int], int] | None) -> None:
    process, _line = start(SLEEP)
    watch = Watch(process, way)
    began = time.monotonic()
    assert not watch.wait(0.3)
    assert 0.25 < time.monotonic() - began < 2
    assert lives(process) is True
    os.kill(process.pid, signal.SIGKILL)
    began = time.monotonic()
    assert watch.wait(20)
    assert time.monotonic() - began < 2
    assert lives(process) is False
    assert watch.ended
    watch.signal(signal.SIGTERM)
    watch.close()


@WAYS
def test_process_that_has_the_id_by_now_is_another(start: Start, way: Callable[[int], int] | None) -> None:
    process, _line = start(SLEEP)
    before = replace(process, started=process.started - 1)
    watch = Watch(before, way)
    assert watch.ended
    watch.signal(signal.SIGKILL)
    watch.close()
    assert end([before], 0.0)
    assert not Watch(process).wait(0.2)


def test_zombie_has_ended(start: Start) -> None:
    process, _line = start("import time; print(0, flush=True); time.sleep(0.5)")
    deadline = time.monotonic() + 10
    while find_process(process.pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT) is not None
    assert Watch(process, refuse).ended


def test_what_cannot_be_seen_from_here() -> None:
    own = this_process()
    name, boot, space = own.machine.split()
    assert lives(own) is True
    assert lives(replace(own, machine=f"{name} {boot} pid:[1]")) is None
    assert lives(replace(own, machine=f"other {boot} {space}")) is True, "its name may be changed while it runs"
    assert lives(replace(own, machine=f"other before {space}")) is None
    assert lives(replace(own, machine=f"{name} before {space}")) is False


def test_record_is_read_again() -> None:
    assert read_process(this_process().record()) == this_process()


def test_name_of_a_process_may_hold_anything(start: Start) -> None:
    program = "open('/proc/self/comm', 'w').write('a) Z 1 (b'); " + SLEEP
    process, _line = start(program)
    assert lives(process) is True
    assert all_processes()[process] == os.getpid()


def test_worker_that_has_a_session_of_its_own_is_found(start: Start) -> None:
    run, line = start(RUN, SLEEP, "import time; time.sleep(60)")
    assert [one.pid for one in descendants(run)] == [int(line)]
    worker = descendants(run)[0]
    began = time.monotonic()
    assert end_run(run, 10)
    assert time.monotonic() - began < 5
    assert lives(run) is lives(worker) is False


def test_run_and_worker_that_do_not_listen_are_killed(start: Start) -> None:
    run, line = start(
        RUN, DEAF, "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    )
    worker = find_process(int(line))
    assert worker is not None
    time.sleep(0.2)
    began = time.monotonic()
    assert end_run(run, 1.0)
    assert 0.9 < time.monotonic() - began < 4
    assert lives(run) is lives(worker) is False


BUSY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.getpid(), flush=True)
for _number in range(500):
    if not os.fork():
        os.setsid()
        time.sleep(30)
        os._exit(0)
    time.sleep(0.001)
time.sleep(60)
"""


def test_worker_that_is_just_started_is_found_too(start: Start) -> None:
    run, _line = start(BUSY, "a-busy-run")
    assert end_run(run, 0.2)
    time.sleep(0.1)
    assert [one for one in all_processes() if "a-busy-run" in command(one)] == []


def command(process: Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_text(errors="replace")
    except OSError:
        return ""


@WAYS
def test_program_of_another_user_is_not_ended(
    start: Start, way: Callable[[int], int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse_signal(_process: int, _number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    process, _line = start(SLEEP)
    watch = Watch(process, way)
    monkeypatch.setattr(os, "kill", refuse_signal)
    monkeypatch.setattr(signal, "pidfd_send_signal", refuse_signal)
    watch.signal(signal.SIGKILL)
    assert not watch.wait(0.2)
    assert not end([process], 0.0)
    monkeypatch.undo()
    watch.close()


def test_nobody_ends_itself() -> None:
    assert end([this_process()], 0.0)


def test_processes_of_others_that_are_hidden_are_passed_over(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `hidepid=1` their folders are listed, and their status cannot be read."""
    process, _line = start(SLEEP)
    read_text = Path.read_text

    def hide(path: Path, *args: Any, **options: Any) -> str:
        if path.name == "stat" and path.parent.name == "1":
            raise PermissionError(13, "Permission denied")
        return read_text(path, *args, **options)

    monkeypatch.setattr(Path, "read_text", hide)
    assert process in all_processes()
    assert process in descendants(this_process())
    assert lives(replace(process, pid=1)) is False
