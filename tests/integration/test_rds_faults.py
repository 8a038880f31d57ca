# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logging users off: what is refused, and deployments in which something goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.integration.ansible_process import Cases, Task, attempts, expect_refused
from tests.integration.rds_tasks import COLLECTION, EVERYBODY, ID, log_off
from tests.integration.scenarios import Scenario, call
from tests.integration.windows_hosts import BROKER, LOGOFF, Windows, ended, ended_in, outcomes
from tests.lab import definition

pytestmark = [pytest.mark.newest_core, pytest.mark.waits_long]

Rows = Sequence[Mapping[str, Any]]
CODES = {40: 5, 41: 1722, 42: 21, 43: 50}
"""Errors of log-offs, by the id of the session."""


@dataclass(frozen=True)
class Case:
    """What goes wrong in a deployment, a task there, and what becomes of it."""

    options: Mapping[str, Any]
    outcomes: Mapping[str, str] | None = None
    """By user, else by id; none: the task is refused."""
    ended: Sequence[str] = ()
    """Whose sessions the lab saw logged off."""
    says: Sequence[str] = ()
    added: Rows = ()
    """More sessions on its second host."""
    changed: Rows = ()
    """How sessions differ there."""
    faults: Rows = ()

    def calls(self, pool: str, broker: str, host: str) -> list[tuple[str, dict[str, Any]]]:
        """What the lab is told, for the deployment with this broker and second host."""
        place = {"service": "rds", "pool": pool, "host": host}
        then = [{"then": {"host": host, **rule["then"]}} if "then" in rule else {} for rule in self.faults]
        return [
            *(("sessions", {**place, **row}) for row in self.added),
            *(("change", {**place, **row}) for row in self.changed),
            *(("winrm/faults", {**rule, "host": broker, **more}) for rule, more in zip(self.faults, then, strict=True)),
        ]

    def expect(self, task: Task, seen: Sequence[str]) -> None:
        """Compare with what the task returned, and with whose sessions were logged off."""
        if self.outcomes is None:
            assert "sessions" not in task.result, task
            assert "\n" not in task.message
            fails = True
        else:
            assert outcomes(task, ID) == self.outcomes, task
            assert task.result["changed"] is ("logged_off" in self.outcomes.values())
            fails = bool({"failed", "still_there", "refused"} & set(self.outcomes.values()))
        assert task.status == ("failed" if fails else "ok"), task
        assert all(word in task.message for word in self.says), task
        assert seen == sorted(self.ended)


SOME_ERRORS = Case(
    {"all_sessions": True},
    {**dict.fromkeys(EVERYBODY, "logged_off"), **{f"code{code}": "failed" for code in CODES.values()}},
    EVERYBODY,
    ["Invoke-RDUserLogoff says", "become_method runas"],
    added=[{"id": id_, "user": f"code{code}@contoso.com"} for id_, code in CODES.items()],
    faults=[
        {"kind": "error", "command": "Invoke-RDUserLogoff", "code": code, "parameters": {"UnifiedSessionID": id_}}
        for id_, code in CODES.items()
    ],
)
NO_BROKER = Case(
    {"user": "alice"},
    says=["deployment does not exist", "become_method runas", "CredSSP"],
    faults=[{"kind": "broker_absent"}],
)

CASES = {
    "some-errors": SOME_ERRORS,
    "no-broker": NO_BROKER,
    "no-module": Case(
        {"user": "alice"},
        says=["no command Get-RDUserSession", "RemoteDesktop", "JEA"],
        faults=[{"kind": "not_installed", "command": "Get-RDUserSession"}],
    ),
    "ambiguous-user": Case(
        {"user": "alice"},
        says=["CONTOSO\\alice", "FABRIKAM\\alice"],
        added=[{"id": 40, "user": "alice@fabrikam.com"}],
    ),
    "no-user": Case(
        {"all_sessions": True},
        {"alice": "logged_off", "bob": "logged_off", "2": "refused", "dave": "logged_off"},
        ["alice", "bob", "dave"],
        changed=[{"id": 2, "user": "", "ad_user_name": ""}],
    ),
    "error-for-a-while": Case(
        {"user": "alice"},
        {"alice": "logged_off"},
        ["alice"],
        faults=[{"kind": "error", "command": "Invoke-RDUserLogoff", "code": 1722, "times": 2}],
    ),
    # Her session ends just before the act. The cmdlet's error does not say whether it came before or after an effect.
    "leaves": Case(
        {"user": "carol"},
        {"carol": "logged_off"},
        faults=[{"kind": "pass", "command": "Invoke-RDUserLogoff", "times": 1, "then": {"id": 2, "remove": True}}],
    ),
    "stays": Case(
        {"all_sessions": True, "wait_timeout": 10},
        {"alice": "logged_off", "bob": "logged_off", "carol": "logged_off", "dave": "still_there"},
        EVERYBODY,  # asked for once
        changed=[{"id": 6, "stuck": True}],
    ),
    # A first list that took more than 5 s proves nothing: it is read again.
    "reused-since-the-list": Case(
        {"user": ["carol", "alice"]},
        {"alice": "logged_off", "carol": "replaced"},
        ["alice"],
        faults=[
            {
                "kind": "hang",
                "command": "Get-RDUserSession",
                "seconds": 6,
                "times": 1,
                "when": "after",
                "then": {"id": 2, "give_id_to": "mallory@contoso.com"},
            }
        ],
    ),
}


