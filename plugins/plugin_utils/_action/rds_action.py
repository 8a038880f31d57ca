# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Remote Desktop Services share: two sets of options, for the cmdlets of two services."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._services import rds, wvd_classic
from .._services.host_names import HostSelection
from .._services.windows_cmdlets import ServiceCmdlets
from .._sessions.errors import SelectionError
from .._sessions.selection import NamedSession, Selection
from .._transports.cmdlet import Call, Credential
from .session_action import Options
from .windows_action import WindowsAction, WindowsService

DEPLOYMENT_SPEC: dict[str, Any] = {
    "host_server": {"type": "str"},
    "connection_broker": {"type": "str"},
    "collection_name": {"type": "list", "elements": "str"},
}
POOL_SPEC: dict[str, Any] = {
    "tenant_name": {"type": "str"},
    "host_pool_name": {"type": "str"},
    "session_host_name": {"type": "str"},
    "deployment_url": {"type": "str"},
    "credential": {
        "type": "dict",
        "options": {
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "service_principal": {"type": "bool", "default": False},
    "aad_tenant_id": {"type": "str"},
    "application_id": {"type": "str"},
    "certificate_thumbprint": {"type": "str"},
}
LONGEST_NAME = 255


class RdsAction(WindowsAction):
    """Base of the modules for Remote Desktop Services."""

    STATES = rds.STATES
    DEPLOYMENT_OPTIONS: tuple[str, ...] = tuple(DEPLOYMENT_SPEC)
    """Options of the cmdlets for Windows Server."""
    POOL_OPTIONS: tuple[str, ...] = tuple(POOL_SPEC)
    """Options of the cmdlets for Windows Virtual Desktop (classic)."""
    PLACE_OPTIONS: tuple[str, ...] = (*DEPLOYMENT_SPEC, *(name for name in POOL_SPEC if name != "service_principal"))

    def check(self, options: Options) -> None:
        """Refuse options of both services together, and half of what one needs."""
        super().check(options)
        deployment, pool = self.given(self.DEPLOYMENT_OPTIONS), self.given(self.POOL_OPTIONS)
        if deployment and pool:
            raise SelectionError(
                f"{' and '.join(deployment)} belong to Remote Desktop Services, {' and '.join(pool)} to Windows "
                "Virtual Desktop (classic): give the options of one of them only."
            )
        if pool and options.get("sessions") is None:
            for name in ("tenant_name", "host_pool_name"):
                if options[name] is None:
                    raise SelectionError(f"{name} is missing: {pool[0]} needs it, to say where the sessions are.")
        for name in options["collection_name"] or ():
            if any(mark in name for mark in "*?[]"):
                raise SelectionError(f"collection_name takes whole names: {name!r} has a wildcard.")
        broker = options["connection_broker"]
        if broker is not None and ("." not in broker.strip(".") or broker.endswith(".") or len(broker) >= LONGEST_NAME):
            raise SelectionError(
                f"connection_broker is {broker[:40]!r}: it must be the full name of the broker, with its domain."
            )

    def connect(self, options: Options, environment: Mapping[str, str]) -> tuple[WindowsService, Selection]:
        """Reach the service that the options or rows are about."""
        cmdlets: ServiceCmdlets
        if self.classic(options):
            self.STATES = wvd_classic.STATES
            pool, named = self.named_in_pool(options)
            for name, value in (("tenant_name", pool.tenant), ("host_pool_name", pool.name)):
                if not value:
                    raise SelectionError(f"{name} is missing: it says where the sessions are.")
            selection = HostSelection(named, self.filters(options, options["session_host_name"] or ""))
            cmdlets = wvd_classic.WvdClassicCmdlets(pool, self._sign_in(options))
        else:
            states = [_state(state) for state in options["session_state"] or ()]
            options = {**options, "session_state": states or None}
            selection = HostSelection(self.named(options), self.filters(options, options["host_server"] or ""))
            cmdlets = rds.RdsCmdlets(options["connection_broker"], options["collection_name"])
        service = self.reach(cmdlets, options)
        if isinstance(cmdlets, wvd_classic.WvdClassicCmdlets):
            service.warnings.append(wvd_classic.RETIRED)
        return service, selection

    def classic(self, options: Options) -> bool:
        """Tell whether the task is about Windows Virtual Desktop (classic): by its options, else by its rows."""
        return bool(self.given(self.POOL_OPTIONS))

    def named(self, options: Options) -> tuple[NamedSession, ...] | None:
        """Read the sessions that are named; `None` when none are."""
        return None

    def named_in_pool(self, options: Options) -> tuple[wvd_classic.ClassicHostPool, tuple[NamedSession, ...] | None]:
        """Read the host pool, and the sessions that are named."""
        return wvd_classic.ClassicHostPool(options["tenant_name"] or "", options["host_pool_name"] or ""), None

    def _sign_in(self, options: Options) -> Call:
        credential = options["credential"]
        return wvd_classic.sign_in_call(
            options["deployment_url"],
            Credential(credential["username"], credential["password"]) if credential else None,
            options["service_principal"],
            options["aad_tenant_id"],
            options["application_id"],
            options["certificate_thumbprint"],
        )


def _state(text: str) -> str:
    """Return a state as the cmdlet writes it; users may leave its prefix out."""
    name = text.strip().upper()
    return name if name.startswith("STATE_") else f"STATE_{name}"
