# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run as the judge sees it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.campaign.farm import Farm, Spot
from tests.campaign.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Told:
    """What the run told of a session."""

    spot: Spot
    outcome: str
    reason: str
    claims: bool
    """Whether it says that it changed this session, or perhaps did."""
    at: float
    proof_age: float | None = None
    """How old it says the proof of the last act was, if it says so."""


@dataclass(slots=True)
class Trial:
    """A run, for the judge."""

    schedule: Schedule
    farm: Farm
    told: list[Told]
    changed: bool | None
    """`None` when there is no report."""
    selected_at: float
    """When everything had been listed from which was selected."""
    ended: float
    failure: str
    """Why there is no report."""
    interrupted_at: float | None
    warnings: tuple[str, ...]
