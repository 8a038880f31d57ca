# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of Azure Virtual Desktop as rows: what Azure Resource Manager says of one, in the words of Ansible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._sessions.errors import ServiceError
from .._sessions.session_host import SessionHost
from .._sessions.times import read_time
from .wvd_names import HostPool

FIELDS = {
    "allowNewSession": "allow_new_session",
    "sessions": "sessions",
    "status": "status",
    "statusTimestamp": "status_timestamp",
    "lastHeartBeat": "last_heartbeat",
    "agentVersion": "agent_version",
    "osVersion": "os_version",
    "sxSStackVersion": "sxs_stack_version",
    "updateState": "update_state",
    "lastUpdateTime": "last_update_time",
    "updateErrorMessage": "update_error_message",
    "assignedUser": "assigned_user",
    "friendlyName": "friendly_name",
    "objectId": "object_id",
    "virtualMachineId": "virtual_machine_id",
    "resourceId": "resource_id",
}
"""Properties of a host, and the fields of its row, in the order in which they are shown."""
TIMES = frozenset(("status_timestamp", "last_heartbeat", "last_update_time"))
NOT_TEXT = frozenset(("allow_new_session", "sessions"))
HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def read_host(place: str, pool: HostPool, row: Mapping[str, Any]) -> SessionHost:
    """Read a session host of a pool as ARM answers with it; `place` is as in a `SessionHost`.

    Raises ServiceError when the row does not say which host it is, or its state.
    """
    try:
        parts = str(row["id"]).split("/")
        said = row["properties"]
        allows = said["allowNewSession"]
    except (KeyError, TypeError) as error:
        raise ServiceError(f"Azure listed something else than a session host of {pool.name}: {row!r:.200}") from error
    if len(parts) != 11 or parts[9].lower() != "sessionhosts" or not parts[10] or not isinstance(allows, bool):
        raise ServiceError(f"Azure listed something else than a session host of {pool.name}: {row!r:.200}")
    own = {field: _value(field, said.get(name)) for name, field in FIELDS.items()}
    fields = {
        "service": "wvd",
        "host": parts[10],
        "subscription_id": parts[2],
        "resource_group_name": parts[4],
        "host_pool_name": parts[8],
        "name": parts[10],
        **own,
        "session_host_health_check_results": [
            {HUMP.sub("_", name).lower(): value for name, value in check.items()}
            for check in said.get("sessionHostHealthCheckResults") or ()
        ],
        "id": row["id"],
    }
    return SessionHost(place, parts[10], allows, fields)


def _value(field: str, value: Any) -> Any:
    if field in NOT_TEXT:
        return value
    text = "" if value is None else str(value)
    moment = read_time(text) if field in TIMES else None
    return f"{text}Z" if moment is not None and moment.tzinfo is None else text
