# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of session hosts that a user passes on to restore their states: checked before anything is connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ansible.module_utils.parsing.convert_bool import boolean

from .._sessions.errors import SelectionError
from .._sessions.session_host import HostName
from .given_rows import GivenRow, RowForm

Where = TypeVar("Where")


@dataclass(frozen=True, slots=True)
class GivenHosts(Generic[Where]):
    """How such rows of a service are read."""

    form: RowForm
    module: str
    """The info module that returns them."""
    name: str
    """Field that names the host, beside the one that all services share."""
    state_option: str
    states: Mapping[str, object]
    """The state by the text of the field in lower case."""
    choices: str
    """How these texts are called in errors."""
    locate: Callable[[GivenRow, str], tuple[Where, HostName]]
    """Takes a row and the host's name; says where the host is, and names it. Raises SelectionError."""

    def read(self, value: object) -> list[tuple[Where, HostName, object]]:
        """Read the option `hosts`: of each host where it is, and the state to restore, `None` to leave it alone.

        Raises SelectionError.
        """
        rows = [value] if isinstance(value, Mapping) else value
        if isinstance(rows, str) or not isinstance(rows, Sequence):
            raise SelectionError(f"hosts must be a list of rows as {self.module} returns them; it is {value!r}.")
        read: dict[tuple[str, str], tuple[Where, HostName, object]] = {}
        for number, row in enumerate(rows):
            where, named, state = self._read(row, f"hosts[{number}]")
            first = read.setdefault(named.key, (where, named, state))
            if first[2] != state:
                raise SelectionError(f"hosts[{number}] names {named.name} again, with another {self.state_option}.")
            if named.unclear:
                read[named.key] = (first[0], replace(first[1], unclear=True), state)
        return list(read.values())

    def _read(self, value: object, label: str) -> tuple[Where, HostName, object]:
        if not isinstance(value, Mapping):
            raise SelectionError(f"{label} must be a row as {self.module} returns it; it is {value!r}.")
        row = GivenRow(self.form, label, value)
        if (service := row.optional("service")) and service != self.form.service:
            raise SelectionError(f"{label} is a session host of {service}, but this task is about {self.form.service}.")
        if not row.optional(self.name) and not row.optional("host"):
            raise SelectionError(f"{label} has no {self.name}: it must say which session host is meant.")
        where, named = self.locate(row, row.text(self.name, common="host"))
        return where, replace(named, unclear=_unclear(value, label)), self._state(value, label)

    def _state(self, row: Mapping[str, object], label: str) -> object:
        said = row.get(self.state_option)
        # A host that could not be read was not set either, so there is nothing to restore.
        if said is None and self.state_option in row and row.get("outcome"):
            return None
        state = self.states.get(str(said).lower())
        if state is None:
            raise SelectionError(
                f"{label} says {self.state_option} {said!r}: it must be {self.choices}, the state to restore."
            )
        return state


def _unclear(row: Mapping[str, object], label: str) -> bool:
    said = row.get("unclear")
    if said is None or said == "":
        return False
    try:
        return bool(boolean(said))  # type: ignore[no-untyped-call,unused-ignore]
    except TypeError as error:
        raise SelectionError(f"{label} says unclear {said!r}: it must be true or false.") from error
