# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual time: it passes only while somebody waits, and a little with each look at the clock."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import count

import greenlet

START = 1000.0
TICK = 0.0002
"""Seconds that each look at the clock takes, as work does: nothing happens at the very same moment as anything else."""
LONGEST = 10_000.0
MOST_STEPS = 40_000

Do = Callable[[], object]


class NeverEndsError(Exception):
    """A run goes on without end."""


class World:
    """What is to happen, in the order of time, and the coroutines that wait for it.

    The run itself is the main coroutine: only its waiting lets time pass. Jobs of the product, which block, and the
    script on its host are coroutines of their own.
    """

    def __init__(self) -> None:
        self.now = START
        self._due: list[tuple[float, int, Do]] = []
        self._number = count()
        self._main = greenlet.getcurrent()
        self._steps = 0
        self.interrupt_at = math.inf
        """When whoever runs this stops it: the wait of that moment is interrupted."""
        self.interrupted_at: float | None = None

    def clock(self) -> float:
        """Read the clock."""
        self.now += TICK
        return self.now

    def at(self, when: float, do: Do) -> None:
        """Let something happen at a time, or at once if that is over."""
        heapq.heappush(self._due, (when, next(self._number), do))

    def after(self, seconds: float, do: Do) -> None:
        """Let something happen after some seconds."""
        self.at(self.now + seconds, do)

    def wait(self, seconds: float, ends: Callable[[], bool]) -> None:
        """Let time pass, in the main coroutine, until something holds. Raises KeyboardInterrupt."""
        until = self.now + seconds
        while not ends():
            self._steps += 1
            if self._steps > MOST_STEPS or self.now > START + LONGEST:
                raise NeverEndsError(f"after {self.now - START:g} s it still goes on")
            following = min(until, self._due[0][0] if self._due else math.inf)
            if self.interrupt_at <= following:
                self.now = self.interrupted_at = max(self.now, self.interrupt_at)
                self.interrupt_at = math.inf
                raise KeyboardInterrupt
            if not self._due or self._due[0][0] > until:
                break
            when, _number, do = heapq.heappop(self._due)
            self.now = max(self.now, when)
            do()
        else:
            return
        self.now = max(self.now, until)

    def sleep(self, seconds: float) -> None:
        """Block whoever calls for some seconds."""
        here = greenlet.getcurrent()
        if here is self._main:
            self.wait(seconds, never)
        else:
            self.after(seconds, here.switch)
            self._main.switch()

    def spawn(self, job: Do) -> None:
        """Run a job beside the main coroutine, at once until it blocks."""
        assert greenlet.getcurrent() is self._main
        greenlet.greenlet(job).switch()


def never() -> bool:
    """Say that nothing ends a wait before its time."""
    return False
