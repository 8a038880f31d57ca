# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, groups and variables of session hosts in an inventory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_host_list import ListedHosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_inventory import (
    Inventory,
    make_inventory,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError


def pool(name: str = "Pool-01", group: str = "rg", subscription: str = "sub", kind: str = "Pooled") -> dict[str, str]:
    return {
        "subscription_id": subscription,
        "resource_group_name": group,
        "host_pool_name": name,
        "host_pool_type": kind,
    }


def host(name: str = "avd-0.contoso.com", where: dict[str, str] | None = None, **fields: Any) -> dict[str, Any]:
    return {**(where or pool()), "name": name, "allow_new_session": True, "status": "Available", **fields}


def made(*hosts: dict[str, Any], pools: list[dict[str, str]] | None = None, **options: Any) -> Inventory:
    return make_inventory(ListedHosts(pools or [pool()], list(hosts)), **options)


def test_host_has_its_name_its_place_and_its_row() -> None:
    row = host(sessions=3)
    [one] = made(row).hosts
    assert one.name == "avd-0.contoso.com"
    assert one.variables == {
        "wvd_session_host_name": "avd-0.contoso.com",
        "wvd_place": {"subscription_id": "sub", "resource_group_name": "rg", "host_pool_name": "Pool-01"},
        "wvd_session_host": row,
    }


@pytest.mark.parametrize(
    ("row", "groups"),
    [
        (host(), {"wvd_status_available", "wvd_open", "wvd_pooled"}),
        (
            host(status="NeedsAssistance", allow_new_session=False),
            {"wvd_status_needsassistance", "wvd_drained", "wvd_pooled"},
        ),
        (host(status="", where=pool(kind="Personal")), {"wvd_status_unknown", "wvd_open", "wvd_personal"}),
    ],
)
def test_host_is_in_the_groups_of_its_pool_and_its_states(row: dict[str, Any], groups: set[str]) -> None:
    [one] = made(row).hosts
    assert set(one.groups) == {"wvd_session_hosts", "wvd_pool_pool_01", *groups}
    assert len(set(one.groups)) == len(one.groups)


def test_groups_are_there_without_hosts_too() -> None:
    assert set(made(pools=[pool(), pool("b")]).groups) == {
        "wvd_session_hosts",
        "wvd_pool_pool_01",
        "wvd_pool_b",
        "wvd_drained",
        "wvd_open",
        "wvd_pooled",
        "wvd_personal",
    }


@pytest.mark.parametrize("other", [pool(group="rg-2"), pool("POOL_01"), pool(subscription="sub-2")])
def test_two_host_pools_never_share_a_group(other: dict[str, str]) -> None:
    with pytest.raises(
        SelectionError, match=r"sub/rg/Pool-01 and .* would share the group wvd_pool_pool_01.*Set pool_groups"
    ):
        made(pools=[pool(), other])


def test_full_names_of_groups_tell_more_host_pools_apart() -> None:
    pools = [pool(), pool(group="rg-2"), pool(subscription="sub-2")]
    groups = made(pools=pools, pool_groups="full").groups
    assert {"wvd_pool_sub_rg_pool_01", "wvd_pool_sub_rg_2_pool_01", "wvd_pool_sub_2_rg_pool_01"} <= set(groups)
    with pytest.raises(SelectionError, match="in two inventories"):
        made(pools=[pool("a-b"), pool("a_b")], pool_groups="full")


@pytest.mark.parametrize(
    ("places", "names"),
    [
        ([pool("a"), pool("b")], ["x@a", "X@b"]),
        ([pool("a"), pool("A", group="rg-2")], ["x@a@rg", "X@A@rg-2"]),
        ([pool("a"), pool("a", subscription="s2")], ["x@a@rg@sub", "X@a@rg@s2"]),
    ],
)
def test_name_that_two_host_pools_list_stands_for_neither_alone(places: list[dict[str, str]], names: list[str]) -> None:
    inventory = made(host("x", places[0]), host("y", places[0]), host("X", places[1]), pools=places, pool_groups="full")
    assert [one.name for one in inventory.hosts] == [names[0], "y", names[1]]
    assert [one.variables.get("ansible_host") for one in inventory.hosts] == ["x", None, "X"]
    assert [one.variables["wvd_session_host_name"] for one in inventory.hosts] == ["x", "y", "X"]
    assert [one.variables["wvd_place"]["host_pool_name"] for one in inventory.hosts] == [
        places[0]["host_pool_name"],
        places[0]["host_pool_name"],
        places[1]["host_pool_name"],
    ]
    [warning] = inventory.warnings
    assert f"the inventory has {names[0]}, {names[1]}" in warning
