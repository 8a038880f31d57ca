# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List user sessions of Azure Virtual Desktop. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import Any, ClassVar

from ..plugin_utils._action.azure_action import POOL_SPEC, SIGN_IN_SPEC, AzureAction
from ..plugin_utils._action.session_action import FILTER_SPEC, InfoAction


class ActionModule(InfoAction, AzureAction):
    """The action plugin."""

    SPEC: ClassVar[dict[str, Any]] = {
        **POOL_SPEC,
        "resource_group_name": {**POOL_SPEC["resource_group_name"], "required": True},
        "host_pool_name": {**POOL_SPEC["host_pool_name"], "required": True},
        **FILTER_SPEC,
        **SIGN_IN_SPEC,
    }
