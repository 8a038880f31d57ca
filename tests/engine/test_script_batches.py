# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine over the script on a real PowerShell, without Ansible in between: acts that need several runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.cmdlet_batches import BatchSessions
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.session_cmdlets import LOGOFF
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.win_powershell import ScriptCmdlets
from tests import cmdlets
from tests.engine.script.driver import Json, Script
from tests.engine.script.hosts import Hosts, collection, deployment
from tests.lab.client import Lab

COMMAND = "Invoke-RDUserLogoff"
EVERYBODY = Selection()


class Console:
    """Nobody is asked."""

    def confirm(self, verb: str, sessions: Sequence[Session]) -> None:
        pytest.fail("asked")

    def progress(self, asked: int, finished: int, total: int, seconds: float) -> None:
        pass


class Module:
    """Runs the script on the broker; C(changes) are parameters that are set otherwise."""

    def __init__(self, hosts: Hosts, changes: Json) -> None:
        self.hosts, self.changes = hosts, changes
        self.runs: list[Json] = []

    def __call__(self, *, module_name: str, module_args: dict[str, Any], task_vars: Any) -> Mapping[str, Any]:
        changes = self.changes if module_args["parameters"].get("Acts") else {}
        self.runs.append(self.hosts.run({**module_args["parameters"], **changes}, seconds=120))
        return {"output": [json.dumps(self.runs[-1])], "error": []}

    def sent(self) -> list[int]:
        """How many acts each run sent that had some."""
        acts = [run["acts"] for run in self.runs if run["acts"]]
        return [sum(act["verdict"] == "sent" for act in run) for run in acts]


@pytest.fixture(scope="module")
def lab_hosts(pwsh: str) -> Iterator[Hosts]:
    script = Script(pwsh, {})
    with Lab.start(winrm=True) as lab:
        yield Hosts(lab, cmdlets.build(pwsh), script)
        script.close()


@pytest.fixture
def hosts(lab_hosts: Hosts) -> Hosts:
    lab_hosts.lab.reset()
    return lab_hosts


def log_off(
    hosts: Hosts, selection: Selection = EVERYBODY, wait_timeout: float = 60.0, **changes: Any
) -> tuple[Report, Module]:
    """Log off who is selected."""
    module, clock = Module(hosts, changes), time.monotonic
    transport = ScriptCmdlets(module, {}, "broker", clock)
    service = BatchSessions(RdsCmdlets(), transport, "broker", clock, 30.0, time.sleep)
    request = engine.Request(LOGOFF, selection, wait_timeout=wait_timeout)
    return engine.run(request, service, Console(), clock), module


def test_acts_that_one_run_leaves_are_sent_by_the_next(hosts: Hosts) -> None:
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 20})))
    hosts.fault("hang", COMMAND, seconds=1.2)
    report, module = log_off(hosts, SendSeconds=1)
    assert report.summary() == {"logged_off": 20}
    assert len(hosts.ended()) == 20, "each once"
    assert module.sent() == [8, 8, 4]
