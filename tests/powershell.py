# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests find a real PowerShell: PWSH names it, or it is `pwsh` on PATH."""

from __future__ import annotations

import os
import shutil

import pytest

MISSING = "no PowerShell: set PWSH to a pwsh, or have one on PATH"


def find() -> str | None:
    """The program, if there is one."""
    return os.environ.get("PWSH") or shutil.which("pwsh")


def require() -> str:
    """The program; without one the test is skipped, and fails where CI must have one."""
    program = find()
    if program is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return program
