# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a wave: which hosts are opened when, and what the journal says of those that are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import (
    SET,
    HostReport,
    HostRow,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import (
    Header,
    JournalError,
    Row,
    host_key,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import this_process
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave import World
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_opening import (
    KEPT,
    LATE_SECONDS,
    SET_SECONDS,
    Opening,
    WaveOpening,
    restore,
)
from tests.unit.fakes.wave_farm import WaveFarm, WaveHosts, now_of
from tests.unit.window.rows import wvd

A, B = "host-0", "host-1"
PATIENCE = 300.0


class Bench:
    """Two hosts that a run has closed."""

    def __init__(self, folder: Path) -> None:
        self.farm = WaveFarm({})
        self.hosts = WaveHosts(self.farm, {A: False, B: False})
        self.journal = Journal.create(folder / "journals", Header("run-1", this_process(), "wvd", "", "here"))
        self.rows = {name: self.hosts.row(self.hosts.host(name), True) for name in (A, B)}
        self.journal.closing(self.rows.values())
        self.journal.closed(self.rows.values())
        self.said: list[str] = []

    def open(
        self,
        worked: Sequence[str] = (),
        leave: Sequence[str] = (),
        patience: float = PATIENCE,
        lives: Callable[[], bool] = lambda: True,
    ) -> Opening:
        clock = self.farm.clock
        world = World(clock, now_of(clock), clock.sleep, lives)
        opening = WaveOpening(self.hosts, self.journal, world, self.said.append)
        rows = list(self.rows.values())
        return opening.open(rows, self.keys(*worked), now_of(clock)(), patience, self.keys(*leave))

    def keys(self, *names: str) -> set[tuple[str, ...]]:
        return {host_key(self.rows[name]) for name in names}

    def left_closed(self) -> list[str]:
        return [str(row["host"]) for row in self.journal.read().to_open()]

    def opened_at(self) -> dict[str, int]:
        return {name: round(at) for name, state, at in self.hosts.sets if state}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_host_without_work_is_opened_at_once_and_another_when_it_was_seen_to_serve(bench: Bench) -> None:
    """The fake is heard of three seconds after the work."""
    done = bench.open(worked=[B])
    assert bench.opened_at()[A] == 0
    assert 3 <= bench.opened_at()[B] < 10
    assert (set(done.opened), done.unhealthy, done.left) == (bench.keys(A, B), set(), {})
    assert bench.left_closed() == []


def test_host_that_is_not_seen_to_serve_is_opened_in_the_end_and_told(bench: Bench) -> None:
    bench.hosts.status[B] = "Unavailable"
    done = bench.open(worked=[A, B])
    assert PATIENCE <= bench.opened_at()[B] < PATIENCE + 60
    assert (set(done.opened), done.unhealthy) == (bench.keys(A, B), bench.keys(B))
    assert bench.left_closed() == []


@pytest.mark.parametrize("worked", [[B], [A, B]])
def test_host_that_answers_no_reading_keeps_no_other_closed(bench: Bench, worked: list[str]) -> None:
    bench.hosts.late = {B}
    done = bench.open(worked=worked)
    assert bench.opened_at()[A] < 30
    assert bench.opened_at()[B] >= PATIENCE
    assert done.unhealthy == bench.keys(B)


def test_host_that_cannot_be_opened_is_tried_to_the_end(bench: Bench) -> None:
    bench.hosts.stuck.add(B)
    done = bench.open(worked=[A])
    assert set(done.opened) == bench.keys(A)
    assert done.left == dict.fromkeys(bench.keys(B), "it does not answer")
    assert bench.farm.seconds >= PATIENCE
    assert bench.left_closed() == [B], "the guard goes on"


def test_opening_is_tried_for_a_minute_however_short_hosts_are_waited_for(bench: Bench) -> None:
    bench.hosts.failures = [(0.0, 45.0)]
    done = bench.open(patience=1.0)
    assert set(done.opened) == bench.keys(A, B)
    assert 45 <= bench.opened_at()[A] < 80
    assert bench.said == ["Hosts cannot be opened, which is tried again: The service is out of order."]


def test_service_that_stays_out_of_order_is_told_of_each_host(bench: Bench) -> None:
    bench.hosts.failures = [(0.0, 1e9)]
    done = bench.open(patience=90.0)
    assert done.left == dict.fromkeys(bench.keys(A, B), "The service is out of order.")
    assert 90 <= bench.farm.seconds < 180
    assert bench.left_closed() == [A, B]


def test_host_that_is_kept_closed_is_written_down_as_such(bench: Bench) -> None:
    done = bench.open(worked=[A, B], leave=[B])
    assert (set(done.opened), done.left) == (bench.keys(A), dict.fromkeys(bench.keys(B), KEPT))
    assert (bench.hosts.states, bench.left_closed()) == ({A: True, B: False}, []), "nor does the guard open it"


def test_run_that_has_ended_leaves_the_rest_to_its_guard(bench: Bench) -> None:
    bench.hosts.status[B] = "Unavailable"
    done = bench.open(worked=[B], lives=lambda: bench.farm.seconds < 20)
    assert set(done.opened) == bench.keys(A)
    assert bench.farm.seconds < 60
    assert bench.left_closed() == [B]


def test_journal_that_cannot_be_written_keeps_no_host_closed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_rows: Sequence[Row]) -> None:
        raise JournalError("The disk is full.")

    monkeypatch.setattr(bench.journal, "opened", fail)
    done = bench.open()
    assert set(done.opened) == bench.keys(A, B)
    assert bench.hosts.states == {A: True, B: True}
    assert bench.said == ["The disk is full."]


def test_host_that_may_be_closed_by_a_late_effect_is_watched_for_longer_and_last(bench: Bench) -> None:
    asked: list[tuple[list[str], float]] = []
    hosts = WaveHosts(WaveFarm({}), {A: False, B: False})
    rows = [{**hosts.row(hosts.host(A), True), "unclear": True}, hosts.row(hosts.host(B), True)]
    give = hosts.set

    def note(given: Sequence[Row], seconds: float, check_mode: bool = False) -> HostReport:
        asked.append(([row["host"] for row in given], seconds))
        return give(given, seconds, check_mode)

    hosts.set = note  # type: ignore[method-assign]
    assert [one.reason for one in restore(hosts, rows)] == ["", ""]
    assert asked == [([B], SET_SECONDS), ([A], LATE_SECONDS)]
    assert restore(hosts, []) == []


class OtherPoolBroken:
    """The pool of the first host cannot be read."""

    def set(self, rows: list[dict[str, Any]], _seconds: float) -> HostReport:
        if [row["host"] for row in rows] == [wvd(0)["host"]]:
            raise ServiceError("403")
        return HostReport([HostRow(str(row["host"]), row, False, True, SET) for row in rows])


def test_host_that_is_watched_is_opened_though_the_others_cannot_be_read() -> None:
    answers = restore(OtherPoolBroken(), [wvd(0), {**wvd(1), "unclear": True}])  # type: ignore[arg-type]
    assert [one.reason for one in answers] == ["403", ""]
    with pytest.raises(ServiceError, match="403"):
        restore(OtherPoolBroken(), [wvd(0)])  # type: ignore[arg-type]
