# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging off from Azure Virtual Desktop through real Ansible processes: whom, and nobody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.ansible_process import INFO, Ansible, Finished
from tests.integration.scenarios import Scenario, call, thrice

MODULE = "remotedesktop.sessions.wvd_session_logoff"
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
HOST = "avd-0.contoso.com"
ALICE, BOB = f"{HOST}/2", f"{HOST}/3"
AT_ALICE = {"operation": "logoff", "host": HOST, "id": 2}
ONE = {MODULE: {**POOL, "user": "alice"}}
TWO = {MODULE: {**POOL, "user": ["alice", "bob"], "wait_timeout": 4}}


def ended(finished: Finished) -> list[str]:
    """Whose sessions the lab saw end by a request."""
    return sorted(
        entry["owner"]["user"].partition("@")[0]
        for entry in finished.seen["end"]["audit"]
        if entry["verb"] == "logoff" and entry["effect"] == "done"
    )


def requests(finished: Finished) -> list[Any]:
    return [one for one in finished.seen["end"]["requests"]["requests"] if one["operation"] == "logoff"]


@pytest.mark.outer_cores
def test_log_off(ansible: Ansible) -> None:
    off = call("host", {"pool": "pool-01", "host": HOST, "status": "Shutdown"})
    one, force, pipeline, stuck, ghost, refused = ansible.scenarios(
        Scenario("one session", thrice({MODULE: {**POOL, "session_host_name": HOST, "id": 2}})),
        Scenario("by force", [{MODULE: {**POOL, "user": "alice", "force": True}}]),
        Scenario(
            "pipeline of common fields",
            [
                {"name": "info", INFO: {**POOL, "session_state": "disconnected"}, "register": "listed"},
                {
                    "name": "run",
                    MODULE: {**POOL, "sessions": "{{ rows | from_yaml }}"},
                    "vars": {
                        "rows": "{% for row in listed.sessions %}- {service: wvd, host: {{ row.host }}, "
                        "session: '{{ row.session }}', owner: {{ row.owner }}, state: {{ row.state }}}\n{% endfor %}"
                    },
                },
            ],
        ),
        Scenario(
            "session that stays",
            [call("change", {"pool": "pool-01", "host": HOST, "id": 2, "stuck": True}), TWO],
        ),
        Scenario(
            "ghost", [off, {MODULE: {**TWO[MODULE], "wait_timeout": 2}}, {MODULE: {**TWO[MODULE], "force": True}}]
        ),
        Scenario("bad rows", [{MODULE: {**POOL, "sessions": [{"service": "rds", "host": HOST, "session": 2}]}}]),
        see=("audit", "requests"),
    )
    check, run, again = one.all_ok(3)
    assert check.outcomes == run.outcomes == {ALICE: "logged_off"}
    assert (check.result["changed"], run.result["changed"], again.result["changed"]) == (True, True, False)
    assert run.result["diff"] == {"before": f"{ALICE} alice@contoso.com Active\n", "after": ""}
    assert again.outcomes == {ALICE: "already_gone"}
    assert ended(one) == ["alice"]
    assert force.task.outcomes == {ALICE: "logged_off"}
    assert ["force=true" in one["query"] for one in requests(force)] == [True]
    info, run = pipeline.all_ok(2)
    assert {row["state"] for row in info.result["sessions"]} == {"disconnected"}
    assert set(run.outcomes.values()) == {"logged_off"}
    assert ended(pipeline) == sorted(row["owner"].partition("@")[0] for row in info.result["sessions"])
    assert stuck.task.outcomes == {ALICE: "still_there", BOB: "logged_off"}
    in_vain, forced = ghost.tasks
    assert in_vain.outcomes == {ALICE: "still_there", BOB: "still_there"}
    assert forced.outcomes == {ALICE: "logged_off", BOB: "logged_off"}
    assert ended(ghost) == ["alice", "bob"]
    assert refused.task.message == "sessions[0] is a session of rds, but this task is about wvd."
    assert ended(refused) == []


@pytest.mark.newest_core
def test_answers_that_leave_something_open(ansible: Ansible) -> None:
    def broken(name: str, **fault: Any) -> Scenario:
        return Scenario(name, [call("faults", {**AT_ALICE, "times": 1, **fault}), TWO])

    before, after, reused, taken, left = ansible.scenarios(
        broken("error before the effect", kind="status", status=503, when="before"),
        broken("error after the effect", kind="status", status=503, when="after"),
        broken("reset after the effect", kind="reset", when="after", then={"give_id_to": "mallory@contoso.com"}),
        broken("reset before the effect", kind="reset", when="before", then={"give_id_to": "mallory@contoso.com"}),
        broken("user leaves", kind="status", status=429, when="before", then={"remove": True}),
        see=("audit", "requests"),
    )
    for finished, count in ((before, 3), (after, 2)):
        assert finished.task.outcomes == {ALICE: "logged_off", BOB: "logged_off"}
        assert len(requests(finished)) == count
        assert ended(finished) == ["alice", "bob"]
    for finished in (reused, taken):
        assert finished.task.outcomes == {ALICE: "logged_off", BOB: "logged_off"}
        assert "mallory" not in ended(finished)
    assert left.task.outcomes == {ALICE: "already_gone", BOB: "logged_off"}
    assert ended(left) == ["bob"]


@pytest.mark.newest_core
def test_deletions_are_paced_by_a_bucket_of_their_own(ansible: Ansible) -> None:
    (many,) = ansible.scenarios(
        Scenario(
            "refused for now",
            [
                call("options", {"buckets": {"deletes": {"size": 3, "refill_per_second": 10}}}),
                {MODULE: {**POOL, "all_sessions": True}},
            ],
        ),
        see=("audit", "requests"),
    )
    assert set(many.task.outcomes.values()) == {"logged_off"}
    assert len(ended(many)) == 9


@pytest.mark.outer_cores
def test_question_without_a_terminal_ends_nothing(ansible: Ansible) -> None:
    finished = ansible.play({MODULE: {**POOL, "user": "alice", "force": True, "confirm": True}})
    assert finished.task.status == "failed"
    assert "Set confirm to false to run without the question" in finished.task.message
