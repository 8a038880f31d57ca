# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MultiPoint Services: what is known of the cmdlets of both generations, that of 2012 (R2) and that of 2016.

They have the same names. The older one has no `-All`, so a list with it tells which one the host has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from .._sessions.errors import SelectionError
from .._sessions.selection import Choice, Filters, Selection
from .._sessions.session import ACTIVE, DISCONNECTED, Session
from .._sessions.verbs import DISCONNECT, LOG_OFF, Operation
from .._transports.cmdlet import Call
from .given_rows import RowForm, SessionIds, read_named
from .place import Options, Spec
from .windows import Wanted, WindowsPlace
from .windows_cmdlets import ServiceCmdlets, account_names

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
IDS = SessionIds("session_id")
FORM = RowForm(
    service="wms",
    module="wms_session_info",
    fields=tuple(FIELDS),
    host="computer_name",
    ids=IDS,
    owner=("user_name", "domain_name"),
    names=lambda owner: account_names(owner["domain_name"], owner["user_name"]),
    states={"remoteconnection": ACTIVE, "connectedtostation": ACTIVE, "disconnected": DISCONNECTED},
)
WHERE: Spec = {"server": {"type": "str", "aliases": ["computer_name"]}}
LARGEST_INT32 = 2**31 - 1


class WmsCmdlets(ServiceCmdlets):
    """The sessions of a MultiPoint server."""

    MODULE = "MultiPoint"
    FORM = FORM
    DISCONNECTED = "Disconnected"
    COMMANDS: ClassVar = {LOG_OFF: "Close-WmsSession", DISCONNECT: "Disconnect-WmsSession"}
    NO_SUCH_SESSION = ("ObjectNotFound",)
    RIGHT = "an administrator of the MultiPoint server"
    LIST_ADVICE = "The user must be an administrator of the MultiPoint server."

    def __init__(self, server: str | None = None) -> None:
        """`server` is another server than the host itself."""
        self._server = server
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

    def act(self, session: Session, operation: Operation) -> Call:
        """Do it without the cmdlet's own question. Only the older one has a time limit of its own."""
        command, id_ = self.COMMANDS[operation.verb], session.fields["session_id"]
        if self._older:
            limit = None if operation.time_limit is None else int(operation.time_limit)
            return Call(command, {"SessionId": id_, "TimeoutInSecond": limit, "Confirm": False})
        return Call(command, {"SessionId": [id_], "Server": self._server, "Confirm": False})


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


class Server(WindowsPlace):
    """A MultiPoint server. It does not tell when a session was created, so there is no filter by age."""

    title = "MultiPoint Services"
    form = FORM
    where = WHERE
    # They are documented only by examples: any word is taken, and one that no session has selects nothing.
    states = None

    def check(self, options: Options, given: Sequence[str]) -> None:
        """Refuse a time limit that the cmdlet does not take."""
        seconds = options.get("timeout_in_second")
        if seconds is not None and not 0 < seconds <= LARGEST_INT32:
            raise SelectionError(f"timeout_in_second is {seconds}: it must be from 1 to {LARGEST_INT32} seconds.")

    def time_limit(self, options: Options) -> float | None:
        """Return the older cmdlet's own time limit."""
        seconds = options.get("timeout_in_second")
        return None if seconds is None else float(seconds)

    def read(self, options: Options, filters: Filters) -> Wanted:
        """Read which sessions of the server are meant."""
        named = read_named(options, FORM, "")
        return Wanted(WmsCmdlets(options["server"]), ServerSelection(named, filters))


SERVER = Server()
