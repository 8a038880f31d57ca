# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ARM door's servers: TLS for Resource Manager and Entra, plain http for managed identity, and the proxy."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
import typing
import urllib.parse

from aiohttp import web

from ..certificates import Certificates
from ..credentials import Credentials
from ..farm import Farm, NotInFarmError
from ..faults import Fault, Faults, When
from ..options import Options
from ..traffic import Entry, Traffic
from .desk import Desk, Step
from .errors import RefusedError
from .managed_identity import APP_SERVICE
from .proxy import ConnectProxy, cut
from .wire import Answer, Call, json_answer

LONGEST_HANG = 600.0  # seconds
_KEEP_ALIVE = 600.0
_USUAL = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


class ArmDoor:
    """Start it, tell its addresses, stop it."""

    def __init__(
        self, farm: Farm, options: Options, credentials: Credentials, certificates: Certificates, faults: Faults
    ) -> None:
        self.desk = Desk(farm, options, credentials, certificates)
        self.traffic = Traffic()
        self._options = options
        self._faults = faults
        self._certificates = certificates
        self._runners: list[web.ServerRunner] = []
        self._proxy: ConnectProxy | None = None
        self.port = self.identity_port = self.proxy_port = 0

    async def start(self) -> None:
        """Listen on loopback ports that the system chooses."""
        self._certificates.server.sni_callback = self._choose_certificate
        self.port = await self._listen(self.desk.step, self._certificates.server)
        self.identity_port = await self._listen(self.desk.identity_step, None)
        self.desk.managed_identity.own_audiences = (self.base,)
        self._proxy = ConnectProxy(self.port)
        self.proxy_port = await self._proxy.start()

    async def stop(self) -> None:
        if self._proxy is not None:
            await self._proxy.stop()
        for runner in self._runners:
            await runner.cleanup()

    @property
    def base(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.proxy_port}"

    @property
    def identity_endpoint(self) -> str:
        return f"http://127.0.0.1:{self.identity_port}{APP_SERVICE}"

    async def _listen(self, understand: typing.Callable[[Call], Step], context: ssl.SSLContext | None) -> int:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            return await self._serve(request, understand)

        server = _CountingServer(handle, access_log=None, keepalive_timeout=_KEEP_ALIVE)
        server.traffic = self.traffic
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=512).start()
        return int(runner.addresses[0][1])

    def _choose_certificate(self, connection: ssl.SSLObject, _name: str | None, _first: ssl.SSLContext) -> None:
        """Called on each handshake, with or without a server name in it."""
        connection.context = self._certificates.contexts[self._options.certificate]

    async def _serve(self, request: web.BaseRequest, understand: typing.Callable[[Call], Step]) -> web.StreamResponse:
        call = await _read(request)
        step = understand(call)
        with self.traffic.request(_entry(request, call, step)) as entry:
            if self._options.latency_ms:
                await asyncio.sleep(self._options.latency_ms / 1000)
            answer = await self._answer(request, call, step)
            entry["principal"] = call.principal
            if isinstance(answer, Answer):
                entry["status"] = answer.status
                return _response(call, answer)
            entry["status"] = answer
            return await _silent(request)

    async def _answer(self, request: web.BaseRequest, call: Call, step: Step) -> Answer | str:
        """The answer, or in a word what was done to the connection instead."""
        try:
            headers = step.admit()
        except RefusedError as refused:
            return refused.answer
        instead = await self._suffer("before", request, call, step, None)
        if instead is not None:
            return instead
        try:
            answer = step.perform()
        except RefusedError as refused:
            answer = refused.answer
        answer.headers = {**headers, **answer.headers}
        return await self._suffer("after", request, call, step, answer) or answer

    async def _suffer(
        self, when: When, request: web.BaseRequest, call: Call, step: Step, answer: Answer | None
    ) -> Answer | str | None:
        """Let a fault rule act; None: go on as if nothing had been."""
        target = step.target
        names = ("", "", None) if target is None else (target.pool, target.host, target.number)
        fault = self._faults.take(when, step.name, *names)
        if fault is None:
            return None
        try:
            self.desk.then(fault, step, call)
            if fault.effect_after is not None:
                self.desk.later(fault.effect_after, step, call)
        except (RefusedError, NotInFarmError) as error:
            return json_answer({"error": {"code": "Lab", "message": f"the fault's then failed: {error!r}"}}, 500)
        if fault.kind == "status":
            return _fault_answer(fault, answer)
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "reset":
            cut(request.transport)
            return "reset"
        elif fault.kind == "hang":
            await _until_gone(request)
            return "hang"
        elif fault.kind == "truncate":
            await _send_half(request, call, answer or Answer(200, b'{"value":[]}'))
            return "truncate"
        return None


