# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of every module: options in, engine, result out. Each says its places, its verb, its options."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from .._services.place import Options, Place, Reach, Spec
from .._sessions import engine
from .._sessions.errors import SelectionError, SessionsError
from .._sessions.execution import BrokenOffError
from .._sessions.outcome import FAILED, UNCLEAR, Report
from .._sessions.selection import Selection
from .._sessions.service import Notes, Service
from .._sessions.verbs import Operation, Verb
from .console import Console
from .lost_connection import tell_lost
from .options import check_args, given_options, read_filters, read_options, refuse_unclear
from .run_life import leave_dead_run
from .task_reach import make_reach, task_environment


class SessionAction(ActionBase):
    """A verb, or the listing of sessions, at one of some places."""

    PLACES: ClassVar[tuple[Place, ...]] = ()
    """Where the sessions can be. Options, else rows, decide; else it is the first."""
    VERB: ClassVar[Verb | None] = None
    """What is done to them; `None` lists them."""
    ARGUMENTS: ClassVar[Spec] = {}
    """Those of the options that only the service understands."""
    OPTIONS: ClassVar[Spec]
    """Options of the module, as an argument spec."""

    _supports_check_mode = True
    _supports_async = False

    def __init_subclass__(cls) -> None:
        """Connect to the host of the task only where its service is reached over that connection."""
        cls._requires_connection = any(place.needs_connection for place in cls.PLACES)

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
        options, place = self._read()
        operation = self._operation(options, place)
        if options.get("sessions") == [] and operation is not None:
            return self._result(options, Report(operation.verb), Notes())
        wanted = place.read(options, read_filters(options, place))
        with task_environment(self._compute_environment_string) as environment:
            reach = self._reach(task_vars, environment)
            service, selection = place.open(wanted, operation, reach)
            try:
                if operation is None:
                    return _list(service, selection)
                decides, quiet = place.question
                console = Console(reach.host, f"{decides} to {str(quiet).lower()}")
                asks = options.get(decides, quiet) is not quiet
                request = engine.Request(operation.verb, selection, self._task.check_mode, asks, operation.wait_timeout)
                return self._do(options, request, service, console, reach)
            finally:
                service.close()
                warnings.extend(service.notes().warnings)

    def _read(self) -> tuple[Options, Place]:
        """Read the task's options, and choose the place. Raises SelectionError."""
        args = self._task.args
        check_args(args, self.OPTIONS, self.PLACES)
        _validation, validated = self.validate_argument_spec(self.OPTIONS)  # type: ignore[no-untyped-call,unused-ignore]
        options = read_options(validated, self.OPTIONS, self.PLACES)
        place = self._place(options)
        own = place.own_options(self.OPTIONS)
        place.check(options, [name for name in given_options(args, self.OPTIONS) if name in own])
        return options, place

    def _place(self, options: Options) -> Place:
        """Choose the place. Raises SelectionError when options of several are given."""
        given = given_options(self._task.args, self.OPTIONS)
        meant = {place: [name for name in place.own_options(self.OPTIONS) if name in given] for place in self.PLACES}
        chosen = [place for place, names in meant.items() if names]
        if len(chosen) > 1:
            belong = ", ".join(f"{' and '.join(meant[place])} belong to {place.title}" for place in chosen)
            raise SelectionError(f"{belong}: give the options of one of them only.")
        rows = options.get("sessions")
        first = rows[0] if isinstance(rows, list) and rows else rows
        meant_by_row = [place for place in self.PLACES if place.is_meant_by(first)]
        return next(iter([*chosen, *meant_by_row, *self.PLACES]))

    def _operation(self, options: Options, place: Place) -> Operation | None:
        """Read what is to be done. Raises SelectionError when it is not clear to which sessions."""
        if self.VERB is None:
            return None
        if options["wait_timeout"] < 0:
            raise SelectionError(f"wait_timeout is {options['wait_timeout']}: it must be 0 or more seconds.")
        refuse_unclear(options, place)
        limit = place.time_limit(options)
        arguments = {name: options[name] for name in self.ARGUMENTS}
        return Operation(self.VERB, arguments, max(float(options["wait_timeout"]), limit or 0.0), limit)

    def _reach(self, task_vars: dict[str, Any], environment: Mapping[str, str]) -> Reach:
        host = str(self._task.delegate_to or task_vars.get("inventory_hostname") or "the host")
        return make_reach(host, self._connection, partial(self._execute_module, task_vars=task_vars), environment)

    def _do(
        self, options: Options, request: engine.Request, service: Service, console: Console, reach: Reach
    ) -> dict[str, Any]:
        """Run the engine and make the module's result of its report."""
        try:
            report = engine.run(request, service, console, reach.clock, lives=reach.lives)
        except BrokenOffError as error:
            result = self._result(options, error.report, service.notes())
            result["msg"] = f"The task was broken off: {error}. {result.get('msg', '')}".strip()
            if "unreachable" not in result:
                result["failed"] = True
            result["exception"] = traceback.format_exc()
            return result
        return self._result(options, report, service.notes())

    def _result(self, options: Options, report: Report, notes: Notes) -> dict[str, Any]:
        """Make the result of a report; failed sessions fail the task, with every outcome in it.

        When the connection was lost on the way the host is unreachable.
        """
        result: dict[str, Any] = {
            "changed": report.changed,
            "sessions": [row.result() for row in report.rows],
            "summary": report.summary(),
            "diff": report.diff(),
        }
        if warning := report.warning():
            result["warnings"] = [warning]
        if options.get("pass_thru"):
            result["pass_thru"] = not report.failures
        if report.failures:
            result.update(failed=True, msg=report.failure_message())
            if notes.lost is None and any(row.outcome in (FAILED, UNCLEAR) for row in report.rows):
                result["msg"] = f"{result['msg']} {notes.advice}".strip()
        if notes.lost is not None:
            result["changed"] |= notes.accepted
            tell_lost(result, notes.lost)
        return result


def _list(service: Service, selection: Selection) -> dict[str, Any]:
    """List and select, and nothing else."""
    sessions = engine.find(service, selection).sessions
    return {
        "changed": False,
        "sessions": [dict(session.fields) for session in sessions],
        "summary": dict(sorted(Counter(session.state for session in sessions).items())),
    }
