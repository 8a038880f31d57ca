# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows modules: options in, the right cmdlets over the right transport, result out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.action import (
    rds_session_info,
    rds_user_logoff,
    wms_session_close,
    wms_session_disconnect,
    wms_session_info,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import console, task_reach
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import runspace
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call, CallResult, State
from tests.unit.fakes.farm import FakeFarm, session
from tests.unit.fakes.task import action, opened, read
from tests.unit.fakes.windows_host import DONE, FakeHost, LiveTransport, always, error, rd_row

NOW = datetime.now(timezone.utc)
LOGOFF = rds_user_logoff.ActionModule
CLOSE = wms_session_close.ActionModule
DISCONNECT = wms_session_disconnect.ActionModule
RDS_INFO = rds_session_info.ActionModule
WMS_INFO = wms_session_info.ActionModule
POOL = {"tenant_name": "Contoso", "host_pool_name": "Legacy"}
SIGN_IN = {"credential": {"username": "alice@contoso.com", "password": "hush"}}
CLASSIC = {**POOL, **SIGN_IN}
RD_ROW = {"host_server": "h", "unified_session_id": 2}
CLASSIC_ROW = {**POOL, "session_host_name": "h", "session_id": 2}


def refused(kind: type[Any] = LOGOFF, **args: Any) -> str:
    """Run, and expect a refusal before anything is connected."""
    made = action(kind, args)
    opened(made, lambda: pytest.fail("connected"))
    with pytest.raises((SelectionError, AnsibleError)) as caught:
        made._run({}, [])
    return str(caught.value)


# rds_user_logoff: two sets of options


def test_cmdlet_of_windows_server() -> None:
    task = read(
        LOGOFF,
        host_server="rdsh-1",
        unified_session_id=2,
        force=True,
        connection_broker="b.contoso.com",
        collection_name="Desk",
    )
    assert task.wanted.cmdlets.lists[0] == Call(
        "Get-RDUserSession", {"CollectionName": ["Desk"], "ConnectionBroker": "b.contoso.com"}
    )
    assert task.selection.named is not None
    assert [one.key for one in task.selection.named] == [("", "rdsh-1", "2")]
    assert task.selection.filters == Filters(host="rdsh-1")


def test_cmdlet_of_windows_virtual_desktop_classic() -> None:
    task = read(LOGOFF, **CLASSIC, session_host_name="wvd-0", session_id=2, no_user_prompt=True)
    assert task.wanted.cmdlets.lists[0].command == "Get-RdsUserSession"
    assert task.wanted.cmdlets.sign_in is not None
    assert task.selection.named is not None
    assert [one.key for one in task.selection.named] == [("contoso/legacy", "wvd-0", "2")]


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ({"host_server": "h", "unified_session_id": 2, "tenant_name": "T"}, ["unified_session_id", "tenant_name"]),
        ({"force": True, **CLASSIC, "all_sessions": True}, ["force", "host_pool_name"]),
        ({"force": False, **CLASSIC, "all_sessions": True}, ["force", "host_pool_name"]),
        ({"host_server": "h", "session_id": 2}, ["host_server", "session_id"]),
        ({"unified_session_id": 2, "session_host_name": "h"}, ["unified_session_id", "session_host_name"]),
        ({"connection_broker": "b.c", "no_user_prompt": True}, ["connection_broker", "no_user_prompt"]),
        ({"collection_name": "c", **SIGN_IN}, ["collection_name", "credential"]),
    ],
)
def test_options_of_both_sets_are_an_error_that_names_both(args: dict[str, Any], names: list[str]) -> None:
    message = refused(**args)
    for name in names:
        assert name in message
    assert "one of them only" in message


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ({"unified_session_id": 2}, ["unified_session_id needs host_server"]),
        ({"host_server": "h"}, ["host_server needs unified_session_id", "all_sessions", "user"]),
        ({"connection_broker": "b.contoso.com"}, ["unified_session_id", "sessions", "all_sessions"]),
        ({"tenant_name": "T"}, ["host_pool_name is missing"]),
        ({"host_pool_name": "P"}, ["tenant_name is missing"]),
        ({"session_id": 2}, ["tenant_name is missing"]),
        ({**CLASSIC, "session_id": 2}, ["session_id needs session_host_name"]),
        ({**CLASSIC, "session_host_name": "h"}, ["session_host_name needs session_id"]),
        ({**CLASSIC}, ["session_id", "all_sessions"]),
        ({**POOL, "all_sessions": True}, ["credential"]),
        ({**SIGN_IN, "all_sessions": True}, ["tenant_name is missing"]),
        ({"sessions": [CLASSIC_ROW]}, ["credential"]),
        ({}, ["unified_session_id", "sessions", "user", "all_sessions"]),
        ({"force": True}, ["unified_session_id", "all_sessions"]),
    ],
)
def test_half_a_set_is_an_error_that_says_what_is_missing(args: dict[str, Any], names: list[str]) -> None:
    message = refused(**args)
    for name in names:
        assert name in message


