# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging users off through real Ansible processes and a real PSRP client: whom, and nobody else."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.ansible_process import Finished
from tests.integration.windows_hosts import BROKER, LOGOFF, RDS_INFO, WVD, Windows, outcomes, sign_in

EVERYBODY = ["alice", "bob", "carol", "dave"]
COLLECTION = "Desktops"
DEPLOYMENT = {"pool": COLLECTION}
POOL = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool"}
ID = "unified_session_id"


def log_off(windows: Windows, *arguments: str, **options: Any) -> Finished:
    """Run one logoff task on the broker, without a question."""
    more = {name: options.pop(name) for name in ("task", "variables") if name in options}
    return windows.run(BROKER, LOGOFF, *arguments, **more, **{"force": True, **options})


def refused(windows: Windows, *words: str, **options: Any) -> str:
    """Run, and expect a failure whose message has the words and is a sentence without a trace."""
    finished = log_off(windows, **options)
    assert finished.status != 0
    assert finished.task.status == "failed"
    message = finished.task.message
    for word in words:
        assert word in message, message
    assert "Traceback" not in finished.output
    assert "\n" not in message
    assert windows.ended() == []
    return message


# Which sessions


def test_one_session(windows: Windows) -> None:
    run = windows.check_run_again(BROKER, LOGOFF, ID, host_server="RDSH-1", unified_session_id=2, force=True)
    assert run == {"carol": "logged_off"}
    assert windows.ended() == ["carol"]
    (entry,) = windows.lab.audit()
    assert entry["host"] == "rdsh-1.contoso.com"


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"host_server": "rdsh-1.contoso.com", "unified_session_id": 2}, ["carol"]),
    ({"host_server": "RDSH-1.Contoso.com", "unified_session_id": 2}, ["carol"]),
    ({"host_server": "rdsh-1", "unified_session_id": 2}, ["carol"]),
    ({"user": "CONTOSO\\alice"}, ["alice"]),
    ({"user": ["ALICE", "contoso\\BOB"]}, ["alice", "bob"]),
    ({"users": "alice\nbob\n"}, ["alice", "bob"]),
    ({"session_state": "disconnected"}, ["bob"]),
    ({"session_state": ["STATE_DISCONNECTED", "State_Active"]}, EVERYBODY),
    ({"all_sessions": True}, EVERYBODY),
    ({"all_sessions": True, "exclude_user": ["alice@contoso.com", "dave"]}, ["bob", "carol"]),
    ({"all_sessions": True, "host_server": "rdsh-0"}, ["alice", "bob"]),
    ({"host_server": "rdsh-1.contoso.com", "minimum_age": "2h"}, ["dave"]),
    ({"all_sessions": True, "collection_name": COLLECTION, "connection_broker": BROKER}, EVERYBODY),
    ({"host_server": "rdsh-0", "unified_session_id": [2, 3], "user": "bob"}, ["bob"]),
    ({"host_server": "rdsh-0", "unified_session_id": "2,3,9"}, ["alice", "bob"]),
]


@pytest.mark.newest_core
def test_filters(windows: Windows) -> None:
    """All in one process, in check mode, which predicts what is done for real below."""
    tasks = [{"name": repr(options), LOGOFF: {**options, "force": True}} for options, _expected in FILTERS]
    finished = windows.play(BROKER, *tasks, arguments=("--check",))
    assert finished.status == 0, finished.output
    for task, (_options, expected) in zip(finished.tasks, FILTERS, strict=True):
        chosen = [name for name, outcome in outcomes(task, ID).items() if outcome == "logged_off"]
        assert sorted(chosen) == expected, task
    assert windows.ended() == []


@pytest.mark.newest_core
@pytest.mark.parametrize(("options", "expected"), [FILTERS[4], FILTERS[9], FILTERS[11], FILTERS[14]])
def test_filters_for_real(windows: Windows, options: dict[str, Any], expected: list[str]) -> None:
    run = windows.check_run_again(BROKER, LOGOFF, ID, **options, force=True)
    assert sorted(name for name, outcome in run.items() if outcome == "logged_off") == expected
    assert windows.ended() == expected


