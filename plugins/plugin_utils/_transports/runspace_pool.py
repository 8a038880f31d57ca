# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exchange with a host: the runspaces of Ansible's psrp connection, and pipelines of one command in them.

What many pipelines have brought is asked for one after the other, in the caller's thread: pypsrp's serialiser and the
message encryption cannot be shared by threads.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from ansible.errors import AnsibleConnectionFailure

from .._sessions.errors import ServiceError, TooLateError
from .cmdlet import Call, CallResult, ErrorRecord, NoRunspaceError, Row, State
from .runspace_errors import OPERATION_TIMED_OUT, QUOTAS, explain
from .runspace_messages import BrokenMessageError, Messages, read_error, read_row, read_state, read_text
from .send_deadline import SendDeadline
from .shell_connection import ShellConnection

try:
    from pypsrp.complex_objects import Command, ObjectMeta, PSCredential, RunspacePoolState
    from pypsrp.exceptions import InvalidPSRPOperation, WinRMError, WSManFaultError
    from pypsrp.host import PSHost
    from pypsrp.messages import MessageType
    from pypsrp.powershell import PowerShell
    from requests.exceptions import ConnectTimeout, RequestException
    from spnego.exceptions import SpnegoError

    class Cmdlet(Command):
        """A command that pypsrp does not copy for each use: there is one use, and that took a tenth of the time."""

        def __deepcopy__(self, _memo: object) -> Cmdlet:
            return self

    CONNECTION_ERRORS: tuple[type[Exception], ...] = (WinRMError, RequestException, SpnegoError, BrokenMessageError)
except ImportError as error:
    IMPORT_ERROR: ImportError | None = error
else:
    IMPORT_ERROR = None

if TYPE_CHECKING:
    from pypsrp.powershell import RunspacePool

CLOSE_SECONDS = 10.0
LARGEST_INT32 = 2**31 - 1
STATES = {3: State.STOPPED, 4: State.COMPLETED, 5: State.FAILED}
"""Final states of a pipeline (MS-PSRP 2.2.3.5)."""


@dataclass(slots=True, eq=False)
class Pipeline:
    """A call as the host runs it, and what has come of it."""

    invoked: PowerShell
    state: State | None = None
    """How it ended, once the host has said so."""
    messages: Messages = field(default_factory=Messages)
    output: list[Row] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """What the host knows it by."""
        return str(self.invoked.id)

    def take(self, kind: int, clixml: Element) -> None:
        """Read a message's `clixml`; `kind` is a number of pypsrp's MessageType."""
        if kind == MessageType.PIPELINE_OUTPUT:
            self.output.append(read_row(clixml))
        elif kind == MessageType.ERROR_RECORD:
            self.errors.append(read_error(clixml))
        elif kind == MessageType.WARNING_RECORD:
            self.warnings.append(read_text(clixml))
        elif kind == MessageType.PIPELINE_STATE:
            number, error = read_state(clixml)
            state = STATES.get(number)
            if error is not None and state is State.FAILED:
                self.errors.append(error)
            self.state = state or self.state

    def answer(self, state: State) -> CallResult:
        """Make the answer of what has come by now; `state` says how the call ended."""
        return CallResult(state, tuple(self.output), tuple(self.errors), tuple(self.warnings))