def test_deployments_in_which_something_goes_wrong(windows: Windows, subtests: pytest.Subtests) -> None:
    """All at the same time, as most of them wait."""
    (alike,) = (pool for pool in definition.read()["pools"] if pool["name"] == COLLECTION)
    brokers = {name: f"broker.{name}.contoso.com" for name in CASES}
    hosts = {
        name: [{**host, "name": f"rdsh-{number}.{name}.contoso.com"} for number, host in enumerate(alike["hosts"])]
        for name in CASES
    }
    windows.lab.reset(
        farm={
            "pools": [
                {**alike, "name": name, "connection_broker": brokers[name], "hosts": hosts[name]} for name in CASES
            ]
        }
    )
    for name, case in CASES.items():
        for call_name, body in case.calls(name, brokers[name], hosts[name][1]["name"]):
            windows.lab.call("POST", call_name, body)

    ran = windows.side_by_side(LOGOFF, {brokers[name]: {"force": True, **case.options} for name, case in CASES.items()})

    audit = windows.lab.audit()
    for name, case in CASES.items():
        with subtests.test(name):
            case.expect(ran[brokers[name]], ended([entry for entry in audit if entry["pool"] == name]))
    with subtests.test("the error of a user who leaves is told"):
        (row,) = ran[brokers["leaves"]].result["sessions"]
        assert row["reason"].startswith("Invoke-RDUserLogoff says: ")


# Bad input


REFUSED: Cases = [
    ({}, ["unified_session_id", "sessions", "all_sessions"]),
    ({"host_server": "rdsh-1"}, ["host_server", "unified_session_id"]),
    ({"unified_session_id": 2}, ["unified_session_id", "host_server"]),
    ({"host_server": "rdsh-1", "unified_session_id": 2, "tenant_name": "T"}, ["unified_session_id", "tenant_name"]),
    ({"tenant_name": "T", "session_host_name": "h", "session_id": 2}, ["force", "tenant_name"]),
    ({"host_server": "rdsh-1", "unified_session_id": "abc"}, ["unified_session_id"]),
    ({"host_server": "rdsh-1", "unified_session_id": -1}, ["unified_session_id"]),
    ({"host_server": "rdsh-1", "unified_session_id": 2147483648}, ["unified_session_id"]),
    ({"host_server": "", "all_sessions": True}, ["host_server is given but empty"]),
    ({"unified_session_id": "", "host_server": "rdsh-1"}, ["unified_session_id is given but empty"]),
    ({"collection_name": "", "all_sessions": True}, ["collection_name is given but empty"]),
    ({"connection_broker": None, "all_sessions": True}, ["connection_broker is given but empty"]),
    ({"user": ""}, ["user is given but empty"]),
    ({"sessions": ""}, ["sessions is given but empty"]),
    ({"sessions": [{"host_server": "rdsh-1"}]}, ["sessions[0]", "unified_session_id"]),
    ({"connection_broker": "broker", "all_sessions": True}, ["connection_broker", "full name"]),
    ({"collection_name": "*", "all_sessions": True}, ["collection_name", "wildcard"]),
    ({"session_state": "gone"}, ["session_state", "STATE_ACTIVE"]),
    ({"wait_timeout": -1, "all_sessions": True}, ["wait_timeout"]),
    ({"no_such_option": 1, "all_sessions": True}, ["no_such_option"]),
]


UNKNOWN: Cases = [
    ({"host_server": "rdsh-9.contoso.com", "unified_session_id": 2}, ["rdsh-9.contoso.com"]),
    ({"host_server": "rdsh-9", "all_sessions": True}, ["rdsh-9"]),
    ({"collection_name": "Nope", "all_sessions": True}, ["Nope", "collection_name"]),
    ({"connection_broker": "other.contoso.com", "all_sessions": True}, ["deployment", "runas", "CredSSP"]),
    ({"collection_name": ["it's $(calc); `n 'x'"], "all_sessions": True}, ["it's $(calc); `n 'x'"]),
    ({"collection_name": "x" * 10_000, "all_sessions": True}, ["xxxxx"]),
    ({"collection_name": ["Desktops\nDesktops"], "all_sessions": True}, ["collection_name", "Desktops Desktops"]),
]


def test_refused_in_german_and_slow(windows: Windows) -> None:
    """What is refused before anything is connected and behind it; what other languages and slow hosts change."""
    german = call("winrm/settings", {"language": "de"})
    in_german = {
        "errors in German": SOME_ERRORS,
        "no broker in German": replace(NO_BROKER, says=["Bereitstellung", *NO_BROKER.says[1:]]),
    }
    refused, unknown, slow, *others = windows.scenarios(
        BROKER,
        Scenario("refused", attempts(LOGOFF, forced(REFUSED))),
        Scenario("unknown places", attempts(LOGOFF, forced(UNKNOWN))),
        Scenario("slow effect", [call("options", {"effect_delay_seconds": 3.0}), log_off(all_sessions=True)]),
        *(
            Scenario(
                name,
                [
                    german,
                    *(call(*one) for one in case.calls(COLLECTION, BROKER, "rdsh-1.contoso.com")),
                    log_off(**case.options),
                ],
            )
            for name, case in in_german.items()
        ),
    )
    expect_refused(refused, REFUSED)
    assert refused.seen["end"]["winrm/report"]["ever"]["shells"] == 0
    expect_refused(unknown, UNKNOWN)
    assert ended_in(unknown) == []
    slow.all_ok(1)
    assert slow.task.result["summary"] == {"logged_off": 4}
    for case, finished in zip(in_german.values(), others, strict=True):
        case.expect(finished.task, ended_in(finished))


def forced(cases: Cases) -> Cases:
    """Without a question."""
    return [({"force": True, **options}, words) for options, words in cases]
