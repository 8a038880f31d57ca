# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user of a maintenance window wants of each of its waves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .._sessions.errors import SessionsError
from .._sessions.staged_message import StagedMessage
from .._sessions.verbs import DISCONNECT, LOG_OFF, MESSAGE, Verb

LEAVE, LOG_OFF_DISCONNECTED, DISCONNECT_ALL, LOG_OFF_ALL = REMAINING = (
    "leave",
    "logoff_disconnected",
    "disconnect",
    "logoff",
)
"""What is done to those who are still on at the deadline."""
EMPTY, NOBODY_ACTIVE = READY_WHEN = ("empty", "nobody_active")
SKIP, FAIL = UNAVAILABLE = ("skip", "fail")
ENDS_ACTIVE = (DISCONNECT_ALL, LOG_OFF_ALL)
POLL_SECONDS = 15.0


class WindowError(SessionsError):
    """A wave is refused, or broken off; a sentence."""


@dataclass(frozen=True, slots=True)
class Share:
    """A number of hosts, or a part of all of them."""

    number: int
    of_hundred: bool = False

    def __str__(self) -> str:
        return f"{self.number} %" if self.of_hundred else str(self.number)

    def least(self, total: int) -> int:
        """Return how many of so many it is at least: half a host is one."""
        return -(-total * self.number // 100) if self.of_hundred else self.number


@dataclass(frozen=True, slots=True)
class WaveOrders:
    """Times are in seconds."""

    deadline: float
    minimum_notice: float = 0.0
    messages: Sequence[StagedMessage] = ()
    remaining: str = LEAVE
    ready_when: str = EMPTY
    protected_users: tuple[str, ...] = ()
    unavailable_hosts: str = SKIP
    keep_open: Share = Share(0)
    poll_interval: float = POLL_SECONDS
    wait_timeout: float = 60.0
    """How long a host may take to be closed, or a session to end."""
    check_mode: bool = False
    within_play: bool = False
    """Whether the play that closes its hosts opens them, too."""
    batch: str = ""
    """The name of the first host of the batch, which under free is of many waves; empty where it is not known."""
    latest: float = math.inf
    """From the start of the wave; no deadline is put off further."""

    @property
    def verbs(self) -> list[Verb]:
        """What may be done to sessions."""
        ends = {LOG_OFF_DISCONNECTED: LOG_OFF, LOG_OFF_ALL: LOG_OFF, DISCONNECT_ALL: DISCONNECT}
        return [MESSAGE] * bool(self.messages) + [verb for way, verb in ends.items() if way == self.remaining]

    @property
    def ends_active(self) -> bool:
        """Whether somebody who is at work may be ended."""
        return self.remaining in ENDS_ACTIVE

    def check(self) -> None:
        """Refuse what cannot be done. Raises WindowError."""
        if self.minimum_notice > self.deadline:
            raise WindowError(
                f"minimum_notice is {self.minimum_notice:.0f} s, longer than deadline, which is {self.deadline:.0f} s: "
                "nobody can be warned that long before it. Shorten minimum_notice (0s for none), or lengthen deadline."
            )
        if not self.ends_active:
            return
        if self.remaining == DISCONNECT_ALL and self.ready_when == EMPTY:
            raise WindowError(
                "remaining is disconnect, which leaves sessions on the hosts, so none would be empty: "
                "set ready_when to nobody_active, or remaining to logoff."
            )
        if self.minimum_notice and not self.messages:
            raise WindowError(
                "messages is empty, so nobody who is active would be warned, and remaining"
                f" is {self.remaining}: give messages, or set minimum_notice to 0s."
            )
        first = max((one.before for one in self.messages), default=0.0)
        if self.minimum_notice > first:
            raise WindowError(
                f"messages begin {first:.0f} s before the deadline, and minimum_notice is "
                f"{self.minimum_notice:.0f} s: send the first message earlier, or shorten the notice."
            )
