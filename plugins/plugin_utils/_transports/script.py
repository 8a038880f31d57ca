# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets over any connection and with become: a constant script that `ansible.windows.win_powershell` runs.

A module call takes seconds before it does anything, so one does much: it lists what is there, proves for each act
that its session is still the one that was selected, acts, and lists again. Each call in it has a deadline; how long
a module call takes as a whole is bounded by these, and the connection's own limits hold for it.

The script counts time from its own start, which was at some moment between the call of the module and its end less the
script's own seconds. So each of its times is known to lie between two clock readings here. Always the one is taken that
claims less: a list counts as begun at the first, an act as sent at the last.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError

from .._sessions.errors import ServiceError
from .._sessions.proof import LONGEST_PROOF, PROOF_SECONDS
from .cmdlet import Call, CallResult, ErrorRecord, State

MODULE = "ansible.windows.win_powershell"
LONGEST_CAUSE = 1000
SCRIPT = Path(__file__).with_name("run_cmdlets.ps1")


@dataclass(frozen=True, slots=True)
class ConditionalCall:
    """An act on one row of a list, run only if that row is proven to be the one that is meant.

    What is expected is compared as answers show it, exactly, unless the request says that it is a name; `None` is
    equal only to `None`.
    """

    call: Call
    where: Mapping[str, Any]
    """Properties that say which row, such as host and id; the same ones in every act of a request.

    They are compared as texts, whatever their case.
    """
    expect: Mapping[str, Any]
    """Properties that prove that it is still the same one, such as user and time of creation."""
    send_before: float = math.inf
    """Clock reading (seconds) from which on it may not be sent."""

    def __post_init__(self) -> None:
        if not self.where or all(value is None for value in self.expect.values()):
            raise ValueError("an act needs something that says which row, and something that proves it")


class Verdict(Enum):
    """What the list said about an act."""

    SENT = "sent"
    """The row was the expected one, in a list that was new enough to prove it; the act was sent."""
    GONE = "gone"
    """There was no such row. Nothing was done."""
    REPLACED = "replaced"
    """The row was another one. Nothing was done."""
    UNPROVEN = "unproven"
    """There was no list, it was not whole, took too long, or showed the row twice. Nothing was done."""
    LATER = "later"
    """Its time was over, or the first act of the request was begun too long ago. Nothing was done: ask again."""


@dataclass(frozen=True, slots=True)
class TimedResult:
    """An answer to a call."""

    answer: CallResult
    begun_at: float
    """Clock reading (seconds) before the call was begun."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True, slots=True)
class ConditionalResult:
    """What came of an act."""

    verdict: Verdict
    answered_at: float
    """Clock reading (seconds) after which a list shows it: each list of the request when nothing was sent."""
    answer: CallResult | None = None
    """The cmdlet's answer when the act was sent."""
    sent_at: float | None = None
    """Clock reading at which it had been sent at the latest, if it was."""
    seconds: float = 0.0
    """How long it took."""
    proof_age: float | None = None
    """Seconds from when the list was begun that proved it until it was sent."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What came of a request to act."""

    first: tuple[TimedResult, ...]
    """Answers to the calls that came first."""
    acts: tuple[ConditionalResult, ...]
    """As many as were asked for, in that order."""
    listing: TimedResult
    """The newest list: when anything was sent, one that was begun after the last act had ended."""
    listed_at_latest: float
    """Clock reading at which that list had been begun at the latest: it is to `sent_at` as in the script's time."""
    shortest_list: float
    """Seconds that the shortest list took, of those that the request knew and of its own."""


