# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs in to Azure: options, environment, profile file, CLI, under the names that azure.azcollection gives them.

Each field falls back by itself, and an empty value anywhere counts as not given.
"""

from __future__ import annotations

import configparser
import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .._sessions.errors import ServiceError

VARIABLES: dict[str, tuple[str, ...]] = {
    "profile": ("AZURE_PROFILE",),
    "subscription_id": ("AZURE_SUBSCRIPTION_ID",),
    "client_id": ("AZURE_CLIENT_ID",),
    "secret": ("AZURE_SECRET",),
    "tenant": ("AZURE_TENANT", "AZURE_TENANT_ID"),
    "ad_user": ("AZURE_AD_USER",),
    "password": ("AZURE_PASSWORD",),
    "cloud_environment": ("AZURE_CLOUD_ENVIRONMENT",),
    "adfs_authority_url": ("AZURE_ADFS_AUTHORITY_URL",),
    "cert_validation_mode": ("AZURE_CERT_VALIDATION_MODE",),
    "x509_certificate_path": ("AZURE_X509_CERTIFICATE_PATH",),
    "thumbprint": ("AZURE_THUMBPRINT",),
    "oidc_token": ("AZURE_FEDERATED_TOKEN",),
    "oidc_token_file_path": ("AZURE_FEDERATED_TOKEN_FILE",),
    "disable_instance_discovery": ("AZURE_DISABLE_INSTANCE_DISCOVERY",),
}
"""Environment variables of each option, the first one that is set wins."""
SOURCES = ("auto", "cli", "env", "credential_file", "msi")
SIGN_IN: dict[str, dict[str, Any]] = {
    "auth_source": {"type": "str", "choices": list(SOURCES)},
    **{name: {"type": "str"} for name in VARIABLES},
    "profile": {"type": "str", "aliases": ["default_profile"]},
    **{name: {"type": "str", "no_log": True} for name in ("secret", "password", "oidc_token")},
    "cert_validation_mode": {"type": "str", "choices": ["validate", "ignore"]},
    "x509_certificate_path": {"type": "path"},
    "oidc_token_file_path": {"type": "path", "no_log": False},
    "disable_instance_discovery": {"type": "bool"},
}
"""The options as an argument spec of Ansible."""
SOURCE_VARIABLE = "ANSIBLE_AZURE_AUTH_SOURCE"
PROOFS = ("oidc_token", "oidc_token_file_path", "secret", "x509_certificate_path")
"""What a service principal can prove itself with; of several from one source the first is taken."""
CLI_SECONDS = 30
NO_SIGN_IN = (
    "No Azure sign-in was found: set client_id, tenant and secret (AZURE_CLIENT_ID, AZURE_TENANT, AZURE_SECRET), name "
    "a profile of ~/.azure/credentials, set auth_source to msi, or install the Azure CLI and log in."
)

Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignIn:
    """The sign-in that was chosen, with the values that it needs."""

    method: str
    """`cli`, `msi`, `password` or one of PROOFS."""
    values: Values = field(repr=False)

    def get(self, field: str) -> str:
        """Return the value of a field, such as `tenant`, or an empty string."""
        return self.values.get(field, "")


def given(values: Mapping[str, object]) -> Values:
    """Keep what is really given, as text."""
    return {name: str(value).strip() for name, value in values.items() if value is not None and str(value).strip()}


def from_environment(environment: Mapping[str, str]) -> Values:
    """Read the fields from environment variables."""
    found = {}
    for option, names in VARIABLES.items():
        value = next((environment[name].strip() for name in names if environment.get(name, "").strip()), "")
        if value:
            found[option] = value
    return found


def from_profile(path: Path, profile: str, *, required: bool) -> Values:
    """Read the section `profile` of a credentials file. Raises ServiceError when it is required and not there."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        with path.open(encoding="utf-8") as file:
            parser.read_file(file)
        return {name: value.strip() for name, value in parser[profile].items() if name in VARIABLES and value.strip()}
    except FileNotFoundError as error:
        problem: Exception = error
        reason = "the file does not exist"
    except KeyError as error:
        problem, reason = error, "there is no such section"
    except (OSError, configparser.Error, UnicodeDecodeError) as error:
        problem, reason = error, f"the file cannot be read ({type(error).__name__})"
    if required:
        raise ServiceError(f"The profile {profile} of {path} cannot be used: {reason}.") from problem
    return {}


