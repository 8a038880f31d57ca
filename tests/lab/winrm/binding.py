# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter binding: from the arguments of a call to the values that the body of a command gets."""

from __future__ import annotations

import dataclasses
import re
import typing

from . import conversion, exceptions
from .clixml import Collection, DotNetObject, Value, text_of
from .commands import Bound, Command, Parameter
from .exceptions import AUTOMATION, BindingFailure
from .records import INVALID_ARGUMENT, INVALID_DATA, ErrorRecord, Invocation, TerminatingError

Argument = tuple[str | None, Value]
"""A parameter's name as the client wrote it, or None for a positional argument."""

_BIND = (
    f"Boolean BindParameter({AUTOMATION}.CommandParameterInternal, {AUTOMATION}.CompiledCommandParameter, "
    f"{AUTOMATION}.ParameterBindingFlags)"
)
_VERIFY = f"Void VerifyArgumentsProcessed({AUTOMATION}.ParameterBindingException)"
_AMBIGUOUS = f"Void ThrowAmbiguousParameterSetException(UInt32, {AUTOMATION}.MergedCommandParameterMetadata)"
_PROMPT = (
    f"System.Collections.Generic.Dictionary`2[System.String,{AUTOMATION}.PSObject] PromptForMissingMandatoryParameters("
    f"System.Collections.ObjectModel.Collection`1[{AUTOMATION}.Host.FieldDescription], "
    f"System.Collections.ObjectModel.Collection`1[{AUTOMATION}.MergedCompiledCommandParameter])"
)
_TRANSFORM = f"System.Object Transform({AUTOMATION}.EngineIntrinsics, System.Object, Boolean, Boolean)"


class BindingError(TerminatingError):
    """The call can't be bound."""


@dataclasses.dataclass
class Binding:
    """A call whose named arguments are bound. `wanting`: mandatory parameters that the pipeline's input must bring."""

    command: Command
    bound: Bound
    parameter_set: str
    wanting: tuple[Parameter, ...]


def bind(command: Command, arguments: typing.Sequence[Argument], takes_input: bool) -> Binding:
    """Bind what a call names and places. Raises BindingError."""
    bound: Bound = {}
    sets = set(command.parameter_sets)
    positional = []
    for name, value in arguments:
        if name is None:
            positional.append(value)
            continue
        parameter = _find(command, name, value)
        if parameter.name in bound:
            message = (
                f"Cannot bind parameter because parameter '{parameter.name}' is specified more than once. To provide "
                "multiple values to parameters that can accept multiple values, use the array syntax."
            )
            raise _error(command, message, BindingFailure("ParameterAlreadyBound", parameter.name, site=_VERIFY))
        bound[parameter.name] = argument(command, parameter, value)
        sets = _narrow(command, sets, parameter)
    for value in positional:
        parameter = _next_place(command, bound, sets, value)
        bound[parameter.name] = argument(command, parameter, value)
        sets = _narrow(command, sets, parameter)
    return _complete(command, bound, sets, takes_input)


def bind_input(binding: Binding, given: Value) -> Bound:
    """Bind one object of the pipeline's input. Raises BindingError."""
    bound = dict(binding.bound)
    for parameter in binding.command.parameters:
        if parameter.name in bound or not parameter.belongs_to(binding.parameter_set):
            continue
        if parameter.by_value and not isinstance(given, DotNetObject):
            bound[parameter.name] = argument(binding.command, parameter, given)
        elif parameter.by_property_name and isinstance(given, DotNetObject):
            value = given.get(parameter.name)
            if value is not None:
                bound[parameter.name] = argument(binding.command, parameter, value)
        elif parameter.by_value and parameter.type in ("System.Object", "System.Object[]", f"{AUTOMATION}.PSObject"):
            bound[parameter.name] = given
    if any(parameter.name not in bound for parameter in binding.wanting):
        message = (
            "The input object cannot be bound to any parameters for the command either because the command does not "
            "take pipeline input or the input and its properties do not match any of the parameters that take "
            "pipeline input."
        )
        raise _error(binding.command, message, BindingFailure("InputObjectNotBound", None, site=_BIND))
    return bound


