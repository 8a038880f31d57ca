# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that hang, and quotas, while others are under way over psrp: on the stand-in, which has as many threads as it
needs. What a real PowerShell does with few of them is not the product's to decide.
"""

from __future__ import annotations

import pytest

from tests.integration.rds_tasks import log_off
from tests.integration.scenarios import Scenario, fault, reset, see
from tests.integration.windows_hosts import BROKER, SEEN, Windows, ended_in

pytestmark = [pytest.mark.newest_core, pytest.mark.waits_long]

GENERATE = {"hosts": 3, "sessions_per_host": 20, "host_name": "rdsh-{host}.contoso.com"}
SIXTY = {"pools": [{"name": "Desktops", "service": "rds", "connection_broker": BROKER, "generate": GENERATE}]}
EVERYBODY = [f"user{number:05}" for number in range(60)]


def test_calls_that_hang_hold_up_nobody_and_more_than_forty_say_so(windows: Windows) -> None:
    """The others are logged off before the first of those that hang is given up, and no shell is left."""
    hang = fault("hang", "Invoke-RDUserLogoff", parameters={"HostServer": "rdsh-0.contoso.com"})
    every = fault("hang", "Invoke-RDUserLogoff")
    some, all_of_them = windows.scenarios(
        BROKER,
        Scenario("a host that hangs", [reset(SIXTY), hang, log_off(all_sessions=True, wait_timeout=10), see(*SEEN)]),
        Scenario("all hang", [reset(SIXTY), every, log_off(all_sessions=True, wait_timeout=10), see(*SEEN)]),
    )
    assert some.task.result["summary"] == {"logged_off": 40, "still_there": 20}
    assert ended_in(some) == EVERYBODY[20:]
    told = {row["outcome"]: row["seconds"] for row in some.task.result["sessions"]}
    assert told["logged_off"] < 10 <= told["still_there"]
    assert "40 calls on" not in str(some.task.result.get("warnings"))
    assert all_of_them.task.result["summary"] == {"failed": 5, "still_there": 55}
    assert "40 calls on" in str(all_of_them.task.result["warnings"])
    for one in (some, all_of_them):
        assert one.seen["end"]["winrm/report"]["now"]["shells"] == 0


def test_quota_of_the_host_holds_nobody_up(windows: Windows) -> None:
    """As many calls as it takes are under way at once, and the task says why."""
    windows.lab.reset(farm=SIXTY)
    windows.settings(command_quota=6, delay={"invoke-rduserlogoff": 0.2})
    finished = windows.play(BROKER, log_off(all_sessions=True))
    assert finished.task.result["summary"] == {"logged_off": 60}
    assert windows.ended() == EVERYBODY
    assert "takes no more requests of this user for now" in str(finished.task.result["warnings"])
