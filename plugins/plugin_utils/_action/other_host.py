# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another host of the inventory than the one that the task runs for, over connections of its own.

It is reached as a task of its own would reach it that has no keywords: by its variables and what the command line says
for all hosts. Nothing of the task's host or of the play gets there, above all no password. What Ansible knows only as
long as the run goes on is read when the host is found, so a process that outlives the run can still connect.
"""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins import loader
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from .._services.place import Reach
from .._sessions.errors import SelectionError
from .._sessions.plain import plain
from .task_reach import make_reach

plugins: Any = loader
config: Any = constants.config
make_play_context: Any = PlayContext
RUNS_MODULES = "ansible.builtin.normal"
"""The action plugin that runs a module and does nothing else."""
INTERPRETER = re.compile(r"ansible_\w+_interpreter")
NOTHING = object()


@dataclass(frozen=True)
class OtherHost:
    """A host that can be connected to, with all that is needed for it."""

    name: str
    """As the inventory has it."""
    _variables: Mapping[str, Any] = field(repr=False)
    _passwords: Mapping[str, str] = field(repr=False)
    _task: Any = field(repr=False)
    _loader: Any = field(repr=False)

    @contextmanager
    def open(self) -> Iterator[Reach]:
        """Reach the host over a new connection, which is made when it is used first and closed in the end."""
        connection, play_context = _make_connection(self.name, self._variables, self._passwords, self._task)
        action = plugins.action_loader.get(
            RUNS_MODULES,
            task=self._task,
            connection=connection,
            play_context=play_context,
            loader=self._loader,
            templar=Templar(self._loader, dict(self._variables)),
            shared_loader_obj=plugins,
        )
        run_module = partial(action._execute_module, task_vars=dict(self._variables))
        try:
            yield make_reach(self.name, connection, run_module, os.environ)
        finally:
            for end in (action.cleanup, connection.close):
                # What is known must not be lost because a host that has gone cannot be left in good order.
                with suppress(Exception):
                    end()


def find_other_host(action: ActionBase, name: str, task_vars: Mapping[str, Any]) -> OtherHost:
    """Find a host of the inventory, and read all that is needed to connect. Raises SelectionError."""
    hosts = task_vars["hostvars"]
    if name not in hosts:
        raise SelectionError(f"The inventory has no host {name}: it is reached with the variables that it has there.")
    raw = {**hosts.raw_get(name), "hostvars": hosts}
    variables = _Variables(raw, Templar(action._loader, raw))
    passwords = _typed_passwords()
    task = Task()
    task.action = RUNS_MODULES
    for keyword in ("check_mode", "diff", "no_log"):
        setattr(task, keyword, getattr(action._task, keyword))
    try:
        connection, _play_context = _make_connection(name, variables, passwords, task)
        for one in filter(INTERPRETER.fullmatch, raw):
            variables.get(one)
    except (AnsibleError, TypeError, ValueError) as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise SelectionError(f"The variables of {name} in the inventory do not say how to reach it: {why}.") from error
    if connection.transport == "psrp":
        from .._transports import runspace  # noqa: F401 - while the files of the run are there
    facts = dict(raw.get("ansible_facts") or {})
    held = {**variables.read, "inventory_hostname": name, "ansible_facts": facts}
    return OtherHost(name, held, passwords, task, action._loader)


class _Variables(Mapping[str, Any]):
    """Variables of a host, made of their templates when they are asked for, and kept."""

    def __init__(self, raw: Mapping[str, Any], templar: Any) -> None:
        self._raw = raw
        self._templar = templar
        self.read: dict[str, Any] = {}
        """Those that somebody has asked for."""

    def __getitem__(self, name: str) -> Any:
        if name not in self.read:
            # Of a dictionary ansible-core leaves out what is `omit`; before 2.19 that is a text.
            made = self._templar.template({name: self._raw[name]})[name]
            if made == self._raw.get("omit", NOTHING):
                raise KeyError(name)
            self.read[name] = plain(made)
        return self.read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._raw)

    def __len__(self) -> int:
        return len(self._raw)


def _typed_passwords() -> dict[str, str]:
    """Return what was typed for `--ask-pass` and `--ask-become-pass`, or came from their files.

    It is for all hosts that have no password themselves. The action's own play context has that of the task's host in
    its place.
    """
    play_context = getattr(multiprocessing.current_process(), "_play_context", None)
    names = {"conn_pass": "password", "become_pass": "become_pass"}
    return {name: plain(getattr(play_context, attribute, None)) or "" for name, attribute in names.items()}


def _make_connection(
    name: str, variables: Mapping[str, Any], passwords: Mapping[str, str], task: Any
) -> tuple[Any, PlayContext]:
    """Make the connection plugin of a host and set its options, as ansible-core does for a task of that host."""
    play_context = make_play_context(passwords=passwords).set_task_and_variable_override(task, variables, None)
    play_context.remote_addr = play_context.remote_addr or name
    play_context.connection = variables.get("ansible_connection") or task.connection
    connection = plugins.connection_loader.get(play_context.connection, play_context, new_stdin=None)
    if connection is None:
        raise AnsibleError(f"there is no connection plugin {play_context.connection}")
    become = variables.get("ansible_become")
    if task.become if become is None else boolean(become):  # type: ignore[no-untyped-call,unused-ignore]
        method = variables.get("ansible_become_method") or task.become_method
        plugin = plugins.become_loader.get(method)
        if plugin is None:
            raise AnsibleError(f"there is no become plugin {method}")
        connection.set_become_plugin(plugin)
        play_context.set_become_plugin(plugin.name)
    _set_options(connection, variables, play_context, task)
    return connection, play_context


def _set_options(connection: Any, variables: Mapping[str, Any], play_context: PlayContext, task: Any) -> None:
    # What the command line says comes as keywords of a task, but what these two are for a task is something else.
    keywords = {**task.dump_attrs(), "timeout": play_context.timeout}
    del keywords["retries"]
    if play_context.password:
        keywords["password"] = play_context.password
    if play_context.become_pass:
        keywords["become_pass"] = play_context.become_pass
    for plugin in filter(None, (connection, connection._shell, connection.become)):
        known = config.get_plugin_vars(plugin.plugin_type, plugin._load_name)
        options = {one: variables[one] for one in known if one in variables}
        if plugin.allow_extras:
            prefix = f"ansible_{plugin.extras_prefix}_"
            extras = [one for one in variables if one.startswith(prefix) and one not in options]
            options["_extras"] = {one: variables[one] for one in extras if one in variables}
        plugin.set_options(task_keys=keywords, var_options=options)
