# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that another run has closed: they would pass for closed before, and be worked on by two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .journal import Journal, unfinished
from .journal_state import Header, Row
from .machine_runs import runs_of
from .presence import is_at_work
from .wave_orders import WindowError

RDS_STATE = "new_connection_allowed"


@dataclass(frozen=True, slots=True)
class Taken:
    """Hosts that another run has closed."""

    at_work: bool | None
    """Whether it, or its guard, is still there; `None` when that cannot be seen."""
    sentence: str
    """Which hosts, by whom, and what to do."""


def refuse_closed(folder: Path, machine: Path, journal: Journal | None, rows: Iterable[Row]) -> None:
    """Refuse hosts that another run has closed and not opened yet, by what the folders show. Raises WindowError.

    `journal` is the one of this run; `machine` is the folder that all users of the machine share.
    """
    own = None if journal is None else journal.read().header
    for taken in taken_hosts(folder, machine, own, rows):
        raise WindowError(taken.sentence)


def taken_hosts(folder: Path, machine: Path, own: Header | None, rows: Iterable[Row]) -> Iterator[Taken]:
    """Tell which of some hosts others than an own journal have closed; as `refuse_closed`."""
    wanted = list(rows)
    yield from _in_folder(folder, own, wanted)
    yield from _on_machine(machine, "" if own is None else own.public, wanted)


def _in_folder(folder: Path, own: Header | None, wanted: Sequence[Row]) -> Iterator[Taken]:
    found, errors = unfinished(folder, but="" if own is None else own.run)
    # Hosts that such a run has closed would pass for closed before.
    if errors and (closed := _names(_closed(wanted))):
        yield Taken(
            False,
            f"{closed} is closed, and it is not known by whom: {' '.join(errors)} Open it, or move that file away, if "
            "it was not a window.",
        )
    for path, state in found.items():
        if not (hosts := _names(state.means(wanted))):
            continue
        at_work = is_at_work(path, state)
        if own is not None and own.process.is_same(state.header.process):
            sentence = (
                f"{hosts} is closed by an earlier play of this run, which has not opened it again: open it there, or "
                "in a play before this one, with the entry point open or remotedesktop.sessions.session_window_open."
            )
        elif at_work is None:
            sentence = (
                f"{hosts} is closed by a run on {state.header.controller} since {state.header.when}, and whether it is "
                f"at work cannot be seen from here ({path}): wait for its end. If it has ended, open its hosts with "
                "the playbook remotedesktop.sessions.reopen_hosts."
            )
        elif at_work:
            sentence = (
                f"{hosts} is closed by another run that is at work, or its guard (process {state.header.process.pid} "
                f"on {state.header.controller}, {path}): wait for its end."
            )
        else:
            sentence = (
                f"{hosts} was closed by an earlier run that did not open it again ({path}): open it with the playbook "
                "remotedesktop.sessions.reopen_hosts first, so that its state before is not lost."
            )
        yield Taken(at_work, sentence)


def _on_machine(machine: Path, own: str, wanted: Sequence[Row]) -> Iterator[Taken]:
    """Tell what runs have closed that keep their journals elsewhere, such as those of other users."""
    for run in runs_of(machine, own):
        at_work = run.is_at_work()
        # Who opened the hosts of a run that has ended may have had no right to say so there.
        hosts = _names(run.means(_closed(wanted) if at_work is False else wanted))
        if not hosts:
            continue
        if at_work is False:
            sentence = (
                f"{hosts} was closed by an earlier run of the user {run.owner} that did not open it again: open it, as "
                f"that user, with the playbook remotedesktop.sessions.reopen_hosts from {run.journal} first, so that "
                f"its state before is not lost. If it has been opened since, remove {run.path}."
            )
        else:
            seems = "is at work, or its guard" if at_work else "cannot be seen from here, and may be at work"
            processes = ", ".join(str(one.pid) for one in run.processes)
            sentence = (
                f"{hosts} is closed by a run of the user {run.owner} that {seems} (process {processes}, "
                f"{run.journal}): wait for its end. If there is no such run, remove {run.path}."
            )
        yield Taken(at_work, sentence)


def _closed(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.get("allow_new_session", row.get(RDS_STATE)) in (False, "no")]


def _names(rows: Iterable[Row]) -> str:
    return ", ".join(str(row["host"]) for row in rows)
