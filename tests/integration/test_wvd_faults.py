# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors, resets, limits and reused ids on the way: the wrong user is never touched, and what happened is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible
from tests.integration.scenarios import Scenario, call, reset
from tests.lab import definition
from tests.lab.client import Lab

pytestmark = [pytest.mark.newest_core, pytest.mark.waits_long]

GROUP = {"resource_group_name": "rg-avd"}
HOST = "avd-0.contoso.com"
ALICE = f"{HOST}/2"
BOB = f"{HOST}/3"
BOTH = {ALICE: "disconnected", BOB: "disconnected"}
EVERYBODY = {
    **BOTH,
    f"{HOST}/4": "already_disconnected",
    "AVD-1.contoso.com/2": "disconnected",
    "AVD-1.contoso.com/3": "already_disconnected",
    "AVD-1.contoso.com/7": "disconnected",
    "avd-2.contoso.com/2": "disconnected",
    "avd-2.contoso.com/5": "already_disconnected",
    "avd-2.contoso.com/9": "disconnected",
}
ACTIVE = ["alice", "bob", "dave", "frank", "grace", "ivan"]
ON_ALICE = {"host": HOST, "id": 2}
TO_MALLORY = {"then": {"give_id_to": "mallory@contoso.com"}}
OLD_LIST = {"operation": "list", "when": "after", "kind": "slow", "seconds": 6, "times": 1}
"""Shows what there was 6 seconds ago."""


@dataclass(frozen=True)
class Case:
    """What goes wrong in a host pool, a task there, and what becomes of it."""

    faults: Sequence[Mapping[str, Any]] = ()
    """Of the act, if they name no other operation."""
    options: Mapping[str, Any] = field(default_factory=lambda: {"user": ["alice", "bob"]})
    outcomes: Mapping[str, str] = field(default_factory=lambda: BOTH)
    owners: Sequence[str] = ("alice", "bob")
    """Whose sessions the lab saw disconnected."""
    acts: int | None = None
    """How often Azure was asked to disconnect, if that is asked."""
    says: str = ""
    alice: Mapping[str, Any] = field(default_factory=dict)
    """How her session differs."""


JUST_ALICE: dict[str, Any] = {"options": {"user": "alice"}, "outcomes": {ALICE: "disconnected"}, "owners": ["alice"]}

CASES = {
    # An unclear answer is settled by a new list.
    "status-after": Case([{"when": "after", "kind": "status", "status": 503, "times": 1}], acts=2),
    "status-before": Case([{"when": "before", "kind": "status", "status": 500, "retry_after": 1, "times": 1}], acts=3),
    "reset-before": Case([{"when": "before", "kind": "reset", "times": 1}], acts=3),
    "reset-after": Case([{"when": "after", "kind": "reset", "times": 1}], acts=2),
    # An id that was reused behind one, and between the list and the act.
    "reused-after": Case(
        [{**ON_ALICE, "when": "after", "kind": "status", "status": 503, "times": 1, **TO_MALLORY}], acts=2
    ),
    "reused-before": Case(
        [{**ON_ALICE, "when": "before", "kind": "reset", "times": 1, **TO_MALLORY}], owners=["bob"], acts=2
    ),
    "reused-since-the-list": Case(
        [{**ON_ALICE, **OLD_LIST, **TO_MALLORY}], outcomes={ALICE: "replaced", BOB: "disconnected"}, owners=["bob"]
    ),
    "old-list": Case([OLD_LIST], {"all_sessions": True}, EVERYBODY, ACTIVE),
    "errors-without-end": Case(
        [{**ON_ALICE, "when": "before", "kind": "status", "status": 503}],
        {"user": ["alice", "bob"], "wait_timeout": 5, "pass_thru": True},
        {ALICE: "failed", BOB: "disconnected"},
        owners=["bob"],
        says="503",
    ),
    "hanging": Case(
        [{**ON_ALICE, "when": "before", "kind": "hang", "times": 1}],
        {"all_sessions": True, "wait_timeout": 50},
        EVERYBODY,
        ACTIVE,
    ),
    "stuck": Case(
        alice={"stuck": True},
        options={"user": ["alice", "bob"], "wait_timeout": 4},
        outcomes={ALICE: "still_there", BOB: "disconnected"},
        owners=["bob"],
        acts=2,
        says="alice@contoso.com",
    ),
    # Not found counts only when a list agrees.
    "not-found": Case([{"when": "before", "kind": "status", "status": 404, "times": 1}], **JUST_ALICE),
    "not-found-any-more": Case(
        [{"when": "after", "kind": "status", "status": 404, "times": 1, "then": {"logoff": True}}],
        **{**JUST_ALICE, "outcomes": {ALICE: "already_gone"}},
    ),
    "no-list-for-a-while": Case(
        [
            {"operation": "list", "when": "before", "kind": "status", "status": 503, "times": 1},
            {"operation": "list", "when": "before", "kind": "reset", "times": 2},
        ],
        **JUST_ALICE,
    ),
    "provider-not-registered": Case(
        [
            {
                "when": "before",
                "kind": "status",
                "status": 409,
                "body": '{"error": {"code": "MissingSubscriptionRegistration", "message": "not registered"}}',
            }
        ],
        **{**JUST_ALICE, "outcomes": {ALICE: "failed"}, "owners": []},
        acts=1,
        says="not registered",
    ),
    # A refusal for now is repeated as long as it takes.
    "refused-for-now": Case(
        [{"when": "before", "kind": "status", "status": 429, "retry_after": 2, "times": 3}],
        {"user": ["alice", "bob"], "wait_timeout": 1},
    ),
    "no-user": Case(
        alice={"user": "", "ad_user_name": ""},
        options={"all_sessions": True, "session_host_name": HOST},
        outcomes={ALICE: "refused", BOB: "disconnected", f"{HOST}/4": "already_disconnected"},
        owners=["bob"],
    ),
}
FAILURES = {"failed", "still_there", "refused"}


