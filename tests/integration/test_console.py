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
OUTER = pytest.mark.outer_cores


@pytest.mark.parametrize(
    ("answer", "goes_on"),
    [
        (b"y\r", True),
        pytest.param(b"yes\r", True, marks=NEWEST),
        pytest.param(b"n\r", False, marks=OUTER),
        pytest.param(b"\r", False, marks=NEWEST),
    ],
)
def test_question_on_the_terminal(lab: Lab, ansible: Ansible, answer: bytes, goes_on: bool) -> None:
    status, shown = ansible.on_terminal(answer, "localhost", "-m", MODULE, "-a", f"{POOL} user=alice,bob confirm=true")
    assert "[localhost] disconnect 2 sessions" in shown
    assert "avd-0.contoso.com/2 (alice@contoso.com, Active)" in shown
    assert shown.count("[y/N]") == 1
    assert (status == 0) is goes_on
    assert len(lab.audit()) == (2 if goes_on else 0)
    assert ("Nothing was ended" in shown) is not goes_on


@pytest.mark.outer_cores
def test_without_a_terminal_nothing_is_ended(lab: Lab, ansible: Ansible) -> None:
    """Where nothing is to be ended, or in check mode, there is no question."""
    options = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01", "confirm": True}
    finished = ansible.play(
        {"name": "nothing to end", MODULE: {**options, "user": "carol"}},
        {"name": "check", MODULE: {**options, "user": "alice"}, "check_mode": True},
        {"name": "end", MODULE: {**options, "user": "alice"}},
    )
    assert finished.status != 0
    assert [task.status for task in finished.tasks] == ["ok", "ok", "failed"]
    assert "Nothing was ended" in finished.tasks[-1].message
    assert "confirm" in finished.tasks[-1].message
    assert lab.audit() == []


@pytest.mark.outer_cores
def test_long_work_shows_progress(lab: Lab, ansible: Ansible) -> None:
    pool = {"name": "pool-01", "service": "wvd", "resource_group": "rg-avd"}
    lab.reset(farm={"pools": [{**pool, "generate": {"hosts": 3, "sessions_per_host": 40}}]})
    lab.options(buckets={"writes": {"size": 10, "refill_per_second": 10}})
    finished = ansible.disconnect(resource_group_name="rg-avd", host_pool_name="pool-01", all_sessions=True)
    assert finished.status == 0
    lines = [line for line in finished.output.splitlines() if "a second" in line]
    assert lines
    assert "sessions asked for" in lines[0]
    assert "s left" in lines[0]
