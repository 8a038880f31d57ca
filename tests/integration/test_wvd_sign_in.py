# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to sign in that the modules offer, through real azure-identity credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible, Task
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
PLACE = ("AZURE_SUBSCRIPTION_ID", "AZURE_CLOUD_ENVIRONMENT", "REQUESTS_CA_BUNDLE")


@pytest.fixture
def nobody(lab: Lab, ansible: Ansible) -> Ansible:
    """Ansible without any sign-in, nor a word of the cloud, its CA and the subscription."""
    for name in lab.environment:
        ansible.environment.pop(name, None)
    return ansible


def task(name: str, environment: Mapping[str, str], module: str = INFO, **options: object) -> dict[str, Any]:
    """A task with an environment of its own, which may fail."""
    return {"name": name, "environment": dict(environment), "ignore_errors": True, module: {**POOL, **options}}


def known(lab: Lab, *without: str) -> dict[str, str]:
    """What an environment says of the lab's cloud, its CA and the subscription."""
    return {name: lab.environment[name] for name in PLACE if name not in without}


def listed(one: Task) -> None:
    assert one.status == "ok", one
    assert len(one.result["sessions"]) == 9


def write_profiles(lab: Lab, home: Path) -> None:
    operator = lab.principals["operator"]
    (home / ".azure").mkdir(parents=True)
    (home / ".azure" / "credentials").write_text(
        f"[default]\nclient_id={operator['client_id']}\nsecret={operator['secret']}\ntenant={operator['tenant']}\n"
        f"subscription_id={lab.environment['AZURE_SUBSCRIPTION_ID']}\n"
        f"cloud_environment={lab.environment['AZURE_CLOUD_ENVIRONMENT']}\n"
        "[broken]\nclient_id=a7d00000-0000-4000-8000-00000000dead\nsecret=%(x)s\ntenant=t\n"
    )


def write_az(lab: Lab, folder: Path) -> None:
    """An az that answers as the real one does, with a token that the lab gave to the operator."""
    folder.mkdir()
    token = {
        "accessToken": lab.access_token("operator"),
        "expiresOn": "2099-01-01 00:00:00.000000",
        "expires_on": 4070908800,
        "subscription": lab.environment["AZURE_SUBSCRIPTION_ID"],
        "tenant": lab.principals["operator"]["tenant"],
        "tokenType": "Bearer",
    }
    account = {"id": lab.environment["AZURE_SUBSCRIPTION_ID"], "environmentName": "AzureCloud"}
    program = folder / "az"
    program.write_text(
        "#!/bin/sh\n"
        f"case $2 in show) echo '{json.dumps(account)}';; get-access-token) echo '{json.dumps(token)}';; esac\n"
    )
    program.chmod(0o755)


@pytest.mark.outer_cores
def test_every_way_to_sign_in(lab: Lab, nobody: Ansible) -> None:
    operator, place = lab.principals["operator"], known(lab)
    home = nobody.directory / "profiles"
    write_profiles(lab, home)
    write_az(lab, nobody.directory / "bin")
    (nobody.directory / "token").write_text(lab.federated_token + "\n")
    ca_only = {**known(lab, *PLACE[:2]), "HOME": str(home)}
    whole = {name: value for name, value in lab.environment.items() if name in PLACE or name.startswith("AZURE_")}
    application = {"client_id": operator["client_id"], "tenant": operator["tenant"]}
    certificate = {**application, "x509_certificate_path": str(lab.certificate_file)}
    workload = {**place, "AZURE_CLIENT_ID": operator["client_id"], "AZURE_TENANT_ID": operator["tenant"]}
    identity = {"IDENTITY_ENDPOINT": lab.identity_endpoint, "IDENTITY_HEADER": lab.identity_header}
    # Through the proxy, because msal asks for a user's realm at the authority's name without its port.
    by_proxy = {**place, "HTTPS_PROXY": lab.proxy, "NO_PROXY": "", "AZURE_CLOUD_ENVIRONMENT": "AzureCloud"}
    user = {"AZURE_AD_USER": operator["ad_user"], "AZURE_PASSWORD": operator["password"]}
    az = {"PATH": f"{nobody.directory / 'bin'}:{nobody.environment['PATH']}"}
    # AWX sets these, the unused ones to an empty text.
    awx = {
        **place,
        "AZURE_CLIENT_ID": operator["client_id"],
        "AZURE_SECRET": operator["secret"],
        "AZURE_TENANT": operator["tenant"],
        "AZURE_AD_USER": "",
        "AZURE_PASSWORD": "",
    }
    ca_file = {**awx, "SSL_CERT_FILE": awx["REQUESTS_CA_BUNDLE"]}
    del ca_file["REQUESTS_CA_BUNDLE"]
    secret = lab.environment["AZURE_SECRET"]
    finished = nobody.play(
        task("AWX", awx),
        task("an option does not hide the rest", whole, client_id=lab.environment["AZURE_CLIENT_ID"]),
        task("an option counts first", {**whole, "AZURE_SECRET": "wrong"}, secret=secret),
        task("SSL_CERT_FILE", ca_file),
        task("certificate", place, **certificate),
        task("certificate with thumbprint", place, **certificate, thumbprint=lab.certificate_thumbprint),
        task("token", {**workload, "AZURE_FEDERATED_TOKEN": lab.federated_token}),
        task("token file", {**workload, "AZURE_FEDERATED_TOKEN_FILE": str(nobody.directory / "token")}),
        task("managed identity", {**place, **identity}, auth_source="msi"),
        task("its only subscription", {**known(lab, PLACE[0]), **identity}, auth_source="msi"),
        task("user and password", {**by_proxy, **user}, tenant=operator["tenant"]),
        task("profile by default", ca_only),
        task("profile as the source", ca_only, auth_source="credential_file"),
        task("profile by name", ca_only, profile="default"),
        task("profile by the other name", ca_only, default_profile="default"),
        task("named profile before the environment", {**whole, **ca_only, "AZURE_SECRET": "wrong"}, profile="default"),
        task("command line", {**place, **az}),
        task("its subscription", {**known(lab, PLACE[0]), **az}, auth_source="cli"),
    )
    assert len(finished.tasks) == 18, finished.output
    for one in finished.tasks:
        listed(one)
    assert secret not in finished.output


