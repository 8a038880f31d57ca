# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of tasks: which there are, and what their values mean. What is unclear is an error, never a guess."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from .._services.place import Options, Place, Spec
from .._sessions.errors import SelectionError
from .._sessions.plain import plain
from .._sessions.selection import Filters

AGE = re.compile(r"(\d{1,7})([smhdw]?)", re.ASCII | re.IGNORECASE)
AGE_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""Units of an age, as in ansible.builtin.find."""
LINE_ENDS = re.compile(r"[\r\n]+")
NO_NAME = re.compile(r"^- |^'.*'$|@.*@|\\.*\\")
"""What some list became a text of: lines of YAML, a quotation, or names with blanks between."""
NOT_IN_NAMES = ',;"/[]:|=<>'
"""Characters that no account name has, so that a list written as one text does not pass for a name."""

FLAG: Spec = {"type": "bool", "default": False}
IDS: Spec = {"type": "list", "elements": "str"}
USERS: Spec = {
    "user": {"type": "list", "elements": "str", "aliases": ["users"]},
    "exclude_user": {"type": "list", "elements": "str", "aliases": ["exclude_users"]},
    "session_state": {"type": "list", "elements": "str"},
}
"""Filters that every service knows."""
FILTERS: Spec = {**USERS, "minimum_age": {"type": "str"}}
SESSIONS: Spec = {"sessions": {"type": "raw"}}
ENDING: Spec = {"all_sessions": FLAG, "wait_timeout": {"type": "int", "default": 60}}
"""Options of the modules that do something to sessions."""


class Reading(Protocol):
    """How a place wants its options to be read; see `Place`."""

    @property
    def may_be_empty(self) -> frozenset[str]:
        """Options that count as not given when they are empty."""

    @property
    def verbatim(self) -> frozenset[str]:
        """Lists of names in which a line end may be part of a name."""


def check_args(args: Mapping[str, Any], spec: Spec, places: Sequence[Reading]) -> None:
    """Refuse arguments that are empty or given twice, before Ansible validates them. Raises SelectionError.

    `args` are spelled as in the task, with aliases too; `spec` and `places` are the module's.
    """
    refuse_empty(args, [spelling for name in _telling(spec, places) for spelling in _spellings(spec, name)])
    refuse_doubles(args, spec)


def read_options(validated: Mapping[str, Any], spec: Spec, places: Sequence[Reading]) -> Options:
    """Read a task's options, as Ansible has `validated` them by `spec`. Raises SelectionError when one says nothing."""
    verbatim = {name for place in places for name in place.verbatim}
    options = {name: plain(validated.get(name)) for name in spec}
    telling = _telling(spec, places)
    for name in spec:
        # Those that may be empty, too: whom they protect must not hang on a blank.
        if spec[name].get("elements") == "str" and options[name]:
            options[name] = strip_each(options[name]) if name in verbatim else split_lines(options[name])
        elif name in telling and isinstance(options[name], str):
            options[name] = options[name].strip()
    # Again, because only now a text such as "," is a list without anything in it.
    refuse_empty({name: options[name] for name in telling if options[name] is not None}, telling)
    return options


def _telling(spec: Spec, places: Sequence[Reading]) -> list[str]:
    """Return the options that say where, which or what: given but empty they are an error, never "all"."""
    lenient = {name for place in places for name in place.may_be_empty}
    names = [name for name in spec if name not in lenient and spec[name].get("elements") != "dict"]
    return [name for name in names if spec[name]["type"] not in ("bool", "int")]


def given_options(args: Mapping[str, Any], spec: Spec) -> list[str]:
    """Return the options of `spec` that a task gives, by their own names; its `args` may spell them by aliases."""
    return [name for name in spec if not {*_spellings(spec, name)}.isdisjoint(args)]


def read_filters(options: Options, place: Place) -> Filters:
    """Read the filters of a task; `place` knows the words for states. Raises SelectionError."""
    return Filters(
        options.get(place.host_option) or "",
        read_users(options, "user"),
        read_users(options, "exclude_user"),
        place.read_states(options["session_state"] or ()),
        read_age(options, "minimum_age"),
        read_age(options, "minimum_disconnected"),
    )


