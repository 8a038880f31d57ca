# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that another run has closed: they would pass for closed before, and be worked on by two."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .journal import Journal, unfinished
from .journal_state import Row
from .machine_runs import runs_of
from .presence import is_at_work
from .wave_orders import WindowError

RDS_STATE = "new_connection_allowed"


def refuse_closed(folder: Path, machine: Path, journal: Journal | None, rows: Iterable[Row]) -> None:
    """Refuse hosts that another run has closed and not opened yet, by what the folders show. Raises WindowError.

    `journal` is the one of this run; `machine` is the folder that all users of the machine share.
    """
    wanted = list(rows)
    _refuse_of_folder(folder, "" if journal is None else journal.path.stem, wanted)
    _refuse_of_machine(machine, "" if journal is None else journal.read().header.public, wanted)


def _closed(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.get("allow_new_session", row.get(RDS_STATE)) in (False, "no")]


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(str(row["host"]) for row in rows)


def _refuse_of_machine(machine: Path, own: str, wanted: Sequence[Row]) -> None:
    """Refuse what runs have closed that keep their journals elsewhere, such as those of other users."""
    for run in runs_of(machine, own):
        rows, at_work = run.means(wanted), run.is_at_work()
        if at_work is False:
            # Who opened its hosts may have had no right to say so there.
            rows = _closed(rows)
        if not rows:
            continue
        if at_work is False:
            raise WindowError(
                f"{_names(rows)} was closed by an earlier run of the user {run.owner} that did not open it again: open "
                f"it, as that user, with the playbook remotedesktop.sessions.reopen_hosts from {run.journal} first, so "
                f"that its state before is not lost. If it has been opened since, remove {run.path}."
            )
        seems = "is at work, or its guard" if at_work else "cannot be seen from here, and may be at work"
        processes = ", ".join(str(one.pid) for one in run.processes)
        raise WindowError(
            f"{_names(rows)} is closed by a run of the user {run.owner} that {seems} (process {processes}, "
            f"{run.journal}): wait for its end. If there is no such run, remove {run.path}."
        )


def _refuse_of_folder(folder: Path, run: str, wanted: Sequence[Row]) -> None:
    found, errors = unfinished(folder, but=run)
    # Hosts that such a run has closed would pass for closed before.
    if errors and (closed := _names(_closed(wanted))):
        raise WindowError(
            f"{closed} is closed, and it is not known by whom: {' '.join(errors)} Open it, or move that "
            "file away, if it was not a window."
        )
    for path, state in found.items():
        if not (hosts := _names(state.means(wanted))):
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
