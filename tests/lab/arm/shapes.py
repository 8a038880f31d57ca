# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and sessions as ARM shows them, as JSON text that is made once for each state of a session."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from datetime import datetime

from ..farm import Host, Pool, Session, iso, utc_now
from ..options import Options

PROVIDER = "Microsoft.DesktopVirtualization"
_text: Callable[[str], str] = json.encoder.encode_basestring_ascii
_CACHED = 200_000


def pool_id(pool: Pool) -> str:
    """Fixed segments lower-cased as the service does since 2024, names as they are."""
    return (
        f"/subscriptions/{pool.subscription}/resourcegroups/{pool.resource_group}/providers/{PROVIDER}"
        f"/hostpools/{pool.name}"
    )


class Shapes:
    """Renders rows. Sessions never change, so a rendered row is good as long as the session is in the farm."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._rows: dict[Session, str] = {}
        self._form = options.create_time

    def session(self, pool: Pool, session: Session, host: str = "", system_data: bool = False) -> str:
        """`host`: the caller's casing where it is echoed. `system_data`: null in lists by pool."""
        if host in ("", session.host) and not system_data:
            return self._cached(pool, session)
        return self._render(pool, session, host or session.host, system_data)

    def page(self, rows: typing.Iterable[str], next_link: str | None) -> bytes:
        link = "null" if next_link is None else _text(next_link)
        return f'{{"value":[{",".join(rows)}],"nextLink":{link}}}'.encode()

    def _cached(self, pool: Pool, session: Session) -> str:
        if self._form != self._options.create_time or len(self._rows) > _CACHED:
            self._rows.clear()
            self._form = self._options.create_time
        row = self._rows.get(session)
        if row is None:
            row = self._rows[session] = self._render(pool, session, session.host, system_data=False)
        return row

    def _render(self, pool: Pool, session: Session, host: str, system_data: bool) -> str:
        name = f"{host}/{session.id}"
        created = self._create_time(session)
        system = "null"
        if system_data:
            who = '"createdBy":null,"createdByType":null,"lastModifiedBy":null,"lastModifiedByType":null'
            system = f'{{{who},"createdAt":{_text(created)},"lastModifiedAt":{_text(created)}}}'
        path = f"{pool_id(pool)}/sessionhosts/{host}/usersessions/{session.id}"
        user = _text(session.user) if session.user else "null"
        ad_user = _text(session.ad_user_name) if session.ad_user_name else "null"
        return (
            f'{{"systemData":{system},"id":{_text(path)},"name":{_text(f"{pool.name}/{name}")},'
            f'"type":"{PROVIDER}/hostpools/sessionhosts/usersessions",'
            f'"properties":{{"objectId":"{session.object_id}","userPrincipalName":{user},'
            f'"applicationType":{_text(session.application)},"sessionState":{_text(session.state)},'
            f'"activeDirectoryUserName":{ad_user},"createTime":{_text(created)}}}}}'
        )

    def _create_time(self, session: Session) -> str:
        form = self._options.create_time
        if form == "mixed":  # both were recorded from the service
            form = "long" if session.place % 4 == 0 else "short"
        moment = session.create_time
        if form == "short":
            return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 10_000:02d}Z"
        if form == "long":
            return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond * 10:07d}Z"
        return f"{moment:%Y-%m-%dT%H:%M:%S.%f}"


def host_json(pool: Pool, host: Host, sessions: int) -> str:
    """A session host; the API lists it under the pool as `pool/host`."""
    properties = {
        "objectId": host.object_id,
        "lastHeartBeat": _seven_digits(host.heart_beat(utc_now())),
        "sessions": sessions,
        "agentVersion": host.agent_version,
        "allowNewSession": host.allow_new_session,
        "virtualMachineId": host.virtual_machine_id,
        "resourceId": f"/subscriptions/{pool.subscription}/resourceGroups/{pool.resource_group}/providers"
        f"/Microsoft.Compute/virtualMachines/{host.short_name}",
        "assignedUser": host.assigned_user or None,
        "friendlyName": None,
        "status": host.status,
        "statusTimestamp": None,
        "osVersion": host.os_version,
        "sxSStackVersion": "rdp-sxs250708702",
        "updateState": "Succeeded",
        "lastUpdateTime": None,
        "updateErrorMessage": None,
        "sessionHostHealthCheckResults": [
            {
                "healthCheckName": name,
                "healthCheckResult": "HealthCheckSucceeded",
                "additionalFailureDetails": None,
            }
            for name in ("DomainJoinedCheck", "DomainTrustCheck", "SxSStackListenerCheck")
        ],
    }
    return json.dumps(
        {
            "systemData": None,
            "id": f"{pool_id(pool)}/sessionhosts/{host.name}",
            "name": f"{pool.name}/{host.name}",
            "type": f"{PROVIDER}/hostpools/sessionhosts",
            "properties": properties,
        },
        separators=(",", ":"),
    )


def pool_json(pool: Pool) -> str:
    properties: dict[str, typing.Any] = {
        "objectId": None,
        "friendlyName": pool.name,
        "description": "A host pool of the lab",
        "hostPoolType": "Personal" if pool.personal else "Pooled",
        "loadBalancerType": "BreadthFirst",
        "maxSessionLimit": 999999,
        "preferredAppGroupType": "Desktop",
        "startVMOnConnect": False,
        "validationEnvironment": False,
        "applicationGroupReferences": [],
    }
    return json.dumps(
        {
            "id": pool_id(pool),
            "name": pool.name,
            "type": f"{PROVIDER}/hostpools",
            "location": pool.location,
            "tags": {},
            "properties": properties,
        },
        separators=(",", ":"),
    )


def _seven_digits(moment: datetime) -> str:
    return (iso(moment) or "").replace("Z", "0Z")
