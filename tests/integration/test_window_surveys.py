# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a survey that nobody has answered, which are empty extra variables: they hide nothing and widen nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import rds_window
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER
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


@pytest.mark.parametrize("by", ["inventory", "playbook"])
def test_what_is_unanswered_does_not_close_more_at_once(runs: WindowRuns, by: str) -> None:
    """Nor does it hide the tasks."""
    own = {"session_window_serial": 1}
    runs.inventory["all"] = {"vars": {"session_window_tasks": "{{ work }}", **(own if by == "inventory" else {})}}
    book = runs.folder / "night.yml"
    book.write_text(json.dumps([{"import_playbook": WINDOW, **({"vars": own} if by == "playbook" else {})}]))
    unanswered = {"session_window_serial": " ", "session_window_tasks": "", "session_window_every_host": "\n"}
    more = {"work": str(runs.folder / "work.yml"), **unanswered}
    finished = runs.run_playbook(
        str(book), "-i", runs.write_inventory(), session_window_hosts=f"{A} {B}", **{**AT_ONCE, **more}
    )
    assert finished.status == 0, finished.output
    assert [verb for verb, _host, _user in runs.done("drain", "undrain")] == ["drain", "undrain"] * 2


@pytest.fixture
def rds_runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    """With two collections, and what they are called in the inventory."""
    runs = rds_window.make_runs(lab, tmp_path)
    runs.inventory["window"] = {}
    runs.inventory["session_window_listed"] = {"vars": {"ansible_connection": "local"}}
    apps = {"name": "Apps", "service": "rds", "connection_broker": BROKER, "hosts": [{"name": "rdsh-7.contoso.com"}]}
    lab.reset({**rds_window.FARM, "pools": [*rds_window.FARM["pools"], apps]})
    yield runs
    runs.stop()


@pytest.mark.parametrize("where", ["all", "broker"])
def test_what_is_unanswered_does_not_widen_what_is_listed(rds_runs: WindowRuns, where: str) -> None:
    everything = rds_runs.inventory["all"]
    (everything["vars"] if where == "all" else everything["hosts"][BROKER])["session_window_collection_name"] = ["Apps"]
    everything["vars"]["session_window_place"] = BROKER
    unanswered = {f"session_window_{name}": " " for name in ("collection_name", "connection_broker", "azure", "place")}
    finished = rds_runs.run_playbook(WINDOW, session_window_every_host="true", **AT_ONCE, **unanswered)
    assert finished.status == 0, finished.output
    assert [host for _verb, host, _user in rds_runs.done("drain")] == ["rdsh-7.contoso.com"]


def test_collections_on_lines(rds_runs: WindowRuns) -> None:
    names = {"session_window_every_host": "true", "session_window_collection_name": "Apps\n Desktops, Apps\n"}
    finished = rds_runs.run_playbook(WINDOW, **AT_ONCE, **names)
    assert finished.status == 0, finished.output
    listed = {host for _verb, host, _user in rds_runs.done("drain")}
    assert listed == {"rdsh-7.contoso.com", *rds_window.BEFORE}


def test_tasks_that_nobody_says_are_asked_for(runs: WindowRuns) -> None:
    finished = runs.run_playbook(WINDOW, session_window_hosts=A, session_window_tasks=" ", **AT_ONCE)
    assert finished.status != 0
    assert "session_window_tasks is not set, or it is empty" in " ".join(finished.output.split())
    assert runs.done() == []
