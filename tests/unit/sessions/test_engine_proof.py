# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine against a farm whose lists take long: what is sent on which proof, and what is told of its age."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.execution import BrokenOffError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Event,
    Listed,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import DISCONNECT
from tests.unit.fakes.console import Console
from tests.unit.fakes.engine import EVERYBODY, outcomes, run
from tests.unit.fakes.farm import FakeFarm, accept, fail_before, session, with_common_state

ALICE = session("1").key
SLOW = 12.0


def slow_farm(*sessions: Session, seconds: float = SLOW) -> FakeFarm:
    """Make a farm of which all lists take so long."""
    farm = FakeFarm.of(*sessions)
    farm.first_seconds = farm.look_seconds = seconds
    return farm


def ages(farm: FakeFarm) -> list[float]:
    return [round(act.at - act.listed_at, 6) for act in farm.acts]


# What is sent


def test_slow_lists_end_exactly_the_selected_sessions_each_once() -> None:
    """While they go on, three ids get somebody else, each before the list is begun that is to prove it."""
    farm = slow_farm(*(session(str(number)) for number in range(1, 41)))
    farm.room, farm.act_seconds = 1, 1.0
    taken = {"11", "25", "40"}

    def begin_listing(sessions: Sequence[Session], begin: Callable[..., None] = farm.begin_listing) -> None:
        if len(farm.looks) in (1, 3, 5):
            number = {1: "11", 3: "25", 5: "40"}[len(farm.looks)]
            farm.give_id_to(session(number).key, "mallory@contoso.com")
        begin(sessions)

    farm.begin_listing = begin_listing  # type: ignore[method-assign]
    report = run(farm)
    assert outcomes(report) == {
        str(number): "replaced" if str(number) in taken else "disconnected" for number in range(1, 41)
    }
    assert {act.owner for act in farm.acts} == {"alice@contoso.com"}
    assert Counter(act.session.id for act in farm.acts) == {
        str(number): 1 for number in range(1, 41) if str(number) not in taken
    }


@pytest.mark.parametrize(("seconds", "leaves"), [(5.5, 5.0), (12.0, 5.0), (24.0, 5.0), (28.0, 2.0), (29.5, 0.5)])
def test_slow_lists_leave_five_seconds_to_act_and_thirty_in_all(seconds: float, leaves: float) -> None:
    farm = slow_farm(*(session(str(number)) for number in range(1, 101)), seconds=seconds)
    farm.room, farm.act_seconds = 1, 0.25
    report = run(farm)
    assert set(outcomes(report).values()) == {"disconnected"}
    assert min(ages(farm)) == seconds
    assert seconds + leaves - 0.3 <= max(ages(farm)) < seconds + leaves


@pytest.mark.parametrize("seconds", [30.0, 31.0, 90.0])
def test_lists_of_thirty_seconds_end_nothing_and_the_task_says_so(seconds: float) -> None:
    farm = slow_farm(session("1"), session("2"), seconds=seconds)
    report = run(farm)
    assert outcomes(report) == {"1": "failed", "2": "failed"}
    for row in report.rows:
        assert f"lists take {seconds:.1f} s, and after 30.0 s" in row.reason
        assert "run the task again when lists take less" in row.reason
    assert (farm.acts, len(farm.looks), report.warning()) == ([], 3, "")


def test_lists_that_take_far_longer_than_the_shortest_prove_nothing() -> None:
    farm = FakeFarm.of(session("1"))
    farm.first_seconds, farm.look_seconds = 2.0, 8.0
    report = run(farm, console=Console(meanwhile=lambda: farm.clock.sleep(60.0)), confirm=True)
    assert outcomes(report) == {"1": "failed"}
    assert "lists take 8.0 s, and after 7.0 s" in report.failure_message()
    assert farm.acts == []


def test_list_that_turns_out_short_makes_proofs_last_less() -> None:
    farm = slow_farm(*(session(str(number)) for number in range(1, 4)))
    farm.room, farm.act_seconds = 1, 4.5
    looks = iter([12.0, 0.5])

    def begin_listing(sessions: Sequence[Session], begin: Callable[..., None] = farm.begin_listing) -> None:
        farm.look_seconds = next(looks, 12.0)
        begin(sessions)

    farm.begin_listing = begin_listing  # type: ignore[method-assign]
    report = run(farm)
    assert [outcomes(report)[number] for number in "12"] == ["disconnected"] * 2
    # 1 by a list of 12 s, 2 by the one of 0.5 s, after which those of 12 s are too old.
    assert ages(farm) == [12.0, 1.5]
    assert outcomes(report)["3"] == "failed"
    assert "lists take 12.0 s, and after 5.5 s" in report.failure_message()


