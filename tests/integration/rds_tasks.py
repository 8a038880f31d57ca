# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that log off and wait, and the deployment of Remote Desktop Services that they are for."""

from __future__ import annotations

from typing import Any

from tests.integration.ansible_process import Finished, received
from tests.integration.scenarios import call
from tests.integration.windows_hosts import LOGOFF, outcomes

COLLECTION = "Desktops"
EVERYBODY = ["alice", "bob", "carol", "dave"]
"""Who has a session there."""


WAIT = "remotedesktop.sessions.rds_session_wait"
HOST = "RDSH-0.contoso.com"
ID = "unified_session_id"
LAST = {"before": "3s", "title": "Ende", "body": "Noch {minutes} min.\nBitte \u201espeichern\u201c"}
SENT = ("Ende", "Noch 1 min.\nBitte \u201espeichern\u201c")
THERE = {"host_server": "rdsh-0", "all_sessions": True, "poll_interval": 1}


def log_off(name: str = "log off", **options: Any) -> dict[str, Any]:
    """A task without a question."""
    return {"name": name, LOGOFF: {"force": True, **options}}


def later(*steps: tuple[float, str, dict[str, Any]]) -> dict[str, Any]:
    """A task after which the lab changes: after so many seconds, what, and the rest of the step."""
    where = {"service": "rds", "pool": "Desktops", "host": HOST}
    return call("schedule", {"steps": [{"after": after, "what": what, **where, **more} for after, what, more in steps]})


def leaving(pace: float) -> list[dict[str, Any]]:
    """Wait while Bob is back and somebody comes, and all leave at last: in 14 times `pace` seconds."""
    return [
        later(
            (1 * pace, "change", {"id": 3, "state": "Active"}),
            (2 * pace, "sessions", {"user": "zoe@contoso.com", "id": 8}),
            (12 * pace, "remove", {"id": 2}),
            (13 * pace, "remove", {"id": 3}),
            (14 * pace, "remove", {"id": 8}),
        ),
        {WAIT: {**THERE, "deadline": "89s", "messages": [{**LAST, "before": "1h"}]}},
    ]


def check_left(finished: Finished) -> None:
    result = finished.task.result
    assert outcomes(finished.task, ID) == dict.fromkeys(("alice", "bob", "zoe"), "ended")
    assert result["all_ended"] is True
    assert result["seconds"] < 90
    told = received(finished)
    assert told == [(user, *SENT) for user in ("alice", "bob", "zoe")], told
    assert all(row["warned_at"] < row["ended_at"] for row in result["sessions"])
