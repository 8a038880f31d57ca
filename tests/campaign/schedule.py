# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn: the farm, the request, what happens on the farm, and how each call is answered.

A schedule is read from bytes in records of fixed length, where zero always means the plainest thing. So a run is a
function of them, they are cheap to draw, and they shrink record by record.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from tests.campaign.farm import ACTIVE, DISCONNECTED, OTHER, Effect
from tests.campaign.kind import KINDS, WVD, Kind

HEAD, SESSION, HAPPENING, LIST, ACT = 28, 4, 6, 5, 5
MOST_SESSIONS, MOST_HAPPENINGS, MOST_LISTS, MOST_ACTS = 8, 6, 12, 14
PARTS = (
    HEAD,
    SESSION * MOST_SESSIONS,
    HAPPENING * MOST_HAPPENINGS,
    LIST * MOST_LISTS,
    ACT * MOST_ACTS,
)
"""How many bytes each part of a schedule takes."""
TAPE = sum(PARTS)
"""How many bytes a schedule takes. One piece: hypothesis would exchange several, which makes runs alike."""

USERS = ("alice", "bob", "carol", "dave")
SLOW = {16: 6.0, 17: 12.0, 18: 28.0, 19: 31.0}
"""How many seconds all lists of a run take, of twenty runs in so many."""
AGES = (7200, 4000, 600, 3000)
"""Seconds since a session was created, of which minimum_age wants an hour."""
MINIMUM_AGE = 3600.0


class What(Enum):
    """Something that happens on the farm."""

    LEAVE = "leaves"
    TAKE_OVER = "another user takes the id over"
    COME_BACK = "the same user takes the id over"
    DISCONNECT = "disconnects"
    RECONNECT = "reconnects"
    COME = "a user comes"
    GHOST = "the user cannot be read for some time"
    RESPELL_HOST = "lists spell the host otherwise"
    RESPELL_USER = "lists spell the user otherwise"


class ActFault(Enum):
    """How an act goes wrong."""

    BEFORE = "error before the effect"
    AFTER = "error after the effect"
    LATE = "error long before the effect"
    THROTTLED = "refused for now"
    REFUSED = "refused"
    NOT_FOUND = "no such session, it says"
    HANG = "hangs, without effect"
    HANG_AFTER = "hangs after the effect"
    HANG_LATE = "hangs, and has its effect after it was given up"
    STUCK = "accepted, without effect"
    LOST_BEFORE = "the connection is lost before the effect"
    LOST_AFTER = "the connection is lost after the effect"
    UNSENT = "not sent"


class ListFault(Enum):
    """How a list goes wrong."""

    SLOW = "slow"
    FAILS = "fails"
    HALF = "fails half-way"
    LAGS = "lags behind"
    DOUBLE = "shows an id twice"
    LOST = "the connection is lost"
    HANGS = "hangs"


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A session that is there when the run begins."""

    pool: int
    host: int
    id: str
    user: str
    state: str
    age: int
    ghost: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happens, some time after a list or an act begins, or after the run begins."""

    what: What
    after: tuple[str, int]
    delay: float
    target: int
    gap: float


@dataclass(frozen=True, slots=True)
class ListPlan:
    """How a list is answered."""

    seconds: float = 0.1
    look_at: float = 0.5
    """The part of its time after which it looks at the farm."""
    fault: ListFault | None = None
    lag: float = 0.0


@dataclass(frozen=True, slots=True)
class ActPlan:
    """How an act is answered."""

    seconds: float = 0.1
    effect_at: float = 0.5
    """The part of its time after which it has its effect; above one that is after its answer."""
    ending: float = 0.0
    """How long the session is shown as being ended."""
    fault: ActFault | None = None
    flavour: int = 0
    """Which of the answers that mean the same."""
    late: float = 0.0
    """Seconds after the answer in which a late effect comes."""


@dataclass(frozen=True, slots=True)
class Named:
    """A session that the request names: by what is there when the run begins."""

    pool: int
    host: int
    id: str
    user: str = ""
    age: int = -1


