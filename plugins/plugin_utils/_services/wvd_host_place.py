# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session hosts of a host pool of Azure Virtual Desktop that a task is about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .._sessions.session_host import HostName
from .._transports import arm
from .._transports.azure_sign_in import SIGN_IN
from .host_place import HostPlace, WantedHosts
from .place import Options, Reach, Spec
from .wvd_account import sign_in
from .wvd_hosts import WvdHosts
from .wvd_names import POOL_FIELDS, HostPool
from .wvd_place import ONE_POOL

NAMES: Spec = {"session_host_name": {"type": "list", "elements": "str"}}
WHERE: Spec = {**ONE_POOL, **SIGN_IN}


@dataclass(frozen=True, slots=True)
class Where:
    """The pools; a subscription that nothing says is empty. Hosts keep the place that the pool has here."""

    sign_in: Options = field(repr=False)
    pools: tuple[HostPool, ...]


class SessionHosts(HostPlace[WvdHosts]):
    """The hosts of a pool."""

    may_be_empty = frozenset(SIGN_IN) - {"subscription_id", "profile"}
    needs_connection = False

    def read(self, options: Options) -> WantedHosts:
        """Read which hosts of which pool are meant."""
        pool = HostPool(*(options[name] or "" for name in POOL_FIELDS))
        names = options["session_host_name"]
        named = None if names is None else tuple(HostName(pool.place, name) for name in names)
        return WantedHosts(Where(options, (pool,)), named)

    def open(self, wanted: WantedHosts, reach: Reach) -> WvdHosts:
        """Sign in. Raises ServiceError."""
        where: Where = wanted.where
        named = all(pool.subscription for pool in where.pools)
        account, subscription = sign_in(where.sign_in, reach, named)

        def connect(chosen: str) -> arm.ArmClient:
            return arm.ArmClient(account, chosen, reach.user_agent, reach.clock, reach.lives)

        pools = {pool.place: replace(pool, subscription=pool.subscription or subscription) for pool in where.pools}
        return WvdHosts(pools, connect)


SESSION_HOSTS = SessionHosts()
