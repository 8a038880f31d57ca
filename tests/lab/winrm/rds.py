# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session commands of the module RemoteDesktop, which are script functions and report with Write-Error."""

from __future__ import annotations

import typing

from ..farm import Host, HostNotFoundError, Pool, Session, SessionNotFoundError
from .acting import (
    ACCESS_DENIED,
    SERVER_UNAVAILABLE,
    SESSION_GONE,
    STATES,
    allow_connections,
    disconnect,
    log_off,
    message,
    say,
    win32_code,
)
from .clixml import U32, Collection, DotNetObject, Value, type_names
from .commands import NEW_CONNECTIONS, SWITCH, Body, Bound, Command, Parameter
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
    pools = [pool for pool in machine.farm.pools("rds") if broker.lower() in _brokers(pool)]
    if not pools or execution.fault("broker_absent"):
        execution.write_error(say(execution, "no_deployment", host=broker))
        return None
    active = machine.settings.active_broker or pools[0].connection_broker
    if broker.lower() != active.lower():
        execution.write_error(say(execution, "passive_broker", host=broker))
        return None
    return pools


def _brokers(pool: Pool) -> list[str]:
    return [name.lower() for name in (pool.connection_broker, *pool.passive_brokers)]


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


def _get_collection(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    pools, wanted = _collections(execution, bound), bound.get("CollectionName", "*")
    named = [pool for pool in pools or () if matches(pool.name, wanted)]
    if pools is not None and not named and not has_wildcards(wanted):
        execution.write_error(say(execution, "no_collection", name=wanted))
    types = type_names(f"{_NAMESPACE}.RDSessionCollection")
    for pool in named:
        row: dict[str, Value] = {
            "CollectionName": pool.name,
            "CollectionAlias": pool.name[:15],
            "CollectionDescription": None,
            "Size": len(execution.machine.farm.hosts(pool)),
            "ResourceType": "Remote Desktop",
            "CollectionType": "PooledUnmanaged",
        }
        yield DotNetObject(types, row, text=types[0])


def _get_host(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    """The broker knows the mode, but whether a host has been restarted since only the host itself."""
    pools, wanted = _collections(execution, bound), bound["CollectionName"]
    named = [pool for pool in pools or () if pool.name.lower() == wanted.lower()]
    if pools is not None and not named:
        execution.write_error(say(execution, "no_collection", name=wanted))
    types = type_names(f"{_NAMESPACE}.RDServer")
    for pool in named:
        for host in execution.machine.farm.hosts(pool):
            if host.new_connection_allowed == "NotUntilReboot" and host.status != "Available":
                execution.write_error(say(execution, "host_off", host=host.name))
                continue
            row: dict[str, Value] = {
                "CollectionName": pool.name,
                "SessionHost": host.name,
                "NewConnectionAllowed": host.new_connection_allowed,
            }
            yield DotNetObject(types, row, text=types[0])


def _set_host(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    """It writes nothing. One name that is short, or one host that is off, and no host is set."""
    pools, names = _collections(execution, bound), bound["SessionHost"]
    found = {name: _find_host(execution, pools or (), name) for name in names}
    if pools is None:
        return iter(())
    short = next((name for name in names if "." not in name), None)
    off = next((host.name for pool, host in filter(None, found.values()) if host.status != "Available"), None)
    rule = execution.fault("error")
    if short is not None:
        execution.write_error(say(execution, "short_host", host=short))
    elif off is not None:
        execution.write_error(say(execution, "host_off", host=off))
    elif rule is None or rule.when == "after":
        for name, where in found.items():
            if where is None:
                execution.write_error(say(execution, "no_session_host", host=name))
            else:
                allow_connections(execution, where[0], where[1].name, bound["NewConnectionAllowed"])
    if rule is not None:
        execution.write_error(say(execution, "denied" if rule.code == ACCESS_DENIED else "code", code=rule.code))
    return iter(())


def _find_host(execution: Execution, pools: typing.Iterable[Pool], name: str) -> tuple[Pool, Host] | None:
    for pool in pools:
        for host in execution.machine.farm.hosts(pool):
            if host.name.lower() == name.lower():
                return pool, host
    return None


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
    _command(
        "Get-RDSessionCollection",
        Parameter("CollectionName"),
        Parameter("ConnectionBroker"),
        body=_get_collection,
    ),
    _command(
        "Get-RDSessionHost",
        Parameter("CollectionName", mandatory=True),
        Parameter("ConnectionBroker"),
        body=_get_host,
    ),
    _command(
        "Set-RDSessionHost",
        Parameter("SessionHost", "System.String[]", mandatory=True),
        Parameter("NewConnectionAllowed", NEW_CONNECTIONS, mandatory=True),
        Parameter("ConnectionBroker"),
        body=_set_host,
    ),
)
