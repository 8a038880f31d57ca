# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old the list may be that proves that a session is still the one that was selected.

Ids are reused, and what happens while a list is being read no list can show. So the time that a list takes is not in
anybody's hand, and a service that takes long for it would never be acted on if it counted. What counts is the shortest
list of the run: a list that takes longer than that has waited for something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

PROOF_SECONDS = 5.0
"""An act is sent at most so long after a list that took no time was begun."""
LONGEST_PROOF = 30.0
"""An act is never sent later than this after the list that proves it was begun, however long lists take."""
RENEW_BEFORE = 2.0
"""A proof is renewed in the background so long before it is too old, while the acts that it still covers go out."""


@dataclass(slots=True)
class ProofAge:
    """How old a proof may be in this run. All times are in seconds."""

    shortest: float = math.inf
    """How long the shortest list of the run took, from when it was asked for until it had been read."""

    def took(self, seconds: float) -> None:
        """Take note that a list took so long."""
        self.shortest = min(self.shortest, seconds)

    def have_read(self, begun: Iterable[float], now: float) -> None:
        """Take note of rows that have been read, each by when its list was begun: the newest list took no longer."""
        newest = max(begun, default=-math.inf)
        self.took(now - newest)

    @property
    def longest(self) -> float:
        """How long after its list was begun a row is proof."""
        return min(LONGEST_PROOF, PROOF_SECONDS + self.shortest)

    @property
    def renewed(self) -> float:
        """How long after its list was begun a row is to be read again."""
        return self.longest - RENEW_BEFORE
