# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DesktopVirtualization operations through the real SDK: shapes, verbs, names, errors and rights."""

from __future__ import annotations

import re
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient
from azure.mgmt.desktopvirtualization.models import SendMessage, SessionHostPatch

from tests.lab.client import Lab
from tests.unit.lab.arm_clients import (
    ALICE,
    GRAPH,
    HOST,
    OBJECTS,
    PLACE,
    SESSION_HOSTS,
    Arm,
    error_of,
    sdk,
    secret_credential,
)

Client = DesktopVirtualizationMgmtClient


def test_list_by_pool(client: Client) -> None:
    sessions = list(client.user_sessions.list_by_host_pool(*PLACE))
    names = [str(session.name) for session in sessions]
    assert len(names) == 9
    assert names != sorted(names)
    assert set(names) >= {"pool-01/avd-0.contoso.com/2", "pool-01/AVD-1.contoso.com/7", "pool-01/avd-2.contoso.com/9"}
    alice = next(session for session in sessions if session.name == "pool-01/avd-0.contoso.com/2")
    assert (alice.user_principal_name, alice.active_directory_user_name) == ("alice@contoso.com", "CONTOSO\\alice")
    assert (alice.session_state, alice.application_type) == ("Active", "Desktop")
    assert {session.session_state for session in sessions} == {"Active", "Disconnected", "Pending", "LogOff"}


def test_raw_shape(arm: Arm) -> None:
    answer = arm.send("GET", "/userSessions")
    row = next(row for row in answer.json()["value"] if row["name"].endswith("avd-0.contoso.com/2"))
    assert answer.json()["nextLink"] is None
    assert row["systemData"] is None
    assert row["id"].endswith(
        "/resourcegroups/rg-avd/providers/Microsoft.DesktopVirtualization/hostpools/pool-01"
        "/sessionhosts/avd-0.contoso.com/usersessions/2"
    )
    assert list(row["properties"]) == [
        "objectId", "userPrincipalName", "applicationType", "sessionState", "activeDirectoryUserName", "createTime"
    ]  # fmt: skip
    assert arm.send("GET", f"/sessionHosts/{HOST}/userSessions/2").json()["systemData"]["createdAt"]
    assert answer.headers["x-ms-request-id"]
    assert answer.headers["x-ms-correlation-request-id"]


@pytest.mark.parametrize(
    ("form", "pattern"),
    [
        ("short", r"\.\d{2}Z"),
        ("long", r"\.\d{7}Z"),
        ("bare", r"\.\d{6}"),
        ("mixed", r"\.(\d{2}|\d{7})Z"),
    ],
)
def test_forms_of_create_time(lab: Lab, arm: Arm, form: str, pattern: str) -> None:
    lab.options(create_time=form)
    times = [row["properties"]["createTime"] for row in arm.send("GET", "/userSessions").json()["value"]]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d" + pattern, time) for time in times)
    if form == "mixed":
        assert len({len(time) for time in times}) == 2


def test_audit_and_arm_tell_the_same_create_time(lab: Lab, client: Client) -> None:
    listed = client.user_sessions.get(*ALICE).create_time
    client.user_sessions.disconnect(*ALICE)
    owner = lab.audit()[0]["owner"]
    assert listed is not None
    assert owner["create_time"] == listed.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_disconnect(lab: Lab, client: Client) -> None:
    assert client.user_sessions.disconnect(*ALICE) is None
    assert client.user_sessions.get(*ALICE).session_state == "Disconnected"
    (entry,) = lab.audit()
    assert (entry["verb"], entry["effect"], entry["owner"]["user"]) == ("disconnect", "done", "alice@contoso.com")
    assert (entry["by"], entry["request_id"]) == ("operator", lab.requests()[-2]["request_id"])


def test_disconnect_answers_200_without_a_body(arm: Arm) -> None:
    answer = arm.send("POST", f"/sessionHosts/{HOST}/userSessions/2/disconnect")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize(("force", "again"), [(None, 204), ("false", 204), ("true", 404)])
def test_logoff(lab: Lab, arm: Arm, force: str | None, again: int) -> None:
    path, parameters = f"/sessionHosts/{HOST}/userSessions/2", {"force": force}
    assert arm.send("DELETE", path, params=parameters).status_code == 200
    assert arm.send("DELETE", path, params=parameters).status_code == again
    assert error_of(arm.send("GET", path))[1] == "404"
    assert [(entry["verb"], entry["owner"]["user"]) for entry in lab.audit()] == [("logoff", "alice@contoso.com")]