@pytest.mark.parametrize("value", ["abc", -1, "-1", 2**31, 1.5, True, ["1", "x"], [[]], {"a": 1}])
@pytest.mark.parametrize("option", ["unified_session_id", "session_id"])
def test_id_that_no_cmdlet_takes_is_an_error_that_names_the_option(option: str, value: object) -> None:
    place = {"host_server": "h"} if option == "unified_session_id" else {**CLASSIC, "session_host_name": "h"}
    assert option in refused(**place, **{option: value})
    for kind in (CLOSE, DISCONNECT):
        assert "session_id" in refused(kind, session_id=value)


@pytest.mark.parametrize(
    "option",
    [
        *("host_server", "unified_session_id", "connection_broker", "collection_name", "tenant_name", "host_pool_name"),
        *("session_host_name", "session_id", "sessions", "user", "users", "exclude_user", "session_state"),
        *("minimum_age", "credential", "deployment_url", "aad_tenant_id", "application_id", "certificate_thumbprint"),
    ],
)
@pytest.mark.parametrize("value", ["", " ", None])
def test_option_that_is_given_but_empty_is_an_error(option: str, value: object) -> None:
    assert f"{option} is given but empty" in refused(all_sessions=True, force=True, **{option: value})
    if option in {*RDS_INFO.OPTIONS, "users"}:
        assert f"{option} is given but empty" in refused(RDS_INFO, **{option: value})


@pytest.mark.parametrize("option", ["server", "computer_name", "session_id", "sessions", "user", "session_state"])
def test_option_of_wms_that_is_given_but_empty_is_an_error(option: str) -> None:
    for kind in (CLOSE, DISCONNECT):
        assert f"{option} is given but empty" in refused(kind, all_sessions=True, **{option: ""})


