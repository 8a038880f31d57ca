# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults, before and after the effect, and what happens to a reused id."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.exceptions import AzureError, HttpResponseError, ServiceResponseError
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab, LabError
from tests.unit.lab.arm_clients import ALICE, HOST, PLACE, Arm, error_of, sdk, secret_credential

Client = DesktopVirtualizationMgmtClient
WHEN = pytest.mark.parametrize("when", ["before", "after"])
DISCONNECT = f"/sessionHosts/{HOST}/userSessions/2/disconnect"


def changes(lab: Lab) -> list[tuple[str, str]]:
    return [(entry["verb"], (entry["owner"] or {}).get("user", "")) for entry in lab.audit()]


def expected(when: str) -> list[tuple[str, str]]:
    return [("disconnect", "alice@contoso.com")] if when == "after" else []


@WHEN
def test_status(lab: Lab, client: Client, when: str) -> None:
    lab.add_fault(operation="disconnect", when=when, kind="status", status=503, times=1)
    with pytest.raises(HttpResponseError) as raised:
        client.user_sessions.disconnect(*ALICE)
    assert raised.value.status_code == 503
    assert changes(lab) == expected(when)
    client.user_sessions.disconnect(*ALICE)
    assert lab.faults()[0]["spent"] is True


def test_status_with_body_and_header(lab: Lab, arm: Arm) -> None:
    lab.add_fault(operation="get", kind="status", status=429, retry_after=7, when="before", times=1)
    answer = arm.send("GET", f"/sessionHosts/{HOST}/userSessions/2")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    lab.add_fault(operation="get", kind="status", status=409, code="Busy", message="Later", when="before", times=1)
    assert error_of(arm.send("GET", f"/sessionHosts/{HOST}/userSessions/2")) == (409, "Busy", "Later")
    for body, text in (("<html>", "<html>"), ({"a": 1}, '{"a":1}')):
        lab.add_fault(operation="get", kind="status", status=502, body=body, when="before", times=1)
        assert arm.send("GET", f"/sessionHosts/{HOST}/userSessions/2").text == text


@WHEN
def test_reset_cuts_the_tcp_connection(lab: Lab, arm: Arm, when: str) -> None:
    lab.add_fault(operation="disconnect", when=when, kind="reset", times=1)
    with pytest.raises(requests.ConnectionError):
        arm.send("POST", DISCONNECT)
    assert changes(lab) == expected(when)
    assert lab.requests()[-1]["status"] == "reset"


def test_reset_is_a_real_rst(lab: Lab) -> None:
    """Seen below TLS, whose library may tell a reset as an end."""
    lab.add_fault(operation="metadata", when="before", kind="reset", times=1)
    address = urlsplit(lab.environment["AZURE_CLOUD_ENVIRONMENT"])
    context = ssl.create_default_context(cafile=lab.ca_file)
    raw = socket.create_connection((address.hostname, address.port), timeout=5)
    with context.wrap_socket(raw, server_hostname="127.0.0.1") as secure:
        secure.sendall(b"GET /metadata/endpoints?api-version=2015-01-01 HTTP/1.1\r\nHost: lab\r\n\r\n")
        with socket.socket(fileno=os.dup(secure.fileno())) as plain:
            plain.settimeout(5)
            with pytest.raises(ConnectionResetError):
                plain.recv(1)


@WHEN
def test_truncated_body(lab: Lab, client: Client, arm: Arm, when: str) -> None:
    lab.add_fault(operation="*", when=when, kind="truncate", times=2)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        arm.send("POST", DISCONNECT)
    assert changes(lab) == expected(when)
    with pytest.raises(requests.exceptions.RequestException, match="IncompleteRead"):
        arm.send("GET", "/userSessions")
    assert arm.send("GET", "/userSessions").status_code == 200


@WHEN
def test_slow(lab: Lab, arm: Arm, when: str) -> None:
    lab.add_fault(operation="disconnect", when=when, kind="slow", seconds=0.3, times=1)
    thread = threading.Thread(target=arm.send, args=("POST", DISCONNECT))
    thread.start()
    time.sleep(0.15)
    assert changes(lab) == expected(when)
    thread.join()
    assert changes(lab) == expected("after")
    assert lab.requests()[-1]["seconds"] >= 0.3


