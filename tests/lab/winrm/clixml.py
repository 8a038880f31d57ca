# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of PowerShell, and how they are written as CLIXML.

`write(value)` gives the body of one PSRP message. Like the real serialiser at the depth that remoting uses, it writes
the properties of an object, and of an object inside such a property only its string.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import typing
from datetime import datetime

# XML forbids most of these, and PowerShell escapes them all, with `_x` itself so that it can be told apart.
_ESCAPED = re.compile("_(?=[xX])|[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]|[&<>]")
_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class U32(int):
    """System.UInt32."""


AUTOMATION = "System.Management.Automation"

Types = tuple[str, ...]
Properties = dict[str, "Value"]


@dataclasses.dataclass(frozen=True)
class DotNetObject:
    """An object with properties of its class (`adapted`) and of this one instance (`extended`, note properties).

    `whole` objects are written with their properties wherever they stand, as PowerShell does for exceptions.
    """

    types: Types
    adapted: Properties = dataclasses.field(default_factory=dict)
    extended: Properties = dataclasses.field(default_factory=dict)
    text: str | None = None  # what ToString() gives; None: nothing worth sending
    whole: bool = False

    @property
    def custom(self) -> bool:
        """A PSCustomObject: nothing but note properties, which cost no depth."""
        return not self.adapted


@dataclasses.dataclass(frozen=True)
class Collection:
    """A list of any type from a client; to it, an array of texts."""

    items: tuple[Value, ...] = ()


Value = typing.Union[None, bool, int, float, str, datetime, DotNetObject, Collection, "SecretValue"]


@dataclasses.dataclass(frozen=True)
class SecretValue:
    """Something a client may send and nothing writes back: a SecureString or a PSCredential, already decrypted."""

    user_name: str
    password: str = dataclasses.field(repr=False)


def type_names(name: str, *bases: str) -> Types:
    """The names that travel with an object of the class."""
    return (name, *bases, "System.Object")


def escape(text: str) -> str:
    return _ESCAPED.sub(_escape_one, text) if _ESCAPED.search(text) else text


def _escape_one(match: re.Match[str]) -> str:
    character = match[0]
    if character in _NAMED:
        return _NAMED[character]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[at]:02X}{units[at + 1]:02X}_" for at in range(0, len(units), 2))


def text_of(value: Value) -> str:
    """What PowerShell makes of it where a text is wanted."""
    if value is None:
        return ""
    if isinstance(value, Collection):
        return " ".join(map(text_of, value.items))
    return str(value)


def write(value: Value) -> bytes:
    """The CLIXML of one message."""
    writer = _Writer()
    writer.write("", value, depth=1)
    return "".join(writer.text).encode()


@functools.lru_cache(maxsize=256)
def _type_elements(types: Types) -> str:
    return "".join(f"<T>{escape(each)}</T>" for each in types)


class _Writer:
    """One message: objects and sets of type names are numbered through it."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self._objects = 0
        self._type_names: dict[Types, int] = {}

    def write(self, named: str, value: Value, depth: int) -> None:
        """`named` is the attribute with the name, or nothing."""
        if value is None:
            self.text.append(f"<Nil{named} />")
        elif isinstance(value, Collection):
            self._array(named, value)
        elif isinstance(value, DotNetObject) and (depth or value.whole):
            self._object(named, value, depth)
        else:
            tag, text = _primitive(value)
            self.text.append(f"<{tag}{named}>{text}</{tag}>")

    def _open(self, named: str, types: Types) -> None:
        """Begin an object. A PSRP message is one without type names."""
        self.text.append(f'<Obj{named} RefId="{self._objects}">')
        self._objects += 1
        known = self._type_names.get(types)
        if known is not None:
            self.text.append(f'<TNRef RefId="{known}" />')
        elif types:
            known = self._type_names[types] = len(self._type_names)
            self.text.append(f'<TN RefId="{known}">{_type_elements(types)}</TN>')

    def _object(self, named: str, value: DotNetObject, depth: int) -> None:
        self._open(named, value.types)
        if value.text is not None:
            self.text.append(f"<ToString>{escape(value.text)}</ToString>")
        inside = depth - 1 if depth else 0
        self._properties("Props", value.adapted, inside)
        self._properties("MS", value.extended, depth if value.custom else inside)
        self.text.append("</Obj>")

    def _properties(self, tag: str, properties: Properties, depth: int) -> None:
        if properties:
            self.text.append(f"<{tag}>")
            for name, value in properties.items():
                self.write(f' N="{name}"', value, depth)
            self.text.append(f"</{tag}>")

    def _array(self, named: str, value: Collection) -> None:
        self._open(named, type_names("System.String[]", "System.Array"))
        self.text.append("<LST>")
        for item in value.items:
            self.write("", item, 0)
        self.text.append("</LST></Obj>")


def _primitive(value: Value) -> tuple[str, str]:
    """Tag and text of what needs no object; whatever else is there counts as its string."""
    if isinstance(value, bool):
        return "B", "true" if value else "false"
    if isinstance(value, U32):
        return "U32", str(int(value))
    if isinstance(value, int):
        return "I32", str(value)
    if isinstance(value, datetime):
        return "DT", round_trip(value)
    return "S", escape(text_of(value))


def round_trip(moment: datetime) -> str:
    """`2026-11-21T08:30:02.5+01:00`, or without an offset when the time is of no zone."""
    text = moment.isoformat()
    if moment.microsecond:
        at = text.index(".")
        text = text[: at + 7].rstrip("0") + text[at + 7 :]
    return text
