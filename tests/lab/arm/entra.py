# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entra's sign-in: discovery, user realm and the token endpoint, with its errors."""

from __future__ import annotations

import base64
import json
import re
import time
import typing
import urllib.parse
import uuid

from ..certificates import Certificates
from ..credentials import TENANT, TENANT_NAMES, Credential, Credentials
from ..options import Options
from .clouds import CLOUDS, OTHER_AUDIENCES, cloud_of, own_cloud, plain
from .errors import RefusedError
from .tokens import Tokens
from .wire import Answer, Call, json_answer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PUBLIC_CLIENTS = ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2")
"""Azure CLI and Azure PowerShell: with them users sign in, no application does."""
SHARED = ("organizations", "common")
DISCOVERY = re.compile(r"/(?P<tenant>[^/]+)(?:/v2\.0)?/\.well-known/openid-configuration", re.IGNORECASE)
TOKEN = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", re.IGNORECASE)
REALM = re.compile(r"/common/userrealm/(?P<user>[^/]+)", re.IGNORECASE)
INSTANCE = re.compile(r"/common/discovery/instance", re.IGNORECASE)

Form = dict[str, str]


def refused(status: int, error: str, number: int, text: str) -> RefusedError:
    """An error in Entra's form; `number` is that of the AADSTS code."""
    now = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    body = {
        "error": error,
        "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}",
        "error_codes": [number],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return RefusedError(json_answer(body, status))


class Entra:
    """The authority. Every host name of the door serves it."""

    def __init__(self, options: Options, credentials: Credentials, certificates: Certificates, tokens: Tokens) -> None:
        self._options = options
        self._credentials = credentials
        self._certificates = certificates
        self._tokens = tokens

    def openid(self, call: Call, tenant: str) -> Answer:
        _check_tenant(tenant, "invalid_tenant", shared=True)
        issuer = tenant if tenant.lower() in SHARED else TENANT
        return json_answer(
            {
                "issuer": f"{call.base}/{issuer}/v2.0",
                "authorization_endpoint": f"{call.base}/{tenant}/oauth2/v2.0/authorize",
                "token_endpoint": f"{call.base}/{tenant}/oauth2/v2.0/token",
                "device_authorization_endpoint": f"{call.base}/{tenant}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{call.base}/{tenant}/discovery/v2.0/keys",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": urllib.parse.urlsplit(call.base).hostname,
            }
        )

    def instance(self, call: Call) -> Answer:
        hosts = [cloud.hosts[1] for cloud in CLOUDS] + [call.host_name]
        return json_answer(
            {
                "tenant_discovery_endpoint": f"{call.base}/common/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [
                    {"preferred_network": host, "preferred_cache": host, "aliases": [host]}
                    for host in dict.fromkeys(hosts)
                ],
            }
        )

    def realm(self, call: Call, user: str) -> Answer:
        """Every user is of the cloud alone: none federated."""
        name = urllib.parse.unquote(user)
        return json_answer(
            {
                "ver": "1.0",
                "account_type": "Managed",
                "domain_name": name.rpartition("@")[2],
                "cloud_instance_name": urllib.parse.urlsplit(call.base).hostname,
                "cloud_audience_urn": "urn:federation:MicrosoftOnline",
            }
        )

    def token(self, call: Call, tenant: str) -> Answer:
        """The token endpoint. Raises RefusedError; sets the call's principal."""
        form = dict(urllib.parse.parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        grant = form.get("grant_type", "")
        _check_tenant(tenant, "invalid_request", shared=grant == "password")
        if grant == "password":
            credential = self._user(form)
        elif grant == "client_credentials":
            credential = self._application(call, tenant, form)
        else:
            raise refused(
                400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant}'."
            )
        call.principal = credential.name
        token = self._tokens.give(credential.name, self._audience(call, form.get("scope", "")))
        content: dict[str, typing.Any] = {
            "token_type": "Bearer",
            "expires_in": self._options.token_lifetime_seconds,
            "ext_expires_in": self._options.token_lifetime_seconds,
            "access_token": token.text,
        }
        if grant == "password":
            content |= _user_parts(call, form, credential)
        return json_answer(content, headers={"Cache-Control": "no-store, no-cache"})

    def _application(self, call: Call, tenant: str, form: Form) -> Credential:
        client_id = form.get("client_id", "")
        credential = self._credentials.by_client_id(client_id)
        if credential is None:
            raise refused(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client_id}' was not found in the directory 'Contoso'. This can happen "
                "if the application has not been installed by the administrator of the tenant or consented to by any "
                "user in the tenant. You may have sent your authentication request to the wrong tenant.",
            )
        if form.get("client_assertion"):
            self._check_assertion(call, tenant, client_id, form)
        elif "client_secret" not in form:
            text = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise refused(401, "invalid_client", 7000218, text)
        elif form["client_secret"] != credential.secret:
            raise refused(
                401,
                "invalid_client",
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                f"value, not the client secret ID, for a secret added to app '{client_id}'.",
            )
        return credential

    def _check_assertion(self, call: Call, tenant: str, client_id: str, form: Form) -> None:
        """The registered federated token as it is, or a JWT signed with the registered certificate's key."""
        assertion = form["client_assertion"]
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise refused(400, "invalid_request", 900144, "client_assertion_type is missing or wrong.")
        if assertion == self._credentials.federated_token:
            return
        import jwt  # only who signs in with a certificate pays for it

        try:
            claims = jwt.decode(
                assertion,
                self._certificates.client_key,
                algorithms=["RS256", "PS256"],
                audience=[f"{call.base}/{tenant}/oauth2/v2.0/token", f"{call.base}/{tenant}/v2.0"],
                options={"require": ["aud", "exp", "iss", "sub"]},
            )
        except jwt.ExpiredSignatureError as error:
            text = "Client assertion is not within its valid time range."
            raise refused(401, "invalid_client", 700024, text) from error
        except jwt.InvalidAudienceError as error:
            text = "Client assertion audience claim does not match Realm issuer."
            raise refused(401, "invalid_client", 700023, text) from error
        except jwt.InvalidTokenError as error:
            text = (
                "Client assertion failed signature validation or is malformed. The certificate used to sign it is not "
                f"registered on application '{client_id}'."
            )
            raise refused(401, "invalid_client", 700027, text) from error
        if claims["iss"] != client_id or claims["sub"] != client_id:
            text = "Client assertion contains an invalid issuer or subject."
            raise refused(401, "invalid_client", 700021, text)

    def _user(self, form: Form) -> Credential:
        client_id = form.get("client_id", "")
        if client_id not in PUBLIC_CLIENTS and self._credentials.by_client_id(client_id) is None:
            text = f"Application with identifier '{client_id}' was not found in the directory 'Contoso'."
            raise refused(400, "unauthorized_client", 700016, text)
        user = form.get("username", "")
        credential = self._credentials.by_user(user)
        if credential is None:
            text = f"The user account {user} does not exist in the directory."
            raise refused(400, "invalid_grant", 50034, text)
        if form.get("password") != credential.password:
            text = "Error validating credentials due to invalid username or password."
            raise refused(400, "invalid_grant", 50126, text)
        return credential

    def _audience(self, call: Call, scope: str) -> str:
        """The resource of the scope `<resource>/.default`."""
        resources = [one.removesuffix("/.default") for one in scope.split() if one.endswith("/.default")]
        resource = resources[0] if resources else ""
        if plain(resource) not in self._known(call):
            raise refused(
                400,
                "invalid_resource",
                500011,
                f"The resource principal named {resource or scope} was not found in the tenant named Contoso. This can "
                "happen if the application has not been installed by the administrator of the tenant or consented to "
                "by any user in the tenant.",
            )
        return resource

    def _known(self, call: Call) -> set[str]:
        named = [one for cloud in CLOUDS for one in cloud.audiences]
        named += cloud_of(call.host_name, self._options.audiences).audiences
        named += own_cloud(call.host_name, ()).audiences
        return {plain(one) for one in (*named, *OTHER_AUDIENCES)}


def _check_tenant(tenant: str, error: str, shared: bool) -> None:
    if tenant.lower() in TENANT_NAMES or (shared and tenant.lower() in SHARED):
        return
    raise refused(
        400,
        error,
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
        "correct cloud. Check with your subscription administrator, this may happen if there are no active "
        "subscriptions for the tenant.",
    )


def _user_parts(call: Call, form: Form, credential: Credential) -> dict[str, typing.Any]:
    """What a user's token comes with: the client library reads the account from it."""
    now = int(time.time())
    claims = {
        "aud": form.get("client_id", ""),
        "iss": f"{call.base}/{TENANT}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "name": credential.name,
        "oid": credential.object_id,
        "preferred_username": credential.ad_user,
        "sub": credential.object_id,
        "tid": TENANT,
        "ver": "2.0",
    }
    header = {"typ": "JWT", "alg": "RS256"}
    return {
        "scope": form.get("scope", ""),
        "refresh_token": f"lab.refresh.{uuid.uuid4()}",
        "id_token": ".".join((_encoded(header), _encoded(claims), "not-signed")),
        "client_info": _encoded({"uid": credential.object_id, "utid": TENANT}),
    }


def _encoded(content: typing.Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
