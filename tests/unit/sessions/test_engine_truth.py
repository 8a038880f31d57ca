# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines, doubt and absence: nothing is reported that was not so, and nothing is sent after its time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.execution import (
    UNSENT_TRIES,
    BrokenOffError,
    RunEndedError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters, Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Event,
    Listed,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Key, Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import DISCONNECT
from tests.unit.fakes.console import Console
from tests.unit.fakes.engine import EVERYBODY, outcomes, run
from tests.unit.fakes.farm import CREATED, FakeFarm, accept, fail_before, session

ALICE = session("1").key


# Deadlines


def test_no_act_is_sent_after_the_deadline() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[ALICE] = [fail_before] * 1000
    report = run(farm, wait_timeout=5.0)
    assert outcomes(report) == {"1": "failed"}
    assert farm.acts[-1].at < farm.acts[0].at + 5.0
    assert not report.changed


def test_last_try_has_the_time_that_is_left_and_is_looked_at() -> None:
    """The try is accepted shortly before the deadline; its effect comes before the deadline is over."""
    farm = FakeFarm.of(session("1"))
    farm.replies[ALICE] = [fail_before, fail_before, fail_before, accept]
    assert outcomes(run(farm, wait_timeout=5.0)) == {"1": "disconnected"}


def test_retry_that_waits_behind_a_throttled_service_is_given_up_at_the_deadline() -> None:
    farm = FakeFarm.of(session("1"))

    def block(farm: FakeFarm, one: Session) -> Reply:
        farm.blocked_until = farm.clock() + 100.0
        return Reply.UNCLEAR

    farm.replies[ALICE] = [block, accept]
    report = run(farm, wait_timeout=5.0)
    assert (outcomes(report), len(farm.acts)) == ({"1": "failed"}, 1)
    assert farm.clock() < 120.0


def test_act_that_is_not_sent_in_time_has_the_deadline_as_its_limit() -> None:
    limits: list[float] = []

    class Limits(FakeFarm):
        def begin_act(self, session: Session, send_before: float) -> None:
            limits.append(send_before - self.clock())
            super().begin_act(session, send_before)

    farm = Limits.of(session("1"))
    farm.replies[ALICE] = [fail_before, fail_before, accept]
    run(farm, wait_timeout=3.0)
    assert limits[0] > 4.0, "the first one is limited by its proof only"
    assert limits[2] < 3.0 - 1.5


class SlowList(FakeFarm):
    """A list shows what was there when it was begun, and takes its time."""

    slow: Sequence[float] = ()

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        self.look_seconds = self.slow[min(len(self.looks), len(self.slow) - 1)]
        super().begin_listing(sessions)


def test_still_there_needs_a_row_that_was_read_after_the_deadline() -> None:
    """The list that is under way at the deadline was begun before the session ended."""
    farm = SlowList.of(session("1"))
    farm.slow = (0.1, 6.0, 0.1)

    def later(farm: FakeFarm, one: Session) -> Reply:
        farm._due.append((farm.clock() + 0.6, lambda: farm.disconnect(one.key) or []))  # type: ignore[func-returns-value]
        return Reply.DONE

    farm.replies[ALICE] = [later]
    assert outcomes(run(farm, wait_timeout=5.0)) == {"1": "disconnected"}


def test_failed_needs_a_row_that_was_read_after_the_deadline() -> None:
    farm = SlowList.of(session("1"))
    farm.slow = (0.1, 6.0, 0.1)

    def later(farm: FakeFarm, one: Session) -> Reply:
        farm._due.append((farm.clock() + 0.6, lambda: farm.disconnect(one.key) or []))  # type: ignore[func-returns-value]
        return Reply.UNCLEAR

    farm.replies[ALICE] = [later]
    assert outcomes(run(farm, wait_timeout=5.0)) == {"1": "disconnected"}


def test_list_is_read_at_the_deadline_whatever_the_pause_has_grown_to() -> None:
    farm = FakeFarm.of(session("1"))
    farm.effect = False
    assert outcomes(run(farm, wait_timeout=17.0)) == {"1": "still_there"}
    assert 117.0 <= farm.looks[-1] - farm.acts[0].at + 100.0 < 117.5


