# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's token buckets: per subscription, principal and kind of operation, and 15 times as much for all principals."""

from __future__ import annotations

import dataclasses
import math
import time

from ..options import ARM_BUCKETS, Options
from .errors import throttled

KIND_OF_METHOD = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
GLOBAL_FACTOR = 15
HOST_LISTS = 10
QUERIES = 15
QUERY_WINDOW = 5.0  # seconds


@dataclasses.dataclass
class _Bucket:
    tokens: float
    at: float  # time.monotonic()

    def refill(self, size: float, per_second: float, now: float) -> None:
        self.tokens = min(size, self.tokens + (now - self.at) * per_second)
        self.at = now


class Buckets:
    """What is left, by (subscription, principal, kind). Used from the door's thread only."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._left: dict[tuple[str, str, str], _Bucket] = {}
        self._host_lists: dict[str, list[float]] = {}
        self._queries: dict[str, list[float]] = {}

    def clear(self) -> None:
        self._left.clear()
        self._host_lists.clear()
        self._queries.clear()

    def spend(self, method: str, subscription: str, principal: str) -> dict[str, str]:
        """Take a token; the headers that tell what is left. Raises RefusedError (429) on an empty bucket."""
        kind = KIND_OF_METHOD.get(method, "writes")
        limit = self._options.buckets.get(kind)
        if limit is None:  # no limit, which shows as a bucket that is always full
            full = int(ARM_BUCKETS[kind]["size"])
            return _headers(kind, full - 1, full * GLOBAL_FACTOR - 1)
        now = time.monotonic()
        left = []
        for who, factor in ((principal, 1), ("", GLOBAL_FACTOR)):
            size = limit["size"] * factor
            bucket = self._left.setdefault((subscription, who, kind), _Bucket(size, now))
            bucket.refill(size, limit["refill_per_second"] * factor, now)
            if bucket.tokens < 1:
                rate = limit["refill_per_second"] * factor
                wait = max(1, math.ceil((1 - bucket.tokens) / rate)) if rate else 3600
                raise throttled(kind.removesuffix("s"), subscription, principal, wait, self._options.retry_after)
            left.append(bucket)
        for bucket in left:
            bucket.tokens -= 1
        return _headers(kind, int(left[0].tokens), int(left[1].tokens))

    def spend_host_list(self, subscription: str, pool: str) -> dict[str, str]:
        """The provider's own limit on lists of hosts. Raises RefusedError when it is used up."""
        scope = subscription if self._options.host_list_limit == "subscription" else pool
        now, window = time.monotonic(), self._options.host_list_seconds
        recent = [moment for moment in self._host_lists.get(scope, []) if moment > now - window]
        if len(recent) >= HOST_LISTS and self._options.host_list_limit != "none":
            wait = math.ceil(recent[0] + window - now)
            raise throttled("read", scope, "", wait, self._options.retry_after)
        self._host_lists[scope] = [*recent, now]
        reset = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + window))
        left = max(0, HOST_LISTS - len(recent) - 1)
        return {"X-Rate-Limit-Limit": "5m", "X-Rate-Limit-Remaining": str(left), "X-Rate-Limit-Reset": reset}

    def spend_query(self, principal: str) -> dict[str, str]:
        """Azure Resource Graph's quota of a principal. Raises RefusedError when it is used up."""
        now = time.monotonic()
        recent = [moment for moment in self._queries.get(principal, []) if moment > now - QUERY_WINDOW]
        if len(recent) >= QUERIES:
            wait = math.ceil(recent[0] + QUERY_WINDOW - now)
            raise throttled("query", "", principal, wait, self._options.retry_after)
        self._queries[principal] = recent = [*recent, now]
        resets = math.ceil(recent[0] + QUERY_WINDOW - now)
        return {
            "x-ms-user-quota-remaining": str(QUERIES - len(recent)),
            "x-ms-user-quota-resets-after": f"00:00:{resets:02d}",
        }


def _headers(kind: str, left: int, left_global: int) -> dict[str, str]:
    return {
        f"x-ms-ratelimit-remaining-subscription-{kind}": str(left),
        f"x-ms-ratelimit-remaining-subscription-global-{kind}": str(left_global),
    }