@pytest.mark.parametrize(
    ("kind", "args", "words"),
    [
        (LOGOFF, {"connection_broker": "broker", "all_sessions": True}, "full name of the broker"),
        (LOGOFF, {"connection_broker": "broker.", "all_sessions": True}, "full name of the broker"),
        (LOGOFF, {"connection_broker": "b." + "x" * 260, "all_sessions": True}, "full name of the broker"),
        (LOGOFF, {"collection_name": "De*", "all_sessions": True}, "collection_name takes whole names"),
        (LOGOFF, {"user": "al*"}, "user takes whole names"),
        (LOGOFF, {"session_state": "Activ"}, "STATE_ACTIVE"),
        (LOGOFF, {"all_sessions": True, "wait_timeout": -1}, "wait_timeout is -1"),
        (LOGOFF, {"sessions": [RD_ROW], "all_sessions": True}, "all_sessions contradicts sessions"),
        (LOGOFF, {"sessions": [RD_ROW], "host_server": "h", "unified_session_id": 1}, "both name sessions"),
        (LOGOFF, {"sessions": [CLASSIC_ROW], "force": True}, "sessions[0] has no host_server"),
        (LOGOFF, {"sessions": [RD_ROW], **CLASSIC}, "sessions[0] has no session_host_name"),
        (LOGOFF, {"sessions": [{}]}, "sessions[0] has no host_server"),
        (LOGOFF, {"sessions": 7}, "sessions must be a list"),
        (LOGOFF, {"no_such_option": 1}, "no_such_option"),
        (CLOSE, {}, "session_id, sessions, filter with user, exclude_user, session_state, or"),
        (CLOSE, {"session_id": 1, "all_sessions": True}, "all_sessions contradicts session_id"),
        (CLOSE, {"session_id": 1, "sessions": []}, "both name sessions"),
        (CLOSE, {"session_id": 1, "timeout_in_second": 0}, "timeout_in_second is 0"),
        (CLOSE, {"session_id": 1, "timeout_in_second": 2**31}, "timeout_in_second is 2147483648"),
        (CLOSE, {"minimum_age": "1h"}, "minimum_age"),
        (CLOSE, {"wait_timeout": -1, "all_sessions": True}, "wait_timeout is -1"),
        (DISCONNECT, {}, "session_id, sessions, filter with user, exclude_user, session_state, or"),
        (DISCONNECT, {"session_id": 1, "all_sessions": True}, "all_sessions contradicts session_id"),
        (DISCONNECT, {"session_id": 1, "timeout_in_second": 0}, "timeout_in_second is 0"),
        (DISCONNECT, {"session_id": 1, "force": True}, "force"),
        (WMS_INFO, {"minimum_age": "1h"}, "minimum_age"),
        (RDS_INFO, {"host_server": "h", "tenant_name": "T"}, "one of them only"),
        (RDS_INFO, {"tenant_name": "T"}, "host_pool_name is missing"),
    ],
)
def test_what_is_unclear_is_refused_before_anything_is_connected(
    kind: type[Any], args: dict[str, Any], words: str
) -> None:
    assert words in refused(kind, **args)


@pytest.mark.parametrize("given", ["shadow", "Shadow", "STATE_SHADOW", "state_shadow"])
def test_state_may_lack_its_prefix(given: str) -> None:
    task = read(LOGOFF, session_state=given)
    assert task.selection.filters.states == ("STATE_SHADOW",)


@pytest.mark.parametrize("given", ["active", "Active", " active "])
def test_common_word_for_a_state_means_all_of_them(given: str) -> None:
    filters = read(LOGOFF, session_state=[given]).selection.filters
    assert filters.states == ("active",)
    states = [RdsCmdlets().read(rd_row(number, SessionState=number), 0.0) for number in range(10)]
    assert [one.state for one in states if not filters.rejects(one, NOW)] == ["STATE_ACTIVE", "STATE_SHADOW"]


def test_states_of_the_classic_service_are_its_own() -> None:
    task = read(LOGOFF, **CLASSIC, session_state=["disconnected"])
    assert task.selection.filters.states == ("disconnected",)
    assert "UserProfileDiskMounted" in refused(**CLASSIC, session_state="STATE_ACTIVE")


def test_filters_and_ids() -> None:
    task = read(LOGOFF, host_server="h", exclude_user="carol\ndave", minimum_age="2h")
    assert task.selection.named is None
    assert task.selection.filters == Filters("h", (), ("carol", "dave"), (), timedelta(hours=2))
    task = read(LOGOFF, minimum_disconnected="90m")
    assert task.selection.filters == Filters(minimum_disconnected=timedelta(minutes=90))
    assert "minimum_disconnected" in refused(minimum_disconnected="soon")
    assert "minimum_disconnected" in refused(**CLASSIC, minimum_disconnected="2h")
    task = read(LOGOFF, host_server="h", unified_session_id="2,3")
    assert [one.id for one in task.selection.named or ()] == ["2", "3"]
    task = read(CLOSE, session_id=[0, "7"], session_state="Anything")
    assert [one.id for one in task.selection.named or ()] == ["0", "7"]
    assert task.selection.filters.states == ("Anything",)


