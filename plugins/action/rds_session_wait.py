# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until sessions of Remote Desktop Services have ended. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..plugin_utils._action.options import FILTERS, IDS, SESSIONS
from ..plugin_utils._action.wait_action import WaitAction
from ..plugin_utils._action.wait_options import MESSAGES, WAITING
from ..plugin_utils._services import rds


class ActionModule(WaitAction):
    """The action plugin."""

    PLACES = (rds.DEPLOYMENT,)
    OPTIONS: ClassVar = {
        **rds.WHERE,
        **rds.DISCONNECTED_FOR,
        "unified_session_id": IDS,
        **SESSIONS,
        **FILTERS,
        **WAITING,
        **MESSAGES,
    }
