# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service knows of its cmdlets, and how what they list is read. Nothing here talks to a host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from .._sessions.session import Session, fold
from .._sessions.times import at_latest, read_time
from .._sessions.verbs import Operation, Verb
from .._transports.cmdlet import Call, Row
from .given_rows import RowForm

LIST_SECONDS = 120.0
"""Deadline of a call that lists."""
SHORTEST_ACT = 10.0
"""Deadline of a call that acts, at least: its first one on a host may have to load the module before it acts."""
NOT_TOLD = "?"
"""Stands for a host or an id that the host does not tell. Such a session is never acted on."""


class ServiceCmdlets(ABC):
    """The cmdlets of one service at one place."""

    MODULE: ClassVar[str]
    """The PowerShell module that has them."""
    FORM: ClassVar[RowForm]
    """How the rows look."""
    STATES: ClassVar[Sequence[str]] = ()
    """Names of the states that the host may list as a number, by that number."""
    DISCONNECTED: ClassVar[str]
    """The service's word for the state of a disconnected session."""
    COMMANDS: ClassVar[Mapping[Verb, str]]
    """The cmdlet of each verb that the service has."""
    NO_SUCH_SESSION: ClassVar[tuple[str, ...]] = ()
    """Categories of errors by which an act says that there is no such session, so that it did nothing."""
    RIGHT: ClassVar[str]
    """What a user must be or have, for errors: "the user must be ..."."""
    LIST_ADVICE: ClassVar[str]
    """What to do when the list fails with an error that says too little, in a sentence."""

    place: str = ""
    fields: Mapping[str, str]
    """Property of a listed object by the field of a row that shows it."""
    sign_in: Call | None = None
    """Must come first in every runspace."""
    lists: tuple[Call, ...]
    """The call that lists. If there are several, the first of which the host knows all parameters."""
    hosts: Call | None = None
    """The call that lists the session hosts, also those without sessions."""
    unknown_parameter: str = ""
    """What else it can mean that a cmdlet lacks a parameter, in a sentence."""

    @property
    def where(self) -> tuple[str, ...]:
        """Fields that say which session: its host and id."""
        return (self.FORM.host, self.FORM.ids.name)

    @property
    def proof(self) -> tuple[str, ...]:
        """Fields that prove that it is still the same one."""
        return (*self.FORM.owner, *(name for name in self.fields if name == "create_time"))

    def chose(self, number: int) -> None:  # noqa: B027
        """Take note that the host knows `lists[number]`."""

    def advice(self, operation: Operation | None) -> str:
        """Say what to do when acts fail, for which only texts in the host's language tell why, in sentences."""
        return ""

    @abstractmethod
    def act(self, session: Session, operation: Operation) -> Call:
        """Make the call that does the operation to a session."""

    def read(self, row: Row, read_at: float) -> Session:
        """Read a listed object; `read_at` is the clock reading (seconds) just before its list was asked for.

        Without a host, an id or a user the session has no users, so it is never acted on.
        """
        fields: dict[str, Any] = {field: row.get(name) for field, name in self.fields.items()}
        state = fields["session_state"]
        if isinstance(state, int) and 0 <= state < len(self.STATES):
            state = fields["session_state"] = self.STATES[state]
        host, id_ = (fields[name] for name in self.where)
        users: tuple[str, ...] = ()
        if host and id_ is not None:
            users = tuple(self.FORM.names({name: str(fields[name] or "").strip() for name in self.FORM.owner}))
        host, id_, state = str(host or NOT_TOLD), NOT_TOLD if id_ is None else str(id_), str(state or "Unknown")
        common_state = self.FORM.common_state(state)
        return Session(
            self.place,
            host,
            id_,
            users,
            state,
            _moment(fields.get("create_time")),
            read_at,
            self.FORM.row(fields, host, id_, next(iter(users), ""), common_state),
            common_state,
            _moment(fields.get("disconnect_time")),
        )

    def read_host(self, row: Row) -> str:
        """Read the name of a session host from what `hosts` lists."""
        raise NotImplementedError


def _moment(value: object) -> datetime | None:
    return at_latest(read_time(value)) if isinstance(value, str) else None


def account_names(domain: str, user: str) -> tuple[str, ...]:
    """Return the names of an owner, the full one first if there is a domain; none when `user` is empty: not told."""
    if not user:
        return ()
    return (f"{domain}\\{user}", user) if domain else (user,)


def read_list(cmdlets: ServiceCmdlets, rows: Iterable[Row], read_at: float) -> list[Session]:
    """Read a list; `read_at` is as in `ServiceCmdlets.read`. A session that is listed twice is one.

    If two have the same id, nobody can tell which of them has it, so neither has users.
    """
    found: dict[tuple[str, str], list[Session]] = {}
    for row in rows:
        session = cmdlets.read(row, read_at)
        same = found.setdefault((fold(session.host), session.id), [])
        if not any(fold(session.user) == fold(one.user) and session.created == one.created for one in same):
            same.append(session)
    return [replace(one, users=()) if len(same) > 1 else one for same in found.values() for one in same]
