# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible and ansible-playbook as real processes, and read what each task returned."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.integration.scenarios import Scenario

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
    play: str = ""
    seconds: float = 0.0

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcome of each session, by `host/id`."""
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
    seen: dict[str, Any] = field(default_factory=dict)
    """What tasks read from the lab, by their names; in scenarios the last is `end`."""

    @property
    def task(self) -> Task:
        """The only task."""
        assert len(self.tasks) == 1, self.output
        return self.tasks[0]

    def all_ok(self, count: int) -> list[Task]:
        """The tasks, of which there are so many and none has failed."""
        assert [task.status for task in self.tasks] == ["ok"] * count, self.tasks or self.output
        return self.tasks

    def of(self, play: str) -> Finished:
        """What belongs to one play."""
        return replace(self, tasks=[task for task in self.tasks if task.play == play], seen=self.seen[play])

    def on(self, host: str) -> Finished:
        """With the tasks of one host."""
        return replace(self, tasks=[task for task in self.tasks if task.host == host])


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
        plays = [{"hosts": hosts, "gather_facts": False, "connection": "local", **play, "tasks": list(tasks)}]
        return self._run_playbook(plays, inventory, *arguments)

    def scenarios(
        self,
        *scenarios: Scenario,
        see: Sequence[str],
        inventory: str = "localhost,",
        answers: Sequence[bytes] = (),
        **play: Any,
    ) -> list[Finished]:
        """Run each on a lab that is put back before it, all in one process; see what the lab says of it in the end.

        With answers it has a terminal, on which each of them follows a question.
        """
        defaults = {"hosts": "all", "gather_facts": False, "connection": "local", **play}
        plays = [one.as_play(*see, **defaults) for one in scenarios]
        finished = self._run_playbook(plays, inventory, answers=answers)
        names = [one.name for one in scenarios]
        assert len(set(names)) == len(names)
        assert all("end" in finished.seen.get(name, ()) for name in names), finished.output
        assert "Traceback" not in finished.output
        return [finished.of(name) for name in names]

    def side_by_side(
        self, module: str, options: Mapping[str, Mapping[str, Any]], inventory: str = "", **play: Any
    ) -> dict[str, Task]:
        """Run the module on all these hosts at the same time, on each with its own options; the task of each host."""
        names = sorted({name for some in options.values() for name in some})
        task = {"name": "run", module: {name: f"{{{{ options.{name} | default(omit) }}}}" for name in names}}
        hosts = self.directory / "side_by_side.json"
        hosts.write_text(
            json.dumps({"side_by_side": {"hosts": {host: {"options": options[host]} for host in options}}})
        )
        arguments = ["--forks", str(len(options)), *(("-i", inventory) if inventory else ())]
        lasting = {"ignore_errors": True, "ignore_unreachable": True}
        finished = self.play(task, arguments=arguments, inventory=str(hosts), hosts="side_by_side", **lasting, **play)
        assert "Traceback" not in finished.output
        assert {one.host for one in finished.tasks} == set(options), finished.output
        return {one.host: one for one in finished.tasks}

    def _run_playbook(
        self, plays: Sequence[Mapping[str, Any]], inventory: str, *arguments: str, answers: Sequence[bytes] = ()
    ) -> Finished:
        playbook = self.directory / f"play-{self.runs}.yml"
        playbook.write_text(json.dumps(plays))
        command = ("ansible-playbook", "-i", inventory, str(playbook), *arguments)
        return self.on_terminal(answers, *command) if answers else self.run(*command)

    def disconnect(self, *arguments: str, task: Mapping[str, Any] | None = None, **options: Any) -> Finished:
        """Run one disconnect task."""
        return self.play({"name": "Disconnect", MODULE: options, **(task or {})}, arguments=arguments)

    def refuse(self, module: str, cases: Cases, **play: Any) -> None:
        """Run a task for each case, in one process, and expect failures that have the words in one sentence."""
        finished = self.play(*attempts(module, cases), **play)
        expect_refused(finished, cases)
        assert "Traceback" not in finished.output

    def run(self, program: str, *arguments: str, **environment: str) -> Finished:
        """Run a program of this ansible-core."""
        results = self._next_results()
        ended = subprocess.run(
            [str(BIN / program), *arguments],
            env={**self.environment, **environment, "RESULTS_AS_JSON": str(results)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return read_results(ended.returncode, ended.stdout + ended.stderr, results)

    def start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a program of this ansible-core in a process group of its own."""
        return subprocess.Popen(
            [str(BIN / program), *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_hear_interrupts,  # noqa: PLW1509 - it takes no lock
        )

    def on_terminal(self, answers: Sequence[bytes], program: str, *arguments: str) -> Finished:
        """Run a program of this ansible-core on a pseudo terminal, and type an answer when each question has come."""
        master, slave = pty.openpty()
        results = self._next_results()
        # setsid --ctty makes the pseudo terminal the controlling one, as it is for a person.
        process = subprocess.Popen(
            ["setsid", "--wait", "--ctty", str(BIN / program), *arguments],
            env={**self.environment, "RESULTS_AS_JSON": str(results)},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        shown, answered, deadline = b"", 0, time.monotonic() + TERMINAL_SECONDS
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                try:
                    shown += os.read(master, 65536)
                except OSError:
                    break
            if answered < min(shown.count(b"[y/N]"), len(answers)):
                time.sleep(0.5)
                os.write(master, answers[answered])
                answered += 1
        os.close(master)
        return read_results(process.wait(TERMINAL_SECONDS), shown.decode(), results)

    def _next_results(self) -> Path:
        """Where the next run is to write what its tasks return."""
        self.runs += 1
        return self.directory / f"results-{self.runs}.jsonl"


def _hear_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and so would all that these tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def read_results(status: int, output: str, results: Path) -> Finished:
    """Read what the tasks of a run have returned."""
    lines = results.read_text().splitlines() if results.exists() else []
    tasks = [Task(**json.loads(line)) for line in lines]
    seen: dict[str, dict[str, Any]] = {}
    for task in tasks:
        if "lab" in task.result:
            seen.setdefault(task.play, {})[task.name] = task.result["lab"]
    return Finished(status, output, [task for task in tasks if "lab" not in task.result], seen)


def attempts(module: str, cases: Cases) -> list[dict[str, Any]]:
    """A task for each case, which may fail."""
    return [{"name": repr(options), module: options, "ignore_errors": True} for options, _words in cases]


def expect_refused(finished: Finished, cases: Cases) -> None:
    """Each case has failed with its words in one sentence."""
    assert len(finished.tasks) == len(cases), finished.output
    for task, (_options, words) in zip(finished.tasks, cases, strict=True):
        assert task.status == "failed", task
        assert "\n" not in task.message, task
        assert all(word in task.message for word in words), task


def received(finished: Finished) -> list[tuple[str, str, str]]:
    """Who got which message in a scenario, title and body, by the lab's account; sorted."""
    return sorted(
        (entry["owner"]["user"].partition("@")[0], entry["detail"]["title"], entry["detail"]["body"])
        for entry in finished.seen["end"]["audit"]
        if entry["verb"] == "message"
    )


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Make an environment in which nothing of the caller's Azure or Ansible set-up counts."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ANSIBLE_", "MSI_"))}
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        kept.pop(name, None)
    here = Path(__file__).parent
    return {
        **kept,
        "HOME": str(home),
        # The labs of tests that run side by side have hosts of the same names.
        "SESSION_WINDOW_RUNS": str(home),
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": os.environ["ANSIBLE_COLLECTIONS_PATH"],
        "ANSIBLE_ACTION_PLUGINS": str(here / "action"),
        "ANSIBLE_CALLBACK_PLUGINS": str(here / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "results_as_json",
        "RESULTS_AS_JSON": os.devnull,
        "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false",
        **variables,
    }


def kill_at_home(home: Path) -> None:
    """Kill what is left of a run that was killed: a worker that pauses may wait for ever."""
    for pid in processes_at_home(home):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes_at_home(home: Path) -> list[int]:
    """Find processes of a run, by the home that no other one has."""
    mark = f"HOME={home}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # gone by now
            if mark in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found
