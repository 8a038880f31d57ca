# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard, by real processes: the run is killed in every way, and the guard opens what it has closed."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window import process_life
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.duty import Orders
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.guard import GuardError, start
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal, read_journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header, JournalState
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import (
    find_process,
    this_process,
)
from tests.unit.window.played_run import HOSTS

SECRET = "s3cret-of-the-service"
BEGINS = 2.0


@dataclass
class Played:
    """A run in a session of its own."""

    folder: Path
    process: subprocess.Popen[bytes]
    said: dict[str, Any] = field(default_factory=dict)
    killed: float = 0.0

    @property
    def guard(self) -> int:
        return int(self.said["guard"])

    @property
    def journal(self) -> JournalState:
        return read_journal(self.folder / "windows" / "run-1.jsonl")

    def service(self, what: str) -> list[dict[str, Any]]:
        path = self.folder / "service.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [entry for entry in map(json.loads, lines) if entry["what"] == what]

    def kill(self, number: int, group: bool = False) -> None:
        self.killed = time.time()
        (os.killpg if group else os.kill)(self.process.pid, number)

    def when(self, record: str) -> float:
        (time_,) = [one["time"] for one in self.journal.written if one["record"] == record]
        return datetime.fromisoformat(time_.replace("Z", "+00:00")).timestamp()

    def wait_for(self, what: Callable[[], object], seconds: float = 20.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.journal.written, self.service("called"))
            time.sleep(0.02)

    def wait_for_end_of_guard(self) -> None:
        self.wait_for(lambda: find_process(self.guard) is None)

    def expect_opened(self) -> None:
        """All hosts have been opened once, to the state before, by the guard, and nothing is left."""
        self.wait_for_end_of_guard()
        opened = self.service("open")
        assert [(one["host"][:5], one["state"]) for one in opened] == [
            ("avd-0", True),
            ("avd-1", False),
            ("avd-2", True),
        ]
        assert {one["pid"] for one in opened} == {self.guard}
        assert {one["signed"] for one in opened} == {hashlib.sha256(SECRET.encode()).hexdigest()}
        state = self.journal
        assert (state.over_by, state.finished_by, state.to_open()) == ("guard", "guard", [])
        assert find_process(int(self.said["worker"])) is None
        assert sorted(path.name for path in (self.folder / "windows").iterdir()) == ["run-1.jsonl"]


Play = Callable[..., Played]


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    """Begin a run; when this returns it has closed its hosts, or said why not."""
    played: list[Played] = []

    def begin(**options: Any) -> Played:
        folder = tmp_path / f"run-{len(played)}"
        folder.mkdir()
        command = [sys.executable, "-m", "tests.unit.window.played_run", json.dumps({"folder": str(folder), **options})]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        one = Played(folder, process)
        played.append(one)
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{SECRET}\n".encode())
        process.stdin.close()
        one.said = json.loads(process.stdout.readline())
        return one

    yield begin
    for one in played:
        for pid in (one.said.get("guard"), one.said.get("worker"), one.process.pid):
            if pid is not None:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        one.process.wait()
        assert one.process.stdout
        one.process.stdout.close()


@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_run_is_killed(play: Play, number: int, group: bool) -> None:
    run = play()
    run.kill(number, group)
    run.process.wait(10)
    run.expect_opened()
    assert run.when("over") - run.killed < BEGINS


def test_run_ends_by_itself_without_having_opened(play: Play) -> None:
    run = play(ends=True)
    assert run.process.wait(10) == 0
    run.expect_opened()


def test_nothing_is_left_after_a_good_end(play: Play) -> None:
    run = play(finishes=True)
    run.wait_for_end_of_guard()
    assert run.process.poll() is None
    assert len(run.service("called")) == 1
    assert not run.journal.over
    assert sorted(path.name for path in (run.folder / "windows").iterdir()) == ["run-1.jsonl"]


def test_worker_at_work_is_ended_before_anything_is_opened(play: Play) -> None:
    run = play(at_work=True, step_seconds=1.0)
    run.wait_for(lambda: run.service("end a session"))
    run.kill(signal.SIGKILL, group=True)
    run.expect_opened()
    assert run.when("over") - run.killed < BEGINS
    assert max(one["time"] for one in run.service("end a session")) < min(one["time"] for one in run.service("called"))
    assert run.when("finished") - run.killed < 15


