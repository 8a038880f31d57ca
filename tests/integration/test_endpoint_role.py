# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules through the endpoint that the role session_endpoint makes, from its own files.

On the stand-in and, in the session `engine`, on a real PowerShell. One test is for every ansible-core, as that renders
the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.integration.ansible_process import Finished, received
from tests.integration.rds_tasks import ID, log_off
from tests.integration.scenarios import Scenario
from tests.integration.windows_hosts import (
    BROKER,
    CLASSROOMS,
    CLOSE,
    LOGOFF,
    RDS_INFO,
    WMS_INFO,
    WVD_CLASSIC,
    Windows,
    ended_in,
    outcomes,
    sign_in,
)

pytestmark = pytest.mark.engine

NAME = "RemoteDesktopSessions"
MESSAGE = "remotedesktop.sessions.rds_user_message"
DISCONNECT = "remotedesktop.sessions.wms_session_disconnect"
TEXTS = {"message_title": "it's $(calc)", "message_body": '`n "x" -Force\n'}
ELSEWHERE = ["elsewhere"]
"""The server itself is for every endpoint, whatever the list."""


def through_endpoint(name: str, windows: Windows, host: str, *tasks: Mapping[str, Any], **limits: Any) -> Scenario:
    """Tasks on a host, through what the role makes there."""
    play = {"hosts": host, "vars": {"ansible_psrp_configuration_name": NAME}}
    return Scenario(name, [windows.role_endpoint(NAME, host, **limits), *tasks], play)


def ends_on_the_second_host_only(finished: Finished) -> None:
    """Other session hosts are not for this endpoint."""
    assert outcomes(finished.task, ID) == {
        "alice": "failed",
        "bob": "failed",
        "carol": "logged_off",
        "dave": "logged_off",
    }
    assert "HostServer, UnifiedSessionID, Force" in finished.task.message
    assert ended_in(finished) == ["carol", "dave"]


def test_list_of_session_hosts(windows: Windows) -> None:
    every = log_off(all_sessions=True)
    (limited,) = windows.scenarios(
        BROKER, through_endpoint("list", windows, BROKER, every, session_hosts=["RDSH-1.contoso.com"])
    )
    ends_on_the_second_host_only(limited)


@pytest.mark.newest_core
def test_each_service(windows: Windows) -> None:
    place = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool", "credential": sign_in(windows.lab)}
    one_of_pool = {**place, "session_host_name": "wvd-0.contoso.com", "session_id": 2, "no_user_prompt": True}
    classroom = (
        {"name": "list", WMS_INFO: {}},
        {"name": "disconnect", DISCONNECT: {"user": "teacher"}},
        {"name": "end", CLOSE: {"session_id": [2, 99]}},
    )
    two = ["bob", "carol"]
    older, newer = CLASSROOMS["2012R2"], CLASSROOMS["2016"]
    selected, pattern, wms_2012, wms_2016, other_server, classic = windows.scenarios(
        BROKER,
        through_endpoint(
            "exactly the selected",
            windows,
            BROKER,
            {"name": "list", RDS_INFO: {}},
            {"name": "message", MESSAGE: {"user": two, **TEXTS}},
            log_off(user=two),
        ),
        through_endpoint(
            "pattern", windows, BROKER, log_off(all_sessions=True), session_host_pattern=r"rdsh-[1-9]\..*"
        ),
        through_endpoint("2012 R2", windows, older, *classroom, session_hosts=ELSEWHERE),
        through_endpoint("2016", windows, newer, *classroom, session_hosts=ELSEWHERE),
        through_endpoint(
            "other server", windows, newer, {CLOSE: {"session_id": 2, "server": newer}}, session_hosts=ELSEWHERE
        ),
        through_endpoint(
            "classic",
            windows,
            WVD_CLASSIC,
            {"name": "list", RDS_INFO: place},
            {"name": "end", LOGOFF: one_of_pool},
            session_hosts=["wvd-0.contoso.com"],
        ),
    )
    listed, message, run = selected.all_ok(3)
    assert listed.result["summary"] == {"STATE_ACTIVE": 3, "STATE_DISCONNECTED": 1}
    assert run.result["summary"] == {"logged_off": 2}
    assert ended_in(selected) == two
    assert message.result["summary"] == {"sent": 2}
    assert received(selected) == [(user, *TEXTS.values()) for user in two]
    ends_on_the_second_host_only(pattern)
    for finished, sessions, ended in ((wms_2012, 2, ["student3"]), (wms_2016, 3, ["student1"])):
        listed, disconnect, run = finished.all_ok(3)
        assert disconnect.result["summary"] == {"disconnected": 1}
        assert len(listed.result["sessions"]) == sessions
        assert run.result["summary"] == {"logged_off": 1, "already_gone": 1}
        assert ended_in(finished) == ended
    assert other_server.task.status == "failed"
    assert "role must allow the parameters All, Server with these values" in other_server.task.message
    assert ended_in(other_server) == []
    listed, run = classic.all_ok(2)
    assert listed.result["summary"] == {"Active": 1, "Disconnected": 1}
    assert run.result["summary"] == {"logged_off": 1}
    assert ended_in(classic) == ["alice"]
