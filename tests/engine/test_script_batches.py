# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine over the script on a real PowerShell, without Ansible in between: acts that need several runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import cmdlets
from tests.engine.script.driver import Script
from tests.engine.script.hosts import Hosts, collection, deployment
from tests.engine.script_runs import COMMAND, log_off
from tests.lab.client import Lab


@pytest.fixture(scope="module")
def lab_hosts(pwsh: str) -> Iterator[Hosts]:
    script = Script(pwsh, {})
    with Lab.start(winrm=True) as lab:
        yield Hosts(lab, cmdlets.build(pwsh), script)
        script.close()


@pytest.fixture
def hosts(lab_hosts: Hosts) -> Hosts:
    lab_hosts.lab.reset()
    return lab_hosts


def test_acts_that_one_run_leaves_are_sent_by_the_next(hosts: Hosts) -> None:
    hosts.lab.reset(deployment(collection(generate={"hosts": 1, "sessions_per_host": 20})))
    hosts.fault("hang", COMMAND, seconds=1.2)
    report, module = log_off(hosts, SendSeconds=0.4)
    assert report.summary() == {"logged_off": 20}
    assert len(hosts.ended()) == 20, "each once"
    assert len(module.sent()) >= 3
    assert max(module.sent()) <= 8, "more only when these have been silent for longer"
