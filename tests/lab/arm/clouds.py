# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's clouds by the names of their servers, and the metadata documents that describe them."""

from __future__ import annotations

import dataclasses
import typing

METADATA_LIST_VERSIONS = ("2019-05-01", "2020-06-01", "2022-09-01")
METADATA_OBJECT_VERSIONS = ("2015-01-01", "2015-11-01", "2016-09-01", "2018-05-01")


@dataclasses.dataclass(frozen=True)
class Cloud:
    """A cloud; addresses without trailing slash. The first audience is the one of old clients."""

    name: str
    resource_manager: str
    login: str
    audiences: tuple[str, ...]
    portal: str
    suffix: str  # of other services' host names

    @property
    def hosts(self) -> tuple[str, str]:
        return self.resource_manager.removeprefix("https://"), self.login.removeprefix("https://")


CLOUDS = (
    Cloud(
        "AzureCloud",
        "https://management.azure.com",
        "https://login.microsoftonline.com",
        ("https://management.core.windows.net/", "https://management.azure.com/"),
        "https://portal.azure.com",
        "windows.net",
    ),
    Cloud(
        "AzureChinaCloud",
        "https://management.chinacloudapi.cn",
        "https://login.chinacloudapi.cn",
        ("https://management.core.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
        "https://portal.azure.cn",
        "chinacloudapi.cn",
    ),
    Cloud(
        "AzureUSGovernment",
        "https://management.usgovcloudapi.net",
        "https://login.microsoftonline.us",
        ("https://management.core.usgovcloudapi.net",),
        "https://portal.azure.us",
        "usgovcloudapi.net",
    ),
)
HOST_NAMES = frozenset(host for cloud in CLOUDS for host in cloud.hosts)
OTHER_AUDIENCES = ("https://graph.microsoft.com", "https://vault.azure.net", "https://storage.azure.com")
"""Entra has them, Resource Manager refuses them."""


def own_cloud(address: str, audiences: typing.Sequence[str]) -> Cloud:
    """The lab under its own address (`127.0.0.1:1234`)."""
    base = f"https://{address}"
    named = tuple(audiences) or (*CLOUDS[0].audiences, f"{base}/")
    return Cloud("RemoteDesktopLab", base, base, named, f"{base}/portal", "lab.invalid")


def cloud_of(host: str, audiences: typing.Sequence[str]) -> Cloud:
    """The cloud that a request was addressed to, by its Host header."""
    name = host.lower().removesuffix(":443")
    return next((cloud for cloud in CLOUDS if name in cloud.hosts), None) or own_cloud(host, audiences)


def plain(audience: str) -> str:
    """Comparable form of an audience or resource."""
    return audience.lower().rstrip("/")


def accepts(cloud: Cloud, audience: str) -> bool:
    """Whether the cloud's Resource Manager takes a token for that audience."""
    return plain(audience) in {plain(one) for one in cloud.audiences}


def document(cloud: Cloud, version: str) -> typing.Any:
    """The metadata of a request addressed to that cloud, or None for a version there is not."""
    if version in METADATA_OBJECT_VERSIONS:
        return _old_form(cloud)
    if version in METADATA_LIST_VERSIONS:
        return [_new_form(one, version) for one in (CLOUDS if cloud in CLOUDS else (cloud,))]
    return None


def _old_form(cloud: Cloud) -> dict[str, typing.Any]:
    return {
        "galleryEndpoint": f"https://gallery.{cloud.suffix}/",
        "graphEndpoint": f"https://graph.{cloud.suffix}/",
        "portalEndpoint": f"{cloud.portal}/",
        "graphAudience": f"https://graph.{cloud.suffix}/",
        "authentication": {"loginEndpoint": f"{cloud.login}/", "audiences": list(cloud.audiences)},
    }


def _new_form(cloud: Cloud, version: str) -> dict[str, typing.Any]:
    suffixes = {
        "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
        "acrLoginServer": "azurecr.io",
        "sqlServerHostname": f"database.{cloud.suffix}",
        "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
        "keyVaultDns": f"vault.{cloud.suffix}",
        "storage": f"core.{cloud.suffix}",
        "azureFrontDoorEndpointSuffix": "azurefd.net",
    }
    entry: dict[str, typing.Any] = {
        "portal": cloud.portal,
        "authentication": {
            "loginEndpoint": cloud.login,
            "audiences": list(cloud.audiences),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graphAudience": f"https://graph.{cloud.suffix}/",
        "graph": f"https://graph.{cloud.suffix}/",
        "name": cloud.name,
        "suffixes": suffixes,
        "batch": f"https://batch.core.{cloud.suffix}/",
        "resourceManager": f"{cloud.resource_manager}/" if cloud in CLOUDS else cloud.resource_manager,
        "sqlManagement": f"https://management.core.{cloud.suffix}:8443/",
        "gallery": f"https://gallery.{cloud.suffix}/",
    }
    if version == "2022-09-01":
        entry["microsoftGraphResourceId"] = "https://graph.microsoft.com/"
        suffixes["mysqlServerEndpoint"] = f"mysql.database.{cloud.suffix}"
    return entry
