# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs in: every rule of precedence, and what a sign-in that is not complete is told."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import azure_sign_in
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.azure_sign_in import (
    VARIABLES,
    SignIn,
    ask_command_line,
    choose,
    from_environment,
    from_profile,
    given,
)

PRINCIPAL = {"AZURE_CLIENT_ID": "env-client", "AZURE_TENANT": "env-tenant", "AZURE_SECRET": "env-secret"}
OPTIONS = {"client_id": "opt-client", "tenant": "opt-tenant", "secret": "opt-secret"}
CLI = {"subscription_id": "cli-subscription", "cloud_environment": "AzureCloud"}
VARIABLES_BY_NAME = {name: field for field, names in VARIABLES.items() for name in names}
PROFILES = """
[default]
client_id = default-client
tenant = default-tenant
secret = default-secret%%x%y
subscription_id = default-subscription
colour = red

[named]
Client_ID = named-client
tenant = named-tenant
secret = named-secret
ad_user =

[user]
ad_user = named-user
password = named-password
"""


@pytest.fixture(name="no_file")
def fixture_no_file(tmp_path: Path) -> Path:
    return tmp_path / "credentials"


@pytest.fixture(name="file")
def fixture_file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials"
    path.write_text(PROFILES)
    return path


def no_command_line() -> dict[str, str]:
    raise AssertionError("the Azure CLI was asked")


def sign_in(
    options: dict[str, Any], environment: dict[str, str], file: Path, command_line: Any = no_command_line
) -> tuple[str, dict[str, str]]:
    chosen = choose(options, environment, file, command_line)
    return chosen.method, dict(chosen.values)


# Values


def test_empty_values_are_not_given() -> None:
    assert given({"a": "", "b": "  ", "c": None, "d": " x ", "e": 0, "f": False}) == {"d": "x", "e": "0", "f": "False"}


