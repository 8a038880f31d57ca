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
from tests.lab.winrm.engine import StartEngine
from tests.lab.winrm.machine import Machine
from tests.lab.winrm.runspace_pool import RunspacePool

_USER = "operator@contoso.com"
_SECONDS = 30.0
"""A real PowerShell may take some to start on a busy machine."""
_NAMES = {
    0x00010002: "SESSION_CAPABILITY",
    0x00010006: "ENCRYPTED_SESSION_KEY",
    0x00021004: "RUNSPACE_AVAILABILITY",
    0x00021005: "RUNSPACEPOOL_STATE",
    0x00021009: "APPLICATION_PRIVATE_DATA",
    0x00041004: "PIPELINE_OUTPUT",
    0x00041005: "ERROR_RECORD",
    0x00041006: "PIPELINE_STATE",
    0x00041009: "WARNING_RECORD",
    0x00041010: "PROGRESS_RECORD",
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

    def __init__(
        self,
        machine: Machine,
        configuration: Configuration,
        runspaces: int = 1,
        start_engine: StartEngine = RunspacePool,
    ) -> None:
        self._changed = threading.Condition()
        self._received: dict[uuid.UUID | None, bytes] = {None: b""}
        self._finished: set[uuid.UUID] = set()
        self._lost = False
        self._client = psrpcore.ClientRunspacePool(max_runspaces=runspaces)
        self.engine = start_engine(machine, _USER, configuration, self)
        self._client.open()
        self._pass_on()
        self._await(lambda: self._client.state == ps.RunspacePoolState.Opened)

    def opened(self) -> list[Message]:
        return _messages(self._received[None])

    def begin(self, pipeline: psrpcore.ClientPowerShell) -> uuid.UUID:
        """Start what `pipeline` made."""
        with self._changed:
            pipeline.start()
            self._received[pipeline.pipeline_id] = b""
        self.engine.command(pipeline.pipeline_id)
        self._pass_on()
        return pipeline.pipeline_id

    def begin_call(self, command: str, **parameters: typing.Any) -> uuid.UUID:
        """Start one command."""
        pipeline = self.pipeline().add_command(command)
        for name, value in parameters.items():
            pipeline.add_parameter(name, _wire(value))
        return self.begin(pipeline)

    def pipeline(self, no_input: bool = True) -> psrpcore.ClientPowerShell:
        """An empty one."""
        return psrpcore.ClientPowerShell(self._client, no_input=no_input)

    def end_input(self, pipeline: psrpcore.ClientPowerShell, *items: str) -> None:
        """Send all the input that it waits for."""
        with self._changed:
            for item in items:
                pipeline.send(item)
            pipeline.send_eof()
        self._pass_on()

    def end(self, pipeline: uuid.UUID, timeout: float = _SECONDS) -> list[Message]:
        """Wait for the end of a pipeline."""
        with self._changed:
            assert self._changed.wait_for(lambda: pipeline in self._finished or self._lost, timeout)
            assert pipeline in self._finished
            return _messages(self._received[pipeline])

    def call(self, command: str, **parameters: typing.Any) -> list[Message]:
        """Run one command."""
        return self.end(self.begin_call(command, **parameters))

    def script(self, text: str) -> list[Message]:
        """Run script text."""
        return self.end(self.begin(self.pipeline().add_script(text)))

    def is_finished(self, pipeline: uuid.UUID) -> bool:
        with self._changed:
            return pipeline in self._finished

    def resize(self, runspaces: int) -> Message:
        """Allow so many pipelines at once, and return the answer."""
        return self._ask_pool(lambda: self._client.set_max_runspaces(runspaces))

    def exchange_keys(self) -> None:
        """Must come before the first secret. Once is enough."""
        if not self._client._key_requested:
            self._ask_pool(self._client.exchange_key)

    def _ask_pool(self, ask: typing.Callable[[], object]) -> Message:
        known = len(self.opened())
        with self._changed:
            ask()
        self._pass_on()
        self._await(lambda: len(self.opened()) > known)
        return self.opened()[known]

    def _await(self, came: typing.Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: came() or self._lost, _SECONDS)
            assert came()

    def _pass_on(self) -> None:
        while payload := self._next_payload():
            self.engine.data(payload.pipeline_id, payload.data)

    def _next_payload(self) -> psrpcore.PSRPPayload | None:
        with self._changed:
            return self._client.data_to_send()

    # engine.Channel

    def send(self, pipeline: uuid.UUID | None, fragments: bytes) -> None:
        with self._changed:
            self._received[pipeline] += fragments
            if pipeline is None:
                self._client.receive_data(psrpcore.PSRPPayload(fragments, psrpcore.StreamType.default, None))
                while self._client.next_event():
                    pass
                self._changed.notify_all()

    def finished(self, pipeline: uuid.UUID) -> None:
        with self._changed:
            self._finished.add(pipeline)
            self._changed.notify_all()

    def reset(self, pipeline: uuid.UUID) -> None:
        raise AssertionError("no test here cuts a connection")

    def lost(self) -> None:
        with self._changed:
            self._lost = True
            self._changed.notify_all()


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


def _wire(value: typing.Any) -> typing.Any:
    """As the collection's transport writes values."""
    if isinstance(value, list):
        return ps.PSList([_wire(item) for item in value])
    if isinstance(value, bool) or not isinstance(value, int) or -(2**31) <= value < 2**31:
        return value
    return ps.PSInt64(value)


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
