# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that asks other hosts of the inventory for the session hosts of their deployment, one after the other."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.other_host import find_other_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_place import SESSION_HOSTS, SETS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SessionsError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import find_hosts


class ActionModule(ActionBase):
    """The action; `brokers` are names of hosts."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"said": {name: self._ask(name, task_vars or {}) for name in self._task.args["brokers"]}}

    def _ask(self, name: str, task_vars: dict[str, Any]) -> dict[str, str] | str:
        wanted = SESSION_HOSTS.read(dict.fromkeys(SETS))
        try:
            with find_other_host(self, name, task_vars).open() as reach:
                service = SESSION_HOSTS.open(wanted, reach)
                try:
                    return {one.name: str(one.state) for one in find_hosts(service, None)}
                finally:
                    service.close()
        except (AnsibleConnectionFailure, SessionsError) as error:
            return str(error)
