# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a maintenance window, as a service tells it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Obstacles:
    """Sentences."""

    against: list[str] = field(default_factory=list)
    """Why there should be no window."""
    unknown: list[str] = field(default_factory=list)
    """What could not be found out."""
