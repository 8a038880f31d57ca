# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the cmdlets of the module RemoteDesktop: calls, rows, and rows that users pass on."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.given_rows import read_named
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import (
    FIELDS,
    FORM,
    IDS,
    STATES,
    RdsCmdlets,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import read_list
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters, Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import COMMON_FIELDS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import LOG_OFF, Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace_messages import read_row
from tests.unit.fakes.windows_host import rd_row

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
RECORDINGS = sorted((Path(__file__).parents[1] / "recordings").glob("*.jsonl"))


def test_calls_hold_what_the_options_say_and_nothing_else() -> None:
    (call,) = RdsCmdlets().lists
    assert (call.command, call.parameters) == ("Get-RDUserSession", {})
    cmdlets = RdsCmdlets("broker.contoso.com", ["Desk", "it's $(x); `n"])
    assert cmdlets.lists[0].parameters == {
        "CollectionName": ["Desk", "it's $(x); `n"],
        "ConnectionBroker": "broker.contoso.com",
    }
    assert cmdlets.hosts is not None
    assert cmdlets.hosts.parameters == {"ConnectionBroker": "broker.contoso.com"}
    session = cmdlets.read(rd_row(7), 1.0)
    act = cmdlets.act(session, Operation(LOG_OFF))
    assert act.command == "Invoke-RDUserLogoff"
    assert act.parameters == {"HostServer": "rdsh-1.contoso.com", "UnifiedSessionID": 7, "Force": True}


def test_row_shows_every_property() -> None:
    row = {name: number for number, name in enumerate(FIELDS.values(), 1)}
    session = RdsCmdlets().read(row, 5.0)
    shown = dict(session.fields)
    assert shown.pop("session_state") == STATES[row["SessionState"]]
    assert [shown.pop(name) for name in COMMON_FIELDS] == ["rds", "1", "2", "5\\4", "other"]
    assert shown == {field: row[name] for field, name in FIELDS.items() if field != "session_state"}
    assert len(FIELDS) == 19


@pytest.mark.parametrize("state", ["STATE_DISCONNECTED", 4])
def test_state_is_a_name_whatever_it_came_as(state: object) -> None:
    session = RdsCmdlets().read(rd_row(SessionState=state), 0.0)
    assert (session.state, session.fields["session_state"]) == ("STATE_DISCONNECTED", "STATE_DISCONNECTED")


def test_id_of_the_session_is_the_unified_one() -> None:
    session = RdsCmdlets().read(rd_row(7, SessionId=1), 0.0)
    assert session.key == ("", "rdsh-1.contoso.com", "7")


@pytest.mark.parametrize(
    ("domain", "user", "users"),
    [
        ("CONTOSO", "alice", ("CONTOSO\\alice", "alice")),
        ("", "alice", ("alice",)),
        (None, "alice", ("alice",)),
        ("CONTOSO", "", ()),
        ("CONTOSO", " ", ()),
        (None, None, ()),
    ],
)
def test_user_has_its_domain(domain: object, user: object, users: tuple[str, ...]) -> None:
    assert RdsCmdlets().read(rd_row(user=user, DomainName=domain), 0.0).users == users


def test_bare_name_of_users_of_two_domains_is_ambiguous() -> None:
    cmdlets = RdsCmdlets()
    sessions = [cmdlets.read(rd_row(2), 0.0), cmdlets.read(rd_row(3, DomainName="FABRIKAM"), 0.0)]
    with pytest.raises(SelectionError, match=r"fits CONTOSO.alice, FABRIKAM.alice"):
        Selection(filters=Filters(users=("alice",))).choose(sessions, NOW)


def test_recorded_list_reads_as_sessions() -> None:
    """What a real PowerShell answered."""
    for file in RECORDINGS:
        for text in file.read_text().splitlines():
            scene = json.loads(text)
            if scene["scenario"] == "list":
                rows = [read_row(fromstring(one["clixml"])) for one in scene["messages"] if one["type"].endswith("UT")]
                sessions = read_list(RdsCmdlets(), rows, 0.0)
                assert [str(one) for one in sessions] == [
                    "rdsh-1.example.test/2 (EX\\user2, STATE_ACTIVE)",
                    "rdsh-1.example.test/3 (EX\\user3, STATE_ACTIVE)",
                    "rdsh-1.example.test/4 (EX\\user4, STATE_DISCONNECTED)",
                ]
                assert all(one.created is not None and one.created.tzinfo for one in sessions)


# Rows that users pass on


def test_row_of_the_info_module_names_that_very_session() -> None:
    listed = RdsCmdlets().read(rd_row(2), 0.0)
    (named,) = read_named({"sessions": [dict(listed.fields)]}, FORM, "")
    assert named.key == listed.key
    assert named.mismatch(listed) == ""
    other = RdsCmdlets().read(rd_row(2, "mallory"), 0.0)
    assert "mallory" in named.mismatch(other)
    newer = RdsCmdlets().read(rd_row(2, CreateTime="2026-11-21T08:00:00Z"), 0.0)
    assert "created at another time" in named.mismatch(newer)
    assert list(named.fields) == [*COMMON_FIELDS, *FIELDS]


def test_row_may_say_less() -> None:
    (named,) = read_named({"sessions": [{"host_server": "h", "unified_session_id": "2", "outcome": "x"}]}, FORM, "")
    assert (named.key, named.user, named.created) == (("", "h", "2"), "", None)
    (named,) = read_named({"sessions": {"host_server": "h", "unified_session_id": 2, "user_name": "alice"}}, FORM, "")
    assert named.mismatch(RdsCmdlets().read(rd_row(2), 0.0)) == ""
    assert read_named({"sessions": []}, FORM, "") == ()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (7, "sessions must be a list"),
        ("[]", "sessions must be a list"),
        ([7], r"sessions\[0\] must be a row as rds_session_info"),
        ([{}], r"sessions\[0\] has no host_server"),
        ([{"host_server": "h"}], r"sessions\[0\] has no unified_session_id"),
        ([{"host_server": "", "unified_session_id": 2}], r"sessions\[0\] has no host_server"),
        ([{"host_server": "h", "unified_session_id": "x"}], r"sessions\[0\]: unified_session_id is 'x'"),
        ([{"host_server": "h", "unified_session_id": True}], r"sessions\[0\]: unified_session_id is 'True'"),
        ([{"host_server": "h", "unified_session_id": 2, "create_time": "soon"}], "create_time is 'soon'"),
    ],
)
def test_row_that_is_none_is_an_error_that_says_where(rows: object, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        read_named({"sessions": rows}, FORM, "")


@pytest.mark.parametrize("value", [-1, "-1", "abc", "", 2**31, "1.5", 1.5, True, "٣", "1" * 50, None])
def test_id_out_of_range_is_an_error_that_names_the_option(value: Any) -> None:
    with pytest.raises(SelectionError, match="unified_session_id is"):
        IDS.read(value)


@pytest.mark.parametrize("value", [0, "0", 2**31 - 1, " 7 "])
def test_id_in_range(value: Any) -> None:
    assert IDS.read(value) == int(value)


def test_session_that_is_named_by_options() -> None:
    named = FORM.name("", "rdsh-1", 2, {})
    assert named.key == ("", "rdsh-1", "2")
    assert (named.fields["host_server"], named.fields["unified_session_id"]) == ("rdsh-1", 2)


def test_row_whose_user_could_not_be_read_never_means_whoever_is_there_now() -> None:
    given = {"host_server": "rdsh-1.contoso.com", "unified_session_id": 2, "user_name": None, "create_time": None}
    (named,) = read_named({"sessions": [given]}, FORM, "")
    assert named.mismatch(RdsCmdlets().read(rd_row(2), 0.0))


def test_unified_id_is_what_is_sent() -> None:
    cmdlets = RdsCmdlets()
    session = cmdlets.read(rd_row(40, SessionId=2), 0.0)
    assert session.id == "40"
    assert cmdlets.act(session, Operation(LOG_OFF)).parameters["UnifiedSessionID"] == 40
