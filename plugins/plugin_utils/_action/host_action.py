# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module about session hosts: options in, hosts read or set, result out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from .._services.host_place import HostPlace
from .._services.place import Spec
from .._sessions.errors import SelectionError, SessionsError
from .._sessions.host_setting import HostReport, set_hosts
from .._sessions.service import Notes
from .._sessions.session_host import SessionHost, find_hosts
from .lost_connection import tell_lost
from .options import check_args, read_options
from .run_life import leave_dead_run
from .task_reach import make_reach, task_environment


class HostAction(ActionBase):
    """The listing of session hosts at a place, or the setting of their state."""

    PLACE: ClassVar[HostPlace[Any]]
    """Where the hosts are."""
    SETS: ClassVar[bool] = False
    """Whether their state is set."""
    OPTIONS: ClassVar[Spec]
    """Options of the module, as an argument spec."""

    _supports_check_mode = True
    _supports_async = False

    def __init_subclass__(cls) -> None:
        """Connect to the host of the task only where its service is reached over that connection."""
        cls._requires_connection = cls.PLACE.needs_connection

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        warnings: list[str] = []
        try:
            result.update(self._run(task_vars or {}, warnings))
        except SessionsError as error:
            result.update(failed=True, msg=str(error))
        if warnings:
            result["warnings"] = [*result.get("warnings", ()), *warnings]
        leave_dead_run(self._connection)
        return result

    def _run(self, task_vars: dict[str, Any], warnings: list[str]) -> dict[str, Any]:
        check_args(self._task.args, self.OPTIONS, [self.PLACE])
        _validation, validated = self.validate_argument_spec(self.OPTIONS)  # type: ignore[no-untyped-call,unused-ignore]
        options = read_options(validated, self.OPTIONS, [self.PLACE])
        wanted = self.PLACE.read_desired(options) if self.SETS else self.PLACE.read(options)
        if self.SETS and options["wait_timeout"] < 0:
            raise SelectionError(f"wait_timeout is {options['wait_timeout']}: it must be 0 or more seconds.")
        if options.get("hosts") == []:
            return _result(HostReport(()), self.PLACE.state_option, Notes())
        host = str(self._task.delegate_to or task_vars.get("inventory_hostname") or "the host")
        run_module = partial(self._execute_module, task_vars=task_vars)
        with task_environment(self._compute_environment_string) as environment:
            reach = make_reach(host, self._connection, run_module, environment)
            service = self.PLACE.open(wanted, reach)
            try:
                if wanted.desired is None:
                    listed = _list(find_hosts(service, wanted.names), self.PLACE.counted)
                else:
                    report = set_hosts(
                        service,
                        wanted.names,
                        wanted.desired,
                        bool(self._task.check_mode),
                        float(options["wait_timeout"]),
                        reach.clock,
                        reach.lives,
                    )
            finally:
                service.close()
                notes = service.notes()
                warnings.extend(notes.warnings)
        if wanted.desired is None:
            return {**listed, "complete": not notes.unlisted}
        return _result(report, self.PLACE.state_option, notes)


def _list(hosts: Sequence[SessionHost], counted: str) -> dict[str, Any]:
    return {
        "changed": False,
        "hosts": [dict(one.fields) for one in hosts],
        "summary": dict(sorted(Counter(str(one.fields[counted]) for one in hosts).items())),
    }


def _result(report: HostReport, state_option: str, notes: Notes) -> dict[str, Any]:
    """Make the result of a report; hosts that failed fail the task, with every outcome in it.

    When the connection was lost on the way the host of the task is unreachable.
    """
    result: dict[str, Any] = {
        "changed": report.changed,
        "hosts": [row.result() for row in report.rows],
        "summary": report.summary(),
        "diff": report.diff(state_option),
    }
    if report.failures or notes.unlisted:
        failures = report.failure_message() if report.failures else ""
        advice = notes.advice if notes.lost is None and failures else ""
        result.update(failed=True, msg=" ".join(filter(None, (failures, notes.unlisted, advice))))
    if notes.lost is not None:
        tell_lost(result, notes.lost)
    return result
