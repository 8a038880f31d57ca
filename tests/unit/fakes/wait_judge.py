# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judges a wait by nothing but what really happened on the farm: what it sent, read and told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.execution import RunEndedError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.staged_message import StagedMessage, Told
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.waiting import (
    UnreadError,
    WaitBrokenOffError,
    WaitReport,
)
from tests.unit.fakes.drawn_farm import (
    LOST,
    SILENT,
    Answer,
    DrawnFarm,
    FarmPlan,
    Happening,
    Kind,
    ListLog,
    Occupant,
    SendLog,
)
from tests.unit.fakes.farm import CREATED

START = CREATED + timedelta(days=2)
"""The time of day when the clock reads zero."""
Identity = tuple[str, object]
"""Id, and the number of the session; where the service tells no creation, the user."""
GRACE = 1.0
"""Seconds within which the end of a run is noticed."""
SLIP = 1e-3
"""Seconds by which the sum of times may miss."""
READABLE = ("Active", "Pending")
"""States in which a user reads a message."""
LONGEST_SILENCE = 150.0
"""Seconds after which the engine gives a message up that nobody answers."""


@dataclass(frozen=True, slots=True)
class Name:
    """A session that the request names: its id, and who it was if that was given."""

    id: str
    user: str = ""
    born: int | None = None

    def is_true(self, happenings: Sequence[Happening]) -> bool:
        """Whether it is as a list has once told it, with a creation that only this user's session has."""
        told = sorted(happenings, key=lambda one: one.at)
        return self.born is not None and [one.user for one in told[self.born : self.born + 1]] == [self.user]


@dataclass(frozen=True, slots=True)
class WaitPlan:
    """What is asked for, of which farm."""

    farm: FarmPlan
    seconds: float = 60.0
    befores: Sequence[float] = ()
    """Of the messages, the first one first; each has its number for a title and the minutes for a body."""
    poll_interval: float = 15.0
    names: Sequence[Name] | None = None
    users: Sequence[str] = ()
    excluded: Sequence[str] = ()
    states: Sequence[str] = ()


@dataclass(slots=True)
class Trial:
    """A wait that is over."""

    plan: WaitPlan
    farm: DrawnFarm
    stages: Sequence[StagedMessage]
    report: WaitReport | None
    error: BaseException | None
    ended: float


@dataclass(slots=True)
class Expected:
    """What must be told of a session."""

    outcome: str
    is_known: bool
    """Whether its user has been read once."""
    ended_at: float | None = None


