# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of session hosts that a user passes on to restore their states: checked before anything is connected."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from .._sessions.errors import SelectionError
from .._sessions.session_host import HostName
from .given_hosts import GivenHosts
from .given_rows import GivenRow
from .wvd_names import FORM, POOL_FIELDS, HostPool

MODULE = "wvd_session_host_info"
STATES = {"true": True, "false": False}


def read_hosts(value: object, defaults: Mapping[str, str]) -> list[tuple[HostPool, HostName, object]]:
    """Read the option `hosts`: for each row its pool, the host and the state to restore, `None` to leave it alone.

    `defaults` are the task's own options by name: a row may leave out what they say, and must not contradict them.
    Raises SelectionError.
    """
    locate = partial(_locate, defaults)
    return GivenHosts(FORM, MODULE, "name", "allow_new_session", STATES, "true or false", locate).read(value)


def name_host(pool: HostPool, name: str) -> HostName:
    """Name a host of a pool, with the row that is shown when nothing else is known of it."""
    pools = dict(zip(POOL_FIELDS, (pool.subscription, pool.resource_group, pool.name), strict=True))
    fields = {"service": FORM.service, "host": name, **pools, "name": name, "allow_new_session": None}
    return HostName(pool.place, name, fields)


def _locate(defaults: Mapping[str, str], row: GivenRow, name: str) -> tuple[HostPool, HostName]:
    own = {}
    for field in POOL_FIELDS:
        default = defaults[field]
        if field != "subscription_id" and not row.optional(field) and not default:
            raise SelectionError(f"{row.label} has no {field}, and the task's option does not say it either.")
        # The subscription may be that of the sign-in, which is not known yet.
        own[field] = row.text(field, default) if row.optional(field) or default else ""
    pool = HostPool(*(own[field] for field in POOL_FIELDS))
    return pool, name_host(pool, name)
