# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until sessions have ended by themselves, or a deadline has come, and send messages on the way."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from . import engine
from .engine import Now
from .errors import SessionsError
from .execution import BrokenOffError, Clock, RunEndedError, why_broken_off
from .outcome import FAILED, NOT_SELECTED, STILL_THERE, UNCLEAR, Report, Row
from .selection import Filters, NamedSession, Selection
from .service import Notes, Service
from .session import ACTIVE, OTHER, Key, Session, fold, order, same_instant, without_case
from .staged_message import (
    MOST_TRIES,
    PLANNED,
    StagedMessage,
    Told,
    current,
    minutes_left,
    next_one,
    warned_at,
    warned_seconds,
)
from .times import write_time
from .verbs import MESSAGE

ENDED = "ended"
"""Outcome: it is not there any more, by whatever cause."""
TICK = 0.5
"""Seconds after which a waiting task looks whether its run goes on."""
PROGRESS_SECONDS = 60.0
"""Seconds between two lines of progress, or more: none is shown while a list is read or messages are sent."""
SHARE_OF_READING = 4
"""After a list that took long, so many times as long nothing is read: the service has others to serve."""
RETRY_SECONDS = 15.0
"""So long after a list that failed the next one is read at the latest: a message may be waiting for it."""
CLOCKS_DIFFER = timedelta(seconds=60)
"""So much a host's clock may be ahead of the controller's."""
UNREAD_SECONDS = 60.0
"""So long after the deadline a list is tried again that must tell who is left."""
MESSAGE_SECONDS = 30.0
"""Seconds that one message may take."""
TOLD_STATES = (ACTIVE, OTHER)
"""Common states of sessions that get messages: one that is disconnected gets its message when its user is back."""

Texts = Callable[[Session], Mapping[str, Any]]
"""Returns the texts of a message to a session as arguments of the operation, just before it is sent."""


class Person(engine.Console, Protocol):
    """The person at the controller."""

    def waiting(self, left: int, total: int, seconds: float) -> None:
        """Show that `left` of `total` sessions are still on, and so many seconds are left."""

    def warn(self, text: str) -> None:
        """Show at once what may be wrong, although the wait goes on."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A service that has been reached, bound to messages if there are any, and the selection as it understands it."""

    service: Service
    selection: Selection


@dataclass(frozen=True, slots=True)
class WaitRequest:
    """What the user asked for."""

    seconds: float
    """Until the deadline, from the start of the task."""
    messages: Sequence[StagedMessage] = ()
    poll_interval: float = 15.0
    """Seconds between two lists, at least."""
    check_mode: bool = False
    minimum_notice: float = 0.0
    """Seconds for which everybody who is active has been warned at the end: the deadline is put off if need be."""
    longest: float = math.inf
    """To so many seconds from the start it may be put off."""


@dataclass(slots=True)
class WatchedSession:
    """A session that was selected at any time."""

    session: Session
    """Its newest row."""
    outcome: str = STILL_THERE
    reason: str = ""
    ended_at: datetime | None = None
    """When the first list without it was begun (aware)."""
    told: list[Told] = field(default_factory=list)
    created: datetime | None = None
    """When it was created (aware), if any of its rows has told."""
    seen_at: datetime | None = None
    """When the first list that shows it was begun (aware)."""

    def __post_init__(self) -> None:
        """Note what its first row tells."""
        self.created = self.session.created

    def result(self) -> dict[str, object]:
        """Return it as the module returns it."""
        warned = warned_at(self.told)
        return {
            **self.session.fields,
            "outcome": self.outcome,
            "reason": self.reason,
            "ended_at": None if self.ended_at is None else write_time(self.ended_at),
            "warned_at": None if warned is None else write_time(warned),
            "messages": [one.result() for one in self.told],
        }

    def end(self, at: datetime, other: Session | None) -> None:
        """Note that a list that was begun `at` does not show it, and which other session has its id, if one has."""
        self.outcome, self.ended_at = ENDED, at
        self.reason = "" if other is None else f"the id belongs to {other.user or 'somebody else'} now"

    def give_up(self, stage: StagedMessage) -> None:
        """Try a message no more."""
        told = self.last_told(stage)
        if told is not None:
            told.tries = MOST_TRIES

    def last_told(self, stage: StagedMessage) -> Told | None:
        """Return what became of a message, if it was tried."""
        return next((one for one in self.told if one.stage is stage), None)


