# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pipelines run and end: several in flight, stops."""

from __future__ import annotations

import time
import uuid

import pytest

from tests.lab import definition
from tests.lab.farm import Farm
from tests.lab.winrm.configurations import DEFAULT, Configuration
from tests.lab.winrm.engine import ProtocolError
from tests.lab.winrm.faults import Faults
from tests.lab.winrm.machine import Machine, Settings, machines
from tests.psrp.raw_client import RawClient, error_id, kinds

HOST = "rdsh-1.example.test"


@pytest.fixture
def machine() -> Machine:
    sessions = [{"id": number, "user": f"user{number}@example.test"} for number in (2, 3, 4)]
    desk = {"name": "Desk", "service": "rds", "connection_broker": "rds.example.test"}
    farm = Farm()
    farm.replace(definition.parse({"pools": [{**desk, "hosts": [{"name": HOST, "sessions": sessions}]}]}))
    return machines(farm, Faults(), Settings(), lambda name, proof: False)["rds.example.test"]


@pytest.fixture
def client(machine: Machine) -> RawClient:
    return RawClient(machine, Configuration(DEFAULT), runspaces=16)


def logoff(client: RawClient, number: int) -> uuid.UUID:
    return client.begin_call("Invoke-RDUserLogoff", HostServer=HOST, UnifiedSessionID=number, Force=True)


def ended(farm: Farm) -> list[int | None]:
    return [entry["id"] for entry in farm.audit() if entry["verb"] == "logoff"]


LIST = "Get-RDUserSession"


def test_what_no_client_of_ours_sends(client: RawClient, machine: Machine) -> None:
    """PowerShell would run it. The lab says at once that it does not know it, instead of doing something else."""
    two = client.pipeline().add_command(LIST).add_statement().add_command(LIST)
    piped = client.pipeline().add_command(LIST).add_command("Invoke-RDUserLogoff")
    positional = client.pipeline().add_command("Invoke-RDUserLogoff").add_argument(HOST)
    odd = client.pipeline().add_command(LIST).add_parameter("CollectionName", {"a": 1})
    for pipeline in (two, piped, positional, odd):
        with pytest.raises(ProtocolError, match="the lab"):
            client.begin(pipeline)
    assert error_id(client.script(LIST)) == "ScriptNotInLab"
    assert ended(machine.farm) == []


def test_a_script_with_input_as_ansible_sends_modules(client: RawClient) -> None:
    module = client.pipeline(no_input=False).add_script("$input")
    pipeline = client.begin(module)
    assert not client.is_finished(pipeline)
    client.end_input(module, "a", "b")
    assert error_id(client.end(pipeline)) == "ScriptNotInLab"


def test_sixteen_at_once(client: RawClient, machine: Machine) -> None:
    machine.settings.delay["get-rdusersession"] = 0.2
    started = time.monotonic()
    pipelines = [client.begin_call(LIST) for _number in range(16)]
    answers = [client.end(pipeline) for pipeline in pipelines]
    assert time.monotonic() - started < 1.6  # one by one: 3.2
    assert all(kinds(answer) == ["PIPELINE_OUTPUT"] * 3 + ["Completed"] for answer in answers)


def test_more_pipelines_than_runspaces_wait(machine: Machine) -> None:
    client = RawClient(machine, Configuration(DEFAULT), runspaces=1)
    machine.faults.add({"kind": "wait", "command": "Invoke-RDUserLogoff"})
    first, second = logoff(client, 2), client.begin_call(LIST)
    time.sleep(0.1)
    assert not client.is_finished(second)
    client.engine.signal(first)
    assert kinds(client.end(first)) == ["Stopped"]
    assert kinds(client.end(second))[-1] == "Completed"


def test_a_pool_that_grows_takes_on_those_who_wait(machine: Machine) -> None:
    client = RawClient(machine, Configuration(DEFAULT), runspaces=1)
    machine.faults.add({"kind": "wait", "command": "Invoke-RDUserLogoff"})
    first, second = logoff(client, 2), client.begin_call(LIST)
    client.resize(2)
    assert kinds(client.end(second))[-1] == "Completed"
    assert not client.is_finished(first)
    client.engine.close()


def test_stop_of_what_waits(client: RawClient, machine: Machine) -> None:
    machine.faults.add({"kind": "wait", "command": LIST})
    pipeline = client.begin_call(LIST)
    time.sleep(0.05)
    started = time.monotonic()
    client.engine.signal(pipeline)
    answer = client.end(pipeline)
    assert time.monotonic() - started < 0.5
    assert kinds(answer) == ["Stopped"]
    assert error_id(answer) == "PipelineStopped"


def test_stop_of_what_blocks(client: RawClient, machine: Machine) -> None:
    machine.faults.add({"kind": "hang", "command": "Invoke-RDUserLogoff", "seconds": 0.6})
    pipeline, other = logoff(client, 2), logoff(client, 3)
    time.sleep(0.05)
    client.engine.signal(pipeline)
    time.sleep(0.2)
    assert not client.is_finished(pipeline)
    assert kinds(client.call(LIST))[-1] == "Completed"
    assert kinds(client.end(pipeline)) == ["Stopped"]
    assert kinds(client.end(other)) == ["Completed"]
    assert set(ended(machine.farm)) == {2, 3}  # the call went on all the same


def test_stop_of_what_has_not_begun(machine: Machine) -> None:
    client = RawClient(machine, Configuration(DEFAULT), runspaces=1)
    machine.faults.add({"kind": "wait", "command": LIST})
    running, waiting = client.begin_call(LIST), logoff(client, 2)
    client.engine.signal(waiting)
    assert kinds(client.end(waiting)) == ["Stopped"]
    client.engine.signal(running)
    client.end(running)
    assert ended(machine.farm) == []


def test_closing_leaves_a_blocked_call_behind(client: RawClient, machine: Machine) -> None:
    pool = machine.farm.pool("rds", "Desk")
    machine.farm.change(pool, HOST, 2, stuck=True)
    pipeline = logoff(client, 2)
    time.sleep(0.1)
    assert not client.is_finished(pipeline)
    client.engine.close()
    assert kinds(client.end(pipeline)) == ["Stopped"]
    assert [entry["effect"] for entry in machine.farm.audit() if entry["verb"] == "logoff"] == ["stuck"]
