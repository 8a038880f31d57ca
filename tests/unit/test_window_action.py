# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the tasks of a wave are about: those of the inventory, each in its own host pool."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_close import CloseAction
from tests.unit.fakes.task import action

ONE, TWO, THREE = ({"resource_group_name": "rg", "host_pool_name": name} for name in ("one", "two", "three"))


def close(hostvars: dict[str, dict[str, Any]], here: str, **args: Any) -> Any:
    """Make the first task of a wave, which runs for the host `here`."""
    made = action(CloseAction, {"service": "wvd", **args})
    made._vars, made._own = {"inventory_hostname": here, "hostvars": hostvars}, {}
    return made


@pytest.mark.parametrize("here", ["a", "b", "c"])
def test_place_of_one_host_is_not_taken_for_that_of_others(here: str) -> None:
    """The task is templated for one host of the wave, whose variable would be what all are told."""
    hostvars = {"a": {"session_window_place": ONE}, "b": {"wvd_place": TWO}, "c": {"session_window_place": THREE}}
    made = close(hostvars, here)
    options = {"place": hostvars[here].get("session_window_place")}
    assert [made._place(options, host) for host in hostvars] == [ONE, TWO, THREE]


def test_place_for_all_hosts_counts_where_they_have_none_of_their_own() -> None:
    hostvars: dict[str, dict[str, Any]] = {"a": {}, "b": {"wvd_place": TWO}, "c": {"session_window_place": THREE}}
    made = close(hostvars, "a")
    assert [made._place({"place": ONE}, host) for host in hostvars] == [ONE, ONE, THREE]
