# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting, whatever happens meanwhile: what hypothesis draws is played in virtual time, and judged by the farm's log.

WAIT_RUNS says how many waits are played, WAIT_SEED repeats those that a failure names.
"""

from __future__ import annotations

import math
import os
import secrets
from datetime import timedelta
from pprint import pformat
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.staged_message import StagedMessage
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.waiting import (
    Opened,
    Wait,
    WaitBrokenOffError,
    WaitRequest,
)
from tests.unit.fakes.console import Console
from tests.unit.fakes.drawn_farm import (
    MARK,
    ActPlan,
    Answer,
    DrawnFarm,
    FarmPlan,
    Happening,
    ListPlan,
    Span,
    What,
)
from tests.unit.fakes.farm import CREATED
from tests.unit.fakes.wait_judge import START, Judge, Name, Trial, WaitPlan

RUNS = int(os.environ.get("WAIT_RUNS") or 800)
SEED = int(os.environ.get("WAIT_SEED") or secrets.randbelow(2**32))

IDS = ("1", "2", "3")
USERS = ("alice@contoso.com", "bob@contoso.com", "carol@contoso.com")
BEFORES = (2.0, 5.0, 10.0, 20.0, 40.0, 60.0, 89.0, 91.0, 120.0, 200.0)


class Person(Console):
    """Sees a wait."""

    def waiting(self, left: int, total: int, seconds: float) -> None:
        assert 0 <= left <= total
        assert seconds >= 0.0

    def warn(self, text: str) -> None:
        assert text


def play(plan: WaitPlan) -> Trial:
    """Play a wait."""
    farm = DrawnFarm(plan.farm)
    stages = [StagedMessage(one, f"{one:g}s", str(number), "{minutes}") for number, one in enumerate(plan.befores)]
    filters = Filters("", tuple(plan.users), tuple(plan.excluded), tuple(plan.states))
    named = None
    if plan.names is not None:
        named = (*(name_session(one, plan.farm.timeless) for one in plan.names), name_session(Name(MARK), False))
    selection = Selection(named, filters)
    clock = farm.clock
    wait = Wait(
        WaitRequest(plan.seconds, stages, plan.poll_interval),
        lambda texts: Opened(farm.reach(texts), selection),
        Person(),
        clock,
        lambda: START + timedelta(seconds=clock()),
        clock.sleep,
        lambda: clock() < plan.farm.gone_at,
        (ServiceError, ConnectionError),
    )
    report, error = None, None
    try:
        report = wait.run()
    except WaitBrokenOffError as broken:
        report, error = broken.report, broken
    except (ServiceError, ConnectionError, KeyboardInterrupt) as first:
        error = first
    return Trial(plan, farm, stages, report, error, clock())


def name_session(name: Name, timeless: bool) -> NamedSession:
    """Write a name as a task does."""
    created = None if name.born is None or timeless else CREATED + timedelta(hours=name.born)
    return NamedSession("pool", "Host-0", name.id, name.user, created, {"host": "Host-0", "id": name.id})


def tell(plan: WaitPlan, trial: Trial) -> str:
    """Tell of a wait, for those who must find out."""
    logs: list[tuple[float, object]] = [(one.begun, one) for one in trial.farm.lists]
    logs += [(one.at, one) for one in trial.farm.sends]
    shown = "\n".join(str(one) for _at, one in sorted(logs, key=lambda log: log[0]))
    rows = trial.report.rows() if trial.report else None
    return f"WAIT_SEED={SEED} WAIT_RUNS={RUNS}\n{plan}\n{shown}\n{pformat(rows)}\n{trial.error!r} at {trial.ended}"


class Tape:
    """Bytes from which a plan is read, always as many of each kind, so that it shrinks piece by piece: zero is plain.

    One piece, because hypothesis exchanges several between examples, which makes them alike.
    """

    SIZE = 155

    def __init__(self, whole: bytes) -> None:
        self._rest = iter(whole)

    def number(self, below: int) -> int:
        """Read a number."""
        return next(self._rest) % below

    def one(self, *choices: Any) -> Any:
        """Read one of some things, of which the first is the plainest."""
        return choices[self.number(len(choices))]

    def mostly(self, plain: Any, *others: Any) -> Any:
        """Read what is plain half of the times."""
        return self.one(*(plain,) * len(others), *others)

    def time(self) -> float:
        """Read a moment, or a while."""
        return round(self.number(256) + self.number(10) / 10, 1)


def read_plan(whole: bytes) -> WaitPlan:
    """Read a wait."""
    tape = Tape(whole)
    timeless, faulty, way = tape.one(False, False, True), tape.one(False, True), tape.one(0, 0, *range(1, 7))
    seconds, poll_interval = 1.0 + tape.time(), tape.mostly(15.0, 1.0, 5.0, 30.0, 60.0, 600.0)
    befores = sorted({tape.one(*BEFORES) for _number in range(4)}, reverse=True)[: tape.one(3, 4, 2, 1, 0)]
    room, reach_seconds = tape.mostly(16, 1, 2), tape.mostly(0.0, 0.7, 3.0)
    interrupt_at, gone_at = (_seldom(tape) for _which in range(2))
    user, state = tape.one(*USERS), tape.one("active", "disconnected")
    failing, blocked = ([_span(tape) for _number in range(2)][: tape.number(3)] for _which in range(2))
    lists = [_list_plan(tape) for _number in range(6)][: 1 + tape.number(6)]
    acts = [_act_plan(tape) for _number in range(8)][: 1 + tape.number(8)]
    names = [Name(id_, tape.mostly("", *USERS), tape.mostly(None, *range(4))) for id_ in IDS][: 1 + tape.number(3)]
    named = names if way >= 4 else None
    begun = [Happening(0.0, id_, What.COME, tape.one(*USERS)) for id_ in IDS][: 1 + tape.number(3)]
    happenings = begun + [_happening(tape) for _number in range(14)][: tape.number(15)]
    if timeless or any(one.user and not one.is_true(happenings) for one in named or ()):
        # Who cannot be read may be anybody.
        happenings = [one for one in happenings if one.what is not What.HIDE]
    return WaitPlan(
        FarmPlan(
            happenings,
            timeless,
            lists,
            acts if faulty else [ActPlan()],
            failing if faulty else [],
            blocked if faulty else [],
            room,
            reach_seconds,
            interrupt_at,
            gone_at,
        ),
        seconds,
        befores,
        poll_interval,
        named,
        (user,) if way == 3 else (),
        (user,) if way == 2 else (),
        (state,) if way in (1, 6) else (),
    )


def _seldom(tape: Tape) -> float:
    at = tape.time()
    return at if tape.number(8) == 7 else math.inf


def _span(tape: Tape) -> Span:
    return Span(tape.time(), tape.one(1.0, 20.0, 70.0, 200.0))


def _list_plan(tape: Tape) -> ListPlan:
    return ListPlan(tape.mostly(0.1, 0.5, 2.0, 6.0, 12.0, 20.0), tape.one(False, True))


def _act_plan(tape: Tape) -> ActPlan:
    return ActPlan(tape.mostly(*Answer), tape.mostly(0.0, 0.3, 0.8), tape.mostly(0.1, 0.5, 2.0, 7.0, 25.0))


def _happening(tape: Tape) -> Happening:
    return Happening(tape.time(), tape.one(*IDS), tape.one(*What), tape.one(*USERS))


@seed(SEED)
@settings(
    max_examples=RUNS,
    database=None,
    deadline=None,
    derandomize=False,
    phases=(Phase.generate, Phase.shrink),
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
@given(st.binary(min_size=Tape.SIZE, max_size=Tape.SIZE))
def test_nobody_is_told_wrongly_and_nothing_untrue_is_reported(whole: bytes) -> None:
    plan = read_plan(whole)
    trial = play(plan)
    wrongs = Judge(trial).wrongs()
    assert not wrongs, "\n".join((*wrongs, tell(plan, trial)))
