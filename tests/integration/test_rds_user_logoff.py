# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging users off through real Ansible processes and a real PSRP client: whom, and nobody else."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.integration.ansible_process import expect_refused
from tests.integration.rds_tasks import COLLECTION, EVERYBODY, ID
from tests.integration.scenarios import Scenario, call, fault, thrice
from tests.integration.windows_hosts import (
    BROKER,
    LOGOFF,
    RDS_INFO,
    WVD_CLASSIC,
    Windows,
    agree,
    ended_in,
    outcomes,
    sign_in,
)

DEPLOYMENT = {"pool": COLLECTION}
RDSH_1 = {"host": "rdsh-1.contoso.com"}
POOL = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool"}


# Which sessions


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"host_server": "rdsh-1.contoso.com", "unified_session_id": 2}, ["carol"]),
    ({"host_server": "RDSH-1.Contoso.com", "unified_session_id": 2}, ["carol"]),
    ({"host_server": "rdsh-1", "unified_session_id": 2}, ["carol"]),
    ({"user": "CONTOSO\\alice"}, ["alice"]),
    ({"user": ["ALICE", "contoso\\BOB"]}, ["alice", "bob"]),
    ({"users": "alice\nbob\n"}, ["alice", "bob"]),
    ({"session_state": "disconnected"}, ["bob"]),
    ({"minimum_disconnected": "3h"}, ["bob"]),
    ({"minimum_disconnected": "4h"}, []),
    ({"session_state": ["STATE_DISCONNECTED", "State_Active"]}, EVERYBODY),
    ({"all_sessions": True}, EVERYBODY),
    ({"all_sessions": True, "exclude_user": ["alice@contoso.com", "dave"]}, ["bob", "carol"]),
    ({"all_sessions": True, "host_server": "rdsh-0"}, ["alice", "bob"]),
    ({"host_server": "rdsh-1.contoso.com", "minimum_age": "2h"}, ["dave"]),
    ({"all_sessions": True, "collection_name": COLLECTION, "connection_broker": BROKER}, EVERYBODY),
    ({"host_server": "rdsh-0", "unified_session_id": [2, 3], "user": "bob"}, ["bob"]),
    ({"host_server": "rdsh-0", "unified_session_id": "2,3,9"}, ["alice", "bob"]),
]


FOR_REAL = [FILTERS[4], FILTERS[11], FILTERS[13], FILTERS[16]]


