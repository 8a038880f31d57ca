# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script transport: data only as parameters, answers read, failures told.

What the script does is tested in tests/engine/script.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.proof import LONGEST_PROOF, PROOF_SECONDS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    Credential,
    ErrorRecord,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import (
    SCRIPT,
    ConditionalCall,
    ConditionalResult,
    ScriptTransport,
    TimedResult,
    Verdict,
)

HOSTILE = "a'; Remove-Item $(x)\n\u00e9\U0001f600"
LISTING = Call("Get-RDUserSession", {"CollectionName": ["Desk"]})
SIGN_IN = Call("Add-RdsAccount", {"DeploymentUrl": "https://x"}, {"Credential": Credential("me", "secret")})
NOTHING = {"state": "completed", "output": [], "errors": [], "warnings": [], "begun": 1.0, "ended": 1.5}
ERROR = {
    "id": "SessionNotFound,Close-WmsSession",
    "category": "ObjectNotFound",
    "exception": "System.Management.Automation.ItemNotFoundException",
    "message": "Cannot find session 99",
}


def act(number: int, send_before: float = math.inf) -> ConditionalCall:
    return ConditionalCall(
        Call("Invoke-RDUserLogoff", {"HostServer": HOSTILE, "UnifiedSessionID": number, "Force": True}),
        {"HostServer": HOSTILE, "UnifiedSessionId": number},
        {"UserName": "user", "CreateTime": "2026-11-21T08:30:02Z"},
        send_before,
    )


