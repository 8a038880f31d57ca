# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sent, from psrpcore's objects to the values of this package."""

from __future__ import annotations

import typing
import uuid
from datetime import datetime

import psrpcore
import psrpcore.types as ps

from .clixml import I64, U32, Collection, Dictionary, DotNetObject, Enumeration, SecretValue, Value
from .statements import Call, Statement


def statements(pipeline: psrpcore.PowerShell) -> list[Statement]:
    """The statements of a pipeline."""
    found: list[list[Call]] = [[]]
    for command in pipeline.commands:
        arguments = tuple((None if name is None else str(name), value(given)) for name, given in command.parameters)
        found[-1].append(Call(str(command.command_text), arguments, bool(command.is_script)))
        if command.end_of_statement:
            found.append([])
    return [tuple(statement) for statement in found if statement]


def value(given: typing.Any) -> Value:
    """One argument or object of the input."""
    if given is None or isinstance(given, (bool, float)):
        return given
    if isinstance(given, ps.PSSecureString):
        return SecretValue("", str(given.decrypt()))
    if isinstance(given, ps.PSCredential):
        return SecretValue(str(given.UserName), str(given.Password.decrypt()))
    if isinstance(given, ps.PSUInt):
        return U32(given)
    if isinstance(given, int):
        return int(given) if -(2**31) <= given < 2**31 else I64(given)
    if isinstance(given, datetime):
        return given.replace()
    if isinstance(given, (str, uuid.UUID)):
        return str(given)
    if isinstance(given, dict):
        return Dictionary(_types(given), tuple((value(key), value(item)) for key, item in given.items()))
    if isinstance(given, (list, tuple)):
        return Collection(_types(given), tuple(value(item) for item in given))
    return _object(given)


def _types(given: typing.Any) -> tuple[str, ...]:
    return tuple(str(name) for name in given.PSObject.type_names) or ("System.Object",)


def _object(given: typing.Any) -> Value:
    types, text = _types(given), str(given)
    if "System.Enum" in types:
        return Enumeration(types[0], text, int(given))
    properties = {
        str(each.name): value(each.get_value(given))
        for each in (*given.PSObject.adapted_properties, *given.PSObject.extended_properties)
    }
    return DotNetObject(types, {}, properties, text)
