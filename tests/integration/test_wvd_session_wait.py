# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting on Azure Virtual Desktop through real Ansible processes, while users come, go and connect again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, Ansible, Cases, Finished, received
from tests.integration.scenarios import Scenario, call

MODULE = "remotedesktop.sessions.wvd_session_wait"
LOGOFF = "remotedesktop.sessions.wvd_session_logoff"
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
HOST = "avd-0.contoso.com"
THERE = {**POOL, "session_host_name": HOST, "all_sessions": True, "poll_interval": 1}
FIRST = {"before": "1h", "title": "Wartung", "body": "Noch {minutes} min. {name} \u201ejetzt\u201c\n"}
LAST = {"before": "2s", "title": "Ende", "body": "{minutes}"}
BODY = "Noch 1 min. {name} \u201ejetzt\u201c\n"


def later(*steps: tuple[float, str, dict[str, Any]]) -> dict[str, Any]:
    """A task after which the lab changes: after so many seconds, what, and the rest of the step."""
    where = {"service": "wvd", "pool": "pool-01", "host": HOST}
    return call("schedule", {"steps": [{"after": after, "what": what, **where, **more} for after, what, more in steps]})


def by_user(finished: Finished) -> dict[str, str]:
    rows = finished.task.result["sessions"]
    return {row["owner"].partition("@")[0]: row["outcome"] for row in rows}


def told(finished: Finished) -> list[tuple[str, str]]:
    """Who got the message of which title, by the lab's account."""
    return [(user, title) for user, title, _body in received(finished)]


@pytest.mark.newest_core
def test_wait_until_they_have_left_or_the_deadline_comes(ansible: Ansible) -> None:
    zoe = {"user": "zoe@contoso.com", "id": 8}
    leave = later((3, "sessions", zoe), (7, "remove", {"id": 2}), (10, "remove", {"id": 8}))
    rest = later((8, "remove", {"id": 3}), (8, "remove", {"id": 4}))
    back = later((1.5, "change", {"id": 4, "state": "Active"}))
    stays = {MODULE: {**THERE, "deadline": "5s", "messages": [FIRST, LAST]}, "register": "waited"}
    log_off = {LOGOFF: {"sessions": "{{ waited.remaining }}"}}
    plan = {MODULE: {**THERE, "deadline": "2h", "messages": [FIRST]}, "check_mode": True}
    left, stayed, planned, nobody = ansible.scenarios(
        Scenario("they leave", [leave, rest, {MODULE: {**THERE, "deadline": "40s", "messages": [FIRST]}}]),
        Scenario("they stay", [back, stays, log_off]),
        Scenario("plan", [plan]),
        Scenario("nobody", [{MODULE: {**POOL, "user": "nobody", "deadline": "2h"}}]),
        see=("audit", "sessions"),
    )
    assert by_user(left) == dict.fromkeys(("alice", "bob", "carol", "zoe"), "ended")
    result = left.task.result
    assert (result["all_ended"], result["remaining"], result["changed"]) == (True, [], True)
    assert result["summary"] == {"ended": 4}
    assert 4 <= result["seconds"] < 30
    assert received(left) == [(user, "Wartung", BODY) for user in ("alice", "bob", "zoe")], "carol is disconnected"
    alice = next(row for row in result["sessions"] if row["owner"].startswith("alice"))
    assert alice["warned_at"] == alice["messages"][0]["sent_at"] < alice["ended_at"] < result["deadline"]
    assert re.search(r"\[localhost\] 3 of 3 sessions still on, (3\d|40) s left", left.output)

    wait, ends = stayed.tasks
    assert wait.result["summary"] == {"still_there": 3}
    assert wait.result["all_ended"] is False
    assert [row["id"] for row in wait.result["remaining"]] == ["2", "3", "4"]
    assert 5 <= wait.result["seconds"] < 15
    assert told(stayed) == [
        *(("alice", "Ende"), ("alice", "Wartung"), ("bob", "Ende"), ("bob", "Wartung")),
        *(("carol", "Ende"), ("carol", "Wartung")),
    ]
    assert set(ends.outcomes.values()) == {"logged_off"}

    result = planned.task.result
    assert (result["changed"], result["summary"], received(planned)) == (True, {"still_there": 3}, [])
    assert {
        row["owner"]: [(one["minutes"], one["outcome"]) for one in row["messages"]] for row in result["sessions"]
    } == {
        "alice@contoso.com": [(60, "planned")],
        "bob@contoso.com": [(60, "planned")],
        "carol@contoso.com": [],
    }
    assert nobody.task.result["sessions"] == []
    assert nobody.task.result["all_ended"] is True