def test_proofs_are_renewed_while_acts_go_out() -> None:
    farm = FakeFarm.of(*(session(str(number)) for number in range(1, 31)))
    farm.room, farm.act_seconds = 1, 1.0
    farm.first_seconds = farm.look_seconds = 4.0
    begun = farm.clock()
    run(farm)
    # Proofs last for 9 s, and are read again after 7 s of them.
    assert farm.looks[0] == pytest.approx(begun + 7.0, abs=1.0)
    gaps = [later.at - earlier.at for earlier, later in zip(farm.acts, farm.acts[1:], strict=False)]
    assert max(gaps) < 3.1


# The first list


@pytest.mark.parametrize(("seconds", "again"), [(4.0, False), (5.0, False), (5.01, True), (6.0, True), (12.0, True)])
@pytest.mark.parametrize("look_seconds", [0.05, 6.0])
def test_first_list_that_took_long_is_read_again_before_anything_is_sent(
    seconds: float, again: bool, look_seconds: float
) -> None:
    farm = FakeFarm.of(session("1"))
    farm.first_seconds, farm.look_seconds = seconds, look_seconds
    begun = farm.clock()
    run(farm)
    assert [act.listed_at == begun for act in farm.acts] == [not again]


def test_who_takes_an_id_over_during_a_slow_first_list_is_left_alone() -> None:
    farm = FakeFarm.of(session("1"), session("2", "bob@contoso.com"))
    farm.first_seconds = 6.0
    list_sessions = farm.list_sessions

    def list_and_replace(named: object = ()) -> Sequence[Session]:
        rows = list_sessions()
        farm.give_id_to(ALICE, "mallory@contoso.com")
        return rows

    farm.list_sessions = list_and_replace  # type: ignore[method-assign, assignment]
    assert outcomes(run(farm)) == {"1": "replaced", "2": "disconnected"}


def test_question_makes_a_proof_older_and_not_its_list_longer() -> None:
    farm = FakeFarm.of(session("1"))
    farm.first_seconds, farm.look_seconds = 0.5, 12.0
    begun = farm.clock()
    run(farm, console=Console(meanwhile=lambda: farm.clock.sleep(4.5)), confirm=True)
    assert [act.listed_at == begun for act in farm.acts] == [True]
    farm = FakeFarm.of(session("1"))
    farm.first_seconds, farm.look_seconds = 0.5, 12.0
    report = run(farm, console=Console(meanwhile=lambda: farm.clock.sleep(5.0)), confirm=True)
    assert outcomes(report) == {"1": "failed"}
    assert "after 5.5 s" in report.failure_message()


# Lists in parts


class HostByHost(FakeFarm):
    """Lists one session after the other, each read by itself in a time of its own, and an empty page at the end."""

    times: tuple[float, ...] = ()

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        at = self.clock()
        self.looks.append(at)
        for one, seconds in zip(list(self.sessions), self.times, strict=True):
            row = with_common_state(replace(self.sessions[one], read_at=at))
            at += seconds
            self._due.append((at, lambda row=row: [Listed([row], last=False)]))  # type: ignore[misc]
        self._due.append((at, lambda: [Listed((), last=False), Listed((), last=True)]))


def test_of_a_list_in_parts_the_shortest_counts_and_nothing_shorter() -> None:
    farm = HostByHost.of(*(session(str(number)) for number in range(1, 4)))
    farm.first_seconds, farm.times = 100.0, (14.0, 6.0, 13.0)
    report = run(farm, wait_timeout=90.0)
    # 14 s are proof as long as nothing shorter is known; then 11 s are the limit.
    assert outcomes(report) == {"1": "disconnected", "2": "disconnected", "3": "failed"}
    assert ages(farm) == [14.0, 6.0]
    assert "lists take 13.0 s, and after 11.0 s" in report.failure_message()


# What is told


