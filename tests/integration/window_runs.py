# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of the role session_window by real processes, and what the lab says of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import read_journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import JournalState
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import lives
from tests.integration.ansible_process import Ansible, Finished, kill_at_home
from tests.lab.client import Lab, Row

ROLE = "remotedesktop.sessions.session_window"
WORK: Sequence[Row] = ({"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}},)
VERBS = ("drain", "undrain", "message", "disconnect", "logoff")
"""What is asked of a service; all else in the lab's audit comes from tests."""
FAST: Row = {
    "session_window_deadline": "5s",
    "session_window_minimum_notice": "2s",
    "session_window_messages": [{"before": "4s", "title": "Maintenance", "body": "In {minutes} min."}],
    "session_window_poll_interval": 1,
    "session_window_ready_timeout": "20s",
}
"""A window of seconds instead of minutes."""


@dataclass
class WindowRuns:
    """Runs that share a folder for journals, and one for reports."""

    lab: Lab
    ansible: Ansible
    folder: Path
    inventory: Row
    variables: Row
    """Of the role, for all runs."""
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def journals(self) -> Path:
        return self.folder / "journals"

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    def play(self, work: Sequence[Row] = WORK, **variables: Any) -> Row:
        """The play of a window; what does not begin with session_window is of the play itself."""
        number = len(list(self.folder.glob("work-*.yml")))
        tasks = self.folder / f"work-{number}.yml"
        tasks.write_text(json.dumps(list(work)))
        own = {name: value for name, value in variables.items() if name.startswith("session_window")}
        play = {name: value for name, value in variables.items() if name not in own}
        values = {**self._values(tasks), **own}
        return {"hosts": "window", "gather_facts": False, "roles": [{"role": ROLE, "vars": values}], **play}

    def _values(self, tasks: Path) -> Row:
        folders = {"session_window_journal": str(self.journals), "session_window_report": str(self.reports)}
        return {**FAST, **folders, "session_window_tasks": str(tasks), **self.variables}

    def role_variables(self) -> Row:
        """The role's variables, with a work of its own."""
        tasks = self.folder / "work.yml"
        tasks.write_text(json.dumps(list(WORK)))
        return self._values(tasks)

    def run_playbook(self, name: str, *inventory: str, **variables: Any) -> Finished:
        """Run a playbook of the collection with variables of the command line."""
        values = json.dumps({**self.role_variables(), **variables})
        return self.ansible.run("ansible-playbook", name, *(inventory or ("-i", self.write_inventory())), "-e", values)

    def run(self, *plays: Row, arguments: Sequence[str] = ()) -> Finished:
        return self.ansible.run("ansible-playbook", "-i", self.write_inventory(), self._playbook(plays), *arguments)

    def start(self, *plays: Row, within: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Begin a run; `within` is a command that runs another one."""
        process = self.ansible.start(*within, "ansible-playbook", "-i", self.write_inventory(), self._playbook(plays))
        self.started.append(process)
        return process

    def write_inventory(self) -> str:
        path = self.folder / "inventory.json"
        path.write_text(json.dumps(self.inventory))
        return str(path)

    def _playbook(self, plays: Sequence[Row]) -> str:
        path = self.folder / f"window-{len(list(self.folder.glob('window-*')))}.json"
        path.write_text(json.dumps(list(plays)))
        return str(path)

    # What came of it

    def states(self) -> dict[str, object]:
        """Whether each host takes new sessions, in the lab's own words."""
        return {
            host["name"].lower(): host["allow_new_session" if host["service"] == "wvd" else "new_connection_allowed"]
            for host in self.lab.hosts()
            if host["service"] in ("wvd", "rds")
        }

    def done(self, *verbs: str) -> list[tuple[str, str, str]]:
        """Verb, host and user of what the lab was asked to do, in order."""
        return [
            (entry["verb"], entry["host"].lower(), str((entry.get("owner") or {}).get("user", "")).partition("@")[0])
            for entry in self.lab.audit()
            if entry["verb"] in (verbs or VERBS)
        ]

    def times(self, verb: str) -> list[float]:
        return [moment(entry) for entry in self.lab.audit() if entry["verb"] == verb]

    def expect_notice(self, seconds: float) -> None:
        """Whoever was active when he was logged off had had one message, for so long."""
        audit = self.lab.audit()
        for entry in audit:
            if entry["verb"] != "logoff" or entry["owner"]["state"] == "Disconnected":
                continue
            told = [one for one in audit if one["verb"] == "message" and (one["host"], one["id"]) == whose(entry)]
            assert len(told) == 1, (entry, told)
            assert moment(entry) - moment(told[0]) >= seconds, (entry, told)

    def journal(self) -> JournalState:
        """The only journal."""
        (path,) = self.journals.glob("*.jsonl")
        return read_journal(path)

    def report(self) -> Row:
        """The only report."""
        (path,) = self.reports.glob("*.json")
        return dict(json.loads(path.read_text()))

    def wait_for(self, what: Callable[[], object], seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.states(), self.done())
            time.sleep(0.05)

    def guard_is_gone(self) -> bool:
        guards = [read_journal(path).guard for path in self.journals.glob("*.jsonl")]
        return not any(guard is not None and lives(guard) for guard in guards)

    def kill(self, process: subprocess.Popen[bytes], number: int, group: bool) -> float:
        """Send a signal; a SIGINT again until it is heard, as somebody at the keyboard does. Return when that was."""
        for _ in range(10 if number == signal.SIGINT else 1):
            killed = time.time()
            with suppress(ProcessLookupError):
                (os.killpg if group else os.kill)(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
                return killed
        process.wait(20)
        return killed

    def stop(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                process.kill()
            process.wait()
        self.wait_for(self.guard_is_gone, 30)
        kill_at_home(Path(self.ansible.environment["HOME"]))


def moment(entry: Row) -> float:
    """When something was done, in seconds of the time of day."""
    return datetime.fromisoformat(entry["time"]).timestamp()


def whose(entry: Row) -> tuple[str, int]:
    """Which session something was done to."""
    return entry["host"], entry["id"]


def hosts_of(names: Mapping[str, Row]) -> Row:
    """An inventory of a group `window`."""
    return {"window": {"hosts": dict(names)}}
