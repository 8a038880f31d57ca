# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge knows what it is worth that a service says that there is no such session."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.campaign.farm import Answer, Effect
from tests.campaign.kind import WVD, Kind, kinds
from tests.campaign.played import Played

LOG_OFFS = [kind for kind in kinds(effect=Effect.ENDS) if kind.service.says_absent]
(AZURE,) = kinds(WVD, effect=Effect.ENDS)


def finds_nobody_after_an_act_in_doubt(played: Played) -> None:
    played.read(0.0)
    first = played.act(0.2, Answer.UNCLEAR, applied=False, faulty=True)
    played.read(0.4)
    played.at(0.8).farm.apply(first)
    played.act(0.9, Answer.ABSENT)
    played.read(1.1)


@pytest.mark.parametrize("kind", LOG_OFFS, ids=str)
def test_who_is_gone_after_an_act_in_doubt_is_ours(kind: Kind) -> None:
    played = Played(kind)
    finds_nobody_after_an_act_in_doubt(played)
    assert played.tell(1.3, "logged_off").wrongs() == []


@pytest.mark.parametrize("kind", LOG_OFFS, ids=str)
def test_who_left_before_the_act_came_is_not_ours(kind: Kind) -> None:
    played = Played(kind)
    played.read(0.0)
    played.leave(0.1)
    played.act(0.2, Answer.ABSENT)
    played.read(0.5).tell(0.6, "already_gone")
    assert played.wrongs() == []


def takes_the_answer_for_its_own_work(played: Played) -> None:
    played.read(0.0)
    played.leave(0.1)
    played.act(0.2, Answer.ABSENT)
    played.read(0.5).tell(0.6, "logged_off")


def takes_the_answer_for_proof(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.ABSENT, applied=False, faulty=True)
    played.tell(0.6, "already_gone")


def forgets_the_act_in_doubt(played: Played) -> None:
    finds_nobody_after_an_act_in_doubt(played)
    played.tell(1.3, "already_gone")


def sends_it_again_without_a_list(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.ABSENT, applied=False, faulty=True)
    played.act(0.5)
    played.read(0.8).tell(1.0, "logged_off")


@pytest.mark.parametrize("kind", LOG_OFFS, ids=str)
@pytest.mark.parametrize(
    ("plays", "says"),
    [
        (takes_the_answer_for_its_own_work, "no act can have made one"),
        (takes_the_answer_for_proof, "which it was at no moment"),
        (forgets_the_act_in_doubt, "claims no change after an unclear act"),
        (sends_it_again_without_a_list, "without a new proof since the act before"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_run_is_refused(kind: Kind, plays: Callable[[Played], None], says: str) -> None:
    played = Played(kind)
    plays(played)
    wrongs = played.wrongs()
    assert any(says in wrong for wrong in wrongs), wrongs


@pytest.mark.parametrize("force", [False, True])
def test_act_says_what_was_asked_for(force: bool) -> None:
    played = Played(AZURE, arguments={"force": True})
    played.read(0.0)
    played.act(0.2, force=force)
    played.read(0.5).tell(0.6, "logged_off")
    assert played.wrongs() == ([] if force else ["act 0 says {'force': False}"])
