# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to sign in that the modules offer, through real azure-identity credentials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.ansible_process import INFO, Ansible, Finished
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
PLACE = ("AZURE_SUBSCRIPTION_ID", "AZURE_CLOUD_ENVIRONMENT", "REQUESTS_CA_BUNDLE")


@pytest.fixture
def nobody(lab: Lab, ansible: Ansible) -> Ansible:
    """Ansible without any sign-in: only the cloud, its CA and the subscription are known."""
    for name in lab.environment:
        if name not in PLACE:
            ansible.environment.pop(name, None)
    return ansible


def listed(ansible: Ansible, **options: object) -> Finished:
    finished = ansible.play({"name": "info", INFO: {**POOL, **options}})
    assert finished.status == 0, finished.output
    assert len(finished.task.result["sessions"]) == 9
    return finished


@pytest.mark.packages
def test_no_sign_in_at_all_says_what_there_is(nobody: Ansible) -> None:
    finished = nobody.play({"name": "info", INFO: POOL})
    for word in ("AZURE_CLIENT_ID", "~/.azure/credentials", "msi", "Azure CLI"):
        assert word in finished.task.message


@pytest.mark.packages
def test_credential_of_awx_works_as_it_is(lab: Lab, nobody: Ansible) -> None:
    """AWX sets these, the unused ones to an empty text."""
    operator = lab.principals["operator"]
    nobody.environment.update(
        AZURE_CLIENT_ID=operator["client_id"],
        AZURE_SECRET=operator["secret"],
        AZURE_TENANT=operator["tenant"],
        AZURE_AD_USER="",
        AZURE_PASSWORD="",
    )
    listed(nobody)


@pytest.mark.packages
def test_options_fall_back_one_by_one(lab: Lab, ansible: Ansible) -> None:
    """A client_id as an option does not hide the subscription, tenant and secret in the environment."""
    listed(ansible, client_id=lab.environment["AZURE_CLIENT_ID"])
    ansible.environment["AZURE_SECRET"] = "wrong"
    listed(ansible, secret=lab.environment["AZURE_SECRET"])


def test_secrets_never_show(lab: Lab, ansible: Ansible) -> None:
    secret = ansible.environment.pop("AZURE_SECRET")
    (ansible.directory / "vars.yml").write_text(f"the_secret: {secret}\n")
    tasks = {"name": "info", INFO: {**POOL, "secret": "{{ the_secret }}"}}
    for arguments in (["-vvv"], ["-vvv", "-e", "azure_fails=1"]):
        finished = ansible.play(tasks, vars_files=[str(ansible.directory / "vars.yml")], arguments=arguments)
        assert finished.status == 0
        assert secret not in finished.output
        tasks = {"name": "info", INFO: {**POOL, "secret": "{{ the_secret }}", "host_pool_name": "pool-01"}}


def test_environment_keyword_of_the_task(lab: Lab, nobody: Ansible) -> None:
    variables = {name: value for name, value in lab.environment.items() if name.startswith("AZURE_")}
    for name in PLACE:
        variables[name] = nobody.environment.pop(name)
    finished = nobody.play({"name": "info", INFO: POOL, "environment": variables})
    assert finished.status == 0, finished.output


@pytest.mark.packages
def test_trust_follows_ssl_cert_file(lab: Lab, ansible: Ansible) -> None:
    ansible.environment["SSL_CERT_FILE"] = ansible.environment.pop("REQUESTS_CA_BUNDLE")
    listed(ansible)


@pytest.mark.packages
def test_certificate(lab: Lab, nobody: Ansible) -> None:
    operator = lab.principals["operator"]
    options = {
        "client_id": operator["client_id"],
        "tenant": operator["tenant"],
        "x509_certificate_path": str(lab.certificate_file),
    }
    listed(nobody, **options)
    listed(nobody, **options, thumbprint=lab.certificate_thumbprint)
    finished = nobody.play({"name": "info", INFO: {**POOL, **options, "thumbprint": "00" * 20}})
    assert "thumbprint" in finished.task.message
    finished = nobody.play({"name": "info", INFO: {**POOL, **options, "x509_certificate_path": "nowhere.pem"}})
    assert "x509_certificate_path" in finished.task.message


@pytest.mark.packages
@pytest.mark.parametrize("form", ["token", "file"])
def test_workload_identity(lab: Lab, nobody: Ansible, form: str) -> None:
    operator = lab.principals["operator"]
    nobody.environment.update(AZURE_CLIENT_ID=operator["client_id"], AZURE_TENANT_ID=operator["tenant"])
    if form == "token":
        nobody.environment["AZURE_FEDERATED_TOKEN"] = lab.federated_token
    else:
        file = nobody.directory / "token"
        file.write_text(lab.federated_token + "\n")
        nobody.environment["AZURE_FEDERATED_TOKEN_FILE"] = str(file)
    listed(nobody)


