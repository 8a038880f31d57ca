# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a run: what is in it, what survives, and what it refuses."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window import journal as module
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window import process_life
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import (
    Journal,
    read_journal,
    unfinished,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header, JournalError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import acting
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import this_process
from tests.unit.window.rows import rds, wvd


def header(run: str = "run-1", **fields: Any) -> Header:
    return replace(Header(run, this_process(), "wvd", "2026-11-26T02:00:00Z", "controller-1"), **fields)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "windows"


@pytest.fixture
def journal(folder: Path) -> Journal:
    return Journal.create(folder, header())


def hosts(rows: Sequence[Any]) -> list[str]:
    return [row["host"].partition(".")[0] for row in rows]


def test_folder_and_files_are_for_us_alone(journal: Journal, folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert journal.path == folder / "run-1.jsonl"
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_header_says_whose_it_is(journal: Journal) -> None:
    first = json.loads(journal.path.read_text().splitlines()[0])
    assert (first["record"], first["version"], first["run"]) == ("header", 1, "run-1")
    assert journal.read().header == header()


def test_course_of_a_window(journal: Journal) -> None:
    journal.closing([wvd(0), wvd(1, allowed=False), wvd(2)])
    assert hosts(journal.read().to_open()) == ["avd-0", "avd-1", "avd-2"]
    journal.closed([wvd(0, allowed=False)])
    journal.opened([wvd(0)])
    journal.left_closed([wvd(2)], "its work failed")
    state = journal.read()
    assert [host.closed for host in state.hosts.values()] == [True, False, False]
    assert [row["allow_new_session"] for row in state.to_open()] == [False]
    assert state.hosts["wvd", "s", "rg-avd", "pool-01", "avd-2.contoso.com"].why == "its work failed"
    assert not state.over
    assert not state.finished
    journal.finished()
    assert journal.read().finished


def test_what_the_guard_gives_up_is_still_to_be_opened(journal: Journal) -> None:
    journal.closing([wvd(0), wvd(1)])
    guard = Journal(journal.path, "guard")
    guard.guarded(this_process())
    guard.over("the run has ended")
    guard.opened([wvd(1)])
    guard.left_closed([wvd(0)], "Azure does not answer.")
    state = journal.read()
    assert hosts(state.to_open()) == ["avd-0"]
    assert (state.over_by, state.over_why, state.guard) == ("guard", "the run has ended", this_process())
    assert [one["record"] for one in state.done_by("guard")] == ["guard", "over", "opened", "left_closed"]


def test_state_before_is_the_one_of_the_first_close(journal: Journal) -> None:
    journal.closing([wvd(0)])
    journal.closing([wvd(0, allowed=False)])
    assert [row["allow_new_session"] for row in journal.read().to_open()] == [True]


def test_host_that_was_opened_may_be_closed_again(journal: Journal) -> None:
    journal.closing([wvd(0)])
    journal.opened([wvd(0)])
    journal.closing([wvd(0, allowed=False)])
    assert [row["allow_new_session"] for row in journal.read().to_open()] == [False]


def test_host_left_closed_and_closed_once_more_is_to_be_opened(journal: Journal) -> None:
    journal.closing([wvd(0)])
    journal.left_closed([wvd(0)], "its work failed")
    journal.closing([wvd(0, allowed=False)])
    assert [row["allow_new_session"] for row in journal.read().to_open()] == [True]


def test_host_outlasts_its_play_as_its_last_close_says_until_it_is_opened(journal: Journal) -> None:
    journal.closing([wvd(0)], within_play=True)
    assert not journal.read().outlasts_play()
    journal.closing([wvd(1)])
    assert journal.read().outlasts_play()
    journal.opened([wvd(1)])
    assert not journal.read().outlasts_play()
    journal.closing([wvd(0)], within_play=False)
    assert journal.read().outlasts_play()


def test_hosts_of_other_batches_are_told_from_those_of_this_one(journal: Journal) -> None:
    for number, batch in enumerate(("a", "b", "b", "")):
        journal.closing([wvd(number)], batch=batch)
    journal.opened([wvd(2)])
    assert hosts(journal.read().of_other_batches("a")) == ["avd-1"]
    assert hosts(journal.read().of_other_batches("b")) == ["avd-0"]


def test_names_compare_without_case(journal: Journal) -> None:
    journal.closing([rds(0)])
    journal.opened([rds(0, host="RDSH-0.Contoso.com")])
    assert journal.read().to_open() == []


def test_only_what_names_a_host_and_its_state_is_written(journal: Journal) -> None:
    journal.closing([wvd(0, password="s3cret", status="Available", tags={"a": 1}), rds(0, token="s3cret")])
    assert "s3cret" not in journal.path.read_text()
    rows = [{name: value for name, value in wvd(0).items() if name != "sessions"}, rds(0)]
    assert journal.read().to_open() == [{**row, "unclear": True} for row in rows]
    journal.closed(rows)
    assert journal.read().to_open() == rows


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (wvd(0, allow_new_session=None), "state of session host avd-0.contoso.com is not known"),
        (rds(0, new_connection_allowed=None), "state of session host rdsh-0.contoso.com is not known"),
        (wvd(0, host=""), "names no host"),
        (wvd(0, service="wms"), "service 'wms'"),
    ],
)
def test_row_that_could_not_be_restored_is_refused(journal: Journal, row: dict[str, Any], words: str) -> None:
    before = journal.path.read_text()
    with pytest.raises(JournalError, match=words):
        journal.closing([row])
    assert journal.path.read_text() == before


