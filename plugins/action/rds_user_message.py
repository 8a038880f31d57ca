# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send messages to users of Remote Desktop Services. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..plugin_utils._action.options import ENDING, FILTERS, IDS, SESSIONS
from ..plugin_utils._action.session_action import SessionAction
from ..plugin_utils._services import rds
from ..plugin_utils._services.message_texts import BOTH_TEXTS
from ..plugin_utils._sessions.verbs import MESSAGE


class ActionModule(SessionAction):
    """The action plugin."""

    PLACES = (rds.DEPLOYMENT,)
    VERB = MESSAGE
    ARGUMENTS: ClassVar = BOTH_TEXTS
    OPTIONS: ClassVar = {
        **rds.WHERE,
        **rds.DISCONNECTED_FOR,
        "unified_session_id": IDS,
        **ARGUMENTS,
        **SESSIONS,
        **FILTERS,
        **ENDING,
    }
