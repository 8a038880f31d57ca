# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the role session_endpoint, opened by a real PowerShell: what their sessions show, refuse and do.

The commands behind them are stand-ins that act on a lab's farm, whose audit tells what was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests import cmdlets
from tests.engine.endpoints import Driver, Endpoint, Host, RefusedError
from tests.lab.client import Lab
from tests.roles import data_file
from tests.roles.session_endpoint import TABLE

HERE, BROKER = "wvd-management", "broker.contoso.com"
"""The lab has the module of WVD classic on one host only, so the others are there too."""

MODULES = {
    "rds": "RemoteDesktop",
    "wms": "MultiPoint-{generation}",
    "wvd_classic": "Microsoft.RDInfra.RDPowerShell",
}
EVERY_SERVICE = list(MODULES)
OWN = {
    "Clear-Host",
    "Exit-PSSession",
    "Get-Command",
    "Get-FormatData",
    "Get-Help",
    "Measure-Object",
    "Out-Default",
    "Select-Object",
}
"""What every session without language shows."""

WMS_ACTS = ("Disconnect-WmsSession", "Close-WmsSession")
"""They have the same parameters. Both can be called for the same session, in this order."""
OF_GENERATION: dict[str, dict[str, set[str]]] = {
    "2012R2": {"Get-WmsSession": set(), **{key: {"SessionId", "TimeoutInSecond"} for key in WMS_ACTS}},
    "2016": {"Get-WmsSession": {"All", "Server"}, **{key: {"SessionId", "Server"} for key in WMS_ACTS}},
}
"""What the table's parameters of MultiPoint come to."""

QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell takes each of these for a single quote."""

HOSTILE = [
    *(f"a{quote}b" for quote in QUOTES),
    *(f"a{quote}{quote}b" for quote in QUOTES),
    "a'\u2019b",
    QUOTES,
    "a'; Stop-Computer; '",
    "$(Stop-Computer)",
    "$env:PATH",
    "`n`0`",
    'a"b',
    "@{a='b'}",
    "a[b](c)|d.*",
    "a\\b",
    "B\u00fcro \u6771\u4eac \U0001d54f",
]


def farm(generation: str = "2016", hosts: Sequence[str] = ()) -> dict[str, Any]:
    """Three services on one host; `hosts` are more session hosts of Remote Desktop. Each has a session 2."""
    desks = ("rdsh-1.contoso.com", "rdsh-10.contoso.com", "xrdsh-1.contoso.com", "RDSH-2.contoso.com", *hosts)
    return {
        "pools": [
            {"name": "none", "service": "rds", "connection_broker": HERE},
            {
                "name": "Desktops",
                "service": "rds",
                "connection_broker": BROKER,
                "hosts": [pc(name) for name in desks],
            },
            {
                "name": "classroom",
                "service": "wms",
                "generation": generation,
                "hosts": [pc(HERE)],
            },
            {
                "name": "other-classroom",
                "service": "wms",
                "generation": generation,
                "hosts": [pc("other-classroom")],
            },
            {
                "name": "legacy-pool",
                "service": "wvd_classic",
                "tenant": "Contoso",
                "hosts": [pc("wvd-1.contoso.com"), pc("wvd-2.contoso.com")],
            },
        ]
    }


def pc(name: str) -> dict[str, Any]:
    """A session host with one session."""
    return {"name": name, "sessions": [{"id": 2, "user": "alice@contoso.com"}]}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab.start(winrm=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def driver(pwsh: str) -> Iterator[Driver]:
    driver = Driver(pwsh)
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def running_host(pwsh: str, lab: Lab, driver: Driver, tmp_path_factory: pytest.TempPathFactory) -> Host:
    return Host(driver, lab, cmdlets.build(pwsh), tmp_path_factory.mktemp("modules"), HERE)


@pytest.fixture
def host(running_host: Host) -> Host:
    """A host with everything, and a farm in which nothing has happened."""
    running_host.lab.reset(farm())
    install(running_host, *EVERY_SERVICE)
    return running_host


def install(host: Host, *services: str, generation: str = "2016") -> None:
    """Let the host have the modules of these services."""
    host.install(*(MODULES[service].format(generation=generation) for service in services))


# What sessions show


def table(services: list[str], generation: str) -> dict[str, set[str]]:
    """The parameters of each command, as the role's table says."""
    found = {cmdlet["name"]: set(cmdlet["parameters"]) for cmdlet in TABLE if cmdlet["service"] in services}
    found.update({name: parameters for name, parameters in OF_GENERATION[generation].items() if name in found})
    # PowerShell adds these itself
    return {
        name: parameters | {"WhatIf", "Confirm"} if name in WMS_ACTS else parameters
        for name, parameters in found.items()
    }


