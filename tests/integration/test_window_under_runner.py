# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The maintenance window under ansible-runner, as AWX runs it: survey answers, credentials, slices, cancelled jobs."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.integration import rds_window
from tests.integration.ansible_process import Ansible
from tests.integration.runner_job import RunnerJob, as_script
from tests.integration.window_runs import FAST, WORK, WindowRuns
from tests.integration.windows_hosts import BROKER
from tests.integration.wvd_window import BEFORE, PLACE, A, B, C, states
from tests.lab.client import Lab, Row

pytestmark = pytest.mark.newest_core

LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
CREDENTIAL = ("AZURE_SUBSCRIPTION_ID", "AZURE_CLIENT_ID", "AZURE_TENANT", "AZURE_SECRET", "AZURE_CLOUD_ENVIRONMENT")
"""What the Azure credential of AWX sets."""
UNANSWERED = (
    "session_window_every_host",
    "session_window_serial",
    "session_window_latest",
    "session_window_ready_when",
    "session_window_keep_open",
    "session_window_tolerate",
    "session_window_collection_name",
    "session_window_report",
    "session_window_guard_patience",
)
"""Fields of the survey that nobody fills in."""
SURVEY = {
    **dict.fromkeys(UNANSWERED, ""),
    "session_window_hosts": "window",
    **{name: str(value) for name, value in FAST.items() if name != "session_window_messages"},
    "session_window_remaining": "logoff",
    "session_window_stop_at_percentage": "25",
    "session_window_guard": "true",
}
ENDS = 15.0
"""Seconds in which a guard has opened everything."""

MakeJob = Callable[..., RunnerJob]


@pytest.fixture
def runs(lab: Lab, ansible: Ansible, tmp_path: Path) -> WindowRuns:
    """Only to see what came of the jobs."""
    return WindowRuns(lab, ansible, tmp_path, {}, {})


@pytest.fixture
def make_job(lab: Lab, runs: WindowRuns) -> Iterator[MakeJob]:
    """Make a job on hosts of pool-01."""
    jobs: list[RunnerJob] = []

    def make(hosts: Sequence[str] = (A, B, C), work: Sequence[Row] = WORK, **more: Any) -> RunnerJob:
        inventory = as_script({"window": {name: dict(LOCAL) for name in hosts}}, session_window_place=PLACE)
        template = {"session_window_service": "wvd", "session_window_messages": FAST["session_window_messages"]}
        journal = {} if more.pop("own_journal", False) else {"session_window_journal": str(runs.journals)}
        job = RunnerJob(
            runs.folder / f"job-{len(jobs)}",
            more.pop("inventory", inventory),
            work,
            {**template, **journal, **more.pop("template", {})},
            {**SURVEY, **more.pop("answers", {})},
            **{
                "credential": {name: lab.environment[name] for name in CREDENTIAL},
                "variables": {name: text for name, text in lab.environment.items() if name not in CREDENTIAL},
                **more,
            },
        )
        jobs.append(job)
        return job

    yield make
    for job in jobs:
        job.clean_up()
    runs.stop()


def finish(job: RunnerJob, status: str = "successful") -> None:
    """Run a job to its end."""
    job.start().wait(240)
    assert job.status == status, job.shown() or (job.folder / "said").read_text()


def test_survey_and_credential_of_azure(make_job: MakeJob, runs: WindowRuns, lab: Lab) -> None:
    """Users who are protected are lines, and one of them is on in B, another in C."""
    protected = {"session_window_protected_users": "nobody@contoso.com, grace\ndave@contoso.com\n"}
    job = make_job(answers=protected, own_journal=True)
    finish(job)
    assert states(runs) == BEFORE
    done = runs.done()
    assert done[0] == ("drain", A, "")
    assert sorted(done[1:3]) == [("message", A, "alice"), ("message", A, "bob")]
    assert sorted(done[3:6]) == [("logoff", A, name) for name in ("alice", "bob", "carol")]
    assert done[6:] == [("undrain", A, "")]
    assert "patched" in job.shown()
    runs.wait_for(lambda: not job.processes(), 10)
    assert len(list(job.home.rglob("*.jsonl"))) == 1
    # ansible-runner itself writes down with which environment it has started Ansible.
    assert job.files_with(lab.environment["AZURE_SECRET"]) == ["command"]


def test_survey_that_nobody_answered(make_job: MakeJob, runs: WindowRuns) -> None:
    job = make_job(answers={"session_window_hosts": ""})
    finish(job, "failed")
    (message,) = job.messages()
    assert message.startswith("Nothing says which hosts are meant")
    assert runs.done() == []


def test_connection_brokers_are_reached_as_a_credential_says(make_job: MakeJob, runs: WindowRuns, lab: Lab) -> None:
    """By extra variables; a machine credential, which answers a prompt, is for the hosts of the play."""
    lab.reset(rds_window.FARM)
    assert lab.winrm is not None
    known = lab.winrm["inventory"]["all"]
    secret = {name: known["vars"][name] for name in ("ansible_user", "ansible_password")}
    others = {name: value for name, value in known["vars"].items() if name not in secret}
    groups = {
        "brokers": {BROKER: {**others, **known["hosts"][BROKER]}},
        "window": dict.fromkeys(rds_window.BEFORE, LOCAL),
    }
    job = make_job(
        inventory=as_script(groups),
        template={"session_window_service": "rds", **secret},
        answers={"session_window_place": f"{BROKER},"},
        credential={},
    )
    finish(job)
    rds_window.expect_whole_window(runs)
    assert job.files_with(secret["ansible_password"]) == []


