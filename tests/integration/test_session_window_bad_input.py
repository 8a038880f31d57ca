# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong or stands against a window is said in a sentence, and nothing is closed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible
from tests.integration.scenarios import Scenario, call
from tests.integration.wvd_window import PLACE, A, B, make_runs
from tests.lab.client import Lab

CLOSE = "remotedesktop.sessions.session_window_close"
MESSAGE = {"before": "10m", "title": "Maintenance", "body": "In {minutes} min."}
ENDS: dict[str, Any] = {"remaining": "logoff", "messages": [MESSAGE]}
REFUSED: list[tuple[dict[str, Any], list[str]]] = [
    ({"hosts": []}, ["hosts is given but empty"]),
    ({"hosts": [A, "nobody.contoso.com"]}, ["no session host nobody.contoso.com", "session_window_host"]),
    ({"hosts": [A, "same"]}, [A, "same", "are one session host"]),
    ({"hosts": [A, "other"], "protected_users": []}, ["session_window_protected_users of other", "alike"]),
    ({"host": "avd-7.contoso.com"}, ["session_window_host", "avd-7.contoso.com", "inventory"]),
    ({"place": "pool-01"}, ["place is 'pool-01'", "mapping"]),
    ({"place": {"resource_group_name": "rg-avd"}}, ["no host_pool_name"]),
    ({"service": "wms"}, ["service", "wms"]),
    ({"deadline": "30"}, ["deadline", "unit"]),
    ({**ENDS, "deadline": "3m", "minimum_notice": "5m"}, ["minimum_notice is 300 s", "longer than deadline"]),
    ({"deadline": "3m", "minimum_notice": "5m"}, ["minimum_notice is 300 s", "longer than deadline"]),
    ({"remaining": "logoff", "messages": []}, ["messages", "minimum_notice"]),
    ({**ENDS, "messages": [{**MESSAGE, "before": "2m"}]}, ["messages begin 120 s", "300 s"]),
    ({"remaining": "disconnect", "messages": [MESSAGE]}, ["disconnect", "ready_when"]),
    ({"latest": "5m", "deadline": "30m"}, ["not begun", "latest"]),
    ({"latest": "2026-11-30T05:00:00"}, ["latest", "time zone"]),
    ({"latest": "2020-01-01T05:00:00Z"}, ["not begun"]),
    ({"keep_open": "many"}, ["keep_open is 'many'"]),
    ({"keep_open": 3}, ["Only 0 of 3 session hosts would be open", "keep_open is 3"]),
    ({"keep_open": "50%"}, ["Only 0 of 3 session hosts would be open", "50 %"]),
    ({"tasks_file": "nothing.yml"}, ["nothing.yml", "cannot be included"]),
    ({"journal": "/proc/nothing"}, ["journal", "/proc/nothing"]),
    ({"report": "/proc/nothing"}, ["report is /proc/nothing", "no file can be written"]),
    ({"deadline": "9999999d"}, ["deadline is '9999999d'", "further away than there are dates"]),
    ({"latest": "9999999w"}, ["latest is '9999999w'", "further away than there are dates"]),
    ({"place": {**PLACE, "host_pool_name": "nope"}}, ["nope"]),
]


@pytest.mark.outer_cores
def test_nothing_is_closed(lab: Lab, ansible: Ansible, tmp_path: Path) -> None:
    own = {"ansible_connection": "local"}
    hosts = {A: own, B: own, "nobody.contoso.com": own, "same": {**own, "session_window_host": A}}
    hosts["other"] = {**own, "session_window_protected_users": ["{{ 'gr' ~ 'ace' }}"]}
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    quick = {"service": "wvd", "place": PLACE, "hosts": [A, B], "journal": str(tmp_path / "journals"), "deadline": "1h"}

    def task(name: str, options: dict[str, Any]) -> dict[str, Any]:
        return {"name": name, CLOSE: {**quick, **options}, "run_once": True, "ignore_errors": True}

    tasks = [task(str(number), options) for number, (options, _words) in enumerate(REFUSED)]
    pool = {"pool": "pool-01"}
    update = {"status": "UpdatingSessionHosts"}
    standing = [
        call("pool", {**pool, "scaling_plans": [{"name": "weekdays"}, {"name": "off", "enabled": False}]}),
        task("autoscale", {}),
        call("pool", {**pool, "scaling_plans": [], "session_host_update": update}),
        task("update", {"tolerate": "autoscale"}),
        call("pool", {**pool, "session_host_update": None}),
        {"name": "each", CLOSE: {**quick, "hosts": "{{ omit }}"}, "ignore_errors": True},
    ]
    (finished,) = ansible.scenarios(
        Scenario("refused", [*tasks, *standing], {"hosts": "all"}), see=("audit",), inventory=str(inventory)
    )
    messages = {one.name: (one.status, one.message) for one in finished.tasks if one.name != "call"}
    for number, (options, words) in enumerate(REFUSED):
        status, message = messages[str(number)]
        assert status == "failed", (options, message)
        assert [word for word in words if word not in message] == [], (options, message)
    assert "disable the scaling plan weekdays for" in messages["autoscale"][1]
    assert "set run_once to true" in messages["each"][1]
    assert "session host update" in messages["update"][1]
    assert [entry["verb"] for entry in finished.seen["end"]["audit"] if entry["verb"] != "change_pool"] == []


