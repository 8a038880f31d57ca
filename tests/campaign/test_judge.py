# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge refuses runs that are bad, made by hand, and lets the same run pass when it is good."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tests.campaign.farm import ACTIVE, DISCONNECTED, ENDING, Act, Answer, Effect, Farm, Login, time_of_day
from tests.campaign.judge import judge
from tests.campaign.kind import RDS, WVD, Kind, Transport, kinds
from tests.campaign.schedule import TAPE, Wanted, read_tape
from tests.campaign.trial import Told, Trial
from tests.campaign.world import START, World

PLACE, HOST = "pool-1", "host-1"
SPOT = (PLACE, HOST, "1")
(LOG_OFF,) = kinds(RDS, transport=Transport.RUNSPACE, effect=Effect.ENDS)
(DISCONNECT,) = kinds(WVD, effect=Effect.DISCONNECTS)


@dataclass
class Played:
    """A run of one session that is written down by hand, in seconds since its start."""

    kind: Kind = LOG_OFF
    wanted: Wanted = field(default_factory=Wanted)
    world: World = field(default_factory=World)
    told: list[Told] = field(default_factory=list)
    interrupted_at: float | None = None

    def __post_init__(self) -> None:
        self.farm = Farm(self.world)
        self.world.now = START
        self.alice = self.farm.sign_in(SPOT, "alice", time_of_day(START - 7200))
        self.alice.begun = START - 7200
        self.alice.states = [(START - 7200, ACTIVE)]

    def at(self, second: float) -> Played:
        """Let it be later."""
        self.world.now = START + second
        return self

    def read(self, second: float, seconds: float = 0.1) -> Played:
        """Read a list."""
        self.at(second)
        reading = self.farm.begin_reading(PLACE)
        rows = list(self.farm.rows(PLACE, "", 0.0))
        self.at(second + seconds)
        self.farm.deliver(reading, rows, whole=True)
        self.farm.looks.append(seconds)
        return self

    def act(self, second: float, answer: Answer = Answer.ACCEPTED, applied: bool = True, faulty: bool = False) -> Act:
        """Act on the id, with the answer and the effect after a tenth of a second."""
        self.at(second)
        act = self.farm.begin_act(*SPOT, self.kind.effect)
        act.faulty = faulty
        self.at(second + 0.1)
        if applied:
            self.farm.apply(act)
        self.farm.answer(act, answer)
        return act

    def leave(self, second: float) -> Played:
        """Let the user leave."""
        self.at(second)
        self.farm.sign_out(self.alice, "the user leaves")
        return self

    def take_over(self, second: float, user: str = "bob") -> Login:
        """Let somebody have the id."""
        self.leave(second)
        return self.farm.sign_in(SPOT, user, time_of_day(self.world.now))

    def tell(self, second: float, outcome: str, claims: bool | None = None) -> Played:
        """Tell what became of the session."""
        if claims is None:
            claims = outcome in ("logged_off", "disconnected", "still_there")
        self.told.append(Told(SPOT, outcome, "", claims, START + second))
        return self

    def wrongs(self) -> list[str]:
        """Judge it."""
        schedule = read_tape(bytes(TAPE), (self.kind,))
        ended = max([one.at for one in self.told], default=self.world.now)
        trial = Trial(
            replace(schedule, wanted=self.wanted),
            self.farm,
            self.told,
            any(one.claims for one in self.told),
            START + 0.1,
            ended,
            "" if self.interrupted_at is None else "interrupted",
            self.interrupted_at,
            (),
        )
        return judge(trial)


def plain(played: Played) -> None:
    played.read(0.0)
    played.act(0.2)
    played.read(0.5).tell(0.6, "logged_off")


def test_plain_run_is_good() -> None:
    played = Played()
    plain(played)
    assert played.wrongs() == []


def acts_on_somebody_else(played: Played) -> None:
    played.read(0.0)
    played.take_over(0.5)
    played.read(1.0)
    played.act(1.2)
    played.read(1.5).tell(1.6, "replaced")


def takes_an_old_proof(played: Played) -> None:
    played.read(0.0)
    played.act(5.2)
    played.read(5.5).tell(5.6, "logged_off")


def acts_in_check_mode(played: Played) -> None:
    played.wanted = Wanted(check_mode=True)
    plain(played)


def acts_on_who_is_excluded(played: Played) -> None:
    played.wanted = Wanted(excluded=("alice",))
    plain(played)


