# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine against a farm in memory: lists in pages, answers that come late or never, filters that still hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters, Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Listed, Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from tests.unit.fakes.console import Console
from tests.unit.fakes.engine import outcomes, run
from tests.unit.fakes.farm import CREATED, FakeFarm, accept, fail_before, session, with_common_state


class PagedFarm(FakeFarm):
    """Lists a page for each session, a while apart, and never takes two looks at once."""

    page_seconds = 0.05
    looking = False

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        assert not self.looking, "a look began before the last one had ended"
        self.looking = True
        begun = self.clock()
        self.looks.append(begun)
        for number, key in enumerate(list(self.sessions)):
            self._due.append(
                (begun + (number + 1) * self.page_seconds, lambda key=key, begun=begun: self._page(key, begun))
            )
        end = begun + (len(self.sessions) + 1) * self.page_seconds
        self._due.append((end, self._end))

    def _page(self, key: tuple[str, str, str], read_at: float) -> list[object]:
        rows = [with_common_state(replace(self.sessions[key], read_at=read_at))] if key in self.sessions else []
        return [Listed(rows, last=False)]

    def _end(self) -> list[object]:
        self.looking = False
        return [Listed((), last=True)]


def test_session_on_a_later_page_is_not_gone() -> None:
    farm = PagedFarm.of(*(session(str(number)) for number in range(1, 6)))
    assert set(outcomes(run(farm)).values()) == {"disconnected"}
    farm = PagedFarm.of(*(session(str(number)) for number in range(1, 6)))
    farm.replies = {key: [lambda farm, one: Reply.GONE] * 1000 for key in farm.sessions}
    assert set(outcomes(run(farm, wait_timeout=10.0)).values()) == {"failed"}


def test_row_read_before_an_answer_proves_nothing_after_it() -> None:
    """A slow look begins, an act is answered unclearly, the id is given away: only a newer row may tell."""
    farm = FakeFarm.of(session("1"), session("2"))
    farm.room, farm.look_seconds, farm.act_seconds = 1, 1.0, 3.5
    one, two = session("1").key, session("2").key

    def slow(farm: FakeFarm, one: Session) -> Reply:
        return accept(farm, one)

    def give_away(farm: FakeFarm, one: Session) -> Reply:
        farm.give_id_to(one.key, "mallory@contoso.com")
        return Reply.UNCLEAR

    farm.replies = {one: [slow], two: [give_away]}
    original = farm.begin_listing

    def begin_listing(sessions: Sequence[Session]) -> None:
        farm.act_seconds = 0.01  # the next act is sent and answered while this look is under way
        original(sessions)

    farm.begin_listing = begin_listing  # type: ignore[method-assign]
    report = run(farm)
    assert [act.owner for act in farm.acts] == ["alice@contoso.com"] * 2
    assert outcomes(report) == {"1": "disconnected", "2": "disconnected"}
    for earlier, later in zip(farm.acts, farm.acts[1:], strict=False):
        if earlier.session.key == later.session.key:
            assert later.listed_at > earlier.at


@pytest.mark.parametrize("reply", [Reply.THROTTLED, Reply.NOT_SENT])
def test_act_that_was_not_taken_does_not_start_the_deadline(reply: Reply) -> None:
    farm = FakeFarm.of(session("1"))

    def later(farm: FakeFarm, one: Session) -> Reply:
        farm.blocked_until = farm.clock() + 100.0
        return reply

    farm.replies[session("1").key] = [later, later, fail_before]
    report = run(farm, wait_timeout=5.0)
    assert outcomes(report) == {"1": "disconnected"}
    assert report.rows[0].seconds < 5.0


def test_listing_that_fails_for_good_does_not_finish_what_is_under_way() -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.room, farm.act_seconds, farm.look_errors = 1, 4.0, [ServiceError("no right")]
    report = run(farm)
    assert [(row.key[2], row.outcome) for row in report.rows] == [("1", "disconnected"), ("2", "failed")]
    assert "not asked for; listing again failed: no right" in report.failure_message()


def test_looks_that_go_on_failing_end_at_the_deadline() -> None:
    farm = FakeFarm.of(session("1"))
    farm.look_errors = [ServiceError("busy", lasting=False)] * 10_000
    assert outcomes(run(farm, wait_timeout=20.0)) == {"1": "failed"}
    assert 120.0 <= farm.clock() < 130.0
    assert len(farm.looks) < 30


def test_looks_that_fail_now_and_then_are_not_added_up() -> None:
    farm = FakeFarm.of(session("1"))
    farm.effect = False
    looks = 0
    original = farm.begin_listing

    def begin_listing(sessions: Sequence[Session]) -> None:
        nonlocal looks
        looks += 1
        farm.look_errors = [ServiceError("busy", lasting=False)] if looks % 2 else []
        original(sessions)

    farm.begin_listing = begin_listing  # type: ignore[method-assign]
    assert outcomes(run(farm, wait_timeout=30.0)) == {"1": "still_there"}


