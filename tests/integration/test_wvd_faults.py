# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors, resets, limits and reused ids on the way: the wrong user is never touched, and what happened is told."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible
from tests.lab.client import Lab

pytestmark = pytest.mark.newest_core

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
ALICE = "avd-0.contoso.com/2"
BOB = "avd-0.contoso.com/3"


def owners(lab: Lab) -> list[str]:
    """Owners of the sessions that were disconnected, at that moment."""
    return [
        entry["owner"]["user"] for entry in lab.audit() if entry["verb"] == "disconnect" and entry["effect"] == "done"
    ]


def acts(lab: Lab) -> list[Any]:
    return [one for one in lab.requests() if one["operation"] == "disconnect"]


@pytest.mark.parametrize(
    ("fault", "when"),
    [
        ({"kind": "status", "status": 503}, "after"),
        ({"kind": "status", "status": 500, "retry_after": 1}, "before"),
        ({"kind": "reset"}, "before"),
        ({"kind": "reset"}, "after"),
    ],
)
def test_unclear_answers_are_settled_by_a_new_list(
    lab: Lab, ansible: Ansible, fault: dict[str, Any], when: str
) -> None:
    lab.add_fault(operation="disconnect", when=when, times=1, **fault)
    finished = ansible.disconnect(**POOL, user=["alice", "bob"])
    assert finished.status == 0, finished.output
    assert finished.task.outcomes == {ALICE: "disconnected", BOB: "disconnected"}
    assert sorted(owners(lab)) == ["alice@contoso.com", "bob@contoso.com"]
    assert len(acts(lab)) == (3 if when == "before" else 2)


@pytest.mark.parametrize(
    ("kind", "when"), [({"kind": "status", "status": 503}, "after"), ({"kind": "reset"}, "before")]
)
def test_id_that_was_reused_behind_an_unclear_answer(
    lab: Lab, ansible: Ansible, kind: dict[str, Any], when: str
) -> None:
    then = {"give_id_to": "mallory@contoso.com"}
    lab.add_fault(operation="disconnect", host="avd-0.contoso.com", id=2, when=when, times=1, then=then, **kind)
    finished = ansible.disconnect(**POOL, user=["alice", "bob"])
    assert "mallory@contoso.com" not in owners(lab)
    assert finished.task.outcomes[BOB] == "disconnected"
    assert finished.task.outcomes[ALICE] == "disconnected"
    assert (
        len([one for one in acts(lab) if one["path"].endswith("/usersessions/2/disconnect") or "/2/" in one["path"]])
        == 1
    )


def test_id_that_was_reused_between_list_and_act(lab: Lab, ansible: Ansible) -> None:
    """A list that is proven to be fresh is all that the service offers; an older one is read again."""
    lab.add_fault(
        operation="list",
        when="after",
        kind="slow",
        seconds=6,
        times=1,
        then={"give_id_to": "x@contoso.com"},
        host="avd-0.contoso.com",
        id=2,
    )
    finished = ansible.disconnect(**POOL, user=["alice", "bob"])
    assert finished.task.outcomes == {ALICE: "replaced", BOB: "disconnected"}
    assert owners(lab) == ["bob@contoso.com"]


def test_every_act_follows_a_list_at_most_five_seconds_old(lab: Lab, ansible: Ansible) -> None:
    lab.add_fault(operation="list", when="after", kind="slow", seconds=6, times=1)
    lab.options(latency_ms=20)
    finished = ansible.disconnect(**POOL, all_sessions=True)
    assert finished.status == 0, finished.output
    log = lab.requests()
    for act in acts(lab):
        lists = [one["time"] for one in log if one["operation"].startswith("list") and one["time"] <= act["time"]]
        assert lists
        assert act["time"] - max(lists) <= 5.0


