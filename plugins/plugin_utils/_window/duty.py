# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the guard does: wait for the run, and open what it has left closed. It knows no process and no clock itself."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from .._sessions.errors import SessionsError
from .journal_state import JournalError, JournalState, Key, Row, host_key

LOOK_SECONDS = 1.0
"""How often the journal is looked at while the run is at work."""
PAUSE_SECONDS = 10.0
"""How long the guard waits before it tries again what has failed."""
PATIENCE_SECONDS = 4 * 3600.0

STOP_AND_OPEN, WARN = LATEST_ACTIONS = ("stop_and_open", "warn")

RUN_GONE = "the run has ended"
RUN_LATE = "the run was still at work at its latest time"


@dataclass(frozen=True, slots=True)
class Reopening:
    """What became of a host that was to be opened again."""

    reason: str = ""
    """Why it is not open; empty when it has its state before again."""


OpenAgain = Callable[[Sequence[Row]], Sequence[Reopening]]
"""Gives hosts the states of their rows; returns what became of each, in their order. Must end by itself."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What one run wants of its guard."""

    open_again: OpenAgain
    latest: float | None = None
    """Until when the run may be at work, in seconds of the system's clock (`time.time`)."""
    latest_action: str = STOP_AND_OPEN
    patience: float = PATIENCE_SECONDS
    """So many seconds after it began it gives up what could not be opened."""
    pause: float = PAUSE_SECONDS
    step_seconds: float = 4.0
    """How long a step that is under way when the run ends may go on. Steps notice by themselves that it has ended."""
    end_seconds: float = 10.0
    """How long a run that is late may take to end after it was asked to; then it is killed."""
    tell: Callable[[JournalState], None] | None = None
    """Called once at the end with what the journal says, when the guard had something to do."""


class Run(Protocol):
    """The run that is guarded."""

    def wait(self, seconds: float) -> bool:
        """Wait for its end at most that long, and tell whether it has come."""


class Book(Protocol):
    """The journal."""

    def read(self) -> JournalState:
        """As that of `Journal`, and so are all that follow."""

    def size(self) -> int:
        """Return how long it is."""

    def over(self, why: str) -> None:
        """End the run's part."""

    def late(self) -> None:
        """Write down that the run is still at work at its latest time."""

    def trouble(self, why: str) -> None:
        """Write down what keeps the guard from opening."""

    def opened(self, rows: Sequence[Row]) -> None:
        """Write down hosts that have their state before again."""

    def left_closed(self, rows: Sequence[Row], why: str) -> None:
        """Write down hosts that stay closed."""

    def finished(self) -> None:
        """Say that nothing is left to do."""


class Lock(Protocol):
    """The lock of the run."""

    def take(self, seconds: float) -> bool:
        """Wait so long for the steps that hold it, then end them. Tell whether nobody holds it any more."""

    def is_free(self) -> bool:
        """Take it if nobody else has it, and tell whether that is so."""


@dataclass(frozen=True, slots=True)
class World:
    """Clocks, and what ends a run."""

    time: Callable[[], float]
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    end_run: Callable[[], bool]


class Duty:
    """The guard of one run. Trouble with the journal never keeps it from opening what it knows of."""

    def __init__(self, orders: Orders, run: Run, book: Book, lock: Lock, world: World) -> None:
        """Raises JournalError when the journal cannot be read."""
        self._orders = orders
        self._run = run
        self._book = book
        self._lock = lock
        self._world = world
        self._size = -1
        self._state = book.read()
        self._trouble = ""
        self._warned = False
        self._settled: set[Key] = set()

    def fulfil(self) -> None:
        """Wait until nothing is left to do, or the run is gone or late; then open what it has closed."""
        why = self._wait()
        if not why:
            return
        began = self._world.clock()
        if not self._look().over:
            self._write(lambda: self._book.over(why))
        if self._is_idle():
            # Whatever the run is at, no host is closed, and it cannot close one any more.
            self._write(self._book.finished)
            return
        if why == RUN_LATE:
            self._end_run()
        self._write(self._take_lock)
        self._open(began + self._orders.patience)
        if self._orders.tell is not None:
            try:
                self._orders.tell(self._look())
            except Exception as error:
                self._say(_sentence(error))

    def _end_run(self) -> None:
        """End the run; whatever comes of that keeps no host closed."""
        try:
            if not self._world.end_run():
                self._say("The run could not be ended.")
        except Exception as error:
            self._say(f"The run could not be ended: {_sentence(error)}")

    def _wait(self) -> str:
        """Return why it is the guard's turn; empty when nothing is left to do."""
        while True:
            gone = self._run.wait(0.0)
            # After that: a run says that it has finished, and then it ends.
            if self._look().finished:
                return ""
            if self._look().over:
                return self._look().over_why
            if gone:
                return RUN_GONE
            pause = LOOK_SECONDS
            if self._orders.latest is not None and not self._warned:
                left = self._orders.latest - self._world.time()
                if left <= 0 and self._orders.latest_action == STOP_AND_OPEN:
                    return RUN_LATE
                if left <= 0:
                    self._warned = True
                    self._write(self._book.late)
                else:
                    pause = min(pause, left)
            self._run.wait(pause)

    def _is_idle(self) -> bool:
        """Tell whether no host is closed, and nothing can be about to close one."""
        try:
            return self._lock.is_free() and not self._look().to_open()
        except JournalError:
            return False

    def _take_lock(self) -> None:
        if not self._lock.take(self._orders.step_seconds):
            self._say("Something of the run may be at work still: its lock could not be taken.")

    def _open(self, deadline: float) -> None:
        """Open what is left, again and again, until it is open or the time is over."""
        while rows := [row for row in self._look().to_open() if host_key(row) not in self._settled]:
            tried = list(zip(rows, self._try(rows), strict=True))
            ends = self._world.clock() + self._orders.pause >= deadline
            opened = [row for row, one in tried if not one.reason]
            if opened:
                self._settle(opened, partial(self._book.opened, opened))
            failed = [(row, one.reason) for row, one in tried if one.reason]
            if failed and not ends:
                self._say(failed[0][1])
                self._world.sleep(self._orders.pause)
            for row, why in failed if ends else ():
                self._settle([row], partial(self._book.left_closed, [row], why))
        if not self._look().to_open():
            self._write(self._book.finished)

    def _try(self, rows: Sequence[Row]) -> Sequence[Reopening]:
        try:
            reopenings = self._orders.open_again(rows)
            if len(reopenings) == len(rows):
                return reopenings
            why = f"{len(reopenings)} answers came for {len(rows)} hosts."
        except Exception as error:
            why = _sentence(error)
        return [Reopening(why)] * len(rows)

    def _settle(self, rows: Sequence[Row], write: Callable[[], object]) -> None:
        """Remember it, too: what cannot be written down would be done again without end."""
        self._settled.update(map(host_key, rows))
        self._write(write)

    def _look(self) -> JournalState:
        """Return what the journal says, or what it said when it could be read."""
        try:
            size = self._book.size()
            if size != self._size:
                self._state = self._book.read()
                self._size = size
        except JournalError:
            pass
        return self._state

    def _say(self, trouble: str) -> None:
        """Write down trouble, once as long as it is the same."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._write(lambda: self._book.trouble(trouble))

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except JournalError:
            pass  # a full disk: the hosts count more


def _sentence(error: Exception) -> str:
    """Say what has happened. Texts of other libraries may hold what belongs in no file."""
    if isinstance(error, SessionsError):
        return str(error)
    *_others, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"It has failed with {type(error).__name__} ({Path(frame.f_code.co_filename).name}, line {line})."
