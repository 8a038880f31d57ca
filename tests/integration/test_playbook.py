# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The maintenance playbook, as users run it: from the collection."""

from __future__ import annotations

from tests.integration.ansible_process import Ansible
from tests.lab.client import Lab

PLAYBOOK = "remotedesktop.sessions.maintenance"
VARIABLES = ("-e", "avd_resource_group_name=rg-avd", "-e", "avd_host_pool_name=pool-01")


def test_check_then_run_then_run_again(lab: Lab, ansible: Ansible) -> None:
    protected = ("-e", '{"avd_protected_users": ["alice@contoso.com"]}')
    check = ansible.run("ansible-playbook", PLAYBOOK, *VARIABLES, *protected, "--check")
    assert check.status == 0, check.output
    assert lab.audit() == []
    run = ansible.run("ansible-playbook", PLAYBOOK, *VARIABLES, *protected)
    assert run.status == 0, run.output
    assert "Ready for maintenance" in run.output
    users = {entry["owner"]["user"] for entry in lab.audit()}
    assert users == {f"{name}@contoso.com" for name in ("bob", "dave", "frank", "grace", "ivan")}
    again = ansible.run("ansible-playbook", PLAYBOOK, *VARIABLES, *protected)
    assert again.status == 0
    assert "changed=0" in again.output
    assert len(lab.audit()) == len(users)


def test_one_host_of_the_pool(lab: Lab, ansible: Ansible) -> None:
    finished = ansible.run("ansible-playbook", PLAYBOOK, *VARIABLES, "-e", "avd_session_host_name=avd-2.contoso.com")
    assert finished.status == 0, finished.output
    assert {entry["host"] for entry in lab.audit()} == {"avd-2.contoso.com"}


def test_session_that_stays_fails_the_play(lab: Lab, ansible: Ansible) -> None:
    lab.change(pool="pool-01", host="avd-2.contoso.com", id=2, stuck=True)
    finished = ansible.run("ansible-playbook", PLAYBOOK, *VARIABLES, "-e", "avd_wait_timeout=3")
    assert finished.status != 0
    assert "still_there" in finished.output


def test_question_without_a_terminal_ends_nothing(lab: Lab, ansible: Ansible) -> None:
    finished = ansible.run("ansible-playbook", PLAYBOOK, *VARIABLES, "-e", "avd_confirm=true")
    assert finished.status != 0
    assert lab.audit() == []