def test_check_mode_asks_nothing_and_ends_nothing(windows: Windows) -> None:
    finished = log_off(windows, "--check", "--diff", all_sessions=True, force=False)
    assert finished.task.result["changed"] is True
    assert "-rdsh-1.contoso.com/2 CONTOSO\\carol STATE_ACTIVE" in finished.output
    assert windows.lab.audit() == []


def test_pipeline_from_info_over_selectattr(windows: Windows) -> None:
    options = {"sessions": "{{ listed.sessions | selectattr('user_name', 'in', ['alice', 'dave']) }}", "force": True}
    finished = windows.play(
        BROKER,
        {"name": "info", RDS_INFO: {}, "register": "listed"},
        {"name": "run", LOGOFF: options, "register": "gone"},
        {"name": "again", LOGOFF: {"sessions": "{{ gone.sessions }}", "force": True}},
        {"name": "none", LOGOFF: {"sessions": "{{ listed.sessions | selectattr('user_name', 'eq', 'x') | list }}"}},
    )
    assert finished.status == 0, finished.output
    info, run, again, none = finished.tasks
    assert info.result["summary"] == {"STATE_ACTIVE": 3, "STATE_DISCONNECTED": 1}
    assert outcomes(run, ID) == {"alice": "logged_off", "dave": "logged_off"}
    assert set(outcomes(again, ID).values()) == {"already_gone"}
    assert none.result["sessions"] == []
    assert windows.ended() == ["alice", "dave"]


@pytest.mark.newest_core
def test_rows_whose_ids_were_reused_are_left_alone(windows: Windows) -> None:
    rows = windows.run(BROKER, RDS_INFO).task.result["sessions"]
    windows.lab.give_id(pool=COLLECTION, host="RDSH-0.contoso.com", id=2, user="mallory@contoso.com")
    windows.lab.give_id(pool=COLLECTION, host="rdsh-1.contoso.com", id=2, user="carol@contoso.com")
    finished = log_off(windows, sessions=rows)
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 2, "replaced": 2}
    assert windows.ended() == ["bob", "dave"]


@pytest.mark.newest_core
def test_times_are_utc_whatever_the_zone_of_the_host(windows: Windows) -> None:
    before = windows.run(BROKER, RDS_INFO).task.result["sessions"]
    windows.settings(time_zone="Asia/Kolkata", language="de")
    after = windows.run(BROKER, RDS_INFO).task.result["sessions"]
    assert after == before
    assert all(row["create_time"].endswith("Z") for row in after)
    finished = log_off(windows, minimum_age="4h")
    assert sorted(outcomes(finished.task, ID)) == ["bob", "dave"]


@pytest.mark.newest_core
def test_users_with_strange_names(windows: Windows) -> None:
    users = ["-Force", "a$(calc)", "jürgen", "o'brien", "x`n", "名前"]
    for number, user in enumerate(users):
        windows.lab.add_session(
            service="remote_desktop",
            **DEPLOYMENT,
            host="rdsh-1.contoso.com",
            id=40 + number,
            user=f"{user}@contoso.com",
        )
    finished = log_off(windows, user=[f"CONTOSO\\{user}" for user in users])
    assert finished.status == 0, finished.output
    assert outcomes(finished.task, ID) == dict.fromkeys(users, "logged_off")
    assert windows.ended() == users


@pytest.mark.newest_core
def test_session_in_a_virtual_machine_is_named_by_its_unified_id(windows: Windows) -> None:
    """Its own id is that of somebody else's session on the host."""
    windows.lab.add_session(
        service="remote_desktop", **DEPLOYMENT, host="rdsh-1.contoso.com", id=40, guest_id=2, user="erin@contoso.com"
    )
    finished = log_off(windows, user="erin")
    assert finished.status == 0, finished.output
    assert windows.ended() == ["erin"]


