# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ways into the lab's ARM door: the real SDK, and plain HTTP for what the SDK would never send."""

from __future__ import annotations

import warnings
from typing import Any

import requests
from azure.core.credentials import TokenCredential
from azure.identity import ClientSecretCredential
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab

VERSION = "2024-04-03"
PLACE = ("rg-avd", "pool-01")
HOST = "avd-0.contoso.com"
ALICE = (*PLACE, HOST, "2")
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
SESSION_HOSTS = (
    "desktopvirtualizationresources | where type =~ 'microsoft.desktopvirtualization/hostpools/sessionhosts' "
    "| project id, properties | order by id asc"
)
OBJECTS = {"resultFormat": "objectArray"}
POOL = "/subscriptions/{subscription}/resourceGroups/rg-avd/providers/Microsoft.DesktopVirtualization/hostPools/pool-01"


def identity_options(lab: Lab) -> dict[str, Any]:
    """What azure-identity needs to find the lab in place of Entra."""
    return {
        "authority": lab.environment["AZURE_CLOUD_ENVIRONMENT"],
        "disable_instance_discovery": True,
        "connection_verify": lab.ca_file,
        "retry_total": 0,
    }


def secret_credential(lab: Lab, name: str = "operator", **changed: Any) -> ClientSecretCredential:
    """`changed` overwrites parts of the sign-in; no retries."""
    principal = {**lab.principals[name], **changed}
    return ClientSecretCredential(
        principal["tenant"], principal["client_id"], principal["secret"], **identity_options(lab)
    )


def sdk(lab: Lab, credential: TokenCredential | None = None, **options: Any) -> DesktopVirtualizationMgmtClient:
    """The SDK's client, without retries unless `options` bring them back."""
    subscription = options.pop("subscription_id", lab.environment["AZURE_SUBSCRIPTION_ID"])
    return DesktopVirtualizationMgmtClient(
        credential or secret_credential(lab),
        subscription,
        base_url=lab.environment["AZURE_CLOUD_ENVIRONMENT"],
        **{"connection_verify": lab.ca_file, "retry_total": 0, **options},
    )


class Arm:
    """Plain requests with a token of the operator (`token` replaces it)."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.base = lab.environment["AZURE_CLOUD_ENVIRONMENT"]
        self.pool = POOL.format(subscription=lab.environment["AZURE_SUBSCRIPTION_ID"])
        self.token = lab.access_token("operator")
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = lab.ca_file

    def send(self, method: str, path: str, *, pool: bool = True, **options: Any) -> requests.Response:
        """`path` is below the pool (`pool=False`: below the server)."""
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        parameters = {"api-version": VERSION, **options.pop("params", {})}
        url = self.base + (self.pool if pool else "") + path
        sent = {name: value for name, value in parameters.items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self._session.request(
                method, url, params=sent, headers=headers, timeout=20, allow_redirects=False, **options
            )

    def close(self) -> None:
        self._session.close()


def error_of(answer: requests.Response) -> tuple[int, str, str]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]
