# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that cmdlets list and end, over a transport that does a whole batch in one call of a module.

Acts are collected, and sent by `wait` all at once. The identity of each session is proven on the host itself, on a
list that it reads just before the act, and the list that the host reads after the last act is the one that counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ansible.errors import AnsibleConnectionFailure

from .._sessions.errors import ServiceError
from .._sessions.proof import ProofAge
from .._sessions.service import Event, Listed, ListingFailed, Notes, Replied, Reply
from .._sessions.session import Key, Session
from .._sessions.verbs import Effect, Operation
from .._transports.cmdlet import Call, State
from .._transports.script import BatchResult, ConditionalCall, ConditionalResult, ScriptTransport, TimedResult, Verdict
from .host_names import require_host
from .windows_answers import LOST, MOST_GIVEN_UP, Judge, choose_list, hanging_reason, list_error, sign_in_error
from .windows_cmdlets import LIST_SECONDS, ServiceCmdlets, read_list

NOT_ACTED = {
    Verdict.GONE: (Reply.GONE, "the session is gone"),
    Verdict.REPLACED: (Reply.GONE, "it was not as listed any more when its turn came"),
    Verdict.UNPROVEN: (Reply.REFUSED, "nothing proved that it was still the same session when its turn came"),
    Verdict.LATER: (Reply.THROTTLED, "there was no time left for it in this run of the script"),
}


