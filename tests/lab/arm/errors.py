# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors as Azure Resource Manager and the DesktopVirtualization provider write them."""

from __future__ import annotations

import typing
import uuid

from .wire import Answer, json_answer

API_VERSIONS = ("2024-04-03", "2025-10-10")


class RefusedError(Exception):
    """The request ends here with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> RefusedError:
    return RefusedError(json_answer({"error": {"code": code, "message": message}}, status, headers))


def provider_error(status: int, message: str) -> RefusedError:
    """The provider's own form: the status as code, and the cause only in the text."""
    return error(status, str(status), f"ActivityId: {uuid.uuid4()} Error: {message}")


def unauthorized(code: str, message: str, challenge: str) -> RefusedError:
    """`challenge`: the address of the authority."""
    header = f'Bearer authorization_uri="{challenge}", error="invalid_token", error_description="{message}"'
    return error(401, code, message, {"WWW-Authenticate": header})


def authorization_failed(client_id: str, object_id: str, action: str, scope: str) -> RefusedError:
    return error(
        403,
        "AuthorizationFailed",
        f"The client '{client_id}' with object id '{object_id}' does not have authorization to perform action "
        f"'{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh "
        "your credentials.",
    )


def subscription_not_found(subscription: str) -> RefusedError:
    return error(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")


def invalid_subscription(subscription: str) -> RefusedError:
    return error(
        400,
        "InvalidSubscriptionId",
        f"The provided subscription identifier '{subscription}' is malformed or invalid.",
    )


def resource_group_not_found(group: str) -> RefusedError:
    return error(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def host_pool_not_found(name: str, group: str) -> RefusedError:
    return error(
        404,
        "ResourceNotFound",
        f"The Resource 'Microsoft.DesktopVirtualization/hostPools/{name}' under resource group '{group}' was not "
        "found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def check_version(query: typing.Mapping[str, str], kind: str, versions: tuple[str, ...] = API_VERSIONS) -> None:
    """Refuse a missing api-version, or one that the type has not."""
    version = query.get("api-version", "")
    if not version:
        raise error(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if version not in versions:
        raise error(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location 'westeurope' and API version '{version}' for type "
            f"'{kind}'. The supported api-versions are '{', '.join(versions)}'. The supported locations are "
            "'westeurope, northeurope'.",
        )


def throttled(kind: str, subscription: str, actor: str, wait: int, retry_after: bool) -> RefusedError:
    """429 of a bucket; `wait` in seconds."""
    return error(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind}' requests for subscription '{subscription}' actor '{actor}' exceeded. Please try again "
        f"after '{wait}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for "
        "additional information.",
        {"Retry-After": str(wait)} if retry_after else {},
    )
