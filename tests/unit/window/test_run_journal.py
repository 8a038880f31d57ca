# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which journal belongs to a run, and when it gets no other one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window import run_journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import JournalError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import OverError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import Process, this_process
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.run_journal import (
    begin_journal,
    beginning,
    default_folder,
    find_journal,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.taken_hosts import refuse_closed
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_orders import WindowError
from tests.unit.window.rows import wvd

PLAY, OTHER_PLAY = "000000000001", "000000000002"


def begin(folder: Path, process: Process, part: str = PLAY) -> Journal:
    return begin_journal(folder, process, part, "wvd", "here", "", folder / "machine")


def test_all_waves_of_a_play_have_one_journal_and_other_plays_and_runs_their_own(tmp_path: Path) -> None:
    this = this_process()
    other = Process(this.pid + 1, this.started, this.machine)
    begun = [begin(tmp_path, this), begin(tmp_path, this, OTHER_PLAY), begin(tmp_path, other)]
    asked = ((this, PLAY), (this, OTHER_PLAY), (other, PLAY))
    found = [find_journal(tmp_path, process, part) for process, part in asked]
    assert [one and one.path for one in found] == [one.path for one in begun]
    assert find_journal(tmp_path, other, OTHER_PLAY) is None


def test_play_whose_window_is_over_begins_no_other_one(tmp_path: Path) -> None:
    """The latest time came between two waves: nothing was to be opened, so the guard has finished."""
    this = this_process()
    journal = begin(tmp_path, this)
    guard = Journal(journal.path, "guard")
    guard.over("the run was still at work at its latest time")
    guard.finished()
    assert find_journal(tmp_path, this, PLAY) is None
    with pytest.raises(OverError, match="latest time"):
        begin(tmp_path, this)
    begin(tmp_path, this, OTHER_PLAY)


@pytest.mark.parametrize(
    ("process", "says"),
    [
        (this_process(), "at work, or its guard"),
        (replace(this_process(), started=1), "earlier run that did not open it again"),
        (replace(this_process(), machine="job-7 other-boot pid:[1]"), "on here since .* cannot be seen .* wait"),
    ],
    ids=["lives", "dead", "elsewhere"],
)
def test_host_of_another_run_is_refused_with_what_is_known_of_it(tmp_path: Path, process: Process, says: str) -> None:
    """One in another container may be at work: nobody is told to open its hosts at once."""
    begin(tmp_path, process).closing([wvd(0)])
    with pytest.raises(WindowError, match=says):
        refuse_closed(tmp_path, tmp_path / "machine", None, [wvd(0)])
    refuse_closed(tmp_path, tmp_path / "machine", None, [wvd(1)])


def test_closed_host_is_refused_beside_an_open_namesake_when_a_journal_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "torn.jsonl").write_text("?")
    closed = {**wvd(0), "allow_new_session": False}
    opened = {**wvd(0), "host_pool_name": "other", "allow_new_session": True}
    for rows in ([closed, opened], [opened, closed]):
        with pytest.raises(WindowError, match="not known by whom"):
            refuse_closed(tmp_path, tmp_path / "machine", None, rows)


def test_user_without_a_home_must_say_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", fail)
    with pytest.raises(JournalError, match="journal must say where"):
        default_folder({})
    assert default_folder({"XDG_STATE_HOME": "/var/lib/x"}) == Path("/var/lib/x/remotedesktop.sessions")


def test_run_that_is_stopped_while_it_begins_keeps_no_other_waiting_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_journal, "BEGIN_SECONDS", 0.1)
    with beginning(tmp_path), pytest.raises(JournalError, match="has been beginning"), beginning(tmp_path):
        pass
    with beginning(tmp_path):
        pass


def test_journal_of_an_earlier_play_of_this_run_is_told_from_that_of_another_run(tmp_path: Path) -> None:
    begin(tmp_path, this_process()).closing([wvd(0)])
    own = begin(tmp_path, this_process(), OTHER_PLAY)
    with pytest.raises(WindowError, match="closed by an earlier play of this run"):
        refuse_closed(tmp_path, tmp_path / "machine", own, [wvd(0)])


def test_run_is_known_by_another_name_of_its_machine(tmp_path: Path) -> None:
    this = this_process()
    _name, boot, space = this.machine.split()
    journal = begin(tmp_path, replace(this, machine=f"before {boot} {space}"))
    found = find_journal(tmp_path, this, PLAY)
    assert found is not None
    assert found.path == journal.path
