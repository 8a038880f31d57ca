# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential of azure-identity for a sign-in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._sessions.errors import ServiceError
from .azure_cloud import Cloud
from .azure_sign_in import SignIn

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

AZURE_CLI_CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""Public client of the Azure CLI, with which azure.azcollection signs users in when no client_id is given."""


def make_credential(sign_in: SignIn, cloud: Cloud, verify: bool | str) -> TokenCredential:
    """Make the credential; `verify` is a CA file or whether to check certificates.

    Imports azure.identity, half of the cost of a task, only here. Raises ServiceError and ImportError.
    """
    from azure import identity

    common: dict[str, Any] = {
        "authority": sign_in.get("adfs_authority_url") or cloud.authority,
        "disable_instance_discovery": _instance_discovery_disabled(sign_in, cloud),
        "connection_verify": verify,
    }
    tenant, client = sign_in.get("tenant"), sign_in.get("client_id")
    try:
        if sign_in.method == "cli":
            return identity.AzureCliCredential(tenant_id=tenant)
        if sign_in.method == "msi":
            return identity.ManagedIdentityCredential(client_id=client or None)
        if sign_in.method == "password":
            return identity.UsernamePasswordCredential(
                client or AZURE_CLI_CLIENT_ID,
                sign_in.get("ad_user"),
                sign_in.get("password"),
                tenant_id=tenant or "organizations",
                **common,
            )
        if sign_in.method == "secret":
            return identity.ClientSecretCredential(tenant, client, sign_in.get("secret"), **common)
        if sign_in.method == "x509_certificate_path":
            certificate = _read(sign_in, "x509_certificate_path")
            _check_thumbprint(certificate, sign_in.get("thumbprint"))
            return identity.CertificateCredential(tenant, client, certificate_data=certificate, **common)
        return identity.ClientAssertionCredential(tenant, client, _assertion(sign_in), **common)
    except ValueError as error:
        raise ServiceError(f"The Azure sign-in cannot be used: {error}") from error


def _instance_discovery_disabled(sign_in: SignIn, cloud: Cloud) -> bool:
    """An authority found in metadata is unknown to Entra's public list, which often cannot be reached from there."""
    text = sign_in.get("disable_instance_discovery")
    if not text:
        return cloud.discovered
    return text.casefold() in ("1", "true", "yes", "on", "y", "t")


def _assertion(sign_in: SignIn) -> Callable[[], str]:
    if sign_in.method == "oidc_token":
        return lambda: sign_in.get("oidc_token")
    newest = [_read(sign_in, "oidc_token_file_path")]

    def assertion() -> str:
        # Read again for each token: the platform renews the file. Under a guard it may be gone with the run.
        with suppress(ServiceError):
            newest[0] = _read(sign_in, "oidc_token_file_path")
        return newest[0].decode().strip()

    return assertion


def _read(sign_in: SignIn, option: str) -> bytes:
    path = Path(sign_in.get(option)).expanduser()
    try:
        return path.read_bytes()
    except OSError as error:
        raise ServiceError(f"{option} is {path}, which cannot be read: {error.strerror}.") from error


def _check_thumbprint(certificate: bytes, thumbprint: str) -> None:
    """Refuse another certificate than the one that the thumbprint names, when one is given."""
    if not thumbprint:
        return
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA1

    found = [one.fingerprint(SHA1()).hex() for one in x509.load_pem_x509_certificates(certificate)]
    if thumbprint.replace(":", "").replace(" ", "").casefold() not in found:
        raise ServiceError("The certificate in x509_certificate_path does not have the thumbprint that is given.")
