# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of RDS are drained and opened through real Ansible processes: just those, seen, and put back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.ansible_process import Cases, Finished, Task, attempts, expect_refused
from tests.integration.scenarios import Scenario, call, endpoint, fault, reset, thrice
from tests.integration.windows_hosts import BROKER, Windows

MODULE = "remotedesktop.sessions.rds_session_host"
INFO = "remotedesktop.sessions.rds_session_host_info"
GET, SET, LIST = "Get-RDSessionHost", "Set-RDSessionHost", "Get-RDSessionCollection"
STATE = "new_connection_allowed"
A, B, C = "RDSH-0.contoso.com", "rdsh-1.contoso.com", "app-0.contoso.com"
BROKER_2 = "broker-2.contoso.com"
DRAIN = {MODULE: {"session_host_name": ["rdsh-0", "RDSH-1.contoso.com"], STATE: "no"}}
DRAIN_ALL = {MODULE: {"all_hosts": True, STATE: False}}
FARM = {
    "pools": [
        {
            "name": "Desktops",
            "service": "rds",
            "connection_broker": BROKER,
            "passive_brokers": [BROKER_2],
            "hosts": [{"name": A}, {"name": B, STATE: "NotUntilReboot"}],
        },
        {
            "name": "Apps",
            "service": "rds",
            "connection_broker": BROKER,
            "passive_brokers": [BROKER_2],
            "hosts": [{"name": C, STATE: "No"}],
        },
    ]
}
WHOLE = reset(FARM)
REFUSED: Cases = [
    ({STATE: "no"}, ["session_host_name", "all_hosts"]),
    ({"session_host_name": [], STATE: "no"}, ["session_host_name is given but empty"]),
    ({"all_hosts": True}, [f"{STATE} is missing"]),
    ({"all_hosts": True, STATE: "maybe"}, ["maybe"]),
    ({"session_host_name": [A, "rdsh-9"], STATE: "no"}, ["no session host rdsh-9 in any collection"]),
    ({"session_host_name": [A, C], "collection_name": "Desktops", STATE: "no"}, [C, "in the collection Desktops"]),
    ({"all_hosts": True, "collection_name": "Nope", STATE: "no"}, ["Nope", "collection_name"]),
    ({"all_hosts": True, "connection_broker": BROKER_2, STATE: "no"}, [BROKER_2, "full name of the active broker"]),
    ({"hosts": [{"host": A, STATE: None}]}, ["hosts[0]", STATE]),
]


def by_script(play: dict[str, Any] | None = None) -> dict[str, Any]:
    """A play over a connection that has no live runspace."""
    return {"vars": {"ansible_connection": "local", **(play or {})}}


def audit(finished: Finished) -> list[tuple[str, str]]:
    """What every host was told by the modules, in order."""
    return [
        (entry["host"], entry["detail"][STATE])
        for entry in finished.seen["end"]["audit"]
        if entry["verb"] in ("drain", "undrain")
    ]


def outcomes(task: Task) -> dict[str, tuple[Any, Any, str]]:
    return {row["host"]: (row["before"], row["after"], row["outcome"]) for row in task.result["hosts"]}


@pytest.mark.newest_core
def test_hosts_are_drained_and_put_back_as_they_were(windows: Windows) -> None:
    restore = {"name": "restore", MODULE: {"hosts": "{{ drained.hosts }}"}}
    listed, named, restored, refused, failover = windows.scenarios(
        BROKER,
        Scenario(
            "listed", [WHOLE, {INFO: {}}, {INFO: {"session_host": "app-0"}}, {INFO: {"collection_name": "Desktops"}}]
        ),
        Scenario("named", [WHOLE, *thrice(DRAIN)]),
        Scenario(
            "restored",
            [WHOLE, {**DRAIN_ALL, "register": "drained"}, {**restore, "check_mode": True}, restore, restore],
        ),
        Scenario("refused", [WHOLE, *attempts(MODULE, REFUSED)]),
        Scenario(
            "failover",
            [
                WHOLE,
                call("winrm/settings", {"active_broker": BROKER_2}),
                DRAIN_ALL,
                {MODULE: {**DRAIN_ALL[MODULE], "connection_broker": BROKER_2}},
                call("winrm/settings", {"active_broker": ""}),
            ],
        ),
    )
    everything, one, desktops = listed.all_ok(3)
    assert [(row["collection_name"], row["host"], row[STATE]) for row in everything.result["hosts"]] == [
        ("Apps", C, "no"),
        ("Desktops", A, "yes"),
        ("Desktops", B, "not_until_reboot"),
    ]
    assert everything.result["summary"] == {"no": 1, "not_until_reboot": 1, "yes": 1}
    assert [row["session_host"] for row in one.result["hosts"]] == [C]
    assert [row["session_host"] for row in desktops.result["hosts"]] == [A, B]

    check, run, again = named.all_ok(3)
    assert outcomes(check) == outcomes(run) == {A: ("yes", "no", "set"), B: ("not_until_reboot", "no", "set")}
    assert check.result["diff"] == run.result["diff"]
    assert run.result["diff"]["before"] == f"{A} {STATE} yes\n{B} {STATE} not_until_reboot\n"
    assert outcomes(again) == {A: ("no", "no", "already_set"), B: ("no", "no", "already_set")}
    assert [task.result["changed"] for task in (check, run, again)] == [True, True, False]
    assert sorted(audit(named)) == [(A, "No"), (B, "No")]

    all_, _check, back, back_again = restored.all_ok(4)
    assert outcomes(all_) == {**outcomes(run), C: ("no", "no", "already_set")}
    assert outcomes(back)[B] == ("no", "not_until_reboot", "set")
    assert (back.result["changed"], back_again.result["changed"]) == (True, False)
    assert sorted(audit(restored)) == [(A, "No"), (A, "Yes"), (B, "No"), (B, "NotUntilReboot")]

    expect_refused(refused, REFUSED)
    assert audit(refused) == []

    passive, active = failover.tasks
    assert (passive.status, active.status) == ("failed", "ok")
    assert "an active Remote Desktop management server name" in passive.message
    assert "full name of the active broker" in passive.message
    assert len(audit(failover)) == 2


