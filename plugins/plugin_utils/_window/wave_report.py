# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wave did, as plain values: for the tasks that follow it, and for a file."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from .._sessions.outcome import NOT_SELECTED, REPLACED, STILL_THERE
from .._sessions.session import Key, Session, fold, without_case
from .._sessions.times import write_time
from .._sessions.waiting import ENDED, WatchedSession, is_same
from .journal_state import JournalError, JournalState, host_key
from .wave_record import Ending, WaveHost, WaveRecord

VERSION = 1
WAVE = ".wave.json"
NEEDED = ("ready", "out")
"""What tasks need to know of a host."""
OF_SESSION = ("host", "session", "owner", "state")
HOST_IS_OUT = "its host was taken out of the wave"
Facts = dict[str, Any]


def wave_facts(record: WaveRecord) -> Facts:
    """Return what is known of a wave."""
    return {
        "check_mode": record.check_mode,
        "began": write_time(record.began),
        "deadline": write_time(record.wait.deadline) if record.wait is not None else None,
        "hosts": {one.name: _host(one) for one in record.hosts},
        "sessions": _sessions(record),
        "met_before": record.met_before,
        "happenings": [{"at": write_time(one.at), "host": one.host, "text": one.text} for one in record.happenings],
        "warnings": list(dict.fromkeys(record.warnings)),
    }


def _host(one: WaveHost) -> Facts:
    return {
        "host": one.host.name,
        "key": list(host_key(one.host.fields)),
        "ready": one.ready,
        "out": one.out,
        "failed": one.failed,
        "closed_before": one.closed_before,
        "closed_at": _time(one.closed_at),
        "opened_at": _time(one.opened_at),
        "reopened_by_others": one.reopened,
    }


def _sessions(record: WaveRecord) -> list[Facts]:
    rows: list[Facts] = []
    known: dict[Key, list[tuple[WatchedSession, Facts]]] = defaultdict(list)
    for one in record.wait.watched if record.wait is not None else ():
        rows.append(_watched(record, one))
        known[without_case(one.session.key)].append((one, rows[-1]))
    for key, ending in record.endings.items():
        # An id may have had several users: the newest one whom it may be.
        fitting = [(one, row) for one, row in known[key] if is_same(ending.session, one)]
        if not fitting:
            rows.append(_unwatched(record, ending))
        elif ending.how or fitting[-1][0].outcome != ENDED:
            fitting[-1][1].update(_ending(ending))
    return rows


def _watched(record: WaveRecord, one: WatchedSession) -> Facts:
    told = one.result()
    row = {
        **{name: told.get(name) for name in OF_SESSION},
        **{name: told[name] for name in ("outcome", "reason", "ended_at", "warned_at", "messages")},
        "done": "",
    }
    is_left = one.outcome in (STILL_THERE, NOT_SELECTED)
    if is_left and not _is_meant(record, one.session):
        # The filters leave it alone then, as they do those who may stay.
        row.update(outcome=STILL_THERE, reason=HOST_IS_OUT)
    return row


def _unwatched(record: WaveRecord, ending: Ending) -> Facts:
    fields = {name: ending.session.fields.get(name) for name in OF_SESSION}
    row = {**fields, **_ending(ending), "warned_at": None, "messages": []}
    if ending.outcome == REPLACED:
        # It is the other session that has the id of one that was to be ended.
        row.update(outcome=STILL_THERE, reason="" if _is_meant(record, ending.session) else HOST_IS_OUT)
    return row


def _ending(ending: Ending) -> Facts:
    return {
        "outcome": ending.outcome,
        "reason": ending.reason,
        "done": ending.how,
        "ended_at": _time(ending.ended_at),
    }


def _is_meant(record: WaveRecord, session: Session) -> bool:
    return (session.place, fold(session.host)) in record.meant


def keep_facts(facts: Facts, journal: Path) -> Facts:
    """Keep what is known of a wave beside the journal, for its end; return what tasks need of it.

    Each task of each host gets a copy of what the first task of a wave returned, which for thousands of sessions takes
    longer than all else. Raises JournalError.
    """
    number = len(list(journal.parent.glob(f"{journal.stem}.*{WAVE}")))
    path = journal.with_name(f"{journal.stem}.{number}-{os.getpid()}{WAVE}")
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(facts, file)
    except OSError as error:
        raise JournalError(f"What the wave did cannot be kept in {path}: {error.strerror or error}.") from error
    hosts = {name: {field: one[field] for field in NEEDED} for name, one in facts["hosts"].items()}
    return {"began": facts["began"], "deadline": facts["deadline"], "hosts": hosts, "facts": str(path)}


def kept_facts(wave: Mapping[str, Any]) -> Facts:
    """Return all that is known of a wave of which `keep_facts` has returned a part; that part when the rest is lost."""
    try:
        known: Facts = json.loads(Path(wave["facts"]).read_text(encoding="utf-8"))
    except (KeyError, OSError, ValueError):
        return dict(wave)
    return known


def forget_facts(wave: Mapping[str, Any]) -> None:
    """Remove what was kept of a wave."""
    path = Path(str(wave.get("facts") or ""))
    if path.name.endswith(WAVE):
        path.unlink(missing_ok=True)


def report_cut_waves(folder: Path | None, journal: Path, state: JournalState) -> None:
    """Tell of waves that had no end, as after `meta: end_batch`, in the report if there is one; and forget them.

    Raises JournalError.
    """
    paths = sorted(journal.parent.glob(f"{journal.stem}.*{WAVE}"))
    waves = []
    for path in paths:
        with suppress(OSError, ValueError, KeyError, AttributeError):
            facts = json.loads(path.read_text(encoding="utf-8"))
            for one in facts["hosts"].values():
                one["worked"] = "unknown" if one["ready"] else "no"
            waves.append({**facts, "stopped": False})
    if folder is not None and waves:
        write_report(folder, state, *waves)
    for path in paths:
        path.unlink(missing_ok=True)


def write_report(folder: Path, state: JournalState, *waves: Mapping[str, Any]) -> Path:
    """Add waves, and what the journal says, to the report of a run: a file for its owner alone.

    Raises JournalError.
    """
    path = folder / f"{state.header.run}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone_in(folder):
            facts: Facts = {"waves": []}
            with suppress(FileNotFoundError):
                facts = json.loads(path.read_text(encoding="utf-8"))
            facts.update(_run(state))
            facts["waves"] += waves
            handle, name = tempfile.mkstemp(dir=folder, prefix=f".{path.name}.")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(facts, file, indent=1)
            Path(name).replace(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalError(f"The report {path} cannot be written: {error}.") from error
    return path


def require_report_folder(folder: Path) -> None:
    """Make the folder of the report, and see that a file can be written in it. Raises JournalError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix="."):
            pass
    except OSError as error:
        raise JournalError(f"report is {folder}, where no file can be written: {error.strerror or error}.") from error


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others out who add to a report in this folder, as waves may end at once; where the file system can do it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _run(state: JournalState) -> Facts:
    header = state.header
    return {
        "version": VERSION,
        "run": header.run,
        "service": header.service,
        "began": header.when,
        "controller": header.controller,
        "closed": [dict(row) for row in state.to_open()],
        "guard": [dict(record) for record in state.done_by("guard")],
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else write_time(moment)
