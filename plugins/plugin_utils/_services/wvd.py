# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Virtual Desktop: the user sessions of host pools, over Azure Resource Manager."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from .._sessions.errors import SelectionError, ServiceError
from .._sessions.service import Event, Listed, ListingFailed, Notes, Replied, Reply
from .._sessions.session import Key, Session, fold
from .._sessions.times import in_utc, read_time
from .._sessions.verbs import DISCONNECT, LOG_OFF, MESSAGE, Operation, Verb
from .._transports.arm import ArmClient
from .._transports.arm_pipeline import CONNECTIONS
from .._transports.pacing import Pacing
from .settled_list import READINGS, read_until_settled
from .wvd_names import FORM, HostPool, split_resource_id
from .wvd_threads import Threads

REQUESTS: dict[Verb, tuple[str, str]] = {
    DISCONNECT: ("disconnect", "writes"),
    LOG_OFF: ("log_off", "deletes"),
    MESSAGE: ("send_message", "writes"),
}
"""Method of the client, and its bucket, for each verb that the service has."""
MOST_SINGLES = 250
"""Sessions that one listing asks for by themselves at most: ARM's whole bucket of reads."""


class WvdService:
    """The sessions of some host pools. Acts and listings run beside the engine, over one client a subscription."""

    proves_itself = False
    disconnected = "Disconnected"

    def __init__(
        self,
        pools: Iterable[HostPool],
        connect: Callable[[str], ArmClient],
        operation: Operation | None = None,
        workers: Threads[Event] | None = None,
    ) -> None:
        """`connect` makes the client of a subscription (its id, folded); `workers` do requests, by default in threads.

        Without an `operation` it only lists.
        """
        self._pools = {pool.place: pool for pool in pools}
        self._clients = {subscription: connect(subscription) for subscription in _subscriptions(self._pools.values())}
        self._request, self._bucket = REQUESTS[operation.verb] if operation is not None else ("", "writes")
        self._operation = operation
        self._warnings: list[str] = []
        self._page_counts: dict[str, int] = {}
        self._workers: Threads[Event] = Threads(CONNECTIONS) if workers is None else workers
        self._acting = 0

    def notes(self) -> Notes:
        """Tell what there is to tell by now."""
        return Notes(self._warnings)

    # Reading

    def list_sessions(self, named: Sequence[Key] = ()) -> list[Session]:
        """Read all sessions of the pools, and those of `named` that a list may have missed. Raises ServiceError."""
        sessions: list[Session] = []
        for pool in self._pools.values():
            listed = read_until_settled(partial(self._read, pool))
            self._page_counts[pool.place] = listed.pages
            sessions += listed.sessions
            asked = [(host, id_) for place, host, id_ in named if place == pool.place]
            if listed.pages > 1 and asked:
                sessions += self._find_missing(pool, asked, listed.sessions)
            elif not listed.settled:
                self._warnings.append(
                    f"The list of host pool {pool.name} takes several pages and changed in each of {READINGS} "
                    "readings, so a session may be missing from it: run the task again to be sure."
                )
        return sessions

    def require_host(self, host: str) -> None:
        """Raise ServiceError unless one of the pools has the host."""
        for pool in self._pools.values():
            if self._client(pool).has_host(pool.resource_group, pool.name, host):
                return
        names = ", ".join(pool.name for pool in self._pools.values())
        raise ServiceError(f"The host pool {names} has no session host {host}: check session_host_name.")

    def _read(self, pool: HostPool, host: str = "") -> Iterator[list[Session]]:
        for rows, sent_at in self._client(pool).pages(pool.resource_group, pool.name, host):
            yield [read_session(pool, row, sent_at) for row in rows]

    def _find_missing(
        self, pool: HostPool, named: Iterable[tuple[str, str]], listed: Iterable[Session]
    ) -> Iterator[Session]:
        """Ask for each named session (host and id) that is not listed; where the list has the host, by its spelling."""
        present: set[tuple[str, str]] = set()
        spellings: dict[str, str] = {}
        for session in listed:
            host = fold(session.host)
            present.add((host, session.id))
            spellings[host] = session.host
        for given, id_ in named:
            host = fold(given)
            if (host, id_) not in present:
                present.add((host, id_))
                found = self._find(pool, spellings.get(host, given), id_)
                if found is not None:
                    yield found

    def _find(self, pool: HostPool, host: str, id_: str) -> Session | None:
        found = self._client(pool).session(pool.resource_group, pool.name, host, id_)
        return None if found is None else read_session(pool, *found)

    def _client(self, pool: HostPool) -> ArmClient:
        return self._clients[fold(pool.subscription)]

    # The engine's calls

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        """Read again where the sessions are: host by host, unless the whole pool takes fewer requests."""
        self._workers.read(partial(self._list_again, list(sessions)))

    def begin_act(self, session: Session, send_before: float) -> None:
        """Send the act on a session."""
        self._acting += 1
        self._workers.act(partial(self._send, session, send_before))

    def pause(self) -> float:
        """Wait for the slowest subscription's budget, or without end while all connections are in use."""
        if self._acting >= CONNECTIONS:
            return math.inf
        buckets: list[Pacing] = [getattr(client, self._bucket) for client in self._clients.values()]
        return max(bucket.pause() for bucket in buckets)

    def wait(self, seconds: float) -> list[Event]:
        """Return what has been answered; wait for the first answer at most that long."""
        events = self._workers.wait(seconds)
        self._acting -= sum(isinstance(event, Replied) for event in events)
        return events

    def close(self) -> None:
        """Begin nothing more, and close the connections."""
        self._workers.close()
        for client in self._clients.values():
            client.close()

    # The workers' jobs

    def _list_again(self, sessions: Sequence[Session]) -> None:
        unproven: set[Key] = set()
        singles = MOST_SINGLES
        try:
            for place in dict.fromkeys(session.place for session in sessions):
                pool = self._pools[place]
                asked = [session for session in sessions if session.place == place]
                hosts = list(dict.fromkeys(session.host for session in asked))
                whole = len(hosts) > self._page_counts.get(place, 1)
                for host in [""] if whole else hosts:
                    here = [session for session in asked if whole or session.host == host]
                    pages, missing = self._list_where(pool, host, here)
                    if whole:
                        self._page_counts[place] = pages
                    if pages > 1:
                        self._show_each(pool, missing[:singles])
                        unproven.update(session.key for session in missing[singles:])
                        singles = max(0, singles - len(missing))
        except ServiceError as error:
            self._workers.answer(ListingFailed(error))
        except Exception as error:
            self._workers.answer(ListingFailed(ServiceError(f"The list could not be read: {error!r}")))
        else:
            self._workers.answer(Listed((), last=True, unproven=frozenset(unproven)))

    def _list_where(self, pool: HostPool, host: str, asked: Iterable[Session]) -> tuple[int, list[Session]]:
        """Read a host's list or the pool's. Return how many pages there are, and which sessions they do not show."""
        missing = {session.key: session for session in asked}
        pages = 0
        for page in self._read(pool, host):
            pages += 1
            self._workers.answer(Listed(page, last=False))
            for session in page:
                missing.pop(session.key, None)
        return max(1, pages), list(missing.values())

    def _show_each(self, pool: HostPool, sessions: Iterable[Session]) -> None:
        """Ask for sessions one by one: each may have slid to a page that had been read before."""
        for session in sessions:
            found = self._find(pool, session.host, session.id)
            if found is not None:
                self._workers.answer(Listed([found], last=False))

    def _send(self, session: Session, send_before: float) -> None:
        listed = session.fields
        try:
            names = str(listed["resource_group_name"]), str(listed["host_pool_name"]), session.host, session.id
            request = getattr(self._client(self._pools[session.place]), self._request)
            arguments = self._operation.arguments_for(session) if self._operation is not None else {}
            reply, reason = request(names, send_before, **arguments)
        except Exception as error:
            reply, reason = Reply.UNCLEAR, repr(error)
        self._workers.answer(Replied(session, reply, reason))


