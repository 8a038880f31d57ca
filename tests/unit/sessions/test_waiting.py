# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for sessions to end by themselves, with messages before the deadline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.execution import RunEndedError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Notes, Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import ACTIVE, Key, Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.staged_message import StagedMessage
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.waiting import (
    Opened,
    UnreadError,
    Wait,
    WaitBrokenOffError,
    WaitReport,
    WaitRequest,
)
from tests.unit.fakes.console import Person
from tests.unit.fakes.farm import CREATED, FakeFarm, session

START = datetime(2026, 11, 26, 2, tzinfo=timezone.utc)
TEN = StagedMessage(600.0, "10m", "Maintenance", "Sign out within {minutes} minutes. {name}")
TWO = StagedMessage(120.0, "2m", "Last call", "{minutes} minutes")
EVERYBODY = Selection()
Change = Callable[[], object]


@dataclass
class Farm(FakeFarm):
    """Changes by a schedule, and remembers what users were told."""

    effect: bool = False
    schedule: list[tuple[float, Change]] = field(default_factory=list)
    failures: list[tuple[float, float, Exception]] = field(default_factory=list)
    """From and until when lists fail, and how."""
    told: list[tuple[str, str, str, float]] = field(default_factory=list)
    """User, title, body, and seconds since the start."""
    texts: Callable[[Session], Mapping[str, Any]] = lambda _session: {}
    reached: int = 0
    reach_seconds: float = 0.0
    lists: list[float] = field(default_factory=list)
    lost: Exception | None = None

    def list_sessions(self, named: Any = ()) -> Any:
        since = self.clock() - 100.0
        self.lists.append(since)
        for begin, end, error in self.failures:
            if begin <= since < end:
                raise error
        return super().list_sessions(named)

    def _read(self, at: float) -> list[Session]:
        while self.schedule and self.schedule[0][0] <= at - 100.0:
            self.schedule.pop(0)[1]()
        return super()._read(at)

    def begin_act(self, session: Session, send_before: float) -> None:
        texts = self.texts(session)
        seconds = round(self.clock() - 100.0, 3)
        self.told.append((session.user, texts["message_title"], texts["message_body"], seconds))
        super().begin_act(session, send_before)

    def notes(self) -> Notes:
        return Notes(self.warnings, self.lost)

    def reach(self, texts: Any) -> Any:
        self.reached += 1
        self.clock.sleep(self.reach_seconds)
        self.texts = texts
        return self

    def add(self, one: Session) -> Change:
        return lambda: self.sessions.__setitem__(one.key, one)

    def leave(self, one: Session) -> Change:
        return lambda: self.end(one.key)

    def change(self, one: Session, state: str) -> Change:
        return lambda: self.sessions.__setitem__(one.key, replace(self.sessions[one.key], state=state))


@dataclass
class Bench:
    farm: Farm
    person: Person = field(default_factory=Person)
    selection: Selection = EVERYBODY
    lives: Callable[[], bool] = lambda: True

    def wait(self, seconds: float = 1200.0, *messages: StagedMessage, **options: Any) -> WaitReport:
        clock = self.farm.clock
        wait = Wait(
            WaitRequest(seconds, messages, **options),
            lambda texts: Opened(self.farm.reach(texts), self.selection),
            self.person,
            clock,
            lambda: START + timedelta(seconds=clock() - 100.0),
            clock.sleep,
            self.lives,
            (ServiceError, ConnectionError),
        )
        return wait.run()

    @property
    def seconds(self) -> float:
        return self.farm.clock() - 100.0


ALICE, BOB = session("1"), session("2", "bob@contoso.com")
EVE = session("1", "eve@contoso.com", created=CREATED + timedelta(hours=1))
"""Has the id that was Alice's."""


def outcomes(report: WaitReport) -> dict[str, str]:
    return {str(row["user"]): str(row["outcome"]) for row in report.rows()}


def told(report: WaitReport) -> dict[str, list[tuple[object, object, object]]]:
    return {
        str(row["user"]): [(one["before"], one["minutes"], one["outcome"]) for one in row["messages"]]  # type: ignore[attr-defined]
        for row in report.rows()
    }


def test_wait_ends_when_everybody_has_left() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(20.0, farm.leave(ALICE)), (70.0, farm.leave(BOB))]
    bench = Bench(farm)
    report = bench.wait()
    assert outcomes(report) == {"alice@contoso.com": "ended", "bob@contoso.com": "ended"}
    assert 70.0 <= bench.seconds <= 85.0
    assert [row["ended_at"] for row in report.rows()] == ["2026-11-26T02:00:30.000Z", "2026-11-26T02:01:15.000Z"]
    assert not report.changed
    assert report.remaining == []
    assert farm.closed


