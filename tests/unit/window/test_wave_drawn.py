# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waves on farms that are drawn by chance, judged by what must never happen.

WAVE_RUNS says how many are drawn, WAVE_SEED from which number on; a failure names its number.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SessionsError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_orders import REMAINING
from tests.unit.fakes.farm import session
from tests.unit.fakes.wave_farm import START, WaveHosts, stay
from tests.unit.window.test_wave import FIRST, LAST, A, B, Bench

RUNS = int(os.environ.get("WAVE_RUNS", "240"))
SEED = int(os.environ.get("WAVE_SEED", "1"))
NOTICE = 300.0
PROTECTED = "grace"
OFF = "its status is Unavailable"
USERS = ("alice", "bob", "carol", "dave", PROTECTED)
TOGETHER = 6
AT_ONCE = 1.0


def draw_session(chance: random.Random, number: int) -> Session:
    state = chance.choice(("Active", "Active", "Disconnected", "LogOff", "Pending"))
    user = chance.choice(USERS) if chance.random() < 0.3 else f"user-{number}"
    return session(str(chance.randint(1, 4)), f"{user}@contoso.com", state, chance.choice((A, B)))


def draw_change(chance: random.Random, hosts: WaveHosts, people: list[Session], number: int) -> Callable[[], object]:
    kind = chance.choice(("come", "come", "leave", "leave", *("turn",) * 6, "open", "open", "status", "ghosts"))
    if kind == "come" or not people:
        # Whoever takes an id over is somebody else, created later.
        new = replace(draw_session(chance, 100 + number), created=None)
        people.append(new)
        return hosts.come(new)
    if kind == "open":
        return hosts.set_state(chance.choice((A, B)), True)
    if kind == "status":
        return hosts.set_status(chance.choice((A, B)), chance.choice(("", OFF, OFF)))
    if kind == "ghosts":
        return hosts.set_ghosts(chance.choice((A, B)), chance.choice((0, 1)))
    one = chance.choice(people)
    return hosts.leave(one) if kind == "leave" else hosts.turn(one, chance.choice(("Active", "Disconnected")))


def draw(chance: random.Random, folder: Path) -> Bench:
    people = [draw_session(chance, number) for number in range(chance.randint(0, 5))]
    remaining = chance.choice((*REMAINING, "logoff", "logoff"))
    bench = Bench(
        folder,
        *people,
        remaining=remaining,
        ready_when="nobody_active" if remaining == "disconnect" else chance.choice(("empty", "nobody_active")),
        protected_users=(PROTECTED,) if chance.random() < 0.5 else (),
        messages=chance.choice(((FIRST, LAST), (LAST,))),
        deadline=chance.choice((300.0, 700.0, 1200.0)),
        wait_timeout=20.0,
    )
    hosts = bench.hosts
    for host in (A, B):
        hosts.states[host] = chance.random() > 0.2
        if chance.random() < 0.1:
            hosts.status[host] = OFF
        if chance.random() < 0.1:
            hosts.stuck.add(host)
        if chance.random() < 0.1:
            hosts.ghosts[host] = 1
    bench.farm.schedule = sorted(
        (
            (chance.uniform(0, 1800), draw_change(chance, hosts, people, number))
            for number in range(chance.randint(0, 12))
        ),
        key=lambda step: step[0],
    )
    if bench.farm.schedule and chance.random() < 0.5:
        # When something else happens: who is told of the one must not forget the other.
        begin, _change = chance.choice(bench.farm.schedule)
        hosts.unread[chance.choice((A, B))] = (begin, begin + chance.choice((20.0, 20.0, 100.0)))
    if chance.random() < 0.3:
        begin = chance.uniform(0, 1300)
        hosts.failures = [(begin, begin + chance.choice((2.0, 100.0, 900.0)))]
    for one in people:
        if chance.random() < 0.4:
            bench.farm.replies[one.key] = [stay] * chance.randint(1, 60)
    return bench


