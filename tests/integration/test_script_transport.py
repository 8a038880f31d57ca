# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script transport through real Ansible processes, where they cannot run a PowerShell.

Before ansible-core 2.21 no module in PowerShell runs on the hosts that tests have, so ansible.windows.win_powershell
is the module in script_host there: it runs on the controller, and does on the lab's Windows hosts what the script
would do. What depends on ansible-core is tried this way: how options, rows, secrets and names get to the module and
back, and how it fails. The rest is shown by tests/engine, with the real module and script. Each run of the module
opens one shell.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished, environment
from tests.integration.windows_hosts import (
    BROKER,
    CLASSROOMS,
    CLOSE,
    LOGOFF,
    RDS_INFO,
    WMS_INFO,
    WVD,
    Windows,
    outcomes,
    script_host,
    sign_in,
)
from tests.lab.client import Lab

Options = dict[str, Any]
EVERYBODY = ["alice", "bob", "carol", "dave"]
POOL: Options = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool"}
STRANGE = "it's $(calc); \"`n\" 'x'\n名前 -Force"
RDS, WMS = "unified_session_id", "session_id"


class ScriptHosts(Windows):
    """Runs modules on the lab's Windows hosts, over the script transport."""

    def play(
        self,
        host: str,
        *tasks: Mapping[str, Any],
        arguments: tuple[str, ...] = (),
        variables: Mapping[str, Any] | None = None,
    ) -> Finished:
        """Run the tasks."""
        python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        return self.ansible.play(
            *tasks,
            arguments=arguments,
            inventory=f"{host},",
            hosts=host,
            environment={"SCRIPT_HOST_NAME": "{{ inventory_hostname }}"},
            vars={**python, **(variables or {})},
        )

    def over_psrp(self) -> Windows:
        """The same hosts over their psrp connection."""
        return Windows(self.lab, self.ansible, self.inventory)

    @property
    def runs(self) -> int:
        """How many times the module was run and reached the host."""
        return self.shells()[1]

    @property
    def sign_in(self) -> Options:
        """The sign-in of the lab's operator."""
        return {"credential": sign_in(self.lab)}


@pytest.fixture
def hosts(windows_lab: Lab, tmp_path: Path) -> Iterator[ScriptHosts]:
    """The lab's Windows hosts with the default farm, without faults and audit. Every shell is closed in the end."""
    windows_lab.reset()
    home = tmp_path / "home"
    home.mkdir()
    door = windows_lab.winrm
    assert door is not None
    inventory = tmp_path / "windows.yml"
    inventory.write_text(json.dumps(door["inventory"]))
    hosts = ScriptHosts(windows_lab, Ansible(tmp_path, environment(home, **script_host(windows_lab))), inventory)
    yield hosts
    assert hosts.shells()[0] == 0, "a remote shell was left open"


def log_off(hosts: ScriptHosts, *arguments: str, **options: Any) -> Finished:
    """Run one logoff task on the broker, without a question."""
    return hosts.run(BROKER, LOGOFF, *arguments, **{"force": True, **options})


def refused(finished: Finished, *words: str) -> None:
    """Expect a failure whose message has the words and is a sentence without a trace."""
    assert finished.task.status == "failed", finished.output
    for word in words:
        assert word in finished.task.message, finished.task.message
    assert "\n" not in finished.task.message
    assert "Traceback" not in finished.output


# What is listed and selected


@pytest.mark.older_cores
@pytest.mark.parametrize(
    ("host", "module"),
    [(BROKER, RDS_INFO), (CLASSROOMS["2016"], WMS_INFO)],
)
def test_rows_are_those_of_the_other_transport(hosts: ScriptHosts, host: str, module: str) -> None:
    hosts.settings(time_zone="Asia/Kolkata", language="de")
    over_psrp = hosts.over_psrp().run(host, module).task.result
    over_script = hosts.run(host, module).task.result
    assert len(over_psrp["sessions"]) > 1
    assert over_script == over_psrp


@pytest.mark.older_cores
def test_check_run_and_again_on_rds(hosts: ScriptHosts) -> None:
    options: Options = {"host_server": "RDSH-0", "unified_session_id": "2,9", "collection_name": "Desktops"}
    run = hosts.check_run_again(BROKER, LOGOFF, RDS, **options, session_state="active", force=True)
    assert run == {"alice": "logged_off", "9": "already_gone"}
    assert hosts.ended() == ["alice"]


