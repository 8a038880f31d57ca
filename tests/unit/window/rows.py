# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as the modules return them."""

from __future__ import annotations

from typing import Any


def wvd(number: int, allowed: bool = True, **fields: object) -> dict[str, Any]:
    """A host of Azure Virtual Desktop."""
    name = f"avd-{number}.contoso.com"
    pool = {"subscription_id": "s", "resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
    return {"service": "wvd", "host": name, "name": name, **pool, "allow_new_session": allowed, "sessions": 3, **fields}


def rds(number: int, allowed: str = "yes", **fields: object) -> dict[str, Any]:
    """A host of Remote Desktop Services."""
    name = f"rdsh-{number}.contoso.com"
    place = {"connection_broker": "rdcb-1.contoso.com", "collection_name": "Desktops", "session_host": name}
    return {"service": "rds", "host": name, **place, "new_connection_allowed": allowed, **fields}