def argument(command: Command, parameter: Parameter, value: Value) -> typing.Any:
    """Convert and validate one argument. Raises BindingError."""
    if parameter.switch and value is None:
        return True  # a client's way to give a switch
    given = conversion.type_of(value)
    if parameter.mandatory:
        _refuse_empty(command, parameter, value, given)
    try:
        if isinstance(value, Collection) and command.binds_as_compiled and not parameter.type.endswith("[]"):
            raise conversion.NotConvertibleError(exceptions.runtime("Specified method is not supported."))
        converted = conversion.convert(value, parameter.type)
    except conversion.NotConvertibleError as error:
        if command.binds_as_compiled:
            raise _not_bound(command, parameter, value, error) from error
        message = f"Cannot process argument transformation on parameter '{parameter.name}'. {error}"
        failure = BindingFailure(
            "ParameterArgumentTransformationError",
            parameter.name,
            parameter.type,
            given,
            "ParameterBindingArgumentTransformationException",
            _BIND,
        )
        cause = exceptions.metadata("ArgumentTransformation", str(error), _TRANSFORM, error.cause)
        raise _error(command, message, failure, INVALID_DATA, cause) from error
    _validate(command, parameter, converted)
    return converted


def _not_bound(
    command: Command, parameter: Parameter, value: Value, error: conversion.NotConvertibleError
) -> BindingError:
    """What the binder itself says of a compiled cmdlet's parameter, before any attribute."""
    to = f"to the type '{parameter.type}' required by parameter '{parameter.name}'. "
    if isinstance(value, Collection) and not parameter.type.endswith("[]"):
        text = " ".join(text_of(item) for item in value.items)
        error_id, message = "CannotConvertArgument", f"Cannot convert '{text}' {to}Specified method is not supported."
    elif parameter.switch:
        error_id, message = "CannotConvertArgument", f"Cannot convert '{conversion.type_of(value)}' {to}"
    else:
        cause = error.element or error.cause
        error_id, message = (
            "CannotConvertArgumentNoMessage",
            f"Cannot bind parameter '{parameter.name}'. {cause.message}",
        )
    return _error(command, message, BindingFailure(error_id, parameter.name, parameter.type, site=_BIND))


def _find(command: Command, name: str, value: Value) -> Parameter:
    """By full name, alias or unambiguous beginning."""
    wanted = name.lstrip("-").rstrip(":").lower()
    for parameter in command.all_parameters:
        if wanted in (parameter.name.lower(), *(alias.lower() for alias in parameter.aliases)):
            return parameter
    like = [parameter for parameter in command.all_parameters if parameter.name.lower().startswith(wanted)]
    if len(like) == 1:
        return like[0]
    if like:
        names = " ".join(f"-{parameter.name}" for parameter in like)
        message = (
            f"Parameter cannot be processed because the parameter name '{name}' is ambiguous. Possible matches "
            f"include: {names}."
        )
        raise _error(command, message, BindingFailure("AmbiguousParameter", name, site=_VERIFY))
    message = f"A parameter cannot be found that matches parameter name '{name}'."
    failure = BindingFailure("NamedParameterNotFound", name, None, conversion.type_of(value), site=_VERIFY)
    raise _error(command, message, failure)


def _narrow(command: Command, sets: set[str], parameter: Parameter) -> set[str]:
    narrowed = {name for name in sets if parameter.belongs_to(name)}
    if not narrowed:
        raise _ambiguous(command)
    return narrowed


