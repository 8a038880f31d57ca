# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lab whose Windows hosts run a real PowerShell, and Ansible beside it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import cmdlets, powershell
from tests.engine import processes, ssh_server
from tests.engine.script_hosts import PowerShell, ScriptHosts
from tests.integration.ansible_process import Ansible, environment
from tests.lab.client import Lab

LONGEST = ("test_psrp_engine.py", "test_script_connections.py", "test_script_campaign.py")
"""Files whose tests take long. They come first, so that no worker is left alone with one in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests here need a PowerShell."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def pwsh() -> str:
    return powershell.require()


@pytest.fixture(scope="session")
def real(pwsh: str) -> PowerShell:
    return PowerShell.ask(pwsh)


@pytest.fixture(scope="session")
def run(real: PowerShell) -> Iterator[str]:
    """Mark all processes of this run, and return the mark."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(processes.MARK, str(uuid.uuid4()))
        if real.dotnet_root:
            patch.setenv("DOTNET_ROOT", real.dotnet_root)
        yield os.environ[processes.MARK]


@pytest.fixture(scope="session")
def engine_lab(real: PowerShell, run: str) -> Iterator[Lab]:
    with Lab.start(winrm=True, powershell=real.program) as lab:
        yield lab


@pytest.fixture(scope="module")
def script_hosts(
    real: PowerShell, run: str, engine_lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScriptHosts]:
    """Every shell is closed in the end."""
    directory = tmp_path_factory.mktemp("script")
    folders = {name: directory / name for name in ("home", "sshd", "temp", "bin")}
    for folder in folders.values():
        folder.mkdir()
    (folders["bin"] / "powershell").symlink_to(real.program)
    # On Windows a process has a TEMP, and finds a powershell.
    given = {name: str(folders["temp"]) for name in ("TEMP", "TMP", "TMPDIR")}
    ansible = Ansible(directory, environment(folders["home"], **given))
    server = ssh_server.find()
    ssh = {}
    if server is not None:
        marks = {name: os.environ[name] for name in (processes.MARK, "DOTNET_ROOT") if name in os.environ}
        path = f"{folders['bin']}{os.pathsep}{os.environ['PATH']}"
        ssh = ssh_server.variables(server, folders["sshd"], {**given, **marks, "PATH": path})
    yield ScriptHosts(engine_lab, ansible, real, cmdlets.build(real.program), ssh)
    assert engine_lab.call("GET", "winrm/report")["now"]["shells"] == 0, "a remote shell was left open"
