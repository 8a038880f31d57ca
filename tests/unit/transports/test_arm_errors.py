# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each class of answer means: built of azure-core's own exceptions over hand-made responses."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any

import pytest
import requests
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpRequest, RequestsTransportResponse
from azure.identity import CredentialUnavailableError
from azure.mgmt.core.exceptions import ARMErrorFormat

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm_errors import (
    SIGN_IN_ADVICE,
    explain,
    reply_to,
)

PLACE = "host pool Pool-1 in resource group RG-1"
KINDS = {401: ClientAuthenticationError, 404: ResourceNotFoundError, 409: ResourceExistsError}


def answer(status: int, message: str = "busy", code: str = "", **headers: str) -> HttpResponseError:
    """Make the exception that the SDK raises for an answer."""
    made = requests.Response()
    made.status_code = status
    made.reason = "Reason"
    made._content = json.dumps({"error": {"code": code or str(status), "message": message}}).encode()
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    made.headers["Content-Type"] = "application/json"
    response = RequestsTransportResponse(HttpRequest("POST", "https://management.azure.com/x"), made)
    kind = KINDS.get(status, HttpResponseError)
    return kind(response=response, error_format=ARMErrorFormat)


def unreachable(cause: Exception) -> ServiceRequestError:
    """Make the exception that azure-core raises when no connection came about."""
    pool_error = requests.packages.urllib3.exceptions.MaxRetryError(None, "/x", cause)  # type: ignore[attr-defined]
    return ServiceRequestError(requests.exceptions.ConnectionError(pool_error), error=pool_error)


# Acts


@pytest.mark.parametrize(
    ("status", "reply"),
    [
        (201, Reply.DONE),
        (202, Reply.DONE),
        (204, Reply.DONE),
        (301, Reply.REFUSED),
        (304, Reply.REFUSED),
        (307, Reply.REFUSED),
        (308, Reply.REFUSED),
        (400, Reply.REFUSED),
        (401, Reply.REFUSED),
        (403, Reply.REFUSED),
        (404, Reply.GONE),
        (405, Reply.REFUSED),
        (408, Reply.UNCLEAR),
        (409, Reply.REFUSED),
        (412, Reply.REFUSED),
        (429, Reply.THROTTLED),
        (499, Reply.REFUSED),
        (500, Reply.UNCLEAR),
        (502, Reply.UNCLEAR),
        (503, Reply.UNCLEAR),
        (504, Reply.UNCLEAR),
        (599, Reply.UNCLEAR),
    ],
)
def test_status_of_an_act_means_one_thing(status: int, reply: Reply) -> None:
    found, reason, retry_after = reply_to(answer(status))
    assert found is reply
    assert retry_after is None
    assert bool(reason) is (reply is not Reply.DONE)


@pytest.mark.parametrize(
    "error",
    [
        ServiceRequestError("refused"),
        ServiceRequestTimeoutError("slow"),
        ServiceResponseError("reset"),
        ServiceResponseTimeoutError("silence"),
        AzureError("anything"),
        HttpResponseError("no response at all"),
        unreachable(OSError("refused")),
    ],
)
def test_act_without_a_status_is_unclear_and_never_done_or_refused(error: AzureError) -> None:
    reply, reason, retry_after = reply_to(error)
    assert reply is Reply.UNCLEAR
    assert reason.startswith("no clear answer (")
    assert retry_after is None


@pytest.mark.parametrize("error", [ClientAuthenticationError("AADSTS7000215: no"), CredentialUnavailableError("no")])
def test_act_without_a_token_is_refused_because_nothing_was_sent(error: AzureError) -> None:
    reply, reason, _retry_after = reply_to(error)
    assert reply is Reply.REFUSED
    assert "sign-in" in reason


@pytest.mark.parametrize(
    ("text", "seconds"), [("17", 17.0), ("0", 0.0), ("1.5", 1.5), ("Sat, 21 Nov 2026 12:00:00 GMT", None), ("", None)]
)
def test_refusal_for_now_says_how_long_to_wait(text: str, seconds: float | None) -> None:
    assert reply_to(answer(429, Retry_After=text))[2] == seconds
    assert reply_to(answer(429))[2] is None


def test_other_answers_never_ask_to_wait() -> None:
    for status in (404, 408, 409, 500, 503):
        assert reply_to(answer(status, Retry_After="17"))[2] is None


def test_reason_is_the_status_and_what_the_service_said_without_its_noise() -> None:
    error = answer(404, "ActivityId: 5f0d5c2e-0000 Error: User session ID not found", "404")
    assert reply_to(error)[1] == "answer 404: User session ID not found"
    assert reply_to(answer(503, "ActivityId: 5f0d5c2e-0000   try\n  later"))[1] == "answer 503: try later"


def test_act_without_the_right_names_the_role() -> None:
    _reply, reason, _retry_after = reply_to(answer(403, "The client 'x' does not have authorization.", "Authorization"))
    assert reason == (
        "The account has no right to this session: The client 'x' does not have authorization; "
        "it needs the role Desktop Virtualization User Session Operator."
    )


# Everything else


