# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A deployment of Remote Desktop Services in memory: session hosts by collection, each with its mode."""

from __future__ import annotations

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call, CallResult, State
from tests.unit.fakes.windows_host import FakeHost, error

BROKER = "broker.example.test"
A, B, C = "rdsh-0.example.test", "RDSH-1.example.test", "app-0.example.test"
LIST, SET, COLLECTIONS = "Get-RDSessionHost", "Set-RDSessionHost", "Get-RDSessionCollection"
GIVEN_UP = CallResult(State.NO_ANSWER)


class Deployment(FakeHost):
    """Collections with session hosts and their modes."""

    def __init__(self, **collections: dict[str, object]) -> None:
        super().__init__(list_command="Get-RDServer")
        self.collections = collections or {"Desk": {A: "Yes", B: "Yes"}, "Apps": {C: "No"}}
        self.off: dict[str, str] = {}
        """What the cmdlet says instead of setting a host."""
        self.hung: set[str] = set()
        self.hidden: set[str] = set()
        """Hosts that the list of their collection lacks, with an error."""

    @property
    def modes(self) -> dict[str, object]:
        return {name: mode for hosts in self.collections.values() for name, mode in hosts.items()}

    @property
    def sets(self) -> list[tuple[str, str]]:
        return [(call.parameters["SessionHost"], call.parameters["NewConnectionAllowed"]) for call in self.sent(SET)]

    def answer(self, call: Call, runspace: int = 0) -> CallResult:
        if self.scripts.get(call.command):
            return super().answer(call, runspace)
        self.calls.append(call)
        collection = str(call.parameters.get("CollectionName"))
        if call.command == COLLECTIONS:
            return CallResult(State.COMPLETED, tuple({"CollectionName": name} for name in self.collections))
        if call.command == "Get-RDServer":
            return CallResult(State.COMPLETED, tuple({"Server": name} for name in (BROKER, *self.modes)))
        if call.command == SET:
            return self._set(call)
        if call.command != LIST:
            return CallResult(State.COMPLETED)
        if collection not in self.collections:
            return error(f"no collection {collection}")
        hosts = self.collections[collection]
        seen = tuple(
            {"CollectionName": collection, "SessionHost": name, "NewConnectionAllowed": mode}
            for name, mode in hosts.items()
            if name not in self.hidden
        )
        errors = error("a host is off").errors if self.hidden & set(hosts) else ()
        return CallResult(State.COMPLETED, seen, errors)

    def _set(self, call: Call) -> CallResult:
        name = call.parameters["SessionHost"]
        if name in self.hung:
            return GIVEN_UP
        if name in self.off:
            return error(self.off[name])
        for hosts in self.collections.values():
            if name in hosts:
                hosts[name] = call.parameters["NewConnectionAllowed"]
        return CallResult(State.COMPLETED)
