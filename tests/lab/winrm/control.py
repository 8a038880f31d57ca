# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door's calls on the lab's control door.

GET     winrm, winrm/report, winrm/received, winrm/faults, winrm/settings
POST    winrm/faults, winrm/settings, winrm/configurations, winrm/cmdlet    (JSON object as body)
DELETE  winrm/faults, winrm/shells

`winrm/received` are the newest PSRP fragments from clients, decrypted, as Base64 in the order of arrival.
`winrm/configurations` takes {"name": "Helpdesk", "role": ["Get-RDUserSession", {"Name": ..., "Parameters": [...]}]}.
`winrm/cmdlet` is for cmdlets of a real PowerShell: see cmdlet_call.py. It answers when the cmdlet is to go on.
"""

from __future__ import annotations

import dataclasses
import typing

from . import cmdlet_call
from .configurations import Configuration
from .door import WinRMDoor

Body = dict[str, typing.Any]


def calls(door: WinRMDoor) -> dict[tuple[str, str], typing.Callable[[Body], typing.Any]]:
    """By method and name; each takes the body and answers with data."""

    def configure(body: Body) -> None:
        role = body.get("role")
        door.add(Configuration(body["name"], None if role is None else tuple(role), body.get("capability", "")))

    def cmdlet(body: Body) -> typing.Awaitable[list[Body]]:
        return cmdlet_call.answer(door.machines()[str(body["host"]).lower()], body)

    return {
        ("GET", "winrm"): lambda _body: door.describe(),
        ("GET", "winrm/report"): lambda _body: door.report(),
        ("GET", "winrm/received"): lambda _body: list(door.service.received),
        ("GET", "winrm/faults"): lambda _body: door.faults.rules(),
        ("GET", "winrm/settings"): lambda _body: dataclasses.asdict(door.settings),
        ("POST", "winrm/faults"): door.faults.add,
        ("POST", "winrm/settings"): door.set,
        ("POST", "winrm/configurations"): configure,
        ("POST", "winrm/cmdlet"): cmdlet,
        ("DELETE", "winrm/faults"): lambda _body: door.faults.clear(),
        ("DELETE", "winrm/shells"): lambda _body: door.service.close(),
    }
