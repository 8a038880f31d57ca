# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy for CONNECT that leads Azure's names to the lab, and nowhere else.

With HTTPS_PROXY set to it, a client that believes to talk to a public or sovereign cloud talks to the lab.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from .clouds import HOST_NAMES

_HEAD_BYTES = 65536
_PIECE = 65536


class ConnectProxy:
    """`port` is that of the ARM door."""

    def __init__(self, port: int) -> None:
        self._door_port = port
        self._server: asyncio.Server | None = None
        self._tunnels: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen on a port of the loopback; which one is returned."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_HEAD_BYTES)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for tunnel in list(self._tunnels):
            tunnel.cancel()
        await asyncio.gather(*self._tunnels, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tunnels.add(task)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self._tunnels.discard(task)
            writer.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, _space, rest = head.partition("\r\n")[0].partition(" ")
        target = rest.partition(" ")[0]
        host, _colon, port = target.rpartition(":")
        if method != "CONNECT" or host.lower() not in HOST_NAMES or port != "443":
            body = f"The lab's proxy leads to Azure's names only, not to {target!r}.\n".encode()
            writer.write(
                b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
            return
        door_reader, door_writer = await asyncio.open_connection("127.0.0.1", self._door_port)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(reader, door_writer), _pipe(door_reader, writer))
        finally:
            door_writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end. A cut connection is passed on as one."""
    try:
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        cut(writer.transport)
        return
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def cut(transport: asyncio.BaseTransport | None) -> None:
    """Close a TCP connection so that the other side sees a reset."""
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