@pytest.mark.outer_cores
def test_what_is_wrong_with_a_sign_in_is_said(lab: Lab, nobody: Ansible) -> None:
    operator, place = lab.principals["operator"], known(lab)
    home = nobody.directory / "profiles"
    write_profiles(lab, home)
    certificate = {
        "client_id": operator["client_id"],
        "tenant": operator["tenant"],
        "x509_certificate_path": str(lab.certificate_file),
    }
    by_proxy = {**place, "HTTPS_PROXY": lab.proxy, "NO_PROXY": "", "AZURE_CLOUD_ENVIRONMENT": "AzureCloud"}
    user = {"AZURE_AD_USER": operator["ad_user"], "AZURE_PASSWORD": operator["password"]}
    in_home = {**place, "HOME": str(home)}
    finished = nobody.play(
        task("nobody", place),
        task("thumbprint", place, **certificate, thumbprint="00" * 20),
        task("file", place, **{**certificate, "x509_certificate_path": "nowhere.pem"}),
        task("password", {**by_proxy, **user}, tenant=operator["tenant"], password="wrong"),
        task("absent profile", in_home, profile="absent"),
        task("broken profile", in_home, profile="broken"),
    )
    assert {one.status for one in finished.tasks} == {"failed"}, finished.output
    messages = {one.name: one.message for one in finished.tasks}
    words = {
        "nobody": ("AZURE_CLIENT_ID", "~/.azure/credentials", "msi", "Azure CLI"),
        "thumbprint": ("thumbprint",),
        "file": ("x509_certificate_path",),
        "password": ("AZURE_PASSWORD",),
        "absent profile": ("absent",),
        "broken profile": ("tenant",),
    }
    for name, expected in words.items():
        assert all(word in messages[name] for word in expected), (name, messages[name])


@pytest.mark.outer_cores
def test_public_and_sovereign_clouds_by_name(lab: Lab, ansible: Ansible) -> None:
    """Through a proxy that stands for the cloud: endpoint, authority and scope of the token must all be the cloud's."""
    active = [one["user"] for one in lab.sessions() if one["pool"] == "pool-01" and one["state"] == "Active"]
    clouds = ("AzureCloud", "AzureUSGovernment", "AzureChinaCloud")
    ansible.environment.update(HTTPS_PROXY=lab.proxy, NO_PROXY="")
    finished = ansible.play(
        *(
            task(cloud, {"AZURE_CLOUD_ENVIRONMENT": cloud}, MODULE, user=user)
            for cloud, user in zip(clouds, active, strict=False)
        )
    )
    assert [one.result["summary"] for one in finished.tasks] == [{"disconnected": 1}] * 3, finished.output
    assert len(lab.audit()) == 3


def test_secrets_never_show(lab: Lab, ansible: Ansible) -> None:
    secret = ansible.environment.pop("AZURE_SECRET")
    (ansible.directory / "vars.yml").write_text(f"the_secret: {secret}\n")
    tasks = {"name": "info", INFO: {**POOL, "secret": "{{ the_secret }}"}}
    finished = ansible.play(tasks, vars_files=[str(ansible.directory / "vars.yml")], arguments=["-vvv"])
    assert finished.status == 0
    assert secret not in finished.output
