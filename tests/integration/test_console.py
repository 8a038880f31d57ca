# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question on the terminal, and progress."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

import pytest

from tests.integration.ansible_process import BIN, MODULE, Ansible
from tests.lab.client import Lab

POOL = "resource_group_name=rg-avd host_pool_name=pool-01"
SECONDS = 60


def on_terminal(ansible: Ansible, answer: bytes, arguments: str) -> tuple[int, str]:
    """Run ad hoc on a pseudo terminal, and type the answer when the question has come."""
    master, slave = pty.openpty()
    # setsid --ctty makes the pseudo terminal the controlling one, as it is for a person.
    command = ["setsid", "--wait", "--ctty", str(BIN / "ansible"), "localhost", "-m", MODULE, "-a", arguments]
    process = subprocess.Popen(
        command,
        env={**ansible.environment, "RESULTS_AS_JSON": str(ansible.directory / "results")},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown, answered, deadline = b"", False, time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break
        if b"[y/N]" in shown and not answered:
            time.sleep(0.5)
            os.write(master, answer)
            answered = True
    os.close(master)
    return process.wait(SECONDS), shown.decode()


@pytest.mark.parametrize(("answer", "goes_on"), [(b"y\r", True), (b"yes\r", True), (b"n\r", False), (b"\r", False)])
def test_question_on_the_terminal(lab: Lab, ansible: Ansible, answer: bytes, goes_on: bool) -> None:
    status, shown = on_terminal(ansible, answer, f"{POOL} user=alice,bob confirm=true")
    assert "disconnect 2 sessions" in shown
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