@pytest.mark.parametrize("code", sorted(SIGN_IN_ADVICE))
def test_known_sign_in_error_says_what_to_check(code: str) -> None:
    text = f"Authentication failed: {code}: A long text with 'values'. Trace ID: 1 Correlation ID: 2 Timestamp: 3"
    error = explain(ClientAuthenticationError(text), PLACE)
    assert str(error) == f"Azure refused the sign-in ({code}): {SIGN_IN_ADVICE[code]}."
    assert error.lasting


def test_other_sign_in_error_is_shown_without_its_noise() -> None:
    text = "Authentication failed: AADSTS99999: Something new. Trace ID: 1 Correlation ID: 2\nTimestamp: 3"
    error = explain(ClientAuthenticationError(text), PLACE)
    assert str(error) == "The Azure sign-in failed: AADSTS99999: Something new."


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Azure CLI not found on path", "No Azure sign-in was found: set client_id, tenant and secret"),
        ("Unable to get authority configuration for https://login/t.", "check tenant (AZURE_TENANT)"),
    ],
)
def test_sign_in_that_has_no_code_of_its_own_says_what_to_do_too(text: str, advice: str) -> None:
    assert advice in str(explain(CredentialUnavailableError(text), PLACE))


def test_sign_in_error_that_came_with_a_response_is_still_about_the_sign_in() -> None:
    error = explain(answer(401, "AADSTS7000215: Invalid client secret provided."), PLACE)
    assert str(error).startswith("Azure refused the sign-in (AADSTS7000215)")


def test_token_that_the_cloud_does_not_take_says_so() -> None:
    error = explain(answer(401, "The access token is from the wrong issuer.", "InvalidAuthenticationToken"), PLACE)
    assert str(error) == (
        f"Azure did not accept the token for {PLACE}: The access token is from the wrong issuer; "
        "check cloud_environment."
    )
    assert error.lasting


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("SubscriptionNotFound", "check subscription_id (AZURE_SUBSCRIPTION_ID)."),
        ("InvalidSubscriptionId", "check subscription_id (AZURE_SUBSCRIPTION_ID)."),
        ("ResourceGroupNotFound", "check resource_group_name and subscription_id."),
        ("ResourceNotFound", "check host_pool_name, resource_group_name and subscription_id."),
        ("404", "check host_pool_name, resource_group_name and subscription_id."),
    ],
)
def test_unknown_place_says_what_to_check(code: str, advice: str) -> None:
    error = explain(answer(404, "It could not be found.", code), PLACE)
    assert str(error) == f"Azure does not know {PLACE}: It could not be found; {advice}"
    assert error.lasting


@pytest.mark.parametrize(("status", "lasting"), [(400, True), (409, True), (408, False), (429, False), (503, False)])
def test_only_what_can_pass_is_worth_another_try(status: int, lasting: bool) -> None:
    error = explain(answer(status), PLACE)
    assert error.lasting is lasting
    assert str(error) == f"Azure answered {status} for {PLACE}: busy"


def test_page_that_is_not_json_is_one_sentence() -> None:
    response: Any = answer(200).response
    response.internal_response._content = b"<html>"
    error = DecodeError(message="JSON is invalid: <html>", response=response)
    assert str(explain(error, PLACE)) == f"Azure answered 200 for {PLACE}: JSON is invalid: <html>"


@pytest.mark.parametrize(
    ("cause", "name"),
    [
        (OSError("refused"), "OSError"),
        (socket.gaierror(-2, "Name or service not known"), "gaierror"),
        (ConnectionRefusedError(111, "refused"), "ConnectionRefusedError"),
    ],
)
def test_place_that_cannot_be_reached_names_the_innermost_cause(cause: Exception, name: str) -> None:
    error = explain(unreachable(cause), PLACE)
    assert str(error) == f"Azure could not be reached for {PLACE} ({name}): check network, proxy and cloud."
    assert not error.lasting


def test_silence_is_no_clear_answer() -> None:
    error = explain(ServiceResponseTimeoutError("Read timed out."), PLACE)
    assert str(error) == f"Azure gave no clear answer for {PLACE} (ServiceResponseTimeoutError)."
    assert not error.lasting


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("certificate verify failed: self-signed certificate", "set REQUESTS_CA_BUNDLE or SSL_CERT_FILE"),
        ("certificate verify failed: certificate has expired", "its certificate has expired"),
        ("certificate verify failed: Hostname mismatch", "its certificate is for another host name"),
    ],
)
def test_bad_certificate_says_what_to_do_and_is_not_tried_again(text: str, advice: str) -> None:
    cause = ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] {text} (_ssl.c:1000)")
    error = explain(unreachable(cause), PLACE)
    assert str(error).startswith(f"Azure could not be reached for {PLACE}: ")
    assert advice in str(error)
    assert error.lasting


def test_sign_in_error_with_a_response_is_no_answer_to_the_act():
    from azure.core.pipeline.transport import HttpRequest, RequestsTransportResponse

    for status in (200, 400, 404, 429):
        made = requests.Response()
        made.status_code, made._content = status, b"<html>"
        response = RequestsTransportResponse(HttpRequest("GET", "http://169.254.169.254/x"), made)
        error = ClientAuthenticationError(message="Unexpected content type", response=response)
        assert reply_to(error)[0] is Reply.REFUSED