def test_nobody_there_is_no_wait() -> None:
    farm = Farm.of()
    bench = Bench(farm)
    assert bench.wait().rows() == []
    assert (bench.seconds, len(farm.lists)) == (0.0, 1)


def test_who_is_left_is_seen_at_the_deadline_and_not_before() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(599.9, farm.leave(ALICE))]
    report = Bench(farm).wait(600.0)
    assert outcomes(report) == {"alice@contoso.com": "ended", "bob@contoso.com": "still_there"}
    assert farm.lists[-1] == 600.0
    assert report.deadline == START + timedelta(seconds=600)
    assert report.seconds == 600.0
    assert [row.session.user for row in report.remaining] == ["bob@contoso.com"]


def test_each_message_is_sent_once_with_the_minutes_that_are_left() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(1100.0, farm.leave(BOB))]
    report = Bench(farm).wait(1200.0, TEN, TWO)
    assert farm.told == [
        ("alice@contoso.com", "Maintenance", "Sign out within 10 minutes. {name}", 600.0),
        ("bob@contoso.com", "Maintenance", "Sign out within 10 minutes. {name}", 600.0),
        ("alice@contoso.com", "Last call", "2 minutes", 1080.0),
        ("bob@contoso.com", "Last call", "2 minutes", 1080.0),
    ]
    assert told(report)["bob@contoso.com"] == [("10m", 10, "sent"), ("2m", 2, "sent")]
    (alice, _bob) = report.rows()
    assert alice["warned_at"] == "2026-11-26T02:10:00.000Z"
    assert alice["messages"][1]["sent_at"] == "2026-11-26T02:18:00.000Z"  # type: ignore[index]
    assert report.changed


def test_overtaken_message_is_dropped() -> None:
    farm = Farm.of(ALICE)
    Bench(farm).wait(90.0, TEN, TWO)
    assert [(title, body) for _user, title, body, _at in farm.told] == [("Last call", "2 minutes")]


def test_who_comes_later_is_told_at_once_with_the_true_minutes() -> None:
    farm, late = Farm.of(ALICE), session("7", "late@contoso.com")
    farm.schedule = [(800.0, farm.add(late))]
    report = Bench(farm).wait(1200.0, TEN, TWO)
    assert [one[2:] for one in farm.told if one[0] == "late@contoso.com"] == [
        ("Sign out within 7 minutes. {name}", 810.0),
        ("2 minutes", 1080.0),
    ]
    assert told(report)["late@contoso.com"] == [("10m", 7, "sent"), ("2m", 2, "sent")]


def test_who_takes_an_id_over_is_another_session() -> None:
    farm = Farm.of(ALICE)
    farm.schedule = [(700.0, farm.add(EVE))]
    report = Bench(farm).wait(1200.0, TEN)
    assert outcomes(report) == {"alice@contoso.com": "ended", "eve@contoso.com": "still_there"}
    assert [(user, at) for user, _title, _body, at in farm.told] == [
        ("alice@contoso.com", 600.0),
        ("eve@contoso.com", 705.0),
    ]


def test_who_is_disconnected_is_told_when_he_is_back_and_not_again() -> None:
    farm = Farm.of(replace(ALICE, state="Disconnected"), BOB)
    farm.schedule = [
        (700.0, farm.change(ALICE, "Active")),
        (720.0, farm.change(BOB, "Disconnected")),
        (760.0, farm.change(BOB, "Active")),
    ]
    report = Bench(farm).wait(1000.0, TEN)
    assert told(report) == {
        "alice@contoso.com": [("10m", 5, "sent")],
        "bob@contoso.com": [("10m", 10, "sent")],
    }


def test_nothing_is_sent_after_the_deadline() -> None:
    """The service takes no message until then."""
    farm = Farm.of(ALICE)
    farm.blocked_until = 100.0 + 650.0
    report = Bench(farm).wait(600.0, TEN, TWO)
    assert farm.told == []
    assert not report.changed
    assert {one["outcome"] for row in report.rows() for one in row["messages"]} == {"failed"}  # type: ignore[attr-defined]
    assert report.rows()[0]["warned_at"] is None


def test_message_that_was_overtaken_while_it_was_being_sent_is_not_sent() -> None:
    farm = Farm.of(ALICE)
    farm.blocked_until = 100.0 + 500.0
    report = Bench(farm).wait(600.0, TEN, TWO)
    assert [(title, at >= 500.0) for _user, title, _body, at in farm.told] == [("Last call", True)]
    assert [one["outcome"] for one in report.rows()[0]["messages"]] == ["failed", "sent"]  # type: ignore[attr-defined]