@pytest.mark.parametrize(("field", "names"), VARIABLES.items())
def test_field_is_read_from_its_environment_variables_in_their_order(field: str, names: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        later = dict.fromkeys(names[number + 1 :], "later")
        earlier = dict.fromkeys(names[:number], " ")
        assert from_environment({**earlier, name: " value ", **later}) == {field: "value"}
    assert from_environment(dict.fromkeys(names, "")) == {}


def test_environment_variables_have_the_names_of_azure_azcollection() -> None:
    assert VARIABLES["tenant"] == ("AZURE_TENANT", "AZURE_TENANT_ID")
    others = {field: names for field, names in VARIABLES.items() if field not in ("tenant", "oidc_token")}
    others.pop("oidc_token_file_path")
    assert others == {field: (f"AZURE_{field.upper()}",) for field in others}
    assert VARIABLES["oidc_token"] == ("AZURE_FEDERATED_TOKEN",)
    assert VARIABLES["oidc_token_file_path"] == ("AZURE_FEDERATED_TOKEN_FILE",)


def test_missing_value_reads_as_empty_text() -> None:
    assert SignIn("msi", {"client_id": "x"}).get("client_id") == "x"
    assert SignIn("msi", {}).get("client_id") == ""


# auto


def test_environment_signs_in_by_itself(no_file: Path) -> None:
    assert sign_in({}, PRINCIPAL, no_file) == (
        "secret",
        {"client_id": "env-client", "tenant": "env-tenant", "secret": "env-secret"},
    )


def test_options_count_before_the_environment_and_that_before_the_default_profile(file: Path) -> None:
    method, values = sign_in({"client_id": "opt-client"}, {"AZURE_TENANT": "env-tenant"}, file)
    assert (method, values) == (
        "secret",
        {
            "client_id": "opt-client",
            "tenant": "env-tenant",
            "secret": "default-secret%%x%y",
            "subscription_id": "default-subscription",
        },
    )


def test_each_field_falls_back_by_itself(no_file: Path) -> None:
    environment = {**PRINCIPAL, "AZURE_SUBSCRIPTION_ID": "env-subscription", "AZURE_CLOUD_ENVIRONMENT": "AzureChina"}
    method, values = sign_in({**OPTIONS, "cloud_environment": "AzureUSGovernment"}, environment, no_file)
    assert method == "secret"
    assert values == {**OPTIONS, "subscription_id": "env-subscription", "cloud_environment": "AzureUSGovernment"}


@pytest.mark.parametrize("empty", ["", "  ", None])
def test_empty_option_falls_back_like_one_that_is_not_given(empty: str | None, no_file: Path) -> None:
    assert sign_in(dict.fromkeys(OPTIONS, empty), PRINCIPAL, no_file) == sign_in({}, PRINCIPAL, no_file)


def test_default_profile_is_used_when_nothing_else_is_given(file: Path) -> None:
    method, values = sign_in({}, {}, file)
    assert (method, values["client_id"]) == ("secret", "default-client")
    assert "colour" not in values


@pytest.mark.parametrize("by_option", [True, False])
def test_named_profile_counts_before_the_environment_and_after_the_options(by_option: bool, file: Path) -> None:
    options = {"tenant": "opt-tenant", **({"profile": "named"} if by_option else {})}
    environment = {**PRINCIPAL, "AZURE_SUBSCRIPTION_ID": "env-subscription", "AZURE_PROFILE": "named"}
    method, values = sign_in(options, environment, file)
    values.pop("profile")
    assert (method, values) == (
        "secret",
        {
            "client_id": "named-client",
            "tenant": "opt-tenant",
            "secret": "named-secret",
            "subscription_id": "env-subscription",
        },
    )


def test_named_profile_takes_nothing_from_the_default_one(file: Path) -> None:
    _method, values = sign_in({"profile": "named"}, {}, file)
    assert "subscription_id" not in values


def test_profile_option_counts_before_its_variable(file: Path) -> None:
    _method, values = sign_in({"profile": "named"}, {"AZURE_PROFILE": "nobody"}, file)
    assert values["client_id"] == "named-client"


def test_unknown_profile_is_an_error_that_names_it(file: Path) -> None:
    with pytest.raises(ServiceError, match=r"The profile nobody of .*credentials cannot be used: there is no such sec"):
        sign_in({"profile": "nobody"}, PRINCIPAL, file)


def test_profile_without_a_file_is_an_error(no_file: Path) -> None:
    with pytest.raises(ServiceError, match="the file does not exist"):
        sign_in({"profile": "named"}, PRINCIPAL, no_file)


@pytest.mark.parametrize("content", [b"no section", b"[a]\n[a]\n", b"\xff\xfe[\x00"])
def test_file_that_is_no_profile_file_is_an_error_only_when_it_is_needed(content: bytes, no_file: Path) -> None:
    no_file.write_bytes(content)
    assert sign_in({}, PRINCIPAL, no_file)[0] == "secret"
    with pytest.raises(ServiceError, match="the file cannot be read") as caught:
        sign_in({"profile": "default"}, {}, no_file)
    assert "no section" not in str(caught.value)


# What a principal proves itself with


@pytest.mark.parametrize(
    ("proofs", "method"),
    [
        (("secret",), "secret"),
        (("x509_certificate_path",), "x509_certificate_path"),
        (("oidc_token",), "oidc_token"),
        (("oidc_token_file_path",), "oidc_token_file_path"),
        (("secret", "x509_certificate_path"), "secret"),
        (("secret", "oidc_token_file_path"), "oidc_token_file_path"),
        (("oidc_token_file_path", "oidc_token"), "oidc_token"),
    ],
)
def test_proof_is_chosen_among_those_of_one_source(proofs: tuple[str, ...], method: str, no_file: Path) -> None:
    options = {"client_id": "c", "tenant": "t", **dict.fromkeys(proofs, "proof")}
    assert sign_in(options, {}, no_file)[0] == method
    environment = {VARIABLES[name][0]: "proof" for name in ("client_id", "tenant", *proofs)}
    assert sign_in({}, environment, no_file)[0] == method


def test_proof_of_an_earlier_source_counts_before_a_better_one_of_a_later(no_file: Path) -> None:
    environment = {**PRINCIPAL, "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token"}
    assert sign_in({"secret": "opt-secret"}, environment, no_file)[0] == "secret"
    assert sign_in({"x509_certificate_path": "/c.pem"}, environment, no_file)[0] == "x509_certificate_path"
    assert sign_in({}, environment, no_file)[0] == "oidc_token_file_path"


def test_workload_identity_of_kubernetes_works_as_it_is(no_file: Path) -> None:
    environment = {
        "AZURE_CLIENT_ID": "c",
        "AZURE_TENANT_ID": "t",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/token",
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }
    assert sign_in({}, environment, no_file) == (
        "oidc_token_file_path",
        {"client_id": "c", "tenant": "t", "oidc_token_file_path": "/var/run/secrets/token"},
    )


# Users


def test_user_signs_in_with_a_password(no_file: Path) -> None:
    assert sign_in({"ad_user": "u", "password": "p"}, {}, no_file) == ("password", {"ad_user": "u", "password": "p"})


def test_user_among_the_options_counts_before_a_principal_of_the_environment(no_file: Path) -> None:
    assert sign_in({"ad_user": "u", "password": "p"}, PRINCIPAL, no_file)[0] == "password"


def test_principal_among_the_options_counts_before_a_user_of_the_environment(no_file: Path) -> None:
    environment = {"AZURE_AD_USER": "u", "AZURE_PASSWORD": "p"}
    assert sign_in(OPTIONS, environment, no_file)[0] == "secret"


def test_client_id_beside_a_user_is_the_client_of_the_user(no_file: Path) -> None:
    environment = {"AZURE_AD_USER": "u", "AZURE_PASSWORD": "p", "AZURE_CLIENT_ID": "c", "AZURE_TENANT": "t"}
    assert sign_in({}, environment, no_file)[0] == "password"
    assert sign_in({}, {**environment, "AZURE_SECRET": "s"}, no_file)[0] == "secret"


def test_proof_that_belongs_to_no_principal_leaves_the_user_a_user(no_file: Path) -> None:
    environment = {"AZURE_AD_USER": "u", "AZURE_PASSWORD": "p", "AZURE_FEDERATED_TOKEN_FILE": "/var/run/token"}
    assert sign_in({}, environment, no_file)[0] == "password"


def test_user_of_a_profile_works(file: Path) -> None:
    method, values = sign_in({"profile": "user"}, {}, file)
    assert (method, values["ad_user"], values["password"]) == ("password", "named-user", "named-password")


# AWX


def test_principal_of_the_awx_credential_works_untouched(no_file: Path) -> None:
    environment = {"AZURE_SUBSCRIPTION_ID": "s", **PRINCIPAL, "AZURE_CLOUD_ENVIRONMENT": "AzureUSGovernment"}
    method, values = sign_in({}, environment, no_file)
    assert method == "secret"
    assert (values["subscription_id"], values["cloud_environment"]) == ("s", "AzureUSGovernment")


def test_user_of_the_awx_credential_works_untouched(no_file: Path) -> None:
    environment = {"AZURE_SUBSCRIPTION_ID": "", "AZURE_AD_USER": "u", "AZURE_PASSWORD": "p"}
    assert sign_in({}, environment, no_file) == ("password", {"ad_user": "u", "password": "p"})


def test_awx_credential_with_an_empty_secret_says_that_it_is_missing(no_file: Path) -> None:
    with pytest.raises(ServiceError, match=r"secret \(AZURE_SECRET\)"):
        sign_in({}, {**PRINCIPAL, "AZURE_SECRET": "", "AZURE_SUBSCRIPTION_ID": ""}, no_file)


# auth_source


def test_env_takes_nothing_from_the_default_profile(file: Path) -> None:
    with pytest.raises(ServiceError, match="not complete with auth_source env: set client_id"):
        sign_in({"auth_source": "env"}, {}, file)
    _method, values = sign_in({"auth_source": "env"}, PRINCIPAL, file)
    assert values == {"client_id": "env-client", "tenant": "env-tenant", "secret": "env-secret"}


def test_env_still_takes_options_first(file: Path) -> None:
    _method, values = sign_in({"auth_source": "env", "tenant": "opt-tenant"}, PRINCIPAL, file)
    assert values["tenant"] == "opt-tenant"


def test_credential_file_takes_nothing_from_the_environment_but_the_name_of_the_profile(file: Path) -> None:
    environment = {**PRINCIPAL, "AZURE_PROFILE": "named", "AZURE_SUBSCRIPTION_ID": "env-subscription"}
    _method, values = sign_in({"auth_source": "credential_file"}, environment, file)
    assert values == {"client_id": "named-client", "tenant": "named-tenant", "secret": "named-secret"}
    _method, values = sign_in({"auth_source": "credential_file"}, PRINCIPAL, file)
    assert values["client_id"] == "default-client"


def test_credential_file_reads_the_profile_of_the_option_first(file: Path) -> None:
    options = {"auth_source": "credential_file", "profile": "user"}
    assert sign_in(options, {"AZURE_PROFILE": "named"}, file)[0] == "password"


def test_credential_file_must_be_there(no_file: Path) -> None:
    with pytest.raises(ServiceError, match="The profile default of"):
        sign_in({"auth_source": "credential_file"}, PRINCIPAL, no_file)


def test_managed_identity_takes_only_its_client_id_and_the_place(file: Path) -> None:
    environment = {**PRINCIPAL, "AZURE_SUBSCRIPTION_ID": "s", "AZURE_CERT_VALIDATION_MODE": "ignore"}
    assert sign_in({"auth_source": "msi", "cloud_environment": "AzureChinaCloud"}, environment, file) == (
        "msi",
        {
            "client_id": "env-client",
            "subscription_id": "s",
            "cloud_environment": "AzureChinaCloud",
            "cert_validation_mode": "ignore",
        },
    )
    assert sign_in({"auth_source": "msi", "client_id": "opt"}, environment, file)[1]["client_id"] == "opt"


def test_managed_identity_is_used_only_when_asked_for(no_file: Path) -> None:
    environment = {"IDENTITY_ENDPOINT": "http://localhost", "IDENTITY_HEADER": "x"}
    assert sign_in({}, environment, no_file, lambda: CLI)[0] == "cli"


@pytest.mark.parametrize("value", ["env", " env "])
def test_source_may_come_from_its_variable(value: str, file: Path) -> None:
    with pytest.raises(ServiceError, match="auth_source env"):
        sign_in({}, {"ANSIBLE_AZURE_AUTH_SOURCE": value}, file)
    assert sign_in({"auth_source": "auto"}, {"ANSIBLE_AZURE_AUTH_SOURCE": "env"}, file)[0] == "secret"


@pytest.mark.parametrize("value", ["", " "])
def test_empty_variable_of_the_source_is_not_given(value: str, no_file: Path) -> None:
    assert sign_in({}, {**PRINCIPAL, "ANSIBLE_AZURE_AUTH_SOURCE": value}, no_file)[0] == "secret"


def test_unknown_source_is_an_error_with_the_known_ones(no_file: Path) -> None:
    with pytest.raises(ServiceError, match="is 'magic': it must be one of auto, cli, env, credential_file, msi"):
        sign_in({}, {"ANSIBLE_AZURE_AUTH_SOURCE": "magic"}, no_file)


# The CLI


def test_command_line_signs_in_when_nobody_is_named(no_file: Path) -> None:
    assert sign_in({}, {}, no_file, lambda: CLI) == ("cli", CLI)


def test_command_line_is_not_asked_when_subscription_and_cloud_are_given(no_file: Path) -> None:
    environment = {"AZURE_CLOUD_ENVIRONMENT": "AzureCloud"}
    assert sign_in({"subscription_id": "s"}, environment, no_file) == (
        "cli",
        {"subscription_id": "s", "cloud_environment": "AzureCloud"},
    )


@pytest.mark.parametrize("name", ["AZURE_SUBSCRIPTION_ID", "AZURE_CLOUD_ENVIRONMENT"])
def test_command_line_is_asked_for_the_half_that_is_missing(name: str, no_file: Path) -> None:
    _method, values = sign_in({}, {name: "given"}, no_file, lambda: CLI)
    assert values == {**CLI, VARIABLES_BY_NAME[name]: "given"}


def test_given_subscription_counts_before_the_one_of_the_command_line(no_file: Path) -> None:
    for options, environment in (({"subscription_id": "s"}, {}), ({}, {"AZURE_SUBSCRIPTION_ID": "s"})):
        assert sign_in(options, environment, no_file, lambda: CLI) == (
            "cli",
            {"subscription_id": "s", "cloud_environment": "AzureCloud"},
        )


def test_command_line_can_be_asked_for_whatever_else_is_there(file: Path) -> None:
    environment = {**PRINCIPAL, "AZURE_SUBSCRIPTION_ID": "s"}
    options = {"auth_source": "cli", "tenant": "opt-tenant"}
    assert sign_in(options, environment, file, lambda: CLI) == (
        "cli",
        {"tenant": "opt-tenant", "subscription_id": "s", "cloud_environment": "AzureCloud"},
    )


def test_command_line_never_stands_in_for_a_principal_that_is_not_complete(no_file: Path) -> None:
    for environment in ({"AZURE_CLIENT_ID": "c"}, {"AZURE_AD_USER": "u"}):
        with pytest.raises(ServiceError, match="not complete with auth_source auto"):
            sign_in({}, environment, no_file, lambda: CLI)


# What is missing


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"ad_user": "u"}, "set password (AZURE_PASSWORD)."),
        ({"client_id": "c"}, "set tenant (AZURE_TENANT)."),
        ({"client_id": "c", "secret": "hidden"}, "set tenant (AZURE_TENANT)."),
        (
            {"client_id": "c", "tenant": "t"},
            "set one of oidc_token (AZURE_FEDERATED_TOKEN), oidc_token_file_path (AZURE_FEDERATED_TOKEN_FILE), "
            "secret (AZURE_SECRET), x509_certificate_path (AZURE_X509_CERTIFICATE_PATH).",
        ),
        (
            {"tenant": "t", "secret": "hidden", "auth_source": "env"},
            "set client_id (AZURE_CLIENT_ID) or ad_user (AZURE_AD_USER).",
        ),
    ],
)
def test_sign_in_that_is_not_complete_says_what_is_missing_and_shows_no_value(
    options: dict[str, str], missing: str, no_file: Path
) -> None:
    with pytest.raises(ServiceError) as caught:
        sign_in(options, {}, no_file)
    assert str(caught.value).endswith(missing)
    assert "hidden" not in str(caught.value)


