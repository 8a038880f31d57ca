# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of many host pools: found, listed once each, and none at all when one host pool fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_host_list import (
    HostLister,
    ListedHosts,
    fingerprint,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_pool_patterns import (
    PoolPattern,
    read_patterns,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError

PROVIDER = "providers/Microsoft.DesktopVirtualization/hostpools"


def pool_id(subscription: str, group: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourcegroups/{group}/{PROVIDER}/{name}"


def host_row(subscription: str, group: str, name: str, host: str, **properties: Any) -> dict[str, Any]:
    identity = f"{pool_id(subscription, group, name)}/sessionhosts/{host}"
    return {"id": identity, "properties": {"allowNewSession": True, "status": "Available", **properties}}


class Azure:
    """A subscription in memory: its hosts by resource group and host pool; notes what is asked for."""

    def __init__(
        self, subscription: str, pools: dict[tuple[str, str], list[str]], personal: Sequence[str] = ()
    ) -> None:
        self.subscription, self.pools, self.personal = subscription, pools, personal
        self.asked: list[tuple[str, ...]] = []
        self.broken: dict[str, Exception] = {}
        self.closed = False

    def _row(self, group: str, name: str) -> dict[str, Any]:
        kind = "Personal" if name in self.personal else "Pooled"
        return {"id": pool_id(self.subscription, group, name), "properties": {"hostPoolType": kind}}

    def pool(self, group: str, name: str) -> dict[str, Any]:
        self.asked.append(("pool", group, name))
        found = [key for key in self.pools if [one.lower() for one in key] == [group.lower(), name.lower()]]
        if not found:
            raise ServiceError(f"Azure does not know {name}")
        return self._row(*found[0])

    def pool_pages(self, group: str = "") -> Iterator[tuple[list[Any], float]]:
        self.asked.append(("pools", group))
        for key in self.pools:
            if group.lower() in ("", key[0].lower()):
                yield [self._row(*key)], 0.0

    def host_pages(self, group: str, name: str, until: float, advice: str) -> Iterator[tuple[list[Any], float]]:
        assert (until, "resource_graph" in advice) == (99.0, True)
        self.asked.append(("hosts", group, name))
        if name in self.broken:
            raise self.broken[name]
        for host in self.pools[group, name]:
            yield [host_row(self.subscription, group, name, host)], 0.0

    def close(self) -> None:
        self.closed = True


def lister(*azures: Azure, own: str = "sub") -> HostLister:
    clients: dict[str, Any] = {azure.subscription.lower(): azure for azure in azures}
    return HostLister(clients.__getitem__, own, 99.0, threading.Event())


def listed(made: HostLister, value: Any = None, graph: Any = None) -> ListedHosts:
    try:
        return made.list_hosts(made.find_pools(read_patterns(value)), graph)
    finally:
        made.close()


def names(hosts: ListedHosts) -> list[str]:
    return [f"{row['host_pool_name']}/{row['name']}" for row in hosts.hosts]


def azure() -> Azure:
    pools = {("rg", "b"): ["2", "1", "1"], ("rg", "A"): [], ("Rg-Two", "c"): ["3"]}
    return Azure("Sub", pools, personal=["c"])


def test_all_hosts_are_sorted_and_shown_once_with_the_type_of_their_pool() -> None:
    one = azure()
    hosts = listed(lister(one))
    assert names(hosts) == ["c/3", "b/1", "b/2"]
    assert [row["host_pool_type"] for row in hosts.hosts] == ["Personal", "Pooled", "Pooled"]
    assert [row["host_pool_name"] for row in hosts.pools] == ["c", "A", "b"]
    assert hosts.hosts[0]["service"] == "wvd"
    assert "session_host_health_check_results" not in hosts.hosts[0]
    assert sorted(one.asked) == [("hosts", "Rg-Two", "c"), ("hosts", "rg", "A"), ("hosts", "rg", "b"), ("pools", "")]
    assert one.closed


def test_no_pool_is_asked_for_twice_whatever_names_it() -> None:
    one = azure()
    value = [
        {"resource_group": "rg", "host_pool_name": "B"},
        {"resource_group": "RG", "host_pool_name": "b", "subscription_id": "SUB"},
        {"resource_group": "rg"},
        {"resource_group": "RG", "host_pool_name": "[ab]"},
    ]
    assert names(listed(lister(one), value)) == ["b/1", "b/2"]
    assert sorted(one.asked) == [
        ("hosts", "rg", "A"),
        ("hosts", "rg", "b"),
        ("pool", "rg", "B"),
        ("pools", "rg"),
    ]


def test_pools_may_be_of_several_subscriptions() -> None:
    other = Azure("other", {("rg", "b"): ["9"]})
    hosts = listed(lister(azure(), other), [{"host_pool_name": "b"}, {"subscription_id": "OTHER"}])
    assert [(row["subscription_id"], row["name"]) for row in hosts.hosts] == [
        ("other", "9"),
        ("Sub", "1"),
        ("Sub", "2"),
    ]
    assert other.closed


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([{"host_pool_name": "b"}, {"host_pool_name": "x*"}], r"no host pool x\* in resource group \*.*It sees 3"),
        ([{"resource_group": "rg", "host_pool_name": "x"}], "Azure does not know x"),
        ([{"resource_group": "rg-3"}], "no host pool .* in resource group rg-3.*It sees 0"),
    ],
)
def test_entry_that_finds_nothing_is_an_error(value: Any, words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        listed(lister(azure()), value)


def test_subscription_without_any_host_pool_is_an_error() -> None:
    with pytest.raises(ServiceError, match="or the account may not read it"):
        listed(lister(Azure("sub", {})))


@pytest.mark.parametrize(
    ("error", "words"), [(ServiceError("no right"), "no right"), (ValueError("x"), "could not be listed")]
)
def test_one_pool_that_fails_fails_all_and_no_more_are_asked_for(error: Exception, words: str) -> None:
    one = Azure("sub", {("rg", f"pool-{number:03}"): ["1"] for number in range(300)})
    one.broken["pool-000"] = error
    made = lister(one)
    with pytest.raises(ServiceError, match=words):
        listed(made)
    asked = len(one.asked)
    made.close()
    assert one.closed
    threading.Event().wait(0.1)
    assert len(one.asked) - asked <= 16


@pytest.mark.parametrize(
    "row",
    [{}, {"id": "x", "properties": {"hostPoolType": "Pooled"}}, {"id": pool_id("s", "r", "p"), "properties": {}}, 5],
)
def test_answer_that_is_no_host_pool_is_an_error(row: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    one = azure()
    monkeypatch.setattr(one, "_row", lambda *_names: row)
    with pytest.raises(ServiceError, match="something else than a host pool"):
        listed(lister(one))


def test_resource_graph_counts_for_the_pools_that_are_meant_and_lists_fill_its_gaps() -> None:
    one = azure()
    graph = iter(
        [
            [host_row("SUB", "RG", "B", "g-2"), host_row("sub", "rg", "secret", "no")],
            [host_row("sub", "rg", "b", "g-1", allowNewSession=False), host_row("other", "rg", "b", "no")],
        ]
    )
    hosts = listed(lister(one), None, graph)
    assert names(hosts) == ["c/3", "b/g-1", "b/g-2"]
    assert [row["allow_new_session"] for row in hosts.hosts] == [True, False, True]
    assert [row["resource_group_name"] for row in hosts.hosts] == ["Rg-Two", "rg", "rg"]
    assert sorted(one.asked) == [("hosts", "Rg-Two", "c"), ("hosts", "rg", "A"), ("pools", "")]


@pytest.mark.parametrize(
    "row", [{"id": pool_id("sub", "rg", "b")}, host_row("sub", "rg", "b", "x", allowNewSession=None)]
)
def test_row_of_resource_graph_that_says_too_little_is_an_error(row: Any) -> None:
    with pytest.raises(ServiceError, match="something else than a session host"):
        listed(lister(azure()), None, iter([[row]]))


def test_fingerprint_tells_apart_what_would_be_listed_and_nothing_else() -> None:
    everything = (PoolPattern(),)
    base = fingerprint({"client_id": "me", "secret": "s"}, everything, "service", {})
    assert base == fingerprint({"secret": "t"}, everything, "service", {"AZURE_CLIENT_ID": "me"})
    others = {
        fingerprint({"client_id": "you"}, everything, "service", {}),
        fingerprint({"client_id": "me", "subscription_id": "x"}, everything, "service", {}),
        fingerprint({"client_id": "me"}, (PoolPattern(name="a"),), "service", {}),
        fingerprint({"client_id": "me"}, everything, "resource_graph", {}),
        fingerprint({"client_id": "me"}, everything, "service", {"AZURE_TENANT_ID": "t"}),
        fingerprint({"client_id": "me", "auth_source": "cli"}, everything, "service", {}),
        fingerprint({"client_id": "me"}, everything, "service", {"ANSIBLE_AZURE_AUTH_SOURCE": "msi"}),
    }
    assert len({base, *others}) == 8
