# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an Azure cloud is: its Resource Manager, its authority and the scope of its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._sessions.errors import ServiceError

try:
    import requests
except ImportError:  # comes with azure-core and msal; their absence is reported where the client is made
    pass

METADATA_PATH = "/metadata/endpoints"
METADATA_VERSION = "2022-09-01"
METADATA_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Cloud:
    """Endpoints of a cloud. `discovered` ones came from a metadata URL, so Entra's public list does not know them."""

    name: str
    resource_manager: str
    authority: str
    scope: str
    discovered: bool = False


# The scopes are those that the clouds' own metadata documents name as audiences.
CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud(
            "AzureCloud",
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://management.azure.com/.default",
        ),
        Cloud(
            "AzureChinaCloud",
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
        Cloud(
            "AzureUSGovernment",
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            "https://management.core.usgovcloudapi.net/.default",
        ),
    )
}


def find_cloud(name: str, verify: bool | str) -> Cloud:
    """Return the cloud of a well-known name or of a metadata URL; `verify` is a CA file or whether to check.

    Raises ServiceError.
    """
    for known, cloud in CLOUDS.items():
        if known.casefold() == name.casefold():
            return cloud
    if _scheme(name) != "https":
        raise ServiceError(
            f"cloud_environment is {name!r}: it must be {', '.join(CLOUDS)} or the https URL of a cloud's metadata."
        )
    return read_metadata(name, _fetch(name, verify))


def read_metadata(url: str, document: object) -> Cloud:
    """Read a cloud's metadata document, in its old form (an object) or its new one (a list of clouds).

    It is decoded JSON. Its `url` says which cloud of a list is meant, and where the Resource Manager is if it does not
    say so itself. Raises ServiceError when it is neither.
    """
    entries = document if isinstance(document, list) else [document]
    for entry in entries:
        cloud = _read_entry(url, entry)
        if cloud and (len(entries) == 1 or _same_server(cloud.resource_manager, url)):
            return cloud
    raise ServiceError(
        f"cloud_environment {url} did not answer with a cloud's metadata (authentication.loginEndpoint and "
        "authentication.audiences). Give the URL of the cloud's Resource Manager."
    )


def _read_entry(url: str, entry: object) -> Cloud | None:
    authentication = entry.get("authentication") if isinstance(entry, Mapping) else None
    if not isinstance(entry, Mapping) or not isinstance(authentication, Mapping):
        return None
    login, audiences = authentication.get("loginEndpoint"), authentication.get("audiences")
    if not isinstance(login, str) or _scheme(login) != "https":
        return None
    if not isinstance(audiences, list) or not audiences or not all(isinstance(audience, str) for audience in audiences):
        return None
    parts = urlsplit(url)
    manager = entry.get("resourceManager")
    manager = manager if isinstance(manager, str) and manager else f"https://{parts.netloc}"
    if _scheme(manager) != "https":
        return None
    audience = next((one for one in audiences if _same_server(one, manager)), audiences[0])
    name = entry.get("name")
    return Cloud(
        name if isinstance(name, str) else url,
        manager.rstrip("/"),
        login.rstrip("/"),
        f"{audience.rstrip('/')}/.default",
        discovered=True,
    )


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _same_server(one: str, other: str) -> bool:
    return urlsplit(one).netloc.casefold() == urlsplit(other).netloc.casefold()


def _fetch(url: str, verify: bool | str) -> object:
    full = url if METADATA_PATH in url else url.rstrip("/") + METADATA_PATH
    try:
        answer = requests.get(
            full,
            params=None if "api-version=" in full else {"api-version": METADATA_VERSION},
            verify=verify,
            timeout=METADATA_SECONDS,
            allow_redirects=False,  # it says where the secret is sent
        )
        answer.raise_for_status()
        document: object = answer.json()
    except requests.exceptions.SSLError as error:
        raise ServiceError(f"cloud_environment {url} could not be read: {certificate_advice(error)}") from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise ServiceError(
            f"cloud_environment {url} did not answer with a cloud's metadata ({type(error).__name__}). "
            "Give the URL of the cloud's Resource Manager."
        ) from error
    return document


def certificate_advice(error: BaseException) -> str:
    """Say what is wrong with a server's certificate, and what to do."""
    text = str(error)
    if "certificate has expired" in text:
        return "its certificate has expired; the server needs a new one."
    if "not valid for" in text or "doesn't match" in text or "mismatch" in text.casefold():
        return "its certificate is for another host name; check the address."
    return (
        "its certificate is not trusted; set REQUESTS_CA_BUNDLE or SSL_CERT_FILE to the file of the CA that issued it."
    )
