# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard does and when, by clocks that tests set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.duty import (
    RUN_GONE,
    RUN_LATE,
    WARN,
    Duty,
    Orders,
    Reopening,
    World,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import (
    Header,
    JournalError,
    JournalState,
    Row,
    WindowHost,
    host_key,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import Process
from tests.unit.window.rows import wvd

DONE = Reopening()
START = 1000.0


@dataclass
class Played:
    """A run, its journal, its lock and a service, all in one; `story` is what happened, with the seconds."""

    ends: float = 1e9
    finishes: float = 1e9
    idle: bool = False
    free: bool = True
    full: bool = False
    """The disk."""
    unreadable: bool = False
    ends_when_told: bool = True
    answers: Callable[[Sequence[Row]], Sequence[Reopening]] = lambda rows: [DONE] * len(rows)
    time: float = START
    story: list[tuple[float, str]] = field(default_factory=list)
    state: JournalState = field(
        default_factory=lambda: JournalState(Header("run", Process(1, 1, "m"), "wvd", "", "here"))
    )
    reads: int = 0

    def __post_init__(self) -> None:
        if not self.idle:
            self.state.hosts.update({host_key(wvd(number)): WindowHost(wvd(number)) for number in range(2)})

    def tell(self, what: str) -> None:
        self.story.append((self.time - START, what))

    def write(self, what: str) -> None:
        if self.full:
            raise JournalError("The disk is full.")
        self.tell(what)

    # The run
    def wait(self, seconds: float) -> bool:
        self.time = min(self.time + seconds, max(self.ends, self.time))
        return self.time >= self.ends

    def end_run(self) -> bool:
        self.tell("end the run")
        return self.ends_when_told

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    # The lock
    def is_free(self) -> bool:
        return self.free

    def take(self, seconds: float) -> bool:
        assert seconds == Orders(self.open_again).step_seconds
        self.tell("take the lock")
        return self.free

    # The journal
    def size(self) -> int:
        if self.unreadable:
            raise JournalError("It is gone.")
        return len(self.story) + (1000 if self.time >= self.finishes else 0)

    def read(self) -> JournalState:
        self.reads += 1
        if self.time >= self.finishes:
            self.state.finished_by = "run"
        return self.state

    def over(self, why: str) -> None:
        self.write(f"over: {why}")

    def late(self) -> None:
        self.write("late")

    def trouble(self, why: str) -> None:
        self.write(f"trouble: {why}")

    def opened(self, rows: Sequence[Row]) -> None:
        self.write(f"opened {names(rows)}")
        for row in rows:
            self.state.hosts[host_key(row)].opened_by = "guard"

    def left_closed(self, rows: Sequence[Row], why: str) -> None:
        self.write(f"left {names(rows)}: {why}")
        for row in rows:
            self.state.hosts[host_key(row)].left_by = "guard"

    def finished(self) -> None:
        self.write("finished")

    # The service
    def open_again(self, rows: Sequence[Row]) -> Sequence[Reopening]:
        self.tell(f"open {names(rows)}")
        return self.answers(rows)


def names(rows: Sequence[Row]) -> str:
    return " ".join(row["host"].partition(".")[0] for row in rows)


def play(played: Played, **orders: Any) -> list[tuple[float, str]]:
    world = World(lambda: played.time, lambda: played.time, played.sleep, played.end_run)
    Duty(Orders(played.open_again, **orders), played, played, played, world).fulfil()
    return played.story


def test_nothing_is_done_after_a_good_end() -> None:
    played = Played(finishes=START + 30)
    assert play(played) == []
    assert played.time <= START + 31


def test_run_that_finishes_and_ends_at_once_needs_nothing() -> None:
    assert play(Played(finishes=START + 30, ends=START + 30)) == []


def test_journal_is_read_only_when_it_has_grown() -> None:
    played = Played(finishes=START + 3600)
    play(played)
    assert played.reads < 5


def test_run_is_gone() -> None:
    assert play(Played(ends=START + 7.5)) == [
        (7.5, f"over: {RUN_GONE}"),
        (7.5, "take the lock"),
        (7.5, "open avd-0 avd-1"),
        (7.5, "opened avd-0 avd-1"),
        (7.5, "finished"),
    ]


def test_run_says_that_its_part_is_over() -> None:
    """As a later play does of an earlier one, while the run goes on."""
    played = Played()

    def end_part(seconds: float) -> bool:
        played.time += seconds
        if played.time >= START + 20 and not played.state.over:
            played.state.over_by, played.state.over_why = "run", "its play has ended"
            played.tell("told")
        return False

    played.wait = end_part  # type: ignore[method-assign]
    assert play(played) == [
        (20.0, "told"),
        (20.0, "take the lock"),
        (20.0, "open avd-0 avd-1"),
        (20.0, "opened avd-0 avd-1"),
        (20.0, "finished"),
    ]


def test_run_that_was_gone_before_the_guard_was_ready() -> None:
    assert (0.0, "open avd-0 avd-1") in play(Played(ends=0))


def test_run_that_has_closed_nothing() -> None:
    story = play(Played(idle=True, ends=START + 1))
    assert [what for _when, what in story] == [f"over: {RUN_GONE}", "finished"]


def test_what_fails_is_tried_again_after_a_pause() -> None:
    tries = iter([[DONE, Reopening("503")], [Reopening("503")], [Reopening("504")], [DONE]])
    story = play(Played(ends=START, answers=lambda _rows: next(tries)), pause=10.0)
    assert story[2:] == [
        (0.0, "open avd-0 avd-1"),
        (0.0, "opened avd-0"),
        (0.0, "trouble: 503"),
        (10.0, "open avd-1"),
        (20.0, "open avd-1"),
        (20.0, "trouble: 504"),
        (30.0, "open avd-1"),
        (30.0, "opened avd-1"),
        (30.0, "finished"),
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ServiceError("Azure cannot be reached."), "Azure cannot be reached."),
        (RuntimeError("password s3cret"), "It has failed with RuntimeError (test_duty.py, line "),
    ],
)
def test_service_out_of_order(error: Exception, words: str) -> None:
    tries = iter([error, error, None])

    def answers(rows: Sequence[Row]) -> Sequence[Reopening]:
        one = next(tries)
        if one is not None:
            raise one
        return [DONE] * len(rows)

    story = play(Played(ends=START, answers=answers), pause=5.0)
    assert story[3][1].startswith(f"trouble: {words}")
    assert "s3cret" not in story[3][1]
    assert story[-2:] == [(10.0, "opened avd-0 avd-1"), (10.0, "finished")]


