# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The psrp connection: what goes over it, endpoints with less, and trouble with it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.ansible_process import expect_refused
from tests.integration.rds_tasks import COLLECTION, EVERYBODY, ID, log_off
from tests.integration.scenarios import Scenario, call, endpoint, fault, reset, see
from tests.integration.windows_hosts import BROKER, Windows, decoded, ended, ended_in, outcomes, script_host


def over(windows: Windows, protocol: str) -> dict[str, Any]:
    """Variables that choose a protocol."""
    assert windows.lab.winrm is not None
    return {"ansible_psrp_protocol": protocol, "ansible_port": windows.lab.winrm[f"{protocol}_port"]}


@pytest.mark.newest_core
def test_many_sessions_and_an_endpoint_that_limits_parameters(windows: Windows) -> None:
    pool = {"name": COLLECTION, "service": "rds", "connection_broker": BROKER}
    two_hundred = {"pools": [{**pool, "generate": {"hosts": 10, "sessions_per_host": 20}}]}
    hosts = {"Name": "HostServer", "ValidateSet": ["rdsh-1.contoso.com"]}
    role = {"Name": "Invoke-RDUserLogoff", "Parameters": [hosts, {"Name": "UnifiedSessionID"}, {"Name": "Force"}]}
    many, limited = windows.scenarios(
        BROKER,
        Scenario(
            "many",
            [
                reset(two_hundred),
                call("winrm/settings", {"delay": {"invoke-rduserlogoff": 0.1}}),
                log_off(all_sessions=True),
            ],
        ),
        Scenario(
            "limited",
            [
                endpoint("Helpdesk", "Get-RDUserSession", role),
                log_off(all_sessions=True),
                log_off(host_server="rdsh-1", unified_session_id=2),
            ],
            {"vars": {"ansible_psrp_configuration_name": "Helpdesk"}},
        ),
    )
    many.all_ok(1)
    assert many.task.result["summary"] == {"logged_off": 200}
    assert len(ended_in(many)) == 200
    assert many.seen["end"]["winrm/report"]["ever"]["shells"] == 1
    every, again = limited.tasks
    assert outcomes(every, ID) == {
        "alice": "failed",
        "bob": "failed",
        "carol": "logged_off",
        "dave": "logged_off",
    }
    assert "HostServer, UnifiedSessionID, Force" in every.message
    assert ended_in(limited) == ["carol", "dave"]
    assert again.status == "ok", again
    assert outcomes(again, ID) == {"2": "already_gone"}
    assert "Get-RDServer is not visible" in str(again.result["warnings"])


@pytest.mark.waits_long
@pytest.mark.outer_cores
def test_task_that_runs_into_its_own_timeout_leaves_no_shell(windows: Windows) -> None:
    hang = fault("hang", "Invoke-RDUserLogoff", seconds=20)
    tasks = [hang, {**log_off(all_sessions=True), "timeout": 4}]
    for finished in windows.scenarios(
        BROKER, *(Scenario(protocol, tasks, {"vars": over(windows, protocol)}) for protocol in ("https", "http"))
    ):
        assert finished.task.status == "failed"
        assert "it ran into the timeout of the task" in finished.task.message
        assert finished.task.result["changed"] is True
        assert finished.task.result["summary"]["failed"] > 0


