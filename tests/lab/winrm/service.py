# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WS-Management service of all hosts: shells of PowerShell, and command shells (WinRS)."""

from __future__ import annotations

import base64
import binascii
import collections
import dataclasses
import threading
import time
import typing
import uuid
from xml.sax.saxutils import escape

from . import envelope
from .configurations import Configuration
from .engine import ProtocolError, StartEngine
from .envelope import POWERSHELL, RSP, WSA, WST, FaultError, Request
from .machine import Machine
from .program import Outlet, Programs
from .shells import Census, Shell

COMMAND_SHELL = f"{RSP}/cmd"
_LARGEST_ENVELOPE = 512_000
_AROUND_DATA = 2_500
"""Bytes of an envelope that are not data, generously."""

Level = typing.Literal["administrator", "session_operator", "none"]
_REMEMBERED = 2000


@dataclasses.dataclass(frozen=True)
class Client:
    """Who asks. `there`: whether the connection still stands; `level`: what the Windows host lets the user do."""

    user: str
    level: Level
    there: typing.Callable[[], bool]


MakePrograms = typing.Callable[[Machine, str, Outlet], Programs]
"""How the service gets what is behind a command shell of a user."""


class Service:
    """All shells of the lab."""

    def __init__(self, start_engine: StartEngine, make_programs: MakePrograms | None = None) -> None:
        """Without `make_programs` command shells run nothing."""
        self.configurations: dict[str, Configuration] = {}
        self.census = Census()
        self.received: collections.deque[str] = collections.deque(maxlen=_REMEMBERED)
        """What came from clients: PSRP fragments, decrypted, in Base64."""
        self._start_engine = start_engine
        self._make_programs = make_programs
        self._lock = threading.Lock()
        self._shells: dict[str, Shell] = {}

    def shells(self) -> list[Shell]:
        with self._lock:
            return list(self._shells.values())

    def close(self) -> None:
        """Close every shell."""
        for shell in self.shells():
            self._remove(shell)

    def handle(self, request: Request, machine: Machine, client: Client) -> bytes:
        """Answer a request. Raises FaultError, and ConnectionCutError when a fault of the lab cuts the connection."""
        verbs: dict[str, typing.Callable[[Request, Machine, Client], str]] = {
            f"{WST}/Create": self._create,
            f"{WST}/Delete": self._delete,
            f"{WST}/Get": self._get,
            f"{RSP}/Command": self._command,
            f"{RSP}/Send": self._send,
            f"{RSP}/Receive": self._receive,
            f"{RSP}/Signal": self._signal,
        }
        verb = verbs.get(request.action)
        if verb is None:
            raise envelope.unsupported(request.action)
        return envelope.answer(request, verb(request, machine, client))

    def _create(self, request: Request, machine: Machine, client: Client) -> str:
        configuration = self._configuration(request.resource)
        allowed = client.level == "administrator" or (
            client.level == "session_operator" and configuration is not None and configuration.no_language
        )
        if not allowed or machine.faults.take("access_denied", host=machine.name, user=client.user):
            raise envelope.access_denied()
        slow = machine.faults.take("slow_open", host=machine.name, user=client.user)
        if slow:
            time.sleep(slow.seconds or 0)
        element = request.find("rsp:Shell")
        wanted = "" if element is None else element.get("ShellId", "").upper()
        shell = Shell(wanted or str(uuid.uuid4()).upper(), client.user, machine.name, request.resource, self.census)
        with self._lock:
            quota = machine.settings.shell_quota
            mine = [each for each in self._shells.values() if (each.user, each.host) == (client.user, machine.name)]
            if len(mine) >= quota or machine.faults.take("shell_quota", host=machine.name, user=client.user):
                raise envelope.too_many_shells(quota)
            self._shells[shell.id] = shell
        self.census.count("shells", 1)
        if configuration is not None:
            shell.engine = self._start_engine(machine, client.user, configuration, shell)
            content = request.find("rsp:Shell/ps:creationXml")
            try:
                self._pass_on(shell, None, "" if content is None else content.text)
            except FaultError:
                self._remove(shell)
                raise
        elif self._make_programs is not None:
            shell.programs = self._make_programs(machine, client.user, shell)
        return _created(shell)

    def _configuration(self, resource: str) -> Configuration | None:
        """What the resource names; None is the command shell."""
        if resource == COMMAND_SHELL:
            return None
        base, _slash, name = resource.rpartition("/")
        for configuration in self.configurations.values():
            if base == POWERSHELL and configuration.name.lower() == name.lower():
                return configuration
        raise envelope.no_such_resource(resource)

    def _delete(self, request: Request, machine: Machine, client: Client) -> str:
        self._remove(self._shell(request, client))
        return ""

    def _get(self, request: Request, machine: Machine, client: Client) -> str:
        if request.resource == envelope.CONFIG:
            return (
                f"<cfg:Config><cfg:MaxEnvelopeSizekb>{_LARGEST_ENVELOPE // 1024}</cfg:MaxEnvelopeSizekb></cfg:Config>"
            )
        shell = self._shell(request, client)
        return _described(shell)

    def _command(self, request: Request, machine: Machine, client: Client) -> str:
        shell = self._shell(request, client)
        if shell.engine is None:
            return self._start_program(request, machine, shell)
        line = request.find("rsp:CommandLine")
        try:
            pipeline = uuid.UUID("" if line is None else line.get("CommandId", ""))
        except ValueError:
            raise envelope.unsupported("a command without a GUID of its own") from None
        content = request.find("rsp:CommandLine/rsp:Arguments")
        shell.add(pipeline, machine.settings.command_quota)
        shell.engine.command(pipeline)
        self._pass_on(shell, pipeline, "" if content is None else content.text)
        return _commanded(pipeline)

    def _start_program(self, request: Request, machine: Machine, shell: Shell) -> str:
        if shell.programs is None:
            raise envelope.unsupported("programs are not run; use the psrp connection and structured commands")
        parts = [request.find(f"rsp:CommandLine/rsp:{name}") for name in ("Command", "Arguments")]
        command = uuid.uuid4()
        shell.add(command, machine.settings.command_quota)
        try:
            shell.programs.start(command, " ".join(part.text or "" for part in parts if part is not None))
        except FaultError:
            shell.finished(command)
            shell.drop(command)
            raise
        return _commanded(command)

    def _send(self, request: Request, machine: Machine, client: Client) -> str:
        shell = self._shell(request, client)
        stream = request.find("rsp:Send/rsp:Stream")
        if stream is None:
            return "<rsp:SendResponse/>"
        pipeline = _pipeline_id(stream.get("CommandId"))
        if shell.programs is None:
            self._pass_on(shell, pipeline, stream.text)
        elif pipeline is not None and shell.known(pipeline):
            end = stream.get("End", "").lower() == "true"
            shell.programs.write(pipeline, _decoded(stream.text), end)
        else:
            raise envelope.no_such_shell(shell.id)
        return "<rsp:SendResponse/>"

    def _receive(self, request: Request, machine: Machine, client: Client) -> str:
        shell = self._shell(request, client)
        wanted = request.find("rsp:Receive/rsp:DesiredStream")
        command_id = None if wanted is None else wanted.get("CommandId")
        most = (min(request.max_size, _LARGEST_ENVELOPE) - _AROUND_DATA) * 3 // 4
        received = shell.receive(_pipeline_id(command_id), request.timeout, most, client.there)
        of = f' CommandId="{escape(command_id)}"' if command_id else ""
        streams = "".join(
            f'<rsp:Stream Name="{name}"{of}>{base64.b64encode(data).decode()}</rsp:Stream>'
            for name, data in received.streams.items()
        )
        state = ""
        if command_id:
            name, code = "Running", ""
            if received.finished:
                name = "Done"
                code = "" if received.exit_code is None else f"<rsp:ExitCode>{received.exit_code}</rsp:ExitCode>"
            state = f'<rsp:CommandState{of} State="{RSP}/CommandState/{name}">{code}</rsp:CommandState>'
        return f"<rsp:ReceiveResponse>{streams}{state}</rsp:ReceiveResponse>"

    def _signal(self, request: Request, machine: Machine, client: Client) -> str:
        """Like Windows, answers a stop only when the pipeline has stopped, unless the time is over."""
        shell = self._shell(request, client)
        signal = request.find("rsp:Signal")
        pipeline = _pipeline_id(None if signal is None else signal.get("CommandId"))
        code = "" if signal is None else signal.findtext(f"{{{RSP}}}Code", "")
        behind = shell.engine or shell.programs
        if pipeline is not None and shell.known(pipeline) and behind is not None:
            behind.signal(pipeline)
            if not shell.wait_finished(pipeline, request.timeout):
                raise envelope.timed_out()
            if code.lower().endswith("/terminate"):
                shell.drop(pipeline)
        return "<rsp:SignalResponse/>"

    def _shell(self, request: Request, client: Client) -> Shell:
        """The shell of the request. Another user's does not exist for the client."""
        with self._lock:
            shell = self._shells.get(request.shell_id)
        if shell is None or shell.user != client.user:
            raise envelope.no_such_shell(request.shell_id)
        if shell.is_lost:
            self._remove(shell)
            raise envelope.no_such_shell(request.shell_id)
        return shell

    def _pass_on(self, shell: Shell, pipeline: uuid.UUID | None, text: str | None) -> None:
        if shell.engine is None:
            return
        self.received.append(text or "")
        data = _decoded(text)
        try:
            shell.engine.data(pipeline, data)
        except ProtocolError as error:
            raise FaultError(2150858752, f"The data is not PSRP: {error}") from error

    def _remove(self, shell: Shell) -> None:
        with self._lock:
            known = self._shells.pop(shell.id, None)
        if known is not None:
            self.census.count("shells", -1)
            shell.close()


