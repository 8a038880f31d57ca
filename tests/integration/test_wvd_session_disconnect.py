# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnecting through real Ansible processes: which sessions, and nobody else's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible, Finished
from tests.integration.scenarios import Scenario, call, reset, see, thrice
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
ALICE = "avd-0.contoso.com/2"
BOB = "avd-0.contoso.com/3"
DAVE = "AVD-1.contoso.com/2"
GRACE = "avd-2.contoso.com/2"
IDLE = {"session_host_name": "idle-0.contoso.com"}
NAMES = ("user_principal_name", "active_directory_user_name")
USERLESS = f"{{{{ one.sessions[0] | dict2items | rejectattr('key', 'in', {NAMES}) | items2dict }}}}"


def scenarios(ansible: Ansible, *scenarios: Scenario, **play: Any) -> list[Finished]:
    """Run each on a lab that is put back before it, all in one process."""
    return ansible.scenarios(*scenarios, see=("audit", "requests"), **play)


def disconnected(finished: Finished) -> list[str]:
    """Sessions that the lab saw disconnected, with their owners at that moment."""
    return sorted(
        f"{entry['host']}/{entry['id']} {entry['owner']['user']}"
        for entry in finished.seen["end"]["audit"]
        if entry["verb"] == "disconnect" and entry["effect"] == "done"
    )


def requests(finished: Finished, operation: str, when: str = "end") -> list[Any]:
    return [one for one in finished.seen[when]["requests"]["requests"] if one["operation"] == operation]


def agree(finished: Finished) -> dict[str, str]:
    """Expect of check, run and again that the first two say the same and the last does nothing; outcomes of the run."""
    check, run, again = finished.all_ok(3)
    assert check.result["changed"] == run.result["changed"]
    assert check.outcomes == run.outcomes
    assert check.result["summary"] == run.result["summary"]
    assert check.result["diff"] == run.result["diff"]
    assert again.result["changed"] is False
    assert "disconnected" not in again.outcomes.values()
    assert again.result["diff"] == {"before": "", "after": ""}
    return run.outcomes


def pool(**options: Any) -> dict[str, Any]:
    """A task that disconnects in the pool."""
    return {"name": "run", MODULE: {**POOL, **options}}


def generated(hosts: int, sessions_per_host: int) -> Mapping[str, Any]:
    """Let there be many sessions in the pool."""
    place = {"name": "pool-01", "service": "wvd", "resource_group": "rg-avd"}
    return reset({"pools": [{**place, "generate": {"hosts": hosts, "sessions_per_host": sessions_per_host}}]})


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"user": "alice@contoso.com"}, [ALICE]),
    ({"user": "ALICE@contoso.COM"}, [ALICE]),
    ({"user": ["alice", "CONTOSO\\bob"]}, [ALICE, BOB]),
    ({"users": "alice@contoso.com\nbob@contoso.com\n"}, [ALICE, BOB]),
    ({"session_state": "Active", "session_host_name": "avd-0.contoso.com"}, [ALICE, BOB]),
    ({"all_sessions": True, "session_host_name": "avd-0.contoso.com"}, [ALICE, BOB]),
    ({"all_sessions": True, "session_host_name": "avd-0.contoso.com", "exclude_user": "bob"}, [ALICE]),
    ({"exclude_user": "alice\ndave\nfrank\ngrace\nivan", "session_state": ["Active", "Pending", "LogOff"]}, [BOB]),
    ({"all_sessions": True, "minimum_age": "2h", "session_state": "Active"}, [ALICE]),
    ({"session_host_name": "avd-0.contoso.com", "id": [2, 3], "user": "bob@contoso.com"}, [BOB]),
]
FOR_REAL = [FILTERS[3], FILTERS[6], FILTERS[7], FILTERS[8]]
NOT_THERE: list[Any] = [77, "77", "99999999", ["77", "78"], "77\n78"]