@pytest.mark.outer_cores
def test_calls_of_a_task(windows: Windows) -> None:
    """They need one shell for a loop, no script, and no language of the endpoint."""
    assert windows.lab.winrm is not None
    loop = {**log_off(host_server="{{ item }}", unified_session_id=2), "loop": ["rdsh-0", "rdsh-1", "rdsh-1"]}
    # The last task shows what script would be seen as.
    calls = [
        log_off(host_server="rdsh-1", all_sessions=True),
        see("winrm/received", says="calls"),
        {"name": "script", "ansible.builtin.raw": "whoami"},
        see("winrm/received", says="script"),
    ]
    jea = {"ansible_psrp_configuration_name": windows.lab.winrm["jea_configuration"]}
    looped, https, http, no_language = windows.scenarios(
        BROKER,
        Scenario("loop", [loop]),
        Scenario("https", calls, {"vars": over(windows, "https")}),
        Scenario("http", calls, {"vars": over(windows, "http")}),
        Scenario("no language", [log_off(host_server="rdsh-1", unified_session_id=[2, 6])], {"vars": jea}),
    )
    looped.all_ok(1)
    assert ended_in(looped) == ["alice", "carol"]
    assert looped.seen["end"]["winrm/report"]["ever"]["shells"] == 1
    for finished in https, http:
        assert finished.tasks[0].status == "ok", finished.tasks
        received = decoded(finished.seen["calls"]["winrm/received"])
        commands = re.findall(rb'<S N="Cmd">([^<]*)</S>', received)
        assert set(commands) == {b"Get-RDUserSession", b"Get-RDServer", b"Invoke-RDUserLogoff"}
        assert commands.count(b"Invoke-RDUserLogoff") == 2
        assert received.count(b'<B N="IsScript">false</B>') == len(commands)
        assert b'<B N="IsScript">true</B>' not in received
        assert b'<B N="IsScript">true</B>' in decoded(finished.seen["script"]["winrm/received"])
    no_language.all_ok(1)
    assert ended_in(no_language) == ["carol", "dave"]


REFUSED = {
    "access denied": ([fault("access_denied", times=1)], {}, "denies access"),
    "shell quota": ([fault("shell_quota", times=1)], {}, "MaxShellsPerUser"),
    "missing endpoint": ([], {"ansible_psrp_configuration_name": "Nope"}, "no PowerShell endpoint Nope"),
}
WRONG_PASSWORD = {"ansible_password": "wrong"}
WRONG_PORT = {"ansible_port": 1}
OVER_WINRM = {"ansible_connection": "winrm"}
"""With pywinrm, which signs in to the lab with NTLM over TLS."""
UNREACHABLE = {
    "password": ([], WRONG_PASSWORD, "ansible_password"),
    "port": ([], WRONG_PORT, "ansible_port"),
    "cut off": ([fault("unreachable")], {}, ""),
    "password for winrm": ([], {**OVER_WINRM, **WRONG_PASSWORD}, "credentials"),
    "port for winrm": ([], {**OVER_WINRM, **WRONG_PORT}, "refused"),
}


@pytest.mark.outer_cores
def test_trouble_with_the_connection(windows: Windows) -> None:
    """A connection that is lost on the way is unreachable with every outcome."""
    windows.ansible.environment.update(script_host(windows.lab))
    cases = {**REFUSED, **UNREACHABLE}
    every = log_off(all_sessions=True)
    lost = {
        when: fault("reset", "Invoke-RDUserLogoff", when=when, parameters={"UnifiedSessionID": 6}, times=1)
        for when in ("before", "after")
    }
    *scenarios, before, after = windows.scenarios(
        BROKER,
        *(
            Scenario(name, [*lab, log_off(user="alice")], {"vars": variables})
            for name, (lab, variables, _word) in cases.items()
        ),
        *(Scenario(when, [cut, every, see("audit", says="cut"), every]) for when, cut in lost.items()),
    )
    for finished, (name, (_lab, _variables, word)) in zip(scenarios, cases.items(), strict=True):
        if name in REFUSED:
            expect_refused(finished, [({}, [word])])
        else:
            assert finished.task.status == "unreachable", name
            assert word in finished.task.message, name
        assert finished.seen["end"]["audit"] == [], name
    for finished in before, after:
        first, again = finished.tasks
        assert first.status == "unreachable"
        assert sorted(outcomes(first, ID)) == EVERYBODY
        assert set(ended(finished.seen["cut"]["audit"])) <= set(EVERYBODY)
        assert again.status == "ok", again
        assert ended_in(finished) == EVERYBODY
