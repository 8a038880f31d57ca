# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run, told for people."""

from __future__ import annotations

from tests.campaign.schedule import Schedule
from tests.campaign.trial import Trial
from tests.campaign.world import START


def tell(trial: Trial, wrongs: list[str]) -> str:
    """Tell a run: what was drawn, what happened on the farm, what was told, and what was wrong."""
    schedule: Schedule = trial.schedule
    plans = {
        "lists": {number: plan for number, plan in enumerate(schedule.lists) if plan.fault is not None},
        "acts": {number: plan for number, plan in enumerate(schedule.acts) if plan.fault is not None},
    }
    return "\n".join(
        (
            f"{schedule.kind}, {schedule.wanted}",
            *(f"{name}: {value}" for name, value in schedule.arguments.items()),
            *([f"all lists take {schedule.slow:g} s or more"] if schedule.slow else ()),
            f"page size {schedule.page_size}, at once {schedule.at_once}, "
            f"interrupt at {schedule.interrupt_at:g} s, end of the run at {schedule.run_ends_at:g} s",
            *(f"{one.what.value}: {one.delay:g} s after {one.after[0]} {one.after[1]}" for one in schedule.happenings),
            *(f"{kind} that go wrong: {found}" for kind, found in plans.items() if found),
            "",
            *(f"{at - START:8.3f}  {''.join(map(str, parts))}" for at, parts in trial.farm.log),
            "",
            *(
                f"told: {'/'.join(one.spot)} {one.outcome}{' (claims a change)' if one.claims else ''} {one.reason}"
                for one in trial.told
            ),
            f"changed: {trial.changed} {trial.failure}",
            "",
            *(f"WRONG: {wrong}" for wrong in wrongs),
        )
    )
