# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the hosts of a pool may be listed again."""

from __future__ import annotations

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.list_limit import ListLimit
from tests.unit.fakes.clock import Clock


def test_refusal_of_one_pool_holds_up_no_other() -> None:
    clock = Clock()
    limit = ListLimit(clock)
    assert limit.pause("a") == 0.0
    limit.refused("a", 300.0)
    assert (limit.pause("a"), limit.pause("b")) == (300.0, 0.0)
    clock.sleep(300.0)
    assert limit.pause("a") == 0.0


def test_refusals_of_two_pools_show_a_limit_of_both_and_hold_up_all() -> None:
    clock = Clock()
    limit = ListLimit(clock)
    limit.refused("a", 300.0)
    clock.sleep(10.0)
    limit.refused("b", 300.0)
    assert [limit.pause(pool) for pool in "abc"] == [300.0, 300.0, 300.0]
    clock.sleep(290.0)
    assert [limit.pause(pool) for pool in "abc"] == [0.0, 10.0, 0.0]


def test_pauses_without_a_time_double_until_the_list_comes() -> None:
    limit = ListLimit(Clock())
    pauses = []
    for _refusal in range(8):
        limit.refused("a", None)
        pauses.append(limit.pause("a"))
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    limit.listed("a")
    assert limit.pause("a") == 0.0
    limit.refused("a", None)
    assert limit.pause("a") == 1.0


def test_refusal_that_asks_for_no_pause_is_none_that_may_be_repeated_at_once() -> None:
    limit = ListLimit(Clock())
    limit.refused("a", 0.0)
    limit.refused("a", 0.0)
    assert limit.pause("a") == 2.0


def test_pause_is_news_once_whoever_meets_it() -> None:
    clock = Clock()
    limit = ListLimit(clock)
    assert limit.is_news(300.0)
    clock.sleep(100.0)
    assert not limit.is_news(203.0)
    assert limit.is_news(210.0)