@dataclass
class Judge:
    """Says what was wrong with a wait."""

    trial: Trial
    expected: dict[Identity, Expected] = field(default_factory=dict)
    meant: dict[int, set[Identity]] = field(default_factory=dict)
    """Who was meant by each list of the wait that was answered, by the number of the list."""

    def __post_init__(self) -> None:
        self.plan, self.farm = self.trial.plan, self.trial.farm
        self.lists = [one for one in self.farm.lists if one.kind is Kind.WAIT]
        for number, one in enumerate(self.lists):
            if one.rows is not None:
                self._follow(number, one)

    # What must be

    def _follow(self, number: int, log: ListLog) -> None:
        """Note what a list tells of everybody, in the light of who was really there."""
        is_first, there = not self.meant, self.farm.there(log.read)
        present = {self._identity(id_, one): one for id_, one in there.items()}
        self.meant[number] = set()
        for who, expected in self.expected.items():
            if who not in present and expected.outcome != "ended":
                expected.outcome, expected.ended_at = "ended", log.begun
        for who, one in present.items():
            known = self.expected.get(who)
            if known is None and not self._may_join(who[0], one, is_first):
                continue
            is_meant = self._passes(one, (known is not None and known.is_known) or self._is_named_fully(who[0], one))
            if known is None and not is_meant and self.plan.names is None:
                continue
            outcome = "still_there" if is_meant else "not_selected"
            is_known = not one.hidden or (known is not None and known.is_known)
            self.expected[who] = Expected(outcome, is_known)
            if is_meant:
                self.meant[number].add(who)

    def _may_join(self, id_: str, one: Occupant, is_first: bool) -> bool:
        if self.plan.names is None:
            return True
        return is_first and any(self._fits(name, id_, one) for name in self.plan.names)

    def _fits(self, name: Name, id_: str, one: Occupant) -> bool:
        born = name.born is None or self.plan.farm.timeless or name.born == one.born
        return name.id == id_ and name.user in ("", one.user) and born

    def _is_named_fully(self, id_: str, one: Occupant) -> bool:
        return any(name.user and self._fits(name, id_, one) for name in self.plan.names or ())

    def _passes(self, one: Occupant, is_known: bool) -> bool:
        hidden = one.hidden and not is_known
        return (
            (not self.plan.users or (not hidden and one.user in self.plan.users))
            and (hidden or one.user not in self.plan.excluded)
            and (not self.plan.states or one.state.lower() in self.plan.states)
        )

    def _identity(self, id_: str, one: Occupant) -> Identity:
        return (id_, one.user if self.plan.farm.timeless else one.born)

    def _identity_of_row(self, row: Session) -> Identity:
        if row.created is None:
            return (row.id, row.user)
        return (row.id, round((row.created - CREATED) / timedelta(hours=1)))

    def _stage(self, title: str) -> StagedMessage:
        return next(one for one in self.trial.stages if one.title == title)

    def _next(self, stage: StagedMessage) -> float:
        return max((one.before for one in self.trial.stages if one.before < stage.before), default=0.0)

    # What was wrong

    def wrongs(self) -> list[str]:
        """Return what was wrong."""
        rules = (self._end, self._pace, self._messages, self._proofs, self._rows, self._truth_of_told, self._missed)
        return [wrong for rule in rules for wrong in rule()]

    def _end(self) -> Iterator[str]:
        trial, farm, deadline = self.trial, self.plan.farm, self.plan.seconds
        cause = trial.error.__cause__ if isinstance(trial.error, WaitBrokenOffError) else trial.error
        if cause is None:
            if trial.report is None:
                yield "nothing was told"
            if not self.lists or self.lists[-1].rows is None:
                yield "the last list had failed"
            elif self.lists[-1].begun < deadline - SLIP and self.meant[len(self.lists) - 1]:
                yield f"it ended before the deadline, with {sorted(self.meant[len(self.lists) - 1], key=str)} still on"
        elif isinstance(cause, KeyboardInterrupt):
            was_asked = trial.ended == farm.interrupt_at or any(
                one.answer is Answer.INTERRUPT for one in self.farm.sends
            )
            if not was_asked:
                yield "it was interrupted by nobody"
        elif isinstance(cause, RunEndedError):
            if trial.ended < farm.gone_at:
                yield "it gave up although its run went on"
        elif isinstance(cause, UnreadError):
            if self.lists[-1].rows is not None or trial.ended < deadline + 60.0:
                yield "it gave up too early"
        elif self.meant:
            yield f"it failed with {cause!r}"
        if trial.error is not None and self.meant and trial.report is None:
            yield "what was known was lost"
        busy = [one.ended for one in self.farm.lists if one.begun < deadline or one.kind is not Kind.WAIT]
        busy += self.farm.answers
        busy += [one.at + LONGEST_SILENCE for one in self.farm.sends if one.answer in SILENT]
        latest = max([deadline, *busy]) + 2 * GRACE + farm.reach_seconds
        longest = max(one.seconds for one in farm.lists)
        latest += longest
        if any(one.rows is None for one in self.farm.lists) or any(one.answer in LOST for one in self.farm.sends):
            latest += 60.0 + 15.0 + longest + farm.reach_seconds
        if trial.ended > latest:
            yield f"it ended at {trial.ended}, later than {latest}"
        if trial.ended > farm.gone_at + GRACE + longest + farm.reach_seconds:
            yield "it outlived its run"

    def _pace(self) -> Iterator[str]:
        deadline = self.plan.seconds
        turns = sorted([deadline, *(deadline - one.before for one in self.trial.stages)])
        reach = self.plan.farm.reach_seconds + 2 * SLIP  # Reaching the service counts.
        for one, following in pairwise(self.lists):
            due = max(one.begun + self.plan.poll_interval, one.ended + 4 * (one.ended - one.begun))
            due = min(due, *(turn for turn in turns if turn > one.begun - reach), math.inf)
            due = min(due, one.ended + 15.0) if one.rows is None else due
            if following.begun < due - reach:
                yield f"lists were begun at {one.begun} and {following.begun}, before {due}"
        for begun in self.farm.asked[1:]:
            if begun > self.plan.farm.gone_at + GRACE:
                yield f"a list was begun at {begun}, after the run was gone"

    def _messages(self) -> Iterator[str]:
        seen: dict[tuple[Identity, str], list[SendLog]] = {}
        for send in self.farm.sends:
            who, stage, left = self._identity_of_row(send.proof), self._stage(send.title), self.plan.seconds - send.at
            seen.setdefault((who, send.title), []).append(send)
            if left <= 0 or left > stage.before + 2 * SLIP or left < self._next(stage) - SLIP:
                yield f"message {send.title} was sent at {send.at}, when it was not its turn"
            if send.at > self.plan.farm.gone_at + GRACE:
                yield f"message {send.title} was sent at {send.at}, after the run was gone"
            if send.body != str(max(1, math.floor(left / 60 + 0.5))):
                yield f"message {send.title} told {send.body} minutes at {send.at}"
            number = max((n for n in self.meant if self.lists[n].ended <= send.begun), default=-1)
            if number < 0 or who not in self.meant[number]:
                yield f"message {send.title} went to {who} at {send.at}, who was not meant"
        for (who, title), sends in seen.items():
            if sum(one.answer.may_reach for one in sends) > 1:
                yield f"message {title} was sent to {who} twice"
            if sends[-1].at > min((one.at for one in sends if one.answer.may_reach), default=math.inf):
                yield f"message {title} was tried again for {who} after it may have been sent"
            if sum(one.answer in (Answer.REFUSED, Answer.GONE) for one in sends) > 3:
                yield f"message {title} was tried again and again for {who}"

    def _proofs(self) -> Iterator[str]:
        for send in self.farm.sends:
            own = [one for one in self.farm.lists if one.kind is not Kind.WAIT and one.run == send.run]
            read = [one for one in own if one.ended <= send.begun and one.rows is not None]
            known = [one for one in read if one.ended < send.begun or one.kind is Kind.MESSAGES]
            limit = min(30.0, 5.0 + min((one.ended - one.begun for one in known), default=0.0))
            age = send.at - send.proof.read_at
            if age >= limit:
                yield f"a message was sent at {send.at} by a list that was {age} s old, of {limit}"
            shown = [
                row for one in read if one.begun == send.proof.read_at for row in one.rows or () if row == send.proof
            ]
            if not shown:
                yield f"a message was sent at {send.at} to somebody whom no list had shown so"
            if not send.proof.users or send.proof.state not in READABLE:
                yield f"a message was sent at {send.at} to {send.proof}, who cannot read it"

    def _rows(self) -> Iterator[str]:
        report = self.trial.report
        if report is None:
            if self.farm.sends:
                yield "messages were sent and nothing told"
            return
        told: dict[Identity, tuple[str, float | None]] = {}
        for one in report.watched:
            who = self._identity_of_row(one.session)
            ended = None if one.ended_at is None else (one.ended_at - START).total_seconds()
            if who in told:
                yield f"{who} has two rows"
            told[who] = (one.outcome, ended)
        for who in told.keys() | self.expected.keys():
            is_there, must = told.get(who), self.expected.get(who)
            if is_there is None or must is None or is_there[0] != must.outcome:
                yield f"{who} is told {is_there}, and is {must}"
            elif must.ended_at is not None and abs((is_there[1] or 0.0) - must.ended_at) > SLIP:
                yield f"{who} is told to have ended at {is_there[1]}, and was seen so at {must.ended_at}"
            elif must.ended_at is None and is_there[1] is not None:
                yield f"{who} is told to have ended, and is there"
        if self.meant and self.plan.names is not None:
            there = self.farm.there(self.lists[min(self.meant)].read)
            absent = [
                name
                for name in self.plan.names
                if name.id not in there or not self._fits(name, name.id, there[name.id])
            ]
            if [row["outcome"] for row in report.absent] != ["ended"] * (len(absent) + 1):  # And the one that marks it.
                yield f"absent are told {report.absent}, and are {absent}"
        if len(report.rows()) != len(report.watched) + len(report.absent):
            yield "rows got lost"

    def _truth_of_told(self) -> Iterator[str]:
        if self.trial.report is None:
            return
        told: dict[tuple[Identity, str], Told] = {}
        for one in self.trial.report.watched:
            who = self._identity_of_row(one.session)
            told |= {(who, each.stage.title): each for each in one.told}
            first = min((each.sent_at for each in one.told if each.outcome == "sent" and each.sent_at), default=None)
            if (one.result()["warned_at"] is None) != (first is None):
                yield f"{who} is told to be warned at {one.result()['warned_at']}, and was at {first}"
        sends: dict[tuple[Identity, str], list[SendLog]] = {}
        for send in self.farm.sends:
            sends.setdefault((self._identity_of_row(send.proof), send.title), []).append(send)
        for what in told.keys() | sends.keys():
            each = told.get(what)
            last = next((send for send in sends.get(what, ()) if send.answer.may_reach), None)
            must = None if last is None else "sent" if last.answer is Answer.DONE else "unclear"
            said = None if each is None else each.outcome
            if said == "failed" and must is None and each is not None and each.sent_at is None:
                continue
            is_open = self.trial.error is not None and what[0] in map(self._identity_of_row, self.farm.unanswered)
            if said != must and not (said == "unclear" and is_open):
                yield f"message {what} is told {said}, and was {must}"
            elif each is not None and last is not None:
                at = None if each.sent_at is None else (each.sent_at - START).total_seconds()
                earliest = last.begun if is_open or last.answer in SILENT else last.at  # Nobody has said when it left.
                if at is None or not earliest - SLIP <= at <= last.at + SLIP:
                    yield f"message {what} is told to be sent at {at}, and was at {last.at}"
                if (each.title, each.body, str(each.minutes)) != (last.title, last.body, last.body):
                    yield f"message {what} is told to be {each.body!r}, and was {last.body!r}"

    def _missed(self) -> Iterator[str]:
        report = self.trial.report
        if report is None:
            return
        tried = {(self._identity_of_row(one.session), each.stage.title) for one in report.watched for each in one.told}
        undisturbed = self._is_undisturbed()
        for number, everybody in self.meant.items():
            log = self.lists[number]
            left = self.plan.seconds - log.ended
            turn = [one for one in self.trial.stages if left <= one.before + SLIP]
            is_last = number == len(self.lists) - 1
            if not turn or left <= SLIP or log.begun >= self.plan.seconds or (is_last and self.trial.error is not None):
                continue
            stage = min(turn, key=lambda one: one.before)
            until = math.inf if is_last else self.lists[number + 1].begun
            own = [one for one in self.farm.lists if one.kind is not Kind.WAIT and log.ended <= one.begun < until]
            for row in log.rows or ():
                who = self._identity_of_row(row)
                if who not in everybody or not row.users or row.state not in READABLE or (who, stage.title) in tried:
                    continue
                if not any(self._is_excuse(one, row) for one in own):
                    yield f"{who} was on at {log.begun} and was not told message {stage.title}"
            listed = {self._identity_of_row(row) for row in log.rows or ()}
            failed = [
                each
                for one in report.watched
                for each in one.told
                if self._identity_of_row(one.session) in listed
                and each.stage is stage
                and each.outcome == "failed"
                and left > self._next(stage) + 10.0
            ]
            if failed and undisturbed:
                yield f"message {stage.title} is told to have failed, and nothing kept it from being sent"

    def _is_excuse(self, log: ListLog, row: Session) -> bool:
        """Tell whether a list showed that somebody was not to be told."""
        if log.rows is None:
            return True
        found = [one for one in log.rows if one.key == row.key and one.created == row.created and one.user == row.user]
        return not found or found[0].state not in READABLE

    def _is_undisturbed(self) -> bool:
        farm = self.plan.farm
        return (
            not farm.failing
            and not self.farm.put_off
            and all(one.seconds <= 2.0 for one in farm.lists)
            and all(one.answer is Answer.DONE and one.seconds <= 1.0 for one in farm.acts)
            and not self._respelled()
        )

    def _respelled(self) -> bool:
        return any(row.host != "host-0" for one in self.farm.lists for row in one.rows or ())
