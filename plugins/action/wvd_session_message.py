# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Send messages to users of Azure Virtual Desktop. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..plugin_utils._action.options import ENDING, FILTERS, FLAG, SESSIONS
from ..plugin_utils._action.session_action import SessionAction
from ..plugin_utils._services import wvd_place
from ..plugin_utils._services.message_texts import TEXTS
from ..plugin_utils._sessions.verbs import MESSAGE


class ActionModule(SessionAction):
    """The action plugin."""

    PLACES = (wvd_place.HOST_POOLS,)
    VERB = MESSAGE
    ARGUMENTS: ClassVar = TEXTS
    OPTIONS: ClassVar = {
        **wvd_place.WHERE,
        **wvd_place.WHICH,
        **ARGUMENTS,
        **SESSIONS,
        **FILTERS,
        **ENDING,
        "confirm": FLAG,
        "pass_thru": FLAG,
    }
