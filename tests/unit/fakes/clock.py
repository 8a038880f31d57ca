# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A clock for tests."""

from __future__ import annotations


class Clock:
    """Time that passes only on request, and by `tick` seconds with each reading."""

    def __init__(self, now: float = 100.0, tick: float = 0.0) -> None:
        self.now, self._tick = now, tick

    def __call__(self) -> float:
        self.now += self._tick
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