# Slices of one job: each has every second host of the inventory, and knows nothing of the other


def pool_of_four() -> Row:
    """A user is on each host."""
    hosts = [{"name": name, "sessions": [{"id": 2, "user": f"user-{name[4]}@contoso.com"}]} for name in FOUR]
    return {"pools": [{"name": "pool-01", "service": "wvd", "resource_group": "rg-avd", "hosts": hosts}]}


FOUR = [f"avd-{number}.contoso.com" for number in range(4)]


def fewest_open(runs: WindowRuns) -> int:
    """Count the hosts that were open when there were fewest."""
    closed, most = 0, 0
    for verb, _host, _user in runs.done("drain", "undrain"):
        closed += 1 if verb == "drain" else -1
        most = max(most, closed)
    return len(FOUR) - most


def test_slices_work_side_by_side(make_job: MakeJob, runs: WindowRuns) -> None:
    """What is kept open counts in the whole pool: in its own slice of two none could be closed."""
    runs.lab.reset(pool_of_four())
    answers = {"session_window_serial": "1", "session_window_keep_open": "2"}
    jobs = {}
    for number in range(2):
        reports = {"session_window_report": str(runs.folder / f"report-{number}")}
        jobs[number] = make_job(FOUR[number::2], answers=answers | reports, own_journal=True)
    for process in [job.start() for job in jobs.values()]:
        process.wait(240)
    assert [job.status for job in jobs.values()] == ["successful"] * 2, [job.shown() for job in jobs.values()]
    done = runs.done()
    assert len(done) == len(set(done)) == 4 * len(FOUR), done
    for host in FOUR:
        assert [verb for verb, where, _user in done if where == host] == ["drain", "message", "logoff", "undrain"]
    assert fewest_open(runs) == 2
    for number, job in jobs.items():
        (path,) = (runs.folder / f"report-{number}").glob("*.json")
        waves = json.loads(path.read_text())["waves"]
        assert [name for wave in waves for name, host in wave["hosts"].items() if host["opened_at"]] == FOUR[number::2]
        assert job.processes() == []


def test_slice_that_would_leave_too_few_open(make_job: MakeJob, runs: WindowRuns) -> None:
    runs.lab.reset(pool_of_four())
    answers = {"session_window_serial": "1", "session_window_keep_open": "75%"}
    first = make_job(FOUR[:1], answers=answers, work=[SLEEP], own_journal=True)
    first.start()
    runs.wait_for(lambda: runs.done("logoff"))
    second = make_job(FOUR[1::2], answers=answers, own_journal=True)
    finish(second, "failed")
    assert any("Only 2 of 4 session hosts would be open" in message for message in second.messages())
    assert runs.done("drain") == [("drain", FOUR[0], "")]


# Cancelled jobs


def cancel_run(job: RunnerJob) -> None:
    """As AWX does in the end: ansible-runner ends the process group of the run by SIGKILL."""
    job.started[-1].send_signal(signal.SIGTERM)
    job.started[-1].wait(60)
    assert job.status == "canceled"


def test_job_is_cancelled_while_users_are_waited_for(make_job: MakeJob, runs: WindowRuns) -> None:
    job = make_job([A, B], answers={"session_window_deadline": "10m"}, template={"session_window_messages": [EARLY]})
    job.start()
    runs.wait_for(lambda: len(runs.done("message")) == TOLD)
    cancelled = time.time()
    cancel_run(job)
    expect_opened(job, runs, cancelled)
    assert runs.done("logoff", "disconnect") == []
    assert len(runs.done("message")) == TOLD


@pytest.mark.parametrize("command", ["worker", "run"])
def test_job_is_cancelled_while_it_works(make_job: MakeJob, runs: WindowRuns, command: str) -> None:
    """By a worker, which is what AWX starts, and by hand."""
    job = make_job([A, B], work=[SLEEP], answers={"session_window_serial": "1"})
    job.start(command)
    runs.wait_for(lambda: any("sleep" in one for one in job.commands()))
    done = runs.done()
    cancelled = time.time()
    cancel_run(job)
    expect_opened(job, runs, cancelled)
    assert runs.done() == [*done, ("undrain", A, "")], "the next wave is not begun"


SLEEP: Row = {"name": "Sleep", "ansible.builtin.command": {"cmd": "sleep 20"}}
EARLY = {"before": "10m", "title": "Maintenance", "body": "In {minutes} min."}
TOLD = 4


def expect_opened(job: RunnerJob, runs: WindowRuns, cancelled: float) -> None:
    """Every host is as it was before, in time, and nothing is left."""
    runs.wait_for(lambda: not [one for one in job.commands() if "ansible-playbook" in one])
    assert states(runs) == BEFORE
    assert runs.journal().finished_by == "guard"
    assert max(runs.times("undrain")) - cancelled < ENDS
