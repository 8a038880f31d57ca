# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the engine against a farm in memory."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Event, Listed
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Key, Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import DISCONNECT
from tests.unit.fakes.console import Console
from tests.unit.fakes.farm import FakeFarm

EVERYBODY = Selection()
TICK = 1e-9


def run(farm: FakeFarm, selection: Selection = EVERYBODY, console: Console | None = None, **options: object) -> Report:
    request = engine.Request(DISCONNECT, selection, **options)  # type: ignore[arg-type]
    lists, acts = note_lists(farm), len(farm.acts)
    report = engine.run(request, farm, console or Console(), farm.clock)
    for act in farm.acts[acts:]:
        shortest = min(seconds for at, seconds in lists if at <= act.at)
        assert act.at - act.listed_at < min(30.0, 5.0 + shortest) + TICK
    return report


def note_lists(farm: FakeFarm) -> list[tuple[float, float]]:
    """Note from now on when each list was delivered, and how long it had taken."""
    noted: list[tuple[float, float]] = []
    list_sessions, wait = farm.list_sessions, farm.wait

    def note(rows: Sequence[Session]) -> None:
        noted.extend((farm.clock(), farm.clock() - row.read_at) for row in rows)

    def list_and_note(named: Sequence[Key] = ()) -> Sequence[Session]:
        rows = list_sessions(named)
        note(rows)
        return rows

    def wait_and_note(seconds: float) -> list[Event]:
        events = wait(seconds)
        for event in events:
            if isinstance(event, Listed):
                note(event.sessions)
        return events

    farm.list_sessions, farm.wait = list_and_note, wait_and_note  # type: ignore[method-assign]
    return noted


def outcomes(report: Report) -> dict[str, str]:
    return {row.key[2]: row.outcome for row in report.rows}
