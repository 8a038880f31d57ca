# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session commands of the module RemoteDesktop, which are script functions and report with Write-Error."""

from __future__ import annotations

import typing

from ..farm import HostNotFoundError, Pool, Session, SessionNotFoundError
from .acting import (
    ACCESS_DENIED,
    SERVER_UNAVAILABLE,
    SESSION_GONE,
    STATES,
    disconnect,
    log_off,
    message,
    say,
    win32_code,
)
from .clixml import U32, Collection, DotNetObject, Value, type_names
from .commands import SWITCH, Body, Bound, Command, Parameter
from .wildcards import has_wildcards, matches

if typing.TYPE_CHECKING:
    from .execution import Execution

_NAMESPACE = "Microsoft.RemoteDesktopServices.Management"
_SESSION_TYPES = type_names(f"{_NAMESPACE}.RDUserSession")

_Act = typing.Callable[["Execution", Pool, str, int], None]
"""Does something to the session of that id on that host."""


def _row(execution: Execution, pool: Pool, session: Session) -> DotNetObject:
    local = execution.machine.local_time
    return DotNetObject(
        _SESSION_TYPES,
        {
            "ServerName": session.host,
            "SessionId": U32(session.id if session.guest_id is None else session.guest_id),
            "UserName": session.user_name,
            "DomainName": session.domain,
            "ServerIPAddress": None,
            "TSProtocol": None,
            "ApplicationType": None if session.application == "Desktop" else session.application,
            "ResolutionWidth": None,
            "ResolutionHeight": None,
            "ColorDepth": None,
            "CreateTime": local(session.create_time),
            "DisconnectTime": local(session.disconnect_time),
            "SessionState": f"STATE_{STATES.get(session.state, 'IDLE')}",
            "CollectionName": pool.name,
            "CollectionType": "RD_FARM_RDSH",
            "UnifiedSessionId": U32(session.id),
            "HostServer": session.host,
            "IdleTime": U32(session.idle_ms),
            "RemoteFxEnabled": None,
        },
        text=_SESSION_TYPES[0],
    )


def _collections(execution: Execution, bound: Bound) -> list[Pool] | None:
    """The collections of the deployment, or None after an error record."""
    machine = execution.machine
    broker = bound.get("ConnectionBroker", machine.name)
    if "." not in broker or broker.endswith(".") or len(broker) >= 255:
        execution.write_error(say(execution, "no_fqdn", host=broker))
        return None
    pools = [pool for pool in machine.farm.pools("rds") if pool.connection_broker.lower() == broker.lower()]
    if not pools or execution.fault("broker_absent"):
        execution.write_error(say(execution, "no_deployment", host=broker))
        return None
    return pools


def _get_session(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    pools = _collections(execution, bound)
    if pools is None:
        return
    for wanted in bound.get("CollectionName", ("*",)):
        named = [pool for pool in pools if matches(pool.name, wanted)]
        if not named and not has_wildcards(wanted):
            execution.write_error(say(execution, "no_collection", name=wanted))
        for pool in named:
            for session in execution.machine.farm.sessions(pool, lagged=True):
                yield _row(execution, pool, session)


def _ending(question: str, end: _Act) -> Body:
    """What logs a session off, or disconnects it."""

    def body(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
        if bound.get("Force"):
            _report(execution, bound, _call(execution, bound, end))
        else:
            execution.throw(execution.unanswered(question))
        return iter(())

    return body


def _send_message(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    """It asks nothing, and has no Force."""
    text = (bound["MessageTitle"], bound["MessageBody"])

    def send(execution: Execution, pool: Pool, host: str, session_id: int) -> None:
        message(execution, pool, host, session_id, text)

    _report(execution, bound, _call(execution, bound, send))
    return iter(())


def _call(execution: Execution, bound: Bound, act: _Act) -> int:
    """Call WTSSessionManagement on the host; no broker is asked. Answers with a Win32 code."""
    return win32_code(execution, lambda: _on_host(execution, bound, act))


def _on_host(execution: Execution, bound: Bound, act: _Act) -> int:
    farm = execution.machine.farm
    for pool in farm.pools("rds"):
        try:
            host = farm.host(pool, bound["HostServer"], any_case=True)
        except HostNotFoundError:
            continue
        if host.status != "Available":
            return SERVER_UNAVAILABLE
        try:
            act(execution, pool, host.name, bound["UnifiedSessionID"])
        except SessionNotFoundError:
            return SESSION_GONE
        return 0
    return SERVER_UNAVAILABLE


def _report(execution: Execution, bound: Bound, code: int) -> None:
    host, session_id = bound["HostServer"], bound["UnifiedSessionID"]
    if code == 0:
        return
    if code == ACCESS_DENIED:
        execution.write_error(say(execution, "denied"))
    elif code == SESSION_GONE:
        execution.write_error(say(execution, "no_session", id=session_id, host=host))
    elif code == SERVER_UNAVAILABLE:
        execution.write_error(say(execution, "no_host", host=host))
    else:
        execution.write_error(say(execution, "code", code=code))


def _get_server(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    types = type_names(f"{_NAMESPACE}.Server")
    roles: dict[str, set[str]] = {}
    for pool in _collections(execution, bound) or ():
        roles.setdefault(pool.connection_broker, set()).add("RDS-CONNECTION-BROKER")
        for host in execution.machine.farm.hosts(pool):
            roles.setdefault(host.name, set()).add("RDS-RD-SERVER")
    for name, has in roles.items():
        yield DotNetObject(types, {"Server": name, "Roles": Collection(tuple(sorted(has)))}, text=types[0])


def _command(name: str, *parameters: Parameter, body: Body) -> Command:
    return Command(name, "RemoteDesktop", parameters, body)


_WHICH = (
    Parameter("HostServer", mandatory=True),
    Parameter("UnifiedSessionID", "System.Int32", mandatory=True),
)
_FORCE = Parameter("Force", SWITCH)

COMMANDS = (
    _command(
        "Get-RDUserSession",
        Parameter("CollectionName", "System.String[]"),
        Parameter("ConnectionBroker"),
        body=_get_session,
    ),
    _command("Invoke-RDUserLogoff", *_WHICH, _FORCE, body=_ending("Log off?", log_off)),
    _command("Disconnect-RDUser", *_WHICH, _FORCE, body=_ending("Disconnect?", disconnect)),
    _command(
        "Send-RDUserMessage",
        *_WHICH,
        Parameter("MessageTitle", mandatory=True),
        Parameter("MessageBody", mandatory=True),
        body=_send_message,
    ),
    _command("Get-RDServer", Parameter("ConnectionBroker"), body=_get_server),
)
