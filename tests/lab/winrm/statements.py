# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the statements of a pipeline, with the engine's own ways of ending them."""

from __future__ import annotations

import contextlib
import dataclasses
import typing

from . import exceptions
from .binding import Argument, Binding, BindingError, bind, bind_input
from .clixml import Value
from .commands import Command
from .engine_commands import NOT_RECOGNIZED
from .exceptions import AUTOMATION
from .execution import Execution, PipelineStoppedError, RunspaceState, Streams
from .records import NOT_IMPLEMENTED, OBJECT_NOT_FOUND, PARSER_ERROR, ErrorRecord, TerminatingError

_LOOK_UP = (
    f"{AUTOMATION}.CommandInfo LookupCommandInfo(System.String, {AUTOMATION}.CommandTypes, "
    f"{AUTOMATION}.SearchResolutionOptions, {AUTOMATION}.CommandOrigin, {AUTOMATION}.ExecutionContext)"
)
_SHOULD_RUN = (
    f"Void ShouldRun({AUTOMATION}.ExecutionContext, {AUTOMATION}.Host.PSHost, {AUTOMATION}.CommandInfo, "
    f"{AUTOMATION}.CommandOrigin)"
)
_FAULTS = ("hang", "wait", "reset", "pass")
_NO_LANGUAGE = "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."
_NO_SCRIPTS = "The lab runs structured commands only, and this is script text. Send commands and their parameters."


@dataclasses.dataclass(frozen=True)
class Call:
    """A command of a statement, as the client wrote it."""

    name: str
    arguments: tuple[Argument, ...] = ()
    script: bool = False


Statement = tuple[Call, ...]


class Runspace(RunspaceState, typing.Protocol):
    """A runspace, with what its session configuration decides."""

    installed: dict[str, Command]
    no_language: bool


class Outcome(typing.Protocol):
    """What a pipeline can become; each ends it for the client."""

    def write_output(self, value: Value) -> None: ...

    def complete(self) -> None: ...

    def fail(self, record: ErrorRecord) -> None: ...


def run(
    statements: typing.Sequence[Statement],
    runspace: Runspace,
    streams: Streams,
    outcome: Outcome,
    given: typing.Sequence[Value] | None = None,
) -> None:
    """Run the statements one after another. PipelineStoppedError passes through.

    A terminating error in the first of several is reported as a record, and the pipeline ends for the client after the
    second; one in a later statement ends it there. The rest runs all the same, and nobody hears of it: that is what the
    engine does, unless ErrorAction Stop was the reason.
    """
    first_failed = False
    for number, statement in enumerate(statements):
        try:
            for value in _run_statement(statement, runspace, streams, given if number == 0 else None):
                outcome.write_output(value)
        except TerminatingError as error:
            if number == 0 and len(statements) > 1 and not error.by_preference:
                first_failed = True
                streams.write_error(error.record)
                continue
            outcome.fail(error.record)
            if not error.by_preference:
                _run_unheard(statements[number + 1 :], runspace, streams)
            return
        if first_failed:
            outcome.complete()
            _run_unheard(statements[number + 1 :], runspace, streams)
            return
    outcome.complete()


def _run_unheard(statements: typing.Sequence[Statement], runspace: Runspace, streams: Streams) -> None:
    for statement in statements:
        with contextlib.suppress(TerminatingError):
            for _value in _run_statement(statement, runspace, streams, None):
                pass


def _run_statement(
    statement: Statement, runspace: Runspace, streams: Streams, given: typing.Sequence[Value] | None
) -> typing.Iterator[Value]:
    """All commands are found first, then bound, then run. Raises TerminatingError."""
    commands = [_find(call, runspace) for call in statement]
    bindings = [
        bind(command, call.arguments, takes_input=number > 0 or given is not None)
        for number, (command, call) in enumerate(zip(commands, statement, strict=True))
    ]
    flow: typing.Iterator[Value] | None = None if given is None else iter(given)
    for binding in bindings:
        flow = _stage(Execution(binding.command, runspace, streams, binding.bound), binding, flow)
    return flow or iter(())


def _find(call: Call, runspace: Runspace) -> Command:
    if call.script:
        if runspace.no_language:
            exception, error_id, category = exceptions.parse(_NO_LANGUAGE), "ScriptsNotAllowed", PARSER_ERROR
        else:
            exception, error_id = exceptions.runtime(_NO_SCRIPTS, name="PSNotImplementedException"), "ScriptNotInLab"
            category = NOT_IMPLEMENTED
        raise _unknown(call.name, exception, error_id, category)
    name = call.name.lower()
    absent = runspace.machine.faults.take(
        "not_installed", host=runspace.machine.name, user=runspace.user, command=call.name
    )
    command = runspace.visible.get(name)
    if command is not None and not absent:
        return command
    # A command that is there and not for this session is refused elsewhere in the engine, with the same record.
    site = _SHOULD_RUN if name in runspace.installed and not absent else _LOOK_UP
    exception = exceptions.command_not_found(NOT_RECOGNIZED.format(name=call.name), call.name, site)
    raise _unknown(call.name, exception, "CommandNotFoundException", OBJECT_NOT_FOUND)


def _unknown(name: str, exception: exceptions.DotNetException, error_id: str, category: int) -> TerminatingError:
    return TerminatingError(
        ErrorRecord(exception, error_id, category, target=name, target_name=name, target_type="String")
    )


def _stage(execution: Execution, binding: Binding, given: typing.Iterator[Value] | None) -> typing.Iterator[Value]:
    """One command of a statement, fed by the one before it."""
    if binding.command.filter is not None:
        yield from binding.command.filter(execution, binding.bound, given or iter(()))
    elif given is None:
        yield from perform(execution, *_FAULTS)
    else:
        for item in given:
            try:
                bound = bind_input(binding, item)
            except BindingError as error:
                execution.report(error.record)
                continue
            yield from perform(dataclasses.replace(execution, bound=bound), *_FAULTS)


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
    if execution.command.body is not None:
        yield from execution.command.body(execution, execution.bound)
    if rule and rule.when == "after":
        rule.change(execution.machine.farm)
        if rule.kind == "reset":
            execution.streams.reset_connection()
