# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Graph: the session hosts of whole subscriptions, a thousand in one request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .._sessions.errors import ServiceError
from .arm_errors import READER_ROLE, explain
from .arm_pipeline import make_policies, make_transport

try:
    from azure.core.exceptions import AzureError
    from azure.core.rest import HttpRequest
    from azure.mgmt.core import ARMPipelineClient
except ImportError:  # reported where the account signs in
    pass

if TYPE_CHECKING:
    from .arm import Account, Raw

PATH = "/providers/Microsoft.ResourceGraph/resources"
VERSION = "2021-03-01"
QUERY = (
    "desktopvirtualizationresources | where type =~ 'microsoft.desktopvirtualization/hostpools/sessionhosts' "
    "| project id, properties | order by id asc"
)
"""Constant: names of users never become part of a query. Without ids in it, pages cannot be gone on with."""
PAGE_ROWS = 1000
"""The most that Azure gives."""
READ_SECONDS = 60
"""Longest silence while a page is read."""
RESETS = re.compile(r"(\d\d):(\d\d):(\d\d)")


def read_session_hosts(
    account: Account,
    subscriptions: Sequence[str],
    user_agent: str,
    clock: Callable[[], float],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[list[Raw]]:
    """Read the session hosts of subscriptions: pages of rows with `id` and `properties`, as ARM says them.

    Azure leaves out what the account may not read. Raises ServiceError.
    """
    place = "the session hosts in Azure Resource Graph"
    resource_manager = account.cloud.resource_manager
    client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
        resource_manager,
        policies=make_policies(account.credential, account.cloud.scope, user_agent, clock),
        transport=make_transport(account.verify),
    )
    options: dict[str, Any] = {"resultFormat": "objectArray", "$top": PAGE_ROWS}
    count, first_total = 0, None
    try:
        while True:
            body = {"subscriptions": list(subscriptions), "query": QUERY, "options": options}
            request = HttpRequest("POST", resource_manager + PATH, params={"api-version": VERSION}, json=body)
            answer = client.send_request(request, read_timeout=READ_SECONDS)
            answer.raise_for_status()
            rows, total, token = _read_page(answer.json())
            if first_total not in (None, total):
                # Rows moved between pages: one that slid to a page read before would be missing, with the right count.
                raise ServiceError(
                    f"Azure Resource Graph said that there are {first_total} session hosts, then {total}: some were "
                    "added or removed while the list was read. Try again.",
                    lasting=False,
                )
            first_total = total
            yield rows
            count += len(rows)
            if not token:
                break
            if token == options.get("$skipToken"):
                raise ServiceError("Azure Resource Graph leads back to a page that was read already.")
            options["$skipToken"] = token
            sleep(_pause(answer.headers))
    except AzureError as error:
        raise explain(error, place, READER_ROLE) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError("Azure Resource Graph did not answer with a list of session hosts.") from error
    finally:
        client.close()
    if count != total:
        raise ServiceError(f"Azure Resource Graph said that there are {total} session hosts, and showed {count}.")


def _read_page(page: Any) -> tuple[list[Raw], int, str]:
    """Return a page's rows, how many rows there are in all, and the token of the next page."""
    rows, token = page["data"], page.get("$skipToken") or ""
    if not isinstance(rows, list):
        raise TypeError
    if str(page["resultTruncated"]).lower() == "true" and not token:
        raise ServiceError("Azure Resource Graph showed only a part of the session hosts.")
    return rows, int(page["totalRecords"]), str(token)


def _pause(headers: Any) -> float:
    """Return the seconds to wait when the account's quota of queries is used up."""
    resets = RESETS.fullmatch(headers.get("x-ms-user-quota-resets-after", ""))
    if headers.get("x-ms-user-quota-remaining") != "0" or not resets:
        return 0.0
    hours, minutes, seconds = (int(part) for part in resets.groups())
    return float(hours * 3600 + minutes * 60 + seconds)
