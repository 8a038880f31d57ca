# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge knows that a message is sent once, to whom it was meant for, and that only its answer tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.campaign.farm import DISCONNECTED, Answer, Effect
from tests.campaign.kind import RDS, WVD, Kind, kinds
from tests.campaign.played import Played
from tests.campaign.schedule import Wanted
from tests.campaign.world import START

(MESSAGE,) = kinds(WVD, effect=Effect.LEAVES_MESSAGE)
BY_CMDLETS = kinds(RDS, effect=Effect.LEAVES_MESSAGE)


def sends(played: Played) -> None:
    played.read(0.0)
    played.act(0.2)
    played.tell(0.4, "sent", claims=True)


def is_put_off_and_sends(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.THROTTLED, applied=False)
    played.act(0.6)
    played.tell(0.8, "sent", claims=True)


def sends_to_who_is_disconnected(played: Played) -> None:
    played.at(0.0).farm.set_state(played.alice, DISCONNECTED, "the user disconnects")
    sends(played)


def does_not_know(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, faulty=True)
    played.tell(0.4, "unclear", claims=True)


def finds_nobody(played: Played) -> None:
    played.read(0.0)
    played.leave(0.1)
    played.act(0.2, Answer.ABSENT)
    played.read(0.4).tell(0.6, "not_there")


def is_refused(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.REFUSED, applied=False, faulty=True)
    played.read(0.4).tell(0.6, "failed")


def is_broken_off(played: Played) -> None:
    played.read(0.0)
    played.interrupted_at = START + 0.1
    played.tell(0.1, "unclear", claims=True)


def predicts(played: Played) -> None:
    played.wanted = Wanted(check_mode=True)
    played.read(0.0).tell(0.2, "sent", claims=True)


@pytest.mark.parametrize(
    "plays",
    [
        sends,
        is_put_off_and_sends,
        sends_to_who_is_disconnected,
        does_not_know,
        finds_nobody,
        is_refused,
        is_broken_off,
        predicts,
    ],
)
def test_good_run_passes(plays: Callable[[Played], None]) -> None:
    played = Played(MESSAGE)
    plays(played)
    assert played.wrongs() == []


def finds_nobody_and_is_told_an_error(played: Played) -> None:
    played.read(0.0)
    played.leave(0.1)
    played.act(0.2, Answer.UNCLEAR)
    played.tell(0.4, "unclear", claims=True)


def loses_an_answer_with_the_connection(played: Played) -> None:
    played.read(0.0)
    played.act(0.2)
    played.farm.lose()
    played.farm.troubles.append("the connection is lost")
    played.tell(0.4, "unclear", claims=True)


def loses_a_script_before_it_sent(played: Played) -> None:
    played.read(0.0)
    played.farm.lose_batch(0)
    played.farm.troubles.append("the output of a script is lost")
    played.tell(0.4, "unclear", claims=True)


def loses_a_script_after_it_sent(played: Played) -> None:
    played.read(0.0)
    played.act(0.2).batch = 0
    played.farm.batches.append(START)
    played.farm.lose_batch(0)
    played.farm.troubles.append("the output of a script is lost")
    played.tell(0.4, "unclear", claims=True)


@pytest.mark.parametrize(
    "plays",
    [
        sends,
        sends_to_who_is_disconnected,
        does_not_know,
        finds_nobody_and_is_told_an_error,
        loses_an_answer_with_the_connection,
        loses_a_script_before_it_sent,
        loses_a_script_after_it_sent,
        is_refused,
    ],
)
@pytest.mark.parametrize("kind", BY_CMDLETS, ids=str)
def test_good_run_by_cmdlets_passes(kind: Kind, plays: Callable[[Played], None]) -> None:
    played = Played(kind)
    plays(played)
    assert played.wrongs() == []


def test_farm_knows_who_got_what_and_when() -> None:
    played = Played(MESSAGE)
    sends(played)
    ((when, act),) = played.alice.messages
    assert act is played.farm.acts[0]
    assert when == pytest.approx(START + 0.3)
    assert len(played.alice.states) == 1


def test_who_takes_an_id_over_within_the_proof_may_get_a_message() -> None:
    played = Played(MESSAGE)
    played.read(0.0)
    bob = played.take_over(0.15)
    played.act(0.2)
    assert len(bob.messages) == 1
    assert played.tell(0.4, "sent", claims=True).wrongs() == []


def sends_to_somebody_else(played: Played) -> None:
    played.read(0.0)
    played.take_over(0.1)
    played.act(5.3)
    played.tell(5.5, "sent", claims=True)


def sends_to_who_is_shown_to_be_somebody_else(played: Played) -> None:
    played.read(0.0)
    played.take_over(0.1)
    played.read(0.2)
    played.act(0.4)
    played.tell(0.6, "sent", claims=True)


def sends_to_who_is_excluded(played: Played) -> None:
    played.wanted = Wanted(excluded=("alice",))
    sends(played)


def takes_an_old_proof(played: Played) -> None:
    played.read(0.0)
    played.act(5.2)
    played.tell(5.4, "sent", claims=True)


def sends_two(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, faulty=True)
    played.read(0.4)
    played.act(0.6)
    played.tell(0.8, "sent", claims=True)


