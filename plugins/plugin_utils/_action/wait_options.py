# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of tasks that wait: until when, and which messages are sent on the way."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from .._services.place import Options, Spec
from .._sessions.errors import SelectionError
from .._sessions.staged_message import StagedMessage
from .._sessions.times import read_time
from .options import FLAG, read_age

WAITING: Spec = {
    "all_sessions": FLAG,
    "deadline": {"type": "str", "required": True},
    "poll_interval": {"type": "int", "default": 15},
}
MESSAGES: Spec = {
    "messages": {
        "type": "list",
        "elements": "dict",
        "options": {
            "before": {"type": "str", "required": True},
            "title": {"type": "str", "required": True},
            "body": {"type": "str", "required": True},
        },
    }
}
"""Of services that can send messages."""


def read_deadline(options: Options, now: datetime) -> float:
    """Return the seconds from `now` (aware) until the deadline. Raises SelectionError."""
    seconds = _seconds_until(options, now)
    read_date(options, "deadline", now, seconds)
    return seconds


def read_date(options: Options, name: str, begin: datetime, seconds: float) -> datetime:
    """Return the time so many seconds after `begin`, as the option `name` says. Raises SelectionError."""
    try:
        return begin + timedelta(seconds=seconds)
    except OverflowError:
        raise SelectionError(f"{name} is {options[name]!r}, which is further away than there are dates.") from None


def _seconds_until(options: Options, now: datetime) -> float:
    text = options["deadline"].strip()
    # A time that is not quoted is one of YAML, which Ansible writes with a blank.
    moment = read_time(text.replace(" ", "T", 1))
    if moment is None:
        try:
            return read_seconds(options, "deadline")
        except SelectionError:
            raise SelectionError(
                f"deadline is {text!r}: it must be a duration with a unit, such as 90s, 30m or 2h, or a time such as "
                "2026-11-30T02:00:00+01:00."
            ) from None
    if moment.tzinfo is None:
        raise SelectionError(f"deadline is {text!r}, which may be any time zone's: add Z, or an offset such as +01:00.")
    seconds = (moment - now).total_seconds()
    if seconds <= 0:
        raise SelectionError(f"deadline is {text!r}, which is over: it is {now.isoformat(timespec='seconds')} now.")
    return seconds


def read_messages(options: Options) -> tuple[StagedMessage, ...]:
    """Read the messages of a task. Raises SelectionError."""
    messages = [_message(one, f"messages[{number}]") for number, one in enumerate(options.get("messages") or ())]
    for number, (one, following) in enumerate(pairwise(messages)):
        if following.before >= one.before:
            raise SelectionError(
                f"messages[{number + 1}].before is {following.said!r}, after {one.said!r}: give the messages in the "
                "order in which they are sent, each nearer to the deadline than the one before it."
            )
    return tuple(messages)


def read_poll_interval(options: Options) -> float:
    """Return the seconds between two lists. Raises SelectionError."""
    if options["poll_interval"] < 1:
        raise SelectionError(f"poll_interval is {options['poll_interval']}: it must be 1 or more seconds.")
    return float(options["poll_interval"])


def _message(given: Mapping[str, Any], where: str) -> StagedMessage:
    for name in ("title", "body"):
        if not str(given[name] or "").strip():
            raise SelectionError(f"{where}.{name} must hold a text: a message needs a title and a body.")
    before = str(given["before"]).strip()
    try:
        seconds = read_seconds({"before": before}, "before")
    except SelectionError as error:
        raise SelectionError(f"{where}.{error} It is sent that long before the deadline.") from None
    return StagedMessage(seconds, before, given["title"], given["body"])


def read_seconds(options: Options, name: str) -> float:
    """Read a duration with its unit. Raises SelectionError."""
    # A bare number may be minutes to its writer; and a time of day without quotes is one: YAML reads 22:30 as 1350.
    if options[name].strip().isdecimal():
        raise SelectionError(f"{name} is {options[name]!r}: it needs a unit, as in 90s, 30m or 2h.")
    age = read_age(options, name)
    if age is None:
        raise AssertionError(f"{name} is given")
    return age.total_seconds()
