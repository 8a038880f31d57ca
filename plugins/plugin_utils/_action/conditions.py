# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a task is run once, and conditions (`when`) over such a task, which Ansible asks for one host alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook import conditional as conditionals
from ansible.template import Templar

from .._sessions.errors import SelectionError


def conditions_over(task: Any) -> list[Any]:
    """Return the conditions of a task, of what is around it, and of what has included it."""
    found = list(task.when or ())
    for include in _includes(task):
        found += include.when or ()
    return found


def is_run_once(task: Any) -> bool:
    """Tell whether a task, or what has included it, is run once for a batch."""
    return bool(task.run_once or any(include.run_once for include in _includes(task)))


def _includes(task: Any) -> Iterator[Any]:
    """Yield what has included a task. The keywords of all else around it are the task's, too."""
    parent = task._parent
    while parent is not None:
        if not getattr(parent, "statically_loaded", True):
            yield parent
        parent = parent._parent


def are_true(conditions: Sequence[Any], host: str, task_vars: Mapping[str, Any], loader: Any) -> bool:
    """Tell whether conditions are true for a host of the inventory, by the variables of a task of another one.

    Raises SelectionError when that cannot be told.
    """
    hosts = task_vars["hostvars"]
    others = hosts.raw_get(str(task_vars["inventory_hostname"]))
    shared = {name: value for name, value in task_vars.items() if name not in others}
    templar: Any = Templar(loader, {**shared, **hosts.raw_get(host)})
    conditional: Any = conditionals
    try:
        if hasattr(templar, "evaluate_conditional"):
            return all(templar.evaluate_conditional(one) for one in conditions)
        # Before ansible-core 2.19.
        every = conditional.Conditional(loader)
        every.when = list(conditions)
        return bool(every.evaluate_conditional(templar, templar.available_variables))
    except AnsibleError as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise SelectionError(
            f"Whether a condition (when) of the window is true for {host} is not known: {why}."
        ) from error
