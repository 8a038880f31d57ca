# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what is wrong with a file of tasks, by loading it as Ansible does when it includes it. No task of it is run."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.task_include import TaskInclude

from .._sessions.errors import SelectionError


def check_tasks_file(task: Any, option: str, loader: Any) -> None:
    """Refuse a file that could not be included, which an option of a task names. Raises SelectionError.

    What the file imports is loaded, too; what it includes is not.
    """
    file = task.args[option]
    try:
        _load(task, _as_written(task, option), _read(file, loader), loader)
    except AnsibleError as error:
        raise SelectionError(f"The tasks in {file} cannot be included: {_say(error)}") from error


def _as_written(task: Any, option: str) -> Any:
    """Return an option with its templates."""
    args = task.get_ds().get(task.action)
    return args[option] if isinstance(args, Mapping) and option in args else task.args[option]


def _read(file: str, loader: Any) -> Any:
    # Since ansible-core 2.19 templates count only where they are trusted.
    can_trust = "trusted_as_template" in signature(loader.load_from_file).parameters
    tasks = loader.load_from_file(file, **({"trusted_as_template": True} if can_trust else {}))
    if tasks is not None and not isinstance(tasks, list):
        raise AnsibleError("They must be a list.")
    return tasks


def _load(task: Any, written: Any, tasks: Any, loader: Any) -> None:
    """Do what a strategy does for an include, with one beside the task."""
    known = {"role": task._role, "variable_manager": task.get_variable_manager(), "loader": loader}
    # Of the path as it is written, since Ansible follows imports in the file by what is known of it without a host.
    data = {"ansible.builtin.include_tasks": {"file": written}}
    include = TaskInclude.load(data, block=task._parent, **known)  # type: ignore[no-untyped-call,unused-ignore]
    load_list_of_blocks(tasks, task.get_play(), parent_block=include, **known)  # type: ignore[no-untyped-call,unused-ignore]


def _say(error: AnsibleError) -> str:
    """Say what is wrong and where, without the lines of the file."""
    said = str(error).partition("\n\nThe offending line")[0]
    # Before ansible-core 2.19 the text has the place.
    place = str(getattr(error, "_formatted_source_context", None) or "").partition("\n")[0]
    return " ".join(f"{said} {place}".split())
