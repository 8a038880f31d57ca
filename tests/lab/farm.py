# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm: the one state behind every door of the lab.

What a door reads (`Pool`, `Host`, `Session`) is frozen: a change puts a new object in the place of the old one, so a
list that was handed out never changes under its reader, and a door may cache what it rendered by object identity.
`Farm` itself is the only thing that changes, and holds one lock; every public method may be called from any thread.

Every change is written to an append-only audit with the owner of the session at that very moment: it is how a test
proves that nobody but the chosen user was touched.

    farm = Farm()
    farm.replace(contents)                              # see definition.py for reading YAML
    pool = farm.pool("rds", "Desktops")      # names of pools: any case
    host = farm.host(pool, "RDSH-0.contoso.com", any_case=True)
    for session in farm.sessions(pool, host.name): ...
    farm.logoff(pool, host.name, 3, by=Caller("CONTOSO\\admin", "request-17"))

One pool is an AVD host pool, an RDS collection, a WVD classic host pool or a MultiPoint server (one pool, one host).
States are ARM's words (`Active`, `Disconnected`, `Pending`, ...) for every service; a door translates them.
"""

from __future__ import annotations

import dataclasses
import threading
import typing
import uuid
from datetime import datetime, timedelta, timezone

from .azure_resources import ScalingPlan, SessionHostUpdate
from .schedule import Schedule, Step, Waiting

Service = typing.Literal["wvd", "rds", "wms", "wvd_classic"]
SERVICES: tuple[Service, ...] = ("wvd", "rds", "wms", "wvd_classic")

Effect = typing.Literal["done", "none", "pending", "lost", "stuck"]
"""What a verb did: `done` now; `none`, it was so already; `pending`, follows after the effect delay (a second entry
says `done` or `none` then, or `lost` when the session had gone meanwhile); `stuck`, answered with success and never
happens. A step of the schedule is `lost` when it does not find what it needs."""

RUNNING = ("Available", "NeedsAssistance")
"""What Azure calls a host that takes orders."""

ACTIVE, DISCONNECTED = "Active", "Disconnected"


def utc_now() -> datetime:
    return datetime.now(timezone.utc)


def whole_10_ms(moment: datetime) -> datetime:
    """ARM shows create times with two fraction digits: keep no more, so that every door tells the same time."""
    return moment.replace(microsecond=moment.microsecond // 10_000 * 10_000)


def now_10_ms() -> datetime:
    return whole_10_ms(utc_now())


def iso(moment: datetime | None) -> str | None:
    """`2026-11-21T08:00:00.120000Z`, always six fraction digits."""
    return None if moment is None else moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def account_of(user: str, domain: str = "CONTOSO") -> str:
    """`alice@contoso.com` -> `CONTOSO\\alice`."""
    if not user:
        return ""
    name, _at, suffix = user.partition("@")
    return f"{suffix.partition('.')[0].upper() or domain}\\{name}"


class NotInFarmError(LookupError):
    """Base of the three below; `str()` is for people, a door writes its own service's text."""


class PoolNotFoundError(NotInFarmError):
    """No pool of that service and name."""

    def __init__(self, service: str, name: str) -> None:
        super().__init__(f"no {service} pool {name}")


class HostNotFoundError(NotInFarmError):
    """The pool has no host of that name (in that case)."""

    def __init__(self, pool: str, name: str) -> None:
        super().__init__(f"no host {name} in {pool}")


class SessionNotFoundError(NotInFarmError):
    """The host has no session of that id now."""

    def __init__(self, host: str, session_id: int) -> None:
        super().__init__(f"no session {session_id} on {host}")


class IdTakenError(ValueError):
    """A test wanted to add a session under an id in use; `give_id_to` is the verb for that."""

    def __init__(self, host: str, session_id: int) -> None:
        super().__init__(f"{host} has a session {session_id} already")


@dataclasses.dataclass(frozen=True)
class Caller:
    """Who asked for a change, for the audit."""

    name: str
    request_id: str = ""


LAB = Caller("lab")


@dataclasses.dataclass(frozen=True)
class Principal:
    """Somebody who may sign in: a service principal of Entra and, by `user_name`, a user or Windows account.

    `rights` are shell patterns of ARM actions, compared without case (`*`, `*/read`). Secrets are not kept here.
    """

    name: str
    rights: tuple[str, ...] = ("*",)
    user_name: str = ""
    subscriptions: tuple[str, ...] = ()  # empty: all


