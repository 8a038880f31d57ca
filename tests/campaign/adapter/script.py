# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets over a stand-in of the script on the host: it lists, proves, acts, and lists again, and answers as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import SHORTEST_ACT
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call, CallResult, State
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import ScriptTransport
from tests.campaign.adapter.cmdlets import (
    ACTS,
    GENERIC,
    HALF_WAY,
    LISTS,
    Cmdlet,
    make_cmdlets,
    read_row,
    spot_of,
    texts_of,
)
from tests.campaign.adapter.names import make_operation
from tests.campaign.farm import Act
from tests.campaign.schedule import ActFault, ListFault
from tests.campaign.stage import HOSTS, PLACES, Stage

AT_ONCE = 8
MOST_SILENT = 40
SILENT_SECONDS = 0.5
OPENING = 0.3
"""Seconds that a further runspace takes, in the background."""
SEND_SECONDS = 10.0
BEFORE, AFTER = 0.7, 0.3
"""Seconds that a module call takes before the script starts, and after it has ended."""
Values = Mapping[str, Any]


@dataclass(slots=True)
class Running:
    """A call that is under way."""

    begun: float
    deadline: float
    proof_age: float
    answer: CallResult | None = None


@dataclass(slots=True)
class Proof:
    """A list that was read on the host."""

    begun: float
    answer: Values
    rows: dict[tuple[str, ...], list[Values]] = field(default_factory=dict)
    whole: bool = False
    in_time: bool = False


