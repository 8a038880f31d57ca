# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets of each service: MultiPoint in both generations, classic with its sign-in; and many rows."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from tests.engine.processes import watch_command_lines
from tests.engine.script.driver import Json
from tests.engine.script.hosts import (
    CLASSROOMS,
    RDS_LIST,
    WVD_CLASSIC,
    Hosts,
    call,
    collection,
    deployment,
    request,
    untimed,
    verdicts,
)

POOL = {"TenantName": "Contoso", "HostPoolName": "legacy-pool"}
SIGN_IN = call("Add-RdsAccount", "Credential", DeploymentUrl="https://rdbroker.example.test")


def act(row: Json, command: str, where: tuple[str, ...], expect: tuple[str, ...], **parameters: Any) -> Json:
    """Make an act on the session of a row."""
    return {
        "call": call(command, **parameters),
        "where": {name: row[name] for name in where},
        "expect": {name: row[name] for name in expect},
    }


GENERATIONS = pytest.mark.parametrize(
    ("generation", "listing", "key", "is_list"),
    [
        ("2012R2", call("Get-WmsSession"), "Id", False),
        ("2016", call("Get-WmsSession", All=True), "SessionId", True),
    ],
)


@GENERATIONS
def test_wms(hosts: Hosts, generation: str, listing: Json, key: str, is_list: bool) -> None:
    host = CLASSROOMS[generation]
    rows = hosts.rows(listing, host)
    teacher, student, *_others = rows
    assert (teacher[key], teacher["UserName"], teacher["DomainName"], teacher["IsAdmin"]) == (
        1,
        "teacher",
        "CONTOSO",
        True,
    )
    assert (student["State"], student["ComputerName"]) == ("ConnectedToStation", f"CLASSROOM-{generation[:4]}")
    acts = [
        act(
            row,
            "Close-WmsSession",
            ("ComputerName", key),
            ("UserName", "DomainName"),
            SessionId=[id_] if is_list else id_,
            Confirm=False,
        )
        for row, id_ in ((student, student[key]), (teacher, 99))
    ]
    result = hosts.run(request(listing, acts), host)
    assert verdicts(result) == ["sent", "sent"]
    closed, missing = [one["answer"] for one in result["acts"]]
    warnings = [f"closed {student[key]}"]
    assert untimed(closed) == {"state": "completed", "output": [], "errors": [], "warnings": warnings}
    (error,) = missing["errors"]
    assert (missing["state"], error["category"]) == ("failed", "ObjectNotFound")
    assert error["id"].startswith("SessionNotFound,")
    assert error["exception"] == "System.Management.Automation.ItemNotFoundException"
    assert [row["UserName"] for row in result["listing"]["output"]] == [
        row["UserName"] for row in rows if row is not student
    ]
    assert hosts.ended() == [(host, student[key], f"{student['UserName']}@contoso.com")]


@GENERATIONS
def test_wms_disconnects(hosts: Hosts, generation: str, listing: Json, key: str, is_list: bool) -> None:
    host = CLASSROOMS[generation]
    (row,) = [one for one in hosts.rows(listing, host) if one[key] == 2]
    one = act(
        row,
        "Disconnect-WmsSession",
        ("ComputerName", key),
        ("UserName", "DomainName", "State"),
        SessionId=[2] if is_list else 2,
        Confirm=False,
    )
    result = hosts.run(request(listing, [one]), host)
    assert verdicts(result) == ["sent"]
    answer = untimed(result["acts"][0]["answer"])
    assert answer == {"state": "completed", "output": [], "errors": [], "warnings": []}
    assert [found["State"] for found in result["listing"]["output"] if found[key] == 2] == ["Disconnected"]
    assert [(entry["verb"], entry["effect"], entry["id"]) for entry in hosts.lab.audit()] == [("disconnect", "done", 2)]
    assert verdicts(hosts.run(request(listing, [one]), host)) == ["replaced"], "who is disconnected needs nothing"


def test_message_arrives_once_and_as_it_was_written(hosts: Hosts) -> None:
    texts = {
        "MessageTitle": "'; Stop-Computer; $(Stop-Computer)",
        "MessageBody": "Büro \u2013 „jetzt“ \U0001d54f `n\n\r\n-Force @{x=1} \\u0041\n",
    }
    rows = hosts.rows(RDS_LIST)
    acts = [
        act(
            row,
            "Send-RDUserMessage",
            ("HostServer", "UnifiedSessionId"),
            ("UserName", "DomainName", "CreateTime"),
            HostServer=row["HostServer"],
            UnifiedSessionID=row["UnifiedSessionId"],
            **texts,
        )
        for row in rows
    ]
    hosts.fault("error", "Send-RDUserMessage", code=7, when="after", parameters={"UnifiedSessionID": 3}, times=1)
    result = hosts.run(request(RDS_LIST, acts))
    assert verdicts(result) == ["sent"] * len(rows)
    answers = {
        (row["HostServer"], row["UnifiedSessionId"]): one["answer"]
        for row, one in zip(rows, result["acts"], strict=True)
    }
    errors = {key: [error["category"] for error in answer["errors"]] for key, answer in answers.items()}
    assert errors == {key: ["NotSpecified"] if key[1] == 3 else [] for key in answers}
    assert {answer["state"] for answer in answers.values()} == {"completed"}
    audit = hosts.lab.audit()
    assert sorted((entry["host"], entry["id"]) for entry in audit) == sorted(answers)
    assert [entry["detail"] for entry in audit] == [
        {"title": texts["MessageTitle"], "body": texts["MessageBody"]} for _row in rows
    ]


