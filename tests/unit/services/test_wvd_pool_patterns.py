# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which host pools an inventory is made of, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_pool_patterns import (
    PoolPattern,
    read_patterns,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError


def test_without_the_option_all_host_pools_of_the_subscription_are_meant() -> None:
    [pattern] = read_patterns(None)
    assert pattern == PoolPattern("", "*", "*")
    assert (pattern.names_one, pattern.names_group) == (False, False)


def test_what_an_entry_leaves_out_is_any() -> None:
    patterns = read_patterns(
        [
            {"resource_group": " rg ", "host_pool_name": "pool", "subscription_id": "sub"},
            {"resource_group_name": "rg"},
            {"host_pool_name": "prod-*"},
        ]
    )
    assert patterns == (PoolPattern("sub", "rg", "pool"), PoolPattern("", "rg", "*"), PoolPattern("", "*", "prod-*"))
    assert [(one.names_one, one.names_group) for one in patterns] == [(True, True), (False, True), (False, False)]


@pytest.mark.parametrize(
    ("group", "name", "fits"),
    [
        ("*", "*", True),
        ("RG-avd", "POOL-0?", True),
        ("rg-avd", "pool-[1-9]*", False),
        ("rg-*", "pool-[01]*", True),
        ("rg", "*", False),
        ("*", "pool", False),
    ],
)
def test_patterns_are_the_shells_and_know_no_case(group: str, name: str, fits: bool) -> None:
    assert PoolPattern("", group, name).fits(HostPool("sub", "Rg-Avd", "Pool-01")) is fits


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "never means all"),
        ("pool-01", "must be a list"),
        ({"host_pool_name": "x"}, "must be a list"),
        (["pool-01"], r"host_pools\[0\] must be a mapping"),
        ([{}], r"host_pools\[0\] is empty"),
        ([{"host_pool_name": "x"}, {"pool": "y"}], r"host_pools\[1\] has pool, which is none of subscription_id"),
        ([{"host_pool_name": ""}], "says host_pool_name ''"),
        ([{"host_pool_name": None}], "Leave it out for all"),
        ([{"host_pool_name": 5}], "must be a name"),
        ([{"resource_group_name": ["a", "b"], "host_pool_name": "x"}], "must be a name"),
        ([{"resource_group_name": "a", "resource_group": "b"}], "resource_group_name twice"),
        ([{"subscription_id": "*"}], "must be one subscription's id"),
    ],
)
def test_entry_that_is_not_clear_is_refused_with_its_number(value: Any, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        read_patterns(value)
