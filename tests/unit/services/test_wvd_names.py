# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How options, rows and resource ids name a session of Azure Virtual Desktop: exactly one, or an error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import (
    FIELDS,
    HostPool,
    read_named,
    split_resource_id,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import NamedSession
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import COMMON_FIELDS

ARM_ID = (
    "/subscriptions/Sub-1/resourcegroups/RG-1/providers/Microsoft.DesktopVirtualization"
    "/hostpools/Pool-1/sessionhosts/Host-1.contoso.com/usersessions/5"
)
NAMES = {
    "subscription_id": "Sub-1",
    "resource_group_name": "RG-1",
    "host_pool_name": "Pool-1",
    "session_host_name": "Host-1.contoso.com",
    "id": "5",
}
INFO_ROW = {
    **NAMES,
    "user_principal_name": "alice@contoso.com",
    "active_directory_user_name": "CONTOSO\\alice",
    "session_state": "Active",
    "application_type": "Desktop",
    "create_time": "2026-11-20T08:00:00.120000Z",
    "object_id": "0",
    "resource_id": ARM_ID,
}
CREATED = datetime(2026, 11, 20, 8, 0, 0, 120000, tzinfo=timezone.utc)


# Host pools


def test_pool_has_one_place_in_every_spelling() -> None:
    assert HostPool("SUB", "Rg", "Pool").place == HostPool("sub", "rG", "pOOL").place
    assert HostPool("sub", "rg", "pool").place != HostPool("sub", "rg", "pool-2").place
    assert HostPool("sub", "rg", "pool").place != HostPool("sub-2", "rg", "pool").place
    assert HostPool("sub", "rg", "pool").place != HostPool("sub", "rg-2", "pool").place


# Resource ids


@pytest.mark.parametrize(
    "text",
    [
        ARM_ID,
        f"  {ARM_ID}\n",
        ARM_ID.replace("resourcegroups", "resourceGroups")
        .replace("hostpools", "hostPools")
        .replace("sessionhosts", "sessionHosts")
        .replace("usersessions", "userSessions"),
        ARM_ID.replace("/subscriptions", "/SUBSCRIPTIONS"),
    ],
)
def test_resource_id_is_split_with_keywords_in_any_case_and_names_in_theirs(text: str) -> None:
    assert split_resource_id(text) == tuple(NAMES.values())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "/",
        "Pool-1/Host-1.contoso.com/5",
        ARM_ID.rpartition("/")[0],
        ARM_ID.rpartition("/")[0] + "/",
        ARM_ID + "/",
        ARM_ID + "/disconnect",
        ARM_ID.lstrip("/"),
        "https://management.azure.com" + ARM_ID,
        ARM_ID.replace("/hostpools/Pool-1", ""),
        ARM_ID.replace("Pool-1", ""),
        ARM_ID.replace("usersessions", "sessions"),
        ARM_ID.replace("sessionhosts", "hostpools"),
        ARM_ID.partition("/sessionhosts")[0],
        ARM_ID.replace("/hostpools/", "/hostpools/Pool-0/hostpools/"),
        ARM_ID.replace("RG-1/providers/Microsoft.DesktopVirtualization", "RG-1"),
    ],
)
def test_anything_else_is_not_the_id_of_a_session(text: str) -> None:
    with pytest.raises(SelectionError, match="is not the resource id of a"):
        split_resource_id(text)


# Rows


def read_identity(row: object, label: str, defaults: Mapping[str, str]) -> tuple[HostPool, NamedSession]:
    """Read one row, given by itself or in a list, by the label."""
    option, _bracket, number = label.rstrip("]").partition("[")
    rows = [*[row] * int(number), row] if number else row
    return read_named(rows, option, defaults)[-1]


def test_row_of_the_info_module_names_its_session_and_who_it_was() -> None:
    pool, named = read_identity(INFO_ROW, "sessions[0]", {})
    assert pool == HostPool("Sub-1", "RG-1", "Pool-1")
    assert named.key == (pool.place, "Host-1.contoso.com", "5")
    assert (named.user, named.created) == ("alice@contoso.com", CREATED)
    common = {"service": "wvd", "host": "Host-1.contoso.com", "session": "5", "owner": "alice@contoso.com", "state": ""}
    assert named.fields == {**common, **INFO_ROW}


def test_resource_id_alone_names_its_session() -> None:
    for row in (ARM_ID, {"id": ARM_ID}, {"resource_id": ARM_ID}, {"user_session_id": "5", "id": ARM_ID}):
        pool, named = read_identity(row, "input_object", {})
        assert pool == HostPool("Sub-1", "RG-1", "Pool-1")
        assert named.key == (pool.place, "Host-1.contoso.com", "5")
        assert (named.user, named.created) == ("", None)


def test_row_may_leave_out_what_the_options_say() -> None:
    row = {"session_host_name": "h", "id": 7}
    pool, named = read_identity(row, "x", {"resource_group_name": "rg", "host_pool_name": "p", "subscription_id": ""})
    assert pool == HostPool("", "rg", "p")
    assert (named.host, named.id) == ("h", "7")


def test_row_that_agrees_with_the_options_in_another_case_keeps_its_own_spelling() -> None:
    pool, _named = read_identity(INFO_ROW, "x", {"host_pool_name": "POOL-1", "subscription_id": "SUB-1"})
    assert pool == HostPool("Sub-1", "RG-1", "Pool-1")


