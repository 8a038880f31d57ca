# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerShell itself decides, over psrp: on the stand-in and, in the session `engine`, on a real one."""

from __future__ import annotations

import threading
import time
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

pytestmark = [pytest.mark.engine, pytest.mark.newest_core]

ID = "unified_session_id"
POOL = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool"}
DESKTOPS = {"name": "Desktops", "service": "rds", "connection_broker": BROKER}
SIXTY = {
    "pools": [{**DESKTOPS, "generate": {"hosts": 3, "sessions_per_host": 20, "host_name": "rdsh-{host}.contoso.com"}}]
}
HALF = [f"user{number:05}" for number in range(0, 60, 2)]


def log_off(windows: Windows, **options: Any) -> Any:
    """Run one logoff task on the broker, without a question."""
    return windows.run(BROKER, LOGOFF, **{"force": True, **options})


def test_exactly_the_selected_and_again_nobody(windows: Windows) -> None:
    windows.lab.reset(farm=SIXTY)
    run = windows.check_run_again(BROKER, LOGOFF, ID, user=HALF, force=True)
    assert run == dict.fromkeys(HALF, "logged_off")
    assert windows.ended() == HALF


def test_ids_that_are_reused_while_it_works(windows: Windows) -> None:
    """Each id that becomes free belongs to somebody else at once."""
    windows.lab.reset(farm=SIXTY)
    for user in HALF:
        number = int(user.removeprefix("user"))
        then = {
            "host": f"rdsh-{number // 20}.contoso.com",
            "id": number % 20 + 1,
            "give_id_to": f"new{number}@contoso.com",
        }
        parameters = {"HostServer": then["host"], "UnifiedSessionID": then["id"]}
        windows.fault("pass", "Invoke-RDUserLogoff", parameters=parameters, when="after", then=then)
    finished = log_off(windows, user=HALF)
    assert finished.status == 0, finished.output
    assert finished.task.result["summary"] == {"logged_off": 30}
    assert windows.ended() == HALF


def test_log_offs_that_block_hold_up_nobody(windows: Windows) -> None:
    """Two that nothing can stop, and two that end when they are stopped."""
    windows.lab.reset(farm=SIXTY)
    for number, kind in enumerate(("hang", "wait", "hang", "wait"), start=1):
        parameters = {"HostServer": "rdsh-0.contoso.com", "UnifiedSessionID": number}
        windows.fault(kind, "Invoke-RDUserLogoff", parameters=parameters)
    started = time.monotonic()
    finished = log_off(windows, host_server="rdsh-0", all_sessions=True, wait_timeout=10)
    assert time.monotonic() - started < 60
    assert finished.task.status == "failed"
    assert finished.task.result["summary"] == {"logged_off": 16, "still_there": 4}
    assert windows.ended() == [f"user{number:05}" for number in range(4, 20)]


def test_powershell_that_dies_on_the_way(windows: Windows) -> None:
    """Nothing is ended twice, and every outcome is told."""
    windows.lab.reset(farm=SIXTY)
    windows.settings(delay={"invoke-rduserlogoff": 0.5})
    killer = threading.Thread(target=kill_after, args=(windows, 12))
    killer.start()
    finished = log_off(windows, user=HALF)
    killer.join()
    assert finished.task.status == "unreachable", finished.output
    told = outcomes(finished.task, ID)
    assert sorted(told) == HALF
    ended = windows.ended()
    assert len(ended) < 30
    assert {user for user, outcome in told.items() if outcome == "logged_off"} <= set(ended)
    assert finished.task.result["changed"] is True
    again = log_off(windows, user=HALF)
    assert again.status == 0, again.output
    assert windows.ended() == HALF


def kill_after(windows: Windows, log_offs: int) -> None:
    """Kill the host's PowerShell when so many users have been logged off."""
    until = time.monotonic() + 60
    while len(windows.ended()) < log_offs and time.monotonic() < until:
        time.sleep(0.05)
    windows.kill_powershell()


@pytest.mark.parametrize(
    ("culture", "time_zone", "language"),
    [
        ("tr-TR", "Asia/Kolkata", "en"),
        ("th-TH", "Pacific/Chatham", "de"),
        ("ar-SA", "America/St_Johns", "en"),
    ],
)
def test_rows_and_log_offs_do_not_depend_on_culture_and_zone(
    windows: Windows, culture: str, time_zone: str, language: str
) -> None:
    created = {
        one["user"].partition("@")[0]: one["create_time"].rstrip("Z").rstrip("0") + "Z"
        for one in windows.lab.sessions()
        if one["service"] == "rds"
    }
    windows.settings(culture=culture, time_zone=time_zone, language=language)
    finished = log_off(windows, minimum_age="4h")
    assert finished.status == 0, finished.output
    rows = {row["user_name"]: row for row in finished.task.result["sessions"]}
    assert {user: row["create_time"] for user, row in rows.items()} == {name: created[name] for name in ("bob", "dave")}
    assert {row["session_state"] for row in rows.values()} == {"STATE_ACTIVE", "STATE_DISCONNECTED"}
    assert finished.task.result["summary"] == {"logged_off": 2}
    assert windows.ended() == ["bob", "dave"]


def test_five_thousand_sessions(windows: Windows) -> None:
    windows.lab.reset(farm={"pools": [{**DESKTOPS, "generate": {"hosts": 50, "sessions_per_host": 100}}]})
    finished = windows.run(BROKER, RDS_INFO)
    assert finished.status == 0, finished.output[-2000:]
    rows = finished.task.result["sessions"]
    assert len({(row["host_server"], row["unified_session_id"]) for row in rows}) == 5000


def test_errors_in_german(windows: Windows) -> None:
    windows.settings(language="de")
    windows.fault("error", "Invoke-RDUserLogoff", code=5, parameters={"HostServer": "rdsh-1.contoso.com"})
    finished = log_off(windows, all_sessions=True)
    assert finished.task.result["summary"] == {"failed": 2, "logged_off": 2}
    assert "Zugriff verweigert" in finished.task.message
    assert windows.ended() == ["alice", "bob"]


@pytest.mark.parametrize("generation", sorted(CLASSROOMS))
def test_wms(windows: Windows, generation: str) -> None:
    host = CLASSROOMS[generation]
    user = {"2012R2": "student3", "2016": "student1"}[generation]
    finished = windows.run(host, CLOSE, session_id=[2, 99])
    assert outcomes(finished.task, "session_id") == {user: "logged_off", "99": "already_gone"}
    assert windows.ended() == [user]


def test_module_that_is_not_there(windows: Windows) -> None:
    finished = windows.run(BROKER, WMS_INFO)
    assert "no command Get-WmsSession" in finished.task.message


def test_classic(windows: Windows) -> None:
    task = {LOGOFF: {**POOL, "credential": sign_in(windows.lab), "no_user_prompt": True, "all_sessions": True}}
    finished = windows.play(WVD, {"name": "run", **task}, {"name": "again", **task})
    assert finished.status == 0, finished.output
    run, again = finished.tasks
    assert run.result["summary"] == {"logged_off": 2}
    assert again.result["sessions"] == []
    assert windows.ended() == ["alice", "bob"]
