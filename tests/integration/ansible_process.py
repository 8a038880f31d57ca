# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible and ansible-playbook as real processes, and read what each task returned."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
MODULE = "remotedesktop.sessions.wvd_session_disconnect"
TERMINAL_SECONDS = 60
INFO = "remotedesktop.sessions.wvd_session_info"

Cases = Sequence[tuple[Mapping[str, Any], Sequence[str]]]
"""Options, and words of the message with which they are refused."""


@dataclass
class Task:
    """What a task returned."""

    name: str
    status: str
    result: dict[str, Any]
    host: str

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcome of each session, by C(host/id)."""
        return {f"{row['session_host_name']}/{row['id']}": row["outcome"] for row in self.result["sessions"]}

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))


@dataclass
class Finished:
    """A finished process."""

    status: int
    output: str
    tasks: list[Task]

    @property
    def task(self) -> Task:
        """The only task."""
        assert len(self.tasks) == 1, self.output
        return self.tasks[0]


@dataclass
class Ansible:
    """Runs processes with an environment of their own in a directory of their own."""

    directory: Path
    environment: dict[str, str] = field(default_factory=dict)
    runs: int = 0

    def play(
        self,
        *tasks: Mapping[str, Any],
        arguments: Sequence[str] = (),
        inventory: str = "localhost,",
        hosts: str = "all",
        **play: Any,
    ) -> Finished:
        """Run the tasks as a play on the controller."""
        playbook = self.directory / f"play-{self.runs}.yml"
        plays = [{"hosts": hosts, "gather_facts": False, "connection": "local", **play, "tasks": list(tasks)}]
        playbook.write_text(json.dumps(plays))
        return self.run("ansible-playbook", "-i", inventory, str(playbook), *arguments)

    def disconnect(self, *arguments: str, task: Mapping[str, Any] | None = None, **options: Any) -> Finished:
        """Run one disconnect task."""
        return self.play({"name": "Disconnect", MODULE: options, **(task or {})}, arguments=arguments)

    def refuse(self, module: str, cases: Cases, **play: Any) -> None:
        """Run a task for each case, in one process, and expect failures that have the words in one sentence."""
        tasks = [{"name": repr(options), module: options, "ignore_errors": True} for options, _words in cases]
        finished = self.play(*tasks, **play)
        assert len(finished.tasks) == len(cases), finished.output
        for task, (_options, words) in zip(finished.tasks, cases, strict=True):
            assert task.status == "failed", task
            assert "\n" not in task.message, task
            assert all(word in task.message for word in words), task
        assert "Traceback" not in finished.output

    def run(self, program: str, *arguments: str, **environment: str) -> Finished:
        """Run a program of this ansible-core."""
        self.runs += 1
        results = self.directory / f"results-{self.runs}.jsonl"
        finished = subprocess.run(
            [str(BIN / program), *arguments],
            env={**self.environment, **environment, "RESULTS_AS_JSON": str(results)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        lines = results.read_text().splitlines() if results.exists() else []
        return Finished(
            finished.returncode,
            finished.stdout + finished.stderr,
            [Task(**_fields(json.loads(line))) for line in lines],
        )

    def start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a program of this ansible-core in a process group of its own."""
        return subprocess.Popen(
            [str(BIN / program), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def on_terminal(self, answer: bytes, *arguments: str) -> tuple[int, str]:
        """Run ansible on a pseudo terminal, and type the answer when the question has come."""
        master, slave = pty.openpty()
        # setsid --ctty makes the pseudo terminal the controlling one, as it is for a person.
        process = subprocess.Popen(
            ["setsid", "--wait", "--ctty", str(BIN / "ansible"), *arguments],
            env={**self.environment, "RESULTS_AS_JSON": str(self.directory / "results")},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        shown, answered, deadline = b"", False, time.monotonic() + TERMINAL_SECONDS
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
        return process.wait(TERMINAL_SECONDS), shown.decode()


def _fields(line: dict[str, Any]) -> dict[str, Any]:
    return {"name": line["task"], **{name: line[name] for name in ("status", "result", "host")}}


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Make an environment in which nothing of the caller's Azure or Ansible set-up counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ANSIBLE_", "MSI_"))}
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        kept.pop(name, None)
    here = Path(__file__).parent
    return {
        **kept,
        "HOME": str(home),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
        "ANSIBLE_CALLBACK_PLUGINS": str(here / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "results_as_json",
        "RESULTS_AS_JSON": os.devnull,
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        **variables,
    }
