# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign: whatever happens on the farm, nobody else is ended and nothing untrue is told.

CAMPAIGN_RUNS says how many runs are played, CAMPAIGN_SEED repeats them. A run that fails is shrunk and told as a story.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.campaign.adapter.running import run
from tests.campaign.extent import RUNS, SEED
from tests.campaign.judge import judge
from tests.campaign.schedule import TAPE, read_tape
from tests.campaign.story import tell


@seed(SEED)
@settings(
    max_examples=RUNS,
    database=None,
    deadline=None,
    derandomize=False,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
@given(st.binary(min_size=TAPE, max_size=TAPE))
def test_nothing_untrue_is_told_and_nobody_else_is_ended(tape: bytes) -> None:
    trial = run(read_tape(tape))
    wrongs = judge(trial)
    assert not wrongs, f"CAMPAIGN_SEED={SEED} CAMPAIGN_RUNS={RUNS}\n{tell(trial, wrongs)}"
