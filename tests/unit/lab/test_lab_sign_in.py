# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sign-in as the real azure-identity does it, and Entra's errors."""

from __future__ import annotations

import datetime
import warnings
from pathlib import Path

import pytest
import requests
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.lab.client import Lab
from tests.unit.lab.arm_clients import PLACE, Arm, error_of, identity_options, sdk, secret_credential

SCOPE = "https://management.azure.com/.default"
NOBODY = "a7d00000-0000-4000-8000-00000000dead"


def principals_seen(lab: Lab, credential: TokenCredential) -> set[str]:
    """List with the credential; who the lab took the caller for."""
    lab.forget_requests()
    with sdk(lab, credential) as client:
        assert len(list(client.user_sessions.list_by_host_pool(*PLACE))) == 9
    return {entry["principal"] for entry in lab.requests() if entry["operation"] == "list"}


def certificate_of_another_key(directory: Path) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    file = directory / "stranger.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_secret(lab: Lab) -> None:
    assert principals_seen(lab, secret_credential(lab, "reader")) == {"reader"}


def test_certificate(lab: Lab, tmp_path: Path) -> None:
    operator = lab.principals["operator"]
    who = (operator["tenant"], operator["client_id"])
    options = identity_options(lab)
    assert principals_seen(lab, CertificateCredential(*who, lab.certificate_file, **options)) == {"operator"}
    stranger = CertificateCredential(*who, str(certificate_of_another_key(tmp_path)), **options)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        stranger.get_token(SCOPE)


def test_workload_identity(lab: Lab, tmp_path: Path) -> None:
    operator = lab.principals["operator"]
    file = tmp_path / "token"
    file.write_text(lab.federated_token)
    options = {"tenant_id": operator["tenant"], "client_id": operator["client_id"], "token_file_path": str(file)}
    assert principals_seen(lab, WorkloadIdentityCredential(**options, **identity_options(lab))) == {"operator"}
    wrong = ClientAssertionCredential(
        operator["tenant"], operator["client_id"], lambda: "another", **identity_options(lab)
    )
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        wrong.get_token(SCOPE)


def test_managed_identity_of_app_service(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", lab.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", lab.identity_header)
    assert principals_seen(lab, ManagedIdentityCredential()) == {"operator"}
    reader = lab.principals["reader"]["client_id"]
    assert principals_seen(lab, ManagedIdentityCredential(client_id=reader)) == {"reader"}
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    with pytest.raises(ClientAuthenticationError):
        ManagedIdentityCredential().get_token(SCOPE)