@dataclass(frozen=True, slots=True)
class Wanted:
    """The request."""

    users: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    aged: bool = False
    host: int = -1
    named: tuple[Named, ...] | None = None
    check_mode: bool = False
    wait_timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that is drawn for a run."""

    kind: Kind
    pools: int
    sessions: tuple[SessionPlan, ...]
    wanted: Wanted
    arguments: Mapping[str, object]
    """What the verb takes besides a session."""
    happenings: tuple[Happening, ...]
    lists: tuple[ListPlan, ...]
    acts: tuple[ActPlan, ...]
    timeless: bool
    """Whether the service does not say when a session was created."""
    page_size: int
    at_once: int
    interrupt_at: float
    run_ends_at: float
    slow: float = 0.0
    """How many seconds every list takes at least, where all of them take long."""

    def list_plan(self, number: int) -> ListPlan:
        """Say how a list is answered."""
        return self.lists[number] if number < len(self.lists) else ListPlan(self.slow or 0.1)

    def act_plan(self, number: int) -> ActPlan:
        """Say how an act is answered."""
        return self.acts[number] if number < len(self.acts) else ActPlan()


def read_tape(whole: bytes, kinds: Sequence[Kind] = KINDS) -> Schedule:
    """Read a schedule."""
    rest = iter(whole)
    tape = [bytes(islice(rest, size)) for size in PARTS]
    head = tape[0]
    kind = kinds[head[0] % len(kinds)]
    pools = 1 + (head[1] % 4 == 3) * (kind.service.places - 1)
    hosts = 1 + head[2] % kind.service.hosts
    rates = (0.0, 0.12, 0.35, 0.75)
    sessions = _sessions(
        tape[1], 1 + head[3] % MOST_SESSIONS if head[3] % 5 else 1 + head[3] % 3, pools, hosts, head[4]
    )
    act_rate, list_rate = rates[head[5] % 4], rates[head[6] % 4]
    act_kinds = _enabled(ActFault, head[7] | head[8] << 8)
    list_kinds = _enabled(ListFault, head[9])
    what_kinds = _enabled(What, head[10] | head[11] << 8)
    wait_timeout = (5.0, 2.0, 20.0, 0.0, 5.0, 8.0)[head[13] % 6]
    timeless = not kind.service.tells_creation or head[18] % 5 == 4
    slow = SLOW.get(head[17] % 20, 0.0)
    # A list of many pages, each of them slow, would be given up before its end.
    page_size = (50, 1, 2, 2)[head[21] % 4] if slow < 20.0 else 50
    wanted = _wanted(head[12:20], sessions, wait_timeout, timeless, hosts)
    return Schedule(
        kind,
        pools,
        sessions,
        wanted,
        _arguments(kind, head[27]),
        tuple(_happenings(tape[2], what_kinds, head[20], wanted, page_size)),
        tuple(_list_plan(tape[3][at : at + LIST], list_rate, list_kinds, slow) for at in range(0, len(tape[3]), LIST)),
        tuple(_act_plan(tape[4][at : at + ACT], act_rate, act_kinds) for at in range(0, len(tape[4]), ACT)),
        timeless,
        page_size=page_size,
        at_once=(15, 2, 1, 15)[head[22] % 4],
        interrupt_at=0.2 + head[24] * 0.05 if head[23] % 12 == 11 else math.inf,
        run_ends_at=0.2 + head[26] * 0.05 if head[25] % 12 == 11 else math.inf,
        slow=slow,
    )


def _arguments(kind: Kind, odd: int) -> Mapping[str, object]:
    """Messages have texts, of which only Azure takes one alone; and Azure's log-off has a way."""
    if kind.service is WVD and kind.effect is Effect.ENDS:
        return {"force": bool(odd % 2)}
    if kind.effect is Effect.LEAVES_MESSAGE:
        title = "Maintenance" if odd % 2 or kind.service is not WVD else None
        return {"message_title": title, "message_body": "Please save your work."}
    return {}


def _enabled(kinds: type[Enum], mask: int) -> list[Enum]:
    return [one for number, one in enumerate(kinds) if mask >> number & 1]


def _sessions(tape: bytes, count: int, pools: int, hosts: int, odd: int) -> tuple[SessionPlan, ...]:
    found: dict[tuple[int, int, str], SessionPlan] = {}
    for number in range(count):
        where, who, how, ghost = tape[number * SESSION : (number + 1) * SESSION]
        id_ = str(1 + number if odd % 4 else 1 + where % 5)
        plan = SessionPlan(
            where // 16 % pools,
            where // 4 % hosts,
            id_,
            USERS[who % len(USERS)],
            (ACTIVE, ACTIVE, DISCONNECTED, ACTIVE, DISCONNECTED, OTHER)[how % 6],
            how // 8 % len(AGES),
            ghost % 24 == 23,
        )
        found.setdefault((plan.pool, plan.host, plan.id), plan)
    return tuple(found.values())


