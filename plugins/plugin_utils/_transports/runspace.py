# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets over the runspace of Ansible's psrp connection, many at once, without a word of script.

Each call is a pipeline of one command, so it works on JEA endpoints in no-language mode. Here is decided when one may
begin, which of those in flight is asked for its output next, and when one is stopped or given up.

A host lets a request for output wait until there is some, for half a second at least, and lets all others of the same
connection wait for it. So while few calls are under way, all goes over the one connection; beside many, a listener asks
over a connection of its own. The first call that brings nothing for a while shows that others might have to wait for
it, so from then on there are as many listeners as it takes.

PowerShell runs each call on a thread of .NET's pool, in the order in which they came. The pool has as many threads as
the host has processors, and adds one or two a second when all are held by calls that block. So a call may wait there
while what was proven about its session becomes old. Nothing tells that a call runs, but that one which came later has
answered: then it does. How many may be under way of which that is not known depends on how soon the host answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._sessions.errors import TooLateError
from .cmdlet import Call, CallResult, NoRunspaceError, State
from .runspace_listeners import Listeners
from .runspace_pool import Pipeline, Runspaces
from .send_deadline import SendDeadline
from .shell_connection import SHORTEST_WAIT, ShellConnection

AT_ONCE = 16
"""Calls in flight at once, beside those that are silent."""
SILENT_SECONDS = SHORTEST_WAIT
"""A call that runs, and has brought nothing for so long, does not count as in flight any more: it costs the others
nothing."""
FIRST_WINDOW = 4
"""Calls that may wait for a thread at first. A prompt answer allows one more, up to AT_ONCE, and a prompt answer to the
probe twice as many; when that is late it is one."""
PROBE = Call("Out-Default")
"""Does nothing, and every endpoint answers it, if with an error: then what came before it runs."""
PROBE_SECONDS = 60.0
MOST_SILENT = 40
"""So many calls may be silent, or given up and not known to have ended. More count as in flight."""
LISTENED_TO = 6
"""From so many calls under way on, a listener asks for their output: one that hangs must not hold up what is begun."""
PROMPT_SECONDS = 0.1
"""One listener is enough as long as it hears something in this time."""
MOST_RUNSPACES = AT_ONCE + MOST_SILENT
"""The pool grows up to this when calls hold their runspaces for long."""
LONGEST_RECEIVE = 15.0
"""Seconds that a host is let wait for the output of the only call."""
STOP_SECONDS = 5.0
"""After its stop signal the only call has this long to end. One that is inside a native call, as a log-off that hangs,
will not, and Windows does not even answer the signal before."""
GIVE_UP_SECONDS = 0.5
"""So long after its deadline a call beside others is given up, while its stop signal is under way."""


