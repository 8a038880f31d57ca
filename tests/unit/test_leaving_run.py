# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guard lets go of that its worker process holds of the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WORKER = """
import sys
from pathlib import Path
from ansible import constants
from ansible.utils.display import Display
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.leaving_run import leave_run

class Queue:
    def send_display(self, *args, **kwargs):
        print("sent to the run")

Display()._final_q = Queue()
Display().display("before")
leave_run(Path(sys.argv[1]))
Display().display("after")
print(constants.DEFAULT_LOCAL_TMP)
"""


def test_nothing_is_sent_to_the_run_and_temporary_files_go_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == ["sent to the run", "after", str(tmp_path)], done.stderr
