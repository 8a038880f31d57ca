# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in answers as a real PowerShell does: whatever the collection sends, and whatever error it knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import psrpcore.types as ps
import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_answers import explain
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import ServiceCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import WmsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace_messages import read_state
from tests.engine.both_engines import BothEngines, BothLab
from tests.engine.service_calls import (
    BROKER,
    CLASSIC_HOST,
    DEPLOYMENT,
    SCRIPT_ONLY,
    SECRET,
    SESSION_HOST,
    SIGN_INS,
    THUMBPRINT,
    calls,
    commands,
    functions,
    kinds,
    wrong,
)
from tests.lab.winrm.configurations import DEFAULT, Configuration
from tests.psrp.raw_client import Message, RawClient, error_id
from tests.psrp.raw_client import kinds as outcome

ZONE = "Asia/Kolkata"
OTHER = "wvd-management"
"""The second Windows host: MultiPoint of 2012 R2, and WVD classic."""
PLACES = {"RemoteDesktop": (BROKER,), "MultiPoint": (BROKER, OTHER), "Microsoft.RDInfra.RDPowerShell": (OTHER,)}
"""The hosts that have a module."""
RD_ENDINGS = ("Invoke-RDUserLogoff", "Disconnect-RDUser")
"""They have the same parameters and errors."""
RD_ACTS = (*RD_ENDINGS, "Send-RDUserMessage")
"""They have the same errors."""
WMS_ACTS = ("Close-WmsSession", "Disconnect-WmsSession")
"""They have the same parameters and errors."""
ENDPOINTS = {
    "default": Configuration(DEFAULT),
    "no-language": Configuration(
        "Compared",
        role=(
            {
                "Name": "Get-RDUserSession",
                "Parameters": [
                    {"Name": "CollectionName", "ValidatePattern": "^(?:Desk|Nope)\\z"},
                    {"Name": "ConnectionBroker"},
                ],
            },
            *(
                {"Name": name, "Parameters": [{"Name": "ConnectionBroker"}]}
                for name in ("Get-RDServer", "Get-RDSessionCollection")
            ),
            {"Name": "Get-RDSessionHost", "Parameters": [{"Name": "CollectionName"}, {"Name": "ConnectionBroker"}]},
            {
                "Name": "Set-RDSessionHost",
                "Parameters": [
                    {"Name": "SessionHost", "ValidateSet": [SESSION_HOST, "down.example.test"]},
                    {"Name": "NewConnectionAllowed"},
                    {"Name": "ConnectionBroker"},
                ],
            },
            *(
                {
                    "Name": name,
                    "Parameters": [
                        {"Name": "HostServer", "ValidateSet": [SESSION_HOST, "down.example.test"]},
                        {"Name": "UnifiedSessionID"},
                        {"Name": "Force"},
                    ],
                }
                for name in RD_ENDINGS
            ),
            {
                "Name": "Send-RDUserMessage",
                "Parameters": [
                    {"Name": "HostServer", "ValidateSet": [SESSION_HOST, "down.example.test"]},
                    *({"Name": name} for name in ("UnifiedSessionID", "MessageTitle", "MessageBody")),
                ],
            },
            "Get-WmsSession",
            *(
                {"Name": name, "Parameters": [{"Name": one} for one in ("SessionId", "Server", "TimeoutInSecond")]}
                for name in WMS_ACTS
            ),
            "Add-RdsAccount",
            "Get-RdsUserSession",
            {
                "Name": "Invoke-RdsUserSessionLogoff",
                "Parameters": [
                    {"Name": name}
                    for name in ("TenantName", "HostPoolName", "SessionHostName", "SessionId", "NoUserPrompt")
                ],
            },
        ),
    ),
}
LOGOFF = DISCONNECT = {"HostServer": SESSION_HOST, "UnifiedSessionID": 2, "Force": True}
MESSAGE = {"HostServer": SESSION_HOST, "UnifiedSessionID": 2, "MessageTitle": "Maintenance", "MessageBody": "Save."}
RD_GIVEN = {"Invoke-RDUserLogoff": LOGOFF, "Disconnect-RDUser": DISCONNECT, "Send-RDUserMessage": MESSAGE}
DRAIN = {"SessionHost": SESSION_HOST, "NewConnectionAllowed": "No"}
CLOSE = {"SessionId": [2], "Confirm": False}
POOL = {"TenantName": "example", "HostPoolName": "Legacy"}
CLASSIC = {**POOL, "SessionHostName": CLASSIC_HOST, "SessionId": 2, "NoUserPrompt": True}