def acts_on_who_reconnected(played: Played) -> None:
    played.alice.states = [(START - 7200, DISCONNECTED)]
    played.wanted = Wanted(states=(DISCONNECTED,))
    played.read(0.0)
    played.at(0.3).farm.set_state(played.alice, ACTIVE, "the user reconnects")
    played.read(0.5)
    played.act(0.7)
    played.read(1.0).tell(1.1, "logged_off")


def acts_again_on_the_same_proof(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, applied=False, faulty=True)
    played.act(0.5)
    played.read(1.0).tell(1.1, "logged_off")


def acts_again_after_a_yes(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, applied=False)
    played.read(0.5)
    played.act(1.0)
    played.read(1.5).tell(1.6, "logged_off")


def acts_again_while_it_is_being_ended(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, applied=False, faulty=True)
    played.at(0.4).farm.set_state(played.alice, ENDING, "act 0")
    played.read(0.5)
    played.act(1.0)
    played.read(1.5).tell(1.6, "logged_off")


def acts_after_the_deadline(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, applied=False, faulty=True)
    played.read(5.0)
    played.act(5.5)
    played.read(6.0).tell(6.1, "logged_off")


def acts_after_an_interrupt(played: Played) -> None:
    played.read(0.0)
    played.act(0.5)
    played.interrupted_at = START + 0.3
    played.read(1.0).tell(1.1, "logged_off")


def calls_gone_what_is_there(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, applied=False)
    played.read(0.5).tell(0.6, "logged_off")


def calls_its_own_work_somebody_elses(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, faulty=True)
    played.read(0.5).tell(0.6, "already_gone")


def claims_what_nobody_did(played: Played) -> None:
    played.read(0.0)
    played.leave(0.2)
    played.read(0.5).tell(0.6, "logged_off")


def calls_still_there_too_early(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, applied=False)
    played.read(4.9, seconds=0.5).tell(5.4, "still_there")


def gives_up_without_a_fault(played: Played) -> None:
    played.read(0.0).tell(0.2, "failed")


def forgets_a_session(played: Played) -> None:
    played.read(0.0)


def tells_of_a_session_twice(played: Played) -> None:
    plain(played)
    played.tell(0.7, "logged_off")


def goes_on_for_too_long(played: Played) -> None:
    plain(played)
    played.told[0] = replace(played.told[0], at=START + 12.0)


@pytest.mark.parametrize(
    ("plays", "says"),
    [
        (acts_on_somebody_else, "had shown somebody else"),
        (takes_an_old_proof, "on a proof of 5.2"),
        (acts_in_check_mode, "in check mode"),
        (acts_on_who_is_excluded, "who was not selected"),
        (acts_on_who_reconnected, "not selected any more"),
        (acts_again_on_the_same_proof, "without a new proof"),
        (acts_again_after_a_yes, "which was accepted"),
        (acts_again_while_it_is_being_ended, "while the one before is under way"),
        (acts_after_the_deadline, "s after the session's first"),
        (acts_after_an_interrupt, "after the run was interrupted"),
        (calls_gone_what_is_there, "which it was at no moment"),
        (calls_its_own_work_somebody_elses, "but an act had done it"),
        (claims_what_nobody_did, "no act can have made one"),
        (calls_still_there_too_early, "no list that began after its deadline"),
        (gives_up_without_a_fault, "though no fault touched it"),
        (forgets_a_session, "is not told of"),
        (tells_of_a_session_twice, "told of twice"),
        (goes_on_for_too_long, "the run ended"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_run_is_refused(plays: Callable[[Played], None], says: str) -> None:
    played = Played()
    plays(played)
    wrongs = played.wrongs()
    assert any(says in wrong for wrong in wrongs), wrongs


def test_who_takes_an_id_over_within_the_proof_cannot_be_seen() -> None:
    played = Played()
    played.read(0.0)
    bob = played.take_over(0.15)
    act = played.act(0.2)
    assert act.applied is bob
    played.read(0.5).tell(0.6, "logged_off")
    assert played.wrongs() == []


def test_disconnected_is_told_only_of_who_was() -> None:
    played = Played(DISCONNECT)
    played.read(0.0)
    played.act(0.2, applied=False, faulty=True)
    played.read(0.5).tell(0.6, "disconnected")
    assert any("at no moment" in wrong for wrong in played.wrongs())
    assert played.alice.ended == math.inf
