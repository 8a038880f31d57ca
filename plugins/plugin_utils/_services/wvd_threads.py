# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The threads that do the requests of Azure Virtual Desktop beside the engine, and carry what they answer."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

E = TypeVar("E")
"""What the jobs answer."""
Job = Callable[[], None]


class Threads(Generic[E]):
    """So many threads for acts and one for listings, started with the first job."""

    def __init__(self, acts: int) -> None:
        """`acts` is the number of threads for acts."""
        self._acts_at_once = acts
        self._events: queue.SimpleQueue[E] = queue.SimpleQueue()
        self._acts: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._listings: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def act(self, job: Job) -> None:
        """Begin a job that sends an act."""
        self._start()
        self._acts.put(job)

    def read(self, job: Job) -> None:
        """Begin a job that reads lists; it never waits behind acts."""
        self._start()
        self._listings.put(job)

    def answer(self, event: E) -> None:
        """Pass an event on, from inside a job."""
        self._events.put(event)

    def wait(self, seconds: float) -> list[E]:
        """Return the events that have come; wait for the first one at most that long."""
        events: list[E] = []
        try:
            events.append(self._events.get(timeout=max(0.0, seconds)))
            while True:
                events.append(self._events.get_nowait())
        except queue.Empty:
            return events

    def close(self) -> None:
        """Tell the threads to end after what they are doing."""
        for _thread in self._threads:
            self._acts.put(None)
        self._listings.put(None)

    def _start(self) -> None:
        if self._threads:
            return
        # Daemons, because a thread that waits for a dead server must not keep the task from ending.
        for jobs in [self._acts] * self._acts_at_once + [self._listings]:
            thread = threading.Thread(target=_work, args=(jobs,), daemon=True)
            thread.start()
            self._threads.append(thread)


def _work(jobs: queue.SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job()
