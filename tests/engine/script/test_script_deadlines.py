# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call has its deadline, what hangs is left behind, and a list proves nothing for long."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.engine.script.driver import Json
from tests.engine.script.hosts import LOAD, RDS_LIST, Hosts, call, collection, deployment, log_off, request, verdicts

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
    hosts.fault("hang", "Get-RDUserSession", seconds=2)
    result = hosts.run(request(RDS_LIST, acts, ProofSeconds=1))
    assert verdicts(result) == ["unproven"] * 4
    assert (result["listing"]["state"], len(result["listing"]["output"])) == ("completed", 4)
    assert hosts.matches() == [1], "another list would take as long"
    assert hosts.ended() == []
    assert verdicts(hosts.run(request(RDS_LIST, acts, ProofSeconds=20))) == ["sent"] * 4


@pytest.mark.parametrize("missing", ["ProofSeconds", "LongestProof"])
def test_without_an_age_of_proofs_nothing_is_proven(hosts: Hosts, missing: str) -> None:
    parameters = request(RDS_LIST, [log_off(row) for row in hosts.rows(RDS_LIST)])
    del parameters[missing]
    assert verdicts(hosts.run(parameters)) == ["unproven"] * 4
    assert hosts.ended() == []


def test_list_that_takes_no_longer_than_any_other_proves_for_some_seconds_more(hosts: Hosts) -> None:
    """The caller's shortest counts, and those of the script; and no list proves anything for very long."""
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    hosts.fault("hang", "Get-RDUserSession", seconds=2)
    slow = {"ProofSeconds": 1, "ShortestList": 30}
    result = hosts.run(request(RDS_LIST, acts, **{**slow, "LongestProof": 2}))
    assert verdicts(result) == ["unproven"] * 4
    assert 2 <= result["shortest_list"] < BOUND
    result = hosts.run(request(RDS_LIST, acts, **{**slow, "ShortestList": 0.5}))
    assert verdicts(result) == ["unproven"] * 4
    assert result["shortest_list"] == 0.5
    assert hosts.ended() == []
    result = hosts.run(request(RDS_LIST, acts, **slow))
    assert verdicts(result) == ["sent"] * 4
    assert all(2 <= act["proof_age"] < 1 + BOUND for act in result["acts"])


def test_take_over_during_a_slow_list_is_seen(hosts: Hosts) -> None:
    """Lists of 6 s, none of which took less: whoever comes while one is read is left alone."""
    rows = hosts.rows(RDS_LIST)
    then = {"host": rows[1]["HostServer"], "id": rows[1]["UnifiedSessionId"], "give_id_to": "mallory@contoso.com"}
    hosts.lab.call("POST", "winrm/settings", {"delay": {"Get-RDUserSession": 6}})
    hosts.fault("pass", "Get-RDUserSession", then=then)
    result = hosts.run(request(RDS_LIST, [log_off(row) for row in rows], ShortestList=6, Calls=[LOAD]))
    assert verdicts(result) == ["sent", "replaced", "sent", "sent"]
    assert "mallory" in {row["UserName"] for row in result["listing"]["output"]}
    assert len(hosts.ended()) == 3


def test_no_list_is_read_that_leaves_no_time_to_act(hosts: Hosts) -> None:
    """Where lists take long, the next run reads one just as well."""
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 9})))
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    hosts.fault("hang", LOGOFF, seconds=3)
    hosts.fault("hang", "Get-RDUserSession", seconds=3)
    calls = hosts.only_eight()
    result = hosts.run(request(RDS_LIST, acts, ProofSeconds=2, ShortestList=30, SendSeconds=5, Calls=calls))
    assert verdicts(result) == ["sent"] * 8 + ["later"]
    assert hosts.matches()[:2] == [8, 2]