@WHEN
def test_hang_lasts_until_the_client_leaves(lab: Lab, when: str) -> None:
    lab.add_fault(operation="disconnect", when=when, kind="hang", times=1)
    with sdk(lab, read_timeout=0.3) as client, pytest.raises(ServiceResponseError):
        client.user_sessions.disconnect(*ALICE)
    deadline = time.monotonic() + 5
    while lab.traffic()["in_flight"] and time.monotonic() < deadline:
        time.sleep(0.02)
    assert lab.traffic()["in_flight"] == 0
    assert lab.requests()[-1]["status"] == "hang"
    assert changes(lab) == expected(when)


def test_times_skip_and_place(lab: Lab, arm: Arm) -> None:
    lab.add_fault(operation="disconnect", host=HOST, id=2, when="before", kind="status", status=500, skip=1, times=2)
    codes = [arm.send("POST", DISCONNECT).status_code for _ in range(4)]
    assert codes == [200, 500, 500, 200]
    assert arm.send("POST", DISCONNECT.replace("/2/", "/3/")).status_code == 200
    lab.reset()
    lab.add_fault(operation="disconnect", host=HOST, id=2, when="before", kind="status", status=500)
    assert [arm.send("POST", DISCONNECT).status_code for _ in range(3)] == [500] * 3
    assert arm.send("POST", DISCONNECT.replace("/2/", "/3/")).status_code == 200
    lab.clear_faults()
    assert arm.send("POST", DISCONNECT).status_code == 200


@WHEN
def test_id_is_reused_while_the_answer_is_unclear(lab: Lab, client: Client, when: str) -> None:
    before = client.user_sessions.get(*ALICE)
    then = {"give_id_to": "mallory@contoso.com"}
    lab.add_fault(operation="disconnect", host=HOST, id=2, when=when, kind="status", status=503, times=1, then=then)
    with pytest.raises(HttpResponseError):
        client.user_sessions.disconnect(*ALICE)
    after = client.user_sessions.get(*ALICE)
    assert after.user_principal_name == "mallory@contoso.com"
    assert after.session_state == "Active"
    assert before.create_time is not None
    assert after.create_time is not None
    assert after.create_time > before.create_time
    assert changes(lab) == [*expected(when), ("give_id", "alice@contoso.com")]


def test_a_blind_second_try_hits_the_wrong_user_and_the_audit_shows_it(lab: Lab) -> None:
    """What the SDK's own retries do to a logoff: the trap that the collection must not fall into."""
    then = {"give_id_to": "mallory@contoso.com"}
    lab.add_fault(operation="logoff", when="after", kind="status", status=503, times=1, then=then)
    with sdk(lab, retry_total=3, retry_backoff_factor=0) as client:
        client.user_sessions.delete(*ALICE)
    assert [one for one in changes(lab) if one[0] == "logoff"] == [
        ("logoff", "alice@contoso.com"), ("logoff", "mallory@contoso.com")
    ]  # fmt: skip


def test_then_on_a_list_means_the_session_that_the_rule_names(lab: Lab, client: Client) -> None:
    then = {"give_id_to": "mallory@contoso.com"}
    lab.add_fault(operation="list", host=HOST, id=2, when="after", kind="pass", times=1, then=then)
    listed = {str(one.name): one.user_principal_name for one in client.user_sessions.list_by_host_pool(*PLACE)}
    assert listed["pool-01/avd-0.contoso.com/2"] == "alice@contoso.com"
    assert client.user_sessions.get(*ALICE).user_principal_name == "mallory@contoso.com"


@pytest.mark.parametrize(
    ("then", "verb"),
    [({"disconnect": True}, "disconnect"), ({"logoff": True}, "logoff"), ({"remove": True}, "remove")],
)
def test_other_things_that_happen_meanwhile(lab: Lab, client: Client, then: dict[str, Any], verb: str) -> None:
    lab.add_fault(operation="get", when="after", kind="pass", times=1, then=then)
    assert client.user_sessions.get(*ALICE).session_state == "Active"
    (entry,) = lab.audit()
    assert (entry["verb"], entry["by"]) == (verb, "lab" if verb == "remove" else "fault")


