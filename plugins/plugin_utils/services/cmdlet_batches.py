# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sessions that cmdlets list and end, over a transport that does a whole batch in one call of a module.

Acts are collected, and sent by C(wait) all at once. The identity of each session is proven on the host itself, on a
list that it reads just before the act, and the list that the host reads after the last act is what is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.services.session_cmdlets import (
    LIST_SECONDS,
    LOST,
    Judge,
    SessionCmdlets,
    choose_list,
    list_error,
    read_list,
    sign_in_error,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.services.session_hosts import require_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.sessions.service import (
    Answered,
    Event,
    Looked,
    LookFailed,
    Reply,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.sessions.session import Key, Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.transports.cmdlet import Answer, Call
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.transports.win_powershell import (
    Act,
    ActAnswer,
    Acted,
    Verdict,
)

READ_AT = math.inf
"""Rows do not age here: no act relies on them, as the host proves each one again. And batches run one after the other,
so whatever is read is newer than all that was answered before."""
NOT_ACTED = {
    Verdict.GONE: (Reply.GONE, "the session is gone"),
    Verdict.REPLACED: (Reply.GONE, "it was not as listed any more when it was to be ended"),
    Verdict.UNPROVEN: (
        Reply.REFUSED,
        "no list, at most 5 s old, proved that it was still the same session when it was to be ended",
    ),
}


class BatchCmdlets(Protocol):
    """A transport that runs a batch of calls on the host, such as a script."""

    def run(self, calls: Sequence[Call], seconds: float) -> list[Answer]:
        """Run calls one after the other in one process; each has so many seconds."""

    def act(
        self, listing: Call, acts: Sequence[Act], seconds: float, list_seconds: float, first: Sequence[Call] = ()
    ) -> Acted:
        """List, run the acts that the list proves, and list again."""


class BatchSessions:
    """A service over a transport that runs batches."""

    proves_itself = True

    def __init__(
        self,
        cmdlets: SessionCmdlets,
        transport: BatchCmdlets,
        host: str,
        clock: Callable[[], float],
        act_seconds: float,
        sleep: Callable[[float], None],
    ) -> None:
        """C(host) is the Windows host, for errors; each act has C(act_seconds)."""
        self._cmdlets = cmdlets
        self._transport = transport
        self._host = host
        self._act_seconds = act_seconds
        self._sleep = sleep
        self._judge = Judge(cmdlets, host, clock)
        self._list = cmdlets.lists[0]
        self._hosts: set[str] = set()
        self._first = [cmdlets.sign_in] if cmdlets.sign_in is not None else []
        # Loading the module may take longer than the list after it may be old. A sign-in loads it by itself.
        self._before_acts = self._first or [Call("Import-Module", {"Name": cmdlets.MODULE})]
        self._collected: list[Session] = []
        self._look_wanted = False
        self._seen: Answer | None = None
        self.warnings: list[str] = []
        """What the user should know, although nothing failed."""
        self.accepted = False
        """Whether the host accepted any act."""
        self.lost: AnsibleConnectionFailure | None = None
        """Why nothing more can be asked or done, once acts have begun."""

    # Reading

    def list_sessions(self, named: Sequence[Key] = ()) -> list[Session]:
        """Read all sessions. Raises ServiceError and AnsibleConnectionFailure."""
        lists = self._cmdlets.lists
        answers = self._after_sign_in(self._transport.run([*self._first, *lists], LIST_SECONDS))
        number = choose_list(answers)
        if not answers[number].whole:
            raise list_error(self._cmdlets, lists[number], answers[number], self._host)
        self._list = lists[number]
        self._cmdlets.chose(number)
        sessions = read_list(self._cmdlets, answers[number].output, READ_AT)
        self._hosts = {session.host for session in sessions}
        return sessions

    def require_host(self, host: str) -> None:
        """Raise ServiceError unless there is such a session host."""
        call = self._cmdlets.hosts
        answer = None
        if call is not None:
            (answer,) = self._after_sign_in(self._transport.run([*self._first, call], LIST_SECONDS))
        self.warnings += require_host(self._cmdlets, answer, host, self._hosts, self._host)

    def _after_sign_in(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        for call, answer in zip(self._first, answers, strict=False):
            if not answer.whole:
                raise sign_in_error(call, answer, self._host, self._cmdlets)
        return answers[len(self._first) :]

    # The engine's calls

    def begin_look(self, sessions: Sequence[Session]) -> None:
        """Read the list again, in C(wait): the one that came with the last acts, if nobody has looked at it yet."""
        self._look_wanted = True

    def begin_act(self, session: Session, send_before: float) -> None:
        """Collect the act. It is sent by C(wait), and proven on the host whatever time it is then."""
        self._collected.append(session)

    def pause(self) -> float:
        """Collect without end."""
        return 0.0 if self.lost is None else math.inf

    def wait(self, seconds: float) -> list[Event]:
        """Send what was collected, or look."""
        if self._collected:
            return self._send()
        if self._look_wanted:
            return self._read_again()
        self._sleep(seconds)
        return []

    def close(self) -> None:
        """There is nothing to let go of: every batch ends its process."""

    # Batches

    def _send(self) -> list[Event]:
        sessions, self._collected = self._collected, []
        self._seen = None
        calls = [self._cmdlets.act(session) for session in sessions]
        acts = [
            Act(call, self._values(session, self._cmdlets.where), self._values(session, self._cmdlets.proof))
            for session, call in zip(sessions, calls, strict=True)
        ]
        try:
            acted = self._transport.act(self._list, acts, self._act_seconds, LIST_SECONDS, self._before_acts)
        except AnsibleConnectionFailure as error:
            self.lost = error
            return [Answered(session, Reply.UNCLEAR, LOST) for session in sessions]
        except ServiceError as error:
            return [Answered(session, Reply.UNCLEAR, str(error)) for session in sessions]
        self._seen = acted.listing
        events: list[Event] = []
        for session, call, act in zip(sessions, calls, acted.acts, strict=True):
            event = self._answered(session, call, act, acted.listing)
            self.accepted |= event.reply is Reply.DONE
            events.append(event)
        return events

    def _values(self, session: Session, names: Sequence[str]) -> dict[str, object]:
        return {self._cmdlets.fields[name]: session.fields[name] for name in names}

    def _answered(self, session: Session, call: Call, act: ActAnswer, listing: Answer) -> Answered:
        if act.answer is not None:
            return self._judge.judge(session, call, act.answer, act.seconds)
        reply, reason = NOT_ACTED[act.verdict]
        if act.verdict is Verdict.UNPROVEN and not listing.whole:
            reason = str(list_error(self._cmdlets, self._list, listing, self._host))
        return Answered(session, reply, reason)

    def _read_again(self) -> list[Event]:
        self._look_wanted = False
        answer, self._seen = self._seen, None
        try:
            if self.lost is not None:
                raise ServiceError(LOST)
            if answer is None:
                (answer,) = self._after_sign_in(self._transport.run([*self._first, self._list], LIST_SECONDS))
        except AnsibleConnectionFailure as error:
            self.lost = error
            return [LookFailed(ServiceError(LOST))]
        except ServiceError as error:
            return [LookFailed(error)]
        if not answer.whole:
            return [LookFailed(list_error(self._cmdlets, self._list, answer, self._host))]
        return [Looked(read_list(self._cmdlets, answer.output, READ_AT), last=True)]
