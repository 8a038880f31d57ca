# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of identity, time and reporting, each switched off by a change of the product's text.

A rule is worth nothing to a campaign that cannot tell when it is broken. A text that is no longer found is an error:
the mutant then has to follow the product.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.campaign.farm import Effect
from tests.campaign.kind import KINDS, RDS, WMS, WVD, WVD_CLASSIC, Kind, Transport, kinds

LIVE = kinds(transport=Transport.RUNSPACE)
SCRIPT = kinds(transport=Transport.SCRIPT)
ENDINGS = tuple(kind for kind in LIVE if kind.effect is not Effect.LEAVES_MESSAGE)
DISCONNECTS = kinds(effect=Effect.DISCONNECTS)
RDS_DISCONNECTS = kinds(RDS, effect=Effect.DISCONNECTS)
MESSAGES = kinds(effect=Effect.LEAVES_MESSAGE)
WVD_MESSAGES = kinds(WVD, effect=Effect.LEAVES_MESSAGE)
RDS_MESSAGES = kinds(RDS, effect=Effect.LEAVES_MESSAGE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule that is switched off."""

    rule: str
    module: str
    """Below plugin_utils."""
    text: str
    instead: str
    kinds: tuple[Kind, ...] = KINDS
    """The kinds of runs in which it can show."""


MUTANTS = (
    # Identity
    Mutant(
        "the user in a row counts",
        "_sessions.session",
        "            and fold(self.user) == fold(earlier.user)\n",
        "",
    ),
    Mutant(
        "the time of creation in a row counts",
        "_sessions.session",
        "            and same_instant(self.created, earlier.created)\n",
        "",
        kinds(transport=Transport.ARM) + kinds(RDS, WVD_CLASSIC, transport=Transport.RUNSPACE),
    ),
    Mutant(
        "the place is part of what says which session",
        "_sessions.session",
        "return (self.place, self.host, self.id)",
        'return ("", self.host, self.id)',
        kinds(WVD),
    ),
    Mutant(
        "the host is part of what says which session",
        "_services.windows_cmdlets",
        "same = found.setdefault((fold(session.host), session.id), [])",
        'same = found.setdefault(("", session.id), [])',
        LIVE,
    ),
    Mutant(
        "a session without a readable user is not acted on",
        "_sessions.engine",
        "elif not session.users:",
        "elif False:",
    ),
    Mutant(
        "a row without a readable user proves nothing",
        "_sessions.execution",
        "elif not row.users:",
        "elif False:",
    ),
    Mutant(
        "two rows of one id are nobody's",
        "_services.windows_cmdlets",
        "replace(one, users=()) if len(same) > 1 else one",
        "one",
        LIVE,
    ),
    Mutant(
        "somebody else in a named id is left alone",
        "_sessions.selection",
        "elif mismatch:",
        "elif False:",
    ),
    Mutant(
        "somebody else in an id ends the matter",
        "_sessions.execution",
        "elif not row.is_still(pending.session):",
        "elif False:",
    ),
    Mutant(
        "a host that is spelled otherwise is not gone",
        "_sessions.execution",
        "for folded, row in listing.alike.items():",
        "for folded, row in ():",
    ),
    Mutant(
        "a user who is spelled otherwise is the same",
        "_sessions.session",
        "and fold(self.user) == fold(earlier.user)",
        "and self.user == earlier.user",
    ),
    Mutant(
        "over the script, too, the time of creation counts",
        "_services.windows_cmdlets",
        '(*self.FORM.owner, *(name for name in self.fields if name == "create_time"))',
        "tuple(self.FORM.owner)",
        kinds(RDS, transport=Transport.SCRIPT),
    ),
    Mutant(
        "of several readings the newest row counts",
        "_services.settled_list",
        "found[key] = session",
        "found.setdefault(key, session)",
        kinds(WVD),
    ),
    Mutant(
        "a session that slid to a page read before is not gone",
        "_services.wvd",
        "                    if pages > 1:",
        "                    if False:",
        kinds(WVD),
    ),
    Mutant(
        "a list of several pages is read until it holds still",
        "_services.settled_list",
        "if shown == before:",
        "if True:",
        kinds(WVD),
    ),
    # Selection
    Mutant(
        "filters must hold still before an act",
        "_sessions.execution",
        "elif not (rejected := self._rejects(row)) and not",
        "elif not (rejected := '') and not",
    ),
    Mutant(
        "excluded users are left alone",
        "_sessions.selection",
        "if any(_may_be_user(given, session) for given in self.excluded_users):",
        "if False:",
    ),
    Mutant(
        "young sessions are left alone",
        "_sessions.selection",
        "if now - session.created < self.minimum_age:",
        "if False:",
    ),
    Mutant(
        "what needs nothing is not acted on",
        "_sessions.engine",
        "if verb.is_settled(session):",
        "if False:",
        DISCONNECTS,
    ),
    Mutant("check mode does nothing", "_sessions.engine", "if request.check_mode:", "if False:"),
    # Time
    Mutant(
        "a proof lasts five seconds besides the shortest list",
        "_sessions.proof",
        "PROOF_SECONDS = 5.0",
        "PROOF_SECONDS = 9.0",
    ),
    Mutant(
        "a proof lasts by the shortest list, not as long as any may",
        "_sessions.proof",
        "return min(LONGEST_PROOF, PROOF_SECONDS + self.shortest)",
        "return LONGEST_PROOF",
    ),
    Mutant(
        "a proof lasts by the shortest list of all, not by the last one",
        "_sessions.proof",
        "self.shortest = min(self.shortest, seconds)",
        "self.shortest = seconds",
        LIVE + kinds(WVD),
    ),
    Mutant(
        "a proof lasts by the shortest list, not by the longest one",
        "_sessions.proof",
        "self.shortest = min(self.shortest, seconds)",
        "self.shortest = seconds if self.shortest == math.inf else max(self.shortest, seconds)",
        LIVE + kinds(WVD),
    ),
    Mutant(
        "no proof lasts more than thirty seconds",
        "_sessions.proof",
        "return min(LONGEST_PROOF, PROOF_SECONDS + self.shortest)",
        "return PROOF_SECONDS + self.shortest",
        LIVE + kinds(WVD),
    ),
    Mutant(
        "a first list that took long proves nothing",
        "_sessions.execution",
        "proven = self._ageless or listed_at <= session.read_at + PROOF_SECONDS",
        "proven = True",
        LIVE + kinds(WVD),
    ),
    Mutant(
        "only what was read after the answer says what came of an act",
        "_sessions.execution",
        " or read_at <= pending.since:",
        ":",
    ),
    Mutant(
        "what was read after an act was sent, but before its answer, does not say what came of it",
        "_sessions.execution",
        "pending.since = now if event.answered_at is None else event.answered_at",
        "pending.since = pending.sent_at",
    ),
    Mutant(
        "an act without a clear answer is repeated only after another list",
        "_sessions.execution",
        "Phase.WATCH if event.reply is Reply.DONE else Phase.DOUBT",
        "Phase.WATCH if event.reply is Reply.DONE else Phase.WAITING",
    ),
    Mutant(
        "nothing is judged while its act is under way",
        "_sessions.execution",
        "if pending.phase in (Phase.SENT, Phase.FINISHED)",
        "if pending.phase in (Phase.FINISHED,)",
    ),
    Mutant(
        "what was accepted is not asked for again",
        "_sessions.execution",
        "Phase.WATCH if event.reply is Reply.DONE else",
        "Phase.DOUBT if event.reply is Reply.DONE else",
    ),
    Mutant(
        "what hangs counts as accepted",
        "_services.windows_answers",
        "self._silence = Reply.DONE if shows else Reply.UNCLEAR",
        "self._silence = Reply.UNCLEAR",
        ENDINGS,
    ),
    Mutant(
        "what is being ended is not ended again",
        "_sessions.execution",
        "return pending.doubtful and self._verb.is_under_way(row)",
        "return False",
        kinds(WVD, effect=Effect.ENDS) + kinds(RDS, WVD_CLASSIC, transport=Transport.RUNSPACE, effect=Effect.ENDS),
    ),
    Mutant(
        "nothing is sent after a deadline",
        "_sessions.execution",
        "else pending.first_sent + self._wait_timeout",
        "else pending.first_sent + 2 * self._wait_timeout + 3.0",
    ),
    Mutant(
        "a deadline counts from the first act",
        "_sessions.execution",
        "            if pending.first_sent is None:\n                pending.first_sent = now",
        "            if True:\n                pending.first_sent = now",
    ),
    Mutant(
        "what was read before a deadline is not still there after it",
        "_sessions.execution",
        "overdue = row.read_at >= self._deadline(pending)",
        "overdue = self._clock() >= self._deadline(pending)",
    ),
    Mutant(
        "a refusal for now is no try",
        "_sessions.execution",
        "            pending.tries -= 1\n",
        "            pass\n",
        kinds(WVD),
    ),
    Mutant(
        "a refusal for good is the end",
        "_sessions.execution",
        "pending.refused = event.reply is Reply.REFUSED",
        "pending.refused = False",
    ),
    Mutant(
        "nothing is sent when the run has ended",
        "_sessions.engine",
        "rejects, lives, age, request.latest",
        "rejects, always, age, request.latest",
    ),
    Mutant(
        "the script on the host is told how much time is left",
        "_transports.script",
        "return None if math.isinf(act.send_before) else act.send_before - called - self._beside",
        "return None",
        SCRIPT,
    ),
    # Reporting
    Mutant(
        "what is not seen on a list that failed is not gone",
        "_services.windows_runspace",
        "        if answer.whole:\n            self._events.append(Listed(",
        "        if True:\n            self._events.append(Listed(",
        LIVE,
    ),
    Mutant(
        "what is not seen on a list that failed is not gone, on Azure",
        "_services.wvd",
        "self._workers.answer(ListingFailed(error))",
        "self._workers.answer(Listed((), last=True))",
        kinds(WVD),
    ),
    Mutant(
        "what is not seen when the connection is lost is not gone",
        "_services.windows_runspace",
        "= None, False\n            self._events.append(ListingFailed(ServiceError(reason)))",
        "= None, False\n            self._events.append(Listed((), last=True))",
        LIVE,
    ),
    Mutant(
        "an act without a clear answer may be ours",
        "_sessions.execution",
        "pending.doubtful |= event.reply is Reply.UNCLEAR",
        "pending.doubtful |= False",
    ),
    Mutant(
        "an error of a cmdlet does not say that nothing was done",
        "_services.windows_answers",
        "            reply = Reply.UNCLEAR\n",
        "            reply = Reply.GONE\n",
        LIVE,
    ),
    Mutant(
        "what nobody could see may have been changed",
        "_sessions.execution",
        "perhaps = pending.doubtful or pending.phase in (Phase.SENT, Phase.WATCH)",
        "perhaps = False",
    ),
    Mutant(
        "what is gone without an act is no change",
        "_sessions.execution",
        "self._verb.done if ours else without_us",
        "self._verb.done",
    ),
    Mutant(
        "what was disconnected meanwhile needs nothing",
        "_sessions.execution",
        "elif self._verb.is_settled(row):",
        "elif False:",
        DISCONNECTS,
    ),
    Mutant(
        "what was asked for and is still there counts as changed",
        "_sessions.outcome",
        "row.perhaps or row.outcome in (self.verb.done, STILL_THERE, UNCLEAR)",
        "row.perhaps or row.outcome in (self.verb.done,)",
    ),
    Mutant(
        "a row says how old the proof of its last act was",
        "_sessions.execution",
        "        if not put_off and event.sent:\n            self._note_proof",
        "        if pending.tries == 1 and not put_off and event.sent:\n            self._note_proof",
        LIVE + kinds(WVD),
    ),
    Mutant(
        "a row of which nothing was sent tells of no proof",
        "_sessions.execution",
        "        if not put_off and event.sent:\n            self._note_proof",
        "        if True:\n            self._note_proof",
        LIVE + kinds(WVD),
    ),
    # Verbs
    Mutant(
        "a disconnect is a disconnect",
        "_services.rds",
        'DISCONNECT: "Disconnect-RDUser"',
        'DISCONNECT: "Invoke-RDUserLogoff"',
        RDS_DISCONNECTS,
    ),
    Mutant(
        "a disconnected session of RDS is known as one",
        "_services.rds",
        '        "state_disconnected": DISCONNECTED,\n',
        "",
        RDS_DISCONNECTS,
    ),
    Mutant(
        "who is disconnected meanwhile needs nothing, on RDS too",
        "_sessions.verbs",
        "return self.effect is Effect.DISCONNECTED and session.common_state == DISCONNECTED",
        'return session.common_state == DISCONNECTED and "STATE" not in session.state',
        RDS_DISCONNECTS,
    ),
    Mutant(
        "what is not there without us is not ours",
        "_sessions.execution",
        "Phase.WATCH if event.reply is Reply.DONE else",
        "Phase.WATCH if event.reply in (Reply.DONE, Reply.GONE) else",
        kinds(WVD, effect=Effect.ENDS),
    ),
    Mutant(
        "an answer that nobody is there proves nothing",
        "_sessions.execution",
        "            pending.refused = event.reply is Reply.REFUSED\n",
        "            pending.refused = event.reply is Reply.REFUSED\n"
        "            if event.reply is Reply.GONE:\n"
        "                self._ended(pending, self._verb.gone, event.reason)\n"
        "                return\n",
        kinds(WVD, effect=Effect.ENDS),
    ),
    Mutant(
        "a verb says what it was told to say",
        "_services.wvd",
        "arguments = self._operation.arguments_for(session) if",
        "arguments = dict.fromkeys(self._operation.arguments_for(session)) if",
        WVD_MESSAGES,
    ),
    # Messages
    Mutant(
        "a message without a clear answer is not sent again",
        "_sessions.execution",
        "                outcome = UNCLEAR if pending.doubtful else self._verb.done\n",
        "                if pending.doubtful:\n"
        "                    self._move(pending, Phase.WAITING)\n"
        "                    return\n"
        "                outcome = UNCLEAR if pending.doubtful else self._verb.done\n",
        MESSAGES,
    ),
    Mutant(
        "a message that was accepted is not sent again",
        "_sessions.execution",
        "                outcome = UNCLEAR if pending.doubtful else self._verb.done\n",
        "                if not pending.doubtful and pending.tries < 2:\n"
        "                    self._move(pending, Phase.WAITING)\n"
        "                    return\n"
        "                outcome = UNCLEAR if pending.doubtful else self._verb.done\n",
        MESSAGES,
    ),
    Mutant(
        "a message of which it is said that nobody was there is not sent again",
        "_sessions.verbs",
        'gone="not_there", repeatable=False)',
        'gone="not_there")',
        WVD_MESSAGES,
    ),
    Mutant(
        "that a message is accepted says everything",
        "_sessions.execution",
        "self._verb.effect is Effect.NONE and (event.reply is Reply.DONE or pending.doubtful)",
        "self._verb.effect is Effect.NONE and pending.doubtful",
        MESSAGES,
    ),
    Mutant(
        "a message without a clear answer may have come",
        "_sessions.execution",
        "self._verb.effect is Effect.NONE and (event.reply is Reply.DONE or pending.doubtful)",
        "self._verb.effect is Effect.NONE and event.reply is Reply.DONE",
        MESSAGES,
    ),
    Mutant(
        "a message without a clear answer is not called sent",
        "_sessions.execution",
        "outcome = UNCLEAR if pending.doubtful else self._verb.done",
        "outcome = self._verb.done",
        MESSAGES,
    ),
    Mutant(
        "a message that was refused for now is sent later",
        "_sessions.execution",
        "        if put_off:\n            self._move(pending, Phase.WAITING)\n",
        "        if put_off:\n"
        "            self._move(pending, Phase.WAITING)\n"
        "            if self._verb.effect is Effect.NONE and event.reply is Reply.THROTTLED:\n"
        "                self._finish(pending, FAILED, event.reason)\n"
        "                return\n",
        MESSAGES,
    ),
    Mutant(
        "a message needs a proof as every act does",
        "_sessions.execution",
        "self._ageless = service.proves_itself",
        "self._ageless = service.proves_itself or report.verb.effect is Effect.NONE",
        MESSAGES,
    ),
    Mutant(
        "of a message that is not answered at the end nobody knows",
        "_sessions.execution",
        "unclear = perhaps and self._verb.effect is Effect.NONE",
        "unclear = False",
        MESSAGES,
    ),
    Mutant(
        "what is unclear counts as changed",
        "_sessions.outcome",
        "row.perhaps or row.outcome in (self.verb.done, STILL_THERE, UNCLEAR)",
        "(row.perhaps and row.outcome != UNCLEAR) or row.outcome in (self.verb.done, STILL_THERE)",
        MESSAGES,
    ),
    Mutant(
        "over the script, too, nobody is disconnected who has disconnected meanwhile",
        "_services.windows_script",
        "if by_state or session.key in self._asked",
        "if session.key in self._asked",
        kinds(RDS, transport=Transport.SCRIPT, effect=Effect.DISCONNECTS),
    ),
    # Calls in flight
    Mutant(
        "a silent call is asked for its answer again",
        "_transports.runspace",
        "(one for one in calls if not one.is_asked)",
        "(one for one in calls if not one.is_asked and not one.silent)",
        kinds(RDS, WMS, transport=Transport.RUNSPACE),
    ),
    Mutant(
        "a disconnect is a disconnect, on MultiPoint too",
        "_services.wms",
        'DISCONNECT: "Disconnect-WmsSession"',
        'DISCONNECT: "Close-WmsSession"',
        kinds(WMS, effect=Effect.DISCONNECTS),
    ),
    Mutant(
        "a refusal after another error may have had its effect",
        "_services.windows_answers",
        "doubtful=not all(explained)",
        "doubtful=False",
        LIVE,
    ),
    # Messages by cmdlets
    Mutant(
        "silence does not say that a message was sent",
        "_services.windows_answers",
        "self._silence = Reply.DONE if shows else Reply.UNCLEAR",
        "self._silence = Reply.DONE",
        RDS_MESSAGES,
    ),
    Mutant(
        "a message by a cmdlet says what it was told to say",
        "_services.rds",
        "title, body = (arguments[name] for name in TEXTS)",
        "body, title = (arguments[name] for name in TEXTS)",
        RDS_MESSAGES,
    ),
    Mutant(
        "nobody knows of the messages of a script whose output is lost",
        "_services.windows_script",
        "Replied(session, Reply.UNCLEAR, reason, self._clock())",
        "Replied(session, Reply.NOT_SENT, reason)",
        kinds(RDS, transport=Transport.SCRIPT, effect=Effect.LEAVES_MESSAGE),
    ),
)
