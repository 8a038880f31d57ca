# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host under pypsrp's WS-Man layer that answers with recorded messages, or as a test says."""

from __future__ import annotations

import base64
import json
import struct
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, SubElement, fromstring

from pypsrp.exceptions import WSManFaultError
from pypsrp.messages import MessageType
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import NAMESPACES, WSMan, WSManAction

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace_listeners import Heard
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.shell_connection import SHORTEST_WAIT
from tests.unit.fakes.clock import Clock

RECORDING = Path(__file__).parent.parent / "recordings" / "powershell-7.6.5.jsonl"
OPERATION_TIMED_OUT = 2150858793

Messages = list[tuple[str, str]]
"""Type and CLIXML."""


@dataclass(frozen=True)
class Scenario:
    endpoint: str
    name: str
    commands: list[Mapping[str, Any]]
    messages: Messages

    def __str__(self) -> str:
        return f"{self.endpoint}-{self.name}"


def scenarios() -> Iterator[Scenario]:
    with RECORDING.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            messages = [(message["type"], message["clixml"]) for message in one["messages"]]
            yield Scenario(one["endpoint"], one["scenario"], (one["statements"] or [[]])[0], messages)


OPENING = next(scenarios()).messages


def state(number: int) -> Messages:
    return [("PIPELINE_STATE", f'<Obj RefId="0"><MS><I32 N="PipelineState">{number}</I32></MS></Obj>')]


def output(clixml: str) -> Messages:
    return [("PIPELINE_OUTPUT", clixml)]


@dataclass
class Pipeline:
    """A pipeline on the host."""

    clixml: str
    """The CreatePipeline message that began it."""
    pending: Messages = field(default_factory=list)
    ends_at: float | None = None
    """When `pending` comes; never when it is not set."""
    stops: bool = True
    signals: list[str] = field(default_factory=list)


class Http:
    """Stands for the HTTP session and its adapter: each request takes so many exchanges of so many seconds."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.exchanges, self.seconds = clock, 1, 0.0
        self.max_retries = 3
        self.fails: Exception | None = None
        self.retries_allowed: list[int] = []

    def get_adapter(self, url: str) -> Http:
        return self

    def request(self) -> None:
        for _ in range(self.exchanges):
            self.send()

    def send(self) -> None:
        self.retries_allowed.append(self.max_retries)
        if self.fails is not None:
            raise self.fails
        self.clock.now += self.seconds

    def close(self) -> None:
        pass


class Host(WSMan):
    """Answers WS-Man requests. A request that has to wait moves the clock."""

    def __init__(self, answer: Callable[[Pipeline], Any], clock: Clock, fragment: int = 10**9) -> None:
        super().__init__("host.example.test", ssl=False, auth="basic", encryption="never")
        self.answer, self.clock, self.fragment = answer, clock, fragment
        self.pipelines: dict[str, Pipeline] = {}
        self.pool = list(OPENING)
        self.sent = b""
        """Everything that the client sent inside PSRP fragments."""
        self.deleted = 0
        self.sign_ins, self.sign_in_seconds = 0, 0.0
        self.allows_runspaces = True
        self.starts_at = 0.0
        """When a thread is free for a call that does nothing."""
        self.resized: list[int] = []
        """How many runspaces the client wanted, one after the other."""
        self.fails: Exception | None = None
        self._objects = 0

    def invoke(self, action: str, resource_uri: str, resource: Element | None, *_more: Any, **_named: Any) -> Element:
        if self.transport.session is None:
            self.transport.session, self.sign_ins = Http(self.clock), self.sign_ins + 1
            self.clock.now += self.sign_in_seconds
        if self.fails is not None:
            raise self.fails
        self.transport.session.request()
        verb = action.rpartition("/")[2]
        envelope = Element(f"{{{NAMESPACES['s']}}}Envelope")
        body = SubElement(envelope, f"{{{NAMESPACES['s']}}}Body")
        if action == WSManAction.CREATE:
            self.sent += base64.b64decode(next(iter(resource.iter("creationXml"))).text)
            shell = SubElement(body, f"{{{NAMESPACES['rsp']}}}Shell")
            SubElement(shell, f"{{{NAMESPACES['rsp']}}}ShellId").text = "SHELL"
        else:
            getattr(self, f"_{verb.lower()}")(resource, body)
        return envelope

    def _command(self, resource: Element, body: Element) -> None:
        data = base64.b64decode(resource.find("rsp:Arguments", NAMESPACES).text)
        self.sent += data
        pipeline = Pipeline(data[21 + 40 :].decode())
        self.pipelines[resource.get("CommandId")] = pipeline
        if ">Out-Default<" in pipeline.clixml:
            pipeline.pending, pipeline.ends_at = state(4), max(self.starts_at, self.clock.now + 0.01)
        else:
            self.answer(pipeline)

    def _receive(self, resource: Element, body: Element) -> None:
        stream = resource.find("rsp:DesiredStream", NAMESPACES)
        pipeline = self.pipelines.get(stream.get("CommandId"))
        if pipeline is None:
            messages, self.pool = self.pool, []
        elif pipeline.ends_at is None or pipeline.ends_at > self.clock.now + self.operation_timeout:
            messages = []
        else:
            self.clock.now = max(self.clock.now, pipeline.ends_at)
            messages, pipeline.pending = pipeline.pending, []
        if not messages:
            self.clock.now += self.operation_timeout
            raise WSManFaultError(OPERATION_TIMED_OUT, None, "timed out", None, None, None)
        response = SubElement(body, f"{{{NAMESPACES['rsp']}}}ReceiveResponse")
        for kind, clixml in messages:
            for data in self._fragments(kind, clixml):
                element = SubElement(response, f"{{{NAMESPACES['rsp']}}}Stream", Name="stdout")
                element.text = base64.b64encode(data).decode()

    def _send(self, resource: Element, body: Element) -> None:
        data = base64.b64decode(resource.find("rsp:Stream", NAMESPACES).text)
        self.sent += data
        kind = struct.unpack("<I", data[25:29])[0]
        assert kind == MessageType.SET_MAX_RUNSPACES
        message = fromstring(data[21 + 40 :])
        number = message.find("MS/I64[@N='CI']").text
        self.resized.append(int(message.find("MS/I32[@N='MaxRunspaces']").text))
        allowed = str(self.allows_runspaces).lower()
        clixml = (
            f'<Obj RefId="0"><MS><B N="SetMinMaxRunspacesResponse">{allowed}</B><I64 N="ci">{number}</I64></MS></Obj>'
        )
        self.pool.append(("RUNSPACE_AVAILABILITY", clixml))

    def _signal(self, resource: Element, body: Element) -> None:
        code = resource.find("rsp:Code", NAMESPACES).text.rpartition("/")[2]
        pipeline = self.pipelines[resource.get("CommandId")]
        pipeline.signals.append(code)
        if code == "ctrl_c":
            if not pipeline.stops:
                self.clock.now += self.operation_timeout
                raise WSManFaultError(OPERATION_TIMED_OUT, None, "timed out", None, None, None)
            if pipeline.ends_at is None:
                pipeline.ends_at, pipeline.pending = self.clock.now, state(3)

    def _delete(self, resource: Element | None, body: Element) -> None:
        self.deleted += 1

    def _fragments(self, kind: str, clixml: str) -> Iterator[bytes]:
        message = struct.pack("<II", 1, getattr(MessageType, kind)) + uuid.uuid4().bytes_le * 2
        message += b"\xef\xbb\xbf" + clixml.encode()
        self._objects += 1
        for number, at in enumerate(range(0, len(message), self.fragment)):
            part = message[at : at + self.fragment]
            flags = (number == 0) | (at + self.fragment >= len(message)) << 1
            yield struct.pack(">QQBI", self._objects, number, flags, len(part)) + part


class Connection:
    """Stands for Ansible's psrp connection plugin."""

    def __init__(self, host: Host) -> None:
        self.host, self.runspace = host, None

    def get_option(self, name: str) -> str:
        return {"remote_addr": "host.example.test", "configuration_name": "Microsoft.PowerShell"}[name]

    def _connect(self) -> None:
        if self.runspace is None:
            self.runspace = RunspacePool(self.host)
            self.runspace.open()

    def close(self) -> None:
        self.runspace = None


