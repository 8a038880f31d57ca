# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The script transport: data only as parameters, answers read, failures told.

What the script does is tested in tests/engine/script.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.sessions.service import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.transports.cmdlet import (
    Answer,
    Call,
    Credential,
    ErrorRecord,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils.transports.win_powershell import (
    SCRIPT,
    Act,
    ActAnswer,
    ScriptCmdlets,
    Verdict,
)

HOSTILE = "a'; Remove-Item $(x)\n\u00e9\U0001f600"
LISTING = Call("Get-RDUserSession", {"CollectionName": ["Desk"]})
SIGN_IN = Call("Add-RdsAccount", {"DeploymentUrl": "https://x"}, {"Credential": Credential("me", "secret")})
NOTHING = {"state": "completed", "output": [], "errors": [], "warnings": []}
ERROR = {
    "id": "SessionNotFound,Close-WmsSession",
    "category": "ObjectNotFound",
    "exception": "System.Management.Automation.ItemNotFoundException",
    "message": "Cannot find session 99",
}


def act(number: int) -> Act:
    return Act(
        Call("Invoke-RDUserLogoff", {"HostServer": HOSTILE, "UnifiedSessionID": number, "Force": True}),
        {"HostServer": HOSTILE, "UnifiedSessionId": number},
        {"UserName": "user", "CreateTime": "2026-11-21T08:30:02Z"},
    )


class Module:
    """Stands for an action's _execute_module."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self.answer = answer
        self.args: dict[str, Any] = {}
        self.name = ""

    def __call__(self, *, module_name: str, module_args: dict[str, Any], task_vars: Any) -> Mapping[str, Any]:
        assert task_vars == {"ansible_user": "me"}
        self.name, self.args = module_name, json.loads(json.dumps(module_args))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ran(calls: list[Any] = (), acts: list[Any] = (), listing: Any = None) -> dict[str, Any]:  # type: ignore[assignment]
    return {"output": [json.dumps({"calls": list(calls), "acts": list(acts), "listing": listing})], "error": []}


def cmdlets(answer: Mapping[str, Any] | Exception) -> tuple[ScriptCmdlets, Module]:
    module = Module(answer)
    return ScriptCmdlets(module, {"ansible_user": "me"}, "broker"), module


def test_data_travels_only_as_parameters_and_secrets_only_as_sensitive_ones() -> None:
    transport, module = cmdlets(ran([NOTHING], [{"verdict": "gone", "seconds": 0, "answer": None}], NOTHING))
    transport.act(LISTING, [act(2)], 30.0, 120.0, first=[SIGN_IN])
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
                }
            ],
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
    assert transport.run([LISTING, LISTING], 5) == [
        Answer(State.COMPLETED, ({"SessionId": 2},), (), ("w",)),
        Answer(
            State.FAILED,
            errors=(
                ErrorRecord("SessionNotFound", "ObjectNotFound", "ItemNotFoundException", "Cannot find session 99"),
            ),
        ),
    ]


def test_every_act_has_its_verdict() -> None:
    acts = [{"verdict": one.value, "seconds": 0, "answer": None} for one in Verdict if one is not Verdict.SENT]
    acts.append({"verdict": "sent", "seconds": 0.25, "answer": {**NOTHING, "state": "no answer"}})
    transport, _module = cmdlets(ran([], acts, {**NOTHING, "output": [{"UnifiedSessionId": 7}]}))
    acted = transport.act(LISTING, [act(number) for number in range(4)], 30, 120)
    assert acted.acts == (
        ActAnswer(Verdict.GONE, None),
        ActAnswer(Verdict.REPLACED, None),
        ActAnswer(Verdict.UNPROVEN, None),
        ActAnswer(Verdict.SENT, Answer(State.NO_ANSWER), 0.25),
    )
    assert acted.listing.output == ({"UnifiedSessionId": 7},)


@pytest.mark.parametrize("expect", [{}, {"UserName": None}])
def test_an_act_without_proof_cannot_be_made(expect: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="proves"):
        Act(LISTING, {"SessionId": 1}, expect)


def test_a_request_says_where_in_one_way_and_holds_one_credential() -> None:
    transport, _module = cmdlets(ran())
    with pytest.raises(ValueError, match="same properties"):
        transport.act(LISTING, [act(1), Act(LISTING, {"Id": 1}, {"User": "a"})], 5, 5)
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
