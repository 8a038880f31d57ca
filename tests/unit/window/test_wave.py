# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wave of a maintenance window: who is told and ended, which hosts are left in peace, what the journal says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import HostReport, HostRow
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.staged_message import StagedMessage
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header, JournalError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import this_process
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave import Wave, World
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_lines import wave_lines
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_orders import (
    Share,
    WaveOrders,
    WindowError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_report import (
    keep_facts,
    report_cut_waves,
    require_report_folder,
    wave_facts,
)
from tests.unit.fakes.console import Person
from tests.unit.fakes.farm import fail_before, session
from tests.unit.fakes.wave_farm import START, WaveFarm, WaveHosts, now_of, stay

FIRST = StagedMessage(600.0, "10m", "Maintenance", "In {minutes} minutes.")
LAST = StagedMessage(300.0, "5m", "Maintenance", "In {minutes} minutes.")
A, B = "host-0", "host-1"
ALICE = session("1", "alice@contoso.com", host=A)
BOB = session("2", "bob@contoso.com", "Disconnected", host=A)
CAROL = session("1", "carol@contoso.com", host=B)
LATE = session("7", "late@contoso.com", host=A)


def told_of(one: Session) -> Session:
    """Give a session the fields that the report takes over."""
    return replace(one, fields={**one.fields, "owner": one.user, "session": one.id, "state": one.state.lower()})


def do_before_log_off(one: Bench, do: Callable[[], object]) -> None:
    """Let something happen between the last list and the first request to log anybody off."""
    original = one.hosts.open_sessions

    def open_sessions(operation: Any, selection: Any) -> Any:
        if operation is not None and operation.verb.name == "log off":
            do()
        return original(operation, selection)

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]


class Bench:
    """One wave on a farm."""

    def __init__(self, folder: Path, *sessions: Session, **orders: Any) -> None:
        farm = WaveFarm({one.key: one for one in sessions})
        self.hosts = WaveHosts(farm, {A: True, B: True})
        self.farm = farm
        self.person = Person()
        given = {"deadline": 1200.0, "minimum_notice": 300.0, "messages": (FIRST, LAST), "remaining": "logoff"}
        self.orders = WaveOrders(**{**given, **orders})  # type: ignore[arg-type]
        self.folder = folder
        self.journal: Journal | None = None
        self.wave: Wave | None = None

    def close(
        self,
        *names: str,
        lives: Callable[[], bool] = lambda: True,
        refuse: Callable[[Any], None] = lambda _rows: None,
        now: Callable[[], datetime] | None = None,
    ) -> dict[str, Any]:
        """Run it, and return of each host whether it is ready, or why it is not worked on."""
        if not self.orders.check_mode and self.journal is None:
            header = Header("run-1", this_process(), "wvd", "", "here")
            self.journal = Journal.create(self.folder / "journals", header)
        clock = self.farm.clock
        self.world = World(clock, now or now_of(clock), clock.sleep, lives)
        self.wave = Wave(self.orders, self.hosts, self.journal, self.person, self.world, refuse)
        self.wave.close({name: self.hosts.named(name) for name in names or (A, B)})
        return {one.name: one.out or one.ready for one in self.wave.hosts}

    def facts(self) -> dict[str, Any]:
        """What the report says of the last wave."""
        assert self.wave is not None
        return wave_facts(self.wave.record)

    def ended(self) -> list[tuple[str, str, float]]:
        return [
            (one.session.user.partition("@")[0], one.session.state, round(one.at))
            for one in self.farm.doings
            if one.verb in ("log off", "disconnect")
        ]

    def told(self) -> list[tuple[str, float]]:
        return [
            (one.session.user.partition("@")[0], round(one.at)) for one in self.farm.doings if "message" in one.verb
        ]

    def left_closed(self) -> list[str]:
        assert self.journal is not None
        return [str(row["host"]) for row in self.journal.read().to_open()]


@pytest.fixture
def bench(tmp_path: Path) -> Callable[..., Bench]:
    return lambda *sessions, **orders: Bench(tmp_path, *sessions, **orders)


def test_hosts_are_closed_users_told_and_ended_and_hosts_ready(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, CAROL)
    assert one.close() == {A: True, B: True}
    assert one.told() == [("alice", 600), ("carol", 600), ("alice", 900), ("carol", 900)]
    assert one.ended() == [("alice", "Active", 1200), ("carol", "Active", 1200), ("bob", "Disconnected", 1200)]
    assert one.left_closed() == [A, B]
    assert one.hosts.states == {A: False, B: False}


def test_report_says_of_nobody_that_he_was_ended_who_is_still_on(bench: Callable[..., Bench]) -> None:
    dave, erin = (session(name[0], f"{name}@contoso.com", host=B) for name in ("dave", "erin"))
    who = [replace(one, fields={**one.fields, "owner": one.user}) for one in (ALICE, CAROL, dave, erin)]
    one = bench(*who)
    answers = {ALICE.key: [lambda _farm, _one: Reply.REFUSED] * 99, erin.key: [stay] * 99}
    one.farm.schedule = [
        (700.0, lambda: one.farm.end(dave.key)),
        (1100.0, lambda: one.farm.replies.update(answers)),  # after the messages
    ]
    one.close()
    rows = {row["owner"].partition("@")[0]: row for row in one.facts()["sessions"]}
    assert {who: (row["outcome"], row["done"], row["ended_at"] is not None) for who, row in rows.items()} == {
        "alice": ("failed", "", False),
        "erin": ("still_there", "log off", False),
        "carol": ("logged_off", "log off", True),
        "dave": ("ended", "", True),
    }
    assert (rows["alice"]["reason"], rows["dave"]["reason"]) == ("answered REFUSED", "")