def session(number: int, **more: Any) -> dict[str, Any]:
    user = {"user": f"user{number}@example.test", "ad_user_name": f"EX\\user{number}"}
    return {"id": number, **user, "create_time": f"2026-11-21T08:30:0{number}.25Z", "idle": 1, **more}


def farm() -> dict[str, Any]:
    """Two Windows hosts with all modules, and every kind of session."""
    states = ("Active", "Disconnected", "Pending", "LogOff", "Unknown")
    every = [session(number, state=state) for number, state in enumerate(states, 2)]
    here = [one for one in every if one["state"] != "Disconnected"]  # it has a time of its own, which is now
    classes = [
        session(1, is_admin=True),
        session(2),
        session(3, user="", ad_user_name=""),
        session(4, application="Word"),
    ]
    return {
        "pools": [
            {
                "name": "Desk",
                "service": "rds",
                "connection_broker": BROKER,
                "hosts": [
                    {"name": SESSION_HOST, "sessions": [*here, session(9, application="||Word")]},
                    {"name": "down.example.test", "status": "Unavailable", "sessions": [session(2)]},
                ],
            },
            {
                "name": "new-class",
                "service": "wms",
                "generation": "2016",
                "hosts": [{"name": BROKER, "sessions": classes}],
            },
            {
                "name": "old-class",
                "service": "wms",
                "generation": "2012R2",
                "hosts": [{"name": OTHER, "sessions": classes}],
            },
            {
                "name": "Legacy",
                "service": "wvd_classic",
                "tenant": "example",
                "hosts": [
                    {"name": CLASSIC_HOST, "sessions": here},
                    {"name": "wvd-down.example.test", "status": "Unavailable", "sessions": [session(2)]},
                ],
            },
        ]
    }


@pytest.fixture(scope="module")
def lab(pwsh: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BothLab]:
    with BothLab(tmp_path_factory.mktemp("lab"), farm(), pwsh, sign_in, ZONE).running() as running:
        yield running


def sign_in(name: str, proof: str) -> bool:
    """Say whether Entra would let somebody in."""
    return proof in (SECRET, THUMBPRINT)


class Engines:
    """Engines by host and endpoint. Each is started when it is first asked for."""

    def __init__(self, lab: BothLab) -> None:
        self._lab = lab
        self._started: dict[tuple[str, str], BothEngines] = {}

    def on(self, host: str, endpoint: str = "default") -> BothEngines:
        if (host, endpoint) not in self._started:
            self._started[host, endpoint] = BothEngines(self._lab, host, ENDPOINTS[endpoint])
        return self._started[host, endpoint]

    def close(self) -> None:
        for each in self._started.values():
            each.close()


@pytest.fixture(scope="module")
def engines(lab: BothLab) -> Iterator[Engines]:
    started = Engines(lab)
    yield started
    started.close()


def send(client: RawClient, call: Call) -> list[Message]:
    """Send a call as the collection's transport does."""
    if call.secrets:
        client.exchange_keys()
    secrets = {
        name: ps.PSCredential(secret.user, ps.PSSecureString(secret.password)) for name, secret in call.secrets.items()
    }
    return client.call(call.command, **call.parameters, **secrets)


def same(
    engines: BothEngines, command: str, prepare: Callable[[BothLab], object] = lambda lab: None, **parameters: Any
) -> list[Message]:
    """Let both run a command, and return the real answer."""
    return engines.ask(lambda client: client.call(command, **parameters), prepare)


# What the services send

SENT = [(kind.MODULE, before, call) for kind in kinds() for before, call in calls(kind)]


def name_of(value: object) -> str:
    if isinstance(value, Call):
        return " ".join([value.command, *(f"-{name}" for name in (*value.parameters, *value.secrets))])
    return str(value)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("host", "before", "call"),
    [(host, before, call) for module, before, call in SENT for host in PLACES[module]],
    ids=name_of,
)
def test_every_call_of_the_services(
    engines: Engines, endpoint: str, host: str, before: Call | None, call: Call
) -> None:
    both = engines.on(host, endpoint)

    def ask(client: RawClient) -> list[Message]:
        return [*(send(client, before) if before else ()), *send(client, call)]

    answer = both.ask(ask)
    if not call.command.endswith("WmsSession"):  # where each generation refuses the other's parameters
        assert outcome(answer)[-1] == "Completed"
    if call.command.startswith(("Get-R", "Add-")):
        assert outcome(answer)[-2:] == ["PIPELINE_OUTPUT", "Completed"]


