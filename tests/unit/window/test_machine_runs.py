# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run refuses what other runs of the machine have closed, in whatever folder these keep their journals."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window import machine_runs
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import JournalError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.machine_runs import (
    DEFAULT,
    place_of_run,
    runs_folder,
    runs_of,
    show_closing,
    show_opened,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import Process, this_process
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.run_journal import (
    begin_journal,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.taken_hosts import refuse_closed
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_orders import WindowError
from tests.unit.window.rows import rds, wvd

RUN = this_process()
DEAD = replace(RUN, started=1)
AWAY = replace(RUN, machine="job-7 other-boot pid:[1]")
PART = "000000000001"
CLOSED = wvd(0, allowed=False)


class Machine:
    """A folder that all share, and users with folders of their own."""

    def __init__(self, folder: Path) -> None:
        self.shared = folder / "shared"
        self.shared.mkdir()
        self._folder = folder

    def begin(self, name: str = "one", process: Process = RUN) -> Journal:
        return begin_journal(self._folder / name, process, PART, "wvd", "here", "", self.shared)

    def refuse(self, row: dict[str, object], journal: Journal | None = None, name: str = "another") -> None:
        refuse_closed(self._folder / name, self.shared, journal, [row])

    def files(self) -> list[Path]:
        return list(self.shared.iterdir())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("row", [wvd(0), CLOSED], ids=["about to be closed", "closed"])
def test_host_of_a_run_at_work_is_refused_until_it_is_opened(machine: Machine, row: dict[str, object]) -> None:
    journal = machine.begin()
    machine.refuse(row)
    journal.closing([wvd(0), wvd(1)])
    with pytest.raises(WindowError, match=rf"avd-0.* user \S+ that is at work, .*process {RUN.pid}, {journal.path}"):
        machine.refuse(row)
    machine.refuse(wvd(2))
    machine.refuse(row, journal, "one")
    journal.opened([wvd(0)])
    machine.refuse(row)


def test_host_of_a_dead_run_is_refused_as_long_as_it_is_closed(machine: Machine) -> None:
    """Who has opened it may have had no right to write there."""
    journal = machine.begin(process=DEAD)
    journal.closing([wvd(0)])
    with pytest.raises(WindowError, match=rf"earlier run .*reopen_hosts from {journal.path} first"):
        machine.refuse(CLOSED)
    machine.refuse(wvd(0))


def test_run_is_at_work_as_long_as_its_guard_is(machine: Machine) -> None:
    journal = machine.begin(process=DEAD)
    Journal(journal.path, "guard").guarded(RUN)
    journal.closing([wvd(0)])
    with pytest.raises(WindowError, match="at work, or its guard"):
        machine.refuse(wvd(0))


def test_run_that_cannot_be_seen_may_be_at_work(machine: Machine) -> None:
    machine.begin(process=AWAY).closing([wvd(0)])
    with pytest.raises(WindowError, match="cannot be seen from here"):
        machine.refuse(wvd(0))


def test_what_other_users_do_is_not_seen_where_it_is_hidden(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.begin(process=DEAD).closing([wvd(0)])
    monkeypatch.setattr(machine_runs, "INIT", Path("/proc/nothing"))
    (run,) = runs_of(machine.shared)
    assert run.is_at_work() is False
    run.user += 1
    assert run.is_at_work() is None


def test_closed_again_after_it_was_opened(machine: Machine) -> None:
    journal = machine.begin()
    journal.closing([wvd(0)])
    journal.opened([wvd(0)])
    journal.closing([wvd(0)])
    with pytest.raises(WindowError):
        machine.refuse(wvd(0))


def test_what_the_run_leaves_closed_is_free_and_what_the_guard_gives_up_is_not(machine: Machine) -> None:
    journal = machine.begin()
    journal.closing([wvd(0), wvd(1)])
    journal.left_closed([wvd(0)], "its work failed")
    Journal(journal.path, "guard").left_closed([wvd(1)], "503")
    machine.refuse(CLOSED)
    with pytest.raises(WindowError):
        machine.refuse(wvd(1))


def test_file_goes_with_the_window(machine: Machine) -> None:
    journal = machine.begin()
    assert machine.files() == []
    journal.closing([wvd(0)])
    (file,) = machine.files()
    assert str(file) == journal.read().header.public
    journal.opened([wvd(0)])
    Journal(journal.path, "guard").finished()
    assert machine.files() == []


def test_next_run_removes_what_earlier_ones_have_left_for_nothing(machine: Machine) -> None:
    """Without a guard nobody finishes a journal."""
    for name, process in ("opened", DEAD), ("closed", DEAD), ("at work", RUN):
        journal = machine.begin(name, process)
        journal.closing([wvd(0)])
        if name != "closed":
            journal.opened([wvd(0)])
    machine.begin("next")
    left = {one.journal for one in runs_of(machine.shared)}
    assert {Path(one).parent.name for one in left} == {"closed", "at work"}


def test_others_can_read_it_and_it_names_no_host(machine: Machine) -> None:
    before = os.umask(0o077)
    try:
        machine.begin().closing([wvd(0), rds(0)])
    finally:
        os.umask(before)
    (file,) = machine.files()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert "contoso" not in file.read_text()
    assert "pool-01" not in file.read_text()


def test_names_compare_without_case(machine: Machine) -> None:
    machine.begin().closing([rds(0)])
    with pytest.raises(WindowError):
        machine.refuse(rds(0, host="RDSH-0.Contoso.com"))
    machine.refuse(rds(1))


@pytest.mark.parametrize("kind", ["garbage", "folder", "pipe", "link", "torn", "other form"])
def test_what_is_none_of_ours_is_passed_over(machine: Machine, kind: str) -> None:
    file = machine.shared / "remotedesktop.sessions.x.runs"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    elif kind == "link":
        file.symlink_to("/dev/zero")
    else:
        text = {"garbage": "\0\xff?\n[]\n5", "torn": '{"closing": ["', "other form": '{"closing": 5, "processes": [5]}'}
        file.write_text(text[kind])
    machine.refuse(CLOSED)
    machine.begin()


@pytest.mark.parametrize("kind", ["full", "somebody's"])
def test_nothing_is_closed_that_cannot_be_shown(machine: Machine, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = machine.begin()
    if kind == "full":
        Path(journal.read().header.public).symlink_to("/dev/full")
    else:
        Path(journal.read().header.public).write_text("")
        own = os.geteuid()
        monkeypatch.setattr(machine_runs.os, "geteuid", lambda: own + 1)
    with pytest.raises(JournalError, match="other users of this machine"):
        journal.closing([wvd(0)])


def test_opening_needs_no_such_file(machine: Machine) -> None:
    """It may have been cleaned away, or belong to another user."""
    journal = machine.begin()
    journal.closing([wvd(0)])
    machine.files()[0].unlink()
    journal.opened([wvd(0)])
    assert machine.files() == []
    assert journal.read().to_open() == []
    journal.closing([wvd(0)])
    with pytest.raises(WindowError):
        machine.refuse(wvd(0))


def test_machine_without_such_a_folder_is_no_obstacle(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    journal = begin_journal(tmp_path / "journals", RUN, PART, "wvd", "here", "", nowhere)
    assert journal.read().header.public == ""
    journal.closing([wvd(0)])
    refuse_closed(tmp_path / "other", nowhere, None, [wvd(0)])


def test_torn_line_does_not_take_the_next_one_with_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk was full when a host was opened; then there is room again."""
    journal = machine.begin()
    journal.closing([wvd(0)])
    write = os.write
    monkeypatch.setattr(machine_runs.os, "write", lambda file, data: write(file, data[:7]))
    show_opened(machine.files()[0], [wvd(0)])
    monkeypatch.undo()
    journal.closing([wvd(1)])
    with pytest.raises(WindowError, match="at work"):
        machine.refuse(wvd(1))


def test_file_that_is_just_being_made_is_not_removed_by_another_run(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = machine.begin()
    write = os.write

    def write_slowly(file: int, data: bytes) -> int:
        monkeypatch.undo()
        machine.begin("other")
        return write(file, data)

    public = Path(journal.read().header.public)
    monkeypatch.setattr(machine_runs.os, "write", write_slowly)
    show_closing(public, journal.path, [wvd(0)], [RUN])
    with pytest.raises(WindowError, match="at work"):
        machine.refuse(wvd(0))


def process(**more: object) -> str:
    record = {"pid": 1, "started": 1, "machine": "a b c", **more}
    return json.dumps({"closing": [], "journal": "x", "processes": [record]})


@pytest.mark.parametrize(
    "text", [process(machine=""), process(machine="a"), process(pid=float("inf")), process(pid=-1), "[" * 200_000]
)
def test_nonsense_of_others_keeps_nobody_from_a_window(machine: Machine, text: str) -> None:
    (machine.shared / "remotedesktop.sessions.x.runs").write_text(text + "\n")
    machine.begin()
    machine.refuse(CLOSED)
    assert [one.is_at_work() for one in runs_of(machine.shared)] in ([False], [None])


def test_pipe_in_its_place_keeps_no_guard_waiting(machine: Machine) -> None:
    journal = machine.begin()
    journal.closing([wvd(0)])
    (file,) = machine.files()
    file.unlink()
    os.mkfifo(file)
    journal.opened([wvd(0)])
    assert journal.read().to_open() == []


@pytest.mark.parametrize(("mode", "usable"), [(0o1777, True), (0o777, False), (0o770, True), (0o755, True)])
def test_folder_in_which_others_could_exchange_files_is_not_used(tmp_path: Path, mode: int, usable: bool) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(mode)
    assert (place_of_run(shared, tmp_path / "journal") is not None) is usable


def test_folder_that_may_not_be_looked_into_is_no_obstacle(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "glob", refuse)
    assert list(runs_of(machine.shared)) == []


def test_torn_line_does_not_hide_the_others(machine: Machine) -> None:
    journal = machine.begin()
    journal.closing([wvd(0)])
    (file,) = machine.files()
    with file.open("a") as out:
        out.write(json.dumps({"opened": []})[:-3] + "\n")
    journal.closing([wvd(1)])
    assert [len(one.hosts) for one in runs_of(machine.shared)] == [2]


def test_folder_is_that_of_the_environment_if_it_is_a_path() -> None:
    assert runs_folder({}) == runs_folder({"SESSION_WINDOW_RUNS": "here"}) == DEFAULT
    assert runs_folder({"SESSION_WINDOW_RUNS": "/run/windows"}) == Path("/run/windows")
