# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnect user sessions of Azure Virtual Desktop. Options and results: see the module of the same name."""

from __future__ import annotations

from typing import Any, ClassVar

from ..plugin_utils._action.azure_action import POOL_SPEC, SIGN_IN_SPEC, AzureAction
from ..plugin_utils._action.session_action import END_SPEC, FILTER_SPEC, EndAction, Options, refuse_unclear
from ..plugin_utils._services.wvd import DISCONNECT
from ..plugin_utils._services.wvd_names import FIELDS, HostPool
from ..plugin_utils._sessions.errors import SelectionError
from ..plugin_utils._sessions.selection import NamedSession

NAMES = ("id", "input_object", "sessions")
"""Options that name sessions."""


class ActionModule(EndAction, AzureAction):
    """The action plugin."""

    VERB = DISCONNECT
    ROW_OPTIONS = ("input_object", "sessions")
    PLACE_OPTIONS = (*AzureAction.PLACE_OPTIONS, *NAMES)
    SPEC: ClassVar[dict[str, Any]] = {
        **POOL_SPEC,
        "id": {"type": "list", "elements": "str", "aliases": ["user_session_id"]},
        "input_object": {"type": "raw"},
        "sessions": {"type": "raw"},
        **FILTER_SPEC,
        **END_SPEC,
        "confirm": {"type": "bool", "default": False},
        "pass_thru": {"type": "bool", "default": False},
        **SIGN_IN_SPEC,
    }

    def check(self, options: Options) -> None:
        """Refuse a request that names nothing, or names sessions in more than one way."""
        super().check(options)
        refuse_unclear(options, NAMES, "id", "session_host_name")
        for id_ in options["id"] or ():
            if not (id_.isascii() and id_.isdecimal()):
                raise SelectionError(f"id is {id_!r}: it must be a whole number.")

    def named(self, options: Options, pool: HostPool) -> tuple[NamedSession, ...] | None:
        """Read the ids on the session host."""
        if options["id"] is None:
            return None
        host = options["session_host_name"]
        return tuple(
            NamedSession(
                pool.place,
                host,
                id_,
                fields={
                    **dict.fromkeys(FIELDS, ""),
                    "subscription_id": pool.subscription,
                    "resource_group_name": pool.resource_group,
                    "host_pool_name": pool.name,
                    "session_host_name": host,
                    "id": id_,
                },
            )
            for id_ in options["id"]
        )