def test_which_sessions(lab: Lab, ansible: Ansible) -> None:
    """One for real, what the others would do, and the way from a list to an end and beyond."""
    desktops = {"sessions": "{{ listed.sessions | selectattr('application_type', 'equalto', 'Desktop') }}"}
    host = {"session_host_name": "avd-0.contoso.com"}
    module_defaults = {"group/remotedesktop.sessions.wvd": POOL}
    one, check_mode, filters, pipeline, absent, defaults, far = scenarios(
        ansible,
        Scenario("one session", thrice(pool(**host, id=2))),
        Scenario("check mode", [pool(user="grace@contoso.com")], {"check_mode": True, "diff": True}),
        Scenario(
            "filters",
            [{**pool(**options), "name": repr(options)} for options, _expected in FILTERS],
            {"check_mode": True},
        ),
        Scenario(
            "pipeline",
            [
                {"name": "info", INFO: POOL, "register": "listed"},
                {"name": "check", MODULE: desktops, "check_mode": True},
                {"name": "run", MODULE: desktops, "register": "ended"},
                {"name": "again", MODULE: {"sessions": "{{ ended.sessions }}"}},
                {
                    "name": "none",
                    MODULE: {"sessions": "{{ listed.sessions | selectattr('id', 'equalto', 'x') | list }}"},
                },
            ],
        ),
        Scenario("not there", [pool(**host, pass_thru=True, id=id) for id in NOT_THERE]),
        Scenario("module defaults", [{MODULE: {"user": "alice@contoso.com"}}], {"module_defaults": module_defaults}),
        Scenario(
            "no connection to the host",
            [pool(user="bob")],
            {"hosts": "unreachable.invalid", "connection": "ssh"},
        ),
        inventory="localhost,unreachable.invalid,",
        hosts="localhost",
    )
    assert agree(one) == {ALICE: "disconnected"}
    assert disconnected(one) == [f"{ALICE} alice@contoso.com"]
    assert len(requests(one, "disconnect")) == 1
    assert check_mode.task.result["changed"] is True
    assert check_mode.task.outcomes == {GRACE: "disconnected"}
    assert f"-{GRACE} grace@contoso.com Active" in check_mode.output
    assert f"+{GRACE} grace@contoso.com Disconnected" in check_mode.output
    assert check_mode.seen["end"]["audit"] == []
    assert requests(check_mode, "disconnect") == []
    for task, (_options, expected) in zip(filters.all_ok(len(FILTERS)), FILTERS, strict=True):
        chosen = [name for name, outcome in task.outcomes.items() if outcome == "disconnected"]
        assert chosen == sorted(expected), task
    assert filters.seen["end"]["audit"] == []
    info, check, run, again, none = pipeline.all_ok(5)
    assert info.result["summary"] == {"Active": 4, "Disconnected": 3, "LogOff": 1, "Pending": 1}
    assert check.outcomes == run.outcomes
    assert {row["application_type"] for row in run.result["sessions"]} == {"Desktop"}
    assert run.result["changed"] is True
    assert again.result["changed"] is False
    assert none.result["changed"] is False
    assert none.result["sessions"] == []
    assert pipeline.seen["end"]["audit"]
    assert not any("RemoteApp" in json.dumps(entry) for entry in pipeline.seen["end"]["audit"])
    for task in absent.all_ok(len(NOT_THERE)):
        assert task.result["changed"] is False
        assert set(task.outcomes.values()) == {"already_gone"}
        assert task.result["pass_thru"] is True
    assert requests(absent, "disconnect") == []
    assert defaults.task.outcomes == {ALICE: "disconnected"}
    assert far.task.outcomes == {BOB: "disconnected"}, far.output


@pytest.mark.newest_core
def test_for_real(lab: Lab, ansible: Ansible) -> None:
    wrong_case, capitals, every, *filtered = scenarios(
        ansible,
        Scenario("host in the wrong case", thrice(pool(session_host_name="AVD-0.CONTOSO.com", user_session_id="2"))),
        Scenario("host listed with capitals", thrice(pool(session_host_name="avd-1.contoso.com", id=["2", 3]))),
        Scenario("all sessions of the pool and of no other", thrice(pool(all_sessions=True))),
        *(Scenario(repr(options), thrice(pool(**options))) for options, _expected in FOR_REAL),
    )
    assert agree(wrong_case) == {ALICE: "disconnected"}
    assert [one["status"] for one in requests(wrong_case, "disconnect")] == [200]
    assert agree(capitals) == {DAVE: "disconnected", "AVD-1.contoso.com/3": "already_disconnected"}
    outcomes = agree(every)
    assert len(outcomes) == 9
    assert {entry["pool"] for entry in every.seen["end"]["audit"]} == {"pool-01"}
    assert sum(outcome == "already_disconnected" for outcome in outcomes.values()) == 3
    for finished, (options, expected) in zip(filtered, FOR_REAL, strict=True):
        chosen = [name for name, outcome in agree(finished).items() if outcome == "disconnected"]
        assert chosen == sorted(expected), options
        assert [line.split()[0] for line in disconnected(finished)] == sorted(expected), options


