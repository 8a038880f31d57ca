# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where every list takes twelve seconds, exactly the selected sessions are acted on, while ids change hands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.campaign.adapter.running import run
from tests.campaign.extent import SEED
from tests.campaign.judge import judge
from tests.campaign.kind import Transport, kinds
from tests.campaign.schedule import TAPE, Happening, ListPlan, Schedule, What, read_tape
from tests.campaign.story import tell
from tests.campaign.trial import Trial

SLOW = 12.0
LONGEST_PROOF = SLOW + 0.5 + 5.0 + 0.1
RUNS = 300
CHANGES = (What.TAKE_OVER, What.COME_BACK, What.LEAVE)


def draw(random: Random) -> Schedule:
    """Draw a run in which nothing goes wrong but that lists are slow, and ids change hands in its first minute."""
    drawn = read_tape(random.randbytes(TAPE), kinds(transport=Transport.ARM) + kinds(transport=Transport.RUNSPACE))
    return replace(
        drawn,
        slow=SLOW,
        lists=tuple(ListPlan(SLOW + random.choice((0.0, 0.2, 0.5)), plan.look_at) for plan in drawn.lists),
        acts=tuple(replace(plan, fault=None) for plan in drawn.acts),
        happenings=tuple(
            Happening(random.choice(CHANGES), ("run", 0), random.uniform(0.0, 60.0), random.randrange(256), 0.0)
            for _number in range(random.randrange(4))
        ),
        wanted=replace(drawn.wanted, check_mode=False),
        interrupt_at=float("inf"),
        run_ends_at=float("inf"),
    )


def test_slow_lists_end_exactly_the_selected_sessions_each_once() -> None:
    random, seen = Random(SEED), Counter[str]()
    for _run in range(RUNS):
        schedule = draw(random)
        trial = run(schedule)
        wrongs = judge(trial) or list(_wrongs(trial, seen))
        assert not wrongs, f"CAMPAIGN_SEED={SEED}\n{tell(trial, wrongs)}"
    assert seen["acted on"] > RUNS
    assert seen["replaced"] > RUNS / 30
    assert seen["met by nobody's fault"] > 0


def _wrongs(trial: Trial, seen: Counter[str]) -> Iterator[str]:
    """Find what the judge leaves open, as it knows no faultless runs; it says who was not acted on."""
    acted: Counter[object] = Counter(act.spot for act in trial.farm.acts)
    yield from (f"{number} acts on {spot}" for spot, number in acted.items() if number > 1)
    listed = {
        row.login for reading in trial.farm.readings if reading.delivered <= trial.selected_at for row in reading.rows
    }
    for act in trial.farm.acts:
        if act.met is not None and act.met not in listed:
            seen["met by nobody's fault"] += 1
            if act.met.begun < act.sent - LONGEST_PROOF:
                yield f"act {act.number} met {act.met}, who had come long before"
    seen["acted on"] += len(acted)
    seen["replaced"] += sum(told.outcome == "replaced" and told.spot not in acted for told in trial.told)