def test_no_call_is_forgotten() -> None:
    assert functions() == {"sign_in_call"}
    assert commands() == {call.command for _module, _before, call in SENT} | SCRIPT_ONLY
    assert {call.command for kind in kinds() for _before, call in calls(kind)} >= {"Invoke-RDUserLogoff"}
    assert {kind.MODULE for kind in kinds()} == PLACES.keys()
    assert all(issubclass(kind, ServiceCmdlets) for kind in kinds())


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_session_is_disconnected(engines: Engines, endpoint: str) -> None:
    both = engines.on(BROKER, endpoint)
    answer = same(both, "Disconnect-RDUser", **DISCONNECT)
    assert outcome(answer) == ["Completed"]
    assert both.lab.ended == [("disconnect", "done", SESSION_HOST, 2)]
    assert both.lab.state("rds", "Desk", SESSION_HOST, 2) == "Disconnected"


def test_a_session_that_is_disconnected_already(engines: Engines) -> None:
    def prepare(lab: BothLab) -> None:
        lab.change("rds", "Desk", SESSION_HOST, 2, state="Disconnected")

    both = engines.on(BROKER)
    assert outcome(same(both, "Disconnect-RDUser", prepare, **DISCONNECT)) == ["Completed"]
    assert both.lab.ended == [("disconnect", "none", SESSION_HOST, 2)]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_session_gets_a_message(engines: Engines, endpoint: str) -> None:
    both = engines.on(BROKER, endpoint)
    assert outcome(same(both, "Send-RDUserMessage", **MESSAGE)) == ["Completed"]
    assert both.lab.ended == [("message", "done", SESSION_HOST, 2)]
    assert both.lab.messages == [{"title": "Maintenance", "body": "Save."}]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_session_host_is_drained_and_listed(engines: Engines, endpoint: str) -> None:
    both = engines.on(BROKER, endpoint)
    for mode, effect in (("no", "done"), ("NotUntilReboot", "done"), (1, "done"), ("Yes", "none")):
        answer = same(both, "Set-RDSessionHost", **{**DRAIN, "NewConnectionAllowed": mode})
        assert outcome(answer) == ["Completed"]
        assert both.lab.ended == [("undrain" if mode == "Yes" else "drain", effect, SESSION_HOST, None)]

    def drained(lab: BothLab) -> None:
        machine = lab.machine(BROKER)
        machine.farm.allow_connections(machine.farm.pool("rds", "Desk"), SESSION_HOST, "NotUntilReboot")

    answer = same(both, "Get-RDSessionHost", drained, CollectionName="Desk")
    assert [message.text("NewConnectionAllowed") for message in answer[:2]] == ["NotUntilReboot", "Yes"]
    assert outcome(same(both, "Get-RDSessionCollection")) == ["PIPELINE_OUTPUT", "Completed"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(("host", "pool", "id_"), [(BROKER, "new-class", [2]), (OTHER, "old-class", 2)])
def test_a_wms_session_is_disconnected(
    engines: Engines, endpoint: str, host: str, pool: str, id_: int | list[int]
) -> None:
    both = engines.on(host, endpoint)
    given = {"SessionId": id_, "Confirm": False}
    assert outcome(same(both, "Disconnect-WmsSession", **given)) == ["Completed"]
    assert both.lab.ended == [("disconnect", "done", host, 2)]
    assert both.lab.state("wms", pool, host, 2) == "Disconnected"

    def prepare(lab: BothLab) -> None:
        lab.change("wms", pool, host, 2, state="Disconnected")

    assert outcome(same(both, "Disconnect-WmsSession", prepare, **given)) == ["Completed"]
    assert both.lab.ended == [("disconnect", "none", host, 2)]


# Calls that do not get as far as the cmdlet

REFUSED: list[tuple[str, str, str, dict[str, Any], str]] = [
    # endpoint, host, command, parameters, error
    ("default", BROKER, "Get-NoSuchThing", {}, "CommandNotFoundException"),
    ("default", BROKER, "Get-RdsUserSession", POOL, "CommandNotFoundException"),
    ("default", BROKER, "Get-RDUserSession", {"Colection": "Desk"}, "NamedParameterNotFound"),
    (
        "default",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "UnifiedSessionID": [2]},
        "ParameterArgumentTransformationError",
    ),
    (
        "default",
        BROKER,
        "Invoke-RDUserLogoff",
        {"HostServer": SESSION_HOST, "Force": True},
        "MissingMandatoryParameter",
    ),
    ("default", BROKER, "Invoke-RDUserLogoff", {"Force": True}, "MissingMandatoryParameter"),
    (
        "default",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "HostServer": ""},
        "ParameterArgumentValidationErrorEmptyStringNotAllowed",
    ),
    (
        "default",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "UnifiedSessionID": "two"},
        "ParameterArgumentTransformationError",
    ),
    (
        "default",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "UnifiedSessionID": 2**31},
        "ParameterArgumentTransformationError",
    ),
    (
        "default",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "UnifiedSessionID": str(2**31)},
        "ParameterArgumentTransformationError",
    ),
    ("default", BROKER, "Invoke-RDUserLogoff", {**LOGOFF, "Force": "yes"}, "ParameterArgumentTransformationError"),
    ("default", BROKER, "Get-WmsSession", {"All": True, "SessionId": [2]}, "AmbiguousParameterSet"),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "All": True}, "AmbiguousParameterSet"),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "TimeoutInSecond": 60}, "NamedParameterNotFound"),
    (
        "default",
        BROKER,
        "Close-WmsSession",
        {**CLOSE, "SessionId": []},
        "ParameterArgumentValidationErrorEmptyArrayNotAllowed",
    ),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "SessionId": [-1]}, "CannotConvertArgumentNoMessage"),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "SessionId": -1}, "CannotConvertArgumentNoMessage"),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "SessionId": ["two"]}, "CannotConvertArgumentNoMessage"),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "Server": ["a", "b"]}, "CannotConvertArgument"),
    ("default", BROKER, "Close-WmsSession", {**CLOSE, "Confirm": "no"}, "CannotConvertArgument"),
    ("default", BROKER, "Close-WmsSession", {"SessionId": [2]}, "HostFunctionNotImplemented"),
    ("default", OTHER, "Close-WmsSession", {**CLOSE, "SessionId": "two"}, "CannotConvertArgumentNoMessage"),
    ("default", OTHER, "Close-WmsSession", {**CLOSE, "SessionId": 2**31}, "CannotConvertArgumentNoMessage"),
    ("default", OTHER, "Close-WmsSession", {"SessionId": 2}, "HostFunctionNotImplemented"),
    ("default", OTHER, "Close-WmsSession", {"Confirm": False}, "MissingMandatoryParameter"),
    ("default", OTHER, "Add-RdsAccount", {"DeploymentUrl": DEPLOYMENT, "AadTenantId": "t"}, "AmbiguousParameterSet"),
    ("default", OTHER, "Add-RdsAccount", {"DeploymentUrl": DEPLOYMENT}, "MissingMandatoryParameter"),
    (
        "default",
        OTHER,
        "Add-RdsAccount",
        {"DeploymentUrl": DEPLOYMENT, "CertificateThumbprint": THUMBPRINT},
        "MissingMandatoryParameter",
    ),
    (
        "default",
        OTHER,
        "Add-RdsAccount",
        {"DeploymentUrl": "", "Credential": "alice"},
        "ParameterArgumentValidationErrorEmptyStringNotAllowed",
    ),
    (
        "default",
        OTHER,
        "Add-RdsAccount",
        {"DeploymentUrl": DEPLOYMENT, "Credential": "alice"},
        "CannotConvertArgumentNoMessage",
    ),
    ("default", OTHER, "Get-RdsUserSession", {"TenantName": "example"}, "MissingMandatoryParameter"),
    (
        "default",
        OTHER,
        "Invoke-RdsUserSessionLogoff",
        {**CLASSIC, "SessionId": "two"},
        "CannotConvertArgumentNoMessage",
    ),
    ("default", OTHER, "Invoke-RdsUserSessionLogoff", {**CLASSIC, "NoUserPrompt": False}, "HostFunctionNotImplemented"),
    ("no-language", BROKER, "Get-NoSuchThing", {}, "CommandNotFoundException"),
    ("no-language", BROKER, "Import-Module", {"Name": "RemoteDesktop"}, "CommandNotFoundException"),
    ("no-language", BROKER, "Get-RdsUserSession", POOL, "CommandNotFoundException"),
    ("no-language", BROKER, "Get-RDServer", {"Role": "RDS-RD-SERVER"}, "NamedParameterNotFound"),
    ("no-language", BROKER, "Get-RDUserSession", {"CollectionName": ["Other"]}, "ParameterArgumentValidationError"),
    (
        "no-language",
        BROKER,
        "Get-RDUserSession",
        {"CollectionName": ["Desk", "Other"]},
        "ParameterArgumentValidationError",
    ),
    ("no-language", BROKER, "Get-RDUserSession", {"CollectionName": ["Desk\n"]}, "ParameterArgumentValidationError"),
    (
        "no-language",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "HostServer": "rdsh-9.example.test"},
        "ParameterArgumentValidationError",
    ),
    (
        "no-language",
        BROKER,
        "Invoke-RDUserLogoff",
        {**LOGOFF, "UnifiedSessionID": "two"},
        "ParameterArgumentTransformationError",
    ),
    (
        "no-language",
        BROKER,
        "Invoke-RDUserLogoff",
        {"HostServer": SESSION_HOST, "Force": True},
        "MissingMandatoryParameter",
    ),
    (
        "no-language",
        BROKER,
        "Invoke-RDUserLogoff",
        {"HostServer": SESSION_HOST, "UnifiedSessionID": 2},
        "HostException",
    ),
    ("no-language", BROKER, "Get-WmsSession", {"All": True, "SessionId": [2]}, "AmbiguousParameterSet"),
    ("no-language", BROKER, "Close-WmsSession", {**CLOSE, "All": True}, "NamedParameterNotFound"),
    ("no-language", BROKER, "Close-WmsSession", {**CLOSE, "TimeoutInSecond": 60}, "NamedParameterNotFound"),
    ("no-language", BROKER, "Close-WmsSession", {**CLOSE, "SessionId": [-1]}, "ParameterArgumentTransformationError"),
    ("no-language", BROKER, "Close-WmsSession", {"SessionId": [2]}, "HostFunctionNotImplemented"),
    ("no-language", OTHER, "Close-WmsSession", {"SessionId": 2}, "HostFunctionNotImplemented"),
    ("no-language", OTHER, "Close-WmsSession", {"Confirm": False}, "MissingMandatoryParameter"),
    (
        "no-language",
        OTHER,
        "Add-RdsAccount",
        {"DeploymentUrl": DEPLOYMENT, "AadTenantId": "t"},
        "AmbiguousParameterSet",
    ),
    ("no-language", OTHER, "Invoke-RdsUserSessionLogoff", {**CLASSIC, "Force": True}, "NamedParameterNotFound"),
    (
        "no-language",
        OTHER,
        "Invoke-RdsUserSessionLogoff",
        {**CLASSIC, "NoUserPrompt": False},
        "HostFunctionNotImplemented",
    ),
]
ALIKE = {"Disconnect-RDUser": "Invoke-RDUserLogoff", "Disconnect-WmsSession": "Close-WmsSession"}
REFUSED += [
    (endpoint, host, other, parameters, error)
    for other, alike in ALIKE.items()
    for endpoint, host, command, parameters, error in REFUSED
    if command == alike
]
TEXTS = {"MessageTitle": "Maintenance", "MessageBody": "Save."}
REFUSED += [
    (
        endpoint,
        host,
        "Send-RDUserMessage",
        {**TEXTS, **{name: value for name, value in parameters.items() if name != "Force"}},
        error,
    )
    for endpoint, host, command, parameters, error in REFUSED
    if command == "Invoke-RDUserLogoff" and "yes" not in parameters.values() and error != "HostException"
]
EMPTY = "ParameterArgumentValidationErrorEmptyStringNotAllowed"
REFUSED += [
    (endpoint, BROKER, "Send-RDUserMessage", parameters, error)
    for endpoint in ENDPOINTS
    for parameters, error in (
        (LOGOFF, "NamedParameterNotFound"),
        ({**MESSAGE, "Force": True}, "NamedParameterNotFound"),
        ({**MESSAGE, "ConnectionBroker": BROKER}, "NamedParameterNotFound"),
        ({**MESSAGE, "MessageTitle": ""}, EMPTY),
        ({**MESSAGE, "MessageBody": ""}, EMPTY),
        ({name: MESSAGE[name] for name in MESSAGE if name != "MessageTitle"}, "MissingMandatoryParameter"),
        ({name: MESSAGE[name] for name in MESSAGE if name != "MessageBody"}, "MissingMandatoryParameter"),
    )
]


