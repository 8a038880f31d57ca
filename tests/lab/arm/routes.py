# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which operation a request is: by method and path, as a log and a fault rule name it."""

from __future__ import annotations

import dataclasses
import re
import typing
import urllib.parse

from .errors import API_VERSIONS
from .scaling_shapes import PREVIEWS

_SUBSCRIPTION = r"/subscriptions/(?P<subscription>[^/]+)"
_GROUP = _SUBSCRIPTION + r"/resourcegroups/(?P<group>[^/]+)"
_POOLS = r"/providers/microsoft\.desktopvirtualization/hostpools"
_POOL = _GROUP + _POOLS + r"/(?P<pool>[^/]+)"
_HOST = _POOL + r"/sessionhosts/(?P<host>[^/]+)"
_SESSION = _HOST + r"/usersessions/(?P<id>[^/]+)"
_RIGHT = "Microsoft.DesktopVirtualization/hostpools"


@dataclasses.dataclass(frozen=True)
class Operation:
    """`kind` is the resource type in errors; `action` the right it needs; on `scope` part of the path."""

    name: str
    method: str
    pattern: re.Pattern[str]
    kind: str = ""
    action: str = ""
    versions: tuple[str, ...] = API_VERSIONS


def _operation(name: str, method: str, pattern: str, kind: str = "", action: str = "") -> Operation:
    return Operation(name, method, re.compile(pattern + "/?", re.IGNORECASE), kind, action)


def _read(name: str, path: str, versions: tuple[str, ...] = API_VERSIONS) -> Operation:
    """A read of something below the pool; the right follows from the path by ARM's rule."""
    kind = "hostpools" + path.replace("/default", "")
    right = f"Microsoft.DesktopVirtualization/{kind}/read"
    return Operation(name, "GET", re.compile(f"{_POOL}{path}/?", re.IGNORECASE), kind, right, versions)


_SESSIONS = ("hostpools/sessionhosts/usersessions", f"{_RIGHT}/sessionhosts/usersessions")
_HOSTS = ("hostpools/sessionhosts", f"{_RIGHT}/sessionhosts")
OPERATIONS = (
    _operation("disconnect", "POST", _SESSION + "/disconnect", _SESSIONS[0], _SESSIONS[1] + "/disconnect/action"),
    _operation("message", "POST", _SESSION + "/sendmessage", _SESSIONS[0], _SESSIONS[1] + "/sendMessage/action"),
    _operation("logoff", "DELETE", _SESSION, _SESSIONS[0], _SESSIONS[1] + "/delete"),
    _operation("get", "GET", _SESSION, _SESSIONS[0], _SESSIONS[1] + "/read"),
    _operation("list_on_host", "GET", _HOST + "/usersessions", _SESSIONS[0], _SESSIONS[1] + "/read"),
    _operation("list", "GET", _POOL + "/usersessions", _SESSIONS[0], _SESSIONS[1] + "/read"),
    _operation("host_list", "GET", _POOL + "/sessionhosts", _HOSTS[0], _HOSTS[1] + "/read"),
    _operation("host_get", "GET", _HOST, _HOSTS[0], _HOSTS[1] + "/read"),
    _operation("drain", "PATCH", _HOST, _HOSTS[0], _HOSTS[1] + "/write"),
    _operation("host_pool_get", "GET", _POOL, "hostpools", _RIGHT + "/read"),
    _read("scaling_plan_list", "/scalingplans"),
    _read("host_management_get", "/sessionhostmanagements/default", PREVIEWS),
    _read("host_update_get", "/sessionhostmanagements/default/sessionhostupdatestatuses/default", PREVIEWS),
    _operation(
        "permissions",
        "GET",
        _POOL + r"/providers/microsoft\.authorization/permissions",
        "",
        "Microsoft.Authorization/permissions/read",
    ),
    _operation("host_pool_list", "GET", _GROUP + _POOLS, "hostpools", _RIGHT + "/read"),
    _operation("host_pool_list", "GET", _SUBSCRIPTION + _POOLS, "hostpools", _RIGHT + "/read"),
    _operation("resource_graph", "POST", r"/providers/microsoft\.resourcegraph/resources", "", _HOSTS[1] + "/read"),
    _operation("subscriptions", "GET", "/subscriptions"),
    _operation("subscription", "GET", _SUBSCRIPTION, "", "Microsoft.Resources/subscriptions/read"),
)


@dataclasses.dataclass(frozen=True)
class Target:
    """What a request is about; the names as the caller wrote them, empty where the path has none."""

    operation: Operation
    subscription: str = ""
    group: str = ""
    pool: str = ""
    host: str = ""
    id: str = ""

    @property
    def number(self) -> int | None:
        """The session id, if it can be one."""
        return int(self.id) if self.id.isdecimal() and self.id.isascii() else None


def find(method: str, path: str) -> Target | None:
    for operation in OPERATIONS:
        if operation.method == method and (match := operation.pattern.fullmatch(path)):
            names: dict[str, typing.Any] = {
                key: urllib.parse.unquote(value) for key, value in match.groupdict().items() if value
            }
            return Target(operation, **names)
    return None
