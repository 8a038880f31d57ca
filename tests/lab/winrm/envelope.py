# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SOAP envelopes of WS-Management, and its faults."""

from __future__ import annotations

import dataclasses
import re
import uuid
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

S = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
WSMV = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
RSP = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
WST = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
POWERSHELL = "http://schemas.microsoft.com/powershell"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
ANONYMOUS = f"{WSA}/role/anonymous"
_NAMESPACES = (
    f'xmlns:s="{S}" xmlns:a="{WSA}" xmlns:w="{WSMAN}" xmlns:p="{WSMV}" xmlns:rsp="{RSP}" xmlns:x="{WST}" '
    f'xmlns:cfg="{CONFIG}"'
)
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?")


@dataclasses.dataclass(frozen=True)
class Request:
    """What the service needs of a request."""

    action: str
    message_id: str
    resource: str
    shell_id: str
    timeout: float
    max_size: int
    body: ElementTree.Element

    def find(self, path: str) -> ElementTree.Element | None:
        """An element of the body; `rsp:` and `ps:` are known."""
        return self.body.find(path, {"rsp": RSP, "ps": POWERSHELL})


class FaultError(Exception):
    """The request ends in a fault. Without a `code` it has no WSManFault detail, as some of Windows' have none."""

    def __init__(self, code: int | None, message: str, subcode: str = "w:InternalError") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.subcode = subcode


OPERATION_TIMEOUT = 2150858793
_TIMED_OUT = "The WS-Management service cannot complete the operation within the time specified in OperationTimeout.  "


def timed_out() -> FaultError:
    return FaultError(OPERATION_TIMEOUT, _TIMED_OUT, "w:TimedOut")


def access_denied() -> FaultError:
    return FaultError(5, "Access is denied. ", "w:AccessDenied")


def no_such_shell(shell_id: str) -> FaultError:
    message = (
        f"The request for the Windows Remote Shell with ShellId {shell_id} failed because the shell was not found on "
        "the server. Possible causes are: the specified ShellId is incorrect or the shell no longer exists on the "
        "server. Provide the correct ShellId or create a new shell and retry the operation. "
    )
    return FaultError(2150858843, message, "w:InvalidSelectors")


def no_such_resource(resource: str) -> FaultError:
    message = (
        f"The WS-Management service cannot process the request. The resource URI ({resource}) was not found in the "
        "WS-Management catalog. The catalog contains the metadata that describes resources, or logical endpoints. "
    )
    return FaultError(2150858811, message, "a:DestinationUnreachable")


def too_many_shells(limit: int) -> FaultError:
    message = (
        f"The WS-Management service cannot process the request. This user is allowed a maximum number of {limit} "
        "concurrent shells, which has been exceeded. Close existing shells or raise the quota for this user. "
    )
    return FaultError(2150859173, message, "w:QuotaLimit")


def too_many_commands() -> FaultError:
    message = (
        "The WS-Management service cannot process the request. The maximum number of concurrent commands per shell has "
        "been exceeded. Retry the request later or raise the Maximum Commands per Shell quota. "
    )
    return FaultError(2150859241, message, "w:QuotaLimit")


def unsupported(what: str) -> FaultError:
    return FaultError(2150858752, f"The lab does not do this: {what}", "a:ActionNotSupported")


def parse(text: bytes) -> Request:
    """Raises FaultError when it is no envelope."""
    try:
        envelope = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise FaultError(2150858935, f"The SOAP XML in the message does not match the schema: {error}") from error
    known = {"s": S, "a": WSA, "w": WSMAN}
    selectors = envelope.findall("s:Header/w:SelectorSet/w:Selector", known)
    shell_id = next((each.text or "" for each in selectors if each.get("Name") == "ShellId"), "")
    body = envelope.find("s:Body", known)
    number = re.match(r"\d+", envelope.findtext("s:Header/w:MaxEnvelopeSize", "", known))
    return Request(
        action=envelope.findtext("s:Header/a:Action", "", known),
        message_id=envelope.findtext("s:Header/a:MessageID", "", known),
        resource=envelope.findtext("s:Header/w:ResourceURI", "", known),
        shell_id=shell_id.upper(),
        timeout=seconds(envelope.findtext("s:Header/w:OperationTimeout", "PT60S", known)),
        max_size=int(number.group()) if number else 512_000,
        body=ElementTree.Element("none") if body is None else body,
    )


def seconds(duration: str) -> float:
    match = _DURATION.fullmatch(duration)
    hours, minutes, rest = match.groups() if match else (None, None, "60")
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest or 0)


def answer(request: Request, body: str) -> bytes:
    """The answer to a request; its action is the request's with Response."""
    return _envelope(f"{request.action}Response", request.message_id, body)


def fault(error: FaultError, message_id: str, machine: str) -> bytes:
    text = escape(error.message)
    detail = ""
    if error.code is not None:
        detail = (
            f'<s:Detail><f:WSManFault xmlns:f="{FAULT}" Code="{error.code}" Machine={quoteattr(machine)}>'
            f"<f:Message>{text}</f:Message></f:WSManFault></s:Detail>"
        )
    body = (
        f"<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>{error.subcode}</s:Value></s:Subcode>"
        f'</s:Code><s:Reason><s:Text xml:lang="en-US">{text}</s:Text></s:Reason>{detail}</s:Fault>'
    )
    return _envelope("http://schemas.dmtf.org/wbem/wsman/1/wsman/fault", message_id, body)


def _envelope(action: str, relates_to: str, body: str) -> bytes:
    return (
        f'<s:Envelope xml:lang="en-US" {_NAMESPACES}><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