def test_rows_decide_the_service_when_no_option_does() -> None:
    assert read(LOGOFF, sessions=[RD_ROW]).wanted.cmdlets.lists[0].command == "Get-RDUserSession"
    assert read(LOGOFF, sessions=[CLASSIC_ROW], **SIGN_IN).wanted.cmdlets.lists[0].command == "Get-RdsUserSession"


@pytest.mark.parametrize(
    ("kind", "args", "asks"),
    [
        (LOGOFF, {"all_sessions": True}, True),
        (LOGOFF, {"all_sessions": True, "force": False}, True),
        (LOGOFF, {"all_sessions": True, "force": True}, False),
        (LOGOFF, {**CLASSIC, "all_sessions": True}, True),
        (LOGOFF, {**CLASSIC, "all_sessions": True, "no_user_prompt": True}, False),
        (CLOSE, {"all_sessions": True}, False),
        (CLOSE, {"all_sessions": True, "confirm": True}, True),
        (DISCONNECT, {"all_sessions": True}, False),
        (DISCONNECT, {"all_sessions": True, "confirm": True}, True),
    ],
)
def test_who_is_asked(monkeypatch: pytest.MonkeyPatch, kind: type[Any], args: dict[str, Any], asks: bool) -> None:
    asked: list[str] = []

    def prompt(question: str) -> bytes:
        asked.append(question)
        return b"n"

    monkeypatch.setattr(console, "display", SimpleNamespace(prompt_until=prompt))
    farm = FakeFarm.of(session("1"))
    farm.ends = True
    monkeypatch.setattr(task_reach, "time", SimpleNamespace(monotonic=farm.clock, sleep=farm.clock.sleep))
    made = action(kind, args)
    opened(made, lambda: farm)
    assert made.run(task_vars={}).get("failed", False) is asks
    assert len(asked) == asks


def test_computer_name_is_another_word_for_server() -> None:
    task = read(WMS_INFO, computer_name="classroom.contoso.com")
    assert [call.parameters for call in task.wanted.cmdlets.lists] == [{"All": True, "Server": "classroom.contoso.com"}]


def test_password_is_marked_as_a_secret() -> None:
    for kind in (LOGOFF, RDS_INFO):
        assert kind.OPTIONS["credential"]["options"]["password"]["no_log"] is True


# The transport


