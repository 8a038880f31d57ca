# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The person at the controller: one question before anything is ended, and progress while it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from ansible.errors import AnsibleError, AnsiblePromptInterrupt
from ansible.utils.display import Display

from .._sessions.errors import SessionsError
from .._sessions.session import Session
from .._sessions.staged_message import minutes_left

SHOWN = 20
"""Sessions listed in the question; more are counted."""
QUIET_SECONDS = 3.0
"""Work that takes no longer shows no progress."""
PROGRESS_SECONDS = 5.0
"""Seconds between two lines of progress."""
LAST_MINUTE = 90.0
"""When so many seconds are left, a task that waits counts seconds instead of minutes."""

display = Display()


class NotConfirmedError(SessionsError):
    """Nobody said yes. Nothing was done."""


class Console:
    """Talks for one host of the play."""

    def __init__(self, host: str, option: str = "", no_log: bool = False) -> None:
        """`host` is the host of the task, for messages; `option` is what to set for no question: "confirm to false".

        With `no_log` names of users are not shown.
        """
        self._no_log = no_log
        self._host = host
        self._option = option
        self._next_line = QUIET_SECONDS
        self._seen_at = 0.0

    def confirm(self, verb: str, sessions: Sequence[Session]) -> None:
        """Ask once whether to `verb` the sessions. Raises NotConfirmedError unless told y or yes on a terminal."""
        lines = [f"  {session}" for session in sessions[:SHOWN]]
        if len(sessions) > SHOWN:
            lines.append(f"  ... and {len(sessions) - SHOWN} more")
        question = "\n".join([f"[{self._host}] {verb} {_count(len(sessions))}:", *lines, "Go on? [y/N] "])
        try:
            answer = display.prompt_until(question)
        except AnsiblePromptInterrupt as error:
            raise NotConfirmedError("Nothing was done: the question was interrupted.") from error
        except (AnsibleError, EOFError, OSError) as error:
            raise NotConfirmedError(
                f"Nothing was done: there is no terminal to ask for confirmation ({error}). "
                f"Set {self._option} to run without the question."
            ) from error
        text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
        if text.strip().lower() not in ("y", "yes"):
            raise NotConfirmedError(f"Nothing was done: the answer was not y or yes. The question was to {verb}.")

    def progress(self, asked: int, finished: int, total: int, seconds: float) -> None:
        """Show a line every few seconds: how far it is, at what rate, and how long the rest takes."""
        if seconds < self._seen_at:  # Another piece of work has begun.
            self._next_line = QUIET_SECONDS
        self._seen_at = seconds
        if seconds < self._next_line or finished >= total:
            return
        self._next_line = seconds + PROGRESS_SECONDS
        rate = asked / seconds
        left = f", about {(total - asked) / rate:.0f} s left" if 0 < asked < total else ""
        display.display(
            f"[{self._host}] {asked} of {_count(total)} asked for, {finished} finished, {rate:.1f} a second{left}"
        )

    def waiting(self, left: int, total: int, seconds: float) -> None:
        """Show a line of a task that waits: how many are still on, and how many seconds are left."""
        how_long = f"{minutes_left(seconds)} min" if seconds > LAST_MINUTE else f"{seconds:.0f} s"
        display.display(f"[{self._host}] {left} of {_count(total)} still on, {how_long} left")

    def warn(self, text: str) -> None:
        """Show at once what may be wrong, although the task goes on."""
        if not self._no_log:
            display.warning(f"[{self._host}] {text}")


def _count(number: int) -> str:
    return f"{number} session" if number == 1 else f"{number} sessions"
