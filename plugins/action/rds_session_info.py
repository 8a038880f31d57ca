# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List user sessions of Remote Desktop Services. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..plugin_utils._action.options import FILTERS
from ..plugin_utils._action.session_action import SessionAction
from ..plugin_utils._services import rds, wvd_classic


class ActionModule(SessionAction):
    """The action plugin."""

    PLACES = (rds.DEPLOYMENT, wvd_classic.HOST_POOL)
    OPTIONS: ClassVar = {**rds.WHERE, **rds.DISCONNECTED_FOR, **wvd_classic.WHERE, **FILTERS}
