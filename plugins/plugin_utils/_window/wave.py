# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One wave of a maintenance window, from its hosts' close to the proof that they are ready for the work."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

from .._sessions import engine
from .._sessions.execution import BrokenOffError
from .._sessions.host_setting import ALREADY_SET, FAILED, HostRow
from .._sessions.outcome import STILL_THERE, UNCLEAR, Report
from .._sessions.selection import Filters, Selection
from .._sessions.session import ACTIVE, DISCONNECTED, ENDING, OTHER, Session, fold, without_case
from .._sessions.session_host import HostName, SessionHost
from .._sessions.staged_message import warned_seconds
from .._sessions.verbs import DISCONNECT, LOG_OFF, MESSAGE, Operation, Verb
from .._sessions.waiting import (
    MESSAGE_SECONDS,
    Opened,
    Person,
    Texts,
    Wait,
    WaitBrokenOffError,
    WaitRequest,
    WatchedSession,
    is_same,
    name_session,
)
from .journal import Journal
from .journal_state import JournalError, Row, host_key
from .lock import acting
from .run_journal import met_in_run
from .wave_orders import DISCONNECT_ALL, EMPTY, FAIL, LEAVE, WaveOrders, WindowError
from .wave_record import Ending, Happening, WaveHost, WaveRecord
from .wave_service import WaveService

