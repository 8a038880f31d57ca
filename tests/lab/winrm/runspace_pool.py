# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in for PowerShell: a runspace pool that runs the lab's commands. It implements `engine.Engine`.

psrpcore reads what the client sends and answers for the pool; what pipelines write goes its own, faster way.

A pipeline runs in the runspace of the pool that became idle last, else in a new one, and sees the variables of no
other. PowerShell 7.6.9 takes them in that order; a client cannot choose.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import functools
import struct
import threading
import traceback
import typing
import uuid

import psrpcore
import psrpcore.types as ps

from . import arguments, configurations
from .calls import Call, run
from .clixml import AUTOMATION, DotNetObject, Value
from .commands import Command
from .engine import Channel, ProtocolError
from .execution import PipelineStoppedError
from .fragments import Fragmenter, MessageName
from .machine import Machine
from .records import OPERATION_STOPPED, ErrorRecord, warning

_STOPPED, _COMPLETED, _FAILED = 3, 4, 5
_FLUSH_AT = 32_768
_NOT_PSRP = (psrpcore.PSRPCoreError, ValueError, TypeError, LookupError, AttributeError, SyntaxError, struct.error)
"""What psrpcore raises on data that it can't read."""
_PRIVATE_DATA = {"PSVersionTable": ps.PSPrimitiveDictionary({"PSVersion": ps.PSVersion("7.6.5")})}


class _ServerPool(psrpcore.ServerRunspacePool):
    """Understands the call ids of clients that write CI for ci, and leaves the answers to the owner."""

    def __init__(self) -> None:
        super().__init__(_PRIVATE_DATA)
        self.resized: int | None = None

    def _process_SetMaxRunspaces(self, event: psrpcore.SetMaxRunspacesEvent) -> None:
        self.resized = int(event.count)
        message = event._ps_object
        call_id = message.ci if hasattr(message, "ci") else message.CI
        self.prepare_message(ps.RunspaceAvailability(SetMinMaxRunspacesResponse=True, ci=call_id))


@dataclasses.dataclass(eq=False)
class _Runspace:
    """One runspace of a pool (`calls.Runspace`)."""

    machine: Machine
    user: str
    no_language: bool
    visible: dict[str, Command]
    variables: dict[str, typing.Any] = dataclasses.field(default_factory=dict)


class RunspacePool:
    """One shell's PowerShell."""

    def __init__(
        self, machine: Machine, user: str, configuration: configurations.Configuration, channel: Channel
    ) -> None:
        visible = configurations.visible(configuration, configurations.installed(machine))
        self._new_runspace = functools.partial(_Runspace, machine, user, configuration.no_language, visible)
        self._idle: list[_Runspace] = []
        self.closing = threading.Event()
        self._channel = channel
        self._lock = threading.RLock()
        self._pool = _ServerPool()
        self._fragmenter = Fragmenter()
        self._pipelines: dict[uuid.UUID, _Pipeline] = {}
        self._waiting: collections.deque[_Pipeline] = collections.deque()
        self._running = 0

    @property
    def process_id(self) -> int:
        return 0

    @property
    def runspaces(self) -> int:
        return self._pool.resized or self._pool.max_runspaces

    # Engine

    def data(self, pipeline: uuid.UUID | None, fragments: bytes) -> None:
        with self._lock:
            try:
                self._pool.receive_data(psrpcore.PSRPPayload(fragments, psrpcore.StreamType.default, pipeline))
                while event := self._pool.next_event():
                    self._handle(event)
            except _NOT_PSRP as error:
                raise ProtocolError(str(error)) from error
            self.send_prepared()
            self._close_surplus()
            self._start_next()

    def command(self, pipeline: uuid.UUID) -> None:
        with self._lock:
            self._pipelines[pipeline] = _Pipeline(self, psrpcore.ServerPipeline(self._pool, pipeline))

    def signal(self, pipeline: uuid.UUID) -> None:
        with self._lock:
            known = self._pipelines.get(pipeline)
            if known is None:
                return
            known.stopping.set()
            if not known.started:
                with contextlib.suppress(ValueError):
                    self._waiting.remove(known)
                known.stopped()
                self._forget(known)

    def close(self) -> None:
        self.closing.set()
        with self._lock:
            for pipeline in self._pipelines.values():
                pipeline.stopping.set()
            self._waiting.clear()

    # Inside

    def _handle(self, event: psrpcore.PSRPEvent[typing.Any, typing.Any]) -> None:
        pipeline = self._pipelines.get(event.pipeline_id) if event.pipeline_id else None
        if pipeline is None:
            return
        if isinstance(event, psrpcore.CreatePipelineEvent):
            # psrpcore parses the message anew each time that the event is asked for its pipeline.
            metadata = typing.cast(psrpcore.PowerShell, pipeline.server.metadata)
            pipeline.call = arguments.call(metadata)
            if metadata.no_input:
                self._waiting.append(pipeline)
        elif isinstance(event, psrpcore.EndOfPipelineInputEvent):
            # Ansible sends its modules as scripts with input. They are refused when all of it is there.
            self._waiting.append(pipeline)

    def _start_next(self) -> None:
        while self._waiting and self._running < self.runspaces and not self.closing.is_set():
            pipeline = self._waiting.popleft()
            pipeline.started = True
            runspace = self._idle.pop() if self._idle else self._new_runspace()
            self._running += 1
            threading.Thread(target=self._work, args=(pipeline, runspace), daemon=True, name="pipeline").start()

    def _work(self, pipeline: _Pipeline, runspace: _Runspace) -> None:
        try:
            pipeline.run(runspace)
        finally:
            with self._lock:
                self._running -= 1
                self._idle.append(runspace)
                self._close_surplus()
                self._forget(pipeline)
                self._start_next()

    def _close_surplus(self) -> None:
        """Have no more runspaces than the client wants: it may have made the pool smaller."""
        del self._idle[max(0, self.runspaces - self._running) :]

    def _forget(self, pipeline: _Pipeline) -> None:
        self._pipelines.pop(pipeline.id, None)
        self._pool.pipeline_table.pop(pipeline.id, None)
        self._channel.finished(pipeline.id)

    # For pipelines

    def cut(self, pipeline: uuid.UUID, name: MessageName, value: Value) -> list[bytes]:
        return self._fragmenter.cut(self._pool.runspace_pool_id, pipeline, name, value)

    def send(self, pipeline: uuid.UUID, fragments: bytes) -> None:
        self._channel.send(pipeline, fragments)

    def reset(self, pipeline: uuid.UUID) -> None:
        self._channel.reset(pipeline)

    def send_prepared(self) -> None:
        """Send what psrpcore has prepared for the pool."""
        while payload := self._pool.data_to_send(_FLUSH_AT):
            self._channel.send(payload.pipeline_id, payload.data)


