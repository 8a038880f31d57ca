# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker process of Ansible holds of its run, and a guard that is forked from it lets go of."""

from __future__ import annotations

from pathlib import Path

from ansible import constants
from ansible.utils.display import Display

from .run_life import outlive_run


def leave_run(folder: Path) -> None:
    """Let go of the run; temporary files go to `folder`. For the guard only, which it is given as `detach`.

    Warnings would be sent to the run through a queue, whose descriptor is no queue any more. The folder for temporary
    files is removed when the run ends. And what asks whether its run lives would give up.
    """
    Display()._final_q = None
    constants.DEFAULT_LOCAL_TMP = str(folder)  # type: ignore[attr-defined,unused-ignore]
    outlive_run()
