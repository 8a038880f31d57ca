# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cloud is: the known ones by name, others by their metadata, and a clear sentence for nonsense."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import azure_cloud
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_cloud import (
    Cloud,
    certificate_advice,
    find_cloud,
    read_metadata,
)

URL = "https://lab.example:8443"
AUTHENTICATION = {"loginEndpoint": "https://login.example/", "audiences": ["https://other.example", f"{URL}/"]}
OLD = {"galleryEndpoint": "", "graphEndpoint": "", "portalEndpoint": "", "authentication": AUTHENTICATION}
NEW = {"name": "Lab", "resourceManager": f"{URL}/", "authentication": AUTHENTICATION, "media": ""}
PUBLIC = {
    "name": "AzureCloud",
    "resourceManager": "https://management.azure.com/",
    "authentication": {
        "loginEndpoint": "https://login.microsoftonline.com",
        "audiences": ["https://management.core.windows.net/", "https://management.azure.com/"],
        "tenant": "common",
    },
}


class Get:
    """Stands for requests.get."""

    def __init__(self, result: object, status: int = 200) -> None:
        self.result, self.status = result, status
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, url: str, **options: Any) -> requests.Response:
        self.calls.append((url, options))
        if isinstance(self.result, Exception):
            raise self.result
        answer = requests.Response()
        answer.status_code = self.status
        if isinstance(self.result, bytes):
            answer._content = self.result
        else:
            answer._content = requests.compat.json.dumps(self.result).encode()
        return answer


def fetch(monkeypatch: pytest.MonkeyPatch, result: object, url: str = URL, status: int = 200) -> tuple[Cloud, Get]:
    get = Get(result, status)
    monkeypatch.setattr(azure_cloud.requests, "get", get)
    return find_cloud(url, "/ca.pem"), get


@pytest.mark.parametrize(
    ("name", "manager", "authority", "scope"),
    [
        (
            "AzureCloud",
            "https://management.azure.com",
            "https://login.microsoftonline.com",
            "https://management.azure.com/.default",
        ),
        (
            "azurechinacloud",
            "https://management.chinacloudapi.cn",
            "https://login.chinacloudapi.cn",
            "https://management.chinacloudapi.cn/.default",
        ),
        (
            "AZUREUSGOVERNMENT",
            "https://management.usgovcloudapi.net",
            "https://login.microsoftonline.us",
            "https://management.core.usgovcloudapi.net/.default",
        ),
    ],
)
def test_known_cloud_has_its_own_endpoint_authority_and_scope(
    name: str, manager: str, authority: str, scope: str
) -> None:
    cloud = find_cloud(name, True)
    assert (cloud.resource_manager, cloud.authority, cloud.scope) == (manager, authority, scope)
    assert not cloud.discovered


@pytest.mark.parametrize("name", ["AzureGermanCloud", "http://lab.example", "lab.example", "", "ftp://x", "file:///x"])
def test_other_name_than_a_cloud_or_an_https_url_is_an_error(name: str) -> None:
    with pytest.raises(ServiceError, match="it must be AzureCloud, AzureChinaCloud, AzureUSGovernment or the https"):
        find_cloud(name, True)


def test_old_form_is_one_cloud_at_the_address_that_was_asked() -> None:
    assert read_metadata(URL, OLD) == Cloud(
        URL, URL, "https://login.example", "https://lab.example:8443/.default", discovered=True
    )


def test_new_form_with_one_cloud_is_that_cloud() -> None:
    assert read_metadata("https://elsewhere.example", [NEW]) == Cloud(
        "Lab", URL, "https://login.example", "https://lab.example:8443/.default", discovered=True
    )


def test_new_form_with_several_clouds_means_the_one_at_the_address_that_was_asked() -> None:
    assert read_metadata(URL, [PUBLIC, NEW]).name == "Lab"
    assert read_metadata("https://MANAGEMENT.azure.com", [NEW, PUBLIC]).name == "AzureCloud"
    with pytest.raises(ServiceError, match="did not answer with a cloud's metadata"):
        read_metadata("https://elsewhere.example", [NEW, PUBLIC])


