# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts are drained over the script on a real PowerShell, without Ansible in between: each by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_calls import ScriptCalls
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_rows import name_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_hosts import RdsHosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import (
    Desired,
    HostReport,
    set_hosts,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.script import ScriptTransport
from tests import cmdlets
from tests.engine.script.driver import Script
from tests.engine.script.hosts import Hosts
from tests.engine.script_runs import Module
from tests.lab.client import Lab

SET = "Set-RDSessionHost"
HOSTS = [f"rdsh-{number}.contoso.com" for number in range(12)]


@pytest.fixture(scope="module")
def lab_hosts(pwsh: str) -> Iterator[Hosts]:
    script = Script(pwsh, {})
    with Lab.start(winrm=True) as lab:
        yield Hosts(lab, cmdlets.build(pwsh), script)
        script.close()


@pytest.fixture
def hosts(lab_hosts: Hosts) -> Hosts:
    farm = [{"name": name} for name in HOSTS]
    pool = {"name": "Desktops", "service": "rds", "connection_broker": "broker.contoso.com", "hosts": farm}
    lab_hosts.lab.reset({"pools": [pool]})
    return lab_hosts


def drain(
    hosts: Hosts, *names: str, state: str = "no", wait_timeout: float = 60.0, module: Module | None = None
) -> HostReport:
    """Drain the named hosts, or all."""
    clock, cmdlets_ = time.monotonic, RdsCmdlets()
    transport = ScriptTransport(module or Module(hosts, {}), "broker", clock)
    calls = ScriptCalls(transport, cmdlets_, "broker", time.sleep)
    service = RdsHosts(cmdlets_, calls, None, None, False, "broker", clock)
    named = [name_host(None, None, name) for name in names] or None
    return set_hosts(service, named, Desired(state), False, wait_timeout, clock, lambda: True)


def drained(hosts: Hosts) -> list[tuple[str, str]]:
    """What every host was told, in order."""
    return [
        (entry["host"], entry["detail"]["new_connection_allowed"])
        for entry in hosts.lab.audit()
        if entry["verb"] in ("drain", "undrain")
    ]


def test_all_are_set_eight_at_once_and_read_back(hosts: Hosts) -> None:
    module = Module(hosts, {})
    report = drain(hosts, module=module)
    assert report.summary() == {"set": 12}
    assert sorted(drained(hosts)) == sorted((name, "No") for name in HOSTS)
    assert module.sent() == [8, 4]
    assert drain(hosts).summary() == {"already_set": 12}
    restored = drain(hosts, "RDSH-1", "rdsh-2.contoso.com", state="not_until_reboot")
    assert [(row.name, row.before, row.after) for row in restored.rows] == [
        (name, "no", "not_until_reboot") for name in HOSTS[1:3]
    ]


def test_host_that_is_off_or_late_keeps_no_other(hosts: Hosts) -> None:
    change = {"service": "rds", "pool": "Desktops", "host": HOSTS[0], "status": "Unavailable"}
    hosts.lab.call("POST", "host", {**change, "new_connection_allowed": "NotUntilReboot"})
    hosts.lab.call("POST", "host", {**change, "host": HOSTS[1]})
    hosts.fault("hang", SET, parameters={"SessionHost": HOSTS[2]}, seconds=40)
    report = drain(hosts, *HOSTS[:5], wait_timeout=20.0)
    outcomes = {row.name: (row.outcome, row.unclear) for row in report.rows}
    assert outcomes == {
        HOSTS[0]: ("failed", False),
        HOSTS[1]: ("failed", False),
        HOSTS[2]: ("failed", True),
        HOSTS[3]: ("set", False),
        HOSTS[4]: ("set", False),
    }
    assert sorted(drained(hosts)) == [(HOSTS[3], "No"), (HOSTS[4], "No")]