def test_each_record_is_one_write_of_a_line_and_on_the_disk(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []
    write, sync = os.write, os.fsync

    def write_once(descriptor: int, data: bytes) -> int:
        done.append(data)
        return write(descriptor, data)

    def sync_once(descriptor: int) -> None:
        done.append("on the disk")
        sync(descriptor)

    monkeypatch.setattr(os, "write", write_once)
    monkeypatch.setattr(os, "fsync", sync_once)
    journal.closing([wvd(number) for number in range(200)])
    line, synced = done
    assert isinstance(line, bytes)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert synced == "on the disk"


def test_torn_last_line_is_survived(journal: Journal) -> None:
    journal.closing([wvd(0)])
    whole = journal.path.read_bytes()
    journal.closing([wvd(1)])
    for length in range(len(whole) + 1, journal.path.stat().st_size - 1, 7):
        torn = journal.path.with_name("torn.jsonl")
        torn.write_bytes(journal.path.read_bytes()[:length])
        assert hosts(read_journal(torn).to_open()) == ["avd-0"]
        assert read_journal(torn).unreadable == 1
        again = Journal(torn)
        again.closing([wvd(2)])
        again.opened([wvd(0)])
        assert hosts(again.read().to_open()) == ["avd-2"]


def test_record_of_a_kind_that_is_not_known_is_passed_over(journal: Journal) -> None:
    with journal.path.open("a") as file:
        file.write(json.dumps({"record": "sealed", "by": "run", "time": ""}) + "\n")
    journal.closing([wvd(0)])
    assert hosts(journal.read().to_open()) == ["avd-0"]


def test_another_version_is_told(journal: Journal) -> None:
    journal.path.write_text(journal.path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(
        JournalError, match="is a journal of version 2, and this release of the collection reads version 1"
    ):
        journal.read()


@pytest.mark.parametrize(
    "text", ["", "\n", "[]\n", '{"record": "closing"}\n', '{"record": "header", "version": 1}\n', "\x00"]
)
def test_what_is_no_journal_is_told(journal: Journal, text: str) -> None:
    journal.path.write_text(text)
    with pytest.raises(JournalError, match="is no journal of a maintenance window"):
        journal.read()


@pytest.mark.parametrize("run", ["", "../x", "a/b", ".", "x" * 65])
def test_run_id_that_is_no_name_of_a_file(folder: Path, run: str) -> None:
    with pytest.raises(JournalError, match="id of a run"):
        Journal.create(folder, header(run))


def test_run_has_one_journal(journal: Journal, folder: Path) -> None:
    with pytest.raises(JournalError, match="cannot be used: File exists"):
        Journal.create(folder, header())


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_folder_that_others_may_write_is_refused(folder: Path, mode: int) -> None:
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with pytest.raises(JournalError, match="Others may write in"):
        Journal.create(folder, header())
    assert list(folder.iterdir()) == []


def test_folder_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"needs .*windows, which cannot be used"):
        Journal.create(tmp_path / "file" / "windows", header())


def test_file_that_others_may_write_is_refused(journal: Journal) -> None:
    journal.path.chmod(0o620)
    with pytest.raises(JournalError, match="Others may write"):
        journal.closing([wvd(0)])


def test_link_is_refused(journal: Journal) -> None:
    target = journal.path.with_name("elsewhere")
    journal.path.rename(target)
    journal.path.symlink_to(target)
    with pytest.raises(JournalError, match="cannot be used"):
        journal.closing([wvd(0)])


def test_full_disk_is_told_before_anything_is_closed(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    write: Callable[[int, bytes], int] = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:9]))
        with pytest.raises(JournalError, match="disk is full"):
            journal.closing([wvd(0)])

    def refuse(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", refuse)
        with pytest.raises(JournalError, match="No space left on device"):
            journal.closing([wvd(1)])
    journal.closing([wvd(2)])
    assert hosts(journal.read().to_open()) == ["avd-2"]


WRITER = """
import sys
from pathlib import Path
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from tests.unit.window.rows import wvd
journal = Journal(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), int(sys.argv[2]) + 40):
    journal.closing([wvd(number)])
"""


def test_several_processes_write_at_once(journal: Journal) -> None:
    command = [sys.executable, "-c", WRITER, str(journal.path)]
    writers = [subprocess.Popen([*command, str(first)]) for first in (100, 200, 300)]
    assert [one.wait(30) for one in writers] == [0, 0, 0]
    state = journal.read()
    assert state.unreadable == 0
    assert len(state.to_open()) == 120


def test_unfinished_journals_of_other_runs(folder: Path) -> None:
    ours, theirs, done, opened, left = (
        Journal.create(folder, header(run)) for run in ("ours", "theirs", "done", "opened", "left")
    )
    for journal in (ours, theirs, done, opened, left):
        journal.closing([wvd(0), wvd(1)])
    done.finished()
    opened.opened([wvd(0), wvd(1)])
    left.left_closed([wvd(0), wvd(1)], "its work failed")
    (folder / "broken.jsonl").write_text("")
    found, errors = unfinished(folder, but="ours")
    assert list(found) == [theirs.path]
    assert [error for error in errors if "broken.jsonl" in error] == errors
    assert len(errors) == 1
    state = found[theirs.path]
    assert hosts(state.means([wvd(1, allowed=False, host="AVD-1.contoso.com"), wvd(2)])) == ["avd-1"]
    assert [row["allow_new_session"] for row in state.means([wvd(1, allowed=False)])] == [True]
    assert state.means([wvd(1, host_pool_name="pool-02")]) == []
    assert unfinished(folder / "none") == ({}, [])


def test_whether_a_journal_is_worked_on(folder: Path) -> None:
    here = this_process()
    gone = replace(here, started=here.started - 1)
    far = replace(here, machine="another 1234 pid:[1]")
    before = replace(here, machine=" ".join([here.machine.split()[0], "boot", "pid:[1]"]))
    seen = []
    for number, (run, guard) in enumerate(
        [(here, gone), (gone, here), (gone, gone), (far, gone), (far, here), (before, gone)]
    ):
        journal = Journal.create(folder, header(f"run-{number}", process=run))
        journal.guarded(guard)
        seen.append(journal.read().is_worked_on())
    assert seen == [True, True, False, None, True, False]


def test_system_that_shows_no_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Journal.create(folder, header("before"))
    monkeypatch.setattr(process_life, "PROC", folder / "proc")
    journal = Journal.create(folder, header())
    with acting(journal):
        journal.closing([wvd(0)])
    assert [journal.read().is_worked_on(), before.read().is_worked_on()] == [None, None]
    monkeypatch.undo()
    assert [journal.read().is_worked_on(), before.read().is_worked_on()] == [None, True]


def test_journal_that_is_not_there(folder: Path) -> None:
    with pytest.raises(JournalError, match="cannot be used: No such file"):
        Journal(folder / "run.jsonl")


def test_clock_is_in_each_record(folder: Path) -> None:
    times = iter(module.now().replace(hour=hour) for hour in range(24))
    journal = Journal.create(folder, header(), clock=lambda: next(times))
    journal.finished()
    assert [json.loads(line)["time"][11:13] for line in journal.path.read_text().splitlines()] == ["00", "01"]


def test_disk_that_is_full_at_the_header_leaves_no_journal(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(JournalError, match="No space left"):
        Journal.create(folder, header())
    assert list(folder.iterdir()) == []
