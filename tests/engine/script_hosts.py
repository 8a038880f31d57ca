# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules on the lab's Windows hosts over each connection that the script can go over, side by side."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import cmdlets
from tests.integration.ansible_process import Ansible, Finished, Task
from tests.lab.client import Lab

CONNECTIONS = ("winrm", "ssh", "local")


@dataclass(frozen=True)
class PowerShell:
    """Where the PowerShell is."""

    program: str
    home: str
    dotnet_root: str

    @classmethod
    def ask(cls, program: str) -> PowerShell:
        """Look behind a script or a link: Ansible starts one anew that does not lie in its own home."""
        script = "$PSHOME; $env:DOTNET_ROOT"
        command = [program, "-NoProfile", "-NonInteractive", "-Command", script]
        said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
        home, dotnet_root = said[0], "".join(said[1:])
        inside = Path(home) / "pwsh"
        return cls(str(inside) if inside.exists() else program, home, dotnet_root)


@dataclass
class ScriptHosts:
    """Hosts with the names of the connections."""

    lab: Lab
    ansible: Ansible
    powershell: PowerShell
    modules: Path
    ssh: Mapping[str, Any]
    """Variables of the ssh connection; empty where there is no server."""

    def play(self, machine: str, *tasks: Mapping[str, Any], arguments: Sequence[str] = ()) -> Finished:
        """Run the tasks over every connection, on the same Windows host of the lab."""
        inventory = self.ansible.directory / f"inventory-{self.ansible.runs}.json"
        hosts = {name: self._variables(name, machine) for name in CONNECTIONS if name != "ssh" or self.ssh}
        inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
        return self.ansible.play(
            *tasks, arguments=arguments, inventory=str(inventory), environment="{{ powershell_environment }}"
        )

    def _variables(self, connection: str, machine: str) -> dict[str, Any]:
        door = self.lab.call("GET", "winrm")  # the farm may be another one than at the lab's start
        if connection == "winrm":
            # The lab makes the environment of what it starts.
            return {
                "ansible_connection": "winrm",
                "ansible_host": "127.0.0.1",
                "ansible_port": door["https_port"],
                "ansible_user": door["user"],
                "ansible_password": door["password"],
                "ansible_winrm_scheme": "https",
                "ansible_winrm_transport": "basic",
                "ansible_winrm_ca_trust_path": door["ca_file"],
                "ansible_winrm_path": f"/{door['hosts'][machine]['path']}",
                "powershell_environment": {},
            }
        installed = door["hosts"][machine]["modules"]
        folders = [f"{name}-{generation}" if generation else name for name, generation in installed.items()]
        environment = cmdlets.environment(self.lab.announcement["control"], machine, folders, self.modules)
        environment["PSModulePath"] += f"{os.pathsep}{self.powershell.home}/Modules"
        if connection == "ssh":
            return {**self.ssh, "ansible_shell_type": "powershell", "powershell_environment": environment}
        return {
            "ansible_connection": "local",
            "ansible_pwsh_interpreter": self.powershell.program,
            "ansible_remote_tmp": str(self.ansible.directory / "remote"),
            "powershell_environment": environment,
        }


def of(finished: Finished, connection: str) -> list[Task]:
    """What the tasks returned on the host of a connection."""
    return [task for task in finished.tasks if task.host == connection]
