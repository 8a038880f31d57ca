# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of the run that a task belongs to: the same for all its waves, and never that of another run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .journal import SUFFIX, Journal, make_folder, now, open_file, read_header, read_journal
from .journal_state import Header, JournalError, JournalState
from .lock import require_not_over, take_lock
from .machine_runs import place_of_run
from .process_life import Process

FOLDER = "remotedesktop.sessions"
BEGIN_SECONDS = 60.0
"""How long a run may wait for others that begin theirs; each may take 15 s to start its guard."""
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
        if not take_lock(descriptor, folder / FIRST, fcntl.LOCK_EX, BEGIN_SECONDS):
            raise JournalError(
                f"Another run has been beginning its journal in {folder} for {BEGIN_SECONDS:.0f} s: see whether it has "
                "been stopped, and end it."
            )
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
            # Most are of other runs, and some are long.
            if read_header(path).process.is_same(process):
                yield path, read_journal(path)


def met_in_run(journal: Journal) -> set[str]:
    """Return the users whom any part of the run of a journal has warned or ended, without case."""
    process = journal.read().header.process
    return set().union(*(state.met for _path, state in journals_of(journal.path.parent, process)))


def begin_journal(
    folder: Path, process: Process, part: str, service: str, controller: str, place: str, machine: Path
) -> Journal:
    """Begin the journal of this part of a run. Raises JournalError, also when it has had one that is over.

    `machine` is the folder that all users of the machine share.
    """
    for _path, state in journals_of(folder, process, part):
        # Between two waves the guard may have found nothing to open at the latest time. A new guard would not know it.
        require_not_over(state)
    when = now()
    run = f"{when:%Y%m%dT%H%M%S}-{process.pid}-{part}"
    public = str(place_of_run(machine, folder / f"{run}{SUFFIX}") or "")
    begun = when.isoformat(timespec="seconds")
    return Journal.create(folder, Header(run, process, service, begun, controller, place, public))
