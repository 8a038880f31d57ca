# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How options, rows and resource ids name a session of Azure Virtual Desktop: exactly one, or an error."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import (
    HostPool,
    parse_time,
    read_identity,
    read_rows,
    split_resource_id,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError

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


def test_row_of_the_info_module_names_its_session_and_who_it_was() -> None:
    pool, named = read_identity(INFO_ROW, "sessions[0]", {})
    assert pool == HostPool("Sub-1", "RG-1", "Pool-1")
    assert named.key == (pool.place, "Host-1.contoso.com", "5")
    assert (named.user, named.created) == ("alice@contoso.com", CREATED)
    assert named.fields == INFO_ROW


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
        read_identity(INFO_ROW, "sessions[3]", {name: "elsewhere"})
    assert str(caught.value) == f"sessions[3] says {name} {NAMES[name]!r}, but the task's option says 'elsewhere'."


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({**INFO_ROW, "id": "6"}, "id"),
        ({"resource_id": ARM_ID, "session_host_name": "Host-2"}, "session_host_name"),
        ({"resource_id": ARM_ID, "user_session_id": "6"}, "id"),
        ({"id": ARM_ID, "host_pool_name": "Pool-2"}, "host_pool_name"),
        ({"id": ARM_ID, "user_session_id": "6"}, "id"),
        ({"id": ARM_ID, "resource_id": ARM_ID[:-1] + "6"}, "id"),
    ],
)
def test_row_that_contradicts_its_own_resource_id_is_an_error(row: dict[str, str], name: str) -> None:
    with pytest.raises(SelectionError, match=f"^row says {name} .* but the resource id says"):
        read_identity(row, "row", {})


@pytest.mark.parametrize("name", ["session_host_name", "id", "host_pool_name", "resource_group_name"])
@pytest.mark.parametrize("value", ["", "  ", None, [], {}, ["5"]])
def test_row_without_a_part_of_the_name_is_an_error(name: str, value: object) -> None:
    with pytest.raises(SelectionError, match=rf"^sessions\[1\] has no {name}: it must say exactly which"):
        read_identity({**NAMES, name: value}, "sessions[1]", {})


@pytest.mark.parametrize("row", [None, 5, ["x"], True])
def test_row_of_another_kind_is_an_error(row: object) -> None:
    with pytest.raises(SelectionError, match="input_object must be a row as wvd_session_info returns it"):
        read_identity(row, "input_object", {})


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
    with pytest.raises(SelectionError, match="row has a create_time that is not a time"):
        read_identity({**INFO_ROW, "create_time": value}, "row", {})


def test_fields_that_no_session_has_are_not_reported() -> None:
    _pool, named = read_identity({**NAMES, "colour": "red", "session_state": "Active"}, "row", {})
    assert named.fields == {**NAMES, "session_state": "Active"}


# Lists of rows


def test_list_is_read_row_by_row() -> None:
    found = read_rows([INFO_ROW, ARM_ID[:-1] + "6"], "sessions", {})
    assert [named.id for _pool, named in found] == ["5", "6"]


def test_single_row_needs_no_list() -> None:
    for value in (INFO_ROW, ARM_ID):
        assert [named.id for _pool, named in read_rows(value, "input_object", {})] == ["5"]


def test_empty_list_names_nothing() -> None:
    assert read_rows([], "sessions", {}) == []


def test_error_says_the_number_of_the_row() -> None:
    with pytest.raises(SelectionError, match=r"^sessions\[1\] has no id"):
        read_rows([INFO_ROW, {**NAMES, "id": ""}], "sessions", {})


@pytest.mark.parametrize("value", [None, 5, True])
def test_no_list_at_all_is_an_error(value: object) -> None:
    with pytest.raises(SelectionError, match="sessions must be a list of rows"):
        read_rows(value, "sessions", {})


# Times


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-20T08:00:00.12Z", 120000),
        ("2026-11-20T08:00:00.1200000Z", 120000),
        ("2026-11-20T08:00:00.1234567Z", 123456),
        ("2026-11-20T08:00:00.000001", 1),
        ("2026-11-20T08:00:00Z", 0),
        (" 2026-11-20T08:00:00z ", 0),
        ("2026-11-20T08:00:00", 0),
        ("2026-11-20T10:00:00+02:00", 0),
        ("2026-11-20T10:00:00.5+02:00", 500000),
        ("2026-11-20T03:00:00.5000000-05:00", 500000),
    ],
)
def test_time_is_read_in_every_form_in_which_azure_prints_it(text: str, microsecond: int) -> None:
    assert parse_time(text) == CREATED.replace(microsecond=microsecond)


@pytest.mark.parametrize("text", ["", "now", "2026-11-20T25:00:00Z", "2026-11-20T08:00:00.xZ", "08:00:00"])
def test_text_that_is_no_time_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_time(text)
