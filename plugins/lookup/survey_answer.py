# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The value of a variable, where an extra variable that is empty hides nothing."""

from __future__ import annotations

DOCUMENTATION = r"""
name: survey_answer
short_description: The value of a variable that a survey may have left unanswered
version_added: 0.1.0
description:
  - A field of a survey that nobody answered is an extra variable with an empty text, which has precedence over all that
    the play and the inventory say.
  - Returns the value of a variable for the host of the task. Where an extra variable of that name is empty, blank or
    null, it returns what the task, the role, the play or the inventory says, with the precedence that they have.
options:
  _terms:
    description: Names of variables.
    type: list
    elements: str
    required: true
  default:
    description: What to return for a variable that nothing says, or that is empty, blank or null.
    type: raw
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Show how many hosts are closed at once
  ansible.builtin.debug:
    msg: "{{ lookup('remotedesktop.sessions.survey_answer', 'session_window_serial', default='100%') }}"
"""

RETURN = r"""
_raw:
  description: The values, one for each name.
  type: list
  elements: raw
"""

import multiprocessing
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._action.unanswered import (
    extra_variables,
    is_unanswered,
    variables_without,
    without_fields,
)


class LookupModule(LookupBase):  # type: ignore[misc,unused-ignore]
    """Look a variable up as if a field that nobody answered were not there."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[Any]:
        """Return the values."""
        self.set_options(var_options=variables, direct=kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        default = self.get_option("default")  # type: ignore[no-untyped-call,unused-ignore]
        return [self._value(str(name), variables or {}, default) for name in terms]

    def _value(self, name: str, variables: Mapping[str, Any], default: Any) -> Any:
        said = self._said(name, variables)
        if not is_unanswered(said):
            return said
        if default is None:
            raise AnsibleLookupError(f"{name} is not set, or it is empty.")
        return default

    def _said(self, name: str, variables: Mapping[str, Any]) -> Any:
        hostvars = variables.get("hostvars")
        extra = extra_variables(hostvars)
        if name not in extra or not is_unanswered(extra[name]):
            return self._template(variables[name]) if name in variables else None
        # Ansible tells no lookup of its task; the process that runs the task knows it.
        task = getattr(multiprocessing.current_process(), "_task", None)
        everywhere, here = without_fields(hostvars, [name]), variables.get("inventory_hostname")
        if task is None:
            return everywhere[here].get(name) if here in everywhere else None
        return self._template(variables_without(everywhere, task.get_play(), str(here), task).get(name))

    def _template(self, value: Any) -> Any:
        return self._templar.template(value)  # type: ignore[union-attr,unused-ignore]
