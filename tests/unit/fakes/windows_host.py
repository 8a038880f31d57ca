# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows host in memory, reached over a transport that keeps calls in flight or over one that runs batches."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import ServiceCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.proof import ProofAge
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import LOG_OFF, Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    ErrorRecord,
    NoRunspaceError,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import (
    BatchResult,
    ConditionalCall,
    ConditionalResult,
    TimedResult,
    Verdict,
)
from tests.unit.fakes.clock import Clock

CREATED = "2026-11-20T08:00:00.5Z"
DONE = CallResult(State.COMPLETED)

Row = dict[str, Any]
Reply = CallResult | Exception
Command = Callable[["FakeHost", Call], Reply]


def error(
    message: str = "Zugriff verweigert",
    id_: str = "Microsoft.PowerShell.Commands.WriteErrorException",
    category: str = "NotSpecified",
    exception: str = "WriteErrorException",
    state: State = State.COMPLETED,
) -> CallResult:
    """Make the answer of a cmdlet that wrote an error, by default as a function with Write-Error does."""
    return CallResult(state, errors=(ErrorRecord(id_, category, exception, message),))


def terminating(
    id_: str, category: str = "InvalidArgument", exception: str = "ParameterBindingException"
) -> CallResult:
    """Make the answer of a call that an error ended."""
    return error(f"text of {id_}", id_, category, exception, State.FAILED)


def rd_row(id_: int = 2, user: str | None = "alice", host: str | None = "rdsh-1.contoso.com", **more: Any) -> Row:
    """Make an RDUserSession."""
    return {
        "HostServer": host,
        "UnifiedSessionId": id_,
        "SessionId": id_,
        "UserName": user,
        "DomainName": "CONTOSO",
        "CollectionName": "Desktops",
        "SessionState": "STATE_ACTIVE",
        "CreateTime": CREATED,
        "DisconnectTime": None,
        **more,
    }


@dataclass
class FakeHost:
    """Sessions, and how commands answer: by default they do what they say."""

    rows: list[Row] = field(default_factory=list)
    clock: Clock = field(default_factory=lambda: Clock(tick=0.001))
    list_command: str = "Get-RDUserSession"
    id_property: str = "UnifiedSessionId"
    id_parameter: str = "UnifiedSessionID"
    sign_in_command: str = ""
    """Must come first in a runspace, if there is one."""
    scripts: dict[str, list[Command]] = field(default_factory=dict)
    """Answers of a command in turn; when they are used up it does what it says."""
    calls: list[Call] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    """Whose sessions were ended."""
    signed_in: set[int] = field(default_factory=set)
    """The runspaces in which somebody has signed in."""

    def answer(self, call: Call, runspace: int = 0) -> CallResult:
        """Do what a call says."""
        self.calls.append(call)
        if call.command == self.sign_in_command:
            self.signed_in.add(runspace)
        elif self.sign_in_command and runspace not in self.signed_in:
            return error("User is not signed in.", "NotSignedIn", "AuthenticationError", "Exception", State.FAILED)
        script = self.scripts.get(call.command)
        if script:
            reply = script.pop(0)(self, call)
            if isinstance(reply, Exception):
                raise reply
            return reply
        if call.command == self.list_command:
            return CallResult(State.COMPLETED, tuple(dict(row) for row in self.rows))
        if self.id_parameter in call.parameters:
            self.end(call)
        return DONE

    def end(self, call: Call) -> None:
        """End the session that a call names."""
        ids = call.parameters[self.id_parameter]
        for id_ in ids if isinstance(ids, list) else [ids]:
            self.owners += [row["UserName"] for row in self.rows if row[self.id_property] == id_]
            self.rows = [row for row in self.rows if row[self.id_property] != id_]

    def give_id_to(self, id_: int, user: str) -> None:
        """Let another user have the id."""
        for row in self.rows:
            if row[self.id_property] == id_:
                row.update(UserName=user, CreateTime="2026-11-21T09:00:00Z")

    def sent(self, command: str) -> list[Call]:
        """The calls of a command."""
        return [call for call in self.calls if call.command == command]


def always(*answers: Reply) -> list[Command]:
    """Script these answers."""
    return [lambda host, call, answer=answer: answer for answer in answers]


