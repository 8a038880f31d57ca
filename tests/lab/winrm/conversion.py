# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell's lenient conversion of an argument to the type of a parameter."""

from __future__ import annotations

import decimal
import re
import typing

from .clixml import AUTOMATION, U32, Collection, SecretValue, Value, text_of
from .commands import ENUMERATIONS, SWITCH

_LIMITS = {"System.Int32": (-(2**31), 2**31 - 1), "System.UInt32": (0, 2**32 - 1)}
_LIST = "System.Collections.ArrayList"


class NotConvertibleError(ValueError):
    """The argument can't become the type. `element`: what is wrong with an item, where the text is about the array."""

    def __init__(self, message: str, element: str = "") -> None:
        super().__init__(message)
        self.element = element


def convert(value: Value, target: str) -> typing.Any:
    """The value as the body of a command gets it; arrays are tuples. Raises NotConvertibleError."""
    if target.endswith("[]"):
        return _array(value, target)
    if target == "System.String":
        return text_of(value)
    if isinstance(value, Collection):
        raise NotConvertibleError(f'Cannot convert the "{_LIST}" value of type "{_LIST}" to type "{target}".')
    if target in _LIMITS:
        return _integer(value, target)
    if target == SWITCH:
        return _boolean(value)
    if target in ENUMERATIONS:
        return _member(text_of(value), target)
    if target == f"{AUTOMATION}.PSCredential" and not isinstance(value, SecretValue):
        raise NotConvertibleError(f'Cannot convert the value of type "{type_of(value)}" to type "{target}".')
    return value


def type_of(value: Value) -> str:
    """The full name of the argument's type, as binding errors tell it."""
    if isinstance(value, bool):
        return "System.Boolean"
    if isinstance(value, int):
        return "System.Int32" if -(2**31) <= value < 2**31 else "System.Int64"
    if isinstance(value, float):
        return "System.Double"
    return _LIST if isinstance(value, Collection) else "System.String"


def _array(value: Value, target: str) -> tuple[typing.Any, ...]:
    items = value.items if isinstance(value, Collection) else (value,)
    try:
        return tuple(convert(item, target[:-2]) for item in items)
    except NotConvertibleError as error:
        shown = _LIST if isinstance(value, Collection) else text_of(value)
        raise NotConvertibleError(_text(shown, target, str(error)), str(error)) from error


def _integer(value: Value, target: str) -> int:
    if isinstance(value, bool) or value == "":
        number = int(bool(value))
    elif isinstance(value, (int, float)):
        number = round(value)
    else:
        number = _parsed(text_of(value), target)
    low, high = _LIMITS[target]
    if not low <= number <= high:
        short = target.rpartition(".")[2]
        reason = f"Value was either too large or too small for a{'n' * (short == 'Int32')} {short}."
        raise NotConvertibleError(_text(text_of(value), target, reason))
    return U32(number) if target == "System.UInt32" else number


def _member(text: str, target: str) -> str:
    """The name of an enumeration's member, which may be given in any case or as its number."""
    names = ENUMERATIONS[target]
    for number, name in enumerate(names):
        if text.strip().lower() in (name.lower(), str(number)):
            return name
    reason = (
        f"Unable to match the identifier name {text} to a valid enumerator name. Specify one of the following "
        f"enumerator names and try again:\n{', '.join(names)}"
    )
    raise NotConvertibleError(_text(text, target, reason))


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
        reason = f"The input string '{text}' was not in a correct format."
        raise NotConvertibleError(_text(text, target, reason)) from None


def _boolean(value: Value) -> bool:
    if isinstance(value, (bool, int, float)):
        return bool(value)
    raise NotConvertibleError(
        f'Cannot convert value "{type_of(value)}" to type "{SWITCH}". Boolean parameters accept only Boolean values '
        "and numbers, such as $True, $False, 1 or 0."
    )


def _text(shown: str, target: str, reason: str) -> str:
    return f'Cannot convert value "{shown}" to type "{target}". Error: "{reason}"'
