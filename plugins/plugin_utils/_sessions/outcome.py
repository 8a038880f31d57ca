# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of each session, and the report of a whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .proof import PROOF_SECONDS
from .session import Key, Session, order
from .verbs import Effect, Verb

REPLACED = "replaced"
"""Somebody else, or a new session, has the id now: left alone."""
NOT_SELECTED = "not_selected"
"""Named, but the filters given with the name do not fit: left alone."""
REFUSED = "refused"
"""The owner cannot be read, so the session cannot be told from another: left alone, a failure."""
STILL_THERE = "still_there"
"""Asked for, accepted, and not seen to happen before the deadline: a failure."""
FAILED = "failed"
"""The service refused, or did not answer clearly before the deadline: a failure."""

UNCLEAR = "unclear"
"""Sent, and nothing tells whether it was done: a failure, and not repeated."""

FAILURES = frozenset({REFUSED, STILL_THERE, FAILED, UNCLEAR})


@dataclass(frozen=True, slots=True)
class Row:
    """The outcome of one session."""

    key: Key
    fields: Mapping[str, object]
    outcome: str
    reason: str = ""
    seconds: float = 0.0
    perhaps: bool = False
    """Whether it may have been changed although nobody could see it."""
    session: Session | None = None
    """The session as it was selected; `None` when the service lists no such session."""
    proof_age: float = 0.0
    """Seconds from when the list was begun that proved it until its last act was sent, if one was."""
    sent_at: float | None = None
    """Clock reading (seconds) at which its last act was sent at the latest; `None` when nothing was sent."""

    def result(self) -> dict[str, object]:
        """Return the row as the module returns it."""
        return {
            **self.fields,
            "outcome": self.outcome,
            "reason": self.reason,
            "seconds": round(self.seconds, 3),
            "proof_age": round(self.proof_age, 3),
        }


@dataclass(slots=True)
class Report:
    """Everything that a run did, or in check mode would do."""

    verb: Verb
    rows: list[Row] = field(default_factory=list)
    disconnected: str = "Disconnected"
    """The service's word for a disconnected session, which the diff shows afterwards."""
    oldest_proof: float = 0.0
    """The highest age, in seconds, of a proof on which any act was sent."""
    is_listing: bool = False
    """Whether a list was still being read when the run ended: what it answers would pass for that of a next run."""

    def add(
        self,
        session: Session,
        outcome: str,
        reason: str = "",
        seconds: float = 0.0,
        perhaps: bool = False,
        proof_age: float = 0.0,
        sent_at: float | None = None,
    ) -> None:
        """Note what became of a listed session, as `Row` has it; `seconds` count from its first request."""
        row = Row(session.key, session.fields, outcome, reason, seconds, perhaps, session, proof_age, sent_at)
        self.rows.append(row)

    @property
    def changed(self) -> bool:
        """Whether any session was, or would be, changed.

        A session that was asked for and is still there counts, because the request was accepted; and so does one of
        which nobody can tell.
        """
        return any(self.has_changed(row) for row in self.rows)

    def has_changed(self, row: Row) -> bool:
        """Tell whether a session was, would be or may have been changed."""
        return row.perhaps or row.outcome in (self.verb.done, STILL_THERE, UNCLEAR)

    def has_ended(self, row: Row) -> bool:
        """Tell whether a session was seen to be gone, or would be."""
        return row.outcome == self.verb.gone or (row.outcome == self.verb.done and self.verb.effect is Effect.GONE)

    @property
    def failures(self) -> list[Row]:
        """The rows for which the task must fail."""
        return [row for row in self.rows if row.outcome in FAILURES]

    def sort(self) -> None:
        """Put the rows in the order of place, host and id."""
        self.rows.sort(key=lambda row: order(row.key))

    def summary(self) -> dict[str, int]:
        """Count the sessions by outcome."""
        return dict(sorted(Counter(row.outcome for row in self.rows).items()))

    def diff(self) -> dict[str, str]:
        """Show the sessions that change, one a line, before and after."""
        changed = [row.session for row in self.rows if row.outcome == self.verb.done and row.session is not None]
        shown = {
            Effect.GONE: ([session.state for session in changed], []),
            Effect.DISCONNECTED: ([session.state for session in changed], [self.disconnected] * len(changed)),
            Effect.NONE: ([], []),
        }
        before, after = shown[self.verb.effect]
        return {"before": _lines(changed, before), "after": _lines(changed, after)}

    def warning(self) -> str:
        """Say in a sentence that sessions were acted on by old lists, if any were."""
        if self.oldest_proof <= PROOF_SECONDS:
            return ""
        return (
            f"Lists take long here: to {self.verb.name} a session was asked for up to {self.oldest_proof:.1f} s after "
            "the list that proved it was begun, and who took over its id within that time could not be seen."
        )

    def failure_message(self, shown: int = 3) -> str:
        """Say in a sentence what failed, with the reasons of the first `shown` sessions."""
        failures = self.failures
        parts = [f"{row.session or row.key}: {row.reason or row.outcome}" for row in failures[:shown]]
        more = len(failures) - len(parts)
        tail = f"; and {more} more" if more else ""
        return f"Failed to {self.verb.name} {len(failures)} of {len(self.rows)} sessions: {'; '.join(parts)}{tail}."


def _lines(sessions: Sequence[Session], states: Sequence[str]) -> str:
    return "".join(
        f"{session.host}/{session.id} {session.user} {state}\n"
        for session, state in zip(sessions, states, strict=False)
    )
