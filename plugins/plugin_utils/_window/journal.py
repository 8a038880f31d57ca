# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of one run: what a maintenance window closes is written down before it is closed.

It is made of lines of JSON, each written in one piece and on the disk before anything else is done.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

from .._sessions.times import write_time
from . import journal_state
from .journal_state import RUN, Header, JournalError, JournalState, Row, host_key, journal_row, read_state
from .machine_runs import show_closing, show_nothing, show_opened
from .process_life import Process

SUFFIX = ".jsonl"
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
SAFE = os.O_CLOEXEC | os.O_NOFOLLOW


def now() -> datetime:
    """Return the time of day."""
    return datetime.now(timezone.utc)


class Journal:
    """Writes and reads the journal of a run. It holds no descriptor, so it may be used before and after a fork."""

    def __init__(self, path: Path, by: str = RUN, clock: Callable[[], datetime] = now) -> None:
        """`by` is who writes. Raises JournalError when it is not there, cannot be written or is not ours."""
        self.path = path
        self.by = by
        self._clock = clock
        os.close(open_file(path))

    @classmethod
    def create(cls, folder: Path, header: Header, clock: Callable[[], datetime] = now) -> Journal:
        """Begin the journal of a run; the folder is made if need be. Raises JournalError."""
        if not RUN_ID.fullmatch(header.run):
            raise JournalError(f"The id of a run is {header.run!r}: it must be of letters, digits, - and _.")
        make_folder(folder)
        path = folder / f"{header.run}{SUFFIX}"
        os.close(open_file(path, os.O_CREAT | os.O_EXCL))
        journal = cls(path, clock=clock)
        names = ("run", "service", "when", "controller", "place", "public")
        texts = {name: getattr(header, name) for name in names}
        try:
            journal._write(
                journal_state.HEADER, version=journal_state.VERSION, process=header.process.record(), **texts
            )
        except JournalError:
            path.unlink(missing_ok=True)  # One without its header would stand against later windows.
            raise
        _sync_folder(folder)
        return journal

    @cached_property
    def _public(self) -> str:
        return read_header(self.path).public

    @property
    def lock_path(self) -> Path:
        """Where the lock of the run is."""
        return self.path.with_suffix(".lock")

    def closing(self, rows: Iterable[Row], within_play: bool = False, batch: str = "") -> None:
        """Write down hosts with their states before. When it returns they may be closed. Raises JournalError.

        `within_play` says that they are opened in the play that closes them, so none is needed after it; `batch` names
        their batch of hosts.
        """
        hosts = [journal_row(row) for row in rows]
        self._write(journal_state.CLOSING, hosts=hosts, within_play=within_play, batch=batch)
        if self._public:
            show_closing(Path(self._public), self.path, hosts, self.read().processes())

    def closed(self, rows: Iterable[Row]) -> None:
        """Write down hosts that were seen to be closed. Raises JournalError, as all that follow."""
        self._write(journal_state.CLOSED, hosts=[host_key(row) for row in rows])

    def opened(self, rows: Iterable[Row]) -> None:
        """Write down hosts that have their state before again."""
        hosts = list(rows)
        self._write(journal_state.OPENED, hosts=[host_key(row) for row in hosts])
        self._show_opened(hosts)

    def left_closed(self, rows: Iterable[Row], why: str) -> None:
        """Write down hosts that stay closed: on purpose when the run says so, else because opening has failed."""
        hosts = list(rows)
        self._write(journal_state.LEFT_CLOSED, hosts=[host_key(row) for row in hosts], why=why)
        if self.by == RUN:
            self._show_opened(hosts)

    def _show_opened(self, rows: Iterable[Row]) -> None:
        if self._public:
            show_opened(Path(self._public), rows)

    def met(self, users: Iterable[str]) -> None:
        """Write down users who were warned or ended, for later waves."""
        self._write(journal_state.MET, users=list(users))

    def over(self, why: str) -> None:
        """End the run's part: from now on nothing of it closes or ends anything."""
        self._write(journal_state.OVER, why=why)

    def finished(self) -> None:
        """Say that nothing is left to do, so that the guard goes."""
        self._write(journal_state.FINISHED)
        if self._public:
            show_nothing(Path(self._public))

    def guarded(self, guard: Process) -> None:
        """Write down which process guards the run."""
        self._write(journal_state.GUARD, process=guard.record())

    def late(self) -> None:
        """Write down that the run is still at work at its latest time."""
        self._write(journal_state.LATE)

    def trouble(self, why: str) -> None:
        """Write down what keeps the guard from opening."""
        self._write(journal_state.TROUBLE, why=why)

    def size(self) -> int:
        """Return how long it is; it only grows. Raises JournalError."""
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise _unusable(self.path, error) from error

    def read(self) -> JournalState:
        """Read what it says. Raises JournalError."""
        return read_journal(self.path)

    def _write(self, kind: str, **values: Any) -> None:
        record = {"record": kind, "time": write_time(self._clock()), "by": self.by, **values}
        line = json.dumps(record, ensure_ascii=True).encode() + b"\n"
        descriptor = open_file(self.path)
        try:
            length = os.fstat(descriptor).st_size
            # The last line may be torn: it must not take this one with it.
            if length and os.pread(descriptor, 1, length - 1) != b"\n":
                line = b"\n" + line
            written = os.write(descriptor, line)
            os.fsync(descriptor)
        except OSError as error:
            raise _unusable(self.path, error) from error
        finally:
            os.close(descriptor)
        if written != len(line):
            raise JournalError(f"The journal {self.path} cannot be written: the disk is full.")