def read_users(options: Options, name: str) -> tuple[str, ...]:
    """Read the option `name`, a list of users. Raises SelectionError."""
    users = tuple(options[name] or ())
    for user in users:
        if any(mark in user for mark in "*?"):
            raise SelectionError(f"{name} takes whole names: {user!r} has a wildcard.")
        if any(mark in user for mark in NOT_IN_NAMES) or NO_NAME.search(user):
            raise SelectionError(f"{name} takes one name an element: {user!r} cannot be a user's name.")
        if not user.isprintable():
            raise SelectionError(
                f"{name} has {user!a}, with a character that no name has. In -e name=value Ansible takes a "
                "backslash and some letters for such a one: give it as JSON, or in a file."
            )
    return users


def refuse_unclear(options: Options, place: Place) -> None:
    """Refuse a request that names nothing, or names sessions in more than one way. Raises SelectionError."""
    ids, host = place.form.ids.name, place.host_option
    names = [name for name in (ids, *place.rows) if name in options]
    given = [name for name in names if options[name] is not None]
    if len(given) > 1:
        raise SelectionError(f"{' and '.join(given)} both name sessions: give only one of them.")
    if given and options["all_sessions"]:
        raise SelectionError(f"all_sessions contradicts {given[0]}, which names sessions: give only one of them.")
    for id_ in options[ids] or ():
        place.form.ids.read(id_)
    if host and options[ids] is not None and options[host] is None:
        raise SelectionError(f"{ids} needs {host}: ids are unique only on a session host.")
    filters = [name for name in (*FILTERS, "minimum_disconnected") if name in options]
    if not given and not options["all_sessions"] and all(options[name] is None for name in filters):
        alone = f"{host} needs {ids}, which says which session there. " if host and options[host] else ""
        raise SelectionError(
            f"{alone}Nothing says which sessions are meant. Name them with {', '.join(names)}, "
            f"filter with {', '.join(filters)}, or set all_sessions to true."
        )


def _spellings(spec: Spec, name: str) -> list[str]:
    """Return an option's name and its aliases."""
    return [name, *spec[name].get("aliases", ())]


def refuse_doubles(args: Mapping[str, Any], spec: Spec) -> None:
    """Refuse an option that is given under two of its names: one of the values would be lost. Raises SelectionError."""
    for name in spec:
        given = [spelling for spelling in _spellings(spec, name) if spelling in args]
        if len(given) > 1:
            raise SelectionError(f"{' and '.join(given)} are the same option: give only one of them.")


def refuse_empty(args: Mapping[str, Any], spellings: Collection[str]) -> None:
    """Refuse options (any of `spellings`) that `args` gives empty, as an unanswered survey does. Raises SelectionError.

    An empty list of `sessions` or `hosts` is what an empty pipeline passes on: it names nothing, and is allowed.
    """
    for spelling in spellings:
        if spelling not in args:
            continue
        value = args[spelling]
        if (spelling == "sessions" and isinstance(value, list)) or (spelling == "hosts" and value == []):
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


def split_lines(names: list[str]) -> list[str]:
    """Split names at line ends, so that a multi-line survey answer protects every user that it names."""
    return [name.strip() for text in names for name in LINE_ENDS.split(text) if name.strip()]


def strip_each(names: list[str]) -> list[str]:
    """Take the blanks around names away."""
    return [name.strip() for name in names]


def read_age(options: Options, name: str) -> timedelta | None:
    """Read the option `name`, an age such as 90m or 2d; a bare number is seconds. Raises SelectionError."""
    text = options.get(name)
    if text is None:
        return None
    match = AGE.fullmatch(text.strip())
    if not match or not int(match[1]):
        raise SelectionError(
            f"{name} is {text!r}: it must be a number with s, m, h, d or w, above 0, such as 90m or 2d."
        )
    return timedelta(seconds=int(match[1]) * AGE_SECONDS[match[2].lower()])
