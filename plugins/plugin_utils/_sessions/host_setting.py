# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring session hosts into a desired state: read, compare, set, read back; set again while that is not clear."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .errors import SelectionError, SessionsError
from .service import Reply
from .session_host import READ_SECONDS, HostName, HostRead, HostReader, SessionHost, read_each, require_all

SET, ALREADY_SET, FAILED, LEFT_ALONE = "set", "already_set", "failed", "left_alone"
"""Outcomes of a host. It is left alone when the state to restore was not known to those who might have changed it."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds before a host is set again that does not show the state, doubled each time in between."""
WATCH_PAUSE = 2.0
"""Seconds between two readings of a host that has its state and may lose it yet."""
ON_ITS_WAY = math.inf
"""When a host is due again whose request has not been answered."""
GONE = "there is no such session host any more"
SHORTEST_ANSWER = 5.0
"""Seconds that one request may take even when less is left of the time: what came of it must be seen."""


@dataclass(frozen=True, slots=True)
class Desired:
    """The state that hosts are to have."""

    state: object = None
    """That of all hosts, unless they have one of their own."""
    states: Mapping[tuple[str, str], object] = field(default_factory=dict)
    """States of single hosts by their keys, as they are when states are restored; `None` leaves a host alone."""
    restores: bool = False
    """Whether states are restored: then a host that is gone keeps no other from getting its state back."""

    def of(self, named: HostName) -> object:
        """Return the state that a host is to have."""
        return self.states.get(named.key, self.state)


@dataclass(frozen=True, slots=True)
class HostReplied:
    """The answer to a request to set a host's state."""

    named: HostName
    reply: Reply
    reason: str = ""
    ended: bool = False
    """Whether nothing more can come of an unclear answer, so that the state that is read next tells what came of it."""


class HostSetter(HostReader, Protocol):
    """Session hosts whose state can be set."""

    def begin_set(self, named: HostName, state: object, send_before: float, seconds: float) -> None:
        """Begin to set a host's state; a `HostReplied` answers it, after so many seconds of silence at most.

        Nothing is sent from the clock reading `send_before` on.
        """

    def pause(self) -> float:
        """Return for how many seconds no request to set a state should go out."""


@dataclass(frozen=True, slots=True)
class HostRow:
    """What became of a host."""

    name: str
    fields: Mapping[str, object]
    """The row that users see, with the state before."""
    before: object
    after: object
    """The state that was seen last, or that it would have; `None` when it is not known."""
    outcome: str
    reason: str = ""
    seconds: float = 0.0
    unclear: bool = False
    """Whether a request for the state may have, or may yet get, an effect that nobody has seen."""

    def result(self) -> dict[str, object]:
        """Return the row as the module returns it."""
        said = {"before": self.before, "after": self.after, "outcome": self.outcome, "reason": self.reason}
        return {**self.fields, **said, "seconds": round(self.seconds, 3), "unclear": self.unclear}


@dataclass(frozen=True, slots=True)
class HostReport:
    """What became of all hosts."""

    rows: Sequence[HostRow]

    @property
    def changed(self) -> bool:
        """Whether a state was, would be or may have been changed."""
        return any(row.outcome == SET or row.unclear for row in self.rows)

    @property
    def failures(self) -> list[HostRow]:
        """The rows for which the task must fail."""
        return [row for row in self.rows if row.outcome == FAILED]

    def summary(self) -> dict[str, int]:
        """Count the hosts by outcome."""
        return dict(sorted(Counter(row.outcome for row in self.rows).items()))

    def diff(self, option: str) -> dict[str, str]:
        """Show the hosts that change, one a line, before and after; `option` is what the state is called."""
        shown = [row for row in self.rows if row.outcome == SET]
        return {
            "before": "".join(f"{row.name} {option} {str(row.before).lower()}\n" for row in shown),
            "after": "".join(f"{row.name} {option} {str(row.after).lower()}\n" for row in shown),
        }

    def failure_message(self, shown: int = 3) -> str:
        """Say in a sentence what failed, with the reasons of the first `shown` hosts."""
        failures = self.failures
        parts = "; ".join(f"{row.name}: {row.reason.rstrip('.')}" for row in failures[:shown])
        more = f"; and {len(failures) - shown} more" if len(failures) > shown else ""
        return f"Failed to set {len(failures)} of {len(self.rows)} session hosts: {parts}{more}."


