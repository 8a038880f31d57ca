# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the modules, up to their service or with one in its stead."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.action.wvd_session_disconnect import ActionModule as Disconnect
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.place import Place
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import Operation

POOL = {"resource_group_name": "rg", "host_pool_name": "pool"}


def action(
    kind: type[Any],
    args: Mapping[str, Any],
    check_mode: bool = False,
    environment: Mapping[str, Any] | None = None,
    **connection: Any,
) -> Any:
    """Make an action plugin as the task executor does, with as little around it as it needs."""
    task = SimpleNamespace(
        args=dict(args),
        check_mode=check_mode,
        async_val=0,
        environment=[environment] if environment else None,
        delegate_to=None,
        action="x",
        diff=False,
        no_log=False,
    )
    shell = SimpleNamespace(env_prefix=lambda **_variables: "", tmpdir=None)
    made_connection = SimpleNamespace(_shell=shell, **{"transport": "psrp", "become": None, **connection})
    play = SimpleNamespace(remote_addr="192.0.2.1", check_mode=check_mode)
    templar = SimpleNamespace(template=lambda value: value)
    made = kind(task, made_connection, play, None, templar, None)
    made._load_name = "x"
    return made


@dataclass
class Opened:
    """How a place was opened."""

    place: Place
    wanted: Any
    operation: Operation | None
    selection: Selection


def opened(made: Any, open_: Callable[[], Any], selection: Selection | None = None) -> list[Opened]:
    """Let a plugin's places open a service that `open_` makes; return a list of what was opened, which grows.

    `selection` counts instead of what the task selects.
    """
    calls: list[Opened] = []

    def watch(place: Place) -> Any:
        class Watched(type(place)):  # type: ignore[misc]
            def open(self, wanted: Any, operation: Operation | None, reach: object) -> tuple[Any, Selection]:
                meant = wanted.in_subscription("sub")[1] if hasattr(wanted, "in_subscription") else wanted.selection
                calls.append(Opened(place, wanted, operation, meant))
                return open_(), selection or meant

        return Watched()

    made.PLACES = tuple(watch(place) for place in type(made).PLACES)
    return calls


def read(kind: type[Any], **args: Any) -> Opened:
    """Read a task's options up to where a service would be reached."""

    class Reached(Exception):
        """The service would be reached now."""

    def reach() -> None:
        raise Reached

    made = action(kind, args)
    calls = opened(made, reach)
    with suppress(Reached):
        made._run({}, [])
    return calls[0]


def selected(kind: type[Any] = Disconnect, **args: Any) -> Selection:
    """Read a task of Azure Virtual Desktop up to what it selects."""
    return read(kind, **{**POOL, **args}).selection
