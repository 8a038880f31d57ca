# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the body of a command can do: write records, wait, and reach the farm."""

from __future__ import annotations

import dataclasses
import threading
import typing

from .clixml import AUTOMATION
from .commands import Bound, Command
from .records import NOT_IMPLEMENTED, NOT_SPECIFIED, RUNTIME, WRITE_ERROR, ErrorRecord, TerminatingError

if typing.TYPE_CHECKING:
    from .faults import Fault
    from .machine import Machine


class PipelineStoppedError(Exception):
    """The client stopped the pipeline, and the command noticed."""


class Streams(typing.Protocol):
    """Where a pipeline's records go."""

    def write_error(self, record: ErrorRecord) -> None: ...

    def write_warning(self, message: str) -> None: ...

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
        """A non-terminating error. Functions use Write-Error with a text: no id and no code of their own."""
        error_id, exception = ("Refused", RUNTIME) if self.command.compiled else (WRITE_ERROR, WRITE_ERROR)
        self.streams.write_error(ErrorRecord(message, error_id, NOT_SPECIFIED, exception, self.command.error_name))

    def terminating(
        self, message: str, error_id: str, category: int, exception: str = "RuntimeException"
    ) -> TerminatingError:
        """What ThrowTerminatingError throws."""
        return TerminatingError(
            ErrorRecord(message, error_id, category, f"{AUTOMATION}.{exception}", self.command.error_name)
        )

    # Questions

    def confirm(self, target: str, action: str) -> None:
        """ShouldProcess of a cmdlet with ConfirmImpact High, when nobody can be asked."""
        if self.bound.get("Confirm", True):
            what = f'Performing the operation "{action}" on target "{target}".'
            raise self.unanswered(f"Are you sure you want to perform this action?\n{what}")

    def unanswered(self, question: str) -> TerminatingError:
        """What ends a command that asks, as nobody can be asked; a function called ShouldContinue for it."""
        text = (
            "A command that prompts the user failed because the host program or the command type does not support user "
            f"interaction. The host was attempting to request confirmation with the following message: {question}"
        )
        if self.command.compiled:
            return self.terminating(text, "HostFunctionNotImplemented", NOT_IMPLEMENTED, "Host.HostException")
        text = f'Exception calling "ShouldContinue" with "2" argument(s): "{text}"'
        return self.terminating(text, "HostException", NOT_SPECIFIED, "MethodInvocationException")

    def throw(self, error: TerminatingError) -> None:
        """What ends a statement of a function, which goes on with the next; the proxy of a role ends."""
        if self.command.proxied:
            raise error
        self.streams.write_error(error.record)

    # Time

    def check_stop(self) -> None:
        if self.streams.stopping.is_set() or self.streams.closing.is_set():
            raise PipelineStoppedError

    def sleep(self, seconds: float | None) -> None:
        """Wait in a way that a stop ends at once. None: for ever."""
        self.streams.flush()
        self.streams.stopping.wait(seconds)
        self.check_stop()

    def block(self, seconds: float | None) -> None:
        """Be inside a call that nothing can interrupt; None: until the remote process is gone."""
        self.streams.flush()
        self.streams.closing.wait(seconds)
