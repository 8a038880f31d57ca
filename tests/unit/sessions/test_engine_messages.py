# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verb of which no list shows anything: only its answer tells, and it is never done twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.execution import BrokenOffError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import NamedSession, Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import MESSAGE
from tests.unit.fakes.console import Console
from tests.unit.fakes.engine import EVERYBODY, outcomes
from tests.unit.fakes.farm import FakeFarm, session


def send(farm: FakeFarm, selection: Selection = EVERYBODY, **options: object) -> Report:
    farm.effect = False
    request = engine.Request(MESSAGE, selection, **options)  # type: ignore[arg-type]
    return engine.run(request, farm, Console(), farm.clock)


def answer(*replies: Reply, before: Callable[[FakeFarm, Session], object] = lambda farm, one: None) -> list[object]:
    def reply(kind: Reply) -> Callable[[FakeFarm, Session], Reply]:
        def act(farm: FakeFarm, one: Session) -> Reply:
            before(farm, one)
            return kind

        return act

    return [reply(kind) for kind in replies]


def test_message_goes_to_everybody_once_in_whatever_state() -> None:
    farm = FakeFarm.of(session("1"), session("2", state="Disconnected"), session("3", state="LogOff"))
    report = send(farm)
    assert set(outcomes(report).values()) == {"sent"}
    assert report.changed
    assert report.failures == []
    assert sorted(act.session.id for act in farm.acts) == ["1", "2", "3"]
    assert report.diff() == {"before": "", "after": ""}
    assert all(row.seconds < 1 for row in report.rows)


def test_check_mode_predicts_sent() -> None:
    farm = FakeFarm.of(session("1"), session("2", user=""))
    report = send(farm, check_mode=True)
    assert outcomes(report) == {"1": "sent", "2": "refused"}
    assert farm.acts == []


@pytest.mark.parametrize("when", [0.0, 1.0])
def test_unclear_answer_is_never_repeated(when: float) -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.replies[session("1").key] = answer(Reply.UNCLEAR, before=lambda farm, one: farm.clock.sleep(when))  # type: ignore[assignment]
    report = send(farm)
    assert outcomes(report) == {"1": "unclear", "2": "sent"}
    assert len(farm.acts) == 2
    assert report.changed
    assert report.failure_message() == (
        "Failed to send a message to 1 of 2 sessions: host-0/1 (alice@contoso.com, Active): answered UNCLEAR."
    )


def test_answer_that_never_comes_is_unclear() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [lambda farm, one: None]
    assert outcomes(send(farm, wait_timeout=5.0)) == {"1": "unclear"}
    assert len(farm.acts) == 1


def test_what_was_put_off_is_sent_later_and_once() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = answer(Reply.THROTTLED, Reply.NOT_SENT, Reply.THROTTLED, Reply.DONE)  # type: ignore[assignment]
    assert outcomes(send(farm)) == {"1": "sent"}
    assert len(farm.acts) == 4


def test_waiting_for_the_rate_of_the_service_does_not_count() -> None:
    farm = FakeFarm.of(session("1"))
    minutes = 10
    farm.replies[session("1").key] = [
        *answer(
            *[Reply.THROTTLED] * minutes, before=lambda farm, one: setattr(farm, "blocked_until", farm.clock() + 60.0)
        ),  # type: ignore[list-item]
        *answer(Reply.DONE),  # type: ignore[list-item]
    ]
    begun = farm.clock()
    assert outcomes(send(farm, wait_timeout=5.0)) == {"1": "sent"}
    assert farm.clock() - begun > 60.0 * minutes


@pytest.mark.parametrize("reply", [Reply.GONE, Reply.REFUSED])
def test_refusal_is_final_and_a_list_tells_whether_anybody_was_there(reply: Reply) -> None:
    farm = FakeFarm.of(session("1"), session("2"), session("3"))
    farm.replies[session("1").key] = answer(reply)  # type: ignore[assignment]
    farm.replies[session("2").key] = answer(reply, before=lambda farm, one: farm.end(one.key))  # type: ignore[assignment]
    report = send(farm)
    assert outcomes(report) == {"1": "failed", "2": "not_there", "3": "sent"}
    assert len(farm.acts) == 3
    assert [row.key[2] for row in report.failures] == ["1"]


def test_nobody_else_gets_the_message() -> None:
    def give_away(farm: FakeFarm, one: Session) -> None:
        farm.give_id_to(one.key, "mallory@contoso.com")
        farm.clock.sleep(6.0)

    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = answer(Reply.THROTTLED, before=give_away)  # type: ignore[assignment]
    report = send(farm)
    assert outcomes(report) == {"1": "replaced"}
    assert [act.owner for act in farm.acts] == ["alice@contoso.com"]
    assert not report.changed


def test_named_session_that_is_not_there_is_no_failure() -> None:
    farm = FakeFarm.of(session("1"))
    report = send(farm, Selection((NamedSession("pool", "host-0", "2"),)))
    assert outcomes(report) == {"2": "not_there"}
    assert (report.changed, report.failures, farm.acts) == (False, [], [])


def test_what_is_not_answered_when_it_is_broken_off_is_unclear() -> None:
    class Breaks(FakeFarm):
        def wait(self, seconds: float) -> list[object]:  # type: ignore[override]
            raise KeyboardInterrupt

    farm = Breaks.of(session("1"), session("2"))
    farm.room = 1
    with pytest.raises(BrokenOffError) as caught:
        send(farm)
    assert sorted(outcomes(caught.value.report).values()) == ["failed", "unclear"]
    assert caught.value.report.changed


# Until when a message may be sent


@pytest.mark.parametrize("blocked", [10.0, 5.2])
def test_nothing_is_sent_after_the_latest_time_however_long_the_service_lets_wait(blocked: float) -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.blocked_until = farm.clock() + blocked
    report = send(farm, latest=farm.clock() + 5.0)
    assert farm.acts == []
    assert outcomes(report) == {"1": "failed", "2": "failed"}
    assert not report.changed
    assert "the time until which it may be sent was over" in report.failure_message()


def test_refusal_for_now_is_not_repeated_after_the_latest_time() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = answer(*[Reply.THROTTLED] * 999)  # type: ignore[assignment]
    latest = farm.clock() + 5.0
    report = send(farm, latest=latest)
    assert len(farm.acts) > 1
    assert farm.acts[-1].at < latest < farm.clock() + 0.1 < latest + 2.0
    assert "answered THROTTLED; then the time" in report.failure_message()


def test_row_says_when_its_act_was_sent() -> None:
    farm = FakeFarm.of(session("1"), session("2", ""))
    farm.blocked_until = farm.clock() + 3.0
    sent, refused = send(farm).rows
    assert (sent.sent_at, refused.sent_at) == (farm.acts[0].at, None)
    assert farm.acts[0].at >= 103.0
