# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A farm whose users, answers and failures are laid down beforehand, and that logs what was really done to whom."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Event,
    Listed,
    ListingFailed,
    Notes,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Key, Session
from tests.unit.fakes.clock import Clock
from tests.unit.fakes.farm import CREATED, session

MARK = "9"
"""Id of a session that no farm has: a request that names it is told by it."""
OWN_DEADLINE = 35.0
"""Seconds after which the farm lets go of a message without an answer."""


@dataclass(frozen=True, slots=True)
class Occupant:
    """Who has an id, and how the farm shows it."""

    user: str
    born: int
    """A number that no other session of the run has."""
    state: str = "Active"
    hidden: bool = False
    """Whether its user cannot be read just now."""
    host: str = "host-0"


class What(Enum):
    """Something that happens to an id."""

    COME = "comes, whoever was there"
    LEAVE = "leaves"
    DISCONNECT = "disconnects"
    RECONNECT = "reconnects"
    SIGN_OUT = "is being signed out"
    HIDE = "cannot be read"
    SHOW = "can be read again"
    RESPELL = "has a host that is spelled otherwise"


CHANGES: Mapping[What, Mapping[str, Any]] = {
    What.DISCONNECT: {"state": "Disconnected"},
    What.RECONNECT: {"state": "Active"},
    What.SIGN_OUT: {"state": "LogOff"},
    What.HIDE: {"hidden": True},
    What.SHOW: {"hidden": False},
    What.RESPELL: {"host": "HOST-0"},
}


@dataclass(frozen=True, slots=True)
class Happening:
    """What happens when to which id."""

    at: float
    id: str
    what: What
    user: str


class Answer(Enum):
    """How a message is answered."""

    DONE = "done"
    UNCLEAR = "unclear, nothing sent"
    UNCLEAR_SENT = "unclear, sent"
    THROTTLED = "throttled"
    REFUSED = "refused"
    GONE = "no such session, it says"
    NOT_SENT = "not sent"
    SILENT = "no answer, nothing sent"
    SILENT_SENT = "no answer, sent"
    LOST = "the connection is lost, nothing sent"
    LOST_SENT = "the connection is lost, sent"
    INTERRUPT = "sent, and the task is interrupted"

    @property
    def reaches(self) -> bool:
        """Whether the user sees the message."""
        return self in (Answer.DONE, Answer.UNCLEAR_SENT, Answer.SILENT_SENT, Answer.LOST_SENT, Answer.INTERRUPT)

    @property
    def may_reach(self) -> bool:
        """Whether nobody but the farm knows that it did not."""
        return self not in (Answer.THROTTLED, Answer.REFUSED, Answer.GONE, Answer.NOT_SENT)


REPLIES = {
    Answer.DONE: Reply.DONE,
    Answer.THROTTLED: Reply.THROTTLED,
    Answer.REFUSED: Reply.REFUSED,
    Answer.GONE: Reply.GONE,
    Answer.NOT_SENT: Reply.NOT_SENT,
}
SILENT = (Answer.SILENT, Answer.SILENT_SENT)
LOST = (Answer.LOST, Answer.LOST_SENT)


@dataclass(frozen=True, slots=True)
class ActPlan:
    """How one message is answered, how long before it is sent, and how long it takes."""

    answer: Answer = Answer.DONE
    queued: float = 0.0
    seconds: float = 0.1


