# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, as the kernel shows them while they run."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

STEP = 0.1
MARK = "RUN_OF_TESTS"
"""Name of the variable in the environment of all that a run of the tests starts."""


def alive(program: str, run: str) -> list[int]:
    """Ids of the processes of a program that this run of the tests has started."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            environment = (directory / "environ").read_bytes().split(b"\0")
            if f"{MARK}={run}".encode() in environment and (directory / "comm").read_text().strip() == program:
                found.append(int(directory.name))
    return found


@dataclass
class CommandLines:
    """Every command line that was seen on the machine."""

    seen: set[bytes] = field(default_factory=set)

    def mention(self, text: str) -> bool:
        """Whether a text is in one of them, or in a command that one of them has in Base64."""
        forms = [text.encode(form) for form in ("utf-8", "utf-16-le")]
        return any(form in words for words in (*self.seen, *self._decoded()) for form in forms)

    def _decoded(self) -> Iterator[bytes]:
        for line in self.seen:
            for word in line.split(b"\0"):
                for part in word.replace(b"'", b" ").split():
                    with contextlib.suppress(ValueError):
                        yield base64.b64decode(part, validate=True)


@contextlib.contextmanager
def watch_command_lines() -> Iterator[CommandLines]:
    """Look at the command lines of all processes, many times a second."""
    lines, stop = CommandLines(), threading.Event()

    def look() -> None:
        while not stop.wait(STEP):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    lines.seen.add(path.read_bytes())

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield lines
    finally:
        stop.set()
        thread.join()
