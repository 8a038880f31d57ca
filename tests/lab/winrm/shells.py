# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote shells: what is open, and what waits to be received."""

from __future__ import annotations

import collections
import dataclasses
import threading
import time
import typing
import uuid

from . import envelope
from .engine import Engine
from .program import Programs

_STEP = 0.25
"""How often a waiting Receive looks whether its client is still there, in seconds."""


class ConnectionCutError(Exception):
    """A fault cuts the client's connection now."""


@dataclasses.dataclass
class _Outbox:
    """What a pipeline, a program or the pool has for its client: the names of streams, and data."""

    fragments: collections.deque[tuple[str, bytes]] = dataclasses.field(default_factory=collections.deque)
    finished: bool = False
    exit_code: int | None = None
    cut: bool = False


@dataclasses.dataclass(frozen=True)
class Received:
    """The answer to a Receive: data by the name of its stream. Only a program has an exit code."""

    streams: dict[str, bytes]
    finished: bool
    exit_code: int | None


class Census:
    """How much there is, and was at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: dict[str, int] = {"shells": 0, "pipelines": 0}
        self._high = dict(self._now)
        self._ever = dict(self._now)

    def count(self, what: str, change: int) -> None:
        with self._lock:
            self._now[what] += change
            self._high[what] = max(self._high[what], self._now[what])
            self._ever[what] += max(change, 0)

    def report(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {"now": dict(self._now), "high": dict(self._high), "ever": dict(self._ever)}

    def forget(self) -> None:
        """Count the highest and the sum from now on."""
        with self._lock:
            self._high = dict(self._now)
            self._ever = dict.fromkeys(self._now, 0)


class Shell:
    """One open shell; the way back to the client of the engine (`engine.Channel`), or of its programs."""

    def __init__(self, shell_id: str, user: str, host: str, resource: str, census: Census) -> None:
        self.id = shell_id
        self.user = user
        self.host = host
        self.resource = resource
        self.opened = time.time()
        self.engine: Engine | None = None
        self.programs: Programs | None = None
        self._census = census
        self._changed = threading.Condition()
        self._outboxes: dict[uuid.UUID | None, _Outbox] = {None: _Outbox()}
        self._closed = False
        self.is_lost = False

    def describe(self) -> dict[str, typing.Any]:
        """For the control API."""
        with self._changed:
            outboxes = [outbox for pipeline, outbox in self._outboxes.items() if pipeline is not None]
        return {
            "id": self.id,
            "user": self.user,
            "host": self.host,
            "configuration": self.resource.rpartition("/")[2],
            "age_seconds": round(time.time() - self.opened, 3),
            "runspaces": self.engine.runspaces if self.engine else 0,
            "process": self.engine.process_id if self.engine else 0,
            "pipelines_running": sum(not outbox.finished for outbox in outboxes),
            "pipelines_not_closed": len(outboxes),
        }

    # What the engine calls

    def send(self, pipeline: uuid.UUID | None, fragments: bytes, stream: str = "stdout") -> None:
        with self._changed:
            outbox = self._outboxes.get(pipeline)
            if outbox is not None:
                outbox.fragments.append((stream, fragments))
                self._changed.notify_all()

    def finished(self, pipeline: uuid.UUID, exit_code: int | None = None) -> None:
        with self._changed:
            outbox = self._outboxes.get(pipeline)
            if outbox is not None and not outbox.finished:
                outbox.finished = True
                outbox.exit_code = exit_code
                self._census.count("pipelines", -1)
                self._changed.notify_all()

    def reset(self, pipeline: uuid.UUID) -> None:
        with self._changed:
            outbox = self._outboxes.get(pipeline)
            if outbox is not None:
                outbox.cut = True
                self._changed.notify_all()

    def lost(self) -> None:
        with self._changed:
            self.is_lost = True
            self._changed.notify_all()

    # What the service calls

    def add(self, pipeline: uuid.UUID, quota: int) -> None:
        """Raises FaultError when the shell has as many pipelines as it may, closed ones not counted."""
        with self._changed:
            if len(self._outboxes) > quota:
                raise envelope.too_many_commands()
            self._outboxes[pipeline] = _Outbox()
        self._census.count("pipelines", 1)

    def known(self, pipeline: uuid.UUID) -> bool:
        with self._changed:
            return pipeline in self._outboxes

    def receive(
        self, pipeline: uuid.UUID | None, seconds: float, most: int, there: typing.Callable[[], bool]
    ) -> Received:
        """Wait for output; `there` tells whether the client is. Raises FaultError when the time is over, and
        ConnectionCutError.
        """
        until = time.monotonic() + seconds
        with self._changed:
            while True:
                outbox = self._outboxes.get(pipeline)
                if outbox is None or self._closed or self.is_lost:
                    raise envelope.no_such_shell(self.id)
                if outbox.cut:
                    outbox.cut = False
                    raise ConnectionCutError
                if (outbox.fragments or outbox.finished) and there():
                    taken = self._take(outbox, most)
                    return Received(taken, outbox.finished and not outbox.fragments, outbox.exit_code)
                left = until - time.monotonic()
                if left <= 0:
                    raise envelope.timed_out()
                if not self._changed.wait(min(left, _STEP)) and not there():
                    raise ConnectionCutError

    @staticmethod
    def _take(outbox: _Outbox, most: int) -> dict[str, bytes]:
        """As many whole entries as fit, at least one."""
        taken: dict[str, list[bytes]] = {}
        size = 0
        while outbox.fragments and (not taken or size + len(outbox.fragments[0][1]) <= most):
            stream, data = outbox.fragments.popleft()
            taken.setdefault(stream, []).append(data)
            size += len(data)
        return {stream: b"".join(parts) for stream, parts in taken.items()}

    def wait_finished(self, pipeline: uuid.UUID, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._is_finished(pipeline) or self._closed or self.is_lost, seconds)

    def _is_finished(self, pipeline: uuid.UUID) -> bool:
        outbox = self._outboxes.get(pipeline)
        return outbox is None or outbox.finished

    def drop(self, pipeline: uuid.UUID) -> None:
        """The client has closed the pipeline."""
        with self._changed:
            self._outboxes.pop(pipeline, None)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            left = [pipeline for pipeline, outbox in self._outboxes.items() if pipeline and not outbox.finished]
            self._changed.notify_all()
        for pipeline in left:
            self.finished(pipeline)
        for behind in (self.engine, self.programs):
            if behind is not None:
                behind.close()
