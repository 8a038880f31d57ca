# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a survey that nobody has answered, which are empty extra variables: they hide nothing and widen nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.window_runs import WindowRuns
from tests.integration.wvd_window import A, B, C, make_runs
from tests.lab.client import Lab, Row

WINDOW = "remotedesktop.sessions.window"
AT_ONCE: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "1s",
    "session_window_minimum_notice": "0s",
}

pytestmark = pytest.mark.outer_cores


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path)
    yield runs
    runs.stop()


def test_what_is_unanswered_leaves_what_the_inventory_and_the_role_say(runs: WindowRuns) -> None:
    runs.inventory["window"]["vars"] = {"session_window_protected_users": "{{ [who] }}", "who": "grace"}
    runs.lab.change_host(pool="pool-01", host=C, allow_new_session=True)
    unanswered = {f"session_window_{name}": " " for name in ("protected_users", "messages", "latest", "keep_open")}
    finished = runs.run_playbook(WINDOW, session_window_hosts="window", **AT_ONCE, **unanswered)
    assert finished.status == 0, finished.output
    assert {host for _verb, host, _user in runs.done("message", "logoff")} == {A, B}
    (wave,) = runs.report()["waves"]
    assert "grace" in wave["hosts"][C]["out"]
    told = {message["title"] for row in wave["sessions"] for message in row["messages"]}
    assert told == {"Maintenance begins soon"}, "the role's own, of which the second has overtaken the first"


@pytest.mark.parametrize(
    ("where", "answer"), [("inventory", []), ("inventory", [""]), ("import", " "), ("role", ""), ("role", ["", " "])]
)
def test_users_are_protected_wherever_it_is_said_beneath_a_field_that_nobody_answered(
    runs: WindowRuns, where: str, answer: object
) -> None:
    """A list is what a field of several choices gives."""
    protected = {"session_window_protected_users": ["grace@{{ domain }}"], "domain": "contoso.com"}
    runs.lab.change_host(pool="pool-01", host=C, allow_new_session=True)
    extra = {"session_window_protected_users": answer, **AT_ONCE}
    if where == "inventory":
        runs.inventory["window"]["vars"] = protected
    variables = protected if where == "role" else {}
    play = runs.play(hosts=C, **{name: value for name, value in variables.items() if name != "domain"})
    play["vars"] = {"domain": "contoso.com"}
    if where == "import":
        play = {"ansible.builtin.import_playbook": WINDOW, "vars": {**runs.role_variables(), **protected}}
        extra["session_window_hosts"] = C
    finished = runs.run(play, arguments=["-e", json.dumps(extra)])
    assert finished.status == 0, finished.output
    assert runs.done() == []
    (wave,) = runs.report()["waves"]
    assert "grace" in wave["hosts"][C]["out"]


def test_messages_of_the_inventory_count_where_a_survey_says_nothing(runs: WindowRuns) -> None:
    ours = [{"before": "1s", "title": "Ours", "body": "In {minutes} min."}]
    runs.inventory["window"]["vars"] = {"session_window_messages": ours}
    finished = runs.run_playbook(WINDOW, session_window_hosts=A, session_window_messages="\n", **AT_ONCE)
    assert finished.status == 0, finished.output
    (wave,) = runs.report()["waves"]
    assert {message["title"] for row in wave["sessions"] for message in row["messages"]} == {"Ours"}


def test_hosts_of_which_the_inventory_says_different_things_are_refused(runs: WindowRuns) -> None:
    runs.inventory["window"]["hosts"][C]["session_window_protected_users"] = ["grace"]
    finished = runs.run_playbook(WINDOW, session_window_hosts="window", session_window_protected_users="", **AT_ONCE)
    assert finished.status != 0
    assert f"session_window_protected_users of {C}" in finished.output.replace("\n", " ")
    assert runs.done() == []
