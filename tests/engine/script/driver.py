# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs scripts in a real PowerShell as `ansible.windows.win_powershell` does, without Ansible.

A start of PowerShell takes seconds, so one process runs many scripts, one after the other (drive.ps1).
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUN_CMDLETS = Path(__file__).parents[3] / "plugins/plugin_utils/_transports/run_cmdlets.ps1"
DRIVER = Path(__file__).with_name("drive.ps1")
MARK = "SCRIPT_DRIVER_MARK"
"""Variable in the environment of a driver's process and all that it starts."""

QUIET = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off"}
Json = dict[str, Any]


class ScriptError(Exception):
    """The script ended with an error; its text."""


class Script:
    """A PowerShell that runs a script whenever it is told to."""

    def __init__(self, pwsh: str, environment: Mapping[str, str]) -> None:
        self.mark = uuid.uuid4().hex
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._written: list[str] = []
        self._runs = 0
        command = [pwsh, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File", str(DRIVER)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="ascii",
            env={**os.environ, **QUIET, **environment, MARK: self.mark},
        )
        threading.Thread(target=self._read, daemon=True, name="script").start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._written.append(line)
            self._lines.put(line)
        self._lines.put("")

    def run(
        self,
        parameters: Mapping[str, Any],
        *,
        script: Path = RUN_CMDLETS,
        secrets: Mapping[str, Mapping[str, str]] | None = None,
        check_mode: bool = False,
        environment: Mapping[str, str] | None = None,
        culture: str = "",
        time_zone: str = "",
        dates: bool = False,
        seconds: float = 60,
    ) -> Any:
        """Run the script; return what its one text of output says. Raises ScriptError.

        `environment`: variables that are set from now on; the modules are those of this run only.
        `dates`: let texts that look like dates become dates, as they do when Ansible sends them to PowerShell 7.
        After `seconds` the process is killed.
        """
        self._runs += 1
        request = {
            "run": self._runs,
            "script": str(script),
            "parameters": parameters,
            "secrets": secrets or {},
            "check_mode": check_mode,
            "environment": environment or {},
            "culture": culture,
            "time_zone": time_zone,
            "dates": dates,
        }
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        result = self._result(seconds)
        assert "driver" not in result, result["driver"]
        if result["failed"]:
            raise ScriptError(*result["errors"])
        assert not result["errors"], result["errors"]
        (text,) = result["output"]
        assert text.isascii(), "then no code page on the way matters"
        return json.loads(text)

    def _result(self, seconds: float) -> Json:
        """Wait for the result of this run. Nothing else may be written."""
        others = ""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self.kill()
                raise TimeoutError(f"the script took longer than {seconds} s") from None
            assert line, f"PowerShell has ended: {others}"
            if line.startswith(f'{{"run":{self._runs},'):
                assert not others, f"the script writes on the console: {others}"
                return dict(json.loads(line))
            others += line

    def written(self) -> str:
        """Everything that the process has written."""
        return "".join(self._written)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def close(self, seconds: float = 30) -> None:
        """Let the process end by itself. Raises TimeoutError, and kills it, if it does not."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"PowerShell did not end within {seconds} s") from None
        finally:
            self.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
