# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service for the engine's tests: a farm in memory with a clock that moves only when the engine waits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Event,
    Listed,
    ListingFailed,
    Notes,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import (
    ACTIVE,
    DISCONNECTED,
    ENDING,
    OTHER,
    Key,
    Session,
)
from tests.unit.fakes.clock import Clock

CREATED = datetime(2026, 11, 20, 8, tzinfo=timezone.utc)


def session(
    id_: str = "1", user: str = "alice@contoso.com", state: str = "Active", host: str = "host-0", **changes: object
) -> Session:
    """Make a session of the farm."""
    users = (user,) if user else ()
    made = Session("pool", host, id_, users, state, CREATED, 0.0, {"host": host, "id": id_, "user": user})
    return with_common_state(replace(made, **changes))  # type: ignore[arg-type]


def with_common_state(session: Session) -> Session:
    """Fill the common word for the state in."""
    words = {"Active": ACTIVE, "Disconnected": DISCONNECTED, "LogOff": ENDING}
    return replace(session, common_state=words.get(session.state, OTHER))


@dataclass
class Act:
    """What the farm saw of an act."""

    session: Session
    owner: str
    at: float
    listed_at: float


@dataclass
class FakeFarm:
    """Sessions, and scripts for how acts and looks are answered."""

    proves_itself = False
    disconnected = "Disconnected"
    sessions: dict[Key, Session]
    clock: Clock = field(default_factory=Clock)
    replies: dict[Key, list[Callable[[FakeFarm, Session], Reply | None]]] = field(default_factory=dict)
    look_errors: list[ServiceError] = field(default_factory=list)
    room: int = 16
    act_seconds: float = 0.05
    look_seconds: float = 0.05
    first_seconds: float = 0.0
    """How long the first list takes."""
    effect: bool = True
    ends: bool = False
    """Whether an act ends sessions, instead of disconnecting them."""
    acts: list[Act] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    closed: bool = False
    known_hosts: tuple[str, ...] = ()
    blocked_until: float = 0.0
    warnings: list[str] = field(default_factory=list)
    _due: list[tuple[float, Callable[[], list[Event]]]] = field(default_factory=list)
    _flying: int = 0

    @classmethod
    def of(cls, *sessions: Session) -> FakeFarm:
        """Make a farm of sessions."""
        return cls({one.key: one for one in sessions})

    def notes(self) -> Notes:
        return Notes(self.warnings)

    def list_sessions(self, named: Sequence[Key] = ()) -> Sequence[Session]:
        rows = self._read(self.clock())
        self.clock.sleep(self.first_seconds)
        return rows

    def require_host(self, host: str) -> None:
        if host not in self.known_hosts:
            raise ServiceError(f"no host {host}")

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        begun = self.clock()
        self.looks.append(begun)
        if self.look_errors:
            error = self.look_errors.pop(0)
            self._due.append((begun + self.look_seconds, lambda: [ListingFailed(error)]))
        else:
            rows = self._read(begun)
            self._due.append((begun + self.look_seconds, lambda: [Listed(rows, last=False), Listed((), last=True)]))

    def begin_act(self, session: Session, send_before: float) -> None:
        assert self.clock() < send_before, "an act was sent on a proof that is too old"
        assert self.pause() == 0.0, "an act was sent during a pause"
        self._flying += 1
        there = self.sessions.get(session.key)
        self.acts.append(Act(session, there.user if there else "", self.clock(), session.read_at))
        script = self.replies.get(session.key, [])
        reply = (script.pop(0) if script else accept)(self, session)
        if reply is not None:
            self._due.append((self.clock() + self.act_seconds, lambda: self._answer(session, reply)))

    def pause(self) -> float:
        if self._flying >= self.room:
            return math.inf
        return max(0.0, self.blocked_until - self.clock())

    def wait(self, seconds: float) -> list[Event]:
        assert seconds >= 0.0
        self._due.sort(key=lambda due: due[0])
        if not self._due or self._due[0][0] > self.clock() + seconds:
            self.clock.now += seconds
            return []
        at, make = self._due.pop(0)
        self.clock.now = max(self.clock(), at)
        return make()

    def close(self) -> None:
        self.closed = True

    def disconnect(self, key: Key) -> None:
        self.sessions[key] = replace(self.sessions[key], state="Disconnected")

    def end(self, key: Key) -> None:
        del self.sessions[key]

    def give_id_to(self, key: Key, user: str) -> None:
        self.sessions[key] = replace(
            self.sessions[key], users=(user,), state="Active", created=CREATED + timedelta(hours=1)
        )

    def _answer(self, session: Session, reply: Reply) -> list[Event]:
        self._flying -= 1
        return [Replied(session, reply, f"answered {reply.name}")]

    def _read(self, at: float) -> list[Session]:
        return [with_common_state(replace(one, read_at=at)) for one in self.sessions.values()]


def accept(farm: FakeFarm, session: Session) -> Reply:
    """Take the act, with effect unless the farm is stuck."""
    if farm.effect and session.key in farm.sessions:
        farm.end(session.key) if farm.ends else farm.disconnect(session.key)
    return Reply.DONE


def fail_before(farm: FakeFarm, session: Session) -> Reply:
    """Answer unclearly, without any effect."""
    return Reply.UNCLEAR


def fail_after(farm: FakeFarm, session: Session) -> Reply:
    """Answer unclearly, after the effect."""
    accept(farm, session)
    return Reply.UNCLEAR