def refuse(_farm: FakeFarm, _session: Session) -> Reply:
    return Reply.REFUSED


def doubt(_farm: FakeFarm, _session: Session) -> Reply:
    return Reply.UNCLEAR


def test_unclear_message_is_not_sent_again_and_warns_nobody() -> None:
    farm = Farm.of(ALICE)
    farm.replies[ALICE.key] = [doubt]
    bench = Bench(farm)
    report = bench.wait(600.0, TEN)
    assert len(farm.told) == 1
    assert report.changed
    (row,) = report.rows()
    assert (row["warned_at"], row["messages"][0]["outcome"]) == (None, "unclear")  # type: ignore[index]
    assert bench.person.warned == report.warnings
    assert "answered UNCLEAR" in report.warnings[0]


@pytest.mark.parametrize("is_broken_off", [False, True])
def test_messages_on_old_proofs_say_so_and_the_oldest_is_warned_of_once(is_broken_off: bool) -> None:
    farm = Farm.of(ALICE)
    farm.first_seconds = farm.look_seconds = 12.0
    farm.schedule = [(1000.0, lambda: (setattr(farm, "first_seconds", 14.0), setattr(farm, "look_seconds", 14.0)))]
    bench = Bench(farm, lives=lambda: not is_broken_off or bench.seconds < 1150.0)
    if is_broken_off:
        with pytest.raises(WaitBrokenOffError) as caught:
            bench.wait(1200.0, TEN, TWO)
        report = caught.value.report
    else:
        report = bench.wait(1200.0, TEN, TWO)
    (row,) = report.rows()
    assert [one["proof_age"] for one in row["messages"]] == [12.0, 14.0]  # type: ignore[attr-defined]
    (warning,) = report.warnings
    assert "up to 14.0 s after the list" in warning


def test_message_on_a_new_proof_warns_of_nothing() -> None:
    report = Bench(Farm.of(ALICE)).wait(1200.0, TEN)
    assert (report.warnings, report.rows()[0]["messages"][0]["proof_age"]) == ([], 0.0)  # type: ignore[index]


def test_refused_message_is_tried_three_times() -> None:
    farm = Farm.of(ALICE, BOB, session("3", "carol@contoso.com"))
    farm.replies[ALICE.key] = [refuse] * 9
    farm.replies[BOB.key] = [refuse, lambda _farm, _session: Reply.DONE]
    bench = Bench(farm)
    report = bench.wait(600.0, TEN)
    users = [user for user, _title, _body, _at in farm.told]
    assert (users.count("alice@contoso.com"), users.count("bob@contoso.com")) == (3, 2)
    assert told(report)["alice@contoso.com"] == [("10m", 10, "failed")]
    assert told(report)["bob@contoso.com"] == [("10m", 10, "sent")]
    assert len(bench.person.warned) == 1, "said once, when it happens"


def test_whose_user_cannot_be_read_is_waited_for_but_not_told() -> None:
    farm = Farm.of(session("1", ""))
    report = Bench(farm).wait(600.0, TEN)
    assert (farm.told, len(report.rows()), outcomes(report)) == ([], 1, {"": "still_there"})


def test_user_that_cannot_be_read_for_a_while_is_the_same_session() -> None:
    farm = Farm.of(ALICE)
    farm.schedule = [
        (100.0, lambda: farm.sessions.__setitem__(ALICE.key, replace(ALICE, users=()))),
        (200.0, farm.add(ALICE)),
    ]
    report = Bench(farm).wait(600.0, TEN)
    assert outcomes(report) == {"alice@contoso.com": "still_there"}
    assert len(farm.told) == 1


def test_creation_that_is_not_told_for_a_while_makes_no_other_session() -> None:
    timeless = replace(ALICE, created=None)
    farm = Farm.of(timeless)
    farm.schedule = [(100.0, farm.add(ALICE)), (200.0, farm.add(timeless))]
    report = Bench(farm).wait(600.0, TEN)
    assert outcomes(report) == {"alice@contoso.com": "still_there"}
    assert len(farm.told) == 1


@pytest.mark.parametrize("is_newer", [True, False])
def test_creation_that_was_told_once_is_known(is_newer: bool) -> None:
    """The same user has signed out and in again, and the service was silent between."""
    timeless, newer = replace(ALICE, created=None), replace(ALICE, created=CREATED + timedelta(hours=1))
    farm = Farm.of(ALICE)
    farm.schedule = [(100.0, farm.add(timeless)), (200.0, farm.add(newer if is_newer else ALICE))]
    report = Bench(farm).wait(600.0, TEN)
    assert [row["outcome"] for row in report.rows()] == ["ended", "still_there"][not is_newer :]
    assert len(farm.told) == 1 + is_newer


