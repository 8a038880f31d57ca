# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge refuses runs that are bad, made by hand, and lets the same run pass when it is good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.campaign.farm import ACTIVE, DISCONNECTED, ENDING, Answer
from tests.campaign.played import Played
from tests.campaign.schedule import Wanted
from tests.campaign.world import START


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


def takes_a_proof_that_is_old_by_a_shorter_list(played: Played) -> None:
    played.read(0.0, seconds=2.0)
    played.read(2.5, seconds=8.0)
    played.act(10.6)
    played.read(10.8).tell(11.0, "logged_off")


def takes_a_proof_that_is_older_than_any_may_be(played: Played) -> None:
    played.read(0.0, seconds=28.0)
    played.read(28.5, seconds=28.0)
    played.act(58.7)
    played.read(59.0, seconds=28.0).tell(87.1, "logged_off")


def takes_a_slow_first_list(played: Played) -> None:
    played.read(0.0, seconds=6.0)
    played.act(6.2)
    played.read(6.5).tell(6.7, "logged_off")


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
        (takes_a_proof_that_is_old_by_a_shorter_list, "on a proof of 8.10 s, where 7.00 s are the most"),
        (takes_a_proof_that_is_older_than_any_may_be, "on a proof of 30.20 s, where 30.00 s are the most"),
        (takes_a_slow_first_list, "on the first list alone, which was 6.00 s old"),
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


@pytest.mark.parametrize(("seconds", "acts_at"), [(12.0, 12.6), (12.0, 16.9), (28.0, 28.1), (28.0, 29.9)])
def test_slow_lists_are_good_for_five_seconds_and_thirty_in_all(seconds: float, acts_at: float) -> None:
    played = Played()
    played.read(0.0, seconds=seconds)
    again = seconds + 0.1
    played.read(again, seconds=seconds)
    played.act(again + acts_at)
    at = again + acts_at + 0.3
    played.read(at, seconds=seconds).tell(at + seconds + 0.1, "logged_off")
    assert played.wrongs() == []


def test_who_takes_an_id_over_within_the_proof_cannot_be_seen() -> None:
    played = Played()
    played.read(0.0)
    bob = played.take_over(0.15)
    act = played.act(0.2)
    assert act.applied is bob
    played.read(0.5).tell(0.6, "logged_off")
    assert played.wrongs() == []
