# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the run that a task belongs to still lives."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import suppress
from typing import Any

_outlives: set[int] = set()
"""The process that outlives the run on purpose, by its id: a fork of it is a worker again."""


def outlive_run() -> None:
    """Let this process go on when the run has ended: it is the guard of a maintenance window."""
    _outlives.add(os.getpid())


def run_lives() -> bool:
    """Tell whether the `ansible` or `ansible-playbook` that started this worker process is still there.

    Workers outlive it when it is killed, which is how AWX cancels a job, and would go on to the end of their task. The
    system gives a process another parent when its own ends, so a reused process id is not taken for it. Outside a
    worker process there is nobody to outlive.
    """
    if os.getpid() in _outlives:
        return True
    parent = multiprocessing.parent_process()
    return parent is None or os.getppid() == parent.pid


def leave_dead_run(connection: Any) -> None:
    """End this worker process, if its run has ended: nobody takes its result.

    It holds both ends of the pipe to its run, so a long result would fill it, and the worker stay for ever.
    `connection` is the plugin's, which Ansible would close next.
    """
    if not run_lives():
        with suppress(Exception):
            connection.close()
        os._exit(1)
