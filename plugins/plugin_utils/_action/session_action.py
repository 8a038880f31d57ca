# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins of all modules share: options in, engine, result out."""

from __future__ import annotations

import os
import re
import time
import traceback
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar

from ansible.plugins.action import ActionBase

from .._sessions import engine
from .._sessions.errors import SelectionError, ServiceError
from .._sessions.execution import BrokenOffError
from .._sessions.outcome import Report, Verb
from .._sessions.selection import Filters, Selection
from .._sessions.service import Service
from .console import Console, NotConfirmedError
from .run_life import run_lives

AGE = re.compile(r"(\d{1,7})([smhdw]?)", re.ASCII | re.IGNORECASE)
AGE_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""Units of an age, as in ansible.builtin.find."""

NOT_IN_NAMES = ',;"/[]:|=<>'
"""Characters that no account name has, so that a list written as one text does not pass for a name."""

FILTER_SPEC: dict[str, Any] = {
    "user": {"type": "list", "elements": "str", "aliases": ["users"]},
    "exclude_user": {"type": "list", "elements": "str", "aliases": ["exclude_users"]},
    "session_state": {"type": "list", "elements": "str"},
    "minimum_age": {"type": "str"},
}
END_SPEC: dict[str, Any] = {
    "all_sessions": {"type": "bool", "default": False},
    "wait_timeout": {"type": "int", "default": 60},
}
VERBATIM_OPTIONS = ("collection_name",)
"""Lists of names in which a line end may be part of a name."""
USER_OPTIONS = ("user", "exclude_user")
FILTERS = (*USER_OPTIONS, "session_state", "minimum_age")

Options = dict[str, Any]


class SessionAction(ActionBase):
    """Base of the action plugins. A plugin says its options, how to reach its service, and which sessions are named."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    SPEC: ClassVar[dict[str, Any]]
    """Options of the module, as an argument spec."""
    PLACE_OPTIONS: tuple[str, ...]
    """Options that say where or which: given but empty they are an error, never "all"."""
    STATES: tuple[str, ...]
    """States that session_state takes."""
    _task_vars: dict[str, Any]
    _service: Service | None = None

    @abstractmethod
    def connect(self, options: Options, environment: Mapping[str, str]) -> tuple[Service, Selection]:
        """Reach the service; return it with what is selected. Raises ServiceError and SelectionError."""

    @abstractmethod
    def work(self, options: Options, service: Service, selection: Selection) -> dict[str, Any]:
        """Do the module's work and return its result."""

    def nothing(self, options: Options) -> dict[str, Any]:
        """Return the result for an empty list of sessions, for which nothing is connected."""
        raise NotImplementedError

    def check(self, options: Options) -> None:
        """Refuse options that do not go together, before anything is connected. Raises SelectionError."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        self._task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        try:
            result.update(self._run())
        except (SelectionError, ServiceError, NotConfirmedError) as error:
            result.update(failed=True, msg=str(error))
        if self._service is not None and self._service.warnings:
            result["warnings"] = [*result.get("warnings", ()), *self._service.warnings]
        return result

    def _run(self) -> dict[str, Any]:
        telling = tuple(name for name in (*self.PLACE_OPTIONS, *FILTERS) if name in self.SPEC)
        refuse_empty(self._task.args, _spellings(self.SPEC, telling))
        refuse_doubles(self._task.args, self.SPEC)
        _validation, validated = self.validate_argument_spec(self.SPEC)  # type: ignore[no-untyped-call,unused-ignore]
        options = {name: plain(validated.get(name)) for name in self.SPEC}
        for name in telling:
            if self.SPEC[name]["type"] == "list" and options[name]:
                split = split_lines if name not in VERBATIM_OPTIONS else strip_each
                options[name] = split(options[name])
            elif isinstance(options[name], str):
                options[name] = options[name].strip()
        # Again, because only now a text such as "," is a list without anything in it.
        refuse_empty({name: options[name] for name in telling if options[name] is not None}, dict.fromkeys(telling, ""))
        self.check(options)
        if options.get("sessions") == []:
            return self.nothing(options)
        with self._task_environment() as environment:
            service, selection = self.connect(options, environment)
            self._service = service
            try:
                return self.work(options, service, selection)
            finally:
                service.close()

    def filters(self, options: Options, host: str = "") -> Filters:
        """Read the filters. Raises SelectionError."""
        for name in USER_OPTIONS:
            for user in options[name] or ():
                if any(mark in user for mark in "*?"):
                    raise SelectionError(f"{name} takes whole names: {user!r} has a wildcard.")
                if any(mark in user for mark in NOT_IN_NAMES):
                    raise SelectionError(f"{name} takes one name an element: {user!r} cannot be a user's name.")
        states = {state.casefold(): state for state in self.STATES}
        for state in options["session_state"] or ():
            if state.casefold() not in states:
                raise SelectionError(f"session_state is {state!r}: it must be one of {', '.join(self.STATES)}.")
        return Filters(
            host,
            tuple(options["user"] or ()),
            tuple(options["exclude_user"] or ()),
            tuple(options["session_state"] or ()),
            read_age(options.get("minimum_age")),
        )

    @property
    def host_name(self) -> str:
        """The host of the task, as people know it."""
        return str(self._task.delegate_to or self._task_vars.get("inventory_hostname") or "the host")

    @contextmanager
    def _task_environment(self) -> Iterator[Mapping[str, str]]:
        """Give the task's `environment` to everything that runs in this process: libraries read it there."""
        before = dict(os.environ)
        wanted: dict[str, Any] = {}
        self._compute_environment_string(wanted)  # type: ignore[no-untyped-call,unused-ignore]
        os.environ.update({str(name): str(value) for name, value in wanted.items()})
        try:
            yield os.environ
        finally:
            os.environ.clear()
            os.environ.update(before)