def _wanted(head: bytes, sessions: Sequence[SessionPlan], wait_timeout: float, timeless: bool, hosts: int) -> Wanted:
    mode, _wait, more, pick, check = head[0] % 10, head[1], head[2], head[3], head[4]
    named: tuple[Named, ...] | None = None
    if mode in (6, 7, 8):
        chosen = [plan for number, plan in enumerate(sessions) if pick >> number % 8 & 1] or list(sessions[:1])
        named = tuple(
            Named(plan.pool, plan.host, plan.id, plan.user, -1 if timeless else plan.age)
            if mode == 7
            else Named(plan.pool, plan.host, plan.id)
            for plan in chosen
        )
        if more % 8 == 7:
            named += (Named(0, 0, "9"),)
        if more % 8 == 6 and mode == 7:
            first = named[0]
            named = (Named(first.pool, first.host, first.id, USERS[(USERS.index(first.user) + 1) % 4]), *named[1:])
    users = (USERS[pick % 4], USERS[pick // 4 % 4]) if mode in (1, 2) else ()
    excluded = (USERS[pick % 4],) if mode == 3 else ()
    states = ((ACTIVE,), (DISCONNECTED,), (DISCONNECTED, OTHER))[pick % 3] if mode in (4, 5) or more % 16 == 3 else ()
    return Wanted(
        users,
        excluded,
        states,
        aged=more % 8 == 5 and not timeless,
        host=pick % hosts if mode == 9 else -1,
        named=named,
        check_mode=check % 24 == 23,
        wait_timeout=wait_timeout,
    )


def _happenings(tape: bytes, kinds: Sequence[Enum], many: int, wanted: Wanted, page_size: int) -> list[Happening]:
    # What matters to a run happens more often in it: changes of state where states are chosen, and rows that slide.
    often: What | None = None
    if wanted.states:
        often = What.RECONNECT if DISCONNECTED in wanted.states else What.DISCONNECT
    elif page_size < 50 and many % 8 > 3:
        often = What.LEAVE
    found: list[Happening] = []
    if not kinds or many % 4 == 0:
        return found
    for at in range(0, HAPPENING * (1 + many % MOST_HAPPENINGS), HAPPENING):
        what, anchor, number, delay, target, gap = tape[at : at + HAPPENING]
        if what == 0:
            continue
        found.append(
            Happening(
                often if often and what % 2 else kinds[what // 2 % len(kinds)],  # type: ignore[arg-type]
                (("run", 0), ("list", number % 4), ("act", number % 4), ("act", number % 2))[anchor % 4],
                (delay % 64) * 0.2 if anchor % 4 == 0 else (0.0, 0.02, 0.06, 0.2, 0.7, 2.0, 4.0, 5.2)[delay % 8],
                target,
                (0.0, 0.0, 0.1, 0.5, 2.0)[gap % 5],
            )
        )
    return found


def _list_plan(tape: bytes, rate: float, kinds: Sequence[Enum], slow: float) -> ListPlan:
    chance, which, seconds, look_at, lag = tape
    fault: ListFault | None = None
    if kinds and chance >= 256 * (1 - rate):
        fault = kinds[which % len(kinds)]  # type: ignore[assignment]
    took = (0.0, 0.1, 0.3, 0.6, 0.9)[seconds % 5] if slow else (0.1, 0.3, 0.6, 1.5, 2.2)[seconds % 5]
    if fault is ListFault.SLOW:
        took = (2.5, 4.0, 6.0, 8.0, 13.0)[seconds % 5]
    took += slow
    return ListPlan(
        took,
        (0.5, 0.05, 0.95)[look_at % 3],
        fault,
        (0.5, 1.0, 2.0, 4.0)[lag % 4] if fault is ListFault.LAGS else 0.0,
    )


def _act_plan(tape: bytes, rate: float, kinds: Sequence[Enum]) -> ActPlan:
    chance, which, seconds, effect, flavour = tape
    fault: ActFault | None = None
    if kinds and chance >= 256 * (1 - rate):
        fault = kinds[which % len(kinds)]  # type: ignore[assignment]
    return ActPlan(
        (0.1, 0.3, 0.8, 1.6, 3.5)[seconds % 5],
        (0.5, 0.1, 0.9, 1.2, 1.8)[effect % 5],
        (0.0, 0.0, 0.5, 2.0)[effect // 8 % 4],
        fault,
        flavour,
        (0.3, 1.0, 3.0, 6.0)[flavour // 4 % 4],
    )