def test_user_who_meets_two_waves_is_reported(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, replace(CAROL, users=("ALICE@contoso.com",)), session("2", "dave@contoso.com", host=B))
    one.close(A)
    assert one.facts()["met_before"] == []
    one.close(B)
    facts = one.facts()
    assert facts["met_before"] == ["ALICE@contoso.com"]
    assert "1 user has met an earlier wave of this run, too: ALICE@contoso.com" in wave_lines(facts)


def test_who_was_only_seen_has_met_no_wave(bench: Callable[..., Bench]) -> None:
    one = bench(BOB, replace(CAROL, users=BOB.users), remaining="leave")
    one.close(A)
    one.close(B)
    assert one.facts()["met_before"] == []


def test_who_could_not_be_told_has_met_no_wave_and_who_may_have_been_has(bench: Callable[..., Bench]) -> None:
    dave = session("2", "dave@contoso.com", host=A)
    erin = session("3", "erin@contoso.com", host=A)
    here = [replace(CAROL, id=str(8 + number), users=one.users) for number, one in enumerate((ALICE, dave, erin))]
    one = bench(ALICE, dave, erin, *here, remaining="leave", messages=(LAST,))
    one.farm.replies = {
        ALICE.key: [lambda _farm, _one: Reply.REFUSED] * 99,
        dave.key: [fail_before] * 99,
    }
    one.close(A)
    one.close(B)
    assert one.facts()["met_before"] == ["dave@contoso.com", "erin@contoso.com"]


def test_who_could_not_be_ended_has_met_no_wave(bench: Callable[..., Bench]) -> None:
    one = bench(BOB, replace(CAROL, users=BOB.users))
    one.farm.replies = {BOB.key: [lambda _farm, _one: Reply.REFUSED] * 99}
    one.close(A)
    assert [row["outcome"] for row in one.facts()["sessions"]] == ["failed"]
    one.close(B)
    assert one.facts()["met_before"] == []


