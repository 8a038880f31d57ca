# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a maintenance window on a host pool, known before anything is closed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from .._sessions.errors import ServiceError
from .._sessions.session import fold
from .._sessions.verbs import DISCONNECT, LOG_OFF, MESSAGE, Verb
from .obstacles import Obstacles
from .wvd_names import HostPool

AUTOSCALE, UPDATE, PERSONAL = TOLERABLE = ("autoscale", "session_host_update", "personal_host_pool")
"""What somebody may know better about."""
VERSION = "2024-04-03"
PREVIEW = "2024-11-01-preview"
"""The session host update is in no stable version."""
PERMISSIONS_VERSION = "2022-04-01"
OVER = frozenset(("succeeded", "failed", "canceled"))
"""Statuses of an update that is over. Azure may add others, which count as under way."""
PERSONAL_TYPES = frozenset(("personal", "byodesktop"))
"""Types of host pools where each host belongs to a user."""
RIGHT = "Microsoft.DesktopVirtualization/hostpools/sessionhosts"
ALWAYS = (f"{RIGHT}/read", f"{RIGHT}/write", f"{RIGHT}/usersessions/read")
RIGHTS: Mapping[Verb, str] = {
    MESSAGE: f"{RIGHT}/usersessions/sendMessage/action",
    LOG_OFF: f"{RIGHT}/usersessions/delete",
    DISCONNECT: f"{RIGHT}/usersessions/disconnect/action",
}


class Reader(Protocol):
    """Azure Resource Manager."""

    def read(self, path: str, version: str, what: str) -> Mapping[str, Any] | None:
        """Read what is at a path, `None` where there is nothing. Raises ServiceError."""

    def read_all(self, path: str, version: str, what: str) -> Sequence[Mapping[str, Any]]:
        """Read a list to its end. Raises ServiceError, also where there is no such list."""


def find_obstacles(
    reader: Reader, pools: Sequence[HostPool], verbs: Collection[Verb], tolerated: Collection[str]
) -> Obstacles:
    """Ask what stands against closing hosts of these pools and doing `verbs` to their sessions.

    What is tolerated is not asked. What Azure never tells is unknown; what it does not tell just now may stand against
    it: raises ServiceError, since nothing has been closed and it can be asked again.
    """
    found = Obstacles()
    asked = {PERSONAL: _personal, AUTOSCALE: _autoscale, UPDATE: _update}
    for pool in pools:
        for kind, ask in asked.items():
            if kind in tolerated:
                continue
            try:
                sentence = ask(reader, pool)
            except ServiceError as error:
                if not error.lasting:
                    raise
                found.unknown.append(f"{error} So it is not known whether anything stands against a window there.")
            else:
                if sentence:
                    found.against.append(f"{sentence} Or set tolerate to {kind}.")
        try:
            lacking = _lacking(reader, pool, verbs)
        except ServiceError as error:
            if not error.lasting:
                raise
            found.unknown.append(f"{error} So it is not known whether the account has all rights there.")
        else:
            if lacking:
                found.against.append(
                    f"The account has no right to {', '.join(lacking)} on the host pool {pool.name}: it needs the "
                    "roles Desktop Virtualization Session Host Operator and Desktop Virtualization User Session "
                    "Operator."
                )
    return found


def _path(pool: HostPool) -> str:
    subscription, group, name = (quote(part, safe="") for part in (pool.subscription, pool.resource_group, pool.name))
    provider = "providers/Microsoft.DesktopVirtualization"
    return f"/subscriptions/{subscription}/resourceGroups/{group}/{provider}/hostPools/{name}"


def _personal(reader: Reader, pool: HostPool) -> str:
    row = reader.read(_path(pool), VERSION, f"the host pool {pool.name}")
    properties = row.get("properties") if row is not None else None
    if not isinstance(properties, Mapping) or not properties.get("hostPoolType"):
        raise ServiceError(f"Azure does not tell whether the host pool {pool.name} is personal.")
    if fold(str(properties["hostPoolType"])) not in PERSONAL_TYPES:
        return ""
    return (
        f"The host pool {pool.name} is personal: its hosts belong to their users, who come back to them whether they "
        "are closed or not. Tell these users instead."
    )


def _autoscale(reader: Reader, pool: HostPool) -> str:
    rows = reader.read_all(f"{_path(pool)}/scalingPlans", VERSION, f"the scaling plans of the host pool {pool.name}")
    plans = [str(plan.get("name")) for plan in rows if _is_enabled(plan, pool)]
    if not plans:
        return ""
    return (
        f"Autoscale works on the host pool {pool.name} and opens and closes hosts by itself: disable the scaling plan "
        f"{', '.join(plans)} for this host pool until the window is over."
    )


def _is_enabled(plan: Mapping[str, Any], pool: HostPool) -> bool:
    """Tell whether a plan works on the pool. One of which Azure does not show how it is assigned may do so."""
    properties = plan.get("properties")
    references = properties.get("hostPoolReferences") if isinstance(properties, Mapping) else None
    if not isinstance(references, list) or not all(isinstance(one, Mapping) for one in references):
        raise ServiceError(f"Azure does not tell whether the scaling plan {plan.get('name')} works on {pool.name}.")
    return any(one.get("scalingPlanEnabled") and _is_pool(one.get("hostPoolArmPath"), pool) for one in references)


def _update(reader: Reader, pool: HostPool) -> str:
    path = f"{_path(pool)}/sessionHostManagements/default/sessionHostUpdateStatuses/default"
    row = reader.read(path, PREVIEW, f"the session host update of the host pool {pool.name}")
    if row is None:
        return ""
    status = str(row.get("status") or "")
    if not status:
        raise ServiceError(f"Azure does not tell the status of the session host update of the host pool {pool.name}.")
    if fold(status) in OVER:
        return ""
    return (
        f"A session host update of the host pool {pool.name} is under way ({status}) and replaces its hosts: wait for "
        "its end, or cancel it."
    )


def _is_pool(path: object, pool: HostPool) -> bool:
    return fold(str(path or "")).rstrip("/") == fold(_path(pool))


def _lacking(reader: Reader, pool: HostPool, verbs: Collection[Verb]) -> list[str]:
    """Return the rights that the account lacks of those that are needed."""
    path = f"{_path(pool)}/providers/Microsoft.Authorization/permissions"
    grants = reader.read_all(path, PERMISSIONS_VERSION, f"the list of rights on the host pool {pool.name}")
    if not grants:  # nobody without any right could have asked
        raise ServiceError(f"Azure does not tell the rights on the host pool {pool.name}.")
    needed = [*ALWAYS, *(RIGHTS[verb] for verb in verbs)]
    return [right for right in needed if not any(_grants(one, right) for one in grants)]


def _grants(permission: Mapping[str, Any], right: str) -> bool:
    given = any(_fits(pattern, right) for pattern in permission.get("actions") or ())
    return given and not any(_fits(pattern, right) for pattern in permission.get("notActions") or ())


def _fits(pattern: object, right: str) -> bool:
    parts = (re.escape(part) for part in str(pattern).split("*"))
    return re.fullmatch(".*".join(parts), right, re.IGNORECASE) is not None
