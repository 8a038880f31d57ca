# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the tasks of a wave are about: those of the inventory, each in its own host pool."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_close import CloseAction
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from tests.unit.fakes.task import action

ONE, TWO, THREE = ({"resource_group_name": "rg", "host_pool_name": name} for name in ("one", "two", "three"))


def close(hostvars: dict[str, dict[str, Any]], here: str, **args: Any) -> Any:
    """Make the first task of a wave, which runs for the host `here`."""
    made = action(CloseAction, {"service": "wvd", **args})
    made._vars, made._own, made._said = {"inventory_hostname": here, "hostvars": hostvars}, {}, dict(made._task.args)
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


DIFFERENT: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {"session_window_protected_users": ["carol"]}, {"protected_users": []}),
    ({"session_window_protected_users": ["carol"]}, {}, {"protected_users": ["carol"]}),
    ({"session_window_remaining": "logoff"}, {"session_window_remaining": "leave"}, {"remaining": "logoff"}),
    ({"session_window_latest": "4h"}, {"session_window_latest": "2h"}, {"latest": "4h"}),
]


@pytest.mark.parametrize(("first", "other", "said"), DIFFERENT)
def test_hosts_of_which_the_inventory_says_different_things_are_no_wave(
    first: dict[str, Any], other: dict[str, Any], said: dict[str, Any]
) -> None:
    made = close({"a": first, "b": other}, "a", **said)
    with pytest.raises(SelectionError, match=r"session_window_\w+ of b as of a"):
        made._require_alike({"service": "wvd"}, ["a", "b"])


@pytest.mark.parametrize(
    ("first", "other", "said"),
    [
        ({}, {}, {"protected_users": ["carol"], "deadline": "30m"}),
        ({"session_window_wait_timeout": 60}, {"session_window_wait_timeout": 60}, {"wait_timeout": "60"}),
        ({"session_window_remaining": "logoff"}, {"session_window_remaining": "leave"}, {"remaining": "disconnect"}),
        ({"session_window_place": ONE}, {"session_window_place": TWO}, {"place": ONE}),
        ({"session_window_host": "vm-1"}, {"session_window_host": "vm-2"}, {"host": "vm-1"}),
        ({"session_window_latest": ""}, {"session_window_latest": ""}, {"latest": ""}),
    ],
)
def test_hosts_of_which_the_same_is_said_are_a_wave(
    first: dict[str, Any], other: dict[str, Any], said: dict[str, Any]
) -> None:
    close({"a": first, "b": other}, "a", **said)._require_alike({"service": "wvd"}, ["a", "b"])


def test_hosts_of_two_deployments_are_no_wave() -> None:
    hostvars = {"a": {"session_window_place": "broker-1"}, "b": {"session_window_place": "broker-2"}}
    made = close(hostvars, "a", service="rds", place="broker-1")
    with pytest.raises(SelectionError, match="session_window_place of b as of a"):
        made._require_alike({"service": "rds"}, ["a", "b"])