def set_hosts(
    setter: HostSetter,
    names: Sequence[HostName] | None,
    desired: Desired,
    check_mode: bool,
    wait_timeout: float,
    clock: Callable[[], float],
    lives: Callable[[], bool],
) -> HostReport:
    """Give hosts their state; without names, all. No failure of one keeps the others from being set.

    Nothing is set before all are read, and nothing at all if one of the `names` has no host, unless states are
    restored. Only hosts that are late are read beside that, for `wait_timeout` seconds or until they count as late. A
    host is set again until `wait_timeout` seconds after its first request. One that a request of an earlier task may
    change yet is set in any case, and watched for that long. Raises ServiceError.
    """
    rows: dict[tuple[str, str], HostRow] = {}
    open_: list[_Setting] = []
    late_until = clock() + wait_timeout
    for one in _read(setter, names, desired, rows, None if check_mode else clock):
        named, found = one.named, one.host
        if found is None:
            rows[named.key] = HostRow(named.name, named.fields, None, None, FAILED)  # until it is read
            open_.append(one)
        elif found.state == one.wanted and (check_mode or not one.watched):
            rows[named.key] = HostRow(found.name, found.fields, found.state, found.state, ALREADY_SET)
        elif check_mode:
            rows[named.key] = HostRow(found.name, found.fields, found.state, one.wanted, SET)
        else:
            rows[named.key] = HostRow(found.name, found.fields, found.state, found.state, FAILED)  # until it is set
            open_.append(one)
    rows.update((one.named.key, one.row) for one in _Run(setter, open_, wait_timeout, late_until, clock, lives).run())
    return HostReport(list(rows.values()))


def _read(
    setter: HostSetter,
    names: Sequence[HostName] | None,
    desired: Desired,
    rows: dict[tuple[str, str], HostRow],
    clock: Callable[[], float] | None,
) -> list[_Setting]:
    """Read the hosts that are to have a state, with a `clock` except those that are late; all get their rows.

    Raises SessionsError.
    """
    if names is None:
        listed = [(HostName(host.place, host.name, host.fields), host) for host in setter.list_hosts()]
        rows.update((named.key, HostRow(named.name, named.fields, None, None, FAILED)) for named, _host in listed)
        for unread in setter.unread:
            reason, named = str(unread.error or "it could not be read"), unread.named
            rows[named.key] = HostRow(named.name, named.fields, None, None, FAILED, reason)
        return [_Setting(named, host, desired.of(named)) for named, host in listed]
    read = read_each(setter, [named for named in names if desired.of(named) is not None], clock)
    errors = [one.error for one in read if one.error is not None and not one.late]
    if errors and len(errors) == len(read):
        raise errors[0]
    if not desired.restores:
        require_all(setter, read)
    answers = {one.named.key: one for one in read}
    settings: dict[tuple[str, str], _Setting] = {}
    for named in names:
        one = answers.get(named.key)
        if one is None:
            reason = "its state before is not known"
            rows[named.key] = HostRow(named.name, named.fields, None, None, LEFT_ALONE, reason)
        elif one.found is None and not one.late:
            reason = str(one.error or GONE)
            rows[named.key] = HostRow(named.name, named.fields, None, None, FAILED, reason)
        else:
            found, state = one.found, desired.of(named)
            # A name may lack the domain, where that leaves no doubt.
            own = named if found is None else HostName(found.place, found.name, found.fields)
            setting = settings.setdefault(own.key, _Setting(own, found, state))
            if setting.wanted != state:
                raise SelectionError(f"{named.name} is {own.name}, which is to have another state, too.")
            setting.watched |= named.unclear
            rows.setdefault(own.key, HostRow(own.name, own.fields, None, None, FAILED))
    return list(settings.values())


@dataclass(slots=True)
class _Setting:
    """The way of one host to its state."""

    named: HostName
    """By the name as the service lists it."""
    host: SessionHost | None
    """As it was before; nothing while its first reading is on its way."""
    wanted: object
    watched: bool = False
    """Whether it may change yet by a request of an earlier task, so that it is read until its time is over."""
    changed: bool = False
    """Whether it was seen in another state than the wanted one after its first request."""
    looks: bool = False
    """Whether it is to be read next, and not to be set."""
    due: float = 0.0
    """Clock reading from which its next request may go out; infinity while one is on its way."""
    first: float | None = None
    """Clock reading of the first request."""
    sent: bool = False
    """Whether a request may have had an effect."""
    open: bool = False
    """Whether one may have it even after a look has shown nothing."""
    requests: int = 0
    """How many may have had an effect."""
    unanswered: bool = False
    """Whether it is not known of one of them what came, or may come, of it."""
    refused: bool = False
    """Whether nothing is to be sent any more."""
    rest: float = FIRST_PAUSE
    """Seconds before it is set again."""
    reason: str = ""
    seen: object = None
    row: HostRow = field(init=False)

    def __post_init__(self) -> None:
        """Wait for the first reading of a host that is late."""
        if self.host is None:
            self.looks, self.due = True, ON_ITS_WAY


