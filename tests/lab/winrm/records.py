# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error records and the other records of a pipeline's streams."""

from __future__ import annotations

import dataclasses
import typing

from .clixml import I64, Collection, Dictionary, DotNetObject, Properties, Value, type_names
from .exceptions import AUTOMATION, DotNetException

CATEGORIES = {
    0: "NotSpecified",
    5: "InvalidArgument",
    6: "InvalidData",
    7: "InvalidOperation",
    11: "NotImplemented",
    13: "ObjectNotFound",
    14: "OperationStopped",
    17: "ParserError",
    18: "PermissionDenied",
    28: "AuthenticationError",
}
NOT_SPECIFIED, INVALID_ARGUMENT, INVALID_DATA, INVALID_OPERATION = 0, 5, 6, 7
NOT_IMPLEMENTED, OBJECT_NOT_FOUND, OPERATION_STOPPED, PARSER_ERROR, AUTHENTICATION_ERROR = 11, 13, 14, 17, 28

_CORE = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e"
_NO_PARAMETERS = Dictionary(
    type_names(f"System.Collections.Generic.Dictionary`2[[System.String, {_CORE}],[System.Object, {_CORE}]]")
)
_NO_ARGUMENTS = Collection(type_names(f"System.Collections.Generic.List`1[[System.Object, {_CORE}]]"))


@dataclasses.dataclass(frozen=True)
class Position:
    """Where in a module's script something happened."""

    script: str = ""
    line_number: int = 0
    offset: int = 0
    line: str = ""
    statement: str = ""
    message: str = ""

    @property
    def folder(self) -> str:
        return self.script.rpartition("\\")[0]


NOWHERE = Position()


@dataclasses.dataclass(frozen=True)
class Invocation:
    """Which command an error record is about. `called_as` is empty as long as the parameters are not bound."""

    command: str
    called_as: str
    position: Position = NOWHERE

    def as_value(self) -> DotNetObject:
        place = self.position
        adapted: Properties = {
            "MyCommand": self.command,
            "BoundParameters": _NO_PARAMETERS,
            "UnboundArguments": _NO_ARGUMENTS,
            "ScriptLineNumber": place.line_number,
            "OffsetInLine": place.offset,
            "HistoryId": I64(1),
            "ScriptName": place.script,
            "Line": place.line,
            "Statement": place.statement,
            "PositionMessage": place.message,
            "PSScriptRoot": place.folder,
            "PSCommandPath": place.script or None,
            "InvocationName": self.called_as,
            "PipelineLength": 0,
            "PipelinePosition": 0,
            "ExpectingInput": False,
            "CommandOrigin": "Internal",
            "DisplayScriptPosition": None,
        }
        types = type_names(f"{AUTOMATION}.InvocationInfo")
        return DotNetObject(types, adapted, text=types[0], whole=True)


@dataclasses.dataclass(frozen=True)
class ErrorRecord:
    """What travels on the error stream, or with the state of a pipeline that failed."""

    exception: DotNetException
    error_id: str
    category: int = NOT_SPECIFIED
    activity: str = ""
    target: Value = None
    target_name: str = ""
    target_type: str = ""
    invocation: Invocation | None = None
    stack: str | None = None

    @property
    def category_message(self) -> str:
        target = ":".join((self.target_name, self.target_type))
        return f"{CATEGORIES[self.category]}: ({target}) [{shortened(self.activity)}], {self.exception.name}"

    def as_value(self, alone: bool) -> DotNetObject:
        """`alone`: as a message of its own, not inside a state message."""
        extended: Properties = {
            "Exception": self.exception.as_value(),
            "TargetObject": self.target,
            "FullyQualifiedErrorId": self.error_id,
            "InvocationInfo": None if self.invocation is None else self.invocation.as_value(),
            "ErrorCategory_Category": self.category,
            "ErrorCategory_Activity": self.activity,
            "ErrorCategory_Reason": self.exception.name,
            "ErrorCategory_TargetName": self.target_name,
            "ErrorCategory_TargetType": self.target_type,
            "ErrorCategory_Message": self.category_message,
            "SerializeExtendedInfo": False,
        }
        if self.stack is not None:
            extended["ErrorDetails_ScriptStackTrace"] = self.stack
        if alone:
            extended["PSMessageDetails"] = None
        types = type_names(f"{AUTOMATION}.ErrorRecord")
        return DotNetObject(types, {}, extended, text=self.exception.message, whole=True)


def shortened(name: str) -> str:
    """A long name as the category's message shows it."""
    return name if len(name) <= 40 else f"{name[:19]}…{name[-19:]}"


Stream = typing.Literal["Debug", "Verbose", "Warning"]


def informational(stream: Stream, message: str) -> DotNetObject:
    """A record of one of the streams that carry plain text."""
    types = type_names(f"{AUTOMATION}.{stream}Record", f"{AUTOMATION}.InformationalRecord")
    extended: Properties = {
        "InformationalRecord_Message": message,
        "InformationalRecord_SerializeInvocationInfo": False,
    }
    return DotNetObject(types, {}, extended, text=message)


class TerminatingError(Exception):
    """A statement ended with an error; `by_preference`: because of ErrorAction Stop."""

    def __init__(self, record: ErrorRecord, by_preference: bool = False) -> None:
        super().__init__(record.exception.message)
        self.record = record
        self.by_preference = by_preference
