# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What principals sign in with; made at start, kept while farms come and go."""

from __future__ import annotations

import dataclasses
import secrets
import uuid

from .farm import Farm, Principal

TENANT = "a7d00000-0000-4000-8000-00000000aaaa"
TENANT_NAMES = (TENANT, "contoso.com", "contoso.onmicrosoft.com")
"""All of them name the lab's one tenant."""


@dataclasses.dataclass(frozen=True)
class Credential:
    """How one principal proves itself."""

    name: str
    client_id: str
    object_id: str
    secret: str
    ad_user: str
    password: str


class Credentials:
    """A credential for each principal of the farm. Ids follow from the name, secrets are new with each start."""

    def __init__(self, farm: Farm) -> None:
        self._farm = farm
        self._made: dict[str, Credential] = {}
        self.federated_token = "lab.federated." + secrets.token_urlsafe(32)

    def all(self) -> dict[str, Credential]:
        """By principal name, those of the present farm."""
        return {name: self._of(principal) for name, principal in self._farm.principals.items()}

    def by_client_id(self, client_id: str) -> Credential | None:
        return next((one for one in self.all().values() if one.client_id == client_id.lower()), None)

    def by_user(self, ad_user: str) -> Credential | None:
        return next((one for one in self.all().values() if one.ad_user and one.ad_user == ad_user.lower()), None)

    def by_name(self, name: str) -> Credential | None:
        principal = self._farm.principals.get(name)
        return None if principal is None else self._of(principal)

    def first(self) -> Credential | None:
        """Who stands behind a managed identity that is not named."""
        return next(iter(self.all().values()), None)

    def _of(self, principal: Principal) -> Credential:
        name = principal.name
        if name not in self._made:
            self._made[name] = Credential(
                name,
                client_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"application.{name}.lab")),
                object_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"object.{name}.lab")),
                secret="lab~" + secrets.token_urlsafe(24),
                ad_user=principal.user_name.lower(),
                password="Lab1~" + secrets.token_urlsafe(16),
            )
        return self._made[name]
