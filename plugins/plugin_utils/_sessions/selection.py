# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sessions are meant. Nothing here widens a request: what is unclear is an error or is left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from .errors import SelectionError
from .outcome import NOT_SELECTED, REPLACED
from .session import DISCONNECTED, Key, Session, account, fold, order, same_instant, without_case


@dataclass(frozen=True, slots=True)
class NamedSession:
    """A session that the user named: where it is, and who it was when it was looked up, if that is known."""

    place: str
    host: str
    id: str
    user: str = ""
    created: datetime | None = None
    fields: dict[str, object] = field(default_factory=dict, compare=False)
    """What was given, to report it when the service lists no such session."""
    nobody: bool = False
    """Whether its user could not be read when it was looked up, so that only its creation can prove it."""
    timeless: bool = False
    """Whether the service did not say when it was created when it was looked up."""

    @property
    def key(self) -> Key:
        """Where the session should be: place, host and id, as they were given."""
        return (self.place, self.host, self.id)

    def mismatch(self, session: Session) -> str:
        """Say why the listed session is not the one that was looked up; empty when it is."""
        if self.nobody and self.created is None:
            return "neither its user nor its creation was known when it was looked up"
        if self.user and not any(fold(self.user) == fold(name) for name in session.users):
            return f"the id belongs to {session.user or 'a user that cannot be read'} now"
        if self.timeless and session.created is not None:
            return "the id belongs to a session whose time of creation is known now"
        if self.created is not None and not same_instant(self.created, session.created):
            return "the id belongs to a session created at another time"
        return ""


@dataclass(frozen=True, slots=True)
class Filters:
    """Conditions that a session must meet, all of them; an empty one is no condition."""

    host: str = ""
    users: tuple[str, ...] = ()
    excluded_users: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    minimum_age: timedelta | None = None
    minimum_disconnected: timedelta | None = None
    """How long a session must have been disconnected; one that is not never has been for long enough."""
    hosts: Container[tuple[str, str]] | None = field(default=None, compare=False)
    """Session hosts that are meant, by `HostName.key`. May become fewer while it is in use."""

    def rejects(self, session: Session, now: datetime) -> str:
        """Say why a session is not meant; empty when it is. `now` (aware) decides its age."""
        if self.host and fold(self.host) != fold(session.host):
            return f"it is on {session.host}"
        if self.hosts is not None and (session.place, fold(session.host)) not in self.hosts:
            return f"it is on {session.host}"
        if self.users and not any(_is_user(given, session) for given in self.users):
            return f"its user is {session.user or 'not known'}"
        if any(_may_be_user(given, session) for given in self.excluded_users):
            return f"{session.user} is excluded"
        if self.states and {fold(session.state), session.common_state}.isdisjoint(map(fold, self.states)):
            return f"its state is {session.state}"
        if self.minimum_age is not None:
            if session.created is None:
                return "its age is not known"
            if now - session.created < self.minimum_age:
                return f"it was created at {session.created.isoformat()}"
        if self.minimum_disconnected is not None:
            if session.common_state != DISCONNECTED:
                return f"its state is {session.state}"
            if session.disconnected_at is None:
                return "it is not known since when it is disconnected"
            if now - session.disconnected_at < self.minimum_disconnected:
                return f"it is disconnected since {session.disconnected_at.isoformat()}"
        return ""