REFUSED += [
    (endpoint, BROKER, "Set-RDSessionHost", parameters, error)
    for endpoint in ENDPOINTS
    for parameters, error in (
        ({**DRAIN, "NewConnectionAllowed": "Never"}, "ParameterArgumentTransformationError"),
        ({**DRAIN, "WhatIf": True}, "NamedParameterNotFound"),
        ({"SessionHost": SESSION_HOST}, "MissingMandatoryParameter"),
    )
]
REFUSED += [
    ("default", BROKER, "Get-RDSessionHost", {}, "MissingMandatoryParameter"),
    ("default", BROKER, "Get-RDSessionHost", {"CollectionName": ""}, EMPTY),
    ("default", BROKER, "Set-RDSessionHost", {**DRAIN, "SessionHost": ""}, EMPTY),
    ("no-language", BROKER, "Get-RDSessionCollection", {"CollectionName": "Desk"}, "NamedParameterNotFound"),
    (
        "no-language",
        BROKER,
        "Set-RDSessionHost",
        {**DRAIN, "SessionHost": [SESSION_HOST, "rdsh-9.example.test"]},
        "ParameterArgumentValidationError",
    ),
]


@pytest.mark.parametrize(("endpoint", "host", "command", "parameters", "error"), REFUSED)
def test_calls_that_are_refused(
    engines: Engines, endpoint: str, host: str, command: str, parameters: dict[str, Any], error: str
) -> None:
    both = engines.on(host, endpoint)
    if command.startswith("Invoke-Rds"):
        both.ask(lambda client: send(client, SIGN_INS[0]))
    answer = same(both, command, **parameters)
    assert (outcome(answer), error_id(answer)) == (["Failed"], error)
    _number, record = read_state(answer[-1].clixml)
    assert record
    assert explain(WmsCmdlets(), Call(command, parameters), record, host)


