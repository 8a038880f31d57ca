# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting on Remote Desktop Services through real Ansible processes, and what is the same by the script."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import Cases, attempts, expect_refused, received
from tests.integration.rds_tasks import HOST, ID, LAST, SENT, THERE, WAIT, check_left, leaving
from tests.integration.scenarios import Scenario, fault
from tests.integration.windows_hosts import BROKER, Windows, outcomes

STAYS = {WAIT: {**THERE, "deadline": "15s", "messages": [{**LAST, "before": "1h"}, LAST]}}


@pytest.mark.engine
@pytest.mark.newest_core
def test_wait_over_psrp(windows: Windows) -> None:
    left, stayed = windows.scenarios(BROKER, Scenario("they leave", leaving()), Scenario("one stays", [STAYS]))
    check_left(left)
    assert outcomes(stayed.task, ID) == {"alice": "still_there", "bob": "still_there"}
    assert received(stayed) == [("alice", *SENT)] * 2, "bob is disconnected"
    assert 15 <= stayed.task.result["seconds"] < 40


@pytest.mark.newest_core
def test_trouble_over_psrp(windows: Windows) -> None:
    error = fault("error", "Send-RDUserMessage", code=5, parameters={"UnifiedSessionID": 2})
    reset = fault("reset", "Get-RDUserSession", skip=2, times=1)
    once = {WAIT: {**THERE, "deadline": "4s", "messages": [{**LAST, "before": "1h"}]}}
    denied, cut = windows.scenarios(
        BROKER, Scenario("error", [error, once]), Scenario("connection lost", [reset, once])
    )
    (alice, _bob) = denied.task.result["sessions"]
    assert (alice["warned_at"], [one["outcome"] for one in alice["messages"]]) == (None, ["unclear"])
    assert "the user has the permission Message of Remote Desktop Services" in str(denied.task.result["warnings"])
    assert outcomes(cut.task, ID) == {"alice": "still_there", "bob": "still_there"}
    assert received(cut) == [("alice", *SENT)], "sent before the connection was lost, and not again"
    assert "cannot be listed" in str(cut.task.result["warnings"])


@pytest.mark.newest_core
def test_refused(windows: Windows) -> None:
    cases: Cases = [
        ({"deadline": "10m"}, ["Nothing says which sessions are meant"]),
        ({"host_server": HOST, "deadline": "10m"}, ["host_server needs unified_session_id"]),
        ({**THERE, "deadline": "x"}, ["deadline is 'x'"]),
        ({**THERE, "deadline": "10m", "host_server": "rdsh-9"}, ["rdsh-9"]),
        ({**THERE, "deadline": "10m", "messages": [{**LAST, "title": " "}]}, ["messages[0].title must hold a text"]),
        ({**THERE, "deadline": "10m", "messages": [LAST, LAST]}, ["messages[1].before"]),
        ({**THERE, "deadline": "10m", "force": True}, ["force"]),
    ]
    (finished,) = windows.scenarios(BROKER, Scenario("bad input", attempts(WAIT, cases)))
    expect_refused(finished, cases)
    assert received(finished) == []
