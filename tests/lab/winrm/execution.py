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
    NOT_IMPLEMENTED,
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


_NO_HOST = ("HostFunctionNotImplemented", NOT_IMPLEMENTED)


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
        if self.command.compiled:
            self.report(ErrorRecord(exceptions.runtime(message), "Refused", NOT_SPECIFIED))
            return
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

    def confirm(self, target: str, action: str) -> None:
        """ShouldProcess of a cmdlet with ConfirmImpact High, when nobody can be asked."""
        if self.bound.get("Confirm", True):
            what = f'Performing the operation "{action}" on target "{target}".'
            raise self.unanswered(f"Are you sure you want to perform this action?\n{what}")

    def unanswered(self, question: str, method: str = "") -> TerminatingError:
        """What a question ends with, as nobody can be asked; `method` is what a function called to ask it."""
        name = self.command.proxied or self.command.name
        error_id, category = ("HostException", NOT_SPECIFIED) if method else _NO_HOST
        exception = exceptions.prompt_refused(question, method)
        return TerminatingError(
            ErrorRecord(
                exception, f"{error_id},{self.command.error_name}", category, name, invocation=self.invocation()
            )
        )

    def throw(self, error: TerminatingError) -> None:
        """What ends a statement of a function, which goes on with the next; the proxy of a role ends."""
        if self.command.proxied:
            raise error
        self.report(error.record)

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
