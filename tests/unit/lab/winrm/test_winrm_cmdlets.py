# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session cmdlets act on the farm as those of Windows would, and fail as they would."""

from __future__ import annotations

import time
import typing

import pytest

from tests.lab import definition
from tests.lab.farm import Farm
from tests.lab.winrm.configurations import DEFAULT, SESSION_OPERATOR, Configuration
from tests.lab.winrm.faults import Faults
from tests.lab.winrm.machine import Settings, machines
from tests.psrp.raw_client import Message, RawClient, error_id, kinds

BROKER, HOST = "broker.contoso.com", "RDSH-0.contoso.com"
ENDINGS = ("Invoke-RDUserLogoff", "Disconnect-RDUser")
WHICH = {"HostServer": HOST, "UnifiedSessionID": 2}
ALICE = {**WHICH, "Force": True}
MESSAGE = {**WHICH, "MessageTitle": "Maintenance", "MessageBody": "Save your work:\n2 \u20ac & 'more'."}
ACTS = {**dict.fromkeys(ENDINGS, ALICE), "Send-RDUserMessage": MESSAGE}
"""Each function that acts on a session, and what it takes for alice's."""
CLASSROOMS = {"2012R2": ("classroom-2012.contoso.com", 2), "2016": ("classroom-2016.contoso.com", [2])}
"""A host of each generation, and the id of one active session there as it is given."""


class Lab:
    """The default farm, and a client on each host that is asked for."""

    def __init__(self) -> None:
        self.farm, self.faults, self.settings = Farm(), Faults(), Settings()
        self.farm.replace(definition.parse(definition.read()))

    def on(self, host: str, configuration: Configuration | None = None, runspaces: int = 1) -> RawClient:
        machine = machines(self.farm, self.faults, self.settings, lambda name, proof: (name, proof) == ("app", "0A"))[
            host.lower()
        ]
        return RawClient(machine, configuration or Configuration(DEFAULT), runspaces)

    def ended(self) -> list[tuple[str, str, str, typing.Any]]:
        """Verb, effect, host and the owner's account name."""
        return [
            (entry["verb"], entry["effect"], entry["host"], (entry["owner"] or {}).get("user", "").partition("@")[0])
            for entry in self.farm.audit()
        ]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def rows(answer: list[Message], *names: str) -> list[tuple[str | None, ...]]:
    assert kinds(answer)[-1] == "Completed"
    return [tuple(message.text(name) for name in names) for message in answer if message.type == "PIPELINE_OUTPUT"]


def said(answer: list[Message]) -> list[str | None]:
    return [message.clixml.findtext("ToString") for message in answer if message.type == "ERROR_RECORD"]


# RemoteDesktop


def test_list_by_collection_and_broker(lab: Lab) -> None:
    everything = rows(lab.on(BROKER).call("Get-RDUserSession"), "HostServer", "UnifiedSessionId")
    assert set(everything) == {(HOST, "2"), (HOST, "3"), ("rdsh-1.contoso.com", "2"), ("rdsh-1.contoso.com", "6")}
    assert rows(lab.on(BROKER).call("Get-RDUserSession", CollectionName="desk*"), "UserName")
    from_a_session_host = lab.on(HOST).call("Get-RDUserSession", ConnectionBroker=BROKER)
    assert len(rows(from_a_session_host, "UserName")) == 4


@pytest.mark.parametrize(
    ("host", "parameters", "text"),
    [
        (HOST, {}, "deployment does not exist on RDSH-0"),
        (BROKER, {"ConnectionBroker": "localhost"}, "not a fully qualified"),
        (BROKER, {"ConnectionBroker": "other.contoso.com"}, "deployment does not exist on other"),
        (BROKER, {"CollectionName": "Nope"}, "collection Nope does not exist"),
    ],
)
def test_failing_lists_do_not_terminate(lab: Lab, host: str, parameters: dict[str, str], text: str) -> None:
    answer = lab.on(host).call("Get-RDUserSession", **parameters)
    assert kinds(answer) == ["ERROR_RECORD", "Completed"]
    assert text in (said(answer)[0] or "")


