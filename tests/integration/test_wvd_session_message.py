# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages on Azure Virtual Desktop through real Ansible processes: to whom, once, and as they were written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, received
from tests.integration.scenarios import Scenario, call, thrice

MODULE = "remotedesktop.sessions.wvd_session_message"
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
HOST = "avd-0.contoso.com"
ALICE, BOB = f"{HOST}/2", f"{HOST}/3"
BODY = "Speichern Sie „jetzt“: $(Get-Date) `n {{ '{{' }} x }}\nZweite Zeile\n"
SENT = BODY.replace("{{ '{{' }}", "{{")
TEXT = {"message_title": "Wartung um 2", "message_body": BODY}
TWO = {MODULE: {**POOL, "user": ["alice", "bob"], "wait_timeout": 4, **TEXT}}


@pytest.mark.outer_cores
def test_message_is_sent_to_those_who_are_meant(ansible: Ansible) -> None:
    sends, active, missing, empty, question = ansible.scenarios(
        Scenario("two users", thrice(TWO)),
        Scenario("those who are connected", [{MODULE: {**POOL, "session_state": "active", "message_body": "x"}}]),
        Scenario("not there", [{MODULE: {**POOL, "session_host_name": HOST, "id": 77, **TEXT, "pass_thru": True}}]),
        Scenario("no text", [{MODULE: {**POOL, "user": "alice", "message_title": " "}}]),
        Scenario("question", [{MODULE: {**POOL, "user": "alice", "confirm": True, **TEXT}}]),
        see=("audit", "requests"),
    )
    check, run, again = sends.all_ok(3)
    assert check.outcomes == run.outcomes == {ALICE: "sent", BOB: "sent"}
    assert all(task.result["changed"] is True for task in (check, run, again)), "each run sends it again"
    assert run.result["diff"] == {"before": "", "after": ""}
    assert received(sends) == sorted(2 * [("alice", "Wartung um 2", SENT), ("bob", "Wartung um 2", SENT)])
    assert {row["state"] for row in active.task.result["sessions"]} == {"active"}
    assert [user for user, _title, _body in received(active)] == ["alice", "bob", "dave", "grace"]
    assert missing.task.outcomes == {f"{HOST}/77": "not_there"}
    assert (missing.task.result["changed"], missing.task.result["pass_thru"]) == (False, True)
    assert "message_body is missing" in empty.task.message
    assert "Set confirm to false" in question.task.message
    assert received(missing) == received(empty) == received(question) == []


@pytest.mark.newest_core
def test_unclear_answer_is_told_and_nothing_is_sent_again(ansible: Ansible) -> None:
    def broken(name: str, **fault: Any) -> Scenario:
        rule = {"operation": "message", "host": HOST, "id": 2, "times": 1, **fault}
        return Scenario(name, [call("faults", rule), TWO])

    before, after, reset, limited, reused, gone = ansible.scenarios(
        broken("error before the effect", kind="status", status=503, when="before"),
        broken("error after the effect", kind="status", status=500, when="after"),
        broken("reset after the effect", kind="reset", when="after"),
        broken("refused for now", kind="status", status=429, when="before"),
        broken(
            "refused for longer than a proof lasts, and reused",
            kind="status",
            status=429,
            when="before",
            retry_after=6,
            then={"give_id_to": "x@contoso.com"},
        ),
        broken("no such session", kind="status", status=404, when="before", then={"remove": True}),
        see=("audit", "requests"),
    )
    for finished, alice in ((before, []), (after, ["alice"]), (reset, ["alice"])):
        assert finished.task.outcomes == {ALICE: "unclear", BOB: "sent"}
        assert (finished.task.status, finished.task.result["changed"]) == ("failed", True)
        assert finished.task.message.startswith("Failed to send a message to 1 of 2 sessions: ")
        assert [user for user, _title, _body in received(finished)] == [*alice, "bob"]
    assert limited.task.outcomes == {ALICE: "sent", BOB: "sent"}
    assert len(received(limited)) == 2
    assert reused.task.outcomes == {ALICE: "replaced", BOB: "sent"}
    assert [user for user, _title, _body in received(reused)] == ["bob"]
    assert gone.task.outcomes == {ALICE: "not_there", BOB: "sent"}