def read_journal(path: Path) -> JournalState:
    """Read a journal. Raises JournalError."""
    try:
        return read_state(path.read_text(encoding="utf-8", errors="replace"), str(path))
    except OSError as error:
        raise _unusable(path, error) from error


def read_header(path: Path) -> Header:
    """Read of whom a journal is. Raises JournalError."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return read_state(file.readline(), str(path)).header
    except OSError as error:
        raise _unusable(path, error) from error


def unfinished(folder: Path, but: str = "") -> tuple[dict[Path, JournalState], list[str]]:
    """Read the journals of other runs that have left hosts to be opened, and say which could not be read.

    Whether such a run or its guard is at work tells `is_at_work`, and which of some hosts it means, `means`.
    """
    found: dict[Path, JournalState] = {}
    errors: list[str] = []
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
        try:
            state = read_journal(path)
        except JournalError as error:
            errors.append(str(error))
            continue
        if state.header.run != but and not state.finished and state.to_open():
            found[path] = state
    return found, errors


def make_folder(folder: Path) -> None:
    """Make the folder of the journals, for us alone. Raises JournalError when others may write in it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = folder.stat()
    except OSError as error:
        raise _unusable(folder, error) from error
    if status.st_mode & OTHERS_WRITE or status.st_uid not in (os.geteuid(), 0):
        raise JournalError(
            f"Others may write in {folder}, so no journal is kept there: take a folder of your own, or chmod 700 it."
        )


def open_file(path: Path, flags: int = 0) -> int:
    """Open a file of ours to read it and to write at its end. Raises JournalError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | SAFE | flags, 0o600)
    except OSError as error:
        raise _unusable(path, error) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_mode & OTHERS_WRITE or status.st_uid not in (os.geteuid(), 0):
        os.close(descriptor)
        raise JournalError(f"Others may write {path}, so it cannot be relied on.")
    return descriptor


def _sync_folder(folder: Path) -> None:
    """See to it that the file is found after the machine has failed."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network file systems know no such thing
    finally:
        os.close(descriptor)


def _unusable(path: Path, error: OSError) -> JournalError:
    return JournalError(f"The journal needs {path}, which cannot be used: {error.strerror or error}.")
