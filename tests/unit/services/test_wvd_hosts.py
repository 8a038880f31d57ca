# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of Azure Virtual Desktop: rows as Azure says them, and which of them are meant."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.action.wvd_session_host import ActionModule as Set
from ansible_collections.remotedesktop.sessions.plugins.action.wvd_session_host_info import ActionModule as Info
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_host_place import SESSION_HOSTS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_host_rows import FIELDS, read_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_hosts import WvdHosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import HostReplied
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import HostName, find_hosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import arm
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm_pipeline import CONNECTIONS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_cloud import CLOUDS
from tests.unit.fakes.task import POOL, action

PLACE = HostPool("sub", "rg", "pool")
BASE = "/subscriptions/sub/resourcegroups/rg/providers/Microsoft.DesktopVirtualization/hostpools/pool"


def row(name: str = "avd-0.contoso.com", **properties: Any) -> dict[str, Any]:
    return {"id": f"{BASE}/sessionhosts/{name}", "properties": {"allowNewSession": True, **properties}}


def test_row_has_all_that_azure_says_in_the_words_of_ansible() -> None:
    said = row(
        sessions=3,
        status="NeedsAssistance",
        lastHeartBeat="2026-11-20T22:14:05.3100000",
        sxSStackVersion="rdp-1",
        assignedUser=None,
        sessionHostHealthCheckResults=[{"healthCheckName": "DomainJoinedCheck"}],
    )
    host = read_host(PLACE.place, PLACE, said)
    assert (host.place, host.name, host.state) == (PLACE.place, "avd-0.contoso.com", True)
    assert host.fields["service"] == "wvd"
    assert host.fields["host"] == host.fields["name"] == "avd-0.contoso.com"
    assert [host.fields[name] for name in ("subscription_id", "resource_group_name", "host_pool_name")] == [
        "sub",
        "rg",
        "pool",
    ]
    assert host.fields["sessions"] == 3
    assert host.fields["last_heartbeat"] == "2026-11-20T22:14:05.3100000Z"
    assert (host.fields["sxs_stack_version"], host.fields["assigned_user"]) == ("rdp-1", "")
    assert host.fields["session_host_health_check_results"] == [{"health_check_name": "DomainJoinedCheck"}]
    assert set(FIELDS.values()) <= set(host.fields)


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"id": f"{BASE}/sessionhosts/x"},
        {"id": BASE, "properties": {"allowNewSession": True}},
        row(""),
        row(allowNewSession=None),
        row(allowNewSession="true"),
    ],
)
def test_answer_that_does_not_say_which_host_or_whether_it_is_drained_is_an_error(said: Any) -> None:
    with pytest.raises(ServiceError, match="something else than a session host of pool"):
        read_host(PLACE.place, PLACE, said)