@dataclass(frozen=True, slots=True)
class Selection:
    """A request: the named sessions, or all of the place, that pass the filters."""

    named: tuple[NamedSession, ...] | None = None
    """`None` means that sessions were not named; an empty tuple names none and so selects none."""
    filters: Filters = Filters()

    def choose(self, listed: Iterable[Session], now: datetime) -> Choice:
        """Pick the sessions that are meant from what the service lists; `now` (aware) decides their ages.

        Raises SelectionError when a name given in the request fits more than one user or host.
        """
        sessions = newest(listed)
        _refuse_ambiguous_users(self.filters.users, sessions)
        filters = replace(self.filters, excluded_users=_protected(self.filters.excluded_users, sessions))
        if self.named is not None:
            choice = self._choose_named(sessions, filters, now)
        else:
            hosts = _hosts_meant(filters.host, sessions)
            choice = Choice(filters, [one for one in sessions if one.host in hosts and not filters.rejects(one, now)])
        choice.sessions.sort(key=lambda session: order(session.key))
        return choice

    def _choose_named(self, sessions: Sequence[Session], filters: Filters, now: datetime) -> Choice:
        by_name: defaultdict[Key, list[Session]] = defaultdict(list)
        for session in sessions:
            by_name[without_case(session.key)].append(session)
        choice = Choice(filters)
        seen: set[tuple[Key, tuple[str, datetime | None] | None]] = set()
        for named in self.named or ():
            key = without_case(named.key)
            found = _listed_as(named, by_name[key])
            mismatch = named.mismatch(found) if found else ""
            # Rows of one id that tell of different sessions are different requests.
            told = (fold(named.user), named.created) if mismatch else None
            if (request := (found.key if found else key, told)) in seen:
                continue
            seen.add(request)
            if found is None:
                choice.left_alone.append((named, None, "", "the service lists no such session"))
            elif mismatch:
                choice.left_alone.append((named, found, REPLACED, mismatch))
            elif rejected := filters.rejects(found, now):
                choice.left_alone.append((named, found, NOT_SELECTED, rejected))
            else:
                choice.sessions.append(found)
        return choice


@dataclass(slots=True)
class Choice:
    """The sessions that are meant, and the named ones that are to be left alone."""

    filters: Filters
    """The filters as they were applied; a session must pass them still when it is acted on."""
    sessions: list[Session] = field(default_factory=list)
    left_alone: list[tuple[NamedSession, Session | None, str, str]] = field(default_factory=list)
    """What was named, what the service lists there, the outcome and the reason; no outcome when it lists nothing."""


def newest(listed: Iterable[Session]) -> list[Session]:
    """Keep the newest row of each key: rows move between pages while they are read."""
    found: dict[Key, Session] = {}
    for session in listed:
        other = found.get(session.key)
        if other is None or other.read_at <= session.read_at:
            found[session.key] = session
    return list(found.values())


def _protected(names: Sequence[str], sessions: Sequence[Session]) -> tuple[str, ...]:
    """Take the account alone of a full name that the service does not list, as it may spell the domain otherwise."""
    listed = {fold(name) for session in sessions for name in session.users} if names else set()
    return tuple(name if fold(name) in listed else account(name) for name in names)


def _listed_as(named: NamedSession, candidates: Sequence[Session]) -> Session | None:
    """Find the listed session of a name: spelled just so, else the only one that differs by case alone."""
    exact = [session for session in candidates if session.host == named.host]
    found = exact or list(candidates)
    if len(found) > 1:
        hosts = ", ".join(session.host for session in found)
        raise SelectionError(f"The host name {named.host} fits {hosts}: spell it as the service lists it.")
    return found[0] if found else None


def _is_user(given: str, session: Session) -> bool:
    """Tell whether a name that selects is the session's owner: a full name as listed, or a bare account name."""
    if "\\" in given or "@" in given:
        return any(fold(given) == fold(name) for name in session.users)
    return any(fold(given) == account(name) for name in session.users)


def _may_be_user(given: str, session: Session) -> bool:
    """Tell whether a name that protects could be the owner.

    Where the service lists no name of the given form, the account part decides: protecting a
    namesake costs nothing, ending a protected session does.
    """
    for mark in ("\\", "@"):
        if mark in given:
            comparable = [name for name in session.users if mark in name]
            if comparable:
                return any(fold(given) == fold(name) for name in comparable)
            return any(account(given) == account(name) for name in session.users)
    return any(account(given) == account(name) for name in session.users)


def _refuse_ambiguous_users(users: Sequence[str], sessions: Sequence[Session]) -> None:
    for given in users:
        if "\\" in given or "@" in given:
            continue
        owners = {fold(session.user): session.user for session in sessions if _is_user(given, session)}
        if len(owners) > 1:
            fits = ", ".join(sorted(owners.values()))
            raise SelectionError(f"The user {given} fits {fits}: give the full name of the one that is meant.")


def _hosts_meant(host: str, sessions: Sequence[Session]) -> set[str]:
    """Find the listed spelling of a host: just so, else the only one that differs by case alone; all without a name."""
    hosts = {session.host for session in sessions if not host or fold(session.host) == fold(host)}
    if host and host in hosts:
        return {host}
    if host and len(hosts) > 1:
        raise SelectionError(f"The host name {host} fits {', '.join(sorted(hosts))}: spell it as the service lists it.")
    return hosts