def test_times_are_the_hosts_own(lab: Lab) -> None:
    lab.settings.time_zone = "Africa/Johannesburg"
    ((created,), *_rest) = rows(lab.on(BROKER).call("Get-RDUserSession"), "CreateTime")
    assert created
    assert created.endswith("+02:00")


def test_log_off(lab: Lab) -> None:
    client = lab.on(BROKER)
    client.call("Invoke-RDUserLogoff", HostServer="rdsh-0.CONTOSO.com", UnifiedSessionID=2, Force=True)
    assert lab.ended() == [("logoff", "done", HOST, "alice")]
    assert lab.farm.audit()[0]["by"] == "operator@contoso.com"


def test_disconnect(lab: Lab) -> None:
    client = lab.on(BROKER)
    answer = client.call("Disconnect-RDUser", HostServer="rdsh-0.CONTOSO.com", UnifiedSessionID=2, Force=True)
    assert kinds(answer) == ["Completed"]
    assert lab.ended() == [("disconnect", "done", HOST, "alice")]
    assert lab.farm.audit()[0]["by"] == "operator@contoso.com"
    listed = rows(client.call("Get-RDUserSession"), "UserName", "SessionState", "DisconnectTime")
    ((state, disconnect_time),) = [row[1:] for row in listed if row[0] == "alice"]
    assert state == "STATE_DISCONNECTED"
    assert disconnect_time
    assert len(listed) == 4


def test_disconnect_of_a_disconnected_session_changes_nothing(lab: Lab) -> None:
    client = lab.on(BROKER)
    client.call("Disconnect-RDUser", **ALICE)
    pool = lab.farm.pool("rds", "Desktops")
    before, lab.farm.effect_delay = lab.farm.session(pool, HOST, 2), 60
    assert kinds(client.call("Disconnect-RDUser", **ALICE)) == ["Completed"]
    assert [entry[:2] for entry in lab.ended()] == [("disconnect", "done"), ("disconnect", "none")]
    assert lab.farm.session(pool, HOST, 2) is before


@pytest.mark.parametrize(("command", "left"), [("Invoke-RDUserLogoff", []), ("Disconnect-RDUser", ["Disconnected"])])
def test_endings_return_when_windows_is_done(lab: Lab, command: str, left: list[str]) -> None:
    lab.farm.effect_delay = 0.3
    started = time.monotonic()
    lab.on(BROKER).call(command, **ALICE)
    assert time.monotonic() - started >= 0.3
    sessions = lab.farm.sessions(lab.farm.pool("rds", "Desktops"), HOST)
    assert [session.state for session in sessions if session.id == 2] == left


@pytest.mark.parametrize("command", ENDINGS)
def test_endings_of_a_stuck_session_never_return(lab: Lab, command: str) -> None:
    lab.farm.change(lab.farm.pool("rds", "Desktops"), HOST, 2, stuck=True)
    client = lab.on(BROKER)
    pipeline = client.begin_call(command, **ALICE)
    time.sleep(0.2)
    assert not client.is_finished(pipeline)
    client.engine.close()
    assert kinds(client.end(pipeline)) == ["Stopped"]
    assert [entry["effect"] for entry in lab.farm.audit()] == ["done", "stuck"]
    assert lab.farm.session(lab.farm.pool("rds", "Desktops"), HOST, 2).state == "Active"


@pytest.mark.parametrize("command", ENDINGS)
def test_endings_ask_unless_they_are_forced(lab: Lab, command: str) -> None:
    for forced in ({}, {"Force": False}):
        answer = lab.on(BROKER).call(command, HostServer=HOST, UnifiedSessionID=2, **forced)
        assert (kinds(answer), error_id(answer)) == (["ERROR_RECORD", "Completed"], "HostException")
    answer = lab.on(BROKER, SESSION_OPERATOR).call(command, HostServer=HOST, UnifiedSessionID=2)
    assert (kinds(answer), error_id(answer)) == (["Failed"], "HostException")
    assert lab.ended() == []