@pytest.mark.parametrize(("before", "after"), [(None, CREATED), (CREATED, None)])
def test_who_is_back_after_a_list_without_him_needs_the_same_creation(
    before: datetime | None, after: datetime | None
) -> None:
    farm = Farm.of(replace(ALICE, created=before), BOB)
    farm.schedule = [(100.0, farm.leave(ALICE)), (200.0, farm.add(replace(ALICE, created=after)))]
    report = Bench(farm).wait(600.0, TEN)
    assert [row["outcome"] for row in report.rows()] == ["ended", "still_there", "still_there"]


def test_filter_that_does_not_hold_any_more() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(100.0, farm.change(ALICE, "Disconnected")), (200.0, farm.leave(BOB))]
    report = Bench(farm, selection=Selection(filters=Filters(states=(ACTIVE,)))).wait(600.0)
    assert outcomes(report) == {"alice@contoso.com": "not_selected", "bob@contoso.com": "ended"}
    assert report.seconds < 220.0


def test_only_named_sessions_are_waited_for() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(630.0, farm.add(EVE))]
    named = (
        NamedSession("pool", "host-0", "1", "alice@contoso.com", CREATED, {"user": "alice@contoso.com"}),
        NamedSession("pool", "host-0", "9", "gone@contoso.com", CREATED, {"user": "gone@contoso.com"}),
        NamedSession("pool", "host-0", "2", "carol@contoso.com", CREATED, {"user": "carol@contoso.com"}),
    )
    report = Bench(farm, selection=Selection(named)).wait(1200.0, TEN)
    assert {(row["user"], row["outcome"], row["reason"]) for row in report.rows()} == {
        ("alice@contoso.com", "ended", "the id belongs to eve@contoso.com now"),
        ("gone@contoso.com", "ended", "the service lists no such session"),
        ("carol@contoso.com", "ended", "the id belongs to bob@contoso.com now"),
    }
    assert [user for user, *_rest in farm.told] == ["alice@contoso.com"]


def test_check_mode_plans_and_neither_sends_nor_waits() -> None:
    farm = Farm.of(ALICE, session("2", "bob@contoso.com", state="Disconnected"))
    bench = Bench(farm)
    report = bench.wait(300.0, TEN, TWO, check_mode=True)
    assert (farm.told, bench.seconds) == ([], 0.0)
    assert told(report)["alice@contoso.com"] == [("10m", 5, "planned"), ("2m", 2, "planned")]
    alice, bob = report.rows()
    assert [one["sent_at"] for one in alice["messages"]] == ["2026-11-26T02:00:00.000Z", "2026-11-26T02:03:00.000Z"]  # type: ignore[attr-defined]
    assert bob["messages"] == []
    assert report.changed


def test_line_is_shown_every_minute() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(100.0, farm.leave(BOB))]
    bench = Bench(farm)
    bench.wait(240.0)
    assert bench.person.waits == [(2, 2, 240), (2, 2, 180), (1, 2, 120), (1, 2, 60), (1, 2, 0)]


def test_line_that_is_due_while_a_list_is_read_comes_right_after() -> None:
    farm = Farm.of(ALICE)
    farm.first_seconds = 100.0
    bench = Bench(farm)
    bench.wait(600.0)
    assert farm.lists == [0.0, 500.0, 600.0]
    assert [left for _on, _total, left in bench.person.waits] == [500, *range(440, 100, -60), 0, 0]


def test_slow_service_is_asked_less_often() -> None:
    farm = Farm.of(ALICE)
    farm.first_seconds = 12.0
    Bench(farm).wait(600.0)
    assert [round(one) for one in farm.lists] == [*range(0, 600, 60), 600]


def test_list_that_fails_for_a_while_is_tried_again_over_a_new_connection() -> None:
    farm = Farm.of(ALICE)
    farm.failures = [(100.0, 200.0, ServiceError("busy")), (300.0, 310.0, ConnectionError("reset"))]
    farm.schedule = [(400.0, farm.leave(ALICE))]
    bench = Bench(farm)
    report = bench.wait(600.0)
    assert outcomes(report) == {"alice@contoso.com": "ended"}
    assert farm.reached > 2
    assert bench.person.warned == [
        "Sessions cannot be listed, which is tried again: busy",
        "Sessions cannot be listed, which is tried again: reset",
    ]


