# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The psrp connection: what goes over it, endpoints with less, and trouble with it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.test_rds_user_logoff import COLLECTION, EVERYBODY, ID, log_off, refused
from tests.integration.windows_hosts import BROKER, LOGOFF, Windows, outcomes, script_host


@pytest.mark.newest_core
def test_many_sessions_in_one_shell(windows: Windows) -> None:
    pool = {"name": COLLECTION, "service": "remote_desktop", "connection_broker": BROKER}
    windows.lab.reset(farm={"pools": [{**pool, "generate": {"hosts": 10, "sessions_per_host": 20}}]})
    windows.settings(delay={"invoke-rduserlogoff": 0.1})
    finished = log_off(windows, all_sessions=True)
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 200}
    assert len(windows.ended()) == 200
    assert windows.shells()[1] == 1


def test_loop_keeps_one_shell(windows: Windows) -> None:
    options = {"host_server": "{{ item }}", "unified_session_id": 2, "force": True}
    finished = windows.play(BROKER, {"name": "loop", LOGOFF: options, "loop": ["rdsh-0", "rdsh-1", "rdsh-1"]})
    assert finished.status == 0, finished.output
    assert windows.ended() == ["alice", "carol"]
    assert windows.shells() == (0, 1)


@pytest.mark.parametrize("encrypted", [pytest.param(True, marks=pytest.mark.newest_core), False])
def test_task_that_runs_into_its_own_timeout_leaves_no_shell(windows: Windows, encrypted: bool) -> None:
    windows.fault("hang", "Invoke-RDUserLogoff", seconds=20)
    door = windows.lab.winrm
    assert door is not None
    plain = {"ansible_psrp_protocol": "http", "ansible_port": door["http_port"]}
    finished = log_off(windows, all_sessions=True, task={"timeout": 4}, variables={} if encrypted else plain)
    assert finished.status != 0
    assert "it ran into the timeout of the task" in finished.task.message
    assert finished.task.result["changed"] is True
    assert finished.task.result["summary"]["failed"] > 0


@pytest.mark.parametrize("protocol", ["https", pytest.param("http", marks=pytest.mark.newest_core)])
def test_no_script_crosses_the_wire(windows: Windows, protocol: str) -> None:
    door = windows.lab.winrm
    assert door is not None
    way = {"ansible_psrp_protocol": protocol, "ansible_port": door[f"{protocol}_port"]}
    windows.lab.reset()
    assert log_off(windows, host_server="rdsh-1", all_sessions=True, variables=way).status == 0
    received = windows.received()
    commands = re.findall(rb'<S N="Cmd">([^<]*)</S>', received)
    assert set(commands) == {b"Get-RDUserSession", b"Get-RDServer", b"Invoke-RDUserLogoff"}
    assert commands.count(b"Invoke-RDUserLogoff") == 2
    assert received.count(b'<B N="IsScript">false</B>') == len(commands)
    assert b'<B N="IsScript">true</B>' not in received
    # That is how script would look.
    windows.run(BROKER, "ansible.builtin.raw", variables=way, _raw_params="whoami")
    assert b'<B N="IsScript">true</B>' in windows.received()


@pytest.mark.newest_core
def test_access_denied_and_quota_and_missing_endpoint(windows: Windows) -> None:
    windows.fault("access_denied", times=1)
    refused(windows, "denies access", user="alice")
    windows.fault("shell_quota", times=1)
    refused(windows, "MaxShellsPerUser", user="alice")
    refused(
        windows,
        "no PowerShell endpoint Nope",
        user="alice",
        variables={"ansible_psrp_configuration_name": "Nope"},
    )


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"ansible_password": "wrong"}, "ansible_password"),
        pytest.param({"ansible_port": 1}, "ansible_port", marks=pytest.mark.newest_core),
    ],
)
def test_trouble_with_the_connection_is_unreachable(windows: Windows, variables: dict[str, Any], word: str) -> None:
    finished = log_off(windows, user="alice", variables=variables)
    assert finished.task.status == "unreachable"
    assert word in finished.task.message
    assert windows.lab.audit() == []


@pytest.mark.newest_core
def test_host_that_is_cut_off_is_unreachable(windows: Windows) -> None:
    windows.fault("unreachable")
    assert log_off(windows, user="alice").task.status == "unreachable"


@pytest.mark.parametrize("when", [pytest.param("before", marks=pytest.mark.newest_core), "after"])
def test_connection_that_is_lost_on_the_way_is_unreachable_with_every_outcome(windows: Windows, when: str) -> None:
    windows.fault("reset", "Invoke-RDUserLogoff", when=when, parameters={"UnifiedSessionID": 6}, times=1)
    finished = log_off(windows, all_sessions=True)
    assert finished.task.status == "unreachable"
    assert sorted(outcomes(finished.task, ID)) == EVERYBODY
    assert set(windows.ended()) <= set(EVERYBODY)
    again = log_off(windows, all_sessions=True)
    assert again.status == 0, again.output
    assert windows.ended() == EVERYBODY


def test_no_language_endpoint_is_enough(windows: Windows) -> None:
    assert windows.lab.winrm is not None
    variables = {"ansible_psrp_configuration_name": windows.lab.winrm["jea_configuration"]}
    finished = log_off(windows, host_server="rdsh-1", unified_session_id=[2, 6], variables=variables)
    assert finished.status == 0, finished.output
    assert windows.ended() == ["carol", "dave"]


@pytest.mark.newest_core
def test_endpoint_that_limits_parameters(windows: Windows) -> None:
    hosts = {"Name": "HostServer", "ValidateSet": ["rdsh-1.contoso.com"]}
    role = {"Name": "Invoke-RDUserLogoff", "Parameters": [hosts, {"Name": "UnifiedSessionID"}, {"Name": "Force"}]}
    variables = windows.endpoint("Helpdesk", "Get-RDUserSession", role)
    finished = log_off(windows, all_sessions=True, variables=variables)
    assert outcomes(finished.task, ID) == {
        "alice": "failed",
        "bob": "failed",
        "carol": "logged_off",
        "dave": "logged_off",
    }
    assert "HostServer, UnifiedSessionID, Force" in finished.task.message
    assert windows.ended() == ["carol", "dave"]
    again = log_off(windows, host_server="rdsh-1", unified_session_id=2, variables=variables)
    assert again.status == 0, again.output
    assert outcomes(again.task, ID) == {"2": "already_gone"}
    assert "Get-RDServer is not visible" in str(again.task.result["warnings"])


@pytest.mark.parametrize(
    ("variables", "word"),
    [
        ({"ansible_password": "wrong"}, "credentials"),
        pytest.param({"ansible_port": 1}, "refused", marks=pytest.mark.newest_core),
    ],
)
def test_trouble_with_winrm_is_unreachable_too(windows: Windows, variables: dict[str, Any], word: str) -> None:
    """With pywinrm, which signs in to the lab with NTLM over TLS."""
    windows.ansible.environment.update(script_host(windows.lab))
    finished = log_off(windows, all_sessions=True, variables={"ansible_connection": "winrm", **variables})
    assert finished.task.status == "unreachable", finished.output
    assert word in finished.task.message
    assert windows.ended() == []
