# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets over the runspace of Ansible's psrp connection, many at once, without a word of script.

Each call is a pipeline of one command, so it works on JEA endpoints in no-language mode. Here is decided when one may
begin, which of those in flight is asked for its output next, and when one is stopped or given up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .cmdlet import Call, CallResult, NoRunspaceError, State
from .runspace_pool import Pipeline, Runspaces
from .send_deadline import SendDeadline
from .shell_connection import SHORTEST_WAIT

AT_ONCE = 16
"""Calls in flight at once."""
MOST_RUNSPACES = 64
"""The pool grows up to this when calls block their runspaces for good."""
RECEIVE_SECONDS = SHORTEST_WAIT
"""How long a host is let wait for output of one pipeline while others are in flight."""
LONGEST_RECEIVE = 15.0
RECEIVE_PAUSE = 4.0
"""A pipeline that brings nothing is asked again after pauses that grow up to this, or to a second for each such
pipeline, so that they do not hold up the others."""
STOP_SECONDS = 5.0
"""After its stop signal a call has this long to end. One that is inside a native call, as a log-off that hangs, will
not, and Windows does not even answer the signal before."""


@dataclass(slots=True, eq=False)
class _RunningCall:
    """A call that is under way."""

    token: int
    pipeline: Pipeline
    deadline: float
    receive_at: float
    """When to ask for its output next; asking in vain postpones it."""
    pause: float = 0.0
    stop_sent: float | None = None
    asked: bool = False
    """Whether it was asked for output since the stop signal."""


