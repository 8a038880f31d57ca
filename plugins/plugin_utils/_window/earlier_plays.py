# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier plays of a run have left closed, as after `meta: end_play`, is opened before a later one closes more.

By the guards of these plays: only they have what reaches the hosts of theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from .journal import Journal, read_journal
from .journal_state import JournalError
from .machine_runs import runs_of
from .process_life import Process, lives
from .run_journal import journals_of
from .wave import World
from .wave_orders import WindowError

WHY = "its play has ended"
OPEN_SECONDS = 180.0
"""How long the guard of an earlier play may take; it goes on after that."""
LOOK_SECONDS = 0.25


def open_earlier_plays(
    folder: Path, machine: Path, process: Process, part: str, world: World, warn: Callable[[str], None]
) -> None:
    """Have the guards of a run's other plays open what is left, and wait for it. Raises WindowError and JournalError.

    Plays come one after the other, so the others have ended. What is to be opened by a later play is left alone.
    `machine` is the folder that all users of the machine share: it tells of journals that are in another folder.
    """
    elsewhere = (Path(one.journal) for one in runs_of(machine) if one.is_of(process))
    found = dict(journals_of(folder, process))
    for path in elsewhere:
        with suppress(JournalError):
            found.setdefault(path, read_journal(path))
    for path, state in found.items():
        rows = state.to_open()
        if path.stem.endswith(f"-{part}") or state.finished or not rows or state.outlasts_play():
            continue
        left = f"An earlier play of this run has left {', '.join(str(row['host']) for row in rows)} closed"
        journal = Journal(path)
        if not state.over:
            journal.over(WHY)
        until = world.clock() + OPEN_SECONDS
        while not (state := journal.read()).finished:
            if (state.guard is None or lives(state.guard) is False) and not journal.read().finished:
                raise WindowError(
                    f"{left}, and it has no guard that would open them, so this window is not begun: open them with "
                    "the playbook remotedesktop.sessions.reopen_hosts when the run has ended."
                )
            if not world.lives():
                raise WindowError(f"{left}, and the run has ended: this window is not begun.")
            if world.clock() >= until:
                warn(f"{left}, and its guard could not open them yet. It goes on trying.")
                break
            world.sleep(LOOK_SECONDS)
