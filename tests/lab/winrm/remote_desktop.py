# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session commands of the module RemoteDesktop, which are script functions and report with Write-Error."""

from __future__ import annotations

import typing

from ..farm import HostNotFoundError, NotInFarmError, Pool, Session, SessionNotFoundError
from .acting import ACCESS_DENIED, SERVER_UNAVAILABLE, SESSION_GONE, STATES, Verb, act, say, win32_error
from .clixml import U32, Collection, DotNetObject, Enumeration, Value, type_names
from .commands import SWITCH, Body, Bound, Command, Parameter
from .wildcards import has_wildcards, matches

if typing.TYPE_CHECKING:
    from .execution import Execution

_NAMESPACE = "Microsoft.RemoteDesktopServices.Management"
_SESSION_TYPES = type_names(f"{_NAMESPACE}.RDUserSession")
_STATE_NUMBERS = {
    name: number
    for number, name in enumerate(
        ("ACTIVE", "CONNECTED", "CONNECTQUERY", "SHADOW", "DISCONNECTED", "IDLE", "LISTEN", "RESET", "DOWN", "INIT")
    )
}
_SESSION_HOST_COLLECTION = Enumeration(f"{_NAMESPACE}.COLLECTION_TYPE", "RD_FARM_RDSH", 0)


def _row(execution: Execution, pool: Pool, session: Session) -> DotNetObject:
    name = STATES.get(session.state, "IDLE")
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
            "SessionState": Enumeration(f"{_NAMESPACE}.SESSION_STATE", f"STATE_{name}", _STATE_NUMBERS[name]),
            "CollectionName": pool.name,
            "CollectionType": _SESSION_HOST_COLLECTION,
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
    pools = [pool for pool in machine.farm.pools("remote_desktop") if pool.connection_broker.lower() == broker.lower()]
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