class Batches(FakeFarm):
    """Acts are collected and sent later, by a host that proves each one and says when things happened."""

    proves_itself = True
    delay = 4.0

    def begin_act(self, session: Session, send_before: float) -> None:
        sent = self.clock() + self.delay
        self.acts.append(session)  # type: ignore[arg-type]
        answer = Replied(session, Reply.DONE, "", sent_at=sent, answered_at=sent + 1.0)
        rows = [replace(row, read_at=sent + 2.0) for row in self.sessions.values()]
        self._due.append((sent + 3.0, lambda: [answer]))
        self.rows = rows

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        self.looks.append(self.clock())
        rows, self.rows = self.rows, self._read(self.clock())
        self._due.append((self.clock(), lambda: [Listed(rows, last=True)]))

    rows: Sequence[Session] = ()


def test_list_of_a_batch_that_was_begun_after_the_act_ended_says_what_came_of_it() -> None:
    farm = Batches.of(session("1"))
    farm.effect = False
    request = engine.Request(DISCONNECT, EVERYBODY, wait_timeout=0.0)
    report = engine.run(request, farm, Console(), farm.clock)
    assert outcomes(report) == {"1": "still_there"}
    assert len(farm.looks) == 1, "the batch's own list was read 2 s after the act was sent"


def test_list_is_read_when_an_answer_comes_after_the_deadline_although_others_are_under_way() -> None:
    """A call that hangs is given up a little after its deadline, when lists of others have become rare."""
    farm = FakeFarm.of(session("1"), session("2"), session("3"))

    def after(seconds: float) -> Callable[[FakeFarm, Session], Reply | None]:
        def answer(farm: FakeFarm, one: Session) -> None:
            farm._due.append((farm.clock() + seconds, lambda: farm._answer(one, Reply.DONE)))

        return answer

    farm.replies = {session(id_).key: [after(seconds)] for id_, seconds in (("1", 6.0), ("2", 30.0), ("3", 0.1))}
    report = run(farm, wait_timeout=5.0)
    assert outcomes(report) == dict.fromkeys("123", "still_there")
    assert {row.key[2]: round(row.seconds) for row in report.rows} == {"1": 6, "2": 30, "3": 5}


def test_deadline_of_a_batch_counts_from_when_the_act_was_sent() -> None:
    farm = Batches.of(session("1"))
    request = engine.Request(DISCONNECT, EVERYBODY, wait_timeout=6.0)
    assert outcomes(engine.run(request, farm, Console(), farm.clock)) == {"1": "still_there"}
    assert farm.clock() >= 100.0 + 4.0 + 6.0


class Hesitant(FakeFarm):
    """A service that proves identity itself, and at first sees no such session where the engine does."""

    proves_itself = True
    hesitates = 1

    def _answer(self, session: Session, reply: Reply) -> list[Event]:
        self._flying -= 1
        if len(self.acts) > self.hesitates:
            return [Replied(session, reply, "")]
        return [Replied(session, Reply.GONE, "not seen", sent=False)]


def test_act_that_was_not_sent_does_not_start_the_deadline() -> None:
    farm = Hesitant.of(session("1"))
    farm.effect, farm.hesitates = False, 3
    assert outcomes(run(farm, wait_timeout=5.0)) == {"1": "still_there"}
    assert farm.acts[3].at + 5.0 <= farm.clock() < farm.acts[3].at + 7.0


def test_act_that_is_never_sent_is_given_up() -> None:
    farm = Hesitant.of(session("1"))
    farm.effect, farm.hesitates = False, 1000
    report = run(farm, wait_timeout=5.0)
    assert (outcomes(report), report.changed) == ({"1": "failed"}, False)
    assert report.rows[0].reason.startswith("not seen; still Active")
    assert len(farm.acts) == UNSENT_TRIES


