# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The maintenance playbook, as users run it: from the collection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.ansible_process import Ansible, Finished, environment
from tests.lab.client import Lab

NEWEST = pytest.mark.newest_core
OUTER = pytest.mark.outer_cores
AZURE = {"wvd_resource_group_name": "rg-avd", "wvd_host_pool_name": "pool-01"}
WINDOWS = {"rds_hosts": "broker.contoso.com", "wms_hosts": "wms"}
ENDED = {
    "wvd": {"alice", "bob", "dave", "frank", "grace", "ivan"},
    "rds": {"alice", "bob", "carol", "dave"},
    "wms": {"teacher", "student1", "student2", "student3"},
}


class Maintenance:
    """Runs the playbook against a lab with all services."""

    def __init__(self, lab: Lab, directory: Path) -> None:
        home = directory / "home"
        home.mkdir()
        self.lab = lab
        self._ansible = Ansible(directory, environment(home, **lab.environment))

    def run(self, *arguments: str, inventory: str = "", **variables: object) -> Finished:
        assert self.lab.winrm is not None
        return self._ansible.run(
            "ansible-playbook",
            "remotedesktop.sessions.maintenance",
            *("-i", inventory or self.lab.winrm["inventory_file"], "-e", json.dumps(variables)),
            *arguments,
        )

    def ended(self) -> dict[str, set[str]]:
        """Whose sessions were ended, by the service."""
        ended: dict[str, set[str]] = {}
        services = {"pool-01": "wvd", "Desktops": "rds"}
        for entry in self.lab.audit():
            service = services.get(entry["pool"], "wms")
            ended.setdefault(service, set()).add(entry["owner"]["user"].partition("@")[0])
        return ended


@pytest.fixture
def maintenance(lab: Lab, tmp_path: Path) -> Maintenance:
    return Maintenance(lab, tmp_path)


def inventory_with(maintenance: Maintenance, directory: Path, **children: object) -> str:
    """Write an inventory directory with more groups."""
    assert maintenance.lab.winrm is not None
    inventory = directory / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(json.dumps(maintenance.lab.winrm["inventory"]))
    (inventory / "more.yml").write_text(json.dumps({"all": {"children": children}}))
    return str(inventory)


@pytest.mark.outer_cores
def test_check_then_run_then_run_again(maintenance: Maintenance, tmp_path: Path) -> None:
    """With variables of a group, which count like those of the command line."""
    inventory = inventory_with(maintenance, tmp_path)
    variables = Path(inventory, "group_vars")
    variables.mkdir()
    protected = {"maintenance_protected_users": ["alice@contoso.com", "CONTOSO\\teacher"]}
    (variables / "all.yml").write_text(json.dumps({**AZURE, **WINDOWS, **protected}))
    check = maintenance.run("--check", inventory=inventory)
    assert check.status == 0, check.output
    assert maintenance.ended() == {}
    run = maintenance.run(inventory=inventory)
    assert run.status == 0, run.output
    assert run.output.count("Ready for maintenance") == 4
    ended = {service: users - {"alice", "teacher"} for service, users in ENDED.items()}
    assert maintenance.ended() == ended
    changes = len(maintenance.lab.audit())
    again = maintenance.run(inventory=inventory)
    assert again.status == 0, again.output
    assert "changed=1" not in again.output
    assert len(maintenance.lab.audit()) == changes


def test_group_that_is_named_as_the_playbook_could_is_no_request(maintenance: Maintenance, tmp_path: Path) -> None:
    """Of the host pool only the named host is emptied."""
    broker: dict[str, object] = {"hosts": {"broker.contoso.com": {}}}
    inventory = inventory_with(
        maintenance, tmp_path, maintenance_rds=broker, maintenance_rds_chosen=broker, rds_hosts=broker
    )
    finished = maintenance.run(inventory=inventory, **AZURE, wvd_session_host_name="avd-2.contoso.com", wms_hosts="wms")
    assert finished.status == 0, finished.output
    assert maintenance.ended() == {"wvd": {"grace", "ivan"}, "wms": ENDED["wms"]}
    assert "avd-2.contoso.com" in {entry["host"] for entry in maintenance.lab.audit()}


@pytest.mark.outer_cores
def test_only_the_session_host_that_is_named_is_emptied(maintenance: Maintenance) -> None:
    finished = maintenance.run(rds_hosts="broker.contoso.com", rds_host_server="rdsh-1.contoso.com")
    assert finished.status == 0, finished.output
    assert maintenance.ended() == {"rds": {"carol", "dave"}}
    assert {entry["host"] for entry in maintenance.lab.audit()} == {"rdsh-1.contoso.com"}


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        pytest.param(
            {**AZURE, "avd_session_host_name": "avd-0.contoso.com"},
            "The names of variables begin with wvd_ in place of avd_",
            marks=NEWEST,
        ),
        pytest.param({}, "Set wvd_host_pool_name, rds_hosts or wms_hosts", marks=NEWEST),
        pytest.param(
            {"wvd_resource_group_name": "rg-avd", "wms_hosts": "wms"},
            "Set both wvd_resource_group_name",
            marks=NEWEST,
        ),
        pytest.param(
            {"rds_hosts": ","}, "rds_hosts is ',': it must be a host or a group of the inventory", marks=NEWEST
        ),
        pytest.param({"wms_hosts": ""}, "wms_hosts is '': it must be a host or a group", marks=NEWEST),
        pytest.param(
            {"wms_hosts": "all,", "rds_hosts": "broker.contoso.com"},
            "wms_hosts is 'all,': it must be",
            marks=OUTER,
        ),
        pytest.param({**AZURE, "wvd_host_pool_name": ""}, "host_pool_name is given but empty", marks=NEWEST),
    ],
)
def test_what_is_unclear_ends_nothing(maintenance: Maintenance, variables: dict[str, str], says: str) -> None:
    finished = maintenance.run(**variables)
    assert finished.status != 0
    assert says in " ".join(finished.output.split())
    assert maintenance.ended() == {}


@pytest.mark.newest_core
def test_name_of_a_host_and_of_a_group_is_refused(maintenance: Maintenance, tmp_path: Path) -> None:
    both = {"classroom-2016.contoso.com": {"hosts": {"classroom-2012.contoso.com": {}}}}
    inventory = inventory_with(maintenance, tmp_path, **both)
    for name, says in (("classroom-2016.contoso.com", "and not both"), ("wms", "a host and of a group")):
        finished = maintenance.run(inventory=inventory, wms_hosts=name)
        assert finished.status != 0
        assert says in finished.output
    assert maintenance.ended() == {}


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_session_that_stays_fails_the_play_and_what_comes_after_is_left_alone(maintenance: Maintenance) -> None:
    maintenance.lab.change(pool="Desktops", host="rdsh-1.contoso.com", id=2, service="rds", stuck=True)
    finished = maintenance.run(**AZURE, **WINDOWS, maintenance_wait_timeout=3)
    assert finished.status != 0
    assert "still_there" in finished.output
    assert maintenance.ended() == {"wvd": ENDED["wvd"], "rds": ENDED["rds"]}


@pytest.mark.newest_core
@pytest.mark.parametrize("variables", [AZURE, *({name: host} for name, host in WINDOWS.items())])
def test_question_without_a_terminal_ends_nothing(maintenance: Maintenance, variables: dict[str, str]) -> None:
    finished = maintenance.run(**variables, maintenance_confirm=True)
    assert finished.status != 0
    assert "there is no terminal to ask" in " ".join(finished.output.split())
    assert maintenance.ended() == {}