@dataclass(slots=True)
class WaitReport:
    """Everything that a wait has seen and sent."""

    deadline: datetime
    watched: list[WatchedSession] = field(default_factory=list)
    absent: list[dict[str, object]] = field(default_factory=list)
    """Rows of named sessions that were not there from the start."""
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether any message was, may have been, or would be sent."""
        return any(told.outcome in (MESSAGE.done, UNCLEAR, PLANNED) for one in self.watched for told in one.told)

    @property
    def remaining(self) -> list[WatchedSession]:
        """The sessions that are still there."""
        return [one for one in self.watched if one.outcome == STILL_THERE]

    def rows(self) -> list[dict[str, object]]:
        """Return all rows, sorted by place, host and id."""
        return [*self.absent, *(one.result() for one in sorted(self.watched, key=lambda one: order(one.session.key)))]

    def result(self) -> dict[str, object]:
        """Return it as the module returns it."""
        rows = self.rows()
        return {
            "changed": self.changed,
            "sessions": rows,
            "remaining": [dict(one.session.fields) for one in self.remaining],
            "all_ended": not self.remaining,
            "deadline": write_time(self.deadline),
            "seconds": round(self.seconds, 3),
            "summary": dict(sorted(Counter(str(row["outcome"]) for row in rows).items())),
        }


class WaitBrokenOffError(Exception):
    """A wait ended before its time; the `report` says what is known. The text says why, without a full stop."""

    def __init__(self, report: WaitReport, cause: BaseException) -> None:
        super().__init__(why_broken_off(cause))
        self.report = report


class UnreadError(SessionsError):
    """Nobody could be seen for so long that nothing more is known."""


class Wait:
    """One wait over one place."""

    def __init__(
        self,
        request: WaitRequest,
        reach: Callable[[Texts], Opened],
        person: Person,
        clock: Clock,
        now: Now,
        sleep: Callable[[float], None],
        lives: Callable[[], bool],
        trouble: tuple[type[Exception], ...],
        looked: Callable[[Sequence[Session]], None] = lambda _listed: None,
    ) -> None:
        """`reach` reaches the service, again after `trouble`, which are the errors that may pass by themselves.

        `looked` is called with what a list shows, before anybody is chosen from it, and may raise these errors, too.
        `clock` counts seconds, for the service too, `sleep` lets them pass, `now` tells the time of day (aware);
        `lives` tells whether the run goes on.
        """
        self._request, self._reach, self._person = request, reach, person
        self._clock, self._now, self._sleep, self._lives = clock, now, sleep, lives
        self._trouble, self._looked = trouble, looked
        self._begun = clock()
        self._deadline = self._begun + request.seconds
        self._report = WaitReport(now() + timedelta(seconds=request.seconds))
        self._opened: Opened | None = None
        self._has_looked = False
        self._stage: StagedMessage | None = None
        """The message that is being sent."""
        self._sent: dict[Key, tuple[str, str, int]] = {}
        """Title, body and minutes of each message of that stage, as they went out."""
        self._complained: list[StagedMessage] = []
        """Messages of which has been said that they could not be sent to everybody."""
        self._oldest_proof: Report | None = None
        """The report of the messages that were sent on the oldest proof."""
        self._unread_since: float | None = None
        self._next_line = self._begun

    def run(self) -> WaitReport:
        """Wait. Raises the errors of the service before anything was sent, later WaitBrokenOffError."""
        try:
            took = self._look()  # With errors that pass: who has seen nobody yet has nothing to wait for.
            try:
                self._wait(took)
            except BaseException as error:
                self._report.seconds = self._clock() - self._begun
                cause = error.__cause__ if isinstance(error, BrokenOffError) and error.__cause__ else error
                raise WaitBrokenOffError(self._report, cause) from cause
        finally:
            self._let_go()
            # Once, and only here: later messages may be sent on older proofs.
            if self._oldest_proof is not None and (warning := self._oldest_proof.warning()):
                self._report.warnings.append(warning)
        self._report.seconds = self._clock() - self._begun
        return self._report

    def _wait(self, took: float) -> None:
        looked_at = self._clock() - took
        if self._request.check_mode:
            self._plan()
            return
        while self._report.remaining and (
            looked_at < self._deadline or self._unread_since is not None or self._put_off()
        ):
            if self._unread_since is None:
                self._warn()
            due = self._rest(looked_at, took)
            took = self._look_again()
            looked_at = max(due, self._clock() - took)  # Reaching the service may have taken some time before.
        if self._clock() > self._next_line - PROGRESS_SECONDS:
            self._line()

    # Looking

    def _look(self) -> float:
        """Read who is on. Return how many seconds that took."""
        if self._opened is None:
            self._opened = self._reach(self._texts)
            if self._has_looked:
                self._require_run()
        begun, at = self._clock(), self._now()  # Who left while the service was being reached had not ended before.
        service, selection = self._opened.service, self._opened.selection
        listed = [self._with_user(row, selection) for row in engine.read(service, selection)]
        self._looked(listed)
        if self._has_looked:
            # There is such a host: it need not be there any more when nobody is on it. And who is watched is known.
            chosen = replace(selection, named=None).choose(listed, self._now()).sessions
            self._see(listed, chosen, at)
            if selection.named is None:
                self._add(chosen, at)
        else:
            choice = engine.choose(service, selection, listed, self._now)
            self._add(choice.sessions, at)
            for named, found, outcome, reason in choice.left_alone:
                if found is not None and _may_be(named, found):
                    one = replace(found, users=(named.user,) if named.user else ())
                    rejected = choice.filters.rejects(one, self._now())
                    kept = NOT_SELECTED if rejected else STILL_THERE
                    self._report.watched.append(WatchedSession(one, kept, rejected))
                elif found is not None and outcome == NOT_SELECTED:
                    self._report.watched.append(WatchedSession(found, NOT_SELECTED, reason))
                else:
                    self._report.absent.append(_absent(named, reason))
            self._has_looked = True
        return self._clock() - begun

    def _with_user(self, row: Session, selection: Selection) -> Session:
        """Return a row with the user whom it had, or was named with, while nobody can read him: he is still there."""
        if row.users:
            return row
        key = without_case(row.key)
        if self._has_looked:
            there = (one for one in self._report.watched if one.outcome != ENDED)
            users = (one.session.users for one in there if without_case(one.session.key) == key and is_same(row, one))
        else:
            fitting = (one for one in selection.named or () if without_case(one.key) == key)
            users = ((one.user,) for one in fitting if one.user and not one.mismatch(replace(row, users=(one.user,))))
        return replace(row, users=next(users, ()))

    def _see(self, listed: Sequence[Session], chosen: Sequence[Session], at: datetime) -> None:
        """Note of every session that is watched whether it is still there, and meant."""
        rows = {without_case(row.key): row for row in listed}
        meant = {without_case(row.key) for row in chosen}
        for one in self._report.watched:
            key = without_case(one.session.key)
            row = rows.get(key)
            if row is None or not is_same(row, one) or (one.outcome == ENDED and _may_be_anybody(row, one)):
                if one.outcome != ENDED:
                    one.end(at, row)
                continue
            one.session, one.created = row, row.created or one.created
            one.ended_at = None
            if key in meant:
                one.outcome, one.reason = STILL_THERE, ""
            elif one.outcome != NOT_SELECTED:
                one.outcome, one.reason = NOT_SELECTED, f"it is {row.state} now, and does not pass the filters"

    def _add(self, chosen: Sequence[Session], at: datetime) -> None:
        """Watch who is new."""
        known = {without_case(one.session.key) for one in self._report.watched if one.outcome != ENDED}
        new = (row for row in chosen if without_case(row.key) not in known)
        self._report.watched += (WatchedSession(row, seen_at=at) for row in new)

    def _look_again(self) -> float:
        """Read who is on; trouble that may pass is let pass, until too long after the deadline."""
        begun = self._clock()
        try:
            took = self._look()
        except self._trouble as error:
            self._let_go()
            if self._unread_since is None:
                self._unread_since = begun
                self._tell(f"Sessions cannot be listed, which is tried again: {error}")
            if self._clock() >= self._deadline + UNREAD_SECONDS:
                raise UnreadError(f"it is not known who is left, because nobody can be listed: {error}") from error
            return self._clock() - begun
        self._unread_since = None
        return took

    def _let_go(self) -> None:
        """Close the service, and keep what it has to tell."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.service.close()
            self._note(opened.service.notes())

    def _note(self, notes: Notes) -> None:
        self._report.warnings += [text for text in notes.warnings if text not in self._report.warnings]

    def _tell(self, text: str) -> None:
        self._report.warnings.append(text)
        self._person.warn(text)

    # Messages

    def _warn(self) -> None:
        """Send the message whose turn it is to those who have not had it."""
        left = self._deadline - self._clock()
        stage = current(self._request.messages, left)
        if stage is None or self._opened is None:
            return
        meant = {without_case(one.session.key): one for one in self._report.remaining if _is_to_be_told(one, stage)}
        if not meant:
            return
        self._require_run()
        self._stage, self._sent = stage, {}
        latest = self._deadline - next_one(self._request.messages, left)
        named = tuple(name_session(one.session) for one in meant.values())
        meant_still = Selection(named, Filters(states=TOLD_STATES))
        request = engine.Request(MESSAGE, meant_still, wait_timeout=MESSAGE_SECONDS, latest=latest)
        report: Report | None = None
        try:
            report = engine.run(request, self._opened.service, self._person, self._clock, self._now, self._lives)
        except BrokenOffError as error:
            report = error.report
            raise
        except self._trouble as error:
            self._tell(f"Messages cannot be sent, which is tried again: {error}")
            self._let_go()
        finally:
            if report is not None and (
                self._oldest_proof is None or report.oldest_proof > self._oldest_proof.oldest_proof
            ):
                self._oldest_proof = report
            for row in report.rows if report is not None else ():
                one = meant.get(without_case(row.key))
                if one is not None:
                    self._note_told(one, stage, row)
        if report is not None:
            if _is_refused_for_all(report):
                for one in meant.values():
                    one.give_up(stage)
            notes = self._opened.service.notes()
            if report.failures and stage not in self._complained:
                self._complained.append(stage)
                self._tell(f"{report.failure_message()} {notes.advice}".strip())
            if notes.lost is not None or report.is_listing:
                self._let_go()

    def _texts(self, session: Session) -> Mapping[str, Any]:
        """Return the texts of the message that is being sent, with the minutes that are left now."""
        if self._stage is None:
            raise AssertionError("no message is being sent")
        left = self._deadline - self._clock()
        title, body = self._stage.texts(left)
        self._sent[without_case(session.key)] = (title, body, minutes_left(left))
        return {"message_title": title, "message_body": body}

    def _note_told(self, one: WatchedSession, stage: StagedMessage, row: Row) -> None:
        """Note what became of a message. Whoever was not there any more got none, as the next list shows."""
        if row.outcome not in (MESSAGE.done, UNCLEAR, FAILED):
            return
        before = one.last_told(stage)
        left = self._deadline - self._clock()
        title, body, minutes = self._sent.get(without_case(row.key), (*stage.texts(left), minutes_left(left)))
        sent_at = None
        if row.sent_at is not None and row.outcome != FAILED:
            sent_at = self._now() - timedelta(seconds=self._clock() - row.sent_at)
        tries = before.tries + 1 if before else 1
        clock = None if sent_at is None else row.sent_at
        told = Told(stage, title, body, minutes, sent_at, row.outcome, row.reason, tries, clock, row.proof_age)
        one.told = [*(earlier for earlier in one.told if earlier is not before), told]

    def _plan(self) -> None:
        """Note, for check mode, which messages would be sent when, if everybody stayed."""
        for one in self._report.remaining:
            for stage in self._request.messages:
                left = min(stage.before, self._request.seconds)
                if current(self._request.messages, left) is stage and _is_to_be_told(one, stage):
                    at = self._report.deadline - timedelta(seconds=left)
                    title, body = stage.texts(left)
                    one.told.append(Told(stage, title, body, minutes_left(left), at, PLANNED))

    # Time

    def _put_off(self) -> bool:
        """Put the deadline off until all who are active have had their notice. Tell whether that was necessary."""
        notice = self._request.minimum_notice
        waits = [seconds for one in self._report.remaining if (seconds := self._seconds_to_notice(one)) is not None]
        deadline = min(self._clock() + max(waits, default=0.0), self._begun + self._request.longest)
        if not notice or not waits or deadline <= self._deadline:
            return False
        self._report.deadline += timedelta(seconds=deadline - self._deadline)
        self._deadline = deadline
        return True

    def _seconds_to_notice(self, one: WatchedSession) -> float | None:
        """Return after how many seconds somebody has had his notice; `None` when he has, or there is no way to."""
        if one.session.common_state not in TOLD_STATES:
            return None
        notice = self._request.minimum_notice
        warned = warned_seconds(one.told, self._clock())
        if warned is not None:
            return notice - warned if warned < notice else None
        stage = current(self._request.messages, notice)
        return notice if stage is not None and _is_to_be_told(one, stage) else None

    def _rest(self, looked_at: float, took: float) -> float:
        """Let time pass until the next list is due; return when that is."""
        now = self._clock()
        due = max(looked_at + self._request.poll_interval, now + SHARE_OF_READING * took)
        # What began after the newest list takes one of its own, at once when it began while something else was done.
        left = self._deadline - looked_at
        if left > 0:
            due = min(due, self._deadline - next_one(self._request.messages, left))
        if self._unread_since is not None:
            due = min(due, now + RETRY_SECONDS)
        while True:
            self._require_run()
            if self._clock() >= self._next_line:
                self._line()
            left = due - self._clock()
            if left <= 0:
                return self._clock()
            self._sleep(min(TICK, left))

    def _require_run(self) -> None:
        if not self._lives():
            raise RunEndedError("the run has ended, so nothing more is done")

    def _line(self) -> None:
        """Show how many are still on."""
        now = self._clock()
        self._next_line = now + PROGRESS_SECONDS
        total = len(self._report.watched)
        self._person.waiting(len(self._report.remaining), total, max(0.0, self._deadline - now))


