# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging users off: what is refused, and hosts on which something goes wrong."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import Cases
from tests.integration.test_rds_user_logoff import DEPLOYMENT, EVERYBODY, ID, log_off, refused
from tests.integration.windows_hosts import BROKER, LOGOFF, Windows, outcomes

pytestmark = pytest.mark.newest_core

# Bad input


REFUSED: Cases = [
    ({}, ["unified_session_id", "sessions", "all_sessions"]),
    ({"host_server": "rdsh-1"}, ["host_server", "unified_session_id"]),
    ({"unified_session_id": 2}, ["unified_session_id", "host_server"]),
    ({"host_server": "rdsh-1", "unified_session_id": 2, "tenant_name": "T"}, ["unified_session_id", "tenant_name"]),
    ({"tenant_name": "T", "session_host_name": "h", "session_id": 2}, ["force", "tenant_name"]),
    ({"host_server": "rdsh-1", "unified_session_id": "abc"}, ["unified_session_id"]),
    ({"host_server": "rdsh-1", "unified_session_id": -1}, ["unified_session_id"]),
    ({"host_server": "rdsh-1", "unified_session_id": 2147483648}, ["unified_session_id"]),
    ({"host_server": "", "all_sessions": True}, ["host_server is given but empty"]),
    ({"unified_session_id": "", "host_server": "rdsh-1"}, ["unified_session_id is given but empty"]),
    ({"collection_name": "", "all_sessions": True}, ["collection_name is given but empty"]),
    ({"connection_broker": None, "all_sessions": True}, ["connection_broker is given but empty"]),
    ({"user": ""}, ["user is given but empty"]),
    ({"sessions": ""}, ["sessions is given but empty"]),
    ({"sessions": [{"host_server": "rdsh-1"}]}, ["sessions[0]", "unified_session_id"]),
    ({"connection_broker": "broker", "all_sessions": True}, ["connection_broker", "full name"]),
    ({"collection_name": "*", "all_sessions": True}, ["collection_name", "wildcard"]),
    ({"session_state": "gone"}, ["session_state", "STATE_ACTIVE"]),
    ({"wait_timeout": -1, "all_sessions": True}, ["wait_timeout"]),
    ({"no_such_option": 1, "all_sessions": True}, ["no_such_option"]),
]


def test_refused_before_anything_is_connected(windows: Windows) -> None:
    windows.refuse(BROKER, LOGOFF, [({"force": True, **options}, words) for options, words in REFUSED])
    assert windows.shells() == (0, 0)


UNKNOWN: Cases = [
    ({"host_server": "rdsh-9.contoso.com", "unified_session_id": 2}, ["rdsh-9.contoso.com"]),
    ({"host_server": "rdsh-9", "all_sessions": True}, ["rdsh-9"]),
    ({"collection_name": "Nope", "all_sessions": True}, ["Nope", "collection_name"]),
    ({"connection_broker": "other.contoso.com", "all_sessions": True}, ["deployment", "runas", "CredSSP"]),
    ({"collection_name": ["it's $(calc); `n 'x'"], "all_sessions": True}, ["it's $(calc); `n 'x'"]),
    ({"collection_name": "x" * 10_000, "all_sessions": True}, ["xxxxx"]),
    ({"collection_name": ["Desktops\nDesktops"], "all_sessions": True}, ["collection_name", "Desktops Desktops"]),
]


def test_unknown_places(windows: Windows) -> None:
    windows.refuse(BROKER, LOGOFF, [({"force": True, **options}, words) for options, words in UNKNOWN])
    assert windows.ended() == []


def test_ambiguous_user(windows: Windows) -> None:
    windows.lab.add_session(service="rds", **DEPLOYMENT, host="rdsh-1.contoso.com", id=40, user="alice@fabrikam.com")
    refused(windows, "CONTOSO\\alice", "FABRIKAM\\alice", user="alice")


def test_session_without_a_user_is_refused(windows: Windows) -> None:
    windows.lab.change(service="rds", **DEPLOYMENT, host="rdsh-1.contoso.com", id=2, user="", ad_user_name="")
    finished = log_off(windows, all_sessions=True)
    assert finished.status != 0
    assert finished.task.result["summary"] == {"logged_off": 3, "refused": 1}
    assert windows.ended() == ["alice", "bob", "dave"]