class Module:
    """Stands for an action's _execute_module."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self.answer = answer
        self.args: dict[str, Any] = {}
        self.name = ""

    def __call__(self, *, module_name: str, module_args: dict[str, Any]) -> Mapping[str, Any]:
        self.name, self.args = module_name, json.loads(json.dumps(module_args))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ran(
    calls: list[Any] = (),  # type: ignore[assignment]
    acts: list[Any] = (),  # type: ignore[assignment]
    listing: Any = None,
    seconds: float = 4.0,
    shortest_list: float = 0.5,
) -> dict[str, Any]:
    """What the module returns: the script took so many seconds from its own start."""
    said = {"calls": list(calls), "acts": list(acts), "listing": listing}
    said.update(seconds=seconds, shortest_list=shortest_list)
    return {"output": [json.dumps(said)], "error": []}


def cmdlets(answer: Mapping[str, Any] | Exception, *readings: float) -> tuple[ScriptTransport, Module]:
    """Make the transport; `readings` are those of the clock, before and after each call of the module."""
    module, clock = Module(answer), iter(readings or (100.0, 110.0))
    return ScriptTransport(module, "broker", clock.__next__), module


def test_data_travels_only_as_parameters_and_secrets_only_as_sensitive_ones() -> None:
    transport, module = cmdlets(ran([NOTHING], [{"verdict": "gone", "answer": None}], NOTHING))
    transport.act(LISTING, [act(2)], 30.0, 120.0, first=[SIGN_IN], names=["UserName"], shortest_list=2.5)
    assert module.name == "ansible.windows.win_powershell"
    assert module.args == {
        "script": SCRIPT.read_text(encoding="utf-8"),
        "parameters": {
            "Calls": [
                {
                    "command": "Add-RdsAccount",
                    "parameters": {"DeploymentUrl": "https://x"},
                    "secrets": ["Credential"],
                }
            ],
            "Listing": {"command": "Get-RDUserSession", "parameters": {"CollectionName": ["Desk"]}, "secrets": []},
            "Acts": [
                {
                    "call": {
                        "command": "Invoke-RDUserLogoff",
                        "parameters": {"HostServer": HOSTILE, "UnifiedSessionID": 2, "Force": True},
                        "secrets": [],
                    },
                    "where": {"HostServer": HOSTILE, "UnifiedSessionId": 2},
                    "expect": {"UserName": "user", "CreateTime": "2026-11-21T08:30:02Z"},
                    "seconds": None,
                }
            ],
            "AnyCase": ["UserName"],
            "ProofSeconds": PROOF_SECONDS,
            "ShortestList": 2.5,
            "LongestProof": LONGEST_PROOF,
            "Seconds": 120.0,
            "ActSeconds": 30.0,
        },
        "sensitive_parameters": [{"name": "Credential", "username": "me", "password": "secret"}],
    }


def test_answers_are_read() -> None:
    transport, _module = cmdlets(
        ran(
            [
                {**NOTHING, "output": [{"SessionId": 2}], "warnings": ["w"]},
                {**NOTHING, "state": "failed", "errors": [ERROR]},
            ]
        )
    )
    assert [one.answer for one in transport.run([LISTING, LISTING], 5)] == [
        CallResult(State.COMPLETED, ({"SessionId": 2},), (), ("w",)),
        CallResult(
            State.FAILED,
            errors=(
                ErrorRecord("SessionNotFound", "ObjectNotFound", "ItemNotFoundException", "Cannot find session 99"),
            ),
        ),
    ]


def test_every_act_has_its_verdict() -> None:
    acts = [{"verdict": one.value, "answer": None} for one in Verdict if one is not Verdict.SENT]
    acts.append({"verdict": "sent", "answer": {**NOTHING, "state": "no answer"}, "proof_age": 4.5})
    transport, _module = cmdlets(ran([], acts, {**NOTHING, "output": [{"UnifiedSessionId": 7}]}))
    acted = transport.act(LISTING, [act(number) for number in range(5)], 30, 120)
    assert [one.verdict for one in acted.acts] == [
        *(Verdict.GONE, Verdict.REPLACED, Verdict.UNPROVEN, Verdict.LATER, Verdict.SENT),
    ]
    assert [one.answer for one in acted.acts] == [None] * 4 + [CallResult(State.NO_ANSWER)]
    assert acted.listing.answer.output == ({"UnifiedSessionId": 7},)
    assert [one.proof_age for one in acted.acts] == [None] * 4 + [4.5], "in the script's own time"


# The script's clock and that of this process


def test_times_claim_no_more_than_is_known() -> None:
    """The script started between 100 and 106: an act may have been sent late, and an answer or a list may be old."""
    sent = {"verdict": "sent", "answer": {**NOTHING, "begun": 2.0, "ended": 3.0}, "proof_age": 0.5}
    gone = {"verdict": "gone", "answer": None}
    listing = {**NOTHING, "begun": 3.5, "ended": 5.0}
    transport, _module = cmdlets(ran([NOTHING], [sent, gone], listing), 100.0, 110.0)
    acted = transport.act(LISTING, [act(2), act(3)], 30, 120, first=[LISTING])
    assert acted.acts == (
        ConditionalResult(Verdict.SENT, 103.0, CallResult(State.COMPLETED), 108.0, 1.0, 0.5),
        ConditionalResult(Verdict.GONE, 100.0),
    )
    assert acted.first == (TimedResult(CallResult(State.COMPLETED), 101.0, 0.5),)
    assert acted.listing == TimedResult(CallResult(State.COMPLETED), 103.5, 1.5)
    assert acted.listing.begun_at > max(one.answered_at for one in acted.acts)
    assert acted.listed_at_latest == 109.5, "1.5 s after the act was sent, in the script's time"


def test_lists_of_a_run_tell_when_they_began_and_how_long_they_took() -> None:
    transport, _module = cmdlets(ran([NOTHING, {**NOTHING, "begun": 2.0, "ended": 2.25}]), 100.0, 110.0)
    timed = transport.run([LISTING, LISTING], 5)
    assert [(one.begun_at, one.seconds) for one in timed] == [(101.0, 0.5), (102.0, 0.25)]


def test_shortest_list_is_told_both_ways() -> None:
    """When none is known, the longest proof bounds what it may be."""
    transport, module = cmdlets(ran(listing=NOTHING, shortest_list=0.25))
    assert transport.act(LISTING, [], 30, 120).shortest_list == 0.25
    assert module.args["parameters"]["ShortestList"] == LONGEST_PROOF


def seconds_left(module: Module) -> list[float | None]:
    return [one["seconds"] for one in module.args["parameters"]["Acts"]]


def test_start_of_the_script_is_taken_off_the_time_that_an_act_has() -> None:
    """As long as it ever took in this task, as its clock starts when that of this process has run for a while."""
    transport, module = cmdlets(ran(), *(0.0, 5.0), *(10.0, 20.0), *(30.0, 34.5), *(40.0, 45.0))
    transport.run([], 5)
    module.answer = ran([], [{"verdict": "later", "answer": None}] * 3, NOTHING)
    acts = [act(1), act(2, 16.0), act(3, 10.0)]
    transport.act(LISTING, acts, 30, 120)
    assert seconds_left(module) == [None, 5.0, -1.0], "it took 1 s beside the script's own 4 s"
    transport.act(LISTING, acts, 30, 120)
    transport.act(LISTING, [act(1), act(2, 56.0), act(3, 46.0)], 30, 120)
    assert seconds_left(module) == [None, 10.0, 0.0], "the longest was 6 s"


@pytest.mark.parametrize("expect", [{}, {"UserName": None}])
def test_an_act_without_proof_cannot_be_made(expect: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="proves"):
        ConditionalCall(LISTING, {"SessionId": 1}, expect)


def test_a_request_says_where_in_one_way_and_holds_one_credential() -> None:
    transport, _module = cmdlets(ran())
    with pytest.raises(ValueError, match="same properties"):
        transport.act(LISTING, [act(1), ConditionalCall(LISTING, {"Id": 1}, {"User": "a"})], 5, 5)
    other = Call("Add-RdsAccount", secrets={"Credential": Credential("you", "secret")})
    with pytest.raises(ValueError, match="one credential"):
        transport.run([SIGN_IN, other], 5)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"failed": True, "msg": "Failed to become user"}, "broker: Failed to become user"),
        ({"output": [], "error": [{"exception": {"message": "the\nscript's error"}}]}, "broker: the script's error"),
        ({"output": ["no json"], "error": []}, "the module gave no result"),
        ({"failed": True, "msg": "", "module_stderr": "text"}, "broker: text"),
        ({"failed": True, "msg": "FAILURE\nSee", "module_stderr": "the\ncause"}, "FAILURE See: the cause"),
        ({"failed": True, "msg": "x", "module_stderr": "y" * 9000}, "yyy ..."),
        (AnsibleError("The module ansible.windows.win_powershell was not found"), "ansible-galaxy collection install"),
    ],
)
def test_a_failed_module_is_told_in_a_sentence(result: Any, words: str) -> None:
    transport, _module = cmdlets(result)
    with pytest.raises(ServiceError) as error:
        transport.run([LISTING], 5)
    assert words in str(error.value)


@pytest.mark.parametrize("result", [AnsibleConnectionFailure("gone"), {"unreachable": True, "msg": "gone"}])
def test_a_lost_connection_stays_one(result: Any) -> None:
    transport, _module = cmdlets(result)
    with pytest.raises(AnsibleConnectionFailure, match="gone"):
        transport.run([LISTING], 5)


def test_the_script_is_constant_and_plain() -> None:
    text = SCRIPT.read_text(encoding="ascii")
    assert not text.startswith("#!")
    assert "{{" not in text
