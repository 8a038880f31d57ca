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
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished, environment, expect_refused, received
from tests.integration.rds_tasks import EVERYBODY, check_left, leaving, log_off
from tests.integration.rds_tasks import ID as RDS
from tests.integration.scenarios import Scenario, call, fault, reset, see, thrice
from tests.integration.windows_hosts import (
    BROKER,
    CLASSROOMS,
    CLOSE,
    LOGOFF,
    RDS_INFO,
    SEEN,
    WMS_INFO,
    WVD_CLASSIC,
    Windows,
    agree,
    ended_in,
    outcomes,
    script_host,
    sign_in,
)
from tests.lab.client import Lab

Options = dict[str, Any]
POOL: Options = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool"}
ON_CONTROLLER: Options = {
    "environment": {"SCRIPT_HOST_NAME": "{{ inventory_hostname }}"},
    "vars": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
}
"""Keywords of a play whose modules run on the controller."""
STRANGE = "it's $(calc); \"`n\" 'x'\n名前 -Force"
WMS = "session_id"


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
        play = {"hosts": host, **ON_CONTROLLER, "vars": {**ON_CONTROLLER["vars"], **(variables or {})}}
        return self.ansible.play(*tasks, arguments=arguments, inventory=str(self.inventory), **play)

    def scenarios(self, host: str, *scenarios: Scenario) -> list[Finished]:
        """Run each on a lab that is put back before it, all in one process."""
        play = {"inventory": str(self.inventory), "hosts": host, **ON_CONTROLLER}
        return self._without_shells(self.ansible.scenarios(*scenarios, see=SEEN, **play))

    def over_psrp(self) -> Windows:
        """The same hosts over their psrp connection."""
        return Windows(self.lab, self.ansible, self.inventory)

    @property
    def sign_in(self) -> Options:
        """The sign-in of the lab's operator."""
        return {"credential": sign_in(self.lab)}


@pytest.fixture
def hosts(lab: Lab, tmp_path: Path) -> Iterator[ScriptHosts]:
    """The lab's Windows hosts. Every shell is closed in the end."""
    home = tmp_path / "home"
    home.mkdir()
    door = lab.winrm
    assert door is not None
    inventory = tmp_path / "windows.yml"
    inventory.write_text(json.dumps(door["inventory"]))
    control = lab.announcement["control"]
    hosts = ScriptHosts(lab, Ansible(tmp_path, environment(home, LAB_CONTROL=control, **script_host(lab))), inventory)
    yield hosts
    assert hosts.shells()[0] == 0, "a remote shell was left open"


# What is listed and selected


@pytest.mark.older_cores
def test_check_run_and_again(hosts: ScriptHosts) -> None:
    on_rds: Options = {"host_server": "RDSH-0", "unified_session_id": "2,9", "collection_name": "Desktops"}
    on_classic: Options = {**POOL, **hosts.sign_in, "user": "alice", "no_user_prompt": True}
    disconnect = "remotedesktop.sessions.wms_session_disconnect"
    rds, wms, older, newer, classic = hosts.scenarios(
        BROKER,
        Scenario("RDS", thrice(log_off(**on_rds, session_state="active"))),
        Scenario("MultiPoint", thrice({CLOSE: {"session_id": [2, 99]}}), {"hosts": CLASSROOMS["2012R2"]}),
        Scenario("disconnect", thrice({disconnect: {"all_sessions": True}}), {"hosts": CLASSROOMS["2012R2"]}),
        Scenario("disconnect 2016", thrice({disconnect: {"all_sessions": True}}), {"hosts": CLASSROOMS["2016"]}),
        Scenario("classic", thrice({LOGOFF: on_classic}), {"hosts": WVD_CLASSIC}),
    )
    assert agree(rds, RDS) == {"alice": "logged_off", "9": "already_gone"}
    assert ended_in(rds) == ["alice"]
    assert agree(wms, WMS) == {"student3": "logged_off", "99": "already_gone"}
    assert ended_in(wms) == ["student3"]
    assert {entry["host"] for entry in wms.seen["end"]["audit"]} == {CLASSROOMS["2012R2"]}
    assert agree(older, WMS) == dict.fromkeys(("student3", "teacher"), "disconnected")
    assert agree(newer, WMS) == {
        "teacher": "disconnected",
        "student1": "disconnected",
        "student2": "already_disconnected",
    }
    for finished, users in ((older, ["student3", "teacher"]), (newer, ["student1", "teacher"])):
        audit = finished.seen["end"]["audit"]
        assert sorted(entry["owner"]["user"].partition("@")[0] for entry in audit) == users
        assert {entry["verb"] for entry in audit} == {"disconnect"}
    check, run, again = classic.all_ok(3)
    assert check.result["summary"] == run.result["summary"] == {"logged_off": 1}
    assert ended_in(classic) == ["alice"]
    assert again.result["changed"] is False
    assert "retired on 2026-09-30" in str(run.result["warnings"])
    assert again.result["sessions"] == []


