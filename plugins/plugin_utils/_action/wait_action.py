# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of the modules that wait for sessions to end by themselves."""

from __future__ import annotations

import traceback
from datetime import timedelta
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from .._services.place import Place, Reach
from .._sessions.engine import utc_now
from .._sessions.errors import ServiceError
from .._sessions.verbs import MESSAGE, Operation
from .._sessions.waiting import MESSAGE_SECONDS, Opened, Texts, Wait, WaitBrokenOffError, WaitReport, WaitRequest
from .console import Console
from .options import read_filters, refuse_unclear
from .session_action import SessionAction
from .task_reach import task_environment
from .wait_options import read_deadline, read_messages, read_poll_interval


class WaitAction(SessionAction):
    """A wait at one of some places, with messages where the service has them."""

    def _run(self, task_vars: dict[str, Any], warnings: list[str]) -> dict[str, Any]:
        options, place = self._read()
        refuse_unclear(options, place)
        request = WaitRequest(
            read_deadline(options, utc_now()),
            read_messages(options),
            read_poll_interval(options),
            self._task.check_mode,
        )
        wanted = place.read(options, read_filters(options, place))
        if options.get("sessions") == []:
            return WaitReport(utc_now() + timedelta(seconds=request.seconds)).result()
        with task_environment(self._compute_environment_string) as environment:
            reach = self._reach(task_vars, environment)
            return self._wait(place, wanted, request, reach, warnings)

    def _wait(
        self, place: Place, wanted: Any, request: WaitRequest, reach: Reach, warnings: list[str]
    ) -> dict[str, Any]:
        def open_service(texts: Texts) -> Opened:
            operation = Operation(MESSAGE, wait_timeout=MESSAGE_SECONDS, varying=texts) if request.messages else None
            service, selection = place.open(wanted, operation, reach)
            return Opened(service, selection)

        console = Console(reach.host, no_log=bool(self._task.no_log))
        trouble = (ServiceError, AnsibleConnectionFailure)
        wait = Wait(request, open_service, console, reach.clock, utc_now, reach.sleep, reach.lives, trouble)
        try:
            report = wait.run()
        except WaitBrokenOffError as error:
            report = error.report
            result = report.result()
            result.update(failed=True, msg=f"The task was broken off: {error}.", exception=traceback.format_exc())
        else:
            result = report.result()
        warnings.extend(report.warnings)
        return result
