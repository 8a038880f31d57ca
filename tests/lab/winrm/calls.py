# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the call of a pipeline: find the command, bind its parameters, let it work, with the faults that concern it."""

from __future__ import annotations

import dataclasses
import typing

from .binding import bind
from .clixml import AUTOMATION, Value
from .commands import Command
from .execution import Execution, PipelineStoppedError, RunspaceState, Streams
from .records import NOT_IMPLEMENTED, OBJECT_NOT_FOUND, PARSER_ERROR, ErrorRecord, TerminatingError

_FAULTS = ("hang", "wait", "reset", "pass")
_NO_LANGUAGE = "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."
_NO_SCRIPTS = "The lab runs structured commands only, and this is script text. Send commands and their parameters."
_NOT_RECOGNIZED = (
    "The term '{name}' is not recognized as a name of a cmdlet, function, script file, or executable program.\nCheck "
    "the spelling of the name, or if a path was included, verify that the path is correct and try again."
)


@dataclasses.dataclass(frozen=True)
class Call:
    """A command as the client wrote it, with its arguments by name; `script`: the name is script text."""

    name: str
    arguments: tuple[tuple[str, Value], ...] = ()
    script: bool = False


class Runspace(RunspaceState, typing.Protocol):
    """A runspace, with what its session configuration decides."""

    no_language: bool


class Outcome(typing.Protocol):
    """What a pipeline can become; each ends it for the client."""

    def write_output(self, value: Value) -> None: ...

    def complete(self) -> None: ...

    def fail(self, record: ErrorRecord) -> None: ...


def run(call: Call, runspace: Runspace, streams: Streams, outcome: Outcome) -> None:
    """PipelineStoppedError passes through."""
    try:
        command = _find(call, runspace)
        execution = Execution(command, runspace, streams, bind(command, call.arguments))
        for value in perform(execution, *_FAULTS):
            outcome.write_output(value)
    except TerminatingError as error:
        outcome.fail(error.record)
    else:
        outcome.complete()


def _find(call: Call, runspace: Runspace) -> Command:
    if call.script:
        if runspace.no_language:
            raise _refused(_NO_LANGUAGE, "ScriptsNotAllowed", PARSER_ERROR, "ParseException")
        raise _refused(_NO_SCRIPTS, "ScriptNotInLab", NOT_IMPLEMENTED, "PSNotImplementedException")
    absent = runspace.machine.faults.take(
        "not_installed", host=runspace.machine.name, user=runspace.user, command=call.name
    )
    command = runspace.visible.get(call.name.lower())
    if command is None or absent:
        message, name = _NOT_RECOGNIZED.format(name=call.name), "CommandNotFoundException"
        raise _refused(message, name, OBJECT_NOT_FOUND, name)
    return command


def _refused(message: str, error_id: str, category: int, exception: str) -> TerminatingError:
    return TerminatingError(ErrorRecord(message, error_id, category, f"{AUTOMATION}.{exception}"))


def perform(execution: Execution, *faults: str) -> typing.Iterator[Value]:
    """The body, with the faults that concern it before and behind, of which the caller can do some kinds."""
    execution.check_stop()
    rule = execution.fault(*faults)
    if rule and rule.kind == "hang":
        execution.block(rule.seconds)
    elif rule and rule.kind == "wait":
        execution.sleep(rule.seconds)
    elif rule and rule.when == "before":
        if rule.kind == "reset":
            execution.streams.reset_connection()
            raise PipelineStoppedError
        rule.change(execution.machine.farm)
    delay = execution.machine.settings.delay_of(execution.command.name)
    if delay:
        execution.block(delay)
    if execution.streams.closing.is_set():
        raise PipelineStoppedError
    yield from execution.command.body(execution, execution.bound)
    if rule and rule.when == "after":
        rule.change(execution.machine.farm)
        if rule.kind == "reset":
            execution.streams.reset_connection()
