# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the cmdlets of MultiPoint: which generation a host has, and what each of them takes."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.given_rows import read_named
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import (
    FIELDS,
    FORM,
    ServerSelection,
    WmsCmdlets,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters, Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import COMMON_FIELDS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    DISCONNECT,
    LOG_OFF,
    Operation,
    Verb,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    ErrorRecord,
    State,
)
from tests.unit.fakes.console import Console
from tests.unit.fakes.windows_host import (
    DONE,
    BatchTransport,
    FakeHost,
    LiveTransport,
    always,
    make_service,
    terminating,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
UNKNOWN_PARAMETER = terminating("NamedParameterNotFound")


def row(id_: int, user: str | None = "alice", name: str = "SessionId") -> dict[str, Any]:
    return {
        name: id_,
        "State": "ConnectedToStation",
        "UserName": user,
        "DomainName": "CONTOSO",
        "ComputerName": "CLASSROOM",
        "IsAdmin": False,
    }


class Server(FakeHost):
    """A MultiPoint server of one generation."""

    def __init__(self, generation: int, *rows: dict[str, Any], knows_all: bool = True) -> None:
        super().__init__(list(rows), list_command="Get-WmsSession", id_parameter="SessionId")
        self.id_property = "SessionId" if generation == 2016 else "Id"
        self.generation, self.knows_all = generation, knows_all

    def end(self, call: Call) -> None:
        """Disconnect what is to be disconnected, and end the rest."""
        if call.command != "Disconnect-WmsSession":
            super().end(call)
            return
        ids = call.parameters["SessionId"]
        for row in self.rows:
            if row[self.id_property] in (ids if isinstance(ids, list) else [ids]):
                self.owners.append(row["UserName"])
                row["State"] = "Disconnected"

    def answer(self, call: Call, runspace: int = 0) -> CallResult:
        names = set(call.parameters)
        older = {"SessionId", "TimeoutInSecond", "Confirm"}
        newer = {"SessionId", "Server", "Confirm", *(["All"] if self.knows_all else [])}
        if call.command.endswith("WmsSession") and not names <= (older if self.generation == 2012 else newer):
            self.calls.append(call)
            return UNKNOWN_PARAMETER
        if call.command == "Get-WmsSession" and self.generation == 2016 and "All" not in names:
            self.calls.append(call)
            return terminating("MissingMandatoryParameter")
        if call.command in ("Close-WmsSession", "Disconnect-WmsSession"):
            assert isinstance(call.parameters["SessionId"], list) is (self.generation == 2016)
            assert call.parameters["Confirm"] is False
        return super().answer(call, runspace)


def serve(
    kind: str, host: FakeHost, cmdlets: WmsCmdlets, limit: float | None = None, verb: Verb = LOG_OFF
) -> RunspaceService | ScriptService:
    transport = LiveTransport(host) if kind == "live" else BatchTransport(host)
    return make_service(cmdlets, transport, operation=Operation(verb, time_limit=limit))


def close(
    kind: str,
    host: FakeHost,
    cmdlets: WmsCmdlets,
    selection: Selection,
    limit: float | None = None,
    verb: Verb = LOG_OFF,
    **options: Any,
) -> Report:
    request = engine.Request(verb, selection, **options)
    return engine.run(request, serve(kind, host, cmdlets, limit, verb), Console(), host.clock)


@pytest.mark.parametrize("kind", ["live", "batch"])
@pytest.mark.parametrize("generation", [2012, 2016])
def test_either_generation_closes_sessions(kind: str, generation: int) -> None:
    name = "SessionId" if generation == 2016 else "Id"
    host = Server(generation, *(row(number, f"user{number}", name) for number in range(1, 30)))
    report = close(kind, host, WmsCmdlets(), ServerSelection(filters=Filters(excluded_users=("user7",))))
    assert report.summary() == {"logged_off": 28}
    assert [one["UserName"] for one in host.rows] == ["user7"]
    assert len(host.owners) == 28
    assert report.rows[0].fields["session_id"] == 1
    assert report.rows[0].fields["computer_name"] == "CLASSROOM"


@pytest.mark.parametrize("kind", ["live", "batch"])
@pytest.mark.parametrize("generation", [2012, 2016])
def test_either_generation_disconnects_who_is_not_yet(kind: str, generation: int) -> None:
    name = "SessionId" if generation == 2016 else "Id"
    host = Server(generation, *(row(number, f"user{number}", name) for number in range(1, 5)))
    host.rows[1]["State"] = "Disconnected"
    everybody = ServerSelection()
    predicted = close(kind, host, WmsCmdlets(), everybody, verb=DISCONNECT, check_mode=True)
    assert host.owners == []
    report = close(kind, host, WmsCmdlets(), everybody, verb=DISCONNECT)
    assert predicted.summary() == report.summary() == {"already_disconnected": 1, "disconnected": 3}
    assert sorted(host.owners) == ["user1", "user3", "user4"]
    assert report.diff()["after"].count(" Disconnected\n") == 3
    again = close(kind, host, WmsCmdlets(), everybody, verb=DISCONNECT)
    assert (again.summary(), again.changed) == ({"already_disconnected": 4}, False)
    assert not host.sent("Close-WmsSession")


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_disconnect_has_the_time_limit_of_its_generation(kind: str) -> None:
    for generation, name, limit in ((2012, "Id", {"TimeoutInSecond": 9}), (2016, "SessionId", {})):
        host = Server(generation, row(1, name=name))
        close(kind, host, WmsCmdlets(), ServerSelection(), 9.0, DISCONNECT)
        (call,) = host.sent("Disconnect-WmsSession")
        id_ = [1] if generation == 2016 else 1
        assert call.parameters == {"SessionId": id_, "Confirm": False, **limit}


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_disconnect_that_hangs_is_not_sent_twice(kind: str) -> None:
    host = Server(2016, row(1))
    host.scripts["Disconnect-WmsSession"] = always(CallResult(State.NO_ANSWER), DONE)
    report = close(kind, host, WmsCmdlets(), ServerSelection(), verb=DISCONNECT, wait_timeout=20.0)
    assert report.summary() == {"still_there": 1}
    assert len(host.sent("Disconnect-WmsSession")) == 1


@pytest.mark.parametrize("kind", ["live", "batch"])
@pytest.mark.parametrize(("after", "outcome"), [("gone", "already_gone"), ("there", "disconnected")])
def test_disconnect_of_a_session_of_which_the_server_knows_nothing(kind: str, after: str, outcome: str) -> None:
    host = Server(2016, row(1))

    def missing(host: FakeHost, call: Call) -> CallResult:
        if after == "gone":
            host.rows.clear()
        return terminating("SessionNotFound", "ObjectNotFound", "ItemNotFoundException")

    host.scripts["Disconnect-WmsSession"] = [missing]
    assert close(kind, host, WmsCmdlets(), ServerSelection(), verb=DISCONNECT).summary() == {outcome: 1}


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_generation_is_found_out_with_the_fewest_calls(kind: str) -> None:
    host = Server(2016, row(1))
    serve(kind, host, WmsCmdlets()).list_sessions()
    assert host.calls[0].parameters == {"All": True}
    assert len(host.calls) == (1 if kind == "live" else 2)
    host = Server(2012, row(1, name="Id"))
    service = serve(kind, host, WmsCmdlets())
    service.list_sessions()
    assert [call.parameters for call in host.calls] == [{"All": True}, {}]
    if kind == "batch":
        assert isinstance(service, ScriptService)
        assert len(service._transport.runs) == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_time_limit_is_passed_only_where_it_exists(kind: str) -> None:
    for generation, name, limit in ((2012, "Id", {"TimeoutInSecond": 9}), (2016, "SessionId", {})):
        host = Server(generation, row(1, name=name))
        close(kind, host, WmsCmdlets(), ServerSelection(), 9.0)
        (call,) = host.sent("Close-WmsSession")
        assert {key: value for key, value in call.parameters.items() if key == "TimeoutInSecond"} == limit


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_close_that_used_up_its_time_limit_is_not_sent_again(kind: str) -> None:
    host = Server(2012, row(1, name="Id"))

    def abort(host: FakeHost, call: Call) -> CallResult:
        host.clock.now += 9.0
        return terminating("Aborted", "InvalidOperation")

    host.scripts["Close-WmsSession"] = [abort, abort, abort]
    report = close(kind, host, WmsCmdlets(), ServerSelection(), 9.0, wait_timeout=30.0)
    assert report.summary() == {"still_there": 1}
    assert len(host.sent("Close-WmsSession")) == 1


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_other_server(kind: str) -> None:
    host = Server(2016, row(1))
    close(kind, host, WmsCmdlets("other.contoso.com"), ServerSelection())
    for call in [*host.sent("Get-WmsSession"), *host.sent("Close-WmsSession")]:
        assert call.parameters["Server"] == "other.contoso.com"


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_older_generation_never_acts_on_its_own_host_for_another_server(kind: str) -> None:
    host = Server(2012, row(1, name="Id"))
    with pytest.raises(ServiceError, match="2012 R2 knows no server: run the task on that host itself"):
        close(kind, host, WmsCmdlets("other.contoso.com"), ServerSelection())
    assert len(host.calls) == 1


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_endpoint_that_hides_a_parameter_is_not_the_older_generation(kind: str) -> None:
    host = Server(2016, row(1), knows_all=False)
    with pytest.raises(ServiceError, match="must allow the parameters All"):
        close(kind, host, WmsCmdlets(), ServerSelection())


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_session_that_is_gone_says_so(kind: str) -> None:
    host = Server(2016, row(1))

    def leave(host: FakeHost, call: Call) -> CallResult:
        host.rows.clear()
        return terminating("SessionNotFound", "ObjectNotFound", "ItemNotFoundException")

    host.scripts["Close-WmsSession"] = [leave]
    report = close(kind, host, WmsCmdlets(), ServerSelection())
    assert report.summary() == {"already_gone": 1}


def test_session_that_is_gone_is_in_doubt_when_another_error_came_before() -> None:
    host = Server(2016, row(1))

    def close_and_complain(host: FakeHost, call: Call) -> CallResult:
        host.rows.clear()
        first = ErrorRecord("RpcError", "NotSpecified", "RpcException", "RPC")
        last = ErrorRecord("SessionNotFound", "ObjectNotFound", "ItemNotFoundException", "no session")
        return CallResult(State.COMPLETED, errors=(first, last))

    host.scripts["Close-WmsSession"] = [close_and_complain]
    assert close("live", host, WmsCmdlets(), ServerSelection()).summary() == {"logged_off": 1}


def test_error_that_comes_after_the_effect_is_in_doubt_however_late() -> None:
    """At first the server knows no such session; what comes seconds later is given up, but may be ours."""
    host = Server(2016, row(1))
    missing = terminating("SessionNotFound", "ObjectNotFound", "ItemNotFoundException")

    def close_and_complain(host: FakeHost, call: Call) -> CallResult:
        host.clock.now += 6.0
        host.rows.clear()
        return CallResult(State.COMPLETED, errors=(ErrorRecord("RpcError", "NotSpecified", "RpcException", "RPC"),))

    host.scripts["Close-WmsSession"] = [*always(missing), close_and_complain]
    report = close("live", host, WmsCmdlets(), ServerSelection())
    assert (report.summary(), report.changed) == ({"logged_off": 1}, True)


def test_session_without_a_user_is_refused() -> None:
    host = Server(2016, row(1, None), row(2))
    assert close("live", host, WmsCmdlets(), ServerSelection()).summary() == {"logged_off": 1, "refused": 1}


def test_session_that_hangs_is_still_there() -> None:
    host = Server(2016, row(1))
    host.scripts["Close-WmsSession"] = always(CallResult(State.NO_ANSWER), DONE)
    report = close("live", host, WmsCmdlets(), ServerSelection(), wait_timeout=20.0)
    assert report.summary() == {"still_there": 1}
    assert len(host.sent("Close-WmsSession")) == 1


# Named sessions


def test_id_names_the_session_of_the_server() -> None:
    cmdlets = WmsCmdlets()
    listed = [cmdlets.read(row(1), 0.0), cmdlets.read(row(2, "bob"), 0.0)]
    choice = ServerSelection((FORM.name("", "", 2, {}), FORM.name("", "", 9, {}))).choose(listed, NOW)
    assert choice.sessions == [listed[1]]
    assert [one[1:3] for one in choice.left_alone] == [(None, "")]


def test_id_that_two_computers_have_is_an_error() -> None:
    cmdlets = WmsCmdlets()
    listed = [cmdlets.read({**row(1), "ComputerName": name}, 0.0) for name in ("A", "B")]
    with pytest.raises(SelectionError, match="session_id 1 is on A, B"):
        ServerSelection((FORM.name("", "", 1, {}),)).choose(listed, NOW)


def test_rows_name_their_sessions_on_their_server_only() -> None:
    cmdlets = WmsCmdlets()
    listed = cmdlets.read(row(1), 0.0)
    (named,) = read_named({"sessions": [dict(listed.fields)]}, FORM, "")
    assert ServerSelection((named,)).choose([listed], NOW).sessions == [listed]
    elsewhere = cmdlets.read({**row(1), "ComputerName": "OTHER"}, 0.0)
    assert not ServerSelection((named,)).choose([elsewhere], NOW).sessions
    other = cmdlets.read(row(1, "mallory"), 0.0)
    choice = ServerSelection((named,)).choose([other], NOW)
    assert not choice.sessions
    assert [one[2] for one in choice.left_alone] == ["replaced"]
    assert list(named.fields) == [*COMMON_FIELDS, *FIELDS]


@pytest.mark.parametrize("rows", [[{}], [{"computer_name": "A"}], [{"session_id": 1}], [7], "x"])
def test_row_that_is_none_is_an_error(rows: object) -> None:
    with pytest.raises(SelectionError, match="sessions"):
        read_named({"sessions": rows}, FORM, "")


def test_row_whose_user_could_not_be_read_never_means_whoever_is_there_now() -> None:
    row_ = {"computer_name": "CLASSROOM", "session_id": 1, "user_name": ""}
    (named,) = read_named({"sessions": [row_]}, FORM, "")
    assert named.mismatch(WmsCmdlets().read(row(1), 0.0))


def test_batch_proves_the_user_of_a_wms_session() -> None:
    host = Server(2016, row(1))
    service = serve("batch", host, WmsCmdlets())
    (session,) = service.list_sessions()
    host.rows[0].update(UserName="mallory")
    service.begin_act(session, 0.0)
    service.wait(0.0)
    assert host.owners == []


@pytest.mark.parametrize("kind", ["live", "batch"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(terminating("Denied", "PermissionDenied"), "failed"), (terminating("NoSession", "ObjectNotFound"), "failed")],
)
def test_error_before_the_time_limit_is_no_limit(kind: str, answer: CallResult, outcome: str) -> None:
    """A batch takes longer than that as a whole."""
    host = Server(2012, row(1, name="Id"))
    host.scripts["Close-WmsSession"] = always(*[answer] * 20)
    report = close(kind, host, WmsCmdlets(), ServerSelection(), 3.0, wait_timeout=10.0)
    assert report.summary() == {outcome: 1}
    assert not report.changed
