# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for the tests of waves: session hosts and sessions in memory, changed by a schedule as time passes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import (
    ALREADY_SET,
    FAILED,
    SET,
    HostReport,
    HostRow,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session, fold
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import (
    HostName,
    HostRead,
    SessionHost,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    DISCONNECT,
    LOG_OFF,
    Operation,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.waiting import Opened
from tests.unit.fakes.clock import Clock
from tests.unit.fakes.farm import FakeFarm

START = datetime(2026, 11, 26, 2, tzinfo=timezone.utc)
BEGIN = 100.0
"""What the clock shows at the start."""


@dataclass
class Doing:
    """What was done to a session, to whom, and when (seconds since the start)."""

    verb: str
    session: Session
    at: float


@dataclass
class WaveFarm(FakeFarm):
    """All sessions, and what is done to them."""

    schedule: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    doings: list[Doing] = field(default_factory=list)
    operation: Operation | None = None

    @property
    def seconds(self) -> float:
        return self.clock() - BEGIN

    def pass_time(self) -> None:
        while self.schedule and self.schedule[0][0] <= self.seconds:
            self.schedule.pop(0)[1]()

    def _read(self, at: float) -> list[Session]:
        self.pass_time()
        return super()._read(at)

    def begin_act(self, session: Session, send_before: float) -> None:
        assert self.operation is not None
        self.pass_time()
        there = self.sessions.get(session.key)
        self.doings.append(Doing(self.operation.verb.name, there or session, self.seconds))
        self.operation.arguments_for(session)
        super().begin_act(session, send_before)


@dataclass
class WaveHosts:
    """A `WaveService`: hosts of a pool, by name their state, and the farm of their sessions."""

    farm: WaveFarm
    states: dict[str, bool]
    closed_state: object = False
    open_state: object = True
    trouble: tuple[type[Exception], ...] = (ServiceError,)
    status: dict[str, str] = field(default_factory=dict)
    ghosts: dict[str, int] = field(default_factory=dict)
    """How many sessions of a host are counted and not listed."""
    stuck: set[str] = field(default_factory=set)
    """Hosts whose state cannot be set."""
    late: set[str] = field(default_factory=set)
    """Hosts that answer no reading."""
    unclear: set[str] = field(default_factory=set)
    """Hosts of which nobody can tell whether they are closed."""
    asked: list[tuple[str, object, float]] = field(default_factory=list)
    failures: list[tuple[float, float]] = field(default_factory=list)
    """From and until when nothing can be reached."""
    unread: dict[str, tuple[float, float]] = field(default_factory=dict)
    """From and until when a single host cannot be read."""
    sets: list[tuple[str, object, float]] = field(default_factory=list)
    seen: list[tuple[float, SessionHost]] = field(default_factory=list)
    """What was read of single hosts."""
    opened: Counter[str] = field(default_factory=Counter)
    """How often somebody else has opened a host that was closed."""

    @property
    def clock(self) -> Clock:
        return self.farm.clock

    def _reach(self) -> None:
        self.farm.pass_time()
        if any(begin <= self.farm.seconds < end for begin, end in self.failures):
            raise ServiceError("The service is out of order.", lasting=False)

    def host(self, name: str) -> SessionHost:
        fields = {"service": "wvd", "host": name, "name": name, "subscription_id": "s", "resource_group_name": "rg"}
        fields |= {"host_pool_name": "pool", "status": self.status.get(name, "")}
        count = sum(one.host == name for one in self.farm.sessions.values()) + self.ghosts.get(name, 0)
        fields |= {"allow_new_session": self.states[name], "sessions": count}  # type: ignore[dict-item]
        return SessionHost("pool", name, self.states[name], fields)

    def named(self, name: str) -> HostName:
        return HostName("pool", name)

    def names(self, rows: Sequence[Any]) -> Sequence[HostName]:
        return [HostName("pool", row["host"]) for row in rows]

    def read(self, names: Sequence[HostName], waits: bool = True) -> Sequence[HostRead]:
        self._reach()
        if self.late:
            self.clock.sleep(60.0 if waits or {one.name for one in names} <= self.late else 10.0)
        return [self._read(one) for one in names]

    def _read(self, named: HostName) -> HostRead:
        if named.name in self.late:
            return HostRead(named, None, ServiceError("it has not answered"), late=True)
        begin, end = self.unread.get(named.name, (0.0, 0.0))
        if begin <= self.farm.seconds < end:
            return HostRead(named, None, ServiceError(f"{named.name} cannot be read.", lasting=False))
        if named.name not in self.states:
            return HostRead(named, None)
        found = self.host(named.name)
        self.seen.append((self.farm.seconds, found))
        return HostRead(named, found)

    def list_hosts(self) -> Sequence[SessionHost]:
        self._reach()
        return [self.host(name) for name in self.states]

    def set(self, rows: Sequence[Any], seconds: float, check_mode: bool = False) -> HostReport:
        self._reach()
        assert not check_mode
        said = []
        for row in rows:
            name, wanted = row["host"], row["allow_new_session"]
            before = self.states[name]
            fields = {**self.host(name).fields}
            self.asked.append((name, wanted, self.farm.seconds))
            if name in self.unclear and not wanted:
                said.append(HostRow(name, fields, before, None, FAILED, "no answer", unclear=True))
                continue
            if name in self.stuck:
                said.append(HostRow(name, fields, before, before, FAILED, "it does not answer"))
                continue
            if before != wanted:
                self.states[name] = wanted
                self.sets.append((name, wanted, self.farm.seconds))
            said.append(HostRow(name, fields, before, wanted, SET if before != wanted else ALREADY_SET))
        return HostReport(said)

    def row(self, host: SessionHost, state: object) -> Any:
        return {**host.fields, "allow_new_session": state}

    def open_sessions(self, operation: Operation | None, selection: Selection) -> Opened:
        self._reach()
        self.farm.operation = operation
        if operation is not None:
            self.farm.effect = operation.verb in (LOG_OFF, DISCONNECT)
            self.farm.ends = operation.verb is LOG_OFF
        return Opened(self.farm, selection)

    def key(self, host: SessionHost) -> tuple[str, str]:
        return (host.place, fold(host.name))

    def unusable(self, host: SessionHost) -> str:
        return str(host.fields["status"])

    def count(self, host: SessionHost) -> int:
        return int(str(host.fields["sessions"]))

    def is_healthy(self, host: SessionHost, since: datetime) -> bool:
        return not self.unusable(host) and self.farm.seconds >= (since - START).total_seconds() + 3

    # Changes for a schedule

    def come(self, one: Session) -> Callable[[], object]:
        return lambda: self.farm.sessions.__setitem__(one.key, one)

    def leave(self, one: Session) -> Callable[[], object]:
        return lambda: self.farm.sessions.pop(one.key, None)

    def turn(self, one: Session, state: str) -> Callable[[], object]:
        def change() -> None:
            if one.key in self.farm.sessions:
                self.farm.sessions[one.key] = replace(self.farm.sessions[one.key], state=state)

        return change

    def set_state(self, name: str, state: bool) -> Callable[[], object]:
        def change() -> None:
            self.opened[name] += state and not self.states[name]
            self.states[name] = state

        return change

    def set_status(self, name: str, status: str) -> Callable[[], object]:
        return lambda: self.status.__setitem__(name, status)

    def set_ghosts(self, name: str, number: int) -> Callable[[], object]:
        return lambda: self.ghosts.__setitem__(name, number)


def now_of(clock: Clock) -> Callable[[], datetime]:
    """Return a time of day that passes with the clock."""
    return lambda: START + timedelta(seconds=clock() - BEGIN)


def stay(_farm: FakeFarm, _session: Session) -> Reply:
    """Take the act, in vain."""
    return Reply.DONE
