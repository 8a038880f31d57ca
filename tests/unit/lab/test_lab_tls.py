# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS, the proxy to Azure's names, and the metadata of clouds."""

from __future__ import annotations

import socket
import ssl
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab
from tests.unit.lab.arm_clients import ALICE, PLACE, Arm, error_of, sdk

CLOUDS = {
    "public": ("management.azure.com", "login.microsoftonline.com", "https://management.azure.com"),
    "us government": (
        "management.usgovcloudapi.net",
        "login.microsoftonline.us",
        "https://management.core.usgovcloudapi.net",
    ),
    "china": ("management.chinacloudapi.cn", "login.chinacloudapi.cn", "https://management.chinacloudapi.cn"),
}


def through_proxy(lab: Lab, cloud: str, audience: str = "") -> DesktopVirtualizationMgmtClient:
    manager, login, own_audience = CLOUDS[cloud]
    operator = lab.principals["operator"]
    common: dict[str, Any] = {"connection_verify": lab.ca_file, "proxies": {"https": lab.proxy}}
    credential = ClientSecretCredential(
        operator["tenant"],
        operator["client_id"],
        operator["secret"],
        authority=login,
        disable_instance_discovery=True,
        **common,
    )
    return DesktopVirtualizationMgmtClient(
        credential,
        lab.environment["AZURE_SUBSCRIPTION_ID"],
        base_url=f"https://{manager}",
        credential_scopes=[f"{audience or own_audience}/.default"],
        retry_total=0,
        **common,
    )


@pytest.mark.parametrize("cloud", CLOUDS)
def test_clouds_through_the_proxy(lab: Lab, cloud: str) -> None:
    with through_proxy(lab, cloud) as client:
        assert len(list(client.user_sessions.list_by_host_pool(*PLACE, page_size=4))) == 9
        client.user_sessions.disconnect(*ALICE)
    assert {entry["host_name"] for entry in lab.requests()} == set(CLOUDS[cloud][:2])
    assert len(lab.audit()) == 1


def test_a_cloud_takes_its_own_audience_only(lab: Lab) -> None:
    with (
        through_proxy(lab, "us government", "https://management.azure.com") as client,
        pytest.raises(HttpResponseError, match="InvalidAuthenticationTokenAudience"),
    ):
        list(client.user_sessions.list_by_host_pool(*PLACE))
    with through_proxy(lab, "china", "https://management.core.chinacloudapi.cn") as client:
        assert len(list(client.user_sessions.list_by_host_pool(*PLACE))) == 9


@pytest.mark.parametrize("target", ["example.com:443", "management.azure.com:80", "127.0.0.1:443", "nonsense"])
def test_proxy_leads_nowhere_else(lab: Lab, target: str) -> None:
    address = urlsplit(lab.proxy)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 403 Forbidden")
    answer = requests.get("http://example.com/", proxies={"http": lab.proxy}, timeout=5)
    assert answer.status_code == 403


def test_reset_goes_through_the_proxy(lab: Lab) -> None:
    lab.add_fault(operation="list", when="before", kind="reset", times=1)
    with through_proxy(lab, "public") as client, pytest.raises((ServiceRequestError, ServiceResponseError)):
        list(client.user_sessions.list_by_host_pool(*PLACE))


@pytest.mark.parametrize(
    ("certificate", "text"),
    [("expired", "certificate has expired"), ("unknown", "unable to get local issuer|self-signed|self signed")],
)
def test_certificates_that_must_not_be_trusted(lab: Lab, certificate: str, text: str) -> None:
    lab.options(certificate=certificate)
    with sdk(lab) as client, pytest.raises(Exception, match=text):
        list(client.user_sessions.list_by_host_pool(*PLACE))
    assert lab.requests() == []
    lab.options(certificate="good")
    with sdk(lab) as client:
        assert len(list(client.user_sessions.list_by_host_pool(*PLACE))) == 9


def test_certificate_from_the_start() -> None:
    with Lab.start(certificate="expired") as lab:
        lab.reset()
        with pytest.raises(requests.exceptions.SSLError, match="expired"):
            requests.get(lab.environment["AZURE_CLOUD_ENVIRONMENT"], verify=lab.ca_file, timeout=5)


def test_certificate_is_for_all_names(lab: Lab) -> None:
    address = urlsplit(lab.environment["AZURE_CLOUD_ENVIRONMENT"])
    context = ssl.create_default_context(cafile=lab.ca_file)
    names = [
        "127.0.0.1",
        "localhost",
        *(name for manager, login, _audience in CLOUDS.values() for name in (manager, login)),
    ]
    for name in names:
        raw = socket.create_connection((address.hostname, address.port), timeout=5)
        with context.wrap_socket(raw, server_hostname=name) as connection:
            assert connection.getpeercert()
    with (
        socket.create_connection((address.hostname, address.port), timeout=5) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(raw, server_hostname="example.com")


def test_metadata_in_its_old_form(arm: Arm) -> None:
    document = arm.send("GET", "/metadata/endpoints", pool=False, params={"api-version": "2015-01-01"}).json()
    assert {"galleryEndpoint", "graphEndpoint", "portalEndpoint", "authentication"} <= set(document)
    assert document["authentication"]["loginEndpoint"] == f"{arm.base}/"
    assert document["authentication"]["audiences"][0] == "https://management.core.windows.net/"


@pytest.mark.parametrize("version", ["2019-05-01", "2020-06-01", "2022-09-01"])
def test_metadata_in_its_new_form(lab: Lab, arm: Arm, version: str) -> None:
    (cloud,) = arm.send("GET", "/metadata/endpoints", pool=False, params={"api-version": version}).json()
    assert {"name", "portal", "authentication", "resourceManager", "suffixes"} <= set(cloud)
    assert cloud["resourceManager"] == cloud["authentication"]["loginEndpoint"] == arm.base
    assert cloud["authentication"] | {"tenant": "common", "identityProvider": "AAD"} == cloud["authentication"]
    public = requests.get(
        f"https://management.azure.com/metadata/endpoints?api-version={version}",
        proxies={"https": lab.proxy},
        verify=lab.ca_file,
        timeout=5,
    ).json()
    assert [one["name"] for one in public] == ["AzureCloud", "AzureChinaCloud", "AzureUSGovernment"]


def test_metadata_errors_and_nonsense(arm: Arm) -> None:
    for version, code in ((None, "MissingApiVersionParameter"), ("1999-01-01", "InvalidApiVersionParameter")):
        answer = arm.send("GET", "/metadata/endpoints", pool=False, params={"api-version": version})
        assert error_of(answer)[:2] == (400, code)
    page = arm.send("GET", "/nonsense/html/metadata/endpoints", pool=False)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    assert "authentication" not in arm.send("GET", "/nonsense/json/metadata/endpoints", pool=False).json()


def test_connections_are_kept_and_counted(lab: Lab) -> None:
    with sdk(lab) as client:
        before = lab.traffic()["connections"]
        for _ in range(5):
            client.user_sessions.get(*ALICE)
    report = lab.traffic()
    gets = [entry for entry in report["requests"] if entry["operation"] == "get"]
    assert len({entry["connection"] for entry in gets}) == 1
    assert report["connections"] - before <= 2


def test_nothing_listens_but_on_the_loopback(lab: Lab) -> None:
    urls = [lab.environment["AZURE_CLOUD_ENVIRONMENT"], lab.proxy, lab.identity_endpoint, lab.announcement["control"]]
    for url in urls:
        address = urlsplit(url)
        assert address.hostname == "127.0.0.1"
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.2", address.port or 0), timeout=5)
