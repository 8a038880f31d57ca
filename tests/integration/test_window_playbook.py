# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook window: which hosts it takes, and that it takes no others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import rds_window, wvd_window
from tests.integration.ansible_process import Finished
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.integration.wvd_window import PLACE, A, B, C, take_sign_in
from tests.lab.client import Lab, Row

PLAYBOOK = "remotedesktop.sessions.window"
AT_ONCE: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "1s",
    "session_window_minimum_notice": "0s",
}
EVERY: Row = {"session_window_every_host": "true"}
GROUP, POOL = "session_window_resource_group_name", "session_window_host_pool_name"
EMPTY = {"session_window_hosts": "", "session_window_serial": " ", GROUP: "", POOL: "", "session_window_azure": ""}
"""Answers of a survey that are empty are no answers."""
NOBODY = "Nothing says which hosts are meant"
APPS = {
    "name": "Apps",
    "service": "rds",
    "connection_broker": BROKER,
    "hosts": [{"name": "rdsh-7.contoso.com", "sessions": rds_window.USERS}],
}
NEWEST = pytest.mark.newest_core
OUTER = pytest.mark.outer_cores


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = wvd_window.make_runs(lab, tmp_path)
    yield runs
    runs.stop()


@pytest.fixture
def rds_runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    """Without the session hosts in the inventory, which says only how they are reached."""
    runs = rds_window.make_runs(lab, tmp_path)
    runs.inventory["window"] = {}
    runs.inventory["session_window_listed"] = {"vars": {"ansible_connection": "local"}}
    yield runs
    runs.stop()


def worked(finished: Finished) -> list[str]:
    return sorted(task.host for task in finished.tasks if task.name.endswith("Patch") and task.status == "ok")


def hold(runs: WindowRuns, *arguments: str, **variables: object) -> Finished:
    return runs.run_playbook(PLAYBOOK, "-i", runs.write_inventory(), *arguments, **{**AT_ONCE, **variables})


def expect_refused(runs: WindowRuns, finished: Finished, says: str) -> None:
    assert finished.status != 0
    assert says in " ".join(finished.output.split())
    assert "Traceback" not in finished.output
    assert runs.done() == []


@NEWEST
@pytest.mark.parametrize("pattern", [",", " ", f"!{A}", "", "[", "~", f":!{A}"])
def test_pattern_that_names_nobody_means_nobody(runs: WindowRuns, pattern: str) -> None:
    """Ansible takes all but the empty one for all hosts, or all others. Nor do tags make it mean anybody."""
    expect_refused(runs, hold(runs, "--tags", "patch", session_window_hosts=pattern), NOBODY)


@NEWEST
@pytest.mark.parametrize(
    ("arguments", "variables", "says"),
    [
        (["--limit", A], {"session_window_hosts": ","}, "The limit leaves localhost out"),
        (["--limit", f"!{B}"], {"session_window_hosts": f"!{A}"}, "The limit leaves localhost out"),
        ([], {"session_window_hosts": "window", **EVERY}, NOBODY),
        ([], {"session_window_hosts": f"{A},avd-9.contoso.com"}, "has 'avd-9.contoso.com', which finds no host"),
        ([], {"session_window_hosts": f"{A}:avd-9"}, "has 'avd-9', which finds no host"),
        ([], {"session_window_hosts": f"{A}, !window"}, f"leaves no host for the window: {A}, !window"),
        ([], {"session_window_hosts": A, "session_window_serial": "false"}, "session_window_serial is 'false'"),
        ([], {"session_window_hosts": A, "session_window_serial": "1,0"}, "session_window_serial is '1, 0'"),
        ([], {"session_window_hosts": A, POOL: "pool-01"}, f"Set both {GROUP} and {POOL}"),
        ([], {**EVERY, POOL: "pool-01", GROUP: "rg-avd", "session_window_place": PLACE}, "without session_window"),
        ([], {**EVERY, "session_window_service": "wms"}, "asks the service"),
    ],
)
def test_what_is_unclear_is_refused(runs: WindowRuns, arguments: list[str], variables: Row, says: str) -> None:
    expect_refused(runs, hold(runs, *arguments, **variables), says)


@OUTER
def test_names_in_a_text_with_lines(runs: WindowRuns) -> None:
    """And waves. Ansible itself does not see the last name, and takes the host."""
    runs.lab.change_host(pool="pool-01", host=C, allow_new_session=True)
    finished = hold(runs, session_window_hosts=f"window, {C}\n!{B}", session_window_serial="1\n50%")
    assert (finished.status, worked(finished)) == (0, [A, C]), finished.output
    assert [host for verb, host, _user in runs.done("drain", "undrain")] == [A, A, C, C]