def test_act_that_is_never_sent_is_given_up_whatever_the_case_of_its_host() -> None:
    farm = Hesitant.of(session("1"))
    farm.hesitates = 1000

    def respell(farm: FakeFarm, one: Session) -> Reply:
        spell_host(farm, one.key, "HOST-0")
        return Reply.GONE

    farm.replies[ALICE] = [respell, *[lambda farm, one: Reply.GONE] * 1000]
    request = engine.Request(DISCONNECT, EVERYBODY, wait_timeout=5.0)
    assert outcomes(engine.run(request, farm, Console(), farm.clock)) == {"1": "failed"}


def test_reason_is_that_of_the_last_act_that_was_sent() -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[ALICE] = [fail_before, *[lambda farm, one: Reply.THROTTLED] * 1000]
    assert run(farm, wait_timeout=5.0).rows[0].reason.startswith("answered UNCLEAR; still Active")


# What is being ended already


def test_session_that_is_being_ended_is_waited_for_and_not_asked_again() -> None:
    farm = FakeFarm.of(session("1"))

    def under_way(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions[one.key] = replace(one, state="LogOff")
        farm._due.append((farm.clock() + 8.0, lambda: farm.sessions.pop(one.key) and []))
        return Reply.UNCLEAR

    farm.replies[ALICE] = [under_way]
    report = run(farm, wait_timeout=20.0)
    assert (outcomes(report), len(farm.acts)) == ({"1": "disconnected"}, 1)
    assert report.changed


def test_session_that_is_being_ended_to_the_end_is_a_failure_that_may_have_changed_something() -> None:
    farm = FakeFarm.of(session("1"))

    def under_way(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions[one.key] = replace(one, state="LogOff")
        return Reply.UNCLEAR

    farm.replies[ALICE] = [under_way]
    report = run(farm, wait_timeout=10.0)
    assert (outcomes(report), len(farm.acts), report.changed) == ({"1": "failed"}, 1, True)


def test_other_change_of_state_does_not_stop_retries() -> None:
    farm = FakeFarm.of(session("1"))

    def pending(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions[one.key] = replace(one, state="Pending")
        return Reply.UNCLEAR

    farm.replies[ALICE] = [pending, accept]
    assert (outcomes(run(farm)), len(farm.acts)) == ({"1": "disconnected"}, 2)


class Moving(FakeFarm):
    """The first list shows a session twice, as it moves to a later page, and changes on the way."""

    change: Session | None = None

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        if self.looks or self.change is None:
            super().begin_listing(sessions)
            return
        self.looks.append(self.clock())
        before, at = self._read(self.clock() + 0.01), self.clock() + 0.05
        self.sessions[self.change.key] = self.change
        after = self._read(self.clock() + 0.02)
        self._due.append((at, lambda: [Listed(before, last=False), Listed(after, last=True)]))


@pytest.mark.parametrize(
    "changed",
    [session("1", state="Pending"), session("1", state="LogOff"), session("1", user="")],
    ids=["filtered out", "being ended", "nobody"],
)
def test_retry_is_not_sent_when_a_newer_row_speaks_against_it(changed: Session) -> None:
    farm = Moving.of(session("1"))
    farm.replies[ALICE] = [fail_before] * 100
    farm.change = changed
    states = ("Active",) if changed.state == "Pending" else ()
    report = run(farm, Selection(filters=Filters(states=states)), wait_timeout=20.0)
    assert (len(farm.acts), outcomes(report)) == (1, {"1": "failed"})


class Overtaken(FakeFarm):
    """A list is under way while an act is sent, and delivered before the act is answered, or after."""

    delivered = 0.0
    changed: Session | None = None

    def begin_act(self, session: Session, send_before: float) -> None:
        super().begin_act(session, send_before)
        if len(self.acts) == 1 and self.changed is not None:
            self.sessions[self.changed.key] = self.changed
            rows, at = self._read(self.clock() + 0.01), self.clock() + self.delivered
            self._due.append((at, lambda: [Listed(rows, last=True)]))
            self.running = True

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        if self.running:
            self.running = False
            return
        super().begin_listing(sessions)

    running = False


@pytest.mark.parametrize("reply", [Reply.THROTTLED, Reply.NOT_SENT])
@pytest.mark.parametrize(("delivered", "blocked"), [(0.02, 0.0), (0.2, 0.3)], ids=["before", "after the answer"])
@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        (session("1", "mallory@contoso.com"), "replaced"),
        (session("1", state="Disconnected"), "already_disconnected"),
    ],
    ids=["taken over", "settled"],
)
def test_what_a_list_showed_counts_when_nothing_was_sent(
    reply: Reply, delivered: float, blocked: float, changed: Session, outcome: str
) -> None:
    farm = Overtaken.of(session("1"), session("2", "bob@contoso.com"))
    farm.room, farm.delivered, farm.changed, farm.look_seconds = 1, delivered, changed, 0.5

    def put_off(farm: FakeFarm, one: Session) -> Reply:
        farm.blocked_until = farm.clock() + blocked
        return reply

    farm.replies[ALICE] = [put_off]
    # The engine has a list under way because its proofs are to be renewed by then.
    report = run(farm, console=Console(meanwhile=lambda: farm.clock.sleep(3.5)), confirm=True)
    assert outcomes(report) == {"1": outcome, "2": "disconnected"}
    assert len(farm.acts) == 2


def test_accepted_act_counts_as_a_change_when_its_session_cannot_be_read_any_more() -> None:
    farm = FakeFarm.of(session("1"))

    def blank(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions[one.key] = replace(one, users=())
        return Reply.DONE

    farm.replies[ALICE] = [blank]
    report = run(farm, wait_timeout=5.0)
    assert (outcomes(report), report.changed) == ({"1": "failed"}, True)


def test_list_is_read_again_at_once_when_the_deadline_passed_during_one() -> None:
    farm = SlowList.of(session("1"))
    farm.effect = False
    farm.slow = (4.0,)
    assert outcomes(run(farm, wait_timeout=20.0)) == {"1": "still_there"}
    late = farm.looks[-1] - (farm.acts[0].at + 20.0)
    assert 0.0 <= late < 3.0


# Absence


def spell_host(farm: FakeFarm, key: Key, host: str) -> None:
    """List the session's host in another case from now on."""
    row = farm.sessions.pop(key)
    farm.sessions[(key[0], host, key[2])] = replace(row, host=host)


def test_row_that_differs_in_case_alone_is_not_absence() -> None:
    farm = FakeFarm.of(session("1"))

    def respell(farm: FakeFarm, one: Session) -> Reply:
        spell_host(farm, one.key, "HOST-0")
        return Reply.DONE

    farm.replies[ALICE] = [respell]
    report = run(farm, wait_timeout=10.0)
    assert outcomes(report) == {"1": "still_there"}


def test_effect_is_seen_on_a_row_that_differs_in_case_alone() -> None:
    farm = FakeFarm.of(session("1"))

    def respell(farm: FakeFarm, one: Session) -> Reply:
        farm.disconnect(one.key)
        spell_host(farm, one.key, "HOST-0")
        return Reply.DONE

    farm.replies[ALICE] = [respell]
    assert outcomes(run(farm)) == {"1": "disconnected"}


@pytest.mark.parametrize(("reply", "outcome"), [(Reply.UNCLEAR, "failed"), (Reply.GONE, "failed")])
def test_nothing_is_sent_on_a_row_that_differs_in_case_alone(reply: Reply, outcome: str) -> None:
    farm = FakeFarm.of(session("1"))

    def respell(farm: FakeFarm, one: Session) -> Reply:
        spell_host(farm, one.key, "HOST-0")
        return reply

    farm.replies[ALICE] = [respell]
    report = run(farm, wait_timeout=10.0)
    assert (outcomes(report), len(farm.acts)) == ({"1": outcome}, 1)


def test_host_that_is_spelled_otherwise_before_the_first_act_ends_nothing() -> None:
    farm = FakeFarm.of(session("1"))
    console = Console(meanwhile=lambda: farm.clock.sleep(60.0))
    ask = console.confirm

    def confirm(verb: str, sessions: Sequence[Session]) -> None:
        ask(verb, sessions)
        spell_host(farm, ALICE, "HOST-0")

    console.confirm = confirm  # type: ignore[method-assign]
    report = run(farm, console=console, confirm=True)
    assert (outcomes(report), farm.acts) == ({"1": "failed"}, [])
    assert "HOST-0" in report.failure_message()


def test_id_that_another_user_has_on_the_host_in_another_case_is_replaced() -> None:
    farm = FakeFarm.of(session("1"))

    def respell(farm: FakeFarm, one: Session) -> Reply:
        farm.give_id_to(one.key, "mallory@contoso.com")
        spell_host(farm, one.key, "HOST-0")
        return Reply.GONE

    farm.replies[ALICE] = [respell]
    assert outcomes(run(farm)) == {"1": "replaced"}


def test_id_that_another_user_has_on_the_host_in_another_case_is_never_acted_on() -> None:
    """The list was asked for because of another session; what it shows counts all the same."""
    farm = FakeFarm.of(session("1"), session("2", "bob@contoso.com"))
    farm.room = 1

    def respell(farm: FakeFarm, one: Session) -> Reply:
        other = session("2").key
        farm.give_id_to(other, "mallory@contoso.com")
        spell_host(farm, other, "HOST-0")
        farm.blocked_until = farm.clock() + 1.0
        return Reply.UNCLEAR

    farm.replies[ALICE] = [respell, accept]
    assert outcomes(run(farm)) == {"1": "disconnected", "2": "replaced"}
    assert {act.session.id for act in farm.acts} == {"1"}


def test_very_row_counts_before_one_that_differs_in_case() -> None:
    farm = FakeFarm.of(session("1"))
    other = session("1", "mallory@contoso.com", host="HOST-0", created=CREATED)

    def another(farm: FakeFarm, one: Session) -> Reply:
        farm.sessions = {other.key: other, **farm.sessions}
        return accept(farm, one)

    farm.replies[ALICE] = [another]
    assert outcomes(run(farm)) == {"1": "disconnected"}


# Broken off


def test_nothing_is_sent_when_the_run_is_gone() -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    request = engine.Request(DISCONNECT, EVERYBODY)
    with pytest.raises(BrokenOffError) as raised:
        engine.run(request, farm, Console(), farm.clock, lives=lambda: not farm.acts)
    assert len(farm.acts) == 1
    assert isinstance(raised.value.__cause__, RunEndedError)


def test_waiting_ends_when_the_run_is_gone() -> None:
    farm = FakeFarm.of(session("1"))
    farm.effect = False
    request = engine.Request(DISCONNECT, EVERYBODY, wait_timeout=600.0)
    with pytest.raises(BrokenOffError, match="the run has ended"):
        engine.run(request, farm, Console(), farm.clock, lives=lambda: farm.clock() < 110.0)
    assert farm.clock() < 112.0


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a bug")])
def test_run_that_is_broken_off_tells_what_was_done_by_then(error: BaseException) -> None:
    class Breaks(FakeFarm):
        def wait(self, seconds: float) -> list[Event]:
            if self.clock() > 110.0:
                raise error
            return super().wait(seconds)

    farm = Breaks.of(session("1"), session("2"), session("3"))
    farm.room = 1

    def slow(farm: FakeFarm, one: Session) -> None:
        """No answer at all."""

    farm.replies[session("2").key] = [slow]  # type: ignore[list-item]
    with pytest.raises(BrokenOffError) as raised:
        engine.run(engine.Request(DISCONNECT, EVERYBODY), farm, Console(), farm.clock)
    report = raised.value.report
    assert raised.value.__cause__ is error
    assert outcomes(report) == {"1": "disconnected", "2": "failed", "3": "failed"}
    reasons = {row.key[2]: row.reason for row in report.rows}
    assert reasons["2"].startswith("asked for, not answered; ")
    assert reasons["3"].startswith("not asked for; ")
    assert report.changed
