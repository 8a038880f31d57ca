# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a real PowerShell is made one of the farm's Windows hosts: its command line and its environment."""

from __future__ import annotations

import os
import pathlib
import typing

from tests import cmdlets

from .configurations import Configuration, capability
from .engine import Channel
from .machine import Machine
from .powershell import PowerShellProcess, write_configuration
from .program import Outlet, Programs


class PowerShell:
    """Starts the processes of one lab. `control` gives the URL of its control door, once it has one."""

    def __init__(self, program: str, directory: pathlib.Path, control: typing.Callable[[], str]) -> None:
        self.program = program
        self._directory = directory
        self._control = control
        self._modules = cmdlets.build(program)

    def start_engine(
        self, machine: Machine, user: str, configuration: Configuration, channel: Channel
    ) -> PowerShellProcess:
        """Start what is behind a shell of a PowerShell endpoint (`engine.StartEngine`)."""
        options = []
        if configuration.no_language:
            file = write_configuration(self._directory, configuration.name, capability(configuration, machine))
            options = ["-ConfigurationFile", str(file)]
        command = [self.program, "-NoProfile", *options, "-s"]
        return PowerShellProcess(command, self.environment(machine, user), channel)

    def programs(self, machine: Machine, user: str, outlet: Outlet) -> Programs:
        """Make what is behind a command shell."""
        return Programs(self.program, self.environment(machine, user), outlet)

    def environment(self, machine: Machine, user: str) -> dict[str, str]:
        """Make a process of that host's clock, culture and modules."""
        settings = machine.settings
        installed = [f"{name}-{generation}" if generation else name for name, generation in machine.modules.items()]
        given = cmdlets.environment(self._control(), machine.name, installed, self._modules, user)
        culture = settings.culture.replace("-", "_")
        return {**os.environ, "LC_ALL": f"{culture}.UTF-8", "TZ": settings.time_zone, **given}
