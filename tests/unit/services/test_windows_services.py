# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both services for cmdlets under the engine: the same outcomes over a live runspace and over batches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import rds
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.given_rows import read_named
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.host_names import HostSelection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_answers import (
    LOST,
    MOST_GIVEN_UP,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import WmsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import (
    ClassicHostPool,
    WvdClassicCmdlets,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
    TooLateError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Event,
    Listed,
    ListingFailed,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    DISCONNECT,
    LOG_OFF,
    Operation,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    ErrorRecord,
    NoRunspaceError,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import Verdict
from tests.unit.fakes.console import Console
from tests.unit.fakes.windows_host import (
    CREATED,
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

LOGOFF_COMMAND = "Invoke-RDUserLogoff"
LIST_COMMAND = "Get-RDUserSession"
EVERYBODY = Selection()
Service = RunspaceService | ScriptService


@dataclass
class Bench:
    """A host, a service over it and the engine."""

    host: FakeHost
    live: LiveTransport
    batch: BatchTransport
    service: Service

    def run(self, selection: Selection = EVERYBODY, console: Console | None = None, **options: Any) -> Report:
        request = engine.Request(LOG_OFF, selection, **options)
        return engine.run(request, self.service, console or Console(), self.host.clock)

    def outcomes(self, selection: Selection = EVERYBODY, **options: Any) -> dict[str, str]:
        return {row.key[2]: row.outcome for row in self.run(selection, **options).rows}


def make_bench(
    kind: str,
    *rows: dict[str, Any],
    most: int = 16,
    act_seconds: float = 60.0,
    most_runspaces: int = 64,
) -> Bench:
    host = FakeHost(list(rows))
    live, batch = LiveTransport(host, most, most_runspaces=most_runspaces), BatchTransport(host)
    transport = live if kind == "live" else batch
    service = make_service(RdsCmdlets(), transport, act_seconds)
    return Bench(host, live, batch, service)


@pytest.fixture(params=["live", "batch"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_logs_off_and_sees_it(kind: str) -> None:
    bench = make_bench(kind, rd_row(2), rd_row(3, "bob"), rd_row(4, "carol"))
    report = bench.run(Selection(filters=Filters(users=("alice", "bob"))))
    assert {row.key[2]: row.outcome for row in report.rows} == {"2": "logged_off", "3": "logged_off"}
    assert report.changed
    assert sorted(bench.host.owners) == ["alice", "bob"]
    assert bench.service.notes().accepted
    again = bench.run(Selection(filters=Filters(users=("alice", "bob"))))
    assert (again.rows, again.changed) == ([], False)


def test_named_session_that_is_gone_is_no_change(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    report = bench.run(Selection((NamedSession("", "rdsh-1.contoso.com", "9"),)))
    assert report.summary() == {"already_gone": 1}
    assert not report.changed
    assert not bench.host.sent(LOGOFF_COMMAND)


def test_check_mode_lists_once_and_ends_nothing(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    assert bench.outcomes(check_mode=True) == {"2": "logged_off"}
    assert [call.command for call in bench.host.calls] == [LIST_COMMAND]


def test_batch_finds_with_one_call_and_acts_with_one() -> None:
    bench = make_bench("batch", *(rd_row(number, f"user{number}") for number in range(1, 51)))
    assert set(bench.outcomes().values()) == {"logged_off"}
    assert [run[:2] for run in bench.batch.runs] == [[LIST_COMMAND], ["Import-Module", LIST_COMMAND]]
    assert len(bench.host.owners) == 50


def test_batch_proves_on_the_host_what_was_selected() -> None:
    bench = make_bench("batch", rd_row(2))
    bench.run()
    (act,) = bench.batch.acts
    assert act.where == {"HostServer": "rdsh-1.contoso.com", "UnifiedSessionId": 2}
    assert act.expect == {"UserName": "alice", "DomainName": "CONTOSO", "CreateTime": CREATED}


def test_live_keeps_many_calls_in_flight_and_room_for_a_look() -> None:
    bench = make_bench("live", *(rd_row(number, f"user{number}") for number in range(1, 200)))
    assert set(bench.outcomes().values()) == {"logged_off"}
    assert bench.live.most_at_once == 16
    assert len(bench.host.owners) == 199


def test_id_given_to_another_during_the_question_is_left_alone(kind: str) -> None:
    bench = make_bench(kind, rd_row(2), rd_row(3, "bob"))

    def meanwhile() -> None:
        bench.host.clock.now += 120.0
        bench.host.give_id_to(2, "mallory")

    report = bench.run(console=Console(meanwhile=meanwhile), confirm=True)
    assert {row.key[2]: row.outcome for row in report.rows} == {"2": "replaced", "3": "logged_off"}
    assert bench.host.owners == ["bob"]


def test_session_that_left_during_the_question_is_already_gone(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))

    def meanwhile() -> None:
        bench.host.clock.now += 120.0
        bench.host.rows.clear()

    report = bench.run(console=Console(meanwhile=meanwhile), confirm=True)
    assert report.summary() == {"already_gone": 1}
    assert not report.changed
    assert not bench.host.sent(LOGOFF_COMMAND)


@pytest.mark.parametrize(
    "row", [rd_row(2, None), rd_row(2, ""), rd_row(2, host=None), {**rd_row(2), "UnifiedSessionId": None}]
)
def test_session_that_cannot_be_identified_is_refused(kind: str, row: dict[str, Any]) -> None:
    bench = make_bench(kind, row, rd_row(3, "bob"))
    assert sorted(bench.outcomes().values()) == ["logged_off", "refused"]
    assert bench.host.owners == ["bob"]


def test_id_that_is_listed_twice_is_refused(kind: str) -> None:
    bench = make_bench(kind, rd_row(2, "alice"), rd_row(2, "mallory", host="RDSH-1.contoso.com"), rd_row(3, "bob"))
    assert bench.run().summary() == {"logged_off": 1, "refused": 2}
    assert bench.host.owners == ["bob"]


def test_session_that_is_listed_twice_is_one() -> None:
    """A batch leaves it alone nevertheless: the script wants one row."""
    bench = make_bench("live", rd_row(2), rd_row(2, host="RDSH-1.contoso.com"), rd_row(3, "bob"))
    assert bench.run().summary() == {"logged_off": 2}
    assert len(bench.host.sent(LOGOFF_COMMAND)) == 2


# Lists that are not whole


@pytest.mark.parametrize(
    ("answer", "words", "lasting"),
    [
        (error("Es ist keine Bereitstellung vorhanden."), ["Es ist keine Bereitstellung", "runas", "CredSSP"], False),
        (terminating("CommandNotFoundException", "ObjectNotFound"), ["no command", "RemoteDesktop", "JEA"], True),
        (terminating("ParameterArgumentValidationError"), ["does not take", "role", "CollectionName"], True),
        (terminating("UnauthorizedAccess", "PermissionDenied"), ["denies", "administrator"], True),
        (terminating("HostException", "NotSpecified"), ["would ask"], True),
        (terminating("OutOfMemory", "NotSpecified"), ["failed: text of OutOfMemory."], False),
        (CallResult(State.NO_ANSWER), ["no answer within its deadline."], False),
    ],
)
def test_list_that_is_not_whole_proves_nothing(kind: str, answer: CallResult, words: list[str], lasting: bool) -> None:
    bench = make_bench(kind, rd_row(2))
    bench.service._list = bench.service._cmdlets.lists[0]
    bench.host.scripts[LIST_COMMAND] = always(CallResult(answer.state, (rd_row(2),), answer.errors))
    bench.service._cmdlets.lists = (Call(LIST_COMMAND, {"CollectionName": ["Desktops"]}),)
    with pytest.raises(ServiceError) as caught:
        bench.run(Selection((NamedSession("", "rdsh-1.contoso.com", "9"),)))
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.lasting is lasting


def test_list_that_fails_for_a_while_is_read_again(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))

    def fail_once(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        host.scripts[LIST_COMMAND] = always(error(), error())
        return DONE

    bench.host.scripts[LOGOFF_COMMAND] = [fail_once]
    assert bench.outcomes() == {"2": "logged_off"}
    assert len(bench.host.owners) == 1


def test_list_that_never_becomes_whole_again_fails_what_it_cannot_show(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))

    def lose_the_list(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        host.scripts[LIST_COMMAND] = always(*[error()] * 1000)
        return DONE

    bench.host.scripts[LOGOFF_COMMAND] = [lose_the_list]
    report = bench.run(wait_timeout=20.0)
    assert report.summary() == {"failed": 1}
    assert "listing again failed" in report.failure_message()


# Answers to acts


def test_log_off_without_an_answer_is_never_sent_again(kind: str) -> None:
    for state in (State.NO_ANSWER, State.STOPPED):
        bench = make_bench(kind, rd_row(2), rd_row(3, "bob"), act_seconds=20.0)
        bench.host.scripts[LOGOFF_COMMAND] = always(CallResult(state))
        report = bench.run(wait_timeout=20.0)
        assert report.summary() == {"logged_off": 1, "still_there": 1}
        assert report.changed
        assert len(bench.host.sent(LOGOFF_COMMAND)) == 2


def test_hanging_calls_leave_room_for_looks() -> None:
    bench = make_bench("live", *(rd_row(number, f"user{number}") for number in range(1, 101)), act_seconds=10.0)
    bench.host.scripts[LOGOFF_COMMAND] = always(*[CallResult(State.NO_ANSWER)] * 100)
    report = bench.run(wait_timeout=10.0)
    assert set(report.summary()) == {"still_there", "failed"}
    assert report.summary()["still_there"] < MOST_GIVEN_UP + 16
    assert "hang, so no more are begun there" in str([row.reason for row in report.rows])


def test_host_on_which_many_calls_hang_gets_no_other_run_of_the_script() -> None:
    """It would take as long as the first one, and hang as well."""
    bench = make_bench("batch", *(rd_row(number, f"user{number}") for number in range(1, 61)), act_seconds=10.0)
    bench.batch.act_each = 0.25
    bench.host.scripts[LOGOFF_COMMAND] = always(*[CallResult(State.NO_ANSWER)] * 60)
    report = bench.run(wait_timeout=10.0)
    assert report.summary() == {"failed": 20, "still_there": 40}
    assert {row.reason for row in report.rows if row.outcome == "failed"} == {
        "40 calls on broker hang, so no more are begun there"
    }
    assert sum(LOGOFF_COMMAND in run for run in bench.batch.runs) == 1
    assert not any(row.seconds or row.perhaps for row in report.rows if row.outcome == "failed")


def test_list_after_acts_that_hung_is_enough() -> None:
    """It was begun after their deadline in the script's time, however long the script may have taken to start."""
    bench = make_bench("batch", rd_row(2), act_seconds=10.0)
    bench.batch.act_each, bench.batch.start_unknown_by = 10.0, 8.0
    bench.host.scripts[LOGOFF_COMMAND] = [always(CallResult(State.NO_ANSWER))[0]]
    report = bench.run(wait_timeout=10.0)
    assert report.summary() == {"still_there": 1}
    assert bench.batch.runs == [[LIST_COMMAND], ["Import-Module", LIST_COMMAND, LOGOFF_COMMAND]]


def test_log_off_that_takes_effect_after_its_deadline_is_seen(kind: str) -> None:
    bench = make_bench(kind, rd_row(2), act_seconds=10.0)

    def late(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        return CallResult(State.NO_ANSWER)

    bench.host.scripts[LOGOFF_COMMAND] = [late]
    assert bench.outcomes() == {"2": "logged_off"}


def test_error_of_the_cmdlet_is_tried_again_for_a_while_and_then_fails(kind: str) -> None:
    bench = make_bench(kind, rd_row(2), rd_row(3, "bob"))

    def deny(host: FakeHost, call: Call) -> CallResult:
        if call.parameters["UnifiedSessionID"] == 2:
            return error()
        host.end(call)
        return DONE

    bench.host.scripts[LOGOFF_COMMAND] = [deny] * 100
    begun = bench.host.clock.now
    report = bench.run(wait_timeout=600.0)
    assert report.summary() == {"failed": 1, "logged_off": 1}
    assert "Invoke-RDUserLogoff says: Zugriff verweigert." in report.failure_message()
    assert bench.host.clock.now - begun < 60.0
    assert 2 <= len(bench.host.sent(LOGOFF_COMMAND)) < 10


@pytest.mark.parametrize("category", ["NotSpecified", "ObjectNotFound"])
def test_error_leaves_the_log_off_in_doubt(kind: str, category: str) -> None:
    """Only the text of an RDS error says whether it came before or after the effect: what is gone may be ours."""
    bench = make_bench(kind, rd_row(2))

    def log_off_and_complain(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        record = ErrorRecord("RpcError", category, "RpcException", "Der RPC-Server ist nicht verfügbar.")
        return CallResult(State.COMPLETED, errors=(record,))

    bench.host.scripts[LOGOFF_COMMAND] = [log_off_and_complain]
    report = bench.run()
    assert report.summary() == {"logged_off": 1}
    assert report.changed
    assert "Der RPC-Server ist nicht verfügbar" in report.rows[0].reason


def test_session_that_the_host_sees_being_ended_is_not_asked_for_again() -> None:
    """The state changes between the engine's list and the act."""
    bench = make_bench("batch", rd_row(2))
    lists = 0

    def show(host: FakeHost, call: Call) -> CallResult:
        nonlocal lists
        lists += 1
        if bench.host.sent(LOGOFF_COMMAND) and lists > first[0] + 1:
            host.rows = [{**row, "SessionState": "STATE_RESET"} for row in host.rows]
        if host.clock.now > 130.0:
            host.rows = []
        return CallResult(State.COMPLETED, tuple(dict(row) for row in host.rows))

    first = [10**9]

    def complain(host: FakeHost, call: Call) -> CallResult:
        first[0] = lists
        return error("RPC")

    bench.host.scripts[LIST_COMMAND] = [show] * 1000
    bench.host.scripts[LOGOFF_COMMAND] = [complain]
    report = bench.run(wait_timeout=60.0)
    assert report.summary() == {"logged_off": 1}
    assert len(bench.host.sent(LOGOFF_COMMAND)) == 1


def test_error_without_effect_is_a_failure_that_changed_nothing(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    bench.host.scripts[LOGOFF_COMMAND] = always(*[error("Zugriff verweigert.")] * 100)
    report = bench.run(wait_timeout=60.0)
    assert report.summary() == {"failed": 1}
    assert not report.changed


def test_unexpected_end_of_a_call_is_doubtful(kind: str) -> None:
    bench = make_bench(kind, rd_row(2), rd_row(3, "bob"))

    def crash(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        return terminating("ServerFellOver", "NotSpecified")

    bench.host.scripts[LOGOFF_COMMAND] = [crash, lambda host, call: CallResult(State.FAILED)]
    report = bench.run()
    assert report.summary() == {"logged_off": 2}
    assert report.changed


@pytest.mark.parametrize(
    ("id_", "category", "words"),
    [
        ("CommandNotFoundException", "ObjectNotFound", "no command Invoke-RDUserLogoff"),
        ("NamedParameterNotFound", "InvalidArgument", "HostServer, UnifiedSessionID, Force"),
        ("ParameterArgumentValidationError", "InvalidData", "HostServer, UnifiedSessionID, Force"),
        ("ParameterArgumentTransformationError", "InvalidData", "does not take"),
        ("CannotConvertArgumentNoMessage", "InvalidArgument", "does not take"),
        ("HostException", "NotSpecified", "would ask a question"),
        ("HostFunctionNotImplemented", "NotImplemented", "would ask a question"),
        ("Whatever", "PermissionDenied", "denies Invoke-RDUserLogoff"),
    ],
)
def test_call_that_the_host_refuses_fails_at_once(kind: str, id_: str, category: str, words: str) -> None:
    bench = make_bench(kind, rd_row(2))
    bench.host.scripts[LOGOFF_COMMAND] = always(*[terminating(id_, category)] * 10)
    report = bench.run()
    assert report.summary() == {"failed": 1}
    assert words in report.failure_message()
    assert len(bench.host.sent(LOGOFF_COMMAND)) == 1


def test_missing_session_that_the_list_still_shows_is_tried_again(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    missing = terminating("SessionNotFound", "ObjectNotFound", "ItemNotFoundException")
    bench.host.scripts[LOGOFF_COMMAND] = always(missing)
    assert bench.outcomes() == {"2": "logged_off"}


# Time over batches


def test_acts_that_a_run_leaves_to_the_next_are_sent_then(kind: str) -> None:
    """As many runs as it takes. None is sent twice, and no try is counted."""
    bench = make_bench(kind, *(rd_row(number, f"user{number}") for number in range(1, 201)))
    bench.batch.act_each = 1 / 8  # 200 acts of 1 s, eight at once
    report = bench.run(wait_timeout=5.0)
    assert report.summary() == {"logged_off": 200}
    assert sorted(bench.host.owners) == sorted(f"user{number}" for number in range(1, 201))
    assert len(bench.host.sent(LOGOFF_COMMAND)) == 200
    if kind == "batch":
        sent = [verdicts.count(Verdict.SENT) for verdicts in bench.batch.verdicts]
        assert len(sent) == 3
        assert max(sent) < 90


def test_acts_that_are_left_to_later_runs_may_be_left_many_times() -> None:
    """No more than one is sent in each run. What was sent in the first ones is looked at meanwhile."""
    bench = make_bench("batch", *(rd_row(number, f"user{number}") for number in range(1, 61)))
    bench.batch.act_each = bench.batch.SEND_SECONDS + 1
    report = bench.run(wait_timeout=5.0)
    assert report.summary() == {"logged_off": 60}
    assert [verdicts.count(Verdict.SENT) for verdicts in bench.batch.verdicts] == [1] * 60
    assert max(row.seconds for row in report.rows) < 60.0


def test_act_goes_to_the_host_with_its_deadline_and_answers_when_it_was_sent() -> None:
    bench = make_bench("batch", rd_row(2), rd_row(3, "bob"), rd_row(4, "carol"))
    first, second, third = bench.service.list_sessions()
    bench.host.rows.pop()
    bench.service.begin_act(first, math.inf)
    over = bench.host.clock.now + 1.0
    bench.service.begin_act(second, over)
    bench.service.begin_act(third, math.inf)
    begun = bench.host.clock.now
    sent, late, gone = bench.service.wait(0.0)
    assert [act.send_before for act in bench.batch.acts] == [math.inf, over, math.inf]
    assert isinstance(sent, Replied)
    assert isinstance(late, Replied)
    assert isinstance(gone, Replied)
    assert [sent.reply, late.reply, gone.reply] == [Reply.DONE, Reply.THROTTLED, Reply.GONE]
    assert late.reason == "there was no time left for it in this run of the script"
    assert bench.host.owners == ["alice"]
    assert sent.sent_at is not None
    assert sent.answered_at is not None
    assert begun + bench.batch.seconds_each < sent.sent_at < sent.answered_at
    assert late.sent_at is gone.sent_at is None, "nothing was sent"
    bench.service.begin_listing([first])
    (looked,) = bench.service.wait(0.0)
    assert isinstance(looked, Listed)
    (row,) = looked.sessions
    assert late.answered_at is not None
    assert gone.answered_at is not None
    assert late.answered_at < row.read_at, "the list that came with the acts says what came of them"
    assert gone.answered_at < row.read_at
    assert sent.answered_at < row.read_at <= bench.host.clock.now


def test_rows_tell_when_they_were_read() -> None:
    bench = make_bench("batch", rd_row(2))
    begun = bench.host.clock.now
    (session,) = bench.service.list_sessions()
    assert begun + bench.batch.seconds_each < session.read_at < bench.host.clock.now + 0.001
    bench.service.begin_listing([session])
    (looked,) = bench.service.wait(0.0)
    assert isinstance(looked, Listed)
    assert looked.sessions[0].read_at > session.read_at + bench.batch.seconds_each


@pytest.mark.parametrize("trouble", [ServiceError("the module gave no result"), AnsibleConnectionFailure("gone")])
def test_act_of_which_nothing_is_known_may_have_been_sent_until_now(trouble: Exception) -> None:
    bench = make_bench("batch", rd_row(2))
    (session,) = bench.service.list_sessions()
    bench.batch.errors.append(trouble)
    bench.service.begin_act(session, math.inf)
    (event,) = bench.service.wait(0.0)
    assert isinstance(event, Replied)
    assert event.reply is Reply.UNCLEAR
    assert event.sent_at is not None
    assert bench.host.clock.now - 0.01 < event.sent_at


def test_retry_is_never_sent_after_the_deadline(kind: str) -> None:
    """However long it takes until the host comes to it."""
    bench = make_bench(kind, rd_row(2))
    bench.batch.seconds_each = 7.0
    times: list[float] = []

    def breaks_off(host: FakeHost, call: Call) -> CallResult:
        times.append(host.clock.now)
        return CallResult(State.FAILED)

    bench.host.scripts[LOGOFF_COMMAND] = [breaks_off] * 1000
    report = bench.run(wait_timeout=20.0)
    assert report.summary() == {"failed": 1}
    assert len(times) > 1
    assert times[-1] - times[0] < 20.0


# Names of owners


def test_owner_whose_name_changes_its_case_is_the_same(kind: str) -> None:
    """And is logged off, over every transport. A change of anything else is another session."""
    bench = make_bench(kind, rd_row(2), rd_row(3, "bob"), rd_row(4, "carol"))

    def change(host: FakeHost, call: Call) -> CallResult:
        answer = CallResult(State.COMPLETED, tuple(dict(row) for row in host.rows))
        host.rows[0].update(UserName="ALICE", DomainName="Contoso")
        host.rows[1].update(UserName="bobby")
        host.rows[2].update(CreateTime="2026-11-21T09:00:00Z")
        host.clock.now += 10.0  # so that whatever is sent needs a new list
        return answer

    bench.host.scripts[LIST_COMMAND] = [change]
    assert bench.outcomes() == {"2": "logged_off", "3": "replaced", "4": "replaced"}
    assert bench.host.owners == ["ALICE"]


@pytest.mark.parametrize("cmdlets", [RdsCmdlets, WmsCmdlets, WvdClassicCmdlets])
def test_what_names_an_owner_is_part_of_every_proof(cmdlets: Any) -> None:
    assert cmdlets.FORM.owner
    assert not {"create_time", "session_state"} & set(cmdlets.FORM.owner)
    made = cmdlets(ClassicHostPool("T", "P"), Call("Add-RdsAccount")) if cmdlets is WvdClassicCmdlets else cmdlets()
    assert set(cmdlets.FORM.owner) <= set(made.proof)
    assert ("create_time" in made.proof) is (cmdlets is not WmsCmdlets)


def test_script_is_told_what_names_an_owner() -> None:
    bench = make_bench("batch", rd_row(2))
    bench.run()
    assert bench.batch.names == [["UserName", "DomainName"]]


# Trouble with the connection


def test_lost_connection_on_the_way_keeps_every_outcome(kind: str) -> None:
    bench = make_bench(kind, *(rd_row(number, f"user{number}") for number in range(1, 40)))
    lost = AnsibleConnectionFailure("gone")
    if kind == "live":
        original = bench.live.wait

        def wait(seconds: float) -> list[tuple[int, CallResult]]:
            if len(bench.host.owners) == 5:
                raise lost
            return original(seconds)

        bench.live.wait = wait  # type: ignore[method-assign]
    else:
        bench.host.scripts[LOGOFF_COMMAND] = always(lost)
    report = bench.run()
    assert report.summary() == {"failed": 39}
    assert LOST in report.failure_message()
    assert bench.service.notes().lost is lost
    assert bench.service.pause() == math.inf


def test_lost_connection_while_looking(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    lost = AnsibleConnectionFailure("gone")

    def act(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        host.scripts[LIST_COMMAND] = always(lost)
        return DONE

    bench.host.scripts[LOGOFF_COMMAND] = [act]
    report = bench.run()
    assert report.summary() == {"failed": 1}
    assert bench.service.notes().lost is lost


def test_connection_that_is_lost_before_anything_was_ended_is_passed_on(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    bench.host.scripts[LIST_COMMAND] = always(AnsibleConnectionFailure("gone"))
    with pytest.raises(AnsibleConnectionFailure):
        bench.run()


def wait_for(service: Service, *kinds: type[Event]) -> list[Event]:
    events = [event for _turn in range(5) for event in service.wait(0.1)]
    assert [type(event) for event in events] == list(kinds)
    return events


def test_act_and_look_that_cannot_begin_are_answered() -> None:
    bench = make_bench("live", rd_row(2))
    (session,) = bench.service.list_sessions()
    bench.live.begin_errors.append(ServiceError("quota"))
    bench.service.begin_act(session, math.inf)
    bench.service.begin_listing([session])
    bench.service.begin_act(session, math.inf)
    act, look, late = wait_for(bench.service, Replied, ListingFailed, Replied)
    assert isinstance(act, Replied)
    assert act.reply is Reply.UNCLEAR
    assert isinstance(late, Replied)
    assert late.reply is Reply.NOT_SENT
    assert isinstance(look, ListingFailed)
    assert look.error.lasting
    assert str(bench.service.notes().lost) == "quota"


def test_why_calls_have_to_wait_is_told() -> None:
    bench = make_bench("live", rd_row(2), most=0)
    bench.live.held_up_by_quota = "too many operations"
    assert bench.service.pause() == math.inf
    assert bench.service.notes().warnings == ["too many operations"]


class SlowToBegin(LiveTransport):
    """The host begins at once, and says so a second later."""

    def begin(self, call: Call, seconds: float, send_before: float = math.inf) -> int:
        token = super().begin(call, seconds, send_before)
        self.host.clock.sleep(1.0)
        return token


def test_time_limit_of_the_cmdlet_counts_from_its_start() -> None:
    """A session that takes long to close must not be closed twice."""
    late = error("not in time", "OperationTimeout", "InvalidOperation", "InvalidOperationException", State.FAILED)
    host = FakeHost(scripts={"Close-WmsSession": [lambda _host, _call: late]})
    cmdlets = WmsCmdlets()
    cmdlets.chose(1)
    service = make_service(cmdlets, SlowToBegin(host, seconds_each=2.0), operation=Operation(LOG_OFF, time_limit=3.0))
    row = {"Id": 2, "UserName": "student3", "DomainName": "CONTOSO", "ComputerName": "classroom", "State": "Active"}
    service.begin_act(cmdlets.read(row, host.clock()), math.inf)
    (answered,) = wait_for(service, Replied)
    assert isinstance(answered, Replied)
    assert answered.reply is Reply.DONE


def test_look_waits_for_room_and_then_comes_before_acts() -> None:
    bench = make_bench("live", rd_row(2), rd_row(3, "bob"), most=1)
    first, second = bench.service.list_sessions()
    bench.service.begin_act(first, math.inf)
    bench.service.begin_listing([second])
    assert bench.service.pause() == math.inf
    assert [type(event).__name__ for event in bench.service.wait(0.1)] == ["Replied"]
    assert bench.service.pause() == math.inf
    assert [type(event).__name__ for event in bench.service.wait(0.1)] == ["Listed"]
    assert bench.service.pause() == 0.0


def test_host_with_a_single_runspace_does_it_all() -> None:
    bench = make_bench("live", *(rd_row(number, f"user{number}") for number in range(1, 100)), most=1)
    assert set(bench.outcomes().values()) == {"logged_off"}


def test_call_that_hangs_in_the_only_runspace_ends_the_task_and_nothing_else() -> None:
    rows = [rd_row(number, f"user{number}") for number in range(1, 100)]
    bench = make_bench("live", *rows, most_runspaces=1)

    def end(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        return DONE

    bench.host.scripts[LOGOFF_COMMAND] = [end, *always(CallResult(State.NO_ANSWER))]
    begun = bench.host.clock.now
    report = bench.run()
    assert bench.host.clock.now - begun < 70.0, "one deadline, not one for each session"
    assert bench.host.owners == ["user1"]
    assert len(bench.host.sent(LOGOFF_COMMAND)) == 2
    assert report.summary() == {"failed": 99}
    said = {row.key[2]: row.reason.partition("; listing again failed: ") for row in report.rows}
    assert said.pop("1")[0] == "accepted"
    assert said.pop("2")[0] == "no answer within its deadline"
    assert {reason for reason, _looking, _cause in said.values()} == {"not asked for"}
    assert {cause for _reason, _looking, cause in said.values()} == {"all runspaces are blocked"}
    assert [row.key[2] for row in report.rows if row.perhaps] == ["1", "2"]


def test_act_for_which_no_runspace_is_left_is_not_sent() -> None:
    bench = make_bench("live", rd_row(2), rd_row(3, "bob"), most_runspaces=1)
    first, second = bench.service.list_sessions()
    bench.host.scripts[LOGOFF_COMMAND] = always(CallResult(State.NO_ANSWER))
    bench.service.begin_act(first, math.inf)
    bench.service.wait(0.1)
    bench.service.begin_act(second, math.inf)
    (event,) = bench.service.wait(0.0)
    assert isinstance(event, Replied)
    assert (event.session, event.reply) == (second, Reply.NOT_SENT)
    assert isinstance(bench.service.notes().lost, NoRunspaceError)


def test_act_that_finds_no_room_after_all_is_not_sent() -> None:
    bench = make_bench("live", rd_row(2), rd_row(3, "bob"), most=1)
    first, second = bench.service.list_sessions()
    bench.service.begin_act(first, math.inf)
    bench.live.begin_errors.append(NoRunspaceError("full", lasting=False))
    bench.service.begin_act(second, math.inf)
    (event,) = bench.service.wait(0.0)
    assert isinstance(event, Replied)
    assert (event.session, event.reply) == (second, Reply.NOT_SENT)
    assert bench.service.notes().lost is None


def test_act_whose_proof_gets_too_old_while_room_is_made_is_not_sent() -> None:
    bench = make_bench("live", rd_row(2))
    (session,) = bench.service.list_sessions()
    bench.live.begin_errors.append(TooLateError())
    send_before = bench.host.clock.now + 1.0
    bench.service.begin_act(session, send_before)
    (event,) = bench.service.wait(0.0)
    assert isinstance(event, Replied)
    assert event.reply is Reply.NOT_SENT
    assert bench.live.send_before == send_before


def test_act_whose_proof_is_too_old_is_not_sent() -> None:
    bench = make_bench("live", rd_row(2))
    (session,) = bench.service.list_sessions()
    bench.service.begin_act(session, bench.host.clock.now - 1.0)
    (event,) = bench.service.wait(0.0)
    assert isinstance(event, Replied)
    assert event.reply is Reply.NOT_SENT
    assert not bench.host.sent(LOGOFF_COMMAND)


def test_closing_lets_go_of_the_host() -> None:
    bench = make_bench("live")
    bench.service.close()
    assert bench.live.closed == 1


def test_script_that_does_not_run_to_its_end_leaves_doubt() -> None:
    bench = make_bench("batch", rd_row(2))

    def crash(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        raise ServiceError("the module gave no result")

    bench.host.scripts[LOGOFF_COMMAND] = [crash]
    assert bench.outcomes() == {"2": "logged_off"}


def test_unproven_acts_say_why() -> None:
    bench = make_bench("batch", rd_row(2))

    def break_the_list(host: FakeHost, call: Call) -> CallResult:
        host.scripts[LIST_COMMAND] = always(error("Kein Broker"))
        return DONE

    bench.host.scripts["Import-Module"] = [break_the_list]
    report = bench.run()
    assert report.summary() == {"failed": 1}
    assert "Kein Broker" in report.failure_message()
    assert not bench.host.sent(LOGOFF_COMMAND)


# The age of a proof, by the script


def sleep_in_list(seconds: float, taken_over: int = 0) -> Command:
    """Make a list that takes so long; meanwhile somebody else gets an id."""

    def answer(host: FakeHost, call: Call) -> CallResult:
        if taken_over:
            host.give_id_to(taken_over, "mallory")
        rows = tuple(dict(row) for row in host.rows)
        host.clock.now += seconds
        return CallResult(State.COMPLETED, rows)

    return answer


def test_slow_lists_leave_five_seconds_to_act_on_each() -> None:
    """Exactly the selected ones, each once, in as many runs as it takes. None reads a list that leaves no time."""
    bench = make_bench("batch", *(rd_row(number, f"user{number}") for number in range(1, 101)))
    bench.batch.list_each, bench.batch.act_each = 12.0, 0.125
    events = []
    for session in bench.service.list_sessions():
        bench.service.begin_act(session, math.inf)
    while waiting := bench.service.wait(0.0):
        assert all(isinstance(event, Replied) for event in waiting)
        events += waiting
        for event in waiting:
            if isinstance(event, Replied) and event.reply is Reply.THROTTLED:
                bench.service.begin_act(event.session, math.inf)
        if not any(isinstance(event, Replied) and event.reply is Reply.THROTTLED for event in waiting):
            break
    sent = [event for event in events if isinstance(event, Replied) and event.reply is Reply.DONE]
    assert sorted(bench.host.owners) == sorted(f"user{number}" for number in range(1, 101))
    ages = [event.proof_age for event in sent if event.proof_age is not None]
    assert len(ages) == 100
    assert 12.0 <= min(ages) < max(ages) < 17.1
    assert [verdicts.count(Verdict.SENT) for verdicts in bench.batch.verdicts] == [40, 40, 20]
    assert len(bench.host.sent(LIST_COMMAND)) == 1 + 2 * 3


@pytest.mark.parametrize(("seconds", "outcome"), [(29.0, "logged_off"), (31.0, "failed")])
def test_lists_of_half_a_minute_end_nothing(seconds: float, outcome: str) -> None:
    bench = make_bench("batch", rd_row(2))
    bench.batch.list_each = seconds
    report = bench.run()
    assert report.summary() == {outcome: 1}
    if outcome == "failed":
        assert "a list took 31.0 s, and one that is 30.0 s old does not prove any more" in report.failure_message()
        assert not bench.host.sent(LOGOFF_COMMAND)


def test_list_that_takes_much_longer_than_the_shortest_proves_nothing() -> None:
    """It has waited for something. The sentence says how long it may take in this run."""
    bench = make_bench("batch", rd_row(2))
    (session,) = bench.service.list_sessions()
    assert bench.batch.shortest_lists == []
    bench.service.begin_act(session, math.inf)
    bench.host.scripts[LIST_COMMAND] = [sleep_in_list(6.0)]
    (event,) = bench.service.wait(0.0)
    assert isinstance(event, Replied)
    assert (event.reply, event.sent, event.proof_age) == (Reply.REFUSED, False, None)
    assert event.reason == "a list took 6.0 s, and one that is 5.0 s old does not prove any more that" + (
        " it is still the same session"
    )
    assert bench.batch.shortest_lists == [pytest.approx(0.001)]


def test_shortest_list_of_the_whole_run_counts() -> None:
    """Also one that was read within the script, or by itself."""
    bench = make_bench("batch", rd_row(2), rd_row(3, "bob"))
    bench.host.scripts[LIST_COMMAND] = [sleep_in_list(one) for one in (8.0, 7.0, 6.0, 7.0, 4.0)]
    sessions = bench.service.list_sessions()
    for session in sessions:
        bench.service.begin_act(session, math.inf)
        assert [event.sent for event in bench.service.wait(0.0) if isinstance(event, Replied)] == [True]
    bench.service.begin_listing(sessions)
    assert len(bench.service.wait(0.0)) == 1
    bench.service.begin_listing(sessions)
    bench.host.scripts[LIST_COMMAND] = [sleep_in_list(2.0)]
    bench.service.wait(0.0)
    bench.service.begin_act(sessions[0], math.inf)
    bench.service.wait(0.0)
    assert [round(one, 1) for one in bench.batch.shortest_lists] == [8.0, 6.0, 2.0]


def test_list_that_failed_says_nothing_about_how_long_one_takes() -> None:
    bench = make_bench("batch", rd_row(2))
    bench.host.scripts[LIST_COMMAND] = [sleep_in_list(8.0)]
    (session,) = bench.service.list_sessions()
    bench.service.begin_listing([session])
    bench.host.scripts[LIST_COMMAND] = always(error("Kein Broker"))
    assert isinstance(bench.service.wait(0.0)[0], ListingFailed)
    bench.service.begin_act(session, math.inf)
    bench.service.wait(0.0)
    assert bench.batch.shortest_lists == [pytest.approx(8.0, abs=0.01)]


def test_take_over_during_a_slow_list_is_seen() -> None:
    bench = make_bench("batch", rd_row(2), rd_row(3, "bob"))
    bench.host.scripts[LIST_COMMAND] = [sleep_in_list(6.0), sleep_in_list(6.0, taken_over=2)]
    assert bench.outcomes() == {"2": "replaced", "3": "logged_off"}
    assert bench.host.owners == ["bob"]


# Names of hosts


def test_host_may_be_named_without_its_domain(kind: str) -> None:
    bench = make_bench(kind, rd_row(2), rd_row(2, "bob", "rdsh-2.contoso.com"))
    servers = CallResult(State.COMPLETED, ({"Server": "rdsh-1.contoso.com"}, {"Server": "rdsh-2.contoso.com"}))
    bench.host.scripts["Get-RDServer"] = always(servers, servers)
    selection = HostSelection((NamedSession("", "RDSH-1", "2"),), Filters(host="RDSH-1"))
    bench.run(selection)
    (call,) = bench.host.sent(LOGOFF_COMMAND)
    assert call.parameters == {"HostServer": "rdsh-1.contoso.com", "UnifiedSessionID": 2, "Force": True}


def test_short_name_that_fits_hosts_of_two_domains_is_an_error(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    servers = CallResult(State.COMPLETED, ({"Server": "rdsh-1.contoso.com"}, {"Server": "rdsh-1.fabrikam.com"}))
    bench.host.scripts["Get-RDServer"] = always(servers)
    with pytest.raises(ServiceError, match=r"fits rdsh-1\.contoso\.com, rdsh-1\.fabrikam\.com"):
        bench.run(HostSelection(None, Filters(host="rdsh-1")))
    with pytest.raises(SelectionError, match=r"is listed as rdsh-1\.contoso\.com"):
        bench.run(HostSelection((NamedSession("", "rdsh-1", "2"),)))


def test_host_without_sessions_must_exist(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    servers = CallResult(State.COMPLETED, ({"Server": "rdsh-3.contoso.com"},))
    bench.host.scripts["Get-RDServer"] = always(servers, servers, error("nein"))
    assert bench.run(HostSelection(None, Filters(host="RDSH-3.contoso.com"))).rows == []
    for words in ("no session host rdsh-9", "nein"):
        with pytest.raises(ServiceError, match=words):
            bench.run(HostSelection(None, Filters(host="rdsh-9.contoso.com")))
    assert bench.service.notes().warnings == []


def test_host_that_cannot_be_checked_is_a_warning(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    hidden = terminating("CommandNotFoundException", "ObjectNotFound")
    bench.host.scripts["Get-RDServer"] = always(hidden, hidden)
    with pytest.raises(ServiceError, match="give the full name"):
        bench.run(HostSelection(None, Filters(host="rdsh-1")))
    assert bench.run(HostSelection(None, Filters(host="rdsh-9"))).rows == []
    assert len(bench.service.notes().warnings) == 1
    assert bench.run(HostSelection(None, Filters(host="RDSH-1.contoso.com"))).summary() == {"logged_off": 1}


def test_time_without_a_zone_never_overstates_an_age() -> None:
    for text, hour in (("2026-11-20T08:00:00Z", 8), ("2026-11-20T08:00:00", 20)):
        moment = RdsCmdlets().read(rd_row(CreateTime=text), 0.0).created
        assert moment is not None
        assert (moment.hour, moment.utcoffset()) == (hour, moment.utcoffset())
        assert moment.tzinfo is not None
    for value in ("", None, "soon", 7):
        assert RdsCmdlets().read(rd_row(CreateTime=value), 0.0).created is None


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_act_without_a_clear_answer_is_not_called_left_alone(kind: str) -> None:
    bench = make_bench(kind, rd_row(2, SessionState="STATE_DISCONNECTED"))

    def breaks_off(host: FakeHost, call: Call) -> CallResult:
        host.rows[0]["SessionState"] = "STATE_RESET"  # Windows is logging it off
        return terminating("PipelineStopped", "OperationStopped", "PipelineStoppedException")

    bench.host.scripts["Invoke-RDUserLogoff"] = [breaks_off]
    report = bench.run(Selection(filters=Filters(states=("STATE_DISCONNECTED",))))
    assert report.summary() == {"failed": 1}
    assert report.changed
    assert len(bench.host.sent("Invoke-RDUserLogoff")) == 1


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_row_without_a_time_of_creation_is_no_session_that_has_one(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    listed = RdsCmdlets().read(rd_row(2, CreateTime=None), 0.0)
    report = bench.run(Selection(read_named({"sessions": [dict(listed.fields)]}, rds.FORM, "")))
    assert report.summary() == {"replaced": 1}
    assert bench.host.owners == []


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_state_that_changes_to_another_one_of_the_filter_is_still_meant(kind: str) -> None:
    bench = make_bench(kind, rd_row(2))
    if kind == "batch":
        assert isinstance(bench.service, ScriptService)
        bench.service._proof += ("session_state",)

    def disconnects(host: FakeHost, call: Call) -> CallResult:
        answer = CallResult(State.COMPLETED, tuple(dict(row) for row in host.rows))
        host.rows[0]["SessionState"] = "STATE_DISCONNECTED"
        return answer

    bench.host.scripts["Get-RDUserSession"] = [disconnects]
    report = bench.run(Selection(filters=Filters(states=("STATE_ACTIVE", "STATE_DISCONNECTED"))))
    assert report.summary() == {"logged_off": 1}


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_who_disconnects_himself_before_the_act_needs_nothing(kind: str) -> None:
    host = FakeHost([rd_row(2), rd_row(3, "bob")])
    transport = LiveTransport(host) if kind == "live" else BatchTransport(host)
    service = make_service(RdsCmdlets(), transport, operation=Operation(DISCONNECT))

    def disconnects(host: FakeHost, call: Call) -> CallResult:
        answer = CallResult(State.COMPLETED, tuple(dict(row) for row in host.rows))
        host.rows[0]["SessionState"] = "STATE_DISCONNECTED"
        return answer

    def disconnect(host: FakeHost, call: Call) -> CallResult:
        for row in host.rows:
            if row["UnifiedSessionId"] == call.parameters["UnifiedSessionID"]:
                row["SessionState"] = "STATE_DISCONNECTED"
        return DONE

    host.scripts["Get-RDUserSession"] = [disconnects]
    host.scripts["Disconnect-RDUser"] = [disconnect, disconnect]
    console = Console(meanwhile=lambda: host.clock.sleep(60.0))
    report = engine.run(engine.Request(DISCONNECT, Selection(), confirm=True), service, console, host.clock)
    assert report.summary() == {"already_disconnected": 1, "disconnected": 1}
    assert [call.parameters["UnifiedSessionID"] for call in host.sent("Disconnect-RDUser")] == [3]