# Faults


def test_missing_broker_says_what_to_do_in_any_language(windows: Windows) -> None:
    windows.fault("broker_absent")
    refused(windows, "deployment does not exist", "become_method runas", "CredSSP", user="alice")
    windows.settings(language="de")
    refused(windows, "Bereitstellung", "become_method runas", "CredSSP", user="alice")


def test_missing_module_says_what_to_do(windows: Windows) -> None:
    windows.fault("not_installed", "Get-RDUserSession")
    refused(windows, "no command Get-RDUserSession", "RemoteDesktop", "JEA", user="alice")


@pytest.mark.parametrize("language", ["en", "de"])
def test_errors_of_some_log_offs_do_not_stop_the_others(windows: Windows, language: str) -> None:
    windows.settings(language=language)
    codes = {40: 5, 41: 1722, 42: 21, 43: 50}
    for id, code in codes.items():
        place = {"service": "rds", **DEPLOYMENT, "host": "rdsh-1.contoso.com", "id": id}
        windows.lab.add_session(**place, user=f"code{code}@contoso.com")
        windows.fault("error", "Invoke-RDUserLogoff", code=code, parameters={"UnifiedSessionID": id})
    finished = log_off(windows, all_sessions=True)
    assert finished.status != 0
    expected = {f"code{code}": "failed" for code in codes.values()}
    assert outcomes(finished.task, ID) == {**dict.fromkeys(EVERYBODY, "logged_off"), **expected}
    assert "Invoke-RDUserLogoff says" in finished.task.message
    assert "become_method runas" in finished.task.message
    assert windows.ended() == EVERYBODY


def test_error_for_a_while_is_tried_again(windows: Windows) -> None:
    windows.fault("error", "Invoke-RDUserLogoff", code=1722, times=2)
    finished = log_off(windows, user="alice")
    assert finished.status == 0, finished.output
    assert windows.ended() == ["alice"]


def test_user_who_leaves_just_before_the_act_counts_as_logged_off(windows: Windows) -> None:
    """The cmdlet's error does not say whether it came before or after an effect."""
    then = {"host": "rdsh-1.contoso.com", "id": 2, "remove": True}
    windows.fault("pass", "Invoke-RDUserLogoff", parameters={"UnifiedSessionID": 2}, then=then, times=1)
    finished = log_off(windows, user="carol")
    assert finished.status == 0, finished.output
    assert outcomes(finished.task, ID) == {"carol": "logged_off"}
    assert finished.task.result["changed"] is True
    assert finished.task.result["sessions"][0]["reason"].startswith("Invoke-RDUserLogoff says: ")


@pytest.mark.waits_long
def test_session_that_stays_is_asked_for_once(windows: Windows) -> None:
    windows.lab.change(service="rds", **DEPLOYMENT, host="rdsh-1.contoso.com", id=6, stuck=True)
    finished = log_off(windows, all_sessions=True, wait_timeout=10)
    assert finished.task.status == "failed"
    assert finished.task.result["changed"] is True
    assert finished.task.result["summary"] == {"logged_off": 3, "still_there": 1}
    assert windows.ended().count("dave") == 1


def test_slow_effect_is_waited_for(windows: Windows) -> None:
    windows.lab.options(effect_delay_seconds=3.0)
    finished = log_off(windows, all_sessions=True)
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 4}


def test_id_that_was_reused_while_the_list_was_on_its_way(windows: Windows) -> None:
    """A list that is more than 5 s old proves nothing: it is read again."""
    then = {"host": "rdsh-1.contoso.com", "id": 2, "give_id_to": "mallory@contoso.com"}
    windows.fault("hang", "Get-RDUserSession", seconds=6, times=1, when="after", then=then)
    finished = log_off(windows, user=["carol", "alice"])
    assert outcomes(finished.task, ID) == {"alice": "logged_off", "carol": "replaced"}
    assert windows.ended() == ["alice"]
