# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host pools of Azure Virtual Desktop that a task is about, and the sign-in to Azure before they are reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .._sessions.errors import SelectionError
from .._sessions.selection import Filters, NamedSession, Selection
from .._sessions.verbs import Operation
from .._transports import arm
from .._transports.azure_sign_in import SIGN_IN
from .message_texts import TEXTS, check_texts
from .place import Options, Place, Reach, Spec
from .wvd import WvdService
from .wvd_account import sign_in
from .wvd_names import FORM, POOL_FIELDS, HostPool, read_named

STATES = ("Active", "Disconnected", "Pending", "LogOff", "UserProfileDiskMounted", "Unknown")
"""Session states of the service; it may add others."""
WHERE: Spec = {
    "resource_group_name": {"type": "str", "aliases": ["resource_group"]},
    "host_pool_name": {"type": "str"},
    "session_host_name": {"type": "str"},
    **SIGN_IN,
}
WHICH: Spec = {
    "id": {"type": "list", "elements": "str", "aliases": ["user_session_id"]},
    "input_object": {"type": "raw"},
}
"""Options that name sessions."""
ONE_POOL: Spec = {name: {**WHERE[name], "required": True} for name in ("resource_group_name", "host_pool_name")}
"""Options of a module that takes no rows, which could name the pool."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task is about. Where nothing says a subscription, it is empty."""

    sign_in: Options = field(repr=False)
    pools: Sequence[HostPool]
    named: tuple[NamedSession, ...] | None
    filters: Filters

    def in_subscription(self, subscription: str) -> tuple[list[HostPool], Selection]:
        """Return which pools and sessions are meant; the subscription counts where nothing else says one."""
        places = {pool.place: replace(pool, subscription=pool.subscription or subscription) for pool in self.pools}
        named = self.named
        if named is not None:
            named = tuple(
                replace(
                    one,
                    place=places[one.place].place,
                    fields={**one.fields, "subscription_id": places[one.place].subscription},
                )
                for one in named
            )
        return list({pool.place: pool for pool in places.values()}.values()), Selection(named, self.filters)


class HostPools(Place):
    """One host pool, or those of the rows that are given."""

    title = "Azure Virtual Desktop"
    form = FORM
    where = WHERE
    rows = ("input_object", "sessions")
    host_option = "session_host_name"
    states = STATES
    may_be_empty = frozenset({*SIGN_IN, *TEXTS}) - {"subscription_id", "profile"}
    needs_connection = False

    def check(self, options: Options, given: Sequence[str]) -> None:
        """Refuse a message without a text."""
        check_texts(options)

    def read(self, options: Options, filters: Filters) -> Wanted:
        """Read which sessions of which pools are meant."""
        defaults = {name: options[name] or "" for name in POOL_FIELDS}
        for option in self.rows:
            if options.get(option) is not None:
                rows = read_named(options[option], option, defaults)
                return Wanted(options, [pool for pool, _one in rows], tuple(one for _pool, one in rows), filters)
        for name in ("resource_group_name", "host_pool_name"):
            if not options[name]:
                raise SelectionError(f"{name} is missing: it says where the sessions are.")
        pool = HostPool(*(defaults[name] for name in POOL_FIELDS))
        named = None
        if options.get("id") is not None:
            ids = [FORM.ids.read(id_) for id_ in options["id"]]
            host = options["session_host_name"]
            named = tuple(FORM.name(pool.place, host, id_, {**defaults, "id": str(id_)}, missing="") for id_ in ids)
        return Wanted(options, [pool], named, filters)

    def open(self, wanted: Wanted, operation: Operation | None, reach: Reach) -> tuple[WvdService, Selection]:
        """Sign in. Raises ServiceError."""
        named = all(pool.subscription for pool in wanted.pools)
        account, subscription = sign_in(wanted.sign_in, reach, named)
        pools, selection = wanted.in_subscription(subscription)

        def connect(subscription: str) -> arm.ArmClient:
            return arm.ArmClient(account, subscription, reach.user_agent, reach.clock, reach.lives, tell=reach.tell)

        return WvdService(pools, connect, operation), selection


HOST_POOLS = HostPools()