def test_message(lab: Lab, client: Client) -> None:
    client.user_sessions.send_message(*ALICE, SendMessage(message_title="Title", message_body="Body"))
    client.user_sessions.send_message(*ALICE)
    assert [entry["detail"] for entry in lab.audit()] == [
        {"title": "Title", "body": "Body"},
        {"title": "", "body": ""},
    ]
    assert {(entry["verb"], entry["effect"], entry["id"]) for entry in lab.audit()} == {("message", "done", 2)}
    assert {(entry["owner"]["user"], entry["by"]) for entry in lab.audit()} == {("alice@contoso.com", "operator")}


def test_hosts_and_drain(lab: Lab, client: Client) -> None:
    hosts = list(client.session_hosts.list(*PLACE))
    assert [host.name for host in hosts] == [
        f"pool-01/{name}" for name in ("avd-0.contoso.com", "AVD-1.contoso.com", "avd-2.contoso.com")
    ]
    assert [(host.sessions, host.allow_new_session, host.status) for host in hosts] == [
        (3, True, "Available"), (3, True, "Available"), (3, False, "Available")
    ]  # fmt: skip
    patch = SessionHostPatch(allow_new_session=False)
    assert client.session_hosts.update(*PLACE, HOST, session_host=patch).allow_new_session is False
    assert client.session_hosts.get(*PLACE, HOST).allow_new_session is False
    assert [(entry["verb"], entry["host"], entry["id"], entry["owner"]) for entry in lab.audit()] == [
        ("drain", HOST, None, None)
    ]
    assert client.host_pools.get(*PLACE).name == "pool-01"


def test_missing_sessions_answer_as_recorded(arm: Arm) -> None:
    path = f"/sessionHosts/{HOST}/userSessions/99"
    status, code, message = error_of(arm.send("GET", path))
    assert (status, code) == (404, "404")
    assert re.fullmatch(r"ActivityId: [0-9a-f-]{36} Error: User session does not exist", message)
    for verb in ("disconnect", "sendMessage"):
        assert error_of(arm.send("POST", f"{path}/{verb}"))[2].endswith("Error: User session ID not found")


def test_host_names_have_their_case(lab: Lab, arm: Arm, client: Client) -> None:
    wrong = (*PLACE, "avd-1.contoso.com")
    with pytest.raises(ResourceNotFoundError) as raised:
        client.user_sessions.disconnect(*wrong, "2")
    assert raised.value.error is not None
    assert "User session ID not found" in str(raised.value.error.message)
    with pytest.raises(ResourceNotFoundError, match="User session does not exist"):
        client.user_sessions.get(*wrong, "2")
    assert arm.send("DELETE", "/sessionHosts/avd-1.contoso.com/userSessions/2").status_code == 204
    assert lab.audit() == []
    client.user_sessions.disconnect(*PLACE, "AVD-1.contoso.com", "2")
    assert len(lab.audit()) == 1


def test_list_on_host_echoes_the_callers_case_or_is_empty(lab: Lab, client: Client) -> None:
    def names(host: str) -> list[str]:
        return [str(session.name) for session in client.user_sessions.list(*PLACE, host)]

    assert names("AVD-1.contoso.com") == [f"pool-01/AVD-1.contoso.com/{number}" for number in (3, 2, 7)]
    assert names("avd-1.contoso.com") == [f"pool-01/avd-1.contoso.com/{number}" for number in (3, 2, 7)]
    lab.options(wrong_case_list="empty")
    assert names("avd-1.contoso.com") == []
    assert len(names("AVD-1.contoso.com")) == 3


def test_groups_and_pools_have_any_case(client: Client) -> None:
    sessions = list(client.user_sessions.list_by_host_pool("RG-AVD", "POOL-01"))
    assert {str(session.name).split("/")[0] for session in sessions} == {"pool-01"}


@pytest.mark.parametrize(
    ("place", "code", "text"),
    [
        (("rg-99", "pool-01"), "ResourceGroupNotFound", "Resource group 'rg-99' could not be found."),
        (("rg-avd", "pool-99"), "ResourceNotFound", "hostPools/pool-99' under resource group 'rg-avd' was not found"),
        (("rg-empty", "pool-01"), "ResourceNotFound", "under resource group 'rg-empty'"),
    ],
)
def test_places_that_are_not_there(client: Client, place: tuple[str, str], code: str, text: str) -> None:
    with pytest.raises(ResourceNotFoundError) as raised:
        list(client.user_sessions.list_by_host_pool(*place))
    error = raised.value.error
    assert error is not None
    assert error.code == code
    assert text in str(error.message)