@pytest.mark.newest_core
def test_rows(lab: Lab, ansible: Ansible) -> None:
    """Those of info, of two pools, of a session that was replaced since, and the forms of input_object."""
    alice = {"name": "alice", INFO: {**POOL, "user": "alice"}, "register": "one"}
    second = {**POOL, "host_pool_name": "pool-02"}
    identity = {"session_host_name": "avd-0.contoso.com", "user_session_id": 2}
    forms: list[Any] = [
        "{{ one.sessions[0].resource_id }}",
        {"id": "{{ one.sessions[0].resource_id }}"},
        {**POOL, **identity},
    ]
    info, two, replaced, objects = scenarios(
        ansible,
        Scenario(
            "info",
            [
                {"name": "host", INFO: {**POOL, "session_host_name": "avd-1.CONTOSO.com"}},
                {"name": "state", INFO: {**POOL, "session_state": "Disconnected"}, "check_mode": True},
                {"name": "empty", INFO: {**POOL, "host_pool_name": "pool-empty", **IDLE}},
            ],
        ),
        Scenario(
            "two pools",
            [
                alice,
                {"name": "two", INFO: {**second, "user": "alice"}, "register": "two"},
                {"name": "run", MODULE: {"sessions": "{{ one.sessions + two.sessions }}"}},
            ],
        ),
        Scenario(
            "replaced since the info",
            [
                alice,
                call(
                    "give_id", {"pool": "pool-01", "host": "avd-0.contoso.com", "id": 2, "user": "mallory@contoso.com"}
                ),
                see("audit", says="before"),
                {"name": "whole rows", MODULE: {"sessions": "{{ one.sessions }}"}},
                {"name": "rows without a user", MODULE: {"sessions": [USERLESS]}},
            ],
        ),
        Scenario(
            "input_object",
            [
                alice,
                *({"name": "check", MODULE: {"input_object": form}, "check_mode": True} for form in forms),
                {"name": "run", MODULE: {"input_object": forms[0]}},
            ],
        ),
    )
    host, state, empty = info.all_ok(3)
    assert [row["id"] for row in host.result["sessions"]] == ["2", "3", "7"]
    assert {row["session_host_name"] for row in host.result["sessions"]} == {"AVD-1.contoso.com"}
    assert state.result["summary"] == {"Disconnected": 3}
    assert empty.result["sessions"] == []
    assert all(task.result["changed"] is False for task in info.tasks)
    assert two.all_ok(3)[-1].outcomes == {ALICE: "disconnected", "dev-0.contoso.com/2": "disconnected"}
    assert {entry["pool"] for entry in two.seen["end"]["audit"]} == {"pool-01", "pool-02"}
    _alice, whole, userless = replaced.all_ok(3)
    assert whole.outcomes == {ALICE: "replaced"}
    assert whole.result["changed"] is False
    assert userless.outcomes == {ALICE: "replaced"}
    assert replaced.seen["end"]["audit"] == replaced.seen["before"]["audit"]
    assert [task.outcomes for task in objects.all_ok(5)[1:]] == [{ALICE: "disconnected"}] * 4
    assert disconnected(objects) == [f"{ALICE} alice@contoso.com"]


@pytest.mark.outer_cores
def test_ad_hoc(lab: Lab, ansible: Ansible) -> None:
    ad_hoc = ansible.run(
        "ansible", "localhost", "-m", MODULE, "-a", "resource_group=rg-avd host_pool_name=POOL-01 user=bob"
    )
    assert ad_hoc.task.outcomes == {BOB: "disconnected"}, ad_hoc.output


@pytest.mark.outer_cores
def test_many_sessions(lab: Lab, ansible: Ansible) -> None:
    paged, at_once = scenarios(
        ansible,
        Scenario(
            "pages are followed",
            [
                generated(20, 25),
                call("options", {"page_size": 30}),
                {"name": "info", INFO: POOL},
                see("requests", says="listed"),
                *thrice(pool(all_sessions=True)),
            ],
        ),
        Scenario(
            "they go out at once over few connections",
            [generated(4, 50), call("options", {"latency_ms": 50}), pool(all_sessions=True)],
        ),
    )
    listed, *three = paged.all_ok(4)
    assert len(listed.result["sessions"]) == 500
    assert len(requests(paged, "list", "listed")) == 2 * 17
    assert len(agree(replace(paged, tasks=three))) == 500
    assert len(disconnected(paged)) == listed.result["summary"]["Active"] + sum(
        count for state, count in listed.result["summary"].items() if state not in ("Active", "Disconnected")
    )
    at_once.all_ok(1)
    assert max(one["in_flight"] for one in requests(at_once, "disconnect")) >= 8
