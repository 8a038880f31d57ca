# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands for ansible.windows.win_powershell on a host with PowerShell, of which neither is there.

It takes what the real module takes, but no script other than the packaged one, and answers as that script would: each
call is a pipeline of one command, sent by pypsrp to the lab's WinRM door. SCRIPT_HOST says how to get there, and
SCRIPT_HOST_NAME which Windows host this is.
"""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from ansible.module_utils.basic import AnsibleModule
from pypsrp.complex_objects import GenericComplexObject, PSCredential, PSInvocationState
from pypsrp.exceptions import WinRMError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from requests.exceptions import RequestException

SECRET = {
    "name": {"type": "str", "required": True},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "value": {"type": "str", "no_log": True},
}
# As in ansible.windows 3.8.0 (of ansible 14.5.0), but without path and remote_src, which 2.5.0 (ansible 9.13.0) lacks.
SPEC: dict[str, Any] = {
    "arguments": {"type": "list", "elements": "str"},
    "chdir": {"type": "str"},
    "creates": {"type": "str"},
    "depth": {"type": "int", "default": 2},
    "error_action": {"type": "str", "choices": ["silently_continue", "continue", "stop"], "default": "continue"},
    "executable": {"type": "str"},
    "parameters": {"type": "dict"},
    "removes": {"type": "str"},
    "script": {"type": "str", "required": True},
    "sensitive_parameters": {
        "type": "list",
        "elements": "dict",
        "options": SECRET,
        "mutually_exclusive": [("value", "username"), ("value", "password")],
        "required_one_of": [("username", "value")],
        "required_together": [("username", "password")],
    },
}
PARAMETER = re.compile(r"^    \[.+\] \$(\w+)", re.MULTILINE)
"""One that the script declares."""
SEND_SECONDS = 10
AT_ONCE = 8
MOST_SILENT = 40
SILENT_SECONDS = 0.5
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
STATES = {PSInvocationState.COMPLETED: "completed", PSInvocationState.FAILED: "failed"}
NOTHING = {"state": "completed", "output": [], "errors": [], "warnings": []}
Json = dict[str, Any]


@dataclass(eq=False)
class Running:
    """An act that is under way."""

    shell: PowerShell
    begun: float
    proof_age: float

    def is_silent(self, now: float) -> bool:
        return now - self.begun >= SILENT_SECONDS


def places(running: dict[int, Running], now: float) -> int:
    """How many more acts may be in flight."""
    silent = sum(one.is_silent(now) for one in running.values())
    return AT_ONCE - len(running) + min(silent, MOST_SILENT)


class Script:
    """What the script does, over a runspace pool that stands for its process."""

    def __init__(self, pool: RunspacePool, given: Json, credential: Any) -> None:
        self._pool = pool
        self._given = given
        self._credential = credential
        self._started = time.monotonic()
        self._last_begin = math.inf
        self._turn = 0
        self.shortest_list: float = given.get("ShortestList", 0.0)

    @property
    def longest_proof(self) -> float:
        """How many seconds after its list was begun a row is proof."""
        return float(min(self._given["LongestProof"], self._given["ProofSeconds"] + self.shortest_list))

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self._started

    def run(self, calls: list[Json]) -> list[Json]:
        """Run calls at once. Those that take too long are left behind."""
        begun = self.seconds
        shells = [self._begin(call) for call in calls]
        deadline = time.monotonic() + self._given.get("Seconds", 60)
        while time.monotonic() < deadline and any(shell.state == PSInvocationState.RUNNING for shell in shells):
            for shell in shells:
                if shell.state == PSInvocationState.RUNNING:
                    shell.poll_invoke(timeout=1)
        ended = self.seconds
        return [{**answer(shell), "begun": begun, "ended": ended} for shell in shells]

    def _begin(self, call: Json) -> PowerShell:
        shell = PowerShell(self._pool).add_cmdlet(call["command"])
        for name, value in call["parameters"].items():
            shell.add_parameter(name, value)
        for name in call["secrets"]:
            self._pool.exchange_keys()
            shell.add_parameter(name, self._credential)
        shell.begin_invoke()
        return shell

    def act(self, may_act: bool) -> tuple[list[Json], Json]:
        """List, run the acts that the list proves, and list again."""
        listing, acts = self._given["Listing"], self._given.get("Acts", [])
        names = self._given.get("AnyCase", [])
        reports: list[Json] = []
        running: dict[int, Running] = {}
        proof = Proof(self, listing, names)
        while len(reports) < len(acts) or running:
            while len(reports) < len(acts):
                act, verdict = acts[len(reports)], "later"
                read = proof.in_time and proof.is_old
                if not self._late(act, read):
                    if places(running, self.seconds) <= 0:
                        break
                    if read:
                        proof = Proof(self, listing, names)
                    verdict = self._verdict(act, proof, may_act)
                if verdict == "sent":
                    running[len(reports)] = Running(self._begin(act["call"]), self.seconds, proof.age)
                    self._last_begin = min(self._last_begin, self.seconds + SEND_SECONDS)
                reports.append({"verdict": verdict, "answer": None})
            for number in self._ended(running):
                one = running.pop(number)
                times = {"begun": one.begun, "ended": self.seconds}
                reports[number].update(answer={**answer(one.shell), **times}, proof_age=one.proof_age)
        if any(report["answer"] for report in reports):
            proof = Proof(self, listing, names)
        return reports, proof.answer

    def _ended(self, running: dict[int, Running]) -> list[int]:
        """Ask for the answers of calls that have just begun, and of one of the silent ones in turn."""
        silent = [one for one in running.values() if one.is_silent(self.seconds)]
        asked = [one for one in running.values() if one not in silent]
        if silent:
            self._turn += 1
            asked.append(silent[self._turn % len(silent)])
        for one in asked:
            if one.shell.state == PSInvocationState.RUNNING:
                one.shell.poll_invoke(timeout=0.1)
        limit = self._given["ActSeconds"]
        return [
            number
            for number, one in running.items()
            if one.shell.state != PSInvocationState.RUNNING or self.seconds >= one.begun + limit
        ]

    def _late(self, act: Json, read: bool = False) -> bool:
        """Whether it may not begin any more, when perhaps a list must be read first."""
        now = self.seconds + (self.shortest_list if read else 0.0)
        return now > self._last_begin or (act["seconds"] is not None and now >= act["seconds"])

    def _verdict(self, act: Json, proof: Proof, may_act: bool) -> str:
        if self._late(act):
            return "later"
        verdict = proof.verdict(act)
        if verdict != "proven":
            return verdict
        return "sent" if may_act and not proof.is_old else "unproven"


class Proof:
    """A list of what is there."""

    def __init__(self, script: Script, listing: Json, names: Iterable[str]) -> None:
        self._script = script
        self._begun = time.monotonic()
        self._names = set(names)
        (self.answer,) = script.run([listing])
        self._whole = self.answer["state"] == "completed" and not self.answer["errors"]
        if self._whole:
            script.shortest_list = min(script.shortest_list, self.answer["ended"] - self.answer["begun"])
        self.in_time = not self.is_old

    @property
    def is_old(self) -> bool:
        """Whether it proves nothing any more."""
        return self.age >= self._script.longest_proof

    @property
    def age(self) -> float:
        return time.monotonic() - self._begun

    def verdict(self, act: Json) -> str:
        if not self._whole:
            return "unproven"
        rows = [row for row in self.answer["output"] if where(row, act["where"]) == where(act["where"], act["where"])]
        if not rows:
            return "gone"
        if len(rows) != 1:
            return "unproven"
        expected = act["expect"]
        return "proven" if all(self._same(rows[0].get(name), expected[name], name) for name in expected) else "replaced"

    def _same(self, found: object, expected: object, name: str) -> bool:
        if name in self._names and all(one is None or isinstance(one, str) for one in (found, expected)):
            return str(found or "").strip().upper() == str(expected or "").strip().upper()
        return json.dumps(found) == json.dumps(expected)


def where(row: Json, names: Iterable[str]) -> list[str]:
    return [str(row.get(name)).lower() for name in names]


def answer(shell: PowerShell) -> Json:
    """The script's account of a call."""
    if shell.state not in STATES:
        return {**NOTHING, "state": "no answer"}
    return {
        "state": STATES[shell.state],
        "output": [row(one) for one in shell.output] if shell.state == PSInvocationState.COMPLETED else [],
        "errors": [
            {
                "id": record.fq_error,
                "category": record.message.partition(":")[0],
                "exception": record.exception.types[0],
                "message": str(record),
            }
            for record in cast("list[Any]", shell.streams.error)
        ],
        "warnings": [str(record.message) for record in shell.streams.warning],
    }


