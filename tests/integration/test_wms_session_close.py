# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing MultiPoint sessions through real Ansible processes, on either generation of its cmdlets."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.ansible_process import Cases, Finished, attempts, expect_refused
from tests.integration.scenarios import Scenario, call, endpoint, fault, thrice
from tests.integration.windows_hosts import (
    BROKER,
    CLASSROOMS,
    CLOSE,
    WMS_INFO,
    Windows,
    agree,
    ended,
    ended_in,
    outcomes,
)

ID = "session_id"
POOLS = {"2012R2": "classroom-2012", "2016": "classroom-2016"}
STUDENTS = {"2012R2": ["student3"], "2016": ["student1", "student2"]}
BOTH = ",".join(CLASSROOMS.values())
ALL_STUDENTS = ["student1", "student2", "student3"]


def only(generation: str) -> dict[str, str]:
    """Keyword of a play on the server of that generation."""
    return {"hosts": CLASSROOMS[generation]}


def place(generation: str) -> dict[str, str]:
    return {"service": "wms", "pool": POOLS[generation], "host": CLASSROOMS[generation]}


def ended_on(finished: Finished, generation: str) -> list[str]:
    """Whose sessions were closed on the server of that generation."""
    return ended([entry for entry in finished.seen["end"]["audit"] if entry["host"] == CLASSROOMS[generation]])


# Which sessions


FILTERS: list[dict[str, Any]] = [
    {"session_id": [1, 2, 3], "exclude_user": "teacher@contoso.com"},
    {"all_sessions": True, "exclude_user": "teacher"},
    {"exclude_user": ["CONTOSO\\Teacher"]},
    {"user": ["student1", "contoso\\STUDENT2", "student3"]},
    {"session_id": "2,3,99"},
]


@pytest.mark.newest_core
def test_which_sessions(windows: Windows) -> None:
    checks = [{"name": repr(options), CLOSE: options, "check_mode": True} for options in FILTERS]
    one, every, state, filters = windows.scenarios(
        BOTH,
        Scenario("one session", thrice({CLOSE: {"session_id": 2}})),
        Scenario("all sessions of one server and of no other", thrice({CLOSE: {"all_sessions": True}}), only("2012R2")),
        Scenario("state", thrice({CLOSE: {"session_state": "disconnected"}})),
        Scenario("filters", [*checks, {"name": "run", CLOSE: FILTERS[-1]}]),
    )
    for generation, server in CLASSROOMS.items():
        first = STUDENTS[generation][0]
        assert agree(one.on(server), ID) == {first: "logged_off"}
        assert ended_on(one, generation) == [first]
        for task in filters.on(server).all_ok(6):
            chosen = [name for name, outcome in outcomes(task, ID).items() if outcome == "logged_off"]
            assert sorted(chosen) == STUDENTS[generation], task
        assert ended_on(filters, generation) == STUDENTS[generation]
    assert sorted(agree(every, ID)) == ["student3", "teacher"]
    assert {entry["host"] for entry in every.seen["end"]["audit"]} == {CLASSROOMS["2012R2"]}
    assert agree(state.on(CLASSROOMS["2016"]), ID) == {"student2": "logged_off"}
    assert agree(state.on(CLASSROOMS["2012R2"]), ID) == {}
    assert ended_in(state) == ["student2"]