class ScriptService:
    """A service over a transport that runs batches."""

    proves_itself = True

    def __init__(
        self,
        cmdlets: ServiceCmdlets,
        operation: Operation | None,
        transport: ScriptTransport,
        host: str,
        clock: Callable[[], float],
        act_seconds: float,
        sleep: Callable[[float], None],
        proof: Sequence[str],
    ) -> None:
        """Without an `operation` it only lists. `host` is the Windows host, for errors; each act has `act_seconds`.

        `clock` and `sleep` count seconds. `proof` are fields that the host finds as they were, before it acts.
        """
        self._cmdlets = cmdlets
        self._operation = operation
        self._proof = tuple(proof)
        self.disconnected = cmdlets.DISCONNECTED
        self._transport = transport
        self._host = host
        self._act_seconds = act_seconds
        self._sleep = sleep
        self._clock = clock
        self._judge = Judge(cmdlets, host, clock, operation)
        self._list = cmdlets.lists[0]
        self._hosts: set[str] = set()
        self._first = [cmdlets.sign_in] if cmdlets.sign_in is not None else []
        # Loading the module may take longer than the list after it may be old. A sign-in loads it by itself.
        self._before_acts = self._first or [Call("Import-Module", {"Name": cmdlets.MODULE})]
        self._collected: list[tuple[Session, float]] = []
        self._asked: set[Key] = set()
        """Sessions that something was sent for."""
        self._listing_wanted = False
        self._seen: BatchResult | None = None
        """What came with the last acts, while nobody has read its list."""
        self._sent: frozenset[Key] = frozenset()
        """Sessions that something was sent for with it."""
        self._hanging = 0
        self._proof_age = ProofAge()
        self.warnings: list[str] = []
        """What the user should know, although nothing failed."""
        self._accepted = False
        self._lost: AnsibleConnectionFailure | None = None

    def notes(self) -> Notes:
        """Tell what there is to tell by now."""
        return Notes(self.warnings, self._lost, self._accepted, self._cmdlets.advice(self._operation))

    # Reading

    def list_sessions(self, named: Sequence[Key] = ()) -> list[Session]:
        """Read all sessions. Raises ServiceError and AnsibleConnectionFailure."""
        self._seen = None
        lists = self._cmdlets.lists
        timed = self._after_sign_in(self._transport.run([*self._first, *lists], LIST_SECONDS))
        number = choose_list([one.answer for one in timed])
        answer = timed[number].answer
        if not answer.whole:
            raise list_error(self._cmdlets, lists[number], answer, self._host)
        self._proof_age.took(timed[number].seconds)
        self._list = lists[number]
        self._cmdlets.chose(number)
        sessions = read_list(self._cmdlets, answer.output, timed[number].begun_at)
        self._hosts = {session.host for session in sessions}
        return sessions

    def require_host(self, host: str) -> None:
        """Raise ServiceError unless there is such a session host."""
        call = self._cmdlets.hosts
        answer = None
        if call is not None:
            (timed,) = self._after_sign_in(self._transport.run([*self._first, call], LIST_SECONDS))
            answer = timed.answer
        self.warnings += require_host(self._cmdlets, answer, host, self._hosts, self._host)

    def _after_sign_in(self, timed: Sequence[TimedResult]) -> Sequence[TimedResult]:
        for call, one in zip(self._first, timed, strict=False):
            if not one.answer.whole:
                raise sign_in_error(call, one.answer, self._host, self._cmdlets)
        return timed[len(self._first) :]

    # The engine's calls

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        """Read the list again, in `wait`: the one that came with the last acts, if nobody has read it yet."""
        self._listing_wanted = True

    def begin_act(self, session: Session, send_before: float) -> None:
        """Collect the act. It is sent by `wait`, if the host then has time left for it and proves it again.

        Also an act without any time left goes to the host, for the list that comes with the answer.
        """
        self._collected.append((session, send_before))

    def pause(self) -> float:
        """Collect without end."""
        return 0.0 if self._lost is None else math.inf

    def wait(self, seconds: float) -> list[Event]:
        """Send what was collected, and list again.

        A listing that was begun before the acts is answered by the list that comes with them, however many runs follow.
        """
        if not self._collected and not self._listing_wanted:
            self._sleep(seconds)
            return []
        events = self._send() if self._collected else []
        return events + self._read_again() if self._listing_wanted else events

    def close(self) -> None:
        """There is nothing to let go of: every batch ends its process."""

    # Batches

    def _send(self) -> list[Event]:
        collected, self._collected = self._collected, []
        if self._hanging >= MOST_GIVEN_UP:
            # Nothing was done, so that any list tells of them: the one that has been read already, too.
            refused = partial(
                Replied, reply=Reply.REFUSED, reason=hanging_reason(self._hanging, self._host), sent=False
            )
            return [refused(session, answered_at=-math.inf) for session, _send_before in collected]
        self._seen = None
        cmdlets, operation, proof = self._cmdlets, self._operation, self._proof
        if operation is None:
            raise AssertionError("this service only lists")
        by_state = operation.verb.effect is Effect.DISCONNECTED
        acts = [
            ConditionalCall(
                cmdlets.act(session, operation),
                self._values(session, cmdlets.where),
                # One that was asked for may be ending by now, which must not be asked for again; and one that has
                # disconnected meanwhile needs nothing.
                self._values(session, (*proof, "session_state") if by_state or session.key in self._asked else proof),
                send_before,
            )
            for session, send_before in collected
        ]
        names = [cmdlets.fields[name] for name in cmdlets.FORM.owner]
        try:
            acted = self._transport.act(
                self._list,
                acts,
                self._act_seconds,
                LIST_SECONDS,
                self._before_acts,
                names,
                self._proof_age.shortest,
            )
        except AnsibleConnectionFailure as error:
            self._lost = error
            return self._unclear(collected, LOST)
        except ServiceError as error:
            return self._unclear(collected, str(error))
        self._seen = acted
        self._proof_age.took(acted.shortest_list)
        events: list[Event] = []
        for (session, _send_before), act, answer in zip(collected, acts, acted.acts, strict=True):
            event = self._answered(session, act.call, answer, acted.listing)
            if event.sent:
                self._asked.add(session.key)
            self._accepted |= event.reply is Reply.DONE
            self._hanging += answer.answer is not None and answer.answer.state is State.NO_ANSWER
            events.append(event)
        self._sent = frozenset(event.session.key for event in events if isinstance(event, Replied) and event.sent)
        return events

    def _unclear(self, collected: Sequence[tuple[Session, float]], reason: str) -> list[Event]:
        """Answer acts that may have been sent at any time until now."""
        self._asked.update(session.key for session, _send_before in collected)
        return [Replied(session, Reply.UNCLEAR, reason, self._clock()) for session, _send_before in collected]

    def _values(self, session: Session, names: Sequence[str]) -> dict[str, object]:
        return {self._cmdlets.fields[name]: session.fields[name] for name in names}

    def _answered(self, session: Session, call: Call, act: ConditionalResult, listing: TimedResult) -> Replied:
        if act.answer is not None:
            event = self._judge.judge(session, call, act.answer, act.seconds)
            return replace(event, sent_at=act.sent_at, answered_at=act.answered_at, proof_age=act.proof_age)
        reply, reason = NOT_ACTED[act.verdict]
        if act.verdict is Verdict.UNPROVEN:
            reason = self._why_unproven(listing)
        return Replied(session, reply, reason, answered_at=act.answered_at, sent=False)

    def _why_unproven(self, listing: TimedResult) -> str:
        """Say it in a sentence, from the list that came with the answer."""
        if not listing.answer.whole:
            return str(list_error(self._cmdlets, self._list, listing.answer, self._host))
        longest = self._proof_age.longest
        if listing.seconds >= longest:
            return (
                f"a list took {listing.seconds:.1f} s, and one that is {longest:.1f} s old does not prove any more that"
                " it is still the same session"
            )
        return f"no list, at most {longest:.1f} s old, proved that it was still the same session when its turn came"

    def _read_again(self) -> list[Event]:
        self._listing_wanted = False
        acted, self._seen = self._seen, None
        timed = None if acted is None else acted.listing
        try:
            if self._lost is not None:
                raise ServiceError(LOST)
            if timed is None:
                (timed,) = self._after_sign_in(self._transport.run([*self._first, self._list], LIST_SECONDS))
                if timed.answer.whole:
                    self._proof_age.took(timed.seconds)
        except AnsibleConnectionFailure as error:
            self._lost = error
            return [ListingFailed(ServiceError(LOST))]
        except ServiceError as error:
            return [ListingFailed(error)]
        if not timed.answer.whole:
            return [ListingFailed(list_error(self._cmdlets, self._list, timed.answer, self._host))]
        sessions = read_list(self._cmdlets, timed.answer.output, timed.begun_at)
        if acted is not None:
            # Else it would seem older than the deadline of an act that hung until then, by the start of the script.
            sessions = [
                replace(one, read_at=acted.listed_at_latest) if one.key in self._sent else one for one in sessions
            ]
        return [Listed(sessions, last=True)]
