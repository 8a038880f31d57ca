# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm: who is where, and an append-only log of all that was true, shown and done. It shares no code with plugins.

Names of hosts and users are kept without case; how a list spells them may change at any time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import Enum

from tests.campaign.world import START, World

ACTIVE, DISCONNECTED, ENDING, OTHER = "active", "disconnected", "ending", "other"
TODAY = datetime(2026, 11, 20, 8, tzinfo=timezone.utc)

Spot = tuple[str, str, str]
"""Place, host in lower case, and id."""


class Effect(Enum):
    """What an act does to the session that it meets."""

    ENDS = "logoff"
    DISCONNECTS = "disconnect"
    LEAVES_MESSAGE = "message"


class Answer(Enum):
    """What an act was answered, as far as the farm itself knows what it said."""

    ACCEPTED = "accepted"
    """Yes; or nothing until a deadline after which it counts as accepted."""
    UNCLEAR = "unclear"
    """Something that does not say whether it had its effect."""
    REFUSED = "refused"
    """A no for good, without any effect."""
    ABSENT = "no such session"
    """A clear no, without any effect, because nobody is there."""
    THROTTLED = "throttled"
    """A no for now, without any effect."""


def time_of_day(at: float) -> datetime:
    """Return the time of day at a moment of a run."""
    return TODAY + timedelta(seconds=at - START)


@dataclass(slots=True, eq=False)
class Login:
    """One session of one user, from sign-in to its end."""

    number: int
    spot: Spot
    user: str
    created: datetime | None
    begun: float
    ended: float = math.inf
    states: list[tuple[float, str]] = field(default_factory=list)
    readable: list[tuple[float, bool]] = field(default_factory=list)
    shouted: bool = False
    """Whether lists show its user in capitals."""
    messages: list[tuple[float, Act]] = field(default_factory=list)
    """When a message came, and which act had left it."""

    def state(self, at: float) -> str:
        """Return its state at a moment."""
        return next((state for since, state in reversed(self.states) if since <= at), self.states[0][1])

    def is_readable(self, at: float) -> bool:
        """Tell whether its user could be read at a moment."""
        return next((yes for since, yes in reversed(self.readable) if since <= at), True)

    def there(self, at: float) -> bool:
        """Tell whether it existed at a moment."""
        return self.begun <= at < self.ended

    def __str__(self) -> str:
        return f"{'/'.join(self.spot)} {self.user}#{self.number}"


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of a list, as the farm showed it."""

    login: Login
    host: str
    user: str
    """Empty when it could not be read."""
    state: str
    created: datetime | None

    def __str__(self) -> str:
        return f" {self.host}/{self.login.spot[2]} {self.user or '?'}#{self.login.number} {self.state};"


@dataclass(slots=True, eq=False)
class Reading:
    """A list, or a page of one, that was read."""

    number: int
    place: str
    host: str
    """The only host that it is about, in lower case, or empty."""
    begun: float
    id: str = ""
    """The only id that it is about, or empty."""
    delivered: float = math.inf
    ended: float = math.inf
    """When it was delivered, or failed."""
    taken: float = math.inf
    """When the product took it; until then it was on its way."""
    rows: list[Shown] = field(default_factory=list)
    whole: bool = False
    """Whether what it does not show was not there."""

    def covers(self, spot: Spot) -> bool:
        """Tell whether it would show what is at a spot."""
        place, host, id_ = spot
        return self.place == place and self.host in ("", host) and self.id in ("", id_)


@dataclass(slots=True, eq=False)
class Act:
    """An act that reached the farm."""

    number: int
    spot: Spot
    host: str
    """As it was spelled; empty when the service has only one."""
    effect: Effect
    sent: float
    met: Login | None
    """Who was there when it was sent."""
    given: Mapping[str, object] = field(default_factory=dict)
    """What it said besides."""
    faulty: bool = False
    answer: Answer | None = None
    answered: float = math.inf
    applied: Login | None = None
    """Whose session it ended or disconnected, or who got its message."""
    applied_at: float = math.inf
    batch: int = -1
    """Number of the script's run on the host that sent it, if it was one."""
    asked: float = math.inf
    """When the product had it sent: what came since, it could not know any more."""


