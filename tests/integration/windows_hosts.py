# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run modules on the lab's Windows hosts."""

from __future__ import annotations

import base64
import json
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.integration.ansible_process import Ansible, Finished, Task
from tests.integration.scenarios import Scenario, call
from tests.lab.client import Lab
from tests.lab.winrm.configurations import with_modules
from tests.roles import data_file, session_endpoint

SCRIPT = Path(__file__).parents[2] / "plugins/plugin_utils/_transports/run_cmdlets.ps1"
LOGOFF = "remotedesktop.sessions.rds_user_logoff"
RDS_INFO = "remotedesktop.sessions.rds_session_info"
CLOSE = "remotedesktop.sessions.wms_session_close"
WMS_INFO = "remotedesktop.sessions.wms_session_info"
BROKER = "broker.contoso.com"
CLASSROOMS = {"2012R2": "classroom-2012.contoso.com", "2016": "classroom-2016.contoso.com"}
WVD_CLASSIC = "wvd-management"
SEEN = ("audit", "winrm/report")


def sign_in(lab: Lab) -> dict[str, str]:
    """The credential of the lab's operator, for Windows Virtual Desktop (classic)."""
    assert lab.winrm is not None
    return {"username": lab.winrm["user"], "password": lab.winrm["password"]}


def script_host(lab: Lab) -> dict[str, str]:
    """Environment in which script_host takes the place of ansible.windows."""
    door = lab.winrm
    assert door is not None
    way = {
        "port": door["https_port"],
        "username": door["user"],
        "password": door["password"],
        "ca_file": door["ca_file"],
        "script": str(SCRIPT),
    }
    collections = (str(Path(__file__).parent / "script_host"), os.environ["ANSIBLE_COLLECTIONS_PATH"])
    return {"ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(collections), "SCRIPT_HOST": json.dumps(way)}


@dataclass
class Windows:
    """Runs modules on the lab's Windows hosts, over psrp, and sees what they did there."""

    lab: Lab
    ansible: Ansible
    inventory: Path

    def run(
        self,
        host: str,
        module: str,
        *arguments: str,
        task: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Finished:
        """Run one task; `variables` are those of the play."""
        return self.play(
            host, {"name": "task", module: options, **(task or {})}, arguments=arguments, variables=variables
        )

    def play(
        self,
        host: str,
        *tasks: Mapping[str, Any],
        arguments: tuple[str, ...] = (),
        variables: Mapping[str, Any] | None = None,
    ) -> Finished:
        """Run the tasks."""
        return self.ansible.play(
            *tasks,
            arguments=arguments,
            inventory=str(self.inventory),
            hosts=host,
            connection="psrp",
            vars=dict(variables or {}),
        )

    def scenarios(self, host: str, *scenarios: Scenario, answers: Sequence[bytes] = ()) -> list[Finished]:
        """Run each on a lab that is put back before it, all in one process; with answers, on a terminal."""
        play = {"inventory": str(self.inventory), "hosts": host, "connection": "psrp"}
        return self._without_shells(self.ansible.scenarios(*scenarios, see=SEEN, answers=answers, **play))

    def side_by_side(self, module: str, options: Mapping[str, Mapping[str, Any]]) -> dict[str, Task]:
        """Run the module on all these hosts at the same time, on each with its own options; the task of each host."""
        # There are those of the farm, which may be another one than at the lab's start.
        self.inventory.write_text(json.dumps(self.lab.call("GET", "winrm")["inventory"]))
        return self.ansible.side_by_side(module, options, str(self.inventory), connection="psrp")

    @staticmethod
    def _without_shells(scenarios: list[Finished]) -> list[Finished]:
        for finished in scenarios:
            assert finished.seen["end"]["winrm/report"]["now"]["shells"] == 0, "a remote shell was left open"
        return scenarios

    def settings(self, **settings: Any) -> None:
        """Change how the hosts behave."""
        self.lab.call("POST", "winrm/settings", settings)

    def role_endpoint(self, name: str, host: str, **options: Any) -> dict[str, Any]:
        """A task that registers what the role session_endpoint makes on this host.

        A real PowerShell gets the role capability file, the stand-in what it says. `options` are those of the role,
        without its prefix.
        """
        modules = self.lab.call("GET", "winrm")["hosts"][host]["modules"]
        found = {
            command.name: [parameter.name for parameter in command.all_parameters]
            for command in with_modules(modules).values()
        }
        text = session_endpoint.render(session_endpoint.ROLE_FILE, found, **options)
        shown = data_file.read(text)
        role = [*shown.get("VisibleFunctions", ()), *shown.get("VisibleCmdlets", ())]
        return call("winrm/configurations", {"name": name, "role": role, "capability": text})

    def kill_powershell(self) -> None:
        """End what runs the cmdlets behind every open shell, as if the process had crashed."""
        processes = [shell["process"] for shell in self.lab.call("GET", "winrm/report")["shells"]]
        for process in filter(None, processes):
            os.kill(process, signal.SIGKILL)
        if not all(processes):
            self.lab.call("DELETE", "winrm/shells")

    def shells(self) -> tuple[int, int]:
        """Count the remote shells that are open, and that ever were."""
        report = self.lab.call("GET", "winrm/report")
        return report["now"]["shells"], report["ever"]["shells"]

    def ended(self) -> list[str]:
        """Whose sessions were logged off, by the lab's account of that moment; sorted."""
        return ended(self.lab.audit())


def decoded(received: list[str]) -> bytes:
    """The lab's `winrm/received`: what hosts got inside WS-Man, decrypted: PSRP fragments with CLIXML in UTF-8."""
    return b"".join(base64.b64decode(text) for text in received)


def ended(audit: list[dict[str, Any]]) -> list[str]:
    """Whose sessions were logged off, by the lab's account of that moment; sorted."""
    return sorted(str(entry["owner"]["user"]).partition("@")[0] for entry in audit if entry["verb"] == "logoff")


def ended_in(finished: Finished) -> list[str]:
    """Whose sessions were logged off in a scenario; sorted."""
    return ended(finished.seen["end"]["audit"])


def outcomes(task: Task, id_field: str) -> dict[str, str]:
    """Outcome of each session, by its user, else by its id."""
    return {str(row["user_name"] or row[id_field]): row["outcome"] for row in task.result["sessions"]}


def agree(finished: Finished, id_field: str) -> dict[str, str]:
    """Expect of check, run and again that the first two say the same and the last does nothing; outcomes of the run."""
    check, run, again = finished.all_ok(3)
    for name in ("changed", "summary", "diff"):
        assert check.result[name] == run.result[name]
    assert outcomes(check, id_field) == outcomes(run, id_field)
    assert again.result["changed"] is False
    assert "logged_off" not in again.result["summary"]
    assert again.result["diff"] == {"before": "", "after": ""}
    return outcomes(run, id_field)