@pytest.mark.parametrize("command", RD_ENDINGS)
def test_a_function_goes_on_after_a_question_that_nobody_answers(engines: Engines, command: str) -> None:
    both = engines.on(BROKER)
    for forced in ({}, {"Force": False}):
        answer = same(both, command, HostServer=SESSION_HOST, UnifiedSessionID=2, **forced)
        assert (outcome(answer), error_id(answer)) == (["ERROR_RECORD", "Completed"], "HostException")
        assert both.lab.ended == []


def test_script_text_is_no_language(engines: Engines) -> None:
    answer = engines.on(BROKER, "no-language").ask(lambda client: client.script("Get-RDUserSession"))
    assert error_id(answer) == "ScriptsNotAllowed"


# What the cmdlets say


@pytest.mark.parametrize("code", [5, 21, 1168, 1722, 7])
@pytest.mark.parametrize(
    ("host", "command", "parameters"),
    [
        *((BROKER, command, given) for command, given in RD_GIVEN.items()),
        (BROKER, "Set-RDSessionHost", DRAIN),
        *((BROKER, command, CLOSE) for command in WMS_ACTS),
        *((OTHER, command, {**CLOSE, "SessionId": 2}) for command in WMS_ACTS),
        (OTHER, "Invoke-RdsUserSessionLogoff", CLASSIC),
    ],
)
def test_errors_of_windows(engines: Engines, code: int, host: str, command: str, parameters: dict[str, Any]) -> None:
    def prepare(lab: BothLab) -> None:
        lab.faults.add({"kind": "error", "code": code, "command": command})

    both = engines.on(host)
    if command.startswith("Invoke-Rds"):
        both.ask(lambda client: send(client, SIGN_INS[0]))
    assert outcome(same(both, command, prepare, **parameters)) == ["ERROR_RECORD", "Completed"]
    assert both.lab.ended == []


