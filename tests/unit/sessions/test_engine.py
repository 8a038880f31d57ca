# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine against a farm in memory: nobody but the selected is ever touched, and every ending is reported truly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from tests.unit.fakes.console import Console
from tests.unit.fakes.engine import outcomes, run
from tests.unit.fakes.farm import FakeFarm, accept, fail_after, fail_before, session


def test_disconnects_what_is_connected_and_sees_it() -> None:
    farm = FakeFarm.of(session("1"), session("2", state="Disconnected"), session("10", "bob@contoso.com"))
    report = run(farm)
    assert outcomes(report) == {"1": "disconnected", "2": "already_disconnected", "10": "disconnected"}
    assert [row.key[2] for row in report.rows] == ["1", "2", "10"]
    assert report.changed
    assert {act.session.id for act in farm.acts} == {"1", "10"}
    again = run(farm)
    assert set(outcomes(again).values()) == {"already_disconnected"}
    assert not again.changed
    assert len(farm.acts) == 2


def test_check_mode_predicts_the_run() -> None:
    farm = FakeFarm.of(session("1"), session("2", state="Disconnected"), session("3", user=""))
    predicted = run(farm, check_mode=True)
    assert farm.acts == []
    real = run(farm)
    assert outcomes(predicted) == outcomes(real)
    assert predicted.changed is real.changed
    assert predicted.diff() == real.diff()
    assert real.diff()["before"] == "host-0/1 alice@contoso.com Active\n"


def test_session_without_user_is_refused() -> None:
    farm = FakeFarm.of(session("1", user=""))
    report = run(farm)
    assert outcomes(report) == {"1": "refused"}
    assert report.failures
    assert farm.acts == []


def test_disconnected_session_without_user_needs_nothing() -> None:
    assert outcomes(run(FakeFarm.of(session("1", user="", state="Disconnected")))) == {"1": "already_disconnected"}


def test_asks_once_for_all_and_ends_nothing_on_no() -> None:
    farm = FakeFarm.of(session("1"), session("2"), session("3", state="Disconnected"))
    console = Console(answer=False)
    with pytest.raises(RuntimeError):
        run(farm, console=console, confirm=True)
    assert [[one.id for one in asked] for asked in console.asked] == [["1", "2"]]
    assert farm.acts == []


def test_does_not_ask_when_nothing_would_be_ended() -> None:
    console = Console(answer=False)
    run(FakeFarm.of(session("1", state="Disconnected")), console=console, confirm=True)
    run(FakeFarm.of(session("1")), console=console, confirm=True, check_mode=True)
    assert console.asked == []


def test_id_given_to_another_during_the_question_is_left_alone() -> None:
    farm = FakeFarm.of(session("1"), session("2"))

    class SlowConsole(Console):
        def confirm(self, verb: str, sessions: Sequence[Session]) -> None:
            super().confirm(verb, sessions)
            farm.give_id_to(sessions[0].key, "mallory@contoso.com")

    report = run(farm, console=SlowConsole(meanwhile=lambda: farm.clock.sleep(120.0)), confirm=True)
    assert outcomes(report) == {"1": "replaced", "2": "disconnected"}
    assert [act.owner for act in farm.acts] == ["alice@contoso.com"]


def test_unclear_answer_before_the_effect_is_tried_again() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [fail_before, fail_before]
    assert outcomes(run(farm)) == {"1": "disconnected"}
    assert len(farm.acts) == 3
    for earlier, later in zip(farm.acts, farm.acts[1:], strict=False):
        assert later.listed_at > earlier.at


def test_unclear_answer_after_the_effect_is_not_sent_twice() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [fail_after]
    assert outcomes(run(farm)) == {"1": "disconnected"}
    assert len(farm.acts) == 1


def test_id_given_to_another_behind_an_unclear_answer_is_left_alone() -> None:
    farm = FakeFarm.of(session("1"))

    def reuse(farm: FakeFarm, one: Session) -> Reply:
        farm.give_id_to(one.key, "mallory@contoso.com")
        return Reply.UNCLEAR

    farm.replies[session("1").key] = [reuse]
    assert outcomes(run(farm)) == {"1": "disconnected"}
    assert [act.owner for act in farm.acts] == ["alice@contoso.com"]


def test_unclear_answers_without_end_fail_at_the_deadline() -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.replies[session("1").key] = [fail_before] * 1000
    report = run(farm, wait_timeout=30.0)
    assert outcomes(report) == {"1": "failed", "2": "disconnected"}
    assert farm.clock() < 100.0 + 45.0
    assert len(farm.acts) < 20


def test_accepted_but_not_seen_is_still_there() -> None:
    farm = FakeFarm.of(session("1"))
    farm.effect = False
    report = run(farm, wait_timeout=20.0)
    assert outcomes(report) == {"1": "still_there"}
    assert report.failures
    assert len(farm.acts) == 1
    assert 120.0 <= farm.clock() < 130.0


def test_effect_that_takes_a_while_is_waited_for() -> None:
    farm = FakeFarm.of(session("1"))
    farm.effect = False
    original = farm.wait

    def wait(seconds: float) -> list[object]:
        if farm.clock() > 110.0 and farm.acts:
            farm.disconnect(session("1").key)
        return original(seconds)  # type: ignore[return-value]

    farm.wait = wait  # type: ignore[method-assign,assignment]
    assert outcomes(run(farm, wait_timeout=60.0)) == {"1": "disconnected"}
    assert farm.clock() < 120.0


