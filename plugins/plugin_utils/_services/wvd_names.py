# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host pools and sessions of Azure Virtual Desktop a task names, in options, rows or resource ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .._sessions.errors import SelectionError
from .._sessions.selection import NamedSession
from .._sessions.session import ACTIVE, DISCONNECTED, ENDING, fold
from .._sessions.times import in_utc
from .given_rows import GivenRow, RowForm, SessionIds, read_rows

POOL_KEYWORDS = ["subscriptions", "resourcegroups", "providers", "hostpools"]
SESSION_KEYWORDS = ("sessionhosts", "usersessions")
ID_FORM = (
    "/subscriptions/…/resourceGroups/…/providers/Microsoft.DesktopVirtualization/hostPools/…/sessionHosts/…"
    "/userSessions/…"
)

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
POOL_FIELDS = ("subscription_id", "resource_group_name", "host_pool_name")
FORM = RowForm(
    service="wvd",
    module="wvd_session_info",
    fields=FIELDS,
    host="session_host_name",
    ids=SessionIds("id", 2**32 - 1),
    owner=("user_principal_name", "active_directory_user_name"),
    names=lambda owner: tuple(filter(None, owner.values())),
    states={"active": ACTIVE, "disconnected": DISCONNECTED, "logoff": ENDING},
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
    raise SelectionError(f"{text!r} is not the resource id of a user session: {ID_FORM}")


@lru_cache(maxsize=64)
def _split_pool_id(text: str) -> tuple[str, str, str]:
    parts = text.split("/")
    keywords = [keyword.lower() for keyword in parts[1::2]]
    if len(parts) != 9 or parts[0] or keywords != POOL_KEYWORDS or not all(parts[2::2]):
        raise SelectionError(f"{text!r} is not the resource id of a host pool: {ID_FORM}")
    return parts[2], parts[4], parts[8]


def read_named(value: object, option: str, defaults: Mapping[str, str]) -> list[tuple[HostPool, NamedSession]]:
    """Read a list of rows, or a single one: resource ids, rows of wvd_session_info, or fields of either.

    `option` is its name, for errors. `defaults` are the task's own options by name: a row may leave out what they say,
    and must not contradict them. Raises SelectionError with the number of the row that is wrong.
    """
    if isinstance(value, (str, Mapping)):
        (row,) = read_rows(_identity(value, option), option, FORM)
        return [_read(row, defaults)]
    if not isinstance(value, Sequence):
        raise SelectionError(f"{option} must be a list of rows as {FORM.module} returns them; it is {value!r}.")
    rows = [_identity(row, f"{option}[{number}]") for number, row in enumerate(value)]
    return [_read(row, defaults) for row in read_rows(rows, option, FORM)]


def _identity(value: object, label: str) -> object:
    """Write a resource id, wherever it stands, as the fields that it consists of."""
    if isinstance(value, str):
        value = {"id": value}
    if not isinstance(value, Mapping):
        return value
    fields: dict[str, Any] = {str(name): one for name, one in value.items()}
    ids = [text for text in (_text(fields.get(name)) for name in ("id", "resource_id")) if text.startswith("/")]
    if _text(fields.get("id")).startswith("/"):
        del fields["id"]
    if _text(fields.get("user_session_id")):
        fields["id"] = fields.pop("user_session_id")
    for text in ids:
        try:
            parts = dict(zip(FIELDS, split_resource_id(text), strict=False))
        except SelectionError as error:
            raise SelectionError(f"{label}: {error}") from error
        for part, said in parts.items():
            other = _text(fields.get(part))
            if other and fold(other) != fold(said):
                raise SelectionError(f"{label} says {part} {other!r}, but the resource id says {said!r}.")
        # Of all else it counts, too, that it is empty: nobody was told when the session was listed.
        fields = {**parts, **{name: one for name, one in fields.items() if name not in parts or _text(one)}}
    return fields


def _text(value: object) -> str:
    """Return what a field says; 0 says something, other empty values nothing."""
    return "" if value in (None, [], {}) else str(value).strip()


def _read(row: GivenRow, defaults: Mapping[str, str]) -> tuple[HostPool, NamedSession]:
    own = {FORM.host: row.host(), FORM.ids.name: row.id()}
    for name in reversed(POOL_FIELDS):
        default = defaults.get(name, "")
        # The subscription may be that of the sign-in, which is not known yet.
        needed = name != "subscription_id" or row.optional(name) or default
        own[name] = row.text(name, default) if needed else ""
    pool = HostPool(*(own[name] for name in POOL_FIELDS))
    return pool, row.named(pool.place, in_utc, own, missing="")
