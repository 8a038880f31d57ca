# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's limit on lists of session hosts: about ten in five minutes. Of a pool or of more, is not documented."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .pacing import FIRST_PENALTY, LONGEST_PENALTY

NEWS_SECONDS = 5.0
"""A pause that ends so much later than the one that was told of is told of again."""


class ListLimit:
    """Says when the hosts of a pool may be listed. Safe to use from many threads. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, float] = {}
        self._refusals: dict[str, int] = {}
        self._told_until = 0.0

    def refused(self, pool: str, retry_after: float | None) -> None:
        """Note a refusal; `retry_after` are the seconds that the service asks to wait, if any."""
        with self._lock:
            self._refusals[pool] = count = self._refusals.get(pool, 0) + 1
            penalty = min(LONGEST_PENALTY, FIRST_PENALTY * 2 ** (count - 1))
            self._until[pool] = self._clock() + (retry_after or penalty)

    def listed(self, pool: str) -> None:
        """Note that the pool's list came."""
        with self._lock:
            self._until.pop(pool, None)
            self._refusals.pop(pool, None)

    def pause(self, pool: str) -> float:
        """Return for how many seconds the pool should not be listed.

        When other pools were refused too, the limit is more than one pool's, and each further list would only be
        refused as well.
        """
        with self._lock:
            now = self._clock()
            blocked = [until for until in self._until.values() if until > now]
            own = self._until.get(pool, now)
            return max(0.0, (max(blocked) if len(blocked) > 1 else own) - now)

    def is_news(self, seconds: float) -> bool:
        """Tell whether nobody has been told of a pause that lasts so long from now."""
        with self._lock:
            until = self._clock() + seconds
            if until < self._told_until + NEWS_SECONDS:
                return False
            self._told_until = until
            return True