def test_message(lab: Lab) -> None:
    answer = lab.on(BROKER).call("Send-RDUserMessage", **{**MESSAGE, "HostServer": "rdsh-0.CONTOSO.com"})
    assert kinds(answer) == ["Completed"]
    assert lab.ended() == [("message", "done", HOST, "alice")]
    (entry,) = lab.farm.audit()
    assert (entry["by"], entry["detail"]) == (
        "operator@contoso.com",
        {"title": MESSAGE["MessageTitle"], "body": MESSAGE["MessageBody"]},
    )


def test_message_waits_for_nobody_and_asks_nothing(lab: Lab) -> None:
    pool = lab.farm.pool("rds", "Desktops")
    lab.farm.change(pool, HOST, 2, stuck=True)
    lab.farm.effect_delay = 60
    assert kinds(lab.on(BROKER, SESSION_OPERATOR).call("Send-RDUserMessage", **MESSAGE)) == ["Completed"]
    assert lab.ended()[-1] == ("message", "done", HOST, "alice")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"MessageTitle": ""}, "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ({"MessageBody": ""}, "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ({"Force": True}, "NamedParameterNotFound"),
    ],
)
def test_message_needs_both_texts_and_no_force(lab: Lab, wrong: dict[str, typing.Any], error: str) -> None:
    assert error_id(lab.on(BROKER).call("Send-RDUserMessage", **{**MESSAGE, **wrong})) == error
    assert lab.ended() == []


@pytest.mark.parametrize("command", ACTS)
def test_a_host_that_is_down(lab: Lab, command: str) -> None:
    lab.farm.change_host(lab.farm.pool("rds", "Desktops"), HOST, status="Unavailable")
    answer = lab.on(BROKER).call(command, **ACTS[command])
    assert said(answer) == [f"The host server {HOST} does not exist."]
    assert [entry[0] for entry in lab.ended()] == ["change_host"]


@pytest.mark.parametrize("command", ACTS)
def test_what_the_farm_does_not_have(lab: Lab, command: str) -> None:
    client = lab.on(BROKER)
    assert said(client.call(command, **{**ACTS[command], "HostServer": "nowhere"})) == [
        "The host server nowhere does not exist."
    ]
    assert said(client.call(command, **{**ACTS[command], "UnifiedSessionID": 99})) == [
        f"The specified session 99 on {HOST} does not exist."
    ]
    assert lab.ended() == []


def test_servers(lab: Lab) -> None:
    assert set(rows(lab.on(BROKER).call("Get-RDServer"), "Server")) == {(BROKER,), (HOST,), ("rdsh-1.contoso.com",)}


# Session hosts


SECOND = "rdsh-1.contoso.com"
SET = "Set-RDSessionHost"


def modes(lab: Lab) -> dict[str, str]:
    """Which new connections each host takes."""
    return {host.name: host.new_connection_allowed for host in lab.farm.hosts(lab.farm.pool("rds", "Desktops"))}


def test_collections_and_their_hosts(lab: Lab) -> None:
    client = lab.on(BROKER)
    assert rows(client.call("Get-RDSessionCollection"), "CollectionName", "Size") == [("Desktops", "2")]
    listed = rows(client.call("Get-RDSessionHost", CollectionName="desktops"), "SessionHost", "NewConnectionAllowed")
    assert listed == [(HOST, "Yes"), (SECOND, "Yes")]
    for command in ("Get-RDSessionCollection", "Get-RDSessionHost"):
        assert "collection Nope does not exist" in (said(client.call(command, CollectionName="Nope"))[0] or "")
    assert error_id(client.call("Get-RDSessionHost")) == "MissingMandatoryParameter"


def test_host_is_drained_and_opened(lab: Lab) -> None:
    client = lab.on(BROKER)
    for mode, word in (("no", "No"), (1, "NotUntilReboot"), ("Yes", "Yes"), ("Yes", "Yes")):
        answer = client.call(SET, SessionHost=HOST.upper(), NewConnectionAllowed=mode, ConnectionBroker=BROKER)
        assert kinds(answer) == ["Completed"]
        assert modes(lab) == {HOST: word, SECOND: "Yes"}
    assert [(entry["verb"], entry["effect"], entry["host"]) for entry in lab.farm.audit()] == [
        ("drain", "done", HOST),
        ("drain", "done", HOST),
        ("undrain", "done", HOST),
        ("undrain", "none", HOST),
    ]
    assert error_id(client.call(SET, SessionHost=HOST, NewConnectionAllowed="Never")) == (
        "ParameterArgumentTransformationError"
    )


