# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question on the terminal, and progress."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import MODULE, Ansible
from tests.lab.client import Lab

POOL = "resource_group_name=rg-avd host_pool_name=pool-01"

NEWEST = pytest.mark.newest_core


@pytest.mark.parametrize(
    ("answer", "goes_on"), [(b"y\r", True), pytest.param(b"yes\r", True, marks=NEWEST), (b"n\r", False), (b"\r", False)]
)
def test_question_on_the_terminal(lab: Lab, ansible: Ansible, answer: bytes, goes_on: bool) -> None:
    status, shown = ansible.on_terminal(answer, "localhost", "-m", MODULE, "-a", f"{POOL} user=alice,bob confirm=true")
    assert "[localhost] disconnect 2 sessions" in shown
    assert "avd-0.contoso.com/2 (alice@contoso.com, Active)" in shown
    assert shown.count("[y/N]") == 1
    assert (status == 0) is goes_on
    assert len(lab.audit()) == (2 if goes_on else 0)
    assert ("Nothing was ended" in shown) is not goes_on


def test_without_a_terminal_nothing_is_ended(lab: Lab, ansible: Ansible) -> None:
    options = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
    finished = ansible.disconnect(**options, user="alice", confirm=True)
    assert finished.status != 0
    assert "Nothing was ended" in finished.task.message
    assert "confirm" in finished.task.message
    assert lab.audit() == []


@pytest.mark.newest_core
def test_nothing_to_end_asks_nothing(lab: Lab, ansible: Ansible) -> None:
    options = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
    assert ansible.disconnect(**options, user="carol", confirm=True).status == 0
    assert ansible.disconnect("--check", **options, user="alice", confirm=True).status == 0


def test_long_work_shows_progress(lab: Lab, ansible: Ansible) -> None:
    pool = {"name": "pool-01", "service": "azure_desktop", "resource_group": "rg-avd"}
    lab.reset(farm={"pools": [{**pool, "generate": {"hosts": 3, "sessions_per_host": 40}}]})
    lab.options(buckets={"writes": {"size": 10, "refill_per_second": 10}})
    finished = ansible.disconnect(resource_group_name="rg-avd", host_pool_name="pool-01", all_sessions=True)
    assert finished.status == 0
    lines = [line for line in finished.output.splitlines() if "a second" in line]
    assert lines
    assert "sessions asked for" in lines[0]
    assert "s left" in lines[0]