def _pipeline_id(text: str | None) -> uuid.UUID | None:
    if not text:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        raise envelope.unsupported(f"the command id {text}") from None


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode(text or "")
    except binascii.Error as error:
        raise FaultError(2150858752, f"The data is not Base64: {error}") from error


def _commanded(pipeline: uuid.UUID) -> str:
    return f"<rsp:CommandResponse><rsp:CommandId>{str(pipeline).upper()}</rsp:CommandId></rsp:CommandResponse>"


def _described(shell: Shell) -> str:
    age = int(time.time() - shell.opened)
    pr, stderr = ("", " stderr") if shell.engine is None else (" pr", "")
    return (
        f'<rsp:Shell xmlns:rsp="{RSP}"><rsp:ShellId>{shell.id}</rsp:ShellId>'
        f"<rsp:ResourceUri>{escape(shell.resource)}</rsp:ResourceUri><rsp:Owner>{escape(shell.user)}</rsp:Owner>"
        "<rsp:ClientIP>127.0.0.1</rsp:ClientIP><rsp:IdleTimeOut>PT7200.000S</rsp:IdleTimeOut>"
        f"<rsp:InputStreams>stdin{pr}</rsp:InputStreams><rsp:OutputStreams>stdout{stderr}</rsp:OutputStreams>"
        f"<rsp:State>Connected</rsp:State><rsp:ShellRunTime>P0DT0H0M{age}S</rsp:ShellRunTime>"
        "<rsp:ShellInactivity>P0DT0H0M0S</rsp:ShellInactivity></rsp:Shell>"
    )


def _created(shell: Shell) -> str:
    return (
        f'<x:ResourceCreated><a:Address xmlns:a="{WSA}">http://127.0.0.1/wsman</a:Address><a:ReferenceParameters>'
        f"<w:ResourceURI>{escape(shell.resource)}</w:ResourceURI><w:SelectorSet>"
        f'<w:Selector Name="ShellId">{shell.id}</w:Selector></w:SelectorSet></a:ReferenceParameters>'
        f"</x:ResourceCreated>{_described(shell)}"
    )
