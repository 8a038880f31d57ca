# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what is wrong with a file of tasks, by loading it as Ansible does when it includes it. No task of it is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from inspect import signature
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.modules import meta
from ansible.playbook.block import Block
from ansible.playbook.helpers import load_list_of_blocks
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.loader import action_loader, module_loader
from ansible.template import Templar

from .._sessions.errors import SelectionError

OF_FOLDERS = "ansible.legacy"
"""Where modules are looked for in folders, too, to which a role adds its own when it is included."""
OF_CORE = ("", "ansible.builtin", OF_FOLDERS)
INTERNAL_META = "role_complete"
"""Known to Ansible, which gives it to each role, but not documented."""


def check_tasks_file(task: Any, option: str, file: str, loader: Any) -> None:
    """Refuse a file that could not be included, which an option of a task names. Raises SelectionError.

    What the file imports is loaded, too; what it includes is not.
    """
    try:
        blocks = _load(task, _as_written(task, option), _read(file, loader), loader)
        _require_known(_tasks(blocks), loader)
    except AnsibleError as error:
        raise SelectionError(f"The tasks in {file} cannot be included: {_say(error)}") from error


def hosts_apart(task: Any, variable: str, own: Mapping[str, object], task_vars: Mapping[str, Any]) -> list[str]:
    """Return those of other hosts who may each have a file that neither the task's host nor another of them has.

    `variable` names the file, and `own` is what the inventory says of it for each host, as it is written.
    """
    here = str(task_vars["inventory_hostname"])
    each = _may_be_template(task_vars.get(variable)) or _may_be_template(task.get_play().vars_files)
    found = {("file", str(own.get(here))): here}
    for host, written in own.items():
        key = ("host", host) if each or _may_be_template(written) else ("file", str(written))
        found.setdefault(key, host)
    return [host for host in found.values() if host != here]


def files_of(task: Any, option: str, hosts: Iterable[str], task_vars: Mapping[str, Any], loader: Any) -> list[str]:
    """Return the different files that an option of a task names for hosts, of whom it can be told."""
    written = _as_written(task, option)
    found = (_template(task, written, host, task_vars, loader) for host in hosts)
    return list(dict.fromkeys(str(file) for file in found if isinstance(file, str)))


def _template(task: Any, written: Any, host: str, task_vars: Mapping[str, Any], loader: Any) -> Any:
    """Template what a task says for another host; None if that cannot be done, or not yet."""
    hostvars = task_vars["hostvars"]
    known = hostvars._inventory.get_host(host)
    if known is None:
        return None
    try:
        own = hostvars._variable_manager.get_vars(play=task.get_play(), host=known, task=task)
        return Templar(loader, own).template(written)
    except AnsibleError:
        return None


def _may_be_template(value: object) -> bool:
    return "{" in str(value)


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


def _load(task: Any, written: Any, tasks: Any, loader: Any) -> Sequence[Any]:
    """Do what a strategy does for an include, with one beside the task."""
    known = {"role": task._role, "variable_manager": task.get_variable_manager(), "loader": loader}
    # Of the path as it is written, since Ansible follows imports in the file by what is known of it without a host.
    data = {"ansible.builtin.include_tasks": {"file": written}}
    include = TaskInclude.load(data, block=task._parent, **known)  # type: ignore[no-untyped-call,unused-ignore]
    return load_list_of_blocks(tasks, task.get_play(), parent_block=include, **known)  # type: ignore[no-any-return,no-untyped-call,unused-ignore]


def _tasks(blocks: Iterable[Any]) -> Iterator[Any]:
    """Yield the tasks of blocks, in the order in which they are run."""
    for one in blocks:
        if isinstance(one, Block):
            yield from _tasks([*one.block, *one.rescue, *one.always])
        else:
            yield one


def _require_known(tasks: Iterable[Any], loader: Any) -> None:
    """Refuse what Ansible looks at only when it runs a task. Raises AnsibleError."""
    included = False
    for task in tasks:
        if isinstance(task, TaskInclude):
            included = True
        elif not _may_be_template(task.action):
            if not _is_module(task) and not (included and _may_be_brought(task)):
                raise AnsibleParserError(f"There is no module {task.action}.", obj=task.get_ds())
            if not _is_known_meta(task, loader):
                raise AnsibleParserError(f"There is no meta {task.args.get('_raw_params')}.", obj=task.get_ds())


def _may_be_brought(task: Any) -> bool:
    place = task.action.rpartition(".")[0]
    return place == OF_FOLDERS or (not place and OF_FOLDERS in (task.collections or [OF_FOLDERS]))


def _is_module(task: Any) -> bool:
    """Tell whether Ansible has a module, or an action plugin without one. Raises AnsibleError for one that is gone."""
    return any(
        loader.find_plugin_with_context(task.action, collection_list=task.collections).resolved
        for loader in (module_loader, action_loader)
    )


def _is_known_meta(task: Any, loader: Any) -> bool:
    """Tell whether a task is no meta, or one that ansible-core knows by its documentation, as it has no other list."""
    place, _dot, name = task.action.rpartition(".")
    if name != "meta" or place not in OF_CORE:
        return True
    options = loader.load(meta.DOCUMENTATION).get("options", {})
    words = options.get("free_form", {}).get("choices")
    word = task.args.get("_raw_params")
    return not words or word == INTERNAL_META or word in words or _may_be_template(word)


def _say(error: AnsibleError) -> str:
    """Say what is wrong and where, without the lines of the file."""
    said = str(error).partition("\n\nThe offending line")[0]
    # Before ansible-core 2.19 the text has the place.
    place = str(getattr(error, "_formatted_source_context", None) or "").partition("\n")[0]
    return " ".join(f"{said} {place}".split())
