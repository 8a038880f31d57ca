# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door in the lab's own process, under the control door."""

from __future__ import annotations

import json
import pathlib
import typing
from collections.abc import Iterator

import pytest
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

from tests.lab.client import Lab, LabError


@pytest.fixture(scope="module")
def windows() -> Iterator[Lab]:
    with Lab.start(winrm=True) as lab:
        yield lab


@pytest.fixture
def door(windows: Lab) -> dict[str, typing.Any]:
    windows.reset()
    assert windows.winrm
    return windows.winrm


def pool(door: dict[str, typing.Any], host: str, configuration: str = "Microsoft.PowerShell") -> RunspacePool:
    connection = WSMan(
        "127.0.0.1",
        port=door["https_port"],
        username=door["user"],
        password=door["password"],
        auth="ntlm",
        path=door["hosts"][host]["path"],
        cert_validation=door["ca_file"],
    )
    return RunspacePool(connection, configuration_name=configuration)


def test_an_act_is_in_the_audit_and_nothing_is_left(windows: Lab, door: dict[str, typing.Any]) -> None:
    with pool(door, "broker.contoso.com", door["jea_configuration"]) as opened:
        assert windows.call("GET", "winrm/report")["now"]["shells"] == 1
        logoff = PowerShell(opened).add_cmdlet("Invoke-RDUserLogoff")
        logoff.add_parameters({"HostServer": "rdsh-1.contoso.com", "UnifiedSessionID": 6, "Force": True})
        logoff.invoke()
        logoff.close()
    (entry,) = windows.audit()
    assert (entry["verb"], entry["owner"]["user"], entry["by"]) == ("logoff", "dave@contoso.com", door["user"])
    report = windows.call("GET", "winrm/report")
    assert (report["now"], report["ever"], report["shells"]) == (
        {"shells": 0, "pipelines": 0},
        {"shells": 1, "pipelines": 1},
        [],
    )


def test_shells_that_a_client_left_can_be_ended(windows: Lab, door: dict[str, typing.Any]) -> None:
    pool(door, "broker.contoso.com").open()
    (shell,) = windows.call("GET", "winrm/report")["shells"]
    assert (shell["host"], shell["configuration"]) == ("broker.contoso.com", "Microsoft.PowerShell")
    windows.call("DELETE", "winrm/shells")
    assert windows.call("GET", "winrm/report")["shells"] == []


def test_settings_faults_and_configurations_go_with_a_reset(windows: Lab, door: dict[str, typing.Any]) -> None:
    windows.call("POST", "winrm/settings", {"language": "de", "delay": {"*": 0.01}})
    windows.call("POST", "winrm/faults", {"kind": "hang", "command": "Invoke-*", "seconds": 1})
    windows.call("POST", "winrm/configurations", {"name": "Helpdesk", "role": ["Get-RDUserSession"]})
    with pool(door, "broker.contoso.com", "Helpdesk") as opened:
        assert len(PowerShell(opened).add_cmdlet("Get-RDUserSession").invoke()) == 4
    windows.reset()
    assert windows.call("GET", "winrm/settings")["language"] == "en"
    assert windows.call("GET", "winrm/faults") == []
    with pytest.raises(Exception, match="was not found in the WS-Management catalog"):
        pool(door, "broker.contoso.com", "Helpdesk").open()


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("winrm/faults", {"kind": "nonsense"}),
        ("winrm/faults", {"kind": "hang", "nonsense": 1}),
        ("winrm/settings", {"nonsense": 1}),
        ("winrm/settings", {"language": "fr"}),
        ("winrm/settings", {"delay": {"*": "long"}}),
        ("winrm/configurations", {"role": []}),
    ],
)
def test_what_the_control_door_refuses(
    windows: Lab, door: dict[str, typing.Any], call: str, body: dict[str, typing.Any]
) -> None:
    with pytest.raises(LabError, match="Error"):
        windows.call("POST", call, body)


def test_the_inventory_follows_the_farm(windows: Lab, door: dict[str, typing.Any]) -> None:
    assert door["inventory"]["all"]["children"]["wms"]["hosts"].keys() == {
        "classroom-2016.contoso.com",
        "classroom-2012.contoso.com",
    }
    server = {"name": "only.contoso.com", "sessions": [{"id": 1, "user": "a@contoso.com"}]}
    windows.reset({"pools": [{"name": "c", "service": "wms", "generation": "2016", "hosts": [server]}]})
    written = json.loads(pathlib.Path(door["inventory_file"]).read_text(encoding="utf-8"))
    assert list(written["all"]["hosts"]) == ["only.contoso.com"]
    assert written["all"]["vars"]["ansible_port"] == door["https_port"]
