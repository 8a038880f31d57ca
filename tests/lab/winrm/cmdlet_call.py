# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm for cmdlets that a real PowerShell runs (tests/cmdlets): it has bound the parameters, and will write.

A call names the Windows host, the user, the command and its parameters. It does what the stand-in of that command does
with the farm, faults and delays included, and answers with what the cmdlet is to write, in order:

    {"kind": "row", "row": {"UserName": "alice", ...}}          times in UTC, enumerations by name
    {"kind": "error", "message": ..., "id": ..., "category": ..., "exception": ...}
    {"kind": "terminating", ...}                                 the same, thrown
    {"kind": "warning", "message": ...}
    {"kind": "wait", "seconds": 3.0}                             alone: wait so long (-1: for ever) in a way that a stop
                                                                 ends, and call again with "waited"
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import typing
from datetime import datetime, timezone

from ..farm import iso
from .calls import perform
from .clixml import U32, Collection, DotNetObject, SecretValue, Value
from .commands import Bound, Command, Parameter
from .configurations import installed
from .execution import Execution, PipelineStoppedError
from .machine import Machine
from .records import CATEGORIES, ErrorRecord, TerminatingError

Body = dict[str, typing.Any]


class _Runspace:
    """What the command knows of the process that calls: the account that signed in to WVD classic there."""

    def __init__(self, machine: Machine, user: str, account: str) -> None:
        self.machine = machine
        self.user = user
        self.visible: dict[str, Command] = {}
        self.variables: dict[str, typing.Any] = {"rds_account": account} if account else {}


class _Streams:
    """Collects what is to be written (`execution.Streams`)."""

    def __init__(self, gone: threading.Event) -> None:
        self.items: list[Body] = []
        self.stopping = threading.Event()
        self.closing = gone

    def write_error(self, record: ErrorRecord) -> None:
        self.items.append(_error("error", record))

    def write_warning(self, message: str) -> None:
        self.items.append({"kind": "warning", "message": message})

    def flush(self) -> None:
        """Everything is written at the end."""

    def reset_connection(self) -> None:
        raise NotImplementedError("only the stand-in's connections can be cut in the middle of a cmdlet")


def call(machine: Machine, body: Body, gone: threading.Event) -> list[Body]:
    """Do what the command does; `gone` is set when the process that asks is no more. Raises KeyError."""
    command = installed(machine)[body["command"].lower()]
    runspace = _Runspace(machine, body["user"], body.get("account") or "")
    streams = _Streams(gone)
    known = {parameter.name: parameter for parameter in command.all_parameters}
    bound: Bound = {name: _argument(known[name], given) for name, given in body["parameters"].items()}
    execution = Execution(command, runspace, streams, bound)
    if not body.get("waited") and (rule := execution.fault("wait")) is not None:
        return [{"kind": "wait", "seconds": -1 if rule.seconds is None else rule.seconds}]
    try:
        for row in perform(execution, "hang", "pass"):
            streams.items.append({"kind": "row", "row": _row(row)})
    except TerminatingError as error:
        streams.items.append(_error("terminating", error.record))
    except PipelineStoppedError:
        pass
    return streams.items


async def answer(machine: Machine, body: Body) -> list[Body]:
    """`call` in a thread of its own, as it may block for ever. Cancelled when the client's connection ends."""
    loop, gone = asyncio.get_running_loop(), threading.Event()
    answered: asyncio.Future[list[Body]] = loop.create_future()

    def work() -> None:
        try:
            items = call(machine, body, gone)
        except Exception as error:
            _tell(loop, answered, functools.partial(answered.set_exception, error))
        else:
            _tell(loop, answered, functools.partial(answered.set_result, items))

    threading.Thread(target=work, daemon=True, name="cmdlet").start()
    try:
        return await answered
    finally:
        gone.set()


def _tell(
    loop: asyncio.AbstractEventLoop, answered: asyncio.Future[list[Body]], tell: typing.Callable[[], None]
) -> None:
    with contextlib.suppress(RuntimeError):  # the lab has ended
        loop.call_soon_threadsafe(lambda: None if answered.done() else tell())


def _argument(parameter: Parameter, given: typing.Any) -> typing.Any:
    if parameter.type == "System.Management.Automation.PSCredential":
        return SecretValue(given["user_name"], given["password"])
    kind = U32 if parameter.type.startswith("System.UInt32") else None
    if isinstance(given, list):
        return tuple(kind(item) if kind else item for item in given)
    return kind(given) if kind else given


def _row(value: Value) -> Body:
    assert isinstance(value, DotNetObject)
    return {name: _plain(member) for name, member in value.adapted.items()}


def _plain(value: Value) -> typing.Any:
    if isinstance(value, Collection):
        return [_plain(item) for item in value.items]
    if isinstance(value, datetime):
        return iso(value.astimezone(timezone.utc))
    return int(value) if isinstance(value, U32) else value


def _error(kind: str, record: ErrorRecord) -> Body:
    return {
        "kind": kind,
        "message": record.message,
        "id": record.error_id,
        "category": CATEGORIES[record.category],
        "exception": record.reason,
    }
