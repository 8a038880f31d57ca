# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of sessions that a user passes on from an info module: checked before anything is connected.

A row may have the service's own fields, the five that all services share, or both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._sessions.errors import SelectionError
from .._sessions.selection import NamedSession
from .._sessions.session import COMMON_STATES, OTHER, common_fields, fold
from .._sessions.times import at_latest, read_time


@dataclass(frozen=True, slots=True)
class SessionIds:
    """An option or field that holds ids."""

    name: str
    largest: int = 2**31 - 1
    """What the cmdlet's parameter binds at most."""

    def read(self, value: object, label: str = "") -> int:
        """Read an id: a whole number, or its digits. Raises SelectionError; `label` begins its text."""
        text = str(value).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else -1
        if isinstance(value, bool) or not 0 <= number <= self.largest:
            raise SelectionError(
                f"{label}{self.name} is {text[:40]!r}: it must be a whole number from 0 to {self.largest}."
            )
        return number


@dataclass(frozen=True, slots=True)
class RowForm:
    """How the rows of a service look."""

    service: str
    """The service's word, which is in each row, too."""
    module: str
    """The info module that returns such rows."""
    fields: Sequence[str]
    """The service's own fields, in the order in which they are shown."""
    host: str
    """Own field that names the session host."""
    ids: SessionIds
    owner: Sequence[str]
    """Own fields that name the owner."""
    names: Callable[[Mapping[str, str]], Sequence[str]]
    """Takes the texts of these fields and returns the owner's names, the one to show first."""
    states: Mapping[str, str]
    """The common word of each own word for a state, which is in lower case here; for words that are missing, other."""

    def common_state(self, state: str) -> str:
        """Return the common word for one of the service's own."""
        return self.states.get(fold(state), OTHER)

    def row(self, own: Mapping[str, Any], host: str, id_: str, owner: str, state: str) -> dict[str, Any]:
        """Make the row that users see; `own` are the service's fields, `state` is a common word, empty if unknown."""
        return {**common_fields(self.service, host, id_, owner, state), **own}

    def name(self, place: str, host: str, id_: int, own: Mapping[str, Any], missing: object = None) -> NamedSession:
        """Name a session by what a cmdlet takes; `host` may be empty, and fields that `own` lacks are `missing`."""
        fields = {**dict.fromkeys(self.fields, missing), self.host: host or missing, self.ids.name: id_, **own}
        return NamedSession(place, host, str(id_), fields=self.row(fields, host, str(id_), "", ""))


