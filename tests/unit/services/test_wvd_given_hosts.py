# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which session hosts a task names, and in which state they are to be: exactly, or an error that says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.action.wvd_session_host import ActionModule
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_given_hosts import read_hosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import arm
from tests.unit.fakes.task import POOL, action

NONE = {"subscription_id": "", "resource_group_name": "", "host_pool_name": ""}
ONE = {**POOL, "subscription_id": "sub"}
ROW = {**ONE, "service": "wvd", "host": "a", "name": "a", "allow_new_session": True}


def test_row_says_host_pool_and_state() -> None:
    read = read_hosts([ROW, {**ROW, "name": "B", "host": "b", "allow_new_session": False}], NONE)
    assert [(pool.name, named.name, state) for pool, named, state in read] == [
        ("pool", "a", True),
        ("pool", "B", False),
    ]


def test_options_say_what_a_row_leaves_out() -> None:
    [(pool, named, state)] = read_hosts({"host": "a", "allow_new_session": "false"}, ONE)
    assert (pool.subscription, pool.resource_group, pool.name, named.name, state) == ("sub", "rg", "pool", "a", False)
    assert named.fields["host_pool_name"] == "pool"


def test_host_that_could_not_be_read_is_left_alone() -> None:
    failed = {**ROW, "allow_new_session": None, "outcome": "failed"}
    assert read_hosts([failed], NONE)[0][2] is None


def test_host_that_is_named_twice_counts_once() -> None:
    assert len(read_hosts([ROW, {**ROW, "name": "A", "host": "A"}], NONE)) == 1


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a", "hosts must be a list of rows as wvd_session_host_info returns them"),
        (7, "hosts must be a list"),
        (["a"], r"hosts\[0\] must be a row"),
        ([ROW, {}], r"hosts\[1\] has no name"),
        ([{**ROW, "service": "rds"}], r"hosts\[0\] is a session host of rds"),
        ([{**ROW, "host": "b"}], r"hosts\[0\] says name 'a', but its host is 'b'"),
        ([{**ROW, "host_pool_name": "other"}], "but the task's option says 'pool'"),
        ([{**ROW, "allow_new_session": None}], "allow_new_session None: it must be true or false"),
        ([{**ROW, "allow_new_session": 1}], "allow_new_session 1"),
        ([{"name": "a", **POOL}], "allow_new_session None"),
        ([ROW, {**ROW, "allow_new_session": False}], r"hosts\[1\] names a again"),
    ],
)
def test_row_that_is_not_clear_is_an_error(rows: Any, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        read_hosts(rows, ONE)


def test_row_without_a_pool_is_an_error_unless_the_options_say_it() -> None:
    with pytest.raises(SelectionError, match=r"hosts\[0\] has no resource_group_name"):
        read_hosts([{"name": "a", "allow_new_session": True}], NONE)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"allow_new_session": False}, "Nothing says which session hosts are meant"),
        ({"allow_new_session": False, "all_hosts": False}, "Nothing says which session hosts are meant"),
        ({"allow_new_session": False, "all_hosts": True, "session_host_name": "a"}, "session_host_name and all_hosts"),
        ({"hosts": [ROW], "all_hosts": True}, "hosts and all_hosts both"),
        ({"hosts": [ROW], "session_host_name": "a"}, "session_host_name and hosts both"),
        ({"hosts": [ROW], "allow_new_session": True}, "allow_new_session contradicts hosts"),
        ({"hosts": [], "all_hosts": True}, "hosts and all_hosts both"),
        ({"hosts": ""}, "hosts is given but empty"),
        ({"hosts": [{}]}, "hosts is given but empty"),
        ({"session_host_name": [], "allow_new_session": False}, "session_host_name is given but empty"),
        ({"session_host_name": "", "allow_new_session": False}, "session_host_name is given but empty"),
        ({"session_host_name": "a"}, "allow_new_session is missing"),
        ({"session_host_name": "a", "allow_new_session": None}, "allow_new_session is missing"),
        ({"all_hosts": True, "allow_new_session": True, "host_pool_name": None}, "host_pool_name is given but empty"),
        ({"all_hosts": True, "allow_new_session": True, "wait_timeout": -1}, "wait_timeout is -1"),
    ],
)
def test_task_that_is_not_clear_is_an_error_before_anybody_signs_in(
    args: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise AssertionError("signed in")

    monkeypatch.setattr(arm, "sign_in", fail)
    result = action(ActionModule, {**POOL, **args}).run(task_vars={})
    assert result["failed"]
    assert words in result["msg"]


def test_rows_that_are_none_name_no_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "sign_in", lambda *_arguments: pytest.fail("signed in"))
    result = action(ActionModule, {"hosts": []}).run(task_vars={})
    assert (result["hosts"], result["changed"], result.get("failed", False)) == ([], False, False)


@pytest.mark.parametrize("missing", ["resource_group_name", "host_pool_name"])
def test_pool_must_be_said(missing: str) -> None:
    args = {name: value for name, value in POOL.items() if name != missing}
    result = action(ActionModule, {**args, "all_hosts": True, "allow_new_session": True}).run(task_vars={})
    assert result["msg"].startswith(f"{missing} is missing")
