# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script transport as users have it: the real win_powershell over winrm, ssh and local, on a real PowerShell.

A start of the module takes seconds, so there are two plays: one on a connection broker over winrm, and one on a host
for each connection, side by side, each with a host pool of its own.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests import cmdlets
from tests.engine import processes, ssh_server
from tests.engine.script_hosts import CONNECTIONS, PowerShell, ScriptHosts, of
from tests.integration.ansible_process import Ansible, Finished, Task, environment
from tests.integration.windows_hosts import BROKER, LOGOFF, WVD_CLASSIC, outcomes, sign_in
from tests.lab.client import Lab

ID = "unified_session_id"
STAY = (0, 1, 4, 7, 9, 10)
STAY_IN_POOL = (0, 3)
HUNG = 1
WAIT_SECONDS = 2
"""So short that the list that comes with the acts, after a hung one was left, is late enough to be the last."""


def users(connection: str, numbers: Iterable[int]) -> list[str]:
    return sorted(f"{connection}{number}" for number in numbers)


def farm() -> dict[str, Any]:
    """Twelve sessions on two hosts of the broker, and five in each host pool."""
    hosts = {"hosts": 2, "sessions_per_host": 6, "user": "rds{user}@contoso.com", "states": ["Active"]}
    pools = [{"name": "Desktops", "service": "rds", "connection_broker": BROKER, "generate": hosts}]
    for connection in CONNECTIONS:
        user = {"user": f"{connection}{{user}}@contoso.com", "states": ["Active"]}
        hosts = {"hosts": 1, "sessions_per_host": 5, "host_name": f"wvd-{connection}.contoso.com", **user}
        classic = {
            "service": "wvd_classic",
            "tenant_group": "Default Tenant Group",
            "tenant": "Contoso",
            "generate": hosts,
        }
        pools.append({"name": connection, **classic})
    return {"pools": pools}


@pytest.fixture(scope="module")
def real(pwsh: str) -> PowerShell:
    return PowerShell.ask(pwsh)


