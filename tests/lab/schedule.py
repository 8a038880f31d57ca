# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to happen in the farm at a later time, and the clock that stands at that time while it happens.

There is no thread that waits: whoever looks at the farm first lets happen what is due, each thing as of its own time.
A step may also wait for what the farm writes into its audit, and counts from then.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
import typing
from datetime import datetime, timedelta


@dataclasses.dataclass(frozen=True, order=True)
class Step:
    """`what` and `body` are for whoever wants to know what is to come; `act` must not raise."""

    due: datetime
    order: int
    what: str = dataclasses.field(compare=False)
    body: dict[str, typing.Any] = dataclasses.field(compare=False)
    act: typing.Callable[[], object] = dataclasses.field(compare=False)


@dataclasses.dataclass(frozen=True)
class Waiting:
    """A step whose time is so many seconds after the first event for which `follows` is true."""

    follows: typing.Callable[[typing.Any], bool]
    seconds: float
    what: str
    body: dict[str, typing.Any]
    act: typing.Callable[[], object]


class Schedule:
    """Steps by their times; those of one time in the order in which they were added. The farm locks."""

    def __init__(self, clock: typing.Callable[[], datetime]) -> None:
        self._clock = clock
        self._steps: list[Step] = []
        self._waiting: list[Waiting] = []
        self._order = itertools.count()
        self._moment: datetime | None = None

    def now(self) -> datetime:
        """The time of the step that is happening, else that of the clock."""
        return self._moment or self._clock()

    def add(
        self, seconds: float, what: str, act: typing.Callable[[], object], body: dict[str, typing.Any] | None = None
    ) -> datetime:
        """`seconds` from now; a step that adds another one counts from its own time."""
        due = self.now() + timedelta(seconds=seconds)
        heapq.heappush(self._steps, Step(due, next(self._order), what, body or {}, act))
        return due

    def wait(self, step: Waiting) -> None:
        """Add a step whose time is not known yet."""
        self._waiting.append(step)

    def happened(self, event: object) -> None:
        """Give a time to the steps that have waited for this."""
        for step in [one for one in self._waiting if one.follows(event)]:
            self._waiting.remove(step)
            self.add(step.seconds, step.what, step.act, step.body)

    def settle(self) -> None:
        """Let happen what is due, including what follows from it."""
        if not self._steps or self._moment is not None:
            return
        now = self._clock()
        try:
            while self._steps and self._steps[0].due <= now:
                step = heapq.heappop(self._steps)
                self._moment = step.due
                step.act()
        finally:
            self._moment = None

    def to_come(self) -> list[Step]:
        return sorted(self._steps)

    def waiting(self) -> list[Waiting]:
        """The steps without a time yet."""
        return list(self._waiting)
