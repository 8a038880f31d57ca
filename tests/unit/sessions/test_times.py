# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as services and users write them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.times import (
    at_latest,
    in_utc,
    read_time,
    write_time,
)

CREATED = datetime(2026, 11, 20, 8, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-20T08:00:00.12Z", 120000),
        ("2026-11-20T08:00:00.1200000Z", 120000),
        ("2026-11-20T08:00:00.1234567Z", 123456),
        ("2026-11-20T08:00:00.000001", 1),
        ("2026-11-20T08:00:00Z", 0),
        ("2026-11-20T08:00:00", 0),
        ("2026-11-20T10:00:00+02:00", 0),
        ("2026-11-20T10:00:00.5+02:00", 500000),
        ("2026-11-20T03:00:00.5000000-05:00", 500000),
    ],
)
def test_time_is_read_in_every_form_in_which_azure_prints_it(text: str, microsecond: int) -> None:
    assert in_utc(read_time(text)) == CREATED.replace(microsecond=microsecond)


@pytest.mark.parametrize("text", ["", "now", "2026-11-20T25:00:00Z", "2026-11-20T08:00:00.xZ", "08:00:00"])
def test_text_that_is_no_time_is_none(text: str) -> None:
    assert read_time(text) is None


def test_time_without_a_zone_is_the_latest_that_it_can_mean_or_utc() -> None:
    bare, aware = read_time("2026-11-20T08:00:00"), read_time("2026-11-20T08:00:00Z")
    assert (bare, aware) == (CREATED.replace(tzinfo=None), CREATED)
    assert (in_utc(bare), in_utc(aware), in_utc(None)) == (CREATED, CREATED, None)
    assert (at_latest(bare), at_latest(aware), at_latest(None)) == (CREATED + timedelta(hours=12), CREATED, None)


def test_time_is_written_in_utc() -> None:
    moment = datetime(2026, 11, 20, 10, 0, 0, 214999, timezone(timedelta(hours=2)))
    assert write_time(moment) == "2026-11-20T08:00:00.214Z"
