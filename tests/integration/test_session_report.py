# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook session_report, as users run it: from the collection."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished, environment
from tests.integration.rds_window import FARM
from tests.lab import definition
from tests.lab.client import Lab

AZURE = {"wvd_resource_group_name": "rg-avd", "wvd_host_pool_name": "pool-01"}
BROKER, DOWN = "broker.contoso.com", "down.contoso.com"
EMPTY = {"wvd_resource_group_name": "", "wvd_host_pool_name": " ", "rds_hosts": " ", "session_report_file": "\n"}
NAME = "remotedesktop.sessions.session_report"
TEMPLATE = "{{ 7*7 }}"


class Report:
    """Runs the playbook against a lab with all services."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        home = directory / "home"
        home.mkdir()
        self.lab = lab
        self.file = directory / "report.json"
        self._directory = directory
        self._ansible = Ansible(directory, environment(home, **lab.environment))

    def run(self, *arguments: str, playbook: str = NAME, **variables: object) -> Finished:
        """Run it with the lab's inventory, and groups with a broker that does not answer, or a host that is a group."""
        assert self.lab.winrm is not None
        more = self._directory / "brokers.json"
        brokers: dict[str, object] = {DOWN: {"ansible_port": 9, "ansible_psrp_connection_timeout": 1}, BROKER: {}}
        more.write_text(json.dumps({"brokers": {"hosts": brokers}, "unclear": {"hosts": {"wms": {}}}}))
        variables = {"session_report_file": str(self.file), **variables}
        return self._ansible.run(
            "ansible-playbook",
            playbook,
            *("-i", self.lab.winrm["inventory_file"], "-i", str(more), "-e", json.dumps(variables)),
            *arguments,
        )

    def saved(self) -> Any:
        return json.loads(self.file.read_text())


@pytest.fixture
def report(lab: Lab, tmp_path: Path) -> Report:
    return Report(lab, tmp_path)


def shown(finished: Finished, place: str) -> list[str]:
    """The lines about a place."""
    messages = [task.result.get("msg") for task in finished.tasks]
    (lines,) = [one for one in messages if isinstance(one, list) and one[0].startswith(f"{place}: ")]
    return [str(line) for line in lines]


@pytest.mark.outer_cores
def test_all_is_shown_and_saved_as_the_services_say_it(report: Report) -> None:
    """Texts that look like templates are texts. The file was there, and everybody could read it."""
    farm = json.dumps(definition.read())
    for name in ("Desktops", "ivan", "dave"):
        farm = farm.replace(name, TEMPLATE)
    report.lab.reset(json.loads(farm))
    report.lab.change_host(
        service="rds", pool=TEMPLATE, host="rdsh-1.contoso.com", new_connection_allowed="NotUntilReboot"
    )
    report.file.write_text("old")
    report.file.chmod(0o644)
    finished = report.run(**AZURE, rds_hosts=BROKER)
    assert finished.status == 0, finished.output
    assert shown(finished, "pool-01")[:5] == [
        "pool-01: 3 session hosts, 9 sessions, 4 of them active",
        "avd-0.contoso.com               open      Available",
        "AVD-1.contoso.com               open      Available",
        "avd-2.contoso.com               drained   Available",
        "avd-0.contoso.com               2                     active        alice@contoso.com",
    ]
    assert shown(finished, BROKER) == [
        "broker.contoso.com: 2 session hosts, 4 sessions, 3 of them active",
        "RDSH-0.contoso.com              open      {{ 7*7 }}",
        "rdsh-1.contoso.com              drained until it is restarted  {{ 7*7 }}",
        "RDSH-0.contoso.com              2                     active        CONTOSO\\alice",
        "RDSH-0.contoso.com              3                     disconnected  CONTOSO\\bob",
        "rdsh-1.contoso.com              2                     active        CONTOSO\\carol",
        "rdsh-1.contoso.com              6                     active        CONTOSO\\{{ 7*7 }}",
    ]
    assert stat.S_IMODE(report.file.stat().st_mode) == 0o600
    saved = report.saved()
    assert list(saved) == ["version", "time", "wvd", "rds"]
    assert saved["version"] == 1
    assert {row["host"]: row["allow_new_session"] for row in saved["wvd"]["hosts"]} == {
        "avd-0.contoso.com": True,
        "AVD-1.contoso.com": True,
        "avd-2.contoso.com": False,
    }
    owners = [row["owner"] for row in saved["wvd"]["sessions"]]
    assert len(owners) == 9
    assert f"{TEMPLATE}@contoso.com" in owners
    (deployment,) = saved["rds"]
    assert deployment["broker"] == BROKER
    assert [(row["host"], row["collection_name"], row["new_connection_allowed"]) for row in deployment["hosts"]] == [
        ("RDSH-0.contoso.com", TEMPLATE, "yes"),
        ("rdsh-1.contoso.com", TEMPLATE, "not_until_reboot"),
    ]
    assert [row["user_name"] for row in deployment["sessions"]] == ["alice", "bob", "carol", TEMPLATE]


