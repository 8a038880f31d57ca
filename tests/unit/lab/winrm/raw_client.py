# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PSRP client without a network: it drives an engine and keeps every answer as its raw message."""

from __future__ import annotations

import struct
import threading
import typing
import uuid
from xml.etree import ElementTree

import psrpcore
import psrpcore.types as ps

from tests.lab.winrm.configurations import Configuration
from tests.lab.winrm.machine import Machine
from tests.lab.winrm.runspace_pool import RunspacePool

_NAMES = {
    0x00010002: "SESSION_CAPABILITY",
    0x00021005: "RUNSPACEPOOL_STATE",
    0x00021009: "APPLICATION_PRIVATE_DATA",
    0x00041004: "PIPELINE_OUTPUT",
    0x00041005: "ERROR_RECORD",
    0x00041006: "PIPELINE_STATE",
    0x00041008: "VERBOSE_RECORD",
    0x00041009: "WARNING_RECORD",
}


class Message(typing.NamedTuple):
    type: str
    clixml: ElementTree.Element

    def text(self, name: str) -> str | None:
        """The first property of the name, however deep."""
        found = self.clixml.find(f".//*[@N='{name}']")
        return None if found is None else found.text or ""


class RawClient:
    """An open runspace pool."""

    def __init__(self, machine: Machine, configuration: Configuration, runspaces: int = 1) -> None:
        self._changed = threading.Condition()
        self._received: dict[uuid.UUID | None, bytes] = {None: b""}
        self._finished: set[uuid.UUID] = set()
        self.engine = RunspacePool(machine, "operator@contoso.com", configuration, self)
        self._client = psrpcore.ClientRunspacePool(max_runspaces=runspaces)
        self._client.open()
        self._pass_on()

    def opened(self) -> list[Message]:
        return _messages(self._received[None])

    def begin(self, statements: list[list[dict[str, typing.Any]]]) -> uuid.UUID:
        """Start a pipeline of `[[{"command": ..., "parameters": {...}}, ...], ...]`."""
        pipeline = psrpcore.ClientPowerShell(self._client)
        for statement in statements:
            for call in statement:
                if "script" in call:
                    pipeline.add_script(call["script"])
                    continue
                pipeline.add_command(call["command"])
                for name, value in call["parameters"].items():
                    pipeline.add_parameter(name, ps.PSList(value) if isinstance(value, list) else value)
            if len(statements) > 1:
                pipeline.add_statement()
        pipeline.start()
        with self._changed:
            self._received[pipeline.pipeline_id] = b""
        self.engine.command(pipeline.pipeline_id)
        self._pass_on()
        return pipeline.pipeline_id

    def end(self, pipeline: uuid.UUID, timeout: float = 10) -> list[Message]:
        """Wait for the end of a pipeline."""
        with self._changed:
            assert self._changed.wait_for(lambda: pipeline in self._finished, timeout)
            return _messages(self._received[pipeline])

    def invoke(self, statements: list[list[dict[str, typing.Any]]]) -> list[Message]:
        return self.end(self.begin(statements))

    def call(self, command: str, **parameters: typing.Any) -> list[Message]:
        """Run one command."""
        return self.invoke([[{"command": command, "parameters": parameters}]])

    def begin_call(self, command: str, **parameters: typing.Any) -> uuid.UUID:
        return self.begin([[{"command": command, "parameters": parameters}]])

    def is_finished(self, pipeline: uuid.UUID) -> bool:
        with self._changed:
            return pipeline in self._finished

    def resize(self, runspaces: int) -> None:
        self._client.set_max_runspaces(runspaces)
        self._pass_on()

    def _pass_on(self) -> None:
        while payload := self._client.data_to_send():
            self.engine.data(payload.pipeline_id, payload.data)

    # engine.Channel

    def send(self, pipeline: uuid.UUID | None, fragments: bytes) -> None:
        with self._changed:
            self._received[pipeline] += fragments

    def finished(self, pipeline: uuid.UUID) -> None:
        with self._changed:
            self._finished.add(pipeline)
            self._changed.notify_all()

    def reset(self, pipeline: uuid.UUID) -> None:
        raise AssertionError("no test here cuts a connection")


def kinds(messages: list[Message]) -> list[str]:
    """`PIPELINE_OUTPUT`, ... and at the end the state: `Completed`, `Failed`, `Stopped`."""
    states = {"3": "Stopped", "4": "Completed", "5": "Failed"}
    return [
        states[message.text("PipelineState") or ""] if message.type == "PIPELINE_STATE" else message.type
        for message in messages
    ]


def error_id(messages: list[Message]) -> str:
    """The first part of the only error's id."""
    found = [text for message in messages if (text := message.text("FullyQualifiedErrorId"))]
    assert len(found) == 1
    return found[0].partition(",")[0]


def _messages(fragments: bytes) -> list[Message]:
    parts: dict[int, bytes] = {}
    found = []
    while fragments:
        object_id, _number, flags, length = struct.unpack(">QQBI", fragments[:21])
        parts[object_id] = parts.get(object_id, b"") + fragments[21 : 21 + length]
        fragments = fragments[21 + length :]
        if flags & 2:
            message = parts.pop(object_id)
            (number,) = struct.unpack("<I", message[4:8])
            found.append(Message(_NAMES[number], ElementTree.fromstring(message[40:])))
    return found