def after(answer: Answer) -> Callable[[Played], None]:
    def sends_again(played: Played) -> None:
        played.read(0.0)
        played.act(0.2, answer, applied=False, faulty=True)
        played.read(0.4)
        played.act(0.6)
        played.tell(0.8, "sent", claims=True)

    sends_again.__name__ = f"sends_again_after_{answer.name.lower()}"
    return sends_again


def sends_again_without_an_answer(played: Played) -> None:
    played.read(0.0)
    played.farm.answer(played.act(0.2, applied=False), Answer.ACCEPTED)
    played.farm.acts[0].answered = START + 9.0
    played.act(0.4)
    played.tell(0.6, "sent", claims=True)


def claims_what_was_never_sent(played: Played) -> None:
    played.read(0.0).tell(0.2, "sent", claims=True)


def claims_what_was_refused(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.REFUSED, applied=False, faulty=True)
    played.read(0.4).tell(0.6, "sent", claims=True)


def claims_what_a_script_lost(played: Played) -> None:
    loses_a_script_after_it_sent(played)
    played.told[0] = replace(played.told[0], outcome="sent")


def does_not_know_of_what_was_not_sent_when_the_connection_was_lost(played: Played) -> None:
    played.read(0.0).farm.lose()
    played.tell(0.2, "unclear", claims=True)


def does_not_know_of_what_was_not_sent(played: Played) -> None:
    played.read(0.0).tell(0.2, "unclear", claims=True)


def claims_what_is_unclear(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, faulty=True)
    played.read(0.4).tell(0.6, "sent", claims=True)


def does_not_know_what_was_accepted(played: Played) -> None:
    played.read(0.0)
    played.act(0.2)
    played.tell(0.4, "unclear", claims=True)


def does_not_count_what_is_unclear(played: Played) -> None:
    does_not_know(played)
    played.told[0] = replace(played.told[0], claims=False)


def fails_though_it_may_have_come(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, applied=False, faulty=True)
    played.read(0.4).tell(0.6, "failed")


def fails_and_claims(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, applied=False, faulty=True)
    played.read(0.4).tell(0.6, "failed", claims=True)


def finds_nobody_who_got_it(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, faulty=True)
    played.leave(0.4)
    played.read(0.5).tell(0.7, "not_there")


def calls_not_there_who_is(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.ABSENT, applied=False, faulty=True)
    played.read(0.4).tell(0.6, "not_there")


def gives_up_without_a_fault(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.THROTTLED, applied=False)
    played.read(0.4).tell(0.6, "failed")


def waits_for_a_list_to_show_it(played: Played) -> None:
    played.read(0.0)
    played.act(0.2)
    played.read(5.3).tell(5.5, "still_there")


def disconnects(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, effect=Effect.DISCONNECTS)
    played.tell(0.4, "sent", claims=True)


@pytest.mark.parametrize(
    ("plays", "says"),
    [
        (sends_to_somebody_else, "bob#1 was not selected, and got the message of act 0"),
        (sends_to_who_is_shown_to_be_somebody_else, "had shown somebody else"),
        (sends_to_who_is_excluded, "who was not selected"),
        (takes_an_old_proof, "on a proof of 5.2"),
        (sends_two, "got 2 messages"),
        (after(Answer.UNCLEAR), "second message, after act 0, which was answered: unclear"),
        (after(Answer.ACCEPTED), "second message, after act 0, which was answered: accepted"),
        (after(Answer.ABSENT), "second message, after act 0, which was answered: no such session"),
        (after(Answer.REFUSED), "second message, after act 0, which was answered: refused"),
        (sends_again_without_an_answer, "second message, after act 0, which has no answer"),
        (claims_what_was_never_sent, "0 of 0 messages were accepted"),
        (claims_what_was_refused, "0 of 1 messages were accepted"),
        (claims_what_a_script_lost, "0 of 1 messages were accepted"),
        (does_not_know_of_what_was_not_sent, "no message was answered so"),
        (does_not_know_of_what_was_not_sent_when_the_connection_was_lost, "no message was answered so"),
        (claims_what_is_unclear, "0 of 1 messages were accepted"),
        (does_not_know_what_was_accepted, "no message was answered so"),
        (does_not_count_what_is_unclear, "but changed is False"),
        (fails_though_it_may_have_come, "act 0 may have left a message"),
        (fails_and_claims, "which is no change, but claims one"),
        (finds_nobody_who_got_it, "act 0 may have left a message"),
        (calls_not_there_who_is, "which it was at no moment"),
        (gives_up_without_a_fault, "though no fault touched it"),
        (waits_for_a_list_to_show_it, "which a message does not know"),
        (disconnects, "act 0 is a disconnect"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_run_is_refused(plays: Callable[[Played], None], says: str) -> None:
    played = Played(MESSAGE)
    plays(played)
    wrongs = played.wrongs()
    assert any(says in wrong for wrong in wrongs), wrongs


def test_act_says_what_was_asked_for() -> None:
    played = Played(MESSAGE, arguments={"message_body": "Please save your work."})
    sends(played)
    assert played.wrongs() == ["act 0 says {}"]
