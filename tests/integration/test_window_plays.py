# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that hold a window in other ways than the documented one: strategies, tags, and a block of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.remotedesktop.sessions.plugins.modules import session_window_close
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import read_journal
from tests.integration.ansible_process import Finished
from tests.integration.window_runs import ROLE, WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.integration.wvd_window import BEFORE, PLACE, A, B, C, make_runs, states
from tests.lab.client import Lab, Row

AT_ONCE: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "3s",
    "session_window_minimum_notice": "1s",
    "session_window_messages": [{"before": "2s", "title": "Maintenance", "body": "In {minutes} min."}],
}
BROUGHT = """
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {}
"""
TOLD = [("message", A, "alice"), ("message", A, "bob"), ("message", B, "dave"), ("message", B, "frank")]

pytestmark = pytest.mark.outer_cores


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path, [A, B])
    yield runs
    runs.stop()


def worked(finished: Finished) -> list[str]:
    return sorted(task.host for task in finished.tasks if task.name.endswith("Patch") and task.status == "ok")


def expect_window(runs: WindowRuns) -> None:
    """Of both hosts, whole and once."""
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE
    assert sorted(runs.done("drain", "undrain")) == [
        (verb, host, "") for verb in ("drain", "undrain") for host in (A, B)
    ]
    assert sorted(runs.done("message")) == TOLD
    assert len(runs.done("logoff")) == 6
    runs.expect_notice(1.0)


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_each_host_is_a_wave_of_its_own(runs: WindowRuns, strategy: str) -> None:
    """And the failure of one is no other's."""
    work = [
        {"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}},
        {"name": "Fail", "ansible.builtin.fail": {"msg": "No."}, "when": f"inventory_hostname == '{A}'"},
    ]
    finished = runs.run(runs.play(work, strategy=strategy, **AT_ONCE))
    assert worked(finished) == [A, B], finished.output
    expect_window(runs)
    waves = runs.report()["waves"]
    assert sorted((list(wave["hosts"]), [one["worked"] for one in wave["hosts"].values()]) for wave in waves) == [
        ([A], ["failed"]),
        ([B], ["done"]),
    ]


@pytest.mark.newest_core
def test_tags_leave_nothing_of_a_window_out(runs: WindowRuns) -> None:
    work = [
        {"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}, "tags": "patch"},
        {"name": "Other", "ansible.builtin.fail": {"msg": "No."}},
    ]
    finished = runs.run(runs.play(work, **AT_ONCE), arguments=["--tags", "patch"])
    assert (finished.status, worked(finished)) == (0, [A, B]), finished.output
    expect_window(runs)


def test_work_that_depends_on_what_its_earlier_tasks_have_found(runs: WindowRuns) -> None:
    """Before the window its file is read, and none of it is run."""
    more = runs.folder / "more.yml"
    more.write_text("- ansible.builtin.debug:\n    msg: more\n  delegate_to: '{{ peer }}'\n")
    work = [
        {"name": "Find", "ansible.builtin.set_fact": {"peer": "localhost"}},
        {"name": "Ask", "ansible.builtin.debug": {"msg": "1"}, "register": "asked"},
        {"name": "Import", "ansible.builtin.import_tasks": more.name},
        {
            "name": "Patch",
            "ansible.builtin.debug": {"msg": "patched"},
            "delegate_to": "{{ peer }}",
            "throttle": "{{ asked.msg | int }}",
        },
        {"name": "Once", "ansible.builtin.debug": {"msg": "once"}, "run_once": "{{ asked.msg == '1' }}"},
        {"name": "Choose", "ansible.builtin.set_fact": {"chosen": "debug"}},
        {"name": "Chosen", "action": "{{ chosen }} msg=chosen"},
        {"name": "Bring", "ansible.builtin.include_role": {"name": "bringing"}},
        {"name": "Brought", "action": "ansible.legacy.brought"},
    ]
    plugins = runs.folder / "roles" / "bringing" / "action_plugins"
    plugins.mkdir(parents=True)
    (plugins / "brought.py").write_text(BROUGHT)
    finished = runs.run(runs.play(work, **AT_ONCE))
    assert (finished.status, worked(finished)) == (0, [A, B]), finished.output
    assert len([task for task in finished.tasks if task.name.endswith("Once") and task.status == "ok"]) == 1
    expect_window(runs)


def test_each_host_has_tasks_of_its_own(runs: WindowRuns) -> None:
    """By a template of the play, which counts before a variable of the inventory."""
    play = runs.play([{"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}}], **AT_ONCE)
    variables = play["roles"][0]["vars"]
    work = Path(variables["session_window_tasks"]).read_text()
    for host in A, B:
        (runs.folder / f"of-{host}.yml").write_text(work)
        runs.inventory["window"]["hosts"][host]["session_window_tasks"] = f"nothing-{host}.yml"
    variables["session_window_tasks"] = f"{runs.folder}/of-{{{{ inventory_hostname }}}}.yml"
    finished = runs.run(play)
    assert (finished.status, worked(finished)) == (0, [A, B]), finished.output
    expect_window(runs)


@pytest.mark.newest_core
def test_hosts_of_two_host_pools_in_a_wave(runs: WindowRuns) -> None:
    """Which pool is a variable of each host."""
    other = "dev-0.contoso.com"
    place = {"resource_group_name": "rg-avd", "host_pool_name": "pool-02"}
    runs.inventory["window"]["hosts"][other] = {"ansible_connection": "local", "session_window_place": place}
    finished = runs.run(runs.play(hosts=f"{A},{other}", **AT_ONCE))
    assert (finished.status, worked(finished)) == (0, [A, other]), finished.output
    assert sorted(host for _verb, host, _user in runs.done("drain")) == [A, other]
    assert sorted(host for _verb, host, _user in runs.done("undrain")) == [A, other]


@pytest.mark.newest_core
@pytest.mark.parametrize("before", [False, True])
def test_hosts_that_are_lost_stop_a_window(runs: WindowRuns, before: bool) -> None:
    """By the work, or before the window begins. Ansible's own max_fail_percentage does not count the unreachable."""
    away = {"ansible_connection": "ssh", "ansible_port": 1}
    lost = {"name": "Lose", "ansible.builtin.raw": "true", "vars": away, "when": f"inventory_hostname == '{A}'"}
    runs.inventory["window"]["hosts"][C] = runs.inventory["window"]["hosts"][B]
    runs.lab.change_host(pool="pool-01", host=C, allow_new_session=True)
    finished = runs.run(runs.play(*([] if before else [[lost]]), serial=2, pre_tasks=[lost][:before], **AT_ONCE))
    assert finished.status != 0
    assert "the window ends with this wave" in finished.output
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == dict.fromkeys(BEFORE, True)
    assert sorted(host for _verb, host, _user in runs.done("drain", "undrain")) == [A, A, B, B][2 * before :]


@pytest.mark.newest_core
def test_wave_without_an_end_is_opened_when_it_serves_and_told_of(runs: WindowRuns) -> None:
    for after, status in (4, "Unavailable"), (9, "Available"):
        change = {"what": "host", "pool": "pool-01", "host": A, "status": status}
        runs.lab.schedule({**change, "after": after, "follows": {"verb": "drain", "host": A}})
    work = [
        {"name": "Patch", "ansible.builtin.pause": {"seconds": 2}},
        {"name": "End", "ansible.builtin.meta": "end_batch"},
    ]
    runs.run(runs.play(work, serial=1, **AT_ONCE))
    runs.wait_for(runs.guard_is_gone)
    assert runs.done("drain", "undrain") == [(verb, host, "") for host in (A, B) for verb in ("drain", "undrain")]
    back = [entry["time"] for entry in runs.lab.audit() if entry["verb"] == "change_host"][-1]
    assert next(entry["time"] for entry in runs.lab.audit() if entry["verb"] == "undrain") > back
    waves = runs.report()["waves"]
    assert [list(wave["hosts"]) for wave in waves] == [[A], [B]]
    assert {row["done"] for wave in waves for row in wave["sessions"]} == {"log off"}
    assert not list(runs.journals.glob("*.wave.json"))


@pytest.mark.parametrize("option", ["azure", "latest"])
def test_later_wave_of_which_the_guard_would_know_nothing_is_refused_before_the_first(
    runs: WindowRuns, option: str
) -> None:
    """The sign-in of others is not templated for that."""
    values = {"azure": {"secret": "{{ nothing.at_all }}"}, "latest": "2h"}
    runs.inventory["window"]["hosts"][B][f"session_window_{option}"] = values[option]
    finished = runs.run(runs.play(serial=1, **AT_ONCE))
    assert (finished.status != 0, runs.done()) == (True, []), finished.output
    words = f"session_window_{option} of {B} as of {A}, and the play has one guard for all its waves"
    assert words in " ".join(finished.output.split())


@pytest.mark.parametrize("way", ["extra variable", "one session host twice", "the same in check mode"])
def test_name_that_means_another_host_is_refused(runs: WindowRuns, way: str) -> None:
    """Though each host is a wave of its own."""
    if way == "extra variable":
        arguments, words = ["-e", f"session_window_host={A}"], "session_window_host is an extra variable"
    else:
        own = runs.inventory["window"]["hosts"][B]
        runs.inventory["window"]["hosts"] = {A: own, "zz": {**own, "session_window_host": A.partition(".")[0]}}
        arguments, words = ["--check"] if "check" in way else [], f"{A} and zz are one session host"
    finished = runs.run(runs.play(serial=1, **AT_ONCE), arguments=arguments)
    assert (finished.status != 0, runs.done()) == (True, []), finished.output
    assert words in " ".join(finished.output.split())


def own_block(runs: WindowRuns, *work: Row) -> Row:
    """The entry points close and open, around tasks of the play."""

    def role(entry: str) -> Row:
        return {"name": entry, "ansible.builtin.include_role": {"name": ROLE, "tasks_from": entry}}

    whole = runs.play(**AT_ONCE)
    variables = whole.pop("roles")[0]["vars"]
    variables.pop("session_window_tasks")
    return {**whole, "vars": variables, "tasks": [{"block": [role("close"), *work], "always": [role("open")]}]}


def test_block_of_ones_own(runs: WindowRuns) -> None:
    ready = "session_window_wave.wave.hosts[inventory_hostname].ready"
    patch = {"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}, "when": ready}
    finished = runs.run(own_block(runs, patch, {"name": "Fail", "ansible.builtin.fail": {"msg": "No."}}))
    assert worked(finished) == [A, B], finished.output
    assert finished.status != 0
    expect_window(runs)


@pytest.mark.newest_core
def test_block_of_ones_own_does_no_work_when_closing_has_failed(runs: WindowRuns) -> None:
    runs.variables["session_window_protected_users"] = "{{ nothing }}"
    finished = runs.run(own_block(runs, {"name": "Patch", "ansible.builtin.debug": {"msg": "patched"}}))
    assert (worked(finished), runs.done()) == ([], []), finished.output
    assert finished.status != 0
    assert states(runs) == BEFORE


@pytest.mark.newest_core
@pytest.mark.parametrize("keep_open", ["0", "100%"])
def test_example_of_the_modules(runs: WindowRuns, keep_open: str) -> None:
    """As the documentation has it, but for places and times."""
    (play,) = yaml.safe_load(session_window_close.EXAMPLES)
    (block,) = play["tasks"]
    (first, *_rest, last) = [
        one[module] for one in block["block"] + block["always"] for module in one if "session_window" in module
    ]
    for options in first, last:
        options.update(place=PLACE, journal=str(runs.journals))
    messages = [{**first["messages"][0], "before": "2s"}]
    first.update(messages=messages, deadline="3s", minimum_notice="1s", remaining="logoff", keep_open=keep_open)
    finished = runs.run({**play, "hosts": "window", "serial": 2})
    assert (finished.status == 0) == (keep_open == "0"), finished.output
    assert states(runs) == BEFORE
    work = [task.host for task in finished.tasks if task.name == "Do the work" and task.status == "ok"]
    assert sorted(work) == ([A, B] if keep_open == "0" else [])


def test_no_text_of_a_service_is_taken_for_a_template(runs: WindowRuns) -> None:
    """The reason why a host is out goes through variables of every host."""
    marker = runs.folder / "evaluated"
    strange = "{{ lookup('pipe', 'touch " + str(marker) + "') }}@contoso.com"
    runs.lab.add_session(pool="pool-01", host=A, user=strange)
    for number in (2, 3):
        runs.lab.remove(pool="pool-01", host=A, id=number)
    finished = runs.run(runs.play(**{**AT_ONCE, "session_window_remaining": "logoff_disconnected"}))
    assert finished.status == 0, finished.output
    (wave,) = runs.report()["waves"]
    assert wave["hosts"][A]["out"].startswith(strange)
    assert not marker.exists()


@pytest.mark.newest_core
def test_condition_that_is_not_true_for_the_first_host_holds_no_window(runs: WindowRuns) -> None:
    """Nor does a window of an earlier play count, which has worked on the same hosts."""
    first = runs.play(**AT_ONCE)
    second = runs.play([{"name": "Second", "ansible.builtin.debug": {"msg": "worked"}}], **AT_ONCE)
    second["roles"][0]["when"] = f"inventory_hostname != '{A}'"
    finished = runs.run(first, second)
    assert finished.status != 0
    assert worked(finished) == [A, B]
    assert [task.host for task in finished.tasks if task.name.endswith("Second") and task.status == "ok"] == []
    assert [task.host for task in finished.tasks if task.message.startswith("No window was held")] == [B]
    expect_window(runs)


@pytest.mark.newest_core
def test_what_an_ended_play_has_left_closed_is_opened_before_the_next_window_closes_more(runs: WindowRuns) -> None:
    """By the guard of that play: the next one is of another service."""
    assert runs.lab.winrm is not None
    brokers = runs.lab.winrm["inventory"]
    brokers["all"]["hosts"]["rdsh-0.contoso.com"] = {"ansible_connection": "local"}
    runs.inventory = {**runs.inventory, **brokers}
    end = {"name": "End", "ansible.builtin.meta": "end_play"}
    rds = {"session_window_service": "rds", "session_window_place": BROKER}
    finished = runs.run(runs.play([end], **AT_ONCE), runs.play(hosts="rdsh-0.contoso.com", **{**AT_ONCE, **rds}))
    assert finished.status == 0, finished.output
    asked = [(verb, host) for verb, host, _user in runs.done("drain", "undrain")]
    assert (sorted(asked[:4]), asked[4:]) == (
        sorted((verb, host) for host in (A, B) for verb in ("drain", "undrain")),
        [(verb, "rdsh-0.contoso.com") for verb in ("drain", "undrain")],
    )
    runs.wait_for(runs.guard_is_gone)
    states_of = [read_journal(path) for path in sorted(runs.journals.glob("*.jsonl"))]
    assert [(one.over_by, one.finished) for one in states_of] == [("run", True), ("guard", True)]
    assert len(list(runs.reports.glob("*.json"))) == 2


@pytest.mark.newest_core
@pytest.mark.parametrize("way", ["end_play, and another journal", "end_host, and free batches"])
def test_what_is_left_closed_is_opened_first_in_other_ways(runs: WindowRuns, way: str) -> None:
    end = {"name": "End", "ansible.builtin.meta": way.partition(",")[0], "when": f"inventory_hostname == '{A}'"}
    plays = [runs.play([end], serial=1, strategy="free", **AT_ONCE)]
    if "journal" in way:
        another = str(runs.folder / "another")
        plays = [runs.play([end], hosts=A, session_window_journal=another, **AT_ONCE), runs.play(hosts=B, **AT_ONCE)]
    finished = runs.run(*plays)
    assert finished.status == 0, finished.output
    runs.wait_for(runs.guard_is_gone)
    assert runs.done("drain", "undrain") == [(verb, host, "") for host in (A, B) for verb in ("drain", "undrain")]


@pytest.mark.newest_core
def test_window_ends_with_a_wave_whose_hosts_cannot_be_closed(runs: WindowRuns) -> None:
    runs.lab.add_fault(operation="drain", when="before", kind="status", status=400, host=A, times=0)
    finished = runs.run(runs.play(serial=1, session_window_stop_at_percentage=0, **AT_ONCE))
    assert finished.status != 0
    assert "the window ends with this wave" in finished.output
    (wave,) = runs.report()["waves"]
    assert (wave["hosts"][A]["failed"], wave["stopped"]) == (True, True)
    assert not runs.done("message", "logoff")
    runs.wait_for(runs.guard_is_gone)


@pytest.mark.newest_core
def test_wave_of_a_play_that_was_ended_is_no_reason_to_work_in_a_later_one(runs: WindowRuns) -> None:
    """In which no window is held, as its condition is not true for the first host."""
    first = runs.play([{"name": "End", "ansible.builtin.meta": "end_play"}], **AT_ONCE)
    second = runs.play()
    second["roles"][0]["when"] = f"inventory_hostname != '{A}'"
    finished = runs.run(first, second)
    assert "No window was held" in finished.output
    assert worked(finished) == []
    runs.wait_for(runs.guard_is_gone)
    assert states(runs) == BEFORE


@pytest.mark.newest_core
def test_what_a_later_play_is_to_open_stays_closed_meanwhile(runs: WindowRuns) -> None:
    """A window between has its own hosts, and its own guard."""
    first = own_block(runs)
    (block,) = first["tasks"]
    close, open_again = {**first, "hosts": A, "tasks": block["block"]}, {**first, "hosts": A, "tasks": block["always"]}
    finished = runs.run(close, runs.play(hosts=B, **AT_ONCE), open_again)
    assert finished.status == 0, finished.output
    asked = [("drain", A), ("drain", B), ("undrain", B), ("undrain", A)]
    assert [(verb, host) for verb, host, _user in runs.done("drain", "undrain")] == asked
