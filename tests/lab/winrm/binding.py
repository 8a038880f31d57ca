# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter binding: from the arguments of a call to the values that the body of a command gets."""

from __future__ import annotations

import re
import typing

from . import conversion
from .clixml import AUTOMATION, Collection, Value, text_of
from .commands import Bound, Command, Parameter
from .records import INVALID_ARGUMENT, INVALID_DATA, ErrorRecord, TerminatingError


class BindingError(TerminatingError):
    """The call can't be bound."""


def bind(command: Command, arguments: typing.Iterable[tuple[str, Value]]) -> Bound:
    """Bind what a call names. Raises BindingError."""
    bound: Bound = {}
    sets = set(command.parameter_sets)
    for name, value in arguments:
        parameter = _find(command, name)
        bound[parameter.name] = _argument(command, parameter, value)
        sets = {each for each in sets if parameter.belongs_to(each)}
        if not sets:
            raise _ambiguous(command)
    missing = _missing(command, bound, _chosen(command, bound, sets))
    if missing:
        message = f"Cannot process command because of one or more missing mandatory parameters: {' '.join(missing)}."
        raise _error(command, message, "MissingMandatoryParameter")
    return bound


def _find(command: Command, name: str) -> Parameter:
    for parameter in command.all_parameters:
        if name.lower() == parameter.name.lower():
            return parameter
    message = f"A parameter cannot be found that matches parameter name '{name}'."
    raise _error(command, message, "NamedParameterNotFound")


def _chosen(command: Command, bound: Bound, sets: set[str]) -> str:
    if len(sets) == 1:
        return next(iter(sets))
    if command.default_set in sets:
        return command.default_set
    satisfied = [name for name in sets if not _missing(command, bound, name)]
    if len(satisfied) != 1:
        raise _ambiguous(command)
    return satisfied[0]


def _missing(command: Command, bound: Bound, parameter_set: str) -> list[str]:
    return [
        parameter.name
        for parameter in command.parameters
        if parameter.mandatory and parameter.belongs_to(parameter_set) and parameter.name not in bound
    ]


def _ambiguous(command: Command) -> BindingError:
    message = (
        "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued cannot "
        "be used together or an insufficient number of parameters were provided."
    )
    return _error(command, message, "AmbiguousParameterSet")


def _argument(command: Command, parameter: Parameter, value: Value) -> typing.Any:
    """Convert and validate one argument."""
    if parameter.mandatory:
        _refuse_empty(command, parameter, value)
    array = parameter.type.endswith("[]")
    try:
        if isinstance(value, Collection) and command.binds_as_compiled and not array:
            raise conversion.NotConvertibleError("Specified method is not supported.")
        converted = conversion.convert(value, parameter.type)
    except conversion.NotConvertibleError as error:
        if command.binds_as_compiled:
            raise _not_bound(command, parameter, value, error) from error
        message = f"Cannot process argument transformation on parameter '{parameter.name}'. {error}"
        exception = "ParameterBindingArgumentTransformationException"
        raise _error(command, message, "ParameterArgumentTransformationError", INVALID_DATA, exception) from error
    _validate(command, parameter, converted)
    return converted


def _not_bound(
    command: Command, parameter: Parameter, value: Value, error: conversion.NotConvertibleError
) -> BindingError:
    """What the binder itself says of a compiled cmdlet's parameter, before any attribute."""
    to = f"to the type '{parameter.type}' required by parameter '{parameter.name}'. "
    if isinstance(value, Collection) and not parameter.type.endswith("[]"):
        return _error(command, f"Cannot convert '{text_of(value)}' {to}{error}", "CannotConvertArgument")
    if parameter.switch:
        return _error(command, f"Cannot convert '{conversion.type_of(value)}' {to}", "CannotConvertArgument")
    message = f"Cannot bind parameter '{parameter.name}'. {error.element or error}"
    return _error(command, message, "CannotConvertArgumentNoMessage")


def _refuse_empty(command: Command, parameter: Parameter, value: Value) -> None:
    if value == "" and parameter.type.startswith("System.String"):
        what, kind = "an empty string", "EmptyStringNotAllowed"
    elif isinstance(value, Collection) and not value.items and parameter.type.endswith("[]"):
        what, kind = "an empty array", "EmptyArrayNotAllowed"
    else:
        return
    message = f"Cannot bind argument to parameter '{parameter.name}' because it is {what}."
    raise _invalid(command, message, f"ParameterArgumentValidationError{kind}")


def _validate(command: Command, parameter: Parameter, converted: typing.Any) -> None:
    """ValidateSet and ValidatePattern of a JEA role."""
    for item in converted if isinstance(converted, tuple) else (converted,):
        text = text_of(item)
        if parameter.valid and text.lower() not in (each.lower() for each in parameter.valid):
            reason = (
                f'The argument "{text}" does not belong to the set "{",".join(parameter.valid)}" specified by the '
                "ValidateSet attribute. Supply an argument that is in the set and then try the command again."
            )
        elif parameter.pattern and not _matches(parameter.pattern, text):
            whole = f"^({parameter.pattern})$"
            reason = (
                f'The argument "{text}" does not match the "{whole}" pattern. Supply an argument that matches '
                f'"{whole}" and try the command again.'
            )
        else:
            continue
        message = f"Cannot validate argument on parameter '{parameter.name}'. {reason}"
        raise _invalid(command, message, "ParameterArgumentValidationError")


def _matches(pattern: str, text: str) -> bool:
    """As a role's ValidatePattern does: the whole text, in any case. Python calls .NET's last place in a text \\Z."""
    pattern = pattern.replace("\\z", "\\Z")
    return re.search(f"^({pattern})$", text, re.IGNORECASE) is not None


def _invalid(command: Command, message: str, error_id: str) -> BindingError:
    return _error(command, message, error_id, INVALID_DATA, "ParameterBindingValidationException")


def _error(
    command: Command,
    message: str,
    error_id: str,
    category: int = INVALID_ARGUMENT,
    exception: str = "ParameterBindingException",
) -> BindingError:
    return BindingError(ErrorRecord(message, error_id, category, f"{AUTOMATION}.{exception}", command.name))
