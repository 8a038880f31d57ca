# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a survey that nobody answered: extra variables that are empty, and hide what the inventory says."""

from __future__ import annotations

from collections.abc import Container, Mapping
from copy import copy
from typing import Any

from ansible.vars.hostvars import HostVars


def is_unanswered(value: object) -> bool:
    """Tell whether a value is what a field of a survey has that nobody answered; one of several choices is a list."""
    if isinstance(value, list):
        return value != [] and all(map(is_unanswered, value))
    return value is None or (isinstance(value, str) and not value.strip())


def unanswered_fields(hostvars: object, prefix: str, lists: Container[str] = ()) -> list[str]:
    """Return the extra variables that begin so and are empty; `hostvars` are those of a task.

    An empty list counts for those in `lists` only: elsewhere it may be an answer.
    """
    extra = extra_variables(hostvars)
    return [
        name
        for name, value in extra.items()
        if name.startswith(prefix) and (is_unanswered(value) or (value == [] and name in lists))
    ]


def extra_variables(hostvars: object) -> Mapping[str, Any]:
    """Return the variables of the command line, a survey or a job template; `hostvars` are those of a task."""
    extra = getattr(getattr(hostvars, "_variable_manager", None), "extra_vars", None)
    return {str(name): value for name, value in extra.items()} if isinstance(extra, Mapping) else {}


def variables_without(hostvars: Any, play: Any, host: str, task: Any) -> Mapping[str, Any]:
    """Return what the variables of a task say, with their templates; `hostvars` are those of `without_fields`."""
    found = hostvars._inventory.get_host(host)
    variables: Mapping[str, Any] = hostvars._variable_manager.get_vars(play=play, host=found, task=task)
    return variables


def without_fields(hostvars: Any, fields: list[str]) -> Any:
    """Return `hostvars` as they were without these extra variables."""
    if not fields:
        return hostvars
    variables = copy(hostvars._variable_manager)
    variables._extra_vars = {name: value for name, value in variables.extra_vars.items() if name not in fields}
    variables._loader = hostvars._loader  # A copy has none with ansible-core 2.16.
    return HostVars(hostvars._inventory, variables, hostvars._loader)
