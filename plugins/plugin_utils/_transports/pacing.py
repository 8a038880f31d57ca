# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep within a token bucket that is seen only through the service's answers."""

from __future__ import annotations

import threading
from collections.abc import Callable

FIRST_PENALTY = 1.0
LONGEST_PENALTY = 60.0
"""Seconds to wait after a refusal that does not say how long; doubled each time in between."""


class Pacing:
    """Says when the next request may go out. Safe to use from many threads.

    Between answers the bucket is taken to refill at the documented rate, `refill_per_second` requests; each answer's
    count corrects that. `clock` counts seconds.
    """

    def __init__(self, refill_per_second: float, clock: Callable[[], float]) -> None:
        self._rate = refill_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._in_flight = 0
        self._tokens: float | None = None
        self._counted_at = 0.0
        self._blocked_until = 0.0
        self._refusals = 0

    def begin(self) -> None:
        """Note that a request goes out."""
        with self._lock:
            self._in_flight += 1
            if self._tokens is not None:
                self._tokens = self._now_tokens() - 1.0
                self._counted_at = self._clock()

    def reserve(self) -> float:
        """Note that a request is going to go out, and return in how many seconds it should.

        Of many callers at the same time each gets a time of its own.
        """
        self.begin()
        with self._lock:
            blocked = max(0.0, self._blocked_until - self._clock())
            return blocked if self._tokens is None else max(blocked, -self._now_tokens() / self._rate)

    def end(self) -> None:
        """Note that a request has ended, however it did."""
        with self._lock:
            self._in_flight -= 1

    def remaining(self, count: int) -> None:
        """Note how many requests the service said are left, while this one's answer was being read."""
        with self._lock:
            self._refusals = 0
            left = float(count - (self._in_flight - 1))
            alone = self._in_flight == 1
            self._tokens = left if self._tokens is None or alone else min(self._now_tokens(), left)
            self._counted_at = self._clock()

    def refused(self, retry_after: float | None) -> None:
        """Note that the bucket was empty for a request; `retry_after` are the seconds that the service asks to wait."""
        with self._lock:
            now = self._clock()
            if now >= self._blocked_until:  # one refusal, however many requests in flight it met
                self._refusals += 1
            penalty = min(LONGEST_PENALTY, FIRST_PENALTY * 2 ** (self._refusals - 1))
            self._blocked_until = max(self._blocked_until, now + (penalty if retry_after is None else retry_after))
            self._tokens, self._counted_at = 0.0, now

    def pause(self) -> float:
        """Return for how many seconds no request should go out."""
        with self._lock:
            blocked = self._blocked_until - self._clock()
            if self._tokens is None:
                return max(0.0, blocked)
            return max(0.0, blocked, (1.0 - self._now_tokens()) / self._rate)

    def _now_tokens(self) -> float:
        return (self._tokens or 0.0) + (self._clock() - self._counted_at) * self._rate
