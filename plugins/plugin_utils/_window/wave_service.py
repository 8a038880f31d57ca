# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wave of a maintenance window needs of the service whose session hosts it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from .._sessions.host_setting import HostReport
from .._sessions.selection import Selection
from .._sessions.session_host import HostName, HostRead, SessionHost
from .._sessions.verbs import Operation
from .._sessions.waiting import Opened
from .journal_state import Row


class WaveService(Protocol):
    """Session hosts and their sessions. Every call reaches the service anew, and may raise `trouble`."""

    @property
    def closed_state(self) -> object:
        """The state of a host that takes no new sessions, however long."""

    @property
    def open_state(self) -> object:
        """The state of a host that takes new sessions."""

    @property
    def trouble(self) -> tuple[type[Exception], ...]:
        """Errors that may pass by themselves."""

    def read(self, names: Sequence[HostName], waits: bool = True) -> Sequence[HostRead]:
        """Read hosts, each by itself; answers come in the order of the names.

        Unless it `waits`, a host that answers long after the others has an error as its answer.
        """

    def list_hosts(self) -> Sequence[SessionHost]:
        """Read all hosts of the places of the window."""

    def set(self, rows: Sequence[Row], seconds: float, check_mode: bool = False) -> HostReport:
        """Give hosts the states of their rows, and read them back, for so many seconds each at most."""

    def names(self, rows: Sequence[Row]) -> Sequence[HostName]:
        """Name the hosts of rows, in their order."""

    def row(self, host: SessionHost, state: object) -> Row:
        """Make the row that gives a host a state."""

    def open_sessions(self, operation: Operation | None, selection: Selection) -> Opened:
        """Reach the sessions of the places of the window."""

    def key(self, host: SessionHost, /) -> tuple[str, str]:
        """Return the place of a host as sessions have it, and its name without case."""

    def unusable(self, host: SessionHost, /) -> str:
        """Say why a host serves nobody; empty when it does, or when the service does not tell."""

    def count(self, host: SessionHost, /) -> int:
        """Return how many sessions the host has by the service's own count; 0 also where it has none."""

    def is_healthy(self, host: SessionHost, since: datetime, /) -> bool:
        """Tell whether a host has been seen to be able to serve since a time (aware), as far as the service tells."""
