# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old the list may have been that proves whom an act is about, by the lists that there had been until then.

Only what the product can have known counts. A list that is on its way is known to nobody, however short it was; of the
lists from which was selected it sees when they were begun, and all of them at once when the last has come; and what
shows no rows does not say when it was begun. The script on the host reads its lists itself and knows at once how long
each took, also of those before, unless its output was lost.
"""

from __future__ import annotations

import math
from bisect import bisect

from tests.campaign.farm import Act, Reading
from tests.campaign.kind import Transport
from tests.campaign.trial import Trial

AFTER_SHORTEST = 5.0
"""Seconds that a proof lasts besides the time of the shortest list."""
MOST = 30.0
"""Seconds that a proof lasts at most."""
FIRST = 5.0
"""Seconds after which a list from which was selected is too old to be a proof, when the last of them has come."""


class ProofAges:
    """Says how old the proofs of the acts of a run may have been."""

    def __init__(self, trial: Trial) -> None:
        self._farm = trial.farm
        self._on_host = trial.schedule.kind.transport is Transport.SCRIPT
        self._selected_at = trial.selected_at
        shown = [one for one in trial.farm.readings if one.delivered < math.inf and one.rows]
        first = [one for one in shown if one.delivered <= trial.selected_at]
        if self._on_host:
            self._known = [(one.delivered, one.delivered - one.begun, one) for one in shown]
        else:
            later = [one for one in shown if one not in first]
            self._known = [(one.taken, one.taken - one.begun, one) for one in later]
            newest = max(first, key=lambda one: one.begun, default=None)
            if newest is not None:
                self._known.append((trial.selected_at, trial.selected_at - newest.begun, newest))

    def most(self, act: Act) -> float:
        """Return how many seconds before the act its proof may have been begun."""
        at = act.sent if self._on_host else act.asked
        shortest = min(
            (seconds for known_at, seconds, one in self._known if known_at <= at and self._is_told(one, act)),
            default=math.inf,
        )
        return min(MOST, AFTER_SHORTEST + shortest)

    def is_slow_first(self, begun: float) -> bool:
        """Tell whether a list begun then was one of the first, and too old when was selected."""
        return begun < self._selected_at - FIRST

    def _is_told(self, reading: Reading, act: Act) -> bool:
        """Tell whether anybody knows how long a list took by which the script went."""
        batch = bisect(self._farm.batches, reading.begun) - 1
        return batch not in self._farm.lost_batches or batch == act.batch
