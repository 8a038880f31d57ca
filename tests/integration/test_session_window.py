# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_window from close to open on each service, with each ansible-core."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import rds_window, wvd_window
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.integration.wvd_window import BEFORE, A, B, C
from tests.lab.client import Lab


@pytest.fixture
def wvd_runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = wvd_window.make_runs(lab, tmp_path)
    yield runs
    runs.stop()


@pytest.fixture
def rds_runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = rds_window.make_runs(lab, tmp_path)
    yield runs
    runs.stop()


def test_waves_are_closed_warned_ended_worked_on_and_opened(wvd_runs: WindowRuns) -> None:
    strange = "{{ 7 * 7 }}@contoso.com"
    wvd_runs.lab.add_session(pool="pool-01", host=A, user=strange)
    play = wvd_runs.play(serial=2, session_window_remaining="logoff", session_window_protected_users=["grace"])
    finished = wvd_runs.run(play)
    assert finished.status == 0, finished.output
    assert wvd_window.states(wvd_runs) == BEFORE
    assert sorted(task.host for task in finished.tasks if task.name.endswith("Patch") and task.status == "ok") == [A, B]
    done = wvd_runs.done()
    assert sorted(done[:2]) == [("drain", A, ""), ("drain", B, "")]
    told = [(A, "alice"), (A, "bob"), (A, "{{ 7 * 7 }}"), (B, "dave"), (B, "frank")]
    assert sorted(done[2:7]) == [("message", *who) for who in told]
    assert sorted(done[7:14]) == [("logoff", *who) for who in sorted([*told, (A, "carol"), (B, "erin")])]
    assert sorted(done[14:]) == [("undrain", A, ""), ("undrain", B, "")], "nobody on the host of who is protected"
    assert wvd_runs.times("logoff")[0] - wvd_runs.times("message")[-1] > 2
    report = wvd_runs.report()
    first, second = report["waves"]
    assert {name: host["worked"] for name, host in first["hosts"].items()} == {A: "done", B: "done"}
    assert "grace" in second["hosts"][C]["out"]
    alice = next(row for row in first["sessions"] if row["owner"].startswith("alice"))
    assert (alice["outcome"], alice["done"], len(alice["messages"])) == ("logged_off", "log off", 1)
    assert strange in [row["owner"] for row in first["sessions"]], "no text of the service is taken for a template"
    wvd_runs.wait_for(wvd_runs.guard_is_gone, 5)
    assert wvd_runs.journal().to_open() == []


def test_window_over_the_first_broker_that_answers(rds_runs: WindowRuns) -> None:
    finished = rds_runs.run(
        rds_runs.play(session_window_remaining="logoff", session_window_place=[rds_window.AWAY, BROKER])
    )
    assert finished.status == 0, finished.output
    rds_window.expect_whole_window(rds_runs)