class InfoAction(SessionAction):
    """Base of the modules that list sessions."""

    def work(self, options: Options, service: Service, selection: Selection) -> dict[str, Any]:
        """List and select, and nothing else."""
        choice, _rows = engine.find(service, selection)
        return {
            "changed": False,
            "sessions": [dict(session.fields) for session in choice.sessions],
            "summary": dict(sorted(Counter(session.state for session in choice.sessions).items())),
        }


class EndAction(SessionAction):
    """Base of the modules that end sessions."""

    VERB: Verb
    WITHOUT_QUESTION = "confirm to false"
    """What to set so that no question is asked."""

    def work(self, options: Options, service: Service, selection: Selection) -> dict[str, Any]:
        """Run the engine and make the module's result of its report."""
        request = engine.Request(
            self.VERB,
            selection,
            check_mode=self._task.check_mode,
            confirm=self.asks(options),
            wait_timeout=float(options["wait_timeout"]),
        )
        console = Console(self.host_name, self.WITHOUT_QUESTION)
        try:
            report = engine.run(request, service, console, time.monotonic, lives=run_lives)
        except BrokenOffError as error:
            result = self.result(options, error.report)
            result["msg"] = f"The task was broken off: {error}. {result['msg']}"
            result["exception"] = traceback.format_exc()
            return result
        return self.result(options, report)

    def nothing(self, options: Options) -> dict[str, Any]:
        """Return the result for an empty list of sessions: no change."""
        return self.result(options, Report(self.VERB))

    def check(self, options: Options) -> None:
        """Refuse a negative deadline."""
        if options["wait_timeout"] < 0:
            raise SelectionError(f"wait_timeout is {options['wait_timeout']}: it must be 0 or more seconds.")

    def asks(self, options: Options) -> bool:
        """Tell whether to ask on the terminal before anything is ended."""
        return bool(options["confirm"])

    def result(self, options: Options, report: Report) -> dict[str, Any]:
        """Make the result of a report; failed sessions fail the task, with every outcome in it."""
        result: dict[str, Any] = {
            "changed": report.changed,
            "sessions": [row.result() for row in report.rows],
            "summary": report.summary(),
            "diff": report.diff(),
        }
        if options.get("pass_thru"):
            result["pass_thru"] = not report.failures
        if report.failures:
            result.update(failed=True, msg=report.failure_message())
        return result


