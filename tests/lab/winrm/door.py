# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The WinRM door: every Windows host of the farm behind one pair of ports, told apart by the URL's path.

    door = WinRMDoor(farm, credentials, certificates, directory)
    door.start()
    # https://127.0.0.1:{door.https_port}/wsman/rdsh-0.contoso.com, and /wsman alone is the first connection broker

Ansible's psrp and winrm connections take the path as `ansible_psrp_path` and `ansible_winrm_path`.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import threading
import typing

from ..certificates import Certificates
from ..credentials import Credentials
from ..farm import Farm
from . import configurations
from .authentication import Accounts
from .configurations import Configuration
from .faults import Faults
from .inventory import inventory
from .listener import Listener
from .machine import Machine, Settings, machines
from .process import PowerShell
from .runspace_pool import RunspacePool
from .service import Level, Service

PATH = "/wsman"


class WinRMDoor:
    """Start it, and it serves until it is stopped. `settings` and `faults` may be changed any time."""

    def __init__(
        self,
        farm: Farm,
        credentials: Credentials,
        certificates: Certificates,
        directory: pathlib.Path,
        *,
        allow_unencrypted: bool = False,
        powershell: PowerShell | None = None,
    ) -> None:
        """`directory` is the lab's own, for a file that only its owner can read.

        `powershell` takes the place of the stand-in.
        """
        self.farm = farm
        self.ca_file = certificates.ca_file
        self.inventory_file = directory / "inventory.yml"
        self._credentials = credentials
        self._thumbprint = certificates.client_thumbprint
        self.settings = Settings()
        self.faults = Faults()
        self.accounts = Accounts(credentials, directory)
        self.service = (
            Service(RunspacePool) if powershell is None else Service(powershell.start_engine, powershell.programs)
        )
        self.add(Configuration(configurations.DEFAULT))
        self.add(configurations.SESSION_OPERATOR)
        self._first_configurations = dict(self.service.configurations)
        self._listeners = {
            "http": Listener(self, None, allow_unencrypted),
            "https": Listener(self, certificates.server, allow_unencrypted=True),
        }

    @property
    def http_port(self) -> int:
        return self._listeners["http"].port

    @property
    def https_port(self) -> int:
        return self._listeners["https"].port

    def start(self) -> None:
        self._write_inventory()
        for scheme, listener in self._listeners.items():
            threading.Thread(
                target=listener.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True, name=f"winrm-{scheme}"
            ).start()

    def stop(self) -> None:
        for listener in self._listeners.values():
            listener.shutdown()
            listener.server_close()
        self.service.close()

    def add(self, configuration: Configuration) -> None:
        """Register a session configuration, or replace the one of that name."""
        self.service.configurations[configuration.name.lower()] = configuration

    # What connections ask

    def machines(self) -> dict[str, Machine]:
        """The Windows hosts, by their names in lower case."""
        return machines(self.farm, self.faults, self.settings, self.sign_in)

    def machine(self, path: str) -> Machine | None:
        known = self.machines()
        if path.lower().startswith(f"{PATH}/"):
            return known.get(path[len(PATH) + 1 :].lower())
        return next(iter(known.values()), None) if path.lower() == PATH else None

    def sign_in(self, name: str, proof: str) -> bool:
        """To WVD classic: a user by password, an application by secret or certificate."""
        user, application = self._credentials.by_user(name), self._credentials.by_client_id(name)
        return (user is not None and proof == user.password) or (
            application is not None and (proof == application.secret or proof.upper() == self._thumbprint)
        )

    def level(self, account: str) -> Level:
        """Who may do anything is an administrator of every host; who may end Azure sessions is a session operator."""
        principal = self.farm.principals.get(account)
        rights = () if principal is None else principal.rights
        if "*" in rights:
            return "administrator"
        return "session_operator" if any("usersessions" in right.lower() for right in rights) else "none"

    # What the control API shows and changes

    def describe(self) -> dict[str, typing.Any]:
        """How to reach the hosts. `user` is an administrator; `path` is for ansible_psrp_path."""
        accounts = {credential.ad_user: credential for credential in self.accounts.all()}
        administrators = [one for one in accounts.values() if self.level(one.name) == "administrator"]
        described = {
            "http_port": self.http_port,
            "https_port": self.https_port,
            "ca_file": str(self.ca_file),
            "user": administrators[0].ad_user if administrators else "",
            "password": administrators[0].password if administrators else "",
            "accounts": {name: one.password for name, one in accounts.items()},
            "jea_configuration": configurations.SESSION_ENDPOINT,
            "hosts": {
                machine.name: {"path": f"{PATH}/{machine.name}"[1:], "modules": machine.modules}
                for machine in self.machines().values()
            },
        }
        return {**described, "inventory": inventory(described), "inventory_file": str(self.inventory_file)}

    def report(self) -> dict[str, typing.Any]:
        """What is open: nothing may be left of a client that has gone."""
        return {
            **self.service.census.report(),
            "shells": [shell.describe() for shell in self.service.shells()],
        }

    def set(self, changes: typing.Mapping[str, typing.Any]) -> None:
        """Change some settings. Raises TypeError when there is none of the name."""
        self._settle(dataclasses.replace(self.settings, **changes))

    def reset(self) -> None:
        """As after the start, but that open shells stay."""
        self._settle(Settings())
        self.faults.clear()
        self.service.configurations = dict(self._first_configurations)
        self.service.census.forget()
        self.service.received.clear()
        self._write_inventory()

    def _write_inventory(self) -> None:
        self.inventory_file.touch(mode=0o600)
        self.inventory_file.write_text(json.dumps(self.describe()["inventory"], indent=1), encoding="utf-8")

    def _settle(self, settings: Settings) -> None:
        """The object stays the same for the hosts."""
        for field in dataclasses.fields(settings):
            setattr(self.settings, field.name, getattr(settings, field.name))
