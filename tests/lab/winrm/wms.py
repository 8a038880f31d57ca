# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session commands of MultiPoint, in the two generations that bear the same names."""

from __future__ import annotations

import typing

from ..farm import Pool, Session, SessionNotFoundError
from .acting import disconnect, log_off, say, win32_code
from .clixml import U32, DotNetObject, Properties, Value, type_names
from .commands import SWITCH, Body, Bound, Command, Parameter
from .records import INVALID_OPERATION, OBJECT_NOT_FOUND, TerminatingError

if typing.TYPE_CHECKING:
    from .execution import Execution

_Act = typing.Callable[["Execution", Pool, str, int, float | None], None]
"""Does something to the session of that id on that host; given up after so many seconds."""

_SESSION_TYPES = type_names("Microsoft.WindowsServerSolutions.WmsServer.WmsSession")
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
    for pool in farm.pools("wms"):
        for host in farm.hosts(pool):
            if host.name.lower() == wanted.lower():
                return pool, host.name
    message = say(execution, "server_not_found", host=wanted)
    raise _not_found(execution, "ServerNotFound", message)


def _not_found(execution: Execution, error_id: str, message: str) -> TerminatingError:
    return execution.terminating(message, error_id, OBJECT_NOT_FOUND, "ItemNotFoundException")


def _no_session(execution: Execution, session_id: int) -> TerminatingError:
    return _not_found(execution, "SessionNotFound", say(execution, "not_found", id=session_id))


def _acting(verb: str, act: _Act) -> Body:
    def body(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
        if "All" in bound:
            raise NotImplementedError("the lab acts on sessions by their ids only")
        given = bound["SessionId"]
        ids = given if isinstance(given, tuple) else (given,)
        execution.confirm(f"session {', '.join(map(str, ids))}", verb)
        pool, host = _server(execution, bound)
        for session_id in ids:
            present = any(session.id == session_id for session in execution.machine.farm.sessions(pool, host))
            if not present:
                raise _no_session(execution, session_id)
            _act(execution, bound, act, pool, host, session_id)
        return iter(())

    return body


def _act(execution: Execution, bound: Bound, act: _Act, pool: Pool, host: str, session_id: int) -> None:
    patience = bound.get("TimeoutInSecond")
    try:
        code = win32_code(execution, lambda: act(execution, pool, host, session_id, patience))
    except SessionNotFoundError:
        raise _no_session(execution, session_id) from None
    except TimeoutError:
        message = say(execution, "timed_out", seconds=patience)
        raise execution.terminating(message, "OperationTimeout", INVALID_OPERATION) from None
    if code:
        execution.write_error(say(execution, "denied") if code == 5 else say(execution, "code", code=code))


def _close(execution: Execution, pool: Pool, host: str, session_id: int, patience: float | None) -> None:
    log_off(execution, pool, host, session_id, patience)
    execution.streams.write_warning(say(execution, "closed", id=session_id))


def _get(generation: str) -> Body:
    def body(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
        if "SessionId" in bound:
            raise NotImplementedError("the lab lists whole servers only")
        pool, host = _server(execution, bound)
        for session in execution.machine.farm.sessions(pool, host, lagged=True):
            yield _row(execution, session, generation)

    return body


def _command(name: str, *parameters: Parameter, body: Body, should_process: bool = False) -> Command:
    sets = {each for parameter in parameters for each in parameter.sets}
    default_set = "SessionId" if sets else ""
    return Command(name, "MultiPoint", parameters, body, default_set, should_process=should_process, compiled=True)


def _act_commands(*parameters: Parameter) -> tuple[Command, ...]:
    """Both cmdlets have the same parameters."""
    return (
        _command("Close-WmsSession", *parameters, body=_acting("Close", _close), should_process=True),
        _command("Disconnect-WmsSession", *parameters, body=_acting("Disconnect", disconnect), should_process=True),
    )


_WHICH_2016 = (
    Parameter("SessionId", "System.UInt32[]", mandatory=True, sets=("SessionId",)),
    Parameter("All", SWITCH, mandatory=True, sets=("All",)),
    Parameter("Server"),
)
"""A list of some sessions, and acting on all of them, can be bound: so the cmdlets choose their parameter set."""

COMMANDS = {
    "2016": (
        *_act_commands(*_WHICH_2016),
        _command("Get-WmsSession", *_WHICH_2016, body=_get("2016")),
    ),
    "2012R2": (
        *_act_commands(
            Parameter("SessionId", "System.Int32", mandatory=True),
            Parameter("TimeoutInSecond", "System.Int32"),
        ),
        _command("Get-WmsSession", body=_get("2012R2")),
    ),
}
"""By generation."""
