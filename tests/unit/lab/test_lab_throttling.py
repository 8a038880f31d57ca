# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Token buckets: headers, 429, and who shares what."""

from __future__ import annotations

import time

import pytest
import requests
from azure.core.exceptions import HttpResponseError
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab
from tests.unit.lab.arm_clients import ALICE, GRAPH, HOST, OBJECTS, PLACE, SESSION_HOSTS, Arm, error_of, sdk

LEFT = "x-ms-ratelimit-remaining-subscription"
DISCONNECT = f"/sessionHosts/{HOST}/userSessions/2/disconnect"


def test_buckets_are_told_in_headers(lab: Lab, arm: Arm) -> None:
    lab.options(buckets="arm")
    assert arm.send("GET", "").headers[f"{LEFT}-reads"] == "249"
    first = arm.send("POST", DISCONNECT).headers
    assert (first[f"{LEFT}-writes"], first[f"{LEFT}-global-writes"]) == ("199", "2999")
    deleted = arm.send("DELETE", f"/sessionHosts/{HOST}/userSessions/2").headers
    assert (deleted[f"{LEFT}-deletes"], deleted[f"{LEFT}-global-deletes"]) == ("199", "2999")
    assert f"{LEFT}-writes" not in deleted


def test_without_limits_a_full_bucket_is_shown(arm: Arm) -> None:
    assert {arm.send("POST", DISCONNECT).headers[f"{LEFT}-writes"] for _ in range(5)} == {"199"}


def test_empty_bucket(lab: Lab, arm: Arm) -> None:
    lab.options(buckets={"writes": {"size": 3, "refill_per_second": 0.5}})
    answers = [arm.send("POST", DISCONNECT) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers.get(f"{LEFT}-writes") for answer in answers] == ["2", "1", "0", None]
    status, code, message = error_of(answers[3])
    assert (status, code) == (429, "SubscriptionRequestsThrottled")
    assert "Number of 'write' requests for subscription" in message
    assert answers[3].headers["Retry-After"] == "2"
    assert len(lab.audit()) == 3
    assert arm.send("GET", "").status_code == 200


def test_bucket_refills(lab: Lab, arm: Arm) -> None:
    lab.options(buckets={"writes": {"size": 1, "refill_per_second": 10}})
    assert [arm.send("POST", DISCONNECT).status_code for _ in range(2)] == [200, 429]
    time.sleep(0.12)
    assert [arm.send("POST", DISCONNECT).status_code for _ in range(2)] == [200, 429]


def test_each_principal_has_its_own_bucket(lab: Lab, arm: Arm) -> None:
    lab.options(buckets={"writes": {"size": 1, "refill_per_second": 0}})
    assert [arm.send("POST", DISCONNECT).status_code for _ in range(2)] == [200, 429]
    arm.token = lab.access_token("session_operator")
    assert arm.send("POST", DISCONNECT).status_code == 200


def test_429_without_retry_after(lab: Lab, client: DesktopVirtualizationMgmtClient, arm: Arm) -> None:
    lab.options(buckets={"writes": {"size": 0, "refill_per_second": 1}}, retry_after=False)
    with pytest.raises(HttpResponseError) as raised:
        client.user_sessions.disconnect(*ALICE)
    assert raised.value.status_code == 429
    assert "Retry-After" not in arm.send("POST", DISCONNECT).headers


def test_sdk_waits_for_retry_after(lab: Lab) -> None:
    lab.options(buckets={"writes": {"size": 1, "refill_per_second": 2}})
    started = time.monotonic()
    with sdk(lab, retry_total=3) as client:
        for _ in range(2):
            client.user_sessions.disconnect(*ALICE)
    statuses = [entry["status"] for entry in lab.requests() if entry["operation"] == "disconnect"]
    assert statuses == [200, 429, 200]
    assert time.monotonic() - started >= 1


def test_reset_fills_buckets_and_takes_options_back(lab: Lab, arm: Arm) -> None:
    lab.options(buckets={"writes": {"size": 1, "refill_per_second": 0}}, latency_ms=1, page_size=5)
    assert [arm.send("POST", DISCONNECT).status_code for _ in range(2)] == [200, 429]
    lab.reset()
    options = lab.options()
    assert (options["buckets"], options["latency_ms"], options["page_size"]) == ({}, 0, 1000)
    lab.options(buckets={"writes": {"size": 1, "refill_per_second": 0}})
    assert arm.send("POST", DISCONNECT).status_code == 200


def test_list_of_hosts_has_a_limit_of_its_own(lab: Lab, arm: Arm) -> None:
    def left(answer: requests.Response) -> tuple[str, str]:
        return answer.headers["X-Rate-Limit-Limit"], answer.headers["X-Rate-Limit-Remaining"]

    assert left(arm.send("GET", "/sessionHosts")) == ("5m", "9")
    assert "X-Rate-Limit-Limit" not in arm.send("GET", "/userSessions").headers
    for _ in range(9):
        assert arm.send("GET", "/sessionHosts").status_code == 200
    answer = arm.send("GET", "/sessionHosts")
    assert answer.status_code == 429
    assert 290 <= int(answer.headers["Retry-After"]) <= 300
    other = f"{arm.pool.removesuffix('pool-01')}pool-02/sessionHosts"
    assert left(arm.send("GET", other, pool=False)) == ("5m", "9")
    assert arm.send("GET", f"/sessionHosts/{HOST}").status_code == 200
    lab.options(host_list_limit="none")
    assert arm.send("GET", "/sessionHosts").status_code == 200


def test_limit_on_lists_of_hosts_may_be_the_subscriptions(lab: Lab, arm: Arm) -> None:
    lab.options(host_list_limit="subscription")
    pools = [f"{arm.pool.removesuffix('pool-01')}{name}/sessionHosts" for name in ("pool-01", "pool-02")]
    answers = [arm.send("GET", pools[number % 2], pool=False) for number in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]


def test_resource_graph_has_a_quota_of_its_own(arm: Arm) -> None:
    query = {
        "subscriptions": [arm.lab.environment["AZURE_SUBSCRIPTION_ID"]],
        "query": SESSION_HOSTS,
        "options": OBJECTS,
    }
    answers = [arm.send("POST", GRAPH, pool=False, json=query) for _ in range(16)]
    assert [answer.status_code for answer in answers] == [200] * 15 + [429]
    assert [answer.headers["x-ms-user-quota-remaining"] for answer in answers[:15]] == [str(14 - n) for n in range(15)]
    assert answers[0].headers["x-ms-user-quota-resets-after"] == "00:00:05"
    assert 1 <= int(answers[15].headers["Retry-After"]) <= 5


def test_latency(lab: Lab, client: DesktopVirtualizationMgmtClient) -> None:
    list(client.user_sessions.list_by_host_pool(*PLACE))
    lab.options(latency_ms=80)
    started = time.monotonic()
    list(client.user_sessions.list_by_host_pool(*PLACE))
    assert time.monotonic() - started >= 0.08
    assert lab.requests()[-1]["seconds"] >= 0.08
