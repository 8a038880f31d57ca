# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting on MultiPoint servers of either generation through real Ansible processes."""

from __future__ import annotations

import pytest

from tests.integration.scenarios import Scenario, call
from tests.integration.windows_hosts import CLASSROOMS, Windows, outcomes

MODULE = "remotedesktop.sessions.wms_session_wait"
BOTH = ",".join(CLASSROOMS.values())
WHO = {"2012R2": {"student3"}, "2016": {"student1", "student2"}}


@pytest.mark.newest_core
def test_wait_until_everybody_but_the_teacher_has_left(windows: Windows) -> None:
    rest = {"2012R2": (2,), "2016": (2, 3)}
    steps = [
        {"after": 4, "what": "remove", "service": "wms", "pool": server.partition(".")[0], "host": server, "id": id_}
        for generation, server in CLASSROOMS.items()
        for id_ in rest[generation]
    ]
    options = {"all_sessions": True, "exclude_user": "teacher", "poll_interval": 1}
    refused = {MODULE: {**options, "deadline": "10m", "messages": [{"before": "1m", "title": "x", "body": "x"}]}}
    left, stayed, messages = windows.scenarios(
        BOTH,
        Scenario("they leave", [call("schedule", {"steps": steps}), {MODULE: {**options, "deadline": "60s"}}]),
        Scenario("they stay", [{MODULE: {**options, "deadline": "2s"}}]),
        Scenario("no messages", [refused]),
    )
    for generation, server in CLASSROOMS.items():
        task = left.on(server).task
        assert outcomes(task, "session_id") == dict.fromkeys(WHO[generation], "ended")
        assert (task.result["changed"], task.result["all_ended"]) == (False, True)
        assert 1 < task.result["seconds"] < 40
        task = stayed.on(server).task
        assert outcomes(task, "session_id") == dict.fromkeys(WHO[generation], "still_there")
        assert {row["user_name"] for row in task.result["remaining"]} == WHO[generation]
        assert "messages" in messages.on(server).task.message
        assert messages.on(server).task.status == "failed"