@pytest.mark.older_cores
def test_check_run_and_again_on_multipoint(hosts: ScriptHosts) -> None:
    run = hosts.check_run_again(CLASSROOMS["2012R2"], CLOSE, WMS, session_id=[2, 99])
    assert run == {"student3": "logged_off", "99": "already_gone"}
    assert hosts.ended() == ["student3"]
    assert {entry["host"] for entry in hosts.lab.audit()} == {CLASSROOMS["2012R2"]}


@pytest.mark.older_cores
def test_check_run_and_again_on_classic(hosts: ScriptHosts) -> None:
    options = {**POOL, **hosts.sign_in, "user": "alice", "no_user_prompt": True}
    task = {LOGOFF: options}
    finished = hosts.play(WVD, {"name": "check", **task, "check_mode": True}, {"name": "run", **task})
    assert finished.status == 0, finished.output
    check, run = finished.tasks
    assert check.result["summary"] == run.result["summary"] == {"logged_off": 1}
    assert hosts.ended() == ["alice"]
    assert "retired on 2026-09-30" in str(run.result["warnings"])
    again = hosts.run(WVD, LOGOFF, **options)
    assert (again.task.result["changed"], again.task.result["sessions"]) == (False, [])


@pytest.mark.older_cores
def test_pipeline_from_info(hosts: ScriptHosts) -> None:
    none_of_them = "{{ listed.sessions | selectattr('user_name', 'eq', 'x') }}"
    finished = hosts.play(
        BROKER,
        {"name": "info", RDS_INFO: {}, "register": "listed"},
        {"name": "run", LOGOFF: {"sessions": "{{ listed.sessions[:1] }}", "force": True}, "register": "gone"},
        {"name": "again", LOGOFF: {"sessions": "{{ gone.sessions }}", "force": True}},
        {"name": "none", LOGOFF: {"sessions": none_of_them, "force": True}},
    )
    assert finished.status == 0, finished.output
    _info, run, again, none = finished.tasks
    assert run.result["summary"] == {"logged_off": 1}
    assert again.result["summary"] == {"already_gone": 1}
    assert none.result["sessions"] == []
    assert hosts.ended() == [run.result["sessions"][0]["user_name"]]


# As few runs of the module as can be


@pytest.mark.older_cores
def test_one_run_finds_and_one_acts(hosts: ScriptHosts) -> None:
    """That one proves every session, acts, and looks again."""
    pool = {"name": "Desktops", "service": "remote_desktop", "connection_broker": BROKER}
    hosts.lab.reset(farm={"pools": [{**pool, "generate": {"hosts": 3, "sessions_per_host": 10}}]})
    hosts.settings(delay={"invoke-rduserlogoff": 0.2})
    log_off(hosts, "--check", all_sessions=True)
    assert hosts.runs == 1
    finished = log_off(hosts, all_sessions=True)
    assert finished.task.result["summary"] == {"logged_off": 30}
    assert len(hosts.ended()) == 30
    assert hosts.runs == 1 + 2
    log_off(hosts, all_sessions=True)
    assert hosts.runs == 1 + 2 + 1


# Never another session than the one that was selected


@pytest.mark.older_cores
def test_id_that_was_reused_before_the_act(hosts: ScriptHosts) -> None:
    then = {"host": "rdsh-1.contoso.com", "id": 2, "give_id_to": "mallory@contoso.com"}
    hosts.fault("pass", "Get-RDUserSession", when="after", times=1, then=then)
    finished = log_off(hosts, all_sessions=True)
    assert finished.status == 0, finished.output
    assert outcomes(finished.task, RDS)["carol"] == "replaced"
    assert finished.task.result["summary"] == {"logged_off": 3, "replaced": 1}
    assert hosts.ended() == ["alice", "bob", "dave"]


# Faults


def test_host_that_cannot_be_reached_is_unreachable(hosts: ScriptHosts) -> None:
    hosts.fault("unreachable")
    assert log_off(hosts, user="alice").task.status == "unreachable"