def test_older_wms_does_not_take_what_the_newer_one_takes(hosts: Hosts) -> None:
    """So a list tells the generation."""
    (answer,) = hosts.call(call("Get-WmsSession", All=True), host=CLASSROOMS["2012R2"])
    assert (answer["state"], answer["output"]) == ("failed", [])
    assert answer["errors"][0]["id"].startswith("NamedParameterNotFound,")


def test_classic_signs_in_wherever_it_acts(hosts: Hosts) -> None:
    """Also where it opens more because all that it had hang."""
    pool = {"name": "legacy-pool", "service": "wvd_classic", "tenant": "Contoso"}
    hosts.lab.reset(deployment({**pool, "generate": {"hosts": 1, "sessions_per_host": 12}}))
    listing = call("Get-RdsUserSession", **POOL)
    secrets = {"Credential": account(hosts)}
    for check_mode in (True, False):
        signed_in, listed = hosts.call(SIGN_IN, listing, host=WVD_CLASSIC, secrets=secrets, check_mode=check_mode)
        assert signed_in["output"][0]["UserName"] == secrets["Credential"]["username"]
        rows = listed["output"]
        assert len(rows) == 12
    acts = [
        act(
            row,
            "Invoke-RdsUserSessionLogoff",
            ("SessionHostName", "SessionId"),
            ("UserPrincipalName", "AdUserName", "CreateTime"),
            **POOL,
            SessionHostName=row["SessionHostName"],
            SessionId=row["SessionId"],
            NoUserPrompt=True,
        )
        for row in rows
    ]
    for row in rows[:8]:
        hosts.fault("hang", "Invoke-RdsUserSessionLogoff", parameters={"SessionId": row["SessionId"]})
    result = hosts.run(request(listing, acts, act_seconds=2, Calls=[SIGN_IN]), WVD_CLASSIC, secrets=secrets)
    answers = [(one["answer"]["state"], one["answer"]["errors"]) for one in result["acts"]]
    assert answers == [("no answer", [])] * 8 + [("completed", [])] * 4
    assert len(result["calls"]) == 1, "the sign-in is answered once"
    assert {user for _host, _id, user in hosts.ended()} == {row["UserPrincipalName"] for row in rows[8:]}


def test_secret_is_told_to_nobody(hosts: Hosts) -> None:
    right = account(hosts)
    wrong = {**right, "password": "pass\u2019word$(1)"}
    listing = call("Get-RdsUserSession", **POOL)
    with watch_command_lines() as lines:
        accepted, listed = hosts.call(SIGN_IN, listing, host=WVD_CLASSIC, secrets={"Credential": right})
        refused, unsigned = hosts.call(SIGN_IN, listing, host=WVD_CLASSIC, secrets={"Credential": wrong})
    assert (accepted["errors"], len(listed["output"])) == ([], 2)
    assert refused["errors"][0]["id"].startswith("SignInFailed,")
    assert unsigned["errors"][0]["id"].startswith("NotSignedIn,")
    for secret in (right["password"], wrong["password"]):
        assert secret not in hosts.script.written()
        assert json.dumps(secret)[1:-1] not in hosts.script.written()
        assert not lines.mention(secret), "others on the host see arguments"
    if sys.platform == "linux":
        assert lines.mention("drive.ps1"), "else this proves nothing"


def account(hosts: Hosts) -> dict[str, str]:
    """The lab's operator."""
    assert hosts.lab.winrm is not None
    return {"username": hosts.lab.winrm["user"], "password": hosts.lab.winrm["password"]}


def test_answer_of_5000_sessions(hosts: Hosts) -> None:
    hosts.lab.reset(deployment(collection(generate={"hosts": 50, "sessions_per_host": 100})))
    rows = hosts.rows(RDS_LIST)
    sessions = hosts.lab.sessions()
    assert len(sessions) == 5000
    listed = {(row["HostServer"], row["UnifiedSessionId"]): (row["UserName"], row["CreateTime"]) for row in rows}
    assert len(listed) == len(rows)
    assert listed == {
        (one["host"], one["id"]): (one["user"].partition("@")[0], _time(one["create_time"])) for one in sessions
    }


def _time(text: str) -> str:
    """As the script writes it: without zeros at the end."""
    return text.removesuffix("Z").rstrip("0").rstrip(".") + "Z"
