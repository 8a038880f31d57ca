# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a window, read from the lab through the real pipeline: whole lists, and no silence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.obstacles import Obstacles
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_obstacles import find_obstacles
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import LOG_OFF, MESSAGE
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm import Account
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm_reads import ArmReader
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_cloud import Cloud
from tests.lab.client import Lab
from tests.unit.lab.arm_clients import secret_credential

FARM = {
    "pools": [
        {
            "name": "pool-01",
            "hosts": [{"name": "h0.contoso.com"}],
            "scaling_plans": [{"name": "summer", "enabled": False}, {"name": "office"}],
            "session_host_update": {"status": "UpdatingSessionHosts"},
        }
    ]
}
Ask = Callable[..., Obstacles]


@pytest.fixture
def ask(lab: Lab) -> Iterator[Ask]:
    lab.reset(FARM)
    base = lab.environment["AZURE_CLOUD_ENVIRONMENT"]
    subscription = lab.environment["AZURE_SUBSCRIPTION_ID"]
    cloud = Cloud("lab", base, base, "https://management.azure.com/.default", discovered=True)

    def ask(principal: str = "operator", tolerated: tuple[str, ...] = ()) -> Obstacles:
        account = Account(secret_credential(lab, principal), cloud, lab.ca_file, subscription)
        reader = ArmReader(account, "tests", time.monotonic)
        try:
            return find_obstacles(reader, [HostPool(subscription, "RG-AVD", "Pool-01")], (MESSAGE, LOG_OFF), tolerated)
        finally:
            reader.close()

    return ask


@pytest.mark.parametrize("page_size", [1, 100])
def test_plan_on_whatever_page_stands_against_it(lab: Lab, ask: Ask, page_size: int) -> None:
    lab.options(page_size=page_size)
    autoscale, update = ask().against
    assert "scaling plan office for" in autoscale
    assert "(UpdatingSessionHosts)" in update


def test_rights_come_in_pages(lab: Lab, ask: Ask) -> None:
    base = lab.environment["AZURE_CLOUD_ENVIRONMENT"]
    link = f"{base}/subscriptions?api-version=2022-12-01"
    page = {"value": [{"actions": ["*/read"], "notActions": []}], "nextLink": link}
    lab.add_fault(operation="permissions", kind="status", status=200, body=page)
    rest = {"value": [{"actions": ["Microsoft.DesktopVirtualization/*"], "notActions": []}], "nextLink": None}
    lab.add_fault(operation="subscriptions", kind="status", status=200, body=rest)
    found = ask(tolerated=("autoscale", "session_host_update"))
    assert (found.against, found.unknown) == ([], [])


def test_pages_that_lead_in_a_circle_end(lab: Lab, ask: Ask) -> None:
    base = lab.environment["AZURE_CLOUD_ENVIRONMENT"]
    link = f"{base}/subscriptions?api-version=2022-12-01"
    page = {"value": [{"actions": ["*"], "notActions": []}], "nextLink": link}
    lab.add_fault(operation="permissions", kind="status", status=200, body=page)
    lab.add_fault(operation="subscriptions", kind="status", status=200, body=page, times=0)
    (unknown,) = ask(tolerated=("autoscale", "session_host_update")).unknown
    assert "read already" in unknown


def test_session_operator_may_not_close_hosts_nor_ask_what_works_on_them(ask: Ask) -> None:
    found = ask("session_operator")
    (rights,) = found.against
    assert "hostpools/sessionhosts/write on" in rights
    assert [word for word in ("scaling plans", "session host update") if word not in " ".join(found.unknown)] == []
    assert ask("session_operator", ("autoscale", "session_host_update")).unknown == []


@pytest.mark.parametrize(
    ("operation", "status", "code", "unknown"),
    [
        ("host_update_get", 404, "404", 0),
        ("host_update_get", 404, "InvalidResourceType", 1),
        ("host_update_get", 400, "NoRegisteredProviderFound", 1),
        ("scaling_plan_list", 404, "ResourceNotFound", 1),
    ],
)
def test_only_an_answer_that_there_is_no_update_means_none(
    lab: Lab, ask: Ask, operation: str, status: int, code: str, unknown: int
) -> None:
    lab.add_fault(operation=operation, kind="status", status=status, code=code, message="It is not there.")
    assert len(ask().unknown) == unknown


@pytest.mark.parametrize("body", [[], "null", {"value": None}, {"value": {}}, {"value": ["x"]}, "no JSON"])
@pytest.mark.parametrize("operation", ["scaling_plan_list", "permissions"])
def test_answer_that_is_no_list_is_told(lab: Lab, ask: Ask, operation: str, body: Any) -> None:
    lab.add_fault(operation=operation, kind="status", status=200, body=body)
    (unknown,) = ask().unknown
    assert "did not answer with" in unknown or "Azure answered 200" in unknown