def test_host_pools_in_which_something_goes_wrong(lab: Lab, ansible: Ansible, subtests: pytest.Subtests) -> None:
    """All at the same time, as most of them wait."""
    (alike,) = (pool for pool in definition.read()["pools"] if pool["name"] == "pool-01")
    lab.reset(farm={"pools": [{**alike, "name": name} for name in CASES]})
    lab.options(latency_ms=20)
    for pool, case in CASES.items():
        for rule in case.faults:
            lab.add_fault(pool=pool, **{"operation": "disconnect", **rule})
        if case.alice:
            lab.change(pool=pool, **ON_ALICE, **case.alice)

    ran = ansible.side_by_side(
        MODULE, {pool: {**GROUP, "host_pool_name": pool, **case.options} for pool, case in CASES.items()}
    )

    audit, requests = lab.audit(), lab.requests()
    for pool, case in CASES.items():
        task = ran[pool]
        acts = acts_of(requests, pool)
        with subtests.test(pool):
            assert task.outcomes == case.outcomes, task
            assert task.status == ("failed" if FAILURES & set(case.outcomes.values()) else "ok"), task
            assert task.result["changed"] is ("disconnected" in case.outcomes.values())
            assert case.says in task.message
            assert owners(audit, pool) == list(case.owners)
            assert case.acts is None or len(acts) == case.acts
    with subtests.test("every act follows a list that is at most five seconds old"):
        for act in acts_of(requests, "old-list"):
            lists = [
                one["time"]
                for one in requests
                if one["operation"].startswith("list") and "/old-list/" in one["path"] and one["time"] <= act["time"]
            ]
            assert lists
            assert act["time"] - max(lists) <= 5.0
    with subtests.test("errors without end take no longer than the wait"):
        assert ran["errors-without-end"].seconds < 20
        assert ran["errors-without-end"].result["pass_thru"] is False
    with subtests.test("an act that hangs does not hold up the others"):
        assert 30 <= ran["hanging"].seconds < 50
        seconds = [row["seconds"] for row in ran["hanging"].result["sessions"] if row["outcome"] == "disconnected"]
        assert sorted(seconds)[-2] < 10
    with subtests.test("no act is used to register a provider"):
        assert not any("/register" in one["path"] for one in requests)


def acts_of(requests: Sequence[Mapping[str, Any]], pool: str) -> list[Mapping[str, Any]]:
    """Requests that disconnect in the pool."""
    return [one for one in requests if one["operation"] == "disconnect" and f"/{pool}/" in one["path"]]


