# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a wave of a maintenance window: its hosts, its users, and what was done to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .._sessions.session import Key, Session
from .._sessions.session_host import SessionHost
from .._sessions.waiting import WaitReport


@dataclass(slots=True)
class WaveHost:
    """A session host of the wave."""

    name: str
    """In the inventory."""
    host: SessionHost
    """As it was before."""
    out: str = ""
    """Why it is not worked on."""
    failed: bool = False
    """Whether that is an error."""
    closed_before: bool = False
    closed_at: datetime | None = None
    opened_at: datetime | None = None
    open_from: float = 0.0
    """From when on by the clock it may be tried to open it, when it is out."""
    reopened: int = 0
    """How often somebody else has opened it meanwhile."""
    is_reopened: bool = False
    """Whether it was seen to be open by somebody else, and could not be closed once more yet."""
    newest: SessionHost | None = None
    """As it was when its door was read last."""
    unread_from: float | None = None
    """Since when by the clock its door cannot be read."""
    ready: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether this run has closed it and not opened it yet."""
        return self.closed_at is not None and self.opened_at is None


@dataclass(slots=True)
class Ending:
    """What was done to a session."""

    session: Session
    how: str
    """What was done, or may have been; empty when nothing was."""
    outcome: str
    reason: str
    ended_at: datetime | None
    """When it was seen to be gone."""


@dataclass(slots=True)
class Happening:
    """Something that the report tells of."""

    at: datetime
    host: str
    text: str


@dataclass(slots=True)
class WaveRecord:
    """What is known of a wave."""

    began: datetime
    check_mode: bool = False
    """Whether it is a plan, of which nothing is done."""
    hosts: list[WaveHost] = field(default_factory=list)
    meant: set[tuple[str, str]] = field(default_factory=set)
    """Keys of the hosts whose users are warned and ended. Becomes smaller."""
    wait: WaitReport | None = None
    endings: dict[Key, Ending] = field(default_factory=dict)
    happenings: list[Happening] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remaining: list[Session] = field(default_factory=list)
    """Who is there at the end."""
    met_before: list[str] = field(default_factory=list)
    """Users whom an earlier wave of the run has warned or ended, too."""
