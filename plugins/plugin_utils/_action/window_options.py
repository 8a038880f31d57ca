# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the tasks of a maintenance window."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from .._services.place import Options, Spec
from .._services.wvd_obstacles import TOLERABLE
from .._sessions.engine import utc_now
from .._sessions.errors import SelectionError
from .._sessions.times import read_time
from .._transports.azure_sign_in import SIGN_IN
from .._window.duty import LATEST_ACTIONS, PATIENCE_SECONDS, STOP_AND_OPEN
from .._window.wave_orders import EMPTY, LEAVE, READY_WHEN, REMAINING, SKIP, UNAVAILABLE, Share, WaveOrders
from .options import FLAG, read_users
from .wait_options import MESSAGES, read_date, read_messages, read_seconds

SERVICES = ("wvd", "rds")
SHARE = re.compile(r"(\d{1,6})\s*(%?)", re.ASCII)

WHERE: Spec = {
    "service": {"type": "str", "required": True, "choices": list(SERVICES)},
    "place": {"type": "raw"},
    "hosts": {"type": "list", "elements": "str"},
    "connection_broker": {"type": "str"},
    "collection_name": {"type": "list", "elements": "str"},
    "azure": {"type": "dict", "options": SIGN_IN},
    "journal": {"type": "str"},
    "report": {"type": "str"},
}
"""Options that say what a window is about, in all its tasks."""
OPENING: Spec = {
    "ready_timeout": {"type": "str", "default": "10m"},
    "reopen_failed_hosts": {**FLAG, "default": True},
    "stop_at_percentage": {"type": "int", "default": 25},
}
"""Options of the last task of a wave. The first one reads them, too: later is too late for an error."""
CLOSE: Spec = {
    **WHERE,
    **OPENING,
    "host": {"type": "str"},
    "deadline": {"type": "str", "default": "30m"},
    "minimum_notice": {"type": "str", "default": "5m"},
    "latest": {"type": "str"},
    "latest_action": {"type": "str", "choices": list(LATEST_ACTIONS), "default": STOP_AND_OPEN},
    **MESSAGES,
    "remaining": {"type": "str", "choices": list(REMAINING), "default": LEAVE},
    "ready_when": {"type": "str", "choices": list(READY_WHEN), "default": EMPTY},
    "protected_users": {"type": "list", "elements": "str"},
    "unavailable_hosts": {"type": "str", "choices": list(UNAVAILABLE), "default": SKIP},
    "keep_open": {"type": "str", "default": "0"},
    "tolerate": {"type": "list", "elements": "str", "choices": list(TOLERABLE)},
    "poll_interval": {"type": "int", "default": 15},
    "wait_timeout": {"type": "int", "default": 60},
    "guard": {**FLAG, "default": True},
    "guard_patience": {"type": "str", "default": "4h"},
    "tasks_file": {"type": "str"},
}
OPEN: Spec = {**WHERE, "wave": {"type": "dict"}, **OPENING}
REOPEN: Spec = {
    "journal": {"type": "str"},
    "saved": {"type": "str"},
    "place": {"type": "raw"},
    "connection_broker": {"type": "str"},
    "azure": {"type": "dict", "options": SIGN_IN},
    "wait_timeout": {"type": "int", "default": 60},
}
EMPTY_MEANS_LEFT_OUT = frozenset(
    (
        "connection_broker",
        "collection_name",
        "azure",
        "journal",
        "report",
        "host",
        "latest",
        "messages",
        "protected_users",
        "saved",
        "tolerate",
        "wave",
        "place",
        "tasks_file",
    )
)
"""Options that count as not given when they are empty, as the variables of the role are by default."""


