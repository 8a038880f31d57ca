# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of the run that a task belongs to: the same for all its waves, and never that of another run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .journal import SUFFIX, Journal, make_folder, now, open_file, read_journal, unfinished
from .journal_state import Header, JournalError, JournalState, Row
from .lock import require_not_over
from .presence import is_at_work
from .process_life import Process
from .wave_orders import WindowError

FOLDER = "remotedesktop.sessions"
RDS_STATE = "new_connection_allowed"
FIRST = ".first"
"""The file that is locked while a run begins its journal, as waves may do at once."""


def default_folder(environment: Mapping[str, str]) -> Path:
    """Return the folder of the journals of this user. Raises JournalError."""
    state = environment.get("XDG_STATE_HOME") or ""
    if state.startswith("/"):
        return Path(state) / FOLDER
    try:
        return Path.home() / ".local/state" / FOLDER
    except RuntimeError as error:
        raise JournalError("This user has no home, so journal must say where the journal is kept.") from error


@contextmanager
def beginning(folder: Path) -> Iterator[None]:
    """Hold a lock while a journal is found or begun, and its guard is started. Raises JournalError."""
    make_folder(folder)
    descriptor = open_file(folder / FIRST, os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    except OSError as error:
        raise JournalError(f"The folder {folder} cannot be used for journals: {error.strerror or error}.") from error
    finally:
        os.close(descriptor)


def find_journal(folder: Path, process: Process, part: str) -> Journal | None:
    """Find the journal that this part of a run has begun; one that is finished is none any more."""
    return next((Journal(path) for path, state in journals_of(folder, process, part) if not state.finished), None)


def journals_of(folder: Path, process: Process, part: str = "*") -> Iterator[tuple[Path, JournalState]]:
    """Read the journals of a run, of all its parts or of one. Those that cannot be read are passed over."""
    for path in sorted(folder.glob(f"*-{part}{SUFFIX}")):
        with suppress(JournalError):
            state = read_journal(path)
            if state.header.process == process:
                yield path, state


def begin_journal(folder: Path, process: Process, part: str, service: str, controller: str, place: str) -> Journal:
    """Begin the journal of this part of a run. Raises JournalError, also when it has had one that is over."""
    for _path, state in journals_of(folder, process, part):
        # Between two waves the guard may have found nothing to open at the latest time. A new guard would not know it.
        require_not_over(state)
    when = now()
    run = f"{when:%Y%m%dT%H%M%S}-{process.pid}-{part}"
    return Journal.create(folder, Header(run, process, service, when.isoformat(timespec="seconds"), controller, place))


def refuse_closed(folder: Path, run: str, rows: Iterable[Row]) -> None:
    """Refuse hosts that another run has closed and not opened yet. Raises WindowError."""
    wanted = list(rows)
    found, errors = unfinished(folder, but=run)
    # Hosts that such a run has closed would pass for closed before.
    closed = [str(row["host"]) for row in wanted if row.get("allow_new_session", row.get(RDS_STATE)) in (False, "no")]
    if errors and closed:
        raise WindowError(
            f"{', '.join(closed)} is closed, and it is not known by whom: {' '.join(errors)} Open it, or move that "
            "file away, if it was not a window."
        )
    for path, state in found.items():
        hosts = ", ".join(str(row["host"]) for row in state.means(wanted))
        if not hosts:
            continue
        at_work = is_at_work(path, state)
        if at_work is None:
            raise WindowError(
                f"{hosts} is closed by a run on {state.header.controller} since {state.header.when}, and whether it is "
                f"at work cannot be seen from here ({path}): wait for its end. If it has ended, open its hosts with "
                "the playbook remotedesktop.sessions.reopen_hosts."
            )
        if at_work:
            raise WindowError(
                f"{hosts} is closed by another run that is at work, or its guard (process {state.header.process.pid} "
                f"on {state.header.controller}, {path}): wait for its end."
            )
        raise WindowError(
            f"{hosts} was closed by an earlier run that did not open it again ({path}): open it with the playbook "
            f"remotedesktop.sessions.reopen_hosts first, so that its state before is not lost."
        )