def test_scope_is_the_audience_of_the_resource_manager_else_the_first() -> None:
    assert read_metadata(URL, [PUBLIC]).scope == "https://management.azure.com/.default"
    document = {"authentication": {"loginEndpoint": "https://l", "audiences": ["https://a/", "https://b"]}}
    assert read_metadata(URL, document).scope == "https://a/.default"


@pytest.mark.parametrize(
    "document",
    [
        None,
        5,
        "text",
        {},
        [],
        [None, 5],
        {"authentication": None},
        {"authentication": []},
        {"authentication": {"loginEndpoint": "https://l"}},
        {"authentication": {"audiences": ["https://a"]}},
        {"authentication": {"loginEndpoint": "http://l", "audiences": ["https://a"]}},
        {"authentication": {"loginEndpoint": "login", "audiences": ["https://a"]}},
        {"authentication": {"loginEndpoint": 5, "audiences": ["https://a"]}},
        {"authentication": {"loginEndpoint": "https://l", "audiences": []}},
        {"authentication": {"loginEndpoint": "https://l", "audiences": "https://a"}},
        {"authentication": {"loginEndpoint": "https://l", "audiences": [None]}},
        [{**NEW, "resourceManager": "http://lab.example:8443"}],
    ],
)
def test_document_that_names_no_cloud_is_an_error_that_names_the_url(document: object) -> None:
    with pytest.raises(ServiceError, match=f"cloud_environment {URL} did not answer with a cloud's metadata"):
        read_metadata(URL, document)


def test_metadata_is_read_with_the_trust_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    cloud, get = fetch(monkeypatch, [NEW])
    assert cloud.name == "Lab"
    [(url, options)] = get.calls
    assert url == f"{URL}/metadata/endpoints"
    assert options["params"] == {"api-version": "2022-09-01"}
    assert options["verify"] == "/ca.pem"
    assert options["timeout"] > 0


def test_whole_address_of_the_metadata_is_asked_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    full = f"{URL}/metadata/endpoints?api-version=2015-01-01"
    cloud, get = fetch(monkeypatch, OLD, full)
    assert cloud.resource_manager == URL
    assert get.calls[0][0] == full
    assert get.calls[0][1]["params"] is None


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (b"<html>", 200),
        (b"", 200),
        (b"\xff", 200),
        ([NEW], 404),
        ([NEW], 500),
        (requests.exceptions.ConnectionError("refused"), 0),
        (requests.exceptions.Timeout("slow"), 0),
        (requests.exceptions.InvalidURL("bad"), 0),
    ],
)
def test_address_that_answers_nonsense_or_not_at_all_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, result: object, status: int
) -> None:
    with pytest.raises(ServiceError, match=f"^cloud_environment {URL} did not answer with a cloud's metadata"):
        fetch(monkeypatch, result, status=status)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("certificate verify failed: certificate has expired (_ssl.c:1000)", "its certificate has expired"),
        ("Hostname mismatch, certificate is not valid for 'x'", "its certificate is for another host name"),
        ("hostname 'x' doesn't match 'y'", "its certificate is for another host name"),
        ("certificate verify failed: self-signed certificate in chain", "set REQUESTS_CA_BUNDLE or SSL_CERT_FILE"),
    ],
)
def test_bad_certificate_says_what_is_wrong_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, text: str, advice: str
) -> None:
    error = requests.exceptions.SSLError(text)
    assert advice in certificate_advice(error)
    with pytest.raises(ServiceError, match=f"could not be read: .*{advice}"):
        fetch(monkeypatch, error)


def test_metadata_is_not_read_through_a_redirect(monkeypatch):
    seen = {}

    def get(url, **options):
        seen.update(options)
        raise requests.exceptions.ConnectionError

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(ServiceError):
        azure_cloud.find_cloud("https://lab.example", True)
    assert seen.get("allow_redirects") is False


@pytest.mark.parametrize("url", ["https://[x"])
def test_metadata_url_that_is_no_url_is_one_sentence(url):
    with pytest.raises(ServiceError):
        azure_cloud.find_cloud(url, True)