def test_errors_without_end_fail_that_session_only(lab: Lab, ansible: Ansible) -> None:
    lab.add_fault(operation="disconnect", host="avd-0.contoso.com", id=2, when="before", kind="status", status=503)
    started = time.monotonic()
    finished = ansible.disconnect(**POOL, user=["alice", "bob"], wait_timeout=5, pass_thru=True)
    assert finished.status != 0
    assert finished.task.outcomes == {ALICE: "failed", BOB: "disconnected"}
    assert finished.task.result["changed"] is True
    assert finished.task.result["pass_thru"] is False
    assert "503" in finished.task.message
    assert time.monotonic() - started < 20
    assert owners(lab) == ["bob@contoso.com"]


@pytest.mark.waits_long
def test_hanging_act_does_not_hold_up_the_others(lab: Lab, ansible: Ansible) -> None:
    lab.add_fault(operation="disconnect", host="avd-0.contoso.com", id=2, when="before", kind="hang", times=1)
    started = time.monotonic()
    finished = ansible.disconnect(**POOL, all_sessions=True, wait_timeout=50)
    assert finished.status == 0, finished.output
    assert finished.task.outcomes[ALICE] == "disconnected"
    assert 30 <= time.monotonic() - started < 50
    fast = [row["seconds"] for row in finished.task.result["sessions"] if row["outcome"] == "disconnected"]
    assert sorted(fast)[-2] < 10


def test_session_that_stays_is_still_there(lab: Lab, ansible: Ansible) -> None:
    lab.change(pool="pool-01", host="avd-0.contoso.com", id=2, stuck=True)
    finished = ansible.disconnect(**POOL, user=["alice", "bob"], wait_timeout=4)
    assert finished.status != 0
    assert finished.task.outcomes == {ALICE: "still_there", BOB: "disconnected"}
    assert "alice@contoso.com" in finished.task.message
    assert len(acts(lab)) == 2


def test_effect_that_comes_later_is_waited_for(lab: Lab, ansible: Ansible) -> None:
    lab.options(effect_delay_seconds=3)
    finished = ansible.disconnect(**POOL, user="alice")
    assert finished.task.outcomes == {ALICE: "disconnected"}
    assert finished.task.result["sessions"][0]["seconds"] >= 3
    assert len(acts(lab)) == 1


def test_not_found_counts_only_when_a_list_agrees(lab: Lab, ansible: Ansible) -> None:
    lab.add_fault(operation="disconnect", when="before", kind="status", status=404, times=1)
    assert ansible.disconnect(**POOL, user="alice").task.outcomes == {ALICE: "disconnected"}
    lab.reset()
    lab.add_fault(operation="disconnect", when="after", kind="status", status=404, times=1, then={"logoff": True})
    finished = ansible.disconnect(**POOL, user="alice")
    assert finished.task.outcomes == {ALICE: "already_gone"}
    assert finished.task.result["changed"] is False


def test_lists_that_fail_for_a_while_are_read_again(lab: Lab, ansible: Ansible) -> None:
    lab.add_fault(operation="list", when="before", kind="status", status=503, times=1)
    lab.add_fault(operation="list", when="before", kind="reset", times=2)
    assert ansible.disconnect(**POOL, user="alice").task.outcomes == {ALICE: "disconnected"}


def test_act_is_never_redirected_or_used_to_register_a_provider(lab: Lab, ansible: Ansible) -> None:
    body = '{"error": {"code": "MissingSubscriptionRegistration", "message": "not registered"}}'
    lab.add_fault(operation="disconnect", when="before", kind="status", status=409, body=body)
    finished = ansible.disconnect(**POOL, user="alice")
    assert finished.task.outcomes == {ALICE: "failed"}
    assert "not registered" in finished.task.message
    assert len(acts(lab)) == 1
    assert not any("/register" in one["path"] for one in lab.requests())


def test_budget_of_writes_costs_time_and_nothing_else(lab: Lab, ansible: Ansible) -> None:
    pool = {"name": "pool-01", "service": "wvd", "resource_group": "rg-avd"}
    lab.reset(farm={"pools": [{**pool, "generate": {"hosts": 3, "sessions_per_host": 40}}]})
    lab.options(buckets={"writes": {"size": 20, "refill_per_second": 10}})
    finished = ansible.disconnect(**POOL, all_sessions=True, wait_timeout=3)
    assert finished.status == 0, finished.output
    assert set(finished.task.outcomes.values()) <= {"disconnected", "already_disconnected"}
    assert len(owners(lab)) == len(set(finished.task.outcomes)) - list(finished.task.outcomes.values()).count(
        "already_disconnected"
    )


