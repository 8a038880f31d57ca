# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answers of cmdlets mean: for a list why it is not whole, for an act how it was answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from .._sessions.errors import ServiceError
from .._sessions.service import Replied, Reply
from .._sessions.session import Key, Session
from .._sessions.verbs import Effect, Operation
from .._transports.cmdlet import Call, CallResult, ErrorRecord, State
from .windows_cmdlets import ServiceCmdlets

ERROR_SECONDS = 5.0
"""A cmdlet that goes on saying that it failed is tried again for so long: the session may have ended by itself, which
lists show with some delay."""

MOST_GIVEN_UP = 40
"""A host on which so many calls never end gets no others: they keep their runspaces, and others would hang as well."""

LOST = "the connection to the host was lost"

NO_COMMAND = ("CommandNotFoundException", "CouldNotAutoLoadModule", "CouldNotAutoloadMatchingModule")
NOT_BOUND = (
    *("AmbiguousParameterSet", "MissingMandatoryParameter", "NamedParameterNotFound", "PositionalParameterNotFound"),
    *("CannotConvertArgument", "CannotConvertArgumentNoMessage", "MissingArgument", "ScriptsNotAllowed"),
)
"""Errors that come before the cmdlet begins, beside those that begin with `Parameter`."""
JEA_PARAMETERS = "A JEA endpoint's role must allow the parameters {} with these values."
WOULD_ASK = ("HostException", "HostFunctionNotImplemented", "PromptNotSupported")
"""A function asks in the first way, a compiled cmdlet in the second."""
DENIED = ("PermissionDenied", "SecurityError")


def hanging_reason(hanging: int, host: str) -> str:
    """Say why nothing more is begun on a host on which so many calls hang."""
    return f"{hanging} calls on {host} hang, so no more are begun there"


def choose_list(answers: Sequence[CallResult]) -> int:
    """Return the number of the list whose parameters the host knows; that of the first one when it knows none."""
    return next((number for number, answer in enumerate(answers) if not not_bound(answer)), 0)


def not_bound(answer: CallResult) -> bool:
    """Tell whether a call failed because the cmdlet does not take its parameters."""
    if answer.state is not State.FAILED or not answer.errors:
        return False
    return answer.errors[-1].id in NOT_BOUND or answer.errors[-1].id.startswith("Parameter")


def list_error(cmdlets: ServiceCmdlets, call: Call, answer: CallResult, host: str) -> ServiceError:
    """Say why the `answer` to a `call` on `host` is no whole list, so that it proves nothing about what it lacks."""
    error = answer.errors[-1] if answer.errors else None
    if error is not None and (text := explain(cmdlets, call, error, host)):
        return ServiceError(text)
    reason = line(answer.reason) or "it ended without a reason"
    return ServiceError(f"{call.command} on {host} failed: {reason} {cmdlets.LIST_ADVICE}", lasting=False)


def sign_in_error(call: Call, answer: CallResult, host: str, cmdlets: ServiceCmdlets) -> ServiceError:
    """Say why a sign-in failed, by the `answer` to its `call` on `host`."""
    error = answer.errors[-1] if answer.errors else None
    text = explain(cmdlets, call, error, host) if error is not None else ""
    reason = line(answer.reason) or "it ended without a reason"
    return ServiceError(text or f"{call.command} on {host} failed, so nobody is signed in: {reason}")


def explain(cmdlets: ServiceCmdlets, call: Call, error: ErrorRecord, host: str) -> str:
    """Say what to do about an error on `host` that comes before the cmdlet does anything; empty for another error."""
    command, message = call.command, line(error.message)
    if error.id in NO_COMMAND:
        return (
            f"{host} has no command {command} for this user: install the PowerShell module {cmdlets.MODULE} there. "
            "On a JEA endpoint its role must make the command visible."
        )
    if error.id in NOT_BOUND or error.id.startswith("Parameter"):
        hint = cmdlets.unknown_parameter if error.id == "NamedParameterNotFound" else ""
        parameters = ", ".join([*call.parameters, *call.secrets])
        return (
            f"{host} does not take the call of {command}: {message} {hint or JEA_PARAMETERS.format(parameters)}".strip()
        )
    if error.id in WOULD_ASK:
        return f"{command} on {host} would ask a question, which nobody there can answer: {message}"
    if error.category in DENIED or error.exception == "UnauthorizedAccessException":
        return f"{host} denies {command}: {message} The user must be {cmdlets.RIGHT}."
    return ""


def line(text: str) -> str:
    """Return a host's message as one line that ends a sentence."""
    joined = " ".join(text.split())
    return joined if not joined or joined[-1] in ".!?" else f"{joined}."


class Judge:
    """Says what the answers to acts mean. Remembers since when a cmdlet says that it cannot end a session."""

    def __init__(
        self, cmdlets: ServiceCmdlets, host: str, clock: Callable[[], float], operation: Operation | None
    ) -> None:
        """`host` is the Windows host, for errors; `clock` counts seconds. Without an `operation` there are no acts."""
        shows = operation is None or operation.verb.effect is not Effect.NONE
        # A log-off that takes long must not be sent twice, and lists show when it is done. Of a message they show
        # nothing, so that only an answer tells that it was sent.
        self._silence = Reply.DONE if shows else Reply.UNCLEAR
        self._cmdlets = cmdlets
        self._host = host
        self._clock = clock
        self._failing_since: dict[Key, float] = {}

    def judge(self, session: Session, call: Call, answer: CallResult, seconds: float) -> Replied:
        """Say what an answer means that came so many `seconds` after the `call` for the session was begun."""
        if answer.state in (State.STOPPED, State.NO_ANSWER):
            return Replied(session, self._silence, answer.reason)
        if not answer.errors:
            reply = Reply.DONE if answer.state is State.COMPLETED else Reply.UNCLEAR
            return Replied(session, reply, "" if reply is Reply.DONE else "the call ended without a reason")
        error = answer.errors[-1]
        explained = [explain(self._cmdlets, call, one, self._host) for one in answer.errors]
        if explained[-1]:
            # That it did nothing is true only of a call that has no other error.
            return Replied(session, Reply.REFUSED, explained[-1].rstrip("."), doubtful=not all(explained))
        if answer.state is State.FAILED and seconds >= call.parameters.get("TimeoutInSecond", math.inf):
            return Replied(session, self._silence, answer.reason)  # Its own deadline was over.
        reason = f"{call.command} says: {line(error.message).rstrip('.')}"
        if all(one.category in self._cmdlets.NO_SUCH_SESSION for one in answer.errors):
            reply = Reply.GONE
        elif answer.state is State.FAILED:
            return Replied(session, Reply.UNCLEAR, reason)
        else:
            # It may have done it before it wrote the error, or not: only the text tells, in the host's language. A
            # later list tells the one from the other, but not who ended a session that is gone.
            reply = Reply.UNCLEAR
        since = self._failing_since.setdefault(session.key, self._clock())
        given_up = self._clock() - since >= ERROR_SECONDS
        doubtful = reply is Reply.UNCLEAR
        return Replied(session, Reply.REFUSED if given_up else reply, reason, doubtful=doubtful)
