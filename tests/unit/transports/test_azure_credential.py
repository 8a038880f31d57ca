# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which credential of azure-identity is made of a sign-in, and with which arguments."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from azure import identity
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_cloud import CLOUDS, Cloud
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_credential import (
    AZURE_CLI_CLIENT_ID,
    make_credential,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_sign_in import SignIn

PUBLIC = CLOUDS["AzureCloud"]
GOVERNMENT = CLOUDS["AzureUSGovernment"]
LAB = Cloud("lab", "https://lab.example", "https://login.lab.example", "https://lab.example/.default", discovered=True)
CLASSES = (
    "AzureCliCredential",
    "ManagedIdentityCredential",
    "UsernamePasswordCredential",
    "ClientSecretCredential",
    "CertificateCredential",
    "ClientAssertionCredential",
)


class Made:
    """Stands for a credential: remembers its class and arguments."""

    def __init__(self, kind: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        self.kind, self.args, self.options = kind, args, options


@pytest.fixture(autouse=True)
def fixture_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in CLASSES:
        monkeypatch.setattr(
            identity, kind, lambda *args, _kind=kind, **options: Made(_kind, args, options), raising=False
        )


def make(method: str, cloud: Cloud = PUBLIC, verify: bool | str = True, **values: str) -> Made:
    made: Any = make_credential(SignIn(method, values), cloud, verify)
    assert isinstance(made, Made)
    return made


def common(authority: str = PUBLIC.authority, discovery_disabled: bool = False, verify: bool | str = True) -> Any:
    return {
        "authority": authority,
        "disable_instance_discovery": discovery_disabled,
        "connection_verify": verify,
    }


def pem() -> tuple[bytes, str]:
    """Make a certificate with its key; return both and its thumbprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "lab")])
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return private + public, certificate.fingerprint(hashes.SHA1()).hex()


def test_secret_signs_in_a_service_principal() -> None:
    made = make("secret", client_id="c", tenant="t", secret="s", subscription_id="x")
    assert (made.kind, made.args, made.options) == ("ClientSecretCredential", ("t", "c", "s"), common())


def test_authority_is_that_of_the_cloud_unless_adfs_is_given() -> None:
    assert make("secret", GOVERNMENT).options["authority"] == "https://login.microsoftonline.us"
    made = make("secret", GOVERNMENT, adfs_authority_url="https://adfs.example/adfs")
    assert made.options["authority"] == "https://adfs.example/adfs"


@pytest.mark.parametrize("verify", [True, False, "/ca.pem"])
def test_trust_of_the_task_is_the_trust_of_the_sign_in(verify: bool | str) -> None:
    assert make("secret", verify=verify).options["connection_verify"] == verify


@pytest.mark.parametrize(
    ("cloud", "text", "disabled"),
    [
        (PUBLIC, "", False),
        (LAB, "", True),
        (PUBLIC, "True", True),
        (PUBLIC, "yes", True),
        (PUBLIC, "1", True),
        (PUBLIC, "False", False),
        (LAB, "False", False),
        (LAB, "no", False),
    ],
)
def test_instance_discovery_is_off_where_asked_or_where_the_public_list_does_not_know_the_cloud(
    cloud: Cloud, text: str, disabled: bool
) -> None:
    made = make("secret", cloud, disable_instance_discovery=text)
    assert made.options["disable_instance_discovery"] is disabled


def test_command_line_signs_in_with_its_tenant_if_any() -> None:
    assert make("cli", tenant="t").options == {"tenant_id": "t"}
    made = make("cli")
    assert (made.kind, made.args, made.options) == ("AzureCliCredential", (), {"tenant_id": ""})


def test_managed_identity_is_the_system_one_unless_a_client_id_is_given() -> None:
    assert make("msi").options == {"client_id": None}
    made = make("msi", client_id="c")
    assert (made.kind, made.args, made.options) == ("ManagedIdentityCredential", (), {"client_id": "c"})


def test_user_signs_in_with_the_client_of_the_command_line_unless_one_is_given() -> None:
    made = make("password", ad_user="u", password="p")
    assert (made.kind, made.args) == ("UsernamePasswordCredential", (AZURE_CLI_CLIENT_ID, "u", "p"))
    assert made.options == {"tenant_id": "organizations", **common()}
    made = make("password", ad_user="u", password="p", client_id="c", tenant="t")
    assert made.args == ("c", "u", "p")
    assert made.options["tenant_id"] == "t"


@pytest.mark.parametrize("write", [lambda text: "", str, str.upper, ":".join, " {} ".format])
def test_certificate_signs_in_with_its_thumbprint_in_any_form(write: Any, tmp_path: Path) -> None:
    data, thumbprint = pem()
    path = tmp_path / "c.pem"
    path.write_bytes(data)
    made = make(
        "x509_certificate_path",
        client_id="c",
        tenant="t",
        x509_certificate_path=str(path),
        thumbprint=write(thumbprint),
    )
    assert (made.kind, made.args) == ("CertificateCredential", ("t", "c"))
    assert made.options == {"certificate_data": data, **common()}


def test_certificate_with_another_thumbprint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "c.pem"
    path.write_bytes(pem()[0])
    with pytest.raises(ServiceError, match="does not have the thumbprint that is given"):
        make("x509_certificate_path", x509_certificate_path=str(path), thumbprint=pem()[1])


def test_certificate_in_the_home_directory_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "c.pem").write_bytes(b"x")
    assert make("x509_certificate_path", x509_certificate_path="~/c.pem").options["certificate_data"] == b"x"


def test_file_that_is_no_certificate_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "c.pem"
    path.write_bytes(b"x")
    with pytest.raises(ServiceError, match="The Azure sign-in cannot be used"):
        make("x509_certificate_path", x509_certificate_path=str(path), thumbprint="00")


@pytest.mark.parametrize("option", ["x509_certificate_path", "oidc_token_file_path"])
def test_file_that_cannot_be_read_is_one_sentence(option: str, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=f"^{option} is .*nothing, which cannot be read: No such file"):
        make(option, **{option: str(tmp_path / "nothing")})
    with pytest.raises(ServiceError, match=f"^{option} is .*, which cannot be read: Is a directory"):
        make(option, **{option: str(tmp_path)})


def test_token_of_another_issuer_is_passed_on() -> None:
    made = make("oidc_token", client_id="c", tenant="t", oidc_token="j.w.t")
    assert (made.kind, made.args[:2], made.options) == ("ClientAssertionCredential", ("t", "c"), common())
    assert made.args[2]() == "j.w.t"


def test_token_file_is_read_again_for_each_token(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    made = make("oidc_token_file_path", client_id="c", tenant="t", oidc_token_file_path=str(path))
    assert made.args[2]() == "one"
    path.write_text("two")
    assert made.args[2]() == "two"
    path.unlink()
    assert made.args[2]() == "two", "a guard signs in when the file of its run is gone"


def test_what_the_library_refuses_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> None:
        raise ValueError("Invalid tenant id provided")

    monkeypatch.setattr(identity, "ClientSecretCredential", refuse)
    with pytest.raises(ServiceError, match=r"^The Azure sign-in cannot be used: Invalid tenant id provided"):
        make("secret", client_id="c", tenant="t/", secret="hidden")


def test_real_classes_take_these_arguments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    data, thumbprint = pem()
    path = tmp_path / "c.pem"
    path.write_bytes(data)
    # An elliptic key is quick to make, and refused by azure-identity only once it is asked for a token.
    values = {
        "client_id": "c",
        "tenant": "t",
        "secret": "s",
        "ad_user": "u",
        "password": "p",
        "oidc_token": "j.w.t",
        "oidc_token_file_path": str(path),
        "thumbprint": thumbprint,
    }
    made = {
        method: type(make_credential(SignIn(method, values), PUBLIC, True)).__name__
        for method in ("cli", "msi", "secret", "oidc_token", "oidc_token_file_path")
    }
    assert made == {
        "cli": "AzureCliCredential",
        "msi": "ManagedIdentityCredential",
        "secret": "ClientSecretCredential",
        "oidc_token": "ClientAssertionCredential",
        "oidc_token_file_path": "ClientAssertionCredential",
    }
    with pytest.warns(DeprecationWarning, match="UsernamePasswordCredential"):
        user: Any = make_credential(SignIn("password", values), PUBLIC, True)
    assert type(user).__name__ == "UsernamePasswordCredential"