def gone(farm: FakeFarm, one: Session) -> Reply:
    del farm.sessions[one.key]
    return Reply.GONE


def test_gone_that_a_list_confirms_is_no_change() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [gone]
    report = run(farm)
    assert outcomes(report) == {"1": "already_gone"}
    assert not report.changed
    assert not report.failures


def test_gone_that_a_list_denies_is_tried_again_and_fails_in_the_end() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [lambda farm, one: Reply.GONE] * 1000
    assert outcomes(run(farm, wait_timeout=10.0)) == {"1": "failed"}
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [lambda farm, one: Reply.GONE]
    assert outcomes(run(farm, wait_timeout=10.0)) == {"1": "disconnected"}


def test_refusal_of_one_does_not_stop_the_others() -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.replies[session("1").key] = [lambda farm, one: Reply.REFUSED]
    report = run(farm)
    assert outcomes(report) == {"1": "failed", "2": "disconnected"}
    assert "Failed to disconnect 1 of 2 sessions" in report.failure_message()


def test_refusal_because_it_ended_meanwhile_is_no_failure() -> None:
    farm = FakeFarm.of(session("1"))

    def refuse(farm: FakeFarm, one: Session) -> Reply:
        del farm.sessions[one.key]
        return Reply.REFUSED

    farm.replies[session("1").key] = [refuse]
    assert outcomes(run(farm)) == {"1": "already_gone"}


def test_throttling_costs_time_and_never_fails() -> None:
    farm = FakeFarm.of(*(session(str(number)) for number in range(50)))

    def throttle(farm: FakeFarm, one: Session) -> Reply:
        farm.blocked_until = farm.clock() + 100.0
        return Reply.THROTTLED

    for one in list(farm.sessions):
        farm.replies[one] = [throttle, throttle]
    report = run(farm, wait_timeout=5.0)
    assert set(outcomes(report).values()) == {"disconnected"}
    assert farm.clock() > 300.0
    assert len(farm.looks) <= len(farm.acts), "looks went on during the pauses"


def test_long_work_proves_again_and_leaves_alone_who_came_meanwhile() -> None:
    farm = FakeFarm.of(*(session(str(number)) for number in range(1, 101)))
    farm.room, farm.act_seconds = 1, 1.0
    late = session("100").key

    def accept_and_replace(farm: FakeFarm, one: Session) -> Reply:
        farm.give_id_to(late, "mallory@contoso.com")
        farm.disconnect(session("50").key)
        del farm.sessions[session("60").key]
        return accept(farm, one)

    farm.replies[session("1").key] = [accept_and_replace]
    report = run(farm)
    found = outcomes(report)
    assert (found.pop("100"), found.pop("50"), found.pop("60")) == ("replaced", "already_disconnected", "already_gone")
    assert set(found.values()) == {"disconnected"}
    assert all(act.owner == "alice@contoso.com" for act in farm.acts)


def test_user_that_cannot_be_read_any_more_is_refused() -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.room, farm.act_seconds = 1, 10.0

    def blank(farm: FakeFarm, one: Session) -> Reply:
        key = session("2").key
        farm.sessions[key] = replace(farm.sessions[key], users=())
        return accept(farm, one)

    farm.replies[session("1").key] = [blank]
    assert outcomes(run(farm)) == {"1": "disconnected", "2": "refused"}


def test_listing_that_fails_for_a_while_is_repeated() -> None:
    farm = FakeFarm.of(session("1"))
    farm.look_errors = [ServiceError("busy", lasting=False)] * 3
    assert outcomes(run(farm)) == {"1": "disconnected"}
    assert len(farm.looks) == 4


def test_listing_that_fails_for_good_fails_what_is_open() -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.room, farm.act_seconds = 1, 10.0
    farm.look_errors = [ServiceError("no right any more")]
    report = run(farm)
    assert len(farm.acts) == 1
    assert set(outcomes(report).values()) <= {"failed", "disconnected"}
    assert outcomes(report)["2"] == "failed"
    assert "no right any more" in report.failure_message()


def test_lists_that_are_too_slow_to_prove_anything_end_nothing() -> None:
    farm = FakeFarm.of(session("1"))
    farm.look_seconds = 6.0
    farm.clock.now += 1.0
    console = Console(meanwhile=lambda: farm.clock.sleep(60.0))
    report = run(farm, console=console, confirm=True)
    assert outcomes(report) == {"1": "failed"}
    assert "5 s" in report.failure_message()
    assert farm.acts == []


def test_named_session_that_the_service_does_not_list_is_already_gone() -> None:
    farm = FakeFarm.of(session("1"))
    report = run(farm, Selection((NamedSession("pool", "host-0", "7", fields={"id": "7"}),)))
    assert outcomes(report) == {"7": "already_gone"}
    assert report.rows[0].result()["id"] == "7"
    assert not report.changed
    assert farm.acts == []


def test_unknown_host_is_an_error() -> None:
    farm = FakeFarm.of(session("1"))
    with pytest.raises(ServiceError, match="no host host-9"):
        run(farm, Selection(filters=Filters(host="host-9")))
    farm.known_hosts = ("host-9",)
    assert run(farm, Selection(filters=Filters(host="host-9"))).rows == []


def test_progress_counts_to_the_end() -> None:
    console = Console()
    run(FakeFarm.of(session("1"), session("2")), console=console)
    assert console.lines[-1] == (2, 2)
    assert [done for done, _total in console.lines] == sorted(done for done, _total in console.lines)