def test_which_sessions(windows: Windows) -> None:
    """One for real, what the others would do, and the way from a list to a log-off and beyond."""
    listed = {"name": "info", RDS_INFO: {}, "register": "listed"}
    place = {**POOL, "credential": sign_in(windows.lab)}
    one_of_pool = {**place, "session_host_name": "WVD-0.contoso.com", "session_id": 2, "no_user_prompt": True}
    alice_and_dave = "{{ listed.sessions | selectattr('user_name', 'in', ['alice', 'dave']) }}"
    one, asked, nobody_to_ask, filters, pipeline, classic = windows.scenarios(
        BROKER,
        Scenario(
            "one session",
            thrice({LOGOFF: {"host_server": "RDSH-1", "unified_session_id": 2, "force": True}}),
        ),
        Scenario(
            "check mode asks nothing",
            [{LOGOFF: {"all_sessions": True, "force": False}}],
            {"check_mode": True, "diff": True},
        ),
        Scenario("nobody to ask", [{LOGOFF: {"host_server": "rdsh-1", "unified_session_id": 2}}]),
        Scenario(
            "filters",
            [{"name": repr(options), LOGOFF: {**options, "force": True}} for options, _expected in FILTERS],
            {"check_mode": True},
        ),
        Scenario(
            "pipeline",
            [
                listed,
                {"name": "run", LOGOFF: {"sessions": alice_and_dave, "force": True}, "register": "gone"},
                {"name": "again", LOGOFF: {"sessions": "{{ gone.sessions }}", "force": True}},
                {"name": "none", LOGOFF: {"sessions": "{{ listed.sessions | selectattr('user_name', 'eq', 'x') }}"}},
            ],
        ),
        Scenario(
            "classic", [{"name": "info", RDS_INFO: place}, *thrice({LOGOFF: one_of_pool})], {"hosts": WVD_CLASSIC}
        ),
    )
    assert agree(one, ID) == {"carol": "logged_off"}
    assert ended_in(one) == ["carol"]
    (entry,) = one.seen["end"]["audit"]
    assert entry["host"] == "rdsh-1.contoso.com"
    assert asked.task.result["changed"] is True
    assert "-rdsh-1.contoso.com/6 CONTOSO\\dave STATE_ACTIVE" in asked.output
    assert asked.seen["end"]["audit"] == []
    expect_refused(nobody_to_ask, [({}, ["Nothing was done", "force"])])
    assert ended_in(nobody_to_ask) == []
    for task, (_options, expected) in zip(filters.all_ok(len(FILTERS)), FILTERS, strict=True):
        chosen = [name for name, outcome in outcomes(task, ID).items() if outcome == "logged_off"]
        assert sorted(chosen) == expected, task
    assert ended_in(filters) == []
    info, run, again, none = pipeline.all_ok(4)
    assert info.result["summary"] == {"STATE_ACTIVE": 3, "STATE_DISCONNECTED": 1}
    assert outcomes(run, ID) == {"alice": "logged_off", "dave": "logged_off"}
    assert set(outcomes(again, ID).values()) == {"already_gone"}
    assert none.result["sessions"] == []
    assert ended_in(pipeline) == ["alice", "dave"]
    info, check, run, again = classic.all_ok(4)
    assert info.result["summary"] == {"Active": 1, "Disconnected": 1}
    assert check.result["summary"] == run.result["summary"] == {"logged_off": 1}
    assert again.result["summary"] == {"already_gone": 1}
    assert ended_in(classic) == ["alice"]
    assert "retired on 2026-09-30" in str(run.result["warnings"])


@pytest.mark.newest_core
def test_filters_for_real(windows: Windows) -> None:
    scenarios = windows.scenarios(
        BROKER,
        *(Scenario(repr(options), thrice({LOGOFF: {**options, "force": True}})) for options, _expected in FOR_REAL),
    )
    for finished, (options, expected) in zip(scenarios, FOR_REAL, strict=True):
        run = agree(finished, ID)
        assert sorted(name for name, outcome in run.items() if outcome == "logged_off") == expected, options
        assert ended_in(finished) == expected, options


