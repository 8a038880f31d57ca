# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerShell itself decides, over psrp: on the stand-in and, in the session `engine`, on a real one."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.integration.rds_tasks import ID, log_off
from tests.integration.scenarios import Scenario, call, fault, reset, see, thrice
from tests.integration.windows_hosts import (
    BROKER,
    CLASSROOMS,
    CLOSE,
    LOGOFF,
    RDS_INFO,
    WMS_INFO,
    WVD_CLASSIC,
    Windows,
    agree,
    ended_in,
    outcomes,
    sign_in,
)

pytestmark = [pytest.mark.engine, pytest.mark.newest_core]

POOL = {"tenant_name": "Contoso", "host_pool_name": "legacy-pool"}


def generated(hosts: int, sessions_per_host: int) -> dict[str, Any]:
    """A deployment with so many sessions; the users' numbers go on from host to host."""
    generate = {"hosts": hosts, "sessions_per_host": sessions_per_host, "host_name": "rdsh-{host}.contoso.com"}
    return {"pools": [{"name": "Desktops", "service": "rds", "connection_broker": BROKER, "generate": generate}]}


SIXTY = generated(3, 20)
HALF = [f"user{number:05}" for number in range(0, 60, 2)]


def reused_at_once() -> list[dict[str, Any]]:
    """Each id that becomes free belongs to somebody else at once."""
    rules = []
    for number in range(0, 60, 2):
        host, id_ = f"rdsh-{number // 20}.contoso.com", number % 20 + 1
        then = {"host": host, "id": id_, "give_id_to": f"new{number}@contoso.com"}
        parameters = {"HostServer": host, "UnifiedSessionID": id_}
        rules.append(fault("pass", "Invoke-RDUserLogoff", parameters=parameters, when="after", then=then))
    return rules


def test_exactly_the_selected(windows: Windows) -> None:
    """And again nobody; also where ids are reused meanwhile."""
    every = {"credential": sign_in(windows.lab), "all_sessions": True, "no_user_prompt": True}
    close = {CLOSE: {"session_id": [2, 99]}}
    half, reused, wms_2012, wms_2016, absent, classic = windows.scenarios(
        BROKER,
        Scenario("half", [reset(SIXTY), *thrice(log_off(user=HALF))]),
        Scenario("ids that are reused", [reset(SIXTY), *reused_at_once(), log_off(user=HALF)]),
        Scenario("2012 R2", [close], {"hosts": CLASSROOMS["2012R2"]}),
        Scenario("2016", [close], {"hosts": CLASSROOMS["2016"]}),
        Scenario("no such module", [{WMS_INFO: {}}]),
        Scenario("classic", [{LOGOFF: {**POOL, **every}}, {LOGOFF: {**POOL, **every}}], {"hosts": WVD_CLASSIC}),
    )
    assert agree(half, ID) == dict.fromkeys(HALF, "logged_off")
    assert ended_in(half) == HALF
    reused.all_ok(1)
    assert reused.task.result["summary"] == {"logged_off": 30}
    assert ended_in(reused) == HALF
    for finished, user in ((wms_2012, "student3"), (wms_2016, "student1")):
        finished.all_ok(1)
        assert outcomes(finished.task, "session_id") == {user: "logged_off", "99": "already_gone"}
        assert ended_in(finished) == [user]
    assert "no command Get-WmsSession" in absent.task.message
    run, again = classic.all_ok(2)
    assert run.result["summary"] == {"logged_off": 2}
    assert again.result["sessions"] == []
    assert ended_in(classic) == ["alice", "bob"]


