# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules that are run one after the other with long pauses, over plugins that know nothing of these."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from ansible.errors import AnsibleConnectionFailure, AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.module_runs import (
    MOST_IDLE,
    ModuleRuns,
)
from tests.unit.fakes.clock import Clock


class Host:
    """A connection plugin, and modules that are run over it."""

    def __init__(self, kind: str) -> None:
        self.clock = Clock()
        self.closed = 0
        self.signed_in = 0
        self.error: Exception | None = None
        self.seconds = 0.0
        self.http = SimpleNamespace(session=None, encryption=None)
        self.connection = SimpleNamespace(transport=kind, protocol=None, shell_id=None, runspace=None, _connected=False)
        self.run = ModuleRuns(self._run, self.connection, self.clock)

    def _run(self, **request: Any) -> Mapping[str, Any]:
        if not self.connection._connected:
            self.http.session = self.http.encryption = None
            if self.connection.transport == "winrm":
                self.connection.protocol, self.connection.shell_id = SimpleNamespace(transport=self.http), "shell"
            elif self.connection.transport == "psrp":
                self.connection.runspace = SimpleNamespace(connection=SimpleNamespace(transport=self.http))
            self.connection._connected = True
        if self.http.session is None:
            self.signed_in += 1
            self.http.session, self.http.encryption = SimpleNamespace(close=self._close), "keys"
        self.clock.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return request

    def _close(self) -> None:
        self.closed += 1


@pytest.fixture(params=["winrm", "psrp"])
def host(request: pytest.FixtureRequest) -> Host:
    return Host(request.param)


def test_connection_that_was_idle_is_signed_in_to_anew(host: Host) -> None:
    assert host.run(module_name="x", module_args={"a": 1}) == {"module_name": "x", "module_args": {"a": 1}}
    host.clock.sleep(MOST_IDLE + 1)
    shell = host.connection.shell_id, host.connection.runspace
    host.run()
    assert (host.signed_in, host.closed) == (2, 1)
    assert (host.connection.shell_id, host.connection.runspace) == shell


def test_connection_that_is_in_use_is_kept(host: Host) -> None:
    host.seconds = MOST_IDLE * 2
    host.run()
    host.clock.sleep(MOST_IDLE - 1)
    host.run()
    assert (host.signed_in, host.closed) == (1, 0)


@pytest.mark.parametrize("error", [requests.ConnectionError("refused"), AnsibleConnectionFailure("refused")])
def test_connection_that_has_failed_is_made_anew(host: Host, error: Exception) -> None:
    host.error = error
    with pytest.raises(AnsibleConnectionFailure, match="refused"):
        host.run()
    assert not host.connection._connected
    assert (host.connection.protocol, host.connection.shell_id, host.connection.runspace) == (None, None, None)
    host.error = None
    host.run()
    assert host.signed_in == 2


@pytest.mark.parametrize("error", [AnsibleError("no such module"), TypeError("a mistake")])
def test_other_errors_are_left_as_they_are(host: Host, error: Exception) -> None:
    host.error = error
    with pytest.raises(type(error), match=str(error)):
        host.run()
    assert host.connection._connected


def test_other_connections_are_left_alone() -> None:
    host = Host("ssh")
    host.run()
    host.clock.sleep(MOST_IDLE + 1)
    host.error = AnsibleConnectionFailure("refused")
    with pytest.raises(AnsibleConnectionFailure):
        host.run()
    assert (host.signed_in, host.connection._connected) == (1, True)