def test_list_that_fails_at_the_deadline_is_tried_for_a_minute_more() -> None:
    farm = Farm.of(ALICE)
    farm.failures = [(590.0, 630.0, ServiceError("busy"))]
    assert outcomes(Bench(farm).wait(600.0)) == {"alice@contoso.com": "still_there"}
    assert 630.0 <= farm.lists[-1] <= 645.0
    farm = Farm.of(ALICE)
    farm.failures = [(590.0, 9999.0, ServiceError("busy"))]
    with pytest.raises(WaitBrokenOffError, match=r"who is left.*busy") as caught:
        Bench(farm).wait(600.0)
    assert isinstance(caught.value.__cause__, UnreadError)
    assert outcomes(caught.value.report) == {"alice@contoso.com": "still_there"}
    assert farm.lists[-1] <= 680.0


def test_first_list_that_fails_is_an_error_of_its_own() -> None:
    farm = Farm.of(ALICE)
    farm.failures = [(0.0, 10.0, ServiceError("no right"))]
    with pytest.raises(ServiceError, match="no right"):
        Bench(farm).wait(600.0)
    assert farm.closed


def test_connection_that_is_lost_while_messages_are_sent_is_made_again() -> None:
    farm = Farm.of(ALICE)

    def lose(_farm: FakeFarm, _session: Session) -> Reply:
        farm.lost = ConnectionError("reset")
        return Reply.UNCLEAR

    farm.replies[ALICE.key] = [lose]
    Bench(farm).wait(600.0, TEN)
    assert farm.reached >= 2


def test_user_name_that_fits_somebody_else_meanwhile_ends_the_wait_with_what_is_known() -> None:
    farm = Farm.of(ALICE)
    farm.schedule = [(100.0, farm.add(session("5", "alice@fabrikam.com")))]
    with pytest.raises(WaitBrokenOffError, match=r"alice@fabrikam\.com") as caught:
        Bench(farm, selection=Selection(filters=Filters(users=("alice",)))).wait(600.0)
    assert isinstance(caught.value.__cause__, SelectionError)
    assert outcomes(caught.value.report) == {"alice@contoso.com": "still_there"}


@pytest.mark.parametrize("ended", [30.3, 600.01])
def test_run_that_has_ended_is_noticed_within_a_second(ended: float) -> None:
    farm = Farm.of(ALICE)
    bench = Bench(farm)
    bench.lives = lambda: bench.seconds < ended
    with pytest.raises(WaitBrokenOffError, match="the run has ended") as caught:
        bench.wait(1200.0, TEN)
    assert isinstance(caught.value.__cause__, RunEndedError)
    assert bench.seconds <= ended + 1.0
    assert len(farm.told) == (ended > 600.0)
    assert farm.closed


def test_what_was_sent_before_an_interrupt_is_told() -> None:
    farm = Farm.of(ALICE, BOB)

    def interrupt(_farm: FakeFarm, _session: Session) -> Reply:
        raise KeyboardInterrupt

    farm.replies[BOB.key] = [interrupt]
    with pytest.raises(WaitBrokenOffError, match="interrupted") as caught:
        Bench(farm).wait(600.0, TEN)
    assert told(caught.value.report)["bob@contoso.com"] == [("10m", 10, "unclear")]


def test_key_of_a_session_may_change_its_case() -> None:
    farm = Farm.of(ALICE)
    other: Key = ("pool", "HOST-0", "1")

    def rename() -> None:
        farm.sessions[other] = replace(farm.sessions.pop(ALICE.key), host="HOST-0")

    farm.schedule = [(100.0, rename)]
    report = Bench(farm).wait(600.0, TEN)
    assert outcomes(report) == {"alice@contoso.com": "still_there"}


# What comes while something else takes long


def test_last_list_follows_at_once_when_messages_took_until_after_the_deadline() -> None:
    farm = Farm.of(ALICE)
    farm.act_seconds = 25.0
    last = StagedMessage(20.0, "20s", "Ende", "jetzt")
    report = Bench(farm).wait(700.0, last, poll_interval=600.0)
    assert told(report) == {"alice@contoso.com": [("20s", 1, "sent")]}
    assert report.seconds < 710.0


def test_message_whose_turn_began_while_another_was_being_sent_follows_at_once() -> None:
    farm = Farm.of(ALICE)
    farm.act_seconds = 25.0
    stages = [StagedMessage(before, f"{before:g}s", "Ende", "") for before in (400.0, 380.0)]
    Bench(farm).wait(1000.0, *stages, poll_interval=600.0)
    assert [round(at) for _user, _title, _body, at in farm.told] == [600, 625]


def test_list_after_a_slow_first_one_is_read_at_the_deadline() -> None:
    farm = Farm.of(ALICE)
    farm.first_seconds = 30.0
    assert Bench(farm).wait(20.0).seconds == 60.0