@pytest.mark.newest_core
def test_rows(windows: Windows) -> None:
    """Those of info, those of the other server, and those whose ids were reused."""
    other = "hostvars[(ansible_play_hosts_all | difference([inventory_hostname])) | first]"
    info = {"name": "info", WMS_INFO: {}, "register": "listed"}
    options = {"sessions": "{{ listed.sessions | rejectattr('is_admin') }}"}
    pipeline, strange = windows.scenarios(
        BOTH,
        Scenario(
            "pipeline",
            [
                info,
                {"name": "run", CLOSE: options, "register": "gone"},
                {"name": "again", CLOSE: {"sessions": "{{ gone.sessions }}"}},
                {
                    "name": "none",
                    CLOSE: {"sessions": "{{ listed.sessions | selectattr('user_name', 'eq', 'x') | list }}"},
                },
            ],
        ),
        Scenario(
            "rows of the other server, then of reused ids",
            [
                info,
                {"name": "other", CLOSE: {"sessions": f"{{{{ {other}.listed.sessions }}}}"}},
                *(call("give_id", {**place(one), "id": 2, "user": "mallory@contoso.com"}) for one in CLASSROOMS),
                {"name": "reused", CLOSE: {"sessions": "{{ listed.sessions | selectattr('session_id', 'eq', 2) }}"}},
            ],
        ),
    )
    for generation, server in CLASSROOMS.items():
        _info, run, again, none = pipeline.on(server).all_ok(4)
        assert sorted(outcomes(run, ID)) == STUDENTS[generation]
        assert set(outcomes(again, ID).values()) == {"already_gone"}
        assert none.result["sessions"] == []
        assert ended_on(pipeline, generation) == STUDENTS[generation]
        info_of, others, reused = strange.on(server).all_ok(3)
        assert len(info_of.result["sessions"]) == len(STUDENTS[generation]) + 1
        assert set(outcomes(others, ID).values()) == {"already_gone"}
        assert reused.result["summary"] == {"replaced": 1}
    assert ended_in(strange) == []


# Bad input


REFUSED: Cases = [
    ({}, ["session_id", "sessions", "all_sessions"]),
    ({"session_id": "abc"}, ["session_id"]),
    ({"session_id": -1}, ["session_id"]),
    ({"session_id": 2147483648}, ["session_id"]),
    ({"session_id": ""}, ["session_id is given but empty"]),
    ({"server": "", "all_sessions": True}, ["server is given but empty"]),
    ({"session_id": 1, "all_sessions": True}, ["session_id", "all_sessions"]),
    ({"session_id": 1, "sessions": []}, ["session_id", "sessions"]),
    ({"session_id": 1, "timeout_in_second": 0}, ["timeout_in_second"]),
    ({"sessions": [{"session_id": 1}]}, ["sessions[0]", "computer_name"]),
    ({"minimum_age": "1h"}, ["minimum_age"]),
    ({"all_sessions": True, "confirm": True}, ["Nothing was done", "confirm"]),
    ({"all_sessions": True, "server": "nowhere"}, ["nowhere"]),
]
OTHER_SERVER: Cases = [
    (
        {"session_id": 2, "computer_name": CLASSROOMS["2016"]},
        ["2012 R2 knows no server", "run the task on that host itself"],
    ),
]
NO_WMS: Cases = [({}, ["no command Get-WmsSession", "MultiPoint"])]
NARROW: Cases = [({"session_id": 2}, ["must allow the parameters All"])]


@pytest.mark.newest_core
def test_refused(windows: Windows) -> None:
    hidden = {"Name": "Get-WmsSession", "Parameters": [{"Name": "SessionId"}]}
    narrow = {**only("2016"), "vars": {"ansible_psrp_configuration_name": "Narrow"}}
    userless = call("change", {**place("2012R2"), "id": 2, "user": "", "ad_user_name": ""})
    bad, other, own, absent, hides, no_user = windows.scenarios(
        BOTH,
        Scenario("bad input", attempts(CLOSE, REFUSED), only("2016")),
        Scenario("other server", attempts(CLOSE, OTHER_SERVER), only("2012R2")),
        Scenario("own name", [{CLOSE: {"session_id": 2, "server": CLASSROOMS["2016"]}}], only("2016")),
        Scenario("no MultiPoint", attempts(WMS_INFO, NO_WMS), {"hosts": BROKER}),
        Scenario("hidden list", [endpoint("Narrow", hidden, "Close-WmsSession"), *attempts(CLOSE, NARROW)], narrow),
        Scenario("no user", [userless, {CLOSE: {"all_sessions": True}}], only("2012R2")),
    )
    for finished, cases in ((bad, REFUSED), (other, OTHER_SERVER), (absent, NO_WMS), (hides, NARROW)):
        expect_refused(finished, cases)
        assert ended_in(finished) == []
    own.all_ok(1)
    assert ended_in(own) == ["student1"]
    assert no_user.task.result["summary"]["refused"] == 1
    assert "teacher" in ended_in(no_user)
    assert "student3" not in ended_in(no_user)


