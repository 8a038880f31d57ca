# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that closes session hosts under a guard, and then is what a test wants it to be."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.leaving_run import leave_run
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.other_host import find_other_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.task_reach import make_reach
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import rds_host_place, wvd_host_place
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.place import Reach
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import FAILED, set_hosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.duty import Orders, Reopening
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.guard import start
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import acting
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import find_process

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
STATES = {"wvd": "allow_new_session", "rds": "new_connection_allowed"}
Rows = Sequence[Mapping[str, Any]]


class ActionModule(ActionBase):
    """The action; `folder` is for the journal, `hosts` are rows with the states before.

    Those of Remote Desktop Services are told through the first of `brokers` that answers, hosts of the inventory.
    """

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        folder, rows = Path(self._task.args["folder"]), self._task.args["hosts"]
        run = find_process(os.getppid())
        assert run is not None
        journal = Journal.create(folder, Header("run-1", run, rows[0]["service"], "", "here"))
        self._task_vars = task_vars
        self._brokers = [find_other_host(self, name, task_vars or {}) for name in self._task.args.get("brokers", ())]
        latest = self._task.args.get("latest_in")
        orders = Orders(self._open_again, None if latest is None else time.time() + latest, pause=0.5)
        guard = start(journal.path, orders, leave_run)
        with acting(journal):
            journal.closing(rows)
            self._set([{**row, STATES[row["service"]]: False} for row in rows])
            journal.closed(rows)
        (folder / "said.json.new").write_text(json.dumps({"guard": guard.pid, "worker": os.getpid()}))
        (folder / "said.json.new").rename(folder / "said.json")
        if self._task.args.get("at_work"):
            # A worker that does not notice the end of its run.
            with acting(journal):
                time.sleep(60)
        return {"guard": guard.pid}

    def _open_again(self, rows: Rows) -> list[Reopening]:
        Display().warning("It opens.")
        if not self._brokers:
            # A module, too: it needs the folder for temporary files.
            self._execute_module("ansible.builtin.ping", {}, task_vars=self._task_vars)
        return [
            Reopening(str(row["reason"] or "failed") if row["outcome"] == FAILED else "") for row in self._set(rows)
        ]

    def _set(self, rows: Rows) -> list[dict[str, Any]]:
        if not self._brokers:
            reach = make_reach("localhost", self._connection, self._execute_module, os.environ)
            return set_over(reach, wvd_host_place.SESSION_HOSTS, {**dict.fromkeys(wvd_host_place.SETS), **POOL}, rows)
        for broker in self._brokers:
            with suppress(AnsibleConnectionFailure, ServiceError), broker.open() as reach:
                return set_over(reach, rds_host_place.SESSION_HOSTS, dict.fromkeys(rds_host_place.SETS), rows)
        raise ServiceError("No broker answers.", lasting=False)


def set_over(reach: Reach, place: Any, options: Mapping[str, Any], rows: Rows) -> list[dict[str, Any]]:
    wanted = place.read_rows({**options, "hosts": rows})
    service = place.open(wanted, reach)
    try:
        report = set_hosts(service, wanted.names, wanted.desired, False, 5.0, reach.clock, reach.lives)
    finally:
        service.close()
    lost = service.notes().lost
    if lost is not None:
        raise lost
    return [row.result() for row in report.rows]
