# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runspaces of a host, and listeners at it, in virtual time: what decides about calls in flight is the product."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import SHORTEST_ACT
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_runspace import RunspaceService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    NoRunspaceError,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace import (
    MOST_RUNSPACES,
    RunspaceTransport,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace_listeners import (
    MOST_LISTENERS,
    Heard,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.send_deadline import SendDeadline
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.shell_connection import SHORTEST_WAIT
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
from tests.campaign.farm import Reading
from tests.campaign.schedule import ActFault, ActPlan, ListFault
from tests.campaign.stage import HOSTS, PLACES, Stage


class FakePipeline:
    """A call on the host."""

    def __init__(self, call: Call, number: int) -> None:
        self.call = call
        self.id = str(number)
        self.cmdlet: Cmdlet | None = None
        """What runs, if it acts."""
        self.give_up: Callable[[], None] = lambda: None
        """Called when nobody waits for it any more."""
        self.ended: CallResult | None = None
        """Its answer, once it is there to be asked for."""
        self.state: State | None = None
        """How it ended, once somebody has asked."""

    def answer(self, state: State) -> CallResult:
        """Make the answer of what has come; `state` says how the call ended for whoever waits for it."""
        if state is State.NO_ANSWER:
            self.give_up()
        return CallResult(state) if self.ended is None else self.ended


class FakeRunspaces:
    """Calls that run, each a coroutine."""

    host = "the host"

    def __init__(self, stage: Stage, most: int) -> None:
        self._stage = stage
        self._world, self._farm = stage.world, stage.farm
        self._most = most
        self._last = 0
        self._running: list[FakePipeline] = []
        self.size = 1
        self.connection = self
        self.lost = False

    def grow(self, size: int) -> None:
        """Let the pool have more runspaces."""
        self.size = min(size, self._most)

    def prepare(self, call: Call) -> FakePipeline:
        """Make a call that does not run yet."""
        self._last += 1
        return FakePipeline(call, self._last)

    def send(self, pipeline: FakePipeline, deadline: SendDeadline) -> None:
        """Begin a call at once."""
        self._check()
        plan = self._stage.next_act() if pipeline.call.command in ACTS else None
        if plan is not None and plan.fault in (ActFault.UNSENT, ActFault.THROTTLED):
            if plan.flavour % 2 and self._running:
                self._farm.troubles.append("a quota is met")
                raise NoRunspaceError("The quota is met for now.", lasting=False)
            self._world.wait(max(0.0, min(deadline.send_before - self._world.now, 5.0)), lambda: False)
        deadline.check()
        self._running.append(pipeline)
        if plan is not None:
            self._begin_act(pipeline, plan)
        elif pipeline.call.command in LISTS:
            self._world.spawn(partial(self._list, pipeline))
        else:
            self._world.spawn(partial(self._say_yes, pipeline))

    def _begin_act(self, pipeline: FakePipeline, plan: ActPlan) -> None:
        call = pipeline.call
        host, id_ = spot_of(self._stage.schedule.kind.service, call)
        act = self._stage.begin_act(PLACES[0], host or HOSTS[0], id_, ACTS[call.command], **texts_of(call))
        act.host = host
        pipeline.cmdlet = cmdlet = Cmdlet(self._stage, act, plan)
        pipeline.give_up = cmdlet.give_up
        if plan.fault in (ActFault.LOST_BEFORE, ActFault.LOST_AFTER):
            act.faulty = True
            self._farm.troubles.append("the connection is lost")
            if plan.fault is ActFault.LOST_AFTER:
                self._farm.apply(act)
            if plan.flavour % 2:
                self._lose()
                self._check()
            self._world.after(plan.seconds, self._lose)
            return
        if cmdlet.hangs:
            cmdlet.hang()
        else:
            self._world.spawn(lambda: self._finish(pipeline, cmdlet.run(math.inf)))

    def _lose(self) -> None:
        """Lose the connection: nothing is answered any more."""
        self.lost = True
        self._running.clear()
        self._farm.lose()

    def _check(self) -> None:
        if self.lost:
            raise AnsibleConnectionFailure("The connection is lost.")

    def _finish(self, pipeline: FakePipeline, answer: CallResult | None) -> None:
        if answer is not None and pipeline in self._running:
            self._running.remove(pipeline)
            pipeline.ended = answer

    def _say_yes(self, pipeline: FakePipeline) -> None:
        self._world.sleep(0.05)
        self._finish(pipeline, CallResult(State.COMPLETED))

    def _list(self, pipeline: FakePipeline) -> None:
        plan = self._stage.next_list()
        reading = self._stage.begin_reading(PLACES[0])
        if plan.fault is ListFault.HANGS:
            pipeline.give_up = partial(self._give_up, reading)
            return
        self._world.sleep(plan.seconds * plan.look_at)
        rows = self._stage.look(PLACES[0], "", plan)
        self._world.sleep(plan.seconds * (1 - plan.look_at))
        if pipeline not in self._running:
            return
        shown = tuple(read_row(self._stage.schedule.kind.service, row) for row in rows)
        if plan.fault is ListFault.LOST:
            self._lose()
            return
        if plan.fault is ListFault.FAILS:
            answer = CallResult(State.FAILED, errors=(GENERIC,))
        elif plan.fault is ListFault.HALF:
            answer = CallResult(State.COMPLETED, shown[: len(shown) // 2], errors=(HALF_WAY,))
        else:
            answer = CallResult(State.COMPLETED, shown)
            self._farm.deliver(reading, rows, whole=True)
        self._farm.looks.append(plan.seconds)
        if not answer.whole:
            self._farm.fail(reading)
        self._finish(pipeline, answer)

    def _give_up(self, reading: Reading) -> None:
        self._farm.looks.append(self._world.now - reading.begun)
        self._farm.fail(reading)

    def receive(self, pipeline: FakePipeline, seconds: float) -> bool:
        """Wait for an answer."""
        self._world.wait(seconds, lambda: pipeline.ended is not None or self.lost)
        self._check()
        return self.take(pipeline, b"" if pipeline.ended is None else b"ended")

    def take(self, pipeline: FakePipeline, data: bytes) -> bool:
        """Take what has been heard of a call."""
        if data and pipeline.ended is not None:
            pipeline.state = pipeline.ended.state
        return bool(data)

    def fail(self, error: Exception) -> None:
        """Pass a listener's trouble on."""
        raise error

    def stop(self, pipeline: FakePipeline) -> bool:
        """Stop a call, if it can be stopped."""
        if pipeline.cmdlet is not None:
            self._finish(pipeline, pipeline.cmdlet.stop())
        if pipeline.ended is None:
            self._world.wait(SHORTEST_WAIT, lambda: pipeline.ended is not None or self.lost)
        return pipeline.ended is not None

    def clean_up(self, pipeline: FakePipeline) -> None:
        """Forget a finished call."""

    def close(self) -> None:
        """Let go of the host: what runs there goes on."""


class FakeListeners:
    """Listeners, all of whom wait in the main coroutine."""

    def __init__(self, stage: Stage, runspaces: FakeRunspaces) -> None:
        self._world, self._runspaces = stage.world, runspaces
        self._asked: list[tuple[float, FakePipeline]] = []
        self.most = MOST_LISTENERS

    @property
    def idle(self) -> int:
        """How many can be asked now."""
        return self.most - len(self._asked)

    def ask(self, pipeline: FakePipeline, stop: bool = False) -> None:
        """Ask for a call's answer."""
        until = self._world.now + SHORTEST_WAIT
        if stop and pipeline.cmdlet is not None:
            self._runspaces._finish(pipeline, pipeline.cmdlet.stop())
            until += SHORTEST_WAIT * (pipeline.ended is None)
        self._asked.append((until, pipeline))

    def heard(self, seconds: float) -> list[Heard]:
        """Wait until somebody has heard something, or nothing for half a second."""
        world, lost = self._world, self._runspaces
        first = min([world.now + max(0.0, seconds), *(until for until, _pipeline in self._asked)])
        world.wait(
            max(0.0, first - world.now), lambda: lost.lost or any(one.ended is not None for _until, one in self._asked)
        )
        over = [(until, one) for until, one in self._asked if until <= world.now or one.ended is not None or lost.lost]
        self._asked = [asked for asked in self._asked if asked not in over]
        error = AnsibleConnectionFailure("The connection is lost.") if lost.lost else None
        return [
            Heard(one, b"" if one.ended is None else b"ended", error)  # type: ignore[arg-type]
            for _until, one in over
        ]

    def close(self) -> None:
        """Nobody waits any more."""


def make_service(stage: Stage) -> RunspaceService:
    """Make the service as the action plugin does."""
    service, at_once = stage.schedule.kind.service, stage.schedule.at_once
    runspaces = FakeRunspaces(stage, min(service.runspaces, at_once + 1 if 1 < at_once < 15 else at_once))
    transport = RunspaceTransport(
        None,
        stage.world.clock,
        min(service.runspaces, MOST_RUNSPACES),
        make_runspaces=lambda _connection, _most: runspaces,  # type: ignore[arg-type,return-value]
        make_listeners=lambda _connection: FakeListeners(stage, runspaces),  # type: ignore[arg-type,return-value]
    )
    act_seconds = max(SHORTEST_ACT, stage.schedule.wanted.wait_timeout)
    return RunspaceService(
        make_cmdlets(service),
        make_operation(stage.schedule),
        transport,
        "the host",
        stage.world.clock,
        act_seconds,
        stage.world.sleep,
    )
