# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote Desktop Services of Windows Server: what is known of the cmdlets of the module RemoteDesktop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from .._sessions.errors import SelectionError
from .._sessions.selection import Filters
from .._sessions.session import ACTIVE, COMMON_STATES, DISCONNECTED, ENDING, Session, fold
from .._sessions.verbs import DISCONNECT, LOG_OFF, MESSAGE, Operation
from .._transports.cmdlet import Call, Row
from .given_rows import RowForm, SessionIds, read_named
from .host_names import HostSelection
from .message_texts import TEXTS, check_texts
from .place import Options, Spec
from .windows import Wanted, WindowsPlace
from .windows_cmdlets import ServiceCmdlets, account_names

CONNECTIONS = ("Yes", "NotUntilReboot", "No")
"""Names of RDServerNewConnectionAllowed, by number."""
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
IDS = SessionIds("unified_session_id")
FORM = RowForm(
    service="rds",
    module="rds_session_info",
    fields=tuple(FIELDS),
    host="host_server",
    ids=IDS,
    owner=("user_name", "domain_name"),
    names=lambda owner: account_names(owner["domain_name"], owner["user_name"]),
    states={
        "state_active": ACTIVE,
        "state_shadow": ACTIVE,
        "state_disconnected": DISCONNECTED,
        "state_reset": ENDING,
    },
)
WHERE: Spec = {
    "host_server": {"type": "str"},
    "connection_broker": {"type": "str"},
    "collection_name": {"type": "list", "elements": "str"},
}
DISCONNECTED_FOR: Spec = {"minimum_disconnected": {"type": "str"}}
"""The filter that no other service can have: only this one tells since when a session is disconnected.

To disconnect such sessions is nothing to do, so all modules but that one have it.
"""
OWN_OPTIONS: Spec = {**WHERE, **DISCONNECTED_FOR}
LONGEST_NAME = 255


class RdsCmdlets(ServiceCmdlets):
    """The sessions of a deployment, or of some of its collections."""

    MODULE = "RemoteDesktop"
    FORM = FORM
    STATES = STATES
    DISCONNECTED = "STATE_DISCONNECTED"
    COMMANDS: ClassVar = {
        LOG_OFF: "Invoke-RDUserLogoff",
        DISCONNECT: "Disconnect-RDUser",
        MESSAGE: "Send-RDUserMessage",
    }
    RIGHT = "a local administrator of the connection broker and of the session hosts"
    LIST_ADVICE = (
        "Check connection_broker (the full name of the active broker, as Get-RDConnectionBrokerHighAvailability shows "
        "it) and collection_name. The cmdlet makes a double hop (delegated credentials) even on the broker itself; "
        "without such it says that there is no deployment: use become with become_method runas and a password, or "
        "CredSSP. The user must be an administrator of the broker."
    )
    PERMISSIONS: ClassVar = {LOG_OFF: "Reset", DISCONNECT: "Disconnect", MESSAGE: "Message"}
    """What Windows calls the right that each verb needs on the session host."""
    HOST_ADVICE = (
        "Check that the session hosts are up: the cmdlet sets nothing on one that does not answer. The user must be a "
        "local administrator of the connection broker. The cmdlet makes a double hop (delegated credentials) even on "
        "the broker itself: use become with become_method runas and a password, or CredSSP."
    )
    """What to do when the state of session hosts cannot be set, in sentences."""
    fields = FIELDS

    def __init__(self, connection_broker: str | None = None, collections: Sequence[str] | None = None) -> None:
        """`connection_broker` is a full name, `None` for the host; `collections` are whole names, `None` for all."""
        broker = {"ConnectionBroker": connection_broker}
        self.lists = (Call("Get-RDUserSession", {"CollectionName": collections, **broker}),)
        self.hosts = Call("Get-RDServer", broker)
        self.collections = Call("Get-RDSessionCollection", broker)
        self._broker = broker

    def advice(self, operation: Operation | None) -> str:
        """Name the right that may lack, as "access is denied" is told only in the host's language."""
        if operation is None:
            return ""
        permission = self.PERMISSIONS[operation.verb]
        return (
            f"Check that the session hosts are up and that the user has the permission {permission} of Remote Desktop "
            "Services there, as local administrators have it. From one Windows host to another this is a double hop "
            "(delegated credentials): become with become_method runas and a password, or CredSSP. Or run the task on "
            "the session host."
        )

    def act(self, session: Session, operation: Operation) -> Call:
        """Do it without the cmdlet's own question, which nobody could answer on the host; a message has none."""
        if operation.verb is MESSAGE:
            arguments = operation.arguments_for(session)
            title, body = (arguments[name] for name in TEXTS)
            how = {"MessageTitle": title, "MessageBody": body}
        else:
            how = {"Force": True}
        which = {"HostServer": session.host, "UnifiedSessionID": session.fields["unified_session_id"]}
        return Call(self.COMMANDS[operation.verb], {**which, **how})

    def read_host(self, row: Row) -> str:
        """Read the name of a server of the deployment."""
        return str(row.get("Server") or "")

    def session_hosts(self, collection: str) -> Call:
        """List the session hosts of one collection, and whether they take new sessions."""
        return Call("Get-RDSessionHost", {"CollectionName": collection, **self._broker})

    def set_host(self, host: str, connections: str) -> Call:
        """Let a session host take new sessions, or not: one of CONNECTIONS.

        One host a call: of several it changes none when one does not answer. It needs the full name, and says nothing.
        """
        return Call("Set-RDSessionHost", {"SessionHost": host, "NewConnectionAllowed": connections, **self._broker})


class Deployment(WindowsPlace):
    """A deployment, or some of its collections, seen from its connection broker."""

    title = "Remote Desktop Services"
    form = FORM
    where = OWN_OPTIONS
    host_option = "host_server"
    states = STATES
    question = ("force", True)
    may_be_empty = frozenset(TEXTS)
    verbatim = frozenset({"collection_name"})

    def check(self, options: Options, given: Sequence[str]) -> None:
        """Refuse wildcards, a broker without its domain, and a message that lacks one of its texts."""
        check_texts(options, both=True)
        check_collections(options["collection_name"] or ())
        check_broker(options["connection_broker"])

    def read_states(self, words: Sequence[str]) -> tuple[str, ...]:
        """Let the cmdlet's own words lack their prefix, where that does not make them common ones."""
        return super().read_states([_with_prefix(word.strip()) for word in words])

    def read(self, options: Options, filters: Filters) -> Wanted:
        """Read which sessions of the deployment are meant."""
        named = read_named(options, FORM, options["host_server"] or "")
        cmdlets = RdsCmdlets(options["connection_broker"], options["collection_name"])
        return Wanted(cmdlets, HostSelection(named, filters))


DEPLOYMENT = Deployment()


def check_collections(names: Sequence[str]) -> None:
    """Refuse wildcards, which the cmdlets take. Raises SelectionError."""
    for name in names:
        if any(mark in name for mark in "*?[]"):
            raise SelectionError(f"collection_name takes whole names: {name!r} has a wildcard.")


def check_broker(name: str | None) -> None:
    """Refuse a broker without its domain. Raises SelectionError."""
    if name is not None and ("." not in name.strip(".") or name.endswith(".") or len(name) >= LONGEST_NAME):
        raise SelectionError(
            f"connection_broker is {name[:40]!r}: it must be the full name of the broker, with its domain."
        )


def _with_prefix(word: str) -> str:
    if fold(word) in COMMON_STATES:
        return fold(word)
    name = word.upper()
    return name if name.startswith("STATE_") else f"STATE_{name}"
