# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.benchmarks [--powershell] [name] ...`: measure, and print each figure beside its aim.

All of them, or those that are named. With `--powershell` a real one, which PWSH names or PATH has, runs the cmdlets of
Windows hosts; those are others, or the same with other figures. The host has the threads of one with 256 processors
then: with two, .NET begins one a second of the calls that come after those that hang.
"""

from __future__ import annotations

import os
import sys

from tests import powershell
from tests.benchmarks import window, windows, wvd
from tests.lab.client import Lab

BENCHMARKS = {**wvd.BENCHMARKS, **windows.BENCHMARKS, **window.BENCHMARKS}
REAL = "--powershell"


def main(arguments: list[str]) -> None:
    names = [one for one in arguments if one != REAL]
    known = windows.REAL if REAL in arguments else BENCHMARKS
    program = powershell.find() if REAL in arguments else ""
    if program is None:
        sys.exit(powershell.MISSING)
    os.environ.setdefault("DOTNET_ThreadPool_ForceMinWorkerThreads", "100")  # hexadecimal
    with Lab.start(winrm=True, powershell=program) as lab:
        for name in names or known:
            print(f"{name}: {(known[name].__doc__ or '').strip()}", flush=True)
            known[name](lab)


if __name__ == "__main__":
    main(sys.argv[1:])