@pytest.mark.older_cores
def test_rows(hosts: ScriptHosts) -> None:
    """They are those of the other transport; of them the named are ended, unless their ids were reused."""
    over_psrp = {"vars": {"ansible_connection": "psrp"}}
    elsewhere = call("winrm/settings", {"time_zone": "Asia/Kolkata", "language": "de"})
    none_of_them = "{{ listed.sessions | selectattr('user_name', 'eq', 'x') }}"
    then = {"host": "rdsh-1.contoso.com", "id": 2, "give_id_to": "mallory@contoso.com"}
    rds, wms, reused = hosts.scenarios(
        BROKER,
        Scenario(
            "pipeline",
            [
                elsewhere,
                {"name": "psrp", RDS_INFO: {}, **over_psrp},
                {"name": "info", RDS_INFO: {}, "register": "listed"},
                {**log_off("run", sessions="{{ listed.sessions[:1] }}"), "register": "gone"},
                log_off("again", sessions="{{ gone.sessions }}"),
                log_off("none", sessions=none_of_them),
            ],
        ),
        Scenario(
            "MultiPoint",
            [elsewhere, {"name": "psrp", WMS_INFO: {}, **over_psrp}, {"name": "info", WMS_INFO: {}}],
            {"hosts": CLASSROOMS["2016"]},
        ),
        Scenario(
            "id that was reused before the act",
            [fault("pass", "Get-RDUserSession", when="after", times=1, then=then), log_off(all_sessions=True)],
        ),
    )
    psrp, info, run, again, none = rds.all_ok(5)
    assert len(psrp.result["sessions"]) > 1
    assert info.result == psrp.result
    assert run.result["summary"] == {"logged_off": 1}
    assert again.result["summary"] == {"already_gone": 1}
    assert none.result["sessions"] == []
    assert ended_in(rds) == [run.result["sessions"][0]["user_name"]]
    psrp, info = wms.all_ok(2)
    assert len(psrp.result["sessions"]) > 1
    assert info.result == psrp.result
    reused.all_ok(1)
    assert outcomes(reused.task, RDS)["carol"] == "replaced"
    assert reused.task.result["summary"] == {"logged_off": 3, "replaced": 1}
    assert ended_in(reused) == ["alice", "bob", "dave"]


@pytest.mark.older_cores
def test_messages(hosts: ScriptHosts) -> None:
    """They arrive as they are, once; when the module ends in the middle, all of that run are in doubt."""
    texts = {"message_title": STRANGE, "message_body": f"{STRANGE}\n"}
    every = {"rds_user_message": {"all_sessions": True, **texts}}
    task = {f"remotedesktop.sessions.{name}": options for name, options in every.items()}
    error = fault("error", "Send-RDUserMessage", when="after", parameters={"UnifiedSessionID": 3}, code=7)
    sends, doubtful, lost = hosts.scenarios(
        BROKER,
        Scenario("thrice", thrice(task)),
        Scenario("error after the effect", [error, task]),
        Scenario("lost", [fault("reset", "Send-RDUserMessage", when="after", skip=1), task]),
    )
    check, run, again = sends.all_ok(3)
    assert outcomes(check, RDS) == outcomes(run, RDS) == dict.fromkeys(EVERYBODY, "sent")
    assert again.result["changed"] is True
    assert received(sends) == sorted(2 * [(user, STRANGE, f"{STRANGE}\n") for user in EVERYBODY])
    assert outcomes(doubtful.task, RDS) == {**dict.fromkeys(EVERYBODY, "sent"), "bob": "unclear"}
    assert [user for user, _title, _body in received(doubtful)] == EVERYBODY
    assert set(outcomes(lost.task, RDS).values()) == {"unclear"}
    assert lost.task.result["changed"] is True
    users = [user for user, _title, _body in received(lost)]
    assert len(users) == len(set(users)) > 0