@dataclass(slots=True)
class Farm:
    """Places with hosts with sessions."""

    world: World
    spots: dict[Spot, list[Login]] = field(default_factory=dict)
    """Everybody who was ever there, in order."""
    shouted: set[tuple[str, str]] = field(default_factory=set)
    """Hosts that lists spell in capitals now."""
    logins: list[Login] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    log: list[tuple[float, tuple[object, ...]]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    """Faults that may touch every session."""
    looks: list[float] = field(default_factory=list)
    """How long each look took; one at Azure is a list of each host, of several pages."""
    batches: list[float] = field(default_factory=list)
    """When each run of the script on the host was called."""
    lost_batches: set[int] = field(default_factory=set)
    """Runs of the script whose output is lost, so that nobody knows what any of its acts was answered."""
    slack: float = 0.0
    """How many seconds an act may have been sent before the product knows it was, as the script's host has a clock of
    its own."""
    asked: float = math.inf
    """When the product has last had an act sent."""
    lag: float = 0.0
    """The longest that any list lagged behind."""
    lost: bool = False
    """Whether the connection was lost, and with it every answer that was on its way."""
    respelled: set[tuple[str, str]] = field(default_factory=set)

    def note(self, *parts: object) -> None:
        """Write a line of the log, which becomes text only when somebody reads it."""
        self.log.append((self.world.now, parts))

    # Who is there

    def occupant(self, spot: Spot) -> Login | None:
        """Return who is at a spot now."""
        history = self.spots.get(spot)
        return history[-1] if history and history[-1].ended == math.inf else None

    def sign_in(self, spot: Spot, user: str, created: datetime | None, state: str = ACTIVE) -> Login:
        """Let a user come to a free spot."""
        now = self.world.now
        login = Login(len(self.logins), spot, user, created, now, states=[(now, state)])
        self.logins.append(login)
        self.spots.setdefault(spot, []).append(login)
        self.note(login, " is there, ", state)
        return login

    def sign_out(self, login: Login, why: str) -> None:
        """End a session."""
        if login.ended == math.inf:
            login.ended = self.world.now
            self.note(login, " is gone: ", why)

    def set_state(self, login: Login, state: str, why: str) -> None:
        """Change a session's state."""
        if login.ended == math.inf and login.states[-1][1] != state:
            login.states.append((self.world.now, state))
            self.note(login, " is ", state, ": ", why)

    # What lists show

    def rows(self, place: str, host: str, lag: float) -> Iterator[Shown]:
        """Show what is there, except that sessions that changed in the last seconds look as before."""
        now = self.world.now
        then = now - lag
        for spot, history in self.spots.items():
            if spot[0] != place or host not in ("", spot[1]):
                continue
            login = history[-1]
            if login.ended <= then:
                continue
            at = max(login.begun, then)
            readable = login.is_readable(now)
            spelled = spot[1].upper() if (place, spot[1]) in self.shouted else spot[1]
            user = (login.user.upper() if login.shouted else login.user) if readable else ""
            yield Shown(login, spelled, user, login.state(at), login.created)

    def begin_reading(self, place: str, host: str = "", id_: str = "") -> Reading:
        """Note that a list is being read."""
        reading = Reading(len(self.readings), place, host, self.world.now, id_)
        self.readings.append(reading)
        self.note("list ", reading.number, " begins", f" of {host} {id_}" if host else "")
        return reading

    def deliver(self, reading: Reading, rows: list[Shown], whole: bool) -> None:
        """Note what a list has brought."""
        reading.rows, reading.whole = rows, whole
        reading.delivered = reading.ended = self.world.now
        self.note("list ", reading.number, " shows ", *rows, "" if rows else "nothing", "" if whole else ", not whole")

    def take(self) -> None:
        """Note that the product has taken every list that was delivered."""
        for reading in reversed(self.readings):
            if reading.taken < math.inf:
                break
            if reading.delivered < math.inf:
                reading.taken = self.world.now

    def fail(self, reading: Reading) -> None:
        """Note that a list has failed."""
        reading.ended = self.world.now
        self.note("list ", reading.number, " fails")

    # What acts do

    def begin_act(self, place: str, host: str, id_: str, effect: Effect, **given: object) -> Act:
        """Note that an act has come."""
        spot = (place, host.lower(), id_)
        act = Act(len(self.acts), spot, host, effect, self.world.now, self.occupant(spot), given)
        act.asked = min(act.sent, self.asked)
        self.acts.append(act)
        self.note("act ", act.number, " (", effect.value, ") on ", host, "/", id_, " meets ", act.met or "nobody")
        return act

    def apply(self, act: Act, ending_seconds: float = 0.0) -> bool:
        """Let an act have its effect on whoever is there now; return whether anybody is."""
        login = self.occupant(act.spot)
        if login is None:
            return False
        if act.effect is Effect.DISCONNECTS and login.states[-1][1] == DISCONNECTED:
            return True
        act.applied, act.applied_at = login, self.world.now
        if act.effect is Effect.DISCONNECTS:
            self.set_state(login, DISCONNECTED, f"act {act.number}")
        elif act.effect is Effect.LEAVES_MESSAGE:
            login.messages.append((act.applied_at, act))
            self.note(login, " gets the message of act ", act.number)
        elif ending_seconds:
            self.set_state(login, ENDING, f"act {act.number}")
            self.world.after(ending_seconds, lambda: self.sign_out(login, f"act {act.number}"))
        else:
            self.sign_out(login, f"act {act.number}")
        return True

    def answer(self, act: Act, answer: Answer, why: str = "") -> None:
        """Note what an act was answered."""
        if self.lost and act.answer is not None:
            return
        act.answer = Answer.UNCLEAR if act.batch in self.lost_batches else answer
        act.answered = self.world.now
        self.note("act ", act.number, " is answered: ", answer.value, " ", why)

    def lose(self) -> None:
        """Let the connection be lost, and with it every answer that is on its way."""
        self.lost = True
        self.note("the connection is lost")
        for act in self.acts:
            if act.answer is None and act.batch < 0:
                act.answer, act.answered = Answer.UNCLEAR, self.world.now

    def lose_batch(self, number: int) -> None:
        """Let the output of a run of the script be lost."""
        self.lost_batches.add(number)
        self.note("the output of the script is lost")
        for act in self.acts:
            if act.batch == number and act.answer is not None:
                act.answer = Answer.UNCLEAR