@dataclass(frozen=True, slots=True)
class ListPlan:
    """How long a list takes, and whether it shows the farm as it is at its end."""

    seconds: float = 0.1
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A while."""

    begin: float
    seconds: float

    def has(self, at: float) -> bool:
        """Whether a moment is in it."""
        return self.begin <= at < self.begin + self.seconds


@dataclass(frozen=True, slots=True)
class FarmPlan:
    """Everything that is laid down of the farm. Lists and messages beyond the last plan begin with the first again."""

    happenings: Sequence[Happening] = ()
    timeless: bool = False
    lists: Sequence[ListPlan] = (ListPlan(),)
    acts: Sequence[ActPlan] = (ActPlan(),)
    failing: Sequence[Span] = ()
    """When lists fail."""
    blocked: Sequence[Span] = ()
    """When no message may be sent."""
    room: int = 16
    reach_seconds: float = 0.0
    interrupt_at: float = math.inf
    gone_at: float = math.inf
    """When the run that the wait belongs to is gone."""


class Kind(Enum):
    """What a list is for."""

    WAIT = "wait"
    MESSAGES = "messages"
    AGAIN = "messages, again"


@dataclass(frozen=True, slots=True)
class ListLog:
    """A list that was answered."""

    kind: Kind
    run: int
    """How many times messages had been begun to be sent by then."""
    begun: float
    ended: float
    read: float
    """The moment of which it tells."""
    rows: Sequence[Session] | None
    """Nothing when it failed."""


@dataclass(frozen=True, slots=True)
class SendLog:
    """A message that left."""

    at: float
    begun: float
    run: int
    proof: Session
    title: str
    body: str
    answer: Answer


class DrawnClock(Clock):
    """Time that an interrupt stops once."""

    def __init__(self, interrupt_at: float) -> None:
        super().__init__(0.0)
        self._interrupt_at = interrupt_at

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        if self.now < self._interrupt_at <= until:
            self.now = self._interrupt_at
            raise KeyboardInterrupt
        self.now = until


@dataclass
class DrawnFarm:
    """The farm as a service, its truth and its log."""

    plan: FarmPlan
    proves_itself = False
    disconnected = "Disconnected"
    lists: list[ListLog] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)
    """When a list was begun, answered or not."""
    sends: list[SendLog] = field(default_factory=list)
    put_off: list[float] = field(default_factory=list)
    """When a message was held back, by the farm or for want of room."""
    answers: list[float] = field(default_factory=list)
    """When messages are answered, sent or not."""
    unanswered: list[Session] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = DrawnClock(self.plan.interrupt_at)
        self._texts: Callable[[Session], Mapping[str, Any]] = lambda _session: {}
        self._due: list[tuple[float, Callable[[], list[Event]]]] = []
        self._flying = self._acts = self._run = 0
        self._throttled_until = 0.0
        self._is_listing = False
        self._lost: Exception | None = None
        self._histories: dict[str, list[tuple[float, Occupant | None]]] = {}
        for number, one in enumerate(sorted(self.plan.happenings, key=lambda one: one.at)):
            history = self._histories.setdefault(one.id, [])
            there = history[-1][1] if history else None
            if one.what is What.COME:
                history.append((one.at, Occupant(one.user, number)))
            elif one.what is What.LEAVE:
                history.append((one.at, None))
            elif there is not None:
                history.append((one.at, replace(there, **CHANGES[one.what])))

    # Truth

    def who(self, id_: str, at: float) -> Occupant | None:
        """Tell who really had an id at a moment."""
        return next((there for since, there in reversed(self._histories.get(id_, [])) if since <= at), None)

    def there(self, at: float) -> dict[str, Occupant]:
        """Tell who really was there at a moment."""
        found = {id_: self.who(id_, at) for id_ in sorted(self._histories)}
        return {id_: one for id_, one in found.items() if one is not None}

    def row(self, id_: str, one: Occupant, read_at: float) -> Session:
        """Return the row in which it is shown."""
        created = None if self.plan.timeless else CREATED + timedelta(hours=one.born)
        return session(id_, "" if one.hidden else one.user, one.state, one.host, created=created, read_at=read_at)

    # The service

    def reach(self, texts: Callable[[Session], Mapping[str, Any]]) -> DrawnFarm:
        """Make a new connection."""
        self._texts = texts
        self.clock.sleep(self.plan.reach_seconds)
        self._lost, self._flying, self._is_listing = None, 0, False
        self._due.clear()
        return self

    def notes(self) -> Notes:
        return Notes((), self._lost)

    def require_host(self, host: str) -> None:
        raise AssertionError("no host was named")

    def list_sessions(self, named: Sequence[Key] = ()) -> Sequence[Session]:
        is_waits = not named or any(id_ == MARK for _place, _host, id_ in named)
        self._run += not is_waits
        if self._lost is not None:
            raise self._lost
        begun, plan = self._begin_list()
        self.clock.sleep(plan.seconds)
        log = self._log_list(Kind.WAIT if is_waits else Kind.MESSAGES, begun, plan)
        if log.rows is None:
            raise ServiceError("busy") if int(begun) % 2 else ConnectionError("reset")
        return log.rows

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        assert not self._is_listing, "a list was begun before the last one had ended"
        self._is_listing = True
        begun, plan = self._begin_list()
        run = self._run

        def end() -> list[Event]:
            self._is_listing = False
            log = self._log_list(Kind.AGAIN, begun, plan, run)
            if log.rows is None:
                return [ListingFailed(ServiceError("busy", lasting=bool(int(begun) % 2)))]
            return [Listed(log.rows, last=False), Listed((), last=True)]

        self._due.append((begun + plan.seconds, end))

    def begin_act(self, session: Session, send_before: float) -> None:
        begun = self.clock()
        assert begun < send_before, "a message was begun on a proof that is too old"
        assert self.pause() == 0.0, "a message was begun during a pause"
        plan = self.plan.acts[self._acts % len(self.plan.acts)]
        self._acts += 1
        self._flying += 1
        self.unanswered.append(session)
        if plan.queued:
            self._due.append((begun + plan.queued, lambda: self._send(session, begun, send_before, plan)))
        else:
            self._send(session, begun, send_before, plan)

    def pause(self) -> float:
        if self._flying >= self.plan.room:
            self.put_off.append(self.clock())
            return math.inf
        now = self.clock()
        until = max((one.begin + one.seconds for one in self.plan.blocked if one.has(now)), default=0.0)
        pause = max(0.0, until - now, self._throttled_until - now)
        if pause:
            self.put_off.append(now)
        return pause

    def wait(self, seconds: float) -> list[Event]:
        assert seconds >= 0.0
        self._due.sort(key=lambda due: due[0])
        if not self._due or self._due[0][0] > self.clock() + seconds:
            self.clock.sleep(seconds)
            return []
        self.clock.sleep(max(0.0, self._due[0][0] - self.clock()))
        return self._due.pop(0)[1]()

    def close(self) -> None:
        self._due.clear()

    def _begin_list(self) -> tuple[float, ListPlan]:
        self.asked.append(self.clock())
        return self.clock(), self.plan.lists[(len(self.asked) - 1) % len(self.plan.lists)]

    def _log_list(self, kind: Kind, begun: float, plan: ListPlan, run: int | None = None) -> ListLog:
        now = self.clock()
        read = now if plan.at_end else begun
        fails = self._lost is not None or any(span.has(begun) for span in self.plan.failing)
        rows = None if fails else [self.row(id_, one, begun) for id_, one in self.there(read).items()]
        self.lists.append(ListLog(kind, self._run if run is None else run, begun, now, read, rows))
        return self.lists[-1]

    def _send(self, session: Session, begun: float, send_before: float, plan: ActPlan) -> list[Event]:
        now, answer = self.clock(), plan.answer
        if self._lost is not None or now >= send_before or answer is Answer.NOT_SENT:
            self.put_off.append(now)
            self._reply(session, Reply.NOT_SENT, None, plan.seconds)
            return []
        texts = self._texts(session)
        log = SendLog(now, begun, self._run, session, texts["message_title"], texts["message_body"], answer)
        self.sends.append(log)
        if answer is Answer.INTERRUPT:
            raise KeyboardInterrupt
        if answer is Answer.THROTTLED:
            self._throttled_until = now + plan.seconds * 10
        if answer in LOST:
            self._lost = ConnectionError("reset")
        self._reply(session, None if answer in SILENT else REPLIES.get(answer, Reply.UNCLEAR), now, plan.seconds)
        return []

    def _reply(self, session: Session, reply: Reply | None, sent_at: float | None, seconds: float) -> None:
        def answer() -> list[Event]:
            self._flying -= 1
            if reply is None:
                return []
            self.unanswered.remove(session)
            return [Replied(session, reply, f"answered {reply.name}", sent_at)]

        self.answers.append(self.clock() + (OWN_DEADLINE if reply is None else seconds))
        self._due.append((self.answers[-1], answer))
