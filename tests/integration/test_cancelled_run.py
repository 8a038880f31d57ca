# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is killed ends nothing more, although Ansible's workers outlive it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import MODULE, Ansible, processes_at_home
from tests.integration.windows_hosts import BROKER, LOGOFF, Windows
from tests.lab.client import Lab

SESSIONS = 200
SECONDS = 0.3
"""How long one act takes."""
STOPPED = 2.0
"""So many seconds after the end of its run a task begins nothing more."""

pytestmark = pytest.mark.newest_core


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def hang_up(pid: int) -> None:
    os.kill(pid, signal.SIGHUP)


def kill_group(pid: int) -> None:
    os.killpg(pid, signal.SIGKILL)


def ended(lab: Lab, verb: str) -> list[datetime]:
    """When each session was ended."""
    return [datetime.fromisoformat(entry["time"]) for entry in lab.audit() if entry["verb"] == verb]


def as_json(options: Mapping[str, Any]) -> tuple[str, str]:
    """The arguments of a module."""
    return ("-a", json.dumps(options))


def cancel(ansible: Ansible, lab: Lab, verb: str, how: Callable[[int], None], *arguments: str) -> None:
    """Start a run, cancel it when it has begun to act, and see that it stops in time."""
    process = ansible.start("ansible", *arguments)
    deadline = time.monotonic() + 60
    while len(ended(lab, verb)) < 10:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    how(process.pid)
    killed = datetime.now(timezone.utc)
    process.wait(10)
    time.sleep(STOPPED + SECONDS + 2.0)
    left = processes_at_home(Path(ansible.environment["HOME"]))
    assert left == [], "a worker waits for ever for somebody to take its result"
    times = ended(lab, verb)
    assert (max(times) - killed).total_seconds() < STOPPED + SECONDS
    assert len(times) < SESSIONS


def test_azure(lab: Lab, ansible: Ansible) -> None:
    for number in range(SESSIONS):
        lab.add_session(pool="pool-01", host="avd-0.contoso.com", user=f"user{number}@contoso.com")
    lab.add_fault(operation="disconnect", when="before", kind="slow", seconds=SECONDS)
    options = "resource_group_name=rg-avd host_pool_name=pool-01 all_sessions=true"
    cancel(ansible, lab, "disconnect", kill, "localhost", "-m", MODULE, "-a", options)


AZURE_WAIT = "remotedesktop.sessions.wvd_session_wait"
MESSAGES = {"deadline": "1h", "poll_interval": 1, "messages": [{"before": "1h", "title": "Ende", "body": "Bald"}]}


def test_messages_of_a_wait_on_azure(lab: Lab, ansible: Ansible) -> None:
    for number in range(SESSIONS):
        lab.add_session(pool="pool-01", host="avd-0.contoso.com", user=f"user{number}@contoso.com")
    lab.add_fault(operation="message", when="before", kind="slow", seconds=SECONDS)
    options = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01", "all_sessions": True, **MESSAGES}
    cancel(
        ansible, lab, "message", kill, "localhost", "-m", "remotedesktop.sessions.wvd_session_wait", *as_json(options)
    )


def test_wait_on_azure(lab: Lab, ansible: Ansible) -> None:
    """It does not even list any more."""
    options = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01", "all_sessions": True, **MESSAGES}
    process = ansible.start("ansible", "localhost", "-m", AZURE_WAIT, *as_json({**options, "messages": []}))
    deadline = time.monotonic() + 60
    while len(lab.requests()) < 3:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    kill(process.pid)
    killed = time.time()
    process.wait(10)
    time.sleep(STOPPED + 3.0)
    assert max(entry["time"] for entry in lab.requests()) - killed < STOPPED
    assert not ended(lab, "message")


def test_hosts_of_azure(lab: Lab, ansible: Ansible) -> None:
    generate = {"hosts": SESSIONS, "sessions_per_host": 0}
    lab.reset({"pools": [{"name": "pool-01", "service": "wvd", "resource_group": "rg-avd", "generate": generate}]})
    lab.add_fault(operation="drain", when="before", kind="slow", seconds=SECONDS)
    options = "resource_group_name=rg-avd host_pool_name=pool-01 all_hosts=true allow_new_session=false"
    cancel(ansible, lab, "drain", kill, "localhost", "-m", "remotedesktop.sessions.wvd_session_host", "-a", options)


def test_messages_of_a_wait_over_a_runspace(windows: Windows) -> None:
    for number in range(SESSIONS):
        windows.lab.add_session(pool="Desktops", host="rdsh-1.contoso.com", user=f"user{number}@contoso.com")
    windows.settings(delay={"send-rdusermessage": SECONDS})
    where: Any = ("-i", str(windows.inventory), BROKER, "-c", "psrp")
    wait = "remotedesktop.sessions.rds_session_wait"
    cancel(
        windows.ansible, windows.lab, "message", kill, *where, "-m", wait, *as_json({"all_sessions": True, **MESSAGES})
    )


@pytest.mark.parametrize("how", [kill_group, hang_up])
def test_runspace(windows: Windows, how: Callable[[int], None]) -> None:
    """The shell is given up, not left to Windows: the fixture sees to that."""
    for number in range(SESSIONS):
        windows.lab.add_session(pool="Desktops", host="rdsh-1.contoso.com", user=f"user{number}@contoso.com")
    windows.settings(delay={"invoke-rduserlogoff": SECONDS})
    options = "all_sessions=true force=true"
    where: Any = ("-i", str(windows.inventory), BROKER, "-c", "psrp")
    cancel(windows.ansible, windows.lab, "logoff", how, *where, "-m", LOGOFF, "-a", options)


def test_session_hosts_over_a_runspace(windows: Windows) -> None:
    farm = [{"name": f"rdsh-{number}.contoso.com"} for number in range(SESSIONS)]
    pool = {"name": "Desktops", "service": "rds", "connection_broker": BROKER, "hosts": farm}
    windows.lab.reset({"pools": [pool]})
    windows.settings(delay={"set-rdsessionhost": SECONDS})
    where: Any = ("-i", str(windows.inventory), BROKER, "-c", "psrp")
    options = "all_hosts=true new_connection_allowed=no"
    module = "remotedesktop.sessions.rds_session_host"
    cancel(windows.ansible, windows.lab, "drain", kill, *where, "-m", module, "-a", options)
