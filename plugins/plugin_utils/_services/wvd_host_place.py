# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session hosts of a host pool of Azure Virtual Desktop that a task is about."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .._sessions.errors import SelectionError
from .._sessions.host_setting import Desired
from .._transports import arm
from .._transports.azure_sign_in import SIGN_IN
from .host_place import HostPlace, WantedHosts
from .place import Options, Reach, Spec
from .wvd_account import sign_in
from .wvd_given_hosts import name_host, read_hosts
from .wvd_hosts import WvdHosts
from .wvd_names import POOL_FIELDS, HostPool
from .wvd_place import ONE_POOL
from .wvd_place import WHERE as ANY_POOL

NAMES: Spec = {"session_host_name": {"type": "list", "elements": "str"}}
WHERE: Spec = {**ONE_POOL, **SIGN_IN}
SETS: Spec = {
    **{name: ANY_POOL[name] for name in ONE_POOL},
    **SIGN_IN,
    **NAMES,
    "all_hosts": {"type": "bool", "default": False},
    "hosts": {"type": "raw"},
    "allow_new_session": {"type": "bool"},
    "wait_timeout": {"type": "int", "default": 60},
}
"""Options of the module that sets a state."""


@dataclass(frozen=True, slots=True)
class Where:
    """The pools; a subscription that nothing says is empty. Hosts keep the place that the pool has here."""

    sign_in: Options = field(repr=False)
    pools: tuple[HostPool, ...]


class SessionHosts(HostPlace[WvdHosts]):
    """The hosts of a pool."""

    state_option = "allow_new_session"
    states = "false drains session hosts, true opens them again"
    counted = "status"
    may_be_empty = frozenset(SIGN_IN) - {"subscription_id", "profile"}
    needs_connection = False

    def read(self, options: Options) -> WantedHosts:
        """Read which hosts of which pool are meant."""
        for name in ("resource_group_name", "host_pool_name"):
            if not options[name]:
                raise SelectionError(f"{name} is missing: it says where the session hosts are.")
        pool = HostPool(*(options[name] or "" for name in POOL_FIELDS))
        names = options["session_host_name"]
        named = None if names is None else tuple(name_host(pool, name) for name in names)
        return WantedHosts(Where(options, (pool,)), named)

    def read_rows(self, options: Options) -> WantedHosts:
        """Read which hosts are to have which states; they may be of several pools."""
        rows = read_hosts(options["hosts"], {name: options[name] or "" for name in POOL_FIELDS})
        desired = Desired(states={named.key: own for _pool, named, own in rows}, restores=True)
        pools = tuple(dict.fromkeys(pool for pool, _named, _own in rows))
        return WantedHosts(Where(options, pools), [named for _pool, named, _own in rows], desired)

    def open(self, wanted: WantedHosts, reach: Reach) -> WvdHosts:
        """Sign in. Raises ServiceError and SelectionError."""
        where: Where = wanted.where
        named = all(pool.subscription for pool in where.pools)
        account, subscription = sign_in(where.sign_in, reach, named)

        def connect(chosen: str) -> arm.ArmClient:
            return arm.ArmClient(account, chosen, reach.user_agent, reach.clock, reach.lives, tell=reach.tell)

        pools = {pool.place: replace(pool, subscription=pool.subscription or subscription) for pool in where.pools}
        if len({pool.place for pool in pools.values()}) < len(pools):
            raise SelectionError(
                "hosts names a host pool with its subscription_id and without it: give it in all rows."
            )
        return WvdHosts(pools, connect)


SESSION_HOSTS = SessionHosts()