class Client:
    """Answers as ARM does, for one pool."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = rows
        self.closed = False
        self.sets: list[tuple[Any, ...]] = []
        self.writes = SimpleNamespace(pause=lambda: 2.5)

    def host_pages(self, _group: str, _pool: str) -> Any:
        return iter([(list(self.rows), 0.0), (list(self.rows[:1]), 0.0)])

    def host(self, _group: str, _pool: str, host: str, _once_in: float | None) -> dict[str, Any] | None:
        if host == "broken":
            raise ValueError("surprise")
        return next((one for one in self.rows if one["id"].endswith(f"/{host}")), None)

    def set_host(self, names: tuple[str, ...], allow: bool, _send_before: float, seconds: float) -> tuple[Reply, str]:
        if names[2] == "broken":
            raise ValueError("surprise")
        self.sets.append((*names, allow, seconds))
        return Reply.DONE, ""

    def close(self) -> None:
        self.closed = True


def hosts(client: Client) -> WvdHosts:
    return WvdHosts({PLACE.place: PLACE}, lambda _subscription: client)  # type: ignore[arg-type,return-value]


def test_list_reads_all_pages_and_shows_each_host_once() -> None:
    service = hosts(Client(row("b"), row("A")))
    assert [host.name for host in service.list_hosts()] == ["A", "b"]


def test_named_hosts_are_read_by_themselves_and_a_surprise_is_an_error_of_that_host() -> None:
    client = Client(row("a"), row("b"))
    service = hosts(client)
    assert [host.name for host in find_hosts(service, [HostName(PLACE.place, name) for name in ("b", "a")])] == [
        "b",
        "a",
    ]
    with pytest.raises(ServiceError, match=r"broken could not be read.*surprise"):
        find_hosts(service, [HostName(PLACE.place, "broken")])
    service.close()
    assert client.closed


def answered(service: WvdHosts, name: str, reply: Reply) -> HostReplied:
    service.begin_set(HostName(PLACE.place, name), False, 10.0, 7.0)
    [answer] = service.wait(5.0)
    assert isinstance(answer, HostReplied)
    assert (answer.named.name, answer.reply) == (name, reply)
    return answer


def test_host_is_set_by_its_names_and_a_surprise_is_no_clear_answer() -> None:
    client = Client(row("a"))
    service = hosts(client)
    answered(service, "a", Reply.DONE)
    assert client.sets == [("rg", "pool", "a", False, 7.0)]
    assert "surprise" in answered(service, "broken", Reply.UNCLEAR).reason


def test_requests_go_out_at_the_pace_of_the_bucket_and_never_more_than_connections() -> None:
    service = hosts(Client(row("a")))
    assert service.pause() == 2.5
    for _request in range(CONNECTIONS):
        service.begin_read(HostName(PLACE.place, "a"))
    assert service.pause() == math.inf
    answers = 0
    while answers < CONNECTIONS:
        answers += len(service.wait(5.0))
    assert service.pause() == 2.5


def test_answer_about_another_host_is_an_error() -> None:
    client = Client(row("a"))
    client.host = lambda *_names: row("b")  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="session host b instead of a"):
        find_hosts(hosts(client), [HostName(PLACE.place, "a")])


def test_pool_is_not_named_with_its_subscription_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    account = arm.Account(SimpleNamespace(), CLOUDS["AzureCloud"], True, "sub")  # type: ignore[arg-type]
    monkeypatch.setattr(arm, "sign_in", lambda *_arguments: account)
    some = {**POOL, "allow_new_session": True}
    rows = [{**some, "name": "a", "subscription_id": "SUB"}, {**some, "name": "a", "allow_new_session": False}]
    result = action(Set, {"hosts": rows}).run(task_vars={})
    assert "with its subscription_id and without it" in result["msg"]


def info(**args: Any) -> dict[str, Any]:
    """Run a task on a pool in memory."""
    made = action(Info, {**POOL, **args})
    client: Any = Client(row("a", status="Available"), row("b", status="Shutdown"))

    class Place(type(SESSION_HOSTS)):  # type: ignore[misc]
        def open(self, wanted: Any, _reach: object) -> Any:
            return WvdHosts({wanted.where.pools[0].place: PLACE}, lambda _subscription: client)

    made.PLACE = Place()
    result: dict[str, Any] = made.run(task_vars={})
    return result


def test_result_has_the_rows_and_counts_them_by_status() -> None:
    result = info()
    assert [host["name"] for host in result["hosts"]] == ["a", "b"]
    assert (result["changed"], result["summary"]) == (False, {"Available": 1, "Shutdown": 1})
    assert [host["name"] for host in info(session_host_name=["b"])["hosts"]] == ["b"]


@pytest.mark.parametrize("value", ["", [], [""], None, ",", ["a", ""]])
@pytest.mark.parametrize("option", ["session_host_name", "host_pool_name", "subscription_id"])
def test_option_that_is_given_but_empty_never_means_all(option: str, value: Any) -> None:
    if (option, value) in (("host_pool_name", ","), ("subscription_id", ",")):
        return
    result = info(**{option: value})
    assert result["failed"]
    assert result["msg"].startswith(f"{option} is given but empty, which never means all")