def _is_to_be_told(one: WatchedSession, stage: StagedMessage) -> bool:
    told = one.last_told(stage)
    return bool(one.session.users) and one.session.common_state in TOLD_STATES and (told is None or not told.is_over)


def _is_refused_for_all(report: Report) -> bool:
    """Tell whether all messages were sent and refused alike, as without the right to send any.

    Then it would only take the others' time to send them to everybody again.
    """
    failures = report.failures
    alike = len({row.reason for row in failures}) == 1 and all(row.sent_at is not None for row in failures)
    return len(failures) > 1 and alike and not report.changed


def _may_be_anybody(row: Session, one: WatchedSession) -> bool:
    """Tell whether a row may as well be of a newer session: of a session that had ended only proof makes it one."""
    if row.created is None and one.created is None:
        return not (row.users and one.session.users)
    return row.created is None or one.created is None


def is_same(row: Session, one: WatchedSession) -> bool:
    """Tell whether a row is of a session that is watched, even while its user, or its creation, is not told.

    A message that is sent twice does harm, and whoever is waited for is acted on only by stricter proof.
    """
    users = one.session.users
    if not row.users or not users:
        return same_instant(row.created, one.created)
    if row.created is None or one.created is None:
        return fold(row.user) == fold(users[0]) and not _is_younger(row, one)
    # A service may tell one of the names of a user later. By its creation it is the same session all the same.
    return same_instant(row.created, one.created) and not {*map(fold, row.users)}.isdisjoint(map(fold, users))


def _is_younger(row: Session, one: WatchedSession) -> bool:
    """Tell whether a row's session was created after the one that is watched was seen, so that it is another one.

    Clocks differ a little, and being told twice does less harm than being ended without notice.
    """
    if row.created is None or one.created is not None or one.seen_at is None:
        return False
    return row.created > one.seen_at + CLOCKS_DIFFER


def _may_be(named: NamedSession, found: Session) -> bool:
    """Tell whether a session whose user cannot be read may be the one that was named, so that it is waited for."""
    if found.users or (named.timeless and found.created is not None):
        return False
    return named.created is None or same_instant(named.created, found.created)


def name_session(session: Session) -> NamedSession:
    """Name a session so that nobody else is meant by it."""
    place, host, id_ = session.key
    timeless = session.created is None
    return NamedSession(place, host, id_, session.user, session.created, dict(session.fields), timeless=timeless)


def _absent(named: NamedSession, reason: str) -> dict[str, object]:
    said: dict[str, object] = {"outcome": ENDED, "reason": reason}
    return {**named.fields, **said, "ended_at": None, "warned_at": None, "messages": []}
