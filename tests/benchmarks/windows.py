# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote Desktop Services, over psrp against the lab's Windows hosts."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median as middle
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.measure import REPEATS, Measured, measure, median, own_seconds, show
from tests.integration.windows_hosts import BROKER, LOGOFF, SCRIPT, script_host
from tests.lab.client import Lab

LOGOFF_SECONDS = 0.1
SESSIONS = 200
WAIT_TIMEOUT = 20
LOOPED = 40
"""Sessions in the loop and in the tasks, which are scaled to all of them."""

Way = Callable[..., Measured]
"""Runs the module: takes the lab, arguments and the status that is expected."""


def farm(hosts: int, sessions: int) -> dict[str, Any]:
    """A deployment with so many hosts, and sessions on each."""
    generate = {"hosts": hosts, "sessions_per_host": sessions, "states": {"Active": 1}}
    pool = {"name": "Desktops", "service": "rds", "connection_broker": BROKER, "generate": generate}
    return {"pools": [pool]}


def reset(lab: Lab, hosts: int = 4, sessions: int = SESSIONS // 4) -> None:
    lab.reset(farm=farm(hosts, sessions))
    lab.call("POST", "winrm/settings", {"delay": {"Invoke-RDUserLogoff": LOGOFF_SECONDS}})


def ansible(lab: Lab, program: str, *arguments: str, status: int = 0) -> Measured:
    assert lab.winrm is not None
    return measure([program, "-i", lab.winrm["inventory_file"], *arguments], lab.environment, status)


def ad_hoc(lab: Lab, arguments: str, status: int = 0) -> Measured:
    return ansible(lab, "ansible", BROKER, "-m", LOGOFF, "-a", f"{arguments} force=true", status=status)


def by_script(lab: Lab, arguments: str, status: int = 0) -> Measured:
    """The same over Ansible's winrm connection, so by the script: with a real PowerShell and ansible.windows only."""
    door = lab.call("GET", "winrm")
    variables = {
        "ansible_connection": "winrm",
        "ansible_host": "127.0.0.1",
        "ansible_port": door["https_port"],
        "ansible_user": door["user"],
        "ansible_password": door["password"],
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "basic",
        "ansible_winrm_ca_trust_path": door["ca_file"],
        "ansible_winrm_path": f"/{door['hosts'][BROKER]['path']}",
    }
    with TemporaryDirectory() as directory:
        inventory = Path(directory, "hosts.json")
        inventory.write_text(json.dumps({"all": {"hosts": {BROKER: variables}}}))
        command = ("ansible", "-i", str(inventory), BROKER, "-m", LOGOFF, "-a", f"{arguments} force=true")
        return measure(command, lab.environment, status)


def debug_task(lab: Lab) -> Measured:
    """The cheapest module, for the same host and with its connection plugin."""
    return ansible(lab, "ansible", BROKER, "-m", "ansible.builtin.debug")


def play(lab: Lab, *tasks: dict[str, Any]) -> Measured:
    with TemporaryDirectory() as directory:
        playbook = Path(directory, "logoff.yml")
        playbook.write_text(json.dumps([{"hosts": BROKER, "gather_facts": False, "tasks": tasks}]))
        return ansible(lab, "ansible-playbook", str(playbook))


def bare(lab: Lab, what: str) -> float:
    """Run the bare client; its own seconds, without the start of Python."""
    door = lab.winrm
    assert door is not None
    way = {
        "server": "127.0.0.1",
        "port": door["https_port"],
        "path": door["hosts"][BROKER]["path"],
        "username": door["user"],
        "password": door["password"],
        "auth": "ntlm",
        "cert_validation": door["ca_file"],
    }
    run = measure(["python", "-m", "tests.benchmarks.bare_psrp", what], {**lab.environment, "PSRP": json.dumps(way)})
    return own_seconds(run)


def logoff(lab: Lab) -> None:
    """200 log-offs of 100 ms, against a loop, a task for each, and a bare client."""
    debugs, ours, bares, loops, tasks = [], [], [], [], []
    for repeat in range(REPEATS):
        debugs.append(debug_task(lab))
        reset(lab)
        ours.append(ad_hoc(lab, "all_sessions=true"))
        reset(lab)
        bares.append(bare(lab, "logoff"))
        if repeat < 2:
            reset(lab)
            rows = [{"host": row["host"], "id": row["id"]} for row in lab.sessions()]
            item = {"host_server": "{{ item.host }}", "unified_session_id": "{{ item.id }}", "force": True}
            loops.append(play(lab, {LOGOFF: item, "loop": rows[:LOOPED]}))
            named = [{"host_server": row["host"], "unified_session_id": row["id"], "force": True} for row in rows]
            tasks.append(play(lab, *({LOGOFF: options} for options in named[LOOPED : 2 * LOOPED])))
    debug, mine, plain = median(debugs), median(ours), middle(bares)
    loop, task = ((median(runs).seconds - debug.seconds) * SESSIONS / LOOPED for runs in (loops, tasks))
    show("200 log-offs", mine.seconds, "s")
    show(f"a loop of the module, scaled from {LOOPED}", loop, "s")
    show("times faster than the loop", loop / mine.seconds, "x", "aim: at least 8")
    show(f"a task for each, scaled from {LOOPED}", task, "s")
    show("times faster than a task for each", task / mine.seconds, "x")
    show("bare client with 16 pipelines in flight", plain, "s")
    show("debug + bare client", debug.seconds + plain, "s", "aim: at least our time")
    show("peak memory above debug", mine.mebibytes - debug.mebibytes, "MiB")


def hung(lab: Lab) -> None:
    """200 log-offs of 100 ms of which 20 hang, against 180 of which none does; and 20 and 60 that all hang."""
    good = log_off_all(lab, 45, 0)
    some = log_off_all(lab, 50, 20)
    show("180 log-offs: until the last one is reported", good.last_reported, "s")
    show("the same beside 20 that hang", some.last_reported, "s", f"aim: at most {1.3 * good.last_reported + 0.5:.2f}")
    show("whole task of 180", good.seconds, "s")
    show("whole task of 200", some.seconds, "s", f"aim: at most {good.seconds + WAIT_TIMEOUT + 3:.2f}")
    show_all_hung(lab, ad_hoc, WAIT_TIMEOUT + 6)


def script_hung(lab: Lab) -> None:
    """The same by the script, whose module takes seconds to start, twice; with a real PowerShell only."""
    good = log_off_all(lab, 45, 0, by_script)
    some = log_off_all(lab, 50, 20, by_script)
    show("180 log-offs: from the first to the last", good.last_done, "s")
    show("the same beside 20 that hang", some.last_done, "s")
    show("whole task of 180", good.seconds, "s")
    show("whole task of 200", some.seconds, "s", f"aim: at most {good.seconds + WAIT_TIMEOUT + 3:.2f}")
    start = good.seconds - good.last_done
    show("of which all but the log-offs", start, "s")
    show_all_hung(lab, by_script, start + WAIT_TIMEOUT + 6)


def show_all_hung(lab: Lab, way: Way, at_most: float) -> None:
    for many in (20, 60):
        every = log_off_all(lab, many // 4, many, way)
        show(f"all of {many} hang", every.seconds, "s", f"aim: at most {at_most:.2f}")


@dataclass(frozen=True)
class LogOffs:
    """What a task that logs off took."""

    seconds: float
    """The whole of it."""
    last_reported: float
    """From the first log-off until the last one that did not hang was reported."""
    last_done: float
    """From the first log-off until the last one."""


def log_off_all(lab: Lab, sessions: int, hanging: int, way: Way = ad_hoc) -> LogOffs:
    """Log all sessions of four hosts off, of which so many hang, spread over all."""
    reset(lab, 4, sessions)
    rows = lab.sessions()
    for row in rows[:: len(rows) // hanging] if hanging else ():
        parameters = {"HostServer": row["host"], "UnifiedSessionID": row["id"]}
        rule = {"kind": "hang", "command": "Invoke-RDUserLogoff", "parameters": parameters}
        lab.call("POST", "winrm/faults", rule)
    run = way(lab, f"all_sessions=true wait_timeout={WAIT_TIMEOUT}", status=2 if hanging else 0)
    outcomes = json.loads(run.output[run.output.index("=> {") + 3 :])["sessions"]
    assert sum(row["outcome"] in ("still_there", "failed") for row in outcomes) == hanging
    ended = {(entry["host"], entry["id"]): datetime.fromisoformat(entry["time"]).timestamp() for entry in lab.audit()}
    sent = {key: at - LOGOFF_SECONDS for key, at in ended.items()}
    reported = [
        sent[row["host_server"], row["unified_session_id"]] + row["seconds"]
        for row in outcomes
        if row["outcome"] == "logged_off"
    ]
    first, last = min(sent.values(), default=0.0), max(sent.values(), default=0.0)
    return LogOffs(run.seconds, max(reported, default=0.0) - first, last - first)


def no_op(lab: Lab) -> None:
    """A session that is gone already, against the cheapest module."""
    debugs, ours, lists = [], [], []
    reset(lab)
    for _ in range(REPEATS):
        debugs.append(debug_task(lab))
        ours.append(ad_hoc(lab, "host_server=host-0000.contoso.com unified_session_id=999"))
        lists.append(bare(lab, "list"))
    debug, mine = median(debugs), median(ours)
    show("debug", debug.seconds, "s")
    show("no-op over psrp", mine.seconds, "s")
    show("difference", mine.seconds - debug.seconds, "s")
    show("of which the bare client needs for its list", middle(lists), "s")
    show("peak memory above debug", mine.mebibytes - debug.mebibytes, "MiB")


def script_no_op(lab: Lab) -> None:
    """The same over the script transport. A stand-in takes the place of the host's PowerShell, and of its time."""
    reset(lab)
    environment = {**lab.environment, **script_host(lab), "SCRIPT_HOST_NAME": BROKER}
    local = ("ansible", BROKER, "-i", f"{BROKER},", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}")
    parameters = {"Calls": [{"command": "Get-RDUserSession", "parameters": {}, "secrets": []}]}
    module = {"script": SCRIPT.read_text(encoding="utf-8"), "parameters": parameters}
    session = "host_server=host-0000.contoso.com unified_session_id=999 force=true"
    debugs, modules, ours = [], [], []
    for _ in range(REPEATS):
        debugs.append(measure((*local, "-m", "ansible.builtin.debug"), environment))
        modules.append(measure((*local, "-m", "ansible.windows.win_powershell", "-a", json.dumps(module)), environment))
        ours.append(measure((*local, "-m", LOGOFF, "-a", session), environment))
    debug, one_run, mine = median(debugs), median(modules), median(ours)
    show("debug", debug.seconds, "s")
    show("the module that runs the script, once, by itself", one_run.seconds, "s")
    show("no-op over the script transport, which runs it once", mine.seconds, "s")
    show("difference: what the controller adds", mine.seconds - one_run.seconds, "s")


def large_list(lab: Lab) -> None:
    """List and select 5,000 sessions, against the bare client reading the same objects."""
    debugs, ours, bares = [], [], []
    reset(lab, 100, 50)
    for _ in range(REPEATS):
        debugs.append(debug_task(lab))
        ours.append(ad_hoc(lab, "user=CONTOSO\\\\nobody"))
        bares.append(bare(lab, "list"))
    debug, mine, plain = median(debugs), median(ours), middle(bares)
    show("bare client reading the same objects", plain, "s")
    show("list and select, above debug", mine.seconds - debug.seconds, "s")
    show("ratio", (mine.seconds - debug.seconds) / plain, "x", "aim: at most 1.3")
    show("peak memory above debug", mine.mebibytes - debug.mebibytes, "MiB")


REAL: dict[str, Callable[[Lab], None]] = {"rds_hung": hung, "script_hung": script_hung}
"""What is measured with a real PowerShell."""
BENCHMARKS: dict[str, Callable[[Lab], None]] = {
    "rds": logoff,
    "rds_hung": hung,
    "rds_no_op": no_op,
    "script_no_op": script_no_op,
    "rds_list": large_list,
}