NO_END = [
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.DesktopVirtualization/*/read",
    "Microsoft.DesktopVirtualization/hostpools/sessionhosts/write",
    "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/sendMessage/action",
    "Microsoft.Authorization/*/read",
]


@pytest.mark.newest_core
def test_who_may_close_hosts_but_end_no_session_is_refused_before_anything(lab: Lab, tmp_path: Path) -> None:
    """With `leave` the right is not needed."""
    host = {"name": A, "sessions": [{"id": 2, "user": "alice@contoso.com"}]}
    principals = [{"name": "operator", "rights": NO_END}]
    runs = make_runs(lab, tmp_path, [A])
    lab.reset({"principals": principals, "pools": [{"service": "wvd", "name": "pool-01", "hosts": [host]}]})
    finished = runs.run(runs.play(session_window_remaining="logoff"))
    assert finished.status != 0
    assert "hostpools/sessionhosts/usersessions/delete" in " ".join(finished.output.split())
    assert runs.done() == []
    left = runs.run(runs.play())
    assert left.status == 0, left.output
    assert [verb for verb, _host, _user in runs.done()] == ["drain", "message", "undrain"]


HIDDEN = """
- name: Go another way
  when: false
  block:
    - name: Work
      no_such_module:
"""


@pytest.mark.outer_cores
@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "work-0.yml"),
        ("- name: [", "work-0.yml"),
        ("name: Work", "list"),
        ("- name: Work\n  no_such_module:\n", "no_such_module"),
        (HIDDEN, "no_such_module"),
        ("- name: Work\n  action: no_such_module a=b\n", "no_such_module"),
        ("- name: Work\n  ansible.builtin.meta: end_night\n", "end_night"),
        ("- name: Work\n  ansible.builtin.import_tasks: more.yml\n", "more.yml"),
    ],
    ids=["missing", "no YAML", "no list", "unknown module", "behind a condition", "action", "meta", "missing import"],
)
def test_mistake_in_the_tasks_is_found_before_anything_is_closed(
    lab: Lab, tmp_path: Path, text: str | None, says: str
) -> None:
    """And each host hears of it."""
    runs = make_runs(lab, tmp_path, [A, B])
    play = runs.play()
    tasks = tmp_path / "work-0.yml"
    tasks.unlink()
    if text is not None:
        tasks.write_text(text)
    finished = runs.run(play)
    assert finished.status != 0
    failed = [task for task in finished.tasks if task.status == "failed"]
    heard = {task.host: task.message for task in failed if "Fail where the wave has failed" in task.name}
    assert sorted(heard) == [A, B], finished.output
    assert [message for message in heard.values() if says not in message] == []
    assert runs.done() == []
    assert not runs.journals.exists()


@pytest.mark.outer_cores
def test_import_that_ansible_cannot_follow_is_found_before_anything_is_closed(lab: Lab, tmp_path: Path) -> None:
    """It follows none from a file whose name is a variable of the inventory, although the file is there."""
    runs = make_runs(lab, tmp_path, [A])
    (tmp_path / "more.yml").write_text("- ansible.builtin.debug:\n")
    play = runs.play([{"name": "Work", "ansible.builtin.import_tasks": "more.yml"}])
    runs.inventory["window"]["hosts"][A]["session_window_tasks"] = play["roles"][0]["vars"].pop("session_window_tasks")
    finished = runs.run(play)
    assert finished.status != 0
    assert "cannot be included" in finished.output
    assert runs.done() == []


@pytest.mark.outer_cores
@pytest.mark.parametrize("text", [None, "- name: Work\n  no_such_module:\n"], ids=["missing", "unknown module"])
def test_mistake_in_the_tasks_of_another_host_is_found_before_anything_is_closed(
    lab: Lab, tmp_path: Path, text: str | None
) -> None:
    """Which file is a variable of each host."""
    runs = make_runs(lab, tmp_path, [A, B])
    play = runs.play()
    good, bad = play["roles"][0]["vars"].pop("session_window_tasks"), tmp_path / "bad.yml"
    if text is not None:
        bad.write_text(text)
    for host, file in (A, good), (B, str(bad)):
        runs.inventory["window"]["hosts"][host]["session_window_tasks"] = file
    finished = runs.run(play)
    assert finished.status != 0
    assert "bad.yml cannot be included" in finished.output
    assert runs.done() == []
