# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a survey that nobody answered: extra variables that are empty, and hide what the inventory says."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

from ansible.vars.hostvars import HostVars


def is_unanswered(value: object) -> bool:
    """Tell whether a value is what a field of a survey has that nobody answered."""
    return value is None or (isinstance(value, str) and not value.strip())


def unanswered_fields(hostvars: object, prefix: str) -> list[str]:
    """Return the extra variables that begin so and are empty; `hostvars` are those of a task."""
    extra = extra_variables(hostvars)
    return [name for name, value in extra.items() if name.startswith(prefix) and is_unanswered(value)]


def extra_variables(hostvars: object) -> Mapping[str, Any]:
    """Return the variables of the command line, a survey or a job template; `hostvars` are those of a task."""
    extra = getattr(getattr(hostvars, "_variable_manager", None), "extra_vars", None)
    return {str(name): value for name, value in extra.items()} if isinstance(extra, Mapping) else {}


def without_fields(hostvars: Any, fields: list[str]) -> Any:
    """Return `hostvars` as they were without these extra variables."""
    if not fields:
        return hostvars
    variables = copy(hostvars._variable_manager)
    variables._extra_vars = {name: value for name, value in variables.extra_vars.items() if name not in fields}
    variables._loader = hostvars._loader  # A copy has none with ansible-core 2.16.
    return HostVars(hostvars._inventory, variables, hostvars._loader)