def test_subscriptions(lab: Lab, arm: Arm) -> None:
    with (
        sdk(lab, subscription_id="a7d00000-0000-4000-8000-00000000dead") as client,
        pytest.raises(ResourceNotFoundError, match="SubscriptionNotFound"),
    ):
        list(client.user_sessions.list_by_host_pool(*PLACE))
    with (
        sdk(lab, subscription_id="nonsense") as client,
        pytest.raises(HttpResponseError, match="InvalidSubscriptionId"),
    ):
        list(client.user_sessions.list_by_host_pool(*PLACE))
    listed = arm.send("GET", "/subscriptions", pool=False).json()["value"]
    assert [one["subscriptionId"] for one in listed] == [lab.environment["AZURE_SUBSCRIPTION_ID"]]
    one = arm.send("GET", f"/subscriptions/{listed[0]['subscriptionId']}", pool=False).json()
    assert one["displayName"] == "Contoso Production"
    arm.token = lab.access_token("nobody")
    assert arm.send("GET", "/subscriptions", pool=False).json()["value"] == []


def test_api_version(arm: Arm) -> None:
    assert error_of(arm.send("GET", "", params={"api-version": None}))[:2] == (400, "MissingApiVersionParameter")
    status, code, message = error_of(arm.send("GET", "", params={"api-version": "2019-01-23-preview"}))
    assert (status, code) == (400, "NoRegisteredProviderFound")
    assert "API version '2019-01-23-preview' for type 'hostpools'" in message
    for version in ("2024-04-03", "2025-10-10"):
        assert arm.send("GET", "", params={"api-version": version}).status_code == 200


def test_rights_by_action(lab: Lab) -> None:
    right = "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions"
    with sdk(lab, secret_credential(lab, "reader")) as client:
        assert len(list(client.user_sessions.list_by_host_pool(*PLACE))) == 9
        sessions = client.user_sessions
        for verb, action in (
            (sessions.disconnect, f"{right}/disconnect/action"),
            (sessions.delete, f"{right}/delete"),
            (sessions.send_message, f"{right}/sendMessage/action"),
        ):
            with pytest.raises(HttpResponseError) as raised:
                verb(*ALICE)
            error = raised.value.error
            assert raised.value.status_code == 403
            assert error is not None
            assert error.code == "AuthorizationFailed"
            assert f"The client '{lab.principals['reader']['client_id']}' with object id" in str(error.message)
            assert f"perform action '{action}' over scope '/subscriptions/" in str(error.message)
            assert "/userSessions/2' or the scope is invalid" in str(error.message)
    with sdk(lab, secret_credential(lab, "session_operator")) as client:
        client.user_sessions.disconnect(*ALICE)
        with pytest.raises(HttpResponseError, match="sessionhosts/write"):
            client.session_hosts.update(*PLACE, HOST, session_host=SessionHostPatch(allow_new_session=False))
    with (
        sdk(lab, secret_credential(lab, "nobody")) as client,
        pytest.raises(HttpResponseError, match="usersessions/read"),
    ):
        list(client.user_sessions.list_by_host_pool(*PLACE))
    assert [entry["by"] for entry in lab.audit()] == ["session_operator"]


def test_session_without_a_user(lab: Lab, client: Client) -> None:
    lab.change(pool="pool-01", host=HOST, id=2, user="", ad_user_name="")
    session = client.user_sessions.get(*ALICE)
    assert session.user_principal_name is None
    assert session.active_directory_user_name is None


def test_delay_and_stuck(lab: Lab, client: Client) -> None:
    lab.options(effect_delay_seconds=60)
    client.user_sessions.disconnect(*ALICE)
    assert client.user_sessions.get(*ALICE).session_state == "Active"
    lab.options(effect_delay_seconds=0)
    lab.change(pool="pool-01", host=HOST, id=3, stuck=True)
    client.user_sessions.delete(*PLACE, HOST, "3", force=True)
    assert client.user_sessions.get(*PLACE, HOST, "3").user_principal_name == "bob@contoso.com"
    assert [entry["effect"] for entry in lab.audit()] == ["pending", "done", "stuck"]


@pytest.mark.parametrize("status", ["Unavailable", "Shutdown", "NoHeartbeat"])
def test_sessions_of_a_host_that_is_off_are_ghosts(lab: Lab, client: Client, status: str) -> None:
    lab.change_host(pool="pool-01", host=HOST, status=status, last_heart_beat="2026-01-02T03:04:05Z")
    host = client.session_hosts.get(*PLACE, HOST)
    assert (host.status, host.sessions, str(host.last_heart_beat)) == (status, 3, "2026-01-02 03:04:05+00:00")
    client.user_sessions.send_message(*ALICE, SendMessage(message_title="Title", message_body="Body"))
    client.user_sessions.disconnect(*ALICE)
    client.user_sessions.delete(*ALICE)
    assert client.user_sessions.get(*ALICE).session_state == "Active"
    assert len(list(client.user_sessions.list_by_host_pool(*PLACE))) == 9
    client.user_sessions.delete(*ALICE, force=True)
    assert client.session_hosts.get(*PLACE, HOST).sessions == 2
    assert [(entry["verb"], entry["effect"]) for entry in lab.audit()[1:]] == [
        ("message", "stuck"), ("disconnect", "stuck"), ("logoff", "stuck"), ("logoff", "done")
    ]  # fmt: skip


