# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages on Remote Desktop Services through real Ansible processes: to whom, once, and as they were written."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.ansible_process import Cases, attempts, expect_refused, received
from tests.integration.scenarios import Scenario, call, fault, thrice
from tests.integration.windows_hosts import BROKER, RDS_INFO, Windows, outcomes

MODULE = "remotedesktop.sessions.rds_user_message"
COMMAND = "Send-RDUserMessage"
ID = "unified_session_id"
HOST = "RDSH-0.contoso.com"
BODY = "Speichern Sie „jetzt“: $(Get-Date) `n ' ; {{ '{{' }} x }}\nZweite Zeile\n"
SENT = BODY.replace("{{ '{{' }}", "{{")
TEXTS = {"message_title": "Wartung um 2", "message_body": BODY}
EVERYBODY = {MODULE: {"all_sessions": True, "wait_timeout": 4, **TEXTS}}
ALL = dict.fromkeys(("alice", "bob", "carol", "dave"), "sent")


def to(*users: str) -> list[tuple[str, str, str]]:
    """The account of one message to each."""
    return [(user, "Wartung um 2", SENT) for user in users]


@pytest.mark.newest_core
def test_message_is_sent_to_those_who_are_meant(windows: Windows) -> None:
    pipeline = [
        {"name": "info", RDS_INFO: {"user": ["alice", "bob"]}, "register": "listed"},
        call("give_id", {"service": "rds", "pool": "Desktops", "host": HOST, "id": 3, "user": "mallory@contoso.com"}),
        {"name": "run", MODULE: {"sessions": "{{ listed.sessions }}", **TEXTS}},
    ]
    every, active, missing, passed_on = windows.scenarios(
        BROKER,
        Scenario("everybody", thrice(EVERYBODY)),
        Scenario("those who are connected", [{MODULE: {"session_state": "active", "exclude_user": "dave", **TEXTS}}]),
        Scenario("not there", [{MODULE: {"host_server": "rdsh-0", ID: 77, **TEXTS}}]),
        Scenario("pipeline, and an id that was reused", pipeline),
    )
    check, run, again = every.all_ok(3)
    assert outcomes(check, ID) == outcomes(run, ID) == ALL
    assert all(task.result["changed"] is True for task in (check, run, again)), "each run sends it again"
    assert check.result["diff"] == run.result["diff"] == {"before": "", "after": ""}
    assert received(every) == sorted(2 * to(*ALL))
    assert {row["state"] for row in active.task.result["sessions"] if row["outcome"] == "sent"} == {"active"}
    assert received(active) == to("alice", "carol")
    assert missing.task.result["summary"] == {"not_there": 1}
    assert (missing.task.result["changed"], received(missing)) == (False, [])
    _info, run = passed_on.all_ok(2)
    assert run.result["summary"] == {"replaced": 1, "sent": 1}
    assert received(passed_on) == to("alice")


REFUSED: Cases = [
    ({}, ["Nothing says which sessions are meant", "all_sessions"]),
    ({"user": ""}, ["user is given but empty"]),
    ({"all_sessions": True, "message_title": " "}, ["message_title must hold a text"]),
    ({"all_sessions": True, "message_body": ""}, ["message_body must hold a text"]),
    ({"all_sessions": True, "force": True}, ["force"]),
    ({"tenant_name": "T", "host_pool_name": "P", "all_sessions": True}, ["tenant_name"]),
]


@pytest.mark.newest_core
def test_refused(windows: Windows) -> None:
    cases: Cases = [({**TEXTS, **options}, words) for options, words in REFUSED]
    (finished,) = windows.scenarios(BROKER, Scenario("bad input", attempts(MODULE, cases)))
    expect_refused(finished, cases)
    assert received(finished) == []


def faults() -> tuple[Scenario, ...]:
    alice = {"parameters": {"HostServer": HOST, "UnifiedSessionID": 2}}

    def broken(name: str, kind: str, **rule: Any) -> Scenario:
        return Scenario(name, [fault(kind, COMMAND, **rule), EVERYBODY])

    return (
        broken("error before the effect", "error", code=5, **alice),
        broken("error after the effect", "error", when="after", code=7, **alice),
        broken("leaves between the list and the act", "pass", then={"host": HOST, "id": 2, "remove": True}, **alice),
        broken("no command", "not_installed"),
        broken("reset after the effect", "reset", when="after", times=1, **alice),
    )


def test_error_is_in_doubt_and_nothing_is_sent_again(windows: Windows) -> None:
    before, after, left, absent, cut = windows.scenarios(BROKER, *faults())
    for finished, alice in ((before, []), (after, ["alice"]), (left, [])):
        assert outcomes(finished.task, ID) == {**ALL, "alice": "unclear"}
        assert (finished.task.status, finished.task.result["changed"]) == ("failed", True)
        assert finished.task.message.startswith("Failed to send a message to 1 of 4 sessions: ")
        assert f"{COMMAND} says" in finished.task.message
        assert "the user has the permission Message of Remote Desktop Services" in finished.task.message
        assert received(finished) == to(*alice, "bob", "carol", "dave")
    assert set(outcomes(absent.task, ID).values()) == {"failed"}
    assert (absent.task.result["changed"], received(absent)) == (False, [])
    assert f"no command {COMMAND}" in absent.task.message
    assert cut.task.status == "unreachable"
    assert cut.task.result["changed"] is True
    assert outcomes(cut.task, ID)["alice"] == "unclear"
    assert len(received(cut)) == len(set(received(cut)))


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_silence_is_no_message_and_nothing_is_sent_again(windows: Windows) -> None:
    hangs, waits = windows.scenarios(
        BROKER,
        *(
            Scenario(kind, [fault(kind, COMMAND, parameters={"UnifiedSessionID": 3}), EVERYBODY])
            for kind in ("hang", "wait")
        ),
    )
    for finished in (hangs, waits):
        assert outcomes(finished.task, ID) == {**ALL, "bob": "unclear"}
        assert "deadline" in finished.task.message
        assert finished.task.seconds < 40
        assert received(finished) == to("alice", "carol", "dave")


@pytest.mark.newest_core
def test_endpoint_of_the_role_is_enough_and_limits_the_hosts(windows: Windows) -> None:
    role = windows.role_endpoint("Role", BROKER, services=["rds"], session_hosts=["rdsh-1.contoso.com"])
    play = {"vars": {"ansible_psrp_configuration_name": "Role"}}
    (done,) = windows.scenarios(BROKER, Scenario("role", [role, EVERYBODY], play))
    assert outcomes(done.task, ID) == {"alice": "failed", "bob": "failed", "carol": "sent", "dave": "sent"}
    assert "HostServer, UnifiedSessionID, MessageTitle, MessageBody with these values" in done.task.message
    assert received(done) == to("carol", "dave")
