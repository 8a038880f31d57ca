# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host pools and sessions of Azure Virtual Desktop a task names, in options, rows or resource ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

from .._sessions.errors import SelectionError
from .._sessions.selection import NamedSession
from .._sessions.session import fold

POOL_KEYWORDS = ["subscriptions", "resourcegroups", "providers", "hostpools"]
SESSION_KEYWORDS = ("sessionhosts", "usersessions")
FORM = (
    "/subscriptions/…/resourceGroups/…/providers/Microsoft.DesktopVirtualization/hostPools/…/sessionHosts/…"
    "/userSessions/…"
)


@dataclass(frozen=True, slots=True)
class HostPool:
    """A host pool; Azure compares all three names without case."""

    subscription: str
    resource_group: str
    name: str

    @property
    def place(self) -> str:
        """The same text for every spelling of the pool."""
        return fold(f"{self.subscription}/{self.resource_group}/{self.name}")


def split_resource_id(text: str) -> tuple[str, str, str, str, str]:
    """Split an ARM id into subscription, resource group, host pool, session host and id; keywords count without case.

    Raises SelectionError unless it is the id of a user session.
    """
    parts = text.strip().rsplit("/", 4)
    if len(parts) == 5 and parts[2] and parts[4] and (parts[1].lower(), parts[3].lower()) == SESSION_KEYWORDS:
        return (*_split_pool_id(parts[0]), parts[2], parts[4])
    raise SelectionError(f"{text!r} is not the resource id of a user session: {FORM}")


@lru_cache(maxsize=64)
def _split_pool_id(text: str) -> tuple[str, str, str]:
    parts = text.split("/")
    keywords = [keyword.lower() for keyword in parts[1::2]]
    if len(parts) != 9 or parts[0] or keywords != POOL_KEYWORDS or not all(parts[2::2]):
        raise SelectionError(f"{text!r} is not the resource id of a host pool: {FORM}")
    return parts[2], parts[4], parts[8]


def read_identity(row: object, label: str, defaults: Mapping[str, str]) -> tuple[HostPool, NamedSession]:
    """Read the identity of a session from a resource id, a row of wvd_session_info, or identity fields.

    `label` says where the row stands, for errors; `defaults` are the task's own options: a row may leave out
    what they say, and must not contradict them. Raises SelectionError.
    """
    if isinstance(row, str):
        row = {"id": row}
    if not isinstance(row, Mapping):
        raise SelectionError(f"{label} must be a row as wvd_session_info returns it, or a resource id; it is {row!r}.")
    given = {str(name): value for name, value in row.items()}
    identity = {name: _text(given.get(name)) for name in ("subscription_id", "resource_group_name", "host_pool_name")}
    identity["session_host_name"] = _text(given.get("session_host_name"))
    identity["id"] = _text(given.get("user_session_id")) or _text(given.get("id"))
    for name in ("id", "resource_id"):
        text = _text(given.get(name))
        if text.startswith("/"):
            if identity["id"] == text:
                identity["id"] = ""
            try:
                parts = split_resource_id(text)
            except SelectionError as error:
                raise SelectionError(f"{label}: {error}") from error
            identity = _merge(label, identity, dict(zip(FIELDS, parts, strict=False)))
    identity = _merge(label, identity, {name: text for name, text in defaults.items() if text}, "the task's option")
    for name in ("session_host_name", "id", "host_pool_name", "resource_group_name"):
        if not identity.get(name):
            raise SelectionError(f"{label} has no {name}: it must say exactly which session is meant.")
    pool = HostPool(identity.get("subscription_id", ""), identity["resource_group_name"], identity["host_pool_name"])
    named = NamedSession(
        pool.place,
        identity["session_host_name"],
        identity["id"],
        _text(given.get("user_principal_name")) or _text(given.get("active_directory_user_name")),
        _time(given.get("create_time"), label),
        fields={name: value for name, value in given.items() if name in FIELDS} | identity,
        nobody=any(name in given for name in USER_FIELDS) and not any(_text(given.get(name)) for name in USER_FIELDS),
    )
    return pool, named


FIELDS = (
    "subscription_id",
    "resource_group_name",
    "host_pool_name",
    "session_host_name",
    "id",
    "user_principal_name",
    "active_directory_user_name",
    "session_state",
    "application_type",
    "create_time",
    "object_id",
    "resource_id",
)
"""Fields of a row, in the order in which they are shown."""


USER_FIELDS = ("user_principal_name", "active_directory_user_name")


def read_rows(value: object, option: str, defaults: Mapping[str, str]) -> list[tuple[HostPool, NamedSession]]:
    """Read a list of rows, or a single one. Raises SelectionError with the number of the row that is wrong."""
    if isinstance(value, (str, Mapping)):
        return [read_identity(value, option, defaults)]
    if not isinstance(value, Sequence):
        raise SelectionError(f"{option} must be a list of rows as wvd_session_info returns them; it is {value!r}.")
    return [read_identity(row, f"{option}[{number}]", defaults) for number, row in enumerate(value)]


def parse_time(text: str) -> datetime:
    """Read a time as ARM prints it: two to seven fraction digits, with Z or without, always UTC. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)  # all forms with Python 3.11 and newer
    except ValueError:
        moment = _parse_time_by_parts(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _parse_time_by_parts(text: str) -> datetime:
    whole, _point, fraction = text.strip().rstrip("Zz").partition(".")
    offset = ""
    for sign in ("+", "-"):
        if sign in fraction:
            fraction, offset = fraction.split(sign)[0], sign + fraction.split(sign)[1]
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}{offset}" if fraction else whole)


def _time(value: object, label: str) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    text = _text(value)
    try:
        return parse_time(text) if text else None
    except ValueError as error:
        raise SelectionError(f"{label} has a create_time that is not a time: {text!r}.") from error


def _text(value: object) -> str:
    if value is None or isinstance(value, (Mapping, list, tuple)):
        return ""
    return str(value).strip()


def _merge(
    label: str, one: Mapping[str, str], other: Mapping[str, str], source: str = "the resource id"
) -> dict[str, str]:
    merged = dict(one)
    for name, text in other.items():
        if merged.get(name) and fold(merged[name]) != fold(text):
            raise SelectionError(f"{label} says {name} {merged[name]!r}, but {source} says {text!r}.")
        merged[name] = merged.get(name) or text
    return merged