@pytest.mark.parametrize(
    ("names", "text", "set_"),
    [
        ([HOST, "rdsh-1"], "not a fully qualified", []),
        ([HOST, SECOND], "is not available", []),
        ([HOST, "nowhere.contoso.com"], "is not a RD Session Host server", [HOST]),
    ],
)
def test_one_host_that_is_short_or_off_keeps_all_from_being_set(
    lab: Lab, names: list[str], text: str, set_: list[str]
) -> None:
    lab.farm.change_host(lab.farm.pool("rds", "Desktops"), SECOND, status="Unavailable")
    answer = lab.on(BROKER).call(SET, SessionHost=names, NewConnectionAllowed="No")
    assert kinds(answer) == ["ERROR_RECORD", "Completed"]
    assert text in (said(answer)[0] or "")
    assert [name for name, mode in modes(lab).items() if mode == "No"] == set_


def test_host_that_is_off_is_listed_unless_only_it_knows_its_mode(lab: Lab) -> None:
    pool, client = lab.farm.pool("rds", "Desktops"), lab.on(BROKER)
    lab.farm.change_host(pool, HOST, status="Unavailable", new_connection_allowed="No")
    assert len(rows(client.call("Get-RDSessionHost", CollectionName="Desktops"), "SessionHost")) == 2
    lab.farm.change_host(pool, HOST, new_connection_allowed="NotUntilReboot")
    answer = client.call("Get-RDSessionHost", CollectionName="Desktops")
    assert rows(answer, "SessionHost") == [(SECOND,)]
    assert said(answer) == [f"The RD Session Host server {HOST} is not available."]


def test_faults_of_setting_a_host(lab: Lab) -> None:
    for when, mode in (("before", "Yes"), ("after", "No")):
        lab.faults.clear()
        lab.faults.add({"kind": "error", "command": SET, "code": 5, "when": when})
        assert said(lab.on(BROKER).call(SET, SessionHost=HOST, NewConnectionAllowed="No")) == ["Access is denied."]
        assert modes(lab)[HOST] == mode


def test_only_the_active_broker_answers(lab: Lab) -> None:
    definition_ = definition.read()
    (pool,) = [one for one in definition_["pools"] if one["service"] == "rds"]
    pool["passive_brokers"] = ["broker-2.contoso.com"]
    lab.farm.replace(definition.parse(definition_))
    for active, passive in ((BROKER, "broker-2.contoso.com"), ("broker-2.contoso.com", BROKER)):
        lab.settings.active_broker = active
        for asked in (BROKER, "broker-2.contoso.com"):
            answer = lab.on(asked).call("Get-RDUserSession", ConnectionBroker=active)
            assert len(rows(answer, "UserName")) == 4
            (text,) = said(lab.on(asked).call("Get-RDSessionCollection", ConnectionBroker=passive))
            assert "an active Remote Desktop management server name" in (text or "")


# MultiPoint


def test_2012_r2(lab: Lab) -> None:
    client = lab.on("classroom-2012.contoso.com")
    assert rows(client.call("Get-WmsSession"), "Id", "UserName", "IsAdmin") == [
        ("1", "teacher", "true"),
        ("2", "student3", "false"),
    ]
    answer = client.call("Close-WmsSession", SessionId=[2, 3], Confirm=False)
    assert error_id(answer) == "CannotConvertArgument"
    assert kinds(client.call("Close-WmsSession", SessionId=2, Confirm=False)) == ["WARNING_RECORD", "Completed"]
    assert error_id(client.call("Close-WmsSession", SessionId=2, Confirm=False)) == "SessionNotFound"


