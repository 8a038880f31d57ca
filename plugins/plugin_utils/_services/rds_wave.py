# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session hosts of a maintenance window on Remote Desktop Services, and their sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar

from .._sessions.errors import ServiceError
from .._sessions.host_setting import Desired, HostReport, set_hosts
from .._sessions.selection import Selection
from .._sessions.service import Event, Notes
from .._sessions.session import Key, Session, fold
from .._sessions.session_host import HostName, HostRead, SessionHost, find_hosts, read_each
from .._sessions.verbs import Operation, Verb
from .._sessions.waiting import Opened
from .host_place import WantedHosts
from .obstacles import Obstacles
from .place import Reach
from .rds import DEPLOYMENT, RdsCmdlets, check_broker, check_collections
from .rds_given_hosts import read_hosts
from .rds_host_place import SESSION_HOSTS, Where
from .rds_host_rows import STATE, name_host
from .rds_hosts import RdsHosts
from .windows import Wanted

T = TypeVar("T")


class Broker(Protocol):
    """A Windows host that the cmdlets run on."""

    def open(self) -> AbstractContextManager[Reach]:
        """Reach it over a connection of its own, which is closed in the end."""


class RdsWave:
    """Hosts of one deployment, seen from the first of some connection brokers that answers."""

    closed_state, open_state = "no", "yes"

    def __init__(
        self,
        brokers: Sequence[Broker],
        broker: str | None,
        collections: Sequence[str] | None,
        trouble: tuple[type[Exception], ...],
    ) -> None:
        """`broker` is the cmdlets' own parameter, as `collections` are; `trouble` may pass by itself, or elsewhere.

        Raises SelectionError.
        """
        check_broker(broker)
        check_collections(collections or ())
        self.trouble: tuple[type[Exception], ...] = (ServiceError, *trouble)
        self._brokers, self._turn = list(brokers), 0
        self._broker, self._collections = broker, collections

    def find_obstacles(self, _verbs: Collection[Verb], _tolerated: Collection[str]) -> Obstacles:
        """Find none: no cmdlet tells what else works on the hosts, nor which rights somebody has."""
        return Obstacles()

    def name(self, _place: object, host: str) -> HostName:
        """Name a host."""
        return name_host(self._broker, None, host)

    def names(self, rows: Sequence[Mapping[str, Any]]) -> list[HostName]:
        """Name the hosts of rows, in their order."""
        return [name_host(self._broker, row.get("collection_name") or None, str(row["host"])) for row in rows]

    def read(self, names: Sequence[HostName], waits: bool = True) -> list[HostRead]:
        """Read hosts, which are all late or none."""
        del waits
        wanted = WantedHosts(Where(self._broker, self._collections), names, Desired())

        def read(hosts: RdsHosts, _reach: Reach) -> list[HostRead]:
            answers = read_each(hosts, names)
            errors = [answer.error for answer in answers if answer.error is not None]
            if errors and len(errors) == len(answers):
                raise errors[0]
            return answers

        return self._with_hosts(wanted, read)

    def list_hosts(self) -> list[SessionHost]:
        """Read all hosts of the collections."""
        wanted = WantedHosts(Where(self._broker, self._collections), None)
        return self._with_hosts(wanted, lambda hosts, _reach: find_hosts(hosts, None))

    def set(self, rows: Sequence[Mapping[str, Any]], seconds: float, check_mode: bool = False) -> HostReport:
        """Give hosts the states of their rows, and read them back."""
        # Rows may be of before a failover: which broker is asked is said by the window, not by them.
        own = [{**row, "connection_broker": self._broker or ""} for row in rows]
        read = read_hosts(own, self._broker, None)
        names = [named for _broker, named, _state in read]
        desired = Desired(states={named.key: state for _broker, named, state in read}, restores=True)
        wanted = WantedHosts(Where(self._broker, self._collections), names, desired)

        def set_all(hosts: RdsHosts, reach: Reach) -> HostReport:
            report = set_hosts(hosts, names, desired, check_mode, seconds, reach.clock, reach.lives)
            if hosts.notes().lost is not None:
                self._next()
            return report

        return self._with_hosts(wanted, set_all)

    def row(self, host: SessionHost, state: object) -> dict[str, Any]:
        """Make the row that gives a host a state."""
        return {**host.fields, STATE: state}

    def open_sessions(self, operation: Operation | None, selection: Selection) -> Opened:
        """Reach the sessions of the deployment; when that was in vain, from the next broker the next time."""
        wanted = Wanted(RdsCmdlets(self._broker, self._collections), selection)
        try:
            with ExitStack() as closing:
                service, selection = DEPLOYMENT.open(wanted, operation, closing.enter_context(self._reach()))
                kept = closing.pop_all()
        except BaseException:
            self._next()
            raise
        return Opened(_Sessions(service, kept, self._next, self.trouble), selection)

    def key(self, host: SessionHost) -> tuple[str, str]:
        """Return the place of a host as sessions have it, and its name without case."""
        return (host.place, fold(host.name))

    def unusable(self, _host: SessionHost) -> str:
        """Say nothing: no cmdlet tells whether a host is on."""
        return ""

    def count(self, _host: SessionHost) -> int:
        """Return 0: there is no count beside the list."""
        return 0

    def is_healthy(self, _host: SessionHost, _since: datetime) -> bool:
        """Take it for healthy: no cmdlet tells."""
        return True

    def _with_hosts(self, wanted: WantedHosts, do: Callable[[RdsHosts, Reach], T]) -> T:
        """Do something with the session hosts, seen from each broker in turn until it succeeds."""
        for left in reversed(range(len(self._brokers))):
            try:
                with ExitStack() as closing:
                    reach = closing.enter_context(self._reach())
                    hosts = SESSION_HOSTS.open(wanted, reach)
                    closing.callback(self._close, hosts)
                    return do(hosts, reach)
            except self.trouble:  # noqa: PERF203
                self._next()
                if not left:
                    raise
        raise AssertionError("there is a broker at least")

    def _close(self, hosts: RdsHosts) -> None:
        """Close them; what was done is done, so trouble now is no reason to do it over another broker, too."""
        with suppress(*self.trouble):
            hosts.close()

    def _reach(self) -> AbstractContextManager[Reach]:
        return self._brokers[self._turn].open()

    def _next(self) -> None:
        self._turn = (self._turn + 1) % len(self._brokers)


class _Sessions:
    """The sessions of the deployment over a connection that is closed with them."""

    def __init__(
        self, service: Any, closing: ExitStack, failed: Callable[[], None], trouble: tuple[type[Exception], ...]
    ) -> None:
        self._service, self._closing, self._failed, self._trouble = service, closing, failed, trouble
        self.proves_itself: bool = service.proves_itself
        self.disconnected: str = service.disconnected

    def list_sessions(self, named: Sequence[Key] = ()) -> list[Session]:
        try:
            return list(self._service.list_sessions(named))
        except self._trouble:
            self._failed()
            raise

    def require_host(self, host: str) -> None:
        self._service.require_host(host)

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        self._service.begin_listing(sessions)

    def begin_act(self, session: Session, send_before: float) -> None:
        self._service.begin_act(session, send_before)

    def pause(self) -> float:
        return float(self._service.pause())

    def wait(self, seconds: float) -> list[Event]:
        return list(self._service.wait(seconds))

    def notes(self) -> Notes:
        notes: Notes = self._service.notes()
        return notes

    def close(self) -> None:
        try:
            self._service.close()
        finally:
            self._closing.close()