def test_rows_say_how_old_their_proofs_were() -> None:
    farm = slow_farm(session("1"), session("2"), session("3", state="Disconnected"), session("4", user=""))
    farm.room, farm.act_seconds = 1, 1.5
    report = run(farm)
    assert {row.key[2]: row.result()["proof_age"] for row in report.rows} == {"1": 12.0, "2": 13.5, "3": 0.0, "4": 0.0}
    assert report.oldest_proof == 13.5
    assert "up to 13.5 s after the list" in report.warning()


def test_fast_lists_are_not_warned_of() -> None:
    farm = FakeFarm.of(session("1"))
    farm.first_seconds = 2.0
    report = run(farm)
    assert (report.rows[0].proof_age, report.warning()) == (2.0, "")


def test_check_mode_tells_of_no_proof() -> None:
    farm = slow_farm(session("1"))
    report = run(farm, check_mode=True)
    assert (report.rows[0].result()["proof_age"], report.warning()) == (0.0, "")


def test_last_act_of_a_session_says_how_old_the_proof_was_and_the_oldest_is_warned_of() -> None:
    farm = slow_farm(session("1"), session("2"))
    farm.room, farm.act_seconds = 1, 2.5
    farm.replies = {ALICE: [accept], session("2").key: [fail_before, accept]}
    report = run(farm, wait_timeout=60.0)
    assert outcomes(report) == {"1": "disconnected", "2": "disconnected"}
    assert ages(farm) == [12.0, 14.5, 12.5]
    assert [row.proof_age for row in report.rows] == pytest.approx([12.0, 12.5])
    assert report.oldest_proof == pytest.approx(14.5)


@pytest.mark.parametrize("reply", [Reply.NOT_SENT, Reply.THROTTLED])
def test_act_that_was_not_taken_has_no_proof(reply: Reply) -> None:
    farm = slow_farm(session("1"))

    def leave(farm: FakeFarm, one: Session) -> Reply:
        farm.disconnect(one.key)
        farm.blocked_until = farm.clock() + 5.0
        return reply

    farm.replies[ALICE] = [leave]
    report = run(farm)
    assert (outcomes(report), report.rows[0].proof_age, report.warning()) == ({"1": "already_disconnected"}, 0.0, "")


def test_act_that_is_broken_off_says_how_old_its_proof_was() -> None:
    farm = slow_farm(session("1"), session("2"))
    farm.room = 1

    def break_off(farm: FakeFarm, one: Session) -> Reply:
        farm.wait = interrupt  # type: ignore[method-assign]
        return Reply.DONE

    def interrupt(seconds: float) -> list[Event]:
        raise KeyboardInterrupt

    farm.replies[ALICE] = [break_off]
    with pytest.raises(BrokenOffError) as error:
        engine.run(engine.Request(DISCONNECT, EVERYBODY), farm, Console(), farm.clock)
    made: Report = error.value.report
    assert [(row.key[2], row.proof_age) for row in made.rows] == [("1", 12.0), ("2", 0.0)]
    assert "12.0 s" in made.warning()


class ProvesItself(FakeFarm):
    """Looks again by itself before it acts, and says how old that list was."""

    proves_itself = True
    says: float | None = 7.25
    later = 0.0

    def _answer(self, session: Session, reply: Reply) -> list[Event]:
        (event,) = super()._answer(session, reply)
        assert isinstance(event, Replied)
        return [replace(event, proof_age=self.says, sent_at=self.clock() + self.later)]


@pytest.mark.parametrize("says", [7.25, None])
def test_service_that_proves_itself_says_how_old_the_proof_was(says: float | None) -> None:
    farm = ProvesItself.of(session("1"))
    farm.says, farm.first_seconds = says, 40.0
    report = engine.run(engine.Request(DISCONNECT, EVERYBODY), farm, Console(), farm.clock)
    assert outcomes(report) == {"1": "disconnected"}
    assert report.rows[0].proof_age == (says or 0.0)
    assert ("7.2 s" in report.warning()) is (says is not None)


class SaysWhen(FakeFarm):
    """Says when it sent an act, which was later than it was begun."""

    def _answer(self, session: Session, reply: Reply) -> list[Event]:
        (event,) = super()._answer(session, reply)
        return [replace(event, sent_at=self.acts[-1].at + 0.5)]  # type: ignore[type-var]


def test_act_that_was_sent_later_than_begun_was_sent_on_an_older_proof() -> None:
    farm = SaysWhen.of(session("1"))
    farm.first_seconds, farm.act_seconds = 2.0, 1.0
    assert run(farm).rows[0].proof_age == 2.5
