# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session host as a service lists it, the names of those that are meant, and what a service of hosts can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .errors import ServiceError
from .service import Notes
from .session import fold

READ_SECONDS = 1.0
"""How long one wait for answers lasts at most."""
LATE_SECONDS = 10.0
"""A host that has not answered so long after the last of the others keeps these waiting no longer."""


@dataclass(frozen=True, slots=True)
class HostName:
    """A session host that is meant. Names compare without case."""

    place: str
    """Where the name is unique: a host pool, a deployment."""
    name: str
    fields: Mapping[str, object] = field(default_factory=dict, compare=False)
    """The row that users see when nothing else is known of the host."""
    unclear: bool = field(default=False, compare=False)
    """Whether a request of an earlier task may change its state yet."""

    @property
    def key(self) -> tuple[str, str]:
        """The same for every spelling."""
        return (self.place, fold(self.name))


@dataclass(frozen=True, slots=True)
class SessionHost:
    """A session host as the service lists it."""

    place: str
    name: str
    state: object
    """Whether it takes new sessions, in the service's own words."""
    fields: Mapping[str, object]
    """The row that users see."""


@dataclass(frozen=True, slots=True)
class HostRead:
    """What a look at one host has shown: the host, nothing when there is none, or why it could not be read."""

    named: HostName
    found: SessionHost | None
    error: ServiceError | None = None
    late: bool = False
    """Whether the answer may come yet; until then that is the error."""


class HostReader(Protocol):
    """The session hosts of some places."""

    title: str
    """Where they are, for sentences: `the host pool`."""
    reads_each: bool
    """Whether hosts are read each by itself, so that one can be late alone."""
    unread: Sequence[HostRead]
    """Hosts that the last list of all has shown without all that is needed of them."""

    def list_hosts(self) -> list[SessionHost]:
        """Read all hosts. Raises ServiceError."""

    def begin_read(self, named: HostName, once_in: float | None = None) -> None:
        """Begin to read one host; a `HostRead` answers it.

        With `once_in` it is asked for only once, and waited for so many seconds, if the service can read single hosts.
        """

    def wait(self, seconds: float) -> Sequence[object]:
        """Return what has been answered; wait for the first answer at most that long."""

    def notes(self) -> Notes:
        """Tell what there is to tell by now."""

    def close(self) -> None:
        """Begin nothing more, and close the connections."""


def find_hosts(reader: HostReader, names: Sequence[HostName] | None) -> list[SessionHost]:
    """Read the named hosts, each by itself, or without names all. Raises ServiceError, also for names without a host.

    Services limit how often hosts may be listed, so a name is never looked up in such a list.
    """
    if names is None:
        return reader.list_hosts()
    read = read_each(reader, names)
    for one in read:
        if one.error is not None:
            raise one.error
    require_all(reader, read)
    found = [one.found for one in read if one.found is not None]
    return list({(host.place, fold(host.name)): host for host in found}.values())


def read_each(
    reader: HostReader, names: Sequence[HostName], clock: Callable[[], float] | None = None
) -> list[HostRead]:
    """Read each host by itself, in the order of their names, each once.

    With a `clock`, which counts seconds, those that are late are not waited for.
    """
    unread: dict[tuple[str, str], HostName] = {}
    read: dict[tuple[str, str], HostRead] = {}
    for named in names:
        if unread.setdefault(named.key, named) is named:
            reader.begin_read(named)
    heard = clock() if clock is not None else 0.0
    while len(read) < len(unread):
        for event in reader.wait(READ_SECONDS):
            if isinstance(event, HostRead):
                read[event.named.key] = event
                heard = clock() if clock is not None else 0.0
        # Where nobody answers, it is the service that is slow, and not a host.
        if clock is not None and reader.reads_each and read and clock() >= heard + LATE_SECONDS:
            break
    late = ServiceError(f"it has not answered {LATE_SECONDS:.0f} s after the others", lasting=False)
    return [read.get(key) or HostRead(named, None, late, late=True) for key, named in unread.items()]


def require_all(reader: HostReader, read: Sequence[HostRead]) -> None:
    """Raise ServiceError with the names of those that the service does not have."""
    missing = [one.named.name for one in read if one.found is None and one.error is None]
    if missing:
        raise ServiceError(f"There is no session host {', '.join(missing)} in {reader.title}: check the names.")
