# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook window means the hosts that are named, and those only, whatever a survey or the command line adds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration import rds_window, wvd_window
from tests.integration.ansible_process import Finished
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.integration.wvd_window import BEFORE, PLACE, A, B, C, states
from tests.lab.client import Lab, Row

PLAYBOOK = "remotedesktop.sessions.window"
DEV = "dev-0.contoso.com"
AT_ONCE: Row = {
    "session_window_remaining": "logoff",
    "session_window_deadline": "1s",
    "session_window_minimum_notice": "0s",
}
EVERY_HOST: Row = {
    "session_window_every_host": "true",
    "session_window_place": {**PLACE, "host_pool_name": "pool-02"},
    "session_window_hosts": "",
    "session_window_serial": "",
    "session_window_ready_when": "",
}
NOTHING_SAID = "Nothing says which hosts are meant"

pytestmark = pytest.mark.outer_cores


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = wvd_window.make_runs(lab, tmp_path)
    yield runs
    runs.stop()


@pytest.fixture
def rds_runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = rds_window.make_runs(lab, tmp_path)
    yield runs
    runs.stop()


def hold(runs: WindowRuns, *arguments: str, inventory: str = "", **variables: object) -> Finished:
    where = ("-i", inventory or runs._inventory())
    return runs.run_playbook(PLAYBOOK, *where, *arguments, **{**AT_ONCE, **variables})


def worked(finished: Finished) -> list[str]:
    return [task.host for task in finished.tasks if task.name.endswith("Patch") and task.status == "ok"]


REFUSED: list[tuple[object, list[str], Row, str]] = [
    # Ansible takes these for all hosts, or for all others.
    (",", [], {}, NOTHING_SAID),
    (" ", [], {}, NOTHING_SAID),
    ("", [], {}, NOTHING_SAID),
    (f"!{A}", [], {}, NOTHING_SAID),
    (",", ["--tags", "patch"], {}, NOTHING_SAID),
    (f"!{A}", ["--limit", f"!{B}"], {}, "The limit leaves localhost out"),
    ("window", [], EVERY_HOST, "it is said twice"),
    ("window", ["--limit", A], {}, "The limit leaves localhost out"),
    ("nobody", [], {}, "The inventory has no host nobody"),
    ([A, "avd-9.contoso.com"], [], {}, "The inventory has no host avd-9.contoso.com"),
    (f"{A}\n!{A}", [], {}, f"No host is left of {A}, !{A}"),
    (A, [], {"session_window_serial": "false"}, "session_window_serial is false"),
    (A, [], {"session_window_serial": "0"}, "session_window_serial is 0"),
]


@pytest.mark.newest_core
@pytest.mark.parametrize(("hosts", "arguments", "more", "words"), REFUSED)
def test_what_means_no_host_for_sure_is_refused(
    runs: WindowRuns, hosts: object, arguments: list[str], more: Row, words: str
) -> None:
    finished = hold(runs, *arguments, **{**more, "session_window_hosts": hosts})
    assert finished.status != 0
    assert words in " ".join(finished.output.split())
    assert runs.done() == []


def test_hosts_that_are_left_out_are_left_out(runs: WindowRuns) -> None:
    """Ansible splits a text at commas, and this one at commas only."""
    finished = hold(runs, "--tags", "patch", session_window_hosts=f"window, {C}\n!{B}", session_window_serial="1\n2")
    assert finished.status == 0, finished.output
    assert {host for _verb, host, _user in runs.done()} == {A, C}
    assert states(runs) == BEFORE


@pytest.mark.newest_core
def test_tags_keep_nothing_from_being_done(runs: WindowRuns) -> None:
    """And a limit that names localhost chooses among what the service lists."""
    place = {"session_window_place": PLACE, "session_window_tasks": str(runs.folder / "work.yml")}
    finished = hold(runs, "--limit", f"localhost,{A}", inventory="localhost,", **{**EVERY_HOST, **place})
    assert finished.status == 0, finished.output
    assert {host for _verb, host, _user in runs.done()} == {A}
    assert worked(finished) == [A]


def test_every_host_that_the_service_lists(runs: WindowRuns) -> None:
    """Without hosts of an inventory, which says how they are reached; answers that are empty are no answers."""
    azure = wvd_window.take_sign_in(runs)
    reached = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    runs.inventory = {"session_window_listed": {"vars": {**reached, "own": "{{ ansible_host }}"}}}
    work = [{"name": "Patch", "ansible.builtin.command": {"cmd": "echo {{ own }}"}}]
    finished = runs.run_playbook(PLAYBOOK, work=work, **{**AT_ONCE, **EVERY_HOST, "session_window_azure": azure})
    assert finished.status == 0, finished.output
    assert [task.result["stdout"] for task in finished.tasks if task.name.endswith("Patch") and task.status == "ok"]
    assert worked(finished) == [DEV]
    assert [verb for verb, _host, _user in runs.done("drain", "undrain")] == ["drain", "undrain"]


@pytest.mark.newest_core
def test_host_pool_without_hosts_is_no_window(runs: WindowRuns) -> None:
    runs.lab.reset({"pools": [{"service": "wvd", "name": "pool-02", "hosts": []}]})
    finished = hold(runs, inventory="localhost,", **EVERY_HOST)
    assert finished.status != 0
    assert "No session host was found" in " ".join(finished.output.split())


def test_every_host_that_the_first_broker_that_answers_lists(rds_runs: WindowRuns) -> None:
    runs = rds_runs
    runs.inventory.pop("window")
    runs.inventory["session_window_listed"] = {"vars": {"ansible_connection": "local"}}
    finished = hold(runs, **{**EVERY_HOST, "session_window_place": f"{rds_window.AWAY},{BROKER}"})
    assert finished.status == 0, finished.output
    assert rds_window.states(runs) == rds_window.BEFORE
    assert {host.lower() for host in worked(finished)} == {host.lower() for host in rds_window.BEFORE}
