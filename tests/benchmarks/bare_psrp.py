# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the work costs without Ansible: pypsrp alone, one cmdlet a pipeline, 16 in flight. Prints seconds.

`python -m tests.benchmarks.bare_psrp logoff|list`, with the way to the host as JSON in PSRP.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import deque
from typing import Any

from pypsrp.powershell import PowerShell, PSInvocationState, RunspacePool
from pypsrp.wsman import WSMan

AT_ONCE = 16
RUNNING = (PSInvocationState.NOT_STARTED, PSInvocationState.RUNNING)


def list_sessions(pool: RunspacePool) -> list[Any]:
    """Read all sessions of the deployment."""
    shell = PowerShell(pool).add_cmdlet("Get-RDUserSession")
    shell.invoke()
    assert not shell.streams.error
    return list(shell.output)


def log_all_off(pool: RunspacePool) -> int:
    """Log every session off, and see that nobody is left."""
    sessions = list_sessions(pool)
    waiting = deque(session.adapted_properties for session in sessions)
    flying: deque[PowerShell] = deque()
    while waiting or flying:
        while waiting and len(flying) < AT_ONCE:
            session = waiting.popleft()
            shell = PowerShell(pool).add_cmdlet("Invoke-RDUserLogoff")
            shell.add_parameter("HostServer", session["HostServer"])
            shell.add_parameter("UnifiedSessionID", session["UnifiedSessionId"]).add_parameter("Force", True)
            shell.begin_invoke()
            flying.append(shell)
        shell = flying.popleft()
        while shell.state in RUNNING:
            shell.poll_invoke()
        assert not shell.streams.error
        shell.close()
    assert not list_sessions(pool)
    return len(sessions)


def main(what: str) -> None:
    way = json.loads(os.environ["PSRP"])
    started = time.perf_counter()
    with WSMan(**way) as wsman, RunspacePool(wsman, max_runspaces=AT_ONCE) as pool:
        count = log_all_off(pool) if what == "logoff" else len(list_sessions(pool))
    print(json.dumps({"seconds": time.perf_counter() - started, "count": count}))


if __name__ == "__main__":
    main(sys.argv[1])
