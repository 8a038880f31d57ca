# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PowerShell behind a shell: one process of `pwsh -s` is one runspace pool. Implements `engine.Engine`.

Its standard streams carry a line for each element. What comes from the client goes in with the acknowledgement awaited
before the next line, but for signals, which a pipeline that blocks does not answer. What the process says comes out as
it is.
"""

from __future__ import annotations

import base64
import contextlib
import pathlib
import re
import subprocess
import threading
import typing
import uuid

from .engine import Channel, ProtocolError
from .fragments import StateWatcher

_POOL = uuid.UUID(int=0)
_ELEMENT = re.compile(
    rb"<(?P<name>\w+)(?: Stream='\w+')? PSGuid='(?P<id>[0-9a-fA-F-]{36})'(?: />|>(?P<data>[^<]*)</Data>)"
)
_ACKNOWLEDGED_SECONDS = 60.0


class PowerShellProcess:
    """One shell's PowerShell."""

    def __init__(self, command: typing.Sequence[str], environment: typing.Mapping[str, str], channel: Channel) -> None:
        """Start the command, which is to end in `-s`."""
        self._channel = channel
        self._writing = threading.Lock()
        self._changed = threading.Condition()
        self._acknowledged: set[tuple[str, uuid.UUID]] = set()
        self._watchers: dict[uuid.UUID, StateWatcher] = {}
        self._ended = False
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True, name="powershell").start()

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def runspaces(self) -> int:
        """Only the process knows."""
        return 0

    def data(self, pipeline: uuid.UUID | None, fragments: bytes) -> None:
        self._write("Data", pipeline or _POOL, base64.b64encode(fragments))

    def command(self, pipeline: uuid.UUID) -> None:
        with self._changed:
            self._watchers[pipeline] = StateWatcher()
        self._write("Command", pipeline)

    def signal(self, pipeline: uuid.UUID) -> None:
        with self._changed:
            running = pipeline in self._watchers
        # A finished pipeline is closed, so that the process forgets it.
        self._write("Signal" if running else "Close", pipeline, wait=False)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _write(self, name: str, target: uuid.UUID, data: bytes = b"", wait: bool = True) -> None:
        if name == "Data":
            line = b"<Data Stream='Default' PSGuid='%s'>%s</Data>\n" % (str(target).encode(), data)
        else:
            line = b"<%s PSGuid='%s' />\n" % (name.encode(), str(target).encode())
        with self._writing:
            assert self._process.stdin
            with contextlib.suppress(OSError):  # the end of the process is noticed where it is read
                self._process.stdin.write(line)
                self._process.stdin.flush()
            if wait:
                self._wait(f"{name}Ack", target)

    def _wait(self, name: str, target: uuid.UUID) -> None:
        key = (name, target)
        with self._changed:
            if not self._changed.wait_for(lambda: key in self._acknowledged or self._ended, _ACKNOWLEDGED_SECONDS):
                raise ProtocolError(f"PowerShell does not acknowledge: {name}")
            self._acknowledged.discard(key)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            if (match := _ELEMENT.match(line)) is None:
                continue
            name, target = match["name"].decode(), uuid.UUID(match["id"].decode())
            if name == "Data":
                self._hand_on(target, base64.b64decode(match["data"]))
                continue
            with self._changed:
                self._acknowledged.add((name, target))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._channel.lost()

    def _hand_on(self, target: uuid.UUID, fragments: bytes) -> None:
        pipeline = None if target == _POOL else target
        self._channel.send(pipeline, fragments)
        with self._changed:
            watcher = self._watchers.get(target)
            if watcher is None or not watcher.sees_end(fragments):
                return
            del self._watchers[target]
        self._channel.finished(target)


def write_configuration(directory: pathlib.Path, name: str, capability: str) -> pathlib.Path:
    """Write the session configuration of an endpoint without language.

    `capability` is the text of a role capability file. `pwsh -s` takes no role definitions, so what the capability
    says stands in the session configuration itself.
    """
    _comment, brace, members = capability.partition("@{")
    if not brace:
        raise ValueError("a role capability file holds one hashtable")
    path = directory / f"{name}-{uuid.uuid4()}.pssc"
    head = "@{\n    SchemaVersion = '2.0.0.0'\n    SessionType = 'RestrictedRemoteServer'\n"
    path.write_text(head + members, encoding="utf-8-sig")
    return path