@dataclass(frozen=True)
class _Question:
    pipeline: Any
    until: float


class FakeListeners:
    """Stands for listeners on a recorded host, without threads: what one hears comes when the clock is there."""

    def __init__(self, main: Any, most: int = 8) -> None:
        self.host: Host = main._wsman
        self.most = most
        self.asked: list[_Question] = []
        self.most_asked = 0
        self.fails: Exception | None = None
        self.closed = False

    @property
    def idle(self) -> int:
        return self.most - len(self.asked)

    def ask(self, pipeline: Any, stop: bool = False) -> None:
        assert self.idle > 0
        host, asked, until = self.host, self.host.pipelines[pipeline.id], self.host.clock.now
        if stop:
            asked.signals.append("ctrl_c")
            if not asked.stops:
                until += SHORTEST_WAIT
            elif asked.ends_at is None:
                asked.ends_at, asked.pending = host.clock.now, state(3)
        if asked.ends_at is None or asked.ends_at > until + SHORTEST_WAIT:
            until += SHORTEST_WAIT
        else:
            until = max(until, asked.ends_at)
        self.asked.append(_Question(pipeline, until))
        self.most_asked = max(self.most_asked, len(self.asked))

    def heard(self, seconds: float) -> list[Heard]:
        clock = self.host.clock
        clock.now = max(clock.now, min([clock.now + seconds, *(one.until for one in self.asked)]))
        ended = [one for one in self.asked if one.until <= clock.now]
        self.asked = [one for one in self.asked if one.until > clock.now]
        return [self._answer(one.pipeline) for one in ended]

    def _answer(self, pipeline: Any) -> Heard:
        if self.fails is not None:
            return Heard(pipeline, error=self.fails)
        asked = self.host.pipelines[pipeline.id]
        if asked.ends_at is None or asked.ends_at > self.host.clock.now:
            return Heard(pipeline)
        messages, asked.pending = asked.pending, []
        return Heard(pipeline, b"".join(data for one in messages for data in self.host._fragments(*one)))

    def close(self) -> None:
        self.closed = True