@pytest.mark.newest_core
def test_whose_sessions_they_are(windows: Windows) -> None:
    """Ids that were reused, strange names, an id of a guest, and times in another zone."""
    users = ["-Force", "a$(calc)", "jürgen", "o'brien", "x`n", "名前"]
    strange = [
        call(
            "sessions",
            {**DEPLOYMENT, **RDSH_1, "service": "rds", "id": 40 + number, "user": f"{user}@contoso.com"},
        )
        for number, user in enumerate(users)
    ]
    erin = {**DEPLOYMENT, **RDSH_1, "service": "rds", "id": 40, "guest_id": 2, "user": "erin@contoso.com"}
    reused, named, guest, zone = windows.scenarios(
        BROKER,
        Scenario(
            "reused ids",
            [
                {"name": "info", RDS_INFO: {}, "register": "listed"},
                call("give_id", {**DEPLOYMENT, "host": "RDSH-0.contoso.com", "id": 2, "user": "mallory@contoso.com"}),
                call("give_id", {**DEPLOYMENT, **RDSH_1, "id": 2, "user": "carol@contoso.com"}),
                {"name": "run", LOGOFF: {"sessions": "{{ listed.sessions }}", "force": True}},
            ],
        ),
        Scenario(
            "strange names",
            [*strange, {"name": "run", LOGOFF: {"user": [f"CONTOSO\\{user}" for user in users], "force": True}}],
        ),
        Scenario(
            "guest",
            # Its own id is that of somebody else's session on the host.
            [call("sessions", erin), {"name": "run", LOGOFF: {"user": "erin", "force": True}}],
        ),
        Scenario(
            "zone",
            [
                {"name": "before", RDS_INFO: {}},
                call("winrm/settings", {"time_zone": "Asia/Kolkata", "language": "de"}),
                {"name": "after", RDS_INFO: {}},
                {"name": "by age", LOGOFF: {"minimum_age": "4h", "force": True}},
            ],
        ),
    )
    _info, run = reused.all_ok(2)
    assert run.result["summary"] == {"logged_off": 2, "replaced": 2}
    assert ended_in(reused) == ["bob", "dave"]
    named.all_ok(1)
    assert outcomes(named.task, ID) == dict.fromkeys(users, "logged_off")
    assert ended_in(named) == users
    guest.all_ok(1)
    assert ended_in(guest) == ["erin"]
    before, after, by_age = zone.all_ok(3)
    assert after.result["sessions"] == before.result["sessions"]
    assert all(row["create_time"].endswith("Z") for row in after.result["sessions"])
    assert sorted(outcomes(by_age, ID)) == ["bob", "dave"]


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_age_and_a_loop_behind_a_call_that_hangs(windows: Windows) -> None:
    hang = fault("hang", "Invoke-RDUserLogoff", parameters={"UnifiedSessionID": 6}, seconds=20)
    item = {"host_server": "rdsh-1", "unified_session_id": "{{ item }}", "force": True, "wait_timeout": 1}
    aged, looped = windows.scenarios(
        BROKER,
        Scenario("age", [{RDS_INFO: {"minimum_age": "2h"}}]),
        Scenario("loop", [hang, {"name": "loop", LOGOFF: item, "loop": [6, 2]}]),
    )
    rows = aged.task.result["sessions"]
    assert sorted(row["user_name"] for row in rows) == ["bob", "dave"]
    for row in rows:
        age = datetime.now().astimezone() - datetime.fromisoformat(row["create_time"].replace("Z", "+00:00"))
        assert age > timedelta(hours=2)
    results = looped.task.result["results"]
    assert [row["outcome"] for result in results for row in result["sessions"]] == ["still_there", "logged_off"]
    assert "carol" in ended_in(looped)


# The question


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        pytest.param(b"y\r", True, marks=pytest.mark.outer_cores),
        pytest.param(b"n\r", False, marks=pytest.mark.newest_core),
    ],
)
def test_question_on_the_terminal(windows: Windows, answer: bytes, goes_on: bool) -> None:
    arguments = ["-i", str(windows.inventory), BROKER, "-m", LOGOFF]
    options = ("-a", "host_server=rdsh-1 unified_session_id=2")
    finished = windows.ansible.on_terminal([answer], "ansible", *arguments, *options)
    assert "[broker.contoso.com] log off 1 session" in finished.output
    assert "rdsh-1.contoso.com/2 (CONTOSO\\carol, STATE_ACTIVE)" in finished.output
    assert (finished.status == 0) is goes_on
    assert windows.ended() == (["carol"] if goes_on else [])


@pytest.mark.outer_cores
def test_ad_hoc(windows: Windows) -> None:
    arguments = ["-i", str(windows.inventory), BROKER, "-m", LOGOFF]
    finished = windows.ansible.run("ansible", *arguments, "-a", "host_server=rdsh-1 unified_session_id=2 force=true")
    assert finished.status == 0, finished.output
    assert windows.ended() == ["carol"]


# Windows Virtual Desktop (classic)

CAROL = call(
    "sessions",
    {
        "service": "wvd_classic",
        "pool": POOL["host_pool_name"],
        "host": "wvd-0.contoso.com",
        "id": 4,
        "user": "carol@contoso.com",
    },
)
"""Lets there be a third session in the pool."""


