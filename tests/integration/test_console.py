# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question on the terminal, and progress."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import MODULE, Ansible
from tests.integration.scenarios import Scenario, call, reset
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
GOES_ON = {b"y\r": True, b"n\r": False, b"yes\r": True, b"\r": False}
"""By the answer."""


def test_question_on_the_terminal(lab: Lab, ansible: Ansible) -> None:
    task = {MODULE: {**POOL, "user": ["alice", "bob"], "confirm": True}}
    questions = [Scenario(repr(answer), [task]) for answer in GOES_ON]
    asked = ansible.scenarios(*questions, see=["audit"], answers=list(GOES_ON))
    shown = asked[0].output
    for text in ("[localhost] disconnect 2 sessions", "avd-0.contoso.com/2 (alice@contoso.com, Active)", "[y/N]"):
        assert shown.count(text) == len(GOES_ON), text
    for finished, (answer, goes_on) in zip(asked, GOES_ON.items(), strict=True):
        assert finished.task.status == ("ok" if goes_on else "failed"), answer
        assert len(finished.seen["end"]["audit"]) == (2 if goes_on else 0), answer
        assert ("Nothing was done" in finished.task.message) is not goes_on, answer
    assert "Nothing was done" in shown


@pytest.mark.outer_cores
def test_without_a_terminal(lab: Lab, ansible: Ansible) -> None:
    """Nothing is ended if a question is wanted, but where nothing is to be ended or in check mode there is none.

    Long work shows progress.
    """
    confirmed = {**POOL, "confirm": True}
    place = {"name": "pool-01", "service": "wvd", "resource_group": "rg-avd"}
    question, long = ansible.scenarios(
        Scenario(
            "question",
            [
                {"name": "nothing to end", MODULE: {**confirmed, "user": "carol"}},
                {"name": "check", MODULE: {**confirmed, "user": "alice"}, "check_mode": True},
                {"name": "end", MODULE: {**confirmed, "user": "alice"}},
            ],
        ),
        Scenario(
            "long work",
            [
                reset({"pools": [{**place, "generate": {"hosts": 3, "sessions_per_host": 40}}]}),
                call("options", {"buckets": {"writes": {"size": 10, "refill_per_second": 10}}}),
                {MODULE: {**POOL, "all_sessions": True}},
            ],
        ),
        see=["audit"],
    )
    assert [task.status for task in question.tasks] == ["ok", "ok", "failed"]
    assert "Nothing was done" in question.tasks[-1].message
    assert "confirm" in question.tasks[-1].message
    assert question.seen["end"]["audit"] == []
    long.all_ok(1)
    lines = [line for line in long.output.splitlines() if "a second" in line]
    assert lines
    assert "sessions asked for" in lines[0]
    assert "s left" in lines[0]