def test_user_that_cannot_be_read_after_the_act_is_waited_for() -> None:
    farm = FakeFarm.of(session("1"))

    def blank(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions[one.key] = replace(farm.sessions[one.key], users=())
        return Reply.UNCLEAR

    farm.replies[session("1").key] = [blank]
    report = run(farm, wait_timeout=10.0)
    assert outcomes(report) == {"1": "failed"}
    assert "cannot be told what came of it" in report.failure_message()
    assert len(farm.acts) == 1
    assert 110.0 <= farm.clock() < 120.0


def test_lists_that_are_always_too_slow_give_up_and_send_nothing() -> None:
    farm = FakeFarm.of(session("1"))
    farm.look_seconds = 6.0
    report = run(farm, console=Console(meanwhile=lambda: farm.clock.sleep(60.0)), confirm=True)
    assert outcomes(report) == {"1": "failed"}
    assert "lists take 6.0 s, and after 5.0 s" in report.failure_message()
    assert farm.acts == []
    assert len(farm.looks) == 3


def test_looks_come_less_often_the_longer_it_takes() -> None:
    farm = FakeFarm.of(session("1"))
    farm.effect = False
    run(farm, wait_timeout=60.0)
    assert len(farm.looks) < 25
    gaps = [later - earlier for earlier, later in zip(farm.looks, farm.looks[1:], strict=False)]
    assert gaps == sorted(gaps) or max(gaps) <= 5.1


def test_last_answer_is_looked_at_without_a_pause() -> None:
    """Looks that show another session still there have made the pauses grow by then."""
    farm = FakeFarm.of(session("1"), session("2"))

    def slow(farm: FakeFarm, one: Session) -> Reply:
        farm.act_seconds = 3.02
        return accept(farm, one)

    farm.replies = {session("1").key: [lambda farm, one: Reply.DONE], session("2").key: [slow]}
    begun = farm.clock()
    run(farm, wait_timeout=10.0)
    assert any(abs(look - begun - 3.02) < 0.01 for look in farm.looks)


def test_retried_session_goes_before_those_not_begun() -> None:
    farm = FakeFarm.of(*(session(str(number)) for number in range(1, 40)))
    farm.room, farm.act_seconds = 1, 0.2
    farm.replies[session("1").key] = [lambda farm, one: Reply.NOT_SENT]
    run(farm)
    assert [act.session.id for act in farm.acts][:3] == ["1", "1", "2"]


def test_filter_on_state_still_holds_when_the_act_is_sent():
    farm = FakeFarm.of(session("1", state="Pending"))

    class Slow(Console):
        def confirm(self, verb, sessions):
            farm.clock.now += 120
            farm.sessions[sessions[0].key] = replace(farm.sessions[sessions[0].key], state="Active")

    run(farm, Selection(filters=Filters(states=("Pending",))), Slow(), confirm=True)
    assert farm.acts == []


@pytest.mark.parametrize(
    ("reply", "outcome", "changed"),
    [
        (Reply.GONE, "not_selected", False),
        (Reply.REFUSED, "not_selected", False),
        # The act may be what has changed the state.
        (Reply.UNCLEAR, "failed", True),
    ],
)
def test_filter_on_state_still_holds_when_the_act_is_tried_again(reply, outcome, changed):
    farm = FakeFarm.of(session("1", state="Pending"))

    def comes_back(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions[one.key] = replace(farm.sessions[one.key], state="Active")
        return reply

    farm.replies[session("1").key] = [comes_back]
    report = run(farm, Selection(filters=Filters(states=("Pending",))), wait_timeout=5.0)
    assert len(farm.acts) == 1
    assert outcomes(report) == {"1": outcome}
    assert report.changed is changed


def test_newer_row_of_the_same_id_wins_over_an_older_one():
    alice = session("5", "alice@contoso.com")
    bob = replace(session("5", "bob@contoso.com"), created=CREATED + timedelta(hours=1))
    farm = FakeFarm.of(bob)
    farm.list_sessions = lambda named: [replace(alice, read_at=99.0), replace(bob, read_at=100.0)]
    run(farm, Selection(filters=Filters(users=("alice@contoso.com",))))
    assert [act.owner for act in farm.acts] == []


def test_accepted_act_counts_as_a_change_when_looking_fails():
    farm = FakeFarm.of(session("1"))
    farm.look_errors = [ServiceError("no right")]
    assert run(farm).changed


def test_answer_that_never_comes_ends_after_a_while():
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [lambda farm, one: None]
    wait = farm.wait

    def bounded(seconds):
        assert farm.clock() < 1000, "no end"
        return wait(seconds)

    farm.wait = bounded
    run(farm, wait_timeout=5.0)


def test_listing_that_never_ends_ends_after_a_while():
    farm = FakeFarm.of(session("1"))
    farm.begin_listing = lambda sessions: None
    wait = farm.wait

    def bounded(seconds):
        assert farm.clock() < 1000, "no end"
        return wait(seconds)

    farm.wait = bounded
    report = run(farm, wait_timeout=5.0)
    assert report.is_listing, "its answer must not pass for that of another run"


def test_blank_around_a_host_name_does_not_matter():
    farm = FakeFarm.of(session("1"))
    assert len(run(farm, Selection(filters=Filters(host=" host-0 ")), check_mode=True).rows) == 1


class HalfProven(FakeFarm):
    """Proves of one missing session a listing that it is gone."""

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        missing = [one.key for one in sessions if one.key not in self.sessions]
        super().begin_listing(sessions)
        at, listed = self._due.pop()
        self._due.append((at, lambda: [*listed()[:-1], Listed((), last=True, unproven=frozenset(missing[1:]))]))


def test_what_a_listing_could_not_prove_takes_another_one() -> None:
    farm = HalfProven.of(*(session(str(number)) for number in range(1, 4)))
    farm.ends = True
    report = run(farm)
    assert outcomes(report) == {"1": "disconnected", "2": "disconnected", "3": "disconnected"}
    assert len(farm.looks) >= 3