SAID: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (BROKER, "Get-RDUserSession", {"ConnectionBroker": "localhost"}, ["ERROR_RECORD", "Completed"]),
    (BROKER, "Get-RDUserSession", {"ConnectionBroker": "other.example.test"}, ["ERROR_RECORD", "Completed"]),
    (BROKER, "Get-RDUserSession", {"CollectionName": ["Nope"]}, ["ERROR_RECORD", "Completed"]),
    (BROKER, "Get-RDServer", {"ConnectionBroker": "other.example.test"}, ["ERROR_RECORD", "Completed"]),
    (OTHER, "Get-RDServer", {}, ["Failed"]),
    (BROKER, "Get-RDSessionCollection", {"ConnectionBroker": "other.example.test"}, ["ERROR_RECORD", "Completed"]),
    (BROKER, "Get-RDSessionCollection", {"CollectionName": "Nope"}, ["ERROR_RECORD", "Completed"]),
    (BROKER, "Get-RDSessionHost", {"CollectionName": "Nope"}, ["ERROR_RECORD", "Completed"]),
    *(
        (BROKER, "Set-RDSessionHost", {**DRAIN, "SessionHost": [SESSION_HOST, *more]}, errors)
        for more, errors in (
            (["down.example.test"], ["ERROR_RECORD", "Completed"]),
            (["short"], ["ERROR_RECORD", "Completed"]),
            (["nowhere.example.test", "nobody.example.test"], ["ERROR_RECORD", "ERROR_RECORD", "Completed"]),
        )
    ),
    *(
        (BROKER, command, {**RD_GIVEN[command], **missing}, ["ERROR_RECORD", "Completed"])
        for command in RD_ACTS
        for missing in ({"UnifiedSessionID": 99}, {"HostServer": "down.example.test"}, {"HostServer": "nowhere"})
    ),
    (BROKER, "Get-WmsSession", {"All": True, "Server": "nowhere"}, ["Failed"]),
    *(
        (host, command, {**CLOSE, **missing}, ["Failed"])
        for command in WMS_ACTS
        for host, missing in (
            (BROKER, {"SessionId": [99]}),
            (BROKER, {"Server": "nowhere"}),
            (OTHER, {"SessionId": 99}),
        )
    ),
    (OTHER, "Get-RdsUserSession", {**POOL, "HostPoolName": "Nope"}, ["ERROR_RECORD", "Completed"]),
    (OTHER, "Invoke-RdsUserSessionLogoff", {**CLASSIC, "SessionId": 99}, ["ERROR_RECORD", "Completed"]),
    (
        OTHER,
        "Invoke-RdsUserSessionLogoff",
        {**CLASSIC, "SessionHostName": "wvd-down.example.test"},
        ["ERROR_RECORD", "Completed"],
    ),
]


