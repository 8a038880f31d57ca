# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The person at the controller, for tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session


class Console:
    """Answers the question after something has happened, and remembers what was shown."""

    def __init__(self, answer: bool = True, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.answer, self.meanwhile = answer, meanwhile
        self.asked: list[list[Session]] = []
        self.lines: list[tuple[int, int]] = []

    def confirm(self, verb: str, sessions: Sequence[Session]) -> None:
        """Note the question."""
        self.asked.append(list(sessions))
        self.meanwhile()
        if not self.answer:
            raise RuntimeError("no")

    def progress(self, asked: int, finished: int, total: int, seconds: float) -> None:
        """Note how far it is."""
        assert finished <= asked <= total
        self.lines.append((finished, total))


class Person(Console):
    """Remembers the lines of a wait, and what it was warned of."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[tuple[int, int, int]] = []
        self.warned: list[str] = []

    def waiting(self, left: int, total: int, seconds: float) -> None:
        self.waits.append((left, total, round(seconds)))

    def warn(self, text: str) -> None:
        self.warned.append(text)
