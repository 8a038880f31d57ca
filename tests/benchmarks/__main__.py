# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.benchmarks [name] ...`: measure all of them or those, and print each figure beside its aim."""

from __future__ import annotations

import sys

from tests.benchmarks import windows, wvd
from tests.lab.client import Lab

BENCHMARKS = {**wvd.BENCHMARKS, **windows.BENCHMARKS}


def main(names: list[str]) -> None:
    with Lab.start(winrm=True) as lab:
        for name in names or BENCHMARKS:
            print(f"{name}: {(BENCHMARKS[name].__doc__ or '').strip()}", flush=True)
            BENCHMARKS[name](lab)


if __name__ == "__main__":
    main(sys.argv[1:])
