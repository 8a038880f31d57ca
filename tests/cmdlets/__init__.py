# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins of the session cmdlets for a real PowerShell: compiled once, kept in `build`.

They have the names, parameters and types of the real ones, and act on the farm of a lab (tests/lab), whose control door
they find by the environment:

    environment = {**os.environ, **cmdlets.environment(control, "broker.contoso.com", ["RemoteDesktop"], modules)}
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import typing

SOURCES = pathlib.Path(__file__).parent
BUILD = SOURCES.parents[1] / "build" / "cmdlets"
_SECONDS = 120


def build(powershell: str) -> pathlib.Path:
    """Compile the modules with this PowerShell, unless it was done before, and return their folder."""
    sources = sorted(path for path in SOURCES.rglob("*") if path.suffix in (".cs", ".ps1", ".psm1"))
    content = b"".join(path.read_bytes() for path in sources)
    version = subprocess.run([powershell, "-Version"], capture_output=True, timeout=_SECONDS, check=False).stdout
    modules = BUILD / hashlib.sha256(content + version).hexdigest()[:16]
    if not modules.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
            made = pathlib.Path(scratch) / "modules"
            command = [powershell, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass"]
            command += ["-File", str(SOURCES / "build.ps1"), "-Directory", str(made)]
            finished = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
            if finished.returncode:
                raise RuntimeError(f"the cmdlets cannot be compiled:\n{finished.stdout}{finished.stderr}")
            try:
                shutil.move(made, modules)
            except OSError:
                if not modules.exists():  # another process was not faster either
                    raise
    return modules


def environment(
    control: str, host: str, installed: typing.Iterable[str], modules: pathlib.Path, user: str = "CONTOSO\\operator"
) -> dict[str, str]:
    """Make a PowerShell be the Windows host of a lab: `control` is the URL of its control door.

    `installed` are folders of `modules`, such as "RemoteDesktop" or "MultiPoint-2016".
    """
    return {
        "PSModulePath": os.pathsep.join(str(modules / name) for name in installed),
        "LAB_CONTROL": control,
        "LAB_HOST": host,
        "LAB_USER": user,
        "POWERSHELL_TELEMETRY_OPTOUT": "1",
        "POWERSHELL_UPDATECHECK": "Off",
    }