def refuse_unclear(options: Options, names: tuple[str, ...], id_option: str, ids_need: str = "") -> None:
    """Refuse a request that names nothing, or names sessions in more than one way. Raises SelectionError.

    `names` are the options that name sessions; `ids_need` is the one without which `id_option` means nothing.
    """
    given = [name for name in names if options[name] is not None]
    if len(given) > 1:
        raise SelectionError(f"{' and '.join(given)} both name sessions: give only one of them.")
    if given and options["all_sessions"]:
        raise SelectionError(f"all_sessions contradicts {given[0]}, which names sessions: give only one of them.")
    if ids_need and options[id_option] is not None and options[ids_need] is None:
        raise SelectionError(f"{id_option} needs {ids_need}: ids are unique only on a session host.")
    filters = [name for name in FILTERS if name in options]
    if not given and not options["all_sessions"] and all(options[name] is None for name in filters):
        raise SelectionError(
            f"Nothing says which sessions are meant. Name them with {', '.join(names)}, "
            f"filter with {', '.join(filters)}, or set all_sessions to true."
        )


def _spellings(spec: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """Map every spelling of some options, aliases included, to the option's name."""
    return {spelling: name for name in names for spelling in (name, *spec[name].get("aliases", ()))}


def refuse_doubles(args: Mapping[str, Any], spec: Mapping[str, Any]) -> None:
    """Refuse an option that is given under two of its names: one of the values would be lost. Raises SelectionError."""
    for name, described in spec.items():
        given = [spelling for spelling in (name, *described.get("aliases", ())) if spelling in args]
        if len(given) > 1:
            raise SelectionError(f"{' and '.join(given)} are the same option: give only one of them.")


def refuse_empty(args: Mapping[str, Any], spellings: Mapping[str, str]) -> None:
    """Refuse options that are given but empty, as an unanswered survey leaves them. Raises SelectionError.

    An empty list of `sessions` is what an empty pipeline passes on: it names no session, and is allowed.
    """
    for spelling in spellings:
        if spelling not in args:
            continue
        value = args[spelling]
        if spelling == "sessions" and isinstance(value, list):
            continue
        if is_empty(value):
            raise SelectionError(
                f"{spelling} is given but empty, which never means all. Give a value, or leave the option out with "
                "default(omit, true)."
            )


def is_empty(value: Any) -> bool:
    """Tell whether a value says nothing: null, blank text, an empty list or mapping, or a list with such an element."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, (list, tuple)):
        return not value or any(is_empty(one) for one in value)
    return isinstance(value, dict) and not value


def plain(value: Any) -> Any:
    """Rebuild a value of plain types: ansible-core from 2.19 on passes tagged ones, which libraries do not know."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def split_lines(names: list[str]) -> list[str]:
    """Split names at line ends, so that a multi-line survey answer protects every user that it names."""
    return [name.strip() for text in names for name in text.splitlines() if name.strip()]


def strip_each(names: list[str]) -> list[str]:
    """Take the blanks around names away."""
    return [name.strip() for name in names]


def read_age(text: str | None) -> timedelta | None:
    """Read an age such as 90m or 2d; a bare number is seconds. Raises SelectionError."""
    if text is None:
        return None
    match = AGE.fullmatch(text.strip())
    if not match or not int(match[1]):
        raise SelectionError(
            f"minimum_age is {text!r}: it must be a number with s, m, h, d or w, above 0, such as 90m or 2d."
        )
    return timedelta(seconds=int(match[1]) * AGE_SECONDS[match[2].lower()])
