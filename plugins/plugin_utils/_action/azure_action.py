# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins for Azure Virtual Desktop share: sign-in options, and the way to the service."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.release import __version__ as ansible_version

from .._services.wvd import STATES, WvdService
from .._services.wvd_names import HostPool, read_rows
from .._sessions.errors import SelectionError, ServiceError
from .._sessions.selection import NamedSession, Selection
from .._transports import arm
from .._transports.azure_sign_in import SOURCES
from .run_life import run_lives
from .session_action import Options, SessionAction

USER_AGENT = f"Ansible/{ansible_version} remotedesktop.sessions"
PACKAGES = "azure-mgmt-desktopvirtualization and azure-identity"

SIGN_IN_SPEC: dict[str, Any] = {
    "auth_source": {"type": "str", "choices": list(SOURCES)},
    "profile": {"type": "str", "aliases": ["default_profile"]},
    "subscription_id": {"type": "str"},
    "client_id": {"type": "str"},
    "secret": {"type": "str", "no_log": True},
    "tenant": {"type": "str"},
    "ad_user": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "cloud_environment": {"type": "str"},
    "adfs_authority_url": {"type": "str"},
    "cert_validation_mode": {"type": "str", "choices": ["validate", "ignore"]},
    "x509_certificate_path": {"type": "path"},
    "thumbprint": {"type": "str"},
    "oidc_token": {"type": "str", "no_log": True},
    "oidc_token_file_path": {"type": "path", "no_log": False},
    "disable_instance_discovery": {"type": "bool"},
}
POOL_SPEC: dict[str, Any] = {
    "resource_group_name": {"type": "str", "aliases": ["resource_group"]},
    "host_pool_name": {"type": "str"},
    "session_host_name": {"type": "str"},
}
POOL_OPTIONS = ("subscription_id", "resource_group_name", "host_pool_name")


class AzureAction(SessionAction):
    """Base of the modules for Azure Virtual Desktop."""

    STATES = STATES
    PLACE_OPTIONS: tuple[str, ...] = (*POOL_OPTIONS, "session_host_name", "profile")
    ROW_OPTIONS: tuple[str, ...] = ()
    """Options that hold rows of sessions; of these at most one is given."""

    def connect(self, options: Options, environment: Mapping[str, str]) -> tuple[WvdService, Selection]:
        """Sign in and bind the service to the host pools that the options and rows name."""
        self.targets(options, options["subscription_id"] or "")  # what is wrong in them is said before anybody signs in
        try:
            account = arm.sign_in(options, environment)
            subscription = account.subscription_id
            pools, selection = self.targets(options, subscription)
            if any(not pool.subscription for pool in pools):
                subscription = arm.only_subscription(account, USER_AGENT)
                pools, selection = self.targets(options, subscription)
        except ImportError as error:
            raise ServiceError(
                f"The Python packages {PACKAGES} are needed, and {sys.executable} lacks them ({error}): "
                f"{sys.executable} -m pip install azure-mgmt-desktopvirtualization azure-identity"
            ) from error

        def connect(name: str) -> arm.ArmClient:
            return arm.ArmClient(account, name, USER_AGENT, time.monotonic, run_lives)

        return WvdService(pools, connect), selection

    def targets(self, options: Options, subscription: str) -> tuple[list[HostPool], Selection]:
        """Read which pools and sessions are meant; `subscription` counts where nothing else says one."""
        filters = self.filters(options, options["session_host_name"] or "")
        defaults = {name: options[name] or "" for name in POOL_OPTIONS}
        given = next((name for name in self.ROW_OPTIONS if options[name] is not None), None)
        if given is not None:
            rows = read_rows(options[given], given, defaults)
            named = [(replace(pool, subscription=pool.subscription or subscription), one) for pool, one in rows]
            pools = list({pool.place: pool for pool, _one in named}.values())
            return pools, Selection(tuple(replace(one, place=pool.place) for pool, one in named), filters)
        for name in ("resource_group_name", "host_pool_name"):
            if not options[name]:
                raise SelectionError(f"{name} is missing: it says where the sessions are.")
        pool = HostPool(
            options["subscription_id"] or subscription, options["resource_group_name"], options["host_pool_name"]
        )
        return [pool], Selection(self.named(options, pool), filters)

    def named(self, options: Options, pool: HostPool) -> tuple[NamedSession, ...] | None:
        """Read the sessions that are named by host and id; `None` when sessions are not named."""
        return None
