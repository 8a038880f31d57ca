# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says how many runs are played from which seed, and shows the table of mutants."""

from __future__ import annotations

import pytest

from tests.campaign import extent


def pytest_report_header() -> str:
    """Say how to repeat a campaign."""
    return f"campaign: CAMPAIGN_SEED={extent.SEED} CAMPAIGN_RUNS={extent.RUNS}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the mutants."""
    if extent.caught:
        terminalreporter.section("mutants: runs until a broken rule was seen")
    for rule, runs, objection in extent.caught:
        terminalreporter.write_line(f"{runs:6}  {rule}  [{objection}]")
