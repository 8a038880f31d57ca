# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runs of this machine have closed, for all its users to see: journals may lie in any folder, and are private.

Beside a journal there is a file in a folder that all share. It names no host: it has hashes of what says which host it
is. Nobody believes more of it than that a host is not free.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .journal_state import JournalError, Row, host_key
from .process_life import PROC, Process, lives, read_process

VARIABLE = "SESSION_WINDOW_RUNS"
"""The environment variable that names another folder."""
DEFAULT = Path("/var/tmp")
PREFIX, SUFFIX = "remotedesktop.sessions.", ".runs"
SAFE = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
"""A link would lead elsewhere, and a pipe would keep us waiting."""
MOST_BYTES = 64 * 1024 * 1024
"""A file that is longer is none of ours."""
INIT = PROC / "1/stat"
"""What everybody can see unless the processes of others are hidden (`hidepid`)."""


@dataclass(slots=True)
class MachineRun:
    """What a file says."""

    path: Path
    user: int
    """Its owner."""
    journal: str = ""
    processes: Sequence[Process] = ()
    """The run, and its guard."""
    hosts: set[str] = field(default_factory=set)
    """Hashes of the hosts that are closed."""

    @property
    def owner(self) -> str:
        """The name of the user, for people."""
        try:
            return pwd.getpwuid(self.user).pw_name
        except KeyError:
            return str(self.user)

    def is_of(self, process: Process) -> bool:
        """Tell whether it is a part of this run."""
        return self.user == os.geteuid() and any(one.is_same(process) for one in self.processes)

    def means(self, rows: Iterable[Row]) -> list[Row]:
        """Return those of these hosts that it has closed."""
        return [row for row in rows if _hash(row) in self.hosts]

    def is_at_work(self) -> bool | None:
        """Tell whether the run or its guard is still there; `None` when that cannot be seen."""
        known = [lives(one) for one in self.processes]
        hidden = self.user != os.geteuid() and not os.path.exists(INIT)  # noqa: PTH110 - it raises nothing
        return True if True in known else None if None in known or hidden else False


def runs_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder that all users of this machine share."""
    said = environment.get(VARIABLE) or ""
    return Path(said) if said.startswith("/") else DEFAULT


def place_of_run(folder: Path, journal: Path) -> Path | None:
    """Return the file for the run of a journal, which is not made yet; `None` where there can be none.

    Those that this user's runs have left, and that say nothing any more, are removed.
    """
    if not _is_shared(folder):
        return None
    for one in runs_of(folder):
        # One without a process is just being made.
        if one.user == os.geteuid() and one.processes and not one.hosts and one.is_at_work() is False:
            one.path.unlink(missing_ok=True)
    name = hashlib.sha256(f"{os.geteuid()} {journal}".encode()).hexdigest()[:32]
    return folder / f"{PREFIX}{name}{SUFFIX}"


def _is_shared(folder: Path) -> bool:
    """Tell whether one may write there, and nobody can take away or exchange what others have written."""
    try:
        mode = folder.stat().st_mode
    except OSError:
        return False
    safe = not mode & stat.S_IWOTH or mode & stat.S_ISVTX
    return bool(stat.S_ISDIR(mode) and safe and os.access(folder, os.W_OK | os.X_OK))


def show_closing(path: Path, journal: Path, rows: Iterable[Row], processes: Sequence[Process]) -> None:
    """Show that hosts are closed. Raises JournalError."""
    record = {"closing": sorted(map(_hash, rows)), "processes": [one.record() for one in processes]}
    try:
        _append(path, os.O_CREAT, {**record, "journal": str(journal)})
    except OSError as error:
        raise JournalError(
            f"{path} cannot be written, by which other users of this machine see what is closed: "
            f"{error.strerror or error}."
        ) from error


def show_opened(path: Path, rows: Iterable[Row]) -> None:
    """Show that hosts are not closed any more. Who cannot, leaves it: it counts only as long as they are closed."""
    with suppress(OSError):
        _append(path, 0, {"opened": sorted(map(_hash, rows))})


def show_nothing(path: Path) -> None:
    """Remove the file; whoever is not its owner leaves it."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def runs_of(folder: Path, but: str = "") -> Iterator[MachineRun]:
    """Read what runs show, but one in this file. What cannot be read is passed over."""
    paths: list[Path] = []
    with suppress(OSError):  # of a folder that this user may not look into
        paths = sorted(folder.glob(f"{PREFIX}*{SUFFIX}"))
    for path in paths:
        if str(path) != but and (found := _read(path)) is not None:
            yield found


def _hash(row: Row) -> str:
    return hashlib.sha256("\0".join(host_key(row)).encode()).hexdigest()[:32]


def _append(path: Path, flags: int, record: Mapping[str, Any]) -> None:
    """Write a line in one piece. Raises OSError."""
    # The one before may be torn, as by a full disk: it must not take this one with it.
    line = b"\n" + json.dumps(record).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | SAFE | flags, 0o644)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or os.geteuid() not in (status.st_uid, 0):
            raise PermissionError(None, "it belongs to somebody else")
        if status.st_uid == os.geteuid():
            os.fchmod(descriptor, 0o644)  # whatever the umask is
        if os.write(descriptor, line) != len(line):
            raise OSError(None, "the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> MachineRun | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | SAFE)
        with open(descriptor, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - it is no path
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
                return None
            lines = file.read(MOST_BYTES).splitlines()
    except OSError:
        return None
    found = MachineRun(path, status.st_uid)
    for line in lines:
        with suppress(Exception):  # of a torn line, or one that is none of ours: anybody may write here
            record = json.loads(line)
            if "closing" in record:
                found.processes = [read_process(one) for one in record["processes"]]
                found.journal = str(record["journal"])
                found.hosts.update(map(str, record["closing"]))
            else:
                found.hosts.difference_update(map(str, record["opened"]))
    return found