@pytest.mark.newest_core
def test_loop_goes_on_behind_a_call_that_hangs(windows: Windows) -> None:
    windows.fault("hang", "Invoke-RDUserLogoff", parameters={"UnifiedSessionID": 6}, seconds=20)
    item = {"host_server": "rdsh-1", "unified_session_id": "{{ item }}", "force": True, "wait_timeout": 1}
    finished = windows.play(BROKER, {"name": "loop", LOGOFF: item, "loop": [6, 2], "ignore_errors": True})
    results = finished.task.result["results"]
    assert [row["outcome"] for result in results for row in result["sessions"]] == ["still_there", "logged_off"]
    assert "carol" in windows.ended()


# The question


@pytest.mark.parametrize(
    ("answer", "goes_on"), [(b"y\r", True), (b"n\r", False), pytest.param(b"\r", False, marks=pytest.mark.newest_core)]
)
def test_question_on_the_terminal(windows: Windows, answer: bytes, goes_on: bool) -> None:
    arguments = ["-i", str(windows.inventory), BROKER, "-m", LOGOFF]
    status, shown = windows.ansible.on_terminal(answer, *arguments, "-a", "host_server=rdsh-1 unified_session_id=2")
    assert "[broker.contoso.com] log off 1 session" in shown
    assert "rdsh-1.contoso.com/2 (CONTOSO\\carol, STATE_ACTIVE)" in shown
    assert (status == 0) is goes_on
    assert windows.ended() == (["carol"] if goes_on else [])


@pytest.mark.newest_core
def test_force_asks_nothing_ad_hoc(windows: Windows) -> None:
    arguments = ["-i", str(windows.inventory), BROKER, "-m", LOGOFF]
    finished = windows.ansible.run("ansible", *arguments, "-a", "host_server=rdsh-1 unified_session_id=2")
    assert finished.status != 0
    assert "force" in finished.task.message
    assert windows.ended() == []
    finished = windows.ansible.run("ansible", *arguments, "-a", "host_server=rdsh-1 unified_session_id=2 force=true")
    assert finished.status == 0, finished.output
    assert windows.ended() == ["carol"]


def test_question_without_a_terminal_ends_nothing(windows: Windows) -> None:
    refused(windows, "Nothing was ended", "force", all_sessions=True, force=False)


# Windows Virtual Desktop (classic)


def third_classic_session(windows: Windows) -> None:
    """Let there be a third session in the pool."""
    place = {"service": "rdinfra", "pool": POOL["host_pool_name"], "host": "wvd-0.contoso.com"}
    windows.lab.add_session(**place, id=4, user="carol@contoso.com")


@pytest.mark.newest_core
def test_classic_tells_no_hosts_so_a_short_name_is_not_guessed(windows: Windows) -> None:
    place = {**POOL, "session_host_name": "WVD-0", "session_id": 2, "no_user_prompt": True}
    finished = windows.run(WVD, LOGOFF, **place, credential=sign_in(windows.lab))
    assert "give the full name" in finished.task.message
    assert windows.ended() == []


def test_classic(windows: Windows) -> None:
    place = {**POOL, "credential": sign_in(windows.lab)}
    task = {LOGOFF: {**place, "session_host_name": "WVD-0.contoso.com", "session_id": 2, "no_user_prompt": True}}
    finished = windows.play(
        WVD,
        {"name": "info", RDS_INFO: place},
        {"name": "check", **task, "check_mode": True},
        {"name": "run", **task},
        {"name": "again", **task},
    )
    assert finished.status == 0, finished.output
    info, check, run, again = finished.tasks
    assert info.result["summary"] == {"Active": 1, "Disconnected": 1}
    assert check.result["summary"] == run.result["summary"] == {"logged_off": 1}
    assert again.result["summary"] == {"already_gone": 1}
    assert windows.ended() == ["alice"]
    assert "retired on 2026-09-30" in str(run.result["warnings"])


