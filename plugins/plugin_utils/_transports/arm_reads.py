# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the SDK does not know of Azure Resource Manager: single resources and lists, read by their paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._sessions.errors import ServiceError
from .arm_errors import READER_ROLE, explain, says_nothing_there
from .arm_pipeline import make_policies, make_transport

try:
    from azure.core.exceptions import AzureError
    from azure.core.rest import HttpRequest
    from azure.mgmt.core import ARMPipelineClient
except ImportError:  # reported where the account signs in
    pass

if TYPE_CHECKING:
    from .arm import Account, Raw

READ_SECONDS = 30
"""Longest silence while a resource is read."""


class ArmReader:
    """Reads for one account."""

    def __init__(self, account: Account, user_agent: str, clock: Callable[[], float]) -> None:
        """`clock` counts seconds."""
        self._resource_manager = account.cloud.resource_manager
        self._client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            self._resource_manager,
            policies=make_policies(account.credential, account.cloud.scope, user_agent, clock),
            transport=make_transport(account.verify),
        )

    def read(self, path: str, version: str, what: str) -> Raw | None:
        """Read what is at a path, `None` where there is nothing; `what` is for errors. Raises ServiceError."""
        try:
            return self._ask(self._resource_manager + path, {"api-version": version}, what)
        except AzureError as error:
            if says_nothing_there(error):
                return None
            raise explain(error, what, READER_ROLE) from error

    def read_all(self, path: str, version: str, what: str) -> list[Raw]:
        """Read a list to its end; `what` is for errors. Raises ServiceError, also where there is no such list."""
        rows: list[Raw] = []
        address, parameters, seen = self._resource_manager + path, {"api-version": version}, set()
        while address:
            if address in seen:
                raise ServiceError(f"The list of {what} leads back to a page that was read already.")
            seen.add(address)
            try:
                page = self._ask(address, parameters, what)
            except AzureError as error:
                raise explain(error, what, READER_ROLE) from error
            value = page.get("value")
            if not isinstance(value, list) or not all(isinstance(row, Mapping) for row in value):
                raise ServiceError(f"Azure did not answer with {what}.")
            rows += value
            address, parameters = str(page.get("nextLink") or ""), {}
        return rows

    def _ask(self, address: str, parameters: dict[str, str], what: str) -> Raw:
        answer = self._client.send_request(HttpRequest("GET", address, params=parameters), read_timeout=READ_SECONDS)
        answer.raise_for_status()
        try:
            found: Raw = answer.json()
        except ValueError as error:
            raise ServiceError(f"Azure did not answer with {what}.") from error
        if not isinstance(found, Mapping):
            raise ServiceError(f"Azure did not answer with {what}.")
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
