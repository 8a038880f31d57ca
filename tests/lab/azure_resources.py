# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else works on the hosts of an AVD host pool: Autoscale and the session host update.

They are data only. What they would do to hosts is said by steps of a schedule, with `by: Autoscale`.
"""

from __future__ import annotations

import dataclasses
import typing

Given = typing.Mapping[str, typing.Any]
UPDATE_STATES = (
    *("Scheduled", "ValidatingSessionHostUpdate", "UpdatingSessionHosts", "Pausing", "Paused", "Cancelling", "Error"),
    *("Succeeded", "Failed", "Canceled"),
)
"""Those in the first line are of an update that is under way."""


@dataclasses.dataclass(frozen=True)
class ScalingPlan:
    """A scaling plan that is assigned to the pool. `schedules` are in the form of ARM."""

    name: str
    enabled: bool = True
    exclusion_tag: str = ""
    time_zone: str = "W. Europe Standard Time"
    schedules: typing.Sequence[Given] = ()


@dataclasses.dataclass(frozen=True)
class SessionHostUpdate:
    """How the pool's hosts are replaced. `status`: of the last update; empty, there was none yet."""

    status: str = ""
    percent_complete: float = 0.0
    time_zone: str = "W. Europe Standard Time"
    delete_original_vm: bool = False
    max_vms_removed: int = 1
    log_off_delay_minutes: int = 10
    log_off_message: str = ""

    def __post_init__(self) -> None:
        if self.status not in ("", *UPDATE_STATES):
            raise ValueError(f"no status of an update: {self.status}")


def read(fields: Given) -> dict[str, typing.Any]:
    """Fields of a pool, with these two as objects. Raises TypeError, ValueError."""
    known = dict(fields)
    if "scaling_plans" in known:
        known["scaling_plans"] = tuple(ScalingPlan(**plan) for plan in known["scaling_plans"] or ())
    if known.get("session_host_update") is not None:
        known["session_host_update"] = SessionHostUpdate(**known["session_host_update"])
    return known