# As few runs of the module as can be, and what is passed on to it


@pytest.mark.newest_core
def test_wait(hosts: ScriptHosts) -> None:
    (left,) = hosts.scenarios(BROKER, Scenario("they leave", leaving()))
    check_left(left)


@pytest.mark.older_cores
def test_runs_of_the_module(hosts: ScriptHosts) -> None:
    """One finds, and one proves every session, acts, and lists again; strange names arrive there as they are."""
    desktops = {"name": "Desktops", "service": "rds", "connection_broker": BROKER}
    thirty = {"pools": [{**desktops, "generate": {"hosts": 3, "sessions_per_host": 10}}]}
    host = {"name": "wvd-0.contoso.com", "sessions": [{"id": 2, "user": "o'brien$(calc)@contoso.com", "age": 5}]}
    pool = {"service": "wvd_classic", "tenant_group": "Default Tenant Group", "tenant": STRANGE, "name": STRANGE}
    place = {"tenant_name": STRANGE, "host_pool_name": STRANGE, **hosts.sign_in}
    few, strange = hosts.scenarios(
        BROKER,
        Scenario(
            "few",
            [
                reset(thirty),
                call("winrm/settings", {"delay": {"invoke-rduserlogoff": 0.2}}),
                {**log_off("check", all_sessions=True), "check_mode": True},
                see("winrm/report", says="check"),
                log_off("run", all_sessions=True),
                see("winrm/report", says="run"),
                log_off("again", all_sessions=True),
            ],
        ),
        Scenario(
            "strange",
            [
                reset({"pools": [{**pool, "hosts": [host]}]}),
                {LOGOFF: {**place, "user": "o'brien$(calc)", "no_user_prompt": True}},
                {RDS_INFO: {**place, "host_pool_name": "x" * 10_000}},
            ],
            {"hosts": WVD_CLASSIC},
        ),
    )
    _check, run, _again = few.all_ok(3)
    assert run.result["summary"] == {"logged_off": 30}
    assert len(ended_in(few)) == 30
    runs = [few.seen[when]["winrm/report"]["ever"]["shells"] for when in ("check", "run", "end")]
    assert runs == [1, 1 + 2, 1 + 2 + 1]
    run, long = strange.tasks
    assert run.status == "ok", run
    assert run.result["summary"] == {"logged_off": 1}
    assert ended_in(strange) == ["o'brien$(calc)"]
    expect_refused(replace(strange, tasks=[long]), [({}, ["x" * 10_000])])


@pytest.mark.older_cores
def test_password_of_the_sign_in_never_shows(hosts: ScriptHosts) -> None:
    """The module refuses a secret that is among the parameters."""
    password = hosts.sign_in["credential"]["password"]
    variables = hosts.ansible.directory / "vars.yml"
    variables.write_text(json.dumps({"sign_in": hosts.sign_in["credential"]}))
    options: Options = {**POOL, "credential": "{{ sign_in }}", "all_sessions": True, "no_user_prompt": True}
    finished = hosts.run(WVD_CLASSIC, LOGOFF, "-vvvv", "-e", f"@{variables}", **options)
    assert finished.status == 0, finished.output
    assert hosts.ended() == ["alice", "bob"]
    assert password not in finished.output
    assert password not in json.dumps(finished.task.result)


# The question, and faults


def asking(module: str, **option: bool) -> list[dict[str, Any]]:
    """Tasks with a question, which check mode leaves out."""
    task = {module: {"all_sessions": True, **option}}
    return [{"name": "check", **task, "check_mode": True}, {"name": "run", **task}]


def refused_for_want_of_a_terminal(finished: Finished, option: str) -> None:
    check, run = finished.tasks
    assert check.status == "ok", check
    expect_refused(replace(finished, tasks=[run]), [({}, ["Nothing was done", option])])
    assert ended_in(finished) == []


