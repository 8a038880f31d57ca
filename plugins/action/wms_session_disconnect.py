# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnect sessions of a MultiPoint server. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..plugin_utils._action.options import ENDING, FLAG, IDS, SESSIONS, USERS
from ..plugin_utils._action.session_action import SessionAction
from ..plugin_utils._services import wms
from ..plugin_utils._sessions.verbs import DISCONNECT


class ActionModule(SessionAction):
    """The action plugin."""

    PLACES = (wms.SERVER,)
    VERB = DISCONNECT
    OPTIONS: ClassVar = {
        **wms.WHERE,
        "session_id": IDS,
        "timeout_in_second": {"type": "int"},
        **SESSIONS,
        **USERS,
        **ENDING,
        "confirm": FLAG,
    }
