# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-off tasks, and the deployment of Remote Desktop Services that they are for."""

from __future__ import annotations

from typing import Any

from tests.integration.windows_hosts import LOGOFF

COLLECTION = "Desktops"
EVERYBODY = ["alice", "bob", "carol", "dave"]
"""Who has a session there."""
ID = "unified_session_id"


def log_off(name: str = "log off", **options: Any) -> dict[str, Any]:
    """A task without a question."""
    return {"name": name, LOGOFF: {"force": True, **options}}