def test_list_that_failed_is_tried_again_soon_however_seldom_lists_are_read() -> None:
    farm = Farm.of(ALICE)
    farm.failures = [(590.0, 610.0, ServiceError("busy"))]
    report = Bench(farm).wait(1200.0, TEN, poll_interval=600.0)
    assert told(report) == {"alice@contoso.com": [("10m", 10, "sent")]}
    assert farm.told[0][3] <= 620.0
    farm = Farm.of(ALICE)
    farm.failures = [(590.0, 610.0, ServiceError("busy"))]
    assert Bench(farm).wait(600.0, poll_interval=600.0).seconds <= 620.0


# Who is meant, later


@pytest.mark.parametrize("newer", [EVE, replace(ALICE, created=CREATED + timedelta(hours=1))])
@pytest.mark.parametrize("user", ["", "alice@contoso.com"])
def test_who_has_the_id_of_a_named_session_later_is_not_meant(newer: Session, user: str) -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(100.0, farm.add(newer))]
    named = tuple(NamedSession("pool", "host-0", id_, name) for id_, name in (("1", user), ("2", "")))
    report = Bench(farm, selection=Selection(named)).wait(1200.0, TEN)
    assert [(row["id"], row["outcome"]) for row in report.rows()] == [("1", "ended"), ("2", "still_there")]
    assert [name for name, *_rest in farm.told] == ["bob@contoso.com"]


def test_session_that_begins_under_a_named_id_is_not_meant() -> None:
    farm = Farm.of(BOB)
    farm.schedule = [(100.0, farm.add(ALICE))]
    named = tuple(NamedSession("pool", "host-0", id_, fields={"id": id_}) for id_ in ("1", "2"))
    report = Bench(farm, selection=Selection(named)).wait(1200.0, TEN)
    assert [(row["id"], row["outcome"]) for row in report.rows()] == [("1", "ended"), ("2", "still_there")]
    assert [name for name, *_rest in farm.told] == ["bob@contoso.com"]


def test_named_session_that_passes_the_filters_later_has_one_row() -> None:
    farm = Farm.of(replace(ALICE, state="Disconnected"), BOB)
    named = tuple(NamedSession("pool", "host-0", id_) for id_ in ("1", "2"))
    selection = Selection(named, Filters(states=(ACTIVE,)))
    report = Bench(farm, selection=selection).wait(60.0)
    assert outcomes(report) == {"alice@contoso.com": "not_selected", "bob@contoso.com": "still_there"}
    assert report.rows()[0]["reason"] == "its state is Disconnected"
    farm.schedule = [(100.0, farm.change(ALICE, "Active"))]
    report = Bench(farm, selection=selection).wait(600.0)
    assert [(row["id"], row["outcome"]) for row in report.rows()] == [("1", "still_there"), ("2", "still_there")]


def test_host_that_nobody_is_on_any_more_ends_the_wait_also_when_it_is_gone() -> None:
    """The service is asked for it only as long as nothing has shown that there is such a host."""
    farm = Farm.of(ALICE)
    farm.schedule = [(100.0, farm.leave(ALICE))]
    report = Bench(farm, selection=Selection(filters=Filters(host="host-0"))).wait(1200.0)
    assert (outcomes(report), report.warnings) == ({"alice@contoso.com": "ended"}, [])
    assert report.seconds < 120.0


def test_who_has_disconnected_just_before_a_message_gets_none_and_is_not_warned() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.first_seconds = 2.0
    farm.schedule = [(601.0, farm.change(ALICE, "Disconnected"))]
    report = Bench(farm).wait(1200.0, TEN)
    assert told(report) == {"alice@contoso.com": [], "bob@contoso.com": [("10m", 10, "sent")]}


def test_name_that_the_service_tells_later_is_no_other_session() -> None:
    farm = Farm.of(replace(ALICE, users=("CONTOSO\\alice",)))
    farm.schedule = [(700.0, farm.add(replace(ALICE, users=("alice@contoso.com", "CONTOSO\\alice"))))]
    report = Bench(farm).wait(1200.0, TEN)
    assert len(report.rows()) == len(farm.told) == 1


NOBODY = replace(ALICE, users=())
"""Alice, while her name cannot be read."""


@pytest.mark.parametrize(
    "selection",
    [
        Selection(filters=Filters(users=("alice",))),
        Selection((NamedSession("pool", "host-0", "1", "alice@contoso.com", CREATED),)),
        Selection((NamedSession("pool", "host-0", "1", "alice@contoso.com"),)),
    ],
)
def test_user_that_cannot_be_read_for_a_while_is_still_the_one_that_is_meant(selection: Selection) -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(100.0, farm.add(NOBODY)), (200.0, farm.add(ALICE)), (300.0, farm.add(NOBODY))]
    report = Bench(farm, selection=selection).wait(600.0, TEN)
    assert [row["outcome"] for row in report.rows()] == ["still_there"]
    assert (report.seconds, len(farm.told)) == (600.0, 1)