@OUTER
def test_tags_and_a_limit_leave_the_checks_in(runs: WindowRuns) -> None:
    """Of the tasks of the user they leave out what they are about."""
    arguments = ["--tags", "patch", "--limit", f"localhost,{A}"]
    finished = hold(runs, *arguments, session_window_hosts=[A, B], session_window_serial=[1, "25%"])
    assert (finished.status, worked(finished)) == (0, []), finished.output
    assert runs.done("drain", "undrain") == [("drain", A, ""), ("undrain", A, "")]


@OUTER
def test_every_host_that_the_service_lists(runs: WindowRuns) -> None:
    """As a survey says it, with the sign-in in a text. Their group of the inventory says how they are reached."""
    azure = take_sign_in(runs)
    runs.inventory = {"session_window_listed": {"vars": {"patched": "over its group"}}}
    work = runs.folder / "patch.yml"
    work.write_text('[{"name": "Patch", "ansible.builtin.assert": {"that": "patched == \'over its group\'"}}]')
    names = {**EMPTY, **EVERY, GROUP: "rg-avd", POOL: " pool-02", "session_window_azure": json.dumps(azure)}
    finished = hold(runs, **names, session_window_tasks=str(work))
    assert (finished.status, worked(finished)) == (0, ["dev-0.contoso.com"]), finished.output
    assert [verb for verb, _host, _user in runs.done("drain", "undrain")] == ["drain", "undrain"]


@NEWEST
def test_limit_leaves_out_of_every_host_what_it_does_not_name(runs: WindowRuns) -> None:
    runs.inventory = {"session_window_listed": {"vars": {"ansible_connection": "local"}}}
    finished = hold(runs, "--limit", f"localhost,{A}", **EVERY, session_window_place=PLACE)
    assert (finished.status, worked(finished)) == (0, [A]), finished.output
    assert {host for _verb, host, _user in runs.done()} == {A}


@NEWEST
@pytest.mark.parametrize("pattern", [f"{A}:~", f"{A}:", f"{A}:!", "window[", f"!{A}:~", f"{A}:~["])
def test_pattern_with_an_empty_part_is_refused(runs: WindowRuns, pattern: str) -> None:
    """Ansible takes it for all hosts, or drops it."""
    finished = hold(runs, session_window_hosts=["window", pattern])
    expect_refused(runs, finished, f"session_window_hosts has '{pattern}', a part of which")


@NEWEST
def test_names_with_colons(runs: WindowRuns) -> None:
    """An address, a slice, and parts."""
    address = "2001:db8::1"
    runs.inventory["window"]["hosts"][address] = {**runs.inventory["window"]["hosts"][A], "session_window_host": A}
    finished = hold(runs, session_window_hosts=f"{address} window[1:2]:!{C}")
    assert (finished.status, worked(finished)) == (0, sorted([address, B])), finished.output


@OUTER
def test_windows_of_a_run_take_only_their_own_hosts(rds_runs: WindowRuns) -> None:
    """The second has one that is named, the third another collection, the last a broker that is away."""
    rds_runs.inventory["window"] = {"hosts": {rds_window.A: {"ansible_connection": "local"}}}
    rds_runs.lab.reset({**rds_window.FARM, "pools": [*rds_window.FARM["pools"], APPS]})
    del rds_runs.variables["session_window_place"]
    every = {"session_window_every_host": True, "session_window_place": BROKER}
    book = rds_runs.folder / "windows.yml"
    windows: list[Row] = [
        {**every, "session_window_collection_name": ["Apps"]},
        {"session_window_hosts": "window", "session_window_place": BROKER},
        {**every, "session_window_collection_name": ["Desktops"]},
        {**every, "session_window_place": rds_window.AWAY},
    ]
    book.write_text(json.dumps([{"import_playbook": PLAYBOOK, "vars": one} for one in windows]))
    finished = rds_runs.run_playbook(str(book), "-i", rds_runs.write_inventory(), **AT_ONCE)
    assert finished.status != 0
    assert f"which session hosts there are: {rds_window.AWAY}" in " ".join(finished.output.split())
    drained = [host for _verb, host, _user in rds_runs.done("drain")]
    assert drained[:2] == ["rdsh-7.contoso.com", rds_window.A]
    assert set(drained[2:]) == set(rds_window.BEFORE)


@OUTER
def test_connection_broker_that_an_earlier_play_has_made(rds_runs: WindowRuns) -> None:
    """As the slices of a job need it, of which each has only some hosts of the inventory."""
    everything = rds_runs.inventory["all"]
    broker = {**everything["vars"], **everything["hosts"][BROKER]}
    local = {"ansible_connection": "local"}
    rds_runs.inventory = {"all": {"hosts": {rds_window.A: local}}, "window": {"hosts": {rds_window.A: {}}}}
    made = {"name": "Make it", "ansible.builtin.add_host": {"name": BROKER, **broker}}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [made]}
    book = rds_runs.folder / "night.yml"
    book.write_text(json.dumps([play, {"import_playbook": PLAYBOOK}]))
    hosts = {"session_window_hosts": "window"}
    finished = rds_runs.run_playbook(str(book), "-i", rds_runs.write_inventory(), **AT_ONCE, **hosts)
    assert (finished.status, worked(finished)) == (0, [rds_window.A]), finished.output


