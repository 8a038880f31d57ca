# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules about session hosts of Windows: the right transport, and a result that says all that is known."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.action.rds_session_host import ActionModule as Set
from ansible_collections.remotedesktop.sessions.plugins.action.rds_session_host_info import ActionModule as Info
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import rds_hosts, windows
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import runspace
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.module_runs import ModuleRuns
from tests.unit.fakes.deployment import BROKER, SET, A, B, C, Deployment
from tests.unit.fakes.task import action
from tests.unit.fakes.windows_host import BatchTransport, LiveTransport, always

DRAIN = {"all_hosts": True, "new_connection_allowed": "no", "connection_broker": BROKER}


class Transports:
    """Which transport a task has asked for, each over one deployment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host = Deployment()
        self.opened: list[str] = []
        self.live = LiveTransport(self.host)
        monkeypatch.setattr(runspace, "RunspaceTransport", self._live)
        monkeypatch.setattr(windows, "ScriptTransport", self._script)

    def _live(self, *_given: Any, **_more: Any) -> LiveTransport:
        self.opened.append("runspace")
        return self.live

    def _script(self, run_module: Any, *_given: Any) -> BatchTransport:
        self.opened.append("script")
        assert isinstance(run_module, ModuleRuns), "it holds out when the connection is idle for long"
        return BatchTransport(self.host)


@pytest.fixture
def transports(monkeypatch: pytest.MonkeyPatch) -> Transports:
    return Transports(monkeypatch)


def outcomes(result: dict[str, Any]) -> dict[str, str]:
    return {row["host"]: row["outcome"] for row in result["hosts"]}


@pytest.mark.parametrize(
    ("connection", "transport"),
    [
        ({"transport": "psrp"}, "runspace"),
        ({"transport": "psrp", "become": object()}, "script"),
        ({"transport": "winrm"}, "script"),
        ({"transport": "ssh"}, "script"),
    ],
)
def test_hosts_are_set_over_the_runspace_of_psrp_else_by_a_script(
    transports: Transports, connection: dict[str, Any], transport: str
) -> None:
    result = action(Set, DRAIN, **connection).run(task_vars={})
    assert transports.opened == [transport]
    assert outcomes(result) == {A: "set", B: "set", C: "already_set"}
    assert all(call.parameters["ConnectionBroker"] == BROKER for call in transports.host.sent(SET))
    assert transports.live.closed == (1 if transport == "runspace" else 0)


def test_task_fails_for_hosts_that_are_on_no_list_after_the_others_are_set(transports: Transports) -> None:
    transports.host.hidden = {A}
    result = action(Set, DRAIN).run(task_vars={})
    assert outcomes(result) == {B: "set", C: "already_set"}
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].startswith("Session hosts may be missing, which were not set. Get-RDSessionHost on ")
    transports.host.off = {B: "it is off"}
    result = action(Set, {**DRAIN, "new_connection_allowed": "yes"}).run(task_vars={})
    assert result["msg"].startswith(f"Failed to set 1 of 2 session hosts: {B}: ")
    assert "Session hosts may be missing" in result["msg"]


def test_check_mode_sets_nothing_and_says_the_same(transports: Transports) -> None:
    check = action(Set, DRAIN, check_mode=True).run(task_vars={})
    assert transports.host.sets == []
    run = action(Set, DRAIN).run(task_vars={})
    for name in ("changed", "summary", "diff"):
        assert check[name] == run[name]


def test_list_counts_the_modes_and_warns_of_what_it_may_lack(transports: Transports) -> None:
    transports.host.hidden = {A}
    result = action(Info, {}).run(task_vars={})
    assert result["summary"] == {"no": 1, "yes": 1}
    assert ["may lack session hosts" in warning for warning in result["warnings"]] == [True]


def test_failure_names_the_right_and_the_hosts(transports: Transports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rds_hosts, "ERROR_SECONDS", 0.0)
    transports.host.off = {A: "Zugriff verweigert"}
    result = action(Set, DRAIN).run(task_vars={})
    assert result["failed"]
    assert result["msg"].startswith(f"Failed to set 1 of 3 session hosts: {A}: {SET} says: Zugriff verweigert. ")
    assert "local administrator of the connection broker" in result["msg"]


def test_connection_that_is_lost_on_the_way_makes_the_host_unreachable(transports: Transports) -> None:
    transports.host.scripts[SET] = always(AnsibleConnectionFailure("the host is gone"))
    result = action(Set, DRAIN).run(task_vars={})
    assert (result["unreachable"], "failed" in result, result["changed"]) == (True, False, True)
    assert result["msg"].startswith("the host is gone. Failed to set 2 of 3 session hosts: ")
    assert "local administrator" not in result["msg"], "the connection is what lacks"
    assert outcomes(result) == {A: "failed", B: "failed", C: "already_set"}


def test_connection_that_is_lost_before_is_an_error_of_ansible(transports: Transports) -> None:
    transports.live.wait_errors = [AnsibleConnectionFailure("the host is gone")]
    with pytest.raises(AnsibleConnectionFailure):
        action(Set, DRAIN).run(task_vars={})
    assert transports.live.closed == 1
