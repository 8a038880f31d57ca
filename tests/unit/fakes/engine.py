# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the engine against a farm in memory."""

from __future__ import annotations

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.proof import PROOF_SECONDS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import DISCONNECT
from tests.unit.fakes.console import Console
from tests.unit.fakes.farm import FakeFarm

EVERYBODY = Selection()


def run(farm: FakeFarm, selection: Selection = EVERYBODY, console: Console | None = None, **options: object) -> Report:
    request = engine.Request(DISCONNECT, selection, **options)  # type: ignore[arg-type]
    report = engine.run(request, farm, console or Console(), farm.clock)
    for act in farm.acts:
        assert act.at - act.listed_at < PROOF_SECONDS
    return report


def outcomes(report: Report) -> dict[str, str]:
    return {row.key[2]: row.outcome for row in report.rows}
