# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role session_window are the options of its modules, with their defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_options import CLOSE, OPEN

ROLE = Path(__file__).parents[3] / "roles/session_window"
PREFIX = "session_window_"
SPECS = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]
DEFAULTS = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
OF_TASKS = {"hosts", "wave", "tasks_file"}
"""Options that are no variables of the role under their names."""
PATHS = {"path", "raw"}


def modules_options(entry: str) -> dict[str, Any]:
    """The options of the modules of an entry point, by the variables of the role."""
    specs = {"main": {**OPEN, **CLOSE}, "close": CLOSE, "open": OPEN}[entry]
    return {f"{PREFIX}{name}": spec for name, spec in specs.items() if name not in OF_TASKS}


@pytest.mark.parametrize("entry", ["main", "close", "open"])
def test_every_option_is_a_variable(entry: str) -> None:
    variables = set(SPECS[entry]["options"]) - {f"{PREFIX}tasks"}
    assert variables == set(modules_options(entry))


@pytest.mark.parametrize("entry", ["main", "close", "open"])
def test_variables_say_what_the_options_say(entry: str) -> None:
    for name, option in modules_options(entry).items():
        said = SPECS[entry]["options"][name]
        assert said.get("choices") == (list(option["choices"]) if "choices" in option else None), name
        assert {said["type"]} <= {option["type"], *(PATHS if option["type"] in PATHS else ())}, name
        assert said.get("elements") == option.get("elements"), name


def test_defaults_are_those_of_the_options() -> None:
    """But for the messages, which have none there, and the name of the host."""
    different = {}
    for name, option in modules_options("main").items():
        default, ours = option.get("default"), DEFAULTS.get(name)
        if str(default or "") not in (str(ours or ""), str(ours)):
            different[name] = (default, ours)
    assert set(different) <= {f"{PREFIX}messages", f"{PREFIX}host"}, different


def test_tasks_pass_every_variable_on() -> None:
    for entry in ("close", "open"):
        module = f"remotedesktop.sessions.session_window_{entry}"
        tasks = yaml.safe_load((ROLE / f"tasks/{entry}_wave.yml").read_text())
        (options,) = [task[module] for task in tasks if module in task]
        given = {f"{PREFIX}{name}" for name in options} - {f"{PREFIX}{name}" for name in OF_TASKS}
        assert given == set(modules_options(entry)), entry