def test_worker_that_comes_late_closes_nothing(play: Play) -> None:
    run = play(tries_later=0.8)
    run.kill(signal.SIGKILL)
    run.wait_for_end_of_guard()
    run.wait_for(lambda: find_process(int(run.said["worker"])) is None)
    assert len(run.service("open")) == len(run.service("close")) == HOSTS


@pytest.mark.parametrize("trouble", ["raises", "fails"])
def test_service_is_out_of_order_for_a_while(play: Play, trouble: str) -> None:
    run = play(**{trouble: 3})
    run.kill(signal.SIGKILL)
    run.expect_opened()
    assert len(run.service("called")) == 4
    (why,) = [one["why"] for one in run.journal.done_by("guard") if one["record"] == "trouble"]
    assert why.startswith(
        {"raises": "It has failed with ConnectionError (played_run.py, line ", "fails": "503"}[trouble]
    )


def test_patience_ends_and_the_journal_says_what_is_closed(play: Play) -> None:
    run = play(raises=1000, patience=0.8)
    run.kill(signal.SIGKILL)
    run.wait_for_end_of_guard()
    state = run.journal
    assert not state.finished
    assert len(state.to_open()) == HOSTS
    assert {host.left_by for host in state.hosts.values()} == {"guard"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_guard_takes_no_notice_of_signals(play: Play, number: int) -> None:
    run = play(slow=0.6)
    os.kill(run.guard, number)
    run.kill(signal.SIGKILL)
    run.wait_for(lambda: run.service("called"))
    for _time in range(5):
        os.kill(run.guard, number)
        time.sleep(0.05)
    run.expect_opened()


def test_nothing_of_the_run_stays_open(play: Play) -> None:
    run = play(slow=2.0)
    run.wait_for(lambda: find_process(int(run.said["worker"])) is None)
    held = {path.readlink().as_posix() for path in Path(f"/proc/{run.guard}/fd").iterdir()}
    own = {str(run.folder / "windows" / name) for name in ("run-1.lock", "run-1.guard")}
    assert held - {"anon_inode:[pidfd]"} == {"/dev/null", *own}
    run.kill(signal.SIGKILL)
    began = time.monotonic()
    assert run.process.stdout
    assert run.process.stdout.read() == b""
    assert time.monotonic() - began < 1
    assert find_process(run.guard) is not None


def test_nothing_of_the_worker_handles_signals(play: Play) -> None:
    (said,) = play().service("detached")
    assert said["usual"]


def test_guard_is_a_process_by_itself(play: Play) -> None:
    run = play()
    status = Path(f"/proc/{run.guard}/stat").read_text().rpartition(")")[2].split()
    _state, parent, group, session = status[:4]
    assert int(parent) not in (run.process.pid, run.said["worker"])
    assert group == session
    assert int(session) not in (run.guard, run.process.pid, run.said["worker"])
    assert Path(f"/proc/{run.guard}/comm").read_text().strip() == "session-guard"
    assert Path(f"/proc/{run.guard}/environ").read_bytes() == Path(f"/proc/{run.process.pid}/environ").read_bytes()
    family = [path for path in Path("/proc").iterdir() if path.name.isdecimal() and is_zombie(path)]
    assert family == []


def is_zombie(path: Path) -> bool:
    """Whether it is one of the sessions that this test has started."""
    try:
        status = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return status[0] == "Z" and int(status[1]) == os.getpid()


def test_no_secret_in_a_file_argument_or_environment(play: Play) -> None:
    run = play(raises=2, slow=0.3)
    for name in ("cmdline", "environ", "comm"):
        assert SECRET.encode() not in Path(f"/proc/{run.guard}/{name}").read_bytes()
    run.kill(signal.SIGKILL)
    run.wait_for(lambda: run.service("called"))
    files = [path for path in run.folder.rglob("*") if path.is_file()]
    assert len(files) >= 4
    assert not any(SECRET in path.read_text() for path in files)
    run.expect_opened()
    assert not any(SECRET in path.read_text() for path in run.folder.rglob("*") if path.is_file())


def test_own_folder_for_temporary_files(play: Play) -> None:
    run = play()
    (said,) = run.service("detached")
    assert len(set(said["temporary"])) == 1
    folder = Path(said["temporary"][0])
    assert folder.parent == run.folder / "windows"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert said["umask"] == 0o077
    assert said["pid"] == run.guard
    run.kill(signal.SIGKILL)
    run.expect_opened()
    assert not folder.exists()


@pytest.mark.parametrize("deaf", [False, True])
def test_latest_ends_the_run_and_its_worker(play: Play, deaf: bool) -> None:
    run = play(latest_in=0.6, at_work=True, deaf=deaf, end_seconds=1.5, step_seconds=0.2)
    began = time.monotonic()
    assert run.process.wait(20) == (-signal.SIGKILL if deaf else -signal.SIGTERM)
    assert (time.monotonic() - began > 1.9) is deaf
    run.expect_opened()
    assert run.journal.over_why == "the run was still at work at its latest time"


def test_latest_only_warns(play: Play) -> None:
    run = play(latest_in=0.3, latest_action="warn")
    run.wait_for(lambda: [one for one in run.journal.written if one["record"] == "late"])
    time.sleep(1.2)
    assert run.process.poll() is None
    assert find_process(run.guard) is not None
    assert not run.journal.over
    run.kill(signal.SIGKILL)
    run.expect_opened()


def test_latest_leaves_a_run_alone_that_has_closed_nothing(play: Play) -> None:
    run = play(latest_in=0.3, idle=True)
    run.wait_for_end_of_guard()
    assert run.process.poll() is None
    assert run.journal.over
    assert run.service("called") == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"detach": "fails"}, "so nothing is closed: RuntimeError('no way')."),
        ({"detach": "hangs", "ready": 0.4}, "so nothing is closed: it was not ready in 0.4 seconds."),
    ],
)
def test_guard_that_does_not_get_ready_is_an_error_and_leaves_nothing(
    play: Play, options: dict[str, Any], words: str
) -> None:
    run = play(**options)
    assert run.said["error"].endswith(words)
    (said,) = run.service("detached")
    run.wait_for(lambda: find_process(said["pid"]) is None)
    assert run.service("close") == []
    assert [path.name for path in (run.folder / "windows").iterdir()] == ["run-1.jsonl"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": 0o622}, "Others may write"),
        ({"refuse": ["pipe2", "own"]}, "so nothing is closed: Resource temporarily unavailable."),
        ({"refuse": ["fork", "own"]}, "so nothing is closed: Resource temporarily unavailable."),
        ({"refuse": ["fork", "middle"]}, "so nothing is closed: Resource temporarily unavailable."),
        ({"refuse": ["setsid", "middle"]}, "so nothing is closed: Resource temporarily unavailable."),
        ({"refuse": ["dup2", "guard"]}, "so nothing is closed: Resource temporarily unavailable."),
        ({"refuse": ["mkdir", "guard"]}, "so nothing is closed: Resource temporarily unavailable."),
    ],
)
def test_guard_that_cannot_be_started_is_an_error_and_leaves_nothing(
    play: Play, options: dict[str, Any], words: str
) -> None:
    run = play(**options)
    assert words in run.said["error"]
    assert run.said["children"] == run.said["blocked"] == []
    assert run.said["more"] == 0
    assert run.service("close") == run.service("detached") == []
    assert [path.name for path in (run.folder / "windows").iterdir()] == ["run-1.jsonl"]


