# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the WinRM door, as rules that match requests.

    {"kind": "hang", "command": "Invoke-RDUserLogoff", "parameters": {"UnifiedSessionID": 3}, "seconds": 12}

`host` (the Windows host), `user`, and for cmdlets `command` are shell patterns in any case; `parameters` are those of
the cmdlet, compared as text. After the first `skip` matches a rule acts `times` times (0: always). Kinds for cmdlets:

    hang            the call blocks for `seconds` (none: for ever) and cannot be stopped; then it goes on
    wait            the same, but a stop ends it
    error           the service answers with Win32 `code` (5, 1168, 1722, ...), `when` before (and without) or after the
                    effect
    broker_absent   there is no deployment on the connection broker
    not_installed   the command does not exist
    reset           the client's connection is cut, `when` before (and without) or after the effect
    pass            nothing but `then`

`then` changes the farm `when` before or after the cmdlet did its work: {"host": "rdsh-1.contoso.com", "id": 2} with
give_id_to: user, disconnect: true, logoff: true or remove: true. Kinds for opening a shell:

    slow_open       it takes `seconds`
    access_denied   it is refused
    shell_quota     it is refused, as if the user had as many shells as allowed

And `unreachable` cuts every connection as soon as a request arrives.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import typing

from ..farm import Caller, Farm, NotInFarmError
from ..faults import FaultError
from .wildcards import matches

KINDS = (
    *("hang", "wait", "error", "broker_absent", "not_installed", "reset", "pass"),
    *("slow_open", "access_denied", "shell_quota", "unreachable"),
)
THEN = ("give_id_to", "disconnect", "logoff", "remove")
FAULT = Caller("fault")


@dataclasses.dataclass
class Fault:
    """One rule; `matches` counts the requests it fitted."""

    kind: str
    host: str = "*"
    user: str = "*"
    command: str = "*"
    parameters: dict[str, typing.Any] = dataclasses.field(default_factory=dict)
    when: typing.Literal["before", "after"] = "before"
    skip: int = 0
    times: int = 0
    seconds: float | None = None
    code: int = 0
    then: dict[str, typing.Any] = dataclasses.field(default_factory=dict)
    matches: int = 0

    def fits(self, host: str, user: str, command: str, parameters: typing.Mapping[str, typing.Any]) -> bool:
        given = {name.lower(): _text(value) for name, value in parameters.items()}
        patterns = ((host, self.host), (user, self.user), (command, self.command))
        return all(matches(name, pattern) for name, pattern in patterns) and all(
            given.get(name.lower()) == _text(value) for name, value in self.parameters.items()
        )

    @property
    def spent(self) -> bool:
        return bool(self.times) and self.matches >= self.skip + self.times

    def change(self, farm: Farm) -> None:
        """Do what `then` says; what is not there stays untouched."""
        host, session_id = self.then.get("host", ""), int(self.then.get("id", 0))
        for pool in farm.pools() if self.then else ():
            with contextlib.suppress(NotInFarmError):
                name = farm.host(pool, host, any_case=True).name
                if self.then.get("disconnect"):
                    farm.disconnect(pool, name, session_id, FAULT)
                if self.then.get("logoff"):
                    farm.logoff(pool, name, session_id, FAULT)
                if self.then.get("remove"):
                    farm.remove(pool, name, session_id)
                if self.then.get("give_id_to"):
                    farm.give_id_to(pool, name, session_id, self.then["give_id_to"], FAULT)


class Faults:
    """The rules in force. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, rule: typing.Mapping[str, typing.Any]) -> None:
        """Raises FaultError."""
        try:
            fault = Fault(**rule)
        except TypeError as error:
            raise FaultError(f"not a fault: {error}") from error
        if fault.kind not in KINDS or fault.when not in ("before", "after"):
            raise FaultError(f"kind is one of {', '.join(KINDS)}; when is before or after")
        if not set(fault.then) <= {"host", "id", *THEN}:
            raise FaultError(f"then has host, id, {', '.join(THEN)}")
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def rules(self) -> list[dict[str, typing.Any]]:
        with self._lock:
            return [{**dataclasses.asdict(rule), "spent": rule.spent} for rule in self._rules]

    def take(
        self,
        *kinds: str,
        host: str,
        user: str = "",
        command: str = "",
        parameters: typing.Mapping[str, typing.Any] | None = None,
    ) -> Fault | None:
        """The rule of one of the kinds that acts on this request; asking counts as a match."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.kind in kinds and not rule.spent and rule.fits(host, user, command, parameters or {}):
                    rule.matches += 1
                    if rule.matches > rule.skip:
                        return rule
        return None


def _text(value: typing.Any) -> str:
    items = value if isinstance(value, (tuple, list)) else (value,)
    return ",".join(str(item).lower() for item in items)
