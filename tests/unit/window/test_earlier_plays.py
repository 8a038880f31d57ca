# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier plays of a run have left closed is opened by their guards before a later one closes more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window import earlier_plays
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.earlier_plays import (
    OPEN_SECONDS,
    WHY,
    open_earlier_plays,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import Process, this_process
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.run_journal import begin_journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave import World
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_orders import WindowError
from tests.unit.window.rows import wvd

EARLIER, THIS = "000000000001", "000000000002"
RUN = this_process()
DEAD = replace(RUN, started=1)


class Clock:
    """A world whose time passes by sleeping; `then` is what happens after a while."""

    def __init__(self, then: Callable[[], object] = lambda: None, after: float = 1e9, lives: bool = True) -> None:
        self.time, self._then, self._after, self._lives = 0.0, then, after, lives

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        if self.time >= self._after:
            self._after = 1e9
            self._then()

    def world(self) -> World:
        return World(lambda: self.time, lambda: datetime.now(timezone.utc), self.sleep, lambda: self._lives)


def fail_by_warning(text: str) -> None:
    pytest.fail(text)


def begin(folder: Path, process: Process = RUN, guard: Process | None = RUN, within_play: bool = True) -> Journal:
    journal = begin_journal(folder, process, EARLIER, "wvd", "here", "", folder)
    if guard is not None:
        Journal(journal.path, "guard").guarded(guard)
    journal.closing([wvd(0)], within_play)
    return journal


def test_guard_is_told_and_waited_for(tmp_path: Path) -> None:
    journal = begin(tmp_path)
    guard = Journal(journal.path, "guard")

    def open_again() -> None:
        assert guard.read().over_why == WHY
        guard.opened([wvd(0)])
        guard.finished()

    clock = Clock(open_again, 3.0)
    open_earlier_plays(tmp_path, tmp_path, RUN, THIS, clock.world(), fail_by_warning)
    assert clock.time == 3.0


def test_guard_that_cannot_open_goes_on_and_is_waited_for_no_longer(tmp_path: Path) -> None:
    begin(tmp_path)
    clock = Clock()
    said: list[str] = []
    open_earlier_plays(tmp_path, tmp_path, RUN, THIS, clock.world(), said.append)
    assert clock.time == OPEN_SECONDS
    (text,) = said
    assert "avd-0.contoso.com closed, and its guard could not" in text


def test_run_that_has_ended_waits_no_longer(tmp_path: Path) -> None:
    begin(tmp_path)
    clock = Clock(lives=False)
    with pytest.raises(WindowError, match="not begun"):
        open_earlier_plays(tmp_path, tmp_path, RUN, THIS, clock.world(), fail_by_warning)
    assert clock.time == 0.0


@pytest.mark.parametrize("guard", [None, DEAD])
def test_window_without_a_guard_is_left_to_people(tmp_path: Path, guard: Process | None) -> None:
    begin(tmp_path, guard=guard)
    with pytest.raises(WindowError, match=r"avd-0\.contoso\.com closed, .*reopen_hosts"):
        open_earlier_plays(tmp_path, tmp_path, RUN, THIS, Clock().world(), fail_by_warning)


def test_guard_that_has_just_finished_is_not_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the reading of the journal and the look at it."""
    guard = Journal(begin(tmp_path).path, "guard")

    def finish(_process: object) -> bool:
        guard.opened([wvd(0)])
        guard.finished()
        return False

    monkeypatch.setattr(earlier_plays, "lives", finish)
    open_earlier_plays(tmp_path, tmp_path, RUN, THIS, Clock().world(), fail_by_warning)


@pytest.mark.parametrize(("process", "found"), [(RUN, True), (DEAD, False)])
def test_journal_in_another_folder_is_found(tmp_path: Path, process: Process, found: bool) -> None:
    """As the next play may name another one."""
    elsewhere = tmp_path / "elsewhere"
    journal = begin_journal(elsewhere, process, EARLIER, "wvd", "here", "", tmp_path)
    journal.closing([wvd(0)], within_play=True)
    if found:
        with pytest.raises(WindowError, match="no guard"):
            open_earlier_plays(tmp_path / "journals", tmp_path, RUN, THIS, Clock().world(), fail_by_warning)
    else:
        open_earlier_plays(tmp_path / "journals", tmp_path, RUN, THIS, Clock().world(), fail_by_warning)
    assert journal.read().over is found


def test_what_is_no_rest_of_an_earlier_play_is_left_alone(tmp_path: Path) -> None:
    for number, more in enumerate(({"process": DEAD}, {"within_play": False}, {})):
        (folder := tmp_path / str(number)).mkdir()
        journal = begin(folder, **more)  # type: ignore[arg-type]
        if not more:
            journal.opened([wvd(0)])
        before = journal.path.read_bytes()
        open_earlier_plays(folder, tmp_path, RUN, THIS, Clock().world(), fail_by_warning)
        assert journal.path.read_bytes() == before
    journal = begin(tmp_path)
    before = journal.path.read_bytes()
    open_earlier_plays(tmp_path, tmp_path, RUN, EARLIER, Clock().world(), fail_by_warning)
    assert journal.path.read_bytes() == before


def test_one_host_that_a_later_play_opens_keeps_all_of_its_play(tmp_path: Path) -> None:
    """The end of the run's part is one of all its hosts."""
    journal = begin(tmp_path)
    journal.closing([wvd(1)], within_play=False)
    open_earlier_plays(tmp_path, tmp_path, RUN, THIS, Clock().world(), fail_by_warning)
    assert not journal.read().over
    journal.opened([wvd(1)])
    said: list[str] = []
    open_earlier_plays(tmp_path, tmp_path, RUN, THIS, Clock().world(), said.append)
    assert (journal.read().over, len(said)) == (True, 1)
