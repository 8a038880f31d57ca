# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab that runs: the farm, its doors and the control door, and what there is to tell about them."""

from __future__ import annotations

import asyncio
import pathlib
import typing

from . import certificates, changes, definition
from .arm.door import ArmDoor
from .control import Control
from .credentials import TENANT, Credentials
from .farm import DISCONNECTED, Contents, Farm, NotInFarmError
from .faults import Faults
from .options import Options

if typing.TYPE_CHECKING:
    from .winrm.door import WinRMDoor


class RunningLab:
    """Everything that `python -m tests.lab` starts. `directory` holds the certificates; `winrm`: open that door too.

    `powershell`: the real pwsh that runs the cmdlets behind it; none: the stand-in does.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        farm_definition: definition.Definition,
        options: Options,
        *,
        winrm: bool = False,
        powershell: str = "",
    ) -> None:
        self.farm = Farm()
        self.options = options
        self.faults = Faults()
        self.stopped = asyncio.Event()
        self._first_definition = farm_definition
        self._first_options = options.as_dict()
        self.replace_farm(None)
        self.credentials = Credentials(self.farm)
        self.certificates = certificates.make(directory)
        self.arm = ArmDoor(self.farm, options, self.credentials, self.certificates, self.faults)
        self.control = Control(self)
        self.winrm = self._make_winrm(directory, powershell) if winrm else None

    async def start(self) -> None:
        await self.arm.start()
        if self.winrm is not None:
            self.winrm.start()
        await self.control.start()

    async def stop(self) -> None:
        await self.control.stop()
        if self.winrm is not None:
            await asyncio.to_thread(self.winrm.stop)
        await self.arm.stop()

    def reset(self, farm_definition: definition.Definition | None) -> None:
        """As after the start, with this farm or the first one. Tokens and secrets stay good."""
        self.replace_farm(farm_definition)
        self.change_options(self._first_options)
        self.faults.clear()
        self.arm.traffic.clear()
        self.arm.desk.buckets.clear()
        if self.winrm is not None:
            self.winrm.reset()

    def replace_farm(self, farm_definition: definition.Definition | None) -> None:
        """Raises DefinitionError and leaves the old farm."""
        wanted = self._first_definition if farm_definition is None else farm_definition
        contents = definition.parse(wanted)
        steps = wanted.get("schedule", ())
        if steps:
            self._try_schedule(contents, steps)
        self.farm.replace(contents)
        changes.schedule(self.farm, steps)
        self.change_options({})

    @staticmethod
    def _try_schedule(contents: Contents, steps: list[dict[str, typing.Any]]) -> None:
        """In a farm of its own, as only a whole farm can tell whether a step fits."""
        farm = Farm()
        farm.replace(contents)
        try:
            changes.schedule(farm, steps)
        except (changes.ScheduleError, NotInFarmError) as error:
            raise definition.DefinitionError(f"schedule: {error}") from error

    def change_options(self, changes: typing.Mapping[str, typing.Any]) -> None:
        """Raises OptionError and changes nothing."""
        self.options.update(changes)
        self.farm.effect_delay = self.options.effect_delay_seconds
        self.farm.list_lag = self.options.list_lag_seconds

    def environment(self) -> dict[str, str]:
        """What the SDKs, Ansible's Azure modules and this collection read, for the first principal."""
        operator = self.credentials.first()
        subscription = self.farm.subscriptions[0].id if self.farm.subscriptions else ""
        return {
            "AZURE_SUBSCRIPTION_ID": subscription,
            "AZURE_TENANT": TENANT,
            "AZURE_CLIENT_ID": operator.client_id if operator else "",
            "AZURE_SECRET": operator.secret if operator else "",
            "AZURE_CLOUD_ENVIRONMENT": self.arm.base,
            "AZURE_DISABLE_INSTANCE_DISCOVERY": "true",
            "REQUESTS_CA_BUNDLE": str(self.certificates.ca_file),
        }

    def announcement(self) -> dict[str, typing.Any]:
        """Everything a client needs, as the one line of --json."""
        return {
            "environment": self.environment(),
            "control": self.control.base,
            "ca_file": str(self.certificates.ca_file),
            "certificate_file": str(self.certificates.client_file),
            "certificate_thumbprint": self.certificates.client_thumbprint,
            "federated_token": self.credentials.federated_token,
            "proxy": self.arm.proxy,
            "identity_endpoint": self.arm.identity_endpoint,
            "identity_header": self.arm.desk.managed_identity.header,
            "principals": self.principals(),
            "winrm": None if self.winrm is None else self.winrm.describe(),
        }

    def principals(self) -> dict[str, dict[str, str]]:
        """Sign-ins of each principal, named like the options of Azure modules."""
        return {
            name: {
                "client_id": one.client_id,
                "secret": one.secret,
                "tenant": TENANT,
                "ad_user": one.ad_user,
                "password": one.password,
            }
            for name, one in self.credentials.all().items()
        }

    def _make_winrm(self, directory: pathlib.Path, powershell: str) -> WinRMDoor:
        """The door, with its calls on the control door."""
        from .winrm import control, door, process  # their packages take as long to load as all the rest

        real = process.PowerShell(powershell, directory, lambda: self.control.base) if powershell else None
        winrm = door.WinRMDoor(self.farm, self.credentials, self.certificates, directory, powershell=real)
        self.control.add_calls(control.calls(winrm))
        return winrm

    def summary(self) -> list[str]:
        """What the farm holds, a line for each pool."""
        lines = []
        for pool in self.farm.pools():
            sessions = self.farm.sessions(pool)
            away = sum(session.state == DISCONNECTED for session in sessions)
            where = pool.resource_group or pool.connection_broker or pool.tenant
            hosts = len(self.farm.hosts(pool))
            counts = f"{hosts} host{'s' * (hosts != 1)}, {len(sessions)} sessions ({away} disconnected)"
            lines.append(f"{pool.service:<15} {pool.name:<16} {where:<20} {counts}")
        return lines
