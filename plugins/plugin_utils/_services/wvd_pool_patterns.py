# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host pools of Azure Virtual Desktop an inventory is made of: named ones, and those that patterns find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .._sessions.errors import SelectionError
from .._sessions.session import fold
from .wvd_names import POOL_FIELDS, HostPool

ALIASES = {"resource_group": "resource_group_name"}
WILDCARDS = frozenset("*?[")
"""Characters of patterns. No resource group and no host pool has one in its name."""
ANY = "*"


@dataclass(frozen=True, slots=True)
class PoolPattern:
    """Host pools that are meant. The subscription is empty when it is the sign-in's; the others may be patterns."""

    subscription: str = ""
    resource_group: str = ANY
    name: str = ANY

    @property
    def names_one(self) -> bool:
        """Tell whether it names one host pool, which need not be looked for."""
        return WILDCARDS.isdisjoint(self.resource_group + self.name)

    @property
    def names_group(self) -> bool:
        """Tell whether it names one resource group."""
        return WILDCARDS.isdisjoint(self.resource_group)

    def fits(self, pool: HostPool) -> bool:
        """Tell whether a host pool of the subscription is meant. Azure compares names without case."""
        return fnmatchcase(fold(pool.resource_group), fold(self.resource_group)) and fnmatchcase(
            fold(pool.name), fold(self.name)
        )

    def __str__(self) -> str:
        where = f" of subscription {self.subscription}" if self.subscription else ""
        return f"host pool {self.name} in resource group {self.resource_group}{where}"


def read_patterns(value: object) -> tuple[PoolPattern, ...]:
    """Read the option `host_pools`; `None`, that it is not given, means all of the subscription.

    Raises SelectionError.
    """
    if value is None:
        return (PoolPattern(),)
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise SelectionError(
            "host_pools must be a list of mappings with resource_group_name and host_pool_name. An empty one never "
            "means all: leave the option out for all host pools of the subscription."
        )
    return tuple(_read(item, f"host_pools[{number}]") for number, item in enumerate(value))


def _read(item: object, label: str) -> PoolPattern:
    if not isinstance(item, Mapping):
        raise SelectionError(f"{label} must be a mapping with resource_group_name and host_pool_name; it is {item!r}.")
    fields: dict[str, str] = {}
    for key, value in item.items():
        name = ALIASES.get(key, key)
        if name not in POOL_FIELDS:
            raise SelectionError(f"{label} has {key}, which is none of {', '.join(POOL_FIELDS)}.")
        if name in fields:
            raise SelectionError(f"{label} has {name} twice, under two names: give only one of them.")
        if not isinstance(value, str) or not value.strip():
            raise SelectionError(f"{label} says {key} {value!r}: it must be a name or a pattern. Leave it out for all.")
        fields[name] = value.strip()
    if not fields:
        raise SelectionError(f"{label} is empty, which never means all.")
    subscription = fields.get("subscription_id", "")
    if not WILDCARDS.isdisjoint(subscription):
        raise SelectionError(f"{label} says subscription_id {subscription!r}: it must be one subscription's id.")
    return PoolPattern(subscription, fields.get("resource_group_name", ANY), fields.get("host_pool_name", ANY))
