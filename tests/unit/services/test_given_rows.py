# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows that users pass on: with a service's own fields, with the five that all share, or with both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import rds, wms, wvd_classic
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.given_rows import RowForm, read_rows
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import ServiceCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd import read_session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import FORM as WVD_FORM
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool, read_named
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import NamedSession
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import COMMON_FIELDS, Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.times import at_latest
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call
from tests.unit.fakes.windows_host import rd_row

POOL = HostPool("sub", "rg", "pool")
POOL_OPTIONS = {"subscription_id": "sub", "resource_group_name": "rg", "host_pool_name": "pool"}
ARM_ID = (
    "/subscriptions/sub/resourcegroups/rg/providers/Microsoft.DesktopVirtualization/hostpools/pool"
    "/sessionhosts/host-0/usersessions/2"
)
CLASSIC = wvd_classic.WvdClassicCmdlets(wvd_classic.ClassicHostPool("T", "P"), Call("Add-RdsAccount"))
CLASSIC_ROW = {
    "SessionHostName": "h",
    "SessionId": 2,
    "UserPrincipalName": "alice@contoso.com",
    "SessionState": "Active",
}
PROPERTIES = {"userPrincipalName": "alice@contoso.com", "sessionState": "Active"}
WMS_ROW = {"ComputerName": "A", "SessionId": 2, "UserName": "alice", "DomainName": "D", "State": "RemoteConnection"}


def listed(cmdlets: ServiceCmdlets, row: Mapping[str, Any]) -> Session:
    return cmdlets.read(row, 0.0)


LISTED = {
    "rds": (rds.FORM, listed(rds.RdsCmdlets(), rd_row(2))),
    "wms": (wms.FORM, listed(wms.WmsCmdlets(), WMS_ROW)),
    "wvd_classic": (wvd_classic.FORM, listed(CLASSIC, CLASSIC_ROW)),
    "wvd": (
        WVD_FORM,
        read_session(
            POOL,
            {"id": ARM_ID, "properties": {"userPrincipalName": "alice@contoso.com", "sessionState": "Active"}},
            0.0,
        ),
    ),
}
EACH = pytest.mark.parametrize("service", LISTED)


def named(form: RowForm, row: Mapping[str, Any]) -> NamedSession:
    """Name the session of a row, where its place is known otherwise."""
    if form is WVD_FORM:
        return read_named([row], "sessions", POOL_OPTIONS)[0][1]
    return read_rows([row], "sessions", form)[0].named("", at_latest, {})


@EACH
def test_row_has_the_five_fields_and_the_service_s_own(service: str) -> None:
    form, session = LISTED[service]
    assert list(session.fields) == [*COMMON_FIELDS, *form.fields]
    assert {name: session.fields[name] for name in COMMON_FIELDS} == {
        "service": service,
        "host": session.host,
        "session": "2",
        "owner": session.user,
        "state": "active",
    }


@EACH
def test_own_fields_common_ones_or_both_name_the_same_session(service: str) -> None:
    form, session = LISTED[service]
    both = dict(session.fields)
    common = {name: both[name] for name in COMMON_FIELDS}
    own = {name: both[name] for name in form.fields}
    for row in (both, common, own, {**common, "outcome": "x"}):
        found = named(form, row)
        assert (found.host, found.id, found.user) == (session.host, "2", session.user)
        assert found.mismatch(session) == ""


@EACH
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("service", "other", r"sessions\[0\] is a session of other, but this task is about"),
        ("host", "elsewhere", r"sessions\[0\] says .* but its host is 'elsewhere'"),
        ("session", "3", r"sessions\[0\] says .* but its session is '3'"),
        ("owner", "mallory", r"sessions\[0\] says owner 'mallory', but"),
        ("state", "ending", r"sessions\[0\] says session_state .*, but its state is 'ending'"),
        ("state", "gone", r"sessions\[0\] says state 'gone': it must be one of active, disconnected, ending, other"),
    ],
)
def test_row_whose_fields_disagree_is_an_error(service: str, name: str, value: str, words: str) -> None:
    form, session = LISTED[service]
    with pytest.raises(SelectionError, match=words):
        named(form, {**session.fields, name: value})


@EACH
@pytest.mark.parametrize("name", ["service", "host", "session", "state"])
def test_list_in_place_of_a_text_is_an_error(service: str, name: str) -> None:
    form, session = LISTED[service]
    with pytest.raises(SelectionError, match=rf"^sessions\[0\] says {name} \['x'\]: it must be one text"):
        named(form, {**session.fields, name: ["x"]})
    with pytest.raises(SelectionError, match=rf"^sessions\[0\] says {form.host} "):
        named(form, {**session.fields, form.host: ["x"]})


def test_time_that_yaml_read_may_come_back() -> None:
    for text in ("2026-11-20T08:00:00+00:00", "2026-11-20 08:00:00+00:00"):
        found = named(rds.FORM, {"host": "h", "session": 2, "create_time": text})
        assert found.created == datetime(2026, 11, 20, 8, tzinfo=timezone.utc)


@EACH
def test_common_owner_proves_who_it_was(service: str) -> None:
    form, session = LISTED[service]
    found = named(form, {"host": session.host, "session": "2", "owner": "mallory@contoso.com"})
    assert "belongs to" in found.mismatch(session)
    nobody = named(form, {"host": session.host, "session": 2, "owner": ""})
    assert nobody.mismatch(session)


@EACH
def test_row_of_nobody_as_it_was_listed_never_means_who_is_there_now(service: str) -> None:
    form, session = LISTED[service]
    for empty in (None, ""):
        row = {**session.fields, **dict.fromkeys((*form.owner, "owner", "create_time"), empty)}
        found = named(form, row)
        assert found.mismatch(session) == "neither its user nor its creation was known when it was looked up"


@pytest.mark.parametrize("service", ["rds", "wms"])
@pytest.mark.parametrize("common", [{}, {"owner": ""}])
def test_domain_without_a_user_is_nobody(service: str, common: dict[str, str]) -> None:
    form, session = LISTED[service]
    own = {name: session.fields[name] for name in (form.host, form.ids.name, "domain_name")}
    found = named(form, {**own, "user_name": None, **common})
    assert found.mismatch(session) == "neither its user nor its creation was known when it was looked up"


@pytest.mark.parametrize(
    ("cmdlets", "words"),
    [
        (
            rds.RdsCmdlets(),
            {
                "STATE_ACTIVE": "active",
                "STATE_SHADOW": "active",
                "STATE_DISCONNECTED": "disconnected",
                "STATE_RESET": "ending",
                "STATE_CONNECTED": "other",
                "STATE_IDLE": "other",
                "STATE_NEW": "other",
            },
        ),
        (
            CLASSIC,
            {
                "Active": "active",
                "Disconnected": "disconnected",
                "LogOff": "ending",
                "Pending": "other",
                "New": "other",
            },
        ),
        (
            wms.WmsCmdlets(),
            {
                "RemoteConnection": "active",
                "ConnectedToStation": "active",
                "Disconnected": "disconnected",
                "Anything": "other",
            },
        ),
    ],
)
def test_each_state_has_a_common_word(cmdlets: ServiceCmdlets, words: dict[str, str]) -> None:
    for state, word in words.items():
        session = cmdlets.read({cmdlets.fields["session_state"]: state}, 0.0)
        assert (session.state, session.common_state, session.fields["state"]) == (state, word, word)
