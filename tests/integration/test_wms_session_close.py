# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closing MultiPoint sessions through real Ansible processes, on either generation of its cmdlets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.integration.ansible_process import Cases, Finished
from tests.integration.windows_hosts import BROKER, CLASSROOMS, CLOSE, WMS_INFO, Windows, outcomes

pytestmark = pytest.mark.newest_core


ID = "session_id"
POOLS = {"2012R2": "classroom-2012", "2016": "classroom-2016"}
STUDENTS = {"2012R2": ["student3"], "2016": ["student1", "student2"]}


@pytest.fixture(params=sorted(CLASSROOMS))
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def close(windows: Windows, generation: str, *arguments: str, **options: Any) -> Finished:
    """Run one task on the server of that generation."""
    more = {name: options.pop(name) for name in ("task", "variables") if name in options}
    return windows.run(CLASSROOMS[generation], CLOSE, *arguments, **more, **options)


def refused(windows: Windows, generation: str, *words: str, **options: Any) -> None:
    """Run, and expect a failure whose message has the words and is a sentence without a trace."""
    finished = close(windows, generation, **options)
    assert finished.status != 0
    assert finished.task.status == "failed"
    for word in words:
        assert word in finished.task.message, finished.task.message
    assert "Traceback" not in finished.output
    assert "\n" not in finished.task.message
    assert windows.ended() == []


def place(generation: str) -> dict[str, str]:
    return {"service": "multipoint", "pool": POOLS[generation], "host": CLASSROOMS[generation]}


# Which sessions


def test_one_session(windows: Windows, generation: str) -> None:
    run = windows.check_run_again(CLASSROOMS[generation], CLOSE, ID, session_id=2)
    assert run == {STUDENTS[generation][0]: "logged_off"}
    assert windows.ended() == [STUDENTS[generation][0]]


FILTERS: list[dict[str, Any]] = [
    {"session_id": [1, 2, 3], "exclude_user": "teacher@contoso.com"},
    {"all_sessions": True, "exclude_user": "teacher"},
    {"exclude_user": ["CONTOSO\\Teacher"]},
    {"user": ["student1", "contoso\\STUDENT2", "student3"]},
    {"session_id": "2,3,99"},
]


def test_filters(windows: Windows, generation: str) -> None:
    """All in one process, in check mode, and the last for real."""
    tasks = [{"name": repr(options), CLOSE: options, "check_mode": True} for options in FILTERS]
    finished = windows.play(CLASSROOMS[generation], *tasks, {"name": "run", CLOSE: FILTERS[-1]})
    assert finished.status == 0, finished.output
    assert len(finished.tasks) == 6
    for task in finished.tasks:
        chosen = [name for name, outcome in outcomes(task, ID).items() if outcome == "logged_off"]
        assert sorted(chosen) == STUDENTS[generation], task
    assert windows.ended() == STUDENTS[generation]


def test_state_filter(windows: Windows) -> None:
    run = windows.check_run_again(CLASSROOMS["2016"], CLOSE, ID, session_state="disconnected")
    assert run == {"student2": "logged_off"}


def test_all_sessions_of_one_server_and_of_no_other(windows: Windows, generation: str) -> None:
    run = windows.check_run_again(CLASSROOMS[generation], CLOSE, ID, all_sessions=True)
    assert sorted(run) == [*STUDENTS[generation], "teacher"]
    assert {entry["host"] for entry in windows.lab.audit()} == {CLASSROOMS[generation]}


def test_pipeline_from_info(windows: Windows, generation: str) -> None:
    options = {"sessions": "{{ listed.sessions | rejectattr('is_admin') }}"}
    finished = windows.play(
        CLASSROOMS[generation],
        {"name": "info", WMS_INFO: {}, "register": "listed"},
        {"name": "run", CLOSE: options, "register": "gone"},
        {"name": "again", CLOSE: {"sessions": "{{ gone.sessions }}"}},
        {"name": "none", CLOSE: {"sessions": "{{ listed.sessions | selectattr('user_name', 'eq', 'x') | list }}"}},
    )
    assert finished.status == 0, finished.output
    _info, run, again, none = finished.tasks
    assert sorted(outcomes(run, ID)) == STUDENTS[generation]
    assert set(outcomes(again, ID).values()) == {"already_gone"}
    assert none.result["sessions"] == []
    assert windows.ended() == STUDENTS[generation]


@pytest.mark.parametrize("generation", ["2012R2"])
def test_rows_of_another_server_or_of_reused_ids_are_left_alone(windows: Windows, generation: str) -> None:
    rows = windows.run(CLASSROOMS[generation], WMS_INFO).task.result["sessions"]
    other = next(name for name in CLASSROOMS if name != generation)
    finished = close(windows, other, sessions=rows)
    assert set(outcomes(finished.task, ID).values()) == {"already_gone"}
    windows.lab.give_id(**place(generation), id=2, user="mallory@contoso.com")
    finished = close(windows, generation, sessions=[row for row in rows if row["session_id"] == 2])
    assert finished.task.result["summary"] == {"replaced": 1}
    assert windows.ended() == []


