# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what a PowerShell host sends about a pipeline: fragments, messages, and CLIXML as plain values.

pypsrp reads it too, but forgets which texts are dates, and needs 15 times as long for a list of sessions.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError, fromstring

from .cmdlet import ErrorRecord, Row, time_text

FRAGMENT = struct.Struct(">QQBI")
"""MS-PSRP 2.2.4: object id, fragment id, flags, length of what follows."""
FIRST, LAST = 1, 2
MESSAGE_TYPE = struct.Struct("<4xI")
MESSAGE_DATA = 40
"""Where a message's CLIXML begins, after destination, type, and two ids (MS-PSRP 2.2.1)."""

ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
INTEGERS = frozenset(("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"))
FLOATS = frozenset(("Sg", "Db", "D"))
LISTS = frozenset(("LST", "IE", "QUE", "STK"))
ESCAPED = frozenset(("S", "XD", "SBK", "URI"))
ENUM = "System.Enum"

CATEGORIES = (
    *("NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData"),
    *("InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled"),
    *("ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied"),
    *("ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr"),
    *("SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded"),
    "NotEnabled",
)
"""Names of System.Management.Automation.ErrorCategory, by number."""


class BrokenMessageError(Exception):
    """What came is not what a PowerShell host sends, or a part of it was lost."""


class Messages:
    """Puts the messages of one pipeline together from the fragments in which they come."""

    def __init__(self) -> None:
        self._parts: dict[int, list[bytes]] = {}

    def read(self, data: bytes) -> Iterator[tuple[int, Element]]:
        """Return the messages that `data` completes: type and CLIXML. Raises BrokenMessageError."""
        at = 0
        while at < len(data):
            try:
                object_id, fragment_id, flags, length = FRAGMENT.unpack_from(data, at)
            except struct.error as error:
                raise BrokenMessageError("a fragment is cut off") from error
            at += FRAGMENT.size
            parts = self._parts.setdefault(object_id, [])
            if len(parts) != fragment_id or bool(flags & FIRST) != (fragment_id == 0) or at + length > len(data):
                raise BrokenMessageError("a fragment is missing")
            parts.append(data[at : at + length])
            at += length
            if flags & LAST:
                yield _message(b"".join(self._parts.pop(object_id)))


def _message(message: bytes) -> tuple[int, Element]:
    try:
        (kind,) = MESSAGE_TYPE.unpack_from(message)
        return kind, fromstring(message[MESSAGE_DATA:])
    except (struct.error, ParseError) as error:
        raise BrokenMessageError("a message cannot be read") from error


def read_row(element: Element) -> Row:
    """Read an object that a cmdlet wrote."""
    value = _Reader().value(element)
    return value if isinstance(value, dict) else {"Value": value}


def read_error(element: Element) -> ErrorRecord:
    """Read an ErrorRecord."""
    category = int(element.findtext("MS/I32[@N='ErrorCategory_Category']") or 0)
    return ErrorRecord.of(
        _unescape(element.findtext("MS/S[@N='FullyQualifiedErrorId']") or ""),
        CATEGORIES[category] if category < len(CATEGORIES) else str(category),
        element.findtext("MS/Obj[@N='Exception']/TN/T") or "",
        _unescape(element.findtext("ToString") or ""),
    )


def read_state(element: Element) -> tuple[int, ErrorRecord | None]:
    """Read a pipeline's state: its number, and the error that ended it."""
    error = element.find("MS/Obj[@N='ExceptionAsErrorRecord']")
    return int(element.findtext("MS/I32[@N='PipelineState']") or 0), None if error is None else read_error(error)


def read_text(element: Element) -> str:
    """Read a warning or another record that is text."""
    return _unescape(element.findtext("ToString") or "")


class _Reader:
    """Reads one message's CLIXML. Objects and type names may refer to earlier ones in the same message."""

    def __init__(self) -> None:
        self._objects: dict[str, Any] = {}
        self._types: dict[str, tuple[str, ...]] = {}

    def value(self, element: Element) -> Any:
        """Read a value as str, int, float, bool, None, list or dict."""
        tag, text = element.tag, element.text or ""
        if tag in ESCAPED:
            return _unescape(text)
        if tag == "Nil":
            return None
        if tag in INTEGERS:
            return int(text)
        if tag == "DT":
            return time_text(text)
        if tag == "B":
            return text == "true"
        if tag == "Obj":
            value = self._object(element)
            self._objects[element.get("RefId", "")] = value
            return value
        if tag == "Ref":
            return self._objects.get(element.get("RefId", ""))
        if tag in FLOATS:
            return float(text)
        return chr(int(text)) if tag == "C" else text

    def _object(self, element: Element) -> Any:
        types: tuple[str, ...] = ()
        members: dict[str, Any] = {}
        to_string = inner = None
        for child in element:
            tag = child.tag
            if tag in ("Props", "MS"):
                for member in child:
                    members[_unescape(member.get("N", ""))] = self.value(member)
            elif tag == "TN":
                types = self._types[child.get("RefId", "")] = tuple(one.text or "" for one in child)
            elif tag == "TNRef":
                types = self._types.get(child.get("RefId", ""), ())
            elif tag == "ToString":
                to_string = _unescape(child.text or "")
            elif tag in LISTS:
                return [self.value(one) for one in child]
            elif tag == "DCT":
                return dict(self._entry(entry) for entry in child)
            else:
                inner = self.value(child)
        if inner is not None:
            return to_string if ENUM in types else inner
        return members or to_string

    def _entry(self, entry: Element) -> tuple[str, Any]:
        members = {one.get("N"): self.value(one) for one in entry}
        return str(members.get("Key")), members.get("Value")


def _unescape(text: str) -> str:
    """Undo _x000A_, which stands for characters that XML cannot hold (MS-PSRP 2.2.5.3.2)."""
    if "_x" not in text:
        return text
    text = ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return SURROGATES.sub(lambda match: match[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)
