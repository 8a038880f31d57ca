# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options in, result out: what a task says is read exactly, and never as more than it says."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.action.wvd_session_disconnect import ActionModule as Disconnect
from ansible_collections.remotedesktop.sessions.plugins.action.wvd_session_info import ActionModule as Info
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import console
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.options import (
    FILTERS,
    is_empty,
    read_age,
    refuse_empty,
    split_lines,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.session_action import SessionAction
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.task_reach import task_environment
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import wvd_account, wvd_place
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.plain import plain
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import arm
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_cloud import CLOUDS
from tests.unit.fakes.farm import CREATED, FakeFarm, session
from tests.unit.fakes.task import POOL, action, opened, read, selected

NAMES = ("id", "input_object", "sessions")

ROW = {**POOL, "subscription_id": "sub", "session_host_name": "host-0", "id": "1"}
WHERE_OR_WHICH = (
    "subscription_id",
    "resource_group_name",
    "resource_group",
    "host_pool_name",
    "session_host_name",
    "profile",
    "default_profile",
    "id",
    "user_session_id",
    "input_object",
    "sessions",
    "user",
    "users",
    "exclude_user",
    "exclude_users",
    "session_state",
    "minimum_age",
)


class Task:
    """A disconnect task against a farm in memory."""

    def __init__(self, farm: FakeFarm, monkeypatch: pytest.MonkeyPatch) -> None:
        self.farm = farm
        monkeypatch.setattr(
            "ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.task_reach.time.monotonic",
            farm.clock,
        )

    def run(self, check_mode: bool = False, **args: Any) -> dict[str, Any]:
        made = action(Disconnect, {**POOL, "all_sessions": True, **args}, check_mode)
        opened(made, lambda: self.farm)
        result: dict[str, Any] = made.run(task_vars={"inventory_hostname": "host-x"})
        return result


# Given but empty is never "all"


@pytest.mark.parametrize("value", ["", "   ", "\n", None, [], [""], ["alice", ""], ["alice", None], {}, [[]]])
@pytest.mark.parametrize("option", WHERE_OR_WHICH)
@pytest.mark.parametrize("more", [{}, {"all_sessions": True}, {"user": "alice"}])
def test_option_that_says_where_or_which_given_but_empty_is_an_error(
    option: str, value: object, more: dict[str, object]
) -> None:
    if option == "sessions" and isinstance(value, list):
        return
    with pytest.raises(SelectionError, match=f"^{option} is given but empty, which never means all"):
        selected(**{**more, option: value})


@pytest.mark.parametrize(
    "option", [name for name in WHERE_OR_WHICH if name in {*Info.OPTIONS, "users", "resource_group"}]
)
def test_empty_option_is_an_error_for_the_info_module_too(option: str) -> None:
    with pytest.raises(SelectionError, match=f"^{option} is given but empty"):
        selected(Info, **{option: ""})


def test_every_option_that_says_where_or_which_is_known_here() -> None:
    telling = {
        name
        for name, described in Disconnect.OPTIONS.items()
        if described["type"] not in ("bool", "int") and name not in wvd_place.HOST_POOLS.may_be_empty
    }
    assert {*telling, *(alias for name in telling for alias in Disconnect.OPTIONS[name].get("aliases", ()))} == {
        *WHERE_OR_WHICH
    }


def test_empty_pipeline_names_no_session_and_connects_nothing() -> None:
    made = action(Disconnect, {**POOL, "sessions": []})
    result = made.run(task_vars={})
    assert (result["changed"], result["sessions"], result["summary"]) == (False, [], {})
    assert "failed" not in result


@pytest.mark.parametrize("value", ["[]", "{}", "None", "<generator object>"])
def test_text_of_an_empty_pipeline_is_an_error(value: str) -> None:
    with pytest.raises(SelectionError):
        selected(sessions=value)


@pytest.mark.parametrize("row", [{}, None, "", [], {"id": ""}, {**ROW, "session_host_name": ""}, {**ROW, "id": None}])
@pytest.mark.parametrize("option", ["sessions", "input_object"])
def test_row_that_names_no_session_is_an_error(option: str, row: object) -> None:
    with pytest.raises(SelectionError):
        selected(**{option: [ROW, row]})


@pytest.mark.parametrize("value", [0, False, "0", [0], ["x"], {"a": ""}])
def test_values_that_say_something_are_not_empty(value: object) -> None:
    assert not is_empty(value)


def test_option_that_is_not_given_is_not_empty() -> None:
    refuse_empty({"other": ""}, ["user"])


# Which sessions


def test_nothing_that_says_which_is_an_error_that_names_the_options() -> None:
    for more in ({}, {"session_host_name": "host-0"}, {"all_sessions": False}, {"confirm": True}):
        with pytest.raises(SelectionError) as caught:
            selected(**more)
        for option in (*NAMES, *FILTERS, "all_sessions"):
            assert option in str(caught.value)


def test_all_sessions_means_all_of_the_pool_or_of_the_host() -> None:
    assert selected(all_sessions=True) == Selection()
    assert selected(all_sessions="yes", session_host_name="host-0") == Selection(filters=Filters(host="host-0"))


@pytest.mark.parametrize(
    ("args", "filters"),
    [
        ({"user": "alice"}, Filters(users=("alice",))),
        ({"users": ["alice", "bob"]}, Filters(users=("alice", "bob"))),
        ({"user": "alice, bob"}, Filters(users=("alice", "bob"))),
        ({"user": "alice\nbob\n"}, Filters(users=("alice", "bob"))),
        ({"exclude_user": "alice\r\n\r\n bob "}, Filters(excluded_users=("alice", "bob"))),
        ({"exclude_users": ["alice", "bob\ncarol"]}, Filters(excluded_users=("alice", "bob", "carol"))),
        ({"session_state": "active"}, Filters(states=("active",))),
        ({"session_state": ["Active", "LOGOFF"]}, Filters(states=("Active", "LOGOFF"))),
        ({"minimum_age": "2h"}, Filters(minimum_age=timedelta(hours=2))),
        ({"minimum_age": 90}, Filters(minimum_age=timedelta(seconds=90))),
        (
            {"all_sessions": True, "user": "alice", "session_host_name": "HOST-0"},
            Filters(host="HOST-0", users=("alice",)),
        ),
    ],
)
def test_filters_are_read_as_they_are_given(args: dict[str, Any], filters: Filters) -> None:
    assert selected(**args) == Selection(None, filters)


@pytest.mark.parametrize("option", ["user", "exclude_user"])
@pytest.mark.parametrize("name", ["al*", "alice?", "*", "CONTOSO\\*"])
def test_name_with_a_wildcard_is_an_error(option: str, name: str) -> None:
    with pytest.raises(SelectionError, match=f"^{option} takes whole names"):
        selected(**{option: name})


@pytest.mark.parametrize("state", ["Actve", "all", "*", "Disconnected2"])
def test_unknown_state_is_an_error_with_the_known_ones(state: str) -> None:
    with pytest.raises(SelectionError, match="must be one of active, disconnected, ending, other, Active"):
        selected(session_state=[state])


@pytest.mark.parametrize("value", ["", "x", [1], "2"])
def test_all_sessions_is_true_or_false_and_nothing_else(value: object) -> None:
    with pytest.raises(AnsibleError):
        selected(all_sessions=value)


# Named sessions


@pytest.mark.parametrize("value", ["7", 7, ["7"], [7], " 7 "])
@pytest.mark.parametrize("option", ["id", "user_session_id"])
def test_id_may_be_a_number_or_text(option: str, value: object) -> None:
    selection = selected(session_host_name="Host-0", **{option: value})
    assert selection == Selection((NamedSession("sub/rg/pool", "Host-0", "7"),), Filters(host="Host-0"))
    assert selection.named is not None
    assert selection.named[0].fields["session_host_name"] == "Host-0"
    assert selection.named[0].fields["id"] == "7"


def test_several_ids_name_several_sessions() -> None:
    named = selected(session_host_name="h", id="1,2").named
    assert named is not None
    assert [one.id for one in named] == ["1", "2"]


def test_zero_is_an_id() -> None:
    named = selected(session_host_name="h", id=0).named
    assert named is not None
    assert [one.id for one in named] == ["0"]


def test_id_without_its_host_is_an_error() -> None:
    with pytest.raises(SelectionError, match="id needs session_host_name"):
        selected(id="1")


@pytest.mark.parametrize("option", ["input_object", "sessions"])
def test_rows_name_their_sessions_and_who_they_were(option: str) -> None:
    row = {**ROW, "user_principal_name": "alice@contoso.com", "create_time": "2026-11-20T08:00:00Z"}
    for value in (row, [row]):
        assert selected(**{option: value}).named == (
            NamedSession("sub/rg/pool", "host-0", "1", "alice@contoso.com", CREATED),
        )


def test_row_of_another_pool_than_the_task_is_an_error() -> None:
    for name, value in (("host_pool_name", "other"), ("resource_group_name", "other")):
        with pytest.raises(SelectionError, match=rf"sessions\[0\] says {name} '{value}', but the task's option says"):
            selected(sessions=[{**ROW, name: value}])
    with pytest.raises(SelectionError, match="input_object says subscription_id 'sub', but the task's option says 'x'"):
        selected(input_object=ROW, subscription_id="x")


def test_filters_beside_names_narrow_them() -> None:
    selection = selected(sessions=[ROW], exclude_user="alice", session_host_name="host-1")
    assert selection.named is not None
    assert selection.filters == Filters(host="host-1", excluded_users=("alice",))


# Options that contradict


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ({"id": 1, "session_host_name": "h", "sessions": [ROW]}, "id and sessions"),
        ({"id": 1, "session_host_name": "h", "input_object": ROW}, "id and input_object"),
        ({"sessions": [ROW], "input_object": ROW}, "input_object and sessions"),
        ({"sessions": [], "input_object": ROW}, "input_object and sessions"),
        ({"id": 1, "sessions": []}, "id and sessions"),
    ],
)
def test_two_ways_of_naming_sessions_are_an_error_that_names_both(args: dict[str, Any], names: str) -> None:
    with pytest.raises(SelectionError, match=f"^{names} both name sessions: give only one of them"):
        selected(**args)


