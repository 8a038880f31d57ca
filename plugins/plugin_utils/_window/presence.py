# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows other containers and machines that share a folder of journals that a guard is there.

Its process cannot be seen from there, so it holds a lock on a file beside the journal, which goes with it. Network file
systems keep such locks on the server.
"""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from .journal import open_file
from .journal_state import JournalError, JournalState

SUFFIX = ".guard"


def presence_path(journal: Path) -> Path:
    """Return the file that the guard of a journal holds."""
    return journal.with_suffix(SUFFIX)


def show_presence(journal: Path) -> None:
    """Hold the file for as long as this process lives; a file system that does not lock shows nothing.

    Raises JournalError when there can be no such file.
    """
    descriptor = open_file(presence_path(journal), os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)


def is_at_work(journal: Path, state: JournalState) -> bool | None:
    """Tell whether a run or its guard is still there; `None` when that cannot be seen from here."""
    return True if _is_held(presence_path(journal)) else state.is_worked_on()


def _is_held(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        descriptor = open_file(path)
    except JournalError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(descriptor)
    return False