@pytest.mark.outer_cores
def test_password_of_the_sign_in_never_shows(windows: Windows) -> None:
    password = sign_in(windows.lab)["password"]
    variables = windows.ansible.directory / "vars.yml"
    variables.write_text(json.dumps({"sign_in": sign_in(windows.lab)}))
    options = {**POOL, "credential": "{{ sign_in }}", "all_sessions": True, "no_user_prompt": True}
    finished = windows.run(WVD_CLASSIC, LOGOFF, "-vvv", "-e", f"@{variables}", **options)
    assert finished.status == 0, finished.output
    assert password not in finished.output
    assert password not in json.dumps(finished.task.result)


@pytest.mark.newest_core
def test_classic_sign_in_and_what_it_must_be_told(windows: Windows) -> None:
    place = {**POOL, "credential": sign_in(windows.lab)}
    short = {**place, "session_host_name": "WVD-0", "session_id": 2, "no_user_prompt": True}
    wrong = {**POOL, "credential": {**sign_in(windows.lab), "password": "wrong"}}
    rows = {"sessions": "{{ listed.sessions }}", "credential": sign_in(windows.lab)}
    guessed, pipeline, password, absent = windows.scenarios(
        WVD_CLASSIC,
        Scenario("it tells no hosts, so a short name is not guessed", [{LOGOFF: short}]),
        Scenario(
            "pipeline and question",
            [
                {"name": "info", RDS_INFO: place, "register": "listed"},
                {"name": "ask", LOGOFF: rows},
                {"name": "run", LOGOFF: {**rows, "no_user_prompt": True}},
            ],
        ),
        Scenario("wrong password", [{RDS_INFO: wrong}]),
        Scenario("no module", [fault("not_installed", "Add-RdsAccount"), {RDS_INFO: place}]),
    )
    assert "give the full name" in guessed.task.message
    assert ended_in(guessed) == []
    assert [task.status for task in pipeline.tasks] == ["ok", "failed", "ok"]
    assert "no_user_prompt" in pipeline.tasks[1].message
    assert ended_in(pipeline) == ["alice", "bob"]
    assert "Add-RdsAccount" in password.task.message
    assert "nobody is signed in" in password.task.message
    assert "Microsoft.RDInfra.RDPowerShell" in absent.task.message


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_classic_works_in_one_runspace(windows: Windows) -> None:
    """A sign-in holds for one runspace, and the host chooses the runspace of a call."""
    every = {**POOL, "credential": sign_in(windows.lab), "all_sessions": True, "no_user_prompt": True}
    signed_in, hangs = windows.scenarios(
        WVD_CLASSIC,
        Scenario(
            "logs off where it has signed in",
            [CAROL, call("winrm/settings", {"delay": {"invoke-rdsusersessionlogoff": 0.5}}), {LOGOFF: every}],
        ),
        Scenario(
            "ends in time behind a call that hangs",
            [CAROL, fault("hang", "Invoke-RdsUserSessionLogoff", times=1), {LOGOFF: {**every, "wait_timeout": 1}}],
        ),
    )
    assert signed_in.task.result["summary"] == {"logged_off": 3}, signed_in.output
    assert ended_in(signed_in) == ["alice", "bob", "carol"]
    assert hangs.task.seconds < 30
    result = hangs.task.result
    first, *rest = result["sessions"]
    assert {row["outcome"] for row in (first, *rest)} == {"failed"}
    assert first["reason"].startswith("no answer within its deadline; ")
    assert len(rest) == 2
    assert all(row["reason"].startswith("not asked for; ") and row["seconds"] == 0.0 for row in rest)
    assert "takes no more calls, because one that does not end holds the only runspace" in result["msg"]
    assert ".." not in result["msg"]
    assert result["changed"] is True
    assert ended_in(hangs) == []