@pytest.mark.newest_core
def test_what_is_empty_is_not_reported(report: Report) -> None:
    names = {**EMPTY, **AZURE, "session_report_file": os.path.relpath(report.file)}
    pool = report.run("--tags", "patch", **names)
    assert pool.status == 0, pool.output
    saved = report.saved()
    assert (len(saved["wvd"]["hosts"]), saved["rds"]) == (3, [])
    report.file.unlink()
    deployment = report.run(**{**EMPTY, "rds_hosts": BROKER})
    assert deployment.status == 0, deployment.output
    assert len(shown(deployment, BROKER)) == 7
    assert "pool-01" not in deployment.output
    assert not report.file.exists()


@pytest.mark.newest_core
def test_broker_that_does_not_answer_keeps_the_rest_from_being_saved_and_not_from_being_shown(report: Report) -> None:
    finished = report.run(**AZURE, rds_hosts="brokers")
    assert finished.status != 0
    assert len(shown(finished, "pool-01")) == 13
    assert len(shown(finished, BROKER)) == 7
    assert f"Not read, so nothing is saved: {DOWN}" in finished.output
    assert not report.file.exists()


@pytest.mark.outer_cores
def test_second_report_of_a_run_saves_nothing_of_the_first(report: Report, tmp_path: Path) -> None:
    """The broker breaks between them."""
    fault = {"kind": "broker_absent", "command": "Get-RDSessionHost"}
    post = {"method": "POST", "body_format": "json", "body": fault, "status_code": [200, 201, 204]}
    url = report.lab.announcement["control"].rstrip("/") + "/winrm/faults"
    between = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [{"name": "Break", "ansible.builtin.uri": {"url": url, **post}}],
    }
    book = tmp_path / "reports.yml"
    book.write_text(json.dumps([{"import_playbook": NAME}, between, {"import_playbook": NAME}]))
    finished = report.run(playbook=str(book), rds_hosts=BROKER)
    assert finished.status != 0
    assert f"Not read, so nothing is saved: {BROKER}" in finished.output
    assert len([task for task in finished.tasks if task.name == "Save the report"]) == 1


@pytest.mark.newest_core
def test_list_that_lacks_hosts_is_not_saved(report: Report) -> None:
    """Who restores from it would leave these closed."""
    apps = {"name": "Apps", "service": "rds", "connection_broker": BROKER, "hosts": [{"name": "rdsh-7.contoso.com"}]}
    report.lab.reset({**FARM, "pools": [*FARM["pools"], apps]})
    fault = {"kind": "broker_absent", "command": "Get-RDSessionHost", "parameters": {"CollectionName": "Apps"}}
    report.lab.call("POST", "winrm/faults", fault)
    finished = report.run(rds_hosts=BROKER)
    assert finished.status != 0
    assert f"Not read, so nothing is saved: {BROKER}" in finished.output
    assert shown(finished, BROKER)
    assert not report.file.exists()


@pytest.mark.newest_core
def test_host_pool_that_cannot_be_read_keeps_the_rest_from_being_saved_and_not_from_being_shown(report: Report) -> None:
    """Its hosts can be read, its sessions cannot."""
    report.file.write_text("old")
    report.lab.add_fault(operation="list", kind="status", status=403, code="AuthorizationFailed")
    finished = report.run(**AZURE, rds_hosts=BROKER)
    assert finished.status != 0
    assert "The account has no right to host pool pool-01" in finished.output
    assert len(shown(finished, BROKER)) == 7
    assert report.file.read_text() == "old"


@pytest.mark.newest_core
@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        ([], EMPTY, "Nothing says what to report"),
        ([], {**EMPTY, "wvd_host_pool_name": "pool-01", "rds_hosts": BROKER}, "Set both wvd_resource_group_name"),
        ([], {"rds_hosts": ","}, "rds_hosts is ',': it must be a host or a group of the inventory"),
        ([], {"rds_hosts": "unclear"}, "no host may have the name of a group"),
        (["--limit", BROKER], {"rds_hosts": BROKER}, "The limit leaves localhost out"),
    ],
)
def test_what_is_unclear_is_refused(report: Report, arguments: list[str], variables: dict[str, str], says: str) -> None:
    finished = report.run(*arguments, **{"session_report_file": str(report.file), **variables})
    assert finished.status != 0
    assert says in " ".join(finished.output.split())
    assert "session hosts, " not in finished.output
    assert not report.file.exists()
