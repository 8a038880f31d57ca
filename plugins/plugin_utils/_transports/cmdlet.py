# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call of a cmdlet and its answer: the same over every Windows transport.

An answer holds plain values only, and each kind of value always looks the same: enumerations are their names,
dates are text as `time_text` makes it, numbers are numbers whatever their width.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Any

from .._sessions.errors import ServiceError
from .._sessions.plain import plain
from .._sessions.times import TIME

Row = Mapping[str, Any]
"""An object that a cmdlet wrote: its properties by name. A bare value, such as `True`, is in `Value`."""

COMMAND = re.compile(r"[A-Za-z]+-[A-Za-z]+")


class NoRunspaceError(ServiceError):
    """A call was not sent, because no runspace is free; `lasting` when none will be, as what holds them hangs."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A user and a password; a cmdlet sees it as a PSCredential."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of one cmdlet.

    Values reach the cmdlet as they are, whatever characters they hold: nothing is ever made into script text.
    """

    command: str
    """Verb and noun, such as `Get-RDUserSession`; never taken from data."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Values by parameter name: str, int, float, bool (`True` for a switch), or lists of these.

    `None` leaves a parameter out.
    """
    secrets: Mapping[str, Credential] = field(default_factory=dict)
    """Parameters that are secret, by name; they travel encrypted and are never shown."""

    def __post_init__(self) -> None:
        if not COMMAND.fullmatch(self.command):
            raise ValueError(f"{self.command!r} is not the name of a cmdlet")
        given = {name: plain(value) for name, value in self.parameters.items() if value is not None}
        object.__setattr__(self, "parameters", given)


class State(Enum):
    """How a call ended."""

    COMPLETED = "completed"
    """It ran to its end; there may be errors nevertheless."""
    FAILED = "failed"
    """An error ended it: it did not begin, or not all of it was done."""
    STOPPED = "stopped"
    """It was stopped after its deadline; it may have had its effect."""
    NO_ANSWER = "no answer"
    """It was given up after its deadline; it may have its effect even now."""


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """An error of a cmdlet. Only `id` and `category` are the same on every host."""

    id: str
    """The error's own name, such as `CommandNotFoundException`: the FullyQualifiedErrorId up to its first comma.

    What follows there names the command, on a JEA endpoint with a random suffix.
    """
    category: str
    """Name of the ErrorCategory, such as `ObjectNotFound`."""
    exception: str
    """Name of the exception's type without its namespace."""
    message: str
    """For the reader only: it is in the host's language."""

    @classmethod
    def of(cls, full_id: str, category: str, exception: str, message: str) -> ErrorRecord:
        """Make a record; `full_id` is a FullyQualifiedErrorId, `exception` a type's name with its namespace."""
        return cls(full_id.partition(",")[0], category, exception.rpartition(".")[2], message.strip())


@dataclass(frozen=True, slots=True)
class CallResult:
    """What a call brought."""

    state: State
    output: tuple[Row, ...] = ()
    errors: tuple[ErrorRecord, ...] = ()
    """Every error once, the one that ended the call last."""
    warnings: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it ran to its end without any error, so that what it did not show is not there."""
        return self.state is State.COMPLETED and not self.errors

    @property
    def reason(self) -> str:
        """Why it is not whole, for the reader."""
        if self.errors:
            return self.errors[-1].message
        return {State.STOPPED: "it was stopped at its deadline", State.NO_ANSWER: "no answer within its deadline"}.get(
            self.state, ""
        )


def time_text(text: str) -> str:
    """Write a date as every answer does: `2026-11-21T08:30:04.5Z`, in UTC when the host said the zone.

    Without `Z` the zone is not known. Up to seven decimals, without zeros at the end. Other text stays as it is.
    """
    match = TIME.fullmatch(text)
    if not match:
        return text
    whole, decimals, zone = match[1], (match[2] or "")[:7].rstrip("0"), match[3]
    try:
        if zone not in (None, "Z"):
            whole = datetime.fromisoformat(whole + zone).astimezone(timezone.utc).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        return text
    return whole + ("." + decimals if decimals else "") + ("Z" if zone else "")
