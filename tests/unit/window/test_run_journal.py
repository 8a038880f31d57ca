# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which journal belongs to a run, and when it gets no other one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import OverError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import Process, this_process
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.run_journal import (
    begin_journal,
    find_journal,
)

PLAY, OTHER_PLAY = "000000000001", "000000000002"


def begin(folder: Path, process: Process, part: str = PLAY) -> Journal:
    return begin_journal(folder, process, part, "wvd", "here", "")


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
