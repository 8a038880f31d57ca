# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found in a file of tasks before it is included, and whose files are looked at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play import Play
from ansible.utils.collection_loader._collection_finder import _AnsibleCollectionFinder
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import tasks_file
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.tasks_file import (
    check_tasks_file,
    files_of,
    hosts_apart,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError

FILE = "session_window_tasks"


@pytest.fixture(autouse=True, scope="module")
def modules() -> Iterator[None]:
    """Ansible finds its modules as those of a collection, by an import hook, which no other test shall have."""
    before = set(sys.modules)
    finder = _AnsibleCollectionFinder()
    finder._install()
    yield
    finder._remove()
    for name in {*sys.modules} - before:
        if name.startswith("ansible_collections.ansible"):
            del sys.modules[name]


class Window:
    """A play with a task which names a file by a variable, and the variables of its first host."""

    def __init__(self, own: dict[str, dict[str, Any]], variables: dict[str, Any] | None = None) -> None:
        self.loader = DataLoader()
        inventory = InventoryManager(self.loader, sources=None)
        for host, values in own.items():
            inventory.add_host(host)
            for name, value in values.items():
                inventory.hosts[host].set_variable(name, trusted(value))
        manager = VariableManager(self.loader, inventory)
        self.hostvars = HostVars(inventory, manager, self.loader)
        tasks = [{"ansible.builtin.debug": {"tasks_file": trusted("{{ session_window_tasks }}")}}]
        data = {"hosts": "all", "vars": {name: trusted(value) for name, value in (variables or {}).items()}}
        self.play = Play.load({**data, "tasks": tasks}, variable_manager=manager, loader=self.loader)
        self.task = self.play.get_tasks()[0][0]
        first = inventory.get_host(next(iter(own)))
        self.vars = {**manager.get_vars(play=self.play, host=first, task=self.task), "hostvars": self.hostvars}
        self.own = {host: self.hostvars.raw_get(host).get(FILE) for host in own}

    def apart(self) -> list[str]:
        return hosts_apart(self.task, FILE, self.own, self.vars)

    def files(self) -> list[str]:
        return files_of(self.task, "tasks_file", list(self.own), self.vars, self.loader)


def trusted(value: Any) -> Any:
    """Since ansible-core 2.19 templates count only where they are trusted."""
    try:
        from ansible.template import trust_as_template
    except ImportError:
        return value
    return trust_as_template(value) if isinstance(value, str) else value


def check(folder: Path, text: str) -> None:
    file = folder / "patch.yml"
    file.write_text(text)
    window = Window({"a": {}}, {FILE: str(file)})
    check_tasks_file(window.task, "tasks_file", str(file), window.loader)


DEBUG = "- ansible.builtin.debug:\n"
MISTAKES = {
    "action": "- action: no_such_module a=b\n",
    "mapping": "- action:\n    module: no_such_module\n",
    "local_action": "- local_action: no_such_module a=b\n",
    "core": "- action: ansible.builtin.no_such_module\n",
    "legacy": "- action: ansible.legacy.no_such_module\n",
    "collection": "- action: no.such.no_such_module\n",
    "after an include": "- ansible.builtin.include_tasks: more.yml\n- action: no.such.no_such_module\n",
    "after an include, of the core": "- ansible.builtin.include_role:\n    name: x\n"
    "- action: no_such_module\n  collections: [ansible.builtin]\n",
    "rescue": f"- block:\n  {DEBUG}  rescue:\n  - action: no_such_module\n",
    "always": f"- block:\n  {DEBUG}  always:\n  - block:\n    - action: no_such_module\n",
    "meta": "- ansible.builtin.meta: no_such_module\n",
    "meta of action": "- action: meta no_such_module\n",
}


@pytest.mark.parametrize("text", MISTAKES.values(), ids=MISTAKES)
def test_word_that_ansible_does_not_know_is_found(tmp_path: Path, text: str) -> None:
    with pytest.raises(SelectionError, match="no_such_module"):
        check(tmp_path, text)


def test_mistake_in_what_is_imported_is_found(tmp_path: Path) -> None:
    more = tmp_path / "more.yml"
    more.write_text(MISTAKES["action"])
    with pytest.raises(SelectionError, match="no_such_module"):
        check(tmp_path, f"- ansible.builtin.import_tasks: {more}\n")


GOOD = {
    "action": "- action: command true\n",
    "mapping": "- action:\n    module: ansible.legacy.command\n    cmd: 'true'\n",
    "local_action": "- local_action: ansible.builtin.debug msg=x\n",
    "template": "- action: '{{ patch_module }} a=b'\n",
    "template in a mapping": "- action:\n    module: '{{ patch_module }}'\n",
    "include": "- ansible.builtin.include_tasks: nothing.yml\n- ansible.builtin.include_role:\n    name: nothing\n",
    "module of an included role": "- ansible.builtin.include_role:\n    name: nothing\n- action: of_role a=b\n"
    "- action: ansible.legacy.of_role a=b\n",
    "internal meta": "- ansible.builtin.meta: role_complete\n",
    "empty": "",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_file_without_a_mistake_is_taken(tmp_path: Path, text: str) -> None:
    check(tmp_path, text)


@pytest.mark.parametrize(
    "word",
    [
        "clear_facts",
        "clear_host_errors",
        "end_batch",
        "end_host",
        "end_play",
        "flush_handlers",
        "noop",
        "refresh_inventory",
        "reset_connection",
    ],
)
@pytest.mark.parametrize("name", ["meta", "ansible.builtin.meta"])
def test_meta_that_ansible_knows_is_taken(tmp_path: Path, name: str, word: str) -> None:
    check(tmp_path, f"- {name}: {word}\n")


def test_meta_is_taken_where_ansible_lists_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks_file, "meta", SimpleNamespace(DOCUMENTATION="options: {}"))
    check(tmp_path, "- ansible.builtin.meta: of_tomorrow\n")


PATCH, OTHER = {FILE: "/patch.yml"}, {FILE: "/other.yml"}
OF_SYSTEM = {FILE: "/{{ system }}.yml"}


@pytest.mark.parametrize(
    ("own", "variables", "apart"),
    [
        ({"a": {}, "b": {}, "c": {}}, PATCH, []),
        ({"a": PATCH, "b": PATCH, "c": PATCH}, {}, []),
        ({"a": PATCH, "b": OTHER, "c": OTHER}, {}, ["b"]),
        ({"a": PATCH, "b": {}, "c": {}}, {}, ["b"]),
        ({"a": PATCH, "b": OF_SYSTEM, "c": OF_SYSTEM}, {}, ["b", "c"]),
        ({"a": {}, "b": {}, "c": {}}, OF_SYSTEM, ["b", "c"]),
    ],
    ids=["of the play", "same", "two", "lacks", "templates of hosts", "template of the play"],
)
def test_hosts_are_asked_only_where_their_files_may_differ(
    own: dict[str, dict[str, Any]], variables: dict[str, Any], apart: list[str]
) -> None:
    assert Window(own, variables).apart() == apart


def test_hosts_are_asked_where_each_has_its_own_file_of_variables() -> None:
    window = Window({"a": {}, "b": {}}, PATCH)
    window.play.vars_files = ["{{ inventory_hostname }}.yml"]
    assert window.apart() == ["b"]


@pytest.mark.parametrize(
    ("own", "variables", "files"),
    [
        ({"a": PATCH, "b": OTHER, "c": OTHER}, {}, ["/patch.yml", "/other.yml"]),
        ({"a": PATCH, "b": OTHER}, {FILE: "/of_play.yml"}, ["/of_play.yml"]),
        ({"a": {"system": "x"}, "b": {"system": "y"}, "c": {}}, OF_SYSTEM, ["/x.yml", "/y.yml"]),
        ({"a": PATCH, "b": {FILE: ["/other.yml"]}}, {}, ["/patch.yml"]),
    ],
    ids=["inventory", "play before inventory", "template, unknown for one", "no text"],
)
def test_file_of_each_host_is_what_ansible_would_include(
    own: dict[str, dict[str, Any]], variables: dict[str, Any], files: list[str]
) -> None:
    assert Window(own, variables).files() == files


def test_host_that_the_inventory_does_not_have_has_no_file() -> None:
    window = Window({"a": PATCH})
    assert files_of(window.task, "tasks_file", ["nobody"], window.vars, window.loader) == []
