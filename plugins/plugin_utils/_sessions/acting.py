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

from .outcome import ALREADY_GONE, FAILED, NOT_SELECTED, REFUSED, REPLACED, STILL_THERE, Report
from .service import Answered, Looked, LookFailed, Reply, Service, ServiceError
from .session import Key, Session, fold

Clock = Callable[[], float]
Progress = Callable[[int, int, int, float], None]
"""Takes how many sessions have been asked for, how many have an outcome, how many there are, and the seconds so far."""

PROOF_SECONDS = 5.0
"""An act is sent only on a row read at most this long ago."""
RENEW_SECONDS = 3.0
"""A proof older than this is renewed in the background, while the acts that it still covers go out."""
ANSWER_SECONDS = 120.0
"""An act that is not answered so long after the deadline of its session counts as unclear."""
LOOK_SECONDS = 600.0
"""A look that is not over after so long is given up, and with it everything that depends on it."""
UNSENT_TRIES = 20
"""After so many times in a row that it could not be sent in time a session is given up."""
LATE_PROOFS = 3
"""After so many looks in a row that took longer than a proof lasts a session is given up."""
LOOK_BATCH = 400
"""Sessions proven by one look: about what can be sent before the proof is too old."""
LONGEST_PAUSE = 5.0
"""Seconds between looks, or between tries of one session, grow up to this."""
TICK = 1.0
"""Seconds after which the loop wakes without an event, to show progress."""


class RunEndedError(Exception):
    """The run that this task belongs to is gone: whoever wanted something done has taken it back, or crashed."""


class BrokenOffError(Exception):
    """Acting ended before each session had an outcome; the C(report) says what is known of every one.

    The text says why, without a full stop; the cause of this exception is what happened.
    """

    def __init__(self, report: Report, cause: BaseException) -> None:
        kind = type(cause).__name__
        text = {"KeyboardInterrupt": "it was interrupted", "TaskTimeoutError": "it ran into the timeout of the task"}
        super().__init__(text.get(kind) or f"{kind}: {cause}")
        self.report = report


class Phase(Enum):
    """Where a session is on its way."""

    WAITING = auto()
    SENT = auto()
    DOUBT = auto()
    WATCH = auto()
    FINISHED = auto()


@dataclass(slots=True, eq=False)
class Errand:
    """One session on its way."""

    session: Session
    """As it was selected."""
    proof: Session
    """The newest row that shows that it is still the same."""
    phase: Phase = Phase.WAITING
    since: float = 0.0
    """When the last answer came: only a row read later says what came of it."""
    first_sent: float | None = None
    sent_at: float = 0.0
    not_before: float = 0.0
    tries: int = 0
    unsent: int = 0
    """Times in a row that the service did not send it."""
    late_proofs: int = 0
    """Looks in a row that were too slow to prove anything."""
    reason: str = ""
    doubtful: bool = False
    """Whether a try may have had its effect although the answer did not say so."""
    refused: bool = False
    """Whether the last try was refused for good."""
    meanwhile: tuple[Session | None, float] | None = None
    """What the newest list showed while an act was under way, and when it was read: it counts if nothing was sent."""


@dataclass(slots=True)
class Look:
    """A look that is under way."""

    begun: float
    asked: set[Key]
    seen: set[Key] = field(default_factory=set)
    alike: dict[Key, Session] = field(default_factory=dict)
    """Rows of other keys by their key without case."""


