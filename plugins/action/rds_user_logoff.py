# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log users off from Remote Desktop Services. Options and results: see the module of the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..plugin_utils._action.rds_action import DEPLOYMENT_SPEC, POOL_SPEC, RdsAction
from ..plugin_utils._action.session_action import END_SPEC, FILTER_SPEC, FILTERS, Options, refuse_unclear
from ..plugin_utils._action.windows_action import WindowsEndAction
from ..plugin_utils._services import rds, wvd_classic
from ..plugin_utils._sessions.errors import SelectionError
from ..plugin_utils._sessions.selection import NamedSession


class ActionModule(RdsAction, WindowsEndAction):
    """The action plugin."""

    WITHOUT_QUESTION = "force to true"
    ACT_ADVICE = (
        "Check that the session hosts are up and that the user may log others off there. From one Windows host to "
        "another that takes credentials that travel on: become with become_method runas and a password, or CredSSP. "
        "Or run the task on the session host."
    )
    DEPLOYMENT_OPTIONS = (*RdsAction.DEPLOYMENT_OPTIONS, "unified_session_id", "force")
    POOL_OPTIONS = (*RdsAction.POOL_OPTIONS, "session_id", "no_user_prompt")
    PLACE_OPTIONS = (*RdsAction.PLACE_OPTIONS, "unified_session_id", "session_id", "sessions")
    SPEC: ClassVar[dict[str, Any]] = {
        **DEPLOYMENT_SPEC,
        "unified_session_id": {"type": "list", "elements": "str"},
        "force": {"type": "bool", "default": False},
        **POOL_SPEC,
        "session_id": {"type": "list", "elements": "str"},
        "no_user_prompt": {"type": "bool", "default": False},
        "sessions": {"type": "raw"},
        **FILTER_SPEC,
        **END_SPEC,
    }

    def check(self, options: Options) -> None:
        """Refuse what is unclear, half said or out of range."""
        super().check(options)
        classic = self.classic(options)
        ids, host = ("session_id", "session_host_name") if classic else ("unified_session_id", "host_server")
        known = wvd_classic.IDS if classic else rds.IDS
        if options[ids] is not None:
            options[ids] = [known.read(value) for value in options[ids]]
        unsaid = ("sessions", ids, *FILTERS)
        if options[host] is not None and not options["all_sessions"] and all(options[name] is None for name in unsaid):
            raise SelectionError(
                f"{host} needs {ids}, which says which session there, or all_sessions set to true, or a filter: "
                f"{', '.join(FILTERS)}."
            )
        refuse_unclear(options, (ids, "sessions"), ids, host)
        if classic:
            self.WITHOUT_QUESTION = "no_user_prompt to true"

    def asks(self, options: Options) -> bool:
        """Ask unless the cmdlet's own option says not to."""
        return not options["no_user_prompt" if self.classic(options) else "force"]

    def classic(self, options: Options) -> bool:
        """Tell whether the task is about Windows Virtual Desktop (classic): by its options, else by its rows."""
        if super().classic(options):
            return True
        rows = options["sessions"]
        first = rows[0] if isinstance(rows, list) and rows else rows
        is_classic = isinstance(first, Mapping) and "session_host_name" in first and "host_server" not in first
        return is_classic and not self.given(self.DEPLOYMENT_OPTIONS)

    def named(self, options: Options) -> tuple[NamedSession, ...] | None:
        """Read the ids on the session host, or the rows."""
        if options["sessions"] is not None:
            return rds.read_named(options["sessions"], "sessions")
        if options["unified_session_id"] is None:
            return None
        return tuple(rds.name_session(options["host_server"], id_) for id_ in options["unified_session_id"])

    def named_in_pool(self, options: Options) -> tuple[wvd_classic.ClassicHostPool, tuple[NamedSession, ...] | None]:
        """Read the host pool, and the ids on the session host, or the rows."""
        pool, _none = super().named_in_pool(options)
        if options["sessions"] is not None:
            return wvd_classic.read_named(options["sessions"], "sessions", pool.tenant, pool.name)
        if options["session_id"] is None:
            return pool, None
        host = options["session_host_name"]
        return pool, tuple(wvd_classic.name_session(pool, host, id_) for id_ in options["session_id"])
