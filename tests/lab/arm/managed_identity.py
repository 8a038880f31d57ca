# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed identity: the endpoint of App Service and the instance metadata service of virtual machines."""

from __future__ import annotations

import secrets
import time

from ..credentials import Credential, Credentials
from ..options import Options
from .clouds import CLOUDS, plain
from .errors import RefusedError
from .tokens import Tokens
from .wire import Answer, Call, json_answer

APP_SERVICE = "/msi/token"
INSTANCE = "/metadata/identity/oauth2/token"


def _refused(status: int, error: str, text: str) -> RefusedError:
    return RefusedError(json_answer({"error": error, "error_description": text}, status))


class ManagedIdentity:
    """Stands for the farm's first principal, or the one whose client id is asked for. Plain http, as in Azure."""

    def __init__(self, options: Options, credentials: Credentials, tokens: Tokens) -> None:
        self._options = options
        self._credentials = credentials
        self._tokens = tokens
        self.header = secrets.token_hex(16).upper()
        self.own_audiences: tuple[str, ...] = ()

    def answer(self, call: Call) -> Answer:
        """Raises RefusedError; sets the call's principal."""
        if call.path.rstrip("/").lower() == APP_SERVICE:
            if not secrets.compare_digest(call.headers.get("x-identity-header", ""), self.header):
                text = "The X-IDENTITY-HEADER does not have the value of IDENTITY_HEADER."
                raise RefusedError(json_answer({"statusCode": 401, "message": text}, 401))
            if call.query.get("api-version") != "2019-08-01":
                raise RefusedError(json_answer({"statusCode": 400, "message": "Unsupported api-version."}, 400))
            return self._token(call, imds=False)
        if call.path.rstrip("/").lower() == INSTANCE:
            if call.headers.get("metadata", "").lower() != "true":
                raise _refused(400, "invalid_request", "Required metadata header not specified")
            if not call.query.get("api-version"):
                raise _refused(400, "invalid_request", "Required query variable 'api-version' is missing")
            return self._token(call, imds=True)
        raise _refused(404, "not_found", "There is nothing here.")

    def _token(self, call: Call, imds: bool) -> Answer:
        resource = call.query.get("resource", "")
        known = {plain(one) for cloud in CLOUDS for one in (*cloud.audiences, *self._options.audiences)}
        if plain(resource) not in known | {plain(one) for one in self.own_audiences}:
            raise _refused(400, "invalid_resource", f"AADSTS500011: The resource principal {resource} was not found.")
        credential = self._identity(call)
        call.principal = credential.name
        token = self._tokens.give(credential.name, resource)
        content = {
            "access_token": token.text,
            "client_id": credential.client_id,
            "expires_on": str(int(token.expires)),
            "resource": resource,
            "token_type": "Bearer",
        }
        if imds:
            left = str(int(token.expires - time.time()))
            content |= {"expires_in": left, "ext_expires_in": left, "not_before": str(int(time.time()) - 300)}
        return json_answer(content)

    def _identity(self, call: Call) -> Credential:
        client_id = call.query.get("client_id", "")
        credential = self._credentials.by_client_id(client_id) if client_id else self._credentials.first()
        if credential is None:
            raise _refused(400, "invalid_request", "Identity not found")
        return credential
