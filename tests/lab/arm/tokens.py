# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens: opaque texts that the lab remembers."""

from __future__ import annotations

import dataclasses
import secrets
import time

from ..credentials import Credential, Credentials
from ..options import Options
from .clouds import accepts, cloud_of
from .errors import unauthorized
from .wire import Call


@dataclasses.dataclass(frozen=True)
class Token:
    """`expires`: epoch seconds. `audience` as the client asked for it."""

    text: str
    principal: str
    audience: str
    expires: float


class Tokens:
    """All tokens given out since the start."""

    def __init__(self, options: Options, credentials: Credentials) -> None:
        self._options = options
        self._credentials = credentials
        self._given: dict[str, Token] = {}

    def give(self, principal: str, audience: str) -> Token:
        expires = time.time() + self._options.token_lifetime_seconds
        token = Token("lab." + secrets.token_urlsafe(48), principal, audience, expires)
        self._given[token.text] = token
        return token

    def check(self, call: Call) -> Credential:
        """Whose token the request carries. Raises RefusedError (401)."""
        cloud = cloud_of(call.host_name, self._options.audiences)
        challenge = f"{cloud.login}/common"
        scheme, _space, text = call.headers.get("authorization", "").partition(" ")
        if not text:
            message = "Authentication failed. The 'Authorization' header is missing."
            raise unauthorized("AuthenticationFailed", message, challenge)
        token = self._given.get(text.strip())
        credential = None if token is None else self._credentials.by_name(token.principal)
        if scheme.lower() != "bearer" or token is None or credential is None:
            raise unauthorized("InvalidAuthenticationToken", "The access token is invalid.", challenge)
        if not accepts(cloud, token.audience):
            named = ", ".join(f"'{one}'" for one in cloud.audiences)
            message = (
                "The access token has been obtained for wrong audience or resource "
                f"'{token.audience}'. It should exactly match with one of the allowed audiences {named}."
            )
            raise unauthorized("InvalidAuthenticationTokenAudience", message, challenge)
        if token.expires <= time.time():
            until = time.strftime("%m/%d/%Y %I:%M:%S %p", time.gmtime(token.expires))
            message = f"The access token expiry UTC time '{until}' is earlier than current UTC time."
            raise unauthorized("ExpiredAuthenticationToken", message, challenge)
        return credential