@pytest.mark.parametrize(
    ("services", "generation"),
    [
        (EVERY_SERVICE, "2012R2"),
        (EVERY_SERVICE, "2016"),
        (["rds"], "2016"),
        (["wms"], "2012R2"),
        (["wms"], "2016"),
        (["wvd_classic"], "2016"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_session_shows_exactly_the_table(host: Host, services: list[str], generation: str) -> None:
    install(host, *services, generation=generation)
    visible = host.endpoint().visible()
    assert visible.keys() - OWN == table(services, generation).keys()
    assert visible.keys() >= OWN
    assert {name: visible[name] for name in visible.keys() - OWN} == table(services, generation)


def test_session_shows_only_the_chosen_services(host: Host) -> None:
    visible = host.endpoint(services=["wms"]).visible()
    assert visible.keys() - OWN == OF_GENERATION["2016"].keys()


def test_who_is_in_no_group_sees_nothing_of_it(host: Host) -> None:
    groups = ["CONTOSO\\Help Desk", "CONTOSO\\it\u2019s $(x) '`n'"]
    endpoint = host.endpoint(groups=groups, member=False)
    assert endpoint.visible().keys() == OWN
    assert sorted(endpoint.groups) == sorted(groups)


# What they do


def sign_in(host: Host, endpoint: Endpoint) -> None:
    """Sign in to WVD classic with the lab's own account."""
    assert host.lab.winrm is not None
    account = {"user_name": host.lab.winrm["user"], "password": host.lab.winrm["password"]}
    answer = endpoint.call("Add-RdsAccount", DeploymentUrl="https://rdbroker.wvd.microsoft.com", Credential=account)
    assert answer.errors == []


LOGOFF = {"HostServer": "rdsh-1.contoso.com", "UnifiedSessionID": 2, "Force": True}
CLASSIC = {"TenantName": "Contoso", "HostPoolName": "legacy-pool"}
CLASSIC_LOGOFF = {**CLASSIC, "SessionHostName": "wvd-1.contoso.com", "SessionId": 2, "NoUserPrompt": True}
WHICH = {name: LOGOFF[name] for name in ("HostServer", "UnifiedSessionID")}
MESSAGE = {**WHICH, "MessageTitle": "Maintenance", "MessageBody": "Save your work;\n$(Stop-Computer) 'at 2'"}
DRAIN = {"SessionHost": "rdsh-1.contoso.com", "NewConnectionAllowed": "No", "ConnectionBroker": BROKER}
RD_ACTS = {"Send-RDUserMessage": MESSAGE, "Disconnect-RDUser": LOGOFF, "Invoke-RDUserLogoff": LOGOFF}
"""With their parameters. All can be called for the same session, in this order."""
CLOSE = {
    "2012R2": {"SessionId": 2, "TimeoutInSecond": 5, "Confirm": False},
    "2016": {"SessionId": [2], "Server": HERE, "Confirm": False},
}
CHOSEN = ["rdsh-1.contoso.com", HERE, "wvd-1.contoso.com"]
LIMITS: list[dict[str, Any]] = [
    {"session_hosts": CHOSEN},
    {"session_host_pattern": r"rdsh-1\.contoso\.com|wvd-(management|\d).*"},
]
LIMIT_IDS = ["list", "pattern"]


@pytest.mark.parametrize(
    ("generation", "limits"),
    [("2012R2", {}), ("2016", {}), *(("2016", limits) for limits in LIMITS)],
    ids=["2012R2", "2016", *LIMIT_IDS],
)
def test_session_lists_and_ends(host: Host, limits: dict[str, Any], generation: str) -> None:
    host.lab.reset(farm(generation))
    install(host, *EVERY_SERVICE, generation=generation)
    endpoint = host.endpoint(**limits)
    which = {"2012R2": {}, "2016": {"All": True}}[generation]
    listed = {
        "Get-RDUserSession": endpoint.call("Get-RDUserSession", CollectionName=["Desktops"], ConnectionBroker=BROKER),
        "Get-RDServer": endpoint.call("Get-RDServer", ConnectionBroker=BROKER),
        "Get-RDSessionCollection": endpoint.call("Get-RDSessionCollection", ConnectionBroker=BROKER),
        "Get-RDSessionHost": endpoint.call("Get-RDSessionHost", CollectionName="Desktops", ConnectionBroker=BROKER),
        "Get-WmsSession": endpoint.call("Get-WmsSession", **which),
    }
    sign_in(host, endpoint)
    listed["Get-RdsUserSession"] = endpoint.call("Get-RdsUserSession", **CLASSIC)
    assert {name: (len(answer.output), answer.errors) for name, answer in listed.items()} == {
        "Get-RDUserSession": (4, []),
        "Get-RDServer": (5, []),
        "Get-RDSessionCollection": (1, []),
        "Get-RDSessionHost": (4, []),
        "Get-WmsSession": (1, []),
        "Get-RdsUserSession": (2, []),
    }
    for command, parameters in (
        ("Set-RDSessionHost", DRAIN),
        *RD_ACTS.items(),
        *((command, CLOSE[generation]) for command in WMS_ACTS),
        ("Invoke-RdsUserSessionLogoff", CLASSIC_LOGOFF),
    ):
        answer = endpoint.call(command, **parameters)
        assert (answer.output, answer.errors) == ([], []), command
    audit = host.lab.audit()
    texts = {"title": MESSAGE["MessageTitle"], "body": MESSAGE["MessageBody"]}
    assert [entry["detail"] for entry in audit if entry["verb"] == "message"] == [texts]
    assert [(entry["verb"], entry["host"]) for entry in audit] == [
        ("drain", "rdsh-1.contoso.com"),
        ("message", "rdsh-1.contoso.com"),
        ("disconnect", "rdsh-1.contoso.com"),
        ("logoff", "rdsh-1.contoso.com"),
        ("disconnect", HERE),
        ("logoff", HERE),
        ("logoff", "wvd-1.contoso.com"),
    ]


# What they refuse


def allowed(host: Host, endpoint: Endpoint, **parameters: Any) -> None:
    """See that nothing was done so far, and that the session does what is allowed."""
    assert host.ended() == []
    for command, given in RD_ACTS.items():
        assert endpoint.call(command, **{**given, **parameters}).errors == []
    assert host.ended() == ["rdsh-1.contoso.com"] * len(RD_ACTS)


def test_script_is_refused(host: Host) -> None:
    endpoint = host.endpoint()
    texts = [
        "Invoke-RDUserLogoff -HostServer rdsh-1.contoso.com -UnifiedSessionID 2 -Force",
        "Disconnect-RDUser -HostServer rdsh-1.contoso.com -UnifiedSessionID 2 -Force",
        "Send-RDUserMessage rdsh-1.contoso.com 2 title body",
        "Get-RDServer",
        "Get-RDUserSession | Invoke-RDUserLogoff -Force",
        "& { 1 }",
        "'text'",
        "$x = 1",
    ]
    assert [text for text in texts if endpoint.script(text).errors != ["ScriptsNotAllowed"]] == []
    allowed(host, endpoint)


OTHER_COMMANDS = [
    "Get-Item",
    "Get-Process",
    "Invoke-Expression",
    "Invoke-Command",
    "Start-Process",
    "Import-Module",
    "New-Object",
    "Where-Object",
    # Of the same modules: commands that the table does not list, inner ones, and listed ones under their whole names.
    "Disconnect-RdsUserSession",
    "Write-FarmAnswer",
    "RemoteDesktop\\Disconnect-RDUser",
    "RemoteDesktop\\Invoke-RDUserLogoff",
    "RemoteDesktop\\Send-RDUserMessage",
    "MultiPoint\\Close-WmsSession",
    "MultiPoint\\Disconnect-WmsSession",
    "Microsoft.PowerShell.Core\\Get-Command",
    # An alias, a program, a script.
    "gi",
    "/bin/sh",
    "sh",
    "./x.ps1",
]


def test_every_other_command_is_refused(host: Host) -> None:
    endpoint = host.endpoint()
    answers = {command: endpoint.call(command, **LOGOFF).errors for command in OTHER_COMMANDS}
    assert [command for command, errors in answers.items() if errors != ["CommandNotFoundException"]] == []
    allowed(host, endpoint)


OTHER_PARAMETERS: list[tuple[str, str, dict[str, Any]]] = [
    *(("2016", command, {"All": True, "Confirm": False}) for command in WMS_ACTS),
    ("2016", "Get-WmsSession", {"SessionId": [2]}),
    ("2016", "Get-WmsSession", {"All": True, "Thumbnail": "Large"}),
    ("2012R2", "Get-WmsSession", {"Id": 2}),
    ("2012R2", "Get-WmsSession", {"All": True}),
    *(("2012R2", command, {"SessionId": 2, "Server": HERE, "Confirm": False}) for command in WMS_ACTS),
    ("2016", "Invoke-RdsUserSessionLogoff", {**CLASSIC_LOGOFF, "Force": True}),
    ("2016", "Get-RDServer", {"Role": ["RDS-RD-SERVER"]}),
    *(("2016", command, {**given, "ConnectionBroker": BROKER}) for command, given in RD_ACTS.items()),
    ("2016", "Send-RDUserMessage", {**MESSAGE, "Force": True}),
    ("2016", "Get-RDSessionCollection", {"CollectionName": "Desktops"}),
    ("2016", "Set-RDSessionHost", {**DRAIN, "WhatIf": True}),
]


@pytest.mark.parametrize("generation", sorted(OF_GENERATION))
def test_other_parameters_are_refused(host: Host, generation: str) -> None:
    host.lab.reset(farm(generation))
    install(host, *EVERY_SERVICE, generation=generation)
    endpoint = host.endpoint()
    sign_in(host, endpoint)
    cases = [(command, parameters) for which, command, parameters in OTHER_PARAMETERS if which == generation]
    answers = [(*case, endpoint.call(case[0], **case[1]).errors) for case in cases]
    assert [answer for answer in answers if answer[-1] != ["NamedParameterNotFound"]] == []
    allowed(host, endpoint)


BY_ROLE = "ParameterArgumentValidationError"
"""The role does not allow the value; the command has not begun."""

OTHER_HOSTS: list[Any] = [
    "",
    "rdsh-1",
    "rdsh-10.contoso.com",
    "xrdsh-1.contoso.com",
    "rdsh-2.contoso.com",
    "rdsh-1.contoso.com\n",
    "rdsh-1.contoso.com\r\n",
    "\nrdsh-1.contoso.com",
    "rdsh-1.contoso.com ",
    "rdsh-1.contoso.com\nxrdsh-1.contoso.com",
    "rdsh-1.contoso.com|rdsh-10.contoso.com",
    "rdsh-1xcontoso.com",
    "rdsh-*",
    "*",
]


def let_through(endpoint: Endpoint, hosts: Sequence[Any]) -> list[tuple[str, Any]]:
    """Do all that there is on each of the hosts; return which command the role does not refuse on which."""
    return [
        (command, name)
        for name in hosts
        for command, given in RD_ACTS.items()
        if endpoint.call(command, **{**given, "HostServer": name}).errors != [BY_ROLE]
    ]


def every_act(hosts: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return what `let_through` returns for hosts that are all allowed."""
    return [(command, name) for name in hosts for command in RD_ACTS]


@pytest.mark.parametrize("limits", LIMITS, ids=LIMIT_IDS)
def test_other_session_hosts_are_refused(host: Host, limits: dict[str, Any]) -> None:
    endpoint = host.endpoint(**limits)
    assert let_through(endpoint, OTHER_HOSTS) == []
    for command, given in RD_ACTS.items():
        how = {name: value for name, value in given.items() if name not in WHICH}
        shortened = {"Host": "rdsh-10.contoso.com", "Unified": 2, **how}
        assert endpoint.call(command, **shortened).errors == [BY_ROLE], command
    for name in [*OTHER_HOSTS, [], ["rdsh-1.contoso.com", "rdsh-2.contoso.com"], None]:
        assert endpoint.call("Set-RDSessionHost", **{**DRAIN, "SessionHost": name}).errors != [], name
    close = {"SessionId": [2], "Confirm": False}
    for name in ("other-classroom", "", None, "localhost"):
        for command in WMS_ACTS:
            assert endpoint.call(command, Server=name, **close).errors == [BY_ROLE], name
            assert endpoint.call(command, ComputerName=name, **close).errors != [], name
        assert endpoint.call("Get-WmsSession", Server=name, All=True).errors == [BY_ROLE], name
    sign_in(host, endpoint)
    other = {**CLASSIC_LOGOFF, "SessionHostName": "xwvd-1.contoso.com"}
    assert endpoint.call("Invoke-RdsUserSessionLogoff", **other).errors == [BY_ROLE]
    allowed(host, endpoint, HostServer="RDSH-1.Contoso.COM")  # in any case


def test_list_ignores_the_case_where_i_has_another_capital(host: Host) -> None:
    install(host, "rds")
    endpoint = host.endpoint(culture="tr-TR", session_hosts=["RDI-1", "rdi-2"])
    assert let_through(endpoint, ["rdi-1", "RDI-2", "rdi-3", "RDI"]) == every_act(["rdi-1", "RDI-2"])


@pytest.mark.parametrize("command", RD_ACTS)
def test_pipeline_from_the_list_does_nothing_on_other_session_hosts(host: Host, command: str) -> None:
    endpoint = host.endpoint(**LIMITS[0])
    how = {name: value for name, value in RD_ACTS[command].items() if name not in WHICH}
    answer = endpoint.pipe(("Get-RDUserSession", {"ConnectionBroker": BROKER}), (command, how))
    assert answer.errors == [BY_ROLE] * 3
    assert host.ended() == ["rdsh-1.contoso.com"]


def test_every_alternative_of_a_pattern_fits_whole_names(host: Host) -> None:
    endpoint = host.endpoint(session_host_pattern="rdsh|rdsh-1.contoso.com|b")
    others = ["xb", "bx", "rdsh-2.contoso.com", "xrdsh", "xrdsh-1.contoso.com", "rdsh-1.contoso.com\n", "b\n"]
    assert let_through(endpoint, others) == []
    allowed(host, endpoint)


@pytest.mark.parametrize("limits", LIMITS, ids=LIMIT_IDS)
def test_characters_that_comparisons_overlook_do_not_get_through(host: Host, limits: dict[str, Any]) -> None:
    """PowerShell's ValidateSet overlooks them, and Windows sees nothing of a name behind a NUL."""
    endpoint = host.endpoint(**limits)
    others = [name for one in "\0\x01\x1f\x7f" for name in (f"rdsh-1{one}.contoso.com", f"wvd-1{one}.contoso.com")]
    assert let_through(endpoint, others) == []
    allowed(host, endpoint)


def test_pattern_that_would_end_early_is_no_pattern(host: Host) -> None:
    """The role stops there, so what it puts around the pattern holds."""
    host.inspect(Pattern="rdsh-1|x")
    for pattern in ("rdsh-1)|(?:x", "rdsh-1\\", "[", "(?#"):
        with pytest.raises(RefusedError, match="session_host_pattern is no regular expression"):
            host.inspect(Pattern=pattern)


# Names that could be taken for code


def test_files_hold_every_name_unchanged(host: Host) -> None:
    account, directory = "CONTOSO\\it\u2019s $(x) ''`n'", "C:\\it\u2018s ''`n' $(x)"
    files = host.write(
        groups=HOSTILE,
        session_hosts=HOSTILE,
        group_managed_service_account=account,
        transcript_directory=directory,
    )
    configuration, capability = map(host.read, files)
    assert [data_file.read(file.read_text("utf-8-sig")) for file in files] == [configuration, capability]
    assert configuration["RoleDefinitions"].keys() == set(HOSTILE)
    assert configuration["GroupManagedServiceAccount"] == account
    assert configuration["TranscriptDirectory"] == directory
    limits = {
        parameter["ValidatePattern"]
        for command in (*capability["VisibleFunctions"], *capability["VisibleCmdlets"])
        for parameter in command["Parameters"]
        if len(parameter) > 1
    }
    (limit,) = limits
    assert limit.replace("[iI]", "i") == f"^(?:{'|'.join(map(re.escape, HOSTILE))})\\z"


@pytest.mark.parametrize("start", [0, 1])
def test_every_name_lets_exactly_its_session_host_through(host: Host, start: int) -> None:
    host.lab.reset(farm(hosts=HOSTILE))
    chosen, others = HOSTILE[start::2], HOSTILE[1 - start :: 2]
    install(host, "rds")
    endpoint = host.endpoint(session_hosts=chosen)
    assert let_through(endpoint, others) == []
    assert let_through(endpoint, chosen) == every_act(chosen)
    assert host.ended() == [name for _command, name in every_act(chosen)]
