# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single resources of Azure Resource Manager that the SDK does not know, read by their paths."""

from __future__ import annotations

from collections.abc import Callable
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
            request = HttpRequest("GET", self._resource_manager + path, params={"api-version": version})
            answer = self._client.send_request(request, read_timeout=READ_SECONDS)
            if answer.status_code == 404:
                return None
            answer.raise_for_status()
            found: Raw = answer.json()
        except AzureError as error:
            raise explain(error, what, READER_ROLE) from error
        except ValueError as error:
            raise ServiceError(f"Azure did not answer with {what}.") from error
        return found

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