class RunspaceTransport:
    """Calls cmdlets on the host of a psrp connection. To be used from one thread.

    Every method that talks to the host raises AnsibleConnectionFailure when the connection has failed, and
    ServiceError when something on the host must be changed, as `Runspaces` does. After either only `close` makes sense.
    """

    def __init__(
        self,
        connection: Any,
        clock: Callable[[], float],
        most_runspaces: int = MOST_RUNSPACES,
        lives: Callable[[], bool] = lambda: True,
    ) -> None:
        """Connect over a psrp `connection` plugin; `clock` counts seconds, `lives` tells whether the run goes on.

        The host picks the runspace of each call, so calls that need the same one need `most_runspaces=1`. They run one
        after the other then, and one that never ends is the last.

        Raises ServiceError and AnsibleConnectionFailure.
        """
        self._clock = clock
        self._lives = lives
        self._most_runspaces = most_runspaces
        self._running: dict[int, _RunningCall] = {}
        self._finished: list[tuple[int, CallResult]] = []
        self._last_token = 0
        self._blocked = 0
        self._runspaces = Runspaces(connection, most_runspaces)

    @property
    def busy(self) -> bool:
        """Whether no call can begin now, but one can when another has ended: `wait` first."""
        return bool(self._running) and self._free() <= 0

    def _free(self) -> int:
        return min(AT_ONCE, self._most_runspaces - self._blocked) - len(self._running)

    def begin(self, call: Call, seconds: float, send_before: float = math.inf) -> int:
        """Begin a call, at once or not at all, and return its token; `wait` returns it with the answer.

        It never waits in a queue on the host: what was proven about a session would be too old when it runs.
        Its deadline is `seconds` from now. With nothing sent it raises NoRunspaceError when no runspace is free, and
        TooLateError when the clock passes `send_before` (seconds) first or the run ends: making room for a call may
        take a while.
        """
        if self._free() > 0:
            self._make_room()
        if self._free() <= 0:
            raise self._no_runspace()
        pipeline = self._runspaces.prepare(call)
        self._runspaces.send(pipeline, SendDeadline(send_before, self._clock, self._lives))
        now = self._clock()
        self._last_token += 1
        self._running[self._last_token] = _RunningCall(self._last_token, pipeline, now + seconds, now)
        return self._last_token

    def _make_room(self) -> None:
        """Let the pool have a runspace for one more call, if the host allows it."""
        wanted = len(self._running) + self._blocked + 1
        if self._runspaces.size >= wanted:
            return
        self._runspaces.grow(min(self._most_runspaces, AT_ONCE + self._blocked))
        if self._runspaces.size < wanted:
            self._most_runspaces = self._runspaces.size

    def _no_runspace(self) -> NoRunspaceError:
        host = self._runspaces.host
        if self._running:
            under_way = f"{host} takes no more calls for now: {len(self._running)} are under way."
            return NoRunspaceError(under_way, lasting=False)
        if self._blocked == 1:
            held = "one that does not end holds the only runspace"
        else:
            held = f"{self._blocked} that do not end hold all the runspaces"
        return NoRunspaceError(f"{host} takes no more calls, because {held}: run the task again for the rest.")

    def wait(self, seconds: float) -> list[tuple[int, CallResult]]:
        """Return the calls that have ended, token and answer; wait for the first at most `seconds`.

        May take half a second longer, and does not wait when no call is under way.
        """
        until = self._clock() + seconds
        while self._running and not self._finished:
            self._poll(until)
            for running in list(self._running.values()):
                self._enforce(running)
            if self._clock() >= until:
                break
        finished, self._finished = self._finished, []
        return finished

    def run(self, call: Call, seconds: float) -> CallResult:
        """Begin a call with a deadline `seconds` from now and wait for its answer; `wait` keeps those to others."""
        token = self.begin(call, seconds)
        others: list[tuple[int, CallResult]] = []
        while True:
            for ended, answer in self.wait(seconds):
                if ended == token:
                    self._finished = others + self._finished
                    return answer
                others.append((ended, answer))

    def _poll(self, until: float) -> None:
        """Ask for what one pipeline has brought: the oldest whose turn it is, as it has most probably ended."""
        now = self._clock()
        due = [running for running in self._running.values() if running.receive_at <= now]
        running = due[0] if due else min(self._running.values(), key=lambda one: one.receive_at)
        seconds = RECEIVE_SECONDS
        if len(self._running) == 1 and running.stop_sent is None:
            seconds = max(seconds, min(LONGEST_RECEIVE, until - now, running.deadline - now))
        running.asked = True
        if self._runspaces.receive(running.pipeline, seconds):
            running.pause, running.receive_at = 0.0, now
        else:
            slow = sum(one.pause > 0.0 for one in self._running.values())
            running.pause = min(max(RECEIVE_PAUSE, 2 * RECEIVE_SECONDS * slow), max(RECEIVE_SECONDS, 2 * running.pause))
            running.receive_at = self._clock() + running.pause
        if running.pipeline.state is not None:
            self._finish(running, running.pipeline.state)
            self._runspaces.clean_up(running.pipeline)

    def _enforce(self, running: _RunningCall) -> None:
        """Stop a call that is over its deadline; give it up when that does not end it."""
        now = self._clock()
        if running.stop_sent is None:
            if now >= running.deadline:
                stopped = self._runspaces.stop(running.pipeline)
                running.stop_sent = self._clock()
                running.receive_at = running.stop_sent + (0.0 if stopped else STOP_SECONDS)
                running.asked = False
        elif running.asked and now >= running.stop_sent + STOP_SECONDS:
            self._blocked += 1
            self._finish(running, State.NO_ANSWER)
            self._runspaces.forget(running.pipeline)

    def _finish(self, running: _RunningCall, state: State) -> None:
        del self._running[running.token]
        self._finished.append((running.token, running.pipeline.answer(state)))

    def close(self) -> None:
        """Let go of the runspaces.

        Ansible closes its shell at the end of the task, or keeps it for the next item of a loop. When something still
        runs in it or the connection has failed, that would take long or fail, and the shell would stay open on the
        host: then it is closed here.
        """
        if self._running or self._blocked or self._runspaces.lost:
            self._runspaces.close()