@pytest.mark.packages
def test_managed_identity(lab: Lab, nobody: Ansible) -> None:
    nobody.environment.update(IDENTITY_ENDPOINT=lab.identity_endpoint, IDENTITY_HEADER=lab.identity_header)
    listed(nobody, auth_source="msi")
    del nobody.environment["AZURE_SUBSCRIPTION_ID"]
    listed(nobody, auth_source="msi")


@pytest.mark.packages
def test_user_and_password(lab: Lab, nobody: Ansible) -> None:
    """Through the proxy, because msal asks for a user's realm at the authority's name without its port."""
    operator = lab.principals["operator"]
    nobody.environment.update(AZURE_AD_USER=operator["ad_user"], AZURE_PASSWORD=operator["password"])
    nobody.environment.update(HTTPS_PROXY=lab.proxy, NO_PROXY="", AZURE_CLOUD_ENVIRONMENT="AzureCloud")
    listed(nobody, tenant=operator["tenant"])
    finished = nobody.play({"name": "info", INFO: {**POOL, "tenant": operator["tenant"], "password": "wrong"}})
    assert "AZURE_PASSWORD" in finished.task.message


def write_profiles(lab: Lab, ansible: Ansible) -> None:
    operator = lab.principals["operator"]
    file = Path(ansible.environment["HOME"]) / ".azure" / "credentials"
    file.parent.mkdir()
    file.write_text(
        f"[default]\nclient_id={operator['client_id']}\nsecret={operator['secret']}\ntenant={operator['tenant']}\n"
        f"subscription_id={lab.environment['AZURE_SUBSCRIPTION_ID']}\n"
        f"cloud_environment={lab.environment['AZURE_CLOUD_ENVIRONMENT']}\n"
        "[broken]\nclient_id=a7d00000-0000-4000-8000-00000000dead\nsecret=%(x)s\ntenant=t\n"
    )


@pytest.mark.packages
def test_profile_file(lab: Lab, nobody: Ansible) -> None:
    write_profiles(lab, nobody)
    for name in PLACE[:2]:
        del nobody.environment[name]
    listed(nobody)
    listed(nobody, auth_source="credential_file")
    listed(nobody, profile="default")
    listed(nobody, default_profile="default")
    finished = nobody.play({"name": "info", INFO: {**POOL, "profile": "absent"}})
    assert "absent" in finished.task.message


@pytest.mark.packages
def test_profile_that_is_named_counts_before_the_environment(lab: Lab, ansible: Ansible) -> None:
    write_profiles(lab, ansible)
    ansible.environment["AZURE_SECRET"] = "wrong"
    listed(ansible, profile="default")
    finished = ansible.play({"name": "info", INFO: {**POOL, "profile": "broken"}})
    assert finished.status != 0


@pytest.mark.packages
def test_azure_cli(lab: Lab, nobody: Ansible) -> None:
    """An az that answers as the real one does, with a token that the lab gave to the operator."""
    program = nobody.directory / "bin" / "az"
    program.parent.mkdir()
    token = {
        "accessToken": lab.access_token("operator"),
        "expiresOn": "2099-01-01 00:00:00.000000",
        "expires_on": 4070908800,
        "subscription": lab.environment["AZURE_SUBSCRIPTION_ID"],
        "tenant": lab.principals["operator"]["tenant"],
        "tokenType": "Bearer",
    }
    account = {"id": lab.environment["AZURE_SUBSCRIPTION_ID"], "environmentName": "AzureCloud"}
    program.write_text(
        "#!/bin/sh\n"
        f"case $2 in show) echo '{json.dumps(account)}';; get-access-token) echo '{json.dumps(token)}';; esac\n"
    )
    program.chmod(0o755)
    nobody.environment["PATH"] = f"{program.parent}:{nobody.environment['PATH']}"
    listed(nobody)
    del nobody.environment["AZURE_SUBSCRIPTION_ID"]
    listed(nobody, auth_source="cli")


@pytest.mark.packages
@pytest.mark.parametrize("cloud", ["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"])
def test_public_and_sovereign_clouds_by_name(lab: Lab, ansible: Ansible, cloud: str) -> None:
    """Through a proxy that stands for the cloud: endpoint, authority and scope of the token must all be the cloud's."""
    ansible.environment.update(HTTPS_PROXY=lab.proxy, NO_PROXY="", AZURE_CLOUD_ENVIRONMENT=cloud)
    finished = ansible.disconnect(**POOL, user="alice@contoso.com")
    assert finished.status == 0, finished.output
    assert len(lab.audit()) == 1
