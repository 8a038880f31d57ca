# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of each module says what its action plugin takes: options, types, defaults, aliases, choices."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml

PLUGINS = Path(__file__).parents[2] / "plugins"
COLLECTION = "ansible_collections.remotedesktop.sessions.plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))


def read(module: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A module's own documentation, and the fragments that it names."""
    source = (PLUGINS / "modules" / f"{module}.py").read_text()
    texts = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    document = yaml.safe_load(texts["DOCUMENTATION"])
    fragments = []
    for name in document["extends_documentation_fragment"]:
        _collection, _, path = name.partition("remotedesktop.sessions.")
        file, _, part = path.partition(".")
        fragment = importlib.import_module(f"{COLLECTION}.doc_fragments.{file}").ModuleDocFragment
        fragments.append(yaml.safe_load(getattr(fragment, part.upper() or "DOCUMENTATION")))
    return document, fragments


def documented(module: str) -> dict[str, Any]:
    """The options in a module's documentation and its fragments."""
    document, fragments = read(module)
    options: dict[str, Any] = {}
    for fragment in fragments:
        options.update(fragment.get("options", {}))
    for option, description in document["options"].items():
        options[option] = {**options.get(option, {}), **description}
    return options


@pytest.mark.parametrize("module", MODULES)
def test_documentation_matches_the_options(module: str) -> None:
    spec = importlib.import_module(f"{COLLECTION}.action.{module}").ActionModule.OPTIONS
    options = documented(module)
    assert set(options) == set(spec)
    for name, described in options.items():
        for field in ("type", "elements", "default", "aliases", "choices", "required"):
            expected = spec[name].get(field, "str" if field == "type" else None)
            assert described.get(field, "str" if field == "type" else None) == expected, (name, field)


@pytest.mark.parametrize("module", MODULES)
def test_module_is_in_the_action_groups_that_it_names(module: str) -> None:
    groups = yaml.safe_load((PLUGINS.parent / "meta" / "runtime.yml").read_text())["action_groups"]
    memberships = [
        fragment["attributes"]["action_group"]["membership"]
        for fragment in read(module)[1]
        if "membership" in fragment.get("attributes", {}).get("action_group", {})
    ]
    assert memberships == [
        [f"remotedesktop.sessions.{name}" for name, modules in sorted(groups.items()) if module in modules]
    ]
    services = {module.partition("_")[0]} - {"session"}
    assert {"all", *services} <= {name for name, modules in groups.items() if module in modules}
