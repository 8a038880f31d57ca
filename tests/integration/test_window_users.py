# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users who come, come back and sign in anew while a window closes its hosts: each is told once, and has his notice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.window_runs import WindowRuns, moment
from tests.integration.wvd_window import BEFORE, A, B, make_runs, states
from tests.lab.client import Lab, Row

ALICE, BOB, CAROL = 2, 3, 4
"""On A; Carol is disconnected."""
NOTICE = 4.0
WINDOW: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "6s",
    "session_window_minimum_notice": f"{NOTICE:g}s",
    "session_window_messages": [{"before": "5s", "title": "Maintenance", "body": "In {minutes} min."}],
}

pytestmark = pytest.mark.newest_core


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path, [A, B])
    yield runs
    runs.stop()


def step(what: str, after: float, **more: object) -> Row:
    return {"what": what, "after": after, "pool": "pool-01", "host": A, **more}


def told(number: int) -> Row:
    return {"verb": "message", "id": number}


def test_who_comes_late_or_is_back_has_his_notice(runs: WindowRuns) -> None:
    """A new session, one that was disconnected, and one of somebody else in an id that was warned."""
    runs.lab.schedule(
        step("sessions", 3, user="zoe@contoso.com", id=8, follows=told(ALICE)),
        step("change", 3.5, id=CAROL, state="Active", follows=told(ALICE)),
        step("give_id", 2, id=BOB, user="eve@contoso.com", follows=told(BOB)),
    )
    finished = runs.run(runs.play(**WINDOW))
    assert finished.status == 0, finished.output
    assert states(runs) == BEFORE
    gone = [user for verb, host, user in runs.done("logoff") if host == A]
    assert sorted(gone) == ["alice", "carol", "eve", "zoe"]
    messages = dict.fromkeys(("alice", "bob", "carol", "eve", "zoe"), 0)
    for _verb, host, user in runs.done("message"):
        if host == A:
            messages[user] += 1
    assert messages == dict.fromkeys(messages, 1)
    audit = runs.lab.audit()
    for user in ("alice", "carol", "eve", "zoe"):
        (sent,) = [one for one in audit if one["verb"] == "message" and one["owner"]["user"].startswith(user)]
        (ended,) = [one for one in audit if one["verb"] == "logoff" and one["owner"]["user"].startswith(user)]
        assert moment(ended) - moment(sent) >= NOTICE, (sent, ended)


@pytest.mark.parametrize("status", [503, 429])
def test_message_is_sent_once_though_its_answer_was_an_error(runs: WindowRuns, status: int) -> None:
    """It had its effect before the error, or had none: whoever has no message that is known is not ended."""
    runs.lab.add_fault(operation="message", when="after", kind="status", status=503, id=ALICE, host=A, times=1)
    runs.lab.add_fault(operation="message", when="before", kind="status", status=status, id=BOB, host=A, times=1)
    runs.run(runs.play(**WINDOW))
    assert states(runs) == BEFORE
    users = [user for _verb, host, user in runs.done("message") if host == A]
    assert users.count("alice") == 1
    assert users.count("bob") <= 1
    runs.expect_notice(NOTICE)


def test_host_that_autoscale_opens_is_closed_once_more(runs: WindowRuns) -> None:
    """And whoever came through the door has his notice, too."""
    runs.lab.schedule(
        step("drain", 0, allow_new_session=True, by="Autoscale", follows=told(ALICE)),
        step("sessions", 0.5, user="zoe@contoso.com", id=8, follows=told(ALICE)),
    )
    finished = runs.run(runs.play(**WINDOW))
    assert finished.status == 0, finished.output
    assert states(runs) == BEFORE
    (wave,) = runs.report()["waves"]
    assert (wave["hosts"][A]["reopened_by_others"], wave["hosts"][A]["ready"]) == (1, True)
    assert ("logoff", A, "zoe") in runs.done()
    runs.expect_notice(NOTICE)
