# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sessions of a task are: one parameter set of a service's cmdlets, and how its service is reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._sessions.errors import SelectionError
from .._sessions.selection import Filters, Selection
from .._sessions.service import Service
from .._sessions.session import COMMON_STATES, fold
from .._sessions.verbs import Operation
from .given_rows import RowForm

Options = Mapping[str, Any]
"""Values by option, of plain types; `None` for an option that is not given."""
Spec = dict[str, Any]
"""Options as an argument spec of Ansible."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How a service reaches the world."""

    host: str
    """The host of the task, as people know it."""
    connection: Any
    """Ansible's connection plugin, with its become plugin."""
    run_module: Callable[..., Mapping[str, Any]]
    """Takes `module_name` and `module_args`, runs the module on the host and returns its result."""
    environment: Mapping[str, str]
    """Environment variables of the task."""
    user_agent: str
    clock: Callable[[], float]
    """Counts seconds."""
    sleep: Callable[[float], None]
    lives: Callable[[], bool]
    """Tells whether the run that the task belongs to goes on."""
    tell: Callable[[str], None] = lambda _text: None
    """Shows people a sentence about a wait of minutes."""


class Place(ABC):
    """A parameter set of a service. Holds nothing that changes."""

    title: str
    """The service's full name."""
    form: RowForm
    where: Spec
    """Options that say where the sessions are, and who signs in there."""
    rows: Sequence[str] = ("sessions",)
    """Options that hold rows; of these at most one is given."""
    host_option: str = ""
    """Option that names one session host, without which ids mean nothing; empty where ids are unique in the place."""
    states: Sequence[str] | None
    """The service's own words for states; `None` when they are not known, so that any word is taken."""
    question: tuple[str, bool] = ("confirm", False)
    """Option that decides about the question before anything is done, and its value for no question. Modules whose
    cmdlet never asks lack it."""
    may_be_empty: frozenset[str] = frozenset()
    """Options that count as not given when they are empty."""
    verbatim: frozenset[str] = frozenset()
    """Lists of names in which a line end may be part of a name."""
    needs_connection: bool = True
    """Whether the service is reached over the connection of the host."""

    def own_options(self, options: Spec) -> list[str]:
        """Return which of a module's options belong to this place."""
        return [name for name in options if name in {*self.where, self.form.ids.name, self.question[0]}]

    def is_meant_by(self, row: object) -> bool:
        """Tell whether a row is one of this service."""
        if not isinstance(row, Mapping):
            return False
        return row["service"] == self.form.service if row.get("service") else self.form.host in row

    def check(self, options: Options, given: Sequence[str]) -> None:  # noqa: B027
        """Refuse options that do not go together. `given` are those that the task gives. Raises SelectionError."""

    def time_limit(self, options: Options) -> float | None:
        """Return the seconds that one act may take, when an option says so."""
        return None

    def read_states(self, words: Sequence[str]) -> tuple[str, ...]:
        """Read the words of `session_state`, the service's own and the common ones. Raises SelectionError."""
        known = {fold(word) for word in (*COMMON_STATES, *(self.states or ()))}
        for word in words:
            if self.states is not None and fold(word) not in known:
                common = ", ".join(COMMON_STATES)
                raise SelectionError(
                    f"session_state is {word!r}: it must be one of {common}, {', '.join(self.states)}."
                )
        return tuple(words)

    @abstractmethod
    def read(self, options: Options, filters: Filters) -> Any:
        """Read what is wanted, for `open`, from the options; `filters` are read already. Raises SelectionError."""

    @abstractmethod
    def open(self, wanted: Any, operation: Operation | None, reach: Reach) -> tuple[Service, Selection]:
        """Reach the service, for what `read` made of the task; without an operation it only lists.

        Raises ServiceError and SelectionError.
        """
