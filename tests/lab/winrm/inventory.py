# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible inventory of the lab's Windows hosts, for the psrp and the winrm connection."""

from __future__ import annotations

import typing

Inventory = dict[str, typing.Any]

_GROUPS = {
    "RemoteDesktop": "rds",
    "MultiPoint": "wms",
    "Microsoft.RDInfra.RDPowerShell": "wvd_classic",
}


def inventory(door: typing.Mapping[str, typing.Any]) -> Inventory:
    """From what the door says of itself. As JSON it is a YAML inventory; a group for each module."""
    groups: Inventory = {name: {"hosts": {}} for name in _GROUPS.values()}
    hosts: Inventory = {}
    for name, host in door["hosts"].items():
        hosts[name] = {"ansible_psrp_path": host["path"], "ansible_winrm_path": f"/{host['path']}"}
        for module in host["modules"]:
            groups[_GROUPS[module]]["hosts"][name] = {}
    variables = {
        "ansible_connection": "psrp",
        "ansible_host": "127.0.0.1",
        "ansible_port": door["https_port"],
        "ansible_user": door["user"],
        "ansible_password": door["password"],
        "ansible_psrp_protocol": "https",
        "ansible_psrp_auth": "ntlm",
        "ansible_psrp_ca_cert": door["ca_file"],
        "ansible_winrm_scheme": "https",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_ca_trust_path": door["ca_file"],
    }
    return {"all": {"hosts": hosts, "vars": variables, "children": groups}}
