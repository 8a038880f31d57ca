# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else must hold for messages, of which no list shows anything: the farm knows who got one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.campaign.farm import Act, Answer, Login, Spot
from tests.campaign.proof_age import ProofAges
from tests.campaign.trial import Told, Trial

NOW = 0.05
"""What is so near in time counts as the same moment."""


def judge_messages(trial: Trial, chosen: Mapping[Spot, Login], ages: ProofAges) -> Iterator[str]:
    """Say what was wrong; `chosen` is whose session was selected at each spot, `ages` how old proofs may be."""
    yield from _received(trial, chosen, ages)
    yield from _repeated(trial)
    for told in trial.told:
        if told.spot in chosen and not trial.schedule.wanted.check_mode:
            yield from _told(trial, told)


def _received(trial: Trial, chosen: Mapping[Spot, Login], ages: ProofAges) -> Iterator[str]:
    """Who comes when the list that proves may have been begun need not be seen any more."""
    for login in trial.farm.logins:
        if len(login.messages) > 1:
            yield f"{login} got {len(login.messages)} messages"
        for _when, act in login.messages:
            could_be_seen = login.begun < act.sent - ages.most(act) - NOW - trial.farm.lag
            if login is not chosen.get(login.spot) and could_be_seen:
                yield f"{login} was not selected, and got the message of act {act.number}"


def _repeated(trial: Trial) -> Iterator[str]:
    before: dict[Spot, Act] = {}
    for act in trial.farm.acts:
        if act.spot in before:
            earlier = before[act.spot]
            known = earlier.answer is not None and earlier.answered <= act.sent
            answer = f"was answered: {earlier.answer.value}" if known and earlier.answer else "has no answer"
            yield f"act {act.number} is a second message, after act {earlier.number}, which {answer}"
        if act.answer is not Answer.THROTTLED:
            before[act.spot] = act


def _told(trial: Trial, told: Told) -> Iterator[str]:
    """Judge what is told: only the answer tells whether a message was sent, and it tells everything."""
    name = f"{'/'.join(told.spot)} is told to be {told.outcome}"
    acts = [act for act in trial.farm.acts if act.spot == told.spot and act.answer is not Answer.THROTTLED]
    accepted = [act for act in acts if act.answer is Answer.ACCEPTED and act.answered <= told.at]
    unclear = [act for act in acts if act.answer is Answer.UNCLEAR or act.answered > told.at]
    if told.outcome == "sent":
        if len(acts) != 1 or not accepted:
            yield f"{name}, but {len(accepted)} of {len(acts)} messages were accepted"
    elif told.outcome == "unclear":
        # Answers get lost with the connection, and with the output of a script also what it had not sent yet.
        lost = (trial.farm.lost and acts) or trial.farm.lost_batches
        if not unclear and not trial.failure and not lost:
            yield f"{name}, but no message was answered so"
        if not trial.changed:
            yield f"{name}, but changed is {trial.changed}"
    elif told.claims:
        yield f"{name}, which is no change, but claims one"
    elif accepted or unclear:
        yield f"{name}, but act {(accepted or unclear)[0].number} may have left a message"