class Script:
    """One run of the script: a coroutine on the host, which nobody can stop."""

    def __init__(self, stage: Stage, arguments: Values, batch: int) -> None:
        self._stage, self._world, self._farm = stage, stage.world, stage.farm
        self._given: Values = arguments["parameters"]
        self._batch = batch
        self._begun = 0.0
        self._last_begin = math.inf
        self._shortest_list = float(self._given.get("ShortestList", 0.0))
        self.output: str | None = None
        self.lost = False
        """Whether the connection is lost, so that nobody learns what it did."""
        self.garbled = False
        """Whether its output is lost."""

    def run(self) -> None:
        """Run it to its end."""
        self._world.sleep(BEFORE)
        self._begun = self._world.now
        given = self._given
        calls = [self._call(call) for call in given["Calls"]]
        acts, listing = self._act(given["Acts"]) if given.get("Listing") else ([], None)
        took = {"shortest_list": self._shortest_list, "seconds": self._now()}
        text = json.dumps({"calls": calls, "acts": acts, "listing": listing, **took})
        self._world.sleep(AFTER)
        self.output = text

    def _now(self) -> float:
        return self._world.clock() - self._begun

    # Calls

    def _call(self, call: Values) -> Values:
        begun = self._now()
        other = call["command"] == "Get-WmsSession" and "All" not in call["parameters"]
        if call["command"] not in LISTS or other:  # the list for an older host comes beside, and is not looked at
            self._world.sleep(0.05)
            return self._written(CallResult(State.COMPLETED), begun)
        plan = self._stage.next_list()
        reading = self._stage.begin_reading(PLACES[0])
        took = float(self._given["Seconds"]) if plan.fault is ListFault.HANGS else plan.seconds
        self._world.sleep(took * plan.look_at)
        rows = self._stage.look(PLACES[0], "", plan)
        self._world.sleep(took * (1 - plan.look_at))
        shown = tuple(read_row(self._stage.schedule.kind.service, row) for row in rows)
        if plan.fault is ListFault.HANGS:
            answer = CallResult(State.NO_ANSWER)
        elif plan.fault is ListFault.FAILS:
            answer = CallResult(State.FAILED, errors=(GENERIC,))
        elif plan.fault is ListFault.HALF:
            answer = CallResult(State.COMPLETED, shown[: len(shown) // 2], errors=(HALF_WAY,))
        else:
            answer = CallResult(State.COMPLETED, shown)
        if plan.fault is ListFault.LOST:
            self._lose()
        if answer.whole:
            self._farm.deliver(reading, rows, whole=True)
        else:
            self._farm.fail(reading)
        return self._written(answer, begun)

    def _lose(self) -> None:
        self.lost = True
        self._farm.lose()

    def _written(self, answer: CallResult, begun: float) -> Values:
        return {
            "state": answer.state.value,
            "output": list(answer.output),
            "errors": [
                {"id": one.id, "category": one.category, "exception": one.exception, "message": one.message}
                for one in answer.errors
            ],
            "warnings": [],
            "begun": begun,
            "ended": self._now(),
        }

    # Proofs

    def _prove(self, where: Sequence[str]) -> Proof:
        begun = self._now()
        answer = self._call(self._given["Listing"])
        proof = Proof(begun, answer, whole=answer["state"] == "completed" and not answer["errors"])
        for row in answer["output"]:
            proof.rows.setdefault(tuple(str(row[name]).lower() for name in where), []).append(row)
        if proof.whole:
            self._shortest_list = min(self._shortest_list, answer["ended"] - answer["begun"])
        proof.in_time = not self._is_old(proof)
        return proof

    def _is_old(self, proof: Proof) -> bool:
        longest = min(self._given["LongestProof"], self._given["ProofSeconds"] + self._shortest_list)
        return self._now() - proof.begun >= float(longest)

    def _verdict(self, act: Values, proof: Proof, where: Sequence[str]) -> str:
        if not proof.whole:
            return "unproven"
        rows = proof.rows.get(tuple(str(act["where"][name]).lower() for name in where))
        if rows is None:
            return "gone"
        if len(rows) != 1:
            return "unproven"
        same = all(
            _name(rows[0].get(name)) == _name(value) if name in self._given["AnyCase"] else rows[0].get(name) == value
            for name, value in act["expect"].items()
        )
        return "proven" if same else "replaced"

    def _is_late(self, act: Values, read: bool = False) -> bool:
        now = self._now() + (self._shortest_list if read else 0.0)
        return now > self._last_begin or (act["seconds"] is not None and now >= act["seconds"])

    # Acts

    def _act(self, acts: Sequence[Values]) -> tuple[list[Values], Values]:
        where = list(acts[0]["where"]) if acts else []
        self._world.sleep(0.05 * (min(AT_ONCE, len(acts)) - 1))
        proof = self._prove(where)
        running: dict[int, Running] = {}
        reports: list[Values] = []
        idle = min(AT_ONCE, len(acts))
        opening: list[float] = []
        pause = 0.02
        while len(reports) < len(acts) or running:
            idle += sum(ready <= self._now() for ready in opening)
            opening = [ready for ready in opening if ready > self._now()]
            if idle + len(opening) < min(self._places(running), len(acts) - len(reports)):
                opening.append(self._now() + OPENING)
                pause = 0.02
            while len(reports) < len(acts):
                act, verdict = acts[len(reports)], "later"
                if not self._is_late(act, read=proof.in_time and self._is_old(proof)):
                    lacks_runspace = proof.whole and proof.in_time and not idle
                    if self._places(running) <= 0 or (lacks_runspace and (running or opening)):
                        break
                    if proof.in_time and self._is_old(proof):
                        proof = self._prove(where)
                    verdict = self._verdict(act, proof, where)
                if verdict == "proven":
                    if self._is_old(proof):
                        verdict = "unproven"
                    elif self._is_late(act):
                        verdict = "later"
                    else:
                        running[len(reports)] = self._begin(act["call"], proof)
                        idle -= 1
                reports.append({"verdict": verdict, "answer": None})
            for number, one in list(running.items()):
                if one.answer is not None or self._now() >= one.deadline:
                    answer = self._written(one.answer or CallResult(State.NO_ANSWER), one.begun)
                    reports[number] = {"verdict": "sent", "answer": answer, "proof_age": one.proof_age}
                    idle += one.answer is not None
                    del running[number]
                    pause = 0.02
            self._world.sleep(pause)
            pause = min(0.3, pause * 1.5)
        if self._last_begin < math.inf:
            proof = self._prove(where)
        return reports, proof.answer

    def _places(self, running: Mapping[int, Running]) -> int:
        silent = sum(self._now() - one.begun >= SILENT_SECONDS for one in running.values())
        return AT_ONCE - len(running) + min(silent, MOST_SILENT)

    def _begin(self, call: Values, proof: Proof) -> Running:
        now = self._now()
        limit = float(self._given["ActSeconds"])
        one = Running(now, now + limit, now - proof.begun)
        self._last_begin = min(self._last_begin, now + SEND_SECONDS)
        plan = self._stage.next_act()
        given = Call(call["command"], call["parameters"])
        host, id_ = spot_of(self._stage.schedule.kind.service, given)
        act: Act = self._stage.begin_act(PLACES[0], host or HOSTS[0], id_, ACTS[given.command], **texts_of(given))
        act.host, act.batch = host, self._batch
        cmdlet = Cmdlet(self._stage, act, plan, stop_seconds=0.0)
        if plan.fault in (ActFault.LOST_BEFORE, ActFault.LOST_AFTER):
            self._farm.troubles.append("the connection is lost")
            self._world.after(plan.seconds, self._lose)
        self.garbled |= plan.fault is ActFault.UNSENT

        def finish() -> None:
            one.answer = cmdlet.run(limit)

        self._world.at(now, lambda: self._world.spawn(finish))
        return one


def _name(value: object) -> str:
    return str(value or "").strip().lower()


class FakeModule:
    """Stands for `_execute_module`: runs the script on the host."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._batches = 0

    def __call__(self, *, module_name: str, module_args: Values) -> Values:
        """Run it, as long as it takes."""
        world, farm = self._stage.world, self._stage.farm
        self._batches += 1
        farm.batches.append(world.now)
        script = Script(self._stage, module_args, len(farm.batches) - 1)
        begun = world.now
        world.spawn(script.run)
        world.wait(10_000.0, lambda: script.lost or script.output is not None)
        farm.looks.append(world.now - begun)
        if script.lost or script.garbled:
            farm.lose_batch(len(farm.batches) - 1)
        if script.lost:
            raise AnsibleConnectionFailure("The connection is lost.")
        if script.garbled:
            farm.troubles.append("the output of a script is lost")
            farm.slack = max(farm.slack, world.now - begun)
            return {"msg": "the module was killed"}
        farm.slack = max(farm.slack, BEFORE + AFTER + 0.1)
        return {"output": [script.output]}


def make_service(stage: Stage) -> ScriptService:
    """Make the service as the action plugin does."""
    cmdlets = make_cmdlets(stage.schedule.kind.service)
    proof = (*cmdlets.proof, "session_state") if stage.schedule.wanted.states else cmdlets.proof
    clock, sleep = stage.world.clock, stage.world.sleep
    transport = ScriptTransport(FakeModule(stage), "the host", clock)
    act_seconds = max(SHORTEST_ACT, stage.schedule.wanted.wait_timeout)
    operation = make_operation(stage.schedule)
    return ScriptService(cmdlets, operation, transport, "the host", clock, act_seconds, sleep, proof)