@dataclass(slots=True, eq=False)
class _RunningCall:
    """A call that is under way."""

    token: int
    pipeline: Pipeline
    deadline: float
    begun_at: float
    heard_at: float
    """When it was begun, or brought something."""
    asked_at: float = -math.inf
    """When it was last asked for output."""
    is_asked: bool = False
    """Whether a listener is asking for its output now."""
    is_stopped: bool = False
    """Whether its stop signal is under way."""
    silent: bool = False
    runs: bool = False
    """Whether it is known to run: a later one has answered."""
    is_probe: bool = False
    stop_sent: float | None = None


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
        make_runspaces: Callable[[Any, int], Runspaces] = Runspaces,
        make_listeners: Callable[[ShellConnection], Listeners] = Listeners,
    ) -> None:
        """Connect over a psrp `connection` plugin; `clock` counts seconds, `lives` tells whether the run goes on.

        The host picks the runspace of each call, so calls that need the same one need `most_runspaces=1`. They run one
        after the other then, and one that never ends is the last.

        Raises ServiceError and AnsibleConnectionFailure.
        """
        self._clock = clock
        self._lives = lives
        self._most_runspaces = most_runspaces
        self._make_listeners = make_listeners
        self._listeners: Listeners | None = None
        self._one_listens = True
        """Whether one listener is enough: it has never had to wait for long."""
        self._running: dict[int, _RunningCall] = {}
        self._given_up: list[_RunningCall] = []
        self._finished: list[tuple[int, CallResult]] = []
        self._last_token = 0
        self._window = FIRST_WINDOW
        self.held_up_by_quota = ""
        """Why no more calls can begin than were under way once: a sentence, or nothing when that is not so."""
        self._runspaces = make_runspaces(connection, most_runspaces)

    @property
    def given_up(self) -> int:
        """How many calls have been given up and are not known to have ended, so that each holds a runspace."""
        return len(self._given_up)

    def room(self, spare: int = 0) -> int:
        """Say how many calls can begin now, if `spare` others shall have room still."""
        running = self._running.values()
        held = len(running) + self.given_up
        free = min(AT_ONCE - held + min(MOST_SILENT, self._silent()), self._most_runspaces - held) - spare
        return min(free, self._window - sum(not one.runs for one in running))

    @property
    def held_up_by_silence(self) -> str:
        """Why no more calls can begin although few of them answer: a sentence, or nothing when that is not so."""
        if self._silent() < MOST_SILENT:
            return ""
        return (
            f"{MOST_SILENT} calls on {self._runspaces.host} have brought nothing for {SILENT_SECONDS:g} s or longer. "
            "No more of them are left waiting beside others, so the rest went out as these ended."
        )

    def _silent(self) -> int:
        return sum(running.silent and running.runs for running in self._running.values()) + self.given_up

    @property
    def busy(self) -> bool:
        """Whether no call can begin now, but one can when another has ended: `wait` first."""
        return bool(self._running) and self.room() <= 0

    def begin(self, call: Call, seconds: float, send_before: float = math.inf) -> int:
        """Begin a call, at once or not at all, and return its token; `wait` returns it with the answer.

        It never waits in a queue on the host: what was proven about a session would be too old when it runs.
        Its deadline is `seconds` from now. With nothing sent it raises NoRunspaceError when no runspace is free, and
        TooLateError when the clock passes `send_before` (seconds) first or the run ends: making room for a call may
        take a while.
        """
        held = len(self._running) + self.given_up
        if self.held_up_by_quota and not self._running and held >= self._most_runspaces:
            self._most_runspaces = held + 1  # The host is asked once more: there may be room by now.
        if self.room() > 0:
            self._within_quotas(self._make_room)
        if self.room() <= 0:
            raise self._no_runspace()
        return self._begin(call, seconds, send_before).token

    def _begin(self, call: Call, seconds: float, send_before: float) -> _RunningCall:
        pipeline = self._runspaces.prepare(call)
        deadline = SendDeadline(send_before, self._clock, self._lives)
        self._within_quotas(partial(self._runspaces.send, pipeline, deadline))
        now = self._clock()
        self._last_token += 1
        begun = self._running[self._last_token] = _RunningCall(self._last_token, pipeline, now + seconds, now, now)
        return begun

    def _within_quotas(self, request: Callable[[], None]) -> None:
        """Send a request. If the host's quotas do not allow it, there will be no more calls than there are by now."""
        try:
            request()
        except NoRunspaceError as error:
            self._most_runspaces = max(1, len(self._running) + self.given_up)
            self.held_up_by_quota = str(error)
            raise NoRunspaceError(str(error), lasting=not self._running) from None

    def _make_room(self) -> None:
        """Let the pool have a runspace for one more call, if the host allows it."""
        wanted = len(self._running) + self.given_up + 1
        if self._runspaces.size >= wanted:
            return
        self._runspaces.grow(min(self._most_runspaces, math.ceil(wanted / AT_ONCE) * AT_ONCE))
        if self._runspaces.size < wanted:
            self._most_runspaces = self._runspaces.size

    def _no_runspace(self) -> NoRunspaceError:
        host = self._runspaces.host
        if self._running:
            under_way = f"{host} takes no more calls for now: {len(self._running)} are under way."
            return NoRunspaceError(under_way, lasting=False)
        if self.given_up == 1:
            held = "one that does not end holds the only runspace"
        else:
            held = f"{self.given_up} that do not end hold all the runspaces"
        return NoRunspaceError(f"{host} takes no more calls, because {held}: run the task again for the rest.")

    def wait(self, seconds: float) -> list[tuple[int, CallResult]]:
        """Return the calls that have ended, token and answer; wait for the first at most `seconds`.

        May take half a second longer. Does not wait when no call is under way, and no longer when there is room for
        more because one has become silent.
        """
        until, room = self._clock() + seconds, self.room()
        while self._running and not self._finished:
            if self._listeners is None and len(self._running) >= LISTENED_TO:
                self._listeners = self._make_listeners(self._runspaces.connection)
            if self._listeners is not None and self._listeners.most:
                self._listen(self._listeners, until)
            else:
                self._receive(until)
            if self._clock() >= until or self.room() > room:
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

    # Over the one connection

    def _receive(self, until: float) -> None:
        """Ask for what one pipeline has brought: the oldest, as it has most probably ended."""
        now = self._clock()
        running = min(
            self._running.values(), key=lambda one: (one.silent and now < one.deadline, one.asked_at, one.token)
        )
        seconds = SHORTEST_WAIT
        if len(self._running) == 1 and running.stop_sent is None:
            seconds = max(seconds, min(LONGEST_RECEIVE, until - now, running.deadline - now))
        brought = self._runspaces.receive(running.pipeline, seconds)
        self._asked(running, brought)
        if not brought and len(self._running) > 1 and self._listeners is None:
            self._listeners = self._make_listeners(self._runspaces.connection)
        for one in list(self._running.values()):
            self._enforce(one)

    def _enforce(self, running: _RunningCall) -> None:
        """Stop a call that is over its deadline; give it up when that does not end it."""
        now = self._clock()
        if running.stop_sent is None:
            if now >= running.deadline:
                self._runspaces.stop(running.pipeline)
                running.stop_sent = self._clock()
        elif running.asked_at > running.stop_sent and now >= running.stop_sent + STOP_SECONDS:
            self._give_up(running)

    # With listeners

    def _listen(self, listeners: Listeners, until: float) -> None:
        """Let listeners ask, and take what they have heard."""
        self._probe()
        self._ask(listeners)
        wake = min([until, *(running.deadline + GIVE_UP_SECONDS for running in self._running.values())])
        late = self._clock() + PROMPT_SECONDS
        if self._one_listens:
            wake = min(wake, late)
        asked = {one.pipeline.id: one for one in [*self._running.values(), *self._given_up] if one.is_asked}
        answers = listeners.heard(wake - self._clock())
        self._one_listens &= bool(answers) or self._clock() < late
        for heard in answers:
            if heard.error is not None:
                self._runspaces.fail(heard.error)
            one = asked[heard.pipeline.id]
            one.is_asked = one.is_stopped = False
            self._asked(one, self._runspaces.take(one.pipeline, heard.data))
        now = self._clock()
        for running in list(self._running.values()):
            if now >= running.deadline + GIVE_UP_SECONDS:
                self._give_up(running)

    def _probe(self) -> None:
        """Find out whether silent calls run, unless that is known or asked already, by a call that does nothing."""
        running = self._running.values()
        if any(one.is_probe for one in running) or not any(one.silent and not one.runs for one in running):
            return
        held = len(running) + self.given_up
        if held >= self._most_runspaces or not self._lives():
            return
        with suppress(NoRunspaceError, TooLateError):
            self._within_quotas(self._make_room)
            if self._runspaces.size > held:
                self._begin(PROBE, PROBE_SECONDS, math.inf).is_probe = True

    def _ask(self, listeners: Listeners) -> None:
        """Let each listener that is idle ask: for calls that may have ended any moment first, then for silent ones.

        While there are any of the former, half of the listeners are kept for them. So they are when a host lets its
        stop signals wait for seconds. And as many as half are kept for silent ones: new calls that come and go must not
        keep one that has ended from being heard.
        """
        now = self._clock()

        def is_to_be_stopped(one: _RunningCall) -> bool:
            return one.silent and now >= one.deadline and one.stop_sent is None

        def rank(one: _RunningCall) -> tuple[bool, bool, bool, float, int]:
            return (one.silent, one.token not in self._running, not is_to_be_stopped(one), one.asked_at, one.token)

        calls = [*self._running.values(), *self._given_up]
        half = max(1, listeners.most // 2)
        silent = sum(one.silent for one in calls)
        most = {
            True: listeners.most if silent == len(calls) else half,
            False: listeners.most - min(listeners.most // 2, silent),
        }
        asked = {kind: sum(one.is_asked and one.silent is kind for one in calls) for kind in most}
        stopped = sum(one.is_stopped for one in calls)
        for one in sorted((one for one in calls if not one.is_asked), key=rank):
            if not listeners.idle or (self._one_listens and any(asked.values())):
                break
            if asked[one.silent] >= most[one.silent]:
                continue
            one.is_stopped = is_to_be_stopped(one) and stopped < half
            if one.is_stopped:
                one.stop_sent = now
            one.is_asked = True
            asked[one.silent] += 1
            stopped += one.is_stopped
            listeners.ask(one.pipeline, one.is_stopped)

    # Either way

    def _asked(self, one: _RunningCall, brought: bool) -> None:
        """Take note that a call was asked for output. One that brought nothing let at least SILENT_SECONDS pass."""
        now = one.asked_at = self._clock()
        if brought:
            self._answered(one)
            one.heard_at, one.silent = now, one.token not in self._running
        else:
            for running in self._running.values():
                running.silent |= now >= running.heard_at + SILENT_SECONDS
            self._one_listens = False
            if one.is_probe:
                self._window = 1
        if one.pipeline.state is None:
            return
        if one.token in self._running:
            self._finish(one, one.pipeline.state)
        else:
            self._given_up.remove(one)
        self._runspaces.clean_up(one.pipeline)

    def _answered(self, one: _RunningCall) -> None:
        """Take note that a call runs, and so do all that came before it."""
        for running in self._running.values():
            running.runs |= running.token <= one.token
        if self._clock() < one.begun_at + SILENT_SECONDS:
            self._window = min(AT_ONCE, 2 * self._window if one.is_probe else self._window + 1)

    def _give_up(self, running: _RunningCall) -> None:
        self._finish(running, State.NO_ANSWER)
        running.silent = True
        self._given_up.append(running)

    def _finish(self, running: _RunningCall, state: State) -> None:
        del self._running[running.token]
        if not running.is_probe:
            self._finished.append((running.token, running.pipeline.answer(state)))

    def close(self) -> None:
        """Let go of the runspaces.

        Ansible closes its shell at the end of the task, or keeps it for the next item of a loop. When something still
        runs in it or the connection has failed, that would take long or fail, and the shell would stay open on the
        host: then it is closed here.
        """
        if self._running or self._given_up or self._runspaces.lost:
            self._runspaces.close()
        if self._listeners is not None:
            self._listeners.close()
