# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests, with how many were in flight and over how many connections they came."""

from __future__ import annotations

import contextlib
import threading
import time
import typing


class Entry(typing.TypedDict):
    """One request. `time`: epoch seconds at its arrival; `in_flight` counts itself; `status` is None while it lasts."""

    time: float
    seconds: float | None
    operation: str
    method: str
    host_name: str
    path: str
    query: str
    status: int | str | None
    principal: str
    user_agent: str
    client_request_id: str
    request_id: str
    connection: int
    in_flight: int


class Traffic:
    """All requests since the log was cleared. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: list[Entry] = []
        self._in_flight = 0
        self._high = 0
        self._connections = 0
        self._open = 0

    def clear(self) -> None:
        with self._lock:
            self._entries = []
            self._high = self._in_flight
            self._connections = self._open

    @contextlib.contextmanager
    def request(self, entry: Entry) -> typing.Iterator[Entry]:
        """Log a request for as long as it lasts. A status still None at the end means: the client got no answer."""
        with self._lock:
            self._in_flight += 1
            self._high = max(self._high, self._in_flight)
            entry["in_flight"] = self._in_flight
            self._entries.append(entry)
        try:
            yield entry
        finally:
            with self._lock:
                self._in_flight -= 1
            entry["seconds"] = round(time.time() - entry["time"], 6)

    def connected(self) -> None:
        with self._lock:
            self._connections += 1
            self._open += 1

    def disconnected(self) -> None:
        with self._lock:
            self._open -= 1

    def report(self) -> dict[str, typing.Any]:
        """`connections`: TCP connections since the log was cleared, with those open then."""
        with self._lock:
            return {
                "requests": [dict(entry) for entry in self._entries],
                "in_flight": self._in_flight,
                "in_flight_high": self._high,
                "connections": self._connections,
                "connections_open": self._open,
            }
