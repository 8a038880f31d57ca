# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script transport through real Ansible processes.

ansible.windows.win_powershell is the module in script_host. It runs on the controller, and does on the lab's Windows
hosts what the script would do there. Each run of the module opens one shell.
"""

from __future__ import annotations

import json
import os
import time
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
NEWEST = pytest.mark.newest_core
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


@pytest.mark.parametrize(
    ("host", "module"),
    [
        (BROKER, RDS_INFO),
        pytest.param(WVD, RDS_INFO, marks=NEWEST),
        pytest.param(CLASSROOMS["2012R2"], WMS_INFO, marks=NEWEST),
        pytest.param(CLASSROOMS["2016"], WMS_INFO, marks=NEWEST),
    ],
)
def test_rows_are_those_of_the_other_transport(hosts: ScriptHosts, host: str, module: str) -> None:
    hosts.settings(time_zone="Asia/Kolkata", language="de")
    options: Options = {**POOL, **hosts.sign_in} if host == WVD else {}
    over_psrp = hosts.over_psrp().run(host, module, **options).task.result
    over_script = hosts.run(host, module, **options).task.result
    assert len(over_psrp["sessions"]) > 1
    assert over_script == over_psrp


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"all_sessions": True}, EVERYBODY, marks=NEWEST),
        pytest.param({"user": ["CONTOSO\\alice", "BOB"], "session_state": "active"}, ["alice"], marks=NEWEST),
        pytest.param(
            {"minimum_age": "20m", "exclude_user": ["alice@contoso.com", "dave"]}, ["bob", "carol"], marks=NEWEST
        ),
        ({"host_server": "RDSH-0", "unified_session_id": "2,9", "collection_name": "Desktops"}, ["alice"]),
    ],
)
def test_check_run_and_again_on_rds(hosts: ScriptHosts, options: Options, expected: list[str]) -> None:
    run = hosts.check_run_again(BROKER, LOGOFF, RDS, **options, force=True)
    assert sorted(name for name, outcome in run.items() if outcome == "logged_off") == expected
    assert hosts.ended() == expected


@pytest.mark.parametrize(
    ("generation", "options", "expected"),
    [
        ("2012R2", {"session_id": [2, 99]}, ["student3"]),
        pytest.param("2016", {"session_state": "disconnected"}, ["student2"], marks=NEWEST),
        pytest.param(
            "2016", {"all_sessions": True, "exclude_user": "CONTOSO\\Teacher"}, ["student1", "student2"], marks=NEWEST
        ),
    ],
)
def test_check_run_and_again_on_multipoint(
    hosts: ScriptHosts, generation: str, options: Options, expected: list[str]
) -> None:
    run = hosts.check_run_again(CLASSROOMS[generation], CLOSE, WMS, **options)
    assert sorted(name for name, outcome in run.items() if outcome == "logged_off") == expected
    assert hosts.ended() == expected
    assert {entry["host"] for entry in hosts.lab.audit()} == {CLASSROOMS[generation]}


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


@pytest.mark.parametrize(
    ("host", "info", "end"),
    [(BROKER, RDS_INFO, LOGOFF), pytest.param(CLASSROOMS["2012R2"], WMS_INFO, CLOSE, marks=NEWEST)],
)
def test_pipeline_from_info(hosts: ScriptHosts, host: str, info: str, end: str) -> None:
    force = {"force": True} if end == LOGOFF else {}
    finished = hosts.play(
        host,
        {"name": "info", info: {}, "register": "listed"},
        {"name": "run", end: {"sessions": "{{ listed.sessions[:1] }}", **force}, "register": "gone"},
        {"name": "again", end: {"sessions": "{{ gone.sessions }}", **force}},
        {"name": "none", end: {"sessions": "{{ listed.sessions | selectattr('user_name', 'eq', 'x') }}", **force}},
    )
    assert finished.status == 0, finished.output
    _info, run, again, none = finished.tasks
    assert run.result["summary"] == {"logged_off": 1}
    assert again.result["summary"] == {"already_gone": 1}
    assert none.result["sessions"] == []
    assert hosts.ended() == [run.result["sessions"][0]["user_name"]]


# As few runs of the module as can be


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


@pytest.mark.newest_core
def test_list_that_lags_is_read_again(hosts: ScriptHosts) -> None:
    hosts.lab.options(list_lag_seconds=2)
    finished = hosts.run(CLASSROOMS["2016"], CLOSE, all_sessions=True)
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 3}
    assert hosts.runs > 2
    assert len(hosts.ended()) == 3


# Never another session than the one that was selected


def between_find_and_act(hosts: ScriptHosts, host: str, id: int, **change: Any) -> None:
    """Change a session as soon as it was listed for the first time."""
    command = "Get-RDUserSession" if host.startswith("rdsh") else "Get-WmsSession"
    hosts.fault("pass", command, when="after", times=1, then={"host": host, "id": id, **change})


@pytest.mark.newest_core
def test_id_that_was_reused_before_the_act(hosts: ScriptHosts) -> None:
    between_find_and_act(hosts, "rdsh-1.contoso.com", 2, give_id_to="mallory@contoso.com")
    finished = log_off(hosts, all_sessions=True)
    assert finished.status == 0, finished.output
    assert outcomes(finished.task, RDS)["carol"] == "replaced"
    assert finished.task.result["summary"] == {"logged_off": 3, "replaced": 1}
    assert hosts.ended() == ["alice", "bob", "dave"]


@pytest.mark.newest_core
def test_same_user_in_another_session(hosts: ScriptHosts) -> None:
    between_find_and_act(hosts, "rdsh-1.contoso.com", 2, give_id_to="carol@contoso.com")
    finished = log_off(hosts, user="carol")
    assert finished.task.result["summary"] == {"replaced": 1}
    assert hosts.ended() == []


@pytest.mark.newest_core
@pytest.mark.parametrize("generation", sorted(CLASSROOMS))
def test_id_that_was_reused_on_multipoint(hosts: ScriptHosts, generation: str) -> None:
    between_find_and_act(hosts, CLASSROOMS[generation], 2, give_id_to="mallory@contoso.com")
    finished = hosts.run(CLASSROOMS[generation], CLOSE, session_id=[1, 2])
    assert finished.task.result["summary"] == {"logged_off": 1, "replaced": 1}
    assert hosts.ended() == ["teacher"]


@pytest.mark.newest_core
def test_user_who_left_before_the_act(hosts: ScriptHosts) -> None:
    between_find_and_act(hosts, "rdsh-1.contoso.com", 2, remove=True)
    finished = log_off(hosts, user="carol")
    assert finished.status == 0, finished.output
    assert (finished.task.result["changed"], finished.task.result["summary"]) == (False, {"already_gone": 1})


@pytest.mark.newest_core
def test_state_that_does_not_fit_any_more(hosts: ScriptHosts) -> None:
    between_find_and_act(hosts, "rdsh-1.contoso.com", 2, disconnect=True)
    finished = log_off(hosts, session_state="active")
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 2, "not_selected": 1}
    assert hosts.ended() == ["alice", "dave"]


@pytest.mark.newest_core
def test_session_without_a_user_is_refused(hosts: ScriptHosts) -> None:
    place: Options = {"service": "remote_desktop", "pool": "Desktops", "host": "rdsh-1.contoso.com", "id": 2}
    hosts.lab.change(**place, user="", ad_user_name="")
    finished = log_off(hosts, all_sessions=True)
    assert finished.status != 0
    assert finished.task.result["summary"] == {"logged_off": 3, "refused": 1}
    assert hosts.ended() == ["alice", "bob", "dave"]


@pytest.mark.newest_core
def test_list_that_takes_too_long_proves_nothing(hosts: ScriptHosts) -> None:
    hosts.fault("hang", "Get-RDUserSession", skip=1, times=1, seconds=6)
    finished = log_off(hosts, user="carol")
    refused(finished, "no list, at most 5 s old, proved")
    assert finished.task.result["summary"] == {"failed": 1}
    assert hosts.ended() == []


# Faults


@pytest.mark.newest_core
def test_error_of_one_does_not_stop_the_others(hosts: ScriptHosts) -> None:
    hosts.settings(language="de")
    hosts.fault("error", "Invoke-RDUserLogoff", code=5, parameters={"HostServer": "rdsh-1.contoso.com"})
    finished = log_off(hosts, all_sessions=True)
    refused(finished, "Invoke-RDUserLogoff says", "become_method runas")
    assert finished.task.result["summary"] == {"failed": 2, "logged_off": 2}
    assert hosts.ended() == ["alice", "bob"]


@pytest.mark.newest_core
def test_error_for_a_while_is_tried_again(hosts: ScriptHosts) -> None:
    hosts.fault("error", "Invoke-RDUserLogoff", code=1722, times=1)
    finished = log_off(hosts, user="alice")
    assert finished.status == 0, finished.output
    assert hosts.ended() == ["alice"]
    assert hosts.runs == 3


@pytest.mark.newest_core
@pytest.mark.parametrize("generation", sorted(CLASSROOMS))
def test_session_that_hangs_is_still_there(hosts: ScriptHosts, generation: str) -> None:
    host, user = CLASSROOMS[generation], {"2016": "student1", "2012R2": "student3"}[generation]
    hosts.lab.change(service="multipoint", pool=host.partition(".")[0], host=host, id=2, stuck=True)
    started = time.monotonic()
    finished = hosts.run(host, CLOSE, all_sessions=True, timeout_in_second=3, wait_timeout=5)
    assert time.monotonic() - started < 40
    assert finished.task.status == "failed"
    result = outcomes(finished.task, WMS)
    assert result.pop(user) == "still_there"
    assert set(result.values()) == {"logged_off"}
    assert hosts.ended().count(user) == 1


@pytest.mark.newest_core
def test_trouble_on_the_host_is_told_in_a_sentence(hosts: ScriptHosts) -> None:
    refused(log_off(hosts, user="alice", collection_name="Nope"), "Nope", "collection_name")
    hosts.fault("broker_absent")
    refused(log_off(hosts, user="alice"), "deployment does not exist", "become_method runas", "CredSSP")
    refused(hosts.run(BROKER, WMS_INFO), "no command Get-WmsSession", "MultiPoint")
    wrong: Options = {"credential": {**hosts.sign_in["credential"], "password": "wrong"}}
    refused(hosts.run(WVD, RDS_INFO, **POOL, **wrong), "Add-RdsAccount", "nobody is signed in")


def test_host_that_cannot_be_reached_is_unreachable(hosts: ScriptHosts) -> None:
    hosts.fault("unreachable")
    assert log_off(hosts, user="alice").task.status == "unreachable"


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
    [(BROKER, LOGOFF, "force", False), (CLASSROOMS["2016"], CLOSE, "confirm", True)],
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
