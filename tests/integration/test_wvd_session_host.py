# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts are drained and opened through real Ansible processes: just those, seen, and put back as they were."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished, Task, attempts, expect_refused
from tests.integration.scenarios import Scenario, call, thrice
from tests.lab.client import Lab

MODULE = "remotedesktop.sessions.wvd_session_host"
INFO = "remotedesktop.sessions.wvd_session_host_info"
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
A, B, C = "avd-0.contoso.com", "AVD-1.contoso.com", "avd-2.contoso.com"
DRAIN = {MODULE: {**POOL, "session_host_name": ["AVD-0.contoso.com", "avd-1.contoso.com"], "allow_new_session": False}}
DRAIN_ALL = {MODULE: {**POOL, "all_hosts": True, "allow_new_session": False}}
REFUSED = [
    ({**POOL, "session_host_name": [A, "avd-9.contoso.com"], "allow_new_session": False}, ["avd-9.contoso.com"]),
    ({**POOL, "session_host_name": [A, "dev-0.contoso.com"], "allow_new_session": False}, ["dev-0.contoso.com"]),
    ({**POOL, "allow_new_session": False}, ["session_host_name", "all_hosts"]),
    ({**POOL, "session_host_name": [], "allow_new_session": False}, ["session_host_name is given but empty"]),
    ({**POOL, "all_hosts": True}, ["allow_new_session is missing"]),
    ({"hosts": [{"name": A, "allow_new_session": True}]}, ["hosts[0] has no resource_group_name"]),
    ({**POOL, "host_pool_name": "pool-99", "all_hosts": True, "allow_new_session": False}, ["pool-99"]),
]


def audit(finished: Finished) -> list[tuple[str, str, str]]:
    """What was done to which host, by the lab's account."""
    return sorted((entry["verb"], entry["host"], entry["effect"]) for entry in finished.seen["end"]["audit"])


def operations(finished: Finished) -> Counter[str]:
    """How often each operation was asked for."""
    return Counter(one["operation"] for one in finished.seen["end"]["requests"]["requests"])


def states(finished: Finished) -> dict[str, bool]:
    """Which hosts of the pool take new sessions, by the lab's account."""
    return {one["name"]: one["allow_new_session"] for one in finished.seen["end"]["hosts"] if one["name"] in (A, B, C)}


def outcomes(task: Task) -> dict[str, tuple[Any, Any, str]]:
    return {row["name"]: (row["before"], row["after"], row["outcome"]) for row in task.result["hosts"]}


@pytest.mark.outer_cores
def test_hosts_are_drained_and_put_back_as_they_were(lab: Lab, ansible: Ansible) -> None:
    restore = {"name": "restore", MODULE: {"hosts": "{{ drained.hosts }}"}}
    named, restored, from_info, refused, reader = ansible.scenarios(
        Scenario("named", thrice(DRAIN)),
        Scenario("restored", [{**DRAIN_ALL, "register": "drained"}, {**restore, "check_mode": True}, restore, restore]),
        Scenario(
            "from info",
            [
                {INFO: POOL, "register": "drained"},
                call("host", {"pool": "pool-01", "host": A, "allow_new_session": False}),
                call("host", {"pool": "pool-01", "host": C, "allow_new_session": True}),
                restore,
            ],
        ),
        Scenario("refused", attempts(MODULE, REFUSED)),
        Scenario("reader", [{MODULE: {**DRAIN[MODULE], **lab.principals["reader"]}}]),
        see=("audit", "requests", "hosts"),
    )
    check, run, again = named.all_ok(3)
    assert outcomes(check) == outcomes(run) == {A: (True, False, "set"), B: (True, False, "set")}
    assert check.result["diff"] == run.result["diff"]
    assert run.result["diff"]["after"] == f"{A} allow_new_session false\n{B} allow_new_session false\n"
    assert outcomes(again) == {A: (False, False, "already_set"), B: (False, False, "already_set")}
    assert [task.result["changed"] for task in (check, run, again)] == [True, True, False]
    assert again.result["diff"] == {"before": "", "after": ""}
    assert audit(named) == [("drain", B, "done"), ("drain", A, "done")]
    assert operations(named)["host_list"] == 0
    assert (operations(named)["drain"], operations(named)["host_get"]) == (2, 8)

    all_, _check, back, back_again = restored.all_ok(4)
    assert outcomes(all_) == {**outcomes(run), C: (False, False, "already_set")}
    assert outcomes(back) == {A: (False, True, "set"), B: (False, True, "set"), C: (False, False, "already_set")}
    assert (back.result["changed"], back_again.result["changed"]) == (True, False)
    assert states(restored) == {A: True, B: True, C: False}
    assert len(audit(restored)) == 4
    assert operations(restored)["host_list"] == 1

    assert states(from_info) == {A: True, B: True, C: False}
    assert outcomes(from_info.tasks[-1])[C] == (True, False, "set")

    expect_refused(refused, REFUSED)
    assert audit(refused) == audit(reader) == []
    assert set(outcomes(reader.task).values()) == {(True, True, "failed")}
    assert "Desktop Virtualization Session Host Operator" in reader.task.message
    assert reader.task.result["changed"] is False


