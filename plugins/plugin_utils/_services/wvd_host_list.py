# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All session hosts of many host pools of Azure Virtual Desktop at once, for an inventory."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from .._sessions.errors import ServiceError
from .._sessions.session import fold
from .._transports import resource_graph
from .._transports.arm import ArmClient, Raw
from .._transports.arm_pipeline import CONNECTIONS
from .._transports.azure_sign_in import SOURCE_VARIABLE, VARIABLES
from .place import Options, Reach
from .wvd_account import sign_in
from .wvd_host_rows import read_host
from .wvd_names import POOL_FIELDS, HostPool
from .wvd_pool_patterns import PoolPattern
from .wvd_threads import Threads

SERVICE, RESOURCE_GRAPH = "service", "resource_graph"
"""Where session hosts are read: a list of each host pool, or Azure's copy of all of them."""
IDENTITY = ("subscription_id", "profile", "tenant", "client_id", "ad_user", "cloud_environment")
"""Options of the sign-in, none of them secret, that say whose host pools are listed."""
ADVICE = (
    "Try again then, raise list_timeout, set source to resource_graph, which has no such limit, or set cache to true."
)

LEFT_OUT = frozenset(("session_host_health_check_results",))
"""Fields of a session host's row that an inventory does without: half of the memory of 20,000 hosts."""

T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedHosts:
    """What was listed, as plain data: rows of host pools, and of session hosts (see LEFT_OUT)."""

    pools: list[Row]
    hosts: list[Row]


def list_session_hosts(
    options: Options, patterns: Sequence[PoolPattern], source: str, seconds: float, reach: Reach
) -> ListedHosts:
    """Sign in by the `options`, and list all session hosts of the pools that are meant, or raise ServiceError.

    Azure's limit on lists of session hosts is waited for at most so many seconds in all.
    """
    account, own_subscription = sign_in(options, reach, all(pattern.subscription for pattern in patterns))
    stopped = threading.Event()

    def connect(subscription: str) -> ArmClient:
        lives: Callable[[], bool] = lambda: reach.lives() and not stopped.is_set()  # noqa: E731
        return ArmClient(account, subscription, reach.user_agent, reach.clock, lives, reach.sleep, reach.tell)

    lister = HostLister(connect, own_subscription, reach.clock() + seconds, stopped)
    try:
        pools = lister.find_pools(patterns)
        if source == SERVICE:
            return lister.list_hosts(pools)
        subscriptions = sorted({fold(pool.subscription) for pool, _kind in pools.values()})
        pages = resource_graph.read_session_hosts(account, subscriptions, reach.user_agent, reach.clock, reach.sleep)
        return lister.list_hosts(pools, pages)
    finally:
        lister.close()