@pytest.mark.parametrize(
    "named",
    [
        NamedSession("pool", "host-0", "1", "alice@contoso.com", CREATED),
        NamedSession("pool", "host-0", "1", "alice@contoso.com"),
        NamedSession("pool", "host-0", "1", nobody=True),
    ],
)
def test_named_session_whose_user_cannot_be_read_at_first_is_there(named: NamedSession) -> None:
    farm = Farm.of(NOBODY)
    farm.schedule = [(100.0, farm.leave(ALICE))]
    report = Bench(farm, selection=Selection((named,))).wait(600.0, TEN)
    assert [(row["outcome"], row["ended_at"]) for row in report.rows()] == [("ended", "2026-11-26T02:01:45.000Z")]
    assert farm.told == []


def test_named_session_whose_id_somebody_nameless_has_is_gone() -> None:
    farm = Farm.of(replace(NOBODY, created=CREATED + timedelta(hours=1)))
    named = NamedSession("pool", "host-0", "1", "alice@contoso.com", CREATED, {"id": "1"})
    report = Bench(farm, selection=Selection((named,))).wait(600.0)
    assert ([row["outcome"] for row in report.rows()], report.seconds) == (["ended"], 0.0)


def test_message_that_is_refused_for_everybody_alike_is_not_tried_again() -> None:
    """As without the right to message; but who comes later is tried, and what one alone gets may be his own trouble."""
    farm, late = Farm.of(ALICE, BOB), session("7", "late@contoso.com")
    for one in (ALICE, BOB, late):
        farm.replies[one.key] = [refuse] * 9
    farm.schedule = [(30.0, farm.add(late))]
    report = Bench(farm).wait(100.0, TEN)
    assert [user for user, *_rest in farm.told] == ["alice@contoso.com", "bob@contoso.com", *["late@contoso.com"] * 3]
    assert not report.changed


# What the drawn waits found


HIDDEN = session("1", "")


@pytest.mark.parametrize(
    "selection",
    [
        Selection((NamedSession("pool", "host-0", "1", "alice@contoso.com", CREATED),)),
        Selection(filters=Filters(users=("alice@contoso.com",))),
    ],
)
def test_who_was_meant_by_name_is_waited_for_while_the_name_cannot_be_read(selection: Selection) -> None:
    farm = Farm.of(ALICE)
    farm.schedule = [(100.0, farm.add(HIDDEN)), (300.0, farm.add(ALICE))]
    report = Bench(farm, selection=selection).wait(600.0)
    assert (outcomes(report), report.seconds) == ({"alice@contoso.com": "still_there"}, 600.0)


def test_named_session_whose_user_cannot_be_read_from_the_start_is_not_ended() -> None:
    farm = Farm.of(HIDDEN, BOB)
    farm.schedule = [(300.0, farm.add(ALICE))]
    named = tuple(NamedSession("pool", "host-0", one.id, one.user, CREATED) for one in (ALICE, BOB))
    report = Bench(farm, selection=Selection(named)).wait(600.0, TWO)
    assert outcomes(report) == {"alice@contoso.com": "still_there", "bob@contoso.com": "still_there"}
    assert told(report)["alice@contoso.com"] == [("2m", 2, "sent")]


def test_who_cannot_be_read_does_not_bring_back_who_has_ended_where_no_creation_is_told() -> None:
    alice, bob = replace(ALICE, created=None), replace(BOB, created=None)
    farm = Farm.of(alice, bob)
    farm.schedule = [(100.0, farm.leave(alice)), (200.0, farm.add(replace(HIDDEN, created=None)))]
    report = Bench(farm).wait(600.0)
    assert [(row["id"], row["user"], row["outcome"]) for row in report.rows()] == [
        ("1", "alice@contoso.com", "ended"),
        ("1", "", "still_there"),
        ("2", "bob@contoso.com", "still_there"),
    ]


def test_list_that_is_still_being_read_when_a_message_is_over_is_not_taken_for_the_next_ones() -> None:
    farm = Farm.of(ALICE)
    farm.look_seconds = 100.0
    farm.blocked_until = 100.0 + 649.5
    report = Bench(farm).wait(1200.0, TEN, StagedMessage(550.0, "550s", "Maintenance", "{minutes}"))
    assert farm.reached == 2, "its answer goes with the connection"
    assert told(report)["alice@contoso.com"] == [("10m", 9, "failed"), ("550s", 9, "sent")]