def test_other_server_by_its_name(windows: Windows) -> None:
    finished = close(windows, "2016", session_id=2, server=CLASSROOMS["2016"])
    assert finished.status == 0, finished.output
    assert windows.ended() == ["student1"]
    refused_words = ("2012 R2 knows no server", "run the task on that host itself")
    finished = close(windows, "2012R2", session_id=2, computer_name=CLASSROOMS["2016"])
    assert finished.status != 0
    for word in refused_words:
        assert word in finished.task.message
    assert windows.ended() == ["student1"]


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
    ({"all_sessions": True, "confirm": True}, ["Nothing was ended", "confirm"]),
]


def test_refused(windows: Windows) -> None:
    windows.refuse(CLASSROOMS["2016"], CLOSE, REFUSED)
    assert windows.ended() == []


def test_module_that_is_not_there(windows: Windows) -> None:
    finished = windows.run(BROKER, WMS_INFO)
    assert "no command Get-WmsSession" in finished.task.message
    assert "MultiPoint" in finished.task.message


def test_unknown_server(windows: Windows) -> None:
    refused(windows, "2016", "nowhere", all_sessions=True, server="nowhere")


@pytest.mark.parametrize("generation", ["2012R2"])
def test_session_without_a_user_is_refused(windows: Windows, generation: str) -> None:
    windows.lab.change(**place(generation), id=2, user="", ad_user_name="")
    finished = close(windows, generation, all_sessions=True)
    assert finished.task.result["summary"]["refused"] == 1
    assert "teacher" in windows.ended()
    assert STUDENTS[generation][0] not in windows.ended()


# Faults


@pytest.mark.parametrize(("generation", "language"), [("2012R2", "de"), ("2016", "en")])
def test_error_of_one_does_not_stop_the_others(windows: Windows, generation: str, language: str) -> None:
    windows.settings(language=language)
    windows.fault("error", "Close-WmsSession", code=5, parameters={"SessionId": 2})
    finished = close(windows, generation, all_sessions=True)
    assert finished.task.status == "failed"
    result = outcomes(finished.task, ID)
    assert result.pop(STUDENTS[generation][0]) == "failed"
    assert set(result.values()) == {"logged_off"}
    assert "Close-WmsSession says" in finished.task.message


@pytest.mark.parametrize("generation", ["2012R2"])
def test_user_who_leaves_just_before_the_act_is_already_gone(windows: Windows, generation: str) -> None:
    then = {"host": CLASSROOMS[generation], "id": 2, "remove": True}
    windows.fault("pass", "Close-WmsSession", then=then, times=1)
    finished = close(windows, generation, session_id=2)
    assert finished.status == 0, finished.output
    assert set(outcomes(finished.task, ID).values()) == {"already_gone"}
    assert finished.task.result["changed"] is False


@pytest.mark.parametrize(("generation", "limit"), [("2012R2", {"timeout_in_second": 3}), ("2016", {})])
def test_session_that_hangs_is_still_there(windows: Windows, generation: str, limit: dict[str, int]) -> None:
    windows.lab.change(**place(generation), id=2, stuck=True)
    started = time.monotonic()
    finished = close(windows, generation, all_sessions=True, wait_timeout=10, **limit)
    assert time.monotonic() - started < 40
    assert finished.task.status == "failed"
    result = outcomes(finished.task, ID)
    assert result.pop(STUDENTS[generation][0]) == "still_there"
    assert set(result.values()) == {"logged_off"}
    assert windows.ended().count(STUDENTS[generation][0]) == 1


@pytest.mark.parametrize("generation", ["2016"])
def test_connection_that_is_lost_on_the_way_is_unreachable(windows: Windows, generation: str) -> None:
    windows.fault("reset", "Close-WmsSession", when="after", parameters={"SessionId": 2}, times=1)
    finished = close(windows, generation, all_sessions=True)
    assert finished.task.status == "unreachable"
    assert len(finished.task.result["sessions"]) == len(STUDENTS[generation]) + 1
    assert close(windows, generation, all_sessions=True).status == 0


# JEA


def test_no_language_endpoint_is_enough(windows: Windows) -> None:
    variables = windows.endpoint("Classroom", "Get-WmsSession", "Close-WmsSession")
    finished = close(windows, "2016", session_id=2, variables=variables)
    assert finished.status == 0, finished.output
    assert windows.ended() == ["student1"]
    finished = close(windows, "2012R2", session_id=2, variables=variables)
    assert finished.status == 0, finished.output
    assert windows.ended() == ["student1", "student3"]


def test_endpoint_that_hides_the_list_of_all(windows: Windows) -> None:
    hidden = {"Name": "Get-WmsSession", "Parameters": [{"Name": "SessionId"}]}
    variables = windows.endpoint("Narrow", hidden, "Close-WmsSession")
    refused(windows, "2016", "must allow the parameters All", session_id=2, variables=variables)


@pytest.mark.parametrize(("answer", "goes_on"), [(b"y\r", True), (b"n\r", False)])
def test_question_on_the_terminal(windows: Windows, answer: bytes, goes_on: bool) -> None:
    arguments = ["-i", str(windows.inventory), CLASSROOMS["2016"], "-m", CLOSE, "-a", "session_id=2 confirm=true"]
    status, shown = windows.ansible.on_terminal(answer, *arguments)
    assert "log off 1 session" in shown
    assert (status == 0) is goes_on
    assert windows.ended() == (["student1"] if goes_on else [])
