# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the services and the product call what is on the farm."""

from __future__ import annotations

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import ClassicHostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    DISCONNECT,
    LOG_OFF,
    MESSAGE,
    Operation,
    Verb,
)
from tests.campaign.farm import ACTIVE, DISCONNECTED, ENDING, OTHER, Effect
from tests.campaign.kind import RDS, WMS, WVD, WVD_CLASSIC, Service
from tests.campaign.schedule import Schedule
from tests.campaign.stage import PLACES

VERBS: dict[Effect, Verb] = {Effect.ENDS: LOG_OFF, Effect.DISCONNECTS: DISCONNECT, Effect.LEAVES_MESSAGE: MESSAGE}
CLASSIC_POOL = ClassicHostPool("tenant", PLACES[0])
STATES = {
    WVD: {ACTIVE: "Active", DISCONNECTED: "Disconnected", ENDING: "LogOff", OTHER: "Pending"},
    RDS: {
        ACTIVE: "STATE_ACTIVE",
        DISCONNECTED: "STATE_DISCONNECTED",
        ENDING: "STATE_RESET",
        OTHER: "STATE_CONNECTED",
    },
    WMS: {
        ACTIVE: "RemoteConnection",
        DISCONNECTED: "Disconnected",
        ENDING: "RemoteConnection",
        OTHER: "Unknown",
    },
    WVD_CLASSIC: {ACTIVE: "Active", DISCONNECTED: "Disconnected", ENDING: "LogOff", OTHER: "Pending"},
}


def host_pool(place: str) -> HostPool:
    """Return the product's name of a host pool of Azure: each has a subscription of its own."""
    return HostPool(f"sub-{place[-1]}", "rg", place)


def product_place(service: Service, place: str) -> str:
    """Return the product's name of a place."""
    if service is WVD:
        return host_pool(place).place
    return CLASSIC_POOL.place if service is WVD_CLASSIC else ""


def user_name(service: Service, user: str) -> str:
    """Return a user's full name."""
    if service in (WVD, WVD_CLASSIC):
        return f"{user}@contoso.com" if user.islower() else f"{user}@CONTOSO.COM"
    return f"CONTOSO\\{user}"


def make_operation(schedule: Schedule) -> Operation:
    """Make what is to be done."""
    return Operation(VERBS[schedule.kind.effect], schedule.arguments, wait_timeout=schedule.wanted.wait_timeout)
