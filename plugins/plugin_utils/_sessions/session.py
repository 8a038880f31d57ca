# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session as a service lists it, and what makes two listings of it the same session."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

Key = tuple[str, str, str]

# Services print the same instant with two to seven fraction digits. Nobody signs out and gets
# the same id back within a second.
SAME_INSTANT = timedelta(seconds=1)

ACTIVE, DISCONNECTED, ENDING, OTHER = "active", "disconnected", "ending", "other"
"""The words for states that all services share."""
COMMON_STATES = (ACTIVE, DISCONNECTED, ENDING, OTHER)
COMMON_FIELDS = ("service", "host", "session", "owner", "state")
"""The fields that the rows of all services share."""


def order(key: Key) -> tuple[str, str, int, str]:
    """Return the key by which sessions are sorted: place, host, and ids by their number."""
    place, host, id_ = key
    return (place, fold(host), int(id_) if id_.isdecimal() else -1, id_)


def without_case(key: Key) -> Key:
    """Return a key in the form in which the services compare it: the host without case."""
    place, host, id_ = key
    return (place, fold(host), id_)


def fold(name: str) -> str:
    """Return a name in the form in which Windows and Azure compare names: without case."""
    return name.strip().lower()


def account(name: str) -> str:
    """Return the account part of `DOMAIN\\account`, `account@domain` or `account`, folded."""
    return fold(name).rpartition("\\")[2].partition("@")[0]


@dataclass(frozen=True, slots=True)
class Session:
    """One user session.

    Ids are reused by every service, so the key alone says where to look, never who is there.
    """

    place: str
    """Where `host` and `id` are unique: a host pool, a deployment, a server."""
    host: str
    """Session host, spelled as the service lists it."""
    id: str
    """Id on that host, as the service lists it."""
    users: tuple[str, ...]
    """Names of the owner, the one to show first; empty when the service did not say."""
    state: str
    """State in the service's own words."""
    created: datetime | None
    """Time of creation (aware), or `None` when the service did not say."""
    read_at: float
    """Clock reading (seconds) just before the request was sent that returned this row."""
    fields: Mapping[str, object]
    """The row that users see."""
    common_state: str = OTHER
    """State in the words that all services share."""
    disconnected_at: datetime | None = None
    """Since when it is disconnected (aware), or `None` when it is not, or the service did not say."""

    @property
    def key(self) -> Key:
        """Where the session is: place, host and id."""
        return (self.place, self.host, self.id)

    @property
    def user(self) -> str:
        """The owner's name to show, or an empty string."""
        return self.users[0] if self.users else ""

    def is_still(self, earlier: Session) -> bool:
        """Tell whether this is the session that `earlier` was: place, host, id, owner and creation.

        Names compare without case, as Windows and Azure compare them; an act needs the very `key` besides.
        """
        return (
            (self.place, fold(self.host), self.id) == (earlier.place, fold(earlier.host), earlier.id)
            and bool(self.users)
            and fold(self.user) == fold(earlier.user)
            and same_instant(self.created, earlier.created)
        )

    def __str__(self) -> str:
        return f"{self.host}/{self.id} ({self.user or 'user not known'}, {self.state})"


def same_instant(one: datetime | None, other: datetime | None) -> bool:
    """Tell whether two times of creation are the same; an unknown one equals only an unknown one."""
    if one is None or other is None:
        return one is other
    return abs(one - other) < SAME_INSTANT


def common_fields(service: str, host: str, id_: str, owner: str = "", state: str = "") -> dict[str, str]:
    """Make the fields that the rows of all services share: the owner and the common state are empty when not known."""
    return dict(zip(COMMON_FIELDS, (service, host, id_, owner, state), strict=True))
