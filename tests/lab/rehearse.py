# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the maintenance playbook against the lab: `python -m tests.lab.rehearse`, with arguments for ansible-playbook."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.lab.client import Lab

PLAYBOOK = Path(__file__).parents[2] / "playbooks" / "maintenance.yml"
VARIABLES = {
    "wvd_resource_group_name": "rg-avd",
    "wvd_host_pool_name": "pool-01",
    "rds_hosts": "broker.contoso.com",
    "wms_hosts": "wms",
    "maintenance_protected_users": ["carol@contoso.com"],
}
OUTPUT = {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml", "ANSIBLE_LOCALHOST_WARNING": "false"}


def main(arguments: Sequence[str]) -> int:
    """Start the lab, run the playbook, show the lab's own audit, and return the playbook's exit status."""
    with Lab.start(winrm=True) as lab:
        assert lab.winrm is not None
        ansible_playbook = Path(sys.executable).with_name("ansible-playbook")
        command = [ansible_playbook, "-i", lab.winrm["inventory_file"], PLAYBOOK]
        for name, value in VARIABLES.items():
            command += ["-e", f"{{{name!r}: {value!r}}}"]
        finished = subprocess.run(
            [str(word) for word in (*command, *arguments)], env={**os.environ, **OUTPUT, **lab.environment}, check=False
        )
        audit = lab.audit()
    print(f"The lab's own audit has {len(audit)} changes:")
    for entry in audit:
        print(f"  {entry['verb']} {entry['host']}/{entry['id']} of {entry['owner']['user']}")
    return finished.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
