# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rehearse maintenance windows against the lab: `python -m tests.lab.rehearse`, with arguments for ansible-playbook.

Session hosts of Azure Virtual Desktop in two waves, then those of Remote Desktop Services, classrooms of MultiPoint,
and at last a run that is killed while its hosts are closed, which its guard puts right.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.client import Lab

HERE = Path(__file__).parent
OUTPUT = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_LOCALHOST_WARNING": "false"}
ON_CONTROLLER = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
WVD_HOSTS = ("avd-0.contoso.com", "AVD-1.contoso.com", "avd-2.contoso.com")
RDS_HOSTS = ("RDSH-0.contoso.com", "rdsh-1.contoso.com")
WORK = [{"name": "Patch the host", "ansible.builtin.debug": {"msg": "Here {{ inventory_hostname }} is patched."}}]
WINDOW = {
    "session_window_deadline": "4s",
    "session_window_minimum_notice": "2s",
    "session_window_messages": [
        {"before": "4s", "title": "Maintenance", "body": "In {minutes} minutes. Please save your work and sign out."}
    ],
    "session_window_remaining": "logoff",
    "session_window_poll_interval": 1,
    "session_window_protected_users": ["grace@contoso.com"],
}
WVD = {"session_window_service": "wvd", "session_window_hosts": "avd", "session_window_place": POOL}
RDS = {
    "session_window_service": "rds",
    "session_window_hosts": "rdsh",
    "session_window_place": "broker.contoso.com",
}
KILL_SECONDS = 60


class Rehearsal:
    """Windows on one lab, with their journals and reports in one folder."""

    def __init__(self, lab: Lab, folder: Path, arguments: Sequence[str]) -> None:
        self._lab, self._folder, self._arguments = lab, folder, list(arguments)
        assert lab.winrm is not None
        inventory = {
            **lab.winrm["inventory"],
            "avd": {"hosts": dict.fromkeys(WVD_HOSTS, ON_CONTROLLER)},
            "rdsh": {"hosts": dict.fromkeys(RDS_HOSTS, ON_CONTROLLER)},
        }
        (folder / "inventory.json").write_text(json.dumps(inventory))
        (folder / "work.yml").write_text(json.dumps(WORK))

    def command(self, playbook: str | Path, variables: Mapping[str, Any]) -> list[str]:
        folders = {"session_window_journal": str(self._folder), "session_window_report": str(self._folder)}
        everything = {**WINDOW, **folders, "session_window_tasks": str(self._folder / "work.yml"), **variables}
        program = Path(sys.executable).with_name("ansible-playbook")
        command = [program, "-i", self._folder / "inventory.json", playbook, "-e", json.dumps(everything)]
        return [str(word) for word in (*command, *self._arguments)]

    def run(self, title: str, playbook: str | Path, **variables: Any) -> int:
        _say(title)
        return subprocess.run(self.command(playbook, variables), env=self._environment(), check=False).returncode

    def run_and_kill(self, title: str, playbook: str, **variables: Any) -> int:
        """Kill the run, with all processes of its group, when its hosts are closed; its guard opens them."""
        _say(title)
        self._lab.reset()
        before = self.states()
        process = subprocess.Popen(
            self.command(playbook, {**variables, "session_window_deadline": "10m"}),
            env=self._environment(),
            start_new_session=True,
        )
        closed = _wait(lambda: process.poll() is not None or not any(self.states().values()))
        closed &= process.poll() is None
        time.sleep(1)
        print(f"\nClosed: {self._closed()}. The run is killed (SIGKILL to its group).")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        killed = time.monotonic()
        opened = _wait(lambda: self.states() == before)
        print(f"After {time.monotonic() - killed:.1f} s the guard has opened them. Closed: {self._closed()}.")
        return 0 if closed and opened else 1

    def states(self) -> dict[str, bool]:
        """Whether each host of the host pool takes new sessions."""
        return {host["name"]: host["allow_new_session"] for host in self._lab.hosts() if host["pool"] == "pool-01"}

    def _closed(self) -> str:
        return ", ".join(name for name, state in self.states().items() if not state) or "none"

    def _environment(self) -> dict[str, str]:
        # The hosts are the lab's, whatever those of other runs on this machine are called.
        return {**os.environ, **OUTPUT, **self._lab.environment, "SESSION_WINDOW_RUNS": str(self._folder)}


def main(arguments: Sequence[str]) -> int:
    """Start the lab, hold the windows, show the lab's own audit, and return the highest exit status."""
    window = "remotedesktop.sessions.window"
    with Lab.start(winrm=True) as lab, tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
        rehearsal = Rehearsal(lab, Path(folder), arguments)
        statuses = [
            rehearsal.run("Azure Virtual Desktop, two hosts at a time", window, **WVD, session_window_serial=2),
            rehearsal.run("Remote Desktop Services", window, **RDS),
            rehearsal.run("MultiPoint, whose sessions are closed", HERE / "rehearsal.yml"),
        ]
        audit = lab.audit()
        if "--check" not in arguments:
            statuses.append(rehearsal.run_and_kill("A run that is killed, and what its guard does", window, **WVD))
        # The guard writes its journal to the end.
        time.sleep(1)
    _say(f"The lab's own audit has {len(audit)} changes before the run that was killed")
    for entry in audit:
        who = f"/{entry['id']} of {entry['owner']['user']}" if entry["owner"] else ""
        print(f"  {entry['verb']} {entry['host']}{who}")
    return max(statuses)


def _say(title: str) -> None:
    print(f"\n=== {title} ===", flush=True)


def _wait(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + KILL_SECONDS
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.1)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