def test_password_of_the_sign_in_never_shows(windows: Windows) -> None:
    password = sign_in(windows.lab)["password"]
    variables = windows.ansible.directory / "vars.yml"
    variables.write_text(json.dumps({"sign_in": sign_in(windows.lab)}))
    finished = windows.run(
        WVD,
        LOGOFF,
        "-vvv",
        "-e",
        f"@{variables}",
        **POOL,
        credential="{{ sign_in }}",
        all_sessions=True,
        no_user_prompt=True,
    )
    assert finished.status == 0, finished.output
    assert password not in finished.output
    assert password not in json.dumps(finished.task.result)


@pytest.mark.newest_core
def test_classic_pipeline_and_question(windows: Windows) -> None:
    rows = {"sessions": "{{ listed.sessions }}", "credential": sign_in(windows.lab)}
    finished = windows.play(
        WVD,
        {"name": "info", RDS_INFO: {**POOL, "credential": sign_in(windows.lab)}, "register": "listed"},
        {"name": "ask", LOGOFF: rows, "ignore_errors": True},
        {"name": "run", LOGOFF: {**rows, "no_user_prompt": True}},
    )
    assert finished.status == 0, finished.output
    assert "no_user_prompt" in finished.tasks[1].message
    assert windows.ended() == ["alice", "bob"]


@pytest.mark.newest_core
def test_classic_that_cannot_sign_in(windows: Windows) -> None:
    wrong = {"credential": {**sign_in(windows.lab), "password": "wrong"}}
    finished = windows.run(WVD, RDS_INFO, **POOL, **wrong)
    assert "Add-RdsAccount" in finished.task.message
    assert "nobody is signed in" in finished.task.message
    windows.fault("not_installed", "Add-RdsAccount")
    finished = windows.run(WVD, RDS_INFO, **POOL, credential=sign_in(windows.lab))
    assert "Microsoft.RDInfra.RDPowerShell" in finished.task.message


@pytest.mark.newest_core
def test_classic_logs_off_where_it_has_signed_in(windows: Windows) -> None:
    """A sign-in holds for one runspace, and the host chooses the runspace of a call."""
    third_classic_session(windows)
    windows.settings(delay={"invoke-rdsusersessionlogoff": 0.5})
    finished = windows.run(WVD, LOGOFF, **POOL, credential=sign_in(windows.lab), all_sessions=True, no_user_prompt=True)
    assert finished.task.result["summary"] == {"logged_off": 3}, finished.output
    assert windows.ended() == ["alice", "bob", "carol"]


@pytest.mark.newest_core
def test_classic_ends_in_time_behind_a_call_that_hangs(windows: Windows) -> None:
    third_classic_session(windows)
    windows.fault("hang", "Invoke-RdsUserSessionLogoff", times=1)
    begun = time.monotonic()
    options = {**POOL, "all_sessions": True, "no_user_prompt": True, "wait_timeout": 1}
    result = windows.run(WVD, LOGOFF, **options, credential=sign_in(windows.lab)).task.result
    assert time.monotonic() - begun < 30
    first, *rest = result["sessions"]
    assert {row["outcome"] for row in (first, *rest)} == {"failed"}
    assert first["reason"].startswith("no answer within its deadline; ")
    assert len(rest) == 2
    assert all(row["reason"].startswith("not asked for; ") and row["seconds"] == 0.0 for row in rest)
    assert "takes no more calls, because one that does not end holds the only runspace" in result["msg"]
    assert ".." not in result["msg"]
    assert result["changed"] is True
    assert windows.ended() == []


@pytest.mark.newest_core
def test_age_of_sessions(windows: Windows) -> None:
    rows = windows.run(BROKER, RDS_INFO, minimum_age="2h").task.result["sessions"]
    assert sorted(row["user_name"] for row in rows) == ["bob", "dave"]
    for row in rows:
        age = datetime.now().astimezone() - datetime.fromisoformat(row["create_time"].replace("Z", "+00:00"))
        assert age > timedelta(hours=2)