def test_shorthands_and_arrivals(lab: Lab, client: Client) -> None:
    lab.add_fault(operation="disconnect", when="after", kind="pass", times=1, then_logoff=True)
    client.user_sessions.disconnect(*ALICE)
    assert changes(lab) == [("disconnect", "alice@contoso.com"), ("logoff", "alice@contoso.com")]
    lab.add_fault(
        operation="list", host=HOST, when="before", kind="pass", times=1, then={"add_session": "new@contoso.com"}
    )
    users = [one.user_principal_name for one in client.user_sessions.list_by_host_pool(*PLACE)]
    assert "new@contoso.com" in users


def test_an_effect_that_comes_after_the_request_has_failed(lab: Lab, arm: Arm) -> None:
    host = f"/sessionHosts/{HOST}"
    drain = {"json": {"properties": {"allowNewSession": False}}}

    def taken() -> list[tuple[str, str, str, Any]]:
        return [(one["verb"], one["effect"], one["by"], one["id"]) for one in lab.audit()]

    rule = {"when": "before", "kind": "status", "status": 504, "effect_after": 600, "times": 1}
    for operation in ("drain", "disconnect", "logoff"):
        lab.add_fault(operation=operation, **{**rule, "effect_after": 600 if operation == "drain" else 0})
    assert arm.send("PATCH", host, **drain).status_code == 504
    assert arm.send("GET", host).json()["properties"]["allowNewSession"] is True
    (to_come,) = lab.schedule()
    assert (to_come["what"], to_come["host"]) == ("drain", HOST)
    assert taken() == []

    assert arm.send("POST", f"{host}/userSessions/99/disconnect").status_code == 504
    assert arm.send("DELETE", f"{host}/userSessions/2").status_code == 504
    assert taken() == [("disconnect", "lost", "operator", None), ("logoff", "done", "operator", 2)]

    lab.add_fault(operation="drain", **{**rule, "effect_after": 0.3})
    began = time.monotonic()
    assert arm.send("PATCH", host, **drain).status_code == 504
    while len(taken()) < 3 and time.monotonic() < began + 10:
        time.sleep(0.02)
    assert time.monotonic() >= began + 0.3
    assert taken()[2:] == [("drain", "done", "operator", None)]
    assert lab.audit()[2]["request_id"] == lab.requests()[-1]["request_id"]
    assert arm.send("GET", host).json()["properties"]["allowNewSession"] is False


def test_somebody_else_opens_a_host_right_after_it_is_drained(lab: Lab, arm: Arm) -> None:
    lab.add_fault(operation="drain", when="after", kind="pass", times=1, then={"allow_new_session": True})
    path = f"/sessionHosts/{HOST.upper()}"
    drained = arm.send("PATCH", path, json={"properties": {"allowNewSession": False}}).json()
    assert drained["properties"]["allowNewSession"] is False
    assert arm.send("GET", path).json()["properties"]["allowNewSession"] is True
    assert [(one["verb"], one["by"]) for one in lab.audit()] == [("drain", "operator"), ("undrain", "fault")]


@pytest.mark.parametrize(
    ("operation", "kind", "message"),
    [("token", {"kind": "status", "status": 500}, "500|fault"), ("openid", {"kind": "reset"}, "reset|aborted|Reset")],
)
def test_sign_in_has_faults_too(lab: Lab, operation: str, kind: dict[str, Any], message: str) -> None:
    lab.add_fault(operation=operation, when="before", times=20, **kind)
    credential = secret_credential(lab)
    with sdk(lab, credential) as client, pytest.raises(AzureError, match=message):
        list(client.user_sessions.list_by_host_pool(*PLACE))


def test_metadata_has_faults_too(lab: Lab, arm: Arm) -> None:
    lab.add_fault(operation="metadata", when="before", kind="status", status=503, times=1)
    codes = [arm.send("GET", "/metadata/endpoints", pool=False, params={"api-version": "2022-09-01"}) for _ in range(2)]
    assert [answer.status_code for answer in codes] == [503, 200]


def test_rules_that_are_none(lab: Lab) -> None:
    for rule in (
        {"kind": "explode"},
        {"when": "sometimes"},
        {"colour": "red"},
        {"then": {"explode": True}},
        {"kind": "slow", "effect_after": 1},
        {"kind": "status", "when": "after", "effect_after": 1},
    ):
        with pytest.raises(LabError, match="FaultError"):
            lab.add_fault(**rule)
    assert lab.faults() == []
