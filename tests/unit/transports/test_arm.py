# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real SDK over a wire in memory: an act is sent once and in time, lists are followed to their end."""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
import urllib3
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.core.pipeline.transport import RequestsTransport
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, SSLError

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd import REQUESTS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import arm, arm_pipeline
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm import (
    ACT_SECONDS,
    LIST_SECONDS,
    Account,
    ArmClient,
    only_subscription,
    sign_in,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm_pipeline import (
    CONNECT_SECONDS,
    CONNECTIONS,
    MOST_IDLE,
    make_transport,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_cloud import CLOUDS
from tests.unit.fakes.clock import Clock

BASE = "https://management.azure.com"
POOL = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.DesktopVirtualization/hostPools/pool"
FAR = 10_000.0


@dataclass
class Answer:
    """What the server says."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sent:
    """What went over the wire."""

    method: str
    url: str
    headers: dict[str, str]
    body: object
    timeout: tuple[float, float]
    verify: object
    at: float


class Wire:
    """Stands for the network below the HTTP library: answers by script, the last answer again and again."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.answers: list[Answer | Exception | Callable[[Sent], Answer]] = [Answer()]
        self.sent: list[Sent] = []
        self.slept: list[float] = []
        self.lock = threading.Lock()

    def send(
        self,
        request: requests.PreparedRequest,
        *,
        timeout: tuple[float, float],
        verify: object,
        **_options: object,
    ) -> requests.Response:
        with self.lock:
            sent = Sent(
                str(request.method),
                str(request.url),
                dict(request.headers),
                request.body,
                timeout,
                verify,
                self.clock(),
            )
            self.sent.append(sent)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Answer):
            answer = answer(sent)
        made = requests.Response()
        made.request = request
        made.url = sent.url
        made.status_code = answer.status
        body = answer.body if isinstance(answer.body, bytes) else b""
        if answer.body is not None and not isinstance(answer.body, bytes):
            body = json.dumps(answer.body).encode()
            made.headers["Content-Type"] = "application/json; charset=utf-8"
        made.headers.update(answer.headers)
        made.raw = BytesIO(body)
        made._content = body
        return made

    def paths(self) -> list[tuple[str, str]]:
        return [(one.method, one.url.removeprefix(BASE)) for one in self.sent]


class Credential:
    """Gives tokens, and can take time or fail."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = 0.0
        self.error: Exception | None = None
        self.asked: list[tuple[tuple[str, ...], dict[str, Any]]] = []

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        self.asked.append((scopes, options))
        self.clock.now += self.seconds
        if self.error:
            raise self.error
        return AccessToken(f"token-{len(self.asked)}", 2**40)


@pytest.fixture(name="clock")
def fixture_clock() -> Clock:
    return Clock()


@pytest.fixture(name="wire")
def fixture_wire(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Wire:
    wire = Wire(clock)

    def sleep(_transport: object, seconds: float) -> None:
        wire.slept.append(seconds)
        clock.now += seconds

    # A bound method as a class attribute stays bound to the wire: the adapter is not passed on.
    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", wire.send)
    monkeypatch.setattr(RequestsTransport, "sleep", sleep)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    return wire


@pytest.fixture(name="credential")
def fixture_credential(clock: Clock) -> Credential:
    return Credential(clock)


@pytest.fixture(name="account")
def fixture_account(credential: Credential) -> Account:
    return Account(credential, CLOUDS["AzureCloud"], "/ca.pem", "")  # type: ignore[arg-type]


@pytest.fixture(name="client")
def fixture_client(account: Account, clock: Clock, wire: Wire) -> Iterator[ArmClient]:
    client = ArmClient(account, "sub", "tests", clock)
    yield client
    client.close()


def disconnect(client: ArmClient, send_before: float = FAR) -> tuple[Reply, str]:
    return client.disconnect(("rg", "pool", "Host-1", "5"), send_before)


def page(*ids: str, next_link: str | None = None) -> Answer:
    return Answer(200, {"value": [{"id": one} for one in ids], "nextLink": next_link})


def listed(client: ArmClient, host: str = "") -> list[tuple[list[str], float]]:
    return [([str(row["id"]) for row in rows], sent_at) for rows, sent_at in client.pages("rg", "pool", host)]


# One act


def test_act_is_one_request_for_just_that_session(client: ArmClient, wire: Wire) -> None:
    assert disconnect(client) == (Reply.DONE, "")
    [sent] = wire.sent
    assert sent.method == "POST"
    assert sent.url.partition("?")[0] == f"{BASE}{POOL}/sessionHosts/Host-1/userSessions/5/disconnect"
    assert sent.url.partition("?")[2].startswith("api-version=")
    assert not sent.body
    assert sent.headers["Authorization"] == "Bearer token-1"
    assert sent.headers["User-Agent"].startswith("tests")
    assert sent.timeout == (CONNECT_SECONDS, ACT_SECONDS)
    assert sent.verify == "/ca.pem"


def test_names_cannot_leave_their_place_in_the_address(client: ArmClient, wire: Wire) -> None:
    client.disconnect(("rg/x", "pool?y", "Host-1#", "5/../6"), FAR)
    path = wire.sent[0].url.partition("?")[0]
    assert path.count("/") == f"{BASE}{POOL}/sessionHosts/h/userSessions/5/disconnect".count("/")
    assert path.endswith("/sessionHosts/Host-1%23/userSessions/5%2F..%2F6/disconnect")


def log_off(client: ArmClient, send_before: float = FAR, force: bool = False) -> tuple[Reply, str]:
    return client.log_off(("rg", "pool", "Host-1", "5"), send_before, force=force)


def send_message(client: ArmClient, send_before: float = FAR) -> tuple[Reply, str]:
    names = ("rg", "pool", "Host-1", "5")
    return client.send_message(
        names, send_before, message_title="Wartung", message_body="Bitte speichern: „jetzt“\n$(x)"
    )


ACTS = [disconnect, log_off, send_message]


@pytest.mark.parametrize("force", [False, True])
def test_log_off_is_one_deletion_of_just_that_session(client: ArmClient, wire: Wire, force: bool) -> None:
    assert log_off(client, force=force) == (Reply.DONE, "")
    [sent] = wire.sent
    assert sent.method == "DELETE"
    path, _mark, query = sent.url.partition("?")
    assert path == f"{BASE}{POOL}/sessionHosts/Host-1/userSessions/5"
    assert ("force=true" in query) is force
    assert "force=false" not in query
    assert not sent.body


def test_answer_that_there_is_no_such_session_is_no_log_off_of_ours(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(204)]
    assert log_off(client)[0] is Reply.GONE
    wire.answers = [Answer(404, {"error": {"code": "404", "message": "User session ID not found"}})]
    assert log_off(client, force=True)[0] is Reply.GONE


def test_message_is_the_text_that_was_given(client: ArmClient, wire: Wire) -> None:
    assert send_message(client) == (Reply.DONE, "")
    [sent] = wire.sent
    assert sent.method == "POST"
    assert sent.url.partition("?")[0] == f"{BASE}{POOL}/sessionHosts/Host-1/userSessions/5/sendMessage"
    assert json.loads(str(sent.body if isinstance(sent.body, str) else bytes(sent.body).decode())) == {  # type: ignore[call-overload]
        "messageTitle": "Wartung",
        "messageBody": "Bitte speichern: „jetzt“\n$(x)",
    }


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(("status", "reply"), [(500, Reply.UNCLEAR), (503, Reply.UNCLEAR), (429, Reply.THROTTLED)])
def test_no_act_is_repeated_by_the_libraries(
    client: ArmClient, wire: Wire, act: Callable[[ArmClient], tuple[Reply, str]], status: int, reply: Reply
) -> None:
    wire.answers = [Answer(status, headers={"Retry-After": "1"})]
    assert act(client)[0] is reply
    assert (len(wire.sent), wire.slept) == (1, [])


@pytest.mark.parametrize("act", ACTS)
def test_request_that_found_no_connection_never_left(
    client: ArmClient, wire: Wire, act: Callable[[ArmClient], tuple[Reply, str]]
) -> None:
    refused = NewConnectionError(SimpleNamespace(), "Connection refused")  # type: ignore[arg-type]
    for error in (refused, ConnectTimeoutError("timed out")):
        wire.answers = [requests.exceptions.ConnectionError(MaxRetryError(SimpleNamespace(), "/", error))]  # type: ignore[arg-type]
        assert act(client)[0] is Reply.NOT_SENT
    wire.answers = [requests.exceptions.ConnectionError(MaxRetryError(SimpleNamespace(), "/", SSLError("cut off")))]  # type: ignore[arg-type]
    assert act(client)[0] is Reply.UNCLEAR


def test_acts_that_find_no_connection_are_not_put_off_ever_longer(client: ArmClient, wire: Wire, clock: Clock) -> None:
    error = NewConnectionError(SimpleNamespace(), "Connection refused")  # type: ignore[arg-type]
    wire.answers = [requests.exceptions.ConnectionError(MaxRetryError(SimpleNamespace(), "/", error))]  # type: ignore[arg-type]
    for _try in range(20):
        assert log_off(client)[0] is Reply.NOT_SENT
        assert client.deletes.pause() == pytest.approx(1.0)
        clock.sleep(1.0)


def test_deletions_and_writes_have_buckets_of_their_own(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(200, headers={"x-ms-ratelimit-remaining-subscription-deletes": "0"})]
    log_off(client)
    assert client.deletes.pause() == pytest.approx(0.1)
    assert client.writes.pause() == 0.0
    wire.answers = [Answer(200, headers={"x-ms-ratelimit-remaining-subscription-writes": "0"})]
    send_message(client)
    assert client.writes.pause() == pytest.approx(0.1)


def test_reads_wait_for_their_bucket(client: ArmClient, wire: Wire, clock: Clock, account: Account) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock.sleep(seconds)

    reading = ArmClient(account, "sub", "tests", clock, sleep=sleep)
    wire.answers = [Answer(200, {"id": "5"}, {"x-ms-ratelimit-remaining-subscription-reads": "0"})]
    for _read in range(3):
        reading.session("rg", "pool", "Host-1", "5")
    assert slept == pytest.approx([0.0, 0.04, 0.04])
    log_off(reading)
    assert len(slept) == 3, "acts never wait for reads"
    reading.close()


@pytest.mark.parametrize(("name", "bucket"), REQUESTS.values())
def test_client_has_a_method_and_a_bucket_for_each_verb(client: ArmClient, name: str, bucket: str) -> None:
    assert callable(getattr(client, name))
    assert getattr(client, bucket).pause() == 0.0


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}, {"retry-after-ms": "10"}])
@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (202, Reply.DONE),
        (204, Reply.DONE),
        (307, Reply.REFUSED),
        (308, Reply.REFUSED),
        (400, Reply.REFUSED),
        (401, Reply.REFUSED),
        (403, Reply.REFUSED),
        (404, Reply.GONE),
        (408, Reply.UNCLEAR),
        (409, Reply.REFUSED),
        (429, Reply.THROTTLED),
        (500, Reply.UNCLEAR),
        (502, Reply.UNCLEAR),
        (503, Reply.UNCLEAR),
        (504, Reply.UNCLEAR),
    ],
)
def test_act_is_sent_once_whatever_the_answer(
    client: ArmClient, wire: Wire, status: int, reply: Reply, headers: dict[str, str]
) -> None:
    wire.answers = [Answer(status, {"error": {"code": str(status), "message": "m"}}, headers | {"Location": "/other"})]
    assert disconnect(client)[0] is reply
    assert len(wire.sent) == 1
    assert wire.slept == []


@pytest.mark.parametrize(
    "error",
    [
        requests.exceptions.ConnectionError("reset"),
        requests.exceptions.ConnectTimeout("slow"),
        requests.exceptions.ReadTimeout("silence"),
        requests.exceptions.ChunkedEncodingError("cut"),
        requests.exceptions.SSLError("broken"),
    ],
)
def test_act_is_sent_once_when_the_connection_fails(client: ArmClient, wire: Wire, error: Exception) -> None:
    wire.answers = [error]
    assert disconnect(client)[0] is Reply.UNCLEAR
    assert len(wire.sent) == 1
    assert wire.slept == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", {"unexpected": 1}])
def test_body_of_a_good_answer_does_not_matter(client: ArmClient, wire: Wire, body: object) -> None:
    wire.answers = [Answer(200, body, {"Content-Type": "application/json"})]
    assert disconnect(client)[0] is Reply.DONE
    assert len(wire.sent) == 1


def test_missing_registration_of_the_provider_registers_nothing(client: ArmClient, wire: Wire) -> None:
    body = {"error": {"code": "MissingSubscriptionRegistration", "message": "register Microsoft.DesktopVirtualization"}}
    wire.answers = [Answer(409, body)]
    assert disconnect(client)[0] is Reply.REFUSED
    with pytest.raises(ServiceError, match=r"register Microsoft\.DesktopVirtualization"):
        listed(client)
    assert [sent.method for sent in wire.sent] == ["POST", "GET"]


def test_challenge_for_claims_repeats_the_refused_act_with_a_new_token(
    client: ArmClient, wire: Wire, credential: Credential
) -> None:
    claims = base64.urlsafe_b64encode(b'{"access_token":{"nbf":1}}').decode()
    challenge = f'Bearer authorization_uri="https://l", error="insufficient_claims", claims="{claims}"'
    wire.answers = [Answer(401, {}, {"WWW-Authenticate": challenge}), Answer()]
    assert disconnect(client) == (Reply.DONE, "")
    assert [sent.headers["Authorization"] for sent in wire.sent] == ["Bearer token-1", "Bearer token-2"]


def test_challenge_that_costs_the_proof_its_time_sends_nothing_more(
    client: ArmClient, wire: Wire, credential: Credential
) -> None:
    claims = base64.urlsafe_b64encode(b"{}").decode()
    challenge = f'Bearer authorization_uri="https://l", error="insufficient_claims", claims="{claims}"'

    def refuse(_sent: Sent) -> Answer:
        credential.seconds = 60.0
        return Answer(401, {}, {"WWW-Authenticate": challenge})

    wire.answers = [refuse]
    assert disconnect(client, wire.clock() + 5.0)[0] is Reply.NOT_SENT
    assert len(wire.sent) == 1


def test_http_library_tries_nothing_again_by_itself() -> None:
    session: Any = make_transport(True).session
    adapter = session.get_adapter(BASE)
    assert adapter.max_retries.total == 0
    assert adapter._pool_maxsize > CONNECTIONS
    session.close()


@pytest.mark.parametrize(("idle", "kept"), [(MOST_IDLE - 1.0, True), (MOST_IDLE + 1.0, False)])
def test_act_goes_over_no_connection_that_may_have_been_dropped(
    monkeypatch: pytest.MonkeyPatch, clock: Clock, idle: float, kept: bool
) -> None:
    """As between two messages of a wait: the server, or a gateway on the way, need not have said so."""
    monkeypatch.setattr(arm_pipeline, "monotonic", clock)
    pool: Any = arm_pipeline.PunctualPool("azure.invalid")
    near, far = socket.socketpair()
    with near, far:
        connection = pool._get_conn()
        connection.sock = near
        pool._put_conn(connection)
        clock.sleep(idle)
        assert pool._get_conn() is connection
        assert (connection.sock is near) == kept


def test_closed_client_sends_nothing_more(client: ArmClient, wire: Wire) -> None:
    disconnect(client)
    client.close()
    with pytest.raises(ValueError, match="already been closed"):
        disconnect(client)
    assert len(wire.sent) == 1


# In time


def test_act_whose_time_is_over_is_not_sent(client: ArmClient, wire: Wire, clock: Clock) -> None:
    assert disconnect(client, clock()) == (Reply.NOT_SENT, "it could not be sent in time")
    assert disconnect(client, clock() - 1.0)[0] is Reply.NOT_SENT
    assert wire.sent == []
    assert disconnect(client, clock() + 0.001)[0] is Reply.DONE


def test_act_whose_token_takes_too_long_is_not_sent(
    client: ArmClient, wire: Wire, clock: Clock, credential: Credential
) -> None:
    credential.seconds = 5.0
    assert disconnect(client, clock() + 5.0)[0] is Reply.NOT_SENT
    assert wire.sent == []


def test_act_without_a_token_is_refused_and_not_sent(client: ArmClient, wire: Wire, credential: Credential) -> None:
    credential.error = ClientAuthenticationError("AADSTS7000215: wrong")
    assert disconnect(client)[0] is Reply.REFUSED
    assert wire.sent == []


def test_connecting_may_not_outlast_the_proof(client: ArmClient, wire: Wire, clock: Clock) -> None:
    disconnect(client, clock() + 3.0)
    assert wire.sent[0].timeout == (pytest.approx(3.0), ACT_SECONDS)


@pytest.mark.parametrize(
    ("seconds", "lives", "reply"),
    [(4.0, True, Reply.UNCLEAR), (5.0, True, Reply.NOT_SENT), (4.0, False, Reply.NOT_SENT)],
)
def test_act_does_not_go_out_on_a_connection_that_came_too_late(
    credential: Credential, clock: Clock, monkeypatch: pytest.MonkeyPatch, seconds: float, lives: bool, reply: Reply
) -> None:
    """Names, addresses and TLS can take longer than the time limit of the library says."""
    connected: list[float] = []
    sent: list[object] = []

    def connect(connection: Any) -> None:
        connection.is_verified = True
        connected.append(clock())
        clock.now += seconds

    def send(_connection: object, *request: object, **_options: object) -> None:
        sent.append(request)
        raise OSError("reset")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "connect", connect)
    monkeypatch.setattr(urllib3.connection.HTTPSConnection, "request", send)
    account = Account(credential, CLOUDS["AzureCloud"], False, "")  # type: ignore[arg-type]
    client = ArmClient(account, "sub", "tests", clock, lambda: lives or not connected)
    assert disconnect(client, clock() + 5.0)[0] is reply
    assert (len(connected), len(sent)) == (1, reply is Reply.UNCLEAR)
    client.close()


def test_one_late_act_says_nothing_about_the_next(client: ArmClient, wire: Wire, clock: Clock) -> None:
    disconnect(client, clock())
    assert disconnect(client)[0] is Reply.DONE
    wire.answers = [page("1")]
    clock.now += 60.0
    assert listed(client) == [(["1"], 160.0)]


# The budget


@pytest.mark.parametrize(("own", "whole"), [("0", "2999"), ("2999", "0"), ("0", ""), ("", "0")])
def test_budget_is_read_from_the_smaller_of_the_headers(client: ArmClient, wire: Wire, own: str, whole: str) -> None:
    wire.answers = [
        Answer(
            headers={
                "x-ms-ratelimit-remaining-subscription-writes": own,
                "x-ms-ratelimit-remaining-subscription-global-writes": whole,
            }
        )
    ]
    disconnect(client)
    assert client.writes.pause() == pytest.approx(0.1)


def test_budget_that_is_left_holds_nothing_back(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(headers={"x-ms-ratelimit-remaining-subscription-writes": "2"})]
    disconnect(client)
    assert client.writes.pause() == 0.0


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_other_refusals_hold_nothing_back(client: ArmClient, wire: Wire, status: int) -> None:
    wire.answers = [Answer(status, {}, {"Retry-After": "17"})]
    disconnect(client)
    assert client.writes.pause() == 0.0


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", "1,999"])
def test_budget_that_cannot_be_read_counts_for_nothing(client: ArmClient, wire: Wire, text: str) -> None:
    wire.answers = [Answer(headers={"x-ms-ratelimit-remaining-subscription-writes": text})]
    assert disconnect(client)[0] is Reply.DONE
    assert client.writes.pause() == 0.0


def test_refusal_for_now_pauses_as_long_as_it_says(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(429, {}, {"Retry-After": "17"})]
    assert disconnect(client)[0] is Reply.THROTTLED
    assert client.writes.pause() == 17.0


def test_refusal_for_now_without_a_time_pauses_too(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(429)]
    disconnect(client)
    assert client.writes.pause() == 1.0


@pytest.mark.parametrize("answer", [Answer(), Answer(404), Answer(503), Answer(429, headers={"Retry-After": "0"})])
def test_every_act_leaves_the_count_of_those_in_flight(client: ArmClient, wire: Wire, answer: Answer) -> None:
    wire.answers = [answer]
    disconnect(client)
    wire.answers = [requests.exceptions.ConnectionError("reset")]
    disconnect(client)
    disconnect(client, 0.0)
    assert client.writes._in_flight == 0


# Lists


def test_list_follows_its_pages_and_says_when_each_was_asked_for(client: ArmClient, wire: Wire, clock: Clock) -> None:
    def later(answer: Answer) -> Callable[[Sent], Answer]:
        def give(_sent: Sent) -> Answer:
            clock.now += 10.0
            return answer

        return give

    second = f"{BASE}{POOL}/userSessions?api-version=1&initialSkip=2"
    third = f"{BASE}{POOL}/userSessions?api-version=1&initialSkip=4"
    wire.answers = [later(page("1", "2", next_link=second)), later(page(next_link=third)), later(page("3"))]
    assert listed(client) == [(["1", "2"], 100.0), ([], 110.0), (["3"], 120.0)]
    assert wire.sent[0].url.startswith(f"{BASE}{POOL}/userSessions?api-version=")
    assert "initialSkip=2" in wire.sent[1].url
    assert "initialSkip=4" in wire.sent[2].url
    assert all(sent.method == "GET" for sent in wire.sent)
    assert all(sent.timeout == (CONNECT_SECONDS, LIST_SECONDS) for sent in wire.sent)


def test_list_of_a_host_asks_for_that_host(client: ArmClient, wire: Wire) -> None:
    wire.answers = [page("1")]
    assert listed(client, "Host-1") == [(["1"], 100.0)]
    assert wire.sent[0].url.startswith(f"{BASE}{POOL}/sessionHosts/Host-1/userSessions?")


def test_pages_are_handed_over_as_they_come(client: ArmClient, wire: Wire) -> None:
    wire.answers = [page("1", next_link=f"{BASE}{POOL}/userSessions?x=2"), page("2")]
    pages = client.pages("rg", "pool")
    assert next(pages) == ([{"id": "1"}], 100.0)
    assert len(wire.sent) == 1
    pages.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("last", [None, ""])
def test_list_ends_where_there_is_no_next_page(client: ArmClient, wire: Wire, last: str | None) -> None:
    wire.answers = [Answer(200, {"value": [], "nextLink": last})]
    assert listed(client) == [([], 100.0)]
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    "body", [{}, {"value": None}, {"value": {}}, {"value": "x"}, [], None, 5, b"<html>", {"values": []}]
)
def test_answer_that_is_no_list_is_one_sentence_and_never_an_empty_list(
    client: ArmClient, wire: Wire, body: object
) -> None:
    wire.answers = [Answer(200, body, {"Content-Type": "text/html"} if isinstance(body, bytes) else {})]
    with pytest.raises(ServiceError, match=r"/userSessions did not answer with a list\."):
        listed(client)


def test_answer_that_is_no_json_is_one_sentence(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(200, b"{", {"Content-Type": "application/json"})]
    with pytest.raises(ServiceError, match="Azure answered 200 for host pool pool in resource group rg"):
        listed(client)


def test_nonsense_on_a_later_page_is_an_error_too(client: ArmClient, wire: Wire) -> None:
    wire.answers = [page("1", next_link=f"{BASE}{POOL}/userSessions?x=2"), Answer(200, {})]
    with pytest.raises(ServiceError, match="did not answer with a list"):
        listed(client)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_list_is_tried_again_and_is_as_old_as_the_try_that_worked(client: ArmClient, wire: Wire, status: int) -> None:
    wire.answers = [Answer(status), Answer(status, headers={"Retry-After": "7"}), page("1")]
    [(ids, sent_at)] = listed(client)
    assert ids == ["1"]
    assert len(wire.sent) == 3
    assert 7.0 in wire.slept
    assert sent_at == wire.sent[-1].at > 107.0 - 1e-6


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409])
def test_list_that_is_refused_is_not_tried_again(client: ArmClient, wire: Wire, status: int) -> None:
    wire.answers = [Answer(status, {"error": {"code": str(status), "message": "No."}})]
    with pytest.raises(ServiceError, match=r"host pool pool in resource group rg.*No"):
        listed(client)
    assert len(wire.sent) == 1


def test_list_that_goes_on_failing_ends_in_an_error_that_can_pass(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(503, {"error": {"code": "503", "message": "busy"}})]
    with pytest.raises(ServiceError, match="Azure answered 503 for host pool pool") as caught:
        listed(client)
    assert not caught.value.lasting
    assert sum(wire.slept) < 120.0


def test_token_is_asked_for_in_the_scope_of_the_cloud(clock: Clock, wire: Wire, credential: Credential) -> None:
    account = Account(credential, CLOUDS["AzureUSGovernment"], True, "")  # type: ignore[arg-type]
    wire.answers = [page()]
    listed(ArmClient(account, "sub", "tests", clock))
    assert [scopes for scopes, _options in credential.asked] == [
        ("https://management.core.usgovcloudapi.net/.default",)
    ]
    assert wire.sent[0].url.startswith("https://management.usgovcloudapi.net/subscriptions/sub/")


DROPS = [
    requests.exceptions.ConnectionError(
        urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError())
    ),
    requests.exceptions.ChunkedEncodingError("Connection broken: IncompleteRead(10 bytes read, 90 more expected)"),
    requests.exceptions.ChunkedEncodingError("Connection broken: reset"),
]
DROP_NAMES = ["before an answer", "within the answer", "reset within the answer"]


@pytest.mark.parametrize("drop", DROPS, ids=DROP_NAMES)
@pytest.mark.parametrize("what", ["list", "session"])
def test_dropped_connections_are_borne_as_long_as_an_overloaded_service(
    client: ArmClient, wire: Wire, drop: Exception, what: str
) -> None:
    wire.answers = [Answer(503)]
    with pytest.raises(ServiceError):
        listed(client)
    tries, pauses = len(wire.sent), sum(wire.slept)
    assert tries > 10
    wire.sent.clear()
    wire.slept.clear()
    wire.answers = [*[drop] * (tries - 1), page("1") if what == "list" else Answer(200, ROW)]
    if what == "list":
        assert [ids for ids, _sent_at in listed(client)] == [["1"]]
    else:
        assert find(client) == (ROW, wire.sent[-1].at)
    assert (len(wire.sent), sum(wire.slept)) == (tries, pauses)


@pytest.mark.parametrize("drop", DROPS, ids=DROP_NAMES)
def test_connections_that_go_on_dropping_end_in_an_error_that_can_pass(
    client: ArmClient, wire: Wire, drop: Exception
) -> None:
    wire.answers = [drop]
    with pytest.raises(ServiceError, match="Azure gave no clear answer for host pool pool") as caught:
        listed(client)
    assert not caught.value.lasting
    assert sum(wire.slept) < 120.0


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (requests.exceptions.ReadTimeout("silence"), 2),
        (requests.exceptions.ConnectTimeout("slow"), 4),
        (requests.exceptions.SSLError("CERTIFICATE_VERIFY_FAILED"), 4),
    ],
)
def test_what_costs_time_or_is_set_up_wrongly_is_not_tried_as_often(
    client: ArmClient, wire: Wire, error: Exception, tries: int
) -> None:
    wire.answers = [error]
    with pytest.raises(ServiceError):
        listed(client)
    assert len(wire.sent) == tries


def test_silence_after_drops_is_still_tried_again(client: ArmClient, wire: Wire) -> None:
    wire.answers = [DROPS[0], DROPS[0], requests.exceptions.ReadTimeout("silence"), DROPS[0], page("1")]
    assert [ids for ids, _sent_at in listed(client)] == [["1"]]


# One session by itself

ROW = {"id": "5", "properties": {"userPrincipalName": "alice@contoso.com", "createTime": "soon"}}
"""A row that no model of the SDK takes."""


def find(client: ArmClient) -> tuple[Mapping[str, Any], float] | None:
    return client.session("rg", "pool", "Host-1", "5")


def provider_error(text: str) -> Answer:
    return Answer(404, {"error": {"code": "404", "message": f"ActivityId: 6f5902ac Error: {text}"}})


def test_session_is_asked_for_by_itself_and_given_as_its_row(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(200, ROW)]
    assert find(client) == (ROW, 100.0)
    [sent] = wire.sent
    assert sent.method == "GET"
    assert sent.url.partition("?")[0] == f"{BASE}{POOL}/sessionHosts/Host-1/userSessions/5"
    assert sent.timeout == (CONNECT_SECONDS, LIST_SECONDS)


@pytest.mark.parametrize(
    "text", ["User session does not exist", "User session ID not found", "SessionHost does not exist"]
)
def test_session_that_the_service_does_not_know_is_none(client: ArmClient, wire: Wire, text: str) -> None:
    wire.answers = [provider_error(text)]
    assert find(client) is None
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404, {"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'sessionhost' not found"}}),
        Answer(404, {"error": {"code": "ResourceNotFound", "message": "The Resource 'X/hostPools/sessionhost' was"}}),
        Answer(403, {"error": {"code": "403", "message": "User session may not be read"}}),
        Answer(409, {"error": {"code": "409", "message": "Session host is not available"}}),
        provider_error("HostPool does not exist"),
        Answer(404, b"<html>Session not found", {"Content-Type": "text/html"}),
        Answer(404),
        Answer(200, [ROW]),
        Answer(200, {"value": []}),
        Answer(200, b"<html>", {"Content-Type": "text/html"}),
        Answer(200, b"{", {"Content-Type": "application/json"}),
        Answer(200),
        Answer(204),
    ],
)
def test_answer_that_does_not_say_that_there_is_no_session_is_an_error(
    client: ArmClient, wire: Wire, answer: Answer
) -> None:
    wire.answers = [answer]
    with pytest.raises(ServiceError):
        find(client)
    assert len(wire.sent) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_session_is_asked_for_again_and_is_as_old_as_the_try_that_worked(
    client: ArmClient, wire: Wire, status: int
) -> None:
    wire.answers = [Answer(status), Answer(status, headers={"Retry-After": "7"}), Answer(200, ROW)]
    assert find(client) == (ROW, wire.sent[-1].at)
    assert len(wire.sent) == 3
    assert wire.sent[-1].at > 107.0 - 1e-6


# Hosts


def test_host_that_the_service_knows_by_that_name_takes_one_request(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(200, {"name": "pool/Host-1"})]
    assert client.has_host("rg", "pool", "Host-1")
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("host", "known"), [("HOST-1", True), ("host-1", True), ("Host-2", False), ("pool/", False)])
def test_host_in_another_case_is_found_in_the_list(client: ArmClient, wire: Wire, host: str, known: bool) -> None:
    wire.answers = [Answer(404), Answer(200, {"value": [{"name": "pool/Host-0"}, {"name": "pool/Host-1"}]})]
    assert client.has_host("rg", "pool", host) is known
    assert [sent.method for sent in wire.sent] == ["GET", "GET"]


def test_host_of_a_pool_that_cannot_be_read_is_an_error(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(403, {"error": {"code": "x", "message": "No."}})]
    with pytest.raises(ServiceError, match="The account has no right to host pool pool"):
        client.has_host("rg", "pool", "Host-1")
    assert len(wire.sent) == 1


# The subscription of an account


def test_only_subscription_of_an_account_is_found(account: Account, wire: Wire) -> None:
    wire.answers = [Answer(200, {"value": [{"subscriptionId": "sub-1"}]})]
    assert only_subscription(account, "tests") == "sub-1"
    assert wire.paths() == [("GET", "/subscriptions?api-version=2022-12-01")]


@pytest.mark.parametrize("count", [0, 2, 3])
def test_none_or_several_subscriptions_are_an_error(account: Account, wire: Wire, count: int) -> None:
    wire.answers = [Answer(200, {"value": [{"subscriptionId": f"sub-{number}"} for number in range(count)]})]
    with pytest.raises(ServiceError, match=r"The account sees (no|more than one) subscription: set subscription_id"):
        only_subscription(account, "tests")


@pytest.mark.parametrize("body", [{}, [], {"value": 5}, {"value": [5]}, {"value": [{}]}, b"<html>", None])
def test_answer_that_is_no_list_of_subscriptions_is_one_sentence(account: Account, wire: Wire, body: object) -> None:
    wire.answers = [Answer(200, body)]
    with pytest.raises(ServiceError, match=r"did not answer with a list of subscriptions|Azure answered 200"):
        only_subscription(account, "tests")


def test_subscriptions_that_may_not_be_listed_say_so(account: Account, wire: Wire) -> None:
    wire.answers = [Answer(403, {"error": {"code": "x", "message": "No."}})]
    with pytest.raises(ServiceError, match="The account has no right to the list of subscriptions"):
        only_subscription(account, "tests")


# Signing in


def test_sign_in_asks_for_no_token_and_keeps_the_place(wire: Wire, tmp_path: Path) -> None:
    environment = {
        "HOME": str(tmp_path),
        "AZURE_CLIENT_ID": "c",
        "AZURE_TENANT": "t",
        "AZURE_SECRET": "s",
        "AZURE_SUBSCRIPTION_ID": "sub-1",
        "AZURE_CLOUD_ENVIRONMENT": "AzureUSGovernment",
    }
    account = sign_in({}, environment)
    assert type(account.credential).__name__ == "ClientSecretCredential"
    assert (account.cloud.name, account.verify, account.subscription_id) == ("AzureUSGovernment", True, "sub-1")
    assert wire.sent == []


@pytest.mark.parametrize(("variable", "found"), [("task", "task"), ("", "process"), (None, "process")])
def test_profiles_are_read_in_the_home_of_the_task(
    variable: str | None, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "process"))
    for home in ("task", "process"):
        (tmp_path / home / ".azure").mkdir(parents=True)
        profile = f"[default]\nclient_id=c\ntenant=t\nsecret=s\nsubscription_id={home}\n"
        (tmp_path / home / ".azure" / "credentials").write_text(profile)
    environment = {} if variable is None else {"HOME": str(tmp_path / variable) if variable else ""}
    assert sign_in({}, environment).subscription_id == found


@pytest.mark.parametrize(
    ("environment", "verify"),
    [
        ({}, True),
        ({"REQUESTS_CA_BUNDLE": "a"}, "a"),
        ({"SSL_CERT_FILE": "b"}, "b"),
        ({"CURL_CA_BUNDLE": "a", "SSL_CERT_FILE": "b"}, "a"),
        ({"REQUESTS_CA_BUNDLE": "b", "CURL_CA_BUNDLE": "a", "SSL_CERT_FILE": "a"}, "b"),
        ({"REQUESTS_CA_BUNDLE": " ", "SSL_CERT_FILE": "b"}, "b"),
        ({"REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": ""}, True),
    ],
)
def test_trust_follows_the_environment(environment: dict[str, str], verify: bool | str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text("")
    paths = {name: str(tmp_path / value) if value.strip() else value for name, value in environment.items()}
    expected = verify if isinstance(verify, bool) else str(tmp_path / verify)
    assert arm._verify("", paths) == expected
    assert arm._verify("validate", paths) == expected
    assert arm._verify("ignore", paths) is False


def test_file_of_a_ca_that_does_not_exist_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"^SSL_CERT_FILE is .*nothing, which does not exist"):
        arm._verify("", {"SSL_CERT_FILE": str(tmp_path / "nothing")})


def test_unknown_validation_mode_is_an_error_and_never_ignores_certificates() -> None:
    with pytest.raises(ServiceError, match="cert_validation_mode is 'off': it must be validate or ignore"):
        arm._verify("off", {})


def test_missing_packages_are_reported_where_the_account_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "IMPORT_ERROR", ImportError("no azure"))
    with pytest.raises(ImportError, match="no azure"):
        sign_in({}, {})


@pytest.mark.parametrize(
    ("present", "package"),
    [
        ("", "requests"),
        ("", "azure.core"),
        ("", "azure.mgmt.desktopvirtualization"),
        ("import requests", "urllib3.connectionpool"),  # what only the pipeline needs
    ],
)
def test_whichever_package_is_missing_the_sign_in_says_so(present: str, package: str) -> None:
    """The transport can be imported without it, so that the task can name it."""
    lines = (
        f"import sys\n{present}\nsys.modules[{package!r}] = None\nimport {arm.__name__} as arm\narm.sign_in({{}}, {{}})"
    )
    ended = subprocess.run(
        [sys.executable, "-c", lines],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "in sign_in\n" in ended.stderr
    error = ended.stderr.splitlines()[-1]
    assert error.startswith("ModuleNotFoundError: ")
    assert package in error


def test_page_that_names_itself_as_the_next_one_is_an_error(client, wire):
    wire.answers = [page("1", next_link=f"{BASE}{POOL}/userSessions?x=1")]
    pages = client.pages("rg", "pool")
    with pytest.raises(ServiceError):
        list(islice(pages, 3000))
    assert len(wire.sent) < 10


@pytest.mark.parametrize("status", [404, 429, 503])
def test_list_does_not_sleep_for_hours(client, wire, status):
    wire.answers = [Answer(status, {"error": {"code": "x", "message": "y"}}, {"Retry-After": "3600"})]
    with pytest.raises(ServiceError):
        listed(client)
    assert sum(wire.slept) < 600


@pytest.mark.parametrize("text", ["inf", "1e9", "nan", "-5"])
def test_retry_after_that_is_no_number_of_seconds_counts_as_missing(client, wire, text):
    wire.answers = [Answer(429, {}, {"Retry-After": text})]
    disconnect(client)
    assert client.writes.pause() == 1.0


def test_nothing_is_sent_when_the_run_has_ended(account: Account, clock: Clock, wire: Wire) -> None:
    client = ArmClient(account, "sub", "tests", clock, lives=lambda: False)
    assert disconnect(client)[0] is Reply.NOT_SENT
    assert wire.sent == []


# Session hosts


def test_host_is_read_by_itself_as_it_stands(client: ArmClient, wire: Wire) -> None:
    row = {"id": "x/Host-1", "properties": {"allowNewSession": False}}
    wire.answers = [Answer(200, row)]
    assert client.host("rg", "pool", "Host-1") == row
    [sent] = wire.sent
    assert (sent.method, sent.url.partition("?")[0]) == ("GET", f"{BASE}{POOL}/sessionHosts/Host-1")
    assert sent.timeout == (CONNECT_SECONDS, LIST_SECONDS)


def test_host_that_is_not_there_is_none_and_a_missing_pool_is_an_error(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(404, {"error": {"code": "404", "message": "SessionHost does not exist"}})]
    assert client.host("rg", "pool", "x") is None
    wire.answers = [Answer(404, {"error": {"code": "ResourceNotFound", "message": "The Resource is not there"}})]
    with pytest.raises(ServiceError, match="host_pool_name"):
        client.host("rg", "pool", "x")


def test_host_list_is_followed_to_its_end(client: ArmClient, wire: Wire) -> None:
    wire.answers = [page("a", "b", next_link=f"{BASE}{POOL}/sessionHosts?more"), page("c")]
    pages = list(client.host_pages("rg", "pool"))
    assert [[row["id"] for row in rows] for rows, _sent_at in pages] == [["a", "b"], ["c"]]
    assert wire.sent[0].url.partition("?")[0] == f"{BASE}{POOL}/sessionHosts"


def test_who_may_not_read_hosts_hears_of_the_role_for_it(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(403, {"error": {"code": "AuthorizationFailed", "message": "no"}})]
    for read in (lambda: client.host("rg", "pool", "x"), lambda: list(client.host_pages("rg", "pool"))):
        with pytest.raises(ServiceError, match="needs the role Desktop Virtualization Reader"):
            read()


LIMITED = Answer(429, {"error": {"code": "429", "message": "Too many."}}, {"Retry-After": "280"})


class Limited:
    """A client whose waits pass at once, and are written down."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.clock = clock
        self.lives = True
        self.told: list[str] = []
        self.client = ArmClient(account, "sub", "tests", clock, lambda: self.lives, clock.sleep, self.told.append)

    def list(self, until: float | None = None, pool: str = "pool") -> list[str]:
        return [str(row["id"]) for rows, _sent_at in self.client.host_pages("rg", pool, until) for row in rows]


@pytest.fixture(name="limited")
def fixture_limited(account: Account, clock: Clock) -> Iterator[Limited]:
    made = Limited(account, clock)
    yield made
    made.client.close()


def test_host_list_that_is_refused_for_now_is_asked_for_once_more_when_azure_says_so(
    limited: Limited, wire: Wire, clock: Clock
) -> None:
    more = page("a", next_link=f"{BASE}{POOL}/sessionHosts?more")
    wire.answers = [LIMITED, more, LIMITED, page("b")]
    began = clock.now
    assert limited.list() == ["a", "b"]
    assert len(wire.sent) == 4
    assert [sent.at - began for sent in wire.sent] == pytest.approx([0, 280, 280, 560], abs=1)
    assert len(limited.told) == 2
    assert "no session hosts for another 280 s" in limited.told[0]


def test_refusal_that_does_not_say_how_long_is_followed_by_pauses_that_double(limited: Limited, wire: Wire) -> None:
    wire.answers = [Answer(429)] * 3 + [page("a")]
    assert limited.list() == ["a"]
    gaps = [later.at - sooner.at for sooner, later in zip(wire.sent, wire.sent[1:], strict=False)]
    assert gaps == pytest.approx([1, 2, 4])


def test_host_list_is_not_waited_for_longer_than_allowed(limited: Limited, wire: Wire, clock: Clock) -> None:
    wire.answers = [LIMITED]
    with pytest.raises(
        ServiceError, match=r"host pool pool in resource group rg for another 280 s.*one by one"
    ) as error:
        limited.list(until=clock.now + 279)
    assert not error.value.lasting
    assert len(wire.sent) == 1
    with pytest.raises(ServiceError):
        limited.list()
    assert [sent.at - wire.sent[0].at for sent in wire.sent] == pytest.approx([0, 280, 560], abs=2)


def test_wait_for_a_host_list_ends_with_the_run(limited: Limited, wire: Wire, clock: Clock) -> None:
    wire.answers = [LIMITED]
    limited.lives = False
    with pytest.raises(ServiceError, match="run has ended"):
        limited.list()
    assert (len(wire.sent), clock.now - wire.sent[0].at < 1) == (1, True)


def test_other_errors_of_host_lists_are_retried_as_those_of_all_lists(limited: Limited, wire: Wire) -> None:
    wire.answers = [Answer(503), Answer(503), page("a")]
    assert limited.list() == ["a"]
    assert len(wire.sent) == 3


def test_look_up_keeps_to_the_limit_too(limited: Limited, wire: Wire) -> None:
    wire.answers = [Answer(404), LIMITED, Answer(200, {"value": [{"name": "pool/Host-1"}]})]
    assert limited.client.has_host("rg", "pool", "host-1")
    assert len(wire.sent) == 3


# Host pools


def test_host_pools_of_a_subscription_and_of_a_group_are_listed_to_the_end(client: ArmClient, wire: Wire) -> None:
    provider = "providers/Microsoft.DesktopVirtualization/hostPools"
    wire.answers = [page("a", next_link=f"{BASE}/more"), page("b"), page("c")]
    assert [row["id"] for rows, _at in client.pool_pages() for row in rows] == ["a", "b"]
    assert [row["id"] for rows, _at in client.pool_pages("rg") for row in rows] == ["c"]
    assert wire.sent[0].url.partition("?")[0] == f"{BASE}/subscriptions/sub/{provider}"
    assert wire.sent[2].url.partition("?")[0] == f"{BASE}/subscriptions/sub/resourceGroups/rg/{provider}"


def test_host_pool_is_read_by_itself_and_one_that_is_missing_is_an_error(client: ArmClient, wire: Wire) -> None:
    row = {"id": "x", "properties": {"hostPoolType": "Personal"}}
    wire.answers = [Answer(200, row)]
    assert client.pool("rg", "pool") == row
    assert wire.sent[0].url.partition("?")[0] == f"{BASE}{POOL}"
    wire.answers = [Answer(404, {"error": {"code": "ResourceNotFound", "message": "Not there"}})]
    with pytest.raises(ServiceError, match="check host_pool_name"):
        client.pool("rg", "pool")
    wire.answers = [Answer(403, {"error": {"code": "AuthorizationFailed", "message": "no"}})]
    with pytest.raises(ServiceError, match=r"host pools of subscription sub.*Desktop Virtualization Reader"):
        list(client.pool_pages())


def set_host(client: ArmClient, seconds: float = FAR) -> tuple[Reply, str]:
    return client.set_host(("rg", "pool", "Host-1"), False, FAR, seconds)


def test_host_is_set_by_one_request_that_says_nothing_else(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(200, {"id": "x"}, {"x-ms-ratelimit-remaining-subscription-writes": "0"})]
    assert set_host(client, 7.0) == (Reply.DONE, "")
    [sent] = wire.sent
    assert (sent.method, sent.url.partition("?")[0]) == ("PATCH", f"{BASE}{POOL}/sessionHosts/Host-1")
    assert "force" not in sent.url
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.body == b'{"properties": {"allowNewSession": false}}'
    assert sent.timeout == (CONNECT_SECONDS, 7.0)
    assert client.writes.pause() == pytest.approx(0.1)


@pytest.mark.parametrize(("status", "reply"), [(503, Reply.UNCLEAR), (429, Reply.THROTTLED), (404, Reply.GONE)])
def test_setting_of_a_host_is_not_repeated_by_the_libraries(
    client: ArmClient, wire: Wire, status: int, reply: Reply
) -> None:
    wire.answers = [Answer(status, headers={"Retry-After": "1"})]
    assert set_host(client)[0] is reply
    assert (len(wire.sent), wire.slept) == (1, [])


def test_who_may_not_set_a_host_hears_of_the_role_for_it(client: ArmClient, wire: Wire) -> None:
    wire.answers = [Answer(403, {"error": {"code": "AuthorizationFailed", "message": "no"}})]
    reply, reason = set_host(client)
    assert reply is Reply.REFUSED
    assert "this session host" in reason
    assert "Desktop Virtualization Session Host Operator" in reason
