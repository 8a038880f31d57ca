# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error of Azure means: for an act, how it was answered; for anything else, a sentence that says what to do."""

from __future__ import annotations

import re

from .._sessions.errors import ServiceError
from .._sessions.service import Reply
from .azure_cloud import certificate_advice
from .azure_sign_in import NO_SIGN_IN

try:
    from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ServiceRequestError
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
except ImportError:  # reported where the client is made
    pass

ROLE = "Desktop Virtualization User Session Operator"
"""Azure role of those who list sessions and do something to them."""
READER_ROLE = "Desktop Virtualization Reader"
"""Azure role of those who only read session hosts."""
HOST_ROLE = "Desktop Virtualization Session Host Operator"
"""Azure role of those who drain session hosts."""
NOISE = re.compile(r"^ActivityId: \S+\s+(?:Error:\s*)?|\s*Trace ID: .*$|^Authentication failed: ", re.DOTALL)
NO_SESSION = re.compile(r"(user ?session|session ?host)\b", re.IGNORECASE)
"""How the provider's texts begin that say what is missing when it is not the host pool, which ARM itself looks for."""
SIGN_IN_ADVICE = {
    "AADSTS7000215": "the client secret is wrong; check secret (AZURE_SECRET): its value, not its id",
    "AADSTS7000222": "the client secret has expired; make a new one and set secret (AZURE_SECRET)",
    "AADSTS700016": "the tenant has no such application; check client_id (AZURE_CLIENT_ID) and tenant (AZURE_TENANT)",
    "AADSTS90002": "there is no such tenant; check tenant (AZURE_TENANT)",
    "AADSTS700027": "the certificate does not belong to the application; check x509_certificate_path",
    "AADSTS50126": "the user name or password is wrong; check ad_user (AZURE_AD_USER) and password (AZURE_PASSWORD)",
    "AADSTS50076": "the user must use multi-factor authentication; use a service principal or a managed identity",
    "AADSTS50079": "the user must use multi-factor authentication; use a service principal or a managed identity",
}
SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")
LONGEST_RETRY_AFTER = 600.0
"""Seconds that a refusal for now is believed at most."""
NOT_FOUND = {
    "SubscriptionNotFound": "check subscription_id (AZURE_SUBSCRIPTION_ID)",
    "InvalidSubscriptionId": "check subscription_id (AZURE_SUBSCRIPTION_ID)",
    "ResourceGroupNotFound": "check resource_group_name and subscription_id",
}


def reply_to(error: AzureError, place: str = "this session", role: str = ROLE) -> tuple[Reply, str, float | None]:
    """Read the answer to an act: the reply, the reason, and for a refusal for now how many seconds it asks to wait.

    `place` is what it is about, `role` the Azure role for it.
    """
    status = _status(error)
    if isinstance(error, ClientAuthenticationError) and status != 401:
        return Reply.REFUSED, str(explain(error, "")), None
    if status is None:
        return Reply.NOT_SENT if _never_left(error) else Reply.UNCLEAR, f"no clear answer ({_text(error)})", None
    reason = f"answer {status}: {_text(error)}"
    if 200 <= status < 300:
        return Reply.DONE, "", None
    if status == 404:
        return Reply.GONE, reason, None
    if status == 429:
        return Reply.THROTTLED, reason, retry_after(error)
    if status == 408 or status >= 500:
        return Reply.UNCLEAR, reason, None
    return Reply.REFUSED, str(explain(error, place, role)) if status in (401, 403) else reason, None


def is_throttled(error: AzureError) -> bool:
    """Tell whether the service refused because too much was asked in a short time."""
    return _status(error) == 429


def says_no_session(error: AzureError) -> bool:
    """Tell whether an answer says that there is no such session, and not that its pool is missing."""
    return _status(error) == 404 and bool(NO_SESSION.match(_text(error)))


