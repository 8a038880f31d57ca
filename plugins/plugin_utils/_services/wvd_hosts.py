# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Virtual Desktop: the session hosts of host pools, over Azure Resource Manager."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from .._sessions.errors import ServiceError
from .._sessions.host_setting import HostReplied
from .._sessions.service import Notes, Reply
from .._sessions.session import fold
from .._sessions.session_host import HostName, HostRead, SessionHost
from .._transports.arm import ArmClient
from .._transports.arm_pipeline import CONNECTIONS
from .wvd_host_rows import read_host
from .wvd_names import HostPool
from .wvd_threads import Threads


class WvdHosts:
    """The session hosts of some host pools, over one client a subscription."""

    title = "the host pool"
    reads_each = True
    unread: Sequence[HostRead] = ()

    def __init__(self, pools: Mapping[str, HostPool], connect: Callable[[str], ArmClient]) -> None:
        """`pools` are by place as names say it; `connect` makes the client of a subscription (its id, folded)."""
        self._pools = dict(pools)
        subscriptions = dict.fromkeys(fold(pool.subscription) for pool in self._pools.values())
        self._clients = {subscription: connect(subscription) for subscription in subscriptions}
        self._workers: Threads[HostRead | HostReplied] = Threads(CONNECTIONS)
        self._begun = 0

    def list_hosts(self) -> list[SessionHost]:
        """Read all hosts of the pools, sorted by pool and name. Raises ServiceError."""
        hosts: dict[tuple[str, str], SessionHost] = {}
        for place, pool in self._pools.items():
            for rows, _sent_at in self._client(pool).host_pages(pool.resource_group, pool.name):
                # A host may slide to a page that is read later, and is still one host.
                hosts.update({(place, fold(host.name)): host for host in (read_host(place, pool, row) for row in rows)})
        return [hosts[key] for key in sorted(hosts)]

    def begin_read(self, named: HostName, once_in: float | None = None) -> None:
        """Begin to read one host by itself."""
        self._begun += 1
        self._workers.act(partial(self._read, named, once_in))

    def begin_set(self, named: HostName, state: object, send_before: float, seconds: float) -> None:
        """Begin to let a host take new sessions, or none."""
        self._begun += 1
        self._workers.act(partial(self._set, named, state is True, send_before, seconds))

    def pause(self) -> float:
        """Wait for the slowest subscription's budget, or without end while all connections are in use."""
        if self._begun >= CONNECTIONS:
            return math.inf
        return max((client.writes.pause() for client in self._clients.values()), default=0.0)

    def wait(self, seconds: float) -> Sequence[HostRead | HostReplied]:
        """Return what has been answered; wait for the first answer at most that long."""
        events = self._workers.wait(seconds)
        self._begun -= len(events)
        return events

    def notes(self) -> Notes:
        """Tell nothing: what there is to say is in the reasons."""
        return Notes()

    def close(self) -> None:
        """Begin nothing more, and close the connections."""
        self._workers.close()
        for client in self._clients.values():
            client.close()

    def _client(self, pool: HostPool) -> ArmClient:
        return self._clients[fold(pool.subscription)]

    def _read(self, named: HostName, once_in: float | None) -> None:
        try:
            pool = self._pools[named.place]
            row = self._client(pool).host(pool.resource_group, pool.name, named.name, once_in)
            found = None if row is None else read_host(named.place, pool, row)
            if found is not None and fold(found.name) != fold(named.name):
                raise ServiceError(f"Azure answered with the session host {found.name} instead of {named.name}.")
            answer = HostRead(named, found)
        except ServiceError as error:
            answer = HostRead(named, None, error)
        except Exception as error:
            answer = HostRead(named, None, ServiceError(f"The host {named.name} could not be read: {error!r}"))
        self._workers.answer(answer)

    def _set(self, named: HostName, allow: bool, send_before: float, seconds: float) -> None:
        try:
            pool = self._pools[named.place]
            names = (pool.resource_group, pool.name, named.name)
            reply, reason = self._client(pool).set_host(names, allow, send_before, seconds)
        except Exception as error:
            reply, reason = Reply.UNCLEAR, repr(error)
        self._workers.answer(HostReplied(named, reply, reason))
