# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another host than the task's, whose connection does not behave."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.plugins.connection.local import Connection

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import other_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.other_host import OtherHost


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> OtherHost:
    # The same plugin, by a name that is found where Ansible's finder of collections is not at work.
    monkeypatch.setattr(other_host, "RUNS_MODULES", "normal")
    variables = {"ansible_connection": "local", "ansible_password": "secret one"}
    return OtherHost("broker", variables, {"conn_pass": "secret two"}, Task(), DataLoader())


def test_connection_that_cannot_be_closed(host: OtherHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was answered before is not lost, and an error is not hidden by another one."""
    closed = []

    def close(connection: Any) -> None:
        closed.append(connection)
        raise OSError("The host has gone.")

    monkeypatch.setattr(Connection, "close", close)
    with host.open() as reach:
        answered = reach.host
    with pytest.raises(ValueError, match="answer"), host.open() as again:
        raise ValueError("answer")
    assert answered == "broker"
    assert closed == [reach.connection, again.connection]
    assert reach.connection is not again.connection


def test_no_secret_is_shown(host: OtherHost) -> None:
    assert repr(host) == "OtherHost(name='broker')"
