# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for MultiPoint Services share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._services import wms
from .._sessions.selection import NamedSession, Selection
from . import session_action
from .session_action import Options
from .windows_action import WindowsAction, WindowsService

# MultiPoint does not tell when a session was created, so there is no filter by age.
FILTER_SPEC = {name: spec for name, spec in session_action.FILTER_SPEC.items() if name != "minimum_age"}
SERVER_SPEC: dict[str, Any] = {"server": {"type": "str", "aliases": ["computer_name"]}}


class WmsAction(WindowsAction):
    """Base of the modules for MultiPoint Services."""

    PLACE_OPTIONS: tuple[str, ...] = ("server",)
    STATES: tuple[str, ...] = ()

    def connect(self, options: Options, environment: Mapping[str, str]) -> tuple[WindowsService, Selection]:
        """Reach the service."""
        # The states are documented only by examples: any word is taken, and one that no session has selects nothing.
        self.STATES = tuple(options["session_state"] or ())
        selection = wms.ServerSelection(self.named(options), self.filters(options))
        cmdlets = wms.WmsCmdlets(options["server"], options.get("timeout_in_second"))
        return self.reach(cmdlets, options), selection

    def named(self, options: Options) -> tuple[NamedSession, ...] | None:
        """Read the sessions that are named; `None` when none are."""
        return None