class ScriptTransport:
    """Calls cmdlets on a host, each method with one module call.

    Both raise ServiceError when the script did not run to its end, and AnsibleConnectionFailure passes through.
    After either nothing is known about acts.
    """

    def __init__(self, run_module: Callable[..., Mapping[str, Any]], host: str, clock: Callable[[], float]) -> None:
        """`run_module` takes `module_name` and `module_args`, runs the module on the host and returns its result.

        `host` is its name for errors; `clock` counts seconds.
        """
        self._run_module = run_module
        self._host = host
        self._clock = clock
        self._beside = 0.0
        """The longest that a module call has taken beside the script's own seconds."""

    def run(self, calls: Sequence[Call], seconds: float) -> list[TimedResult]:
        """Run calls one after the other in one process; each has so many seconds."""
        result, times = self._run(
            {"Calls": [_request(call) for call in calls], "Seconds": seconds}, calls, self._clock()
        )
        return [times.read(one) for one in result["calls"]]

    def act(
        self,
        listing: Call,
        acts: Sequence[ConditionalCall],
        seconds: float,
        list_seconds: float,
        first: Sequence[Call] = (),
        names: Sequence[str] = (),
        shortest_list: float = math.inf,
    ) -> BatchResult:
        """Run `listing`, then the acts that the list proves, several at once, and `listing` again.

        Each act has `seconds`, each other call `list_seconds`. No act is begun long after the first of the request.
        That one is begun unless its own time is over, so asking again for those that were LATER comes to an end.

        `names` are expected properties that compare as `fold` does, without case.
        `first` are calls that must come before, such as a sign-in. They run again in each runspace that acts, of which
        there are several; their answers are those of the first. In check mode nothing is sent.
        `shortest_list` is how many seconds the shortest list of the run has taken by now: see `ProofAge`. When a proof
        is too old another list is read, unless no time would be left after it.
        """
        if len({frozenset(act.where) for act in acts}) > 1:
            raise ValueError("all acts of a request say with the same properties which row they are about")
        called = self._clock()
        parameters = {
            "Calls": [_request(call) for call in first],
            "Listing": _request(listing),
            "Acts": [
                {
                    "call": _request(act.call),
                    "where": dict(act.where),
                    "expect": dict(act.expect),
                    "seconds": self._seconds_left(act, called),
                }
                for act in acts
            ],
            "AnyCase": list(names),
            "ProofSeconds": PROOF_SECONDS,
            "ShortestList": min(LONGEST_PROOF, shortest_list),
            "LongestProof": LONGEST_PROOF,
            "Seconds": list_seconds,
            "ActSeconds": seconds,
        }
        result, times = self._run(parameters, [*first, listing, *(act.call for act in acts)], called)
        return BatchResult(
            tuple(times.read(one) for one in result["calls"]),
            tuple(times.read_act(one) for one in result["acts"]),
            times.read(result["listing"]),
            times.latest + result["listing"]["begun"],
            result["shortest_list"],
        )

    def _seconds_left(self, act: ConditionalCall, called: float) -> float | None:
        """Count from the script's start, which is later than the call of the module by no more than what is known."""
        return None if math.isinf(act.send_before) else act.send_before - called - self._beside

    def _run(self, parameters: dict[str, Any], calls: Sequence[Call], called: float) -> tuple[Any, _Times]:
        arguments: dict[str, Any] = {"script": SCRIPT.read_text(encoding="utf-8"), "parameters": parameters}
        credentials = {secret for call in calls for secret in call.secrets.values()}
        if len(credentials) > 1:
            raise ValueError("one request holds one credential at most")
        for credential in credentials:
            arguments["sensitive_parameters"] = [
                {"name": "Credential", "username": credential.user, "password": credential.password}
            ]
        try:
            result = self._run_module(module_name=MODULE, module_args=arguments)
        except AnsibleConnectionFailure:
            raise
        except AnsibleError as error:
            if MODULE not in str(error):
                raise
            raise ServiceError(
                f"The collection ansible.windows is needed: ansible-galaxy collection install ansible.windows ({error})"
            ) from error
        if result.get("unreachable"):
            raise AnsibleConnectionFailure(_cause(result))
        ended = self._clock()
        try:
            answered = json.loads(result["output"][0])
            own_seconds = float(answered["seconds"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ServiceError(f"The cmdlets could not be run on {self._host}: {_cause(result)}") from error
        self._beside = max(self._beside, ended - called - own_seconds)
        return answered, _Times(called, ended - own_seconds)


@dataclass(frozen=True, slots=True)
class _Times:
    """Reads answers of the script, which started between these two clock readings."""

    earliest: float
    latest: float

    def read(self, answer: Mapping[str, Any]) -> TimedResult:
        begun, ended = answer["begun"], answer["ended"]
        return TimedResult(_read_answer(answer), self.earliest + begun, ended - begun)

    def read_act(self, act: Mapping[str, Any]) -> ConditionalResult:
        verdict, answer = Verdict(act["verdict"]), act["answer"]
        if answer is None:
            return ConditionalResult(verdict, self.earliest)
        begun, ended = answer["begun"], answer["ended"]
        return ConditionalResult(
            verdict,
            self.earliest + ended,
            _read_answer(answer),
            self.latest + begun,
            ended - begun,
            act["proof_age"],
        )


def _request(call: Call) -> dict[str, Any]:
    return {"command": call.command, "parameters": dict(call.parameters), "secrets": list(call.secrets)}


def _read_answer(answer: Mapping[str, Any]) -> CallResult:
    return CallResult(
        State(answer["state"]),
        tuple(answer["output"]),
        tuple(ErrorRecord.of(one["id"], one["category"], one["exception"], one["message"]) for one in answer["errors"]),
        tuple(answer["warnings"]),
    )


def _cause(result: Mapping[str, Any]) -> str:
    """Say in a line why a module failed: the script's own error, else what the module says and left on stderr."""
    errors = result.get("error")
    texts = [errors[0]["exception"]["message"]] if errors else [result.get("msg"), result.get("module_stderr")]
    cause = ": ".join(" ".join(str(text).split()) for text in texts if text)
    if len(cause) > LONGEST_CAUSE:
        cause = f"{cause[:LONGEST_CAUSE]} ..."
    return cause or "the module gave no result"
