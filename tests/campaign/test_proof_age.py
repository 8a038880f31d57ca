# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge counts every list that the product can know, and no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.campaign.kind import RDS, Transport, kinds
from tests.campaign.played import Played
from tests.campaign.proof_age import ProofAges
from tests.campaign.world import START

(SCRIPT, *_others) = kinds(RDS, transport=Transport.SCRIPT)


def most(played: Played) -> float:
    """Say how old the proof of the last act may have been."""
    trial = played.trial()
    return round(ProofAges(trial).most(played.farm.acts[-1]), 6)


@pytest.mark.parametrize(
    ("lists", "expected"),
    [([4.0], 9.0), ([4.0, 8.0], 9.0), ([8.0, 4.0], 9.0), ([28.0, 27.0], 30.0), ([60.0], 30.0), ([12.0, 0.5], 5.5)],
)
def test_shortest_list_until_the_act_counts(lists: list[float], expected: float) -> None:
    played, at = Played(), 0.0
    for seconds in lists:
        played.read(at, seconds)
        at += seconds + 0.1
    played.act(at)
    played.read(at + 0.2, 0.1)
    assert most(played) == expected


def test_list_that_is_on_its_way_is_not_known() -> None:
    played = Played().read(0.0, 4.0).read(4.1, 0.5)
    on_its_way = played.farm.readings[-1]
    played.act(5.0)
    on_its_way.taken = START + 5.2
    assert most(played) == 9.0
    on_its_way.taken = START + 4.9
    assert most(played) == 5.8


def test_act_that_was_asked_for_before_a_list_came_is_not_judged_by_it() -> None:
    played = Played().read(0.0, 4.0).read(4.1, 0.5)
    act = played.act(6.0)
    assert most(played) == 5.5
    act.asked = START + 4.3
    assert most(played) == 9.0


def test_of_the_first_lists_the_newest_counts_up_to_the_selection() -> None:
    played = Played().read(0.0, 0.5).read(0.6, 3.0)
    played.act(4.0)
    trial = played.trial()
    assert ProofAges(replace(trial, selected_at=START + 3.8)).most(played.farm.acts[-1]) == pytest.approx(8.2)


def test_list_that_shows_nobody_does_not_say_when_it_was_begun() -> None:
    played = Played().read(0.0, 4.0).read(4.1, 0.5)
    played.farm.readings[-1].rows = []
    played.act(5.0)
    assert most(played) == 9.0


def test_script_on_the_host_knows_its_lists_at_once_unless_its_output_was_lost() -> None:
    played = Played(SCRIPT).read(0.0, 4.0)
    played.farm.batches += [START, START + 4.1]
    played.read(4.2, 0.5)
    played.farm.readings[-1].taken = START + 100.0
    act = played.act(5.0)
    act.batch = 1
    assert most(played) == 5.5
    played.farm.lost_batches.add(1)
    assert most(played) == 5.5
    act.batch = 2
    assert most(played) == 9.0
