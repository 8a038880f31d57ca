# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session looks the same, and is proven, whatever the host's culture and time zone are."""

from __future__ import annotations

import sys

from tests.engine.script.hosts import (
    CULTURES,
    PLACE,
    RDS_LIST,
    ZONES,
    Hosts,
    collection,
    deployment,
    log_off,
    request,
    verdicts,
)

CREATED = {
    "2026-11-21T08:30:02.12Z",
    "2026-02-28T23:59:59.99Z",
    "2024-02-29T12:00:00Z",
    # The same time on the clocks of Chatham, where an hour came twice.
    "2026-04-04T13:30:00Z",
    "2026-04-04T14:30:00Z",
    "2025-12-31T23:30:00.5Z",
}


def test_rows_and_proofs_are_the_same_everywhere(hosts: Hosts) -> None:
    sessions = [
        {
            "id": number,
            "user": f"I-{number}",
            "create_time": created,
            "state": "Disconnected",
            "disconnected": 7,
            "idle": 7,
        }
        for number, created in enumerate(sorted(CREATED) * 3)
    ]
    hosts.lab.reset(deployment(collection(("RDSH-I.contoso.com", sessions))))
    rows = hosts.run({"Calls": [RDS_LIST]}, culture="en-US", time_zone="UTC")["calls"][0]["output"]
    assert {row["CreateTime"] for row in rows} == CREATED
    assert len({row["DisconnectTime"] for row in rows}) == 1
    count = len(rows)
    assert count == len(sessions)
    # On Windows a process has the machine's time zone.
    zones = {"": ""} if sys.platform == "win32" else ZONES
    places = [(culture, zone) for culture in CULTURES for zone in zones]
    for number, (culture, zone) in enumerate(places):
        (row, *left) = rows
        act = log_off(row, where={"HostServer": "rdsh-i.CONTOSO.com", "UnifiedSessionId": row["UnifiedSessionId"]})
        # Ansible hands dates over as texts or, to PowerShell 7, as dates.
        dates = number % 2 == 1
        parameters = request(RDS_LIST, [act], Calls=[PLACE])
        result = hosts.run(parameters, culture=culture, time_zone=zone, dates=dates)
        (shown,) = result["calls"][0]["output"]
        assert shown["Value"].startswith(CULTURES[culture]), "else this proves nothing"
        assert shown["Value"].endswith(zones[zone])
        assert verdicts(result) == ["sent"], (culture, zone)
        assert isinstance(result["acts"][0]["answer"]["ended"], float)
        assert result["listing"]["output"] == left, (culture, zone)
        rows = left
    assert [id_ for _host, id_, _user in hosts.ended()] == list(range(len(places)))
