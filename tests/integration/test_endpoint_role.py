# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules through the endpoint that the role session_endpoint makes, from its own files.

On the stand-in and, in the session `engine`, on a real PowerShell. One test is for every ansible-core, as that renders
the files.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.windows_hosts import (
    BROKER,
    CLASSROOMS,
    CLOSE,
    LOGOFF,
    RDS_INFO,
    WMS_INFO,
    WVD,
    Windows,
    outcomes,
    sign_in,
)

pytestmark = pytest.mark.engine
newest_core = pytest.mark.newest_core

NAME, ID = "RemoteDesktopSessions", "unified_session_id"


def list_and_end(
    windows: Windows, host: str, variables: dict[str, str], info: str, end: str, place: dict[str, Any], **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run one module, and then the other; return their results."""
    tasks = {"name": "info", info: place}, {"name": "run", end: {**place, **options}}
    finished = windows.play(host, *tasks, variables=variables)
    assert finished.status == 0, finished.output
    listed, run = (task.result for task in finished.tasks)
    return listed, run


@newest_core
def test_exactly_the_selected(windows: Windows) -> None:
    variables = windows.role_endpoint(NAME, BROKER)
    selected = {"user": ["bob", "carol"], "force": True}
    listed, run = list_and_end(windows, BROKER, variables, RDS_INFO, LOGOFF, {}, **selected)
    assert listed["summary"] == {"STATE_ACTIVE": 3, "STATE_DISCONNECTED": 1}
    assert run["summary"] == {"logged_off": 2}
    assert windows.ended() == ["bob", "carol"]


@pytest.mark.parametrize(
    "limits",
    [
        {"session_hosts": ["RDSH-1.contoso.com"]},
        pytest.param({"session_host_pattern": r"rdsh-[1-9]\..*"}, marks=newest_core),
    ],
    ids=["list", "pattern"],
)
def test_other_session_hosts_are_not_for_this_endpoint(windows: Windows, limits: dict[str, Any]) -> None:
    variables = windows.role_endpoint(NAME, BROKER, **limits)
    finished = windows.run(BROKER, LOGOFF, variables=variables, all_sessions=True, force=True)
    assert outcomes(finished.task, ID) == {
        "alice": "failed",
        "bob": "failed",
        "carol": "logged_off",
        "dave": "logged_off",
    }
    assert "HostServer, UnifiedSessionID, Force" in finished.task.message
    assert windows.ended() == ["carol", "dave"]


@newest_core
@pytest.mark.parametrize(
    ("generation", "listed", "ended"), [("2012R2", 2, ["student3"]), ("2016", 3, ["student1"])], ids=["2012R2", "2016"]
)
def test_wms(windows: Windows, generation: str, listed: int, ended: list[str]) -> None:
    """The server itself is for every endpoint, whatever the list."""
    host = CLASSROOMS[generation]
    variables = windows.role_endpoint(NAME, host, session_hosts=["elsewhere"])
    found, run = list_and_end(windows, host, variables, WMS_INFO, CLOSE, {}, session_id=[2, 99])
    assert len(found["sessions"]) == listed
    assert run["summary"] == {"logged_off": 1, "already_gone": 1}
    assert windows.ended() == ended


@newest_core
def test_multipoint_on_other_servers_is_not_for_this_endpoint(windows: Windows) -> None:
    host = CLASSROOMS["2016"]
    variables = windows.role_endpoint(NAME, host, session_hosts=["elsewhere"])
    finished = windows.run(host, CLOSE, variables=variables, session_id=2, server=host)
    assert finished.task.status == "failed"
    assert "role must allow the parameters All, Server with these values" in finished.task.message
    assert windows.ended() == []


@newest_core
def test_classic(windows: Windows) -> None:
    variables = windows.role_endpoint(NAME, WVD, session_hosts=["wvd-0.contoso.com"])
    place = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool", "credential": sign_in(windows.lab)}
    selected = {"session_host_name": "wvd-0.contoso.com", "session_id": 2, "no_user_prompt": True}
    listed, run = list_and_end(windows, WVD, variables, RDS_INFO, LOGOFF, place, **selected)
    assert listed["summary"] == {"Active": 1, "Disconnected": 1}
    assert run["summary"] == {"logged_off": 1}
    assert windows.ended() == ["alice"]
