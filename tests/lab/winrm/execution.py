# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the body of a command can do: write records, ask, wait, and reach the farm."""

from __future__ import annotations

import dataclasses
import threading
import typing

from . import exceptions
from .clixml import Value
from .commands import Bound, Command
from .records import (
    NOT_SPECIFIED,
    NOWHERE,
    ErrorRecord,
    Invocation,
    Position,
    Stream,
    TerminatingError,
)

if typing.TYPE_CHECKING:
    from .faults import Fault
    from .machine import Machine

_WRAPPER = "& $wrappedCmd @PSBoundParameters"
_WRAPPED_AT = Position(
    line_number=25,
    offset=23,
    line=f"        $scriptCmd = {{{_WRAPPER} }}\n",
    statement=_WRAPPER,
    message=f"At line:25 char:23\n+         $scriptCmd = {{{_WRAPPER} }}\n+{'~' * len(_WRAPPER):>55}",
)


class PipelineStoppedError(Exception):
    """The client stopped the pipeline, and the command noticed."""


class Streams(typing.Protocol):
    """Where a pipeline's records go, and whom it can ask."""

    def write_error(self, record: ErrorRecord) -> None: ...

    def write_text(self, stream: Stream, message: str) -> None: ...

    def write_host(self, text: str) -> None:
        """Show a line on the client's console, if it has one."""
        ...

    def ask(self, caption: str, question: str) -> bool | None:
        """Yes or no of the client's user; None: the client has nobody to ask."""
        ...

    def flush(self) -> None:
        """Let the client have what is written so far."""
        ...

    def reset_connection(self) -> None:
        """Cut the client's connection, as a fault."""
        ...

    @property
    def stopping(self) -> threading.Event:
        """Set when the client wants the pipeline to stop."""
        ...

    @property
    def closing(self) -> threading.Event:
        """Set when the whole shell goes away."""
        ...


class RunspaceState(typing.Protocol):
    """What lives as long as a runspace."""

    machine: Machine
    user: str
    visible: dict[str, Command]
    variables: dict[str, typing.Any]


@dataclasses.dataclass
class Execution:
    """One call of a command."""

    command: Command
    runspace: RunspaceState
    streams: Streams
    bound: Bound

    @property
    def machine(self) -> Machine:
        return self.runspace.machine

    def fault(self, *kinds: str) -> Fault | None:
        """The rule of one of the kinds that acts on this call."""
        return self.machine.faults.take(
            *kinds,
            host=self.machine.name,
            user=self.runspace.user,
            command=self.command.name,
            parameters=self.bound,
        )

    # Records

    def write_error(self, message: str) -> None:
        """Write-Error with a text, as the RemoteDesktop functions do: no id and no code of its own."""
        self.report(
            ErrorRecord(
                exceptions.write_error(message),
                f"Microsoft.PowerShell.Commands.WriteErrorException,{self.command.error_name}",
                NOT_SPECIFIED,
                activity="Write-Error",
                invocation=self.invocation(),
                stack=self.stack(),
            )
        )

    def report(self, record: ErrorRecord) -> None:
        """A non-terminating error, unless the caller prefers otherwise."""
        preference = self.bound.get("ErrorAction", "Continue")
        if preference == "Stop":
            # Now the record tells where in the module's script it was written.
            script = self._script
            at = Position(script, 1, 1, "Write-Error", "Write-Error", f"At {script}:1 char:1")
            invocation = dataclasses.replace(record.invocation, position=at) if record.invocation else None
            raise TerminatingError(dataclasses.replace(record, invocation=invocation), by_preference=True)
        if preference not in ("SilentlyContinue", "Ignore"):
            self.streams.write_error(record)

    def terminating(
        self, exception: exceptions.DotNetException, error_id: str, category: int, target: Value, target_type: str
    ) -> TerminatingError:
        """What ThrowTerminatingError throws."""
        return TerminatingError(
            ErrorRecord(
                exception,
                f"{error_id},{self.command.error_name}",
                category,
                self.command.proxied or self.command.name,
                target,
                str(target),
                target_type,
                self.invocation(),
                self.stack(),
            )
        )

    def write_warning(self, message: str) -> None:
        if self.bound.get("WarningAction") not in ("SilentlyContinue", "Ignore"):
            self.streams.write_text("Warning", message)

    def write_verbose(self, message: str) -> None:
        if self.bound.get("Verbose"):
            self.streams.write_text("Verbose", message)

    def invocation(self) -> Invocation:
        name = self.command.proxied or self.command.name
        return Invocation(name, self.command.name, _WRAPPED_AT if self.command.proxied else NOWHERE)

    def stack(self) -> str | None:
        """Where the function was; binary cmdlets have none, proxies add theirs."""
        frames = []
        if not self.command.class_name:
            frames.append(f"at {self.command.name}<Process>, {self._script}: line 1")
        if self.command.proxied:
            frames.append("at <ScriptBlock><Process>, <No file>: line 37")
        return "\n".join(frames) or None

    @property
    def _script(self) -> str:
        module = self.command.module
        return rf"C:\Windows\System32\WindowsPowerShell\v1.0\Modules\{module}\{module}.psm1"

    # Questions

    def should_process(self, target: str, action: str) -> bool:
        """ShouldProcess of a function with ConfirmImpact High."""
        what = f'Performing the operation "{action}" on target "{target}".'
        if self.bound.get("WhatIf"):
            self.streams.write_host(f"What if: {what}")
            return False
        if self.bound.get("Confirm", True) is False:
            return True
        return self._ask("ShouldProcess", "Confirm", f"Are you sure you want to perform this action?\n{what}")

    def should_continue(self, question: str) -> bool:
        return self._ask("ShouldContinue", "Confirm", question)

    def _ask(self, method: str, caption: str, question: str) -> bool:
        answer = self.streams.ask(caption, question)
        if answer is not None:
            return answer
        frames = (f"{self.command.name}<Process>", *(["<ScriptBlock><Process>"] if self.command.proxied else []))
        raise TerminatingError(
            ErrorRecord(
                exceptions.prompt_refused(method, question, frames),
                f"HostException,{self.command.error_name}",
                NOT_SPECIFIED,
                activity=self.command.proxied or self.command.name,
                invocation=self.invocation(),
                stack=self.stack(),
            )
        )

    # Time

    def check_stop(self) -> None:
        if self.streams.stopping.is_set() or self.streams.closing.is_set():
            raise PipelineStoppedError

    def sleep(self, seconds: float | None) -> None:
        """Wait as Start-Sleep does: a stop ends it at once. None: for ever."""
        self.streams.flush()
        self.streams.stopping.wait(seconds)
        self.check_stop()

    def block(self, seconds: float | None) -> None:
        """Be inside a call that nothing can interrupt; None: until the remote process is gone."""
        self.streams.flush()
        self.streams.closing.wait(seconds)
