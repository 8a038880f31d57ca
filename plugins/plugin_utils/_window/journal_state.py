# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the records of a journal say: which hosts a run has closed and nobody has opened yet, and to which states."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._sessions.errors import SessionsError
from .._sessions.session import fold
from .process_life import Process, lives, read_process

VERSION = 1

HEADER, GUARD, CLOSING, CLOSED, OPENED, LEFT_CLOSED, MET, LATE, TROUBLE, OVER, FINISHED = KINDS = (
    "header",
    "guard",
    "closing",
    "closed",
    "opened",
    "left_closed",
    "met",
    "late",
    "trouble",
    "over",
    "finished",
)
RUN = "run"
"""Who wrote a record, beside the guard and playbooks."""

Row = Mapping[str, Any]
"""A host, in the form in which the modules that set session hosts take it in `hosts`."""
Key = tuple[str, ...]
"""Which host it is, the same for every spelling."""


class JournalError(SessionsError):
    """A journal cannot be written or read."""


@dataclass(frozen=True, slots=True)
class HostForm:
    """How the hosts of a service look in a journal."""

    key: Sequence[str]
    """Fields within which the host's name means one host."""
    state: str
    """The field with the state before."""
    others: Sequence[str] = ()


FORMS: Mapping[str, HostForm] = {
    "wvd": HostForm(("subscription_id", "resource_group_name", "host_pool_name"), "allow_new_session", ("name", "id")),
    # The name alone: which broker is asked changes with a failover.
    "rds": HostForm((), "new_connection_allowed", ("session_host", "connection_broker", "collection_name")),
}


def host_key(row: Row) -> Key:
    """Say which host a row means. Raises JournalError when it does not say that."""
    form, host = _form(row), str(row.get("host") or "")
    if not host:
        raise JournalError(f"A row of {row['service']} names no host: {dict(row)!r:.200}")
    return (str(row["service"]), *(fold(str(row.get(name) or "")) for name in form.key), fold(host))


def journal_row(row: Row) -> dict[str, Any]:
    """Keep what says which host it is and its state before. Raises JournalError when it does not say both.

    Nothing else gets into a journal, whatever a row holds.
    """
    host_key(row)
    form = _form(row)
    if row.get(form.state) is None:
        raise JournalError(f"The state of session host {row['host']} is not known, so it could not be restored.")
    names = ("service", "host", *form.key, *form.others, form.state)
    return {name: row[name] for name in names if name in row}


@dataclass(slots=True)
class WindowHost:
    """A host that a run has closed, or was about to."""

    row: Row
    """With the state before."""
    closed: bool = False
    """Whether it was seen to be closed. One that was not may be closed nevertheless."""
    opened_by: str = ""
    left_by: str = ""
    why: str = ""
    """Why it was left closed."""
    within_play: bool = False
    """Whether it is to be opened in the play that has closed it."""
    batch: str = ""
    """The name of the first host of the batch that it was closed with; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class Header:
    """Whose journal it is."""

    run: str
    """The id of the run, of letters, digits, `-` and `_`."""
    process: Process
    """The `ansible-playbook` that the run is."""
    service: str
    when: str
    controller: str
    place: str = ""
    """What to reach the service by, beside the rows, such as a connection broker."""
    public: str = ""
    """The file by which other users of this machine see what is closed, if there is one."""


@dataclass(slots=True)
class JournalState:
    """What a journal says."""

    header: Header
    hosts: dict[Key, WindowHost] = field(default_factory=dict)
    guard: Process | None = None
    over_by: str = ""
    """Who has ended the run's part, so that nothing of the run closes or ends anything any more."""
    over_why: str = ""
    finished_by: str = ""
    met: set[str] = field(default_factory=set)
    """Users whom the run has warned or ended, without case."""
    written: list[Mapping[str, Any]] = field(default_factory=list)
    """All records but the header, in order."""
    unreadable: int = 0
    """Lines that are none: torn when the machine, or the run, died."""

    @property
    def over(self) -> bool:
        """Whether nothing of the run may close or end anything any more."""
        return bool(self.over_by)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return bool(self.finished_by)

    def to_open(self) -> list[Row]:
        """Return the hosts that the run has closed and nobody has opened, with the state before.

        Without those that the run itself has left closed on purpose; those on which the guard has given up are in it.
        A request for one that was not seen to be closed may have its effect yet, so it is `unclear`.
        """
        return [
            host.row if host.closed else {**host.row, "unclear": True}
            for host in self.hosts.values()
            if not host.opened_by and host.left_by != RUN
        ]

    def means(self, rows: Iterable[Row]) -> list[Row]:
        """Return those of these hosts that are still to be opened, as the journal has them."""
        wanted = {host_key(row) for row in rows}
        return [row for row in self.to_open() if host_key(row) in wanted]

    def of_other_batches(self, batch: str) -> list[Row]:
        """Return the hosts to be opened that were closed as some of another batch; of some it is not known."""
        return [row for row in self.to_open() if self.hosts[host_key(row)].batch not in ("", batch)]

    def outlasts_play(self) -> bool:
        """Tell whether a host that is to be opened may be opened by a later play than the one that has closed it."""
        left = {host_key(row) for row in self.to_open()}
        return any(key in left and not host.within_play for key, host in self.hosts.items())

    def done_by(self, who: str) -> list[Mapping[str, Any]]:
        """Return the records that somebody has written."""
        return [record for record in self.written if record.get("by") == who]

    def processes(self) -> list[Process]:
        """Return the run, and its guard if it has one."""
        return [one for one in (self.header.process, self.guard) if one is not None]

    def is_worked_on(self) -> bool | None:
        """Tell whether the run or its guard is still there; `None` when that cannot be seen from here."""
        known = [lives(one) for one in self.processes()]
        return True if True in known else None if None in known else False


