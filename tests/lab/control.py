# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control door: how a test sees and changes the lab. Plain http on the loopback, a secret in the path.

GET     audit, requests, sessions, hosts, schedule, faults, options, principals
POST    schedule, faults, options, farm, token, stop, and the changes in changes.py    (JSON object as body)
DELETE  requests, faults
"""

from __future__ import annotations

import functools
import inspect
import json
import secrets
import typing

from aiohttp import web

from . import changes
from .definition import DefinitionError
from .farm import Farm, NotInFarmError
from .faults import FaultError
from .options import OptionError

if typing.TYPE_CHECKING:
    from .running import RunningLab

Body = dict[str, typing.Any]
_BIGGEST = 64 * 1024 * 1024  # bytes of a farm definition


class Control:
    """`base` is the URL that the calls are under."""

    def __init__(self, lab: RunningLab) -> None:
        self._lab = lab
        self._secret = secrets.token_urlsafe(24)
        self._runner: web.AppRunner | None = None
        self._port = 0
        self._calls: dict[tuple[str, str], typing.Callable[[Body], typing.Any]] = {
            ("GET", "audit"): lambda _body: lab.farm.audit(),
            ("GET", "requests"): lambda _body: lab.arm.traffic.report(),
            ("DELETE", "requests"): lambda _body: lab.arm.traffic.clear(),
            ("GET", "sessions"): lambda _body: _sessions(lab.farm),
            ("GET", "hosts"): lambda _body: _hosts(lab.farm),
            **{("POST", what): functools.partial(changes.make, lab.farm, what) for what in changes.CHANGES},
            ("GET", "schedule"): lambda _body: changes.to_come(lab.farm),
            ("POST", "schedule"): self._schedule,
            ("GET", "faults"): lambda _body: lab.faults.rules(),
            ("POST", "faults"): lab.faults.add,
            ("DELETE", "faults"): lambda _body: lab.faults.clear(),
            ("GET", "options"): lambda _body: lab.options.as_dict(),
            ("POST", "options"): self._options,
            ("POST", "farm"): lambda body: lab.reset(body.get("farm")),
            ("GET", "principals"): lambda _body: lab.principals(),
            ("POST", "token"): self._token,
            ("POST", "stop"): lambda _body: lab.stopped.set(),
        }

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self._port}/{self._secret}"

    def add_calls(self, calls: typing.Mapping[tuple[str, str], typing.Callable[[Body], typing.Any]]) -> None:
        """Calls of another door: (method, name) -> what takes the body and answers with data."""
        self._calls.update(calls)

    async def start(self) -> None:
        application = web.Application(client_max_size=_BIGGEST)
        application.router.add_route("*", "/{secret}/{call:.+}", self._serve)
        # A call may wait for long; it must end when nobody waits for its answer any more.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        if not secrets.compare_digest(request.match_info["secret"].encode(), self._secret.encode()):
            return web.json_response({"error": "the secret is wrong"}, status=403)
        call = self._calls.get((request.method, request.match_info["call"]))
        if call is None:
            known = ", ".join(" ".join(key) for key in self._calls)
            return web.json_response({"error": f"there is no such call; there are {known}"}, status=404)
        try:
            body = await request.json() if request.body_exists else {}
            if not isinstance(body, dict):
                raise TypeError("the body must be an object")
            result = call(body)
            if inspect.isawaitable(result):
                result = await result
        except NotInFarmError as error:
            return web.json_response({"error": str(error)}, status=404)
        except (DefinitionError, FaultError, OptionError, ValueError, TypeError, KeyError, AttributeError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"result": result}, dumps=_dumps)

    def _schedule(self, body: Body) -> list[Body]:
        """More of it; `steps` as changes.py describes them. Answers with all that is to come."""
        changes.schedule(self._lab.farm, body["steps"])
        return changes.to_come(self._lab.farm)

    def _options(self, body: Body) -> Body:
        self._lab.change_options(body)
        return self._lab.options.as_dict()

    def _token(self, body: Body) -> Body:
        """An access token without a sign-in: `principal`, and `audience` (default: the public cloud's)."""
        audience = body.get("audience", "https://management.azure.com/")
        token = self._lab.arm.desk.tokens.give(body["principal"], audience)
        return {"access_token": token.text, "expires_on": token.expires}


def _sessions(farm: Farm) -> list[Body]:
    return [changes.session_row(pool, session) for pool in farm.pools() for session in farm.sessions(pool)]


def _hosts(farm: Farm) -> list[Body]:
    return [changes.host_row(pool, host) for pool in farm.pools() for host in farm.hosts(pool)]


def _dumps(content: typing.Any) -> str:
    return json.dumps(content, separators=(",", ":"))
