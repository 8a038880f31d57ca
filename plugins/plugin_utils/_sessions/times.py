# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times of day as services and users write them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)?")
"""ISO 8601 with any number of decimals, of which Python reads six, and before 3.11 only three or six."""


def read_time(text: str) -> datetime | None:
    """Read a time in ISO 8601; aware when it says its zone, `None` when it is no time."""
    match = TIME.fullmatch(text)
    if not match:
        return None
    decimals = (match[2] or "")[:6].ljust(6, "0")
    zone = "+00:00" if match[3] == "Z" else match[3] or ""
    try:
        return datetime.fromisoformat(f"{match[1]}.{decimals}{zone}")
    except ValueError:
        return None


def in_utc(moment: datetime | None) -> datetime | None:
    """Take a time without a zone for UTC, as Azure means it."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def at_latest(moment: datetime | None) -> datetime | None:
    """Take a time without a zone for the latest that it can mean: the local time of some host.

    So ages are never overstated, and two listings of a session still agree.
    """
    if moment is None or moment.tzinfo is not None:
        return moment
    return (moment + timedelta(hours=12)).replace(tzinfo=timezone.utc)


def write_time(moment: datetime) -> str:
    """Write an aware time in ISO 8601, in UTC, with milliseconds."""
    text = moment.astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