class Psrp(LiveTransport):
    """Stands for RunspaceTransport."""

    host: FakeHost
    made: list[Psrp]

    def __init__(self, connection: Any, clock: Any, most_runspaces: int, lives: Any) -> None:
        super().__init__(Psrp.host, most_runspaces=most_runspaces)
        Psrp.made.append(self)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A host that a psrp connection reaches, with a clock of its own."""
    Psrp.host, Psrp.made = FakeHost([rd_row(2), rd_row(3, "bob")]), []
    monkeypatch.setattr(runspace, "RunspaceTransport", Psrp)
    clock = Psrp.host.clock
    monkeypatch.setattr(task_reach, "time", SimpleNamespace(monotonic=clock, sleep=clock.sleep))
    return Psrp.host


@pytest.mark.parametrize(
    ("connection", "service"),
    [
        ({"transport": "psrp"}, RunspaceService),
        ({"transport": "psrp", "become": object()}, ScriptService),
        ({"transport": "winrm"}, ScriptService),
        ({"transport": "ssh"}, ScriptService),
        ({"transport": "local"}, ScriptService),
    ],
)
def test_transport_follows_the_connection(host: FakeHost, connection: dict[str, Any], service: type) -> None:
    assert type(reach({"all_sessions": True}, **connection)) is service


def reach(args: Mapping[str, Any], kind: type[Any] = LOGOFF, **connection: Any) -> Any:
    """Make the service of a task."""
    task, made = read(kind, **args), action(kind, args, **connection)
    return task.place.open(task.wanted, task.operation, made._reach({}, {}))[0]


@pytest.mark.parametrize(
    ("kind", "options", "seconds"),
    [
        (LOGOFF, {"wait_timeout": 60}, 60.0),
        (LOGOFF, {"wait_timeout": 0}, 10.0),
        (CLOSE, {"wait_timeout": 60, "timeout_in_second": 5}, 5.0),
        (CLOSE, {"wait_timeout": 60, "timeout_in_second": 90}, 90.0),
        (DISCONNECT, {"wait_timeout": 60, "timeout_in_second": 5}, 5.0),
        (RDS_INFO, {}, 10.0),
    ],
)
def test_deadline_of_an_act(host: FakeHost, kind: type[Any], options: dict[str, Any], seconds: float) -> None:
    args = {**options, **({} if kind is RDS_INFO else {"all_sessions": True})}
    assert reach(args, kind)._act_seconds == seconds


def test_limit_of_the_cmdlet_counts_for_the_wait_too() -> None:
    operation = read(CLOSE, all_sessions=True, wait_timeout=60, timeout_in_second=90).operation
    assert operation is not None
    assert (operation.wait_timeout, operation.time_limit) == (90.0, 90.0)


@pytest.mark.parametrize(
    ("filters", "proven"),
    [
        ({}, set()),
        ({"session_state": ["STATE_DISCONNECTED"]}, {"session_state"}),
        ({"minimum_disconnected": "2h"}, {"session_state", "disconnect_time"}),
    ],
)
def test_script_proves_what_may_change_when_it_was_filtered(
    host: FakeHost, filters: dict[str, Any], proven: set[str]
) -> None:
    service = reach({"all_sessions": True, **filters}, transport="winrm")
    assert {"session_state", "disconnect_time"}.intersection(service._proof) == proven
    assert set(service._proof) <= set(service._cmdlets.fields)


# The run and its result


def run(args: Mapping[str, Any], kind: type[Any] = LOGOFF, **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = action(kind, args, **more).run(task_vars={"inventory_hostname": "broker"})
    return result


def test_logs_off_and_reports(host: FakeHost) -> None:
    args = {"host_server": "rdsh-1.contoso.com", "unified_session_id": 2, "force": True}
    predicted = run(args, check_mode=True)
    assert host.owners == []
    result = run(args)
    assert result["changed"] is True
    assert [(row["unified_session_id"], row["user_name"], row["outcome"]) for row in result["sessions"]] == [
        (2, "alice", "logged_off")
    ]
    assert result["diff"] == {"before": "rdsh-1.contoso.com/2 CONTOSO\\alice STATE_ACTIVE\n", "after": ""}
    assert (predicted["changed"], predicted["summary"], predicted["diff"]) == (
        result["changed"],
        result["summary"],
        result["diff"],
    )
    assert host.owners == ["alice"]
    again = run(args)
    assert (again["changed"], again["summary"]) == (False, {"already_gone": 1})
    assert all(made.closed == 1 for made in Psrp.made)


def test_rows_of_the_info_module_are_passed_on(host: FakeHost) -> None:
    listed = run({"user": "bob"}, RDS_INFO)
    assert (listed["changed"], listed["summary"]) == (False, {"STATE_ACTIVE": 1})
    host.give_id_to(3, "mallory")
    result = run({"sessions": listed["sessions"], "force": True})
    assert result["summary"] == {"replaced": 1}
    assert host.owners == []


def test_question_without_a_yes_ends_nothing(host: FakeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def prompt(question: str) -> bytes:
        asked.append(question)
        return b"n"

    monkeypatch.setattr(console, "display", SimpleNamespace(prompt_until=prompt))
    result = run({"all_sessions": True})
    assert result["failed"] is True
    assert "log off 2 sessions" in asked[0]
    assert host.owners == []


def test_error_of_the_cmdlet_comes_with_advice(host: FakeHost) -> None:
    host.scripts["Invoke-RDUserLogoff"] = always(*[error()] * 50)
    result = run({"all_sessions": True, "force": True})
    assert result["failed"] is True
    assert result["msg"].startswith("Failed to log off 2 of 2 sessions: ")
    assert "Zugriff verweigert" in result["msg"]
    assert "permission Reset of Remote Desktop Services" in result["msg"]
    assert "become_method runas" in result["msg"]


def test_connection_that_is_lost_on_the_way_makes_the_host_unreachable(
    host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(host: FakeHost, call: Call) -> CallResult:
        host.end(call)
        host.scripts["Get-RDUserSession"] = always(AnsibleConnectionFailure("broker is down."))
        return DONE

    host.scripts["Invoke-RDUserLogoff"] = [act, act]
    result = run({"all_sessions": True, "force": True})
    assert result["unreachable"] is True
    assert "failed" not in result
    assert result["changed"] is True
    assert result["msg"].startswith("broker is down. Failed to log off 2 of 2 sessions")
    assert len(result["sessions"]) == 2
    host.scripts["Get-RDUserSession"] = always(AnsibleConnectionFailure("broker is down."))
    with pytest.raises(AnsibleConnectionFailure):
        run({"all_sessions": True, "force": True})


def test_retired_service_warns(host: FakeHost) -> None:
    host.list_command = "Get-RdsUserSession"
    host.rows = []
    for kind, args in ((LOGOFF, {**CLASSIC, "all_sessions": True}), (RDS_INFO, CLASSIC)):
        (warning,) = run(args, kind)["warnings"]
        assert "retired on 2026-09-30" in warning
        assert "hush" not in str(run(args, kind))


def test_the_pool_may_grow_as_far_as_calls_need(host: FakeHost) -> None:
    run({"all_sessions": True, "force": True})
    assert [made.most_runspaces for made in Psrp.made] == [runspace.MOST_RUNSPACES]


@pytest.fixture
def classic_host(host: FakeHost) -> FakeHost:
    """A host with the cmdlets of the classic service, which know who has signed in in a runspace."""
    host.list_command, host.id_property, host.id_parameter = "Get-RdsUserSession", "SessionId", "SessionId"
    host.sign_in_command = "Add-RdsAccount"
    host.rows = [
        {"SessionHostName": "h", "SessionId": number, "UserPrincipalName": user, "UserName": user}
        for number, user in enumerate((f"user{number}" for number in range(1, 31)), 1)
    ]
    return host


def test_classic_does_everything_where_it_has_signed_in(classic_host: FakeHost) -> None:
    result = run({**CLASSIC, "all_sessions": True, "no_user_prompt": True})
    assert result["summary"] == {"logged_off": 30}
    (made,) = Psrp.made
    assert (made.most_runspaces, made.most_at_once) == (1, 1)


def test_classic_behind_a_call_that_hangs_says_so(classic_host: FakeHost) -> None:
    classic_host.scripts["Invoke-RdsUserSessionLogoff"] = always(CallResult(State.NO_ANSWER))
    result = run({**CLASSIC, "all_sessions": True, "no_user_prompt": True})
    assert (result["failed"], result["changed"], result["summary"]) == (True, True, {"failed": 30})
    assert result["msg"].startswith("all runspaces are blocked. Failed to log off 30 of 30 sessions: ")
    assert "become_method" not in result["msg"], "advice about rights helps nobody here"


def test_empty_pipeline_of_the_classic_service_is_no_change() -> None:
    result = action(LOGOFF, {"sessions": [], "no_user_prompt": True, **SIGN_IN}).run(task_vars={})
    assert (result.get("failed", False), result["changed"], result["sessions"]) == (False, False, [])
