# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard of a maintenance window outlives a real run of ansible-playbook, and opens what that has closed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import read_journal
from tests.integration.ansible_process import Ansible, kill_at_home
from tests.integration.windows_hosts import BROKER, script_host
from tests.lab.client import Lab


@dataclass(frozen=True)
class Farm:
    """The hosts that a run closes."""

    service: str
    state: str
    """The lab's name for whether a host takes sessions."""
    before: Mapping[str, object]
    closed: object
    rows: Sequence[Mapping[str, object]]
    """As the modules take them, with the states before."""


POOL = {"subscription_id": "a7d00000-0000-4000-8000-000000000001"}
POOL |= {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
AVD_BEFORE = {"avd-0.contoso.com": True, "avd-1.contoso.com": True, "avd-2.contoso.com": False}
AVD = Farm(
    "wvd",
    "allow_new_session",
    AVD_BEFORE,
    False,
    [
        {**POOL, "service": "wvd", "host": name, "name": name, "allow_new_session": before}
        for name, before in AVD_BEFORE.items()
    ],
)
RDS = Farm(
    "rds",
    "new_connection_allowed",
    {"rdsh-0.contoso.com": "Yes", "rdsh-1.contoso.com": "Yes"},
    "No",
    [
        {"service": "rds", "host": "rdsh-0.contoso.com", "new_connection_allowed": "yes"},
        {"service": "rds", "host": "rdsh-1.contoso.com", "new_connection_allowed": "yes"},
    ],
)
OWN = "rdsh-1.contoso.com"
BEGINS = 2.0
ENDS = 15.0

pytestmark = pytest.mark.outer_cores


@dataclass
class Run:
    """A run that has closed its hosts, in a process group of its own."""

    folder: Path
    lab: Lab
    process: subprocess.Popen[bytes]
    farm: Farm = AVD

    def said(self) -> dict[str, int]:
        path = self.folder / "said.json"
        return dict(json.loads(path.read_text())) if path.exists() else {}

    def states(self) -> dict[str, object]:
        states = {host["name"].lower(): host[self.farm.state] for host in self.lab.hosts()}
        return {name: states[name] for name in self.farm.before}

    def changes(self, verb: str) -> list[float]:
        return [
            datetime.fromisoformat(entry["time"]).timestamp() for entry in self.lab.audit() if entry["verb"] == verb
        ]

    def wait_for(self, what: Callable[[], object], seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.said(), self.states(), list(self.folder.iterdir()))
            time.sleep(0.05)

    def expect_opened(self, killed: float) -> None:
        """Every host is as it was before, in time, and nothing is left."""
        self.wait_for(lambda: not lives(self.said()["guard"]))
        assert self.states() == self.farm.before
        state = read_journal(self.folder / "run-1.jsonl")
        assert (state.over_by, state.finished_by, state.unreadable) == ("guard", "guard", 0)
        (over,) = [one["time"] for one in state.written if one["record"] == "over"]
        assert datetime.fromisoformat(over.replace("Z", "+00:00")).timestamp() - killed < BEGINS
        assert max(self.changes("undrain")) - killed < ENDS
        assert max(self.changes("drain")) < min(self.changes("undrain"))
        assert not lives(self.said()["worker"])
        assert sorted(path.name for path in self.folder.iterdir()) == ["run-1.jsonl", "said.json"]


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def inventory(folder: Path) -> list[str]:
    """The inventory in a folder if there is one, as arguments."""
    file = folder / "inventory.yml"
    return ["-i", str(file) if file.exists() else "localhost,"]


Start = Callable[..., Run]


@pytest.fixture
def start(lab: Lab, ansible: Ansible, tmp_path: Path) -> Iterator[Start]:
    """Start a playbook that closes hosts and then waits; return it when they are closed."""
    runs: list[Run] = []

    def begin(*after: Any, farm: Farm = AVD, play: Mapping[str, Any] | None = None, **options: Any) -> Run:
        folder, playbook = tmp_path / "windows", tmp_path / "play.yml"
        tasks = [{"name": "Close", "guarded": {"folder": str(folder), "hosts": farm.rows, **options}}, *after]
        whole = {"hosts": "localhost", "gather_facts": False, "connection": "local", **(play or {}), "tasks": tasks}
        playbook.write_text(json.dumps([whole]))
        run = Run(folder, lab, ansible.start("ansible-playbook", *inventory(tmp_path), str(playbook)), farm)
        runs.append(run)
        run.wait_for(run.said)
        assert run.states() == dict.fromkeys(farm.before, farm.closed)
        return run

    yield begin
    for run in runs:
        for pid in (run.process.pid, *run.said().values()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        run.process.wait()
    kill_at_home(tmp_path / "home")


WAITS = {"name": "Wait", "ansible.builtin.pause": {"seconds": 60}}
SETTLES = 1.0
"""So long after its first task a run is within its second: while Ansible forks it may miss a SIGINT."""


def kill(run: Run, number: int, group: bool) -> float:
    """Send a signal; a SIGINT again until it is heard, as somebody at the keyboard does. Return when that was."""
    for _ in range(10 if number == signal.SIGINT else 1):
        killed = time.time()
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(run.process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(2)
            return killed
    run.process.wait(20)
    return killed


@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_run_is_killed_between_tasks(start: Start, number: int, group: bool) -> None:
    run = start(WAITS)
    time.sleep(SETTLES)
    run.expect_opened(kill(run, number, group))


@pytest.mark.parametrize("group", [False, True], ids=["alone", "group"])
def test_run_is_killed_while_a_step_is_at_work(start: Start, group: bool) -> None:
    """The worker outlives its run, and the guard ends it."""
    run = start(at_work=True)
    run.expect_opened(kill(run, signal.SIGKILL, group))


@pytest.mark.parametrize(
    "after",
    [
        {"name": "End", "ansible.builtin.meta": "end_play"},
        {"name": "Unknown", "ansible.builtin.include_tasks": "/nowhere.yml"},
        {"name": "Fail", "ansible.builtin.fail": {"msg": "The work has failed."}},
    ],
    ids=lambda after: str(after["name"]),
)
def test_run_ends_by_itself(start: Start, after: dict[str, Any]) -> None:
    run = start(after)
    run.process.wait(60)
    run.expect_opened(time.time())


@pytest.mark.parametrize("at_work", [False, True])
def test_run_is_late(start: Start, at_work: bool) -> None:
    """The guard ends it, with its worker."""
    run = start(WAITS, at_work=at_work, latest_in=4)
    began = time.time()
    assert run.process.wait(30) != 0
    run.expect_opened(began + 4)


def test_service_is_out_of_order(start: Start, lab: Lab) -> None:
    run = start(WAITS)
    lab.add_fault(operation="drain", when="before", kind="status", status=503, times=0)
    killed = kill(run, signal.SIGKILL, True)
    time.sleep(6.0)
    assert lives(run.said()["guard"])
    assert not any(run.states().values())
    lab.clear_faults()
    run.expect_opened(killed)


# Through a broker, which is another host than the task's


SCRIPT = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
"""By the module that stands for win_powershell; see test_windows_script_transport.py."""


@pytest.mark.parametrize("way", [{}, SCRIPT], ids=["psrp", "script"])
def test_guard_reaches_a_broker_that_is_not_the_host_of_the_task(
    start: Start, lab: Lab, ansible: Ansible, tmp_path: Path, way: dict[str, str]
) -> None:
    """The first broker is down. What is known of them in files has been read before the run ends."""
    assert lab.winrm is not None
    known, secret = lab.winrm["inventory"]["all"], tmp_path / "secret"
    secret.write_text(known["vars"]["ansible_password"])
    up = {**known["vars"], **known["hosts"][BROKER], "ansible_password": f"{{{{ lookup('file', '{secret}') }}}}"}
    own = {"ansible_connection": "winrm", "ansible_host": "192.0.2.1", "ansible_user": "own", "ansible_password": "own"}
    hosts = {OWN: own, "down": {**up, "ansible_port": 1}, BROKER: {**up, **way}}
    (tmp_path / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
    ansible.environment.update(script_host(lab), SCRIPT_HOST_NAME=BROKER)
    run = start(WAITS, farm=RDS, play={"hosts": OWN}, brokers=["down", BROKER])
    secret.unlink()
    (tmp_path / "inventory.yml").unlink()
    time.sleep(SETTLES)
    run.expect_opened(kill(run, signal.SIGKILL, True))
    assert lab.call("GET", "winrm/report")["now"]["shells"] == 0