@pytest.mark.newest_core
def test_no_host_keeps_another_and_what_came_of_a_call_is_seen(windows: Windows) -> None:
    off = call("host", {"service": "rds", "pool": "Desktops", "host": B, "status": "Unavailable"})
    full = {MODULE: {**DRAIN[MODULE], "session_host_name": [A, B]}}
    play = [WHOLE, call("host", {"service": "rds", "pool": "Desktops", "host": B, STATE: "Yes"})]
    this = {"parameters": {"SessionHost": B}}
    is_off, after, denied, cut, lists = windows.scenarios(
        BROKER,
        Scenario("off", [*play, off, DRAIN]),
        Scenario("error after the effect", [*play, fault("error", SET, when="after", code=7, times=1, **this), DRAIN]),
        Scenario("denied", [*play, fault("error", SET, code=5, **this), DRAIN]),
        Scenario("reset after the effect", [*play, fault("reset", SET, when="after", times=1), DRAIN]),
        Scenario("off, and only the host knows its mode", [WHOLE, off, {INFO: {}}, full, DRAIN, DRAIN_ALL]),
    )
    for finished in (is_off, denied):
        assert outcomes(finished.task) == {A: ("yes", "no", "set"), B: ("yes", "yes", "failed")}
        assert (finished.task.status, finished.task.result["changed"]) == ("failed", True)
        assert finished.task.message.startswith(f"Failed to set 1 of 2 session hosts: {B}: {SET} says: ")
        assert "local administrator of the connection broker" in finished.task.message
        assert audit(finished) == [(A, "No")]
        assert finished.task.seconds < 30
    assert outcomes(after.task) == {A: ("yes", "no", "set"), B: ("yes", "no", "set")}
    assert after.task.status == "ok"
    assert len(audit(after)) == 2
    assert cut.task.status == "unreachable"
    assert {row["outcome"] for row in cut.task.result["hosts"]} == {"failed"}
    assert cut.task.result["changed"] is True
    info, named, short, every = lists.tasks
    assert [row["host"] for row in info.result["hosts"]] == [C, A]
    assert "may lack session hosts" in info.result["warnings"][0]
    assert outcomes(named) == {A: ("yes", "no", "set"), B: (None, None, "failed")}
    assert f"{B} is not available" in short.message
    assert outcomes(short) == {A: ("no", "no", "already_set"), "RDSH-1.contoso.com": (None, None, "failed")}
    assert outcomes(every) == {A: ("no", "no", "already_set"), C: ("no", "no", "already_set")}
    assert every.message.startswith("Session hosts may be missing, which were not set. ")
    assert "hop" not in short.message + every.message
    assert (short.status, every.status, audit(lists)) == ("failed", "failed", [(A, "No")])


@pytest.mark.newest_core
def test_endpoint_of_the_role_is_enough_and_limits_the_hosts(windows: Windows) -> None:
    role = windows.role_endpoint("Role", BROKER, services=["rds"], session_hosts=["rdsh-1.contoso.com"])
    lists = endpoint("Lists", GET, LIST)
    limited, reader = windows.scenarios(
        BROKER,
        Scenario("role", [role, DRAIN], {"vars": {"ansible_psrp_configuration_name": "Role"}}),
        Scenario("no right to drain", [lists, DRAIN], {"vars": {"ansible_psrp_configuration_name": "Lists"}}),
    )
    assert outcomes(limited.task) == {A: ("yes", "yes", "failed"), B: ("yes", "no", "set")}
    assert f"{STATE.title().replace('_', '')}" in limited.task.message
    assert audit(limited) == [(B, "No")]
    assert {outcome for _before, _after, outcome in outcomes(reader.task).values()} == {"failed"}
    assert f"no command {SET} for this user" in reader.task.message
    assert "JEA endpoint its role must make the command visible" in reader.task.message
    assert (reader.task.result["changed"], audit(reader)) == (False, [])