def judge(bench: Bench, before: dict[str, bool], states: dict[str, object]) -> list[str]:
    """Say what has happened that must never happen."""
    wrong = []
    doings = bench.farm.doings
    for one in doings:
        host, user = one.session.host, one.session.user
        sets = [state for name, state, at in bench.hosts.sets if name == host and at <= one.at]
        if before[host] and (not sets or sets[-1] is not False):
            wrong.append(f"{one.verb} {user} at {one.at:.0f} on {host}, which this run has not closed")
        if any(at <= one.at and bench.hosts.unusable(seen) for at, seen in bench.hosts.seen if seen.name == host):
            wrong.append(f"{one.verb} {user} at {one.at:.0f} on {host}, which was seen to be off")
        if one.verb == "send a message to":
            continue
        if user.startswith(PROTECTED) and bench.orders.protected_users:
            wrong.append(f"{one.verb} {user}, who is protected, at {one.at:.0f}")
        told = [
            other.at
            for other in doings
            if other.verb == "send a message to" and other.session.is_still(one.session) and other.at <= one.at - NOTICE
        ]
        if one.session.state not in ("Disconnected", "LogOff") and not told:
            wrong.append(f"{one.verb} {user} ({one.session.state}) at {one.at:.0f}, who was not told before")
        if bench.orders.remaining == "leave":
            wrong.append(f"{one.verb} {user}, though all may stay")
    pairs = [
        (one.session.key, one.session.user, one.session.created, one.at) for one in doings if "message" in one.verb
    ]
    if len(set(pairs)) != len(pairs):
        wrong.append("a message was sent twice at once")
    closed = [host for host, state in bench.hosts.states.items() if before[host] and not state]
    if lost := [host for host in closed if host not in bench.left_closed()]:
        wrong.append(f"nobody knows that {lost} is to be opened")
    for host, ready in states.items():
        here = [one for one in bench.farm.sessions.values() if one.host == host]
        kept = {"Disconnected"} if bench.orders.ready_when == "nobody_active" else set()
        left = [f"{one.user} ({one.state})" for one in here if one.state not in kept]
        if ready is True and (left or bench.hosts.states[host] or bench.hosts.status.get(host)):
            wrong.append(f"{host} is ready with {left}, open: {bench.hosts.states[host]}")
        if ready is True and bench.orders.ready_when == "empty" and bench.hosts.ghosts.get(host):
            wrong.append(f"{host} is ready with sessions that are counted")
        if ready is not True and host in closed and host not in bench.hosts.stuck and not bench.hosts.failures:
            wrong.append(f"{host} is not worked on, and closed: {ready}")
    return wrong + judge_doors(bench)


def judge_doors(bench: Bench) -> list[str]:
    """Say which hosts were not opened when they were out, and which openings were seen that there were not."""
    assert bench.wave is not None
    wrong = []
    for one in bench.wave.hosts:
        opened = bench.hosts.opened[one.name]
        if one.reopened > opened or ("somebody else has opened" in one.out and opened < 2 - one.closed_before):
            wrong.append(f"{one.name} was opened {opened} times by others, and {one.reopened} times were counted")
        outs = [
            there.at for there in bench.wave.record.happenings if there.host == one.name and "taken out" in there.text
        ]
        for at in outs if one.closed_at is not None else ():
            out = (at - START).total_seconds()
            tried = [
                when for name, state, when in bench.hosts.asked if name == one.name and state and when > out - 0.01
            ]
            failed = any(begin <= out + AT_ONCE and out < end for begin, end in bench.hosts.failures)
            if not failed and (not tried or tried[0] > out + AT_ONCE):
                wrong.append(f"{one.name} was out at {out:.0f}, and to be opened at {tried[:1]}")
    return wrong


@pytest.mark.parametrize("part", range(TOGETHER))
def test_nothing_happens_that_must_not(tmp_path: Path, part: int) -> None:
    for number in range(SEED + part, SEED + RUNS, TOGETHER):
        bench = draw(random.Random(number), tmp_path / str(number))
        before = dict(bench.hosts.states)
        states: dict[str, object] = {}
        try:
            states = dict(bench.close())
        except SessionsError:
            assert bench.wave is not None
        assert judge(bench, before, states) == [], f"WAVE_SEED={number}"


@pytest.mark.parametrize("part", range(TOGETHER))
def test_plan_of_check_mode_is_what_is_done_where_nothing_else_happens(tmp_path: Path, part: int) -> None:
    for number in range(SEED + part, SEED + RUNS, TOGETHER):
        said = []
        for check_mode in (True, False):
            bench = draw(random.Random(number), tmp_path / f"{number} {check_mode}")
            bench.orders = replace(bench.orders, check_mode=check_mode)
            bench.farm.schedule, bench.farm.replies, bench.hosts.failures = [], {}, []
            bench.hosts.unread, bench.hosts.stuck = {}, set()
            for one in [one for one in bench.farm.sessions.values() if one.state == "LogOff"]:
                bench.farm.end(one.key)  # as it would have by the deadline
            said.append(bench.close())
        assert said[0] == said[1], f"WAVE_SEED={number}"
