# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of sessions that a user passes on from an info module: checked before anything is connected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._sessions.errors import SelectionError
from .._sessions.session import fold
from .windows_cmdlets import read_created


@dataclass(frozen=True, slots=True)
class SessionIds:
    """An option or field that holds ids."""

    name: str
    largest: int
    """What the cmdlet's parameter binds at most."""

    def read(self, value: object, label: str = "") -> int:
        """Read an id: a whole number, or its digits. Raises SelectionError."""
        text = str(value).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 20 else -1
        if isinstance(value, bool) or not 0 <= number <= self.largest:
            raise SelectionError(
                f"{label}{self.name} is {text[:40]!r}: it must be a whole number from 0 to {self.largest}."
            )
        return number


@dataclass(frozen=True, slots=True)
class GivenRow:
    """A row as the user gave it."""

    label: str
    """Where it stands, for errors."""
    values: Mapping[str, Any]

    def optional(self, name: str) -> str:
        """Return a text, or an empty one."""
        value = self.values.get(name)
        return "" if value is None or isinstance(value, (Mapping, list)) else str(value).strip()

    def text(self, name: str, default: str = "") -> str:
        """Return a text that the row, or else the task's option, must say. Raises SelectionError."""
        text = self.optional(name) or default
        if not text:
            raise SelectionError(f"{self.label} has no {name}: it must say exactly which session is meant.")
        if default and fold(text) != fold(default):
            raise SelectionError(f"{self.label} says {name} {text!r}, but the task's option says {default!r}.")
        return text

    def id(self, ids: SessionIds) -> str:
        """Return the id. Raises SelectionError."""
        self.text(ids.name)
        return str(ids.read(self.values[ids.name], f"{self.label}: "))

    def time(self, name: str) -> datetime | None:
        """Return a time that an info module wrote; `None` when it is not given. Raises SelectionError."""
        text = self.optional(name)
        moment = read_created(text)
        if text and moment is None:
            raise SelectionError(f"{self.label}: {name} is {text!r}, which is no time as the info module writes it.")
        return moment

    def nobody(self, *names: str) -> bool:
        """Tell whether the row has such fields, and all are empty: the service did not tell when it was looked up."""
        return any(name in self.values for name in names) and not any(self.optional(name) for name in names)

    def known(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the fields that a row has, in that order."""
        return {name: self.values[name] for name in names if name in self.values}


def read_rows(value: object, option: str, module: str) -> list[GivenRow]:
    """Read a list of rows, or a single one. Raises SelectionError with the number of the row that is wrong."""
    if isinstance(value, Mapping):
        return [_row(value, option, module)]
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise SelectionError(f"{option} must be a list of rows as {module} returns them; it is {value!r}.")
    return [_row(row, f"{option}[{number}]", module) for number, row in enumerate(value)]


def _row(row: object, label: str, module: str) -> GivenRow:
    if not isinstance(row, Mapping):
        raise SelectionError(f"{label} must be a row as {module} returns it; it is {row!r}.")
    return GivenRow(label, row)
