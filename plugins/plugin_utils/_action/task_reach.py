# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task gives its service to reach the world: its connection, its environment, clocks, and whether it lives."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.release import __version__ as ansible_version
from ansible.utils.display import Display

from .._services.place import Reach
from .run_life import run_lives

USER_AGENT = f"Ansible/{ansible_version} remotedesktop.sessions"


def make_reach(
    host: str, connection: Any, run_module: Callable[..., Mapping[str, Any]], environment: Mapping[str, str]
) -> Reach:
    """Make the reach of a task on a host, with the clocks of this process."""

    def tell(text: str) -> None:
        Display().display(f"[{host}] {text}")

    return Reach(
        host, connection, run_module, environment, USER_AGENT, time.monotonic, time.sleep, run_lives, tell=tell
    )


@contextmanager
def task_environment(compute: Callable[[dict[str, Any]], object]) -> Iterator[Mapping[str, str]]:
    """Give the task's `environment` to everything that runs in this process: libraries read it there.

    `compute` is the action plugin's own method, which fills a dictionary with it.
    """
    before = dict(os.environ)
    wanted: dict[str, Any] = {}
    compute(wanted)
    os.environ.update({str(name): str(value) for name, value in wanted.items()})
    try:
        yield os.environ
    finally:
        os.environ.clear()
        os.environ.update(before)
