# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session configurations: which commands a shell shows, as a .pssc with its .psrc decides it.

A configuration without a role is one like Microsoft.PowerShell: full language, everything there. One with a role is of
the type RestrictedRemoteServer: no language, and of the session cmdlets what the role
lists. A role is written as in a role capability file:

    Configuration("Helpdesk", role=(
        "Get-RDUserSession",
        {"Name": "Invoke-RDUserLogoff", "Parameters": [{"Name": "HostServer", "ValidateSet": ["rdsh-1"]}, ...]},
    ))
"""

from __future__ import annotations

import dataclasses
import re
import typing
import uuid

from . import rds, wms, wvd_classic
from .commands import Command
from .machine import Machine

DEFAULT = "Microsoft.PowerShell"
SESSION_ENDPOINT = "RemoteDesktopSessions"

Entry = str | typing.Mapping[str, typing.Any]
"""One item of VisibleFunctions or VisibleCmdlets."""


@dataclasses.dataclass(frozen=True)
class Configuration:
    """An endpoint that a client can choose by its name."""

    name: str
    role: tuple[Entry, ...] | None = None
    capability: str = ""
    """The text of the role capability file that a real PowerShell gets, where `role` alone would not make it."""

    @property
    def no_language(self) -> bool:
        return self.role is not None


def _session_operator() -> tuple[Entry, ...]:
    """Every session cmdlet with all its parameters, named one by one as a careful role does."""
    parameters: dict[str, dict[str, None]] = {}
    for commands in (rds.COMMANDS, *wms.COMMANDS.values(), wvd_classic.COMMANDS):
        for command in commands:
            parameters.setdefault(command.name, {}).update(dict.fromkeys(each.name for each in command.parameters))
    return tuple({"Name": name, "Parameters": [{"Name": each} for each in names]} for name, names in parameters.items())


SESSION_OPERATOR = Configuration(SESSION_ENDPOINT, _session_operator())
"""The lab's own no-language endpoint."""


def installed(machine: Machine) -> dict[str, Command]:
    """Every session cmdlet of the host, by its name in lower case."""
    return with_modules(machine.modules)


def with_modules(modules: typing.Mapping[str, str]) -> dict[str, Command]:
    """Those of a host with these modules (name: generation, or empty)."""
    found: dict[str, Command] = {}
    for module, generation in modules.items():
        commands = {
            "RemoteDesktop": rds.COMMANDS,
            "MultiPoint": wms.COMMANDS.get(generation, ()),
            "Microsoft.RDInfra.RDPowerShell": wvd_classic.COMMANDS,
        }[module]
        found.update({command.name.lower(): command for command in commands})
    return found


def capability(configuration: Configuration, machine: Machine) -> str:
    """The role as the text of a role capability file for the host: its own, or one made of the listed commands."""
    if configuration.capability:
        return configuration.capability
    everything = installed(machine)
    here = [entry for entry in configuration.role or () if _name(entry).lower() in everything]
    cmdlets = [entry for entry in here if everything[_name(entry).lower()].module != "RemoteDesktop"]
    members = {
        "ModulesToImport": list(machine.modules),
        "VisibleFunctions": [entry for entry in here if entry not in cmdlets],
        "VisibleCmdlets": cmdlets,
    }
    return _literal(members)


def _name(entry: Entry) -> str:
    return entry if isinstance(entry, str) else str(entry["Name"])


def _literal(value: typing.Any) -> str:
    """A value in PowerShell's own notation, of which a data file takes constants only."""
    if isinstance(value, typing.Mapping):
        return "@{" + "\n".join(f"{key} = {_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "@(" + ", ".join(_literal(item) for item in value) + ")"
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", str(value)) + "'"


def visible(configuration: Configuration, everything: typing.Mapping[str, Command]) -> dict[str, Command]:
    """What a session of the configuration shows of the installed commands."""
    if configuration.role is None:
        return dict(everything)
    shown = []
    for entry in configuration.role:
        parameters = () if isinstance(entry, str) else entry.get("Parameters", ())
        command = everything.get(_name(entry).lower())
        if command is not None:
            limited = not isinstance(entry, str) and "Parameters" in entry
            shown.append(_limited(command, parameters) if limited else command)
    return {command.name.lower(): command for command in shown}


def _limited(command: Command, allowed: typing.Iterable[typing.Mapping[str, typing.Any]]) -> Command:
    """The proxy that a role makes: it has the listed parameters."""
    known = {parameter.name.lower(): parameter for parameter in command.parameters}
    kept = tuple(
        dataclasses.replace(
            known[item["Name"].lower()],
            valid=tuple(item.get("ValidateSet", ())),
            pattern=item.get("ValidatePattern", ""),
        )
        for item in allowed
        if item["Name"].lower() in known
    )
    return dataclasses.replace(command, parameters=kept, proxied=f"{command.name}_{uuid.uuid4().hex}")
