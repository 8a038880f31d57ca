# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for the tests of waves: session hosts and sessions in memory, changed by a schedule as time passes."""

from __future__ import annotations

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
    counts: dict[str, int] = field(default_factory=dict)
    stuck: set[str] = field(default_factory=set)
    """Hosts whose state cannot be set."""
    unclear: set[str] = field(default_factory=set)
    """Hosts of which nobody can tell whether they are closed."""
    asked: list[tuple[str, object]] = field(default_factory=list)
    failures: list[tuple[float, float]] = field(default_factory=list)
    """From and until when nothing can be reached."""
    sets: list[tuple[str, object, float]] = field(default_factory=list)

    @property
    def clock(self) -> Clock:
        return self.farm.clock

    def _reach(self) -> None:
        self.farm.pass_time()
        if any(begin <= self.farm.seconds < end for begin, end in self.failures):
            raise ServiceError("The service is out of order.", lasting=False)

    def host(self, name: str) -> SessionHost:
        fields = {"service": "wvd", "host": name, "name": name, "subscription_id": "s", "resource_group_name": "rg"}
        fields |= {"host_pool_name": "pool", "allow_new_session": self.states[name]}  # type: ignore[dict-item]
        return SessionHost("pool", name, self.states[name], fields)

    def named(self, name: str) -> HostName:
        return HostName("pool", name)

    def names(self, rows: Sequence[Any]) -> Sequence[HostName]:
        return [HostName("pool", row["host"]) for row in rows]

    def read(self, names: Sequence[HostName]) -> Sequence[HostRead]:
        self._reach()
        return [HostRead(one, self.host(one.name) if one.name in self.states else None) for one in names]

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
            self.asked.append((name, wanted))
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
        return self.status.get(host.name, "")

    def count(self, host: SessionHost) -> int:
        return self.counts.get(host.name, 0)

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
        return lambda: self.states.__setitem__(name, state)


def now_of(clock: Clock) -> Callable[[], datetime]:
    """Return a time of day that passes with the clock."""
    return lambda: START + timedelta(seconds=clock() - BEGIN)


def stay(_farm: FakeFarm, _session: Session) -> Reply:
    """Take the act, in vain."""
    return Reply.DONE
