# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a wave did, or in check mode would do, in lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from .._sessions.staged_message import PLANNED
from .._sessions.verbs import DISCONNECT, LOG_OFF
from .wave_report import Facts

NAMED = 10
"""So many users are named in a line for people; the report has them all."""
PLANNED_ENDS = {LOG_OFF.name: "would be logged off", DISCONNECT.name: "would be disconnected"}
"""What is said in check mode, by what would be done."""
STAYS = "would be left"


def wave_lines(facts: Facts, names_users: bool = True) -> list[str]:
    """Say in lines for people what happened, or in check mode what would happen; unless told so without users."""
    if facts["check_mode"]:
        return _plan_lines(facts, names_users)
    hosts = facts["hosts"].values()
    ready = sum(one["ready"] for one in hosts)
    lines = [f"{count(len(hosts), 'session host')}, {ready} ready for the work"]
    for name, one in facts["hosts"].items():
        if one["out"]:
            lines.append(f"{name}: not worked on, because {one['out']}")
        if one["closed_before"]:
            lines.append(f"{name}: was closed before, so it stays closed")
    outcomes = Counter(f"{row['outcome']}".replace("_", " ") for row in facts["sessions"])
    told = sum(bool(row["warned_at"]) for row in facts["sessions"])
    if outcomes:
        lines.append(f"{count(len(facts['sessions']), 'session')}: {_counts(outcomes)}; {told} warned")
    if again := facts["met_before"]:
        have = "has" if len(again) == 1 else "have"
        more = ", ..." if len(again) > NAMED else ""
        names = f": {', '.join(again[:NAMED])}{more}" if names_users else ""
        lines.append(f"{count(len(again), 'user')} {have} met an earlier wave of this run, too{names}")
    return lines


def _plan_lines(facts: Facts, names_users: bool) -> list[str]:
    hosts, sessions = facts["hosts"], facts["sessions"]
    ready = sum(one["ready"] for one in hosts.values())
    lines = [f"{count(len(hosts), 'session host')}, {ready} would be ready for the work"]
    for name, one in hosts.items():
        lines += [f"{name}: {text}" for text in _host_plan(one)]
    if names_users:
        lines += map(_session_plan, sessions)
    if sessions:
        ends = Counter(PLANNED_ENDS.get(row["done"], STAYS) for row in sessions)
        told = sum(bool(_planned(row)) for row in sessions)
        lines.append(f"{count(len(sessions), 'session')}: {_counts(ends)}; {told} would be warned")
    return lines


def _host_plan(one: Facts) -> Iterator[str]:
    if one["out"]:
        closed = "would be closed, but not worked on" if one["closed_at"] else "would not be worked on"
        yield f"{closed}, because {one['out']}"
    elif one["closed_at"]:
        yield "would be closed"
    if one["closed_before"]:
        yield "was closed before, so it would stay closed"


def _session_plan(row: Facts) -> str:
    owner, state = row["owner"] or "somebody whose name cannot be read", row["state"] or "its state is not known"
    steps = []
    if messages := _planned(row):
        # A title may have several lines.
        sent = (f'"{" ".join(one["title"].split())}" at {one["sent_at"]}' for one in messages)
        steps.append(f"would be sent {', '.join(sent)}")
    if row["done"] in PLANNED_ENDS:
        steps.append(f"{PLANNED_ENDS[row['done']]} at {row['ended_at']}")
    else:
        steps.append(f"{STAYS} ({row['reason']})" if row["reason"] else STAYS)
    return f"{row['host']}, session {row['session']} of {owner}, {state}: {'; '.join(steps)}"


def _planned(row: Facts) -> list[Facts]:
    return [one for one in row["messages"] if one["outcome"] == PLANNED]


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(numbers.items()))


def count(number: int, what: str) -> str:
    """Say how many there are of something."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