class _CountingServer(web.Server):
    """Counts connections whose handshake went well."""

    traffic: Traffic

    def connection_made(self, handler: typing.Any, transport: asyncio.Transport) -> None:
        self.traffic.connected()
        super().connection_made(handler, transport)

    def connection_lost(self, handler: typing.Any, exc: BaseException | None = None) -> None:
        if handler in self.connections:
            self.traffic.disconnected()
        super().connection_lost(handler, exc)


async def _read(request: web.BaseRequest) -> Call:
    path, _mark, query = request.raw_path.partition("?")
    return Call(
        request.method,
        path,
        request.headers.get("Host", ""),
        {name.lower(): value for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True)},
        {name.lower(): value for name, value in request.headers.items()},
        await request.read() if request.body_exists else b"",
    )


def _entry(request: web.BaseRequest, call: Call, step: Step) -> Entry:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    return Entry(
        time=time.time(),
        seconds=None,
        operation=step.name,
        method=call.method,
        host_name=call.host_name,
        path=call.path,
        query=request.raw_path.partition("?")[2],
        status=None,
        principal="",
        user_agent=call.headers.get("user-agent", ""),
        client_request_id=call.headers.get("x-ms-client-request-id", ""),
        request_id=call.request_id,
        connection=peer[1] if peer else 0,
        in_flight=0,
    )


def _headers(call: Call, answer: Answer) -> dict[str, str]:
    headers = {
        **_USUAL,
        "x-ms-request-id": call.request_id,
        "x-ms-correlation-request-id": call.headers.get("x-ms-correlation-request-id", call.request_id),
        "x-ms-routing-request-id": f"WESTEUROPE:{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}:{call.request_id}",
        **answer.headers,
    }
    if answer.body:
        headers["Content-Type"] = answer.content_type
    return headers


def _response(call: Call, answer: Answer) -> web.Response:
    response = web.Response(status=answer.status, body=answer.body, headers=_headers(call, answer))
    if not answer.body:
        response.headers.popall("Content-Type", None)
    return response


def _fault_answer(fault: Fault, answer: Answer | None) -> Answer:
    headers = dict(answer.headers) if answer else {}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(fault.retry_after))
    if isinstance(fault.body, str):
        return Answer(fault.status, fault.body.encode(), headers)
    if fault.body is not None:
        return json_answer(fault.body, fault.status, headers)
    error = {
        "code": fault.code or str(fault.status),
        "message": fault.message or "A fault that the lab was told to show.",
    }
    return json_answer({"error": error}, fault.status, headers)


async def _until_gone(request: web.BaseRequest) -> None:
    """Until the client has closed its side, at most LONGEST_HANG."""
    end = time.monotonic() + LONGEST_HANG
    while time.monotonic() < end and request.transport is not None and not request.transport.is_closing():
        await asyncio.sleep(0.02)


async def _send_half(request: web.BaseRequest, call: Call, answer: Answer) -> None:
    """Promise a whole body (64 bytes more for an empty one), send half of it, and close."""
    promised = len(answer.body) or 64
    response = web.StreamResponse(status=answer.status, headers=_headers(call, answer))
    response.content_length = promised
    await response.prepare(request)
    if answer.body:
        await response.write(answer.body[: promised // 2])
    if request.transport is not None:
        request.transport.close()


async def _silent(request: web.BaseRequest) -> web.StreamResponse:
    """For a connection that is done: what the server wants as a result and cannot send any more."""
    if request.transport is not None:
        request.transport.close()
    return web.Response(status=500)
