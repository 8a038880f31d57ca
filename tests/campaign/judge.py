# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says what was wrong about a run, by the farm's own truth alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta

from tests.campaign.farm import (
    ACTIVE,
    DISCONNECTED,
    ENDING,
    Act,
    Answer,
    Effect,
    Login,
    Reading,
    Shown,
    Spot,
    time_of_day,
)
from tests.campaign.kind import Transport
from tests.campaign.messages import judge_messages
from tests.campaign.proof_age import MOST, ProofAges
from tests.campaign.schedule import MINIMUM_AGE
from tests.campaign.stage import HOSTS, PLACES
from tests.campaign.trial import Told, Trial
from tests.campaign.world import START

NOW = 0.05
"""What is so near in time counts as the same moment: the product reads the clock a little before it acts."""
AFTER_RUN = 2.0
"""Seconds after the end of its run in which an act may still be sent."""
BATCH_SECONDS = 10.0
"""Seconds after its first act in which the script on the host, which hears of no end of the run, may begin others."""
AFTER_LAST = 3.0
"""Seconds that a run may take after everything that it must wait for."""
GIVEN_UP = 5.5
"""Seconds after the deadline of a call until it is given up."""
AFTER = (Answer.ACCEPTED, Answer.UNCLEAR, Answer.REFUSED, Answer.ABSENT)
"""Answers after which only a new list says whether there is anything left to do."""
ABSENT = ("already_gone", "not_there")
GONE = ("logged_off", *ABSENT)
AWAY = ("disconnected", "already_disconnected")
NEEDED_NOTHING = (*ABSENT, "already_disconnected")
LEFT_ALONE = ("replaced", "not_selected", "refused", "failed")
OUTCOMES = {
    Effect.ENDS: (*LEFT_ALONE, "logged_off", "already_gone", "still_there"),
    Effect.DISCONNECTS: (*LEFT_ALONE, *AWAY, "already_gone", "still_there"),
    Effect.LEAVES_MESSAGE: (*LEFT_ALONE, "sent", "unclear", "not_there"),
}
"""What can be told of a session."""


def judge(trial: Trial) -> list[str]:
    """Return what was wrong, each in a sentence."""
    return list(_Judge(trial).wrongs())