def owners(audit: Sequence[Mapping[str, Any]], pool: str) -> list[str]:
    """Owners of the sessions that were disconnected in the pool, at that moment; sorted."""
    return sorted(
        entry["owner"]["user"].partition("@")[0]
        for entry in audit
        if entry["pool"] == pool and entry["verb"] == "disconnect" and entry["effect"] == "done"
    )


SLIDING = ("selected", "named", "acted-on", "restless")


def disconnect(pool: str, **options: Any) -> dict[str, Any]:
    """A task that disconnects in the pool."""
    return {"name": "disconnect", MODULE: {**GROUP, "host_pool_name": pool, **options}}


def sliding(*names: str) -> dict[str, Any]:
    """Pools of three users on one host, in the order in which they are listed."""
    sessions = [{"id": id_, "user": f"{user}@contoso.com"} for id_, user in enumerate("abc", start=2)]
    pool = {"service": "wvd", "resource_group": "rg-avd", "hosts": [{"name": HOST, "sessions": sessions}]}
    return {"pools": [{**pool, "name": name} for name in names]}


def faults_of_sliding_lists() -> list[dict[str, Any]]:
    """The first user leaves before the second page is read, so that the third user's row is on neither."""
    leaves = {"when": "before", "kind": "pass", "skip": 1, "times": 1, "host": HOST, "id": 2, "then": {"remove": True}}
    arrives = {**leaves, "times": 0, "then": {"add_session": "late@contoso.com"}}
    unclear = {"when": "before", "kind": "status", "status": 503, "times": 1}
    rules = [
        *({"operation": "list", "pool": pool, **leaves} for pool in ("selected", "named")),
        {"operation": "disconnect", "pool": "acted-on", **unclear},
        {"operation": "list_on_host", "pool": "acted-on", **leaves},
        {"operation": "list", "pool": "restless", **arrives},
    ]
    return [call("faults", rule) for rule in rules]


def test_late_effects_a_budget_and_lists_of_several_pages(lab: Lab, ansible: Ansible) -> None:
    """A session that slides to a page that was read is not gone."""
    generated = {"service": "wvd", "resource_group": "rg-avd", "generate": {"hosts": 3, "sessions_per_host": 40}}
    late, budget, slides = ansible.scenarios(
        Scenario(
            "an effect that comes later is waited for",
            [call("options", {"effect_delay_seconds": 3}), disconnect("pool-01", user="alice")],
        ),
        Scenario(
            "a budget of writes costs time and nothing else",
            [
                reset({"pools": [{**generated, "name": "pool-01"}]}),
                call("options", {"buckets": {"writes": {"size": 20, "refill_per_second": 10}}}),
                disconnect("pool-01", all_sessions=True, wait_timeout=3),
            ],
        ),
        Scenario(
            "pages",
            [
                reset(sliding(*SLIDING)),
                call("options", {"page_size": 2, "skip_token": "count"}),
                *faults_of_sliding_lists(),
                disconnect("selected", user="c"),
                disconnect("named", session_host_name=HOST.upper(), id=4),
                disconnect("acted-on", user="c"),
                {"name": "list", INFO: {**GROUP, "host_pool_name": "restless"}},
            ],
        ),
        see=("audit", "requests"),
    )
    (done,) = late.all_ok(1)
    assert done.outcomes == {ALICE: "disconnected"}
    assert done.result["sessions"][0]["seconds"] >= 3
    assert len(acts_of(late.seen["end"]["requests"]["requests"], "pool-01")) == 1

    (all_done,) = budget.all_ok(1)
    ends = list(all_done.outcomes.values())
    assert set(ends) == {"disconnected", "already_disconnected"}
    assert len(owners(budget.seen["end"]["audit"], "pool-01")) == ends.count("disconnected")

    *three, listed = slides.all_ok(4)
    assert [one.outcomes for one in three] == [{f"{HOST}/4": "disconnected"}] * 3
    assert [one.result["changed"] for one in three] == [True] * 3
    assert not any("warnings" in one.result for one in three)
    audit = slides.seen["end"]["audit"]
    assert {pool: owners(audit, pool) for pool in SLIDING} == {
        "selected": ["c"],
        "named": ["c"],
        "acted-on": ["c"],
        "restless": [],
    }
    assert [row["user_principal_name"] for row in listed.result["sessions"]][:3] == [
        f"{user}@contoso.com" for user in "abc"
    ]
    [warning] = listed.result["warnings"]
    assert "host pool restless" in warning
