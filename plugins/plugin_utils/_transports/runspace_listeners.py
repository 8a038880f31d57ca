# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connections beside the main one that wait for what pipelines bring, each in a thread.

Windows' own client waits for each pipeline in a connection of its own, too. Nothing is ever begun over them.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from time import sleep

from .runspace_errors import LOAD_QUOTAS
from .runspace_pool import Pipeline
from .shell_connection import SHORTEST_WAIT, ShellConnection

MOST_LISTENERS = 16
"""Each is a sign-in, and a connection that counts among those of the host's MaxConnections (300)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener has heard about a pipeline."""

    pipeline: Pipeline
    data: bytes = b""
    """What it has brought; nothing if it was silent for SHORTEST_WAIT."""
    error: Exception | None = None
    """What pypsrp or requests raised, and the connection is of no use any more."""


@dataclass(slots=True, eq=False)
class _Listener:
    connection: ShellConnection
    asked: queue.SimpleQueue[tuple[Pipeline, bool] | None] = field(default_factory=queue.SimpleQueue)
    proven: bool = False
    """Whether the host has ever answered over it."""


class Listeners:
    """Up to MOST_LISTENERS of them, opened when there is something to ask. To be used from one thread."""

    def __init__(self, main: ShellConnection) -> None:
        """`main` is the connection that they are like."""
        self._main = main
        self._most = MOST_LISTENERS
        self._all: list[_Listener] = []
        self._idle: list[_Listener] = []
        self._heard: queue.SimpleQueue[tuple[_Listener, Heard]] = queue.SimpleQueue()

    @property
    def most(self) -> int:
        """How many there may be; fewer when the host takes no more connections, and none when it takes none."""
        return self._most

    @property
    def idle(self) -> int:
        """How many can be asked now."""
        return len(self._idle) + max(0, self._most - len(self._all))

    def ask(self, pipeline: Pipeline, stop: bool = False) -> None:
        """Ask for what a pipeline brings within SHORTEST_WAIT, if `stop` after a stop signal. `heard` tells."""
        (self._idle.pop() if self._idle else self._open()).asked.put((pipeline, stop))

    def _open(self) -> _Listener:
        listener = _Listener(self._main.another())
        # A daemon, because a thread that waits for a dead host must not keep the task from ending.
        threading.Thread(target=_listen, args=(listener, self._heard), daemon=True).start()
        self._all.append(listener)
        return listener

    def heard(self, seconds: float) -> list[Heard]:
        """Return what has been heard; wait for the first at most that long.

        A connection that the host does not take at all is no error: then there are fewer.
        """
        answers: list[Heard] = []
        try:
            listener, heard = self._heard.get(timeout=max(0.0, seconds))
            while True:
                answers.append(self._take(listener, heard))
                listener, heard = self._heard.get_nowait()
        except queue.Empty:
            return answers

    def _take(self, listener: _Listener, heard: Heard) -> Heard:
        if heard.error is None:
            listener.proven = True
            self._idle.append(listener)
            return heard
        self._all.remove(listener)
        if listener.proven:
            return heard
        self._most = len(self._all)
        return Heard(heard.pipeline)

    def close(self) -> None:
        """Let the threads end after what they are doing. Those that had trouble have ended."""
        for listener in self._all:
            listener.asked.put(None)


def _listen(listener: _Listener, answers: queue.SimpleQueue[tuple[_Listener, Heard]]) -> None:
    connection, works = listener.connection, True
    while works and (asked := listener.asked.get()) is not None:
        pipeline, stop = asked
        try:
            if stop:
                connection.stop(pipeline.id)
            answer = Heard(pipeline, connection.receive(pipeline.id, SHORTEST_WAIT))
        except Exception as error:  # Whatever it is, whoever asked must hear of it.
            works = getattr(error, "code", None) in LOAD_QUOTAS
            answer = Heard(pipeline, error=None if works else error)
            if works:  # It was refused at once, before anything was done.
                sleep(SHORTEST_WAIT)
        answers.put((listener, answer))
    connection.close()