class _Judge:
    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.farm = trial.farm
        self.wanted = trial.schedule.wanted
        self.kind = trial.schedule.kind
        self.disconnects = self.kind.effect is Effect.DISCONNECTS
        self.tells = self.kind.effect is Effect.LEAVES_MESSAGE
        self.listed = [reading for reading in self.farm.readings if reading.delivered < math.inf]
        self.first = [one for one in self.listed if one.delivered <= trial.selected_at < math.inf]
        self.chosen = dict(self._choose())
        self.ages = ProofAges(trial)

    def wrongs(self) -> Iterator[str]:
        """Find everything that was wrong."""
        yield from self._acts()
        yield from self._end()
        if self.tells:
            yield from judge_messages(self.trial, self.chosen, self.ages)
        if self.trial.changed is None and self.farm.acts:
            yield f"nothing is told of what was done: {self.trial.failure}"
        if self.trial.changed is not None:
            yield from self._rows()
            yield from self._omissions()
        elif self.trial.interrupted_at is None and not self.farm.troubles and not self._may_refuse():
            yield f"the run failed although nothing was wrong: {self.trial.failure}"

    def _may_refuse(self) -> bool:
        """Tell whether the request names a host that is spelled in two ways, or that nobody knows."""
        return "SelectionError" in self.trial.failure or "knows no session host" in self.trial.failure

    # Who was selected

    def _choose(self) -> Iterator[tuple[Spot, Login]]:
        """Say whose session was selected at each spot: by the newest row of the first lists."""
        newest: dict[Spot, tuple[float, Shown]] = {}
        for reading in self.first:
            for row in reading.rows:
                at = newest.get(row.login.spot)
                if at is None or at[0] <= reading.begun:
                    newest[row.login.spot] = (reading.begun, row)
        for spot, (_begun, row) in newest.items():
            if self._is_wanted(row, self.trial.selected_at) and self._is_named(row):
                yield spot, row.login

    def _is_named(self, row: Shown) -> bool:
        if self.wanted.named is None:
            return True
        for one in self.wanted.named:
            if (PLACES[one.pool], HOSTS[one.host], one.id) == row.login.spot:
                same_user = not one.user or one.user == row.login.user
                given = time_of_day(START) - timedelta(seconds=one.age)
                if same_user and (one.age < 0 or row.created == given):
                    return True
        return False

    def _is_wanted(self, row: Shown, at: float) -> bool:
        """Tell whether a row passes the filters."""
        wanted = self.wanted
        if wanted.host >= 0 and row.login.spot[1] != HOSTS[wanted.host]:
            return False
        if wanted.users and row.user.lower() not in wanted.users:
            return False
        if row.user and row.user.lower() in wanted.excluded:
            return False
        if wanted.states and self._state(row) not in [self._shown_state(state) for state in wanted.states]:
            return False
        if wanted.aged:
            return row.created is not None and time_of_day(at) - row.created >= timedelta(seconds=MINIMUM_AGE)
        return True

    def _state(self, row: Shown) -> str:
        return self._shown_state(row.state)

    def _shown_state(self, state: str) -> str:
        """Not every service shows that a session is being ended."""
        return ACTIVE if state == ENDING and not self.kind.service.shows_ending else state

    # Acts

    def _acts(self) -> Iterator[str]:
        earlier: dict[Spot, list[Act]] = {}
        for act in self.farm.acts:
            if self.wanted.check_mode:
                yield f"act {act.number} in check mode"
            if act.effect is not self.kind.effect:
                yield f"act {act.number} is a {act.effect.value}"
            if act.given != self.trial.schedule.arguments:
                yield f"act {act.number} says {act.given}"
            before = earlier.setdefault(act.spot, [])
            yield from self._proof(act, before)
            yield from self._deadline(act, before)
            before.append(act)

    def _proof(self, act: Act, before: list[Act]) -> Iterator[str]:
        login = self.chosen.get(act.spot)
        if login is None or self.trial.selected_at > act.sent:
            yield f"act {act.number} on somebody who was not selected"
            return
        since = max(
            (one.answered for one in before if one.answered <= act.sent and one.answer in AFTER), default=-math.inf
        )
        proofs: list[tuple[float, Shown]] = []
        newest: tuple[float, list[Shown]] | None = None
        for reading in self.listed:
            if reading.delivered > act.sent:
                continue
            rows = [row for row in reading.rows if row.login.spot == act.spot]
            # The script on the host compares names of hosts without case.
            proofs += [(reading.begun, row) for row in rows if act.host in ("", row.host) or act.batch >= 0]
            if rows and (newest is None or newest[0] <= reading.begun):
                newest = (reading.begun, rows)
        if newest and {row.login for row in newest[1]} != {login}:
            yield f"act {act.number} although a list begun at {self._at(newest[0])} had shown somebody else, or two"
        good = [begun for begun, row in proofs if row.login is login and row.user and self._is_wanted(row, act.sent)]
        if not good:
            yield f"act {act.number} without any list that shows this row as selected"
        elif max(good) < act.sent - (most := self.ages.most(act)) - NOW:
            yield f"act {act.number} on a proof of {act.sent - max(good):.2f} s, where {most:.2f} s are the most"
        elif self.ages.is_slow_first(max(good) + NOW):
            old = self.trial.selected_at - max(good)
            yield f"act {act.number} on the first list alone, which was {old:.2f} s old when was selected"
        elif max(good) <= since:
            yield f"act {act.number} without a new proof since the act before"
        elif newest and not any(
            row.login is login and (not row.user or self._is_wanted(row, act.sent)) for row in newest[1]
        ):
            yield f"act {act.number} although the newest list shows that it is not selected any more"
        elif self.disconnects and all(row.state == DISCONNECTED for begun, row in proofs if begun == max(good)):
            yield f"act {act.number} on somebody who was disconnected already"
        elif before and any(
            begun == max(good) and self._state(row) == ENDING for begun, row in proofs if row.login is login
        ):
            yield f"act {act.number} while the one before is under way, as the list shows"

    def _deadline(self, act: Act, before: list[Act]) -> Iterator[str]:
        counting = [one for one in before if one.answer is not Answer.THROTTLED]
        for one in counting:
            if one.answered > act.sent:
                yield f"act {act.number} while act {one.number} has no answer"
            elif one.answer is Answer.ACCEPTED and one.met is self.chosen.get(act.spot):
                yield f"act {act.number} after act {one.number}, which was accepted"
            elif one.answer is Answer.REFUSED:
                yield f"act {act.number} after act {one.number}, which was refused for good"
        if counting and act.sent > counting[0].sent + self.wanted.wait_timeout + NOW + self.farm.slack:
            yield f"act {act.number} {act.sent - counting[0].sent:.2f} s after the session's first"
        begun = act.sent if act.batch < 0 else self.farm.batches[act.batch]
        stopped = self.trial.interrupted_at
        if stopped is not None and begun > stopped + NOW:
            yield f"act {act.number} after the run was interrupted"
        if begun > START + self.trial.schedule.run_ends_at + AFTER_RUN:
            yield f"act {act.number} {begun - START - self.trial.schedule.run_ends_at:.2f} s after the run's end"
        first = next(one for one in self.farm.acts if one.batch == act.batch)
        if act.batch >= 0 and act.sent > first.sent + BATCH_SECONDS + NOW:
            yield f"act {act.number} {act.sent - first.sent:.2f} s after the first of the script's run"

    # What was told

    def _rows(self) -> Iterator[str]:
        seen: set[Spot] = set()
        for told in self.trial.told:
            if told.outcome not in OUTCOMES[self.kind.effect]:
                yield f"{self._name(told)}, which a {self.kind.effect.value} does not know"
            login = self.chosen.get(told.spot)
            if login is None:
                if self.wanted.named is None:
                    yield f"{self._name(told)} is told of, but was not selected"
                else:
                    yield from self._left_alone(told)
                continue
            if told.spot in seen:
                yield f"{self._name(told)} is told of twice"
            seen.add(told.spot)
            if self.wanted.check_mode:
                continue
            acts = [act for act in self.farm.acts if act.spot == told.spot]
            yield from self._outcome(told, login, acts)
            yield from self._change(told, login, acts)
            yield from self._clean(told, login, acts)
            yield from self._age(told, login, acts)
        for spot, login in self.chosen.items():
            if spot not in seen and login.ended > self.trial.selected_at and not self._host_is_spelled_twice():
                yield f"{login} was selected, but is not told of"
        claims = any(told.claims for told in self.trial.told)
        if claims is not self.trial.changed:
            yield f"changed is {self.trial.changed}"

    def _left_alone(self, told: Told) -> Iterator[str]:
        """Judge what is told of a session that was named and not selected."""
        if told.claims:
            if not self.wanted.check_mode:
                yield f"{self._name(told)} claims a change of a session that was not selected"
        elif told.outcome in ABSENT:
            history = self.farm.spots.get(told.spot, [])
            since = min((reading.begun for reading in self.first), default=START) - self.farm.lag - NOW
            moments = [since, *(one.ended for one in history)]
            free = (at for at in moments if since <= at <= told.at and not any(one.there(at) for one in history))
            if next(free, None) is None:
                yield f"{self._name(told)}, but somebody was there all the time"

    def _outcome(self, told: Told, login: Login, acts: list[Act]) -> Iterator[str]:
        start = min((reading.begun for reading in self.first), default=START) - self.farm.lag - NOW
        name = self._name(told)
        gone = login.ended <= told.at
        away = gone or self._was(login, DISCONNECTED, start, told.at)
        if (told.outcome in GONE and not gone) or (told.outcome in AWAY and not away):
            yield f"{name}, which it was at no moment"
        if told.outcome in NEEDED_NOTHING and any(act.applied is login and act.applied_at <= told.at for act in acts):
            yield f"{name}, but an act had done it"
        if told.outcome == "still_there":
            first = next((act.sent for act in acts if act.answer is not Answer.THROTTLED), math.inf)
            # Nobody knows what the runs of the script have done whose output is lost: the deadline counts from there.
            first = min([first, *(self.farm.batches[number] for number in self.farm.lost_batches)])
            deadline = first + self.wanted.wait_timeout
            until = min(told.at, login.ended)
            if until < deadline - self.farm.lag - NOW:
                yield f"{name}, but it was not, at any moment after its deadline at {self._at(deadline)}"
            elif self.disconnects and not self._was_unsettled(login, deadline - self.farm.lag - NOW, told.at):
                yield f"{name}, but it was disconnected ever after its deadline at {self._at(deadline)}"
            elif not any(self._shows(one, login) for one in self.listed if deadline - NOW < one.begun < told.at):
                yield f"{name}, but no list that began after its deadline at {self._at(deadline)} showed it"
            if not any(act.answer is Answer.ACCEPTED for act in acts):
                yield f"{name}, but nothing was accepted"
        if told.outcome == "refused" and not self._was_unreadable(login, told.at):
            yield f"{name}, but its user could be read"
        if told.outcome == "replaced" and not self._was_shown_otherwise(login, told.at):
            yield f"{name}, but nobody else had the id"

    def _was_shown_otherwise(self, login: Login, until: float) -> bool:
        return any(
            row.login.spot == login.spot and (row.login is not login or not row.user)
            for reading in self.listed
            if reading.delivered <= until
            for row in reading.rows
        )

    def _change(self, told: Told, login: Login, acts: list[Act]) -> Iterator[str]:
        name = self._name(told)
        applied = [act for act in acts if act.applied is login and act.applied_at <= told.at]
        perhaps = [
            act
            for act in acts
            if act.answer in (Answer.ACCEPTED, Answer.UNCLEAR) or act.answered > told.at or self.farm.lost
        ]
        if told.claims and not applied and not perhaps and not self.trial.failure and not self.farm.lost_batches:
            yield f"{name} claims a change, but no act can have made one"
        if applied and not told.claims and not self._shown_later(told, login, acts):
            yield f"{name} claims no change, but act {applied[0].number} had made one"
        if not told.claims and any(act.answer is Answer.ACCEPTED and act.answered <= told.at for act in acts):
            yield f"{name} claims no change, though an act was accepted"
        unclear = [act for act in acts if act.answer is Answer.UNCLEAR]
        if unclear and not told.claims and told.outcome in (*NEEDED_NOTHING, "replaced"):
            yield f"{name} claims no change after an unclear act"

    def _shown_later(self, told: Told, login: Login, acts: list[Act]) -> bool:
        """Tell whether a list that began after the last answer showed the session as if nothing had been done."""
        if self.tells:
            return False  # No list shows it.
        answered = max((act.answered for act in acts if act.answered < told.at), default=0.0)
        return any(
            answered < reading.begun and reading.delivered <= told.at and self._shows(reading, login)
            for reading in self.listed
        )

    def _shows(self, reading: Reading, login: Login) -> bool:
        return any(row.login is login and not (self.disconnects and row.state == DISCONNECTED) for row in reading.rows)

    def _age(self, told: Told, login: Login, acts: list[Act]) -> Iterator[str]:
        """Judge how old the proof is said to have been. What the script on the host had for one is its own matter."""
        if told.proof_age is None or self.kind.transport is Transport.SCRIPT:
            return
        if self.trial.failure:  # What was asked for may not have left.
            return
        asked = [act.asked for act in acts if act.asked <= told.at and act.answer is not Answer.THROTTLED]
        shown = [one.begun for one in self.listed if any(row.login is login for row in one.rows)]
        ages = [asked[-1] - begun for begun in shown] if asked else [0.0]
        if not any(abs(told.proof_age - age) < NOW for age in ages):
            yield f"{self._name(told)} on a proof of {told.proof_age:.2f} s, which no list was old"

    def _clean(self, told: Told, login: Login, acts: list[Act]) -> Iterator[str]:
        """A session that no fault touched has ended."""
        if (
            self.trial.failure
            or told.outcome in (*GONE, *AWAY, "sent")
            or self.farm.troubles
            or self._lists_are_too_slow()
            or self._is_touched(login, acts)
        ):
            return
        if told.outcome == "still_there" and any(
            act.applied_at > act.sent + self.wanted.wait_timeout - 2.0 for act in acts
        ):
            return
        yield f"{self._name(told)}, though no fault touched it"

    def _lists_are_too_slow(self) -> bool:
        """Tell whether all lists take so long that none of them leaves any time to act."""
        return self.trial.schedule.slow >= MOST - 1.0

    def _is_touched(self, login: Login, acts: list[Act]) -> bool:
        place, host, _id = login.spot
        return (
            any(act.faulty for act in acts)
            or len(self.farm.spots[login.spot]) > 1
            or bool(login.readable)
            or len(login.states) > 1 + sum(act.applied is login and not self.tells for act in acts)
            or (place, host) in self.farm.respelled
            or (self.tells and any(act.met is None for act in acts))
            or self._has_no_room()
        )

    def _has_no_room(self) -> bool:
        """Tell whether hanging calls left no room for others, as where there is one runspace."""
        hanging = sum(
            act.answer in (Answer.ACCEPTED, Answer.UNCLEAR) and act.faulty and act.answered - act.sent > GIVEN_UP
            for act in self.farm.acts
        )
        runspaces = self.kind.service.runspaces if self.kind.transport is Transport.RUNSPACE else math.inf
        return hanging >= min(runspaces, self.trial.schedule.at_once)

    def _omissions(self) -> Iterator[str]:
        """Find who was there and meant all the time while it was listed, and is not told of."""
        if self.trial.warnings or any("list" in trouble for trouble in self.farm.troubles):
            return
        if self._host_is_spelled_twice():
            return
        begun = min((reading.begun for reading in self.first), default=math.inf)
        told = {one.spot for one in self.trial.told}
        for login in self.farm.logins:
            shown = Shown(login, login.spot[1], login.user, login.state(begun), login.created)
            steady = login.begun < begun and login.ended > self.trial.selected_at
            steady &= not any(begun < at < self.trial.selected_at for at, _state in login.states)
            if self.wanted.named is not None:
                named = any((PLACES[one.pool], HOSTS[one.host], one.id) == login.spot for one in self.wanted.named)
                if named and steady and login.spot in told:
                    yield from self._called_gone(login)
            elif steady and not login.readable and self._is_wanted(shown, begun) and login.spot not in told:
                yield f"{login} was there and meant all the time, but is not told of"

    def _host_is_spelled_twice(self) -> bool:
        """Tell whether the pages of a list spelled a host in two ways, which are two hosts for a filter by host."""
        return self.wanted.host >= 0 and bool(self.farm.respelled)

    def _called_gone(self, login: Login) -> Iterator[str]:
        for told in self.trial.told:
            if told.spot == login.spot and told.outcome in ABSENT and login.there(told.at):
                yield f"{self._name(told)}, but it was there all the time"

    # The end

    def _end(self) -> Iterator[str]:
        counting = [
            act for act in self.farm.acts if act.answer is not Answer.THROTTLED and act.sent <= self.trial.ended
        ]
        firsts: dict[Spot, float] = {}
        for act in counting:
            firsts.setdefault(act.spot, act.sent)
        if not firsts or self.trial.failure:
            return
        last = max([*firsts.values(), *(told.at for told in self.trial.told if told.spot not in firsts)])
        took = self.farm.looks
        answered = max((act.answered for act in counting if act.answered < math.inf), default=0.0)
        allowed = max(last + self.wanted.wait_timeout, answered) + 2 * max(took, default=0.0) + AFTER_LAST
        if any(one.delivered == math.inf for one in self.farm.readings):
            allowed += self.wanted.wait_timeout + max(took, default=0.0) + 5.0
        if self.trial.ended > allowed:
            yield f"the run ended {self.trial.ended - last:.1f} s after the last first act"

    # Moments

    def _was(self, login: Login, state: str, since: float, until: float) -> bool:
        """Tell whether a session was in a state at some moment."""
        if since > until:
            return False
        return login.state(since) == state or any(since <= at <= until and one == state for at, one in login.states)

    def _was_unsettled(self, login: Login, since: float, until: float) -> bool:
        return login.state(since) != DISCONNECTED or any(
            since <= at <= until and one != DISCONNECTED for at, one in login.states
        )

    def _was_unreadable(self, login: Login, until: float) -> bool:
        doubled = any(sum(row.login.spot == login.spot for row in reading.rows) > 1 for reading in self.listed)
        taken = [one for one in self.farm.spots[login.spot] if one.readable and one.begun <= until]
        return doubled or bool(taken)

    def _at(self, when: float) -> str:
        return f"{when - START:.2f}"

    def _name(self, told: Told) -> str:
        return f"{'/'.join(told.spot)} is told to be {told.outcome}{' perhaps' if told.claims else ''}"