def test_ended_at_is_no_earlier_than_the_list_that_shows_it() -> None:
    farm = Farm.of(ALICE)
    farm.failures = [(15.0, 16.0, ServiceError("busy"))]
    farm.schedule = [(0.0, lambda: setattr(farm, "reach_seconds", 7.0)), (33.0, farm.leave(ALICE))]
    (row,) = Bench(farm).wait(600.0).rows()
    assert (farm.lists, row["ended_at"]) == ([0.0, 15.0, 37.0], "2026-11-26T02:00:37.000Z")


def test_nothing_is_read_after_the_run_has_ended_while_a_list_was_being_read() -> None:
    farm = Farm.of(ALICE)
    farm.first_seconds = 20.0
    bench = Bench(farm)
    bench.lives = lambda: bench.seconds < 610.0
    with pytest.raises(WaitBrokenOffError, match="the run has ended"):
        bench.wait(1200.0, TEN)
    assert farm.lists[-1] < 610.0
    assert farm.told == []


def test_session_that_a_list_had_missed_has_not_ended() -> None:
    farm = Farm.of(ALICE, BOB)
    farm.schedule = [(100.0, farm.leave(ALICE)), (200.0, farm.add(ALICE))]
    alice, _bob = Bench(farm).wait(600.0, TWO).rows()
    assert (alice["outcome"], alice["reason"], alice["ended_at"]) == ("still_there", "", None)


def test_message_that_could_not_even_be_sent_is_tried_again() -> None:
    """Nobody has refused it: there was no way to the service for a moment."""
    farm = Farm.of(ALICE, BOB)
    for one in (ALICE, BOB):
        farm.replies[one.key] = [lambda _farm, _session: Reply.NOT_SENT] * 20
    report = Bench(farm).wait(100.0, TEN)
    assert told(report) == {"alice@contoso.com": [("10m", 1, "sent")], "bob@contoso.com": [("10m", 1, "sent")]}


def test_deadline_is_put_off_until_who_came_late_has_had_his_notice() -> None:
    farm, late = Farm.of(ALICE), session("7", "late@contoso.com")
    farm.schedule = [(1150.0, farm.add(late))]
    report = Bench(farm).wait(1200.0, TEN, TWO, minimum_notice=300.0)
    assert report.deadline == START + timedelta(seconds=1455)
    assert report.seconds == 1455.0
    assert [one[2:] for one in farm.told if one[0] == "late@contoso.com"] == [
        ("1 minutes", 1155.0),
        ("Sign out within 4 minutes. {name}", 1200.0),
    ]
    assert [at for user, _title, _body, at in farm.told if user == "alice@contoso.com"] == [600.0, 1080.0]


def test_who_was_never_warned_is_warned_when_he_is_back_at_the_deadline() -> None:
    farm = Farm.of(replace(ALICE, state="Disconnected"))
    farm.schedule = [(1195.0, farm.change(ALICE, "Active"))]
    report = Bench(farm).wait(1200.0, TEN, TWO, minimum_notice=300.0)
    assert farm.told[0] == ("alice@contoso.com", "Maintenance", "Sign out within 5 minutes. {name}", 1200.0)
    assert report.seconds == 1500.0


def test_deadline_is_put_off_no_further_than_may_be() -> None:
    farm = Farm.of()
    farm.sessions[ALICE.key] = replace(ALICE, state="Disconnected")
    farm.schedule = [(1195.0, farm.change(ALICE, "Active"))]
    assert Bench(farm).wait(1200.0, TEN, minimum_notice=300.0, longest=1290.0).seconds == 1290.0


def test_nothing_is_put_off_for_whom_no_message_reaches_or_who_is_disconnected() -> None:
    farm = Farm.of(ALICE, replace(BOB, state="Disconnected"))
    farm.replies = {ALICE.key: [doubt]}
    assert Bench(farm).wait(1200.0, TEN, minimum_notice=300.0).seconds == 1200.0


def test_hosts_may_become_fewer_while_it_waits() -> None:
    farm = Farm.of(ALICE, replace(BOB, host="host-1"))
    hosts = {("pool", "host-0"), ("pool", "host-1")}
    farm.schedule = [(300.0, lambda: hosts.discard(("pool", "host-0")))]
    report = Bench(farm, selection=Selection(filters=Filters(hosts=hosts))).wait(1200.0, TEN)
    assert outcomes(report) == {"alice@contoso.com": "not_selected", "bob@contoso.com": "still_there"}
    assert [user for user, _title, _body, _at in farm.told] == ["bob@contoso.com"]
