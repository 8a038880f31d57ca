# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks session_report and reopen_hosts, as users run them: states are saved, and hosts set back to them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished, environment
from tests.lab.client import Lab

NEWEST = pytest.mark.newest_core
AZURE = {"wvd_resource_group_name": "rg-avd", "wvd_host_pool_name": "pool-01"}
BROKER, DOWN = "broker.contoso.com", "down.contoso.com"
EMPTY = {"wvd_resource_group_name": "", "wvd_host_pool_name": "", "wvd_session_host_name": "", "rds_hosts": ""}
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
def test_states_are_saved_and_hosts_set_back_to_them(playbooks: Playbooks) -> None:
    strange = "{{ 7 * 7 }}@contoso.com"
    playbooks.lab.add_session(pool="pool-01", host=AVD_0, user=strange)
    report = playbooks.report(**AZURE, rds_hosts=BROKER)
    assert report.status == 0, report.output
    assert strange in report.output, "no text of a service is taken for a template"
    assert "pool-01: 3 session hosts, 10 sessions, 5 of them active" in report.output
    assert f"{AVD_2}               drained   3 sessions  Available" in report.output
    assert "broker.contoso.com: 2 session hosts, 4 sessions, 3 of them active" in report.output
    assert stat.S_IMODE(playbooks.file.stat().st_mode) == 0o600
    saved = json.loads(playbooks.file.read_text())
    assert list(saved) == ["version", "time", "wvd", "rds"]
    assert saved["version"] == 1
    assert [(row["host"], row["allow_new_session"]) for row in saved["wvd"]["hosts"]] == [
        (AVD_0, True),
        (AVD_1, True),
        (AVD_2, False),
    ]
    assert len(saved["wvd"]["sessions"]) == 10
    assert strange in [row["owner"] for row in saved["wvd"]["sessions"]]
    (rds,) = saved["rds"]
    assert (rds["broker"], len(rds["sessions"])) == (BROKER, 4)
    assert {row["host"]: row["new_connection_allowed"] for row in rds["hosts"]} == {RDSH_0: "yes", RDSH_1: "yes"}

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
def test_report_that_lacks_something_is_shown_and_not_saved(playbooks: Playbooks) -> None:
    finished = playbooks.report(**AZURE, rds_hosts="brokers")
    assert finished.status != 0
    assert "pool-01: 3 session hosts" in finished.output
    assert "broker.contoso.com: 2 session hosts" in finished.output
    assert f"Not read, so nothing is saved: {DOWN}: " in finished.output
    assert not playbooks.file.exists()


@NEWEST
def test_empty_answers_mean_nothing_more(playbooks: Playbooks) -> None:
    finished = playbooks.report(**{**EMPTY, **AZURE, "wvd_session_host_name": AVD_1})
    assert finished.status == 0, finished.output
    saved = json.loads(playbooks.file.read_text())
    assert [row["host"] for row in saved["wvd"]["hosts"]] == [AVD_1]
    assert {row["host"] for row in saved["wvd"]["sessions"]} == {AVD_1}
    assert saved["rds"] == []
    unsaved = playbooks.report(**{**EMPTY, "rds_hosts": BROKER, "session_report_file": ""})
    assert unsaved.status == 0, unsaved.output
    assert "2 session hosts" in unsaved.output
    assert json.loads(playbooks.file.read_text()) == saved


@NEWEST
@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        ([], EMPTY, "Nothing says what to report"),
        ([], {**EMPTY, "wvd_session_host_name": AVD_0, "rds_hosts": BROKER}, "Set both wvd_resource_group_name"),
        ([], {"rds_hosts": ","}, "rds_hosts is ',': it must be a host or a group of the inventory"),
        (["--limit", BROKER], {"rds_hosts": BROKER}, "The limit leaves localhost out"),
    ],
)
def test_unclear_report_is_refused(
    playbooks: Playbooks, arguments: list[str], variables: dict[str, str], says: str
) -> None:
    finished = playbooks.report(*arguments, **variables)
    assert finished.status != 0
    assert says in " ".join(finished.output.split())
    assert not playbooks.file.exists()


@NEWEST
def test_file_must_be_named(playbooks: Playbooks) -> None:
    finished = playbooks.reopen(reopen_hosts_saved="")
    assert finished.status != 0
    assert "Set reopen_hosts_journal, reopen_hosts_saved" in finished.output