def test_2012_r2_gives_up_in_time(lab: Lab) -> None:
    pool = lab.farm.pool("wms", "classroom-2012")
    lab.farm.change(pool, "classroom-2012.contoso.com", 2, stuck=True)
    client = lab.on("classroom-2012.contoso.com")
    answer = client.call("Close-WmsSession", SessionId=2, TimeoutInSecond=1, Confirm=False)
    assert error_id(answer) == "OperationTimeout"


def test_2016(lab: Lab) -> None:
    client = lab.on("classroom-2016.contoso.com")
    assert ("3", "Disconnected") in rows(client.call("Get-WmsSession", All=True), "SessionId", "State")
    answer = client.call("Close-WmsSession", SessionId=[2, 3], Server="classroom-2016.contoso.com", Confirm=False)
    assert kinds(answer) == ["WARNING_RECORD"] * 2 + ["Completed"]
    assert [entry[3] for entry in lab.ended()] == ["student1", "student2"]


@pytest.mark.parametrize("generation", CLASSROOMS)
def test_wms_disconnects(lab: Lab, generation: str) -> None:
    host, id_ = CLASSROOMS[generation]
    client = lab.on(host)
    which = {"All": True} if generation == "2016" else {}
    for effect in ("done", "none"):
        answer = client.call("Disconnect-WmsSession", SessionId=id_, Confirm=False)
        assert kinds(answer) == ["Completed"]
        assert [entry["verb"] for entry in lab.farm.audit()] == ["disconnect"] * len(lab.farm.audit())
        assert lab.farm.audit()[-1]["effect"] == effect
    listed = rows(client.call("Get-WmsSession", **which), "SessionId" if which else "Id", "State")
    assert ("2", "Disconnected") in listed
    everything = {"Force": True, "SessionId": id_, "Confirm": False}
    assert error_id(client.call("Disconnect-WmsSession", **everything)) == "NamedParameterNotFound"


@pytest.mark.parametrize("command", ["Close-WmsSession", "Disconnect-WmsSession"])
@pytest.mark.parametrize("generation", CLASSROOMS)
def test_wms_asks_and_does_not_find(lab: Lab, generation: str, command: str) -> None:
    host, id_ = CLASSROOMS[generation]
    client = lab.on(host)
    assert error_id(client.call(command, SessionId=id_)) == "HostFunctionNotImplemented"
    absent = [99] if isinstance(id_, list) else 99
    assert error_id(client.call(command, SessionId=absent, Confirm=False)) == "SessionNotFound"
    assert lab.ended() == []


def test_2012_r2_gives_up_a_disconnect_in_time(lab: Lab) -> None:
    host, id_ = CLASSROOMS["2012R2"]
    lab.farm.change(lab.farm.pool("wms", "classroom-2012"), host, 2, stuck=True)
    answer = lab.on(host).call("Disconnect-WmsSession", SessionId=id_, TimeoutInSecond=1, Confirm=False)
    assert error_id(answer) == "OperationTimeout"


@pytest.mark.parametrize(
    ("command", "parameters"),
    [
        ("Get-WmsSession", {"SessionId": [3]}),
        ("Close-WmsSession", {"All": True}),
        ("Disconnect-WmsSession", {"All": True}),
    ],
)
def test_what_is_bound_and_not_done(lab: Lab, command: str, parameters: dict[str, typing.Any]) -> None:
    answer = lab.on("classroom-2016.contoso.com").call(command, **parameters)
    assert error_id(answer) == "LabFailed"
    assert lab.ended() == []


def test_another_wms_server(lab: Lab) -> None:
    client = lab.on("classroom-2016.contoso.com")
    assert len(rows(client.call("Get-WmsSession", All=True, Server="classroom-2012.contoso.com"), "SessionId")) == 2
    assert error_id(client.call("Get-WmsSession", All=True, Server="nowhere.contoso.com")) == "ServerNotFound"


# WVD classic


