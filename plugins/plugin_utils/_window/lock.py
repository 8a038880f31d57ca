# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of a run: each step that closes or ends something holds it, and the guard takes it away.

Steps share it, because those of several waves may run side by side; the guard has it alone. It is a lock of the open
file (`flock`), not of the process: that kind is lost as soon as any descriptor of the file is closed. A process that a
step starts does not get it (the descriptor is closed on exec), a plain fork does, and then counts as a holder, too. On
network file systems it is kept by the server.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .ending import end
from .journal import Journal, open_file
from .journal_state import JournalError, JournalState
from .process_life import PROC, Process, all_processes, lives, read_process, this_process

POLL_SECONDS = 0.05
TAKES, LEAVES = "takes", "leaves"
"""What a step writes into the file of the lock."""
STEP_SECONDS = 10.0
"""How long a step waits for the lock; only the guard can keep it from it."""
END_SECONDS = 2.0
"""How long a holder may take to end after it was asked to."""


class OverError(JournalError):
    """The run's part is over: the guard has begun to open."""


@contextmanager
def acting(journal: Journal, seconds: float = STEP_SECONDS) -> Iterator[None]:
    """Hold the lock while something is closed or ended. Raises OverError when the guard has begun, and JournalError."""
    require_not_over(journal.read())
    descriptor = open_file(journal.lock_path, os.O_CREAT)
    try:
        if not take_lock(descriptor, journal.lock_path, fcntl.LOCK_SH, seconds):
            raise OverError(
                "Nothing more is closed or ended: the guard of this maintenance window is opening its hosts."
            )
        # The guard may have begun, and ended, while this waited.
        require_not_over(journal.read())
        _note(descriptor, TAKES)
        try:
            yield
        finally:
            _note(descriptor, LEAVES)
    finally:
        os.close(descriptor)


def require_not_over(state: JournalState) -> None:
    """Raise OverError when the run's part is over, or all is done."""
    if state.finished and not state.over:
        raise OverError("Nothing more is closed or ended: this maintenance window is finished.")
    if state.over:
        raise OverError(
            f"Nothing more is closed or ended: the {state.over_by} of this maintenance window opens its hosts, because"
            f" {state.over_why}."
        )


class GuardLock:
    """The lock in the guard's hand, once the journal says that the run's part is over."""

    def __init__(
        self, path: Path, end: Callable[[list[Process], float], bool] = end, end_seconds: float = END_SECONDS
    ) -> None:
        """`end` ends processes. Raises JournalError."""
        self.path = path
        self._end = end
        self._end_seconds = end_seconds
        self._descriptor = open_file(path, os.O_CREAT)

    def take(self, seconds: float) -> bool:
        """Wait so long for the steps that hold it, then end them. Tell whether nobody holds it any more.

        Raises JournalError on a file system that does not lock.
        """
        if self.is_free(seconds):
            return True
        self._end(self._noted(), self._end_seconds)
        if self.is_free(self._end_seconds):
            return True
        # Somebody who has not written it down: a fork of a holder.
        self._end(self._seen(), self._end_seconds)
        return self.is_free(self._end_seconds)

    def is_free(self, seconds: float = 0.0) -> bool:
        """Take it if nobody else has it, or leaves it in this time. Raises JournalError."""
        return take_lock(self._descriptor, self.path, fcntl.LOCK_EX, seconds)

    def close(self) -> None:
        """Leave it."""
        os.close(self._descriptor)

    def _noted(self) -> list[Process]:
        """Find the processes that have written that they took it, and that are still there."""
        held = Counter[Process]()
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(KeyError, TypeError, ValueError):  # of a torn line
                record = json.loads(line)
                held[read_process(record)] += 1 if record["does"] == TAKES else -1
        return [process for process, count in held.items() if count > 0 and lives(process)]

    def _seen(self) -> list[Process]:
        """Find the processes of which the system says that they hold it."""
        return [process for process in all_processes() if process.pid != os.getpid() and self._holds(process.pid)]

    def _holds(self, pid: int) -> bool:
        ours = os.fstat(self._descriptor)
        with suppress(OSError):  # of another user, or gone
            for entry in (PROC / str(pid) / "fd").iterdir():
                with suppress(OSError):  # closed by now
                    said = (PROC / str(pid) / "fdinfo" / entry.name).read_text(encoding="ascii", errors="replace")
                    if "FLOCK" in said and os.path.samestat(entry.stat(), ours):
                        return True
        return False


def take_lock(descriptor: int, path: Path, kind: int, seconds: float) -> bool:
    """Take the lock of an open file, waiting so long at most; tell whether it was free. Raises JournalError."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES, errno.EINTR):
                raise JournalError(
                    f"The file system of {path} does not lock ({error.strerror}): keep the journal in a local folder."
                ) from error
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)


def _note(descriptor: int, does: str) -> None:
    try:
        os.write(descriptor, json.dumps({**this_process().record(), "does": does}).encode() + b"\n")
    except OSError as error:
        if does == TAKES:
            raise JournalError(f"The lock of the run cannot be written: {error.strerror or error}.") from error
