# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log off over the script on a real PowerShell, without Ansible in between."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_script import ScriptService
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import Report
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import LOG_OFF, Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import ScriptTransport
from tests.engine.script.driver import Json
from tests.engine.script.hosts import Hosts
from tests.unit.fakes.console import Console

COMMAND = "Invoke-RDUserLogoff"
EVERYBODY = Selection()


class Module:
    """Runs the script on the broker; `changes` are parameters that are set otherwise."""

    def __init__(self, hosts: Hosts, changes: Json) -> None:
        self.hosts, self.changes = hosts, changes
        self.runs: list[Json] = []

    def __call__(self, *, module_name: str, module_args: dict[str, Any]) -> Mapping[str, Any]:
        changes = self.changes if module_args["parameters"].get("Acts") else {}
        self.runs.append(self.hosts.run({**module_args["parameters"], **changes}, seconds=120))
        return {"output": [json.dumps(self.runs[-1])], "error": []}

    def sent(self) -> list[int]:
        """How many acts each run sent that had some."""
        acts = [run["acts"] for run in self.runs if run["acts"]]
        return [sum(act["verdict"] == "sent" for act in run) for run in acts]


def log_off(
    hosts: Hosts, selection: Selection = EVERYBODY, wait_timeout: float = 60.0, **changes: Any
) -> tuple[Report, Module]:
    """Log off who is selected."""
    module, clock = Module(hosts, changes), time.monotonic
    transport = ScriptTransport(module, "broker", clock)
    cmdlets, operation = RdsCmdlets(), Operation(LOG_OFF)
    service = ScriptService(cmdlets, operation, transport, "broker", clock, 30.0, time.sleep, cmdlets.proof)
    request = engine.Request(LOG_OFF, selection, wait_timeout=wait_timeout)
    return engine.run(request, service, Console(answer=False), clock), module