def test_act_whose_time_is_over_is_not_sent(hosts: Hosts) -> None:
    """Its time may run out while the list is read. Nothing limits an act that has none, but the age of its proof."""
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    acts = [{**act, "seconds": seconds} for act, seconds in zip(acts, (None, 0, 1.5, BOUND), strict=True)]
    hosts.fault("hang", "Get-RDUserSession", seconds=2)
    result = hosts.run(request(RDS_LIST, acts))
    assert verdicts(result) == ["sent", "later", "later", "sent"]
    assert [act["answer"] is None for act in result["acts"]] == [False, True, True, False]
    assert len(hosts.ended()) == 2


def test_act_whose_time_runs_out_in_the_queue_is_not_sent(hosts: Hosts) -> None:
    """The list is still proof enough then."""
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 9})))
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    acts[8]["seconds"] = 5
    hosts.fault("hang", LOGOFF, seconds=6)
    result = hosts.run(request(RDS_LIST, acts, ProofSeconds=60, ShortestList=60, Calls=hosts.only_eight()))
    assert verdicts(result) == ["sent"] * 8 + ["later"]


def test_no_act_begins_long_after_the_first(hosts: Hosts) -> None:
    """The rest is for the next run, which is asked for only while somebody still wants it."""
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 20})))
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    hosts.fault("hang", LOGOFF, seconds=1.2)
    runs: list[Any] = []
    while not runs or "later" in verdicts(runs[-1]):
        runs.append(hosts.run(request(RDS_LIST, acts, SendSeconds=0.4, Calls=[LOAD])))
        begun_at = begun(runs[-1])
        assert 1 <= len(begun_at) <= 8, "others are waited for at first"
        assert max(begun_at) <= min(begun_at) + 0.4
        acts = [act for act, verdict in zip(acts, verdicts(runs[-1]), strict=True) if verdict == "later"]
        assert len(runs[-1]["listing"]["output"]) == len(acts) == 20 - len(hosts.ended())
    assert len(runs) >= 3


def test_act_whose_time_runs_out_while_its_proof_is_renewed_is_not_sent(hosts: Hosts) -> None:
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 9})))
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    hosts.fault("hang", "Get-RDUserSession", seconds=1.5, skip=1, times=1)
    hosts.fault("hang", LOGOFF, seconds=3.2)
    result = hosts.run(request(RDS_LIST, acts, ProofSeconds=3, SendSeconds=4, Calls=hosts.only_eight()))
    assert verdicts(result) == ["sent"] * 8 + ["later"]


def test_one_act_at_least_begins(hosts: Hosts) -> None:
    """Else there would be no end of runs. What the first ones are found to be does not count."""
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    acts[0]["expect"]["UserName"] = "mallory"
    acts[1]["where"]["UnifiedSessionId"] = 99
    hosts.fault("hang", "Get-RDUserSession", seconds=1)
    assert verdicts(hosts.run(request(RDS_LIST, acts, SendSeconds=0))) == ["replaced", "gone", "sent", "later"]


def test_times_are_those_of_the_script(hosts: Hosts) -> None:
    """In seconds since its start: when each call and list began, when each act was sent and ended, how long it took."""
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    acts[3]["where"]["UnifiedSessionId"] = 99
    hosts.fault("hang", LOGOFF, seconds=1, times=1)
    begun = time.monotonic()
    result = hosts.run(request(RDS_LIST, acts, Calls=[LOAD, RDS_LIST]))
    taken = time.monotonic() - begun
    load, first_list = result["calls"]
    answers = [act["answer"] for act in result["acts"] if act["answer"]]
    assert len(answers) == 3
    order = [0, load["begun"], load["ended"], first_list["begun"], first_list["ended"]]
    order += [min(answer["begun"] for answer in answers), max(answer["ended"] for answer in answers)]
    order += [result["listing"]["begun"], result["listing"]["ended"], result["seconds"], taken]
    assert order == sorted(order)
    assert len({*order}) == len(order)
    lasted = sorted(answer["ended"] - answer["begun"] for answer in answers)
    assert lasted[0] > 0
    assert lasted[2] >= 1
    for act in result["acts"][:3]:
        assert 0 < act["proof_age"] < act["answer"]["begun"] - first_list["ended"], "of the list that it read itself"
    nothing = hosts.run(request(RDS_LIST, acts[3:]))
    assert verdicts(nothing) == ["gone"]
    assert 0 < nothing["listing"]["begun"] < nothing["listing"]["ended"] < nothing["seconds"]


