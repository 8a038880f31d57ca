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
    """A task after which the lab changes: after so many seconds, what, and the rest of the step.

    In a fast test a step follows what it is about; times alone would be too short for a slow machine.
    """
    where = {"service": "rds", "pool": "Desktops", "host": HOST}
    return call("schedule", {"steps": [{"after": after, "what": what, **where, **more} for after, what, more in steps]})


def leaving() -> list[dict[str, Any]]:
    """Wait while Bob is back and somebody comes, and all leave at last."""

    def told(number: int) -> dict[str, Any]:
        return {"follows": {"verb": "message", "id": number}}

    return [
        later(
            (1, "change", {"id": 3, "state": "Active", **told(2)}),
            (1, "sessions", {"user": "zoe@contoso.com", "id": 8, **told(3)}),
            (1, "remove", {"id": 2, **told(8)}),
            (2, "remove", {"id": 3, **told(8)}),
            (3, "remove", {"id": 8, **told(8)}),
        ),
        {WAIT: {**THERE, "deadline": "9m", "messages": [{**LAST, "before": "1h"}]}},
    ]


def check_left(finished: Finished) -> None:
    result = finished.task.result
    assert outcomes(finished.task, ID) == dict.fromkeys(("alice", "bob", "zoe"), "ended"), result
    assert result["all_ended"] is True, result
    texts = [f"Noch {row['messages'][0]['minutes']} min.\nBitte \u201espeichern\u201c" for row in result["sessions"]]
    told = [(user, "Ende", text) for user, text in zip(("alice", "bob", "zoe"), texts, strict=True)]
    assert received(finished) == told, result
    assert all(1 <= row["messages"][0]["minutes"] <= 9 for row in result["sessions"]), result
    assert all(row["warned_at"] < row["ended_at"] for row in result["sessions"]), result["sessions"]