@pytest.mark.parametrize("seconds", [0.0, 90.0])
def test_no_deadline_is_put_off_past_the_latest_time(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """However long it takes to close the hosts."""
    one = bench(ALICE, latest=1350.0)
    close = one.hosts.set

    def set_slowly(rows: Any, limit: float) -> HostReport:
        one.farm.clock.sleep(0.0 if one.hosts.asked else seconds)
        return close(rows, limit)

    monkeypatch.setattr(one.hosts, "set", set_slowly)
    one.farm.schedule = [(1180.0, one.hosts.come(LATE))]
    assert "late@contoso.com is on" in one.close()[A]
    assert one.farm.seconds < 1360


@pytest.mark.parametrize("jump", [-3600.0, 299.0, 3600.0])
def test_notice_is_no_shorter_when_the_time_of_day_jumps(bench: Callable[..., Bench], jump: float) -> None:
    one = bench(ALICE)
    one.farm.schedule = [(1180.0, one.hosts.come(LATE))]
    right = now_of(one.farm.clock)
    states = one.close(now=lambda: right() + timedelta(seconds=jump if one.farm.seconds >= 1195 else 0))
    told = dict(one.told())
    assert (states, sorted(user for user, _state, _at in one.ended())) == ({A: True, B: True}, ["alice", "late"])
    assert all(300 <= at - told["late"] < 320 for user, _state, at in one.ended() if user == "late")


def test_who_leaves_nobody_behind_is_not_waited_for(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.farm.schedule = [(60.0, one.hosts.leave(ALICE))]
    assert one.close() == {A: True, B: True}
    assert one.farm.seconds < 90


def test_nobody_is_ended_who_may_stay(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, remaining="leave")
    assert one.close() == {A: "2 sessions are still there", B: True}
    assert one.ended() == []
    assert (one.hosts.states, one.left_closed()) == ({A: True, B: False}, [B]), "who is not worked on is opened at once"


def test_nobody_is_ended_for_nothing_where_somebody_stays(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, replace(CAROL, state="Disconnected"), remaining="logoff_disconnected")
    states = one.close()
    assert (str(states[A]).startswith("alice@contoso.com is on"), states[B]) == (True, True)
    assert [user for user, _state, _at in one.ended()] == ["carol"]
    assert one.left_closed() == [B]


def test_messages_on_old_proofs_are_warned_of_when_the_wait_is_broken_off(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.farm.first_seconds = one.farm.look_seconds = 12.0
    with pytest.raises(WindowError, match="wait was broken off"):
        one.close(lives=lambda: one.farm.seconds < 1000.0)
    facts = one.facts()
    assert [each["proof_age"] for row in facts["sessions"] for each in row["messages"]] == [12.0, 12.0]
    assert ["up to 12.0 s after the list" in text for text in facts["warnings"]] == [True]


def test_nobody_is_ended_beside_who_cannot_be_warned(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, replace(LATE, users=()), CAROL)
    states = one.close()
    assert ("cannot be read is on" in str(states[A]), states[B]) == (True, True)
    assert [user for user, _state, _at in one.ended()] == ["carol"]


def test_host_that_another_run_closes_at_the_same_time_is_refused_and_left_to_it(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    asked: list[int] = []

    def refuse(rows: Any) -> None:
        asked.append(len(rows))
        if len(asked) > 1:
            raise WindowError("closed by another run")

    with pytest.raises(WindowError, match="closed by another run"):
        one.close(refuse=refuse)
    assert (asked, one.hosts.sets, one.left_closed()) == ([2, 2], [], [])


def test_disconnect_leaves_hosts_that_nobody_is_active_on(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, remaining="disconnect", ready_when="nobody_active")
    assert one.close() == {A: True, B: True}
    assert one.ended() == [("alice", "Active", 1200)]


def test_who_is_disconnected_has_until_the_deadline_to_come_back(bench: Callable[..., Bench]) -> None:
    one = bench(BOB)
    one.farm.schedule = [(900.0, one.hosts.turn(BOB, "Active")), (1000.0, one.hosts.leave(BOB))]
    assert one.close() == {A: True, B: True}
    assert (one.ended(), one.told()) == ([], [("bob", 900)])
    one = bench(BOB, remaining="leave", ready_when="nobody_active")
    one.folder = one.folder / "again"
    assert one.close() == {A: True, B: True}
    assert (one.ended(), one.farm.seconds < 30) == ([], True), "where he may stay nobody waits for him"


def test_who_comes_late_has_his_notice_first(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.farm.schedule = [(1190.0, one.hosts.come(LATE))]
    assert one.close() == {A: True, B: True}
    (told,) = [at for user, at in one.told() if user == "late"]
    assert all(at >= told + 300 for user, _state, at in one.ended() if user == "late")
    assert one.farm.seconds == pytest.approx(told + 300, abs=20)


def test_who_comes_again_and_again_is_left(bench: Callable[..., Bench]) -> None:
    one = bench(BOB)
    again: list[tuple[float, Callable[[], object]]] = []
    for number in range(12):
        new = replace(LATE, id=str(20 + number))
        again += [(1100.0 + 100 * number, one.hosts.come(new)), (1250.0 + 100 * number, one.hosts.leave(new))]
    one.farm.schedule = sorted(again, key=lambda step: step[0])
    states = one.close()
    assert "late@contoso.com is on" in str(states[A])
    assert one.ended() == []
    assert one.farm.seconds < 1200 + 3 * 300 + 30


def test_disconnected_user_who_is_back_at_the_last_moment_is_not_ended(bench: Callable[..., Bench]) -> None:
    """Between the last list of the wait and the act."""
    one = bench(BOB, messages=(FIRST,), minimum_notice=600.0)
    one.farm.schedule = []
    original = one.hosts.open_sessions

    def open_sessions(operation: Any, selection: Any) -> Any:
        if operation is not None and operation.verb.name == "log off":
            one.hosts.turn(BOB, "Active")()
        return original(operation, selection)

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]
    assert "there" in str(one.close()[A])
    assert one.ended() == []


def test_host_of_who_is_protected_is_left_in_peace(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, CAROL, protected_users=("bob",))
    assert one.close() == {A: "bob@contoso.com, who is protected, is on", B: True}
    assert [host for host, _state, _at in one.hosts.sets] == [B]
    assert {user for user, _at in one.told()} == {"carol"}
    assert one.ended() == [("carol", "Active", 1200)]


def test_host_to_which_who_is_protected_comes_is_opened_at_once(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, CAROL, protected_users=("late",))
    one.farm.schedule = [(700.0, one.hosts.come(LATE))]
    assert str(one.close()[A]).startswith("late@contoso.com, who is protected")
    assert (A, True) in [(host, state) for host, state, at in one.hosts.sets if at < 730]
    assert one.told() == [("alice", 600), ("carol", 600), ("carol", 900)]
    assert one.ended() == [("carol", "Active", 1200)]
    assert one.left_closed() == [B]


def test_host_that_is_not_available_is_left_in_peace(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, CAROL)
    one.hosts.status = {A: "its status is Shutdown"}
    assert one.close() == {A: "it is not available (its status is Shutdown)", B: True}
    assert {user for user, _at in one.told()} == {"carol"}
    refused = bench(ALICE, unavailable_hosts="fail")
    refused.folder = refused.folder / "again"
    refused.hosts.status = {A: "its status is Shutdown"}
    with pytest.raises(WindowError, match="unavailable_hosts is fail"):
        refused.close()
    assert refused.hosts.sets == []


@pytest.mark.parametrize("unavailable", ["skip", "fail"])
def test_host_that_goes_off_while_users_are_waited_for_is_left_in_peace(
    bench: Callable[..., Bench], unavailable: str
) -> None:
    """That it is an error, too, is up to the user; the other hosts are worked on all the same."""
    one = bench(ALICE, BOB, CAROL, unavailable_hosts=unavailable)
    one.farm.schedule = [(700.0, one.hosts.set_status(A, "its status is Shutdown"))]
    assert one.close() == {A: "it is not available any more (its status is Shutdown)", B: True}
    assert one.told() == [("alice", 600), ("carol", 600), ("carol", 900)]
    assert {user for user, _state, _at in one.ended()} == {"carol"}
    assert [(host, round(at)) for host, state, at in one.hosts.sets if state] == [(A, 705)]
    assert one.left_closed() == [B]
    assert one.facts()["hosts"][A]["failed"] == (unavailable == "fail")


def test_host_that_is_off_when_it_is_to_be_ready_is_not(bench: Callable[..., Bench]) -> None:
    """And one that was closed before is not opened for that."""
    one = bench(CAROL)
    one.hosts.states[A] = False
    one.farm.schedule = [(1200.05, one.hosts.set_status(A, "its status is Shutdown"))]
    assert one.close() == {A: "it is not available any more (its status is Shutdown)", B: True}
    assert A not in [host for host, _state, _at in one.hosts.asked]


def test_host_that_is_out_at_the_deadline_is_opened_before_anybody_is_ended(bench: Callable[..., Bench]) -> None:
    """Ending others takes its time. While the host is opened somebody else may come to stay."""
    nameless = replace(ALICE, users=())
    one = bench(nameless, CAROL)
    one.farm.replies = {CAROL.key: [stay] * 400}
    one.close()
    assert next((host, round(at)) for host, state, at in one.hosts.sets if state) == (A, 1200)
    assert (one.ended()[0][0], one.farm.seconds > 1250) == ("carol", True)
    one = bench(nameless, CAROL)
    one.folder = one.folder / "again"
    original = one.hosts.set

    def set_and_let_in(rows: Any, seconds: float, check_mode: bool = False) -> Any:
        if rows[0]["allow_new_session"]:
            one.hosts.come(replace(LATE, host=B))()
        return original(rows, seconds, check_mode)

    one.hosts.set = set_and_let_in  # type: ignore[method-assign]
    assert "late@contoso.com is on" in str(one.close()[B])
    assert one.ended() == []


@pytest.mark.parametrize("again", [400.0, 212.0])
def test_host_that_somebody_opens_is_closed_once_more_and_then_out(bench: Callable[..., Bench], again: float) -> None:
    """Also where nobody has seen it closed in between."""
    one = bench(ALICE, CAROL)
    one.farm.schedule = [(200.0, one.hosts.set_state(A, True)), (again, one.hosts.set_state(A, True))]
    assert one.close() == {A: "somebody else has opened it for new sessions", B: True}
    assert [(host, state) for host, state, _at in one.hosts.sets] == [(A, False), (B, False), (A, False)]
    assert (one.hosts.states, one.left_closed()) == ({A: True, B: False}, [B])
    assert {user for user, _at in one.told()} == {"carol"}


@pytest.mark.parametrize(("effect", "tries"), [(False, [0, 210, 225]), (True, [0, 210])])
def test_host_is_opened_by_somebody_once_whatever_fails_then(
    bench: Callable[..., Bench], effect: bool, tries: list[int]
) -> None:
    """The other host cannot be read, and closing it once more fails at first, with or without effect."""
    for more in (False, True):
        one = bench(ALICE, CAROL)
        one.folder = one.folder / f"more {more}"
        times = (200.0, 400.0) if more else (200.0,)
        one.farm.schedule = [(at, one.hosts.set_state(A, True)) for at in times]
        one.hosts.unread = {B: (200.0, 230.0)}
        tried = _fail_second_set(one, effect)
        assert one.close()[A] == ("somebody else has opened it for new sessions" if more else True)
        assert one.facts()["hosts"][A]["reopened_by_others"] == len(times)
        assert [at for at in tried if at < 400] == tries, "although the other host cannot be read yet"


def _fail_second_set(one: Bench, effect: bool) -> list[int]:
    """Let setting states fail the second time; return when it was tried."""
    original = one.hosts.set
    tried: list[int] = []

    def set_in_vain(rows: Any, seconds: float, check_mode: bool = False) -> Any:
        tried.append(round(one.farm.seconds))
        report = original(rows, seconds, check_mode) if effect or len(tried) != 2 else None
        if report is None or len(tried) == 2:
            raise ServiceError("The service is out of order.", lasting=False)
        return report

    one.hosts.set = set_in_vain  # type: ignore[method-assign]
    return tried


def test_nobody_is_told_while_it_is_not_known_whether_his_host_is_closed(bench: Callable[..., Bench]) -> None:
    """However soon the next list comes."""
    one = bench(CAROL, poll_interval=2.0)
    one.farm.schedule = [(599.0, one.hosts.set_status(B, "its status is Shutdown"))]
    one.hosts.unread = {B: (599.0, 601.0)}
    assert one.close()[B] == "it is not available any more (its status is Shutdown)"
    assert one.told() == []


def test_host_that_is_out_is_opened_at_once_although_another_cannot_be_read(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, CAROL, protected_users=("late",))
    one.farm.schedule = [(700.0, one.hosts.come(LATE))]
    one.hosts.unread = {B: (690.0, 800.0)}
    assert one.close()[B] is True
    assert [at for host, state, at in one.hosts.sets if (host, state) == (A, True)] == [pytest.approx(705, abs=5)]


def test_host_that_cannot_be_opened_is_tried_again_and_again_but_not_all_the_time(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, CAROL, protected_users=("late",), poll_interval=2.0)
    one.farm.schedule = [(700.0, lambda: one.hosts.stuck.add(A)), (710.0, one.hosts.come(LATE))]
    one.hosts.ghosts = {B: 1}
    one.close()
    tries = [at for host, state, at in one.hosts.asked if host == A and state]
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert (tries[0], tries[-1]) == (pytest.approx(711, abs=3), pytest.approx(1260, abs=20))
    assert gaps == pytest.approx([15.5] * len(gaps), abs=1.5)


def test_host_that_was_closed_before_is_worked_on_and_never_opened(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.hosts.states[A] = False
    assert one.close() == {A: True, B: True}
    assert one.left_closed() == [B]
    assert ("alice", "Active", 1200) in one.ended()


def test_host_that_cannot_be_closed_is_left_in_peace(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, CAROL)
    one.hosts.stuck = {A}
    assert "could not be closed" in str(one.close()[A])
    assert {user for user, _at in one.told()} == {"carol"}
    assert one.left_closed() == [B]


def test_host_that_may_be_closed_yet_is_opened(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, CAROL)
    one.hosts.unclear = {A}
    assert "could not be closed" in str(one.close()[A])
    assert one.hosts.asked[-1][:2] == (A, True)
    assert {user for user, _at in one.told()} == {"carol"}


def test_who_is_protected_and_comes_at_the_last_moment_is_not_ended(bench: Callable[..., Bench]) -> None:
    """Between the last list of the wait and the act."""
    one = bench(BOB, protected_users=("late",))
    original = one.hosts.open_sessions

    def open_sessions(operation: Any, selection: Any) -> Any:
        if operation is not None and operation.verb.name == "log off":
            one.hosts.come(replace(LATE, state="Disconnected"))()
        return original(operation, selection)

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]
    assert "late@contoso.com, who is protected" in str(one.close()[A])
    assert [user for user, _state, _at in one.ended()] == ["bob"]


def test_user_who_came_through_a_door_that_was_open_for_a_moment_keeps_a_host_from_being_ready(
    bench: Callable[..., Bench],
) -> None:
    """After the list of the proof, before its doors are read."""
    one = bench(remaining="leave", ready_when="nobody_active")
    original = one.hosts.open_sessions
    lists = []

    def open_sessions(operation: Any, selection: Any) -> Any:
        opened = original(operation, selection)
        lists.append(operation)
        if operation is None and len(lists) == 2:
            rows = one.farm.list_sessions()
            one.hosts.set_state(A, True)()
            one.hosts.come(LATE)()
            one.farm.list_sessions = lambda _named=(): one.farm.__dict__.pop("list_sessions") and rows  # type: ignore[method-assign]
        return opened

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]
    assert "there" in str(one.close()[A])


def test_open_request_is_watched_where_a_close_may_come_late(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.hosts.unclear = {A}
    original = one.hosts.set
    given: list[Any] = []

    def set_and_note(rows: Any, seconds: float, check_mode: bool = False) -> Any:
        given.extend(rows)
        return original(rows, seconds, check_mode)

    one.hosts.set = set_and_note  # type: ignore[method-assign]
    one.close(A)
    assert [(row["allow_new_session"], row.get("unclear")) for row in given] == [(False, None), (True, True)]


def test_two_hosts_of_a_run_that_are_one_are_refused(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.close(A)
    assert one.journal is not None
    one.hosts.states[A] = True  # as it was read before the other wave has closed it
    again = Wave(one.orders, one.hosts, one.journal, one.person, one.world)
    with pytest.raises(WindowError, match="Another wave of this run has closed host-0"):
        again.close({"other": one.hosts.named(A)})
    assert one.left_closed() == [A]


def test_hosts_of_one_name_in_two_host_pools_are_told_apart(bench: Callable[..., Bench]) -> None:
    """Of one nothing is known, and that of the other says nothing of it."""
    one = bench()
    original = one.hosts.host

    def host(name: str) -> Any:
        found = original(name)
        return replace(found, fields={**found.fields, "host": "same", "host_pool_name": f"pool-{name}"})

    one.hosts.host = host  # type: ignore[method-assign]
    original_set = one.hosts.set

    def set_one(rows: Any, seconds: float, check_mode: bool = False) -> Any:
        named = [{**row, "host": row["name"]} for row in rows]
        report = original_set([row for row in named if row["name"] == B], seconds, check_mode)
        failed = [
            HostRow("same", row, True, None, "failed", "no answer", unclear=True) for row in rows if row["name"] == A
        ]
        return HostReport([*failed, *report.rows])

    one.hosts.set = set_one  # type: ignore[method-assign]
    states = one.close()
    assert states == {A: "it could not be closed: no answer", B: True}


def test_ghost_sessions_count_as_not_empty(bench: Callable[..., Bench]) -> None:
    one = bench()
    one.hosts.ghosts = {A: 2}
    assert "counts sessions" in str(one.close()[A])
    assert one.left_closed() == [B]


def test_ghost_sessions_beside_others_count_in_check_mode_as_they_do_in_the_run(bench: Callable[..., Bench]) -> None:
    said = []
    for check in (True, False):
        one = bench(ALICE, CAROL, check_mode=check)
        one.folder = one.folder / f"check {check}"
        one.hosts.ghosts = {A: 1}
        said.append(one.close())
    assert said[0] == said[1] == {A: "the service counts sessions that it does not list", B: True}


def test_ghost_sessions_are_counted_after_the_wait(bench: Callable[..., Bench]) -> None:
    """Though a host cannot be read at first."""
    one = bench(ALICE)
    one.farm.schedule = [(1000.0, one.hosts.set_ghosts(A, 1))]
    one.hosts.unread = {A: (1200.1, 1204.0)}
    assert one.close() == {A: "the service counts sessions that it does not list", B: True}


def test_session_that_stays_keeps_its_host_from_being_ready(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.farm.replies = {ALICE.key: [stay] * 200}
    assert "alice@contoso.com is on" in str(one.close()[A])
    assert (one.hosts.states[A], one.left_closed()) == (True, [B])


@pytest.mark.parametrize("what", ["protected", "late", "off"])
def test_nobody_is_ended_for_nothing_on_a_host_that_is_lost_while_the_active_ones_are_ended(
    bench: Callable[..., Bench], what: str
) -> None:
    one = bench(ALICE, BOB, protected_users=("grace",))
    change = {
        "protected": one.hosts.come(session("9", "grace@contoso.com", host=A)),
        "late": one.hosts.come(LATE),
        "off": one.hosts.set_status(A, "its status is Unavailable"),
    }[what]

    original = one.hosts.open_sessions

    def takes_long(farm: WaveFarm, _one: Any) -> Reply:
        farm.schedule.append((farm.seconds + 10, one.hosts.leave(ALICE)))
        return Reply.DONE

    def open_sessions(operation: Any, selection: Any) -> Any:
        if operation is not None and operation.verb.name == "log off" and selection.named:
            one.farm.replies[ALICE.key] = [takes_long]
            one.farm.schedule = [(one.farm.seconds + 1, change)]
        return original(operation, selection)

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]
    assert one.close()[A] is not True
    assert [user for user, _state, _at in one.ended()] == ["alice"]


def test_host_that_a_colleague_closes_before_this_run_does_stays_closed(bench: Callable[..., Bench]) -> None:
    """After its door was read, while the sessions are listed."""
    one = bench(ALICE, protected_users=("grace",))
    original, colleague = one.hosts.open_sessions, [one.hosts.set_state(A, False)]

    def open_sessions(operation: Any, selection: Any) -> Any:
        while colleague:
            colleague.pop()()
        return original(operation, selection)

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]
    assert one.close() == {A: True, B: True}
    assert one.left_closed() == [B], "so only that one is opened in the end"
    assert one.facts()["hosts"][A]["closed_before"]


def test_session_that_follows_one_of_unknown_creation_has_its_own_notice(bench: Callable[..., Bench]) -> None:
    """Of the same user, with the same id."""
    one = bench(replace(ALICE, created=None))
    again = replace(ALICE, created=START + timedelta(seconds=1190))
    one.farm.schedule = [(1192.0, one.hosts.come(again))]
    one.close()
    told = [said.at for said in one.farm.doings if "message" in said.verb and said.session.created == again.created]
    assert all(at >= min(told) + 300 for _user, _state, at in one.ended())


def test_session_whose_creation_is_not_told_any_more_may_be_another_one(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.farm.schedule = [(1100.0, one.hosts.come(replace(ALICE, created=None)))]
    assert "has had no notice" in str(one.close()[A])
    assert one.ended() == []


@pytest.mark.parametrize("begins", [700.0, 1190.0, 1199.0])
def test_host_that_alone_cannot_be_read_for_long_is_out_and_keeps_no_other_from_the_work(
    bench: Callable[..., Bench], begins: float
) -> None:
    one = bench(ALICE, CAROL)
    one.hosts.unread[B] = (begins, 1e9)
    states = one.close()
    assert states[A] is True
    assert "its state cannot be read" in states[B]
    assert ("alice", 900) in one.told() or begins == 700.0
    assert "carol" not in [user for user, _state, _at in one.ended()]


def test_hosts_that_cannot_be_read_one_after_the_other_are_out_one_after_the_other(bench: Callable[..., Bench]) -> None:
    """The second while the first is waited for at the deadline."""
    one = bench(ALICE, poll_interval=15.0)
    one.hosts.states["host-2"] = True
    one.hosts.unread = {B: (1200.1, 1e9), "host-2": (1250.0, 1e9)}
    states = one.close(A, B, "host-2")
    assert states[A] is True
    assert all("its state cannot be read" in states[name] for name in (B, "host-2"))


@pytest.mark.parametrize("latest", [1290.0, 1210.0])
def test_wave_is_opened_again_when_closing_took_so_long_that_its_deadline_would_be_after_latest(
    bench: Callable[..., Bench], latest: float
) -> None:
    one = bench(ALICE, latest=latest)
    original = one.hosts.set

    def set_slowly(rows: Any, seconds: float, check_mode: bool = False) -> Any:
        one.farm.clock.sleep(0.0 if one.hosts.asked else 90.0)
        return original(rows, seconds, check_mode)

    one.hosts.set = set_slowly  # type: ignore[method-assign]
    if latest == 1290.0:
        assert one.close() == {A: True, B: True}
        return
    with pytest.raises(WindowError, match="after latest"):
        one.close()
    assert (one.told(), one.ended(), one.left_closed()) == ([], [], [])


def test_users_are_met_again_in_a_later_play_of_the_run(bench: Callable[..., Bench]) -> None:
    """Which has a journal of its own."""
    one = bench(ALICE)
    header = Header("run-0", this_process(), "wvd", "", "here")
    Journal.create(one.folder / "journals", header).met(["Alice@contoso.com"])
    one.close()
    assert one.facts()["met_before"] == ["alice@contoso.com"]


def test_nobody_is_ended_for_nothing_where_ending_another_one_fails(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB)
    one.farm.replies = {ALICE.key: [stay] * 200}
    assert "alice@contoso.com is on" in str(one.close()[A])
    assert {user for user, _state, _at in one.ended()} == {"alice"}


def test_floor_holds_in_each_host_pool(bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    """An open host of another pool is of no use to the users of this one."""
    one = bench(ALICE, keep_open=Share(1))
    list_hosts = one.hosts.list_hosts
    monkeypatch.setattr(
        one.hosts, "list_hosts", lambda: [*list_hosts(), replace(one.hosts.host(A), place="other", state=True)]
    )
    with pytest.raises(WindowError, match="Only 0 of 2 session hosts in pool would be open"):
        one.close()
    assert one.hosts.states == {A: True, B: True}


def test_floor_is_read_before_and_after_hosts_are_closed(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, keep_open=Share(1))
    with pytest.raises(WindowError, match=r"Only 0 of 2 session hosts would be open .*keep_open is 1"):
        one.close()
    assert one.hosts.sets == []
    one = bench(ALICE, keep_open=Share(50, of_hundred=True))
    one.folder = one.folder / "again"
    original = one.hosts.set

    def set_and_lose(rows: Any, seconds: float, check_mode: bool = False) -> Any:
        one.hosts.status = {B: "its status is Unavailable"}
        return original(rows, seconds, check_mode)

    one.hosts.set = set_and_lose  # type: ignore[method-assign]
    with pytest.raises(WindowError, match="Only 0 of 2 session hosts are open"):
        one.close(A)
    assert (one.hosts.states[A], one.left_closed()) == (True, [])


@pytest.mark.parametrize("check_mode", [False, True])
def test_floor_is_nothing_to_a_wave_that_closes_no_host_there(bench: Callable[..., Bench], check_mode: bool) -> None:
    """The pool was below it before."""
    one = bench(ALICE, keep_open=Share(1), check_mode=check_mode)
    one.hosts.states = {A: False, B: True}
    one.hosts.status = {B: "its status is Shutdown"}
    assert one.close() == {A: True, B: "it is not available (its status is Shutdown)"}


def test_floor_is_that_of_the_host_pools_of_which_hosts_are_closed(bench: Callable[..., Bench]) -> None:
    one = bench(keep_open=Share(1))
    one.hosts.states = {A: False, B: True, "host-2": True}
    original = one.hosts.host
    one.hosts.host = lambda name: replace(original(name), place="pool" if name == A else "other")  # type: ignore[method-assign]
    assert one.close() == {A: True, B: True}


def test_service_that_is_out_of_order_for_a_while_ends_nobody_without_notice(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.hosts.failures = [(590.0, 950.0), (1199.0, 1206.0)]
    assert one.close() == {A: True, B: True}
    ((told, *_more),) = [[at for user, at in one.told() if user == "alice"]]
    assert all(at >= told + 300 for _user, _state, at in one.ended())


def test_service_that_does_not_come_back_is_an_error_and_the_journal_has_its_hosts(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    one.hosts.failures = [(300.0, 1e9)]
    with pytest.raises((WindowError, ServiceError)):
        one.close()
    assert one.ended() == []
    assert one.left_closed() == [A, B]


def test_run_that_has_ended_ends_nobody(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE)
    with pytest.raises(WindowError):
        one.close(lives=lambda: one.farm.seconds < 1000)
    assert one.ended() == []


def test_check_mode_changes_nothing_and_tells_what_would_be_done(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, BOB, CAROL, check_mode=True, protected_users=("carol",))
    assert one.close() == {A: True, B: "carol@contoso.com, who is protected, is on"}
    assert (one.hosts.sets, one.farm.doings) == ([], [])
    assert one.wave is not None
    wait = one.wave.record.wait
    assert wait is not None
    assert [(watched.session.user, len(watched.told)) for watched in wait.watched] == [
        ("alice@contoso.com", 2),
        ("bob@contoso.com", 0),
    ]
    assert {ending.session.user for ending in one.wave.record.endings.values()} == {ALICE.user, BOB.user}


def test_check_mode_tells_people_its_plan(bench: Callable[..., Bench]) -> None:
    """A line for each host and each session."""
    two_lines = replace(LAST, title="Last\nwarning")
    given = {"check_mode": True, "protected_users": ("carol",), "messages": (FIRST, two_lines)}
    one = bench(*map(told_of, (ALICE, BOB, CAROL)), **given)
    one.close()
    facts = one.facts()
    assert facts["check_mode"]
    assert wave_lines(facts) == [
        "2 session hosts, 1 would be ready for the work",
        "host-0: would be closed",
        "host-1: would not be worked on, because carol@contoso.com, who is protected, is on",
        'host-0, session 1 of alice@contoso.com, active: would be sent "Maintenance" at 2026-11-26T02:10:00.000Z, '
        '"Last warning" at 2026-11-26T02:15:00.000Z; would be logged off at 2026-11-26T02:20:00.000Z',
        "host-0, session 2 of bob@contoso.com, disconnected: would be logged off at 2026-11-26T02:20:00.000Z",
        "2 sessions: 2 would be logged off; 1 would be warned",
    ]
    assert not any("@" in line for line in wave_lines(facts, names_users=False)[3:])


def test_check_mode_tells_who_would_stay_and_which_host_would_not_be_ready(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE), check_mode=True, remaining="leave", messages=())
    one.hosts.states[B] = False
    one.close()
    assert wave_lines(one.facts()) == [
        "2 session hosts, 1 would be ready for the work",
        "host-0: would be closed, but not worked on, because 1 session is still there",
        "host-1: was closed before, so it would stay closed",
        "host-0, session 1 of alice@contoso.com, active: would be left (its host was taken out of the wave)",
        "1 session: 1 would be left; 0 would be warned",
    ]


def test_summary_names_a_host_that_was_closed_before_although_it_is_out(bench: Callable[..., Bench]) -> None:
    one = bench(ALICE, remaining="leave")
    one.hosts.states[A] = False
    one.close()
    assert [line for line in wave_lines(one.facts()) if line.startswith(A)] == [
        "host-0: not worked on, because 1 session is still there",
        "host-0: was closed before, so it stays closed",
    ]


def test_report_says_of_nobody_that_he_is_there_who_signs_out_at_the_deadline(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE), remaining="leave")
    one.farm.schedule = [(1198.0, one.hosts.turn(ALICE, "LogOff")), (1220.0, one.hosts.leave(ALICE))]
    assert one.close()[A] is True
    (row,) = one.facts()["sessions"]
    assert (row["outcome"], row["done"]) == ("ended", "")
    assert "02:20:20" <= row["ended_at"][11:19] < "02:20:25"


def test_report_says_of_nobody_that_he_is_there_who_leaves_before_he_is_ended(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE))
    do_before_log_off(one, one.hosts.leave(ALICE))
    assert one.close()[A] is True
    assert [(row["outcome"], row["done"]) for row in one.facts()["sessions"]] == [("ended", "")]


def test_report_says_of_who_leaves_while_he_is_ended_that_he_went_by_himself(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE))

    def leave(_farm: Any, _one: Session) -> Reply:
        one.hosts.leave(ALICE)()
        return Reply.GONE

    one.farm.schedule = [(1100.0, lambda: one.farm.replies.update({ALICE.key: [leave]}))]  # after the messages
    assert one.close()[A] is True
    (row,) = one.facts()["sessions"]
    assert (row["outcome"], row["done"], row["ended_at"] is not None) == ("ended", "", True)


def test_report_says_of_nobody_that_he_is_there_whose_id_is_another_ones(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE))
    other = told_of(replace(LATE, id=ALICE.id, created=now_of(one.farm.clock)()))
    do_before_log_off(one, one.hosts.come(other))
    assert "late@contoso.com is on" in str(one.close()[A])
    rows = {row["owner"]: (row["outcome"], row["reason"]) for row in one.facts()["sessions"]}
    assert rows == {
        ALICE.user: ("ended", "the id belongs to late@contoso.com now"),
        LATE.user: ("still_there", "its host was taken out of the wave"),
    }


def test_report_says_of_nobody_that_he_is_there_who_goes_long_after_he_was_ended(bench: Callable[..., Bench]) -> None:
    """Past the time in which it is to be seen."""
    one = bench(told_of(ALICE), wait_timeout=5.0)

    def slowly(farm: Any, _one: Session) -> Reply:
        one.hosts.turn(ALICE, "LogOff")()
        farm.schedule.append((farm.seconds + 30, one.hosts.leave(ALICE)))
        return Reply.DONE

    one.farm.schedule = [(1100.0, lambda: one.farm.replies.update({ALICE.key: [slowly]}))]  # after the messages
    assert one.close()[A] is True
    (row,) = one.facts()["sessions"]
    assert (row["outcome"], row["done"], row["ended_at"] is not None) == ("logged_off", "log off", True)


def test_check_mode_ends_nobody_by_itself(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE), check_mode=True, remaining="leave")
    original = one.hosts.open_sessions

    def open_sessions(operation: Any, selection: Any) -> Any:
        if operation is None:
            one.hosts.leave(ALICE)()
        return original(operation, selection)

    one.hosts.open_sessions = open_sessions  # type: ignore[method-assign]
    one.close()
    assert [row["outcome"] for row in one.facts()["sessions"]] == ["still_there"]


def test_report_says_of_who_is_left_that_his_host_is_out(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE), told_of(CAROL), protected_users=("late",))
    one.farm.schedule = [(700.0, one.hosts.come(LATE))]
    one.close()
    rows = {row["owner"]: (row["outcome"], row["reason"]) for row in one.facts()["sessions"]}
    assert rows == {
        ALICE.user: ("still_there", "its host was taken out of the wave"),
        CAROL.user: ("logged_off", "the session is gone"),
    }


def test_report_says_of_who_may_stay_why(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE), remaining="leave", ready_when="nobody_active")
    one.farm.schedule = [(700.0, one.hosts.turn(told_of(ALICE), "Disconnected"))]
    assert one.close()[A] is True
    (row,) = one.facts()["sessions"]
    assert (row["outcome"], row["reason"]) == (
        "not_selected",
        "it is Disconnected now, and does not pass the filters",
    )


