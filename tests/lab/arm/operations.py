# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operations of Microsoft.DesktopVirtualization do to the farm, and how they answer."""

from __future__ import annotations

import fnmatch
import json
import re
import typing

from ..credentials import TENANT, Credential
from ..farm import (
    Caller,
    Farm,
    Host,
    HostNotFoundError,
    Pool,
    PoolNotFoundError,
    Principal,
    Session,
    SessionNotFoundError,
)
from ..options import Options
from . import errors, paging, resource_graph, scaling_shapes
from .buckets import Buckets
from .routes import Target
from .shapes import Shapes, host_json, pool_json
from .wire import Answer, Call, json_answer

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
NOT_FOUND = "User session ID not found"  # recorded for POST
DOES_NOT_EXIST = "User session does not exist"  # recorded for GET


class Operations:
    """The provider. Every method takes a request that is admitted already and raises RefusedError to refuse it."""

    def __init__(self, farm: Farm, options: Options, buckets: Buckets) -> None:
        self._farm = farm
        self._options = options
        self._buckets = buckets
        self._shapes = Shapes(options)
        self._handlers: dict[str, typing.Callable[[Call, Target], Answer]] = {
            "disconnect": self._disconnect,
            "message": self._message,
            "logoff": self._logoff,
            "get": self._get,
            "list": self._list,
            "list_on_host": self._list_on_host,
            "host_list": self._host_list,
            "host_get": self._host_get,
            "drain": self._drain,
            "host_pool_get": self._host_pool_get,
            "scaling_plan_list": self._scaling_plan_list,
            "host_management_get": self._host_management_get,
            "host_update_get": self._host_update_get,
            "host_pool_list": self._host_pool_list,
            "permissions": self._permissions,
            "resource_graph": self._resource_graph,
            "subscriptions": self._subscriptions,
            "subscription": self._subscription,
        }

    def admit(self, call: Call, target: Target, credential: Credential) -> None:
        """Refuse what needs no look at the pool: subscription, api-version, right."""
        if target.operation.kind:
            errors.check_version(call.query, target.operation.kind, target.operation.versions)
        elif "api-version" not in call.query:
            errors.check_version(call.query, "subscriptions")
        if not target.subscription:
            return
        if not _GUID.fullmatch(target.subscription):
            raise errors.invalid_subscription(target.subscription)
        known = {subscription.id.lower() for subscription in self._farm.subscriptions}
        if target.subscription.lower() not in known:
            raise errors.subscription_not_found(target.subscription)
        if not self._may(credential, target.operation.action, target.subscription):
            scope = re.sub(r"/(disconnect|sendmessage)/?$", "", call.path, flags=re.IGNORECASE)
            raise errors.authorization_failed(
                credential.client_id, credential.object_id, target.operation.action, scope
            )

    def perform(self, call: Call, target: Target) -> Answer:
        """The operation itself, with its effect on the farm."""
        return self._handlers[target.operation.name](call, target)

    def pool_of(self, target: Target) -> Pool:
        """Resource groups and pools are named in any case."""
        self._check_group(target)
        place = {"subscription": target.subscription, "resource_group": target.group}
        try:
            return self._farm.pool("wvd", target.pool, **place)
        except PoolNotFoundError as error:
            raise errors.host_pool_not_found(target.pool, target.group) from error

    def _check_group(self, target: Target) -> None:
        known = {
            name.lower()
            for subscription in self._farm.subscriptions
            if subscription.id.lower() == target.subscription.lower()
            for name in subscription.resource_groups
        }
        if target.group.lower() not in known:
            raise errors.resource_group_not_found(target.group)

    def _may(self, credential: Credential, action: str, subscription: str) -> bool:
        principal = self._farm.principals[credential.name]
        here = not principal.subscriptions or subscription.lower() in map(str.lower, principal.subscriptions)
        return here and _allows(principal, action)

    # Sessions

    def _disconnect(self, call: Call, target: Target) -> Answer:
        pool, number = self._session_of(target, NOT_FOUND)
        try:
            self._farm.disconnect(pool, target.host, number, by=_caller(call))
        except SessionNotFoundError as error:
            raise errors.provider_error(404, NOT_FOUND) from error
        return Answer(200)

    def _message(self, call: Call, target: Target) -> Answer:
        pool, number = self._session_of(target, NOT_FOUND)
        content = _json_object(call)
        text = (str(content.get("messageTitle") or ""), str(content.get("messageBody") or ""))
        try:
            self._farm.message(pool, target.host, number, text, by=_caller(call))
        except SessionNotFoundError as error:
            raise errors.provider_error(404, NOT_FOUND) from error
        return Answer(200)

    def _logoff(self, call: Call, target: Target) -> Answer:
        """A missing session: 204 without force (recorded), 404 with it (reported by users)."""
        force = call.query.get("force", "").lower() == "true"
        pool = self.pool_of(target)
        try:
            if target.number is None:
                raise SessionNotFoundError(target.host, 0)
            self._farm.logoff(pool, target.host, target.number, by=_caller(call), force=force)
        except SessionNotFoundError as error:
            if force:
                raise errors.provider_error(404, NOT_FOUND) from error
            return Answer(204)
        return Answer(200)

    def _get(self, call: Call, target: Target) -> Answer:
        pool, number = self._session_of(target, DOES_NOT_EXIST)
        try:
            session = self._farm.session(pool, target.host, number)
        except SessionNotFoundError as error:
            raise errors.provider_error(404, DOES_NOT_EXIST) from error
        return Answer(200, self._shapes.session(pool, session, system_data=True).encode())

    def _list(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        sessions = self._farm.sessions(pool, lagged=True)
        if not self._options.ignore_filter:
            sessions = paging.select(call, sessions)
        page, link = paging.cut(call, sessions, _place, self._options)
        row = self._shapes.session
        return Answer(200, self._shapes.page([row(pool, session) for session in page], link))

    def _list_on_host(self, call: Call, target: Target) -> Answer:
        """A host in the wrong case: its sessions under the caller's casing, or nothing, by the option."""
        pool = self.pool_of(target)
        host = self._host(pool, target.host, any_case=True)
        if host.name != target.host and self._options.wrong_case_list == "empty":
            return Answer(200, self._shapes.page([], None))
        sessions = self._farm.sessions(pool, host.name, lagged=True)
        page, link = paging.cut(call, sessions, _place, self._options)
        rows = [self._shapes.session(pool, session, target.host, system_data=True) for session in page]
        return Answer(200, self._shapes.page(rows, link))

    def _session_of(self, target: Target, text: str) -> tuple[Pool, int]:
        pool = self.pool_of(target)
        if target.number is None:
            raise errors.provider_error(404, text)
        return pool, target.number

    # Hosts and pools

    def _host_list(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        headers = self._buckets.spend_host_list(pool.subscription.lower(), "/".join(pool.key))
        numbered = list(enumerate(self._farm.hosts(pool), start=1))
        page, link = paging.cut(call, numbered, lambda item: item[0], self._options)
        rows = [self._host_row(pool, host) for _number, host in page]
        return Answer(200, self._shapes.page(rows, link), headers)

    def _host_get(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        return Answer(200, self._host_row(pool, self._host(pool, target.host, any_case=True)).encode())

    def _drain(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        host = self._host(pool, target.host, any_case=True)
        properties = _json_object(call).get("properties") or {}
        allow = properties.get("allowNewSession") if isinstance(properties, dict) else None
        if isinstance(allow, bool):
            self._farm.drain(pool, host.name, allow, by=_caller(call))
        return Answer(200, self._host_row(pool, self._farm.host(pool, host.name)).encode())

    def _host_pool_get(self, call: Call, target: Target) -> Answer:
        return Answer(200, pool_json(self.pool_of(target)).encode())

    def _scaling_plan_list(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        numbered = list(enumerate(pool.scaling_plans, start=1))
        page, link = paging.cut(call, numbered, lambda item: item[0], self._options)
        rows = [json.dumps(scaling_shapes.plan_json(pool, plan)) for _number, plan in page]
        return Answer(200, self._shapes.page(rows, link))

    def _host_management_get(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        if pool.session_host_update is None:
            raise errors.provider_error(404, "SessionHostManagement does not exist")
        return json_answer(scaling_shapes.management_json(pool, pool.session_host_update))

    def _host_update_get(self, call: Call, target: Target) -> Answer:
        pool = self.pool_of(target)
        update = pool.session_host_update
        if update is None or not update.status:
            raise errors.provider_error(404, "SessionHostManagement update does not exist")
        return json_answer(scaling_shapes.update_status_json(pool, update, len(self._farm.hosts(pool))))

    def _host_pool_list(self, call: Call, target: Target) -> Answer:
        """Of a resource group when the path names one, else of the subscription."""
        if target.group:
            self._check_group(target)
        pools = [
            pool
            for pool in self._farm.pools("wvd")
            if pool.subscription.lower() == target.subscription.lower()
            and target.group.lower() in ("", pool.resource_group.lower())
        ]
        page, link = paging.cut(call, list(enumerate(pools, start=1)), lambda item: item[0], self._options)
        return Answer(200, self._shapes.page([pool_json(pool) for _number, pool in page], link))

    def _permissions(self, call: Call, target: Target) -> Answer:
        """What the caller's roles grant on the pool, in the form of the public specification."""
        self.pool_of(target)
        rights = list(self._farm.principals[call.principal].rights)
        granted = {"actions": rights, "notActions": [], "dataActions": [], "notDataActions": []}
        return json_answer({"value": [granted]})

    def _resource_graph(self, call: Call, target: Target) -> Answer:
        """Azure Resource Graph. What the caller may not read is left out of its answers, without a word."""
        headers = self._buckets.spend_query(call.principal)
        asked = _json_object(call)
        wanted = resource_graph.subscriptions(asked)
        principal = self._farm.principals[call.principal]
        hosts = []
        for pool in sorted(self._farm.pools("wvd"), key=lambda pool: pool.key):
            here = not principal.subscriptions or pool.subscription in principal.subscriptions
            may = here and _allows(principal, target.operation.action)
            if may and pool.subscription.lower() in wanted:
                hosts += [(pool, host) for host in sorted(self._farm.hosts(pool), key=lambda host: host.name.lower())]
        page = resource_graph.answer(asked, hosts, lambda one: self._host_row(*one), self._options.page_size)
        return Answer(200, page, headers)

    def _host_row(self, pool: Pool, host: Host) -> str:
        return host_json(pool, host, len(self._farm.sessions(pool, host.name)))

    def _host(self, pool: Pool, name: str, any_case: bool) -> Host:
        try:
            return self._farm.host(pool, name, any_case)
        except HostNotFoundError as error:
            raise errors.provider_error(404, "SessionHost does not exist") from error

    # Subscriptions

    def _subscriptions(self, call: Call, target: Target) -> Answer:
        principal = self._farm.principals[call.principal]
        visible = [
            _subscription_data(subscription.id, subscription.name)
            for subscription in self._farm.subscriptions
            if principal.rights and (not principal.subscriptions or subscription.id in principal.subscriptions)
        ]
        return json_answer({"value": visible, "count": {"type": "Total", "value": len(visible)}})

    def _subscription(self, call: Call, target: Target) -> Answer:
        for subscription in self._farm.subscriptions:
            if subscription.id.lower() == target.subscription.lower():
                return json_answer(_subscription_data(subscription.id, subscription.name))
        raise errors.subscription_not_found(target.subscription)


def _subscription_data(identifier: str, name: str) -> dict[str, typing.Any]:
    return {
        "id": f"/subscriptions/{identifier}",
        "authorizationSource": "RoleBased",
        "subscriptionId": identifier,
        "tenantId": TENANT,
        "displayName": name,
        "state": "Enabled",
        "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "spendingLimit": "Off"},
    }


def _allows(principal: Principal, action: str) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), right.lower()) for right in principal.rights)


def _place(session: Session) -> int:
    return session.place


def _caller(call: Call) -> Caller:
    return Caller(call.principal, call.request_id)


def _json_object(call: Call) -> dict[str, typing.Any]:
    if not call.body:
        return {}
    try:
        content = json.loads(call.body)
    except ValueError as error:
        raise errors.error(400, "InvalidRequestContent", "The request content was invalid: not JSON.") from error
    if not isinstance(content, dict):
        raise errors.error(400, "InvalidRequestContent", "The request content was invalid: not an object.")
    return content