def _end_session(verb: Verb, question: str, done: str) -> Body:
    def body(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
        def end(pool: Pool, host: str) -> None:
            act(execution, verb, pool, host, bound["UnifiedSessionID"])

        if bound.get("Force"):
            _report(execution, bound, _call(execution, bound, end), done)
        else:
            execution.throw(execution.unanswered(question, "ShouldContinue"))
        return iter(())

    return body


def _send_message(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    machine = execution.machine
    text = (bound["MessageTitle"], bound["MessageBody"])
    caller = machine.caller(execution.runspace.user, execution.command.name)

    def send(pool: Pool, host: str) -> None:
        machine.farm.message(pool, host, bound["UnifiedSessionID"], text, caller)

    _report(execution, bound, _call(execution, bound, send), "message_sent")
    return iter(())


def _call(execution: Execution, bound: Bound, do: typing.Callable[[Pool, str], None]) -> int:
    """Call WTSSessionManagement on the host; no broker is asked. Answers with a Win32 code."""
    code = win32_error(execution)
    if code:
        return code
    farm = execution.machine.farm
    for pool in farm.pools("remote_desktop"):
        try:
            host = farm.host(pool, bound["HostServer"], any_case=True)
        except HostNotFoundError:
            continue
        if host.status != "Available":
            return SERVER_UNAVAILABLE
        try:
            do(pool, host.name)
        except SessionNotFoundError:
            return SESSION_GONE
        return 0
    return SERVER_UNAVAILABLE


def _report(execution: Execution, bound: Bound, code: int, done: str) -> None:
    host, session_id = bound["HostServer"], bound["UnifiedSessionID"]
    if code == 0:
        execution.write_verbose(say(execution, done))
    elif code == ACCESS_DENIED:
        execution.write_error(say(execution, "denied"))
    elif code == SESSION_GONE:
        execution.write_error(say(execution, "no_session", id=session_id, host=host))
    elif code == SERVER_UNAVAILABLE:
        execution.write_error(say(execution, "no_host", host=host))
    else:
        execution.write_error(say(execution, "code", code=code))


def _get_session_host(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    wanted = bound["CollectionName"]
    pools = _collections(execution, bound)
    if pools is None:
        return
    named = [pool for pool in pools if pool.name.lower() == wanted.lower()]
    if not named:
        execution.write_error(say(execution, "no_collection", name=wanted))
    types = type_names(f"{_NAMESPACE}.RDServer")
    for pool in named:
        for host in execution.machine.farm.hosts(pool):
            allowed = ("Yes", 0) if host.allow_new_session else ("No", 2)
            yield DotNetObject(
                types,
                {
                    "CollectionName": pool.name,
                    "SessionHost": host.name,
                    "NewConnectionAllowed": Enumeration(f"{_NAMESPACE}.RDServerNewConnectionAllowed", *allowed),
                },
                text=types[0],
            )


def _set_session_host(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    farm = execution.machine.farm
    caller = execution.machine.caller(execution.runspace.user, execution.command.name)
    pools = _collections(execution, bound) or []
    for wanted in bound["SessionHost"] if pools else ():
        for pool in pools:
            try:
                host = farm.host(pool, wanted, any_case=True)
            except NotInFarmError:
                continue
            farm.drain(pool, host.name, bound["NewConnectionAllowed"].lower() in ("yes", "0"), caller)
            break
        else:
            execution.write_error(say(execution, "no_host", host=wanted))
    return iter(())


def _get_collection(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    types = type_names(f"{_NAMESPACE}.RDSessionCollection")
    wanted = bound.get("CollectionName")
    found = 0
    pools = _collections(execution, bound)
    for pool in pools or ():
        if wanted is None or pool.name.lower() == wanted.lower():
            found += 1
            yield DotNetObject(
                types,
                {
                    "CollectionName": pool.name,
                    "CollectionAlias": pool.name,
                    "CollectionDescription": "",
                    "Size": len(execution.machine.farm.hosts(pool)),
                    "ResourceType": "Remote Desktop",
                    "CollectionType": Enumeration(f"{_NAMESPACE}.SessionCollectionType", "PooledUnmanaged", 1),
                    "AutoAssignPersonalDesktop": False,
                    "GrantAdministrativePrivilege": False,
                },
                text=types[0],
            )
    if pools is not None and not found and wanted is not None:
        execution.write_error(say(execution, "no_collection", name=wanted))


def _get_server(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    types = type_names(f"{_NAMESPACE}.Server")
    wanted = {role.upper() for role in bound.get("Role", ())}
    roles: dict[str, set[str]] = {}
    for pool in _collections(execution, bound) or ():
        roles.setdefault(pool.connection_broker, set()).add("RDS-CONNECTION-BROKER")
        for host in execution.machine.farm.hosts(pool):
            roles.setdefault(host.name, set()).add("RDS-RD-SERVER")
    for name, has in roles.items():
        if not wanted or wanted & has:
            items = Collection(type_names("System.String[]", "System.Array"), tuple(sorted(has)))
            yield DotNetObject(types, {"Server": name, "Roles": items}, text=types[0])


_BROKER = Parameter("ConnectionBroker", position=1)
_SESSION = (
    Parameter("HostServer", mandatory=True, position=0, by_property_name=True),
    Parameter("UnifiedSessionID", "System.Int32", mandatory=True, position=1, by_property_name=True),
)
_FORCE = Parameter("Force", SWITCH)


def _command(name: str, *parameters: Parameter, body: Body) -> Command:
    return Command(name, "RemoteDesktop", parameters, body)


COMMANDS = (
    _command(
        "Get-RDUserSession",
        Parameter("CollectionName", "System.String[]", position=0, by_property_name=True),
        _BROKER,
        body=_get_session,
    ),
    _command("Invoke-RDUserLogoff", *_SESSION, _FORCE, body=_end_session("logoff", "Log off?", "logged_off")),
    _command("Disconnect-RDUser", *_SESSION, _FORCE, body=_end_session("disconnect", "Disconnect?", "disconnected")),
    _command(
        "Send-RDUserMessage",
        *_SESSION,
        Parameter("MessageTitle", mandatory=True, position=2),
        Parameter("MessageBody", mandatory=True, position=3),
        body=_send_message,
    ),
    _command(
        "Get-RDSessionHost", Parameter("CollectionName", mandatory=True, position=0), _BROKER, body=_get_session_host
    ),
    _command(
        "Set-RDSessionHost",
        Parameter("SessionHost", "System.String[]", mandatory=True, position=0),
        Parameter("NewConnectionAllowed", mandatory=True, position=1, valid=("Yes", "NotUntilReboot", "No")),
        Parameter("ConnectionBroker"),
        body=_set_session_host,
    ),
    _command("Get-RDSessionCollection", Parameter("CollectionName", position=0), _BROKER, body=_get_collection),
    _command(
        "Get-RDServer",
        Parameter("ConnectionBroker", position=0),
        Parameter("Role", "System.String[]", position=1),
        body=_get_server,
    ),
)