def test_report_has_both_users_of_one_id_without_times_of_creation(bench: Callable[..., Bench]) -> None:
    first, second = (told_of(replace(one, id="1", created=None)) for one in (ALICE, LATE))
    one = bench(first, told_of(CAROL))
    one.farm.schedule = [(700.0, one.hosts.leave(first)), (800.0, one.hosts.come(second))]
    one.close()
    assert {row["owner"]: row["outcome"] for row in one.facts()["sessions"]} == {
        ALICE.user: "ended",
        LATE.user: "logged_off",
        CAROL.user: "logged_off",
    }


def test_report_has_one_row_of_who_is_listed_by_another_of_his_names(bench: Callable[..., Bench]) -> None:
    one = bench(told_of(ALICE))
    do_before_log_off(one, one.hosts.come(told_of(replace(ALICE, users=(ALICE.user.upper(), ALICE.user)))))
    one.close(A)
    assert [row["outcome"] for row in one.facts()["sessions"]] == ["logged_off"]


def test_report_folder_is_made_and_left_empty(tmp_path: Path) -> None:
    require_report_folder(tmp_path / "new" / "reports")
    assert list((tmp_path / "new" / "reports").iterdir()) == []


def test_report_folder_in_which_nothing_can_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"report is .*/file/reports, where no file can be written: Not a directory"):
        require_report_folder(tmp_path / "file" / "reports")


def test_wave_that_had_no_end_is_told_of_once(bench: Callable[..., Bench], tmp_path: Path) -> None:
    one = bench(ALICE)
    one.close(A)
    journal = one.journal
    assert journal is not None
    keep_facts(one.facts(), journal.path)
    torn = journal.path.with_name(f"{journal.path.stem}.9-1.wave.json")
    torn.write_text('{"hosts"')
    with pytest.raises(JournalError):
        report_cut_waves(torn, journal.path, journal.read())
    reports = tmp_path / "reports"
    for _ in range(2):
        report_cut_waves(reports, journal.path, journal.read())
    (path,) = reports.iterdir()
    (wave,) = json.loads(path.read_text())["waves"]
    assert wave["check_mode"] is False
    assert {name: host["worked"] for name, host in wave["hosts"].items()} == {A: "unknown"}
    assert [row["done"] for row in wave["sessions"]] == ["log off"]
    assert not list(journal.path.parent.glob("*.wave.json"))