# The profile file


def test_profile_keeps_percent_signs_and_drops_unknown_and_empty_fields(file: Path) -> None:
    assert from_profile(file, "default", required=True)["secret"] == "default-secret%%x%y"
    assert set(from_profile(file, "named", required=True)) == {"client_id", "tenant", "secret"}


def test_profile_that_is_not_required_may_be_missing(file: Path, tmp_path: Path) -> None:
    assert from_profile(file, "nobody", required=False) == {}
    assert from_profile(tmp_path / "nothing", "default", required=False) == {}
    assert from_profile(tmp_path, "default", required=False) == {}


# Asking the CLI


class Run:
    """Stands for subprocess.run."""

    def __init__(self, result: object) -> None:
        self.result = result
        self.calls: list[tuple[list[str], dict[str, Any]]] = []

    def __call__(self, command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
        self.calls.append((command, options))
        if isinstance(self.result, Exception):
            raise self.result
        output = self.result if isinstance(self.result, bytes) else json.dumps(self.result).encode()
        return subprocess.CompletedProcess(command, 0, output, b"")


def test_command_line_tells_its_subscription_and_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run({"id": "s", "environmentName": "AzureCloud", "tenantId": "t"})
    monkeypatch.setattr(azure_sign_in.subprocess, "run", run)
    assert ask_command_line({"PATH": "/bin"}) == {"subscription_id": "s", "cloud_environment": "AzureCloud"}
    [(command, options)] = run.calls
    assert command == ["az", "account", "show", "--output", "json"]
    assert options["env"] == {"PATH": "/bin"}
    assert options["timeout"] > 0
    assert options["check"] is True
    assert options["stdin"] == subprocess.DEVNULL


def test_command_line_that_is_not_installed_says_how_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_sign_in.subprocess, "run", Run(FileNotFoundError("az")))
    with pytest.raises(ServiceError, match="No Azure sign-in was found: set client_id, tenant and secret"):
        ask_command_line({})


@pytest.mark.parametrize(
    "result",
    [
        subprocess.CalledProcessError(1, "az", stderr=b"Please run 'az login'"),
        subprocess.TimeoutExpired("az", 30),
        PermissionError("az"),
        b"not json",
        b"\xff",
        [],
        {},
        None,
        "text",
    ],
)
def test_command_line_that_does_not_answer_well_says_to_log_in(result: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_sign_in.subprocess, "run", Run(result))
    with pytest.raises(ServiceError, match=r"The Azure CLI did not say which account it uses .*: run az login"):
        ask_command_line({})
