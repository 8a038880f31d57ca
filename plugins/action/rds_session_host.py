# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drain or open session hosts of Remote Desktop Services. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import ClassVar

from ..plugin_utils._action.host_action import HostAction
from ..plugin_utils._services import rds_host_place


class ActionModule(HostAction):
    """The action plugin."""

    PLACE = rds_host_place.SESSION_HOSTS
    SETS = True
    OPTIONS: ClassVar = rds_host_place.SETS
