# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task reaches other hosts than its own, with their variables and nothing of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from tests.integration.ansible_process import Finished
from tests.integration.windows_hosts import BROKER, Windows, decoded, script_host

OWN = "rdsh-0.contoso.com"
OPEN = {"RDSH-0.contoso.com": "yes", "rdsh-1.contoso.com": "yes"}
OF_OWN_HOST = {
    "ansible_host": "192.0.2.1",
    "ansible_port": 1,
    "ansible_connection": "winrm",
    "ansible_user": "own",
    "ansible_password": "own password",
    "ansible_psrp_auth": "credssp",
    "ansible_become": True,
    "ansible_become_method": "runas",
    "ansible_become_user": "own",
    "ansible_become_password": "own become password",
}
OF_PLAY = {**OF_OWN_HOST, "ansible_psrp_path": "nowhere", "ansible_psrp_protocol": "http"}
KEYWORDS = {"connection": "winrm", "port": 2, "remote_user": "play", "become": True, "become_method": "sudo"}

pytestmark = pytest.mark.outer_cores


def ask(
    windows: Windows, hosts: Mapping[str, Mapping[str, Any]], *arguments: str, brokers: list[str], **more: Any
) -> Finished:
    """Ask brokers in a task of another host, with variables that would lead elsewhere; `hosts` is the inventory."""
    inventory = windows.ansible.directory / "hosts.json"
    inventory.write_text(json.dumps({"all": {"hosts": {OWN: OF_OWN_HOST, **hosts}}}))
    play = {"hosts": OWN, "inventory": str(inventory), **KEYWORDS, "vars": OF_PLAY, **more}
    task = {"name": "ask", "through_brokers": {"brokers": brokers}}
    return windows.ansible.play(task, arguments=arguments, **play)


def broker(windows: Windows, **changes: Any) -> dict[str, Any]:
    """The variables with which the lab's broker is reached."""
    assert windows.lab.winrm is not None
    inventory = windows.lab.winrm["inventory"]["all"]
    variables = {**inventory["vars"], **inventory["hosts"][BROKER], **changes}
    return {name: value for name, value in variables.items() if value is not None}


def test_each_broker_is_reached_with_its_own_variables(windows: Windows, tmp_path: Path) -> None:
    password = broker(windows)["ansible_password"]
    (tmp_path / "vault").write_text("vault password")
    vault = VaultLib([("default", VaultSecret(b"vault password"))])  # type: ignore[no-untyped-call,unused-ignore]
    hosts = {
        "down": broker(windows, ansible_port=1),
        "down for winrm": broker(windows, ansible_connection="winrm", ansible_port=1, ansible_winrm_strange="1"),
        BROKER: broker(windows, ansible_password={"__ansible_vault": vault.encrypt(password).decode()}),
        "templated": broker(
            windows,
            ansible_password="{{ secret_of[inventory_hostname] }}",
            secret_of={"templated": password},
            ansible_host="{{ hostvars['down'].ansible_host }}",
            ansible_become="{{ omit }}",
        ),
        "by script": {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ interpreter }}",
            "interpreter": "{{ ansible_playbook_python }}",
        },
    }
    windows.ansible.environment.update(script_host(windows.lab), SCRIPT_HOST_NAME=BROKER)
    finished = ask(windows, hosts, "--vault-password-file", str(tmp_path / "vault"), brokers=list(hosts))
    said = finished.task.result["said"]
    assert "Connection refused" in said.pop("down")
    assert "Connection refused" in said.pop("down for winrm")
    assert said == {BROKER: OPEN, "templated": OPEN, "by script": OPEN}
    # An option that only the library of the connection could know.
    assert "ansible_winrm_strange unsupported" in " ".join(finished.output.split())
    # One for each connection over psrp, and one for each of the two runs of the module.
    assert windows.shells() == (0, 4)


def test_password_that_was_typed(windows: Windows, tmp_path: Path) -> None:
    """It is that of hosts that have none; the own host has one."""
    typed = tmp_path / "typed"
    typed.write_text(broker(windows)["ansible_password"])
    hosts = {BROKER: broker(windows, ansible_password=None)}
    arguments = ("--connection-password-file", str(typed))
    assert ask(windows, hosts, *arguments, brokers=[BROKER]).task.result["said"] == {BROKER: OPEN}


def test_become(windows: Windows, tmp_path: Path) -> None:
    """The module is sent with what the host says, and the password that was typed. The lab runs none, so it fails."""
    modules = tmp_path / "ansible_collections/ansible/windows/plugins/modules"
    modules.mkdir(parents=True)
    (modules / "win_powershell.ps1").write_text("#!powershell\n#AnsibleRequires -CSharpUtil Ansible.Basic\n")
    collections = (str(tmp_path), windows.ansible.environment["ANSIBLE_COLLECTIONS_PATH"])
    windows.ansible.environment["ANSIBLE_COLLECTIONS_PATH"] = os.pathsep.join(collections)
    (tmp_path / "typed").write_text("typed become password")
    become = {"ansible_become": True, "ansible_become_method": "runas", "ansible_become_user": "admin of brokers"}
    arguments = ("--become-password-file", str(tmp_path / "typed"))
    finished = ask(windows, {BROKER: broker(windows, **become)}, *arguments, brokers=[BROKER])
    assert f"could not be run on {BROKER}" in finished.task.result["said"][BROKER]
    received = decoded(windows.lab.call("GET", "winrm/received"))
    assert b"admin of brokers" in received
    assert b"typed become password" in received
    assert b"own become password" not in received


def test_password_of_the_own_host_does_not_get_there(windows: Windows) -> None:
    good = broker(windows)
    own = {**OF_OWN_HOST, "ansible_user": good["ansible_user"], "ansible_password": good["ansible_password"]}
    hosts = {OWN: own, BROKER: broker(windows, ansible_password=None)}
    said = ask(windows, hosts, brokers=[BROKER], vars=own).task.result["said"]
    assert said[BROKER] != OPEN, said


def test_hosts_that_cannot_be_reached_by_what_is_known(windows: Windows) -> None:
    cases = {
        "undefined": ({"ansible_password": "{{ nobody }}"}, "'nobody' is undefined"),
        "connection": ({"ansible_connection": "no.such.one"}, "no connection plugin no.such.one"),
        "method": ({"ansible_become": True, "ansible_become_method": "magic"}, "no become plugin magic"),
        "become": ({"ansible_become": "perhaps"}, "perhaps"),
        "option": ({"ansible_psrp_protocol": "smoke"}, "smoke"),
    }
    hosts = {name: broker(windows, **variables) for name, (variables, _words) in cases.items()}
    finished = ask(windows, hosts, brokers=[*cases, "nowhere"])
    assert "Traceback" not in finished.output
    said = finished.task.result["said"]
    assert said.pop("nowhere").startswith("The inventory has no host nowhere")
    for name, (_variables, words) in cases.items():
        assert said[name].startswith(f"The variables of {name} in the inventory do not say how to reach it: ")
        assert words in said[name]
        assert "\n" not in said[name]
