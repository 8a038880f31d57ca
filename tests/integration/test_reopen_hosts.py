# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook reopen_hosts, as users run it: hosts get the states that session_report has saved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished, environment
from tests.lab.client import Lab

NEWEST = pytest.mark.newest_core
AZURE = {"wvd_resource_group_name": "rg-avd", "wvd_host_pool_name": "pool-01"}
BROKER, DOWN = "broker.contoso.com", "down.contoso.com"
AVD_0, AVD_1, AVD_2 = "avd-0.contoso.com", "AVD-1.contoso.com", "avd-2.contoso.com"
RDSH_0, RDSH_1 = "RDSH-0.contoso.com", "rdsh-1.contoso.com"

BEFORE = {AVD_0: True, AVD_1: True, AVD_2: False, RDSH_0: "Yes", RDSH_1: "Yes"}
PUT_BACK = [("drain", AVD_2), ("undrain", RDSH_0), ("undrain", AVD_0), ("undrain", RDSH_1)]


class Playbooks:
    """Runs them against a lab with all services."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        home = directory / "home"
        home.mkdir()
        self.lab = lab
        self.file = directory / "before.json"
        self._directory = directory
        self._ansible = Ansible(directory, environment(home, **lab.environment))

    def report(self, *arguments: str, **variables: object) -> Finished:
        return self._run("session_report", *arguments, **{"session_report_file": str(self.file), **variables})

    def reopen(self, *arguments: str, **variables: object) -> Finished:
        return self._run("reopen_hosts", *arguments, **{"reopen_hosts_saved": str(self.file), **variables})

    def _run(self, name: str, *arguments: str, **variables: object) -> Finished:
        assert self.lab.winrm is not None
        inventory = ("-i", self.lab.winrm["inventory_file"], "-i", str(self._down()))
        playbook = f"remotedesktop.sessions.{name}"
        return self._ansible.run("ansible-playbook", playbook, *inventory, "-e", json.dumps(variables), *arguments)

    def _down(self) -> Path:
        """Write an inventory with a broker at which nobody listens, and a group of both."""
        path = self._directory / "down.yml"
        hosts: dict[str, object] = {DOWN: {"ansible_port": 9, "ansible_psrp_connection_timeout": 1}, BROKER: {}}
        path.write_text(json.dumps({"brokers": {"hosts": hosts}}))
        return path

    def meddle(self) -> None:
        """Somebody drains hosts of both services, and opens one that was drained."""
        for host, opened in ((AVD_0, False), (AVD_2, True)):
            self.lab.change_host(pool="pool-01", host=host, allow_new_session=opened)
        for host in (RDSH_0, RDSH_1):
            self.lab.change_host(service="rds", pool="Desktops", host=host, new_connection_allowed="No")

    def set(self) -> list[tuple[str, str]]:
        """What every host was told, by the lab's account; sorted."""
        return sorted(
            (entry["verb"], entry["host"]) for entry in self.lab.audit() if entry["verb"] in ("drain", "undrain")
        )

    def states(self) -> dict[str, Any]:
        """Which hosts take new sessions, by the lab's account."""
        hosts = {one["name"]: one for one in self.lab.hosts()}
        states = {name: hosts[name]["allow_new_session"] for name in (AVD_0, AVD_1, AVD_2)}
        return {**states, **{name: hosts[name]["new_connection_allowed"] for name in (RDSH_0, RDSH_1)}}


@pytest.fixture
def playbooks(lab: Lab, tmp_path: Path) -> Playbooks:
    return Playbooks(lab, tmp_path)


@pytest.mark.outer_cores
def test_hosts_are_set_back_to_the_states_that_were_saved(playbooks: Playbooks) -> None:
    report = playbooks.report(**AZURE, rds_hosts=BROKER)
    assert report.status == 0, report.output
    playbooks.meddle()
    meddled = playbooks.states()
    check = playbooks.reopen("--check")
    assert check.status == 0, check.output
    assert (playbooks.states(), playbooks.set()) == (meddled, [])
    run = playbooks.reopen()
    assert run.status == 0, run.output
    assert (playbooks.states(), playbooks.set()) == (BEFORE, PUT_BACK)
    again = playbooks.reopen()
    assert again.status == 0, again.output
    assert "changed=1" not in again.output
    assert playbooks.set() == PUT_BACK


@NEWEST
def test_what_cannot_be_set_keeps_nothing_else_from_it_and_fails_the_run(playbooks: Playbooks) -> None:
    """Hosts that are gone, a broker that does not answer, and one that the inventory does not have: a pattern."""
    report = playbooks.report(**AZURE, rds_hosts=BROKER)
    assert report.status == 0, report.output
    saved = json.loads(playbooks.file.read_text())
    gone = {**saved["wvd"]["hosts"][0], "name": "gone.contoso.com", "host": "gone.contoso.com"}
    saved["wvd"]["hosts"].insert(0, {key: value for key, value in gone.items() if key != "id"})
    rows = saved["rds"][0]["hosts"]
    rows.insert(0, {**rows[0], "host": "lost.contoso.com", "session_host": "lost.contoso.com"})
    saved["rds"] = [{"broker": DOWN, "hosts": rows}, {"broker": "all", "hosts": rows}, *saved["rds"]]
    playbooks.file.write_text(json.dumps(saved))
    playbooks.meddle()
    finished = playbooks.reopen(reopen_hosts_wait_timeout="3")
    assert finished.status != 0
    assert (playbooks.states(), playbooks.set()) == (BEFORE, PUT_BACK)
    for words in ("gone.contoso.com: there is no", "lost.contoso.com: there is no", "no host all:", DOWN):
        assert words in " ".join(finished.output.split())


@NEWEST
def test_file_must_be_named(playbooks: Playbooks) -> None:
    finished = playbooks.reopen(reopen_hosts_saved="")
    assert finished.status != 0
    assert "Set reopen_hosts_journal, reopen_hosts_saved" in finished.output
