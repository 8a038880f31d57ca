# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab and one PowerShell for all tests of the script. Nothing here imports Ansible: see test_script_alone.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import cmdlets
from tests.engine.script.driver import Script
from tests.engine.script.hosts import Hosts
from tests.lab.client import Lab


@pytest.fixture(scope="session")
def script_hosts(pwsh: str) -> Iterator[Hosts]:
    """The hosts. In the end their PowerShell must end by itself."""
    modules = cmdlets.build(pwsh)
    script = Script(pwsh, {})
    with Lab.start(winrm=True) as lab:
        yield Hosts(lab, modules, script)
        script.close()


@pytest.fixture
def hosts(script_hosts: Hosts) -> Hosts:
    """The hosts with the default farm, without faults and audit."""
    script_hosts.lab.reset()
    return script_hosts
