# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process of its own, as Ansible starts one: it has a culture and a time zone, and it ends, whatever hangs in it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.script.driver import MARK, Script
from tests.engine.script.hosts import (
    BROKER,
    CULTURES,
    LOAD,
    PLACE,
    RDS_LIST,
    ZONES,
    Hosts,
    collection,
    deployment,
    log_off,
    request,
    verdicts,
)

LOGOFF = "Invoke-RDUserLogoff"
BOUND = 60.0
"""Seconds that a run, or the end of the process, may take, however slow the machine is."""


@pytest.fixture(scope="module")
def process(pwsh: str) -> Iterator[Script]:
    """A PowerShell that counts Buddhist years, has a strange clock, and whose calls may hang."""
    script = Script(pwsh, {"LC_ALL": "th_TH.UTF-8", "TZ": "Pacific/Chatham"})
    yield script
    script.kill()


def marked(mark: str) -> list[int]:
    """Find the processes that a driver has started, itself among them."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # it has ended, or is somebody else's
            if f"{MARK}={mark}".encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="there a user's settings decide, not a process's environment")
def test_process_of_another_culture(process: Script, hosts: Hosts) -> None:
    rows = hosts.rows(RDS_LIST)
    parameters = request(RDS_LIST, [log_off(rows[0])], Calls=[PLACE, RDS_LIST])
    result = process.run(parameters, environment=hosts.environment(BROKER))
    place, listed = result["calls"]
    (shown,) = place["output"]
    assert shown["Value"].startswith(CULTURES["th-TH"])
    assert shown["Value"].endswith(ZONES["Pacific/Chatham"])
    assert listed["output"] == rows
    assert verdicts(result) == ["sent"]


def test_log_offs_that_hang_cost_the_others_nothing_and_leave_no_process(process: Script, hosts: Hosts) -> None:
    """They hang in a call of .NET that nothing can interrupt, as those of Windows do. This test ends the process."""
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 12})))
    rows = hosts.rows(RDS_LIST)
    hung = [0, 3, 4, 9]
    for number in hung:
        hosts.fault("hang", LOGOFF, parameters={"UnifiedSessionID": rows[number]["UnifiedSessionId"]})
    begun = time.monotonic()
    parameters = request(RDS_LIST, [log_off(row) for row in rows], act_seconds=2, seconds=600, Calls=[LOAD])
    result = process.run(parameters, environment=hosts.environment(BROKER), seconds=BOUND)
    assert time.monotonic() - begun > 2
    assert verdicts(result) == ["sent"] * len(rows)
    states = [act["answer"]["state"] for act in result["acts"]]
    assert states == ["no answer" if number in hung else "completed" for number in range(len(rows))]
    hanging = [result["acts"][number]["answer"] for number in hung]
    assert all(2 <= answer["ended"] - answer["begun"] < BOUND for answer in hanging)
    assert len(hosts.ended()) == len(rows) - len(hung)
    assert len(result["listing"]["output"]) == len(hung)

    if sys.platform == "linux":
        assert process.process_id in marked(process.mark), "else this proves nothing"
    process.close(BOUND)
    if sys.platform == "linux":
        assert marked(process.mark) == []
