# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls about session hosts of Remote Desktop Services over either transport: begun one by one, answered by `wait`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ansible.errors import AnsibleConnectionFailure

from .._sessions.errors import ServiceError, TooLateError
from .._sessions.proof import ProofAge
from .._sessions.service import Reply
from .._transports.cmdlet import Call, CallResult, NoRunspaceError
from .._transports.script import ConditionalCall, ScriptTransport, Verdict
from .windows_answers import LOST, list_error
from .windows_cmdlets import LIST_SECONDS, SHORTEST_ACT, ServiceCmdlets

if TYPE_CHECKING:
    from .._transports.runspace import RunspaceTransport

AT_ONCE = 8
"""Settings in flight: for each the cmdlet opens a session of its own on the broker, where a user may have thirty."""
NOT_SET = {
    Verdict.GONE: (Reply.REFUSED, "the deployment has no such server any more"),
    Verdict.REPLACED: (Reply.REFUSED, "the deployment has no such server any more"),
    Verdict.LATER: (Reply.THROTTLED, "there was no time left for it in this run of the script"),
}
SERVER = "Server"
"""Property of what `ServiceCmdlets.hosts` lists that names a server."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A call that has no answer of a cmdlet: it was not sent, or nobody knows what came of it."""

    reply: Reply
    reason: str


Answer = CallResult | Unanswered


class HostCalls(Protocol):
    """Calls on one Windows host. None of these methods raises when the connection is lost; `lost` tells it."""

    lost: AnsibleConnectionFailure | ServiceError | None
    """Why nothing more can be called."""

    @property
    def has_room(self) -> bool:
        """Whether one more setting may begin."""

    def begin_list(self, call: Call) -> int:
        """Begin a call that lists, as soon as there is room, and return its token."""

    def begin_set(self, call: Call, host: str, seconds: float, send_before: float) -> int:
        """Begin a call that sets the state of a host, at once or not at all; it has so many seconds."""

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Return what has been answered, by token; wait for the first answer at most that long."""

    def close(self) -> None:
        """Let go of the host and of what has not answered."""


class RunspaceCalls:
    """Calls in flight over the live runspace of a psrp connection."""

    def __init__(self, transport: RunspaceTransport, sleep: Callable[[float], None]) -> None:
        """`sleep` counts seconds."""
        self.lost: AnsibleConnectionFailure | ServiceError | None = None
        self._transport = transport
        self._sleep = sleep
        self._last_token = 0
        self._lists: dict[int, Call] = {}
        """Lists for which there was no room yet."""
        self._tokens: dict[int, int] = {}
        """Our tokens by those of the transport."""
        self._settings: set[int] = set()
        self._answered: list[tuple[int, Answer]] = []

    @property
    def has_room(self) -> bool:
        """Whether one more setting may begin, which leaves room for a list.

        One may always begin beside nothing else: if there is no room for it, there is none for good, and that is told.
        """
        if self.lost is not None or self._lists or len(self._settings) >= AT_ONCE:
            return False
        return self._transport.room(1) > 0 or not (self._settings or self._tokens or self._transport.busy)

    def begin_list(self, call: Call) -> int:
        """Begin a list, now or in `wait`."""
        self._last_token += 1
        self._lists[self._last_token] = call
        return self._last_token

    def begin_set(self, call: Call, host: str, seconds: float, send_before: float) -> int:
        """Send it now; `host` is known from the call."""
        self._last_token += 1
        self._settings.add(self._last_token)
        self._begin(self._last_token, call, seconds, send_before)
        return self._last_token

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Begin the lists for which there is room now, and wait."""
        self._begin_lists()
        if not self._answered and self.lost is None:
            if self._tokens or self._transport.busy:
                self._receive(seconds)
            else:
                self._sleep(seconds)
        if self.lost is not None:
            self._give_up(self.lost)
        answered, self._answered = self._answered, []
        self._settings.difference_update(token for token, _answer in answered)
        return answered

    def close(self) -> None:
        """Let go of the runspaces."""
        self._transport.close()

    def _begin_lists(self) -> None:
        for token, call in list(self._lists.items()):
            if self.lost is not None or self._transport.busy:
                return
            try:
                self._tokens[self._transport.begin(call, LIST_SECONDS)] = token
            except TooLateError:
                self._answered.append((token, Unanswered(Reply.NOT_SENT, "the run that the task belongs to has ended")))
            except (AnsibleConnectionFailure, ServiceError) as error:
                if not isinstance(error, NoRunspaceError) or error.lasting:
                    self.lost = error
                return
            del self._lists[token]

    def _begin(self, token: int, call: Call, seconds: float, send_before: float) -> None:
        try:
            self._tokens[self._transport.begin(call, seconds, send_before)] = token
        except TooLateError:
            self._answered.append((token, Unanswered(Reply.NOT_SENT, "it could not be sent in time")))
        except NoRunspaceError as error:
            self._answered.append((token, Unanswered(Reply.NOT_SENT, str(error))))
            if error.lasting:
                self.lost = error
        except (AnsibleConnectionFailure, ServiceError) as error:
            self._answered.append((token, Unanswered(Reply.UNCLEAR, reason(error))))
            self.lost = error

    def _receive(self, seconds: float) -> None:
        try:
            answers = self._transport.wait(seconds)
        except (AnsibleConnectionFailure, ServiceError) as error:
            self.lost = error
            return
        self._answered += [(self._tokens.pop(token), answer) for token, answer in answers]

    def _give_up(self, error: AnsibleConnectionFailure | ServiceError) -> None:
        """Answer everything that is open: of settings it is not known what came."""
        unclear = Unanswered(Reply.UNCLEAR, reason(error))
        self._answered += [(token, unclear) for token in (*self._tokens.values(), *self._lists)]
        self._tokens.clear()
        self._lists.clear()


