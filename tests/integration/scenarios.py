# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several scenarios in one Ansible process, which costs more than ten tasks: the lab is put back before each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Scenario:
    """A play with tasks that may fail; `play` are more of its keywords."""

    name: str
    tasks: Sequence[Mapping[str, Any]]
    play: Mapping[str, Any] = field(default_factory=dict)

    def as_play(self, *end: str, **play: Any) -> dict[str, Any]:
        """With the lab put back in the beginning; what it has under these names is read in the end."""
        return {
            "name": self.name,
            **play,
            **self.play,
            "ignore_errors": True,
            "ignore_unreachable": True,
            "tasks": [reset(), *self.tasks, see(*end)],
        }


def call(name: str, body: Mapping[str, Any], says: str = "") -> dict[str, Any]:
    """A task that calls the lab's control door. A call that fails ends the run."""
    return _task(says or name, ["POST", name, body])


def reset(farm: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Put everything back, with another farm if one is given."""
    return call("farm", {"farm": farm})


def see(*names: str, says: str = "end") -> dict[str, Any]:
    """Read the lab: `audit` and more. The answers are what the run has seen, under the name of the task."""
    return _task(says, *(["GET", name, None] for name in names))


def _task(says: str, *calls: Sequence[Any]) -> dict[str, Any]:
    task = {"name": says, "lab": {"calls": calls}, "run_once": True, "ignore_errors": False, "check_mode": False}
    return {**task, "vars": {"ansible_connection": "local"}}


def fault(kind: str, command: str = "*", **rule: Any) -> dict[str, Any]:
    """Set a rule as tests/lab/winrm/faults.py describes it."""
    return call("winrm/faults", {"kind": kind, "command": command, **rule})


def endpoint(name: str, *role: str | Mapping[str, Any]) -> dict[str, Any]:
    """Register a JEA endpoint that shows these commands."""
    return call("winrm/configurations", {"name": name, "role": list(role)})


def thrice(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The task in check mode, for real, and again."""
    with_diff = {**task, "diff": True}
    return [
        {"name": "check", **with_diff, "check_mode": True},
        {"name": "run", **with_diff},
        {"name": "again", **with_diff},
    ]
