# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a wave: its hosts get their states before again, each when it is able to serve, or its time is over."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from .._sessions.host_setting import FAILED, HostRow
from .duty import Reopening
from .journal import Journal
from .journal_state import JournalError, Key, Row, host_key
from .wave import World
from .wave_service import WaveService

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0
"""Seconds before hosts are looked at again, doubled each time in between."""
SET_SECONDS = 30.0
"""How long one host may take to be opened."""
LATE_SECONDS = 120.0
"""The same where a request to Azure to close it has had no answer: it may take effect a minute after it failed."""
KEPT = "the work on it failed"
"""Why a host stays closed on purpose."""
TRY_SECONDS = 60.0
"""So long opening is tried at least, however short hosts are waited for."""


@dataclass(slots=True)
class Opening:
    """What became of the hosts of a wave."""

    opened: dict[Key, datetime] = field(default_factory=dict)
    left: dict[Key, str] = field(default_factory=dict)
    """Why a host is closed still, on purpose or because it could not be opened."""
    unhealthy: set[Key] = field(default_factory=set)
    """Hosts that were opened although they were not seen to be able to serve."""
    warnings: list[str] = field(default_factory=list)


def restore(service: WaveService, rows: Sequence[Row], seconds: float = SET_SECONDS) -> list[Reopening]:
    """Give hosts the states of their rows; return what became of each, in their order. Raises what the service does.

    Those that may be closed yet by a late effect come last, as they are watched for longer. What keeps one part from
    being set keeps not the other.
    """
    said: dict[Key, HostRow] = {}
    errors: list[Exception] = []
    for part, wait in in_parts(rows, seconds):
        with _noting(errors):
            said.update((host_key(row.fields), row) for row in service.set(part, wait).rows)
    if errors and not said:
        raise errors[0]
    answers = []
    for row in rows:
        one = said.get(host_key(row))
        if one is None:
            answers.append(Reopening(str(errors[0]) if errors else "nothing was answered"))
        elif one.outcome == FAILED:
            answers.append(Reopening(one.reason or "it was not seen to be open"))
        else:
            answers.append(Reopening())
    return answers


@contextmanager
def _noting(errors: list[Exception]) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # whatever it is, it is raised unless another part was set
        errors.append(error)


def in_parts(rows: Sequence[Row], seconds: float) -> list[tuple[list[Row], float]]:
    """Part hosts by how long they are watched after they were given a state: longer where they may lose it yet."""
    late = [row for row in rows if row.get("unclear") and row["service"] == "wvd"]
    parts = ([row for row in rows if row not in late], seconds), (late, max(seconds, LATE_SECONDS))
    return [(part, wait) for part, wait in parts if part]


class WaveOpening:
    """Opens what the run has closed of a wave."""

    def __init__(self, service: WaveService, journal: Journal, world: World, warn: Callable[[str], None]) -> None:
        self._service, self._journal, self._world, self._warn = service, journal, world, warn
        self.result = Opening()

    def open(
        self, rows: Sequence[Row], worked: Container[Key], since: datetime, patience: float, leave: Container[Key] = ()
    ) -> Opening:
        """Open hosts, given by the journal's rows; those in `worked` when they are healthy, or `patience` is over.

        `since` is when the work ended (aware). Those in `leave` stay closed on purpose.
        """
        left = [row for row in rows if host_key(row) not in leave]
        begun, pause = self._world.clock(), FIRST_PAUSE
        while left:
            over = self._world.clock() >= begun + patience
            try:
                healthy = self._healthy(left, worked, since)
                reasons = self._restore(left if over else healthy)
                self.result.unhealthy |= {host_key(row) for row in left if row not in healthy} & set(self.result.opened)
            except self._service.trouble as error:
                reasons = {host_key(row): str(error) for row in left}
                self._say(f"Hosts cannot be opened, which is tried again: {error}")
            left = [row for row in left if host_key(row) not in self.result.opened]
            if self._world.clock() >= begun + max(patience, TRY_SECONDS) and over:
                self.result.left.update((host_key(row), reasons.get(host_key(row), "")) for row in left)
                break
            if left:
                if not self._world.lives():
                    break
                self._world.sleep(pause)
                pause = min(LONGEST_PAUSE, 2 * pause)
        staying = [row for row in rows if host_key(row) in leave]
        if staying:
            self._journal.left_closed(staying, KEPT)
            self.result.left.update((host_key(row), KEPT) for row in staying)
        return self.result

    def _healthy(self, rows: Sequence[Row], worked: Container[Key], since: datetime) -> list[Row]:
        """Return those that nothing was done to, and those that are seen to be able to serve again."""
        waiting = [row for row in rows if host_key(row) in worked]
        healthy = [row for row in rows if host_key(row) not in worked]
        if waiting:
            # All of them, so that one that answers late is late beside those that need not be healthy, too.
            names = self._service.names([*waiting, *healthy])
            answers = {answer.named.key: answer for answer in self._service.read(names, waits=False)}
            for row, named in zip(waiting, names, strict=False):
                found = answers[named.key].found
                if found is not None and self._service.is_healthy(found, since):
                    healthy.append(row)
        return healthy

    def _restore(self, rows: Sequence[Row]) -> dict[Key, str]:
        """Open hosts; return why some are closed still."""
        if not rows:
            return {}
        reasons = {}
        opened = []
        for row, one in zip(rows, restore(self._service, rows), strict=True):
            if one.reason:
                reasons[host_key(row)] = one.reason
            else:
                opened.append(row)
        if opened:
            try:
                self._journal.opened(opened)
            except JournalError as error:
                self._say(str(error))
            self.result.opened.update((host_key(row), self._world.now()) for row in opened)
        return reasons

    def _say(self, text: str) -> None:
        if text not in self.result.warnings:
            self.result.warnings.append(text)
            self._warn(text)
