# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions of the role session_endpoint's files on a real PowerShell: one process opens them all (endpoints.ps1)."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import cmdlets
from tests.lab.client import Lab
from tests.roles.session_endpoint import CONFIGURATION_FILE, ROLE, ROLE_FILE, TABLE, render

DRIVER = Path(__file__).with_name("endpoints.ps1")
ANSWER_SECONDS = 60


class RefusedError(Exception):
    """A request failed; the text is PowerShell's."""


class Driver:
    """The process. Every answer must come in time, else it is killed."""

    def __init__(self, pwsh: str) -> None:
        self._process = subprocess.Popen(
            [pwsh, "-NoProfile", "-NonInteractive", "-File", str(DRIVER)],
            env={**os.environ, "POWERSHELL_TELEMETRY_OPTOUT": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def ask(self, do: str, **values: Any) -> Any:
        """Send a request and return the answer. Raises RefusedError."""
        process = self._process
        assert process.stdin
        assert process.stdout
        late = threading.Timer(ANSWER_SECONDS, process.kill)
        late.start()
        try:
            process.stdin.write(json.dumps({"do": do, **values}).encode() + b"\n")
            process.stdin.flush()
            reply = json.loads(process.stdout.readline())
        finally:
            late.cancel()
        if "error" in reply:
            raise RefusedError(reply["error"])
        return reply["answer"]

    def close(self) -> None:
        """End the process."""
        with self._process as process:
            process.kill()


@dataclass
class Answer:
    """What a pipeline wrote, and the ids of its errors."""

    output: list[Any]
    errors: list[str]


@dataclass
class Endpoint:
    """A session that was opened from the files."""

    driver: Driver
    session: str
    culture: str
    groups: list[str]
    """Who may use it, as PowerShell asks whether the user is a member."""

    def call(self, command: str, **parameters: Any) -> Answer:
        """Call one command."""
        return self.pipe((command, parameters))

    def pipe(self, *calls: tuple[str, Mapping[str, Any]]) -> Answer:
        """Call commands in one pipeline."""
        steps = [{"command": command, "parameters": parameters} for command, parameters in calls]
        return self._run(calls=steps)

    def script(self, text: str) -> Answer:
        """Run script text."""
        return self._run(script=text, calls=[])

    def _run(self, **what: Any) -> Answer:
        return Answer(**self.driver.ask("call", session=self.session, culture=self.culture, **what))

    def visible(self) -> dict[str, set[str]]:
        """What Get-Command shows: the parameters of each command, without those that every command has."""
        everywhere = set(self.driver.ask("common"))
        return {item["name"]: {*item["parameters"]} - everywhere for item in self.call("Get-Command").output}


class Host:
    """A Windows host of the lab as PowerShell sees it. What was found out or opened once is kept."""

    def __init__(self, driver: Driver, lab: Lab, stand_ins: Path, modules: Path, name: str) -> None:
        """Of the compiled `stand_ins` some will be installed; `modules` is a folder of its own for modules."""
        self.driver = driver
        self.lab = lab
        self._stand_ins = stand_ins
        self._modules = modules
        self._name = name
        self._installed: tuple[str, ...] = ()
        self._found: dict[tuple[str, ...], dict[str, list[str]]] = {}
        self._endpoints: dict[str, Endpoint] = {}

    def install(self, *modules: str) -> None:
        """Let the host have these of the stand-in modules, and no other."""
        self._installed = modules
        variables = cmdlets.environment(self.lab.announcement["control"], self._name, modules, self._stand_ins)
        variables["PSModulePath"] += os.pathsep + str(self._modules)
        self.driver.ask("environment", variables={**variables, "ProgramFiles": str(self._modules)})

    def found(self) -> dict[str, list[str]]:
        """What the role finds out about the host's commands."""
        if self._installed not in self._found:
            self._found[self._installed] = self.inspect()["commands"]
        return self._found[self._installed]

    def inspect(self, **parameters: Any) -> dict[str, Any]:
        """Run the role's own script on this host."""
        given = {"Name": "Desk", "Command": [cmdlet["name"] for cmdlet in TABLE], **parameters}
        return dict(self.driver.ask("inspect", script=str(ROLE / "files" / "inspect.ps1"), parameters=given))

    def write(self, **options: Any) -> tuple[Path, Path]:
        """Write the session configuration file and the role capability file as the role does on this host."""
        name = f"Desk.{len(list(self._modules.iterdir()))}"
        directory = self._modules / f"SessionEndpoint.{name}"
        files = directory / f"{name}.pssc", directory / "RoleCapabilities" / f"{name}.psrc"
        files[1].parent.mkdir(parents=True)
        for file, template in zip(files, (CONFIGURATION_FILE, ROLE_FILE), strict=True):
            text = render(template, self.found(), **{"name": name, **options})
            file.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
        return files

    def read(self, file: Path) -> dict[str, Any]:
        """Read a file as PowerShell does."""
        return dict(self.driver.ask("read", path=str(file)))

    def endpoint(self, member: bool = True, culture: str = "en-US", **options: Any) -> Endpoint:
        """Write the files, and open a session of a user who is a `member` of a group, unless that was done before."""
        key = repr((self._installed, member, culture, sorted(options.items())))
        if key not in self._endpoints:
            path = str(self.write(**options)[0])
            opened = self.driver.ask("open", path=path, member=member)
            self._endpoints[key] = Endpoint(self.driver, path, culture, opened["groups"])
        return self._endpoints[key]

    def ended(self) -> list[str]:
        """The hosts of the sessions to which something was done, in order."""
        return [str(entry["host"]) for entry in self.lab.audit()]