@pytest.mark.parametrize(("host", "command", "parameters", "expected"), SAID)
def test_errors_of_the_cmdlets_in_german(
    engines: Engines, host: str, command: str, parameters: dict[str, Any], expected: list[str]
) -> None:
    def prepare(lab: BothLab) -> None:
        lab.settings.language = "de"

    both = engines.on(host)
    if "-Rds" in command:
        both.ask(lambda client: send(client, SIGN_INS[0]))
    assert outcome(same(both, command, prepare, **parameters)) == expected


def test_a_broker_without_a_deployment(engines: Engines) -> None:
    both = engines.on(BROKER)
    answer = same(both, "Get-RDUserSession", lambda lab: lab.faults.add({"kind": "broker_absent"}))
    assert outcome(answer) == ["ERROR_RECORD", "Completed"]


@pytest.mark.parametrize("command", WMS_ACTS)
def test_a_session_that_does_not_end_in_time(engines: Engines, command: str) -> None:
    def prepare(lab: BothLab) -> None:
        lab.change("wms", "old-class", OTHER, 2, stuck=True)

    answer = same(engines.on(OTHER), command, prepare, SessionId=2, TimeoutInSecond=1, Confirm=False)
    assert (outcome(answer), error_id(answer)) == (["Failed"], "OperationTimeout")


@pytest.mark.parametrize("sign_in_call", SIGN_INS, ids=name_of)
def test_a_sign_in_that_fails(engines: Engines, sign_in_call: Call) -> None:
    answer = engines.on(OTHER).ask(lambda client: send(client, wrong(sign_in_call)))
    assert (outcome(answer), error_id(answer)) == (["Failed"], "SignInFailed")


def test_nobody_is_signed_in(lab: BothLab) -> None:
    both = BothEngines(lab, OTHER, ENDPOINTS["default"])
    try:
        assert error_id(same(both, "Get-RdsUserSession", **POOL)) == "NotSignedIn"
        assert error_id(same(both, "Invoke-RdsUserSessionLogoff", **CLASSIC)) == "NotSignedIn"
    finally:
        both.close()


# Values

STRANGE = [
    "Büro \u2013 Straße",
    "\U0001f5a5 desk",
    "a_x000A_b_X0041_",
    "tab\tline\nreturn\r\x00\x1b",
    "\ud800",
    "& < > ' \" ` $(Get-Date) ;",
    "x" * 100_000,
    "",
    " ",
    "[a-z]*",
    "Desk*",
    "d?sk",
]


@pytest.mark.parametrize("text", STRANGE, ids=range(len(STRANGE)))
def test_strange_texts(engines: Engines, text: str) -> None:
    both = engines.on(BROKER)
    same(both, "Get-RDUserSession", CollectionName=[text])
    same(both, "Get-RDUserSession", ConnectionBroker=text)
    for command, given in RD_GIVEN.items():
        same(both, command, **{**given, "HostServer": f"-{text}"})
    for name in TEXTS:
        same(both, "Send-RDUserMessage", **{**MESSAGE, name: text})
    same(both, "Get-WmsSession", All=True, Server=text)


