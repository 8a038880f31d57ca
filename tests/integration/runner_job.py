# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX hands them to ansible-runner: the same files, and nothing else of whoever starts them."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integration.ansible_process import BIN, environment, processes_at_home
from tests.lab.client import Row

IDENT = "7"
PLAYBOOK = "window.yml"
SETTINGS = {"job_timeout": 0, "suppress_ansible_output": True, "suppress_output_file": True}
OF_AWX = {
    "ANSIBLE_FORCE_COLOR": "True",
    "ANSIBLE_HOST_KEY_CHECKING": "False",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False",
    "JOB_ID": IDENT,
}
"""Variables that every job has."""


@dataclass
class RunnerJob:
    """A job of the playbook `window`, which a job template can only have through a playbook of the project."""

    folder: Path
    inventory: Row
    """As a script prints it."""
    work: Sequence[Row]
    template: Mapping[str, Any]
    """Extra variables of the job template."""
    answers: Mapping[str, str]
    """To the survey: nobody may put a template into them."""
    credential: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the cloud credential."""
    arguments: Sequence[str] = ("-u", "root")
    """For ansible-playbook. AWX says the user always."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment of the execution environment."""
    private: Path = field(init=False)
    """The private data directory; a worker has one of its own."""
    worked_in: Path = field(init=False)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Write the files."""
        self.private = self.worked_in = self.folder / "private"
        self.home.mkdir(parents=True)
        answers = "".join(f"{name}: !unsafe {json.dumps(value)}\n" for name, value in self.answers.items())
        files = {
            f"project/{PLAYBOOK}": json.dumps([{"import_playbook": "remotedesktop.sessions.window"}]),
            "project/patch.yml": json.dumps(list(self.work)),
            "inventory/hosts": f"#! /usr/bin/env python3\nprint({json.dumps(self.inventory)!r})\n",
            "env/envvars": json.dumps({**OF_AWX, **self.credential}),
            "env/extravars": yaml.safe_dump({"session_window_tasks": "patch.yml", **self.template}) + answers,
            "env/settings": json.dumps(SETTINGS),
            "env/cmdline": " ".join(self.arguments),
        }
        for name, text in files.items():
            path = self.private / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o700 if name == "inventory/hosts" else 0o600)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def artifacts(self) -> Path:
        return self.worked_in / "artifacts" / IDENT

    def start(self, command: str = "run") -> subprocess.Popen[bytes]:
        """Start ansible-runner; a `worker` is sent the job, as AWX does."""
        playbook = (str(self.private), "--ident", IDENT, "--playbook", PLAYBOOK)
        if command != "worker":
            return self._call(command, *playbook)
        sent = self.folder / "sent"
        assert self._call("transmit", *playbook, output=sent).wait(60) == 0
        self.worked_in = self.folder / "worker"
        return self._call("worker", "--private-data-dir", str(self.worked_in), input=sent)

    def _call(self, *arguments: str, input: Path | None = None, output: Path | None = None) -> subprocess.Popen[bytes]:
        kept = {
            name: value
            for name, value in environment(self.home, **self.variables).items()
            if name == "ANSIBLE_COLLECTIONS_PATH" or not name.startswith(("ANSIBLE_", "XDG_", "RESULTS_"))
        }
        with (input or Path("/dev/null")).open("rb") as given, (output or self.folder / "said").open("ab") as said:
            process = subprocess.Popen(
                [str(BIN / "ansible-runner"), *arguments],
                cwd=self.folder,
                env=kept,
                stdin=given,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    # What came of it

    @property
    def status(self) -> str:
        """In ansible-runner's words."""
        path = self.artifacts / "status"
        return path.read_text() if path.exists() else ""

    def events(self) -> Iterator[Row]:
        """What AWX shows of the job, in order."""
        files = [path for path in self.artifacts.glob("job_events/*.json") if "partial" not in path.name]
        for path in sorted(files, key=lambda one: int(one.name.partition("-")[0])):
            yield json.loads(path.read_text())

    def shown(self) -> str:
        """Its output."""
        return "\n".join(str(event["stdout"]) for event in self.events())

    def messages(self) -> list[str]:
        """With which tasks have failed."""
        results = [event["event_data"]["res"] for event in self.events() if event["event"] == "runner_on_failed"]
        return [str(result.get("msg", "")) for result in results]

    def processes(self) -> list[int]:
        return processes_at_home(self.home)

    def commands(self) -> list[str]:
        """What its processes were started as."""
        found = []
        for pid in self.processes():
            with suppress(OSError):  # gone by now
                found.append(Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " "))
        return found

    def files_with(self, text: str) -> list[str]:
        """Files of the job, by their paths, that hold a text; but for those that it was given."""
        files = [
            (path, folder) for folder in (self.artifacts, self.home) for path in folder.rglob("*") if path.is_file()
        ]
        return [str(path.relative_to(folder)) for path, folder in files if text.encode() in path.read_bytes()]

    def clean_up(self) -> None:
        for process in self.started:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            process.wait(60)


def as_script(groups: Mapping[str, Mapping[str, Row]], **variables: Any) -> Row:
    """An inventory as AWX prints it: hosts of groups with their variables, and variables of all hosts."""
    hosts = {name: own for group in groups.values() for name, own in group.items()}
    return {
        "all": {"vars": variables, "children": list(groups), "hosts": []},
        **{group: {"hosts": list(names)} for group, names in groups.items()},
        "_meta": {"hostvars": hosts},
    }
