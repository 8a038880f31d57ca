# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message by cmdlets, over both transports: it is sent once, and silence or an error says nothing about it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_answers import Judge
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import WmsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters, Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Listed,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    DISCONNECT,
    LOG_OFF,
    MESSAGE,
    Operation,
    Verb,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    ErrorRecord,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import Verdict
from tests.unit.fakes.clock import Clock
from tests.unit.fakes.console import Console
from tests.unit.fakes.windows_host import (
    DONE,
    BatchTransport,
    Command,
    FakeHost,
    LiveTransport,
    always,
    error,
    make_service,
    rd_row,
    terminating,
)

COMMAND, LIST = "Send-RDUserMessage", "Get-RDUserSession"
TEXTS = {"message_title": "Wartung", "message_body": "Bitte speichern: „jetzt“\n$(x) ; 'y'"}
EVERYBODY = Selection()
ERROR = ErrorRecord("Microsoft.PowerShell.Commands.WriteErrorException", "NotSpecified", "WriteErrorException", "RPC")
DENIED = ErrorRecord("AccessDenied", "PermissionDenied", "UnauthorizedAccessException", "denied")
Service = RunspaceService | ScriptService


@pytest.fixture(params=["live", "batch"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Bench:
    """A host whose sessions stay when they get a message, and a service that sends one."""

    def __init__(self, kind: str, *rows: dict[str, Any], answers: list[Command] | None = None) -> None:
        self.host = FakeHost(list(rows) or [rd_row(2)])
        self.host.end = lambda call: None  # type: ignore[method-assign]
        self.host.scripts[COMMAND] = answers or []
        self.transport: Any = LiveTransport(self.host) if kind == "live" else BatchTransport(self.host)
        self.service: Service = make_service(RdsCmdlets(), self.transport, operation=Operation(MESSAGE, TEXTS))

    def run(self, selection: Selection = EVERYBODY, **options: Any) -> Report:
        request = engine.Request(MESSAGE, selection, **options)
        return engine.run(request, self.service, Console(), self.host.clock)

    @property
    def sent(self) -> list[dict[str, Any]]:
        return [dict(call.parameters) for call in self.host.sent(COMMAND)]


def test_list_that_came_with_an_earlier_message_tells_nothing_about_a_later_one() -> None:
    """The engine may have ended before it read it, and begin again later, as for each message of a wait."""
    bench = Bench("batch", rd_row(2))
    bench.run()
    bench.host.clock.sleep(600.0)
    listed = bench.service.list_sessions()
    bench.service.begin_listing(listed)
    (answer,) = (event for event in bench.service.wait(1.0) if isinstance(event, Listed))
    assert min(one.read_at for one in answer.sessions) >= listed[0].read_at


def test_message_goes_to_everybody_with_both_texts_and_nothing_else(kind: str) -> None:
    bench = Bench(kind, rd_row(2), rd_row(3, "bob", SessionState="STATE_DISCONNECTED"))
    report = bench.run()
    assert (report.summary(), report.changed) == ({"sent": 2}, True)
    texts = {"MessageTitle": TEXTS["message_title"], "MessageBody": TEXTS["message_body"]}
    assert bench.sent == [{"HostServer": "rdsh-1.contoso.com", "UnifiedSessionID": id_, **texts} for id_ in (2, 3)]


def test_check_mode_sends_nothing(kind: str) -> None:
    bench = Bench(kind)
    assert bench.run(check_mode=True).summary() == {"sent": 1}
    assert bench.sent == []


@pytest.mark.parametrize(
    "answer",
    [
        CallResult(State.STOPPED),
        CallResult(State.NO_ANSWER),
        CallResult(State.FAILED),
        error(),
        error(state=State.FAILED),
        CallResult(State.COMPLETED, errors=(ERROR, DENIED)),
        CallResult(State.FAILED, errors=(ERROR, DENIED)),
    ],
    ids=["stopped", "no answer", "broken off", "error", "ended by an error", "error and denied", "ended denied"],
)
def test_message_that_may_have_come_is_unclear_and_never_sent_again(kind: str, answer: CallResult) -> None:
    bench = Bench(kind, rd_row(2), rd_row(3, "bob"), answers=always(answer))
    report = bench.run(wait_timeout=600.0)
    assert {row.key[2]: row.outcome for row in report.rows} == {"2": "unclear", "3": "sent"}
    assert report.changed
    assert report.rows[0].reason
    assert [one["UnifiedSessionID"] for one in bench.sent] == [2, 3]


@pytest.mark.parametrize("after", [0.0, 6.0])
def test_error_is_in_doubt_however_often_it_comes(kind: str, after: float) -> None:
    def fails(host: FakeHost, call: Call) -> CallResult:
        host.clock.now += after
        return error()

    bench = Bench(kind, *(rd_row(number, f"user{number}") for number in range(2, 8)), answers=[fails] * 6)
    assert bench.run(wait_timeout=600.0).summary() == {"unclear": 6}
    assert len(bench.sent) == 6


@pytest.mark.parametrize(
    "answer",
    [
        terminating("ParameterArgumentValidationError"),
        terminating("NamedParameterNotFound"),
        terminating("CommandNotFoundException", "ObjectNotFound", "CommandNotFoundException"),
        CallResult(State.FAILED, errors=(DENIED,)),
        CallResult(State.COMPLETED, errors=(DENIED,)),
    ],
    ids=["validated", "unknown parameter", "no command", "denied", "denied and gone on"],
)
def test_message_that_was_refused_before_anything_is_no_change(kind: str, answer: CallResult) -> None:
    bench = Bench(kind, answers=always(answer))
    report = bench.run()
    assert (report.summary(), report.changed) == ({"failed": 1}, False)
    assert COMMAND in report.rows[0].reason
    assert len(bench.sent) == 1


@pytest.mark.parametrize("trouble", [ServiceError("the module gave no result"), AnsibleConnectionFailure("gone")])
def test_every_message_of_a_script_that_is_lost_is_unclear(trouble: Exception) -> None:
    def lose(host: FakeHost, call: Call) -> Exception:
        return trouble

    bench = Bench("batch", *(rd_row(number, f"user{number}") for number in range(2, 6)), answers=[*always(DONE), lose])
    report = bench.run()
    assert (report.summary(), report.changed) == ({"unclear": 4}, True)
    assert len(bench.sent) == 2
    assert all(row.perhaps for row in report.rows)


def test_messages_in_flight_when_the_connection_is_lost_are_unclear() -> None:
    bench = Bench("live", rd_row(2), rd_row(3, "bob"))
    first, second = bench.service.list_sessions()
    for session in (first, second):
        bench.service.begin_act(session, math.inf)
    bench.transport.wait_errors.append(AnsibleConnectionFailure("gone"))
    answers = bench.service.wait(0.1)
    assert [(one.session, one.reply) for one in answers if isinstance(one, Replied)] == [
        (first, Reply.UNCLEAR),
        (second, Reply.UNCLEAR),
    ]


def test_message_that_a_run_of_the_script_has_no_time_for_is_sent_by_the_next() -> None:
    bench = Bench("batch", *(rd_row(number, f"user{number}") for number in range(1, 201)))
    bench.transport.act_each = 1 / 8
    assert bench.run().summary() == {"sent": 200}
    assert sorted(one["UnifiedSessionID"] for one in bench.sent) == list(range(1, 201))
    assert len(bench.transport.verdicts) == 3


def test_message_that_a_script_could_not_prove_for_a_moment_is_sent_by_the_next() -> None:
    """Nothing was sent, so this is no second message."""
    bench = Bench("batch", rd_row(2), rd_row(3, "bob"))
    shown = CallResult(State.COMPLETED, tuple(bench.host.rows))
    hidden = CallResult(State.COMPLETED, ({**bench.host.rows[0], "UserName": None}, bench.host.rows[1]))
    bench.host.scripts[LIST] = always(shown, hidden)
    assert bench.run().summary() == {"sent": 2}
    assert bench.transport.verdicts == [[Verdict.REPLACED, Verdict.SENT], [Verdict.SENT]]
    assert [one["UnifiedSessionID"] for one in bench.sent] == [3, 2]


def test_nobody_else_gets_a_message(kind: str) -> None:
    bench = Bench(kind, rd_row(2), rd_row(3, "bob"))

    def change(host: FakeHost, call: Call) -> CallResult:
        answer = CallResult(State.COMPLETED, tuple(dict(row) for row in host.rows))
        host.give_id_to(2, "mallory")
        host.rows.pop()
        host.clock.now += 10.0  # so that whatever is sent needs a new list
        return answer

    bench.host.scripts[LIST] = [change]
    report = bench.run()
    assert {row.key[2]: row.outcome for row in report.rows} == {"2": "replaced", "3": "not_there"}
    assert (report.changed, bench.sent) == (False, [])


def test_filter_holds_until_a_message_is_sent(kind: str) -> None:
    bench = Bench(kind, rd_row(2), rd_row(3, "bob"))
    if kind == "batch":
        proof = (*RdsCmdlets().proof, "session_state")
        clock = bench.host.clock
        bench.service = ScriptService(
            RdsCmdlets(), Operation(MESSAGE, TEXTS), bench.transport, "broker", clock, 60.0, clock.sleep, proof
        )

    def disconnect(host: FakeHost, call: Call) -> CallResult:
        answer = CallResult(State.COMPLETED, tuple(dict(row) for row in host.rows))
        host.rows[0]["SessionState"] = "STATE_DISCONNECTED"
        host.clock.now += 10.0
        return answer

    bench.host.scripts[LIST] = [disconnect]
    report = bench.run(Selection(filters=Filters(states=("active",))))
    assert {row.key[2]: row.outcome for row in report.rows} == {"2": "not_selected", "3": "sent"}
    assert [one["UnifiedSessionID"] for one in bench.sent] == [3]


def wms_session() -> Any:
    row = {"Id": 2, "UserName": "student3", "DomainName": "CONTOSO", "ComputerName": "CLASSROOM", "State": "Active"}
    cmdlets = WmsCmdlets()
    cmdlets.chose(1)
    return cmdlets, cmdlets.read(row, 0.0)


@pytest.mark.parametrize(("verb", "reply"), [(MESSAGE, Reply.UNCLEAR), (LOG_OFF, Reply.DONE), (DISCONNECT, Reply.DONE)])
def test_silence_is_no_answer_only_where_a_list_shows_nothing(verb: Verb, reply: Reply) -> None:
    """No service has a message with a time limit of its own yet."""
    cmdlets, session = wms_session()
    judge = Judge(cmdlets, "classroom", Clock(), Operation(verb))
    call = Call("Any-Thing", {"TimeoutInSecond": 3})
    late = CallResult(State.FAILED, errors=(ErrorRecord("OperationTimeout", "InvalidOperation", "Exception", "late"),))
    for answer in (CallResult(State.STOPPED), CallResult(State.NO_ANSWER), late):
        assert judge.judge(session, call, answer, 4.0).reply is reply


@pytest.mark.parametrize("state", [State.COMPLETED, State.FAILED])
def test_refusal_after_another_error_may_have_had_its_effect(state: State) -> None:
    cmdlets, session = wms_session()
    judge = Judge(cmdlets, "classroom", Clock(), Operation(LOG_OFF))
    answers = [
        judge.judge(session, Call("Close-WmsSession"), CallResult(state, errors=errors), 1.0)
        for errors in ((DENIED,), (ERROR, DENIED))
    ]
    assert [(one.reply, one.doubtful) for one in answers] == [(Reply.REFUSED, False), (Reply.REFUSED, True)]
