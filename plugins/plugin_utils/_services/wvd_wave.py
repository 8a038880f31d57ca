# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session hosts of a maintenance window on Azure Virtual Desktop, and their sessions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from .._sessions.errors import SelectionError, ServiceError
from .._sessions.host_setting import Desired, HostReport, set_hosts
from .._sessions.selection import Selection
from .._sessions.session import fold
from .._sessions.session_host import HostName, HostRead, SessionHost, read_each
from .._sessions.times import in_utc, read_time
from .._sessions.verbs import LOG_OFF, Operation, Verb
from .._sessions.waiting import Opened
from .._transports.arm import Account, ArmClient
from .._transports.arm_reads import ArmReader
from .obstacles import Obstacles
from .place import Options, Reach
from .wvd import WvdService
from .wvd_account import sign_in
from .wvd_given_hosts import name_host, read_hosts
from .wvd_hosts import WvdHosts
from .wvd_names import POOL_FIELDS, HostPool
from .wvd_obstacles import find_obstacles

SERVING = frozenset(("available", "needsassistance"))
"""Statuses of hosts that serve users; Azure has a dozen, and may add others."""


class WvdWave:
    """Hosts of some host pools. Signed in once, without a request."""

    closed_state, open_state = False, True
    trouble: tuple[type[Exception], ...] = (ServiceError,)

    def __init__(self, options: Options, places: Sequence[Mapping[str, Any]], reach: Reach) -> None:
        """`options` are those of the sign-in; `places` say the pools of the window.

        Raises ServiceError, and SelectionError when a place does not say where it is.
        """
        self._reach = reach
        given = [_pool(place) for place in places]
        self._account: Account
        self._account, self._subscription = sign_in(options, reach, all(pool.subscription for pool in given))
        self._pools = {pool.place: pool for pool in map(self._resolved, given)}

    def name(self, place: Mapping[str, Any], host: str) -> HostName:
        """Name a host. Raises SelectionError."""
        return name_host(self._resolved(_pool(place)), host)

    def names(self, rows: Sequence[Mapping[str, Any]]) -> list[HostName]:
        """Name the hosts of rows, in their order."""
        return [name_host(self._resolved(_pool(row)), str(row["host"])) for row in rows]

    def read(self, names: Sequence[HostName], waits: bool = True) -> list[HostRead]:
        """Read hosts, each by itself; unless it `waits`, late ones have an error."""
        hosts = self._open_hosts(self._pools_of(names))
        try:
            return read_each(hosts, names, None if waits else self._reach.clock)
        finally:
            hosts.close()

    def list_hosts(self) -> list[SessionHost]:
        """Read all hosts of the pools. Raises ServiceError."""
        hosts = self._open_hosts(list(self._pools.values()))
        try:
            return hosts.list_hosts()
        finally:
            hosts.close()

    def set(self, rows: Sequence[Mapping[str, Any]], seconds: float, check_mode: bool = False) -> HostReport:
        """Give hosts the states of their rows, and read them back."""
        read = read_hosts(list(rows), dict.fromkeys(POOL_FIELDS, ""))
        names = [named for _pool, named, _state in read]
        desired = Desired(states={named.key: state for _pool, named, state in read}, restores=True)
        hosts = self._open_hosts([pool for pool, _named, _state in read])
        try:
            return set_hosts(hosts, names, desired, check_mode, seconds, self._reach.clock, self._reach.lives)
        finally:
            hosts.close()

    def row(self, host: SessionHost, state: object) -> dict[str, Any]:
        """Make the row that gives a host a state."""
        return {**host.fields, "allow_new_session": state}

    def open_sessions(self, operation: Operation | None, selection: Selection) -> Opened:
        """Reach the sessions of the pools."""
        if operation is not None:
            # By force Azure forgets a session although its host does not answer, so the host would pass for empty.
            more = {"force": False} if operation.verb is LOG_OFF else {}
            operation = replace(operation, arguments={**operation.arguments, **more})
        return Opened(WvdService(self._pools.values(), self._connect, operation), selection)

    def key(self, host: SessionHost) -> tuple[str, str]:
        """Return the place of a host as sessions have it, and its name without case."""
        return (host.place, fold(host.name))

    def unusable(self, host: SessionHost) -> str:
        """Say why a host serves nobody."""
        status = str(host.fields["status"])
        return "" if fold(status) in SERVING else f"its status is {status or 'not known'}"

    def count(self, host: SessionHost) -> int:
        """Return how many sessions the host has by Azure's own count."""
        said = host.fields["sessions"]
        return said if isinstance(said, int) else 0

    def is_healthy(self, host: SessionHost, since: datetime) -> bool:
        """Tell whether the host's agent has been heard of since a time: a status alone may be an old one."""
        heard = in_utc(read_time(str(host.fields["last_heartbeat"])))
        return not self.unusable(host) and heard is not None and heard > since

    def find_obstacles(self, verbs: Collection[Verb], tolerated: Collection[str]) -> Obstacles:
        """Ask what stands against closing hosts of the pools and doing `verbs` to their sessions."""
        reader = ArmReader(self._account, self._reach.user_agent, self._reach.clock)
        try:
            return find_obstacles(reader, list(self._pools.values()), verbs, tolerated)
        finally:
            reader.close()

    def _resolved(self, pool: HostPool) -> HostPool:
        return replace(pool, subscription=pool.subscription or self._subscription)

    def _pools_of(self, names: Sequence[HostName]) -> list[HostPool]:
        return list({(pool := _pool(one.fields)).place: pool for one in names}.values())

    def _open_hosts(self, pools: Sequence[HostPool]) -> WvdHosts:
        return WvdHosts({pool.place: pool for pool in map(self._resolved, pools)}, self._connect)

    def _connect(self, subscription: str) -> ArmClient:
        reach = self._reach
        return ArmClient(self._account, subscription, reach.user_agent, reach.clock, reach.lives, tell=reach.tell)


def _pool(place: Mapping[str, Any]) -> HostPool:
    pool = HostPool(*(str(place.get(name) or "").strip() for name in POOL_FIELDS))
    for name, said in (("resource_group_name", pool.resource_group), ("host_pool_name", pool.name)):
        if not said:
            raise SelectionError(f"The place of the window has no {name}: it says where the session hosts are.")
    return pool
