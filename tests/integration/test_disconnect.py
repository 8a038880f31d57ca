# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnecting through real Ansible processes: which sessions, and nobody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
ALICE = "avd-0.contoso.com/2"
BOB = "avd-0.contoso.com/3"
DAVE = "AVD-1.contoso.com/2"


def disconnected(lab: Lab) -> list[str]:
    """Sessions that the lab saw disconnected, with their owners at that moment."""
    return sorted(
        f"{entry['host']}/{entry['id']} {entry['owner']['user']}"
        for entry in lab.audit()
        if entry["verb"] == "disconnect" and entry["effect"] == "done"
    )


def requests(lab: Lab, operation: str = "") -> list[Any]:
    return [one for one in lab.requests() if operation in ("", one["operation"])]


def check_run_again(ansible: Ansible, **options: Any) -> dict[str, str]:
    """Run in check mode, then for real, then again; return the outcomes of the real run."""
    task = {MODULE: options, "diff": True}
    finished = ansible.play(
        {"name": "check", **task, "check_mode": True}, {"name": "run", **task}, {"name": "again", **task}
    )
    assert finished.status == 0, finished.output
    check, run, again = finished.tasks
    assert check.result["changed"] == run.result["changed"]
    assert check.outcomes == run.outcomes
    assert check.result["summary"] == run.result["summary"]
    assert check.result["diff"] == run.result["diff"]
    assert again.result["changed"] is False
    assert "disconnected" not in again.outcomes.values()
    assert again.result["diff"] == {"before": "", "after": ""}
    return run.outcomes


def test_one_session(lab: Lab, ansible: Ansible) -> None:
    outcomes = check_run_again(ansible, **POOL, session_host_name="avd-0.contoso.com", id=2)
    assert outcomes == {ALICE: "disconnected"}
    assert disconnected(lab) == [f"{ALICE} alice@contoso.com"]
    assert len(requests(lab, "disconnect")) == 1


def test_check_mode_ends_nothing_and_diff_shows_what_it_would(lab: Lab, ansible: Ansible) -> None:
    finished = ansible.disconnect("--check", "--diff", **POOL, user="alice@contoso.com")
    assert finished.task.result["changed"] is True
    assert finished.task.outcomes == {ALICE: "disconnected"}
    assert "-avd-0.contoso.com/2 alice@contoso.com Active" in finished.output
    assert "+avd-0.contoso.com/2 alice@contoso.com Disconnected" in finished.output
    assert lab.audit() == []
    assert requests(lab, "disconnect") == []


@pytest.mark.newest_core
def test_host_in_the_wrong_case_works_on_the_listed_name(lab: Lab, ansible: Ansible) -> None:
    options = {"session_host_name": "AVD-0.CONTOSO.com", "user_session_id": "2"}
    assert check_run_again(ansible, **POOL, **options) == {ALICE: "disconnected"}
    assert [one["status"] for one in requests(lab, "disconnect")] == [200]


@pytest.mark.newest_core
def test_host_listed_with_capitals(lab: Lab, ansible: Ansible) -> None:
    outcomes = check_run_again(ansible, **POOL, session_host_name="avd-1.contoso.com", id=["2", 3])
    assert outcomes == {DAVE: "disconnected", "AVD-1.contoso.com/3": "already_disconnected"}


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


def test_filters(lab: Lab, ansible: Ansible) -> None:
    """All in one process, in check mode, which predicts what is done for real below."""
    tasks = [{"name": repr(options), MODULE: {**POOL, **options}} for options, _expected in FILTERS]
    finished = ansible.play(*tasks, arguments=["--check"])
    assert finished.status == 0, finished.output
    for task, (_options, expected) in zip(finished.tasks, FILTERS, strict=True):
        chosen = [name for name, outcome in task.outcomes.items() if outcome == "disconnected"]
        assert chosen == sorted(expected), task
    assert lab.audit() == []


@pytest.mark.newest_core
@pytest.mark.parametrize(("options", "expected"), [FILTERS[3], FILTERS[6], FILTERS[7], FILTERS[8]])
def test_filters_for_real(lab: Lab, ansible: Ansible, options: dict[str, Any], expected: list[str]) -> None:
    outcomes = check_run_again(ansible, **POOL, **options)
    assert [name for name, outcome in outcomes.items() if outcome == "disconnected"] == sorted(expected)
    assert [line.split()[0] for line in disconnected(lab)] == sorted(expected)


