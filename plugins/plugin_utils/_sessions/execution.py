# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Act on sessions and see it happen, never on another session than the one that was selected.

Every session goes through these phases; only a list begun after the last event moves it on from DOUBT or WATCH:

    WAITING --sent--> SENT --accepted--> WATCH --seen--> finished
       ^                |--no clear answer--> DOUBT --still the same, and time for another try--+
       +----------------------------------------------------------------------------------------+
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice

from .errors import ServiceError, SessionsError
from .outcome import FAILED, NOT_SELECTED, REFUSED, REPLACED, STILL_THERE, UNCLEAR, Report
from .proof import LONGEST_PROOF, PROOF_SECONDS, ProofAge
from .service import Listed, ListingFailed, Replied, Reply, Service
from .session import Key, Session, without_case
from .verbs import Effect

Clock = Callable[[], float]
Progress = Callable[[int, int, int, float], None]
"""Takes how many sessions have been asked for, how many have an outcome, how many there are, and the seconds so far."""

ANSWER_SECONDS = 120.0
"""An act that is not answered so long after the deadline of its session counts as unclear."""
LISTING_SECONDS = 600.0
"""A listing that is not over after so long is given up, and with it everything that depends on it."""
UNSENT_TRIES = 20
"""After so many times in a row that it could not be sent in time a session is given up."""
LATE_PROOFS = 3
"""After so many listings in a row that took longer than a proof lasts a session is given up."""
LISTING_BATCH = 400
"""Sessions proven by one listing: about what can be sent before the proof is too old."""
LONGEST_PAUSE = 5.0
"""Seconds between listings, or between tries of one session, grow up to this."""
SOON = 0.1
"""Seconds from an answer to the next list while others are still under way: some of them may hang."""
TICK = 1.0
"""Seconds after which the loop wakes without an event, to show progress."""


class RunEndedError(SessionsError):
    """The run that this task belongs to is gone: whoever wanted something done has taken it back, or crashed."""


class BrokenOffError(Exception):
    """Acting ended before each session had an outcome; the `report` says what is known of every one.

    The text says why, without a full stop; the cause of this exception is what happened.
    """

    def __init__(self, report: Report, cause: BaseException) -> None:
        super().__init__(why_broken_off(cause))
        self.report = report


def why_broken_off(cause: BaseException) -> str:
    """Say why something ended before it was done, without a full stop."""
    if isinstance(cause, SessionsError):
        return str(cause).rstrip(".")
    kind = type(cause).__name__
    text = {"KeyboardInterrupt": "it was interrupted", "TaskTimeoutError": "it ran into the timeout of the task"}
    return text.get(kind) or f"{kind}: {cause}"


class Phase(Enum):
    """Where a session is on its way."""

    WAITING = auto()
    SENT = auto()
    DOUBT = auto()
    WATCH = auto()
    FINISHED = auto()


@dataclass(slots=True, eq=False)
class PendingSession:
    """One session on its way."""

    session: Session
    """As it was selected."""
    proof: Session | None
    """The newest row that shows that it is still the same; `None` if the one by which it was selected took too long."""
    phase: Phase = Phase.WAITING
    since: float = 0.0
    """When the last answer came: only a row read later says what came of it."""
    first_sent: float | None = None
    sent_at: float = 0.0
    not_before: float = 0.0
    tries: int = 0
    unsent: int = 0
    """Times in a row that the service did not send it."""
    proof_age: float = 0.0
    """How old the proof was, in seconds, when the last act was sent."""
    late_proofs: int = 0
    """Listings in a row that were too slow to prove anything."""
    reason: str = ""
    doubtful: bool = False
    """Whether a try may have had its effect although the answer did not say so."""
    refused: bool = False
    """Whether the last try was refused for good."""
    meanwhile: tuple[Session | None, float] | None = None
    """What the newest list showed while an act was under way, and when it was read: it counts if nothing was sent."""


@dataclass(slots=True)
class Listing:
    """A listing that is under way."""

    begun: float
    asked: set[Key]
    seen: set[Key] = field(default_factory=set)
    alike: dict[Key, Session] = field(default_factory=dict)
    """Rows of other keys by their key without case."""


