# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call has its deadline, what hangs is left behind, and a list proves nothing for long."""

from __future__ import annotations

import time

from tests.engine.script.hosts import LOAD, RDS_LIST, Hosts, call, log_off, request, verdicts

LOGOFF = "Invoke-RDUserLogoff"
BOUND = 60.0
"""Seconds that a run may take beside the deadlines of its calls, however slow the machine is."""


def test_call_that_hangs_has_no_answer(hosts: Hosts) -> None:
    """Neither has a list."""
    hosts.fault("hang", "Get-RDServer")
    first, second = hosts.run({"Calls": [call("Get-RDServer"), RDS_LIST], "Seconds": 1}, seconds=BOUND)["calls"]
    assert (first["state"], first["output"], first["errors"]) == ("no answer", [], [])
    assert (second["state"], len(second["output"])) == ("completed", 4)
    acts = [log_off(row) for row in second["output"]]
    hosts.fault("hang", "Get-RDUserSession")
    result = hosts.run(request(RDS_LIST, acts, seconds=1, act_seconds=600), seconds=BOUND)
    assert verdicts(result) == ["unproven"] * 4
    assert result["listing"]["state"] == "no answer"
    assert hosts.ended() == []


def test_act_that_can_be_stopped_does_nothing_after_its_deadline(hosts: Hosts) -> None:
    """Else it would act on a proof that is much too old."""
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    hosts.fault("wait", LOGOFF, seconds=2.5, times=1)
    result = hosts.run(request(RDS_LIST, acts[:2], act_seconds=1, Calls=[LOAD]))
    states = [act["answer"]["state"] for act in result["acts"]]
    assert sorted(states) == ["completed", "no answer"]
    time.sleep(2)
    assert len(hosts.ended()) == 1


def test_list_that_takes_longer_than_a_proof_lasts_proves_nothing(hosts: Hosts) -> None:
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    hosts.fault("hang", "Get-RDUserSession", seconds=6)
    result = hosts.run(request(RDS_LIST, acts))
    assert verdicts(result) == ["unproven"] * 4
    assert (result["listing"]["state"], len(result["listing"]["output"])) == ("completed", 4)
    assert hosts.matches() == [1], "another list would take as long"
    assert hosts.ended() == []


def test_deadlines_may_be_longer_than_any_clock_counts(hosts: Hosts) -> None:
    (row, *_others) = hosts.rows(RDS_LIST)
    assert verdicts(hosts.run(request(RDS_LIST, [log_off(row)], seconds=1e9, act_seconds=1e9))) == ["sent"]
