# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a connection: Basic, NTLM, Negotiate (with NTLM inside) and CredSSP."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import pathlib
import secrets
import threading
import typing

import spnego

from ..credentials import Credential, Credentials

_PROTOCOLS = {"negotiate": "negotiate", "ntlm": "ntlm", "credssp": "credssp"}
_ENVIRONMENT = threading.Lock()


class RefusedError(Exception):
    """Not authenticated: 401, with these challenges."""

    def __init__(self, challenges: typing.Sequence[str] = ()) -> None:
        super().__init__("401")
        self.challenges = tuple(challenges)


class Accounts:
    """The Windows accounts: the farm's principals that have a user name.

    A client may write the name as alice@contoso.com, CONTOSO\\alice or alice.
    """

    def __init__(self, credentials: Credentials, directory: pathlib.Path) -> None:
        self._credentials = credentials
        self._file = directory / "accounts"

    def all(self) -> list[Credential]:
        return [credential for credential in self._credentials.all().values() if credential.ad_user]

    def find(self, name: str) -> Credential | None:
        for credential in self.all():
            if name.lower() in (_whole(*names).lower() for names in _spellings(credential)):
                return credential
        return None

    def check(self, name: str, password: str) -> Credential | None:
        credential = self.find(name)
        same = secrets.compare_digest(password.encode(), (credential.password if credential else "").encode())
        return credential if same else None

    @contextlib.contextmanager
    def as_ntlm_store(self) -> typing.Iterator[None]:
        """NTLM needs the passwords, and pyspnego reads them only from a file that the environment names."""
        lines = [
            f"{domain}:{user}:{credential.password}\n"
            for credential in self.all()
            for domain, user in _spellings(credential)
        ]
        with _ENVIRONMENT:
            self._file.touch(mode=0o600)
            self._file.write_text("".join(lines), encoding="utf-8")
            before = os.environ.get("NTLM_USER_FILE")
            os.environ["NTLM_USER_FILE"] = str(self._file)
            try:
                yield
            finally:
                if before is None:
                    del os.environ["NTLM_USER_FILE"]
                else:
                    os.environ["NTLM_USER_FILE"] = before


def _spellings(credential: Credential) -> list[tuple[str, str]]:
    """Domain and user as NTLM clients split the name."""
    user, _at, suffix = credential.ad_user.partition("@")
    return [("", credential.ad_user), (suffix.partition(".")[0].upper(), user), ("", user), (suffix, user)]


def _whole(domain: str, user: str) -> str:
    return f"{domain}\\{user}" if domain else user


class Authenticator:
    """One TCP connection. `user` is set as soon as its client has proved itself."""

    def __init__(self, accounts: Accounts, basic: bool) -> None:
        self.user: Credential | None = None
        self.context: spnego.ContextProxy | None = None
        self.scheme = ""
        self._accounts = accounts
        self._basic = basic

    def authenticate(self, header: str | None) -> str | None:
        """Take an Authorization header; answers with a WWW-Authenticate to send along. Raises RefusedError."""
        if header is None:
            if self.user is None:
                raise RefusedError(self._offers())
            return None
        scheme, _space, value = header.partition(" ")
        try:
            token = base64.b64decode(value, validate=True)
        except binascii.Error:
            raise RefusedError(self._offers()) from None
        if scheme.lower() == "basic" and self._basic:
            self._with_password(token)
            return None
        if scheme.lower() in _PROTOCOLS:
            return self._with_token(scheme, token)
        raise RefusedError(self._offers())

    def _offers(self) -> list[str]:
        return ["Negotiate", "NTLM", "CredSSP", *(['Basic realm="WSMAN"'] if self._basic else [])]

    def _with_password(self, token: bytes) -> None:
        name, _colon, password = token.decode("utf-8", "replace").partition(":")
        self.user = self._accounts.check(name, password)
        if self.user is None:
            raise RefusedError(self._offers())

    def _with_token(self, scheme: str, token: bytes) -> str | None:
        if self.context is None or self.context.complete:
            self.user = None
            with self._accounts.as_ntlm_store():
                self.context = spnego.server(protocol=_PROTOCOLS[scheme.lower()])
            self.scheme = scheme
        try:
            with self._accounts.as_ntlm_store():
                answer = self.context.step(token)
        except (spnego.exceptions.SpnegoError, ValueError):
            self.context = None
            raise RefusedError(self._offers()) from None
        reply = scheme if answer is None else f"{scheme} {base64.b64encode(answer).decode()}"
        if not self.context.complete:
            raise RefusedError([reply])
        self.user = self._accounts.find(self.context.client_principal or "")
        if self.user is None:
            raise RefusedError(self._offers())
        return reply if answer is not None else None