def row(value: Any) -> Json:
    if isinstance(value, GenericComplexObject):
        return {**dict(members(value.adapted_properties)), **dict(members(value.extended_properties))}
    return {"Value": plain(value)}


def members(properties: Json) -> Iterator[tuple[str, Any]]:
    for name, value in properties.items():
        yield name, plain(value)


def plain(value: Any) -> Any:
    """Dates in UTC, and text for what JSON does not know."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    match = TIME.fullmatch(str(value))
    if match is None:
        return str(value)
    zone = "+00:00" if match[3] == "Z" else match[3]
    moment = datetime.fromisoformat(match[1] + zone).astimezone(timezone.utc).replace(tzinfo=None)
    return moment.isoformat() + (match[2] or "").rstrip("0").rstrip(".") + "Z"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(SPEC, supports_check_mode=True)  # type: ignore[no-untyped-call,unused-ignore]
    door = json.loads(os.environ["SCRIPT_HOST"])
    script, given = module.params["script"], module.params["parameters"] or {}
    secrets = {secret["name"]: secret for secret in module.params["sensitive_parameters"] or []}
    if script != Path(door["script"]).read_text(encoding="utf-8"):
        module.fail_json(msg="this is not the packaged script")
    if not {*given, *secrets} <= set(PARAMETER.findall(script.partition("\n)\n")[0])):
        module.fail_json(msg="the script has no such parameter")
    if any(secret["password"] in json.dumps(given) for secret in secrets.values()):
        module.fail_json(msg="a secret is among the parameters")
    if module.check_mode and "[CmdletBinding(SupportsShouldProcess)]" not in script:
        module.exit_json(changed=True, skipped=True, msg="skipped, running in check mode")
    credential = None
    if "Credential" in secrets:
        named = {name: secrets["Credential"][name] for name in ("username", "password")}
        credential = PSCredential(**named)  # type: ignore[no-untyped-call]
    path, sign_in = f"wsman/{os.environ['SCRIPT_HOST_NAME']}", {name: door[name] for name in ("username", "password")}
    host = WSMan("127.0.0.1", port=door["port"], path=path, auth="ntlm", cert_validation=door["ca_file"], **sign_in)
    output: Json = {"calls": [], "acts": [], "listing": None}
    try:
        # The script signs in in each of its runspaces. Which one of a pool takes a call nobody can say.
        with RunspacePool(host, max_runspaces=1 if secrets else AT_ONCE + MOST_SILENT) as pool:
            process = Script(pool, given, credential)
            for call in given.get("Calls", []):
                # The lab loads its modules by itself.
                loaded = {**NOTHING, "begun": process.seconds, "ended": process.seconds}
                output["calls"] += [loaded] if call["command"] == "Import-Module" else process.run([call])
            if given.get("Listing"):
                output["acts"], output["listing"] = process.act(may_act=not module.check_mode)
            output.update(shortest_list=process.shortest_list, seconds=process.seconds)
    except (WinRMError, RequestException) as error:
        # As a connection plugin would say it.
        module.exit_json(unreachable=True, msg=f"the host cannot be reached: {type(error).__name__}")
    module.exit_json(changed=True, output=[json.dumps(output)], error=[], warning=[], host_out="", host_err="")


if __name__ == "__main__":
    main()