class Runspaces:
    """The runspaces of a psrp connection. To be used from one thread.

    Every method that talks to the host raises AnsibleConnectionFailure when the connection has failed: wrong
    password, host down, session lost; and ServiceError when something on the host must be changed: no such endpoint,
    no right, quota reached. After either it is `lost`, and only `close` makes sense.
    """

    def __init__(self, connection: Any, most_runspaces: int) -> None:
        """Connect over a psrp `connection` plugin, and have no more than `most_runspaces`.

        Raises ServiceError and AnsibleConnectionFailure.
        """
        if IMPORT_ERROR is not None:
            raise ServiceError(
                f"The Python package pypsrp is needed, and {sys.executable} lacks it ({IMPORT_ERROR}): "
                f"{sys.executable} -m pip install pypsrp"
            ) from IMPORT_ERROR
        self._connection = connection
        self.host = str(connection.get_option("remote_addr"))
        """Name or address of the host, for errors."""
        self._endpoint = str(connection.get_option("configuration_name"))
        self.lost = False
        """Whether the connection cannot be trusted any more."""
        try:
            self._open()
            self._shrink(most_runspaces)
        finally:
            self._pool: RunspacePool = self._connection.runspace
            if self._pool:
                self.connection = ShellConnection(self._pool.connection, self._pool.shell)
                if self.lost:
                    self.close()

    def _open(self) -> None:
        with self._explained():
            try:
                self._connection._connect()
            except AnsibleConnectionFailure as error:
                # Ansible calls everything that goes wrong here unreachable, and keeps what it was as the context.
                raise explain(error.__context__ or error, self.host, self._endpoint) from None
            except (ImportError, ValueError) as error:
                raise ServiceError(f"A psrp connection to {self.host} cannot be made: {error}.") from error

    def _shrink(self, most: int) -> None:
        """Have no more runspaces than is right for these calls: Ansible keeps the pool for all items of a loop."""
        pool = self._connection.runspace
        if pool.max_runspaces > most:
            with self._explained():
                pool.max_runspaces = most

    @property
    def size(self) -> int:
        """How many runspaces there may be."""
        return int(self._pool.max_runspaces)

    def grow(self, size: int) -> None:
        """Let the pool have up to `size` runspaces. A host that does not allow it keeps what it has.

        Raises NoRunspaceError when the host's quotas do not allow the request now.
        """
        with self._explained(), self._within_quotas():
            self.connection.drop_idle()
            try:
                self._pool.max_runspaces = size
            except InvalidPSRPOperation:
                return
            except WSManFaultError as error:
                if error.code != OPERATION_TIMED_OUT:
                    raise

    def prepare(self, call: Call) -> Pipeline:
        """Make a pipeline of a call, and sign in if need be: an act must not be what waits for a connection."""
        with self._explained():
            self.connection.drop_idle()
            command = Cmdlet(call.command, protocol_version=self._pool.protocol_version or "", is_script=False)
            invoked = PowerShell(self._pool).add_command(command)
            for name, value in call.parameters.items():
                invoked.add_parameter(name, self._wire(value))
            for name, secret in call.secrets.items():
                self._pool.exchange_keys()
                credential = PSCredential(username=secret.user, password=secret.password)  # type: ignore[no-untyped-call]
                invoked.add_parameter(name, credential)
            self.connection.sign_in()
        return Pipeline(invoked)

    def _wire(self, value: Any) -> Any:
        """Say the types that pypsrp would choose too small."""
        if isinstance(value, list):
            return [self._wire(one) for one in value]
        if isinstance(value, float):
            return self._pool.serialize(value, ObjectMeta("Db"))
        if isinstance(value, int) and not -LARGEST_INT32 <= value <= LARGEST_INT32:
            return self._pool.serialize(value, ObjectMeta("I64"))
        return value

    def send(self, pipeline: Pipeline, deadline: SendDeadline) -> None:
        """Begin a pipeline before its `deadline`, or raise with nothing sent.

        Raises TooLateError, and NoRunspaceError when the host's quotas do not allow it now.
        """
        deadline.check()
        with self._explained(), self._within_quotas(), self._in_time(pipeline, deadline):
            # No host for the pipeline: a cmdlet that would ask fails, instead of waiting for an answer.
            host, self._pool.host = self._pool.host, PSHost(None, None, False, None, None, None, "")
            try:
                pipeline.invoked.begin_invoke()
            except WSManFaultError:
                self.forget(pipeline)
                raise
            finally:
                self._pool.host = host

    @contextmanager
    def _in_time(self, pipeline: Pipeline, deadline: SendDeadline) -> Iterator[None]:
        """Send nothing too late: a connection that was dropped is made on the way, and signed in to with more requests.

        Raises TooLateError.
        """
        if deadline.send_before == math.inf:
            yield
            return
        # Ansible has made the connection with pypsrp's adapter: one of our own would cost another sign-in.
        transport: Any = self._pool.connection.transport
        adapter = transport.session.get_adapter(transport.endpoint)
        send, retries, patience = adapter.send, adapter.max_retries, transport.connection_timeout

        def send_in_time(*request: Any, **options: Any) -> Any:
            deadline.check()
            return send(*request, **options)

        adapter.send = send_in_time
        adapter.max_retries = 0
        transport.connection_timeout = deadline.connect_seconds(patience)
        try:
            yield
        except (TooLateError, ConnectTimeout):
            # Nothing was sent.
            self.forget(pipeline)
            self.connection.renew()
            raise TooLateError from None
        finally:
            transport.connection_timeout = patience
            adapter.max_retries = retries
            del adapter.send

    def receive(self, pipeline: Pipeline, seconds: float) -> bool:
        """Read what a pipeline brings within `seconds`, as `ShellConnection.receive`; return whether it did."""
        with self._explained():
            return self.take(pipeline, self.connection.receive(pipeline.id, seconds))

    def take(self, pipeline: Pipeline, data: bytes) -> bool:
        """Read what a pipeline has brought over any connection; return whether it was anything."""
        with self._explained():
            for kind, clixml in pipeline.messages.read(data):
                pipeline.take(kind, clixml)
        return bool(data)

    def fail(self, error: Exception) -> None:
        """Raise what an error of another connection to the shell means."""
        with self._explained():
            raise error

    def stop(self, pipeline: Pipeline) -> bool:
        """Send the stop signal; return whether the host has answered. Only what the pipeline brings counts."""
        with self._explained():
            return self.connection.stop(pipeline.id)

    def forget(self, pipeline: Pipeline) -> None:
        """Expect nothing more of a pipeline."""
        self._pool.pipelines.pop(pipeline.id, None)

    def clean_up(self, pipeline: Pipeline) -> None:
        """Let the host forget a finished pipeline. That may fail: a lost connection shows in the next request."""
        self.forget(pipeline)
        with self._explained():
            try:
                self.connection.terminate(pipeline.id)
            except CONNECTION_ERRORS:
                self.connection.renew()

    def close(self) -> None:
        """Close the shell, and with it what still runs in it, within about CLOSE_SECONDS."""
        wsman = self._pool.connection
        self.connection.renew()
        wsman.operation_timeout = max(1, int(CLOSE_SECONDS / 2))
        wsman.transport.connection_timeout = wsman.transport.read_timeout = wsman.operation_timeout + 1
        with suppress(*CONNECTION_ERRORS):
            self._pool.shell.close()
        self._pool.state = RunspacePoolState.CLOSED
        self._connection.close()

    @contextmanager
    def _within_quotas(self) -> Iterator[None]:
        """Raise NoRunspaceError when the host has refused a request because the user has too much open there."""
        try:
            yield
        except WSManFaultError as error:
            if error.code not in QUOTAS:
                raise
            raise NoRunspaceError(str(explain(error, self.host, self._endpoint)), lasting=False) from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn an error into a sentence, and remember that the connection cannot be trusted any more."""
        try:
            yield
        except (TooLateError, NoRunspaceError):
            raise
        except CONNECTION_ERRORS as error:
            self.lost = True
            # Not "from error": ansible-core would add the library's text to the sentence.
            raise explain(error, self.host, self._endpoint) from None
        except BaseException:
            self.lost = True
            raise
