# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How session hosts of Azure Virtual Desktop appear in an inventory: names, groups and variables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._sessions.errors import SelectionError
from .._sessions.session import fold
from .wvd_host_list import ListedHosts, Row
from .wvd_names import POOL_FIELDS, HostPool

ALL = "wvd_session_hosts"
"""Group of all hosts."""
SHORT, FULL = "name", "full"
"""Names of the groups of host pools: by their name alone, or with subscription and resource group."""
NOT_IN_GROUPS = re.compile(r"[^a-z0-9_]")


@dataclass(slots=True)
class Inventory:
    """What becomes of a listing."""

    groups: list[str] = field(default_factory=list)
    """All groups, also those without hosts, so that a play on one of them is no mistake."""
    hosts: list[InventoryHost] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class InventoryHost:
    """A host of an inventory."""

    name: str
    groups: tuple[str, ...]
    variables: Mapping[str, Any]


def make_inventory(listed: ListedHosts, pool_groups: str = SHORT) -> Inventory:
    """Make an inventory; `pool_groups` says how groups of host pools are named.

    Raises SelectionError when two host pools would share a group.
    """
    places = {_place(row): {name: row[name] for name in POOL_FIELDS} for row in listed.pools}
    groups = _name_pool_groups(listed.pools, pool_groups)
    made = Inventory([ALL, *groups.values(), "wvd_drained", "wvd_open", "wvd_pooled", "wvd_personal"])
    names, made.warnings = _name_hosts(listed.hosts)
    for name, row in zip(names, listed.hosts, strict=True):
        place = _place(row)
        variables = {"wvd_session_host_name": row["name"], "wvd_place": dict(places[place]), "wvd_session_host": row}
        if name != row["name"]:
            variables["ansible_host"] = row["name"]
        kinds = (
            f"wvd_status_{_group(row['status'] or 'unknown')}",
            "wvd_open" if row["allow_new_session"] else "wvd_drained",
            f"wvd_{_group(row['host_pool_type'])}",
        )
        made.hosts.append(InventoryHost(name, (ALL, groups[place], *kinds), variables))
    return made


def _place(row: Row) -> str:
    return HostPool(*(row[name] for name in POOL_FIELDS)).place


def _group(text: str) -> str:
    """Write a text so that it can be part of a group's name."""
    return NOT_IN_GROUPS.sub("_", fold(text))


def _name_pool_groups(pools: Sequence[Row], form: str) -> dict[str, str]:
    """Name the group of each host pool, by its place."""
    fields = POOL_FIELDS if form == FULL else POOL_FIELDS[-1:]
    names = {_place(row): "_".join(("wvd_pool", *(_group(row[name]) for name in fields))) for row in pools}
    owners: dict[str, Row] = {}
    for row in pools:
        other = owners.setdefault(names[_place(row)], row)
        if other is not row:
            advice = "Set pool_groups to full" if form == SHORT else "List them in two inventories"
            raise SelectionError(
                f"The host pools {_describe(other)} and {_describe(row)} would share the group {names[_place(row)]}, "
                f"and a play on it would reach both. {advice}."
            )
    return names


def _describe(row: Row) -> str:
    return "/".join(str(row[name]) for name in POOL_FIELDS)


def _name_hosts(rows: Sequence[Row]) -> tuple[list[str], list[str]]:
    """Name the hosts of an inventory, and warn of those whose name another host pool has, too.

    These get the host pool added, and if need be its resource group and subscription: one host of the inventory would
    be that of the last pool only.
    """
    same: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        same[fold(row["name"])].append(row)
    names, warnings = [], []
    for row in rows:
        others = same[fold(row["name"])]
        if len(others) == 1:
            names.append(str(row["name"]))
            continue
        name_in = next(one for one in _FORMS if len({fold(one(other)) for other in others}) == len(others))
        names.append(name_in(row))
        if row is others[0]:
            found = " and ".join(_describe(other) for other in others)
            shown = ", ".join(name_in(other) for other in others)
            warnings.append(f"The session host {row['name']} is in the host pools {found}: the inventory has {shown}.")
    return names, warnings


_FORMS: tuple[Callable[[Row], str], ...] = (
    lambda row: f"{row['name']}@{row['host_pool_name']}",
    lambda row: f"{row['name']}@{row['host_pool_name']}@{row['resource_group_name']}",
    lambda row: f"{row['name']}@{row['host_pool_name']}@{row['resource_group_name']}@{row['subscription_id']}",
)
