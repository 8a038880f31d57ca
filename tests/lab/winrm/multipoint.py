# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session commands of MultiPoint, in the two generations that bear the same names."""

from __future__ import annotations

import typing

from ..farm import Pool, Session, SessionNotFoundError
from . import exceptions
from .acting import Verb, act, say, win32_error
from .clixml import U32, DotNetObject, Properties, Value, type_names
from .commands import SWITCH, Body, Bound, Command, Parameter
from .records import INVALID_OPERATION, OBJECT_NOT_FOUND, TerminatingError

if typing.TYPE_CHECKING:
    from .execution import Execution

_SESSION_TYPES = type_names("Microsoft.WindowsServerSolutions.MultipointServer.WmsSession")
_SHOWN_STATES = {"Active": "ConnectedToStation", "Disconnected": "Disconnected"}


def _row(execution: Execution, session: Session, generation: str) -> DotNetObject:
    id_name = "SessionId" if generation == "2016" else "Id"
    adapted: Properties = {
        id_name: U32(session.id),
        "State": _SHOWN_STATES.get(session.state, "RemoteConnection"),
        "IsAdmin": session.is_admin,
        "UserName": session.user_name,
        "StationId": U32(session.id),
        "ComputerName": execution.machine.name.partition(".")[0].upper(),
        "ClientName": "",
        "DomainName": session.domain,
        "IsRail": session.application != "Desktop",
    }
    if generation == "2016":
        adapted |= {"IsOrchestratable": not session.is_admin, "IsMOGUser": False}
    return DotNetObject(_SESSION_TYPES, adapted, text=_SESSION_TYPES[0])


def _server(execution: Execution, bound: Bound) -> tuple[Pool, str]:
    """The pool of the server that is meant, and the host's name in it."""
    farm = execution.machine.farm
    wanted = bound.get("Server", "localhost")
    if wanted.lower() in ("localhost", "."):
        wanted = execution.machine.name
    for pool in farm.pools("multipoint"):
        for host in farm.hosts(pool):
            if host.name.lower() == wanted.lower():
                return pool, host.name
    message = say(execution, "server_not_found", host=wanted)
    raise _not_found(execution, "ServerNotFound", message, wanted, "String")


def _not_found(execution: Execution, error_id: str, message: str, target: Value, target_type: str) -> TerminatingError:
    return execution.terminating(exceptions.item_not_found(message), error_id, OBJECT_NOT_FOUND, target, target_type)


def _no_session(execution: Execution, session_id: int) -> TerminatingError:
    message = say(execution, "not_found", id=session_id)
    kind = "UInt32" if isinstance(session_id, U32) else "Int32"
    return _not_found(execution, "SessionNotFound", message, session_id, kind)


def _ids(execution: Execution, bound: Bound, pool: Pool, host: str) -> typing.Iterable[int]:
    if bound.get("All"):
        return [U32(session.id) for session in execution.machine.farm.sessions(pool, host)]
    return _given(bound)


def _given(bound: Bound) -> tuple[int, ...]:
    wanted = bound.get("SessionId", ())
    return wanted if isinstance(wanted, tuple) else (wanted,)


def _end_sessions(verb: Verb, action: str) -> Body:
    def body(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
        execution.confirm(f"session {', '.join(map(str, _given(bound)))}", action)
        pool, host = _server(execution, bound)
        for session_id in _ids(execution, bound, pool, host):
            present = any(session.id == session_id for session in execution.machine.farm.sessions(pool, host))
            if not present:
                raise _no_session(execution, session_id)
            _end(execution, bound, verb, pool, host, session_id)
        return iter(())

    return body


def _end(execution: Execution, bound: Bound, verb: Verb, pool: Pool, host: str, session_id: int) -> None:
    code = win32_error(execution)
    if code:
        execution.write_error(say(execution, "denied") if code == 5 else say(execution, "code", code=code))
        return
    patience = bound.get("TimeoutInSecond")
    try:
        act(execution, verb, pool, host, session_id, patience)
    except SessionNotFoundError:
        raise _no_session(execution, session_id) from None
    except TimeoutError:
        message = say(execution, "timed_out", seconds=patience)
        raise execution.terminating(
            exceptions.runtime(message), "OperationTimeout", INVALID_OPERATION, session_id, "Int32"
        ) from None
    if verb == "logoff":
        execution.write_warning(say(execution, "closed", id=session_id))


def _get_2016(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    pool, host = _server(execution, bound)
    sessions = execution.machine.farm.sessions(pool, host, lagged=True)
    if not bound.get("All"):
        for session_id in bound["SessionId"]:
            if all(session.id != session_id for session in sessions):
                raise _no_session(execution, session_id)
        sessions = [session for session in sessions if session.id in bound["SessionId"]]
    for session in sessions:
        yield _row(execution, session, "2016")


def _get_2012(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    pool, host = _server(execution, bound)
    wanted = bound.get("Id")
    sessions = [
        session for session in execution.machine.farm.sessions(pool, host, lagged=True) if wanted in (None, session.id)
    ]
    if wanted is not None and not sessions:
        raise _no_session(execution, wanted)
    for session in sessions:
        yield _row(execution, session, "2012R2")


def _command(
    name: str,
    *parameters: Parameter,
    body: Body,
    default_set: str = "",
    should_process: bool = True,
) -> Command:
    return Command(
        name, "MultiPoint", parameters, body, default_set=default_set, should_process=should_process, compiled=True
    )


_WHICH_2016 = (
    Parameter(
        "SessionId",
        "System.UInt32[]",
        mandatory=True,
        position=0,
        sets=("SessionId",),
        by_property_name=True,
        by_value=True,
    ),
    Parameter("All", SWITCH, mandatory=True, sets=("All",)),
    Parameter("Server", aliases=("ComputerName",)),
)
_TIMEOUT = Parameter("TimeoutInSecond", "System.Int32")
_WHICH_2012 = (Parameter("SessionId", "System.Int32", mandatory=True, by_property_name=True), _TIMEOUT)
_CLOSE, _DISCONNECT = _end_sessions("logoff", "Close"), _end_sessions("disconnect", "Disconnect")

COMMANDS = {
    "2016": (
        _command("Close-WmsSession", *_WHICH_2016, body=_CLOSE, default_set="SessionId"),
        _command("Disconnect-WmsSession", *_WHICH_2016, body=_DISCONNECT, default_set="SessionId"),
        _command(
            "Get-WmsSession",
            *_WHICH_2016,
            Parameter("Thumbnail"),
            body=_get_2016,
            default_set="SessionId",
            should_process=False,
        ),
    ),
    "2012R2": (
        _command("Close-WmsSession", *_WHICH_2012, body=_CLOSE),
        _command("Disconnect-WmsSession", *_WHICH_2012, body=_DISCONNECT),
        _command(
            "Get-WmsSession",
            Parameter("Id", "System.UInt32"),
            Parameter("SerializeString"),
            _TIMEOUT,
            body=_get_2012,
            should_process=False,
        ),
    ),
}
"""By generation."""
