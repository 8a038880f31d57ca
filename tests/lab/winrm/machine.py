# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows hosts of the farm, and what their cmdlets reach.

Which hosts there are follows from the farm, so it changes when the farm is replaced:

    rds pool   its connection brokers and its session hosts, with the module RemoteDesktop
    wms pool       its one host, with the generation of MultiPoint that the pool says
    wvd_classic pools         one management host, with Microsoft.RDInfra.RDPowerShell
"""

from __future__ import annotations

import dataclasses
import typing
import zoneinfo
from datetime import datetime

from ..farm import Caller, Farm, Pool
from .faults import Faults

WVD_CLASSIC_HOST = "wvd-management"
Language = typing.Literal["en", "de"]


@dataclasses.dataclass
class Settings:
    """How the hosts behave; may be changed any time.

    `delay`: seconds that a command takes, by its name, `*` for the others. `language`: of the cmdlets' texts.
    `time_zone`: a name such as Asia/Kolkata. `culture`: how a real PowerShell there writes numbers and dates.
    `active_broker`: which of several connection brokers is the active one now, if not the pool's first.
    """

    delay: dict[str, float] = dataclasses.field(default_factory=dict)
    language: Language = "en"
    time_zone: str = "UTC"
    culture: str = "en-US"
    active_broker: str = ""
    shell_quota: int = 30  # MaxShellsPerUser
    command_quota: int = 1000  # MaxConcurrentCommandsPerShell

    def __post_init__(self) -> None:
        if self.language not in typing.get_args(Language):
            raise ValueError(f"language is one of {', '.join(typing.get_args(Language))}")
        self.delay = {command.lower(): float(seconds) for command, seconds in self.delay.items()}

    def delay_of(self, command: str) -> float:
        return self.delay.get(command.lower(), self.delay.get("*", 0.0))


class SignIn(typing.Protocol):
    """Whether Entra takes a user's or an application's proof: a password, secret or certificate thumbprint."""

    def __call__(self, name: str, proof: str) -> bool: ...


@dataclasses.dataclass
class Machine:
    """One Windows host. `pools`: those that it serves; `reachable`: whether anything there answers."""

    name: str
    farm: Farm
    faults: Faults
    settings: Settings
    sign_in: SignIn
    modules: dict[str, str] = dataclasses.field(default_factory=dict)  # name: generation, or empty
    pools: list[Pool] = dataclasses.field(default_factory=list)
    reachable: bool = True

    def local_time(self, moment: datetime | None) -> datetime | None:
        """A time of the farm as this host's clock shows it."""
        if moment is None:
            return None
        return moment.astimezone(zoneinfo.ZoneInfo(self.settings.time_zone))

    def caller(self, user: str, command: str) -> Caller:
        return Caller(user, f"{self.name}/{command}")


def machines(farm: Farm, faults: Faults, settings: Settings, sign_in: SignIn) -> dict[str, Machine]:
    """The hosts by their names in lower case; the first is a connection broker, if the farm has one."""
    found: dict[str, Machine] = {}

    def machine(name: str, module: str, generation: str = "") -> Machine:
        known = found.setdefault(name.lower(), Machine(name, farm, faults, settings, sign_in))
        known.modules[module] = generation
        return known

    rds = farm.pools("rds")
    for pool in rds:
        for broker in (pool.connection_broker, *pool.passive_brokers):
            machine(broker, "RemoteDesktop").pools.append(pool)
    for pool in farm.pools("wms"):
        for host in farm.hosts(pool):
            server = machine(host.name, "MultiPoint", pool.generation)
            server.pools.append(pool)
            server.reachable = host.status == "Available"
    for pool in farm.pools("wvd_classic"):
        machine(WVD_CLASSIC_HOST, "Microsoft.RDInfra.RDPowerShell").pools.append(pool)
    for pool in rds:
        for host in farm.hosts(pool):
            machine(host.name, "RemoteDesktop").reachable = host.status == "Available"
    return found