@pytest.mark.waits_long
def test_errors_and_calls_that_block_hold_up_nobody(windows: Windows) -> None:
    """Two that nothing can stop, and two that end when they are stopped; and errors in German."""
    numbered = enumerate(("hang", "wait", "hang", "wait"), start=1)
    first = "rdsh-0.contoso.com"
    blocking = [
        fault(kind, "Invoke-RDUserLogoff", parameters={"HostServer": first, "UnifiedSessionID": number})
        for number, kind in numbered
    ]
    error = fault("error", "Invoke-RDUserLogoff", code=5, parameters={"HostServer": "rdsh-1.contoso.com"})
    blocks, german = windows.scenarios(
        BROKER,
        Scenario(
            "calls that block",
            [reset(SIXTY), *blocking, log_off(host_server="rdsh-0", all_sessions=True, wait_timeout=10)],
        ),
        Scenario("German", [call("winrm/settings", {"language": "de"}), error, log_off(all_sessions=True)]),
    )
    assert blocks.task.seconds < 60
    assert blocks.task.status == "failed"
    assert blocks.task.result["summary"] == {"logged_off": 16, "still_there": 4}
    assert ended_in(blocks) == [f"user{number:05}" for number in range(4, 20)]
    assert german.task.result["summary"] == {"failed": 2, "logged_off": 2}
    assert "Zugriff verweigert" in german.task.message
    assert ended_in(german) == ["alice", "bob"]


def test_powershell_that_dies_on_the_way(windows: Windows) -> None:
    """Nothing is ended twice, and every outcome is told."""
    windows.lab.reset(farm=SIXTY)
    windows.settings(delay={"invoke-rduserlogoff": 0.5})
    killer = threading.Thread(target=kill_after, args=(windows, 12))
    killer.start()
    finished = windows.play(BROKER, log_off(user=HALF))
    killer.join()
    assert finished.task.status == "unreachable", finished.output
    told = outcomes(finished.task, ID)
    assert sorted(told) == HALF
    ended = windows.ended()
    assert len(ended) < 30
    assert {user for user, outcome in told.items() if outcome == "logged_off"} <= set(ended)
    assert finished.task.result["changed"] is True
    again = windows.play(BROKER, log_off(user=HALF))
    assert again.status == 0, again.output
    assert windows.ended() == HALF


def kill_after(windows: Windows, log_offs: int) -> None:
    """Kill the host's PowerShell when so many users have been logged off."""
    until = time.monotonic() + 60
    while len(windows.ended()) < log_offs and time.monotonic() < until:
        time.sleep(0.05)
    windows.kill_powershell()


SETTINGS = [
    {"culture": "tr-TR", "time_zone": "Asia/Kolkata", "language": "en"},
    {"culture": "th-TH", "time_zone": "Pacific/Chatham", "language": "de"},
    {"culture": "ar-SA", "time_zone": "America/St_Johns", "language": "en"},
]


def test_rows(windows: Windows) -> None:
    """They do not depend on culture and zone, and there may be many."""
    many, *abroad = windows.scenarios(
        BROKER,
        Scenario("many", [reset(generated(50, 100)), {RDS_INFO: {}}]),
        *(
            Scenario(
                settings["culture"],
                [see("sessions", says="before"), call("winrm/settings", settings), log_off(minimum_age="4h")],
            )
            for settings in SETTINGS
        ),
    )
    (listed,) = many.all_ok(1)
    assert len({(row["host_server"], row["unified_session_id"]) for row in listed.result["sessions"]}) == 5000
    for settings, finished in zip(SETTINGS, abroad, strict=True):
        created = {
            one["user"].partition("@")[0]: one["create_time"].rstrip("Z").rstrip("0").rstrip(".") + "Z"
            for one in finished.seen["before"]["sessions"]
            if one["service"] == "rds"
        }
        (run,) = finished.all_ok(1)
        rows = {row["user_name"]: row for row in run.result["sessions"]}
        times = {user: row["create_time"] for user, row in rows.items()}
        assert times == {name: created[name] for name in ("bob", "dave")}, settings
        assert {row["session_state"] for row in rows.values()} == {"STATE_ACTIVE", "STATE_DISCONNECTED"}, settings
        assert run.result["summary"] == {"logged_off": 2}, settings
        assert ended_in(finished) == ["bob", "dave"], settings