def read_state(text: str, name: str) -> JournalState:
    """Read a journal; `name` is for errors. Raises JournalError when it is none, or of another version."""
    first, *lines = text.split("\n")
    header = _record(first)
    if header is None or header.get("record") != HEADER:
        raise JournalError(f"{name} is no journal of a maintenance window: its first line is no header.")
    if header.get("version") != VERSION:
        raise JournalError(
            f"{name} is a journal of version {header.get('version')}, and this release of the collection reads version"
            f" {VERSION}: use the release that wrote it."
        )
    try:
        texts = {key: str(header[key]) for key in ("run", "service", "when", "controller", "place")}
        public = str(header.get("public") or "")
        state = JournalState(Header(process=read_process(header["process"]), public=public, **texts))
    except (KeyError, TypeError, ValueError) as error:
        raise JournalError(f"{name} is no journal of a maintenance window: its header lacks {error}.") from error
    for line in filter(None, lines):
        record = _record(line)
        try:
            if record is None:
                raise ValueError(line)
            _add(state, record)
            state.written.append(record)
        except (JournalError, KeyError, TypeError, ValueError):
            state.unreadable += 1
    return state


def _form(row: Row) -> HostForm:
    form = FORMS.get(str(row.get("service")))
    if form is None:
        raise JournalError(f"A host of service {row.get('service')!r} cannot be closed: it must be of wvd or rds.")
    return form


def _record(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _add(state: JournalState, record: Mapping[str, Any]) -> None:
    kind, who = record["record"], str(record["by"])
    if kind == CLOSING:
        for row in record["hosts"]:
            known = state.hosts.get(host_key(row))
            # Closed once more while it is closed: what was read then is not the state before.
            if known is None or known.opened_by:
                known = state.hosts[host_key(row)] = WindowHost(row)
            known.left_by = known.why = ""
            known.closed = False
            known.within_play, known.batch = bool(record.get("within_play")), str(record.get("batch") or "")
    elif kind in (CLOSED, OPENED, LEFT_CLOSED):
        for key in map(tuple, record["hosts"]):
            host = state.hosts[key]
            if kind == CLOSED:
                host.closed = True
            elif kind == OPENED:
                host.opened_by = who
            else:
                host.left_by, host.why = who, str(record["why"])
    elif kind == MET:
        state.met.update(map(fold, record["users"]))
    elif kind == GUARD:
        state.guard = read_process(record["process"])
    elif kind == OVER:
        state.over_by, state.over_why = who, str(record["why"])
    elif kind == FINISHED:
        state.finished_by = who