def read_orders(options: Options, check_mode: bool) -> WaveOrders:
    """Read what is wanted of a wave. Raises SelectionError and WindowError."""
    for name, least in (("poll_interval", 1), ("wait_timeout", 1)):
        if options[name] < least:
            raise SelectionError(f"{name} is {options[name]}: it must be {least} or more seconds.")
    orders = WaveOrders(
        deadline=read_duration(options, "deadline"),
        minimum_notice=read_duration(options, "minimum_notice"),
        messages=read_messages(options),
        remaining=options["remaining"],
        ready_when=options["ready_when"],
        protected_users=read_users(options, "protected_users"),
        unavailable_hosts=options["unavailable_hosts"],
        keep_open=_read_share(options, "keep_open"),
        poll_interval=float(options["poll_interval"]),
        wait_timeout=float(options["wait_timeout"]),
        check_mode=check_mode,
    )
    read_date(options, "deadline", utc_now(), orders.deadline)
    orders.check()
    return orders


def check_opening(options: Options) -> float:
    """Check what the last task of a wave is told, and return how long it waits for a host. Raises SelectionError."""
    if not 0 <= options["stop_at_percentage"] <= 100:
        raise SelectionError(f"stop_at_percentage is {options['stop_at_percentage']}: it must be 0 to 100.")
    return read_duration(options, "ready_timeout")


def read_patience(options: Options) -> float:
    """Return how many seconds the guard tries to open."""
    return read_duration(options, "guard_patience") if options.get("guard_patience") else PATIENCE_SECONDS


def read_duration(options: Options, name: str) -> float:
    """Read a duration in seconds; 0 may lack its unit. Raises SelectionError."""
    text = str(options[name]).strip()
    if text in ("0", "0s", "0m", "0h"):
        return 0.0
    return read_seconds({name: text}, name)


def read_latest(options: Options, began: datetime) -> datetime | None:
    """Read until when the window may take: a time with its zone, or a duration since it `began`.

    Raises SelectionError.
    """
    if not options["latest"]:
        return None
    text = options["latest"].strip()
    moment = read_time(text.replace(" ", "T", 1))
    if moment is None:
        try:
            seconds = read_seconds({"latest": text}, "latest")
        except SelectionError:
            raise SelectionError(
                f"latest is {text!r}: it must be a time such as 2026-11-30T05:00:00+01:00, or a duration with a unit, "
                "such as 4h, which counts from the start of the window."
            ) from None
        return read_date(options, "latest", began, seconds)
    if moment.tzinfo is None:
        raise SelectionError(f"latest is {text!r}, which may be any time zone's: add Z, or an offset such as +01:00.")
    return moment


def read_places(own: Sequence[Any]) -> list[Mapping[str, Any]]:
    """Check the host pools of a window on Azure Virtual Desktop. Raises SelectionError."""
    for place in own:
        if not isinstance(place, Mapping):
            raise SelectionError(
                f"place is {place!r}: for wvd it must be a mapping with resource_group_name and host_pool_name, and "
                "subscription_id where that is not the one of the sign-in."
            )
    return list(own)


def read_brokers(options: Options) -> list[str]:
    """Read the connection brokers of a window on Remote Desktop Services. Raises SelectionError."""
    place = options["place"]
    # A survey has one text for them.
    names = re.findall(r"[^,\s]+", place) if isinstance(place, str) else place
    if not names:
        raise SelectionError("place is missing: for rds it names the connection brokers as the inventory has them.")
    if not isinstance(names, Sequence) or not all(isinstance(one, str) and one.strip() for one in names):
        raise SelectionError(
            f"place is {place!r}: for rds it must be the name of a connection broker in the inventory, or a list of "
            "such."
        )
    return list(dict.fromkeys(one.strip() for one in names))


def _read_share(options: Options, name: str) -> Share:
    text = str(options[name]).strip()
    match = SHARE.fullmatch(text)
    if not match or (match[2] and int(match[1]) > 100):
        raise SelectionError(f"{name} is {text!r}: it must be a number of hosts, or a part of all such as 25%.")
    return Share(int(match[1]), bool(match[2]))