class _Run:
    """Sets some hosts, as many at once as the service takes."""

    def __init__(
        self,
        setter: HostSetter,
        settings: Sequence[_Setting],
        wait_timeout: float,
        late_until: float,
        clock: Callable[[], float],
        lives: Callable[[], bool],
    ) -> None:
        """`late_until` is the clock reading until which those that are late are waited for."""
        self._setter, self._all, self._clock, self._lives = setter, settings, clock, lives
        self._wait_timeout, self._late_until = wait_timeout, late_until
        self._open = {one.named.key: one for one in settings}

    def run(self) -> Sequence[_Setting]:
        """Set all; each has its row then."""
        ended = "the run that the task belongs to has ended"
        try:
            while self._open and self._lives():
                for event in self._setter.wait(self._begin()):
                    if isinstance(event, HostReplied):
                        self._replied(self._open[event.named.key], event)
                    elif isinstance(event, HostRead) and event.named.key in self._open:  # else nobody waits for it
                        self._read(self._open[event.named.key], event)
        except SessionsError as error:
            ended = str(error)
        except Exception as error:
            # Whoever restores states must hear of every host, whatever has gone wrong here.
            ended = f"the task was broken off: {error!r}"
        for one in list(self._open.values()):
            if one.due == ON_ITS_WAY and not one.looks:
                one.sent = one.open = True
                one.seen = None
            self._finish(one, FAILED, ended)
        return self._all

    def _begin(self) -> float:
        """Begin what is due. Return how long to wait for an answer at most."""
        now, pause = self._clock(), self._setter.pause()
        wait = READ_SECONDS
        for one in list(self._open.values()):
            if one.host is None and now >= self._late_until:
                self._finish(one, FAILED, "it could not be read: it does not answer, as others have")
                continue
            if one.due > now:
                wait = min(wait, one.due - now)
                continue
            if not one.looks and one.first is not None and now >= self._deadline(one):
                one.looks = one.refused = True
            left = max(SHORTEST_ANSWER, (self._deadline(one) - now) / 2)
            if one.looks:
                self._setter.begin_read(one.named, left)
            elif pause > 0:
                wait = min(wait, pause)
                continue
            else:
                one.first = now if one.first is None else one.first
                self._setter.begin_set(one.named, one.wanted, now + left, left)
                pause = self._setter.pause()
            one.due = ON_ITS_WAY
        return wait

    def _deadline(self, one: _Setting) -> float:
        return (self._clock() if one.first is None else one.first) + self._wait_timeout

    def _replied(self, one: _Setting, event: HostReplied) -> None:
        one.due, one.looks = self._clock(), True
        one.reason = event.reason
        if event.reply in (Reply.DONE, Reply.UNCLEAR):
            one.sent = True
            one.open |= not event.ended
            one.requests += 1
            one.unanswered |= event.reply is Reply.UNCLEAR and not event.ended
            one.seen = None
        elif event.reply in (Reply.THROTTLED, Reply.NOT_SENT):
            one.looks = False
        elif one.sent:
            one.refused = True
        else:
            self._finish(one, FAILED, event.reason)

    def _read(self, one: _Setting, event: HostRead) -> None:
        now = self._clock()
        if one.host is None:
            self._read_late(one, event, now)
            return
        one.seen = event.found.state if event.found is not None else None
        if event.found is not None and one.seen == one.wanted:
            if one.watched and now < self._deadline(one):
                one.rest = FIRST_PAUSE
                one.due = min(self._deadline(one), now + WATCH_PAUSE)
            else:
                changes = one.changed or one.host.state != one.wanted
                self._finish(one, SET if one.sent and changes else ALREADY_SET, one.reason)
        elif event.found is None and event.error is None:
            self._finish(one, FAILED, GONE)
        elif one.refused or now >= self._deadline(one):
            unread = f"it could not be read again: {event.error}" if event.error is not None else ""
            late = one.sent and now >= self._deadline(one)
            unseen = f"it was not seen to take effect in {self._wait_timeout:.0f} s" if late else ""
            self._finish(one, FAILED, "; ".join(filter(None, (one.reason.rstrip("."), unread or unseen))))
        else:
            one.looks = event.found is None
            one.changed |= event.found is not None
            one.due = min(self._deadline(one), now + one.rest)
            one.rest = min(LONGEST_PAUSE, 2 * one.rest)

    def _read_late(self, one: _Setting, event: HostRead, now: float) -> None:
        """Take the first reading of a host that was late: now it can be set like the others."""
        if event.found is None:
            self._finish(one, FAILED, str(event.error or GONE))
            return
        one.host, one.looks, one.due = event.found, False, now
        if event.found.state == one.wanted and not one.watched:
            self._finish(one, ALREADY_SET, "")

    def _finish(self, one: _Setting, outcome: str, reason: str) -> None:
        del self._open[one.named.key]
        if one.host is None:
            one.row = HostRow(one.named.name, one.named.fields, None, None, outcome, reason)
            return
        seconds = 0.0 if one.first is None else self._clock() - one.first
        seen = one.host.state if one.seen is None and not one.sent else one.seen
        unclear = outcome == FAILED and one.sent and (one.open or seen != one.host.state)
        # The state that is seen came from one request. Another one may bring it again after somebody has restored it.
        unclear |= outcome == SET and one.unanswered and one.requests > 1
        one.row = HostRow(one.host.name, one.host.fields, one.host.state, seen, outcome, reason, seconds, unclear)
