# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process still lives: known by its id and by when it was started, because ids are used again."""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

POLL_SECONDS = 0.25
"""How often a process is looked at where the system does not tell of its end."""
PIDFD_OPEN: Callable[[int], int] | None = getattr(os, "pidfd_open", None)
PROC = Path("/proc")
UNKNOWN = "-"
MACHINE_WORDS = 3
"""Name, start and name space."""
STATE, PARENT, STARTED = 0, 1, 19
"""Where they are in a process's status, counted from behind its name."""
GONE = frozenset("ZX")
"""States of a process that has ended and that its parent has not asked for yet."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of this machine or another."""

    pid: int
    started: int
    """In ticks since the machine was started; 0 where the system does not tell."""
    machine: str
    """The name of the machine and its start, and the name space within which the id means this process."""

    def record(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)

    def is_same(self, other: Process) -> bool:
        """Tell whether this is that process; the name of its machine may have been changed."""
        return (self.pid, self.started, self.machine.split()[1:]) == (
            other.pid,
            other.started,
            other.machine.split()[1:],
        )


def read_process(record: Mapping[str, Any]) -> Process:
    """Read what `Process.record` has returned. Raises KeyError, TypeError and ValueError."""
    machine = str(record["machine"])
    if len(machine.split()) != MACHINE_WORDS:
        raise ValueError(machine)
    return Process(int(record["pid"]), int(record["started"]), machine)


def can_see() -> bool:
    """Tell whether processes can be seen here: Linux shows them in /proc."""
    return (PROC / "self/stat").exists()


def this_machine() -> str:
    """Name this machine, since its last start, and the name space of process ids. Raises OSError."""
    name = "-".join(socket.gethostname().split())
    if not can_see():
        return f"{name} {UNKNOWN} {UNKNOWN}"
    boot = (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    space = os.readlink(PROC / "self/ns/pid")  # noqa: PTH115 - it is no path
    return f"{name} {boot} {space}"


def find_process(pid: int) -> Process | None:
    """Return the process that has this id now, unless it has ended. Raises OSError."""
    if not can_see():
        return Process(pid, 0, this_machine())
    status = read_status(pid)
    return None if status is None else Process(pid, int(status[STARTED]), this_machine())


def this_process() -> Process:
    """Return the process that runs this. Raises OSError."""
    found = find_process(os.getpid())
    if found is None:
        raise FileNotFoundError(errno.ENOENT, "/proc does not show this process")
    return found


def read_status(pid: int) -> list[str] | None:
    """Read the fields of a process's status that follow its name; `None` when it has ended.

    So it is for one of another user that may not be seen (`hidepid`): our runs, guards and workers always may.
    """
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    # The name is in parentheses, and may hold blanks and parentheses.
    fields = text[text.rindex(")") + 1 :].split()
    return None if fields[STATE] in GONE else fields


def lives(process: Process) -> bool | None:
    """Tell whether a process lives; `None` when that cannot be seen from here. Raises OSError."""
    here = this_machine()
    (name, *machine), (own_name, *own) = process.machine.split(), here.split()
    boot, own_boot = machine[0], own[0]
    if UNKNOWN in (boot, own_boot):
        return None
    if machine != own:
        # After a restart of the same machine nothing of before lives.
        return False if name == own_name and boot != own_boot else None
    status = read_status(process.pid)
    return status is not None and int(status[STARTED]) == process.started


class Watch:
    """Waits for the end of a process of this machine, which need not be a child."""

    def __init__(
        self,
        process: Process,
        open_descriptor: Callable[[int], int] | None = PIDFD_OPEN,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Containers may refuse `pidfd_open`: then the process is looked at again and again. Raises OSError."""
        self.process = process
        self._sleep = sleep
        self._descriptor: int | None = None
        if open_descriptor is not None:
            try:
                self._descriptor = open_descriptor(process.pid)
            except OSError:
                pass
        # Only now: if the id has another process by now, the descriptor is that one's.
        self._ended = lives(process) is False

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self.wait(0.0)

    def wait(self, seconds: float) -> bool:
        """Wait for the end at most that long, and tell whether it has come."""
        deadline = time.monotonic() + seconds
        while not self._ended:
            left = max(0.0, deadline - time.monotonic())
            if self._descriptor is None:
                self._ended = lives(self.process) is False
                pause = min(left, POLL_SECONDS)
                if self._ended or not pause:
                    break
                self._sleep(pause)
            else:
                waiting = select.poll()
                waiting.register(self._descriptor, select.POLLIN)
                self._ended = bool(waiting.poll(left * 1000))
                break
        return self._ended

    def signal(self, number: int) -> None:
        """Send it a signal, if it lives still and is ours; below a run there may be programs of another user."""
        if self.ended:
            return
        try:
            if self._descriptor is not None:
                signal.pidfd_send_signal(self._descriptor, number)
            else:
                os.kill(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def close(self) -> None:
        """Let it go."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def all_processes() -> dict[Process, int]:
    """Find the processes of this machine that can be seen, and for each the id of its parent."""
    machine = this_machine()
    pids = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]
    found = [(pid, read_status(pid)) for pid in pids]
    return {
        Process(pid, int(status[STARTED]), machine): int(status[PARENT]) for pid, status in found if status is not None
    }


def descendants(process: Process) -> list[Process]:
    """Find the children of a living process, and theirs. Workers leave its group and session, but not its family."""
    children: dict[int, list[Process]] = {}
    for one, parent in all_processes().items():
        children.setdefault(parent, []).append(one)
    found = [process]
    for one in found:
        found += children.get(one.pid, ())
    return found[1:]
