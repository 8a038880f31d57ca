# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client sent, from psrpcore's objects to a call with the values of this package."""

from __future__ import annotations

import typing

import psrpcore
import psrpcore.types as ps

from .calls import Call
from .clixml import Collection, SecretValue, Value


class NotInLabError(ValueError):
    """PowerShell would take it, but no client of ours sends it, so the lab does not know it."""


def call(pipeline: psrpcore.PowerShell) -> Call:
    """The only command of a pipeline, or its script text. Raises NotInLabError."""
    if pipeline.commands and pipeline.commands[0].is_script:
        return Call(str(pipeline.commands[0].command_text), script=True)
    if len(pipeline.commands) != 1 or not pipeline.no_input:
        raise NotInLabError("the lab runs one command in a pipeline, without input")
    (command,) = pipeline.commands
    return Call(str(command.command_text), tuple(map(_argument, command.parameters)))


def _argument(argument: tuple[str | None, typing.Any]) -> tuple[str, Value]:
    name, given = argument
    if name is None:
        raise NotInLabError("the lab takes arguments by name only")
    return str(name), _value(given)


def _value(given: typing.Any) -> Value:
    if isinstance(given, (bool, float)):
        return given
    if isinstance(given, ps.PSCredential):
        return SecretValue(str(given.UserName), str(given.Password.decrypt()))
    if isinstance(given, int):
        return int(given)
    if isinstance(given, str):
        return str(given)
    if isinstance(given, list):
        return Collection(tuple(map(_value, given)))
    raise NotInLabError(f"the lab takes no argument of the type {type(given).__name__}")
