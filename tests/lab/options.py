# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the lab that may be set at the start and changed while it runs."""

from __future__ import annotations

import dataclasses
import math
import typing

KINDS = ("reads", "writes", "deletes")
ARM_BUCKETS: dict[str, dict[str, float]] = {
    "reads": {"size": 250, "refill_per_second": 25},
    "writes": {"size": 200, "refill_per_second": 10},
    "deletes": {"size": 200, "refill_per_second": 10},
}


class OptionError(ValueError):
    """An option that is none, or a value it cannot have."""


@dataclasses.dataclass
class Options:
    """Each field is an option of the command line (`--latency-ms 50`) and of the control API."""

    latency_ms: float = 0.0
    """Milliseconds before each answer of the ARM door."""
    effect_delay_seconds: float = 0.0
    """A verb answers now and takes effect later."""
    list_lag_seconds: float = 0.0
    """Lists show the sessions as they were then."""
    page_size: int = 1000
    """Rows on a page, and the most that a client gets by asking for more."""
    skip_token: str = "place"
    """What the token of the next page names: the place of the last row shown (place), so that changes between two pages
    hide no row, or how many rows were shown (count), so that rows slide to pages that were read already."""
    buckets: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    """Token buckets: {"writes": {"size": 200, "refill_per_second": 10}}, or "arm" for ARM's own; absent: no limit."""
    retry_after: bool = True
    """Whether a 429 of a bucket carries Retry-After."""
    host_list_limit: str = "pool"
    """Of what more than 10 lists of hosts in 5 minutes are refused: each pool's, each subscription's, or never (none).
    Azure's own scope is not documented."""
    host_list_seconds: float = 300.0
    """Those 5 minutes."""
    token_lifetime_seconds: int = 3599
    certificate: str = "good"
    """What TLS shows: good, expired, or unknown (issued by another CA)."""
    wrong_case_list: str = "echo"
    """List on a host in the wrong case: echo (the caller's casing in the rows) or empty."""
    ignore_filter: bool = False
    """Lists ignore $filter."""
    create_time: str = "mixed"
    """Form of create times: short (2 fraction digits and Z), long (7 digits and Z), bare (6 digits, no Z) or mixed."""
    audiences: list[str] = dataclasses.field(default_factory=list)
    """Audiences in the lab's own metadata, and the only ones its own address takes; empty: the public cloud's and
    the lab's own address."""

    def update(self, changes: typing.Mapping[str, typing.Any]) -> None:
        """Set some options, all or none. Raises OptionError."""
        fresh = {name: _checked(name, value) for name, value in changes.items()}
        for name, value in fresh.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, typing.Any]:
        return dataclasses.asdict(self)


CHOICES = {
    "certificate": ("good", "expired", "unknown"),
    "host_list_limit": ("pool", "subscription", "none"),
    "wrong_case_list": ("echo", "empty"),
    "skip_token": ("place", "count"),
    "create_time": ("mixed", "short", "long", "bare"),
}
_DEFAULTS = Options()


def _checked(name: str, value: typing.Any) -> typing.Any:
    if not hasattr(_DEFAULTS, name) or name in ("update", "as_dict"):
        raise OptionError(f"no option {name}; there are {', '.join(_DEFAULTS.as_dict())}")
    default = getattr(_DEFAULTS, name)
    if name in CHOICES and value not in CHOICES[name]:
        raise OptionError(f"{name} is one of {', '.join(CHOICES[name])}, not {value!r}")
    if name == "buckets":
        return _buckets(value)
    if isinstance(default, bool) or isinstance(value, bool):
        fits = isinstance(default, bool) and isinstance(value, bool)
    elif isinstance(default, (int, float)):
        fits = isinstance(value, (int, float)) and math.isfinite(value) and value >= (name == "page_size")
    else:
        fits = isinstance(value, type(default))
    if not fits:
        raise OptionError(f"{name} cannot be {value!r}")
    return type(default)(value)


def _buckets(value: typing.Any) -> dict[str, dict[str, float]]:
    if value == "arm":
        return {kind: dict(bucket) for kind, bucket in ARM_BUCKETS.items()}
    buckets = value or {}
    for kind, bucket in buckets.items():
        if kind not in KINDS or set(bucket) != {"size", "refill_per_second"}:
            raise OptionError(
                'buckets look like {"writes": {"size": 200, "refill_per_second": 10}}; kinds: ' + str(KINDS)
            )
    return {kind: {key: float(number) for key, number in bucket.items()} for kind, bucket in buckets.items()}