class LiveTransport:
    """Answers calls in the order in which they were begun, each after `seconds_each`.

    A call runs in the first runspace that no other holds; one that gives no answer holds its own for good.
    """

    def __init__(self, host: FakeHost, most: int = 16, seconds_each: float = 0.1, most_runspaces: int = 64) -> None:
        self.host, self.most, self.seconds_each, self.most_runspaces = host, most, seconds_each, most_runspaces
        self.flights: dict[int, tuple[Call, int, float]] = {}
        self.blocked: set[int] = set()
        self.held_up_by_silence = self.held_up_by_quota = ""
        self.most_at_once = 0
        self.begin_errors: list[Exception] = []
        self.wait_errors: list[Exception] = []
        self.closed = 0
        self.send_before = math.inf
        self.deadlines: dict[str, float] = {}
        self._last = 0

    @property
    def given_up(self) -> int:
        return len(self.blocked)

    def room(self, spare: int = 0) -> int:
        return min(self.most, self.most_runspaces - len(self.blocked)) - len(self.flights) - spare

    @property
    def busy(self) -> bool:
        return bool(self.flights) and self.room() <= 0

    def begin(self, call: Call, seconds: float, send_before: float = math.inf) -> int:
        self.send_before = send_before
        if self.begin_errors:
            raise self.begin_errors.pop(0)
        assert not self.busy
        if self.room() <= 0:
            raise NoRunspaceError("all runspaces are blocked.")
        held = {runspace for _call, runspace, _deadline in self.flights.values()} | self.blocked
        self._last += 1
        self.flights[self._last] = (call, min({*range(len(held) + 1)} - held), seconds)
        self.deadlines[call.command] = seconds
        self.most_at_once = max(self.most_at_once, len(self.flights))
        return self._last

    def wait(self, seconds: float) -> list[tuple[int, CallResult]]:
        if self.wait_errors:
            raise self.wait_errors.pop(0)
        if not self.flights:
            return []
        token = min(self.flights)
        call, runspace, deadline = self.flights.pop(token)
        answer = self.host.answer(call, runspace)
        given_up = answer.state in (State.STOPPED, State.NO_ANSWER)
        if answer.state is State.NO_ANSWER:
            self.blocked.add(runspace)
        self.host.clock.now += deadline if given_up else self.seconds_each
        return [(token, answer)]

    def run(self, call: Call, seconds: float) -> CallResult:
        if self.wait_errors:
            raise self.wait_errors.pop(0)
        self.host.clock.now += self.seconds_each
        return self.host.answer(call)

    def close(self) -> None:
        self.closed += 1


