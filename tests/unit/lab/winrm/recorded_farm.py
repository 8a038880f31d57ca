# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm and the endpoints that the recordings were made with."""

from __future__ import annotations

from tests.lab import definition
from tests.lab.farm import Farm
from tests.lab.winrm.configurations import DEFAULT, Configuration
from tests.lab.winrm.faults import Faults
from tests.lab.winrm.machine import Machine, Settings, machines

HOST = "rds.example.test"
CONFIGURATIONS = {
    "default": Configuration(DEFAULT),
    "jea": Configuration(
        "Recorded",
        role=(
            "Get-RDUserSession",
            "Close-WmsSession",
            {
                "Name": "Invoke-RDUserLogoff",
                "Parameters": [
                    {"Name": "HostServer", "ValidateSet": ["rdsh-1.example.test", "down"]},
                    {"Name": "UnifiedSessionID"},
                    {"Name": "Force"},
                ],
            },
        ),
    ),
}


def _session(number: int, **fields: object) -> dict[str, object]:
    user = {"user": f"user{number}@example.test", "ad_user_name": f"EX\\user{number}"}
    return {"id": number, **user, "create_time": f"2026-11-21T08:30:0{number}Z", "idle": 1, **fields}


def recorded_machine() -> Machine:
    farm = Farm()
    contents = definition.parse(
        {
            "pools": [
                {
                    "name": "Desk",
                    "service": "remote_desktop",
                    "connection_broker": HOST,
                    "hosts": [
                        {
                            "name": "rdsh-1.example.test",
                            "sessions": [_session(2), _session(3), _session(4, state="Disconnected")],
                        },
                        {"name": "down", "status": "Unavailable"},
                    ],
                },
                {
                    "name": "classroom",
                    "service": "multipoint",
                    "generation": "2016",
                    "hosts": [{"name": HOST, "sessions": [_session(number) for number in (1, 5, 6, 7)]}],
                },
            ]
        }
    )
    farm.replace(contents)
    pool = farm.pool("remote_desktop", "Desk")
    disconnected = farm.session(pool, "rdsh-1.example.test", 4)
    farm.change(
        pool, disconnected.host, 4, disconnect_time=disconnected.create_time.replace(hour=9, minute=0, second=0)
    )
    return machines(farm, Faults(), Settings(), lambda name, proof: False)[HOST]
