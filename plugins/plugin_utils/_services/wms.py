# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MultiPoint Services: what is known of the cmdlets of both generations, that of 2012 (R2) and that of 2016.

They have the same names. The older one has no `-All`, so a list with it tells which one the host has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from .._sessions.errors import SelectionError
from .._sessions.selection import Choice, NamedSession, Selection
from .._sessions.session import Session
from .._transports.cmdlet import Call, Row
from .given_rows import SessionIds, read_rows
from .windows_cmdlets import ServiceCmdlets, account_names, make_session

FIELDS = {
    "computer_name": "ComputerName",
    "session_id": "SessionId",
    "user_name": "UserName",
    "domain_name": "DomainName",
    "session_state": "State",
    "is_admin": "IsAdmin",
    "station_id": "StationId",
    "client_name": "ClientName",
    "is_rail": "IsRail",
    "is_orchestratable": "IsOrchestratable",
    "is_mog_user": "IsMOGUser",
}
"""Fields of a row, and the property that each one shows in the generation of 2016."""
IDS = SessionIds("session_id", 2**31 - 1)


class WmsCmdlets(ServiceCmdlets):
    """The sessions of a MultiPoint server."""

    MODULE = "MultiPoint"
    NO_SUCH_SESSION = ("ObjectNotFound",)
    RIGHT = "an administrator of the MultiPoint server"
    LIST_ADVICE = "The user must be an administrator of the MultiPoint server."
    where = ("computer_name", "session_id")
    owner = ("user_name", "domain_name")
    proof = owner

    def __init__(self, server: str | None = None, timeout: int | None = None) -> None:
        """`server` is another server than the host itself, `timeout` the seconds that closing a session may take."""
        self._server = server
        self._timeout = timeout
        self._older = False
        newer = Call("Get-WmsSession", {"All": True, "Server": server})
        # The older cmdlet knows only its own host, so it is no way to list another server.
        self.lists = (newer,) if server else (newer, Call("Get-WmsSession"))
        self.fields = FIELDS
        if server:
            self.unknown_parameter = (
                "The MultiPoint module of 2012 R2 knows no server: run the task on that host itself."
            )

    def chose(self, number: int) -> None:
        """Take note of the generation."""
        self._older = number == 1
        self.fields = {**FIELDS, "session_id": "Id"} if self._older else FIELDS

    def read(self, row: Row, read_at: float) -> Session:
        """Read a session."""
        fields = {field: row.get(name) for field, name in self.fields.items()}
        return make_session(self, fields, account_names(fields["domain_name"], fields["user_name"]), read_at)

    def act(self, session: Session) -> Call:
        """Close the session without the cmdlet's own question. Only the older one has a time limit of its own."""
        id_ = session.fields["session_id"]
        if self._older:
            return Call("Close-WmsSession", {"SessionId": id_, "TimeoutInSecond": self._timeout, "Confirm": False})
        return Call("Close-WmsSession", {"SessionId": [id_], "Server": self._server, "Confirm": False})


@dataclass(frozen=True, slots=True)
class ServerSelection(Selection):
    """A selection of sessions by their ids alone: a list shows one server, where they are unique."""

    def choose(self, listed: Iterable[Session], now: datetime) -> Choice:
        """Pick the sessions that are meant. Raises SelectionError."""
        sessions = list(listed)
        named = self.named
        if named is not None:
            named = tuple(replace(one, host=one.host or _host(one.id, sessions)) for one in named)
        return Selection(named, self.filters).choose(sessions, now)


def _host(id_: str, sessions: Iterable[Session]) -> str:
    hosts = {session.host for session in sessions if session.id == id_}
    if len(hosts) > 1:
        raise SelectionError(f"session_id {id_} is on {', '.join(sorted(hosts))}: name the session with sessions.")
    return next(iter(hosts), "")


def read_named(rows: object, option: str) -> tuple[NamedSession, ...]:
    """Read rows of wms_session_info. Raises SelectionError."""
    return tuple(
        NamedSession(
            "",
            row.text("computer_name"),
            row.id(IDS),
            next(iter(account_names(row.optional("domain_name"), row.optional("user_name"))), ""),
            fields={**dict.fromkeys(FIELDS), **row.known(FIELDS)},
            nobody=row.nobody("user_name"),
        )
        for row in read_rows(rows, option, "wms_session_info")
    )


def name_session(id_: int) -> NamedSession:
    """Name a session by what the cmdlet takes."""
    return NamedSession("", "", str(id_), fields={**dict.fromkeys(FIELDS), "session_id": id_})