class _Pipeline:
    """One pipeline: where its records go (`execution.Streams`), and how it ends (`calls.Outcome`)."""

    def __init__(self, pool: RunspacePool, server: psrpcore.ServerPipeline) -> None:
        self.id = server.pipeline_id
        self.call: Call | None = None
        self.started = False
        self.stopping = threading.Event()
        self._pool = pool
        self.server = server
        self._ended = False
        self._pending: list[bytes] = []
        self._pending_size = 0

    @property
    def closing(self) -> threading.Event:
        return self._pool.closing

    def run(self, runspace: _Runspace) -> None:
        try:
            assert self.call
            run(self.call, runspace, self, self)
        except PipelineStoppedError:
            self.stopped()
        except Exception as error:
            # A mistake of the lab must not leave its client waiting.
            traceback.print_exc()
            self.fail(ErrorRecord(f"The lab failed: {error!r}", "LabFailed"))

    # Outcome

    def write_output(self, value: Value) -> None:
        self._check_stop()
        self._write("PIPELINE_OUTPUT", value)

    def complete(self) -> None:
        self._check_stop()
        self._end(_COMPLETED, None)

    def _check_stop(self) -> None:
        if self.stopping.is_set():
            raise PipelineStoppedError

    def fail(self, record: ErrorRecord) -> None:
        self._end(_FAILED, record)

    def stopped(self) -> None:
        exception = f"{AUTOMATION}.PipelineStoppedException"
        record = ErrorRecord("The pipeline has been stopped.", "PipelineStopped", OPERATION_STOPPED, exception)
        self._end(_STOPPED, record)

    def _end(self, state: int, record: ErrorRecord | None) -> None:
        if self._ended:
            return
        self._ended = True
        message: dict[str, Value] = {"PipelineState": state}
        if record is not None:
            message["ExceptionAsErrorRecord"] = record.as_value()
        self._add(self._pool.cut(self.id, "PIPELINE_STATE", DotNetObject((), {}, message)))
        self.flush()

    # Streams

    def write_error(self, record: ErrorRecord) -> None:
        self._check_stop()
        self._write("ERROR_RECORD", record.as_value())

    def write_warning(self, message: str) -> None:
        self._check_stop()
        self._write("WARNING_RECORD", warning(message))

    def reset_connection(self) -> None:
        self.flush()
        self._pool.reset(self.id)

    def flush(self) -> None:
        """Let the client have what is written so far."""
        if self._pending:
            self._pool.send(self.id, b"".join(self._pending))
            self._pending.clear()
            self._pending_size = 0

    def _write(self, name: MessageName, value: Value) -> None:
        if not self._ended:
            self._add(self._pool.cut(self.id, name, value))

    def _add(self, fragments: list[bytes]) -> None:
        for fragment in fragments:
            self._pending.append(fragment)
            self._pending_size += len(fragment)
            if self._pending_size >= _FLUSH_AT:
                self.flush()