@dataclasses.dataclass(frozen=True)
class Subscription:
    id: str
    name: str
    resource_groups: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Pool:
    """Where sessions live. The fields after `name` say where the pool is; which ones count depends on the service."""

    service: Service
    name: str
    subscription: str = ""  # wvd
    resource_group: str = ""  # wvd
    connection_broker: str = ""  # rds, fully qualified: the active one
    passive_brokers: tuple[str, ...] = ()  # rds, fully qualified
    tenant_group: str = ""  # wvd_classic
    tenant: str = ""  # wvd_classic
    location: str = "westeurope"
    generation: str = ""  # wms: "2012R2" or "2016"; free for the others
    scaling_plans: tuple[ScalingPlan, ...] = dataclasses.field(default=(), compare=False)  # wvd
    session_host_update: SessionHostUpdate | None = dataclasses.field(default=None, compare=False)  # wvd; None: no such
    personal: bool = False  # wvd: each host belongs to a user

    @property
    def key(self) -> tuple[str, ...]:
        """Identity in the farm, without case."""
        place = (self.subscription, self.resource_group, self.connection_broker, self.tenant_group, self.tenant)
        return tuple(part.lower() for part in (self.service, *place, self.name))


@dataclasses.dataclass(frozen=True)
class Host:
    """A session host. `status` other than `Available` means: cannot be reached.

    Its sessions are listed nevertheless. On Azure they are ghosts then: acts on them are answered with success and in
    vain, but for a forced log-off, which removes the record. (That force does is read from scripts; what a disconnect
    or a message gets is a guess.) The cmdlets of the other services find no such host.
    """

    name: str
    allow_new_session: bool = True
    new_connection_allowed: str = "Yes"  # rds: Yes, No or NotUntilReboot
    status: str = "Available"
    last_heart_beat: datetime = dataclasses.field(default_factory=utc_now)
    heart_beat_seconds: float = 1.0  # between two heartbeats while it runs; 0: it stays as it is
    agent_version: str = "1.0.11388.1600"
    os_version: str = "10.0.26100.4351"
    assigned_user: str = ""
    object_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    virtual_machine_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def short_name(self) -> str:
        """Computer name: the part before the first dot."""
        return self.name.partition(".")[0]

    @property
    def running(self) -> bool:
        return self.status in RUNNING

    def heart_beat(self, now: datetime) -> datetime:
        """The last heartbeat by now."""
        if not self.running or not self.heart_beat_seconds or now <= self.last_heart_beat:
            return self.last_heart_beat
        missed = (now - self.last_heart_beat).total_seconds() % self.heart_beat_seconds
        return now - timedelta(seconds=missed)


@dataclasses.dataclass(frozen=True, eq=False)
class Session:
    """A session as it is at one moment. Compared by identity, so usable as a cache key."""

    host: str
    id: int  # unique on its host only, and used again; RDS: the unified session id
    user: str  # user principal name; empty: the user cannot be read
    state: str = ACTIVE
    application: str = "Desktop"  # or RemoteApp
    create_time: datetime = dataclasses.field(default_factory=now_10_ms)  # aware, UTC, whole 10 ms
    disconnect_time: datetime | None = None  # aware, UTC
    idle_ms: int = 0
    object_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    ad_user_name: str = ""  # DOMAIN\name
    guest_id: int | None = None  # RDS: SessionId, where it differs from the unified id
    stuck: bool = False  # verbs succeed and nothing happens (Azure); a waiting call blocks (Windows)
    is_admin: bool = False  # MultiPoint
    place: int = 0  # position in the service's lists; the farm sets it

    @property
    def user_name(self) -> str:
        """Account name without domain."""
        return self.ad_user_name.rpartition("\\")[2] or self.user.partition("@")[0]

    @property
    def domain(self) -> str:
        """NetBIOS domain name."""
        return self.ad_user_name.partition("\\")[0] if "\\" in self.ad_user_name else ""


@dataclasses.dataclass
class Contents:
    """What a farm definition holds: hosts and sessions by the pool's key."""

    pools: list[Pool] = dataclasses.field(default_factory=list)
    hosts: dict[tuple[str, ...], list[Host]] = dataclasses.field(default_factory=dict)
    sessions: dict[tuple[str, ...], list[Session]] = dataclasses.field(default_factory=dict)
    subscriptions: list[Subscription] = dataclasses.field(default_factory=list)
    principals: list[Principal] = dataclasses.field(default_factory=list)