class Acting:
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
    ) -> None:
        """C(rejects) says why a session is not selected any more, or nothing; C(lives) whether the run goes on."""
        self._service = service
        self._report = report
        self._verb = report.verb
        self._progress = progress
        self._clock = clock
        self._wait_timeout = wait_timeout
        self._proof_seconds, self._renew_seconds = (
            (math.inf, math.inf) if service.proves_itself else (PROOF_SECONDS, RENEW_SECONDS)
        )
        self._errands: dict[Key, Errand] = {}
        self._folded: dict[Key, list[Key]] = {}
        """Their keys by what they are without case."""
        self._waiting: OrderedDict[Key, Errand] = OrderedDict()
        self._open: dict[Phase, set[Key]] = {phase: set() for phase in (Phase.SENT, Phase.DOUBT, Phase.WATCH)}
        self._unfinished = 0
        self._look: Look | None = None
        self._look_not_before = 0.0
        self._look_pause = 0.0
        self._looks_failing_since: float | None = None
        self._rejects = rejects
        self._lives = lives
        self._blind: ServiceError | None = None
        """Why nothing can be looked at any more."""

    def run(self, sessions: Sequence[Session]) -> None:
        """Act on the sessions until each has an outcome. Raises BrokenOffError, whatever happens."""
        self._errands = {session.key: Errand(session, session) for session in sessions}
        self._folded = {}
        for key in self._errands:
            self._folded.setdefault(_without_case(key), []).append(key)
        self._waiting = OrderedDict(self._errands)
        self._unfinished = len(self._errands)
        try:
            self._run()
        except BaseException as error:
            broken = BrokenOffError(self._report, error)
            for errand in self._errands.values():
                self._finish_untold(errand, str(broken))
            raise broken from error

    def _run(self) -> None:
        begun = self._clock()
        while self._unfinished:
            if not self._lives():
                raise RunEndedError("the run has ended, so nothing more is done")
            self._give_up_waiting()
            self._send()
            self._look_again()
            for event in self._service.wait(self._idle_seconds()):
                if isinstance(event, Answered):
                    self._answered(event)
                elif isinstance(event, Looked):
                    self._looked(event)
                else:
                    self._look_failed(event)
            total = len(self._errands)
            asked = total - len(self._waiting) - len(self._open[Phase.SENT]) - len(self._open[Phase.DOUBT])
            self._progress(asked, total - self._unfinished, total, self._clock() - begun)

    def _give_up_waiting(self) -> None:
        """Let nothing be asked for, and no answer be waited for, without end.

        Services have deadlines of their own for answers, which come first.
        """
        now = self._clock()
        for errand in [one for one in self._next() if now >= self._deadline(one)]:
            self._move(errand, Phase.DOUBT)  # A list that is read after the deadline says what came of it.
        for key in list(self._open[Phase.SENT]):
            errand = self._errands[key]
            if now >= errand.sent_at + self._wait_timeout + ANSWER_SECONDS:
                self._answered(Answered(errand.session, Reply.UNCLEAR, "no answer"))
        if self._look is not None and now >= self._look.begun + LOOK_SECONDS:
            # No other look can begin, because what this one still answers would pass for the other's answer.
            self._blind = ServiceError(f"no answer within {LOOK_SECONDS:g} s")
            self._look_failed(LookFailed(self._blind))

    def _send(self) -> None:
        for errand in list(self._next()):
            if self._service.pause() > 0.0 or not self._lives():
                return
            now = self._clock()
            send_before = min(errand.proof.read_at + self._proof_seconds, self._deadline(errand))
            if errand.not_before > now or now >= send_before:
                continue
            if errand.first_sent is None:
                errand.first_sent = now
            errand.tries += 1
            errand.sent_at = now
            errand.meanwhile = None
            self._move(errand, Phase.SENT)
            self._service.begin_act(errand.proof, send_before)

    def _deadline(self, errand: Errand) -> float:
        """Until when a session may be asked for: without end until it has been asked for once."""
        return math.inf if errand.first_sent is None else errand.first_sent + self._wait_timeout

    def _next(self) -> Iterator[Errand]:
        """The sessions whose turn it is, as many as one look proves."""
        return islice(self._waiting.values(), LOOK_BATCH)

    def _look_again(self) -> None:
        now = self._clock()
        if self._look is not None or now < self._look_not_before:
            return
        asked = [self._errands[key] for key in self._open[Phase.DOUBT]]
        if not 1.0 < self._service.pause() < math.inf:
            asked += [errand for errand in self._next() if now >= errand.proof.read_at + self._renew_seconds]
        if not self._waiting:
            asked += [self._errands[key] for key in self._open[Phase.WATCH]]
        if asked:
            self._look = Look(now, {errand.session.key for errand in asked})
            self._service.begin_look([errand.session for errand in asked])

    def _idle_seconds(self) -> float:
        now = self._clock()
        wakes = [TICK]
        if self._waiting:
            wakes.append(self._service.pause())
            wakes.append(min(errand.not_before for errand in self._next()) - now)
        if self._look is None:
            wakes.append(self._look_not_before - now)
        return max(0.0, min(wake for wake in wakes if wake > 0.0))

    # Answers

    def _answered(self, event: Answered) -> None:
        errand = self._errands[event.session.key]
        if errand.phase is not Phase.SENT:
            return
        now = self._clock()
        put_off = event.reply in (Reply.THROTTLED, Reply.NOT_SENT)
        if not put_off:  # Nothing was done, so what was read meanwhile counts.
            errand.since = now if event.answered_at is None else event.answered_at
        if put_off or not event.sent:
            errand.tries -= 1
        elif event.sent_at is not None:
            errand.sent_at = event.sent_at
            if errand.tries == 1:
                errand.first_sent = event.sent_at
        if not errand.tries:
            errand.first_sent = None
        if not (put_off and errand.tries):  # Else the last answer to what was sent says more.
            errand.reason = event.reason
        not_sent = event.reply is not Reply.THROTTLED and (put_off or not event.sent)
        errand.unsent = errand.unsent + 1 if not_sent else 0
        if put_off:
            self._move(errand, Phase.WAITING)
            if errand.unsent >= UNSENT_TRIES:
                self._finish(errand, FAILED, event.reason)
            elif errand.meanwhile is not None:
                self._judge(errand, *errand.meanwhile)
        else:
            errand.doubtful |= event.reply is Reply.UNCLEAR or event.doubtful
            errand.refused = event.reply is Reply.REFUSED
            self._move(errand, Phase.WATCH if event.reply is Reply.DONE else Phase.DOUBT)
            self._look_pause = 0.0
            if not self._waiting and not self._open[Phase.SENT]:
                self._look_not_before = now
        if self._blind is not None:
            self._finish_blindly(errand, self._blind)

    def _looked(self, event: Looked) -> None:
        look = self._look
        if look is None:
            return
        self._looks_failing_since = None
        for row in event.sessions:
            errand = self._errands.get(row.key)
            if errand is not None:
                look.seen.add(row.key)
                self._judge(errand, row, row.read_at)
            elif (folded := _without_case(row.key)) in self._folded:
                look.alike[folded] = row
        if event.last:
            for folded, row in look.alike.items():
                for key in self._folded[folded]:
                    if key not in look.seen:
                        look.seen.add(key)
                        self._judge(self._errands[key], row, row.read_at)
            for key in look.asked - look.seen:
                self._judge(self._errands[key], None, look.begun)
            self._look_ended()

    def _look_failed(self, event: LookFailed) -> None:
        now = self._clock()
        if self._looks_failing_since is None:
            self._looks_failing_since = now
        self._look_ended()
        if event.error.lasting or now - self._looks_failing_since > self._wait_timeout:
            for errand in list(self._errands.values()):
                if errand.phase in (Phase.WAITING, Phase.DOUBT, Phase.WATCH):
                    self._finish_blindly(errand, event.error)

    def _finish_blindly(self, errand: Errand, error: ServiceError) -> None:
        self._finish_untold(errand, f"looking again failed: {error}".rstrip("."))

    def _finish_untold(self, errand: Errand, why: str) -> None:
        """Finish a session of which no list tells any more; C(why) says why."""
        if errand.phase is Phase.FINISHED:
            return
        asked = {Phase.WATCH: "accepted", Phase.SENT: "asked for, not answered"}.get(errand.phase, "not asked for")
        if errand.phase is not Phase.SENT:
            asked = errand.reason or asked
        perhaps = errand.doubtful or errand.phase in (Phase.SENT, Phase.WATCH)
        self._finish(errand, FAILED, f"{asked}; {why}", perhaps)

    def _look_ended(self) -> None:
        now = self._clock()
        begun = now if self._look is None else self._look.begun
        self._look = None
        open_ = (self._errands[key] for phase in (Phase.DOUBT, Phase.WATCH) for key in self._open[phase])
        deadline = min((at for at in map(self._deadline, open_) if at > begun), default=math.inf)
        self._look_not_before = min(now + self._look_pause, deadline)
        self._look_pause = min(LONGEST_PAUSE, self._look_pause * 2 or 0.25)

    # Judgement

    def _judge(self, errand: Errand, row: Session | None, read_at: float) -> None:
        """Move a session on by what a list shows: its row, or C(None) when it is not there any more."""
        if errand.phase is Phase.SENT:
            errand.meanwhile = (row, read_at)
        if errand.phase in (Phase.SENT, Phase.FINISHED) or read_at <= errand.since:
            return
        if row is None:
            doubt = f"{errand.reason}; then " if errand.doubtful and errand.reason else ""
            self._ended(errand, ALREADY_GONE, f"{doubt}the session is gone")
        elif not row.users:
            self._anonymous(errand, row)
        elif not row.is_still(errand.session):
            self._ended(errand, REPLACED, f"the id belongs to {row.user} now, in another session")
        elif self._verb.settled(row):
            self._ended(errand, self._verb.already, errand.reason)
        elif errand.phase is not Phase.WAITING:
            self._still_there(errand, row)
        elif not (rejected := self._rejects(row)) and not self._being_ended(errand, row):
            self._prove(errand, row)
        elif errand.doubtful:
            self._move(errand, Phase.DOUBT)  # The last act may be the cause.
        else:
            self._finish(errand, NOT_SELECTED, rejected)

    def _prove(self, errand: Errand, row: Session) -> None:
        """Take a row for the proof that it is still the same session, if it is the very row and new enough."""
        if row.key != errand.session.key:
            reason = f"it is listed as {row.host} now, and only the very row proves that it is still the same session"
        elif self._clock() >= row.read_at + self._proof_seconds:
            reason = (
                f"lists take longer than {PROOF_SECONDS:g} s, so that nothing proves that it is still the same session"
            )
        else:
            errand.proof, errand.late_proofs = row, 0
            return
        errand.late_proofs += 1
        if errand.late_proofs >= LATE_PROOFS:
            self._finish(errand, FAILED, reason)

    def _ended(self, errand: Errand, without_us: str, reason: str) -> None:
        """Finish a session that needs nothing any more; C(without_us) is the outcome if no act can be the cause."""
        ours = errand.phase is Phase.WATCH or errand.doubtful
        self._finish(errand, self._verb.done if ours else without_us, reason)

    def _anonymous(self, errand: Errand, row: Session) -> None:
        if errand.first_sent is None:
            self._finish(errand, REFUSED, "its user cannot be read any more")
        elif row.read_at >= self._deadline(errand):
            reason = "its user cannot be read any more, so it cannot be told what came of it"
            self._finish(errand, FAILED, reason, perhaps=errand.phase is Phase.WATCH or errand.doubtful)
        elif errand.phase is Phase.WAITING:
            self._move(errand, Phase.DOUBT)

    def _being_ended(self, errand: Errand, row: Session) -> bool:
        """Tell whether an act of ours without a clear answer seems to be under way."""
        return errand.doubtful and self._verb.under_way(row)

    def _still_there(self, errand: Errand, row: Session) -> None:
        """Go on with a session that needs more; only a row read after its deadline shows that it was there then."""
        overdue = row.read_at >= self._deadline(errand)
        if errand.phase is Phase.WATCH:
            if overdue:
                reason = f"still {row.state} {self._wait_timeout:g} s after it was asked for"
                self._finish(errand, STILL_THERE, reason)
            return
        rejected = self._rejects(row)
        under_way = self._being_ended(errand, row)
        if rejected and not errand.doubtful:
            self._finish(errand, NOT_SELECTED, f"{errand.reason}; then {rejected}")
        elif under_way and not overdue:
            pass
        elif errand.refused:
            self._finish(errand, FAILED, errand.reason, perhaps=under_way or bool(rejected))
        elif overdue or errand.unsent >= UNSENT_TRIES:
            reason = f"{errand.reason}; still {row.state} after tries: {errand.tries}"
            self._finish(errand, FAILED, reason, perhaps=under_way or bool(rejected))
        elif not rejected:  # Else an act without a clear answer may be the cause, and take effect yet.
            self._try_again(errand, row)

    def _try_again(self, errand: Errand, row: Session) -> None:
        """Let a session be asked for again after a pause, if its row is proof."""
        if row.key == errand.session.key:
            errand.proof = row
        elif errand.first_sent is not None:
            return
        errand.not_before = self._clock() + min(LONGEST_PAUSE, 0.5 * 2 ** max(0, errand.tries - 1))
        self._move(errand, Phase.WAITING)

    def _move(self, errand: Errand, phase: Phase) -> None:
        key = errand.session.key
        self._waiting.pop(key, None)
        for members in self._open.values():
            members.discard(key)
        if phase is Phase.WAITING:
            self._waiting[key] = errand
            self._waiting.move_to_end(key, last=False)
        elif phase in self._open:
            self._open[phase].add(key)
        errand.phase = phase

    def _finish(self, errand: Errand, outcome: str, reason: str = "", perhaps: bool = False) -> None:
        self._move(errand, Phase.FINISHED)
        self._unfinished -= 1
        seconds = self._clock() - errand.first_sent if errand.first_sent is not None else 0.0
        self._report.add(errand.session, outcome, reason, seconds, perhaps)


def _without_case(key: Key) -> Key:
    place, host, id_ = key
    return (place, fold(host), id_)
