# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of session hosts that a user passes on to restore their states: checked before anything is connected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .._sessions.errors import SelectionError
from .._sessions.session_host import HostName
from .given_rows import GivenRow
from .wvd_names import FORM, POOL_FIELDS, HostPool

MODULE = "wvd_session_host_info"
STATES = {"true": True, "false": False}


def read_hosts(value: object, defaults: Mapping[str, str]) -> list[tuple[HostPool, HostName, bool | None]]:
    """Read the option `hosts`: for each row its pool, the host and the state to restore, `None` to leave it alone.

    `defaults` are the task's own options by name: a row may leave out what they say, and must not contradict them.
    Raises SelectionError.
    """
    rows = [value] if isinstance(value, Mapping) else value
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise SelectionError(f"hosts must be a list of rows as {MODULE} returns them; it is {value!r}.")
    read: dict[tuple[str, str], tuple[HostPool, HostName, bool | None]] = {}
    for number, row in enumerate(rows):
        pool, named, state = _read(row, f"hosts[{number}]", defaults)
        if read.setdefault(named.key, (pool, named, state))[2] is not state:
            raise SelectionError(f"hosts[{number}] names {named.name} again, with another allow_new_session.")
    return list(read.values())


def name_host(pool: HostPool, name: str) -> HostName:
    """Name a host of a pool, with the row that is shown when nothing else is known of it."""
    pools = dict(zip(POOL_FIELDS, (pool.subscription, pool.resource_group, pool.name), strict=True))
    fields = {"service": FORM.service, "host": name, **pools, "name": name, "allow_new_session": None}
    return HostName(pool.place, name, fields)


def _read(value: object, label: str, defaults: Mapping[str, str]) -> tuple[HostPool, HostName, bool | None]:
    if not isinstance(value, Mapping):
        raise SelectionError(f"{label} must be a row as {MODULE} returns it; it is {value!r}.")
    row = GivenRow(FORM, label, value)
    if (service := row.optional("service")) and service != FORM.service:
        raise SelectionError(f"{label} is a session host of {service}, but this task is about {FORM.service}.")
    if not row.optional("name") and not row.optional("host"):
        raise SelectionError(f"{label} has no name: it must say which session host is meant.")
    name = row.text("name", common="host")
    own = {}
    for field in POOL_FIELDS:
        default = defaults[field]
        if field != "subscription_id" and not row.optional(field) and not default:
            raise SelectionError(f"{label} has no {field}, and the task's option does not say it either.")
        # The subscription may be that of the sign-in, which is not known yet.
        own[field] = row.text(field, default) if row.optional(field) or default else ""
    pool = HostPool(*(own[field] for field in POOL_FIELDS))
    return pool, name_host(pool, name), _state(value, label)


def _state(row: Mapping[str, object], label: str) -> bool | None:
    said = row.get("allow_new_session")
    # A host that could not be read was not set either, so there is nothing to restore.
    if said is None and "allow_new_session" in row and row.get("outcome"):
        return None
    state = STATES.get(str(said).lower())
    if state is None:
        raise SelectionError(
            f"{label} says allow_new_session {said!r}: it must be true or false, the state to restore."
        )
    return state