@pytest.mark.newest_core
def test_all_sessions_of_the_pool_and_of_no_other(lab: Lab, ansible: Ansible) -> None:
    outcomes = check_run_again(ansible, **POOL, all_sessions=True)
    assert len(outcomes) == 9
    assert {entry["pool"] for entry in lab.audit()} == {"pool-01"}
    assert sum(outcome == "already_disconnected" for outcome in outcomes.values()) == 3


def test_pipeline_from_info_over_selectattr(lab: Lab, ansible: Ansible) -> None:
    options = {"sessions": "{{ listed.sessions | selectattr('application_type', 'equalto', 'Desktop') }}"}
    finished = ansible.play(
        {"name": "info", INFO: POOL, "register": "listed"},
        {"name": "check", MODULE: options, "check_mode": True},
        {"name": "run", MODULE: options, "register": "ended"},
        {"name": "again", MODULE: {"sessions": "{{ ended.sessions }}"}},
        {"name": "none", MODULE: {"sessions": "{{ listed.sessions | selectattr('id', 'equalto', 'x') | list }}"}},
    )
    assert finished.status == 0, finished.output
    info, check, run, again, none = finished.tasks
    assert info.result["summary"] == {"Active": 4, "Disconnected": 3, "LogOff": 1, "Pending": 1}
    assert check.outcomes == run.outcomes
    assert {row["application_type"] for row in run.result["sessions"]} == {"Desktop"}
    assert run.result["changed"] is True
    assert again.result["changed"] is False
    assert none.result["changed"] is False
    assert none.result["sessions"] == []
    assert not any("RemoteApp" in json.dumps(entry) for entry in lab.audit())


@pytest.mark.newest_core
def test_rows_of_two_pools(lab: Lab, ansible: Ansible) -> None:
    finished = ansible.play(
        {"name": "one", INFO: {**POOL, "user": "alice"}, "register": "one"},
        {"name": "two", INFO: {**POOL, "host_pool_name": "pool-02", "user": "alice"}, "register": "two"},
        {"name": "run", MODULE: {"sessions": "{{ one.sessions + two.sessions }}"}},
    )
    assert finished.tasks[-1].outcomes == {ALICE: "disconnected", "dev-0.contoso.com/2": "disconnected"}
    assert {entry["pool"] for entry in lab.audit()} == {"pool-01", "pool-02"}


@pytest.mark.newest_core
def test_session_that_was_replaced_since_the_info_is_left_alone(lab: Lab, ansible: Ansible) -> None:
    listed = ansible.play({"name": "info", INFO: {**POOL, "user": "alice"}}).task.result["sessions"]
    lab.give_id(pool="pool-01", host="avd-0.contoso.com", id=2, user="mallory@contoso.com")
    before = len(lab.audit())
    finished = ansible.disconnect(sessions=listed)
    assert finished.task.outcomes == {ALICE: "replaced"}
    assert finished.task.result["changed"] is False
    listed[0].pop("user_principal_name")
    listed[0].pop("active_directory_user_name")
    assert ansible.disconnect(sessions=listed).task.outcomes == {ALICE: "replaced"}
    assert len(lab.audit()) == before


@pytest.mark.newest_core
def test_input_object(lab: Lab, ansible: Ansible) -> None:
    row = ansible.play({"name": "info", INFO: {**POOL, "user": "alice"}}).task.result["sessions"][0]
    identity = {"session_host_name": "avd-0.contoso.com", "user_session_id": 2}
    forms = [row["resource_id"], {"id": row["resource_id"]}, {**POOL, **identity}]
    checks = [{"name": "check", MODULE: {"input_object": form}, "check_mode": True} for form in forms]
    finished = ansible.play(*checks, {"name": "run", MODULE: {"input_object": forms[0]}})
    assert [task.outcomes for task in finished.tasks] == [{ALICE: "disconnected"}] * 4
    assert disconnected(lab) == [f"{ALICE} alice@contoso.com"]


