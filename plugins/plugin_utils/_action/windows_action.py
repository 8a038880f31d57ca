# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins for Windows hosts share: the way to the host's cmdlets, and what says which sessions."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from .._services.windows_cmdlets import LOGOFF, SHORTEST_ACT, ServiceCmdlets, line
from .._services.windows_runspace import RunspaceService
from .._services.windows_script import ScriptService
from .._sessions.outcome import FAILED, Report
from .._sessions.selection import Selection
from .._sessions.service import Service
from .._transports.script import ScriptTransport
from .run_life import run_lives
from .session_action import EndAction, Options, SessionAction

SPARE = 1
"""Calls in flight that acts leave free, if there are several, so that a listing never waits behind acts that hang."""

WindowsService = RunspaceService | ScriptService


class WindowsAction(SessionAction):
    """Base of the modules that reach their service through cmdlets on the host of the task."""

    _requires_connection = True
    _service: WindowsService | None = None

    def reach(self, cmdlets: ServiceCmdlets, options: Options) -> WindowsService:
        """Make the service: over the live runspace of a psrp connection, else by a script that a module runs.

        With become only a script runs as the other user. Raises ServiceError and AnsibleConnectionFailure.
        """
        act_seconds = float(options.get("timeout_in_second") or max(SHORTEST_ACT, options.get("wait_timeout") or 0))
        host, clock, sleep = self.host_name, time.monotonic, time.sleep
        if self._connection.transport == "psrp" and self._connection.become is None:
            from .._transports import runspace

            # What a sign-in brings is known in its own runspace only.
            runspaces = runspace.MOST_RUNSPACES if cmdlets.sign_in is None else 1
            live = runspace.RunspaceTransport(self._connection, clock, runspaces, run_lives)
            at_once = max(1, min(runspace.AT_ONCE, runspaces) - SPARE)
            self._service = RunspaceService(cmdlets, live, host, clock, act_seconds, at_once, sleep)
        else:
            if options.get("session_state"):
                # The host proves what it acts on, so the filter must hold there still.
                cmdlets.proof = (*cmdlets.proof, "session_state")
            script = ScriptTransport(self._execute_module, self._task_vars, host, clock)
            self._service = ScriptService(cmdlets, script, host, clock, act_seconds, sleep)
        return self._service

    def given(self, names: Iterable[str]) -> list[str]:
        """Return which of these options the task gives, aliases included, by the options' own names."""
        args = self._task.args
        return [name for name in names if {name, *self.SPEC[name].get("aliases", ())} & set(args)]


class WindowsEndAction(EndAction, WindowsAction):
    """Base of the modules that log users off."""

    VERB = LOGOFF
    ACT_ADVICE = ""
    """What to do when a cmdlet says that it failed, for which only its text in the host's language tells why."""

    def work(self, options: Options, service: Service, selection: Selection) -> dict[str, Any]:
        """Run the engine. When the connection is lost on the way the host is unreachable, with every outcome known."""
        result = super().work(options, service, selection)
        lost = self._service.lost if self._service is not None else None
        if self._service is not None and lost is not None:
            result["changed"] |= self._service.accepted
            result["msg"] = f"{line(str(lost))} {result.get('msg', '')}".strip()
            if isinstance(lost, AnsibleConnectionFailure):
                result.pop("failed", None)
                result["unreachable"] = True
        return result

    def result(self, options: Options, report: Report) -> dict[str, Any]:
        """Make the result of a report, with advice."""
        result = super().result(options, report)
        lost = self._service is not None and self._service.lost is not None
        if not lost and any(row.outcome == FAILED for row in report.rows):
            result["msg"] = f"{result['msg']} {self.ACT_ADVICE}".strip()
        return result
