# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What cmdlets do alike: log a session of the farm off, disconnect it, or show a message in it.

The first two come back when Windows says that it is done, for a stuck session never; a message at once. The audit tells
whose session it was. They raise SessionNotFoundError.
"""

from __future__ import annotations

import typing

from ..farm import DISCONNECTED, Caller, Pool, Session
from . import texts

if typing.TYPE_CHECKING:
    from .execution import Execution

ACCESS_DENIED, SESSION_GONE, SERVER_UNAVAILABLE = 5, 1168, 1722  # Win32

STATES = {
    "Active": "ACTIVE",
    "Connected": "CONNECTED",
    "Shadow": "SHADOW",
    "Disconnected": "DISCONNECTED",
    "Pending": "CONNECTED",
    "LogOff": "RESET",
}
"""ARM's words, which the farm uses, in the terms of Windows."""


def say(execution: Execution, key: str, **values: object) -> str:
    return texts.text(execution.machine.settings.language, key, **values)


def win32_code(execution: Execution, effect: typing.Callable[[], int | None]) -> int:
    """Have the `effect`, which may end with a code of its own, and return the call's: 0 when all went well.

    A fault may have it end with an error instead of the effect, or after it.
    """
    rule = execution.fault("error")
    if rule and rule.when == "before":
        return rule.code
    return effect() or (rule.code if rule else 0)


def log_off(execution: Execution, pool: Pool, host: str, session_id: int, patience: float | None = None) -> None:
    """After `patience` seconds come back with TimeoutError."""
    farm = execution.machine.farm
    session = farm.logoff(pool, host, session_id, _caller(execution))
    _wait(execution, session, farm.effect_delay, patience)


def disconnect(execution: Execution, pool: Pool, host: str, session_id: int, patience: float | None = None) -> None:
    """Where the session is disconnected already, succeed and change nothing. That is a guess: nobody has seen what
    Windows does then. After `patience` seconds come back with TimeoutError.
    """
    farm = execution.machine.farm
    session = farm.disconnect(pool, host, session_id, _caller(execution))
    _wait(execution, session, 0.0 if session.state == DISCONNECTED else farm.effect_delay, patience)


def message(execution: Execution, pool: Pool, host: str, session_id: int, text: tuple[str, str]) -> None:
    """`text` is title and body. That a disconnected session takes it is a guess: nobody has seen what Windows does."""
    execution.machine.farm.message(pool, host, session_id, text, _caller(execution))


def allow_connections(execution: Execution, pool: Pool, host: str, allowed: str) -> None:
    """Let a host take new connections, or not."""
    execution.machine.farm.allow_connections(pool, host, allowed, _caller(execution))


def _caller(execution: Execution) -> Caller:
    return execution.machine.caller(execution.runspace.user, execution.command.name)


def _wait(execution: Execution, session: Session, needed: float, patience: float | None = None) -> None:
    """Be in the call for as long as Windows takes."""
    if session.stuck:
        needed = float("inf")
    if patience is not None and needed > patience:
        execution.block(patience)
        raise TimeoutError
    if needed:
        execution.block(None if session.stuck else needed)
    if session.stuck:
        execution.check_stop()
