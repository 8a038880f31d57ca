# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role session_window, beside the same play without it."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.measure import measure, show
from tests.lab.client import Lab

HOSTS, WAVE, SESSIONS = 2000, 100, 10
WORK = [{"name": "Work", "ansible.builtin.debug": {"msg": "Here the host is patched."}}]


def play(folder: Path, **more: Any) -> Path:
    """Write a play over all hosts, in waves."""
    path = folder / "play.json"
    path.write_text(json.dumps([{"hosts": "window", "gather_facts": False, "serial": WAVE, **more}]))
    return path


def window(lab: Lab) -> None:
    """2,000 session hosts with 20,000 disconnected sessions, in waves of 100; nobody is waited for."""
    generate = {"hosts": HOSTS, "sessions_per_host": SESSIONS, "states": {"Disconnected": 1}}
    lab.reset({"pools": [{"name": "pool-01", "service": "wvd", "resource_group": "rg-avd", "generate": generate}]})
    place = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
    names = [host["name"] for host in lab.hosts() if host["pool"] == "pool-01"]
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        inventory, tasks = folder / "hosts.json", folder / "work.json"
        hosts = {"hosts": {name: {} for name in names}, "vars": {"ansible_connection": "local"}}
        inventory.write_text(json.dumps({"window": hosts}))
        tasks.write_text(json.dumps(WORK))
        command = ("ansible-playbook", "-i", str(inventory))
        include = {"ansible.builtin.include_tasks": str(tasks)}
        bare = measure((*command, str(play(folder, tasks=[include]))), lab.environment)
        role = {"name": "remotedesktop.sessions.session_window", "rolespec_validate": False}
        variables = {
            "session_window_service": "wvd",
            "session_window_place": place,
            "session_window_tasks": str(tasks),
            "session_window_ready_when": "nobody_active",
            "session_window_journal": str(folder / "journals"),
        }
        task = {"ansible.builtin.import_role": role, "vars": variables}
        environment = {**lab.environment, "SESSION_WINDOW_RUNS": str(folder)}
        ours = measure((*command, str(play(folder, tasks=[task]))), environment)
    verbs = [entry["verb"] for entry in lab.audit()]
    if verbs.count("drain") != HOSTS or verbs.count("undrain") != HOSTS:
        raise SystemExit("not every host was closed and opened")
    show("the play without the role", bare.seconds, "s")
    show("with it", ours.seconds, "s")
    show("more, a wave", (ours.seconds - bare.seconds) * WAVE / HOSTS, "s", "aim: less than 10")
    show("peak memory", ours.mebibytes, "MiB")


BENCHMARKS = {"window": window}
