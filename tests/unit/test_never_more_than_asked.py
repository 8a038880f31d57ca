# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that could be read as more than what was meant, and rows that could be taken for another session."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd import read_session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import (
    HostPool,
    read_named,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from tests.unit.fakes.farm import session
from tests.unit.fakes.task import selected

NOW = datetime.now(timezone.utc)
POOL = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.DesktopVirtualization/hostPools/pool"


@pytest.mark.parametrize("option", ["user", "exclude_user", "session_state"])
@pytest.mark.parametrize("value", [",", " , ", ",,\n"])
def test_option_of_commas_alone_is_empty_and_never_all(option, value):
    with pytest.raises(SelectionError):
        selected(**{option: value})


@pytest.mark.parametrize("value", [0, "0", "0d"])
def test_minimum_age_of_nothing_is_no_filter(value):
    with pytest.raises(SelectionError):
        selected(minimum_age=value)


def test_both_spellings_of_an_option_are_an_error():
    with pytest.raises(SelectionError):
        selected(exclude_user="alice", exclude_users="bob")


@pytest.mark.parametrize("name", ["alice,bob", "alice;bob", "alice bob@contoso.com;"])
def test_protected_name_that_cannot_be_one_name_is_an_error(name):
    with pytest.raises(SelectionError):
        selected(exclude_user=[name])


def test_row_whose_user_could_not_be_read_never_means_whoever_is_there_now():
    row = {
        "resource_group_name": "rg",
        "host_pool_name": "p",
        "session_host_name": "host-0",
        "id": "5",
        "user_principal_name": "",
        "active_directory_user_name": "",
        "create_time": "",
        "session_state": "Active",
    }
    [(_pool, named)] = read_named([row], "sessions", {})
    assert named.mismatch(session("5", "bob@contoso.com"))


def test_names_that_only_fold_alike_are_two_users():
    assert Filters(users=("strasse@contoso.com",)).rejects(session("1", "straße@contoso.com"), NOW)


@pytest.mark.parametrize("age", ["9" * 12 + "w", "9" * 30])
def test_age_beyond_all_times_is_one_sentence(age):
    with pytest.raises(SelectionError):
        selected(minimum_age=age)


@pytest.mark.parametrize("id_", [",", "2.0", "/subscriptions/x", "abc"])
def test_id_that_is_no_number_is_an_error(id_):
    with pytest.raises(SelectionError):
        selected(session_host_name="h", id=id_)


@pytest.mark.parametrize(
    "bad", ["x", None, {"properties": "x"}, {"properties": {"createTime": 5}}, {"properties": {"userPrincipalName": 5}}]
)
def test_row_of_another_shape_is_one_sentence(bad):

    if isinstance(bad, dict):
        bad = {"id": f"{POOL}/sessionHosts/h/userSessions/5", **bad}
    with pytest.raises(ServiceError):
        read_session(HostPool("sub", "rg", "pool"), bad, 0.0)


def test_row_listed_twice_is_one_session():
    one = session("5")
    assert len(Selection().choose([one, one], NOW).sessions) == 1
    assert len(Selection((NamedSession("pool", "host-0", "5"),)).choose([one, one], NOW).sessions) == 1


@pytest.mark.parametrize("given", ["contoso.com\\alice", "alice@contoso.com"])
def test_protected_user_whose_domain_is_spelled_otherwise_is_protected(given):
    listed = session("1", users=("alice@contoso.onmicrosoft.com", "CONTOSO\\alice"))
    choice = Selection(filters=Filters(excluded_users=(given,))).choose([listed, session("2", "bob@contoso.com")], NOW)
    assert [one.id for one in choice.sessions] == ["2"]
