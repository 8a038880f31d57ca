# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Until when an act may be sent, whatever carries it: the proof of its session must not be too old by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .._sessions.errors import TooLateError

SHORTEST_CONNECT = 0.1
"""HTTP libraries take no time limit of zero."""


@dataclass(frozen=True, slots=True)
class SendDeadline:
    """Until when a request may be sent."""

    send_before: float
    """Clock reading (seconds); infinity when it proves nothing that could grow old."""
    clock: Callable[[], float]
    lives: Callable[[], bool]
    """Tells whether the run goes on: nothing is sent when it does not."""

    def check(self) -> None:
        """Raise TooLateError when nothing may be sent any more."""
        if self.clock() >= self.send_before or not self.lives():
            raise TooLateError

    def connect_seconds(self, most: float) -> float:
        """Return how many seconds connecting may take, `most` of them at most: it counts too."""
        return min(most, max(SHORTEST_CONNECT, self.send_before - self.clock()))
