# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a run, held by real processes."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header, JournalError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import GuardLock, OverError, acting
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import (
    find_process,
    this_process,
)
from tests.unit.window.rows import wvd

HOLDER = """
import os, signal, sys, time
from pathlib import Path
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import acting
journal = Journal(Path(sys.argv[1]))
exec(sys.argv[2])
with acting(journal):
    print("holds", flush=True)
    exec(sys.argv[3])
print("left", flush=True)
"""
HANG = "time.sleep(60)"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"
FORK = """
if os.fork():
    os._exit(0)
time.sleep(60)
"""
Hold = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    folder = tmp_path / "windows"
    return Journal.create(folder, Header("run-1", this_process(), "wvd", "", "here"))


@pytest.fixture
def hold(journal: Journal) -> Iterator[Hold]:
    started: list[subprocess.Popen[str]] = []

    def begin(inside: str, before: str = "") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(journal.path), before, inside]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "holds\n"
        return process

    yield begin
    for process in started:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            pass
        process.wait()
        assert process.stdout
        process.stdout.close()


@pytest.fixture
def guard(journal: Journal) -> Iterator[GuardLock]:
    lock = GuardLock(journal.lock_path, end_seconds=0.5)
    yield lock
    lock.close()


def test_step_holds_it_and_leaves_it(journal: Journal, guard: GuardLock) -> None:
    with acting(journal):
        assert not guard.is_free()
    assert guard.is_free()
    assert journal.lock_path.stat().st_mode & 0o777 == 0o600


def test_step_that_fails_leaves_it(journal: Journal, guard: GuardLock) -> None:
    with pytest.raises(ZeroDivisionError), acting(journal):
        raise ZeroDivisionError
    assert guard.is_free()


def test_steps_share_it(journal: Journal, hold: Hold) -> None:
    hold(HANG)
    with acting(journal, 0.0):
        pass


@pytest.mark.parametrize(
    ("end", "words"), [("over", "the run of this .* because it is late"), ("finished", "is finished")]
)
def test_nothing_acts_when_it_is_over(journal: Journal, end: str, words: str) -> None:
    journal.over("it is late") if end == "over" else journal.finished()
    with pytest.raises(OverError, match=words), acting(journal):
        pytest.fail("it acts")
    assert not journal.lock_path.exists()


def test_nothing_acts_while_the_guard_has_it(journal: Journal, guard: GuardLock) -> None:
    assert guard.is_free()
    with pytest.raises(OverError, match="is opening its hosts"), acting(journal, 0.1):
        pytest.fail("it acts")


def test_step_that_has_waited_looks_again(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = fcntl.flock

    def lock_late(descriptor: int, kind: int) -> None:
        lock(descriptor, kind)
        journal.over("the run has ended")

    monkeypatch.setattr(fcntl, "flock", lock_late)
    with pytest.raises(OverError, match="because the run has ended"), acting(journal):
        pytest.fail("it acts")


def test_guard_waits_for_a_step_that_ends_by_itself(guard: GuardLock, hold: Hold) -> None:
    step = hold("time.sleep(0.7)")
    assert guard.take(10)
    assert step.stdout
    assert step.stdout.readline() == "left\n"


def test_guard_ends_all_that_hang_and_nobody_else(journal: Journal, guard: GuardLock, hold: Hold) -> None:
    hanging = [hold(HANG), hold(HANG, DEAF)]
    done = hold("pass", "import atexit; atexit.register(time.sleep, 60)")
    began = time.monotonic()
    assert guard.take(0.2)
    assert time.monotonic() - began < 6
    assert [one.wait(1) for one in hanging] == [-15, -9]
    assert done.poll() is None


@pytest.mark.parametrize("ticks", [0, -1])
def test_holder_is_known_by_its_start(journal: Journal, hold: Hold, ticks: int) -> None:
    step = hold(HANG)
    own = find_process(step.pid)
    assert own is not None
    lines = journal.lock_path.read_text()
    journal.lock_path.write_text(lines.replace(f'"started": {own.started}', f'"started": {own.started + ticks}'))
    ended: list[object] = []
    lock = GuardLock(journal.lock_path, lambda processes, _seconds: bool(ended.append(list(processes))), 0.2)
    assert not lock.take(0.0)
    # By what is written, and then by what the system says.
    assert ended == [[own] if not ticks else [], [own]]
    lock.close()


def test_fork_of_a_holder_is_found_and_nobody_who_has_the_file_open(
    journal: Journal, guard: GuardLock, hold: Hold
) -> None:
    with journal.lock_path.open() as file, subprocess.Popen(["sleep", "60"], stdin=file) as other:
        hold(FORK).wait(10)
        assert not guard.is_free()
        assert guard.take(0.0)
        assert other.poll() is None
        other.kill()


def test_holder_that_was_killed_holds_nothing(guard: GuardLock, hold: Hold) -> None:
    step = hold(HANG)
    step.kill()
    step.wait()
    assert guard.take(0.0)


def test_program_that_a_step_starts_does_not_hold_it(guard: GuardLock, hold: Hold) -> None:
    hold("import subprocess; subprocess.Popen(['sleep', '60']); os._exit(0)").wait(10)
    assert guard.is_free()


def test_torn_file_of_the_lock(journal: Journal, guard: GuardLock) -> None:
    journal.lock_path.write_text('{"pid": 1}\n[]\n{"pid": 1, "sta')
    with acting(journal):
        pass
    assert guard.take(0.0)


def test_file_system_that_does_not_lock_is_told(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _kind: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(JournalError, match=r"does not lock \(No locks available\)"), acting(journal):
        pytest.fail("it acts")


def test_nothing_is_closed_without_a_lock(journal: Journal) -> None:
    journal.lock_path.mkdir()
    with pytest.raises(JournalError, match="cannot be used"), acting(journal):
        journal.closing([wvd(0)])
    assert journal.read().to_open() == []
