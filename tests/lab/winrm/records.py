# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error records and warnings, with what clients read of them."""

from __future__ import annotations

import dataclasses

from .clixml import AUTOMATION, DotNetObject, Properties, type_names

CATEGORIES = {
    0: "NotSpecified",
    5: "InvalidArgument",
    6: "InvalidData",
    7: "InvalidOperation",
    11: "NotImplemented",
    13: "ObjectNotFound",
    14: "OperationStopped",
    17: "ParserError",
    28: "AuthenticationError",
}
NOT_SPECIFIED, INVALID_ARGUMENT, INVALID_DATA, INVALID_OPERATION = 0, 5, 6, 7
NOT_IMPLEMENTED, OBJECT_NOT_FOUND, OPERATION_STOPPED, PARSER_ERROR, AUTHENTICATION_ERROR = 11, 13, 14, 17, 28

RUNTIME = f"{AUTOMATION}.RuntimeException"
WRITE_ERROR = "Microsoft.PowerShell.Commands.WriteErrorException"


@dataclasses.dataclass(frozen=True)
class ErrorRecord:
    """What travels on the error stream, or with the state of a pipeline that failed."""

    message: str
    error_id: str
    category: int = NOT_SPECIFIED
    exception: str = RUNTIME
    command: str = ""
    """What follows the first comma of a FullyQualifiedErrorId."""

    @property
    def reason(self) -> str:
        """The exception's class without its namespace."""
        return self.exception.rpartition(".")[2]

    def as_value(self) -> DotNetObject:
        exception = DotNetObject(
            type_names(self.exception, "System.Exception"), {"Message": self.message}, text=self.message, whole=True
        )
        extended: Properties = {
            "Exception": exception,
            "TargetObject": None,
            "FullyQualifiedErrorId": f"{self.error_id},{self.command}" if self.command else self.error_id,
            "InvocationInfo": None,
            "ErrorCategory_Category": self.category,
            "ErrorCategory_Activity": self.command,
            "ErrorCategory_Reason": self.reason,
            "ErrorCategory_TargetName": "",
            "ErrorCategory_TargetType": "",
            "ErrorCategory_Message": f"{CATEGORIES[self.category]}: (:) [{self.command}], {self.reason}",
            "SerializeExtendedInfo": False,
        }
        types = type_names(f"{AUTOMATION}.ErrorRecord")
        return DotNetObject(types, {}, extended, text=self.message, whole=True)


def warning(message: str) -> DotNetObject:
    types = type_names(f"{AUTOMATION}.WarningRecord", f"{AUTOMATION}.InformationalRecord")
    extended: Properties = {
        "InformationalRecord_Message": message,
        "InformationalRecord_SerializeInvocationInfo": False,
    }
    return DotNetObject(types, {}, extended, text=message)


class TerminatingError(Exception):
    """A call ended with an error."""

    def __init__(self, record: ErrorRecord) -> None:
        super().__init__(record.message)
        self.record = record
