# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages and filters of lists, with sessions coming and going between two pages."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab
from tests.unit.lab.arm_clients import PLACE, Arm, error_of, sdk

Client = DesktopVirtualizationMgmtClient
BIG = {"pools": [{"name": "pool-01", "generate": {"hosts": 5, "sessions_per_host": 21}}]}


def names(client: Client, **options: Any) -> list[str]:
    return [str(one.name) for one in client.user_sessions.list_by_host_pool(*PLACE, **options)]


@pytest.mark.parametrize(("size", "pages"), [(1000, 1), (105, 1), (104, 2), (10, 11)])
def test_sdk_follows_pages(lab: Lab, client: Client, size: int, pages: int) -> None:
    lab.reset(BIG)
    whole = names(client)
    lab.forget_requests()
    lab.options(page_size=size)
    assert names(client) == whole
    assert len(set(whole)) == 105
    assert len(lab.requests()) == pages


def test_what_the_caller_asks_of_pages(lab: Lab, client: Client) -> None:
    lab.reset(BIG)
    whole = names(client)
    lab.forget_requests()
    assert names(client, page_size=50) == whole
    assert len(lab.requests()) == 3
    assert names(client, page_size=50, is_descending=True) == whole[::-1]
    assert names(client, page_size=40, initial_skip=25) == whole[25:]
    assert names(client, initial_skip=500) == []


def test_hosts_and_sessions_of_a_host_have_pages_too(lab: Lab, client: Client) -> None:
    lab.reset(BIG)
    lab.options(page_size=2)
    assert len(list(client.session_hosts.list(*PLACE))) == 5
    assert len({one.name for one in client.user_sessions.list(*PLACE, "host-0001.contoso.com")}) == 21


def test_changes_between_pages_neither_hide_nor_double_others(lab: Lab, client: Client) -> None:
    lab.reset(BIG)
    lab.options(page_size=10)
    whole = names(client)
    sessions: Any = client.user_sessions.list_by_host_pool(*PLACE)
    pages = sessions.by_page()
    seen = [str(one.name) for one in next(pages)]
    for name in (*seen[:3], whole[50]):
        _pool, host, number = name.split("/")
        lab.remove(pool="pool-01", host=host, id=int(number))
    lab.add_session(pool="pool-01", host="host-0000.contoso.com", user="late@contoso.com", id=90)
    seen += [str(one.name) for page in pages for one in page]
    assert Counter(seen) == Counter({*whole, "pool-01/host-0000.contoso.com/90"} - {whole[50]})


def test_rows_slide_when_the_token_counts_them(lab: Lab, client: Client) -> None:
    lab.reset(BIG)
    whole = names(client)
    lab.options(page_size=10, skip_token="count")
    assert names(client) == whole
    sessions: Any = client.user_sessions.list_by_host_pool(*PLACE)
    pages = sessions.by_page()
    seen = [str(one.name) for one in next(pages)]
    for name in seen[:3]:
        _pool, host, number = name.split("/")
        lab.remove(pool="pool-01", host=host, id=int(number))
    seen += [str(one.name) for page in pages for one in page]
    assert seen == whole[:10] + whole[13:]


def test_next_link_is_opaque_and_keeps_the_query(lab: Lab, arm: Arm) -> None:
    parameters = {"pageSize": "3", "$filter": "sessionstate eq 'Active'", "isDescending": "false"}
    page = arm.send("GET", "/userSessions", params=parameters).json()
    link = page["nextLink"]
    assert link.startswith(f"{arm.base}/subscriptions/")
    assert "$skiptoken=" in link
    for part in ("api-version=2024-04-03", "pageSize=3", "isDescending=false", "$filter=sessionstate"):
        assert part in link
    second = arm.send("GET", "/userSessions", params={"$skiptoken": link.rpartition("$skiptoken=")[2]})
    assert second.status_code == 200
    assert error_of(arm.send("GET", "/userSessions", params={"$skiptoken": "nonsense"}))[0] == 400
    assert error_of(arm.send("GET", "/userSessions", params={"pageSize": "-1"}))[0] == 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("userprincipalname eq 'alice@contoso.com'", {"avd-0.contoso.com/2"}),
        ("UserPrincipalName eq 'ALICE@contoso.com'", {"avd-0.contoso.com/2"}),
        ("sessionstate eq 'Pending'", {"AVD-1.contoso.com/7"}),
        ("userprincipalname eq 'alice@contoso.com' and sessionstate eq 'Active'", {"avd-0.contoso.com/2"}),
        ("userprincipalname eq 'alice@contoso.com' and sessionstate eq 'Pending'", set()),
        ("userprincipalname eq 'o''brien@contoso.com'", set()),
    ],
)
def test_filter(client: Client, text: str, expected: set[str]) -> None:
    assert {name.removeprefix("pool-01/") for name in names(client, filter=text)} == expected


def test_filter_that_is_refused_or_ignored(lab: Lab, arm: Arm, client: Client) -> None:
    for text in ("state eq 'Active'", "userprincipalname like 'a'", "sessionstate eq 'Active' or true"):
        assert error_of(arm.send("GET", "/userSessions", params={"$filter": text}))[0] == 400
    lab.options(ignore_filter=True)
    assert len(names(client, filter="sessionstate eq 'Pending'")) == 9


def test_fifty_thousand_sessions(lab: Lab, arm: Arm) -> None:
    lab.reset({"pools": [{"name": "pool-01", "generate": {"hosts": 500, "sessions_per_host": 100}}]})
    started = time.monotonic()
    rows = 0
    parameters: dict[str, str] = {}
    while True:
        page = arm.send("GET", "/userSessions", params=parameters).json()
        rows += len(page["value"])
        if not page["nextLink"]:
            break
        parameters = {"$skiptoken": page["nextLink"].rpartition("$skiptoken=")[2].replace("%3D", "=")}
    assert rows == 50_000
    assert len(lab.requests()) == 50
    assert time.monotonic() - started < 10


def test_two_api_versions_list_the_same(lab: Lab, client: Client) -> None:
    with sdk(lab, api_version="2025-10-10") as newer:
        assert names(newer) == names(client)
