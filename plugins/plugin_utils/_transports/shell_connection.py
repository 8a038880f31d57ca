# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP connection to a shell on a Windows host, and the requests about its pipelines that need no answer of others.

A host answers the requests of one connection one after the other, and lets each that asks for output wait for it. So
whoever waits for something that brings nothing holds up everybody on the same connection, and nobody on another one.
"""

from __future__ import annotations

from base64 import b64decode
from contextlib import suppress
from copy import copy
from time import monotonic
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from .idle_connection import MOST_IDLE
from .runspace_errors import OPERATION_TIMED_OUT

try:
    from pypsrp.exceptions import WSManFaultError
    from pypsrp.shell import SignalCode
    from pypsrp.wsman import NAMESPACES, OptionSet, SelectorSet, WSManAction
    from requests.exceptions import Timeout
except ImportError:  # reported where the connection is made
    pass

SHORTEST_WAIT = 0.5
"""Seconds that a host is let wait before it answers a request; WinRM takes nothing shorter."""
SILENCE_SECONDS = 30.0
"""A host that says nothing for so much longer than it should is lost."""
SHORT_SILENCE = 3.0
"""The same for requests that are not worth a long wait."""


class ShellConnection:
    """One connection to a shell. One request is under way at a time: to be used from one thread at a time.

    Every method raises what pypsrp and requests raise when a request fails.
    """

    def __init__(self, wsman: Any, shell: Any) -> None:
        """Use the connection of a pypsrp `WSMan`, and the WinRS `shell` that a runspace pool has opened."""
        self._wsman = wsman
        self._shell = shell
        self._used_at = monotonic()

    def another(self) -> ShellConnection:
        """Make another connection to the same shell, which signs in as this one did when it is first used."""
        wsman = copy(self._wsman)
        wsman.transport = copy(self._wsman.transport)
        wsman.transport.session = wsman.transport.encryption = None
        return ShellConnection(wsman, self._shell)

    def sign_in(self) -> None:
        """Sign in if need be, by asking for what the pool has brought, which is nothing."""
        if self._wsman.transport.session is None:
            receive = Element(f"{{{NAMESPACES['rsp']}}}Receive")
            SubElement(receive, f"{{{NAMESPACES['rsp']}}}DesiredStream").text = "stdout"
            with suppress(WSManFaultError):
                self._request(WSManAction.RECEIVE, receive, None, SHORTEST_WAIT, SILENCE_SECONDS)

    def receive(self, pipeline: str, seconds: float) -> bytes:
        """Return what a pipeline brings within `seconds`, of which SHORTEST_WAIT are the least; else nothing."""
        receive = Element(f"{{{NAMESPACES['rsp']}}}Receive")
        SubElement(receive, f"{{{NAMESPACES['rsp']}}}DesiredStream", CommandId=pipeline).text = "stdout"
        options = OptionSet()
        options.add_option("WSMAN_CMDSHELL_OPTION_KEEPALIVE", "TRUE")
        try:
            response = self._request(WSManAction.RECEIVE, receive, options, seconds, SILENCE_SECONDS)
        except WSManFaultError as error:
            if error.code != OPERATION_TIMED_OUT:
                raise
            return b""
        return b"".join(b64decode(one.text or "") for one in response.iterfind(".//rsp:Stream", NAMESPACES))

    def stop(self, pipeline: str) -> bool:
        """Send the stop signal; return whether the host has answered. Only what the pipeline brings counts."""
        return self._signal(pipeline, SignalCode.PS_CTRL_C)

    def terminate(self, pipeline: str) -> None:
        """Let the host forget a finished pipeline."""
        self._signal(pipeline, SignalCode.TERMINATE)

    def _signal(self, pipeline: str, code: str) -> bool:
        signal = Element(f"{{{NAMESPACES['rsp']}}}Signal", CommandId=pipeline)
        SubElement(signal, f"{{{NAMESPACES['rsp']}}}Code").text = code
        try:
            self._request(WSManAction.SIGNAL, signal, None, SHORTEST_WAIT, SHORT_SILENCE)
        except WSManFaultError as error:
            return bool(error.code != OPERATION_TIMED_OUT)
        except Timeout:
            self.renew()
            return False
        return True

    def _request(
        self, action: str, resource: Element, options: OptionSet | None, seconds: float, silence: float
    ) -> Element:
        """Send a request that the host has some seconds to answer, once: pypsrp would repeat it for minutes."""
        self.drop_idle()
        wsman, shell = self._wsman, self._shell
        selectors = SelectorSet()
        selectors.add_option("ShellId", shell.id or "")
        before = wsman.operation_timeout, wsman.transport.read_timeout
        wsman.operation_timeout = round(seconds, 3)
        wsman.transport.read_timeout = seconds + silence
        try:
            answer: Element = wsman.invoke(action, shell.resource_uri, resource, options, selectors)
            return answer
        finally:
            wsman.operation_timeout, wsman.transport.read_timeout = before
            self._used_at = monotonic()

    def drop_idle(self) -> None:
        """Sign in anew for the next request if the host may have dropped the connection."""
        if self._wsman.transport.session is not None and monotonic() >= self._used_at + MOST_IDLE:
            self.renew()
            self._used_at = monotonic()

    def renew(self) -> None:
        """Sign in anew for the next request: an exchange that was cut off has spoilt the message encryption."""
        transport = self._wsman.transport
        self.close()
        transport.session = transport.encryption = None

    def close(self) -> None:
        """Let go of the connection; the shell stays."""
        self._wsman.transport.close()
