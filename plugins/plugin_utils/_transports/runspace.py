# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets over the runspace of Ansible's psrp connection, many at once, without a word of script.

Each call is a pipeline of one command, so it works on JEA endpoints in no-language mode. Everything happens in the
caller's thread: pypsrp's serialiser and the message encryption cannot be shared by threads. What many pipelines
have brought is asked for one after the other; a host answers at once when there is something.
"""

from __future__ import annotations

import math
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from ansible.errors import AnsibleConnectionFailure

from .._sessions.errors import ServiceError, TooLateError
from .cmdlet import Call, CallResult, ErrorRecord, NoRunspaceError, Row, State
from .runspace_errors import OPERATION_TIMED_OUT, explain
from .runspace_messages import BrokenMessageError, Messages, read_error, read_row, read_state, read_text

try:
    from pypsrp.complex_objects import Command, ObjectMeta, PSCredential, RunspacePoolState
    from pypsrp.exceptions import InvalidPSRPOperation, WinRMError, WSManFaultError
    from pypsrp.host import PSHost
    from pypsrp.messages import MessageType
    from pypsrp.powershell import PowerShell
    from pypsrp.shell import SignalCode
    from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSManAction
    from requests.exceptions import ConnectTimeout, RequestException, Timeout
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

AT_ONCE = 16
"""Calls in flight at once."""
MOST_RUNSPACES = 64
"""The pool grows up to this when calls block their runspaces for good."""
RECEIVE_SECONDS = 0.5
"""How long a host is let wait for output of one pipeline while others are in flight; WinRM takes nothing shorter."""
LONGEST_RECEIVE = 15.0
RECEIVE_PAUSE = 4.0
"""A pipeline that brings nothing is asked again after pauses that grow up to this, or to a second for each such
pipeline, so that they do not hold up the others."""
STOP_SECONDS = 5.0
"""After its stop signal a call has this long to end. One that is inside a native call, as a log-off that hangs, will
not, and Windows does not even answer the signal before."""
SILENCE_SECONDS = 30.0
"""A host that says nothing for so much longer than it should is lost."""
SHORT_SILENCE = 3.0
"""The same for requests that are not worth a long wait."""
CLOSE_SECONDS = 10.0
SHORTEST_CONNECT = 0.1
LARGEST_INT32 = 2**31 - 1
STATES = {3: State.STOPPED, 4: State.COMPLETED, 5: State.FAILED}
"""Final states of a pipeline (MS-PSRP 2.2.3.5)."""


@dataclass(slots=True, eq=False)
class _RunningCall:
    """A call that is under way."""

    token: int
    pipeline: PowerShell
    deadline: float
    receive_at: float
    """When to ask for its output next; asking in vain postpones it."""
    pause: float = 0.0
    stop_sent: float | None = None
    asked: bool = False
    """Whether it was asked for output since the stop signal."""
    messages: Messages = field(default_factory=Messages)
    output: list[Row] = field(default_factory=list)
    errors: list[ErrorRecord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def answer(self, state: State) -> CallResult:
        """Make the answer of what has come."""
        return CallResult(state, tuple(self.output), tuple(self.errors), tuple(self.warnings))


class RunspaceTransport:
    """Calls cmdlets on the host of a psrp connection. To be used from one thread.

    Every method that talks to the host raises AnsibleConnectionFailure when the connection has failed: wrong
    password, host down, session lost; and ServiceError when something on the host must be changed: no such endpoint,
    no right, quota reached. After either only `close` makes sense.
    """

    def __init__(
        self,
        connection: Any,
        clock: Callable[[], float],
        most_runspaces: int = MOST_RUNSPACES,
        lives: Callable[[], bool] = lambda: True,
    ) -> None:
        """Connect over a psrp connection plugin; `clock` counts seconds, `lives` tells whether the run goes on.

        The host picks the runspace of each call, so calls that need the same one need `most_runspaces=1`. They run one
        after the other then, and one that never ends is the last.

        Raises ServiceError and AnsibleConnectionFailure.
        """
        if IMPORT_ERROR is not None:
            raise ServiceError(
                f"The Python package pypsrp is needed, and {sys.executable} lacks it ({IMPORT_ERROR}): "
                f"{sys.executable} -m pip install pypsrp"
            ) from IMPORT_ERROR
        self._connection = connection
        self._clock = clock
        self._host = str(connection.get_option("remote_addr"))
        self._endpoint = str(connection.get_option("configuration_name"))
        self._running: dict[int, _RunningCall] = {}
        self._finished: list[tuple[int, CallResult]] = []
        self._last_token = 0
        self._blocked = 0
        self._most_runspaces = most_runspaces
        self._lives = lives
        self._lost = False
        try:
            self._open()
            self._shrink()
        finally:
            self._pool: RunspacePool = self._connection.runspace
            if self._lost and self._pool:
                self.close()

    def _open(self) -> None:
        with self._explained():
            try:
                self._connection._connect()
            except AnsibleConnectionFailure as error:
                # Ansible calls everything that goes wrong here unreachable, and keeps what it was as the context.
                raise explain(error.__context__ or error, self._host, self._endpoint) from None
            except (ImportError, ValueError) as error:
                raise ServiceError(f"A psrp connection to {self._host} cannot be made: {error}.") from error

    @property
    def busy(self) -> bool:
        """Whether no call can begin now, but one can when another has ended: `wait` first."""
        return bool(self._running) and self._free() <= 0

    def _free(self) -> int:
        return min(AT_ONCE, self._most_runspaces - self._blocked) - len(self._running)

    def begin(self, call: Call, seconds: float, send_before: float = math.inf) -> int:
        """Begin a call, at once or not at all, and return its token; `wait` returns it with the answer.

        It never waits in a queue on the host: what was proven about a session would be too old when it runs.
        Its deadline is `seconds` from now. With nothing sent it raises NoRunspaceError when no runspace is free, and
        TooLateError when the clock passes `send_before` first or the run ends: making room for a call may take a while.
        """
        if self._free() > 0:
            with self._explained():
                self._grow(len(self._running) + self._blocked + 1)
        if self._free() <= 0:
            raise self._no_runspace()
        with self._explained():
            pipeline = self._pipeline(call)
            if self._pool.connection.transport.session is None:
                self._sign_in()
        if self._clock() >= send_before or not self._lives():
            raise TooLateError
        with self._explained(), self._in_time(send_before, pipeline):
            # No host for the pipeline: a cmdlet that would ask fails, instead of waiting for an answer.
            host, self._pool.host = self._pool.host, PSHost(None, None, False, None, None, None, "")
            try:
                pipeline.begin_invoke()
            finally:
                self._pool.host = host
        now = self._clock()
        self._last_token += 1
        self._running[self._last_token] = _RunningCall(self._last_token, pipeline, now + seconds, now)
        return self._last_token

    def _no_runspace(self) -> NoRunspaceError:
        if self._running:
            under_way = f"{self._host} takes no more calls for now: {len(self._running)} are under way."
            return NoRunspaceError(under_way, lasting=False)
        if self._blocked == 1:
            held = "one that does not end holds the only runspace"
        else:
            held = f"{self._blocked} that do not end hold all the runspaces"
        return NoRunspaceError(f"{self._host} takes no more calls, because {held}: run the task again for the rest.")

    @contextmanager
    def _in_time(self, send_before: float, pipeline: PowerShell) -> Iterator[None]:
        """Send nothing too late: a connection that was dropped is made on the way, and signed in to with more requests.

        Raises TooLateError.
        """
        if send_before == math.inf:
            yield
            return
        transport: Any = self._pool.connection.transport
        adapter = transport.session.get_adapter(transport.endpoint)
        send, retries, patience = adapter.send, adapter.max_retries, transport.connection_timeout

        def send_in_time(*request: Any, **options: Any) -> Any:
            if self._clock() >= send_before or not self._lives():
                raise TooLateError
            return send(*request, **options)

        adapter.send = send_in_time
        adapter.max_retries = 0
        transport.connection_timeout = min(patience, max(SHORTEST_CONNECT, send_before - self._clock()))
        try:
            yield
        except (TooLateError, ConnectTimeout):
            # Nothing was sent.
            self._pool.pipelines.pop(pipeline.id, None)
            self._renew_http()
            raise TooLateError from None
        finally:
            transport.connection_timeout = patience
            adapter.max_retries = retries
            del adapter.send

    def _pipeline(self, call: Call) -> PowerShell:
        command = Cmdlet(call.command, protocol_version=self._pool.protocol_version or "", is_script=False)
        pipeline = PowerShell(self._pool).add_command(command)
        for name, value in call.parameters.items():
            pipeline.add_parameter(name, self._wire(value))
        for name, secret in call.secrets.items():
            self._pool.exchange_keys()
            credential = PSCredential(username=secret.user, password=secret.password)  # type: ignore[no-untyped-call]
            pipeline.add_parameter(name, credential)
        return pipeline

    def _wire(self, value: Any) -> Any:
        """Say the types that pypsrp would choose too small."""
        if isinstance(value, list):
            return [self._wire(one) for one in value]
        if isinstance(value, float):
            return self._pool.serialize(value, ObjectMeta("Db"))
        if isinstance(value, int) and not -LARGEST_INT32 <= value <= LARGEST_INT32:
            return self._pool.serialize(value, ObjectMeta("I64"))
        return value

    def _shrink(self) -> None:
        """Have no more runspaces than is right for these calls: Ansible keeps the pool for all items of a loop."""
        pool = self._connection.runspace
        if pool.max_runspaces > self._most_runspaces:
            with self._explained():
                pool.max_runspaces = self._most_runspaces

    def _grow(self, wanted: int) -> None:
        """Let the pool have room for so many pipelines. A host that does not allow it keeps what it has."""
        if self._pool.max_runspaces >= wanted:
            return
        try:
            self._pool.max_runspaces = min(self._most_runspaces, AT_ONCE + self._blocked)
        except (InvalidPSRPOperation, WSManFaultError) as error:
            if isinstance(error, WSManFaultError) and error.code != OPERATION_TIMED_OUT:
                raise
            self._most_runspaces = self._pool.max_runspaces

    def wait(self, seconds: float) -> list[tuple[int, CallResult]]:
        """Return the calls that have ended: token and answer. Wait for the first at most that long.

        May take half a second longer, and does not wait when no call is under way.
        """
        until = self._clock() + seconds
        while self._running and not self._finished:
            with self._explained():
                self._poll(until)
                for running in list(self._running.values()):
                    self._enforce(running)
            if self._clock() >= until:
                break
        finished, self._finished = self._finished, []
        return finished

    def run(self, call: Call, seconds: float) -> CallResult:
        """Begin a call and wait for its answer; answers to other calls are kept for `wait`."""
        token = self.begin(call, seconds)
        others: list[tuple[int, CallResult]] = []
        while True:
            for ended, answer in self.wait(seconds):
                if ended == token:
                    self._finished = others + self._finished
                    return answer
                others.append((ended, answer))

    def _poll(self, until: float) -> None:
        """Ask for what one pipeline has brought: the oldest whose turn it is, as it has most probably ended."""
        now = self._clock()
        due = [running for running in self._running.values() if running.receive_at <= now]
        running = due[0] if due else min(self._running.values(), key=lambda one: one.receive_at)
        seconds = RECEIVE_SECONDS
        if len(self._running) == 1 and running.stop_sent is None:
            seconds = max(seconds, min(LONGEST_RECEIVE, until - now, running.deadline - now))
        running.asked = True
        if self._receive(running, seconds):
            running.pause, running.receive_at = 0.0, now
        else:
            slow = sum(one.pause > 0.0 for one in self._running.values())
            running.pause = min(max(RECEIVE_PAUSE, 2 * RECEIVE_SECONDS * slow), max(RECEIVE_SECONDS, 2 * running.pause))
            running.receive_at = self._clock() + running.pause

    def _receive(self, running: _RunningCall, seconds: float) -> bool:
        """Read what comes within some seconds; return whether anything did."""
        receive = Element(f"{{{NAMESPACES['rsp']}}}Receive")
        stream = SubElement(receive, f"{{{NAMESPACES['rsp']}}}DesiredStream", CommandId=running.pipeline.id)
        stream.text = "stdout"
        options = OptionSet()
        options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE")
        try:
            response = self._request(WSManAction.RECEIVE, receive, options, seconds, SILENCE_SECONDS)
        except WSManFaultError as error:
            if error.code != OPERATION_TIMED_OUT:
                raise
            return False
        data = [b64decode(one.text or "") for one in response.iterfind(".//rsp:Stream", NAMESPACES)]
        for kind, clixml in running.messages.read(b"".join(data)):
            self._take(running, kind, clixml)
        return any(data)

    def _take(self, running: _RunningCall, kind: int, clixml: Element) -> None:
        if kind == MessageType.PIPELINE_OUTPUT:
            running.output.append(read_row(clixml))
        elif kind == MessageType.ERROR_RECORD:
            running.errors.append(read_error(clixml))
        elif kind == MessageType.WARNING_RECORD:
            running.warnings.append(read_text(clixml))
        elif kind == MessageType.PIPELINE_STATE:
            number, error = read_state(clixml)
            state = STATES.get(number)
            if error is not None and state is State.FAILED:
                running.errors.append(error)
            if state is not None:
                self._finish(running, state)
                self._clean_up(running)

    def _enforce(self, running: _RunningCall) -> None:
        """Stop a call that is over its deadline; give it up when that does not end it."""
        now = self._clock()
        if running.stop_sent is None:
            if now >= running.deadline:
                stopped = self._signal(running, SignalCode.PS_CTRL_C)
                running.stop_sent = self._clock()
                running.receive_at = running.stop_sent + (0.0 if stopped else STOP_SECONDS)
                running.asked = False
        elif running.asked and now >= running.stop_sent + STOP_SECONDS:
            self._blocked += 1
            self._finish(running, State.NO_ANSWER)

    def _finish(self, running: _RunningCall, state: State) -> None:
        del self._running[running.token]
        self._pool.pipelines.pop(running.pipeline.id, None)
        self._finished.append((running.token, running.answer(state)))

    def _signal(self, running: _RunningCall, code: str) -> bool:
        """Send a signal and return whether the host has answered. Only what the pipeline brings counts."""
        signal = Element(f"{{{NAMESPACES['rsp']}}}Signal", CommandId=running.pipeline.id)
        SubElement(signal, f"{{{NAMESPACES['rsp']}}}Code").text = code
        try:
            self._request(WSManAction.SIGNAL, signal, None, RECEIVE_SECONDS, SHORT_SILENCE)
        except WSManFaultError as error:
            return bool(error.code != OPERATION_TIMED_OUT)
        except Timeout:
            self._renew_http()
            return False
        return True

    def _clean_up(self, running: _RunningCall) -> None:
        """Let the host forget a finished pipeline. That may fail: a lost connection shows in the next request."""
        try:
            self._signal(running, SignalCode.TERMINATE)
        except CONNECTION_ERRORS:
            self._renew_http()

    def _request(
        self, action: str, resource: Element, options: OptionSet | None, seconds: float, silence: float
    ) -> Element:
        """Send a request that the host has some seconds to answer, once: pypsrp would repeat it for minutes."""
        wsman, shell = self._pool.connection, self._pool.shell
        selectors = SelectorSet()
        selectors.add_option("ShellId", shell.id or "")
        before = wsman.operation_timeout, wsman.transport.read_timeout
        wsman.operation_timeout = round(seconds, 3)  # type: ignore[assignment]
        wsman.transport.read_timeout = seconds + silence  # type: ignore[assignment]
        try:
            return wsman.invoke(action, shell.resource_uri, resource, options, selectors)
        finally:
            wsman.operation_timeout, wsman.transport.read_timeout = before

    def _sign_in(self) -> None:
        """Ask for what the pool has brought, which is nothing: an act must not be what waits for a connection."""
        receive = Element(f"{{{NAMESPACES['rsp']}}}Receive")
        SubElement(receive, f"{{{NAMESPACES['rsp']}}}DesiredStream").text = "stdout"
        with suppress(WSManFaultError):
            self._request(WSManAction.RECEIVE, receive, None, RECEIVE_SECONDS, SILENCE_SECONDS)

    def _renew_http(self) -> None:
        """Sign in anew for the next request: an exchange that was cut off has spoilt the message encryption."""
        transport = self._pool.connection.transport
        transport.close()
        transport.session = transport.encryption = None

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Let go of the runspace.

        Ansible closes its shell at the end of the task, or keeps it for the next item of a loop. When something still
        runs in it or the connection has failed, that would take long or fail, and the shell would stay open on the
        host: then it is closed here, within about `seconds`.
        """
        if not (self._running or self._blocked or self._lost):
            return
        wsman = self._pool.connection
        self._renew_http()
        wsman.operation_timeout = max(1, int(seconds / 2))
        wsman.transport.connection_timeout = wsman.transport.read_timeout = wsman.operation_timeout + 1
        with suppress(*CONNECTION_ERRORS):
            self._pool.shell.close()
        self._pool.state = RunspacePoolState.CLOSED
        self._connection.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn an error into a sentence, and remember that the connection cannot be trusted any more."""
        try:
            yield
        except TooLateError:
            raise
        except CONNECTION_ERRORS as error:
            self._lost = True
            # Not "from error": ansible-core would add the library's text to the sentence.
            raise explain(error, self._host, self._endpoint) from None
        except BaseException:
            self._lost = True
            raise