class ScriptCalls:
    """Calls that a script makes, in a run for all that was begun before `wait`.

    Settings go the way of acts on sessions, which brings what they need: many at once, a deadline for each, and none
    begun long after the first, as the script does not hear that the run was cancelled. What proves them is that the
    deployment has such a server. What the hosts show themselves proves nothing here: one that is off spoils that list.
    """

    def __init__(
        self, transport: ScriptTransport, cmdlets: ServiceCmdlets, host: str, sleep: Callable[[float], None]
    ) -> None:
        """`host` is the Windows host, for errors; `sleep` counts seconds."""
        self.lost: AnsibleConnectionFailure | ServiceError | None = None
        self._transport = transport
        self._cmdlets = cmdlets
        self._host = host
        self._sleep = sleep
        self._last_token = 0
        self._lists: dict[int, Call] = {}
        self._settings: dict[int, tuple[ConditionalCall, float]] = {}
        self._proof_age = ProofAge()

    @property
    def has_room(self) -> bool:
        """Whether the next run has room: as many as begin at once in it."""
        return self.lost is None and len(self._settings) < AT_ONCE

    def begin_list(self, call: Call) -> int:
        """Take it into the next run."""
        self._last_token += 1
        self._lists[self._last_token] = call
        return self._last_token

    def begin_set(self, call: Call, host: str, seconds: float, send_before: float) -> int:
        """Take it into the next run, which begins with `wait` and lets nothing wait, so it needs no `send_before`."""
        self._last_token += 1
        act = ConditionalCall(call, where={SERVER: host}, expect={SERVER: host})
        self._settings[self._last_token] = (act, seconds)
        return self._last_token

    def wait(self, seconds: float) -> list[tuple[int, Answer]]:
        """Run the settings, then the lists."""
        settings, lists = self._settings, self._lists
        self._settings, self._lists = {}, {}
        if not settings and not lists:
            self._sleep(seconds)
            return []
        answered: list[tuple[int, Answer]] = []
        if settings:
            answered += zip(settings, self._set(list(settings.values())), strict=True)
        if lists:
            answered += zip(lists, self._list(list(lists.values())), strict=True)
        return answered

    def close(self) -> None:
        """There is nothing to let go of: every run ends its process."""

    def _list(self, calls: list[Call]) -> list[Answer]:
        if self.lost is None:
            try:
                return [timed.answer for timed in self._transport.run(calls, LIST_SECONDS)]
            except AnsibleConnectionFailure as error:
                self.lost = error
            except ServiceError as error:
                return [Unanswered(Reply.UNCLEAR, str(error))] * len(calls)
        return [Unanswered(Reply.UNCLEAR, LOST)] * len(calls)

    def _set(self, settings: list[tuple[ConditionalCall, float]]) -> list[Answer]:
        listing = self._cmdlets.hosts
        if listing is None:
            raise AssertionError("this service has no list of servers")
        acts = [act for act, _seconds in settings]
        seconds = max(SHORTEST_ACT, *(seconds for _act, seconds in settings))
        first = [Call("Import-Module", {"Name": self._cmdlets.MODULE})]
        shortest = self._proof_age.shortest
        try:
            acted = self._transport.act(listing, acts, seconds, LIST_SECONDS, first, [SERVER], shortest)
        except AnsibleConnectionFailure as error:
            self.lost = error
            return [Unanswered(Reply.UNCLEAR, LOST)] * len(acts)
        except ServiceError as error:
            return [Unanswered(Reply.UNCLEAR, str(error))] * len(acts)
        self._proof_age.took(acted.shortest_list)
        unproven = "no list of servers was in time"
        if not acted.listing.answer.whole:
            unproven = str(list_error(self._cmdlets, listing, acted.listing.answer, self._host))
        reasons = {**NOT_SET, Verdict.UNPROVEN: (Reply.NOT_SENT, unproven)}
        return [Unanswered(*reasons[one.verdict]) if one.answer is None else one.answer for one in acted.acts]


def reason(error: AnsibleConnectionFailure | ServiceError) -> str:
    """Say in a row why nothing more can be done; the whole error is said once, for the task."""
    return str(error) if isinstance(error, ServiceError) else LOST