def test_managed_identity_of_a_virtual_machine(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    host = lab.identity_endpoint.removesuffix("/msi/token")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", host)
    assert principals_seen(lab, ManagedIdentityCredential()) == {"operator"}
    url = f"{host}/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com/"
    assert requests.get(url, timeout=10).status_code == 400
    unknown = requests.get(f"{url}&client_id={NOBODY}", headers={"Metadata": "true"}, timeout=10)
    assert unknown.json() == {"error": "invalid_request", "error_description": "Identity not found"}


@pytest.mark.filterwarnings("ignore:This API has been deprecated:DeprecationWarning")
def test_user_and_password(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the proxy: the client library asks for the user's realm without the authority's port."""
    monkeypatch.setenv("HTTPS_PROXY", lab.proxy)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", lab.ca_file)
    operator = lab.principals["operator"]

    def credential(user: str, password: str) -> UsernamePasswordCredential:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return UsernamePasswordCredential(
                "04b07795-8ddb-461a-bbee-02f9e1bf7b46", user, password, disable_instance_discovery=True
            )

    assert credential(operator["ad_user"], operator["password"]).get_token(SCOPE).token
    assert "userrealm" in [entry["operation"] for entry in lab.requests()]
    with pytest.raises(ClientAuthenticationError, match="AADSTS50126"):
        credential(operator["ad_user"], "wrong").get_token(SCOPE)
    with pytest.raises(ClientAuthenticationError, match="AADSTS50034"):
        credential("stranger@contoso.com", "wrong").get_token(SCOPE)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"secret": "wrong"}, "AADSTS7000215"),
        ({"client_id": NOBODY}, "AADSTS700016"),
    ],
)
def test_errors_of_the_token_endpoint(lab: Lab, changed: dict[str, str], code: str) -> None:
    with pytest.raises(ClientAuthenticationError, match=code):
        secret_credential(lab, **changed).get_token(SCOPE)


def test_unknown_tenant(lab: Lab, arm: Arm) -> None:
    with pytest.raises(ClientAuthenticationError, match="tenant"):
        secret_credential(lab, tenant=NOBODY).get_token(SCOPE)
    answer = arm.send("GET", f"/{NOBODY}/v2.0/.well-known/openid-configuration", pool=False)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])
    answer = arm.send("POST", f"/{NOBODY}/oauth2/v2.0/token", pool=False, data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [90002])


def test_wrong_secret_is_401_with_entras_body(lab: Lab, arm: Arm) -> None:
    operator = lab.principals["operator"]
    form = {
        "grant_type": "client_credentials",
        "client_id": operator["client_id"],
        "client_secret": "x",
        "scope": SCOPE,
    }
    answer = arm.send("POST", f"/{operator['tenant']}/oauth2/v2.0/token", pool=False, data=form)
    assert answer.status_code == 401
    assert set(answer.json()) == {
        "error", "error_description", "error_codes", "timestamp", "trace_id", "correlation_id", "error_uri"
    }  # fmt: skip
    form |= {"client_secret": operator["secret"], "scope": "https://unknown.example/.default"}
    answer = arm.send("POST", f"/{operator['tenant']}/oauth2/v2.0/token", pool=False, data=form)
    assert (answer.status_code, answer.json()["error_codes"]) == (400, [500011])


def test_tokens_that_arm_refuses(lab: Lab, arm: Arm) -> None:
    good = arm.token
    assert arm.send("GET", "").status_code == 200
    for token, code in (
        ("", "AuthenticationFailed"),
        ("made-up", "InvalidAuthenticationToken"),
        (lab.access_token("operator", "https://graph.microsoft.com"), "InvalidAuthenticationTokenAudience"),
        (
            lab.access_token("operator", "https://management.core.usgovcloudapi.net"),
            "InvalidAuthenticationTokenAudience",
        ),
    ):
        arm.token = token
        answer = arm.send("GET", "")
        assert error_of(answer)[:2] == (401, code)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    lab.options(token_lifetime_seconds=0)
    arm.token = lab.access_token("operator")
    assert error_of(arm.send("GET", ""))[:2] == (401, "ExpiredAuthenticationToken")
    arm.token = good
    assert arm.send("GET", "").status_code == 200


def test_audiences_of_the_labs_own_address_may_be_chosen(lab: Lab) -> None:
    own = "https://management.lab.example"
    lab.options(audiences=[own])
    metadata = requests.get(
        f"{lab.environment['AZURE_CLOUD_ENVIRONMENT']}/metadata/endpoints?api-version=2022-09-01",
        verify=lab.ca_file,
        timeout=10,
    ).json()
    assert metadata[0]["authentication"]["audiences"] == [own]
    with sdk(lab) as client, pytest.raises(ClientAuthenticationError, match="InvalidAuthenticationTokenAudience"):
        list(client.user_sessions.list_by_host_pool(*PLACE))
    with sdk(lab, credential_scopes=[f"{own}/.default"]) as client:
        assert len(list(client.user_sessions.list_by_host_pool(*PLACE))) == 9


def test_tokens_stay_good_over_a_reset(lab: Lab, arm: Arm) -> None:
    lab.reset({"pools": [{"name": "pool-01", "hosts": [{"name": "h"}]}]})
    assert arm.send("GET", "").status_code == 200
    assert isinstance(secret_credential(lab), ClientSecretCredential)