def test_answers_that_do_not_fit_open_nothing() -> None:
    tries = iter([[DONE], [DONE, DONE]])
    story = play(Played(ends=START, answers=lambda _rows: next(tries)))
    assert story[3] == (0.0, "trouble: 1 answers came for 2 hosts.")
    assert story[-2] == (10.0, "opened avd-0 avd-1")


def test_patience_ends() -> None:
    played = Played(ends=START + 100, answers=lambda rows: [Reopening("503")] * len(rows))
    story = play(played, patience=60.0, pause=10.0)
    assert story[-3:] == [(150.0, "open avd-0 avd-1"), (150.0, "left avd-0: 503"), (150.0, "left avd-1: 503")]


def test_full_disk_keeps_nothing_closed() -> None:
    tries = iter([[Reopening("503"), DONE], [DONE]])
    story = play(Played(ends=START, full=True, answers=lambda _rows: next(tries)))
    assert story == [(0.0, "take the lock"), (0.0, "open avd-0 avd-1"), (10.0, "open avd-0")]


def test_journal_that_is_gone_is_remembered() -> None:
    played = Played(ends=START + 5)

    def lose(_rows: Sequence[Row]) -> Sequence[Reopening]:
        return [DONE] * 2

    played.answers = lose
    played.unreadable = True
    assert (5.0, "open avd-0 avd-1") in play(played)


def test_lock_that_cannot_be_taken_keeps_nothing_closed() -> None:
    story = play(Played(ends=START, free=False))
    assert story[2] == (0.0, "trouble: Something of the run may be at work still: its lock could not be taken.")
    assert story[-2:] == [(0.0, "opened avd-0 avd-1"), (0.0, "finished")]


def test_latest_ends_the_run() -> None:
    assert play(Played(), latest=START + 20.25) == [
        (20.25, f"over: {RUN_LATE}"),
        (20.25, "end the run"),
        (20.25, "take the lock"),
        (20.25, "open avd-0 avd-1"),
        (20.25, "opened avd-0 avd-1"),
        (20.25, "finished"),
    ]


def test_latest_opens_although_the_run_does_not_end() -> None:
    story = play(Played(ends_when_told=False), latest=START + 5)
    assert (5.0, "trouble: The run could not be ended.") in story
    assert (5.0, "opened avd-0 avd-1") in story


def test_latest_opens_although_the_run_cannot_be_seen() -> None:
    def fail() -> bool:
        raise PermissionError(13, "Permission denied")

    played = Played()
    played.end_run = fail  # type: ignore[method-assign]
    story = play(played, latest=START + 5)
    assert (5.0, "opened avd-0 avd-1") in story
    assert any("could not be ended: " in what for _at, what in story)


def test_latest_leaves_a_run_that_has_closed_nothing() -> None:
    assert play(Played(idle=True), latest=START + 5) == [(5.0, f"over: {RUN_LATE}"), (5.0, "finished")]


def test_latest_ends_a_run_that_is_about_to_close() -> None:
    assert (5.0, "end the run") in play(Played(idle=True, free=False), latest=START + 5)


def test_latest_only_warns_once_and_goes_on_watching() -> None:
    story = play(Played(ends=START + 30), latest=START + 5, latest_action=WARN)
    assert story[:2] == [(5.0, "late"), (30.0, f"over: {RUN_GONE}")]


def test_somebody_else_opens_meanwhile() -> None:
    played = Played(ends=START)

    def answers(rows: Sequence[Row]) -> Sequence[Reopening]:
        played.state.hosts[host_key(wvd(1))].opened_by = "reopen_hosts"
        return [Reopening("503")] * len(rows)

    played.answers = answers
    story = play(played, patience=25.0)
    assert [what for _when, what in story if what.startswith("open ")] == [
        "open avd-0 avd-1",
        "open avd-0",
        "open avd-0",
    ]


def test_end_is_told() -> None:
    told: list[JournalState] = []
    played = Played(ends=START)
    play(played, tell=told.append)
    assert told == [played.state]

    def fail(_state: JournalState) -> None:
        raise OSError("s3cret")

    assert play(Played(ends=START), tell=fail)[-1][1].startswith("trouble: It has failed with OSError (")
    play(Played(finishes=START), tell=fail)
