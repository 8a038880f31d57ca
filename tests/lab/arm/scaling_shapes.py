# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoscale and the session host update as ARM shows them.

The shapes are those of the public specification (Azure/azure-rest-api-specs, desktopvirtualization): the examples
ScalingPlan_ListByHostPool (stable) and SessionHostManagements_Get (2024-11-01-preview, 2025-11-01-preview). The update
status has no example there that could be read: its fields are those that Microsoft's .NET reference and HashiCorp's Go
SDK generate from the specification. What a pool without it answers is a guess.
"""

from __future__ import annotations

import typing
import uuid
from datetime import datetime, timezone

from ..azure_resources import ScalingPlan, SessionHostUpdate
from ..farm import Pool, iso
from .shapes import PROVIDER, pool_id

PREVIEWS = ("2024-11-01-preview", "2025-11-01-preview")
"""The session host update is in no stable version."""
Json = dict[str, typing.Any]
_SINCE = iso(datetime(2026, 1, 1, tzinfo=timezone.utc))
_SYSTEM: Json = {
    "createdBy": "operator@contoso.com",
    "createdByType": "User",
    "createdAt": _SINCE,
    "lastModifiedBy": "operator@contoso.com",
    "lastModifiedByType": "User",
    "lastModifiedAt": _SINCE,
}


def plan_json(pool: Pool, plan: ScalingPlan) -> Json:
    """The plan is a resource beside the pool; one of several pools' is shown with this one only."""
    group = f"/subscriptions/{pool.subscription}/resourcegroups/{pool.resource_group}"
    path = f"{group}/providers/{PROVIDER}/scalingplans/{plan.name}"
    return {
        "name": plan.name,
        "id": path,
        "type": f"{PROVIDER}/scalingplans",
        "location": pool.location,
        "tags": {},
        "systemData": _SYSTEM,
        "properties": {
            "objectId": _id(path),
            "description": "",
            "friendlyName": plan.name,
            "timeZone": plan.time_zone,
            "hostPoolType": "Pooled",
            "exclusionTag": plan.exclusion_tag,
            "schedules": list(plan.schedules),
            "hostPoolReferences": [{"hostPoolArmPath": pool_id(pool), "scalingPlanEnabled": plan.enabled}],
        },
    }


def management_json(pool: Pool, update: SessionHostUpdate) -> Json:
    return {
        "name": "default",
        "id": f"{pool_id(pool)}/sessionhostmanagements/default",
        "type": f"{PROVIDER}/hostpools/sessionhostmanagements",
        "systemData": _SYSTEM,
        "properties": {
            "scheduledDateTimeZone": update.time_zone,
            "update": {
                "deleteOriginalVm": update.delete_original_vm,
                "maxVmsRemoved": update.max_vms_removed,
                "logOffDelayMinutes": update.log_off_delay_minutes,
                "logOffMessage": update.log_off_message,
            },
        },
    }


def update_status_json(pool: Pool, update: SessionHostUpdate, hosts: int) -> Json:
    """An operation's status: no resource with a type, and the status is outside of its properties."""
    path = f"{pool_id(pool)}/sessionhostmanagements/default/sessionhostupdatestatuses/default"
    completed = int(hosts * update.percent_complete / 100)
    under_way = update.status == "UpdatingSessionHosts"
    return {
        "id": path,
        "name": "default",
        "status": update.status,
        "startTime": _SINCE,
        "endTime": _SINCE if update.status in ("Succeeded", "Failed", "Canceled") else None,
        "percentComplete": update.percent_complete,
        "error": None,
        "properties": {
            "correlationId": _id(path),
            "progress": {
                "executionStartTime": _SINCE,
                "totalSessionHosts": hosts,
                "sessionHostsInProgress": min(update.max_vms_removed, hosts - completed) if under_way else 0,
                "sessionHostsCompleted": completed,
                "sessionHostsRollbackFailed": 0,
            },
            "scheduledDateTime": _SINCE,
            "sessionHostManagement": management_json(pool, update),
        },
    }


def _id(path: str) -> str:
    """The same each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, path))