def test_pidfd_that_is_refused_is_done_without(play: Play) -> None:
    run = play(refuse=["pidfd_open", "guard"])
    run.kill(signal.SIGKILL)
    run.expect_opened()
    assert run.when("over") - run.killed < BEGINS


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return Journal.create(tmp_path / "windows", Header("run-1", this_process(), "wvd", "", "here")).path


def begin(journal: Path) -> None:
    start(journal, Orders(lambda _rows: []), lambda _folder: None)


def test_signals_wait_while_it_forks(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of the worker would act on the worker's group in the fork, too."""
    blocked: set[int] = set()

    def refuse() -> int:
        blocked.update(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    with pytest.raises(GuardError):
        begin(journal)
    assert blocked >= {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def test_system_without_proc(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_life, "PROC", journal.parent / "proc")
    with pytest.raises(GuardError, match="so nothing is closed: it needs Linux"):
        begin(journal)


def test_other_threads(journal: Path) -> None:
    done = threading.Event()
    other = threading.Thread(target=done.wait, name="pool-1")
    other.start()
    try:
        with pytest.raises(GuardError, match=r"other threads are at work \(.*pool-1"):
            begin(journal)
    finally:
        done.set()
        other.join()


def test_unknown_action(journal: Path) -> None:
    with pytest.raises(GuardError, match="latest action is 'stop'"):
        start(journal, Orders(lambda _rows: [], latest_action="stop"), lambda _folder: None)
