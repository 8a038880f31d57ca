# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pipelines run and end: several statements, several in flight, stops."""

from __future__ import annotations

import time
import typing

import pytest

from tests.lab import definition
from tests.lab.farm import Farm
from tests.lab.winrm.configurations import DEFAULT, Configuration
from tests.lab.winrm.faults import Faults
from tests.lab.winrm.machine import Machine, Settings, machines
from tests.psrp.raw_client import RawClient, error_id, kinds

HOST = "rdsh-1.example.test"


@pytest.fixture
def machine() -> Machine:
    sessions = [{"id": number, "user": f"user{number}@example.test"} for number in (2, 3, 4)]
    desk = {"name": "Desk", "service": "remote_desktop", "connection_broker": "rds.example.test"}
    farm = Farm()
    farm.replace(definition.parse({"pools": [{**desk, "hosts": [{"name": HOST, "sessions": sessions}]}]}))
    return machines(farm, Faults(), Settings(), lambda name, proof: False)["rds.example.test"]


@pytest.fixture
def client(machine: Machine) -> RawClient:
    return RawClient(machine, Configuration(DEFAULT), runspaces=16)


def logoff(number: typing.Any, **parameters: typing.Any) -> list[dict[str, typing.Any]]:
    given = {"HostServer": HOST, "UnifiedSessionID": number, "Force": True, **parameters}
    return [{"command": "Invoke-RDUserLogoff", "parameters": given}]


def ended(farm: Farm) -> list[int | None]:
    return [entry["id"] for entry in farm.audit() if entry["verb"] == "logoff"]


BAD = [{"command": "Get-NoSuchThing", "parameters": {}}]
LIST = [{"command": "Get-RDUserSession", "parameters": {}}]
STOPPED = [{"command": "Get-RDUserSession", "parameters": {"CollectionName": "Nope", "ErrorAction": "Stop"}}]
NON_TERMINATING = [{"command": "Get-RDUserSession", "parameters": {"CollectionName": "Nope"}}]


@pytest.mark.parametrize(
    ("statements", "seen", "done"),
    [
        ([BAD, logoff(2), logoff(3)], ["ERROR_RECORD", "Completed"], [2, 3]),
        ([logoff(2), BAD, logoff(3)], ["Failed"], [2, 3]),
        ([STOPPED, logoff(2), logoff(3)], ["Failed"], []),
        ([NON_TERMINATING, logoff(2), logoff(3)], ["ERROR_RECORD", "Completed"], [2, 3]),
        ([BAD], ["Failed"], []),
    ],
)
def test_what_runs_behind_the_clients_back(
    client: RawClient, machine: Machine, statements: list[typing.Any], seen: list[str], done: list[int]
) -> None:
    assert kinds(client.invoke(statements)) == seen
    assert ended(machine.farm) == done


def test_output_after_the_end_is_lost(client: RawClient) -> None:
    assert kinds(client.invoke([BAD, logoff(2), LIST])) == ["ERROR_RECORD", "Completed"]
    assert kinds(client.invoke([BAD, LIST, LIST])) == [
        "ERROR_RECORD",
        "PIPELINE_OUTPUT",
        "PIPELINE_OUTPUT",
        "Completed",
    ]


def test_everything_is_found_and_bound_before_anything_runs(client: RawClient, machine: Machine) -> None:
    answer = client.invoke([[*logoff(2), {"command": "Select-Object", "parameters": {"NoSuch": 1}}]])
    assert kinds(answer) == ["Failed"]
    assert error_id(answer) == "NamedParameterNotFound"
    assert ended(machine.farm) == []


def test_sixteen_at_once(client: RawClient, machine: Machine) -> None:
    machine.settings.delay["get-rdusersession"] = 0.2
    started = time.monotonic()
    pipelines = [client.begin([LIST]) for _number in range(16)]
    answers = [client.end(pipeline) for pipeline in pipelines]
    assert time.monotonic() - started < 1.6  # one by one: 3.2
    assert all(kinds(answer) == ["PIPELINE_OUTPUT"] * 3 + ["Completed"] for answer in answers)


def test_more_pipelines_than_runspaces_wait(machine: Machine) -> None:
    client = RawClient(machine, Configuration(DEFAULT), runspaces=1)
    machine.faults.add({"kind": "wait", "command": "Invoke-RDUserLogoff"})
    first, second = client.begin([logoff(2)]), client.begin([LIST])
    time.sleep(0.1)
    assert not client.is_finished(second)
    client.engine.signal(first)
    assert kinds(client.end(first)) == ["Stopped"]
    assert kinds(client.end(second))[-1] == "Completed"


def test_a_pool_that_grows_takes_on_those_who_wait(machine: Machine) -> None:
    client = RawClient(machine, Configuration(DEFAULT), runspaces=1)
    machine.faults.add({"kind": "wait", "command": "Invoke-RDUserLogoff"})
    first, second = client.begin([logoff(2)]), client.begin([LIST])
    client.resize(2)
    assert kinds(client.end(second))[-1] == "Completed"
    assert not client.is_finished(first)
    client.engine.close()


def test_stop_of_what_waits(client: RawClient, machine: Machine) -> None:
    pipeline = client.begin_call("Start-Sleep", Seconds=60)
    time.sleep(0.05)
    started = time.monotonic()
    client.engine.signal(pipeline)
    answer = client.end(pipeline)
    assert time.monotonic() - started < 0.5
    assert kinds(answer) == ["Stopped"]
    assert error_id(answer) == "PipelineStopped"


def test_stop_of_what_blocks(client: RawClient, machine: Machine) -> None:
    machine.faults.add({"kind": "hang", "command": "Invoke-RDUserLogoff", "seconds": 0.6})
    pipeline, other = client.begin([logoff(2)]), client.begin([logoff(3)])
    time.sleep(0.05)
    client.engine.signal(pipeline)
    time.sleep(0.2)
    assert not client.is_finished(pipeline)
    assert kinds(client.invoke([LIST]))[-1] == "Completed"
    assert kinds(client.end(pipeline)) == ["Stopped"]
    assert kinds(client.end(other)) == ["Completed"]
    assert set(ended(machine.farm)) == {2, 3}  # the call went on all the same


def test_stop_of_what_has_not_begun(machine: Machine) -> None:
    client = RawClient(machine, Configuration(DEFAULT), runspaces=1)
    machine.faults.add({"kind": "wait", "command": "Start-Sleep"})
    running, waiting = client.begin_call("Start-Sleep", Seconds=1), client.begin([logoff(2)])
    client.engine.signal(waiting)
    assert kinds(client.end(waiting)) == ["Stopped"]
    client.engine.signal(running)
    client.end(running)
    assert ended(machine.farm) == []


def test_closing_leaves_a_blocked_call_behind(client: RawClient, machine: Machine) -> None:
    pool = machine.farm.pool("remote_desktop", "Desk")
    machine.farm.change(pool, HOST, 2, stuck=True)
    pipeline = client.begin([logoff(2)])
    time.sleep(0.1)
    assert not client.is_finished(pipeline)
    client.engine.close()
    assert kinds(client.end(pipeline)) == ["Stopped"]
    assert [entry["effect"] for entry in machine.farm.audit() if entry["verb"] == "logoff"] == ["stuck"]