def test_question_and_a_host_that_cannot_be_reached(hosts: ScriptHosts) -> None:
    question, away = hosts.scenarios(
        BROKER,
        Scenario("question", asking(LOGOFF, force=False)),
        Scenario("unreachable", [fault("unreachable"), log_off(user="alice")]),
    )
    refused_for_want_of_a_terminal(question, "force")
    assert away.task.status == "unreachable"


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_question_on_wms_and_a_connection_that_is_lost_on_the_way(hosts: ScriptHosts) -> None:
    """That one is unreachable, with every outcome."""
    cut = fault("reset", "Invoke-RDUserLogoff", when="after", parameters={"UnifiedSessionID": 6}, times=1)
    question, lost = hosts.scenarios(
        BROKER,
        Scenario("question", asking(CLOSE, confirm=True), {"hosts": CLASSROOMS["2016"]}),
        Scenario("lost", [cut, log_off(all_sessions=True), log_off("again", all_sessions=True)]),
    )
    refused_for_want_of_a_terminal(question, "confirm")
    first, again = lost.tasks
    assert first.status == "unreachable"
    assert sorted(outcomes(first, RDS)) == EVERYBODY
    assert again.status == "ok", again
    assert ended_in(lost) == EVERYBODY


@pytest.mark.outer_cores
def test_missing_collection(hosts: ScriptHosts) -> None:
    hosts.ansible.environment["ANSIBLE_COLLECTIONS_PATH"] = os.environ["ANSIBLE_COLLECTIONS_PATH"]
    finished = hosts.play(BROKER, log_off(user="alice"))
    expect_refused(finished, [({}, ["ansible-galaxy collection install ansible.windows"])])
    assert "Traceback" not in finished.output


# Become


@pytest.mark.outer_cores
def test_psrp_with_become_sends_the_module(hosts: ScriptHosts) -> None:
    """The lab runs no script, so the module fails there. Without become the session would be ended."""
    modules = hosts.ansible.directory / "ansible_collections/ansible/windows/plugins/modules"
    modules.mkdir(parents=True)
    (modules / "win_powershell.ps1").write_text("#!powershell\n#AnsibleRequires -CSharpUtil Ansible.Basic\n")
    hosts.ansible.environment["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(
        (str(hosts.ansible.directory), os.environ["ANSIBLE_COLLECTIONS_PATH"])
    )
    task = {
        **log_off(user="alice"),
        "become": True,
        "ignore_errors": True,
        "ignore_unreachable": True,
    }
    variables = {
        "ansible_become_method": "runas",
        "ansible_become_user": "CONTOSO\\admin",
        "ansible_become_password": "x",
    }
    down = {**task, "vars": {"ansible_port": 1}}
    finished = hosts.over_psrp().play(BROKER, task, down, variables=variables)
    sent, unreachable = finished.tasks
    expect_refused(replace(finished, tasks=[sent]), [({}, ["could not be run on broker.contoso.com"])])
    assert "Traceback" not in finished.output
    assert hosts.ended() == []
    assert unreachable.status == "unreachable"


# Session hosts


@pytest.mark.older_cores
def test_session_hosts_are_drained_and_put_back(hosts: ScriptHosts) -> None:
    module = "remotedesktop.sessions.rds_session_host"
    one, off = "RDSH-0.contoso.com", "rdsh-1.contoso.com"
    drain = {module: {"all_hosts": True, "new_connection_allowed": False}, "register": "drained"}
    change = {"service": "rds", "pool": "Desktops", "host": off}
    run, broken = hosts.scenarios(
        BROKER,
        Scenario(
            "restored",
            [
                call("host", {**change, "new_connection_allowed": "NotUntilReboot"}),
                *thrice(drain),
                drain,
                {module: {"hosts": "{{ drained.hosts }}"}},
            ],
        ),
        Scenario("off", [call("host", {**change, "status": "Unavailable"}), drain]),
    )
    check, first, again, _drained, _restored = run.all_ok(5)
    assert check.result["hosts"] == [{**row, "seconds": 0.0} for row in first.result["hosts"]]
    assert [(row["host"], row["before"], row["after"], row["outcome"]) for row in first.result["hosts"]] == [
        (one, "yes", "no", "set"),
        (off, "not_until_reboot", "no", "set"),
    ]
    assert again.result["changed"] is False
    assert {row["host"]: row["outcome"] for row in broken.task.result["hosts"]} == {one: "set", off: "failed"}
    assert "Set-RDSessionHost says" in broken.task.message
    told = [(entry["verb"], entry["host"]) for entry in broken.seen["end"]["audit"] if entry["verb"] == "drain"]
    assert told == [("drain", one)]
