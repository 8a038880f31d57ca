# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a command shell (WinRS): real PowerShell processes.

Ansible's winrm connection sends `powershell -NoProfile -NonInteractive ... -EncodedCommand ...`, and what that is to do
through standard input. No process outlives its shell, nor the lab.
"""

from __future__ import annotations

import contextlib
import ntpath
import os
import pathlib
import queue
import shlex
import signal
import subprocess
import tempfile
import threading
import typing
import uuid

from . import envelope

_NAMES = ("powershell", "pwsh")
_CHUNK = 32_768
_SECONDS = 10
"""For a killed process to be gone."""

_GUARD = 'read -r _; kill -s KILL -- "-$0"; rm -rf -- "$1"'
"""Waits for the end of its input, which comes even when the lab is killed, then removes a process group and its folder.
"""


class Outlet(typing.Protocol):
    """The way back to the client. May be called from any thread."""

    def send(self, pipeline: uuid.UUID, fragments: bytes, stream: str) -> None: ...

    def finished(self, pipeline: uuid.UUID, exit_code: int) -> None: ...


class Programs:
    """Those of one shell. They run in a folder that goes with it, and find the PowerShell as a Windows host would."""

    def __init__(self, powershell: str, environment: typing.Mapping[str, str], outlet: Outlet) -> None:
        self._powershell = str(pathlib.Path(powershell).absolute())
        self._outlet = outlet
        self._directory = tempfile.TemporaryDirectory(prefix="winrs-", ignore_cleanup_errors=True)
        folder = pathlib.Path(self._directory.name)
        (folder / "bin").mkdir()
        for name in _NAMES:
            (folder / "bin" / name).symlink_to(self._powershell)
        self._environment = {
            **environment,
            **dict.fromkeys(("TEMP", "TMP", "TMPDIR"), str(folder)),
            "PATH": os.pathsep.join((str(folder / "bin"), environment.get("PATH", os.defpath))),
        }
        self._lock = threading.Lock()
        self._programs: dict[uuid.UUID, _Program] = {}
        self._closed = False

    def start(self, command: uuid.UUID, line: str) -> None:
        """Raises FaultError when that is no PowerShell."""
        arguments = _arguments(line)
        with self._lock:
            if self._closed:
                raise envelope.unsupported("a program in a shell that is being closed")
            try:
                self._programs[command] = _Program(
                    [self._powershell, *arguments], self._directory.name, self._environment, command, self._outlet
                )
            except OSError as error:
                raise envelope.FaultError(2147942402, f"The program did not start: {error}") from error

    def write(self, command: uuid.UUID, data: bytes, end: bool) -> None:
        """Give it to the program as its input; what comes after the end is lost."""
        program = self._program(command)
        if program is not None:
            program.write(data, end)

    def signal(self, command: uuid.UUID) -> None:
        """End the program, and all that it has started; an unknown one is fine."""
        program = self._program(command)
        if program is not None:
            program.kill()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._closed = True
            programs = list(self._programs.values())
        for program in programs:
            program.kill()
        for program in programs:
            program.join(_SECONDS)
        self._directory.cleanup()

    def _program(self, command: uuid.UUID) -> _Program | None:
        with self._lock:
            return self._programs.get(command)


class _Program:
    """A process, in a process group of its own."""

    def __init__(
        self,
        words: list[str],
        directory: str,
        environment: dict[str, str],
        command: uuid.UUID,
        outlet: Outlet,
    ) -> None:
        self._command = command
        self._outlet = outlet
        self._input: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._gone = False
        self._process = subprocess.Popen(
            words,
            cwd=directory,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        guard = ["/bin/sh", "-c", _GUARD, str(self._process.pid), directory]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)
        assert self._process.stdout
        assert self._process.stderr
        self._readers = [
            self._thread(self._read, "stdout", self._process.stdout),
            self._thread(self._read, "stderr", self._process.stderr),
        ]
        self._thread(self._write)
        self._watcher = self._thread(self._watch)

    def write(self, data: bytes, end: bool) -> None:
        """Never waits for a program that does not read."""
        self._input.put(data)
        if end:
            self._input.put(None)

    def kill(self) -> None:
        """The process and what it has started."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if not self._gone:
                os.killpg(self._process.pid, signal.SIGKILL)

    def join(self, seconds: float) -> None:
        self._watcher.join(seconds)

    def _thread(self, work: typing.Callable[..., None], *arguments: typing.Any) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True, name="program")
        thread.start()
        return thread

    def _write(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError), self._process.stdin:
            while (data := self._input.get()) is not None:
                self._process.stdin.write(data)

    def _read(self, name: str, stream: typing.IO[bytes]) -> None:
        with stream:
            while data := stream.read(_CHUNK):
                self._outlet.send(self._command, data, name)

    def _watch(self) -> None:
        """Its process id stays taken until the rest of the group is gone and nobody can mean another by it."""
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.kill()
        self._guard.kill()
        self._guard.communicate()
        for reader in self._readers:
            reader.join()
        with self._lock:
            self._gone = True
            code = self._process.wait()
        self._input.put(None)
        self._outlet.finished(self._command, code if code >= 0 else 128 - code)


def _arguments(line: str) -> list[str]:
    """Those of a command line as Windows has them: a backslash is a backslash. Raises FaultError."""
    words = shlex.shlex(line, posix=True)
    words.whitespace_split, words.escape, words.quotes, words.commenters = True, "", '"', ""
    try:
        program, *arguments = words
    except ValueError as error:
        raise envelope.unsupported(f"the command line {line!r}") from error
    name = ntpath.basename(program).lower().removesuffix(".exe")
    if name not in _NAMES:
        raise envelope.unsupported(f"the program {program}; it runs {' and '.join(_NAMES)} only")
    return arguments
