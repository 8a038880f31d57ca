# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a process and measure it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BIN = Path(sys.executable).parent
REPEATS = 3
DEBUG = ("ansible", "localhost", "-m", "ansible.builtin.debug")


@dataclass(frozen=True)
class Measured:
    """What a process took."""

    seconds: float
    mebibytes: float
    """Peak resident memory of the largest process of its tree."""
    output: str


def measure(command: Sequence[str], environment: Mapping[str, str], status: int = 0) -> Measured:
    """Run a program of this Python's environment to its end."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    output = process.stdout.read()
    _pid, raw_status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(raw_status)
    if process.returncode != status:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return Measured(seconds, usage.ru_maxrss / 1024, output)


def median(runs: Sequence[Measured]) -> Measured:
    """The run of median time, with the median of the memory."""
    middle = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    return Measured(middle.seconds, statistics.median(run.mebibytes for run in runs), middle.output)


def own_seconds(run: Measured) -> float:
    """What a bare client says that its work took, without the start of Python."""
    return float(json.loads(run.output.splitlines()[-1])["seconds"])


def show(text: str, value: float, unit: str, aim: str = "") -> None:
    print(f"  {text:<62} {value:9.2f} {unit:<4} {aim}", flush=True)