def choose(
    options: Mapping[str, object],
    environment: Mapping[str, str],
    credentials_file: Path,
    command_line: Callable[[], Values],
) -> SignIn:
    """Choose the sign-in. `command_line` asks the Azure CLI and is called only when nothing else is given.

    `options` are the task's, and `environment` its variables, by name; `credentials_file` need not exist.
    Raises ServiceError with what is missing.
    """
    explicit = given({name: value for name, value in options.items() if name in VARIABLES})
    ambient = from_environment(environment)
    auth_source = str(options.get("auth_source") or environment.get(SOURCE_VARIABLE, "").strip() or "auto")
    if auth_source not in SOURCES:
        raise ServiceError(f"{SOURCE_VARIABLE} is {auth_source!r}: it must be one of {', '.join(SOURCES)}.")
    if auth_source == "msi":
        return SignIn("msi", _first([_only_place(explicit, "client_id"), _only_place(ambient, "client_id")]))
    if auth_source == "cli":
        return _from_command_line(explicit, ambient, command_line)
    sources = _sources(auth_source, explicit, ambient, credentials_file)
    method = _method(sources)
    if method:
        return SignIn(method, _first(sources))
    proves = any(proof in explicit for proof in (*PROOFS, "password"))
    if auth_source == "auto" and not proves and not any(_names_somebody(source) for source in sources):
        return _from_command_line(explicit, _first(sources[1:]), command_line)
    raise ServiceError(_what_is_missing(_first(sources), auth_source))


def _sources(auth_source: str, explicit: Values, ambient: Values, file: Path) -> list[Values]:
    """Put the sources in order. A profile that was named counts before the environment, the default one after it."""
    if auth_source == "credential_file":
        name = explicit.get("profile") or ambient.get("profile") or "default"
        return [explicit, from_profile(file, name, required=True)]
    name = explicit.get("profile") or ambient.get("profile") or ""
    named = [from_profile(file, name, required=True)] if name else []
    if auth_source == "env":
        return [explicit, *named, ambient]
    default = [] if name else [from_profile(file, "default", required=False)]
    return [explicit, *named, ambient, *default]


def _first(sources: Sequence[Values]) -> Values:
    """Merge field by field; the earlier source wins."""
    merged: dict[str, str] = {}
    for source in reversed(sources):
        merged.update(source)
    return merged


def _names_somebody(source: Values) -> bool:
    return "client_id" in source or "ad_user" in source


def _method(sources: Sequence[Values]) -> str:
    """Find how to sign in: who is named first says whether it is a user, and the first source with a proof says how."""
    merged = _first(sources)
    who = next((source for source in sources if _names_somebody(source)), {})
    if "ad_user" in who and not ("client_id" in who and any(proof in who for proof in PROOFS)):
        return "password" if "password" in merged else ""
    if "client_id" in merged and "tenant" in merged:
        for source in sources:
            for proof in PROOFS:
                if proof in source:
                    return proof
    return ""


def _only_place(source: Values, *fields: str) -> Values:
    kept = ("subscription_id", "cloud_environment", "cert_validation_mode", *fields)
    return {name: value for name, value in source.items() if name in kept}


def _from_command_line(explicit: Values, ambient: Values, command_line: Callable[[], Values]) -> SignIn:
    places = [_only_place(explicit, "tenant"), _only_place(ambient)]
    merged = _first(places)
    if "subscription_id" not in merged or "cloud_environment" not in merged:
        merged = _first([*places, command_line()])
    return SignIn("cli", merged)


def _what_is_missing(values: Values, auth_source: str) -> str:
    names = {field: f"{field} ({variables[0]})" for field, variables in VARIABLES.items()}
    if "ad_user" in values and "client_id" not in values:
        missing = names["password"]
    elif "client_id" in values and "tenant" not in values:
        missing = names["tenant"]
    elif "client_id" in values:
        missing = "one of " + ", ".join(names[proof] for proof in PROOFS)
    else:
        missing = f"{names['client_id']} or {names['ad_user']}"
    return f"The Azure sign-in is not complete with auth_source {auth_source}: set {missing}."


def ask_command_line(environment: Mapping[str, str]) -> Values:
    """Ask the Azure CLI, with the variables of `environment`, for its subscription and cloud. Raises ServiceError."""
    try:
        answer = subprocess.run(
            ["az", "account", "show", "--output", "json"],
            env=dict(environment),
            capture_output=True,
            check=True,
            timeout=CLI_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        account = json.loads(answer.stdout)
        return given({"subscription_id": account["id"], "cloud_environment": account.get("environmentName")})
    except FileNotFoundError as error:
        raise ServiceError(NO_SIGN_IN) from error
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError) as error:
        raise ServiceError(
            f"The Azure CLI did not say which account it uses ({type(error).__name__}): run az login, or set client_id."
        ) from error
