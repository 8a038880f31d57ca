# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result of a task whose connection was lost on the way, which is no reason to lose what is known."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure


def tell_lost(result: dict[str, Any], lost: Exception) -> None:
    """Say first of all why nothing more could be done; a host whose connection failed is unreachable, not failed."""
    why = " ".join(str(lost).split()).rstrip(".")
    result["msg"] = f"{why}. {result.get('msg', '')}".strip()
    if isinstance(lost, AnsibleConnectionFailure):
        result.pop("failed", None)
        result["unreachable"] = True
