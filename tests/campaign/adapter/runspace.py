# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets over a stand-in of a transport that keeps calls in flight."""

from __future__ import annotations

import math
from functools import partial

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import SHORTEST_ACT
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import TooLateError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    NoRunspaceError,
    State,
)
from tests.campaign.adapter.cmdlets import ACTS, GENERIC, HALF_WAY, LISTS, Cmdlet, make_cmdlets, read_row, spot_of
from tests.campaign.adapter.names import make_operation
from tests.campaign.schedule import ActFault, ActPlan, ListFault
from tests.campaign.stage import HOSTS, PLACES, Stage


class FakeRunspace:
    """Calls in flight, each a coroutine."""

    def __init__(self, stage: Stage, runspaces: int, most: int) -> None:
        self._stage = stage
        self._world, self._farm = stage.world, stage.farm
        self._runspaces, self._most = runspaces, most
        self._blocked = 0
        self._flights: set[int] = set()
        self._finished: list[tuple[int, CallResult]] = []
        self._last = 0
        self._lost = False

    def _free(self) -> int:
        return min(self._most, self._runspaces - self._blocked) - len(self._flights)

    @property
    def busy(self) -> bool:
        """Whether no call can begin before another ends."""
        return bool(self._flights) and self._free() <= 0

    def begin(self, call: Call, seconds: float, send_before: float = math.inf) -> int:
        """Begin a call at once."""
        if self._lost:
            raise AnsibleConnectionFailure("The connection is lost.")
        if self._free() <= 0:
            raise NoRunspaceError("No runspace is free.", lasting=not self._flights)
        plan = self._stage.next_act() if call.command in ACTS else None
        if plan is not None and plan.fault in (ActFault.UNSENT, ActFault.THROTTLED):
            if plan.flavour % 2:
                raise NoRunspaceError("No runspace is free for now.", lasting=False)
            self._world.wait(max(0.0, min(send_before - self._world.now, 5.0)), lambda: False)
        if self._world.clock() >= send_before:
            raise TooLateError
        self._last += 1
        token = self._last
        self._flights.add(token)
        if plan is not None:
            self._begin_act(token, call, seconds, plan)
        elif call.command in LISTS:
            self._world.spawn(partial(self._list, token, seconds))
        else:
            self._world.spawn(partial(self._say_yes, token))
        return token

    def _begin_act(self, token: int, call: Call, seconds: float, plan: ActPlan) -> None:
        host, id_ = spot_of(self._stage.schedule.kind.service, call)
        act = self._stage.begin_act(PLACES[0], host or HOSTS[0], id_, ACTS[call.command])
        act.host = host
        cmdlet = Cmdlet(self._stage, act, plan)
        if plan.fault in (ActFault.LOST_BEFORE, ActFault.LOST_AFTER):
            act.faulty = True
            self._farm.troubles.append("the connection is lost")
            if plan.fault is ActFault.LOST_AFTER:
                self._farm.apply(act)
            if plan.flavour % 2:
                self._lose()
                raise AnsibleConnectionFailure("The connection is lost.")
            self._world.after(plan.seconds, self._lose)
            return
        self._world.spawn(lambda: self._finish(token, cmdlet.run(seconds)))

    def _lose(self) -> None:
        """Lose the connection: nothing is answered any more."""
        self._lost = True
        self._flights.clear()
        self._farm.lose()

    def _finish(self, token: int, answer: CallResult) -> None:
        if token in self._flights:
            self._flights.remove(token)
            self._blocked += answer.state is State.NO_ANSWER
            self._finished.append((token, answer))

    def _say_yes(self, token: int) -> None:
        self._world.sleep(0.05)
        self._finish(token, CallResult(State.COMPLETED))

    def _list(self, token: int, seconds: float) -> None:
        plan = self._stage.next_list()
        reading = self._stage.begin_reading(PLACES[0])
        took = seconds + 5.0 if plan.fault is ListFault.HANGS else plan.seconds
        self._world.sleep(took * plan.look_at)
        rows = self._stage.look(PLACES[0], "", plan)
        self._world.sleep(took * (1 - plan.look_at))
        if token not in self._flights:
            return
        shown = tuple(read_row(self._stage.schedule.kind.service, row) for row in rows)
        if plan.fault is ListFault.LOST:
            self._lose()
            return
        if plan.fault is ListFault.HANGS:
            answer = CallResult(State.NO_ANSWER)
        elif plan.fault is ListFault.FAILS:
            answer = CallResult(State.FAILED, errors=(GENERIC,))
        elif plan.fault is ListFault.HALF:
            answer = CallResult(State.COMPLETED, shown[: len(shown) // 2], errors=(HALF_WAY,))
        else:
            answer = CallResult(State.COMPLETED, shown)
            self._farm.deliver(reading, rows, whole=True)
        self._farm.looks.append(took)
        if not answer.whole:
            self._farm.fail(reading)
        self._finish(token, answer)

    def wait(self, seconds: float) -> list[tuple[int, CallResult]]:
        """Return the calls that have ended."""
        if self._flights and not self._finished:
            self._world.wait(max(0.0, seconds), lambda: bool(self._finished) or self._lost)
        if self._lost:
            raise AnsibleConnectionFailure("The connection is lost.")
        finished, self._finished = self._finished, []
        return finished

    def run(self, call: Call, seconds: float) -> CallResult:
        """Begin a call and wait for its answer."""
        token = self.begin(call, seconds)
        while True:
            for ended, answer in self.wait(seconds):
                if ended == token:
                    return answer

    def close(self) -> None:
        """Let go of the host: what runs there goes on."""


def make_service(stage: Stage) -> RunspaceService:
    """Make the service as the action plugin does."""
    service, at_once = stage.schedule.kind.service, stage.schedule.at_once
    runspaces = service.runspaces
    most = min(runspaces, at_once + (at_once > 1))
    live = FakeRunspace(stage, runspaces, most)
    act_seconds = max(SHORTEST_ACT, stage.schedule.wanted.wait_timeout)
    return RunspaceService(
        make_cmdlets(service),
        make_operation(stage.schedule),
        live,  # type: ignore[arg-type]
        "the host",
        stage.world.clock,
        act_seconds,
        max(1, most - 1),
        stage.world.sleep,
    )
