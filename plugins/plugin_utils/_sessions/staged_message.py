# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages that are sent to users before a deadline, each so long before it, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .outcome import UNCLEAR
from .times import write_time
from .verbs import MESSAGE

MINUTES = "{minutes}"
"""What stands in a text for the minutes that are left."""
ROUNDING = 1e-3
"""Seconds by which the sum of two times may miss a third."""
MOST_TRIES = 3
"""So often a message is tried that the service refuses for one session."""
PLANNED = "planned"
"""Outcome, in check mode: it would be sent then."""


@dataclass(frozen=True, slots=True)
class StagedMessage:
    """A message that every session gets so long before the deadline, or later when it comes later."""

    before: float
    """Seconds before the deadline from which on it is sent, until the next one's turn."""
    said: str
    """The same as the user wrote it, such as 15m."""
    title: str
    body: str

    def texts(self, left: float) -> tuple[str, str]:
        """Return title and body for so many seconds that are left."""
        minutes = str(minutes_left(left))
        return self.title.replace(MINUTES, minutes), self.body.replace(MINUTES, minutes)


def minutes_left(seconds: float) -> int:
    """Return seconds in whole minutes, to the nearest, and at least one."""
    return max(1, int(seconds / 60 + 0.5))


def current(stages: Sequence[StagedMessage], left: float) -> StagedMessage | None:
    """Return the message whose turn it is when so many seconds are left: an overtaken one is dropped."""
    begun = [one for one in stages if left <= one.before + ROUNDING]
    return min(begun, key=lambda one: one.before) if begun and left > 0 else None


def next_one(stages: Sequence[StagedMessage], left: float) -> float:
    """Return how many seconds are left when the next message's turn begins, or 0 when it is the deadline's."""
    return max((one.before for one in stages if one.before + ROUNDING < left), default=0.0)


@dataclass(slots=True)
class Told:
    """What a session was told, or would have been."""

    stage: StagedMessage
    title: str
    body: str
    minutes: int
    """Minutes that were left when it was sent."""
    sent_at: datetime | None
    """When it was sent (aware), at the latest, or is to be sent; `None` when nothing was sent."""
    outcome: str
    """As that of a message by itself, or that it is planned."""
    reason: str = ""
    tries: int = 1
    sent_clock: float | None = None
    """When it was sent by the clock that counts seconds: the time of day may be set meanwhile."""
    proof_age: float = 0.0
    """As the row of a message by itself has it."""

    @property
    def is_over(self) -> bool:
        """Whether it is not to be sent (again): it was, nobody can tell, or it failed too often."""
        return self.outcome in (MESSAGE.done, UNCLEAR) or self.tries >= MOST_TRIES

    def result(self) -> dict[str, object]:
        """Return it as the module returns it."""
        return {
            "before": self.stage.said,
            "minutes": self.minutes,
            "title": self.title,
            "body": self.body,
            "sent_at": None if self.sent_at is None else write_time(self.sent_at),
            "outcome": self.outcome,
            "reason": self.reason,
            "proof_age": round(self.proof_age, 3),
        }


def warned_at(told: Sequence[Told]) -> datetime | None:
    """Return since when somebody has been warned: his first message of which it is known that it was sent."""
    return min((one.sent_at for one in told if one.sent_at is not None and one.outcome == MESSAGE.done), default=None)


def warned_seconds(told: Sequence[Told], clock: float) -> float | None:
    """Return for how many seconds somebody has been warned at a clock reading; `None` when he has not been."""
    known = [one.sent_clock for one in told if one.sent_clock is not None and one.outcome == MESSAGE.done]
    return clock - min(known) if known else None