class HostLister:
    """Lists many host pools, several at a time, over one client a subscription. One failure ends it all."""

    def __init__(
        self, connect: Callable[[str], ArmClient], subscription: str, until: float, stopped: threading.Event
    ) -> None:
        """`connect` makes the client of a subscription; `subscription` counts where a pattern has none.

        `until` is the clock reading to which Azure's limit on lists is waited for; `stopped` is set in the end.
        """
        self._connect, self._own_subscription = connect, subscription
        self._until, self._stopped = until, stopped
        self._clients: dict[str, ArmClient] = {}
        self._workers: Threads[tuple[int, Any, Exception | None]] = Threads(CONNECTIONS)

    def find_pools(self, patterns: Sequence[PoolPattern]) -> dict[str, tuple[HostPool, str]]:
        """Find the host pools that are meant, spelled as Azure does: each with its type, by its place.

        A pattern that finds none is an error: it may be a right that lacks. Raises ServiceError.
        """
        found: dict[str, tuple[HostPool, str]] = {}
        reads: dict[tuple[str, str, str], Callable[[], list[tuple[HostPool, str]]]] = {}
        keys = []
        for pattern in patterns:
            subscription = fold(pattern.subscription or self._own_subscription)
            group = pattern.resource_group if pattern.names_group else ""
            name = pattern.name if pattern.names_one else ""
            key = (subscription, fold(group), fold(name))
            read = partial(_read_pool, self._client(subscription), group, name) if name else None
            reads.setdefault(key, read or partial(_list_pools, self._client(subscription), group))
            keys.append(key)
        listed = dict(zip(reads, self._gather(list(reads.values())), strict=True))
        for pattern, key in zip(patterns, keys, strict=True):
            fitting = [one for one in listed[key] if pattern.names_one or pattern.fits(one[0])]
            if not fitting:
                raise ServiceError(
                    f"There is no {pattern}, or the account may not read it: check host_pools, subscription_id and the "
                    f"account's roles. It sees {len(listed[key])} host pools there."
                )
            found.update({pool.place: (pool, kind) for pool, kind in fitting})
        return {place: found[place] for place in sorted(found)}

    def list_hosts(
        self, pools: Mapping[str, tuple[HostPool, str]], graph: Iterator[list[Raw]] | None = None
    ) -> ListedHosts:
        """List the hosts of pools, sorted by pool and name. Raises ServiceError.

        `graph` are rows of Azure Resource Graph for whole subscriptions. That leaves out what the account may not read,
        so a pool of which it shows nothing is listed by the service.
        """
        hosts: dict[str, dict[str, Row]] = {place: {} for place in pools}
        for rows in graph or ():
            for row in rows:
                place = _place_of(row)
                if place in hosts:
                    hosts[place].update([_read_row(*pools[place], row)])
        empty = [place for place, found in hosts.items() if not found]
        lists = self._gather([partial(self._list, *pools[place]) for place in empty])
        hosts.update(zip(empty, lists, strict=True))
        return ListedHosts(
            [_pool_row(pool, kind) for pool, kind in pools.values()],
            [found[name] for found in hosts.values() for name in sorted(found)],
        )

    def close(self) -> None:
        """Send nothing more, and close the connections."""
        self._stopped.set()
        self._workers.close()
        for client in self._clients.values():
            client.close()

    def _client(self, subscription: str) -> ArmClient:
        if subscription not in self._clients:
            self._clients[subscription] = self._connect(subscription)
        return self._clients[subscription]

    def _list(self, pool: HostPool, kind: str) -> dict[str, Row]:
        client = self._client(fold(pool.subscription))
        # A host may slide to a page that is read later, and is still one host.
        return dict(
            _read_row(pool, kind, row)
            for rows, _sent_at in client.host_pages(pool.resource_group, pool.name, self._until, ADVICE)
            for row in rows
        )

    def _gather(self, jobs: Sequence[Callable[[], T]]) -> list[T]:
        """Do the jobs, several at a time, and return what each returned; the first error counts."""
        for number, job in enumerate(jobs):
            self._workers.act(partial(self._do, number, job))
        results: dict[int, T] = {}
        while len(results) < len(jobs):
            for number, result, error in self._workers.wait(1.0):
                if error is not None:
                    raise error
                results[number] = result
        return [results[number] for number in range(len(jobs))]

    def _do(self, number: int, job: Callable[[], object]) -> None:
        if self._stopped.is_set():
            return
        try:
            answer: tuple[int, Any, Exception | None] = (number, job(), None)
        except ServiceError as error:
            answer = (number, None, error)
        except Exception as error:
            answer = (number, None, ServiceError(f"The session hosts could not be listed: {error!r}"))
        self._workers.answer(answer)


def fingerprint(options: Options, patterns: Sequence[PoolPattern], source: str, environment: Mapping[str, str]) -> str:
    """Return a text that differs when something else would be listed. It has no secret in it."""
    identity = [
        str(options.get(name) or next(filter(None, map(environment.get, VARIABLES[name])), "")) for name in IDENTITY
    ]
    how = str(options.get("auth_source") or environment.get(SOURCE_VARIABLE, ""))  # another one signs somebody else in
    asked = [source, how, identity, [str(pattern) for pattern in patterns]]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _read_pool(client: ArmClient, group: str, name: str) -> list[tuple[HostPool, str]]:
    return [_pool_of(client.pool(group, name))]


def _list_pools(client: ArmClient, group: str) -> list[tuple[HostPool, str]]:
    return [_pool_of(row) for rows, _sent_at in client.pool_pages(group) for row in rows]


def _pool_of(row: Raw) -> tuple[HostPool, str]:
    """Read a host pool as ARM answers with it: its names, and `Pooled` or `Personal`."""
    try:
        parts, kind = str(row["id"]).split("/"), str(row["properties"]["hostPoolType"])
    except (KeyError, TypeError) as error:
        raise ServiceError(f"Azure listed something else than a host pool: {row!r:.200}") from error
    if len(parts) != 9 or parts[7].lower() != "hostpools" or not all(parts[2::2]):
        raise ServiceError(f"Azure listed something else than a host pool: {row!r:.200}")
    return HostPool(parts[2], parts[4], parts[8]), kind


def _place_of(row: Any) -> str:
    """Return the place of a row's host pool, or an empty text when it does not say it."""
    parts = str(row.get("id")).split("/") if isinstance(row, Mapping) else []
    return HostPool(parts[2], parts[4], parts[8]).place if len(parts) > 8 else ""


def _read_row(pool: HostPool, kind: str, row: Raw) -> tuple[str, Row]:
    host = read_host(pool.place, pool, row)
    fields = {name: value for name, value in host.fields.items() if name not in LEFT_OUT}
    # Most texts are those of thousands of other hosts, too: versions, states, nothing at all.
    shared = {name: sys.intern(value) if isinstance(value, str) else value for name, value in fields.items()}
    return fold(host.name), {**shared, **_pool_row(pool, kind)}


def _pool_row(pool: HostPool, kind: str) -> Row:
    names = (pool.subscription, pool.resource_group, pool.name)
    return {**dict(zip(POOL_FIELDS, names, strict=True)), "host_pool_type": kind}