def _subscriptions(pools: Iterable[HostPool]) -> list[str]:
    return list(dict.fromkeys(fold(pool.subscription) for pool in pools))


def read_session(pool: HostPool, row: Mapping[str, Any], read_at: float) -> Session:
    """Read a row of ARM's list of user sessions. Raises ServiceError when it does not say which session it is.

    Written for lists of 50,000: what all rows of a pool share is read once. `read_at` is as in a `Session`.
    """
    try:
        return _read_session(pool, row, read_at)
    except SelectionError as error:
        raise ServiceError(f"Azure listed a session of {pool.name} without a usable resource id: {error}") from error
    except (AttributeError, TypeError) as error:
        raise ServiceError(f"Azure listed something else than a session of {pool.name}: {row!r:.200}") from error


def _read_session(pool: HostPool, row: Mapping[str, Any], read_at: float) -> Session:
    resource_id = row.get("id")
    subscription, resource_group, name, host, id_ = split_resource_id(str(resource_id))
    listed = row.get("properties") or {}
    principal = (listed.get("userPrincipalName") or "").strip()
    account = (listed.get("activeDirectoryUserName") or "").strip()
    state = listed.get("sessionState") or "Unknown"
    create_time = listed.get("createTime") or ""
    moment = read_time(create_time)
    created = in_utc(moment)
    owners = (principal, account) if principal and account else tuple(filter(None, (principal, account)))
    common_state = FORM.common_state(state)
    own = {
        "subscription_id": subscription,
        "resource_group_name": resource_group,
        "host_pool_name": name,
        "session_host_name": host,
        "id": id_,
        "user_principal_name": principal,
        "active_directory_user_name": account,
        "session_state": state,
        "application_type": listed.get("applicationType") or "",
        "create_time": create_time if moment is None or moment.tzinfo else f"{create_time}Z",
        "object_id": listed.get("objectId") or "",
        "resource_id": resource_id,
    }
    row = FORM.row(own, host, id_, principal or account, common_state)
    return Session(pool.place, host, id_, owners, state, created, read_at, row, common_state)
