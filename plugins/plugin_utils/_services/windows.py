# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the services behind cmdlets are reached: over a live runspace, else by a script that a module runs."""

from __future__ import annotations

from dataclasses import dataclass

from .._sessions.selection import Selection
from .._sessions.verbs import Operation
from .._transports.module_runs import ModuleRuns
from .._transports.script import ScriptTransport
from .place import Place, Reach
from .windows_cmdlets import SHORTEST_ACT, ServiceCmdlets
from .windows_runspace import RunspaceService
from .windows_script import ScriptService


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task is about."""

    cmdlets: ServiceCmdlets
    selection: Selection
    warnings: tuple[str, ...] = ()


def has_runspace(reach: Reach) -> bool:
    """Tell whether cmdlets can be called in the live runspace of the connection: with become only a script can."""
    return reach.connection.transport == "psrp" and reach.connection.become is None


def script_transport(reach: Reach) -> ScriptTransport:
    """Reach the host by a script that a module runs."""
    return ScriptTransport(ModuleRuns(reach.run_module, reach.connection, reach.clock), reach.host, reach.clock)


class WindowsPlace(Place):
    """A place whose service is reached through cmdlets on the host of the task."""

    def open(
        self, wanted: Wanted, operation: Operation | None, reach: Reach
    ) -> tuple[RunspaceService | ScriptService, Selection]:
        """Reach the service: over the live runspace of a psrp connection, else by a script.

        With become only a script runs as the other user. Raises ServiceError and AnsibleConnectionFailure.
        """
        cmdlets, host, clock, sleep = wanted.cmdlets, reach.host, reach.clock, reach.sleep
        seconds = SHORTEST_ACT
        if operation is not None:
            seconds = operation.time_limit or max(SHORTEST_ACT, operation.wait_timeout)
        service: RunspaceService | ScriptService
        if has_runspace(reach):
            from .._transports import runspace

            # What a sign-in brings is known in its own runspace only.
            runspaces = runspace.MOST_RUNSPACES if cmdlets.sign_in is None else 1
            calls = runspace.RunspaceTransport(reach.connection, clock, runspaces, reach.lives)
            service = RunspaceService(cmdlets, operation, calls, host, clock, seconds, sleep)
        else:
            # The host proves what it acts on, so the filter must hold there still.
            filters, proof = wanted.selection.filters, cmdlets.proof
            if filters.states or filters.minimum_disconnected is not None:
                proof = (*proof, "session_state")
            if filters.minimum_disconnected is not None:
                proof = (*proof, "disconnect_time")
            script = script_transport(reach)
            service = ScriptService(cmdlets, operation, script, host, clock, seconds, sleep, proof)
        service.warnings += wanted.warnings
        return service, wanted.selection
