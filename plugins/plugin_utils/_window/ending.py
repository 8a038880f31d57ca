# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""End processes, and a run together with its workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Sequence

from .process_life import Process, Watch, descendants

KILL_SECONDS = 2.0
"""How long the system may take to end one."""


def end(processes: Iterable[Process], seconds: float) -> bool:
    """End these processes: ask them, and kill those that are still there after so long. Tell whether all are gone."""
    watches = _watch(processes)
    try:
        _send(watches, signal.SIGTERM)
        if not _wait(watches, seconds):
            _send(watches, signal.SIGKILL)
        return _wait(watches, KILL_SECONDS)
    finally:
        for one in watches:
            one.close()


def end_run(run: Process, seconds: float) -> bool:
    """End a run and its workers likewise. They are found as its children while it lives, so they are asked with it."""
    watches = _watch([run, *descendants(run)])
    try:
        _send(watches, signal.SIGTERM)
        if not _wait(watches, seconds):
            # Stopped, it starts no more workers while they are looked for.
            watches[0].signal(signal.SIGSTOP)
            known = {one.process for one in watches}
            if not watches[0].ended:
                watches += _watch(one for one in descendants(run) if one not in known)
            _send(watches, signal.SIGKILL)
        return _wait(watches, KILL_SECONDS)
    finally:
        for one in watches:
            one.close()


def _watch(processes: Iterable[Process]) -> list[Watch]:
    return [Watch(one) for one in processes if one.pid != os.getpid()]


def _send(watches: Sequence[Watch], number: int) -> None:
    for one in watches:
        one.signal(number)


def _wait(watches: Sequence[Watch], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    return all(one.wait(max(0.0, deadline - time.monotonic())) for one in watches)