def test_deadlines_may_be_longer_than_any_clock_counts(hosts: Hosts) -> None:
    (row, *_others) = hosts.rows(RDS_LIST)
    assert verdicts(hosts.run(request(RDS_LIST, [log_off(row)], seconds=1e9, act_seconds=1e9))) == ["sent"]


# Calls that hang


def hang(hosts: Hosts, count: int, hung: int) -> list[Json]:
    """Make acts, of which the first hang."""
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": count})))
    rows = hosts.rows(RDS_LIST)
    for row in rows[:hung]:
        hosts.fault("hang", LOGOFF, parameters={"UnifiedSessionID": row["UnifiedSessionId"]})
    return [log_off(row) for row in rows]


def begun(result: Json) -> list[float]:
    return [act["answer"]["begun"] for act in result["acts"] if act["answer"]]


def test_calls_that_hang_do_not_keep_others_from_being_sent(hosts: Hosts) -> None:
    """Also when they come first, and are more than are in flight otherwise."""
    acts = hang(hosts, 40, 20)
    result = hosts.run(request(RDS_LIST, acts, act_seconds=12, SendSeconds=BOUND, Calls=[LOAD]))
    assert verdicts(result) == ["sent"] * 40
    states = [act["answer"]["state"] for act in result["acts"]]
    assert states == ["no answer"] * 20 + ["completed"] * 20
    deadline = min(begun(result)) + 12
    assert max(act["answer"]["ended"] for act in result["acts"][20:]) < deadline
    early = [one for one in begun(result) if one < min(begun(result)) + 0.5]
    assert len(early) == 8, "no more before the first ones have been silent for half a second"
    assert len(hosts.ended()) == 20
    assert all(act["proof_age"] < 5 + BOUND / 10 for act in result["acts"])


def test_no_more_than_forty_that_hang_are_in_flight_beside_the_others(hosts: Hosts) -> None:
    acts = hang(hosts, 60, 60)
    result = hosts.run(request(RDS_LIST, acts, act_seconds=20, SendSeconds=15, Calls=[LOAD]), seconds=BOUND)
    assert verdicts(result) == ["sent"] * 48 + ["later"] * 12
    assert {act["answer"]["state"] for act in result["acts"][:48]} == {"no answer"}
    assert hosts.ended() == []


@pytest.mark.parametrize("trouble", [{"kind": "hang"}, {"kind": "broker_absent"}])
def test_runspace_whose_first_calls_go_wrong_is_not_used(hosts: Hosts, trouble: Json) -> None:
    """Those that there are do the work, as long as there is time."""
    acts = hang(hosts, 12, 4)
    hosts.fault(command="Get-RDServer", skip=8, **trouble)
    calls = [LOAD, call("Get-RDServer")]
    result = hosts.run(request(RDS_LIST, acts, act_seconds=3, seconds=5, Calls=calls), seconds=BOUND)
    assert verdicts(result) == ["sent"] * 12
    assert len(hosts.ended()) == 8
    assert len(result["calls"]) == 2
    acts = hang(hosts, 12, 8)
    hosts.fault(command="Get-RDServer", skip=8, **trouble)
    result = hosts.run(request(RDS_LIST, acts, act_seconds=2, seconds=5, Calls=calls), seconds=BOUND)
    assert verdicts(result) == ["sent"] * 8 + ["later"] * 4, "there is none left"
    assert hosts.ended() == []