def _next_place(command: Command, bound: Bound, sets: set[str], value: Value) -> Parameter:
    free = [
        parameter
        for parameter in command.parameters
        if parameter.position is not None
        and parameter.name not in bound
        and any(parameter.belongs_to(name) for name in sets)
    ]
    if not free:
        message = f"A positional parameter cannot be found that accepts argument '{text_of(value)}'."
        raise _error(command, message, BindingFailure("PositionalParameterNotFound", None, site=_VERIFY))
    return min(free, key=lambda parameter: parameter.position or 0)


def _complete(command: Command, bound: Bound, sets: set[str], takes_input: bool) -> Binding:
    """Choose the parameter set, and see whether it has all it needs."""
    if len(sets) == 1:
        chosen = next(iter(sets))
    elif command.default_set in sets:
        chosen = command.default_set
    else:
        satisfied = [name for name in sets if not _missing(command, bound, name)]
        if len(satisfied) != 1:
            raise _ambiguous(command)
        chosen = satisfied[0]
    missing = _missing(command, bound, chosen)
    from_input = [parameter for parameter in missing if parameter.by_property_name or parameter.by_value]
    lacking = missing if not takes_input else [parameter for parameter in missing if parameter not in from_input]
    if lacking:
        names = "".join(f" {parameter.name}" for parameter in lacking)
        message = f"Cannot process command because of one or more missing mandatory parameters:{names}."
        raise _error(command, message, BindingFailure("MissingMandatoryParameter", names, site=_PROMPT))
    return Binding(command, bound, chosen, tuple(from_input))


def _missing(command: Command, bound: Bound, parameter_set: str) -> list[Parameter]:
    return [
        parameter
        for parameter in command.parameters
        if parameter.mandatory and parameter.belongs_to(parameter_set) and parameter.name not in bound
    ]


def _refuse_empty(command: Command, parameter: Parameter, value: Value, given: str) -> None:
    if value is None:
        what, kind = "null", "NullNotAllowed"
    elif value == "" and parameter.type.startswith("System.String"):
        what, kind = "an empty string", "EmptyStringNotAllowed"
    elif isinstance(value, Collection) and not value.items and parameter.type.endswith("[]"):
        what, kind = "an empty array", "EmptyArrayNotAllowed"
    else:
        return
    message = f"Cannot bind argument to parameter '{parameter.name}' because it is {what}."
    failure = BindingFailure(
        f"ParameterArgumentValidationError{kind}",
        parameter.name,
        parameter.type,
        None if value is None else given,
        "ParameterBindingValidationException",
        _BIND,
    )
    raise _error(command, message, failure, INVALID_DATA)


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
        failure = BindingFailure(
            "ParameterArgumentValidationError",
            parameter.name,
            parameter.type,
            parameter.type,
            "ParameterBindingValidationException",
            _BIND,
        )
        cause = exceptions.metadata("Validation", reason, "Void ValidateElement(System.Object)", None)
        raise _error(command, message, failure, INVALID_DATA, cause)


def _matches(pattern: str, text: str) -> bool:
    """As a role's ValidatePattern does: the whole text, in any case. Python calls .NET's last place in a text \\Z."""
    pattern = pattern.replace("\\z", "\\Z")
    return re.search(f"^({pattern})$", text, re.IGNORECASE) is not None


def _ambiguous(command: Command) -> BindingError:
    message = (
        "Parameter set cannot be resolved using the specified named parameters. One or more parameters issued cannot "
        "be used together or an insufficient number of parameters were provided."
    )
    return _error(command, message, BindingFailure("AmbiguousParameterSet", None, site=_AMBIGUOUS))


def _error(
    command: Command,
    message: str,
    failure: BindingFailure,
    category: int = INVALID_ARGUMENT,
    inner: exceptions.DotNetException | None = None,
) -> BindingError:
    return BindingError(
        ErrorRecord(
            exceptions.parameter_binding(message, failure, inner),
            f"{failure.error_id},{command.name if command.proxied else command.error_name}",
            category,
            activity=command.name,
            invocation=Invocation(command.name, ""),
        )
    )
