# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell's lenient conversion of an argument to the type of a parameter."""

from __future__ import annotations

import decimal
import re
import typing

from . import exceptions
from .clixml import U32, Collection, DotNetObject, Enumeration, SecretValue, Value, text_of
from .exceptions import AUTOMATION, DotNetException

_LIMITS = {"System.Int32": (-(2**31), 2**31 - 1), "System.UInt32": (0, 2**32 - 1)}
_ACTIONS = ("SilentlyContinue", "Stop", "Continue", "Inquire", "Ignore", "Suspend", "Break")
_OBJECT = f"System.Object, System.Type, Boolean, {AUTOMATION}.PSObject, System.IFormatProvider"
_TABLE = f"{AUTOMATION}.Runspaces.TypeTable"


class NotConvertibleError(ValueError):
    """The argument can't become the type."""

    def __init__(self, cause: DotNetException, element: DotNetException | None = None) -> None:
        """`element`: what is wrong with an item, where `cause` says it of the array."""
        super().__init__(cause.message)
        self.cause = cause
        self.element = element


def convert(value: Value, target: str) -> typing.Any:
    """The value as the body of a command gets it; arrays are tuples. Raises NotConvertibleError."""
    if target.endswith("[]"):
        return _array(value, target)
    if isinstance(value, Collection) and target == "System.String":
        return " ".join(text_of(item) for item in value.items)
    if isinstance(value, Collection) and target not in ("System.Object", f"{AUTOMATION}.PSObject"):
        raise NotConvertibleError(_refused(value, target))
    if target in _LIMITS:
        return _integer(value, target)
    if target == "System.String":
        return text_of(value)
    if target in (f"{AUTOMATION}.SwitchParameter", "System.Boolean"):
        return _boolean(value, target)
    if target == f"{AUTOMATION}.ActionPreference":
        return _action(value)
    if target == f"{AUTOMATION}.PSCredential" and not isinstance(value, SecretValue):
        raise NotConvertibleError(_refused(value, target))
    return value


def type_of(value: Value) -> str:
    """The full name of the argument's type, as binding errors tell it."""
    if isinstance(value, bool):
        return "System.Boolean"
    if isinstance(value, U32):
        return "System.UInt32"
    if isinstance(value, int):
        return "System.Int32" if -(2**31) <= value < 2**31 else "System.Int64"
    if isinstance(value, float):
        return "System.Double"
    if isinstance(value, Enumeration):
        return value.type_name
    if isinstance(value, (DotNetObject, Collection)):
        return value.types[0] if value.types else "System.Object[]"
    return "System.String"


def _array(value: Value, target: str) -> tuple[typing.Any, ...]:
    element = target[:-2]
    items = value.items if isinstance(value, Collection) else (value,)
    try:
        return tuple(convert(item, element) for item in items)
    except NotConvertibleError as error:
        text = _text("Cannot convert value", value, target, error.cause.message)
        cause = exceptions.conversion(text, f"ConvertScalarToArray({_OBJECT}, {_TABLE})", error.cause)
        raise NotConvertibleError(cause, error.cause) from error


def _integer(value: Value, target: str) -> int:
    if isinstance(value, bool) or value is None or value == "":
        number = int(bool(value))
    elif isinstance(value, str):
        number = _parsed(value, target)
    elif isinstance(value, (int, float)):
        number = round(value)
    else:
        raise NotConvertibleError(_refused(value, target))
    low, high = _LIMITS[target]
    if not low <= number <= high:
        short = target.rpartition(".")[2]
        message = f"Value was either too large or too small for a{'n' * (short == 'Int32')} {short}."
        overflow = exceptions.core(
            "System.OverflowException",
            message,
            f"Throw{short}OverflowException()",
            -2146233066,
            "System.ArithmeticException",
        )
        text = _text("Cannot convert value", value, target, overflow.message)
        kind = "ConvertStringToInteger" if isinstance(value, str) else "ConvertNumeric"
        raise NotConvertibleError(exceptions.conversion(text, f"{kind}({_OBJECT}, {_TABLE})", overflow))
    return U32(number) if target == "System.UInt32" else number


def _parsed(text: str, target: str) -> int:
    trimmed = text.strip()
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", trimmed):
        return int(trimmed, 16)
    try:
        if not trimmed.isascii():
            raise ValueError(trimmed)
        # Half a unit rounds to the even neighbour, in Windows as in Python.
        return round(decimal.Decimal(trimmed))
    except (decimal.InvalidOperation, ValueError, OverflowError):
        message = f"The input string '{text}' was not in a correct format."
        malformed = exceptions.core(
            "System.FormatException", message, "ThrowFormatException[TChar](System.ReadOnlySpan`1[TChar])", -2146233033
        )
        whole = _text("Cannot convert value", text, target, message)
        cause = exceptions.conversion(whole, f"ConvertStringToInteger({_OBJECT}, {_TABLE})", malformed)
        raise NotConvertibleError(cause) from None


def _boolean(value: Value, target: str) -> bool:
    if isinstance(value, (bool, int, float)) or value is None:
        return bool(value)
    text = (
        f'Cannot convert value "{type_of(value)}" to type "{target}". Boolean parameters accept only Boolean values '
        "and numbers, such as $True, $False, 1 or 0."
    )
    raise NotConvertibleError(exceptions.runtime(text, "Void ThrowInvalidCast()"))


def _action(value: Value) -> str:
    text = text_of(value)
    for number, name in enumerate(_ACTIONS):
        if text.lower() == name.lower() or text == str(number):
            return name
    raise NotConvertibleError(_refused(value, f"{AUTOMATION}.ActionPreference"))


def _text(start: str, value: Value, target: str, reason: str) -> str:
    return f'{start} "{text_of(value)}" to type "{target}". Error: "{reason}"'


def _refused(value: Value, target: str) -> DotNetException:
    text = f'Cannot convert the "{text_of(value)}" value of type "{type_of(value)}" to type "{target}".'
    if target == f"{AUTOMATION}.PSCredential":
        text = f'Cannot convert the value of type "{type_of(value)}" to type "{target}".'
    return exceptions.runtime(text, "Void ThrowInvalidCast()")