PROOF_SECONDS = 60.0
"""How long hosts are watched that may become ready by themselves, once nobody is left to be ended."""
PROOF_PAUSE = 2.0
DOORS_SECONDS = 5.0
"""So long after its doors were read a host's are not read again."""
OPENING_PAUSE = 15.0
"""So long after a host could not be opened that is out it is not tried again."""
MOST_NOTICES = 3
"""So many notices after the deadline late-comers are not waited for any more."""
TRIES, TRY_PAUSE = 3, 3.0
"""How often something is tried that a service has failed at before anything was done, and seconds in between."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """Clocks, and whether the run goes on."""

    clock: Callable[[], float]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    lives: Callable[[], bool]


class Wave:
    """Closes the hosts of a wave, warns, waits, ends, and proves which are ready."""

    def __init__(
        self,
        orders: WaveOrders,
        service: WaveService,
        journal: Journal | None,
        person: Person,
        world: World,
        refuse: Callable[[Sequence[Row]], None] = lambda _rows: None,
    ) -> None:
        """Without a journal, as in check mode, nothing may be changed. `refuse` raises when hosts are not free."""
        if journal is None and not orders.check_mode:
            raise AssertionError("a journal is needed to close hosts")
        self._orders, self._service, self._journal = orders, service, journal
        self._person, self._world, self._refuse = person, world, refuse
        self._doors_read_at = self._begun = world.clock()
        self.record = WaveRecord(world.now(), orders.check_mode)
        self._meant = self.record.meant

    @property
    def hosts(self) -> list[WaveHost]:
        """The hosts of the wave."""
        return self.record.hosts

    def close(self, names: Mapping[str, HostName]) -> None:
        """Do all steps with these hosts, which are named by their names in the inventory.

        Raises WindowError, and what the service raises. What is closed then is in the journal.
        """
        self._read(names)
        self._leave_unavailable()
        self._meant.update(self._service.key(one.host) for one in self._in())
        if self._orders.protected_users and self._meant:
            self._leave_protected(self._list())
        self._require_floor(self._to_close())
        self._close(self._to_close())
        self._require_floor([one for one in self._in() if one.is_ours])
        self._require_time()
        if self._in():
            try:
                self._wait()
                self._end()
            finally:
                self._note_met()
            self._prove()
        self.open_out()

    # Which hosts

    def _in(self) -> list[WaveHost]:
        return [one for one in self.hosts if not one.out]

    def _to_close(self) -> list[WaveHost]:
        return [one for one in self._in() if not one.closed_before]

    def _read(self, names: Mapping[str, HostName]) -> None:
        read = self._try(partial(self._service.read, list(names.values())))
        answers = {answer.named.key: answer for answer in read}
        missing, seen = [], dict[tuple[str, str], str]()
        for name, named in names.items():
            answer = answers[named.key]
            if answer.error is not None:
                raise answer.error
            if answer.found is None:
                missing.append(name if fold(name) == fold(named.name) else f"{name} ({named.name})")
                continue
            one = WaveHost(name, answer.found, closed_before=answer.found.state == self._service.closed_state)
            other = seen.setdefault(self._service.key(one.host), name)
            if other != name:
                raise WindowError(f"{other} and {name} are one session host, {one.host.name}: take one of them out.")
            self.hosts.append(one)
        if missing:
            raise WindowError(
                f"There is no session host {', '.join(missing)} where place says: check the names, or set "
                "session_window_host in the inventory."
            )
        self._refuse([one.host.fields for one in self.hosts])

    def _leave_unavailable(self) -> None:
        for one in self._in():
            why = self._service.unusable(one.host)
            if why and self._orders.unavailable_hosts == FAIL:
                raise WindowError(f"{one.name} is not available ({why}), and unavailable_hosts is fail.")
            if why:
                one.out = f"it is not available ({why})"

    def _leave_protected(self, listed: Sequence[Session]) -> None:
        """Leave hosts alone on which somebody is who is protected."""
        users = self._orders.protected_users
        if not users:
            return
        here = Selection(filters=Filters(hosts=self._meant)).choose(listed, self._world.now()).sessions
        filters = Filters(hosts=self._meant, excluded_users=users)
        others = {row.key for row in Selection(filters=filters).choose(listed, self._world.now()).sessions}
        found = {(row.place, fold(row.host)): row.user for row in here if row.key not in others}
        nameless = {(row.place, fold(row.host)) for row in here if not row.users}
        for one in self._in():
            key = self._service.key(one.host)
            if found.get(key):
                self._take_out(one, f"{found[key]}, who is protected, is on")
            elif key in nameless:
                self._take_out(one, "somebody is on whose name cannot be read, and who may be protected")

    def _take_out(self, one: WaveHost, why: str, failed: bool = False) -> None:
        one.out, one.failed, one.ready = why, failed, False
        self._meant.discard(self._service.key(one.host))
        self._happened(one, f"taken out of the wave: {why}")

    def _require_floor(self, closing: Sequence[WaveHost]) -> None:
        """Raise WindowError when too few hosts are open, or would be; those of the wave are opened again then.

        Asked only where the wave closes hosts: elsewhere it makes nothing worse.
        """
        if not self._orders.keep_open.number or not closing:
            return
        everywhere: dict[str, list[SessionHost]] = {}
        for host in self._try(self._service.list_hosts):
            everywhere.setdefault(host.place, []).append(host)
        keys = {self._service.key(one.host) for one in closing}
        for place in dict.fromkeys(one.host.place for one in closing):
            hosts = everywhere.get(place, [])
            serving = [one for one in hosts if one.state == self._service.open_state]
            left = [one for one in serving if not self._service.unusable(one) and self._service.key(one) not in keys]
            least = self._orders.keep_open.least(len(hosts))
            if len(left) >= least:
                continue
            when = "are" if closing[0].is_ours else "would be"
            where = f" in {place}" if len(everywhere) > 1 else ""
            for one in self._in():
                self._take_out(one, "too few hosts would be left open for users", failed=True)
            self.open_out()
            raise WindowError(
                f"Only {len(left)} of {len(hosts)} session hosts{where} {when} open for users, and keep_open "
                f"is {self._orders.keep_open}: take smaller waves (serial), or open others first."
            )

    def _require_time(self) -> None:
        """Raise WindowError when closing took so long that the deadline would be too late; the hosts are opened."""
        took = self._world.clock() - self._begun
        if not self._in() or self._orders.latest - took >= self._orders.deadline:
            return
        for one in self._in():
            self._take_out(one, "the deadline of its users would be after latest", failed=True)
        self.open_out()
        raise WindowError(
            f"The wave is not held: closing its hosts took {took:.0f} s, so the deadline of their users would be after "
            "latest. Set latest later, or take smaller waves (serial)."
        )

    # Doors

    def _acting(self) -> AbstractContextManager[None]:
        if self._journal is None:
            return nullcontext()
        return acting(self._journal)

    def _close(self, hosts: Sequence[WaveHost]) -> None:
        """Close hosts, after they are in the journal with their states before."""
        at = self._world.now()
        if self._journal is None:
            for one in hosts:
                one.closed_at = at
            return
        if not hosts:
            return
        with self._acting():
            self._require_run()
            if closed := self._journal.read().means([one.host.fields for one in hosts]):
                names = ", ".join(str(row["host"]) for row in closed)
                raise WindowError(f"Another wave of this run has closed {names}: two hosts of the play are one.")
            done = self._set_closed(hosts)
        for one, row in done:
            if row is not None and row.outcome == ALREADY_SET and row.before == self._service.closed_state:
                # By somebody else, since it was read.
                one.closed_before = True
                self._journal.opened([one.host.fields])
                continue
            one.closed_at = at
            if row is None or row.outcome != FAILED:
                continue
            why = row.reason or "it was not seen to be closed"
            self._take_out(one, f"it could not be closed: {why}", failed=True)
            if not row.unclear and row.after == row.before == one.host.state:
                one.closed_at = None
                self._journal.opened([one.host.fields])
        self._doors_read_at = self._world.clock()

    def _set_closed(self, hosts: Sequence[WaveHost]) -> list[tuple[WaveHost, HostRow | None]]:
        """Close hosts, which are written down before, and after it only if no request may have an effect yet."""
        if self._journal is None:
            raise AssertionError("a journal is needed to close hosts")
        rows = [one.host.fields for one in hosts]
        try:
            self._journal.closing(rows, self._orders.within_play, self._orders.batch)
            # Once more, now that others can see it: two runs may have asked at once.
            self._refuse(rows)
        except (WindowError, JournalError):
            with suppress(JournalError):
                self._journal.opened(rows)
            raise
        done = self._set(hosts, self._service.closed_state)
        seen = [one for one, row in done if row is not None and row.outcome != FAILED and not row.unclear]
        self._journal.closed([one.host.fields for one in seen])
        return done

    def _set(self, hosts: Sequence[WaveHost], state: object) -> list[tuple[WaveHost, HostRow | None]]:
        """Give hosts a state, and return what became of each."""
        seconds = self._orders.wait_timeout
        rows = [self._service.row(one.host, state) for one in hosts]
        report = self._service.set(rows, seconds)
        # By all that says which host it is: two host pools may have hosts of one name.
        said = {host_key(row.fields): row for row in report.rows}
        return [(one, said.get(host_key(one.host.fields))) for one in hosts]

    def _look_at_doors(self, at_once: bool = False) -> None:
        """Read the doors, unless that was done just now, and open hosts that are out."""
        pause = 0.0 if at_once else DOORS_SECONDS
        try:
            if not self._orders.check_mode and self._world.clock() >= self._doors_read_at + pause:
                self._read_doors()
        except self._service.trouble:
            self.open_out()
            raise
        self.open_out()

    def _read_doors(self) -> None:
        """Close hosts once more that somebody else has opened; the second time they are out.

        So are those that serve nobody any more, and one that alone cannot be read for long. Until then the others come
        first, and then its error.
        """
        at = self._world.clock()
        closed = {self._name(one): one for one in self._in() if one.is_ours or one.closed_before}
        answers = self._service.read(list(closed)) if closed else ()
        unread = {closed[answer.named].name: answer.error for answer in answers if answer.error is not None}
        again = []
        for answer in answers:
            one = closed[answer.named]
            if answer.error is not None:
                one.unread_from = at if one.unread_from is None else one.unread_from
                continue
            one.unread_from = None
            one.newest = answer.found
            if answer.found is None:
                self._take_out(one, "it is no session host of its place any more", failed=True)
            elif why := self._service.unusable(answer.found):
                fails = self._orders.unavailable_hosts == FAIL
                self._take_out(one, f"it is not available any more ({why})", failed=fails)
            elif answer.found.state == self._service.closed_state:
                one.is_reopened = False
            else:
                # Closing it may have failed: then it was opened once all the same.
                one.reopened += not one.is_reopened
                one.is_reopened = True
                again.append(one)
        for one in [one for one in again if one.reopened > 1 or one.closed_before]:
            again.remove(one)
            # It may be a late effect of ours: open_out sees to it that it stays open.
            self._take_out(one, "somebody else has opened it for new sessions", failed=True)
        if again:
            self._close_again(again)
        if len(unread) < len(answers):
            for one in closed.values():
                if one.unread_from is not None and at >= one.unread_from + self._orders.wait_timeout:
                    self._take_out(one, f"its state cannot be read: {unread.pop(one.name)}", failed=True)
        for error in unread.values():
            raise error
        self._doors_read_at = at

    def _look_surely(self, at_once: bool = False) -> None:
        """Look at the doors again and again, as long as it takes until a host that cannot be read is out."""
        number, until = -1, 0.0
        while True:
            try:
                self._look_at_doors(at_once)
            except self._service.trouble as error:
                if number != len(self._in()):
                    # Each that is out leaves as long for the others.
                    number, until = len(self._in()), self._world.clock() + self._orders.wait_timeout + TRY_PAUSE
                if self._world.clock() >= until:
                    raise
                self._warn(f"{str(error).rstrip('.')}. It is tried again.")
            else:
                return
            self._require_run()
            self._world.sleep(TRY_PAUSE)

    def _close_again(self, hosts: Sequence[WaveHost]) -> None:
        """Close hosts that somebody else has opened."""
        with self._acting():
            self._require_run()
            done = self._set_closed(hosts)
        for one, row in done:
            one.is_reopened = False
            if row is not None and row.outcome == FAILED:
                self._take_out(one, f"it could not be closed once more: {row.reason}", failed=True)
            else:
                self._happened(one, "somebody else has opened it for new sessions: closed once more")

    def open_out(self) -> None:
        """Open hosts that are not worked on. What cannot be opened now is left to the end of the wave."""
        hosts = [one for one in self.hosts if one.out and one.is_ours and self._world.clock() >= one.open_from]
        if not hosts or self._journal is None:
            return
        try:
            # With what the journal knows: whether a request to close one may have its effect yet.
            rows = self._journal.read().means([one.host.fields for one in hosts])
            report = self._service.set(rows, self._orders.wait_timeout)
        except self._service.trouble as error:
            self._warn(f"Hosts that are not worked on could not be opened yet: {error}")
            return
        finally:
            for one in hosts:
                one.open_from = self._world.clock() + OPENING_PAUSE
        said = {host_key(row.fields): row for row in report.rows}
        for one in hosts:
            row = said.get(host_key(one.host.fields))
            if row is None or row.outcome == FAILED:
                why = "nothing was answered" if row is None else row.reason
                self._warn(f"{one.name} is not worked on, and could not be opened yet: {why}")
                continue
            one.opened_at = self._world.now()
            self._journal.opened([one.host.fields])

    # Users

    def _wait(self) -> None:
        orders = self._orders
        states: tuple[str, ...] = ()
        if orders.remaining in (LEAVE, DISCONNECT_ALL) and orders.ready_when != EMPTY:
            # Whoever is disconnected may stay. Where he is ended at the deadline, he has until then to come back.
            states = (ACTIVE, OTHER, ENDING)
        selection = Selection(filters=Filters(states=states, hosts=self._meant))
        notice = orders.minimum_notice if orders.ends_active else 0.0
        latest = orders.latest - (self._world.clock() - self._begun)
        longest = max(orders.deadline, min(orders.deadline + MOST_NOTICES * notice, latest))
        request = WaitRequest(
            orders.deadline, orders.messages, orders.poll_interval, orders.check_mode, notice, longest
        )

        def reach(texts: Texts) -> Opened:
            operation = Operation(MESSAGE, wait_timeout=MESSAGE_SECONDS, varying=texts) if orders.messages else None
            return self._service.open_sessions(operation, selection)

        world = self._world
        wait = Wait(
            request,
            reach,
            self._person,
            world.clock,
            world.now,
            world.sleep,
            world.lives,
            self._service.trouble,
            self._looked,
        )
        try:
            self.record.wait = self._try(wait.run)
        except WaitBrokenOffError as error:
            self.record.wait = error.report
            raise WindowError(f"The wait was broken off: {error}.") from error
        finally:
            if self.record.wait is not None:
                self.record.warnings += self.record.wait.warnings

    def _looked(self, listed: Sequence[Session]) -> None:
        self._leave_protected(listed)
        self._look_at_doors()

    def _end(self) -> None:
        """Do to those who are still on what is wanted: to the active ones who have had their notice, and the others."""
        orders = self._orders
        if orders.remaining == LEAVE or not self._meant:
            return
        verb = DISCONNECT if orders.remaining == DISCONNECT_ALL else LOG_OFF
        warned = [one.session for one in self._warned()] if orders.ends_active else []
        self._leave_unready(warned, verb)
        named = tuple(name_session(one) for one in warned if self._is_meant(one))
        if named:
            self._do(verb, Selection(named, self._filters()))
            if not orders.check_mode:
                # That takes time, in which somebody may have come who keeps the others from being ended.
                self._leave_unready((), verb)
        if verb is LOG_OFF:
            self._do(verb, Selection(filters=self._filters(states=(DISCONNECTED,))))

    def _leave_unready(self, warned: Sequence[Session], verb: Verb) -> None:
        """Leave hosts in peace that will not be ready, and open them at once. As that takes time, look again then."""
        number = -1
        while self._meant and number != len(self._meant):
            number = len(self._meant)
            self._look_surely()
            asked, at = set(self._meant), self._world.now()
            listed = self._list()
            self._note_gone(listed, asked, at)
            self._leave_protected(listed)
            self._leave_where_somebody_stays(listed, warned, verb)
            self.open_out()

    def _leave_where_somebody_stays(self, listed: Sequence[Session], warned: Sequence[Session], verb: Verb) -> None:
        """Leave hosts in peace that will not be ready, so that nobody there is ended for nothing."""
        by_key = {without_case(one.key): one for one in warned}
        here = self._by_host(listed)

        def stays(row: Session) -> bool:
            if row.common_state == ENDING:
                return False
            if not row.users:
                return True
            if row.common_state == DISCONNECTED:
                return verb is not LOG_OFF
            earlier = by_key.get(without_case(row.key))
            return earlier is None or not row.is_still(earlier)

        for one in self._in():
            left = [row for row in self._kept(here.get(self._service.key(one.host), ())) if stays(row)]
            if left:
                who = left[0].user or "somebody whose name cannot be read"
                self._take_out(one, f"{who} is on and is not to be ended, has had no notice, or could not be ended")

    def _is_meant(self, row: Session) -> bool:
        return (row.place, fold(row.host)) in self._meant

    def _kept(self, rows: Iterable[Session]) -> list[Session]:
        """Return the sessions for which a host is not ready."""
        return [row for row in rows if self._orders.ready_when == EMPTY or row.common_state != DISCONNECTED]

    def _filters(self, states: tuple[str, ...] = ()) -> Filters:
        return Filters(states=states, hosts=self._meant, excluded_users=self._orders.protected_users)

    def _warned(self) -> Iterable[WatchedSession]:
        """Return those who are still on and have been warned for long enough.

        Of one whose creation is not told any more it is not sure that it is who was warned.
        """
        report = self.record.wait
        now, notice = self._world.clock(), self._orders.minimum_notice
        for one in report.remaining if report is not None else ():
            if notice and one.session.created is None and one.created is not None:
                continue
            warned = warned_seconds(one.told, now)
            if not notice or self._orders.check_mode or (warned is not None and warned >= notice):
                yield one

    def _do(self, verb: Verb, selection: Selection) -> bool:
        """End the sessions of a selection, over a service that was reached afresh; tell whether all have ended."""
        orders, world = self._orders, self._world
        operation = Operation(verb, wait_timeout=orders.wait_timeout)
        request = engine.Request(verb, selection, orders.check_mode, False, orders.wait_timeout)

        def run() -> bool:
            opened = self._service.open_sessions(operation, selection)
            try:
                with self._acting():
                    wanted = replace(request, selection=opened.selection)
                    report = engine.run(wanted, opened.service, self._person, world.clock, world.now, world.lives)
            except BrokenOffError as error:
                self._note_endings(error.report)
                raise WindowError(f"Ending the sessions was broken off: {error}.") from error
            finally:
                opened.service.close()
                self.record.warnings += opened.service.notes().warnings
            self._note_endings(report)
            if report.failures:
                self._warn(f"{report.failure_message()} {opened.service.notes().advice}".strip())
            return not report.failures

        return self._try(run)

    def _note_endings(self, report: Report) -> None:
        at = self._world.now()
        if self._orders.check_mode and self.record.wait is not None:
            at = self.record.wait.deadline
        if warning := report.warning():
            self.record.warnings.append(warning)
        for row in report.rows:
            if row.session is not None:
                how = report.verb.name if report.has_changed(row) else ""
                ended_at = at if report.has_ended(row) else None
                ending = Ending(row.session, how, row.outcome, row.reason, ended_at)
                self.record.endings[without_case(row.key)] = ending

    def _note_met(self) -> None:
        """Find out who has met an earlier wave, too, and keep for later ones who has met this one."""
        if self._journal is None:
            return
        watched = self.record.wait.watched if self.record.wait is not None else ()
        told = [one.session for one in watched if any(said.outcome in (MESSAGE.done, UNCLEAR) for said in one.told)]
        ended = [one.session for one in self.record.endings.values() if one.how]
        users = {fold(row.user): row.user for row in (*told, *ended) if row.users}
        earlier = met_in_run(self._journal)
        self.record.met_before = sorted(user for name, user in users.items() if name in earlier)
        self._journal.met(users.values())

    # Proof

    def _prove(self) -> None:
        """Tell which hosts are ready, with doors that are closed; a host may need some time to forget a session."""
        until = self._world.clock() + PROOF_SECONDS
        while True:
            # Before the list and after it: whoever came through a door that was open in between is on no list.
            self._look_surely(at_once=True)
            asked, at = set(self._meant), self._world.now()
            listed = self._list()
            self._leave_protected(listed)
            opened = sum(one.reopened for one in self.hosts)
            self._look_surely(at_once=True)
            if sum(one.reopened for one in self.hosts) != opened:
                continue
            here = self._by_host(listed)
            waits = False
            for one in self._in():
                rows = here.get(self._service.key(one.host), ())
                left = self._who_counts(rows)
                ghosts = self._orders.ready_when == EMPTY and self._service.count(one.newest or one.host) > len(rows)
                one.ready = not left and not ghosts
                waits |= not one.ready and all(row.common_state == ENDING for row in left)
            if not waits or self._orders.check_mode or self._world.clock() >= until:
                break
            self._require_run()
            self._world.sleep(PROOF_PAUSE)
        self._note_gone(listed, asked, at)
        self.record.remaining = [row for rows in here.values() for row in rows]
        for one in self._in():
            if not one.ready:
                number = len(self._who_counts(here.get(self._service.key(one.host), ())))
                still = f"{number} session is still there" if number == 1 else f"{number} sessions are still there"
                self._take_out(one, still if number else "the service counts sessions that it does not list")

    def _note_gone(self, listed: Sequence[Session], asked: Container[tuple[str, str]], at: datetime) -> None:
        """Note who is not there any more by a list of the hosts in `asked` that was begun `at`."""
        if self._orders.check_mode:
            return
        rows = {without_case(row.key): row for row in listed}

        def is_gone(one: WatchedSession) -> bool:
            row = rows.get(without_case(one.session.key))
            return (one.session.place, fold(one.session.host)) in asked and (row is None or not is_same(row, one))

        for one in self.record.wait.remaining if self.record.wait is not None else ():
            if is_gone(one):
                one.end(at, rows.get(without_case(one.session.key)))
        for ending in self.record.endings.values():
            if ending.outcome == STILL_THERE and is_gone(WatchedSession(ending.session)):
                # It was asked for, and is seen only now.
                verb = DISCONNECT if ending.how == DISCONNECT.name else LOG_OFF
                ending.outcome, ending.reason, ending.ended_at = verb.done, "", at

    def _who_counts(self, rows: Iterable[Session]) -> list[Session]:
        """Return the sessions for which a host is not ready; in check mode without those that would be ended."""
        kept = self._kept(rows)
        if not self._orders.check_mode:
            return kept
        ended = {key for key, one in self.record.endings.items() if one.outcome in (LOG_OFF.done, DISCONNECT.done)}
        return [row for row in kept if without_case(row.key) not in ended]

    def _by_host(self, listed: Sequence[Session]) -> dict[tuple[str, str], list[Session]]:
        found: dict[tuple[str, str], list[Session]] = {}
        for row in listed:
            if self._is_meant(row):
                found.setdefault((row.place, fold(row.host)), []).append(row)
        return found

    # What others need

    def _name(self, one: WaveHost) -> HostName:
        return HostName(one.host.place, one.host.name, one.host.fields)

    def _try(self, do: Callable[[], T]) -> T:
        """Do something again when the service fails at it before anything was done."""
        for _again in range(TRIES - 1):
            try:
                return do()
            except self._service.trouble as error:  # noqa: PERF203
                self._warn(f"{str(error).rstrip('.')}. It is tried again.")
                self._require_run()
                self._world.sleep(TRY_PAUSE)
        return do()

    def _list(self) -> Sequence[Session]:
        def read() -> Sequence[Session]:
            opened = self._service.open_sessions(None, Selection(filters=Filters(hosts=self._meant)))
            try:
                return engine.read(opened.service, opened.selection)
            finally:
                opened.service.close()

        return self._try(read)

    def _require_run(self) -> None:
        if not self._world.lives():
            raise WindowError("The run has ended, so nothing more is done.")

    def _happened(self, one: WaveHost, text: str) -> None:
        self.record.happenings.append(Happening(self._world.now(), one.name, text))
        self._person.warn(f"{one.name}: {text}")

    def _warn(self, text: str) -> None:
        self.record.warnings.append(text)
        self._person.warn(text)