@pytest.mark.newest_core
def test_connection_that_is_lost_on_the_way_is_unreachable_with_every_outcome(hosts: ScriptHosts) -> None:
    hosts.fault("reset", "Invoke-RDUserLogoff", when="after", parameters={"UnifiedSessionID": 6}, times=1)
    finished = log_off(hosts, all_sessions=True)
    assert finished.task.status == "unreachable"
    assert sorted(outcomes(finished.task, RDS)) == EVERYBODY
    again = log_off(hosts, all_sessions=True)
    assert again.status == 0, again.output
    assert hosts.ended() == EVERYBODY


def test_missing_collection(hosts: ScriptHosts) -> None:
    hosts.ansible.environment["ANSIBLE_COLLECTIONS_PATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    refused(log_off(hosts, user="alice"), "ansible-galaxy collection install ansible.windows")


# What is passed on


@pytest.mark.older_cores
def test_strange_names_arrive_as_they_are(hosts: ScriptHosts) -> None:
    host = {"name": "wvd-0.contoso.com", "sessions": [{"id": 2, "user": "o'brien$(calc)@contoso.com", "age": 5}]}
    pool = {"service": "rdinfra", "tenant_group": "Default Tenant Group", "tenant": STRANGE, "name": STRANGE}
    hosts.lab.reset(farm={"pools": [{**pool, "hosts": [host]}]})
    place = {"tenant_name": STRANGE, "host_pool_name": STRANGE, **hosts.sign_in}
    finished = hosts.run(WVD, LOGOFF, **place, user="o'brien$(calc)", no_user_prompt=True)
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 1}
    assert hosts.ended() == ["o'brien$(calc)"]
    finished = hosts.run(WVD, RDS_INFO, **{**place, "host_pool_name": "x" * 10_000})
    refused(finished, "x" * 10_000)


@pytest.mark.older_cores
def test_password_of_the_sign_in_never_shows(hosts: ScriptHosts) -> None:
    """The module refuses a secret that is among the parameters."""
    password = hosts.sign_in["credential"]["password"]
    variables = hosts.ansible.directory / "vars.yml"
    variables.write_text(json.dumps({"sign_in": hosts.sign_in["credential"]}))
    options: Options = {**POOL, "credential": "{{ sign_in }}", "all_sessions": True, "no_user_prompt": True}
    finished = hosts.run(WVD, LOGOFF, "-vvvv", "-e", f"@{variables}", **options)
    assert finished.status == 0, finished.output
    assert hosts.ended() == ["alice", "bob"]
    assert password not in finished.output
    assert password not in json.dumps(finished.task.result)


@pytest.mark.parametrize(
    ("host", "module", "option", "value"),
    [
        (BROKER, LOGOFF, "force", False),
        pytest.param(CLASSROOMS["2016"], CLOSE, "confirm", True, marks=pytest.mark.newest_core),
    ],
)
def test_question_without_a_terminal_ends_nothing(
    hosts: ScriptHosts, host: str, module: str, option: str, value: bool
) -> None:
    options: Options = {"all_sessions": True, option: value}
    assert hosts.run(host, module, "--check", **options).status == 0
    refused(hosts.run(host, module, **options), "Nothing was ended", option)
    assert hosts.ended() == []


# Become


def test_psrp_with_become_sends_the_module(hosts: ScriptHosts) -> None:
    """The lab runs no script, so the module fails there. Without become the session would be ended."""
    modules = hosts.ansible.directory / "ansible_collections/ansible/windows/plugins/modules"
    modules.mkdir(parents=True)
    (modules / "win_powershell.ps1").write_text("#!powershell\n#AnsibleRequires -CSharpUtil Ansible.Basic\n")
    hosts.ansible.environment["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(
        (str(hosts.ansible.directory), os.environ["ANSIBLE_COLLECTIONS_PATH"])
    )
    task = {"become": True, "become_method": "runas", "become_user": "CONTOSO\\admin"}
    variables = {"ansible_become_password": "x"}
    options: Options = {"user": "alice", "force": True}
    finished = hosts.over_psrp().run(BROKER, LOGOFF, task=task, variables=variables, **options)
    refused(finished, "could not be run on broker.contoso.com")
    assert hosts.ended() == []
    down = {**variables, "ansible_port": 1}
    assert hosts.over_psrp().run(BROKER, LOGOFF, task=task, variables=down, **options).task.status == "unreachable"
