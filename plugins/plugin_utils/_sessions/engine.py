# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The six steps of every verb on every service: find, select, confirm, act, verify, report.

No input or output of its own: services, console and clocks come from outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Protocol

from .execution import Clock, Execution
from .outcome import REFUSED, Report, Row
from .proof import ProofAge
from .selection import Choice, Selection
from .service import Service
from .session import Session, fold
from .verbs import Verb

Now = Callable[[], datetime]


class Console(Protocol):
    """The person at the controller."""

    def confirm(self, verb: str, sessions: Sequence[Session]) -> None:
        """Ask whether to do `verb` (its name) to all of `sessions`; return only on a clear yes, raise otherwise."""

    def progress(self, asked: int, finished: int, total: int, seconds: float) -> None:
        """Show how many of `total` sessions are asked for, and how many finished, after so many seconds of acting."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    verb: Verb
    selection: Selection
    check_mode: bool = False
    confirm: bool = False
    wait_timeout: float = 60.0
    """Seconds to go on with a session after its first request: to see the effect, or to try again."""
    latest: float = math.inf
    """Clock reading from which on nothing is sent any more."""


def utc_now() -> datetime:
    """Return the time of day (aware), by which ages are counted."""
    return datetime.now(timezone.utc)


def find(service: Service, selection: Selection, now: Now = utc_now) -> Choice:
    """List and select; `now` tells the time of day (aware) for ages. Raises ServiceError and SelectionError."""
    return choose(service, selection, read(service, selection), now)


def read(service: Service, selection: Selection) -> Sequence[Session]:
    """List the sessions of the place, and those that are named above all. Raises ServiceError."""
    return service.list_sessions([named.key for named in selection.named or ()])


def choose(service: Service, selection: Selection, listed: Sequence[Session], now: Now = utc_now) -> Choice:
    """Select among `listed`; a host without any must be one. Raises ServiceError and SelectionError."""
    host = selection.filters.host
    if host and not any(fold(session.host) == fold(host) for session in listed):
        service.require_host(host)
    return selection.choose(listed, now())


def always() -> bool:
    """Say that the run goes on."""
    return True


def run(
    request: Request,
    service: Service,
    console: Console,
    clock: Clock,
    now: Now = utc_now,
    lives: Callable[[], bool] = always,
) -> Report:
    """Do all six steps of `request` and return the report. Sessions fail one by one, in the report.

    `clock` counts seconds and is the one that the service reads too; `now` tells the time of day (aware) for ages.
    `lives` tells whether the run that this is a part of goes on; it is asked before every act. Raises ServiceError and
    SelectionError before anything was ended, whatever the console raises, and BrokenOffError with the report when
    something happens in the middle, an interrupt included.
    """
    verb = request.verb
    listed = read(service, request.selection)
    listed_at, age = clock(), ProofAge()
    age.have_read((session.read_at for session in listed), listed_at)
    choice = choose(service, request.selection, listed, now)
    report = Report(verb, disconnected=service.disconnected)
    for named, found, outcome, reason in choice.left_alone:
        fields = found.fields if found else named.fields
        report.rows.append(Row(named.key, fields, outcome or verb.gone, reason, session=found))
    pending: list[Session] = []
    for session in choice.sessions:
        if verb.is_settled(session):
            report.add(session, verb.already)
        elif not session.users:
            report.add(session, REFUSED, "its user cannot be read, so it cannot be told from another session")
        else:
            pending.append(session)
    if request.check_mode:
        for session in pending:
            report.add(session, verb.done)
    elif pending:
        if request.confirm:
            console.confirm(verb.name, pending)

        def rejects(session: Session) -> str:
            return choice.filters.rejects(session, now())

        execution = Execution(
            service, report, console.progress, clock, request.wait_timeout, rejects, lives, age, request.latest
        )
        execution.run(pending, listed_at)
    report.sort()
    return report