TWINS = {
    "pools": [
        {"service": "wvd", "name": pool, "hosts": [{"name": A, "sessions": [{"id": 2, "user": f"{pool}@contoso.com"}]}]}
        for pool in ("pool-01", "pool-02")
    ]
}
"""Host pools with a host of the same name."""


@OUTER
@pytest.mark.parametrize("where", ["all", "host"])
def test_every_host_is_of_the_host_pool_that_was_listed(runs: WindowRuns, where: str) -> None:
    """Whatever the inventory says of a host of that name, or of all."""
    runs.lab.reset(TWINS)
    other = {"session_window_place": PLACE, "session_window_host": B}
    local = {"ansible_connection": "local"}
    runs.inventory = {"all": {"hosts": {A: {**local, **other}}} if where == "host" else {"vars": {**local, **other}}}
    book = runs.folder / "night.yml"
    own = {"session_window_every_host": True, "session_window_place": {**PLACE, "host_pool_name": "pool-02"}}
    book.write_text(json.dumps([{"import_playbook": PLAYBOOK, "vars": own}]))
    finished = runs.run_playbook(str(book), "-i", runs.write_inventory(), **AT_ONCE)
    assert finished.status == 0, finished.output
    assert {user for _verb, _host, user in runs.done("message", "logoff")} == {"pool-02"}


@NEWEST
@pytest.mark.parametrize("other", [{"session_window_place": PLACE}, {"session_window_host": B}])
def test_listed_host_that_a_file_says_to_be_elsewhere_is_refused(runs: WindowRuns, other: Row) -> None:
    """Files of host_vars rank above what a run adds."""
    runs.lab.reset(TWINS)
    (runs.folder / "host_vars").mkdir()
    (runs.folder / "host_vars" / f"{A}.json").write_text(json.dumps({"ansible_connection": "local", **other}))
    finished = hold(runs, **EVERY, **{GROUP: "rg-avd", POOL: "pool-02"})
    expect_refused(runs, finished, "says another session_window_place or session_window_host")


@NEWEST
@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategy_of_the_configuration_is_that_of_the_window_alone(runs: WindowRuns, strategy: str) -> None:
    runs.ansible.environment["ANSIBLE_STRATEGY"] = strategy
    runs.inventory = {"session_window_listed": {"vars": {"ansible_connection": "local"}}}
    finished = hold(runs, **EVERY, session_window_place=PLACE)
    assert (finished.status, len(worked(finished))) == (0, 3), finished.output


@OUTER
def test_tasks_are_meant_from_the_folder_of_the_command(runs: WindowRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is beside the playbook of the collection. A tilde is the home."""
    for folder in (runs.folder, Path(runs.ansible.environment["HOME"])):
        (folder / "window.yml").write_text('[{"name": "Patch", "ansible.builtin.debug": {}}]')
    monkeypatch.chdir(runs.folder)
    for tasks in ("window.yml", "~/window.yml"):
        finished = hold(runs, session_window_hosts=A, session_window_tasks=tasks)
        assert (finished.status, worked(finished)) == (0, [A]), finished.output


@NEWEST
def test_host_pool_without_hosts_is_named(runs: WindowRuns) -> None:
    runs.lab.reset({"pools": [{"service": "wvd", "name": "pool-01", "hosts": []}]})
    finished = hold(runs, **EVERY, session_window_place=PLACE)
    expect_refused(runs, finished, "The service lists no session host, so there is none for the window: pool-01")


@OUTER
def test_every_host_by_the_first_connection_broker_that_answers(rds_runs: WindowRuns) -> None:
    place = f"{rds_window.AWAY}\n{BROKER}, {rds_window.BROKER_2}"
    finished = hold(rds_runs, **EVERY, session_window_place=place)
    assert (finished.status, worked(finished)) == (0, sorted(rds_window.BEFORE)), finished.output
    asked = [(task.host, task.status) for task in finished.tasks if "hosts of the deployment" in task.name]
    assert asked == [(rds_window.AWAY, "unreachable"), (BROKER, "ok"), (rds_window.BROKER_2, "skipped")]
    assert rds_window.states(rds_runs) == rds_window.BEFORE


@NEWEST
@pytest.mark.parametrize(
    ("place", "says"),
    [
        (rds_window.AWAY, f"No connection broker has said which session hosts there are: {rds_window.AWAY}"),
        ("all", "by their names in the inventory"),
    ],
)
def test_connection_broker_that_does_not_answer_is_named(rds_runs: WindowRuns, place: str, says: str) -> None:
    """Nor is a pattern one."""
    expect_refused(rds_runs, hold(rds_runs, **EVERY, session_window_place=place), says)
