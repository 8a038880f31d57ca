# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote Desktop Services of Windows Server: what is known of the cmdlets of the module RemoteDesktop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._sessions.selection import NamedSession
from .._sessions.session import Session
from .._transports.cmdlet import Call, Row
from .given_rows import SessionIds, read_rows
from .windows_cmdlets import ServiceCmdlets, account_names, make_session

STATES = tuple(
    f"STATE_{name}"
    for name in (
        *("ACTIVE", "CONNECTED", "CONNECTQUERY", "SHADOW", "DISCONNECTED", "IDLE", "LISTEN", "RESET", "DOWN", "INIT"),
    )
)
"""Names of SESSION_STATE, by number."""

FIELDS = {
    "host_server": "HostServer",
    "unified_session_id": "UnifiedSessionId",
    "session_id": "SessionId",
    "user_name": "UserName",
    "domain_name": "DomainName",
    "collection_name": "CollectionName",
    "collection_type": "CollectionType",
    "session_state": "SessionState",
    "application_type": "ApplicationType",
    "create_time": "CreateTime",
    "disconnect_time": "DisconnectTime",
    "idle_time": "IdleTime",
    "server_name": "ServerName",
    "server_ip_address": "ServerIPAddress",
    "ts_protocol": "TSProtocol",
    "resolution_width": "ResolutionWidth",
    "resolution_height": "ResolutionHeight",
    "color_depth": "ColorDepth",
    "remote_fx_enabled": "RemoteFxEnabled",
}
"""Fields of a row in the order in which they are shown, and the property of an RDUserSession that each one shows."""
IDENTITY = ("host_server", "unified_session_id")
IDS = SessionIds("unified_session_id", 2**31 - 1)


class RdsCmdlets(ServiceCmdlets):
    """The sessions of a deployment, or of some of its collections."""

    MODULE = "RemoteDesktop"
    RIGHT = "a local administrator of the connection broker and of the session hosts"
    LIST_ADVICE = (
        "Check connection_broker (the full name of the active broker) and collection_name. The cmdlet needs "
        "credentials that travel on, even on the broker itself, else it says that there is no deployment: use become "
        "with become_method runas and a password, or CredSSP. The user must be an administrator of the broker."
    )
    where = IDENTITY
    owner = ("user_name", "domain_name")
    proof = (*owner, "create_time")
    fields = FIELDS

    def __init__(self, connection_broker: str | None = None, collections: Sequence[str] | None = None) -> None:
        """`None` means the host itself is the broker, or all collections."""
        broker = {"ConnectionBroker": connection_broker}
        self.lists = (Call("Get-RDUserSession", {"CollectionName": collections, **broker}),)
        self.hosts = Call("Get-RDServer", broker)

    def read(self, row: Row, read_at: float) -> Session:
        """Read an RDUserSession."""
        fields = {field: row.get(name) for field, name in FIELDS.items()}
        state = fields["session_state"]
        if isinstance(state, int) and 0 <= state < len(STATES):
            fields["session_state"] = STATES[state]
        return make_session(self, fields, account_names(fields["domain_name"], fields["user_name"]), read_at)

    def act(self, session: Session) -> Call:
        """Log off without the cmdlet's own question, which nobody could answer on the host."""
        return Call(
            "Invoke-RDUserLogoff",
            {
                "HostServer": session.host,
                "UnifiedSessionID": session.fields["unified_session_id"],
                "Force": True,
            },
        )

    def read_host(self, row: Row) -> str:
        """Read the name of a server of the deployment."""
        return str(row.get("Server") or "")


def read_named(rows: object, option: str) -> tuple[NamedSession, ...]:
    """Read rows of rds_session_info. Raises SelectionError."""
    return tuple(
        NamedSession(
            "",
            row.text("host_server"),
            row.id(IDS),
            next(iter(account_names(row.optional("domain_name"), row.optional("user_name"))), ""),
            row.time("create_time"),
            {**dict.fromkeys(FIELDS), **row.known(FIELDS)},
            nobody=row.nobody("user_name"),
            timeless=row.nobody("create_time"),
        )
        for row in read_rows(rows, option, "rds_session_info")
    )


def name_session(host: str, id_: int) -> NamedSession:
    """Name a session by what the cmdlet takes."""
    fields: Mapping[str, Any] = {**dict.fromkeys(FIELDS), "host_server": host, "unified_session_id": id_}
    return NamedSession("", host, str(id_), fields=dict(fields))
