# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of the engine, from a schedule to what it told."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.execution import BrokenOffError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import (
    STILL_THERE,
    UNCLEAR,
    Report,
    Row,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Listed
from tests.campaign.adapter import runspace, script, wvd
from tests.campaign.adapter.names import STATES, VERBS, product_place, user_name
from tests.campaign.farm import Spot, time_of_day
from tests.campaign.kind import Transport
from tests.campaign.schedule import MINIMUM_AGE, Schedule
from tests.campaign.stage import HOSTS, PLACES, Stage
from tests.campaign.trial import Told, Trial
from tests.campaign.world import START

AFTERWARDS = 20.0
"""Seconds for which the farm is watched after a run."""


class _NotedReport(Report):
    """Notes when each session was reported."""

    __slots__ = ()
    note: ClassVar[Callable[[Row], None]]

    def add(self, *args: Any, **kwargs: Any) -> None:
        """Note what became of a session, and when that was said."""
        super().add(*args, **kwargs)
        type(self).note(self.rows[-1])


def run(schedule: Schedule) -> Trial:
    """Play a schedule."""
    stage = Stage(schedule)
    world = stage.world
    service = _make_service(stage)
    selected = [math.inf]
    list_sessions = service.list_sessions

    def list_and_note(*named: Any) -> Any:
        sessions = list_sessions(*named)
        selected[0] = world.now
        stage.farm.take()
        stage.farm.note("selects")
        return sessions

    service.list_sessions = list_and_note
    _note_calls(service, stage)
    told: list[tuple[Row, float]] = []
    report: Report | None = None
    failure = ""

    def note(row: Row) -> None:
        told.append((row, world.now))
        stage.farm.note("reports ", row.key[1], "/", row.key[2], ": ", row.outcome, " perhaps" if row.perhaps else "")

    _NotedReport.note = note
    vars(engine)["Report"] = _NotedReport
    world.interrupt_at = START + schedule.interrupt_at
    try:
        report = engine.run(
            _request(schedule),
            service,
            _Nobody(),
            world.clock,
            lambda: time_of_day(world.now),
            lambda: world.now < START + schedule.run_ends_at,
        )
    except KeyboardInterrupt:
        failure = "interrupted"
    except (ServiceError, SelectionError, AnsibleConnectionFailure) as error:
        failure = f"{type(error).__name__}: {error}"
    except BrokenOffError as error:
        report, failure = error.report, f"broken off: {error}"
    finally:
        vars(engine)["Report"] = Report
    ended = world.now
    stage.farm.note("the run ends", f": {failure}" if failure else "")
    world.interrupt_at = math.inf
    service.close()
    world.sleep(AFTERWARDS)
    times = {id(row): at for row, at in told}
    rows = report.rows if report is not None else [row for row, _at in told]
    return Trial(
        schedule,
        stage.farm,
        [
            Told(
                _spot(schedule, row.key),
                row.outcome,
                row.reason,
                row.perhaps or row.outcome in (report.verb.done if report else "", STILL_THERE, UNCLEAR),
                times.get(id(row), selected[0]),
                row.proof_age,
            )
            for row in rows
        ],
        report.changed if report is not None else None,
        selected[0],
        ended,
        failure,
        world.interrupted_at,
        tuple(getattr(service, "warnings", ())),
    )


def _note_calls(service: Any, stage: Stage) -> None:
    """Note when an act is asked for, and when a list is taken."""
    begin_act, wait = service.begin_act, service.wait

    def ask(*args: Any) -> None:
        stage.farm.asked = stage.world.now
        begin_act(*args)

    def take(seconds: float) -> Any:
        events = wait(seconds)
        if any(isinstance(event, Listed) for event in events):
            stage.farm.take()
        return events

    service.begin_act, service.wait = ask, take


def _make_service(stage: Stage) -> Any:
    module = {Transport.ARM: wvd, Transport.RUNSPACE: runspace, Transport.SCRIPT: script}
    return module[stage.schedule.kind.transport].make_service(stage)


def _request(schedule: Schedule) -> engine.Request:
    wanted, service = schedule.wanted, schedule.kind.service

    def full_name(user: str) -> str:
        return user_name(service, user)

    named = None
    if wanted.named is not None:
        named = tuple(
            NamedSession(
                product_place(service, PLACES[one.pool]),
                HOSTS[one.host],
                one.id,
                full_name(one.user) if one.user else "",
                time_of_day(START) - timedelta(seconds=one.age) if one.age >= 0 else None,
            )
            for one in wanted.named
        )
    filters = Filters(
        HOSTS[wanted.host] if wanted.host >= 0 else "",
        tuple(map(full_name, wanted.users)),
        tuple(map(full_name, wanted.excluded)),
        tuple(STATES[service][state] for state in wanted.states),
        timedelta(seconds=MINIMUM_AGE) if wanted.aged else None,
    )
    return engine.Request(
        VERBS[schedule.kind.effect],
        Selection(named, filters),
        check_mode=wanted.check_mode,
        wait_timeout=wanted.wait_timeout,
    )


def _spot(schedule: Schedule, key: tuple[str, str, str]) -> Spot:
    place = next(name for name in PLACES if product_place(schedule.kind.service, name) == key[0])
    return (place, key[1].lower(), key[2])


class _Nobody:
    """A console without anybody."""

    def confirm(self, verb: str, sessions: Any) -> None:
        """Take everything for confirmed."""

    def progress(self, asked: int, finished: int, total: int, seconds: float) -> None:
        """Show nothing."""
