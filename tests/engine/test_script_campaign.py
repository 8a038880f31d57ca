# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawn troubles while the engine works over the script on a real PowerShell, judged by the farm's own account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters, Selection
from tests import cmdlets
from tests.engine.script.driver import Script
from tests.engine.script.hosts import Hosts, collection, deployment
from tests.engine.script_runs import COMMAND, log_off
from tests.lab.client import Lab

LIST = "Get-RDUserSession"
HOST = "rdsh-1.contoso.com"
RUNS = 8
PROTECTED = "protected@contoso.com"
MALLORY = "mallory@contoso.com"
PROOF = 1.0
"""Seconds for which a proof is believed here, so that lists can be too slow for it without costing much time."""
WAIT = 2.0

# What happens to an act on a session, and what the farm does beside it: whether it is ended then, and whether the
# session of that moment is the one that was selected.
ON_ACT = {
    "error": {"kind": "error", "code": 1722},
    "error once": {"kind": "error", "code": 1722, "times": 1},
    "error after the effect": {"kind": "error", "code": 1722, "times": 1, "then": {"remove": True}},
    "hangs for a while": {"kind": "hang", "seconds": 0.5},
    "hangs": {"kind": "hang", "seconds": 3.5, "times": 1},
}
# What happens just before a list is read.
BEFORE_LIST = {
    "id given away": {"give_id_to": MALLORY},
    "leaves": {"remove": True},
    "disconnects": {"disconnect": True},
}

SCHEDULES = st.fixed_dictionaries(
    {
        "sessions": st.integers(2, 6),
        "acts": st.dictionaries(st.integers(2, 7), st.sampled_from(sorted(ON_ACT)), max_size=2),
        "lists": st.lists(
            st.tuples(st.integers(1, 3), st.integers(2, 7), st.sampled_from(sorted(BEFORE_LIST))), max_size=2
        ),
        "slow list": st.none() | st.integers(1, 2),
    }
)


@pytest.fixture(scope="module")
def hosts(pwsh: str) -> Iterator[Hosts]:
    script = Script(pwsh, {})
    with Lab.start(winrm=True) as lab:
        yield Hosts(lab, cmdlets.build(pwsh), script)
        script.close()


def prepare(hosts: Hosts, schedule: dict[str, Any]) -> None:
    users = [PROTECTED, *(f"user{number}@contoso.com" for number in range(schedule["sessions"]))]
    hosts.lab.reset(
        deployment(collection((HOST, [{"id": number, "user": user} for number, user in enumerate(users, 1)])))
    )
    for id_, name in schedule["acts"].items():
        rule = dict(ON_ACT[name])
        if "then" in rule:
            rule["then"] = {"host": HOST, "id": id_, **rule["then"]}
        hosts.fault(rule.pop("kind"), COMMAND, parameters={"UnifiedSessionID": id_}, **rule)
    for skip, id_, name in schedule["lists"]:
        hosts.fault("pass", LIST, skip=skip, times=1, then={"host": HOST, "id": id_, **BEFORE_LIST[name]})
    if schedule["slow list"] is not None:
        hosts.fault("wait", LIST, skip=schedule["slow list"], times=1, seconds=PROOF + 0.5)


@settings(
    max_examples=RUNS,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(schedule=SCHEDULES)
def test_nobody_else_is_logged_off_and_nothing_is_misreported(hosts: Hosts, schedule: dict[str, Any]) -> None:
    prepare(hosts, schedule)
    selected = {one["id"]: one["user"] for one in hosts.lab.sessions() if one["user"] != PROTECTED}
    selection = Selection(filters=Filters(excluded_users=(PROTECTED,)))
    report, _module = log_off(hosts, selection, WAIT, ProofSeconds=PROOF)
    now = {(one["id"], one["user"]) for one in hosts.lab.sessions()}
    ours = Counter((id_, user) for _host, id_, user in hosts.ended())

    assert set(ours) <= set(selected.items()), "somebody was logged off who was not selected"
    assert max(ours.values(), default=1) == 1, "somebody was logged off twice"
    disturbed = {*schedule["acts"], *(id_ for _skip, id_, _name in schedule["lists"])}
    outcomes = {int(row.key[2]): row.outcome for row in report.rows}
    assert set(outcomes) == set(selected)
    for id_, user in selected.items():
        there, outcome = (id_, user) in now, outcomes[id_]
        if outcome in ("logged_off", "already_gone", "replaced"):
            assert not there, f"{id_} is {outcome} and there"
        if outcome == "still_there":
            assert there, f"{id_} is still_there and gone"
        if outcome in ("already_gone", "replaced"):
            assert not ours[(id_, user)], f"{id_} was logged off by us and is {outcome}"
        if id_ not in disturbed and schedule["slow list"] is None:
            assert outcome == "logged_off", f"nothing happened to {id_}, which is {outcome}"
    assert report.changed or not ours