def test_refusals_for_now_are_repeated_as_long_as_it_takes(lab: Lab, ansible: Ansible) -> None:
    lab.add_fault(operation="disconnect", when="before", kind="status", status=429, retry_after=2, times=3)
    finished = ansible.disconnect(**POOL, user=["alice", "bob"], wait_timeout=1)
    assert finished.status == 0, finished.output
    assert finished.task.outcomes == {ALICE: "disconnected", BOB: "disconnected"}
    assert sorted(owners(lab)) == ["alice@contoso.com", "bob@contoso.com"]


def test_session_without_a_user_is_refused(lab: Lab, ansible: Ansible) -> None:
    lab.change(pool="pool-01", host="avd-0.contoso.com", id=2, user="", ad_user_name="")
    finished = ansible.disconnect(**POOL, all_sessions=True, session_host_name="avd-0.contoso.com")
    assert finished.status != 0
    assert finished.task.outcomes[ALICE] == "refused"
    assert finished.task.outcomes[BOB] == "disconnected"
    assert owners(lab) == ["bob@contoso.com"]


# Lists of several pages


HOST = "avd-0.contoso.com"


def sliding(*names: str) -> dict[str, Any]:
    """Pools of three users on one host, in the order in which they are listed."""
    sessions = [{"id": id_, "user": f"{user}@contoso.com"} for id_, user in enumerate("abc", start=2)]
    pool = {"service": "wvd", "resource_group": "rg-avd", "hosts": [{"name": HOST, "sessions": sessions}]}
    return {"pools": [{**pool, "name": name} for name in names]}


def test_session_that_slides_to_a_page_that_was_read_is_not_gone(lab: Lab, ansible: Ansible) -> None:
    """The first user leaves before the second page is read, so that the third user's row is on neither."""
    lab.reset(farm=sliding("selected", "named", "acted-on", "restless"))
    lab.options(page_size=2, skip_token="count")
    leaves = {"when": "before", "kind": "pass", "skip": 1, "times": 1, "host": HOST, "id": 2, "then": {"remove": True}}
    for pool in ("selected", "named"):
        lab.add_fault(operation="list", pool=pool, **leaves)
    lab.add_fault(operation="disconnect", pool="acted-on", when="before", kind="status", status=503, times=1)
    lab.add_fault(operation="list_on_host", pool="acted-on", **leaves)
    arrives = {**leaves, "times": 0, "then": {"add_session": "late@contoso.com"}}
    lab.add_fault(operation="list", pool="restless", **arrives)

    group = {"resource_group_name": "rg-avd"}
    finished = ansible.play(
        {"name": "selected", MODULE: {**group, "host_pool_name": "selected", "user": "c"}},
        {"name": "named", MODULE: {**group, "host_pool_name": "named", "session_host_name": HOST.upper(), "id": 4}},
        {"name": "acted-on", MODULE: {**group, "host_pool_name": "acted-on", "user": "c"}},
        {"name": "restless", INFO: {**group, "host_pool_name": "restless"}},
    )

    assert finished.status == 0, finished.output
    *ends, listed = finished.tasks
    assert [task.outcomes for task in ends] == [{f"{HOST}/4": "disconnected"}] * 3
    assert [task.result["changed"] for task in ends] == [True] * 3
    assert not any("warnings" in task.result for task in ends)
    done = [(entry["pool"], entry["owner"]["user"]) for entry in lab.audit() if entry["verb"] == "disconnect"]
    assert done == [(pool, "c@contoso.com") for pool in ("selected", "named", "acted-on")]
    assert [row["user_principal_name"] for row in listed.result["sessions"]][:3] == [
        f"{user}@contoso.com" for user in "abc"
    ]
    [warning] = listed.result["warnings"]
    assert "host pool restless" in warning