@pytest.mark.newest_core
def test_wait_through_trouble(ansible: Ansible) -> None:
    wait = {MODULE: {**THERE, "deadline": "6s", "messages": [{**LAST, "before": "5s"}]}, "register": "waited"}
    lists = call("faults", {"operation": "list", "kind": "status", "status": 403, "skip": 1, "times": 2})
    forbidden = call("faults", {"operation": "message", "kind": "status", "status": 403})
    unclear = call("faults", {"operation": "message", "kind": "status", "status": 500, "when": "after", "id": 2})
    info = {INFO: {**POOL, "session_host_name": HOST}, "register": "listed"}
    reused = later((0, "give_id", {"id": 2, "user": "eve@contoso.com"}))
    rows = {MODULE: {"sessions": "{{ listed.sessions }}", "deadline": "2s", "messages": [LAST], "poll_interval": 1}}
    unread, denied, doubt, passed = ansible.scenarios(
        Scenario("no list for a while", [lists, wait]),
        Scenario("no right to message", [forbidden, wait]),
        Scenario("doubt", [unclear, wait]),
        Scenario("rows, and an id that was reused", [info, reused, rows]),
        see=("audit", "requests"),
    )
    assert by_user(unread) == dict.fromkeys(("alice", "bob", "carol"), "still_there")
    assert "Sessions cannot be listed" in str(unread.task.result["warnings"])
    result = denied.task.result
    assert (result["changed"], received(denied)) == (False, [])
    assert "Desktop Virtualization User Session Operator" in str(result["warnings"])
    assert {one["outcome"] for row in result["sessions"] for one in row["messages"]} == {"failed"}
    assert not any(row["warned_at"] for row in result["sessions"])
    sent = [one for one in denied.seen["end"]["requests"]["requests"] if one["operation"] == "message"]
    assert len(sent) == 2, "whoever is refused for all is not asked again"
    assert told(doubt) == [("alice", "Ende"), ("bob", "Ende")], "once"
    rows_of = {row["owner"]: row for row in doubt.task.result["sessions"]}
    assert rows_of["alice@contoso.com"]["warned_at"] is None
    assert rows_of["alice@contoso.com"]["messages"][0]["outcome"] == "unclear"
    assert rows_of["bob@contoso.com"]["warned_at"]
    _info, run = passed.tasks
    assert {row["owner"]: row["outcome"] for row in run.result["sessions"]} == {
        "alice@contoso.com": "ended",
        "bob@contoso.com": "still_there",
        "carol@contoso.com": "still_there",
    }
    assert told(passed) == [("bob", "Ende")]


@pytest.mark.outer_cores
def test_refused(ansible: Ansible) -> None:
    def with_messages(*messages: dict[str, Any]) -> dict[str, Any]:
        return {**THERE, "deadline": "10m", "messages": list(messages)}

    cases: Cases = [
        ({**POOL, "deadline": "10m"}, ["Nothing says which sessions are meant"]),
        ({**POOL, "deadline": "10m", "session_host_name": HOST}, ["session_host_name needs id"]),
        ({**THERE, "deadline": "soon"}, ["deadline is 'soon'", "30m"]),
        ({**THERE, "deadline": "0m"}, ["deadline is '0m'"]),
        ({**THERE, "deadline": "-5m"}, ["deadline is '-5m'"]),
        ({**THERE, "deadline": ""}, ["deadline is given but empty"]),
        (THERE, ["missing required arguments: deadline"]),
        ({**THERE, "deadline": "2026-01-01T02:00:00Z"}, ["is over"]),
        ({**THERE, "deadline": "2126-01-01T02:00:00"}, ["offset such as +01:00"]),
        ({**THERE, "deadline": "10m", "poll_interval": 0}, ["poll_interval is 0"]),
        ({**THERE, "deadline": "10m", "session_host_name": "other"}, ["no session host other"]),
        (with_messages({**FIRST, "before": "0s"}), ["messages[0].before is '0s'", "before the deadline"]),
        (with_messages({**FIRST, "before": "-3m"}), ["messages[0].before is '-3m'"]),
        (with_messages(LAST, FIRST), ["messages[1].before is '1h', after '2s'", "order"]),
        (with_messages(LAST, LAST), ["messages[1].before is '2s', after '2s'"]),
        (with_messages({**FIRST, "body": " \n"}), ["messages[0].body must hold a text"]),
        (with_messages({"before": "1m", "title": "x"}), ["body"]),
        (with_messages({**FIRST, "colour": "red"}), ["colour"]),
    ]
    ansible.refuse(MODULE, cases)