def test_a_host_that_needs_assistance_is_no_ghost(lab: Lab, client: Client) -> None:
    lab.change_host(pool="pool-01", host=HOST, status="NeedsAssistance")
    client.user_sessions.disconnect(*ALICE)
    assert client.user_sessions.get(*ALICE).session_state == "Disconnected"


def test_lag_shows_in_lists_only(lab: Lab, client: Client) -> None:
    lab.options(list_lag_seconds=60)
    client.user_sessions.disconnect(*ALICE)
    listed = {str(one.name): one.session_state for one in client.user_sessions.list_by_host_pool(*PLACE)}
    assert len(listed) == 9
    assert listed["pool-01/avd-0.contoso.com/2"] == "Active"
    assert client.user_sessions.get(*ALICE).session_state == "Disconnected"


def test_paths_that_lead_nowhere(arm: Arm) -> None:
    assert arm.send("GET", "/nowhere").status_code == 404
    assert arm.send("PUT", f"/sessionHosts/{HOST}/userSessions/2").status_code == 404
    assert arm.send("GET", f"/sessionHosts/{HOST}/userSessions/two").status_code == 404
    assert error_of(arm.send("GET", "/sessionHosts/nowhere/userSessions"))[1] == "404"


# Host pools, and Azure Resource Graph


FARM = {
    "pools": [
        {"name": "Pool-B", "resource_group": "rg-two", "personal": True, "hosts": [{"name": "b.contoso.com"}]},
        {"name": "pool-a", "hosts": [{"name": "a.contoso.com", "allow_new_session": False}]},
        {"name": "pool-z", "hosts": [{"name": f"z{number}.contoso.com"} for number in range(3)]},
        {"name": "farm", "service": "rds", "hosts": [{"name": "rdsh.contoso.com"}]},
    ]
}


def test_host_pools_are_listed_by_subscription_and_by_resource_group(lab: Lab, client: Client) -> None:
    lab.reset(FARM)
    lab.options(page_size=2)
    listed = list(client.host_pools.list())
    assert [(pool.name, pool.host_pool_type) for pool in listed] == [
        ("Pool-B", "Personal"),
        ("pool-a", "Pooled"),
        ("pool-z", "Pooled"),
    ]
    assert [pool.name for pool in client.host_pools.list_by_resource_group("RG-two")] == ["Pool-B"]
    with pytest.raises(ResourceNotFoundError):
        list(client.host_pools.list_by_resource_group("rg-three"))
    with pytest.raises(HttpResponseError) as refused:
        list(sdk(lab, secret_credential(lab, "nobody")).host_pools.list())
    assert refused.value.status_code == 403


def ask_graph(arm: Arm, **options: Any) -> dict[str, Any]:
    subscription = arm.lab.environment["AZURE_SUBSCRIPTION_ID"]
    body = {"subscriptions": [subscription], "query": SESSION_HOSTS, "options": {**OBJECTS, **options}}
    answer = arm.send("POST", GRAPH, pool=False, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_resource_graph_shows_session_hosts_in_pages(lab: Lab, arm: Arm) -> None:
    lab.reset(FARM)
    first = ask_graph(arm, **{"$top": 3})
    assert (first["totalRecords"], first["count"], first["resultTruncated"]) == (5, 3, "false")
    assert [row["id"].rpartition("/")[2] for row in first["data"]] == [
        "a.contoso.com",
        "z0.contoso.com",
        "z1.contoso.com",
    ]
    assert first["data"][0]["properties"]["allowNewSession"] is False
    second = ask_graph(arm, **{"$top": 3, "$skipToken": first["$skipToken"]})
    assert [row["id"].rpartition("/")[2] for row in second["data"]] == ["z2.contoso.com", "b.contoso.com"]
    assert "$skipToken" not in second


def test_resource_graph_leaves_out_what_the_caller_may_not_read(lab: Lab, arm: Arm) -> None:
    arm.token = lab.access_token("nobody")
    assert (ask_graph(arm)["totalRecords"], ask_graph(arm)["data"]) == (0, [])


@pytest.mark.parametrize("query", ["resources", SESSION_HOSTS.replace("id,", "secrets,"), ""])
def test_resource_graph_answers_no_other_query(arm: Arm, query: str) -> None:
    subscription = arm.lab.environment["AZURE_SUBSCRIPTION_ID"]
    body = {"subscriptions": [subscription], "query": query, "options": OBJECTS}
    assert arm.send("POST", GRAPH, pool=False, json=body).status_code == 400