def says_nothing_there(error: AzureError) -> bool:
    """Tell whether an answer says that there is nothing, and not that this version of the API knows no such thing."""
    return _status(error) == 404 and _code(error) != "InvalidResourceType"


def explain(error: AzureError, place: str, role: str = ROLE) -> ServiceError:
    """Turn an error into a sentence for the user; `place` is what was being read, `role` the Azure role for it."""
    status, text = _status(error), _text(error)
    if isinstance(error, ClientAuthenticationError) and (status != 401 or "AADSTS" in text):
        return _explain_sign_in(text)
    if status is None:
        if "CERTIFICATE_VERIFY_FAILED" in text or "certificate" in text.casefold():
            return ServiceError(f"Azure could not be reached for {place}: {certificate_advice(error)}")
        if isinstance(error, ServiceRequestError):
            return ServiceError(
                f"Azure could not be reached for {place} ({_cause(error)}): check network, proxy and cloud.",
                lasting=False,
            )
        return ServiceError(f"Azure gave no clear answer for {place} ({_cause(error)}).", lasting=False)
    if status == 404:
        code = _code(error)
        advice = NOT_FOUND.get(code, "check host_pool_name, resource_group_name and subscription_id")
        return ServiceError(f"Azure does not know {place}: {text.rstrip('.')}; {advice}.")
    if status == 403:
        return ServiceError(f"The account has no right to {place}: {text.rstrip('.')}; it needs the role {role}.")
    if status == 401:
        return ServiceError(f"Azure did not accept the token for {place}: {text.rstrip('.')}; check cloud_environment.")
    lasting = not (status in (408, 429) or status >= 500)
    return ServiceError(f"Azure answered {status} for {place}: {text}", lasting=lasting)


def _explain_sign_in(text: str) -> ServiceError:
    if "Azure CLI not found" in text:
        return ServiceError(NO_SIGN_IN)
    if "Unable to get authority configuration" in text:
        return ServiceError(
            "The Azure sign-in failed: there is no such tenant or authority; check tenant (AZURE_TENANT)."
        )
    code = re.search(r"AADSTS\d+", text)
    if code and code.group() in SIGN_IN_ADVICE:
        return ServiceError(f"Azure refused the sign-in ({code.group()}): {SIGN_IN_ADVICE[code.group()]}.")
    return ServiceError(f"The Azure sign-in failed: {text}")


def _status(error: AzureError) -> int | None:
    return getattr(error, "status_code", None) if isinstance(error, HttpResponseError) else None


def _code(error: AzureError) -> str:
    details = getattr(error, "error", None)
    return str(getattr(details, "code", "") or "")


def _text(error: AzureError) -> str:
    details = getattr(error, "error", None)
    text = str(getattr(details, "message", None) or error.message or type(error).__name__)
    return " ".join(NOISE.sub("", text.strip()).split())


def _causes(error: AzureError) -> list[BaseException]:
    """Return an error and what is wrapped in it by HTTP libraries, the innermost last."""
    causes: list[BaseException] = [error]
    while True:
        cause = causes[-1]
        inner = getattr(cause, "reason", None) or getattr(cause, "inner_exception", None)
        if not isinstance(inner, BaseException) and cause.args and isinstance(cause.args[0], BaseException):
            inner = cause.args[0]
        if not isinstance(inner, BaseException) or inner in causes:
            return causes
        causes.append(inner)


def _cause(error: AzureError) -> str:
    """Name the innermost cause: the text around it is of no use to the reader."""
    return type(_causes(error)[-1]).__name__


def _never_left(error: AzureError) -> bool:
    """Tell whether there was no connection for a request, so that certainly nothing of it left."""
    return any(isinstance(cause, (NewConnectionError, ConnectTimeoutError)) for cause in _causes(error))


def retry_after(error: AzureError) -> float | None:
    """Return how many seconds an answer asks to wait before another try."""
    response = getattr(error, "response", None)
    text = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(text), LONGEST_RETRY_AFTER) if SECONDS.fullmatch(text) else None
