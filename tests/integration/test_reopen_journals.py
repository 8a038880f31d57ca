# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook reopen_hosts and journals of windows: of one that died with its guard, and of some that are damaged."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import read_journal
from tests.integration import rds_window
from tests.integration.ansible_process import Finished
from tests.integration.window_runs import WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.integration.wvd_window import BEFORE, A, B, make_runs, states, take_sign_in
from tests.lab.client import Lab

CONTAINER = (
    shutil.which("unshare") or "unshare",
    "--user",
    "--map-root-user",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
"""A name space of processes, as a container has one: when the first of them dies, all do."""
CLOSED = dict.fromkeys(BEFORE, False)

pytestmark = pytest.mark.newest_core


@pytest.fixture
def runs(lab: Lab, tmp_path: Path) -> Iterator[WindowRuns]:
    runs = make_runs(lab, tmp_path)
    yield runs
    runs.stop()


def reopen(runs: WindowRuns, *arguments: str, inventory: str = "localhost,", **variables: object) -> Finished:
    which = json.dumps({"reopen_hosts_journal": str(runs.journals), **variables})
    playbook = "remotedesktop.sessions.reopen_hosts"
    return runs.ansible.run("ansible-playbook", playbook, "-i", inventory, "-e", which, *arguments)


def die_closed(runs: WindowRuns, closed: Callable[[], bool] | None = None, **variables: object) -> Path:
    """Begin a window without a guard, and kill it when it has closed its hosts; return its journal."""
    process = runs.start(runs.play(session_window_deadline="60s", session_window_guard=False, **variables))
    runs.wait_for(closed or (lambda: states(runs) == CLOSED))
    runs.wait_for(lambda: any(one["record"] == "closed" for one in runs.journal().written))
    runs.kill(process, signal.SIGKILL, True)
    (path,) = runs.journals.glob("*.jsonl")
    return path


def said(finished: Finished) -> str:
    return " ".join(finished.output.split())


def test_container_that_dies_takes_the_guard_with_it_and_its_journal_opens_the_hosts(runs: WindowRuns) -> None:
    if subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system lets nobody make a name space of processes")
    process = runs.start(runs.play(session_window_deadline="60s"), within=CONTAINER)
    runs.wait_for(lambda: states(runs) == CLOSED)
    runs.wait_for(lambda: any(one["record"] == "closed" for one in runs.journal().written))
    early = reopen(runs)
    assert early.status != 0
    assert "or its guard, is at work" in said(early), "which cannot be seen from here, but shows itself"
    assert states(runs) == CLOSED
    runs.kill(process, signal.SIGKILL, False)
    time.sleep(3.0)
    (journal,) = runs.journals.glob("*.jsonl")
    assert (states(runs), read_journal(journal).over) == (CLOSED, False), "nobody is left who could open them"
    refused = runs.run(runs.play(hosts=A))
    assert "reopen_hosts" in said(refused)
    opened = reopen(runs)
    assert opened.status == 0, opened.output
    assert (states(runs), read_journal(journal).finished_by) == (BEFORE, "reopen_hosts")


def test_journal_that_is_torn_opens_what_can_be_read(runs: WindowRuns) -> None:
    journal = die_closed(runs)
    text = journal.read_text()
    journal.write_text(text + '{"record": "opened", "by": "run", "hosts": [["wvd", "')
    finished = reopen(runs)
    assert finished.status == 0, finished.output
    assert "has 1 lines that cannot be read" in said(finished)
    assert states(runs) == BEFORE


def test_journals_that_cannot_be_read_are_named_and_keep_no_other_closed(runs: WindowRuns) -> None:
    journal = die_closed(runs)
    text = journal.read_text()
    damaged = [runs.journals / f"20200101T000000-{number}-a.jsonl" for number in (1, 2)]
    damaged[0].write_text(text.replace('"version": 1', '"version": 2'))
    damaged[1].write_text("{}")
    finished = reopen(runs)
    assert finished.status != 0
    for words in ("of version 2", "use the release that wrote it", "1-a.jsonl", "2-a.jsonl is no journal"):
        assert words in said(finished)
    assert states(runs) == BEFORE
    # Whatever they may have closed is open, so they keep nobody from a window; a host that is closed they do.
    runs.lab.change_host(pool="pool-01", host=B, allow_new_session=False)
    refused = runs.run(runs.play(hosts=f"{A},{B}"))
    assert f"{B} is closed, and it is not known by whom" in said(refused).lower(), refused.output
    assert runs.done("drain")[len(BEFORE) :] == []
    for path in damaged:
        path.unlink()


def test_limit_that_leaves_out_who_opens_is_no_success(runs: WindowRuns) -> None:
    """And the sign-in may be that of the window."""
    azure = take_sign_in(runs)
    die_closed(runs, session_window_azure=azure)
    limited = reopen(runs, "--limit", A, inventory=runs.write_inventory(), reopen_hosts_azure=azure)
    assert limited.status != 0
    assert "The limit leaves localhost out" in said(limited)
    finished = reopen(runs, reopen_hosts_azure=azure)
    assert finished.status == 0, finished.output
    assert states(runs) == BEFORE


def test_hosts_of_a_broker_that_the_window_was_told_to_ask(lab: Lab, tmp_path: Path) -> None:
    """The journal knows it, as the machine on which the cmdlets ran is none."""
    runs = rds_window.make_runs(lab, tmp_path)
    try:
        asks = {"session_window_place": rds_window.BROKER_2, "session_window_connection_broker": BROKER}
        closed = dict.fromkeys(rds_window.BEFORE, "No")
        die_closed(runs, lambda: rds_window.states(runs) == closed, **asks)
        finished = reopen(runs, inventory=runs.write_inventory())
        assert finished.status == 0, finished.output
        assert rds_window.states(runs) == rds_window.BEFORE
    finally:
        runs.stop()


def test_saved_states_are_not_restored_on_hosts_that_a_window_works_on(runs: WindowRuns) -> None:
    """Users would come back onto hosts that are being patched."""
    process = runs.start(runs.play(session_window_deadline="60s"))
    runs.wait_for(lambda: states(runs) == CLOSED)
    saved = runs.folder / "saved.json"
    saved.write_text(json.dumps({"version": 1, "wvd": {"hosts": runs.journal().to_open()}}))
    refused = reopen(runs, reopen_hosts_journal="", reopen_hosts_saved=str(saved))
    assert refused.status != 0
    assert "closed by a run of the user" in said(refused)
    assert (states(runs), process.poll()) == (CLOSED, None)
    runs.kill(process, signal.SIGKILL, True)
    runs.wait_for(runs.guard_is_gone)
    # What a survey of the window has left open is nothing to this.
    runs.inventory["all"] = {"vars": {"session_window_journal": "/elsewhere"}}
    more = {"session_window_journal": "", "reopen_hosts_journal": "", "reopen_hosts_saved": str(saved)}
    restored = reopen(runs, inventory=runs.write_inventory(), **more)
    assert (restored.status, states(runs)) == (0, BEFORE), restored.output


def test_old_journal_opens_nothing_that_another_run_works_on(runs: WindowRuns) -> None:
    """A colleague has opened the hosts of the run that died, and the next one keeps its journal elsewhere."""
    die_closed(runs)
    for host in (A, B):
        runs.lab.change_host(pool="pool-01", host=host, allow_new_session=True)
    process = runs.start(
        runs.play(session_window_deadline="60s", session_window_journal=str(runs.folder / "other")),
    )
    runs.wait_for(lambda: states(runs) == CLOSED)
    refused = reopen(runs)
    assert refused.status != 0
    assert "closed by a run of the user" in said(refused)
    assert (states(runs), process.poll()) == (CLOSED, None)
    runs.kill(process, signal.SIGKILL, True)
    runs.wait_for(lambda: states(runs) == BEFORE)
