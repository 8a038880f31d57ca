# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's server, without a port: one process a connection, started by the client, that ends with it."""

from __future__ import annotations

import getpass
import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MISSING = "no OpenSSH server: install sshd (Debian, Ubuntu: openssh-server)"
HOST = "127.0.0.1"

# UsePAM is off so that it runs without root's rights too, StrictModes because the world may write to /tmp.
CONFIGURATION = """\
HostKey {directory}/host
AuthorizedKeysFile {directory}/user.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
StrictModes no
SetEnv {environment}
"""


def find() -> str | None:
    """The server, which is not on everybody's PATH."""
    return shutil.which("sshd", path=os.pathsep.join((os.environ["PATH"], "/usr/sbin", "/usr/local/sbin")))


def variables(server: str, directory: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Set the server up in a directory, and return the variables with which Ansible reaches it.

    It lets the own user in, whose processes get the environment.
    """
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # it does not start without, as root
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)]
        subprocess.run(command, check=True, timeout=60)
    settings = " ".join(f'{name}="{value}"' for name, value in environment.items())
    (directory / "config").write_text(CONFIGURATION.format(directory=directory, environment=settings))
    (directory / "known_hosts").write_text(f"{HOST} {(directory / 'host.pub').read_text()}")
    start = shlex.join([server, "-i", "-f", str(directory / "config"), "-E", str(directory / "log")])
    options = [f"ProxyCommand={start}", f"UserKnownHostsFile={directory / 'known_hosts'}", "ControlMaster=no"]
    return {
        "ansible_connection": "ssh",
        "ansible_host": HOST,
        "ansible_user": getpass.getuser(),
        "ansible_ssh_private_key_file": str(directory / "user"),
        "ansible_ssh_args": shlex.join(["-F", "none", *(word for option in options for word in ("-o", option))]),
    }
