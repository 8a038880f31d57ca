# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge knows what a disconnect is, whatever the service."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.campaign.farm import DISCONNECTED, Answer, Effect
from tests.campaign.kind import Kind, kinds
from tests.campaign.played import Played

DISCONNECTS = kinds(effect=Effect.DISCONNECTS)


@pytest.mark.parametrize("kind", DISCONNECTS, ids=str)
def test_plain_run_is_good(kind: Kind) -> None:
    played = Played(kind)
    played.read(0.0)
    played.act(0.2)
    played.read(0.5).tell(0.6, "disconnected")
    assert played.wrongs() == []
    assert played.alice.state(played.world.now) == DISCONNECTED


def calls_disconnected_who_was_not(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, applied=False, faulty=True)
    played.read(0.5).tell(0.6, "disconnected")


def acts_on_who_is_shown_as_disconnected(played: Played) -> None:
    played.read(0.0)
    played.at(0.2).farm.set_state(played.alice, DISCONNECTED, "the user disconnects")
    played.read(0.3)
    played.act(0.5)
    played.read(0.8).tell(0.9, "disconnected")


def logs_off(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, effect=Effect.ENDS)
    played.read(0.5).tell(0.6, "disconnected")


def tells_of_a_log_off(played: Played) -> None:
    played.read(0.0)
    played.leave(0.2)
    played.read(0.5).tell(0.6, "logged_off", claims=False)


def calls_its_own_work_somebody_elses(played: Played) -> None:
    played.read(0.0)
    played.act(0.2, Answer.UNCLEAR, faulty=True)
    played.read(0.5).tell(0.6, "already_disconnected")


def calls_still_there_who_was_disconnected(played: Played) -> None:
    played.read(0.0)
    played.act(0.2)
    played.read(5.3).tell(5.5, "still_there")


@pytest.mark.parametrize("kind", DISCONNECTS, ids=str)
@pytest.mark.parametrize(
    ("plays", "says"),
    [
        (calls_disconnected_who_was_not, "which it was at no moment"),
        (acts_on_who_is_shown_as_disconnected, "who was disconnected already"),
        (logs_off, "act 0 is a logoff"),
        (tells_of_a_log_off, "which a disconnect does not know"),
        (calls_its_own_work_somebody_elses, "but an act had done it"),
        (calls_still_there_who_was_disconnected, "it was disconnected ever after its deadline"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_bad_run_is_refused(kind: Kind, plays: Callable[[Played], None], says: str) -> None:
    played = Played(kind)
    plays(played)
    wrongs = played.wrongs()
    assert any(says in wrong for wrong in wrongs), wrongs
