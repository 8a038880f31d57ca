# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List sessions of a MultiPoint server. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import Any, ClassVar

from ..plugin_utils._action.session_action import InfoAction
from ..plugin_utils._action.wms_action import FILTER_SPEC, SERVER_SPEC, WmsAction


class ActionModule(WmsAction, InfoAction):
    """The action plugin."""

    SPEC: ClassVar[dict[str, Any]] = {**SERVER_SPEC, **FILTER_SPEC}
