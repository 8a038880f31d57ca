# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a list of several pages so often that it can be believed.

When a user leaves while the pages are read, the rows behind his move up, and one of them may slide to a page that has
been read already: no page of that reading shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .._sessions.session import Key, Session, fold

READINGS = 3
"""Readings of a list at most."""


@dataclass(frozen=True, slots=True)
class SettledList:
    """What the readings of a list showed together, each session by its newest row."""

    sessions: list[Session]
    pages: int
    """Pages of the last reading. A session that a single page does not show does not exist."""
    settled: bool
    """Whether the list held still."""


def read_until_settled(read: Callable[[], Iterable[Sequence[Session]]]) -> SettledList:
    """Read pages once if it is one, else until two readings in a row show the same sessions."""
    found: dict[Key, Session] = {}
    before: set[int] | None = None
    pages = 0
    for _reading in range(READINGS):
        # Hashes, because 50,000 rows are not to be kept twice. Owner and creation too: ids are used again.
        shown: set[int] = set()
        pages = 0
        page: Sequence[Session] = ()
        for page in read():
            pages += 1
            for session in page:
                key = (session.place, fold(session.host), session.id)
                found[key] = session
                shown.add(hash((key, session.users, session.created)))
        if pages <= 1:
            return SettledList(list(page), 1, settled=True)
        if shown == before:
            return SettledList(list(found.values()), pages, settled=True)
        before = shown
    return SettledList(list(found.values()), pages, settled=False)
