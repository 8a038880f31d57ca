# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine needs of a service, and the events by which a service answers.

A service answers through `wait`, so it may work with threads, with pipelines that are polled,
or in one batch: the engine sees no difference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol

from .errors import ServiceError
from .session import Key, Session


class Reply(Enum):
    """How a service answered an act."""

    DONE = auto()
    """Accepted. Whether it happened is seen on a later list."""
    GONE = auto()
    """It says that there is no such session, which only a later list proves."""
    THROTTLED = auto()
    """Refused before any effect because too much was asked at once."""
    NOT_SENT = auto()
    """Not sent, because the proof of identity would have been too old; without any effect."""
    UNCLEAR = auto()
    """It may or may not have happened: a server error, a reset, no answer in time."""
    REFUSED = auto()
    """Refused for good, without any effect. A later list shows whether there is anything left to do."""


@dataclass(frozen=True, slots=True)
class Replied:
    """The answer to an act on a session."""

    session: Session
    reply: Reply
    reason: str = ""
    sent_at: float | None = None
    """Clock reading (seconds) at which the act was sent at the latest; `None` means when it was begun."""
    answered_at: float | None = None
    """Clock reading (seconds) after which a list shows what came of it; `None` means now."""
    doubtful: bool = False
    """Whether it may have had its effect although it was refused; after UNCLEAR that is always so."""
    sent: bool = True
    """Whether anything left at all; where the service proves identity itself, it may see that nothing should."""
    proof_age: float | None = None
    """Seconds from when the list was begun that proved the session until it was sent at the latest, if the service
    proves identity itself and knows it. Else, where it does not prove anything itself, the row was the proof."""


@dataclass(frozen=True, slots=True)
class Listed:
    """Rows that a listing has read. Its last event says so; what it was asked for and did not show is gone."""

    sessions: Sequence[Session]
    last: bool
    unproven: frozenset[Key] = frozenset()
    """With the last event: what it was asked for and could not prove to be gone yet. It takes another listing."""


@dataclass(frozen=True, slots=True)
class ListingFailed:
    """A listing ended without showing everything, so nothing that it did not show may be called gone."""

    error: ServiceError


Event = Replied | Listed | ListingFailed


@dataclass(frozen=True, slots=True)
class Notes:
    """What a service has to tell besides its answers."""

    warnings: Sequence[str] = ()
    """Sentences for the user about what may be wrong although nothing failed."""
    lost: Exception | None = None
    """Why nothing more could be asked or done, once acts had begun."""
    accepted: bool = False
    """Whether any act was accepted."""
    advice: str = ""
    """What to do about what failed, in sentences."""
    unlisted: str = ""
    """Why some that were meant may be on no list, a sentence; the task must fail for that."""


class Service(Protocol):
    """A place with sessions that can be listed and acted on. Bound to one operation.

    It may serve several runs of the engine, one after the other, unless one says in its report that it `is_listing`.
    """

    proves_itself: bool
    """Whether it proves again, just before each act, that the session is still the same one: then rows do not age."""
    disconnected: str
    """Its word for the state of a disconnected session."""

    def notes(self) -> Notes:
        """Tell what there is to tell by now."""

    def list_sessions(self, named: Sequence[Key] = ()) -> Sequence[Session]:
        """Read all sessions of the place. Raises ServiceError.

        `named` are place, host and id of sessions that the user named, spelled as given. A service whose lists may
        miss a session asks for each of these by itself before it leaves it out.
        """

    def require_host(self, host: str) -> None:
        """Raise ServiceError unless the place has that host, in any case; asked when no session is listed on it."""

    def begin_listing(self, sessions: Sequence[Session]) -> None:
        """Begin to read again where `sessions` are. Answers: Listed any number of times, or ListingFailed.

        They are given as they were selected. The next listing is not begun before this one has ended.
        """

    def begin_act(self, session: Session, send_before: float) -> None:
        """Begin to act on a session, unless the clock passes `send_before` first. Answer: one Replied.

        `session` is the newest row that proves it. `send_before` is a reading (seconds, or infinity) of the clock that
        its `read_at` comes from.
        """

    def pause(self) -> float:
        """Say for how many seconds no act may begin: 0.0 when one may now, infinity when time does not change that."""

    def wait(self, seconds: float) -> list[Event]:
        """Return the events that have come; wait for the first one at most `seconds`, or until a batch has ended."""

    def close(self) -> None:
        """Let go of connections and of whatever has not answered."""