class BatchTransport:
    """Runs batches as the packaged script does: list, prove, act, list again.

    A run takes `seconds_each`, a list `list_each`, and from one act to the next it is `act_each`: several run at once.
    """

    SEND_SECONDS = 10.0

    def __init__(self, host: FakeHost, seconds_each: float = 3.0, act_each: float = 0.0) -> None:
        self.host, self.seconds_each, self.act_each = host, seconds_each, act_each
        self.list_each = 0.0
        self.start_unknown_by = 0.0
        """Seconds of each run of which nobody knows whether they passed before the script started or after it."""
        self.shortest_lists: list[float] = []
        """What each request knew of lists before."""
        self.runs: list[list[str]] = []
        self.errors: list[Exception] = []
        self.acts: list[ConditionalCall] = []
        self.seconds: list[float] = []
        """How long an act of each request may take."""
        self.first: list[Sequence[Call]] = []
        self.names: list[Sequence[str]] = []
        self.verdicts: list[list[Verdict]] = []
        self._last_begin = math.inf
        self._proof_age = ProofAge()

    def _module(self, *commands: str) -> None:
        self.runs.append(list(commands))
        self.host.clock.now += self.seconds_each
        if self.errors:
            raise self.errors.pop(0)

    def _answer(self, call: Call) -> TimedResult:
        begun_at = self.host.clock()
        answer = self.host.answer(call)
        if call.command == self.host.list_command:
            self.host.clock.now += self.list_each
        return TimedResult(answer, begun_at, self.host.clock() - begun_at)

    def _list(self, listing: Call) -> tuple[TimedResult, bool]:
        """Read a list, and say whether it was in time to prove anything."""
        listed = self._answer(listing)
        if listed.answer.whole:
            self._proof_age.took(listed.seconds)
        return listed, self._is_new(listed)

    def _is_new(self, listed: TimedResult) -> bool:
        return self.host.clock.now - listed.begun_at < self._proof_age.longest

    def run(self, calls: Sequence[Call], seconds: float) -> list[TimedResult]:
        self._module(*(call.command for call in calls))
        return [self._answer(call) for call in calls]

    def act(
        self,
        listing: Call,
        acts: Sequence[ConditionalCall],
        seconds: float,
        list_seconds: float,
        first: Sequence[Call] = (),
        names: Sequence[str] = (),
        shortest_list: float = math.inf,
    ) -> BatchResult:
        called = self.host.clock()
        self.shortest_lists.append(shortest_list)
        self._proof_age = ProofAge(shortest_list)
        self._last_begin = math.inf
        self._module(*(call.command for call in first), listing.command, *(act.call.command for act in acts))
        self.acts += acts
        self.seconds.append(seconds)
        self.first.append(first)
        self.names.append(names)
        answers = tuple(self._answer(call) for call in first)
        listed, in_time = self._list(listing)
        reports = []
        for act in acts:
            read = in_time and not self._is_new(listed)
            if self._is_late(act, read):
                reports.append(ConditionalResult(Verdict.LATER, called))
                continue
            if read:
                listed, in_time = self._list(listing)
            reports.append(self._act(act, listed, names, called))
        self.verdicts.append([report.verdict for report in reports])
        if Verdict.SENT in self.verdicts[-1]:
            listed, _in_time = self._list(listing)
        self.host.clock.now += self.start_unknown_by
        at_latest = listed.begun_at + self.start_unknown_by
        return BatchResult(answers, tuple(reports), listed, at_latest, self._proof_age.shortest)

    def _is_late(self, act: ConditionalCall, read: bool = False) -> bool:
        now = self.host.clock.now + (self._proof_age.shortest if read else 0.0)
        return now > self._last_begin or now >= act.send_before

    def _act(self, act: ConditionalCall, listed: TimedResult, names: Sequence[str], called: float) -> ConditionalResult:
        if not listed.answer.whole:
            return ConditionalResult(Verdict.UNPROVEN, called)
        rows = [row for row in listed.answer.output if all(row.get(name) == value for name, value in act.where.items())]
        if not rows:
            return ConditionalResult(Verdict.GONE, called)
        if not all(_same(rows[0].get(name), value, name in names) for name, value in act.expect.items()):
            return ConditionalResult(Verdict.REPLACED, called)
        if not self._is_new(listed):
            return ConditionalResult(Verdict.UNPROVEN, called)
        if self._is_late(act):
            return ConditionalResult(Verdict.LATER, called)
        begun = self.host.clock()
        self._last_begin = min(self._last_begin, begun + self.SEND_SECONDS)
        answer = self.host.answer(act.call)
        self.host.clock.now += self.act_each
        ended = self.host.clock()
        at_latest = begun + self.start_unknown_by
        return ConditionalResult(Verdict.SENT, ended, answer, at_latest, ended - begun, begun - listed.begun_at)


def _same(found: object, expected: object, is_name: bool) -> bool:
    if is_name and isinstance(found, str) and isinstance(expected, str):
        return found.strip().lower() == expected.strip().lower()
    return found == expected


def make_service(
    cmdlets: ServiceCmdlets,
    transport: LiveTransport | BatchTransport,
    act_seconds: float = 60.0,
    operation: Operation | None = None,
) -> RunspaceService | ScriptService:
    """Make a service over a transport, by default one that logs off."""
    clock, operation = transport.host.clock, operation or Operation(LOG_OFF)
    if isinstance(transport, LiveTransport):
        return RunspaceService(cmdlets, operation, transport, "broker", clock, act_seconds, clock.sleep)
    return ScriptService(cmdlets, operation, transport, "broker", clock, act_seconds, clock.sleep, cmdlets.proof)