@dataclass(frozen=True, slots=True)
class GivenRow:
    """A row as the user gave it."""

    form: RowForm
    label: str
    """Where it stands, for errors."""
    values: Mapping[str, Any]

    def optional(self, name: str) -> str:
        """Return the text of the field `name`, or an empty one."""
        value = self.values.get(name)
        return "" if value is None or isinstance(value, (Mapping, list, tuple)) else str(value).strip()

    def text(self, name: str, default: str = "", common: str = "") -> str:
        """Return a text that the row must say in its field `name` or the `common` one, or else the option (`default`).

        Raises SelectionError when nothing says it, or two of them say different things.
        """
        for field in (name, common):
            if isinstance(self.values.get(field), (Mapping, list, tuple)) and self.values[field]:
                raise SelectionError(f"{self.label} says {field} {self.values[field]!r}: it must be one text.")
        said = {name: self.optional(name), common: self.optional(common), "": default}
        texts = {source: text for source, text in said.items() if text}
        if not texts:
            raise SelectionError(f"{self.label} has no {name}: it must say exactly which session is meant.")
        (first, text), *others = texts.items()
        for source, other in others:
            if fold(other) != fold(text):
                against = f"its {source} is" if source else "the task's option says"
                raise SelectionError(f"{self.label} says {first} {text!r}, but {against} {other!r}.")
        return text

    def host(self) -> str:
        """Return the session host. Raises SelectionError."""
        return self.text(self.form.host, common="host")

    def id(self) -> str:
        """Return the id. Raises SelectionError."""
        ids = self.form.ids
        self.text(ids.name, common="session")
        given = {name: self.values[name] for name in (ids.name, "session") if self.optional(name)}
        return str(ids.read(next(iter(given.values())), f"{self.label}: "))

    def user(self) -> str:
        """Return the owner's name, or an empty text when the row does not say it. Raises SelectionError."""
        names = self.form.names({name: self.optional(name) for name in self.form.owner})
        owner = self.optional("owner")
        if owner and names and fold(owner) not in map(fold, names):
            raise SelectionError(f"{self.label} says owner {owner!r}, but {self.form.owner[0]} says {names[0]!r}.")
        return next(iter(names), owner)

    def time(self, name: str, meaning: Callable[[datetime | None], datetime | None]) -> datetime | None:
        """Return a time that an info module wrote; `None` when it is not given. Raises SelectionError.

        `meaning` says what a time without a zone means.
        """
        value = self.values.get(name)
        # With a blank where YAML has read a time and Ansible has written it again.
        moment = value if isinstance(value, datetime) else read_time(self.optional(name).replace(" ", "T", 1))
        if moment is None and self.optional(name):
            raise SelectionError(
                f"{self.label}: {name} is {self.optional(name)!r}, which is no time as the info module writes it."
            )
        return meaning(moment)

    def untold(self, *names: str) -> bool:
        """Tell whether the row has such fields, and all are empty: the service did not tell when it was listed."""
        return any(name in self.values for name in names) and not any(self.optional(name) for name in names)

    def nobody(self) -> bool:
        """Tell whether the row has fields of an owner that name nobody; a domain alone is nobody."""
        return not self.user() and any(name in self.values for name in (*self.form.owner, "owner"))

    def named(
        self,
        place: str,
        meaning: Callable[[datetime | None], datetime | None],
        own: Mapping[str, Any],
        missing: object = None,
    ) -> NamedSession:
        """Name the session of the row, in `place` as in a `Session`; `meaning` is as for `time`. Raises SelectionError.

        The fields of `own` count more than those of the row, and what neither has is `missing`.
        """
        host, id_, user = self.host(), self.id(), self.user()
        timed = "create_time" in self.form.fields
        known = {name: self.values[name] for name in self.form.fields if name in self.values}
        fields = {**dict.fromkeys(self.form.fields, missing), **known, **own}
        return NamedSession(
            place,
            host,
            id_,
            user,
            self.time("create_time", meaning) if timed else None,
            self.form.row(fields, host, id_, user, self.optional("state")),
            nobody=self.nobody(),
            timeless=timed and self.untold("create_time"),
        )


def read_rows(value: object, option: str, form: RowForm) -> list[GivenRow]:
    """Read a list of rows, or one. Raises SelectionError with `option`, its name, and the number of the wrong row."""
    if isinstance(value, Mapping):
        return [_row(value, option, form)]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SelectionError(f"{option} must be a list of rows as {form.module} returns them; it is {value!r}.")
    return [_row(row, f"{option}[{number}]", form) for number, row in enumerate(value)]


def read_named(options: Mapping[str, Any], form: RowForm, host: str) -> tuple[NamedSession, ...] | None:
    """Read the sessions that options name by rows, or by ids on a host, where the place itself needs no name.

    Returns `None` when they name none. Raises SelectionError.
    """
    if options.get("sessions") is not None:
        return tuple(row.named("", at_latest, {}) for row in read_rows(options["sessions"], "sessions", form))
    if options.get(form.ids.name) is not None:
        return tuple(form.name("", host, form.ids.read(id_), {}) for id_ in options[form.ids.name])
    return None


def _row(value: object, label: str, form: RowForm) -> GivenRow:
    if not isinstance(value, Mapping):
        raise SelectionError(f"{label} must be a row as {form.module} returns it; it is {value!r}.")
    row = GivenRow(form, label, value)
    service, state, own_state = (
        row.text(name) if value.get(name) else "" for name in ("service", "state", "session_state")
    )
    if service and service != form.service:
        raise SelectionError(f"{label} is a session of {service}, but this task is about {form.service}.")
    if state and state not in COMMON_STATES:
        raise SelectionError(f"{label} says state {state!r}: it must be one of {', '.join(COMMON_STATES)}.")
    if state and own_state and form.common_state(own_state) != state:
        raise SelectionError(f"{label} says session_state {own_state!r}, but its state is {state!r}.")
    return row
