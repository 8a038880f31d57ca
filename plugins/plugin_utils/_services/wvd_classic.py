# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Virtual Desktop (classic): what is known of the cmdlets of the module Microsoft.RDInfra.RDPowerShell."""

from __future__ import annotations

from dataclasses import dataclass

from .._sessions.errors import SelectionError
from .._sessions.selection import NamedSession
from .._sessions.session import Session, fold
from .._transports.cmdlet import Call, Credential, Row
from .given_rows import SessionIds, read_rows
from .windows_cmdlets import ServiceCmdlets, make_session

RETIRED = (
    "Windows Virtual Desktop (classic), which tenant_name is about, was retired on 2026-09-30. For Azure Virtual "
    "Desktop use remotedesktop.sessions.wvd_session_disconnect."
)
DEPLOYMENT_URL = "https://rdbroker.wvd.microsoft.com"
STATES = ("Active", "Disconnected", "Pending", "LogOff", "UserProfileDiskMounted", "Unknown")
FIELDS = {
    "tenant_group_name": "TenantGroupName",
    "tenant_name": "TenantName",
    "host_pool_name": "HostPoolName",
    "session_host_name": "SessionHostName",
    "session_id": "SessionId",
    "user_principal_name": "UserPrincipalName",
    "ad_user_name": "AdUserName",
    "session_state": "SessionState",
    "application_type": "ApplicationType",
    "create_time": "CreateTime",
}
"""Fields of a row, and the property of an RdMgmtUserSession that each one shows."""
IDS = SessionIds("session_id", 2**31 - 1)


@dataclass(frozen=True, slots=True)
class ClassicHostPool:
    """A host pool."""

    tenant: str
    name: str

    @property
    def place(self) -> str:
        """The same text for every spelling of the pool."""
        return fold(f"{self.tenant}/{self.name}")


class WvdClassicCmdlets(ServiceCmdlets):
    """The sessions of a host pool."""

    MODULE = "Microsoft.RDInfra.RDPowerShell"
    RIGHT = "an operator of the host pool (role RDS Operator) or more"
    LIST_ADVICE = "Check tenant_name, host_pool_name and the sign-in. The service was retired on 2026-09-30."
    where = ("session_host_name", "session_id")
    owner = ("user_principal_name", "ad_user_name")
    proof = (*owner, "create_time")
    fields = FIELDS

    def __init__(self, pool: ClassicHostPool, sign_in: Call) -> None:
        """`sign_in` is what `sign_in_call` makes."""
        self.place = pool.place
        self._pool = {"TenantName": pool.tenant, "HostPoolName": pool.name}
        self.sign_in = sign_in
        self.lists = (Call("Get-RdsUserSession", self._pool),)

    def read(self, row: Row, read_at: float) -> Session:
        """Read an RdMgmtUserSession."""
        fields = {field: row.get(name) for field, name in FIELDS.items()}
        state = fields["session_state"]
        if isinstance(state, int) and 0 <= state < len(STATES):
            fields["session_state"] = STATES[state]
        names = (fields["user_principal_name"], fields["ad_user_name"])
        return make_session(self, fields, tuple(str(name).strip() for name in names if name), read_at)

    def act(self, session: Session) -> Call:
        """Log off without the cmdlet's own question, which nobody could answer on the host."""
        return Call(
            "Invoke-RdsUserSessionLogoff",
            {
                **self._pool,
                "SessionHostName": session.host,
                "SessionId": session.fields["session_id"],
                "NoUserPrompt": True,
            },
        )


def sign_in_call(
    url: str | None,
    credential: Credential | None,
    service_principal: bool,
    tenant_id: str | None,
    application_id: str | None,
    thumbprint: str | None,
) -> Call:
    """Make the call that signs in, of the options that say how. Raises SelectionError unless one way is said whole."""
    address = {"DeploymentUrl": url or DEPLOYMENT_URL}
    if thumbprint or application_id:
        given = {"certificate_thumbprint": thumbprint, "application_id": application_id, "aad_tenant_id": tenant_id}
        if credential is not None or service_principal:
            raise SelectionError(
                "credential and certificate_thumbprint are two ways to sign in: give only one of them."
            )
        if missing := [name for name, value in given.items() if not value]:
            raise SelectionError(f"{' and '.join(missing)} is missing: a sign-in with a certificate needs it.")
        return Call(
            "Add-RdsAccount",
            {**address, "CertificateThumbprint": thumbprint, "ApplicationId": application_id, "AadTenantId": tenant_id},
        )
    if credential is None:
        raise SelectionError(
            "Nobody signs in: give credential, or certificate_thumbprint with application_id and aad_tenant_id."
        )
    if service_principal != bool(tenant_id):
        raise SelectionError("service_principal and aad_tenant_id go together: give both, or neither.")
    parameters = {**address, "ServicePrincipal": service_principal or None, "AadTenantId": tenant_id}
    return Call("Add-RdsAccount", parameters, {"Credential": credential})


def read_named(rows: object, option: str, tenant: str, pool: str) -> tuple[ClassicHostPool, tuple[NamedSession, ...]]:
    """Read rows of rds_session_info, all of one host pool; `tenant` and `pool` are the task's own options, or empty.

    Raises SelectionError.
    """
    given = read_rows(rows, option, "rds_session_info")
    pools = {
        found.place: found
        for found in (
            ClassicHostPool(row.text("tenant_name", tenant), row.text("host_pool_name", pool)) for row in given
        )
    }
    if len(pools) > 1:
        raise SelectionError(f"{option} has sessions of several host pools: use a task for each.")
    place = next(iter(pools.values()), ClassicHostPool(tenant, pool))
    return place, tuple(
        NamedSession(
            place.place,
            row.text("session_host_name"),
            row.id(IDS),
            row.optional("user_principal_name") or row.optional("ad_user_name"),
            row.time("create_time"),
            {**dict.fromkeys(FIELDS), **row.known(FIELDS)},
            nobody=row.nobody("user_principal_name", "ad_user_name"),
            timeless=row.nobody("create_time"),
        )
        for row in given
    )


def name_session(pool: ClassicHostPool, host: str, id_: int) -> NamedSession:
    """Name a session by what the cmdlet takes."""
    fields = {
        **dict.fromkeys(FIELDS),
        "tenant_name": pool.tenant,
        "host_pool_name": pool.name,
        "session_host_name": host,
        "session_id": id_,
    }
    return NamedSession(pool.place, host, str(id_), fields=fields)