@pytest.mark.newest_core
def test_unclear_answers_are_read_back_and_no_host_keeps_another(ansible: Ansible) -> None:
    def broken(name: str, wait: int = 20, **fault: Any) -> Scenario:
        rule = {"operation": "drain", "host": A, "times": 1, **fault}
        return Scenario(name, [call("faults", rule), {MODULE: {**DRAIN[MODULE], "wait_timeout": wait}}])

    after, before, reset, limited, read_back, lasting, silent = ansible.scenarios(
        broken("error after the effect", kind="status", status=503, when="after"),
        broken("error before the effect", kind="status", status=503, when="before"),
        broken("reset after the effect", kind="reset", when="after"),
        broken("refused for now", kind="status", status=429, when="before", retry_after=1),
        broken("cannot be read back", operation="host_get", kind="status", status=500, skip=1),
        broken("error for good", 2, kind="status", status=503, when="before", times=0),
        broken("cannot be read at all", 5, operation="host_get", kind="hang", times=0),
        see=("audit", "requests", "hosts"),
    )
    for finished, sent in ((after, 2), (before, 3), (reset, 2), (limited, 3), (read_back, 2)):
        assert finished.task.status == "ok", finished.task
        assert outcomes(finished.task) == {A: (True, False, "set"), B: (True, False, "set")}
        assert finished.task.result["changed"] is True
        assert audit(finished) == [("drain", B, "done"), ("drain", A, "done")]
        assert operations(finished)["drain"] == sent, finished.seen["end"]["requests"]
    assert outcomes(lasting.task) == {A: (True, True, "failed"), B: (True, False, "set")}
    assert (lasting.task.status, lasting.task.result["changed"]) == ("failed", True)
    assert lasting.task.message.startswith(f"Failed to set 1 of 2 session hosts: {A}: answer 503")
    assert states(lasting) == {A: True, B: False, C: False}
    assert outcomes(silent.task) == {"AVD-0.contoso.com": (None, None, "failed"), B: (True, False, "set")}
    assert "AVD-0.contoso.com: it could not be read" in silent.task.message
    assert silent.task.seconds < 20.0
    assert states(silent) == {A: True, B: False, C: False}


@pytest.mark.newest_core
def test_a_drain_that_times_out_and_is_carried_out_later(ansible: Ansible) -> None:
    """The request is answered with 504, or never, and Azure carries it out nevertheless."""

    def late(seconds: float, kind: str = "status", times: int = 0) -> dict[str, Any]:
        rule = {"operation": "drain", "host": A, "kind": kind, "status": 504, "when": "before", "times": times}
        return call("faults", {**rule, "effect_after": seconds})

    def drain(wait: int, *hosts: str) -> dict[str, Any]:
        options = {**POOL, "session_host_name": hosts, "allow_new_session": False, "wait_timeout": wait}
        return {MODULE: options, "register": "drained"}

    restore = {MODULE: {"hosts": "{{ drained.hosts }}", "wait_timeout": 7}}
    seen, silent, unseen, overtaken = ansible.scenarios(
        Scenario("seen in time", [late(1.2), drain(20, A, B)]),
        Scenario("never answered", [late(0.5, "hang", times=1), drain(4, A, B)]),
        Scenario("seen by nobody", [late(3.5), drain(1, A), {"ansible.builtin.pause": {"seconds": 4}}, restore]),
        Scenario(
            "comes while it is restored",
            [late(5, times=3), drain(1, A), {MODULE: {"hosts": "{{ drained.hosts }}", "wait_timeout": 8}}],
        ),
        see=("audit", "requests", "hosts"),
    )
    for finished in (seen, silent):
        assert outcomes(finished.task) == {A: (True, False, "set"), B: (True, False, "set")}
        assert audit(finished).count(("drain", A, "done")) == 1
        assert states(finished) == {A: False, B: False, C: False}
    assert operations(seen)["drain"] > 2

    failed, _pause, restored = unseen.tasks
    assert outcomes(failed) == {A: (True, True, "failed")}
    assert (failed.status, failed.result["changed"]) == ("failed", True)
    assert "answer 504" in failed.message
    assert outcomes(restored) == {A: (False, True, "set")}
    assert states(unseen) == {A: True, B: True, C: False}

    failed, restored = overtaken.tasks
    assert [row["unclear"] for row in failed.result["hosts"]] == [True]
    assert outcomes(restored) == {A: (True, True, "set")}
    assert restored.seconds > 5, "watched"
    assert states(overtaken) == {A: True, B: True, C: False}


@pytest.mark.newest_core
def test_what_somebody_else_does_in_between_is_told(ansible: Ansible) -> None:
    """Autoscale opens a host right after it was drained, or when it had been read back; or drains it before."""

    def opened(operation: str, skip: int) -> dict[str, Any]:
        rule = {"operation": operation, "host": A, "when": "after", "kind": "pass", "skip": skip, "times": 1}
        return call("faults", {**rule, "then": {"allow_new_session": True}})

    one = {MODULE: {**POOL, "session_host_name": [A], "allow_new_session": False}}
    info = {INFO: POOL}
    step = {"after": 0, "what": "drain", "pool": "pool-01", "host": A, "allow_new_session": False, "by": "Autoscale"}
    at_once, later, before = ansible.scenarios(
        Scenario("before it is read back", [opened("drain", 0), one]),
        Scenario("after it is read back", [opened("host_get", 1), one, info, one]),
        Scenario("drained before", [call("schedule", {"steps": [step]}), one]),
        see=("audit", "requests", "hosts"),
    )
    assert outcomes(at_once.task) == {A: (True, False, "set")}
    assert audit(at_once) == [("drain", A, "done"), ("drain", A, "done"), ("undrain", A, "done")]
    assert states(at_once)[A] is False

    drained, seen, again = later.all_ok(3)
    assert outcomes(drained) == outcomes(again) == {A: (True, False, "set")}
    assert {row["name"]: row["allow_new_session"] for row in seen.result["hosts"]}[A] is True
    assert states(later)[A] is False

    assert outcomes(before.task) == {A: (False, False, "already_set")}
    assert before.task.result["changed"] is False
    assert [(entry["verb"], entry["by"]) for entry in before.seen["end"]["audit"]] == [("drain", "Autoscale")]