def test_sign_in_comes_first(lab: Lab) -> None:
    client = lab.on("wvd-management")
    place = {"TenantName": "contoso", "HostPoolName": "Legacy-Pool"}
    assert error_id(client.call("Get-RdsUserSession", **place)) == "NotSignedIn"
    signed_in = client.call(
        "Add-RdsAccount", DeploymentUrl="https://lab", CertificateThumbprint="0A", ApplicationId="app", AadTenantId="t"
    )
    assert rows(signed_in, "UserName") == [("app",)]
    assert rows(client.call("Get-RdsUserSession", **place), "SessionId", "UserPrincipalName") == [
        ("2", "alice@contoso.com"),
        ("3", "bob@contoso.com"),
    ]
    session = {**place, "SessionHostName": "wvd-0.contoso.com", "SessionId": 2}
    assert error_id(client.call("Invoke-RdsUserSessionLogoff", **session)) == "HostFunctionNotImplemented"
    assert kinds(client.call("Invoke-RdsUserSessionLogoff", **session, NoUserPrompt=True)) == ["Completed"]
    gone = client.call("Invoke-RdsUserSessionLogoff", **session, NoUserPrompt=True)
    assert kinds(gone) == ["ERROR_RECORD", "Completed"]
    assert lab.ended() == [("logoff", "done", "wvd-0.contoso.com", "alice")]


def test_sign_in_holds_for_the_runspace_that_took_it(lab: Lab) -> None:
    client = lab.on("wvd-management", runspaces=2)
    place = {"TenantName": "contoso", "HostPoolName": "Legacy-Pool"}
    sign_in = {
        "DeploymentUrl": "https://lab",
        "CertificateThumbprint": "0A",
        "ApplicationId": "app",
        "AadTenantId": "t",
    }

    def in_the_second(command: str, **parameters: typing.Any) -> list[Message]:
        busy = {**place, "HostPoolName": "busy"}
        lab.faults.add({"kind": "wait", "command": "Get-RdsUserSession", "parameters": busy, "times": 1})
        first = client.begin_call("Get-RdsUserSession", **busy)
        answer = client.call(command, **parameters)
        client.engine.signal(first)
        client.end(first)
        return answer

    client.call("Add-RdsAccount", **sign_in)
    assert error_id(in_the_second("Get-RdsUserSession", **place)) == "NotSignedIn"
    assert kinds(client.call("Get-RdsUserSession", **place))[-1] == "Completed"
    in_the_second("Add-RdsAccount", **sign_in)
    assert kinds(in_the_second("Get-RdsUserSession", **place))[-1] == "Completed"
    for number in (1, 3):
        client.resize(number)
        assert kinds(client.call("Get-RdsUserSession", **place))[-1] == "Completed"
    assert error_id(in_the_second("Get-RdsUserSession", **place)) == "NotSignedIn"


# Faults


@pytest.mark.parametrize("command", ACTS)
def test_win32_errors(lab: Lab, command: str) -> None:
    client = lab.on(BROKER)
    for code, text in (
        (5, "Access is denied."),
        (1168, f"The specified session 2 on {HOST} does not exist."),
        (1722, f"The host server {HOST} does not exist."),
        (7, "Error code: 7"),
    ):
        lab.faults.add({"kind": "error", "code": code, "parameters": {"UnifiedSessionID": 2}, "times": 1})
        assert said(client.call(command, **ACTS[command])) == [text]
    assert lab.ended() == []


@pytest.mark.parametrize("command", ACTS)
def test_win32_error_after_the_effect(lab: Lab, command: str) -> None:
    lab.faults.add({"kind": "error", "code": 7, "when": "after", "times": 1})
    assert said(lab.on(BROKER).call(command, **ACTS[command])) == ["Error code: 7"]
    assert [entry[1:] for entry in lab.ended()] == [("done", HOST, "alice")]


@pytest.mark.parametrize("command", ["Close-WmsSession", "Disconnect-WmsSession"])
def test_wms_error_after_the_effect(lab: Lab, command: str) -> None:
    host, id_ = CLASSROOMS["2016"]
    lab.faults.add({"kind": "error", "code": 7, "when": "after", "times": 1})
    assert said(lab.on(host).call(command, SessionId=id_, Confirm=False)) == ["Error code: 7"]
    assert [entry[1:] for entry in lab.ended()] == [("done", host, "student1")]