class Execution:
    """Act on a list of sessions over one service. Writes every outcome into the report."""

    def __init__(
        self,
        service: Service,
        report: Report,
        progress: Progress,
        clock: Clock,
        wait_timeout: float,
        rejects: Callable[[Session], str],
        lives: Callable[[], bool],
        age: ProofAge,
        latest: float = math.inf,
    ) -> None:
        """`rejects` says why a session is not selected any more, or nothing; `lives` whether the run goes on.

        `age` knows how long the first list took. It does not count where the service itself proves who is there.
        `clock` counts seconds, for the service too; `wait_timeout` of them are for a session after its first request.
        Nothing is sent from the clock reading `latest` on.
        """
        self._service = service
        self._report = report
        self._verb = report.verb
        self._progress = progress
        self._clock = clock
        self._wait_timeout = wait_timeout
        self._latest = latest
        self._age = age
        self._ageless = service.proves_itself
        self._pending: dict[Key, PendingSession] = {}
        self._folded: dict[Key, list[Key]] = {}
        """Their keys by what they are without case."""
        self._waiting: OrderedDict[Key, PendingSession] = OrderedDict()
        self._open: dict[Phase, set[Key]] = {phase: set() for phase in (Phase.SENT, Phase.DOUBT, Phase.WATCH)}
        self._unfinished = 0
        self._listing: Listing | None = None
        self._listing_not_before = 0.0
        self._listing_pause = 0.0
        self._listings_failing_since: float | None = None
        self._rejects = rejects
        self._lives = lives
        self._blind: ServiceError | None = None
        """Why nothing can be listed any more."""

    def run(self, sessions: Sequence[Session], listed_at: float) -> None:
        """Act on the sessions until each has an outcome. Raises BrokenOffError, whatever happens.

        They had been listed at `listed_at`. Rows that had been begun long before are no proof, however long lists take.
        """
        for session in sessions:
            proven = self._ageless or listed_at <= session.read_at + PROOF_SECONDS
            self._pending[session.key] = PendingSession(session, session if proven else None)
        self._folded = {}
        for key in self._pending:
            self._folded.setdefault(without_case(key), []).append(key)
        self._waiting = OrderedDict(self._pending)
        self._unfinished = len(self._pending)
        try:
            self._run()
        except BaseException as error:
            broken = BrokenOffError(self._report, error)
            for pending in self._pending.values():
                self._finish_untold(pending, str(broken))
            raise broken from error

    def _run(self) -> None:
        begun = self._clock()
        while self._unfinished:
            if not self._lives():
                raise RunEndedError("the run has ended, so nothing more is done")
            self._give_up_waiting()
            self._send()
            self._list_again()
            for event in self._service.wait(self._idle_seconds()):
                if isinstance(event, Replied):
                    self._replied(event)
                elif isinstance(event, Listed):
                    self._listed(event)
                else:
                    self._listing_failed(event)
            total = len(self._pending)
            asked = total - len(self._waiting) - len(self._open[Phase.SENT]) - len(self._open[Phase.DOUBT])
            self._progress(asked, total - self._unfinished, total, self._clock() - begun)
        self._report.is_listing = self._listing is not None or self._blind is not None

    def _give_up_waiting(self) -> None:
        """Let nothing be asked for, and no answer be waited for, without end.

        Services have deadlines of their own for answers, which come first.
        """
        now = self._clock()
        for pending in [one for one in self._next() if now >= self._deadline(one)]:
            if pending.first_sent is None:
                reason = f"{pending.reason}; then " if pending.reason else ""
                self._finish(pending, FAILED, f"{reason}the time until which it may be sent was over")
            else:
                self._move(pending, Phase.DOUBT)  # A list that is read after the deadline says what came of it.
        for key in list(self._open[Phase.SENT]):
            pending = self._pending[key]
            if now >= pending.sent_at + self._wait_timeout + ANSWER_SECONDS:
                self._replied(Replied(pending.session, Reply.UNCLEAR, "no answer"))
        if self._listing is not None and now >= self._listing.begun + LISTING_SECONDS:
            # No other listing can begin, because what this one still answers would pass for the other's answer.
            self._blind = ServiceError(f"no answer within {LISTING_SECONDS:g} s")
            self._listing_failed(ListingFailed(self._blind))

    def _send(self) -> None:
        for pending in list(self._next()):
            if self._service.pause() > 0.0 or not self._lives():
                return
            now = self._clock()
            proof = pending.proof
            if proof is None:
                continue
            send_before = min(proof.read_at + self._proof_seconds(), self._deadline(pending))
            if pending.not_before > now or now >= send_before:
                continue
            if pending.first_sent is None:
                pending.first_sent = now
            pending.tries += 1
            pending.sent_at = now
            pending.meanwhile = None
            self._move(pending, Phase.SENT)
            self._service.begin_act(proof, send_before)

    def _proof_seconds(self) -> float:
        """How long after its list was begun a row is proof."""
        return math.inf if self._ageless else self._age.longest

    def _is_to_be_renewed(self, proof: Session | None, now: float) -> bool:
        """Tell whether a proof is that old, or missing, that the session is to be read again."""
        return proof is None or (not self._ageless and now >= proof.read_at + self._age.renewed)

    def _deadline(self, pending: PendingSession) -> float:
        """Until when a session may be asked for: nothing but `latest` ends that before it has been asked for once."""
        own = math.inf if pending.first_sent is None else pending.first_sent + self._wait_timeout
        return min(self._latest, own)

    def _next(self) -> Iterator[PendingSession]:
        """The sessions whose turn it is, as many as one listing proves."""
        return islice(self._waiting.values(), LISTING_BATCH)

    def _list_again(self) -> None:
        now = self._clock()
        if self._listing is not None or now < self._listing_not_before:
            return
        asked = [self._pending[key] for key in self._open[Phase.DOUBT]]
        if not 1.0 < self._service.pause() < math.inf:
            asked += [pending for pending in self._next() if self._is_to_be_renewed(pending.proof, now)]
        if not self._waiting:
            asked += [self._pending[key] for key in self._open[Phase.WATCH]]
        if asked:
            self._listing = Listing(now, {pending.session.key for pending in asked})
            self._service.begin_listing([pending.session for pending in asked])

    def _idle_seconds(self) -> float:
        now = self._clock()
        wakes = [TICK]
        if self._waiting:
            wakes.append(self._service.pause())
            wakes.append(min(pending.not_before for pending in self._next()) - now)
        if self._listing is None:
            wakes.append(self._listing_not_before - now)
        return max(0.0, min(wake for wake in wakes if wake > 0.0))

    # Answers

    def _replied(self, event: Replied) -> None:
        pending = self._pending.get(event.session.key)
        if pending is None or pending.phase is not Phase.SENT:  # It was given up, maybe by an earlier run.
            return
        now = self._clock()
        put_off = event.reply in (Reply.THROTTLED, Reply.NOT_SENT)
        if not put_off:  # Nothing was done, so what was read meanwhile counts.
            pending.since = now if event.answered_at is None else event.answered_at
        if put_off or not event.sent:
            pending.tries -= 1
        elif event.sent_at is not None:
            pending.sent_at = event.sent_at
            if pending.tries == 1:
                pending.first_sent = event.sent_at
        if not put_off and event.sent:
            self._note_proof(pending, event.proof_age)
        if not pending.tries:
            pending.first_sent = None
        if not (put_off and pending.tries):  # Else the last answer to what was sent says more.
            pending.reason = event.reason
        not_sent = event.reply is not Reply.THROTTLED and (put_off or not event.sent)
        pending.unsent = pending.unsent + 1 if not_sent else 0
        if put_off:
            self._move(pending, Phase.WAITING)
            if pending.unsent >= UNSENT_TRIES:
                self._finish(pending, FAILED, event.reason)
            elif pending.meanwhile is not None:
                self._judge(pending, *pending.meanwhile)
        else:
            pending.doubtful |= event.reply is Reply.UNCLEAR or event.doubtful
            pending.refused = event.reply is Reply.REFUSED
            if self._verb.effect is Effect.NONE and (event.reply is Reply.DONE or pending.doubtful):
                outcome = UNCLEAR if pending.doubtful else self._verb.done
                self._finish(pending, outcome, event.reason, perhaps=pending.doubtful)
                return
            self._move(pending, Phase.WATCH if event.reply is Reply.DONE else Phase.DOUBT)
            self._listing_pause = 0.0
            alone = not self._waiting and not self._open[Phase.SENT]
            soon = now if alone else max(now, min(now + SOON, self._deadline(pending)))
            self._listing_not_before = min(self._listing_not_before, soon)
        if self._blind is not None:
            self._finish_blindly(pending, self._blind)

    def _note_proof(self, pending: PendingSession, age: float | None) -> None:
        """Note how old the proof was on which an act was sent; `None` when the service does not say."""
        if age is None:  # Then the row was the proof, unless the service looked again by itself.
            row = None if self._ageless else pending.proof
            age = 0.0 if row is None else pending.sent_at - row.read_at
        pending.proof_age = age
        self._report.oldest_proof = max(self._report.oldest_proof, age)

    def _listed(self, event: Listed) -> None:
        listing = self._listing
        if listing is None:
            return
        # What has no rows does not say when its part of the listing was begun.
        self._age.have_read([row.read_at for row in event.sessions] or [listing.begun], self._clock())
        self._listings_failing_since = None
        for row in event.sessions:
            pending = self._pending.get(row.key)
            if pending is not None:
                listing.seen.add(row.key)
                self._judge(pending, row, row.read_at)
            elif (folded := without_case(row.key)) in self._folded:
                listing.alike[folded] = row
        if event.last:
            for folded, row in listing.alike.items():
                for key in self._folded[folded]:
                    if key not in listing.seen:
                        listing.seen.add(key)
                        self._judge(self._pending[key], row, row.read_at)
            for key in listing.asked - listing.seen - event.unproven:
                self._judge(self._pending[key], None, listing.begun)
            self._listing_ended()

    def _listing_failed(self, event: ListingFailed) -> None:
        now = self._clock()
        if self._listings_failing_since is None:
            self._listings_failing_since = now
        self._listing_ended()
        if event.error.lasting or now - self._listings_failing_since > self._wait_timeout:
            for pending in list(self._pending.values()):
                if pending.phase in (Phase.WAITING, Phase.DOUBT, Phase.WATCH):
                    self._finish_blindly(pending, event.error)

    def _finish_blindly(self, pending: PendingSession, error: ServiceError) -> None:
        self._finish_untold(pending, f"listing again failed: {error}".rstrip("."))

    def _finish_untold(self, pending: PendingSession, why: str) -> None:
        """Finish a session of which no list tells any more; `why` says why."""
        if pending.phase is Phase.FINISHED:
            return
        asked = {Phase.WATCH: "accepted", Phase.SENT: "asked for, not answered"}.get(pending.phase, "not asked for")
        if pending.phase is not Phase.SENT:
            asked = pending.reason or asked
        perhaps = pending.doubtful or pending.phase in (Phase.SENT, Phase.WATCH)
        if pending.phase is Phase.SENT:
            self._note_proof(pending, None)
        unclear = perhaps and self._verb.effect is Effect.NONE
        self._finish(pending, UNCLEAR if unclear else FAILED, f"{asked}; {why}", perhaps)

    def _listing_ended(self) -> None:
        now = self._clock()
        begun = now if self._listing is None else self._listing.begun
        self._listing = None
        open_ = (self._pending[key] for phase in (Phase.DOUBT, Phase.WATCH) for key in self._open[phase])
        deadline = min((at for at in map(self._deadline, open_) if at > begun), default=math.inf)
        self._listing_not_before = min(now + self._listing_pause, deadline)
        self._listing_pause = min(LONGEST_PAUSE, self._listing_pause * 2 or 0.25)

    # Judgement

    def _judge(self, pending: PendingSession, row: Session | None, read_at: float) -> None:
        """Move a session on by what a list shows: its row, or `None` when it is not there any more."""
        if pending.phase is Phase.SENT:
            pending.meanwhile = (row, read_at)
        if pending.phase in (Phase.SENT, Phase.FINISHED) or read_at <= pending.since:
            return
        if row is None:
            doubt = f"{pending.reason}; then " if pending.doubtful and pending.reason else ""
            self._ended(pending, self._verb.gone, f"{doubt}the session is gone")
        elif not row.users:
            self._anonymous(pending, row)
        elif not row.is_still(pending.session):
            self._ended(pending, REPLACED, f"the id belongs to {row.user} now, in another session")
        elif self._verb.is_settled(row):
            self._ended(pending, self._verb.already, pending.reason)
        elif pending.phase is not Phase.WAITING:
            self._still_there(pending, row)
        elif not (rejected := self._rejects(row)) and not self._being_ended(pending, row):
            self._prove(pending, row)
        elif pending.doubtful:
            self._move(pending, Phase.DOUBT)  # The last act may be the cause.
        else:
            self._finish(pending, NOT_SELECTED, rejected)

    def _prove(self, pending: PendingSession, row: Session) -> None:
        """Take a row for the proof that it is still the same session, if it is the very row and new enough."""
        if row.key != pending.session.key:
            reason = f"it is listed as {row.host} now, and only the very row proves that it is still the same session"
        elif (took := self._clock() - row.read_at) >= (limit := self._proof_seconds()):
            reason = (
                f"lists take {took:.1f} s, and after {limit:.1f} s ({PROOF_SECONDS:g} s and the shortest list of this "
                f"run, {LONGEST_PROOF:g} s at most) one does not prove any more that it is still the same session: "
                "run the task again when lists take less"
            )
        else:
            pending.proof, pending.late_proofs = row, 0
            return
        pending.late_proofs += 1
        if pending.late_proofs >= LATE_PROOFS:
            self._finish(pending, FAILED, reason)

    def _ended(self, pending: PendingSession, without_us: str, reason: str) -> None:
        """Finish a session that needs nothing any more; `without_us` is the outcome if no act can be the cause."""
        ours = pending.phase is Phase.WATCH or pending.doubtful
        self._finish(pending, self._verb.done if ours else without_us, reason)

    def _anonymous(self, pending: PendingSession, row: Session) -> None:
        if pending.first_sent is None:
            self._finish(pending, REFUSED, "its user cannot be read any more")
        elif row.read_at >= self._deadline(pending):
            reason = "its user cannot be read any more, so it cannot be told what came of it"
            self._finish(pending, FAILED, reason, perhaps=pending.phase is Phase.WATCH or pending.doubtful)
        elif pending.phase is Phase.WAITING:
            self._move(pending, Phase.DOUBT)

    def _being_ended(self, pending: PendingSession, row: Session) -> bool:
        """Tell whether an act of ours without a clear answer seems to be under way."""
        return pending.doubtful and self._verb.is_under_way(row)

    def _still_there(self, pending: PendingSession, row: Session) -> None:
        """Go on with a session that needs more; only a row read after its deadline shows that it was there then."""
        overdue = row.read_at >= self._deadline(pending)
        if pending.phase is Phase.WATCH:
            if overdue:
                reason = f"still {row.state} {self._wait_timeout:g} s after it was asked for"
                self._finish(pending, STILL_THERE, reason)
            return
        rejected = self._rejects(row)
        under_way = self._being_ended(pending, row)
        if rejected and not pending.doubtful:
            self._finish(pending, NOT_SELECTED, f"{pending.reason}; then {rejected}")
        elif under_way and not overdue:
            pass
        elif pending.refused or (pending.tries and not self._verb.repeatable):
            self._finish(pending, FAILED, pending.reason, perhaps=under_way or bool(rejected))
        elif overdue or pending.unsent >= UNSENT_TRIES:
            reason = f"{pending.reason}; still {row.state} after tries: {pending.tries}"
            self._finish(pending, FAILED, reason, perhaps=under_way or bool(rejected))
        elif not rejected:  # Else an act without a clear answer may be the cause, and take effect yet.
            self._try_again(pending, row)

    def _try_again(self, pending: PendingSession, row: Session) -> None:
        """Let a session be asked for again after a pause, if its row is proof."""
        if row.key == pending.session.key:
            pending.proof = row
        elif pending.first_sent is not None:
            return
        pending.not_before = self._clock() + min(LONGEST_PAUSE, 0.5 * 2 ** max(0, pending.tries - 1))
        self._move(pending, Phase.WAITING)

    def _move(self, pending: PendingSession, phase: Phase) -> None:
        key = pending.session.key
        self._waiting.pop(key, None)
        for members in self._open.values():
            members.discard(key)
        if phase is Phase.WAITING:
            self._waiting[key] = pending
            self._waiting.move_to_end(key, last=False)
        elif phase in self._open:
            self._open[phase].add(key)
        pending.phase = phase

    def _finish(self, pending: PendingSession, outcome: str, reason: str = "", perhaps: bool = False) -> None:
        self._move(pending, Phase.FINISHED)
        self._unfinished -= 1
        seconds = self._clock() - pending.first_sent if pending.first_sent is not None else 0.0
        sent_at = pending.sent_at if pending.first_sent is not None else None
        self._report.add(pending.session, outcome, reason, seconds, perhaps, pending.proof_age, sent_at)