@pytest.mark.parametrize("name", ["subscription_id", "resource_group_name", "host_pool_name"])
def test_row_of_another_place_than_the_options_is_an_error_with_both_values(name: str) -> None:
    with pytest.raises(SelectionError) as caught:
        read_identity(INFO_ROW, "sessions[0]", {name: "elsewhere"})
    assert str(caught.value) == f"sessions[0] says {name} {NAMES[name]!r}, but the task's option says 'elsewhere'."


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({**INFO_ROW, "id": "6"}, "id"),
        ({"resource_id": ARM_ID, "session_host_name": "Host-2"}, "session_host_name"),
        ({"resource_id": ARM_ID, "user_session_id": "6"}, "id"),
        ({"id": ARM_ID, "host_pool_name": "Pool-2"}, "host_pool_name"),
        ({"id": ARM_ID, "user_session_id": "6"}, "id"),
        ({"id": ARM_ID, "resource_id": ARM_ID[:-1] + "6"}, "id"),
        ({"id": ARM_ID, "user_session_id": 0}, "id"),
        ({"id": 0, "resource_id": ARM_ID}, "id"),
        ({"user_session_id": "6", "id": ARM_ID, "resource_id": ARM_ID[:-1] + "6"}, "id"),
    ],
)
def test_row_that_contradicts_its_own_resource_id_is_an_error(row: dict[str, str], name: str) -> None:
    with pytest.raises(SelectionError, match=f"^row says {name} .* but the resource id says"):
        read_identity(row, "row", {})


@pytest.mark.parametrize("name", ["id", "user_session_id"])
def test_zero_is_an_id(name: str) -> None:
    _pool, named = read_identity({**NAMES, name: 0}, "row", {})
    assert named.id == "0"


@pytest.mark.parametrize("name", ["session_host_name", "id", "host_pool_name", "resource_group_name"])
@pytest.mark.parametrize("value", ["", "  ", None, [], {}])
def test_row_without_a_part_of_the_name_is_an_error(name: str, value: object) -> None:
    with pytest.raises(SelectionError, match=rf"^sessions\[0\] has no {name}: it must say exactly which"):
        read_identity({**NAMES, name: value}, "sessions[0]", {})


@pytest.mark.parametrize("row", [None, 5, ["x"], True])
def test_row_of_another_kind_is_an_error(row: object) -> None:
    with pytest.raises(SelectionError, match=r"input_object\[0\] must be a row as wvd_session_info returns it"):
        read_identity(row, "input_object[0]", {})


@pytest.mark.parametrize("text", ["5", "Host-1/5", "[]", "<generator object>", ""])
def test_text_that_is_no_resource_id_is_an_error(text: str) -> None:
    with pytest.raises(SelectionError):
        read_identity(text, "sessions", {"resource_group_name": "rg", "host_pool_name": "p"})


def test_account_name_counts_where_there_is_no_principal_name() -> None:
    _pool, named = read_identity({**INFO_ROW, "user_principal_name": ""}, "row", {})
    assert named.user == "CONTOSO\\alice"


def test_create_time_may_be_a_time_already() -> None:
    for value in (CREATED, CREATED.replace(tzinfo=None), CREATED.astimezone(timezone(timedelta(hours=2)))):
        _pool, named = read_identity({**INFO_ROW, "create_time": value}, "row", {})
        assert named.created == CREATED


@pytest.mark.parametrize("value", ["yesterday", "08:00", "2026-13-01T00:00:00Z", 5])
def test_create_time_that_is_no_time_is_an_error_and_never_unknown(value: object) -> None:
    with pytest.raises(SelectionError, match=r"^row: create_time is .*, which is no time"):
        read_identity({**INFO_ROW, "create_time": value}, "row", {})


def test_fields_that_no_session_has_are_not_reported() -> None:
    _pool, named = read_identity({**NAMES, "colour": "red", "session_state": "Active"}, "row", {})
    assert {name: value for name, value in named.fields.items() if value} == {
        "service": "wvd",
        "host": "Host-1.contoso.com",
        "session": "5",
        **NAMES,
        "session_state": "Active",
    }
    assert list(named.fields) == [*COMMON_FIELDS, *FIELDS]


# Lists of rows


def test_list_is_read_row_by_row() -> None:
    found = read_named([INFO_ROW, ARM_ID[:-1] + "6"], "sessions", {})
    assert [named.id for _pool, named in found] == ["5", "6"]


def test_single_row_needs_no_list() -> None:
    for value in (INFO_ROW, ARM_ID):
        assert [named.id for _pool, named in read_named(value, "input_object", {})] == ["5"]


def test_empty_list_names_nothing() -> None:
    assert read_named([], "sessions", {}) == []


def test_error_says_the_number_of_the_row() -> None:
    with pytest.raises(SelectionError, match=r"^sessions\[1\] has no id"):
        read_named([INFO_ROW, {**NAMES, "id": ""}], "sessions", {})


@pytest.mark.parametrize("value", [None, 5, True])
def test_no_list_at_all_is_an_error(value: object) -> None:
    with pytest.raises(SelectionError, match="sessions must be a list of rows"):
        read_named(value, "sessions", {})