def test_id_that_is_not_there_is_no_change(lab: Lab, ansible: Ansible) -> None:
    options = {**POOL, "session_host_name": "avd-0.contoso.com", "pass_thru": True}
    given: list[Any] = [77, "77", "99999999", ["77", "78"], "77\n78"]
    finished = ansible.play(*({"name": repr(id), MODULE: {**options, "id": id}} for id in given))
    assert finished.status == 0, finished.output
    assert len(finished.tasks) == 5
    for task in finished.tasks:
        assert task.result["changed"] is False
        assert set(task.outcomes.values()) == {"already_gone"}
        assert task.result["pass_thru"] is True
    assert requests(lab, "disconnect") == []


def test_ad_hoc_and_module_defaults(lab: Lab, ansible: Ansible) -> None:
    ad_hoc = ansible.run(
        "ansible", "localhost", "-m", MODULE, "-a", "resource_group=rg-avd host_pool_name=POOL-01 user=bob"
    )
    assert ad_hoc.task.outcomes == {BOB: "disconnected"}, ad_hoc.output
    finished = ansible.play(
        {"name": "Disconnect", MODULE: {"user": "alice@contoso.com"}},
        module_defaults={"group/remotedesktop.sessions.azure": POOL},
    )
    assert finished.task.outcomes == {ALICE: "disconnected"}


def test_needs_no_connection_to_the_host(lab: Lab, ansible: Ansible) -> None:
    inventory = ansible.directory / "inventory.ini"
    inventory.write_text("[windows]\nunreachable.invalid ansible_connection=ssh\n")
    finished = ansible.play(
        {"name": "Disconnect", MODULE: {**POOL, "user": "bob"}}, inventory=str(inventory), connection="ssh"
    )
    assert finished.task.outcomes == {BOB: "disconnected"}, finished.output


@pytest.mark.newest_core
def test_info_lists_by_host_and_filter(lab: Lab, ansible: Ansible) -> None:
    finished = ansible.play(
        {"name": "host", INFO: {**POOL, "session_host_name": "avd-1.CONTOSO.com"}},
        {"name": "state", INFO: {**POOL, "session_state": "Disconnected"}, "check_mode": True},
        {"name": "empty", INFO: {**POOL, "host_pool_name": "pool-empty", "session_host_name": "idle-0.contoso.com"}},
    )
    host, state, empty = finished.tasks
    assert [row["id"] for row in host.result["sessions"]] == ["2", "3", "7"]
    assert {row["session_host_name"] for row in host.result["sessions"]} == {"AVD-1.contoso.com"}
    assert state.result["summary"] == {"Disconnected": 3}
    assert empty.result["sessions"] == []
    assert all(task.result["changed"] is False for task in finished.tasks)


@pytest.mark.outer_cores
def test_pages_are_followed(lab: Lab, ansible: Ansible) -> None:
    lab.reset(
        farm={
            "pools": [
                {
                    "name": "pool-01",
                    "service": "azure_desktop",
                    "resource_group": "rg-avd",
                    "generate": {"hosts": 20, "sessions_per_host": 25},
                }
            ]
        }
    )
    lab.options(page_size=30)
    listed = ansible.play({"name": "info", INFO: POOL}).task
    assert len(listed.result["sessions"]) == 500
    assert len(requests(lab, "list")) == 2 * 17
    outcomes = check_run_again(ansible, **POOL, all_sessions=True)
    assert len(outcomes) == 500
    assert len(disconnected(lab)) == listed.result["summary"]["Active"] + sum(
        count for state, count in listed.result["summary"].items() if state not in ("Active", "Disconnected")
    )


@pytest.mark.outer_cores
def test_many_sessions_go_out_at_once_over_few_connections(lab: Lab, ansible: Ansible) -> None:
    lab.reset(
        farm={
            "pools": [
                {
                    "name": "pool-01",
                    "service": "azure_desktop",
                    "resource_group": "rg-avd",
                    "generate": {"hosts": 4, "sessions_per_host": 50},
                }
            ]
        }
    )
    lab.options(latency_ms=50)
    finished = ansible.disconnect(**POOL, all_sessions=True)
    assert finished.status == 0, finished.output
    acts = requests(lab, "disconnect")
    assert max(one["in_flight"] for one in acts) >= 8