@pytest.mark.parametrize(
    "args", [{"id": 1, "session_host_name": "h"}, {"sessions": [ROW]}, {"sessions": []}, {"input_object": ROW}]
)
def test_all_sessions_beside_names_is_an_error(args: dict[str, Any]) -> None:
    with pytest.raises(SelectionError, match=r"^all_sessions contradicts"):
        selected(all_sessions=True, **args)


@pytest.mark.parametrize("name", ["resource_group_name", "host_pool_name"])
def test_pool_must_be_named_where_no_row_names_it(name: str) -> None:
    pool = {option: value for option, value in POOL.items() if option != name}
    with pytest.raises(SelectionError, match=f"^{name} is missing"):
        read(Disconnect, **pool, all_sessions=True)


def test_negative_deadline_is_an_error() -> None:
    with pytest.raises(SelectionError, match="wait_timeout is -1: it must be 0 or more seconds"):
        selected(all_sessions=True, wait_timeout=-1)


def test_unknown_option_is_an_error() -> None:
    with pytest.raises(AnsibleError, match="usr"):
        selected(usr="alice", all_sessions=True)


# Subscriptions


class Signed:
    """Stands for signing in: an account with or without a subscription."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, subscription: str, only: str = "only") -> None:
        self.asked = 0
        self.options: Mapping[str, object] = {}
        self.subscription, self.only = subscription, only
        monkeypatch.setattr(arm, "sign_in", self.sign_in)
        monkeypatch.setattr(arm, "only_subscription", self.only_subscription)
        monkeypatch.setattr(
            arm, "ArmClient", lambda _account, name, *_rest, tell: SimpleNamespace(name=name, close=bool)
        )

    def sign_in(self, options: Mapping[str, object], _environment: Mapping[str, str]) -> arm.Account:
        self.options = options
        return arm.Account(SimpleNamespace(), CLOUDS["AzureCloud"], True, self.subscription)  # type: ignore[arg-type]

    def only_subscription(self, *_arguments: object) -> str:
        self.asked += 1
        return self.only

    def places(self, **args: Any) -> list[str]:
        asked = read(Disconnect, **{**POOL, "all_sessions": "sessions" not in args, **args})
        reach: Any = SimpleNamespace(environment={}, user_agent="x", clock=float, lives=bool, tell=print)
        service, selection = wvd_place.HOST_POOLS.open(asked.wanted, asked.operation, reach)
        if selection.named:
            assert {one.place for one in selection.named} == set(service._pools)
            assert {one.fields["subscription_id"] for one in selection.named} <= {"account", "task", "sub", "only"}
        return list(service._pools)


def test_subscription_is_the_row_s_then_the_task_s_then_the_account_s(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = Signed(monkeypatch, "account")
    bare = {name: value for name, value in ROW.items() if name != "subscription_id"}
    assert signed.places(all_sessions=True) == ["account/rg/pool"]
    assert signed.places(all_sessions=True, subscription_id="task") == ["task/rg/pool"]
    assert signed.places(sessions=[ROW]) == ["sub/rg/pool"]
    assert signed.places(sessions=[bare]) == ["account/rg/pool"]
    assert signed.places(sessions=[bare], subscription_id="task") == ["task/rg/pool"]
    assert signed.places(sessions=[bare, {**ROW, "id": "2"}]) == ["account/rg/pool", "sub/rg/pool"]
    assert signed.asked == 0


def test_account_is_asked_for_its_only_subscription_where_nothing_says_one(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = Signed(monkeypatch, "")
    assert signed.places(sessions=[ROW]) == ["sub/rg/pool"]
    assert signed.asked == 0
    assert signed.places(all_sessions=True) == ["only/rg/pool"]
    assert signed.asked == 1


def test_what_is_wrong_in_the_options_is_said_before_anybody_signs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("signed in")

    monkeypatch.setattr(arm, "sign_in", fail)
    for args in ({"sessions": [{}]}, {"user": ["a*"]}, {"minimum_age": "old"}, {"session_state": ["x"]}):
        assert action(Disconnect, {**POOL, **args}).run()["failed"] is True


def test_missing_packages_name_themselves_and_the_python_that_lacks_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise ImportError("No module named 'azure'")

    monkeypatch.setattr(arm, "sign_in", fail)
    monkeypatch.setattr(wvd_account.sys, "executable", "/usr/bin/python-x")
    result = action(Disconnect, {**POOL, "all_sessions": True}).run()
    assert result["failed"]
    assert "azure-mgmt-desktopvirtualization and azure-identity are needed, and /usr/bin/python-x" in result["msg"]


# Values from ansible-core


def test_plain_values_stay_as_they_are() -> None:
    value = {"a": [1, 2.5, "x", True, None], "b": {"c": ("d",)}}
    assert plain(value) == {"a": [1, 2.5, "x", True, None], "b": {"c": ["d"]}}
    moment = datetime(2026, 11, 21, tzinfo=timezone.utc)
    assert plain(moment) is moment


class Text(str):
    """Text that carries something along."""

    __slots__ = ()


class Number(int):
    """A number that carries something along."""


def test_values_of_derived_types_become_plain_all_the_way_down() -> None:
    value = plain({Text("a"): [Text("b"), Number(7), {Text("c"): Text("d")}]})
    assert value == {"a": ["b", 7, {"c": "d"}]}
    [(key, [text, number, mapping])] = value.items()
    assert {type(key), type(text), type(mapping["c"])} == {str}
    assert type(number) is int


def test_tagged_values_of_the_core_become_plain() -> None:
    pytest.importorskip("ansible.module_utils.datatag", reason="this ansible-core does not tag values")
    datatag = importlib.import_module("ansible._internal._datatag._tags")
    tagged = datatag.Origin(description="here").tag(["x", 1, {"a": "b"}])
    inner = datatag.Origin(description="here").tag("x")
    assert type(tagged) is not list
    assert type(inner) is not str
    value = plain([tagged, inner, {inner: inner}])
    assert value == [["x", 1, {"a": "b"}], "x", {"x": "x"}]
    assert type(value[0]) is list
    assert type(value[1]) is str
    assert {type(one) for pair in value[2].items() for one in pair} == {str}


def test_lines_are_split_and_blank_ones_dropped() -> None:
    assert split_lines(["a\nb", " c ", "d\r\n\r\ne", "", "\n"]) == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1", 1),
        ("90", 90),
        ("90s", 90),
        ("90m", 5400),
        ("2h", 7200),
        ("2D", 172800),
        ("1w", 604800),
        (" 5m ", 300),
    ],
)
def test_age_is_a_number_with_a_unit(text: str, seconds: int) -> None:
    assert read_age({"minimum_age": text}, "minimum_age") == timedelta(seconds=seconds)


def test_no_age_is_no_condition() -> None:
    assert read_age({}, "minimum_age") is None


@pytest.mark.parametrize("text", ["-1", "1.5h", "h", "2 h", "1h30m", "1y", "soon", "1hh", "0x10", "+5"])
def test_other_text_is_no_age(text: str) -> None:
    with pytest.raises(SelectionError, match=r"minimum_age is .*: it must be a number with s, m, h, d or w"):
        read_age({"minimum_age": text}, "minimum_age")


# The environment of the task


def test_environment_of_the_task_counts_while_it_runs_and_not_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "before")
    monkeypatch.delenv("AZURE_TENANT", raising=False)
    made = action(Disconnect, POOL, environment={"AZURE_CLIENT_ID": "task", "AZURE_TENANT": 7})
    with task_environment(made._compute_environment_string) as environment:
        assert (environment["AZURE_CLIENT_ID"], os.environ["AZURE_TENANT"]) == ("task", "7")
    assert os.environ["AZURE_CLIENT_ID"] == "before"
    assert "AZURE_TENANT" not in os.environ


def test_environment_is_put_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_ID", "before")
    made = action(Disconnect, POOL, environment={"AZURE_CLIENT_ID": "task"})
    with pytest.raises(KeyError), task_environment(made._compute_environment_string):
        raise KeyError
    assert os.environ["AZURE_CLIENT_ID"] == "before"


# The run and its result


@pytest.mark.parametrize("kind", [Info, Disconnect])
@pytest.mark.parametrize("fails", [False, True])
def test_warnings_of_the_service_are_in_the_result(kind: type[SessionAction], fails: bool) -> None:
    farm = FakeFarm.of()
    made = action(kind, {**POOL, **({"all_sessions": True} if kind is Disconnect else {})})
    opened(made, lambda: farm)

    def list_sessions(_named: Sequence[object] = ()) -> list[object]:
        farm.warnings.append("it changed")
        if fails:
            raise ServiceError("busy")
        return []

    farm.list_sessions = list_sessions  # type: ignore[method-assign,assignment]
    result = made.run(task_vars={})
    assert result["warnings"] == ["it changed"]
    assert result.get("failed", False) is fails


def test_result_has_no_warnings_when_there_are_none() -> None:
    made = action(Info, POOL)
    opened(made, FakeFarm.of)
    assert "warnings" not in made.run(task_vars={})


@pytest.mark.parametrize("check_mode", [False, True])
def test_acts_on_old_lists_are_warned_of(monkeypatch: pytest.MonkeyPatch, check_mode: bool) -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.first_seconds = farm.look_seconds = 12.0
    farm.warnings.append("it changed")
    result = Task(farm, monkeypatch).run(check_mode=check_mode)
    assert [row["proof_age"] for row in result["sessions"]] == [0.0 if check_mode else 12.0] * 2
    warnings = [] if check_mode else [warning for warning in result["warnings"] if "12.0 s after the list" in warning]
    assert len(result["warnings"]) == len(warnings) + 1
    assert len(warnings) == (not check_mode)


def test_run_reports_every_session(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(FakeFarm.of(session("1"), session("2", state="Disconnected")), monkeypatch)
    result = task.run()
    assert result["changed"] is True
    assert [(row["id"], row["outcome"]) for row in result["sessions"]] == [
        ("1", "disconnected"),
        ("2", "already_disconnected"),
    ]
    assert result["summary"] == {"already_disconnected": 1, "disconnected": 1}
    assert result["diff"]["before"] == "host-0/1 alice@contoso.com Active\n"
    assert not {"failed", "msg", "pass_thru"} & set(result)
    assert task.farm.closed
    assert task.run()["changed"] is False


def test_check_mode_predicts_and_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(FakeFarm.of(session("1")), monkeypatch)
    predicted = task.run(check_mode=True, confirm=True)
    assert task.farm.acts == []
    real = task.run()
    for result in (predicted, real):
        for row in result["sessions"]:
            del row["seconds"], row["reason"]
    assert predicted == real


def test_failed_session_fails_the_task_with_every_outcome_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(FakeFarm.of(session("1"), session("2", user="")), monkeypatch)
    result = task.run(pass_thru=True)
    assert result["failed"] is True
    assert result["changed"] is True
    assert result["pass_thru"] is False
    assert result["msg"].startswith("Failed to disconnect 1 of 2 sessions: host-0/2 (user not known, Active)")
    assert len(result["sessions"]) == 2


def test_pass_thru_adds_the_boolean_of_the_cmdlet(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Task(FakeFarm.of(session("1")), monkeypatch).run(pass_thru=True)["pass_thru"] is True


def test_confirm_asks_and_ends_nothing_without_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def prompt(question: str) -> bytes:
        asked.append(question)
        return b"n"

    monkeypatch.setattr(console, "display", SimpleNamespace(prompt_until=prompt))
    task = Task(FakeFarm.of(session("1")), monkeypatch)
    result = task.run(confirm=True)
    assert result["failed"] is True
    assert result["msg"].startswith("Nothing was done")
    assert len(asked) == 1
    assert asked[0].startswith("[host-x] disconnect 1 session:")
    assert task.farm.acts == []
    assert task.farm.closed


@pytest.mark.parametrize("error", [ServiceError("no right"), SelectionError("not clear")])
def test_error_is_one_sentence_and_the_service_is_let_go(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    class Broken(FakeFarm):
        def list_sessions(self, named: Sequence[Any] = ()) -> Sequence[Any]:
            raise error

    task = Task(Broken({}), monkeypatch)
    result = task.run()
    assert (result["failed"], result["msg"]) == (True, str(error))
    assert not result.get("changed")
    assert task.farm.closed


@pytest.mark.parametrize(
    ("error", "words"), [(KeyboardInterrupt(), "it was interrupted"), (ValueError("a bug"), "ValueError: a bug")]
)
def test_task_that_is_broken_off_returns_every_outcome(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    class Breaks(FakeFarm):
        def wait(self, seconds: float) -> Any:
            if self.clock() > 110.0:
                raise error
            return super().wait(seconds)

    farm = Breaks.of(session("1"), session("2"))
    farm.room = 1
    farm.replies[session("2").key] = [lambda farm, one: None]
    result = Task(farm, monkeypatch).run()
    assert result["failed"] is True
    assert result["changed"] is True
    assert result["msg"].startswith(f"The task was broken off: {words}. Failed to disconnect 1 of 2 sessions: ")
    assert result["summary"] == {"disconnected": 1, "failed": 1}
    assert "Traceback" in result["exception"]
    assert farm.closed


def test_task_that_is_broken_off_when_all_is_done_returns_every_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_console: console.Console, _asked: int, finished: int, total: int, _seconds: float) -> None:
        if finished == total:
            raise KeyboardInterrupt

    monkeypatch.setattr(console.Console, "progress", interrupt)
    result = Task(FakeFarm.of(session("1")), monkeypatch).run()
    assert result["summary"] == {"disconnected": 1}
    assert (result["failed"], result["msg"]) == (True, "The task was broken off: it was interrupted.")


def test_info_returns_the_rows_that_are_selected(monkeypatch: pytest.MonkeyPatch) -> None:
    farm = FakeFarm.of(session("1"), session("2", state="Disconnected"), session("10"))
    made = action(Info, {**POOL, "session_state": "active"}, check_mode=True)
    opened(made, lambda: farm)
    result = made.run()
    assert [row["id"] for row in result["sessions"]] == ["1", "10"]
    assert result["summary"] == {"Active": 2}
    assert result["changed"] is False
    assert farm.closed


def test_pools_of_a_task_are_spelled_as_the_task_spells_them() -> None:
    wanted = read(Disconnect, **POOL, all_sessions=True).wanted
    assert wanted.in_subscription("SUB")[0] == [HostPool("SUB", "rg", "pool")]


def test_secrets_are_not_shown_with_what_is_wanted() -> None:
    assert "hunter2" not in repr(read(Disconnect, **POOL, all_sessions=True, secret="hunter2").wanted)


def test_secrets_are_marked_as_such() -> None:
    for kind in (Disconnect, Info):
        marked = {name for name, spec in kind.OPTIONS.items() if spec.get("no_log")}
        assert marked == {"secret", "password", "oidc_token"}