class AuditEntry(typing.TypedDict):
    """One change. `owner` is who held the session when it happened; None for changes of a host."""

    sequence: int
    time: str
    verb: str
    effect: Effect
    service: Service
    pool: str
    host: str
    id: int | None
    owner: dict[str, str] | None
    by: str
    request_id: str
    detail: dict[str, typing.Any]


@dataclasses.dataclass
class _Shelf:
    """The contents of one pool. Both session maps hold the same objects, ordered by `place`."""

    pool: Pool
    hosts: dict[str, Host] = dataclasses.field(default_factory=dict)
    sessions: dict[tuple[str, int], Session] = dataclasses.field(default_factory=dict)
    by_host: dict[str, dict[int, Session]] = dataclasses.field(default_factory=dict)
    journal: list[tuple[datetime, Session | None, Session | None]] = dataclasses.field(default_factory=list)


class Farm:
    """All pools, hosts, sessions and the audit. `effect_delay` and `list_lag` are seconds and may be set any time."""

    def __init__(self, clock: typing.Callable[[], datetime] = utc_now) -> None:
        self._clock = clock
        self.lock = threading.RLock()
        self.effect_delay = 0.0
        self.list_lag = 0.0
        self._empty()

    def _empty(self) -> None:
        self._shelves: dict[tuple[str, ...], _Shelf] = {}
        self._audit: list[AuditEntry] = []
        self._schedule = Schedule(self._clock)
        self._next_place = 1
        self._last_audit = datetime.min.replace(tzinfo=timezone.utc)
        self.subscriptions: list[Subscription] = []
        self.principals: dict[str, Principal] = {}

    def replace(self, contents: Contents) -> None:
        """Forget everything, audit included, and hold `contents`. The Farm object stays the same for the doors."""
        with self.lock:
            self._empty()
            self.subscriptions = list(contents.subscriptions)
            self.principals = {principal.name: principal for principal in contents.principals}
            for pool in contents.pools:
                shelf = self._shelves[pool.key] = _Shelf(pool)
                for host in contents.hosts.get(pool.key, []):
                    shelf.hosts[host.name] = host
                    shelf.by_host[host.name] = {}
                for session in contents.sessions.get(pool.key, []):
                    self._put(shelf, None, session, journal=False)

    # What doors read

    def pools(self, service: Service | None = None) -> list[Pool]:
        with self.lock:
            self._settle()
            return [shelf.pool for shelf in self._shelves.values() if service in (None, shelf.pool.service)]

    def pool(self, service: Service, name: str, **place: str) -> Pool:
        """The pool of that name in any case; `place` narrows by other fields (`resource_group="rg"`, any case)."""
        wanted = {"name": name, **place}
        for pool in self.pools(service):
            if all(getattr(pool, field).lower() == value.lower() for field, value in wanted.items()):
                return pool
        raise PoolNotFoundError(service, name)

    def hosts(self, pool: Pool) -> list[Host]:
        with self.lock:
            self._settle()
            return list(self._shelf(pool).hosts.values())

    def host(self, pool: Pool, name: str, any_case: bool = False) -> Host:
        """The host of exactly that name; `any_case` as Windows compares."""
        with self.lock:
            self._settle()
            hosts = self._shelf(pool).hosts
            if name in hosts:
                return hosts[name]
            if any_case:
                for host in hosts.values():
                    if host.name.lower() == name.lower():
                        return host
        raise HostNotFoundError(pool.name, name)

    def find_hosts(self, service: Service, name: str) -> list[tuple[Pool, Host]]:
        """Every pool of the service with a host of that name, any case: RDS addresses hosts without a collection."""
        return [(p, host) for p in self.pools(service) for host in self.hosts(p) if host.name.lower() == name.lower()]

    def sessions(self, pool: Pool, host: str | None = None, lagged: bool = False) -> list[Session]:
        """Sessions in the service's order (not by id). `lagged`: as they were `list_lag` seconds ago."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            if lagged and self.list_lag > 0:
                return self._as_of(shelf, self._clock() - timedelta(seconds=self.list_lag), host)
            if host is None:
                return list(shelf.sessions.values())
            return list(shelf.by_host.get(host, {}).values())

    def session(self, pool: Pool, host: str, session_id: int) -> Session:
        """The session there now; the host name's case counts. Raises SessionNotFoundError."""
        with self.lock:
            self._settle()
            return self._session(self._shelf(pool), host, session_id)

    def audit(self) -> list[AuditEntry]:
        with self.lock:
            self._settle()
            return list(self._audit)

    # Verbs, as the services have them. Each answers with the session (host) as it was before.

    def disconnect(self, pool: Pool, host: str, session_id: int, by: Caller = LAB) -> Session:
        return self._verb(pool, host, session_id, "disconnect", by)

    def logoff(self, pool: Pool, host: str, session_id: int, by: Caller = LAB, force: bool = False) -> Session:
        """`force` removes the record of a session whose host is off."""
        return self._verb(pool, host, session_id, "logoff", by, force)

    def message(self, pool: Pool, host: str, session_id: int, text: tuple[str, str], by: Caller = LAB) -> Session:
        """`text` is (title, body). A message is only audited: nothing else in the farm shows it."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            session = self._session(shelf, host, session_id)
            effect: Effect = "stuck" if _is_ghost(shelf, session) else "done"
            self._write(shelf, "message", effect, session.host, session, by, {"title": text[0], "body": text[1]})
            return session

    def drain(self, pool: Pool, host: str, allow_new_session: bool, by: Caller = LAB) -> Host:
        """Set whether the host takes new sessions (verb `drain` or `undrain` in the audit)."""
        with self.lock:
            before = self.host(pool, host)
            shelf = self._shelf(pool)
            shelf.hosts[host] = dataclasses.replace(before, allow_new_session=allow_new_session)
            effect: Effect = "none" if before.allow_new_session == allow_new_session else "done"
            self._write(shelf, "undrain" if allow_new_session else "drain", effect, host, None, by, {})
            return before

    def allow_connections(self, pool: Pool, host: str, allowed: str, by: Caller = LAB) -> Host:
        """Set which new connections an rds host takes: Yes, No or NotUntilReboot (verb `drain` or `undrain`)."""
        with self.lock:
            self._settle()
            before = self.host(pool, host)
            shelf = self._shelf(pool)
            shelf.hosts[host] = dataclasses.replace(before, new_connection_allowed=allowed)
            effect: Effect = "none" if before.new_connection_allowed == allowed else "done"
            detail = {"new_connection_allowed": allowed}
            self._write(shelf, "undrain" if allowed == "Yes" else "drain", effect, host, None, by, detail)
            return before

    # What only a test (or a fault) does. Each answers with the new session or host.

    def add_session(
        self,
        pool: Pool,
        host: str,
        user: str,
        session_id: int | None = None,
        by: Caller = LAB,
        **fields: typing.Any,
    ) -> Session:
        """A user signs in; without `session_id` on the lowest free one from 2. `fields` are those of Session."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            taken = shelf.by_host[self.host(pool, host).name]
            free = (number for number in range(2, len(taken) + 3) if number not in taken)
            number = next(free) if session_id is None else session_id
            if number in taken:
                raise IdTakenError(host, number)
            fields.setdefault("ad_user_name", account_of(user))
            fields.setdefault("create_time", whole_10_ms(self._schedule.now()))
            session = self._put(shelf, None, Session(host=host, id=number, user=user, **fields))
            self._write(shelf, "add", "done", host, session, by, {})
            return session

    def give_id_to(
        self, pool: Pool, host: str, session_id: int, user: str, by: Caller = LAB, **fields: typing.Any
    ) -> Session:
        """Id reuse: whoever holds (host, session_id) is gone, and `user` has a NEW session there, created now."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            before = shelf.by_host[self.host(pool, host).name].get(session_id)
            fields.setdefault("ad_user_name", account_of(user))
            fields.setdefault("create_time", whole_10_ms(self._schedule.now()))
            if before is not None:
                fields["create_time"] = max(fields["create_time"], before.create_time + timedelta(milliseconds=10))
            self._put(shelf, before, None)
            session = self._put(shelf, None, Session(host=host, id=session_id, user=user, **fields))
            detail = {"to": user, "create_time": iso(session.create_time)}
            self._write(shelf, "give_id", "done", host, before, by, detail)
            return session

    def change(self, pool: Pool, host: str, session_id: int, by: Caller = LAB, **fields: typing.Any) -> Session:
        """Overwrite fields of a session (state, stuck, idle_ms, ...). Another state sets the disconnect time too."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            before = self._session(shelf, host, session_id)
            detail = {key: str(value) for key, value in fields.items()}
            if fields.get("state", before.state) != before.state:
                since = self._schedule.now() if fields["state"] == DISCONNECTED else None
                fields.setdefault("disconnect_time", since)
            after = self._put(shelf, before, dataclasses.replace(before, **fields))
            self._write(shelf, "change", "done", host, before, by, detail)
            return after

    def change_pool(self, pool: Pool, by: Caller = LAB, **fields: typing.Any) -> Pool:
        """Overwrite what does not say where a pool is: scaling_plans, session_host_update."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            shelf.pool = dataclasses.replace(shelf.pool, **fields)
            detail = {key: str(value) for key, value in fields.items()}
            self._write(shelf, "change_pool", "done", "", None, by, detail)
            return shelf.pool

    def change_host(self, pool: Pool, host: str, by: Caller = LAB, **fields: typing.Any) -> Host:
        """Overwrite fields of a host (status, last_heart_beat, ...)."""
        with self.lock:
            before = self.host(pool, host)
            shelf = self._shelf(pool)
            after = shelf.hosts[host] = dataclasses.replace(before, **fields)
            detail = {key: str(value) for key, value in fields.items()}
            self._write(shelf, "change_host", "done", host, None, by, detail)
            return after

    def remove(self, pool: Pool, host: str, session_id: int, by: Caller = LAB) -> Session:
        """The user left on his own: nobody's verb."""
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            before = self._session(shelf, host, session_id)
            self._write(shelf, "remove", "done", host, before, by, {})
            self._put(shelf, before, None)
            return before

    def reboot(
        self,
        pool: Pool,
        host: str,
        by: Caller = LAB,
        *,
        seconds: float = 60.0,
        heartbeat_after: float = 0.0,
        status: str = "Unavailable",
        ghosts: bool = False,
    ) -> Host:
        """The sessions end; the host is off for `seconds`, and its heartbeat old for `heartbeat_after` more.

        `ghosts`: the sessions are listed until the host is up.
        """
        with self.lock:
            before = self.host(pool, host)
            shelf = self._shelf(pool)
            after = shelf.hosts[host] = dataclasses.replace(
                before, status=status, last_heart_beat=self._schedule.now(), heart_beat_seconds=0
            )
            self._write(shelf, "reboot", "done", host, None, by, {"seconds": seconds})
            if not ghosts:
                self._end_all(shelf, host, by)

            def up() -> None:
                fields: dict[str, typing.Any] = {"status": "Available"}
                if self.host(pool, host).new_connection_allowed == "NotUntilReboot":
                    fields["new_connection_allowed"] = "Yes"
                self._end_all(shelf, host, by)
                self.change_host(pool, host, by, **fields)
                self.later(heartbeat_after, pool, host, "heartbeat", beat, by)

            def beat() -> None:
                beats = before.heart_beat_seconds
                self.change_host(pool, host, by, last_heart_beat=self._schedule.now(), heart_beat_seconds=beats)

            self.later(seconds, pool, host, "up", up, by)
            return after

    # Later

    def later(
        self,
        seconds: float,
        pool: Pool,
        host: str,
        what: str,
        act: typing.Callable[[], object],
        by: Caller = LAB,
        body: dict[str, typing.Any] | None = None,
        follows: typing.Callable[[AuditEntry], bool] | None = None,
    ) -> None:
        """Have `act` done as of then; where that cannot be, for one that is gone, the audit says so.

        With `follows` the seconds count from the first entry of the audit for which it is true.
        """

        def attempt() -> None:
            try:
                act()
            except (NotInFarmError, ValueError, TypeError) as error:
                self._write(shelf, what, "lost", host, None, by, {"why": str(error)})

        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            about = {"service": pool.service, "pool": pool.name, "host": host, **(body or {})}
            if follows is None:
                self._schedule.add(seconds, what, attempt, about)
            else:
                self._schedule.wait(Waiting(follows, seconds, what, about, attempt))

    def to_come(self) -> list[Step | Waiting]:
        """What has not happened yet: the next first, last what waits for something."""
        with self.lock:
            self._settle()
            return [*self._schedule.to_come(), *self._schedule.waiting()]

    # Inside; all under the lock

    def _shelf(self, pool: Pool) -> _Shelf:
        try:
            return self._shelves[pool.key]
        except KeyError:
            raise PoolNotFoundError(pool.service, pool.name) from None

    @staticmethod
    def _session(shelf: _Shelf, host: str, session_id: int) -> Session:
        try:
            return shelf.by_host[host][session_id]
        except KeyError:
            raise SessionNotFoundError(host, session_id) from None

    def _put(self, shelf: _Shelf, before: Session | None, after: Session | None, journal: bool = True) -> Session:
        """Put `after` in the place of `before`; None on either side is an arrival or a departure."""
        if after is not None and before is None:
            object.__setattr__(after, "place", self._next_place)  # new, and nobody has seen it: cheaper than a copy
            self._next_place += 1
        if after is not None:
            shelf.sessions[after.host, after.id] = after
            shelf.by_host[after.host][after.id] = after
        elif before is not None:
            del shelf.sessions[before.host, before.id]
            del shelf.by_host[before.host][before.id]
        if journal:
            shelf.journal.append((self._schedule.now(), before, after))
        return typing.cast(Session, after)

    def _verb(self, pool: Pool, host: str, session_id: int, verb: str, by: Caller, force: bool = False) -> Session:
        with self.lock:
            self._settle()
            shelf = self._shelf(pool)
            session = self._session(shelf, host, session_id)
            if session.stuck or (_is_ghost(shelf, session) and not force):
                self._write(shelf, verb, "stuck", host, session, by, {})
            elif _is_so(verb, session):
                self._write(shelf, verb, "none", host, session, by, {})
            elif self.effect_delay > 0:
                due = self._schedule.add(self.effect_delay, verb, lambda: self._take_effect(shelf, verb, session, by))
                self._write(shelf, verb, "pending", host, session, by, {"due": iso(due)})
            else:
                self._apply(shelf, verb, session, by, {})
            return session

    def _apply(self, shelf: _Shelf, verb: str, session: Session, by: Caller, detail: dict[str, typing.Any]) -> None:
        self._write(shelf, verb, "done", session.host, session, by, detail)
        if verb == "logoff":
            self._put(shelf, session, None)
        else:
            gone = dataclasses.replace(session, state=DISCONNECTED, disconnect_time=self._schedule.now())
            self._put(shelf, session, gone)

    def _end_all(self, shelf: _Shelf, host: str, by: Caller) -> None:
        """No session outlives a reboot."""
        for session in list(shelf.by_host[host].values()):
            self._write(shelf, "remove", "done", host, session, by, {"reboot": True})
            self._put(shelf, session, None)

    def _take_effect(self, shelf: _Shelf, verb: str, session: Session, by: Caller) -> None:
        """A delayed verb is bound to the session it was sent to."""
        detail = {"delayed": True}
        present = shelf.by_host.get(session.host, {}).get(session.id)
        if present is None or present.object_id != session.object_id:
            self._write(shelf, verb, "lost", session.host, session, by, detail)
        elif _is_so(verb, present):
            self._write(shelf, verb, "none", session.host, present, by, detail)
        else:
            self._apply(shelf, verb, present, by, detail)

    def _settle(self) -> None:
        """Let delayed verbs and steps happen whose time has come."""
        self._schedule.settle()

    @staticmethod
    def _as_of(shelf: _Shelf, moment: datetime, host: str | None) -> list[Session]:
        """The list at an earlier moment: today's, with the later changes taken back."""
        then = dict(shelf.sessions)
        for changed, before, after in reversed(shelf.journal):
            if changed <= moment:
                break
            if before is not None:
                then[before.host, before.id] = before
            elif after is not None:
                then.pop((after.host, after.id), None)
        chosen = (session for session in then.values() if host in (None, session.host))
        return sorted(chosen, key=lambda session: session.place)

    def _write(
        self,
        shelf: _Shelf,
        verb: str,
        effect: Effect,
        host: str,
        session: Session | None,
        by: Caller,
        detail: dict[str, typing.Any],
    ) -> None:
        """Append to the audit; times strictly grow."""
        self._last_audit = max(self._schedule.now(), self._last_audit + timedelta(microseconds=1))
        owner = None
        if session is not None:
            owner = {
                "user": session.user,
                "create_time": iso(session.create_time) or "",
                "state": session.state,
                "object_id": session.object_id,
            }
        entry = AuditEntry(
            sequence=len(self._audit) + 1,
            time=iso(self._last_audit) or "",
            verb=verb,
            effect=effect,
            service=shelf.pool.service,
            pool=shelf.pool.name,
            host=host,
            id=None if session is None else session.id,
            owner=owner,
            by=by.name,
            request_id=by.request_id,
            detail=detail,
        )
        self._audit.append(entry)
        self._schedule.happened(entry)


def _is_ghost(shelf: _Shelf, session: Session) -> bool:
    """Tell whether Azure lists a session whose host it cannot reach."""
    return shelf.pool.service == "wvd" and not shelf.hosts[session.host].running


def _is_so(verb: str, session: Session) -> bool:
    """Tell whether the verb would change nothing."""
    return verb == "disconnect" and session.state == DISCONNECTED
