# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each request to the ARM door is, who may do it, and what it does: sign-in, metadata and operations together."""

from __future__ import annotations

import dataclasses
import typing

from ..certificates import Certificates
from ..credentials import Credentials
from ..farm import Caller, Farm, NotInFarmError, Pool
from ..faults import Fault
from ..options import Options
from . import clouds, entra, errors, routes
from .buckets import Buckets
from .errors import RefusedError
from .managed_identity import ManagedIdentity
from .operations import Operations
from .tokens import Tokens
from .wire import Answer, Call, html_answer, json_answer

METADATA = "/metadata/endpoints"
NONSENSE = "/nonsense"


@dataclasses.dataclass(frozen=True)
class Step:
    """One request, understood. `admit` refuses or answers with headers; `perform` has the effect and answers."""

    name: str
    perform: typing.Callable[[], Answer]
    admit: typing.Callable[[], dict[str, str]] = dict
    target: routes.Target | None = None


class Desk:
    """Where requests of the ARM door are understood. No I/O here."""

    def __init__(self, farm: Farm, options: Options, credentials: Credentials, certificates: Certificates) -> None:
        self._farm = farm
        self._options = options
        self.tokens = Tokens(options, credentials)
        self.buckets = Buckets(options)
        self.managed_identity = ManagedIdentity(options, credentials, self.tokens)
        self._entra = entra.Entra(options, credentials, certificates, self.tokens)
        self._operations = Operations(farm, options, self.buckets)

    def step(self, call: Call) -> Step:
        """What a request to the TLS door is."""
        target = routes.find(call.method, call.path)
        if target is not None:
            return Step(
                target.operation.name,
                lambda: self._operations.perform(call, target),
                lambda: self._admit(call, target),
                target,
            )
        return self._sign_in(call) or Step("unknown", lambda: _nowhere(call))

    def identity_step(self, call: Call) -> Step:
        """What a request to the managed identity's port is."""
        return Step("managed_identity", lambda: self.managed_identity.answer(call))

    def then(self, fault: Fault, step: Step, call: Call) -> None:
        """Do to the farm what the rule wants done at this point; who or what is not there any more is left alone."""
        if not fault.then:
            return
        target = step.target or routes.Target(routes.OPERATIONS[0])
        host = fault.host or target.host
        session_id = fault.id if fault.id is not None else target.number
        pool = self._pool(fault, target)
        by = Caller("fault", call.request_id)
        with self._farm.lock:
            if "add_session" in fault.then:
                self._farm.add_session(pool, host, fault.then["add_session"])
            if "allow_new_session" in fault.then:
                name = self._farm.host(pool, host, any_case=True).name
                self._farm.drain(pool, name, fault.then["allow_new_session"], by)
            if session_id is None:
                return
            if "give_id_to" in fault.then:
                self._farm.give_id_to(pool, host, session_id, fault.then["give_id_to"], by)
            present = any(session.id == session_id for session in self._farm.sessions(pool, host))
            if present and fault.then.get("disconnect"):
                self._farm.disconnect(pool, host, session_id, by)
            if present and fault.then.get("logoff"):
                self._farm.logoff(pool, host, session_id, by)
            elif present and fault.then.get("remove"):
                self._farm.remove(pool, host, session_id)

    def later(self, seconds: float, step: Step, call: Call) -> None:
        """Have the request's effect then, when nobody is there any more to take the answer."""
        target = step.target
        if target is None:
            return

        def perform() -> None:
            try:
                step.perform()
            except RefusedError as refused:
                raise NotInFarmError(refused.answer.body.decode()) from refused

        by = Caller(call.principal, call.request_id)
        self._farm.later(seconds, self._operations.pool_of(target), target.host, step.name, perform, by)

    def _pool(self, fault: Fault, target: routes.Target) -> Pool:
        if target.pool:
            return self._operations.pool_of(target)
        return self._farm.pool("wvd", fault.pool or "")

    def _admit(self, call: Call, target: routes.Target) -> dict[str, str]:
        credential = self.tokens.check(call)
        call.principal = credential.name
        self._operations.admit(call, target, credential)
        if not target.subscription:
            return {}
        return self.buckets.spend(call.method, target.subscription.lower(), credential.name)

    def _sign_in(self, call: Call) -> Step | None:
        path = call.path
        if call.method == "GET" and path.rstrip("/").lower() == METADATA:
            return Step("metadata", lambda: self._metadata(call))
        if path.lower().startswith(NONSENSE):
            return Step("nonsense", lambda: _nonsense(call))
        if call.method == "GET" and (match := entra.DISCOVERY.fullmatch(path)):
            tenant = match["tenant"]
            return Step("openid", lambda: self._entra.openid(call, tenant))
        if call.method == "POST" and (match := entra.TOKEN.fullmatch(path)):
            tenant = match["tenant"]
            return Step("token", lambda: self._entra.token(call, tenant))
        if call.method == "GET" and (match := entra.REALM.fullmatch(path)):
            user = match["user"]
            return Step("userrealm", lambda: self._entra.realm(call, user))
        if call.method == "GET" and entra.INSTANCE.fullmatch(path):
            return Step("instance_discovery", lambda: self._entra.instance(call))
        return None

    def _metadata(self, call: Call) -> Answer:
        version = call.query.get("api-version", "")
        if not version:
            errors.check_version({}, "metadata")
        document = clouds.document(clouds.cloud_of(call.host_name, self._options.audiences), version)
        if document is None:
            raise errors.error(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
        return json_answer(document)


def _nonsense(call: Call) -> Answer:
    """Servers that are no cloud: one says JSON of its own, the others have a web page."""
    if call.path.lower().startswith(f"{NONSENSE}/json"):
        return json_answer({"status": "ok", "version": 3, "endpoints": ["one", "two"]})
    return html_answer("Welcome to a server that is no cloud.")


def _nowhere(call: Call) -> Answer:
    raise errors.error(404, "NotFound", f"There is no {call.method} {call.path} in the lab.")
