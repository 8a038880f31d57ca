# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP side: one thread a connection, which is also one security context."""

from __future__ import annotations

import contextlib
import http.server
import select
import socket
import socketserver
import ssl
import struct
import typing
import urllib.parse

from . import encryption, envelope
from .authentication import Accounts, Authenticator, RefusedError
from .envelope import FaultError
from .machine import Machine
from .service import Client, Level, Service
from .shells import ConnectionCutError

SOAP = "application/soap+xml;charset=UTF-8"
_CUT = struct.pack("ii", 1, 0)  # linger for no time: the close is a reset


class Host(typing.Protocol):
    """What a connection asks its door."""

    service: Service
    accounts: Accounts

    def machine(self, path: str) -> Machine | None:
        """The Windows host that an URL path means."""
        ...

    def level(self, account: str) -> Level:
        """What the Windows hosts let an account do, by the name of its principal."""
        ...


class Listener(socketserver.ThreadingTCPServer):
    """One port."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: Host, tls: ssl.SSLContext | None, allow_unencrypted: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.host = host
        self.tls = tls
        self.allow_unencrypted = allow_unencrypted

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: typing.Any, client_address: typing.Any) -> None:
        """Clients come and go."""


class _Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def setup(self) -> None:
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()
        plain_is_fine = self.server.tls is not None or self.server.allow_unencrypted
        self.authenticator = Authenticator(self.server.host.accounts, basic=plain_is_fine)
        self.plain_is_fine = plain_is_fine

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        machine = self.server.host.machine(urllib.parse.unquote(urllib.parse.urlsplit(self.path).path))
        if machine is None:
            self._send(404, b"", ())
            return
        if not machine.reachable or machine.faults.take("unreachable", host=machine.name):
            self._cut()
            return
        try:
            reply = self.authenticator.authenticate(self.headers.get("Authorization"))
        except RefusedError as error:
            self._send(401, b"", [("WWW-Authenticate", challenge) for challenge in error.challenges])
            return
        extra = [("WWW-Authenticate", reply)] if reply else []
        if not body:
            self._send(200, b"", extra)
            return
        try:
            status, content_type, answer = self._answer(machine, body)
        except ConnectionCutError:
            self._cut()
        except encryption.EncryptionError:
            self._send(400, b"", ())
        else:
            self._send(status, answer, [("Content-Type", content_type), *extra])

    def _answer(self, machine: Machine, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body. Raises ConnectionCutError and EncryptionError."""
        context = self.authenticator.context
        encrypted = encryption.is_encrypted(self.headers.get("Content-Type", ""))
        if encrypted:
            if context is None:
                raise encryption.EncryptionError("no security context")
            body = encryption.decrypt(context, body)
        elif not self.plain_is_fine:
            raise encryption.EncryptionError("unencrypted traffic is not allowed")
        status, answer = self._soap(machine, body)
        if encrypted and context is not None:
            return status, *encryption.encrypt(context, self.authenticator.scheme, answer)
        return status, SOAP, answer

    def _soap(self, machine: Machine, body: bytes) -> tuple[int, bytes]:
        message_id = ""
        try:
            request = envelope.parse(body)
            message_id = request.message_id
            return 200, self.server.host.service.handle(request, machine, self._client())
        except FaultError as error:
            return 500, envelope.fault(error, message_id, machine.name)

    def _client(self) -> Client:
        credential = self.authenticator.user
        assert credential is not None
        return Client(credential.ad_user, self.server.host.level(credential.name), self._there)

    def _there(self) -> bool:
        """Whether the client waits for its answer: then it sends nothing, not even the end of its connection."""
        try:
            readable, _writable, _failed = select.select([self.connection], [], [], 0)
        except (OSError, ValueError):
            return False
        return not readable

    def _send(self, status: int, body: bytes, headers: typing.Iterable[tuple[str, str]]) -> None:
        lines = [f"HTTP/1.1 {status} {self.responses[status][0]}", "Server: Microsoft-HTTPAPI/2.0"]
        lines += [f"{name}: {value}" for name, value in headers]
        lines += [f"Content-Length: {len(body)}", "", ""]
        self.wfile.write("\r\n".join(lines).encode() + body)

    def _cut(self) -> None:
        """End the connection with a reset."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT)
            self.connection.shutdown(socket.SHUT_RD)

    def log_message(self, format: str, *args: typing.Any) -> None:
        """Nothing: the lab has its own account of what happens."""