@pytest.mark.parametrize("command", ACTS)
def test_german(lab: Lab, command: str) -> None:
    lab.settings.language = "de"
    answer = lab.on(BROKER).call(command, **{**ACTS[command], "UnifiedSessionID": 99})
    assert said(answer) == [f"Die angegebene Sitzung 99 auf {HOST} ist nicht vorhanden."]


def test_no_broker(lab: Lab) -> None:
    lab.faults.add({"kind": "broker_absent", "host": "broker.*"})
    assert "does not exist on broker" in (said(lab.on(BROKER).call("Get-RDUserSession"))[0] or "")


def test_a_module_that_is_not_installed(lab: Lab) -> None:
    lab.faults.add({"kind": "not_installed", "command": "*-RD*"})
    assert error_id(lab.on(BROKER).call("Get-RDUserSession")) == "CommandNotFoundException"
    assert error_id(lab.on("classroom-2016.contoso.com").call("Invoke-RDUserLogoff")) == "CommandNotFoundException"


def test_an_id_changes_hands_after_the_list(lab: Lab) -> None:
    then = {"host": HOST, "id": 2, "give_id_to": "mallory@contoso.com"}
    lab.faults.add({"kind": "pass", "command": "Get-RDUserSession", "when": "after", "then": then, "times": 1})
    client = lab.on(BROKER)
    assert "alice" in [row[0] for row in rows(client.call("Get-RDUserSession"), "UserName")]
    client.call("Invoke-RDUserLogoff", HostServer=HOST, UnifiedSessionID=2, Force=True)
    assert lab.ended() == [("give_id", "done", HOST, "alice"), ("logoff", "done", HOST, "mallory")]


def test_a_disconnected_user_is_replaced_in_the_same_moment(lab: Lab) -> None:
    then = {"host": HOST, "id": 2, "give_id_to": "mallory@contoso.com"}
    lab.faults.add({"kind": "pass", "command": "Disconnect-RDUser", "when": "after", "then": then})
    client = lab.on(BROKER)
    client.call("Disconnect-RDUser", **ALICE)
    assert lab.ended() == [("disconnect", "done", HOST, "alice"), ("give_id", "done", HOST, "alice")]
    assert ("mallory", "STATE_ACTIVE") in rows(client.call("Get-RDUserSession"), "UserName", "SessionState")


def test_rules_count(lab: Lab) -> None:
    lab.faults.add({"kind": "not_installed", "skip": 1, "times": 1})
    client = lab.on(BROKER)
    answers = [kinds(client.call("Get-RDServer"))[-1] for _number in range(3)]
    assert answers == ["Completed", "Failed", "Completed"]
    assert lab.faults.rules()[0]["spent"]


# The session operator's endpoint


def test_nothing_but_sessions(lab: Lab) -> None:
    client = lab.on(BROKER, SESSION_OPERATOR)
    assert len(rows(client.call("Get-RDUserSession"), "UserName")) == 4
    assert error_id(client.script("Get-RDUserSession")) == "ScriptsNotAllowed"
    assert error_id(client.call("Import-Module")) == "CommandNotFoundException"


def test_parameters_that_a_role_does_not_list(lab: Lab) -> None:
    role = ({"Name": "Get-RDUserSession", "Parameters": [{"Name": "CollectionName", "ValidatePattern": "Desk.*"}]},)
    client = lab.on(BROKER, Configuration("Narrow", role))
    assert error_id(client.call("Get-RDUserSession", ConnectionBroker=BROKER)) == "NamedParameterNotFound"
    assert error_id(client.call("Get-RDUserSession", CollectionName="Other")) == "ParameterArgumentValidationError"
    assert len(rows(client.call("Get-RDUserSession", CollectionName="Desktops"), "UserName")) == 4


def test_role_that_lists_no_parameter_allows_none(lab: Lab) -> None:
    client = lab.on(
        "classroom-2012.contoso.com", Configuration("Narrow", ({"Name": "Get-WmsSession", "Parameters": []},))
    )
    assert error_id(client.call("Get-WmsSession", Id=2)) == "NamedParameterNotFound"
    assert len(rows(client.call("Get-WmsSession"), "UserName")) == 2
