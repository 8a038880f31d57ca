# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that cmdlets list and end, over a live runspace: many calls in flight, driven from one thread."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ansible.errors import AnsibleConnectionFailure

from .._sessions.errors import ServiceError, TooLateError
from .._sessions.service import Event, Listed, ListingFailed, Notes, Replied, Reply
from .._sessions.session import Key, Session
from .._sessions.verbs import Operation
from .._transports.cmdlet import Call, CallResult, NoRunspaceError
from .host_names import require_host
from .windows_answers import (
    LOST,
    MOST_GIVEN_UP,
    Judge,
    choose_list,
    hanging_reason,
    list_error,
    not_bound,
    sign_in_error,
)
from .windows_cmdlets import LIST_SECONDS, ServiceCmdlets, read_list

if TYPE_CHECKING:
    from .._transports.runspace import RunspaceTransport

SPARE = 1
"""Calls for which several acts in flight leave room, so that a listing never waits behind acts that hang."""

Lost = AnsibleConnectionFailure | ServiceError


class RunspaceService:
    """A service over a transport that keeps calls in flight."""

    proves_itself = False

    def __init__(
        self,
        cmdlets: ServiceCmdlets,
        operation: Operation | None,
        transport: RunspaceTransport,
        host: str,
        clock: Callable[[], float],
        act_seconds: float,
        sleep: Callable[[float], None],
    ) -> None:
        """Without an `operation` it only lists. `host` is the Windows host, for errors.

        `clock` and `sleep` count seconds. An act has `act_seconds`.
        """
        self._cmdlets = cmdlets
        self._operation = operation
        self.disconnected = cmdlets.DISCONNECTED
        self._transport = transport
        self._host = host
        self._clock = clock
        self._act_seconds = act_seconds
        self._sleep = sleep
        self._judge = Judge(cmdlets, host, clock, operation)
        self._list = cmdlets.lists[0]
        self._signed_in = False
        self._hosts: set[str] = set()
        self._acts: dict[int, tuple[Session, Call, float, float]] = {}
        """Session, call, and between which readings of the clock it was sent."""
        self._listing: tuple[int, float] | None = None
        self._listing_wanted = False
        self._events: list[Event] = []
        self.warnings: list[str] = []
        """What the user should know, although nothing failed."""
        self._accepted = False
        self._lost: Lost | None = None

    def notes(self) -> Notes:
        """Tell what there is to tell by now."""
        return Notes(self.warnings, self._lost, self._accepted, self._cmdlets.advice(self._operation))

    # Reading

    def list_sessions(self, named: Sequence[Key] = ()) -> list[Session]:
        """Read all sessions. Raises ServiceError and AnsibleConnectionFailure."""
        self._sign_in()
        answers: list[CallResult] = []
        read_at = 0.0
        for call in self._cmdlets.lists:
            read_at = self._clock()
            answers.append(self._transport.run(call, LIST_SECONDS))
            if not not_bound(answers[-1]):
                break
        number = choose_list(answers)
        self._list = self._cmdlets.lists[number]
        if not answers[number].whole:
            raise list_error(self._cmdlets, self._list, answers[number], self._host)
        self._cmdlets.chose(number)
        sessions = read_list(self._cmdlets, answers[number].output, read_at)
        self._hosts = {session.host for session in sessions}
        return sessions

    def require_host(self, host: str) -> None:
        """Raise ServiceError unless there is such a session host."""
        call = self._cmdlets.hosts
        answer = self._transport.run(call, LIST_SECONDS) if call is not None else None
        self.warnings += require_host(self._cmdlets, answer, host, self._hosts, self._host)

    def _sign_in(self) -> None:
        call = self._cmdlets.sign_in
        if call is None or self._signed_in:
            return
        answer = self._transport.run(call, LIST_SECONDS)
        if not answer.whole:
            raise sign_in_error(call, answer, self._host, self._cmdlets)
        self._signed_in = True

    # The engine's calls

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        """Read the whole list again: the cmdlets list nothing smaller in one call."""
        self._listing_wanted = True
        self._begin_wanted_listing()

    def begin_act(self, session: Session, send_before: float) -> None:
        """Send the act on a session, unless its proof is too old by now."""
        if self._lost is not None or self._clock() >= send_before:
            self._events.append(Replied(session, Reply.NOT_SENT, "" if self._lost is None else _reason(self._lost)))
            return
        hanging = self._transport.given_up
        if hanging >= MOST_GIVEN_UP:
            reason = hanging_reason(hanging, self._host)
            self._events.append(Replied(session, Reply.REFUSED, reason, sent=False))
            return
        if self._operation is None:
            raise AssertionError("this service only lists")
        call = self._cmdlets.act(session, self._operation)
        begun = self._clock()  # The host may begin, and a time limit of the cmdlet with it, before it says so.
        try:
            token = self._transport.begin(call, self._act_seconds, send_before)
        except TooLateError:
            self._events.append(Replied(session, Reply.NOT_SENT, "it could not be sent in time"))
            return
        except NoRunspaceError as error:
            self._events.append(Replied(session, Reply.NOT_SENT, str(error)))
            if error.lasting:
                self._lose(error)
            return
        except (AnsibleConnectionFailure, ServiceError) as error:
            self._events.append(Replied(session, Reply.UNCLEAR, _reason(error)))
            self._lose(error)
            return
        self._acts[token] = (session, call, begun, self._clock())

    def pause(self) -> float:
        """Wait without end while enough is in flight."""
        full = self._transport.room(SPARE if self._acts and self._listing is None else 0) <= 0
        for why in (self._transport.held_up_by_silence, self._transport.held_up_by_quota):
            if full and why:
                self._warn(why)
        return math.inf if full or self._listing_wanted or self._lost is not None else 0.0

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def wait(self, seconds: float) -> list[Event]:
        """Return what has been answered; wait for the first answer at most that long."""
        if not self._events:
            if self._acts or self._listing is not None:
                self._receive(seconds)
            else:
                self._sleep(seconds)
        self._begin_wanted_listing()
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Let go of the host and of what has not answered."""
        self._transport.close()

    # Calls in flight

    def _begin_wanted_listing(self) -> None:
        if not self._listing_wanted:
            return
        if self._lost is not None:
            self._listing_wanted = False
            self._events.append(ListingFailed(ServiceError(_reason(self._lost))))
            return
        if self._transport.busy:
            return
        read_at = self._clock()
        try:
            self._listing = (self._transport.begin(self._list, LIST_SECONDS), read_at)
        except (AnsibleConnectionFailure, ServiceError) as error:
            if not isinstance(error, NoRunspaceError) or error.lasting:
                self._lose(error)
            return
        self._listing_wanted = False

    def _receive(self, seconds: float) -> None:
        try:
            answers = self._transport.wait(seconds)
        except (AnsibleConnectionFailure, ServiceError) as error:
            self._lose(error)
            return
        for token, answer in answers:
            if self._listing is not None and token == self._listing[0]:
                self._listed(answer, self._listing[1])
            elif token in self._acts:
                session, call, begun, sent_at = self._acts.pop(token)
                event = self._judge.judge(session, call, answer, self._clock() - begun)
                self._accepted |= event.reply is Reply.DONE
                self._events.append(replace(event, sent_at=sent_at))

    def _listed(self, answer: CallResult, read_at: float) -> None:
        self._listing = None
        if answer.whole:
            self._events.append(Listed(read_list(self._cmdlets, answer.output, read_at), last=True))
        else:
            self._events.append(ListingFailed(list_error(self._cmdlets, self._list, answer, self._host)))

    def _lose(self, error: Lost) -> None:
        """Answer everything that is open: of acts it is not known what came, and nothing can be listed."""
        self._lost, reason = error, _reason(error)
        self._events += [Replied(session, Reply.UNCLEAR, reason) for session, *_sent in self._acts.values()]
        self._acts.clear()
        if self._listing is not None or self._listing_wanted:
            self._listing, self._listing_wanted = None, False
            self._events.append(ListingFailed(ServiceError(reason)))


def _reason(error: Lost) -> str:
    """Say in a row why nothing more can be done; the whole error is said once, for the task."""
    return str(error) if isinstance(error, ServiceError) else LOST
