# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach another host of the inventory from a task, over a connection of its own and with that host's own variables.

What Ansible does for the host of a task (`TaskExecutor`), here for one that the task only needs. All that it takes is
read at once, and the connection made later, as the guard of a window does when the run is gone.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible import constants
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import become_loader, connection_loader

from .._services.place import Reach
from .._sessions.errors import SelectionError
from .task_reach import make_reach

_config: Any = constants.config
_boolean: Callable[..., Any] = boolean
_connections: Any = connection_loader
_becomes: Any = become_loader
BECOME = ("become", "become_method", "become_user")
"""Keywords of a task that are none of the other host's."""


@dataclass(frozen=True)
class OtherHost:
    """A host that can be reached again and again."""

    name: str
    _action: ActionBase
    _variables: Mapping[str, Any]

    def open(self) -> Reach:
        """Reach it over a new connection, which the caller closes."""
        action: Any = copy.copy(self._action)
        action._task = action._task.copy()
        action._play_context = action._play_context.copy()
        connection = self._connect(action)
        action._connection = connection

        def run_module(**how: Any) -> Mapping[str, Any]:
            result: Mapping[str, Any] = action._execute_module(**how, task_vars=dict(self._variables))
            return result

        return make_reach(self.name, connection, run_module, os.environ)

    def _connect(self, action: Any) -> Any:
        variables = self._variables
        kind = str(variables.get("ansible_connection") or _config.get_config_value("DEFAULT_TRANSPORT"))
        context = action._play_context
        for name in BECOME:
            setattr(context, name, None)
        context.become = False
        context.remote_addr = str(variables.get("ansible_host") or self.name)
        context.connection = kind
        connection = _connections.get(
            kind, context, os.devnull, task_uuid=action._task._uuid, ansible_playbook_pid=str(os.getppid())
        )
        if connection is None:
            raise SelectionError(f"The connection {kind} of {self.name} is not known: check ansible_connection.")
        keys = {
            name: value
            for name, value in action._task.dump_attrs().items()
            if name not in (*BECOME, "retries", "connection", "remote_user", "port", "vars", "delegate_to")
        }
        keys["timeout"] = context.timeout
        keys["remote_addr"] = context.remote_addr
        if context.password:
            keys["password"] = context.password
        connection.set_become_plugin(self._become())
        _set_options(connection, "connection", variables, keys)
        if getattr(connection, "_shell", None) is not None:
            _set_options(connection._shell, "shell", variables, keys)
        if connection.become is not None:
            if context.become_pass:
                keys["become_pass"] = context.become_pass
            _set_options(connection.become, "become", variables, keys)
        return connection

    def _become(self) -> Any:
        if not _boolean(self._variables.get("ansible_become", False), strict=False):
            return None
        method = str(self._variables.get("ansible_become_method") or _config.get_config_value("DEFAULT_BECOME_METHOD"))
        plugin = _becomes.get(method)
        if plugin is None:
            raise SelectionError(f"ansible_become_method of {self.name} is {method!r}, which is not known.")
        return plugin


def find_other_host(action: ActionBase, name: str, task_vars: Mapping[str, Any]) -> OtherHost:
    """Find a host of the inventory. Raises SelectionError when there is none."""
    everywhere = task_vars["hostvars"]
    if name not in everywhere:
        raise SelectionError(f"The inventory has no host {name}: its connection variables say how it is reached.")
    own = everywhere[name]
    variables = {variable: own[variable] for variable in own if _is_needed(variable)}
    return OtherHost(name, action, {**variables, "inventory_hostname": name, "ansible_facts": {}})


def _is_needed(variable: str) -> bool:
    return variable.startswith("ansible_") and variable not in ("ansible_facts", "ansible_play_hosts_all")


def _set_options(plugin: Any, kind: str, variables: Mapping[str, Any], keys: Mapping[str, Any]) -> None:
    """Let a plugin take its options: from the variables of its host, else from what the command line says."""
    names = _config.get_plugin_vars(kind, plugin._load_name)
    own = {name: variables[name] for name in names if name in variables}
    if kind == "connection":
        prefix = f"ansible_{plugin.extras_prefix}_" if plugin.allow_extras else None
        more = [name for name in variables if prefix and name.startswith(prefix) and name not in own]
        own["_extras"] = {name: variables[name] for name in more}
    plugin.set_options(task_keys=dict(keys), var_options=own)
