# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close sessions of a MultiPoint server. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import Any, ClassVar

from ..plugin_utils._action.session_action import END_SPEC, Options, refuse_unclear
from ..plugin_utils._action.windows_action import WindowsEndAction
from ..plugin_utils._action.wms_action import FILTER_SPEC, SERVER_SPEC, WmsAction
from ..plugin_utils._services import wms
from ..plugin_utils._sessions.errors import SelectionError
from ..plugin_utils._sessions.selection import NamedSession

LARGEST_INT32 = 2**31 - 1


class ActionModule(WmsAction, WindowsEndAction):
    """The action plugin."""

    PLACE_OPTIONS = (*WmsAction.PLACE_OPTIONS, "session_id", "sessions")
    SPEC: ClassVar[dict[str, Any]] = {
        **SERVER_SPEC,
        "session_id": {"type": "list", "elements": "str"},
        "timeout_in_second": {"type": "int"},
        "sessions": {"type": "raw"},
        **FILTER_SPEC,
        **END_SPEC,
        "confirm": {"type": "bool", "default": False},
    }

    def check(self, options: Options) -> None:
        """Refuse what is unclear or out of range."""
        super().check(options)
        if options["session_id"] is not None:
            options["session_id"] = [wms.IDS.read(value) for value in options["session_id"]]
        seconds = options["timeout_in_second"]
        if seconds is not None and not 0 < seconds <= LARGEST_INT32:
            raise SelectionError(f"timeout_in_second is {seconds}: it must be from 1 to {LARGEST_INT32} seconds.")
        options["wait_timeout"] = max(options["wait_timeout"], seconds or 0)
        refuse_unclear(options, ("session_id", "sessions"), "session_id")

    def named(self, options: Options) -> tuple[NamedSession, ...] | None:
        """Read the ids, or the rows."""
        if options["sessions"] is not None:
            return wms.read_named(options["sessions"], "sessions")
        if options["session_id"] is None:
            return None
        return tuple(wms.name_session(id_) for id_ in options["session_id"])