@pytest.mark.parametrize("given", [2, "2", " 2 ", "0x2", "2.0", "1.5", 2.5, True, "", "\uff12"])
def test_ids_that_can_be_read(engines: Engines, given: Any) -> None:
    for command, others in RD_GIVEN.items():
        same(engines.on(BROKER), command, **{**others, "UnifiedSessionID": given})
    for command in WMS_ACTS:
        same(engines.on(BROKER), command, **{**CLOSE, "SessionId": [given]})
        same(engines.on(OTHER), command, **{**CLOSE, "SessionId": given})


def test_lists(engines: Engines) -> None:
    both = engines.on(BROKER)
    same(both, "Get-RDUserSession", ConnectionBroker=[BROKER])
    same(both, "Get-RDUserSession", ConnectionBroker=["a.b", "c.d"])
    same(both, "Get-RDUserSession", CollectionName=[])
    same(both, "Get-RDUserSession", CollectionName="Desk")
    same(both, "Get-RDUserSession", CollectionName=["Desk", "Nope", "desk"])
    same(both, "Send-RDUserMessage", **{**MESSAGE, "MessageBody": ["a", "b"]})
    for command in WMS_ACTS:
        same(both, command, SessionId=[2, 99, 4], Confirm=False)
        same(both, command, SessionId=[2, 4], Confirm=False)


def test_times_are_the_hosts_own(engines: Engines) -> None:
    answer = same(engines.on(BROKER), "Get-RDUserSession")
    assert (answer[0].text("CreateTime") or "").endswith("+05:30")


# The pool, and calls that take their time


def test_a_pool_that_opens(engines: Engines) -> None:
    for endpoint in ENDPOINTS:
        both = engines.on(BROKER, endpoint)
        opened = [[one.type for one in client.opened()][:3] for client in (both.stand_in, both.real)]
        assert opened[0] == opened[1] == ["SESSION_CAPABILITY", "APPLICATION_PRIVATE_DATA", "RUNSPACEPOOL_STATE"]


def test_a_pool_that_grows_runs_sixteen_at_once(engines: Engines) -> None:
    both = engines.on(BROKER, "no-language")
    assert both.ask(lambda client: [client.resize(2), client.resize(16)])

    def ask(client: RawClient) -> list[Message]:
        pipelines = [client.begin_call("Get-RDUserSession") for _number in range(16)]
        return [message for pipeline in pipelines for message in client.end(pipeline)]

    started = time.monotonic()
    answer = both.ask(ask, lambda lab: lab.settings.delay.update({"get-rdusersession": 0.5}))
    assert time.monotonic() - started < 2 * 16 * 0.5
    assert outcome(answer).count("Completed") == 16


@pytest.mark.parametrize("command", RD_ACTS)
def test_a_call_that_waits_is_stopped(engines: Engines, command: str) -> None:
    def ask(client: RawClient) -> list[Message]:
        pipeline = client.begin_call(command, **RD_GIVEN[command])
        time.sleep(0.3)
        client.engine.signal(pipeline)
        return client.end(pipeline)

    answer = engines.on(BROKER).ask(ask, lambda lab: lab.faults.add({"kind": "wait"}))
    assert (outcome(answer), error_id(answer)) == (["Stopped"], "PipelineStopped")


@pytest.mark.parametrize(
    ("host", "command", "parameters"),
    [
        *((BROKER, command, given) for command, given in RD_GIVEN.items()),
        *((OTHER, command, {**CLOSE, "SessionId": 2}) for command in WMS_ACTS),
    ],
)
def test_a_call_that_blocks_is_stopped_when_it_returns(
    engines: Engines, host: str, command: str, parameters: dict[str, Any]
) -> None:
    def ask(client: RawClient) -> list[Message]:
        pipeline = client.begin_call(command, **parameters)
        time.sleep(0.3)
        client.engine.signal(pipeline)
        time.sleep(0.2)
        assert not client.is_finished(pipeline)
        return client.end(pipeline)

    both = engines.on(host)
    answer = both.ask(ask, lambda lab: lab.faults.add({"kind": "hang", "seconds": 1}))
    assert (outcome(answer), error_id(answer)) == (["Stopped"], "PipelineStopped")
    assert len(both.lab.ended) == 1  # the call went on all the same