# Faults


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_one_that_fails_does_not_stop_the_others(windows: Windows) -> None:
    every = {"name": "all", CLOSE: {"all_sessions": True}}
    error = fault("error", "Close-WmsSession", code=5, parameters={"SessionId": 2})
    beside = fault("error", "Close-WmsSession", host=CLASSROOMS["2016"], code=5, parameters={"SessionId": 3})
    gone = fault("pass", "Close-WmsSession", then={"host": CLASSROOMS["2012R2"], "id": 2, "remove": True}, times=1)
    stuck = [call("change", {**place(generation), "id": 2, "stuck": True}) for generation in CLASSROOMS]
    # A limit of its own for the cmdlet, and none.
    limits = f"{{{{ 3 if inventory_hostname == '{CLASSROOMS['2012R2']}' else omit }}}}"
    hanging = {CLOSE: {"all_sessions": True, "wait_timeout": 10, "timeout_in_second": limits}}
    lost = fault("reset", "Close-WmsSession", when="after", parameters={"SessionId": 2}, times=1)
    german, left, hangs, cut = windows.scenarios(
        BOTH,
        Scenario("German", [call("winrm/settings", {"language": "de"}), error, every], only("2012R2")),
        Scenario("leaves just before", [gone, {CLOSE: {"session_id": 2}}], only("2012R2")),
        Scenario("hangs, beside an error", [*stuck, beside, hanging]),
        Scenario("lost connection", [lost, every, every], only("2016")),
    )
    assert german.task.status == "failed"
    assert outcomes(german.task, ID) == {"student3": "failed", "teacher": "logged_off"}
    assert "Close-WmsSession says" in german.task.message
    left.all_ok(1)
    assert set(outcomes(left.task, ID).values()) == {"already_gone"}
    assert left.task.result["changed"] is False
    for generation, server in CLASSROOMS.items():
        task = hangs.on(server).task
        assert task.seconds < 40
        assert task.status == "failed"
        stays, *fails = STUDENTS[generation]
        expected = {"teacher": "logged_off", stays: "still_there", **dict.fromkeys(fails, "failed")}
        assert outcomes(task, ID) == expected
        assert ended_on(hangs, generation).count(stays) == 1
    assert "Close-WmsSession says" in hangs.on(CLASSROOMS["2016"]).task.message
    first, again = cut.tasks
    assert first.status == "unreachable"
    assert len(first.result["sessions"]) == len(STUDENTS["2016"]) + 1
    assert again.status == "ok"


# JEA


def test_no_language_endpoint_is_enough(windows: Windows) -> None:
    role = endpoint("Classroom", "Get-WmsSession", "Close-WmsSession")
    play = {"vars": {"ansible_psrp_configuration_name": "Classroom"}}
    (finished,) = windows.scenarios(BOTH, Scenario("JEA", [role, {CLOSE: {"session_id": 2}}], play))
    finished.all_ok(2)
    assert ended_in(finished) == ["student1", "student3"]


@pytest.mark.newest_core
def test_question_on_the_terminal(windows: Windows) -> None:
    task = {CLOSE: {"session_id": 2, "confirm": True}}
    yes, no = windows.scenarios(
        CLASSROOMS["2016"], Scenario("yes", [task]), Scenario("no", [task]), answers=[b"y\r", b"n\r"]
    )
    assert yes.output.count("log off 1 session") == 2
    yes.all_ok(1)
    assert ended_in(yes) == ["student1"]
    assert no.task.status == "failed"
    assert ended_in(no) == []