@pytest.fixture(scope="module")
def run(real: PowerShell) -> Iterator[str]:
    """Mark all processes of this run, and return the mark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(processes.MARK, str(uuid.uuid4()))
        if real.dotnet_root:
            patch.setenv("DOTNET_ROOT", real.dotnet_root)
        yield os.environ[processes.MARK]


@pytest.fixture(scope="module")
def engine_lab(real: PowerShell, run: str) -> Iterator[Lab]:
    with Lab.start(winrm=True, powershell=real.program) as lab:
        yield lab


@pytest.fixture(scope="module")
def script_hosts(
    real: PowerShell, run: str, engine_lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScriptHosts]:
    """Every shell is closed in the end."""
    directory = tmp_path_factory.mktemp("script")
    folders = {name: directory / name for name in ("home", "sshd", "temp", "bin")}
    for folder in folders.values():
        folder.mkdir()
    (folders["bin"] / "powershell").symlink_to(real.program)
    # On Windows a process has a TEMP, and finds a powershell.
    given = {name: str(folders["temp"]) for name in ("TEMP", "TMP", "TMPDIR")}
    ansible = Ansible(directory, environment(folders["home"], **given))
    server = ssh_server.find()
    ssh = {}
    if server is not None:
        marks = {name: os.environ[name] for name in (processes.MARK, "DOTNET_ROOT") if name in os.environ}
        path = f"{folders['bin']}{os.pathsep}{os.environ['PATH']}"
        ssh = ssh_server.variables(server, folders["sshd"], {**given, **marks, "PATH": path})
    yield ScriptHosts(engine_lab, ansible, real, cmdlets.build(real.program), ssh)
    assert engine_lab.call("GET", "winrm/report")["now"]["shells"] == 0, "a remote shell was left open"


@pytest.fixture(params=CONNECTIONS)
def connection(request: pytest.FixtureRequest) -> str:
    if request.param == "ssh" and ssh_server.find() is None:
        pytest.skip(ssh_server.MISSING)
    return str(request.param)


@dataclass
class Played:
    """A play that has ended on every host."""

    finished: Finished
    audit: list[dict[str, Any]]
    left: list[int]
    """PowerShell processes that are still there."""

    def tasks(self, connection: str) -> list[Task]:
        return of(self.finished, connection)

    def ended(self, connection: str) -> list[str]:
        """Whose sessions were ended there, as often as they were."""
        ended = [entry["owner"]["user"].partition("@")[0] for entry in self.audit if entry["verb"] == "logoff"]
        return sorted(user for user in ended if user.startswith(connection))


def play(hosts: ScriptHosts, run: str, machine: str, *tasks: Any, arguments: Any = ()) -> Played:
    finished = hosts.play(machine, *tasks, arguments=arguments)
    return Played(finished, hosts.lab.audit(), processes.alive("pwsh", run))


@pytest.fixture(scope="module")
def exact(script_hosts: ScriptHosts, run: str) -> Played:
    """Half of the sessions of a broker, over winrm: in check mode, then for real, then again."""
    script_hosts.lab.reset(farm=farm())
    excluded = [f"CONTOSO\\{user}" for user in users("rds", STAY)]
    options = {"all_sessions": True, "exclude_user": excluded, "force": True}
    task = {LOGOFF: options, "diff": True, "when": "inventory_hostname == 'winrm'"}
    check = {"name": "check", **task, "check_mode": True}
    return play(script_hosts, run, BROKER, check, {"name": "run", **task}, {"name": "again", **task})


@pytest.fixture(scope="module")
def classic(script_hosts: ScriptHosts, run: str) -> tuple[Played, processes.CommandLines]:
    """Three of the five sessions of a host pool, with a sign-in, as talkative as can be; one log-off never returns."""
    script_hosts.lab.reset(farm=farm())
    for name in CONNECTIONS:
        rule = {"command": "Invoke-RdsUserSessionLogoff", "parameters": {"HostPoolName": name, "SessionId": HUNG + 1}}
        script_hosts.lab.call("POST", "winrm/faults", {"kind": "hang", **rule})
    variables = script_hosts.ansible.directory / "sign-in.yml"
    variables.write_text(json.dumps({"sign_in": sign_in(script_hosts.lab)}))
    options = {"tenant_name": "Contoso", "host_pool_name": "{{ inventory_hostname }}", "credential": "{{ sign_in }}"}
    excluded = [f"{user}@contoso.com" for name in CONNECTIONS for user in users(name, STAY_IN_POOL)]
    options |= {"all_sessions": True, "exclude_user": excluded, "no_user_prompt": True, "wait_timeout": WAIT_SECONDS}
    with processes.watch_command_lines() as lines:
        return play(
            script_hosts, run, WVD_CLASSIC, {LOGOFF: options}, arguments=["-vvvv", "-e", f"@{variables}"]
        ), lines


def test_check_mode_then_exactly_the_selected_and_again_nobody(exact: Played) -> None:
    check, run, again = exact.tasks("winrm")
    selected = users("rds", set(range(12)) - set(STAY))
    assert outcomes(run, ID) == dict.fromkeys(selected, "logged_off"), exact.finished.output
    assert exact.ended("rds") == selected
    assert again.result["changed"] is False
    assert again.result["sessions"] == []
    assert check.result["changed"] is True
    for name in ("changed", "summary", "diff"):
        assert check.result[name] == run.result[name]
    assert outcomes(check, ID) == outcomes(run, ID)


def test_exactly_the_selected_and_one_that_hangs_ends_at_the_deadline(
    classic: tuple[Played, processes.CommandLines], connection: str
) -> None:
    played, _lines = classic
    (task,) = played.tasks(connection)
    others = users(connection, set(range(5)) - {HUNG, *STAY_IN_POOL})
    expected = {f"{connection}{HUNG}": "still_there", **dict.fromkeys(others, "logged_off")}
    rows = {row["user_principal_name"].partition("@")[0]: row for row in task.result["sessions"]}
    assert {user: row["outcome"] for user, row in rows.items()} == expected, played.finished.output
    assert f"{WAIT_SECONDS} s" in rows[f"{connection}{HUNG}"]["reason"]
    assert played.ended(connection) == others


def test_password_of_a_sign_in_is_nowhere(
    script_hosts: ScriptHosts, classic: tuple[Played, processes.CommandLines], connection: str
) -> None:
    played, lines = classic
    (task,) = played.tasks(connection)
    password = sign_in(script_hosts.lab)["password"]
    assert f"<{'127.0.0.1' if connection != 'local' else connection}> " in played.finished.output
    assert password not in played.finished.output
    assert password not in json.dumps(task.result)
    assert lines.mention("ConvertFrom-Json"), "the command that Ansible starts was not seen"
    assert not lines.mention(password)


def test_no_process_is_left(exact: Played, classic: tuple[Played, processes.CommandLines]) -> None:
    assert exact.left == classic[0].left == []
