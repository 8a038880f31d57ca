# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Virtual Desktop (classic): what is known of the cmdlets of the module Microsoft.RDInfra.RDPowerShell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .._sessions.errors import SelectionError
from .._sessions.selection import Filters, NamedSession
from .._sessions.session import ACTIVE, DISCONNECTED, ENDING, Session, fold
from .._sessions.times import at_latest
from .._sessions.verbs import LOG_OFF, Operation
from .._transports.cmdlet import Call, Credential
from .given_rows import RowForm, SessionIds, read_rows
from .host_names import HostSelection
from .place import Options, Spec
from .windows import Wanted, WindowsPlace
from .windows_cmdlets import ServiceCmdlets

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
IDS = SessionIds("session_id")
FORM = RowForm(
    service="wvd_classic",
    module="rds_session_info",
    fields=tuple(FIELDS),
    host="session_host_name",
    ids=IDS,
    owner=("user_principal_name", "ad_user_name"),
    names=lambda owner: tuple(filter(None, owner.values())),
    states={"active": ACTIVE, "disconnected": DISCONNECTED, "logoff": ENDING},
)
WHERE: Spec = {
    "tenant_name": {"type": "str"},
    "host_pool_name": {"type": "str"},
    "session_host_name": {"type": "str"},
    "deployment_url": {"type": "str"},
    "credential": {
        "type": "dict",
        "options": {
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "service_principal": {"type": "bool", "default": False},
    "aad_tenant_id": {"type": "str"},
    "application_id": {"type": "str"},
    "certificate_thumbprint": {"type": "str"},
}


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
    FORM = FORM
    STATES = STATES
    DISCONNECTED = "Disconnected"
    COMMANDS: ClassVar = {LOG_OFF: "Invoke-RdsUserSessionLogoff"}
    RIGHT = "an operator of the host pool (role RDS Operator) or more"
    LIST_ADVICE = "Check tenant_name, host_pool_name and the sign-in. The service was retired on 2026-09-30."
    fields = FIELDS

    def __init__(self, pool: ClassicHostPool, sign_in: Call) -> None:
        """`sign_in` is what `sign_in_call` makes."""
        self.place = pool.place
        self._pool = {"TenantName": pool.tenant, "HostPoolName": pool.name}
        self.sign_in = sign_in
        self.lists = (Call("Get-RdsUserSession", self._pool),)

    def act(self, session: Session, operation: Operation) -> Call:
        """Do it without the cmdlet's own question, which nobody could answer on the host."""
        which = {"SessionHostName": session.host, "SessionId": session.fields["session_id"]}
        return Call(self.COMMANDS[operation.verb], {**self._pool, **which, "NoUserPrompt": True})


def sign_in_call(
    url: str | None,
    credential: Credential | None,
    service_principal: bool,
    tenant_id: str | None,
    application_id: str | None,
    thumbprint: str | None,
) -> Call:
    """Make the call that signs in, of the options that say how. Raises SelectionError unless one way is said whole.

    Either a `credential` signs in, with `tenant_id` if it is a `service_principal` and only then; or the certificate
    of a `thumbprint`, with `tenant_id` and `application_id`. `url` is that of the broker, `None` for Microsoft's own.
    """
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


class HostPool(WindowsPlace):
    """A host pool."""

    title = "Windows Virtual Desktop (classic)"
    form = FORM
    where = WHERE
    host_option = "session_host_name"
    states = STATES
    question = ("no_user_prompt", True)

    def check(self, options: Options, given: Sequence[str]) -> None:
        """Refuse half of what says where the sessions are."""
        if options.get("sessions") is None:
            for name in ("tenant_name", "host_pool_name"):
                if options[name] is None:
                    raise SelectionError(f"{name} is missing: {given[0]} needs it, to say where the sessions are.")

    def read(self, options: Options, filters: Filters) -> Wanted:
        """Read which sessions of the pool are meant, and who signs in."""
        pool, named = self._named(options)
        credential = options["credential"]
        sign_in = sign_in_call(
            options["deployment_url"],
            Credential(credential["username"], credential["password"]) if credential else None,
            options["service_principal"],
            options["aad_tenant_id"],
            options["application_id"],
            options["certificate_thumbprint"],
        )
        return Wanted(WvdClassicCmdlets(pool, sign_in), HostSelection(named, filters), (RETIRED,))

    def _named(self, options: Options) -> tuple[ClassicHostPool, tuple[NamedSession, ...] | None]:
        tenant, name = options["tenant_name"] or "", options["host_pool_name"] or ""
        if options.get("sessions") is not None:
            return read_named(options["sessions"], "sessions", tenant, name)
        pool = ClassicHostPool(tenant, name)
        if options.get(IDS.name) is None:
            return pool, None
        own = {"tenant_name": tenant, "host_pool_name": name}
        host = options["session_host_name"]
        return pool, tuple(FORM.name(pool.place, host, IDS.read(id_), own) for id_ in options[IDS.name])


HOST_POOL = HostPool()


def read_named(rows: object, option: str, tenant: str, pool: str) -> tuple[ClassicHostPool, tuple[NamedSession, ...]]:
    """Read rows of rds_session_info, all of one host pool; `tenant` and `pool` are the task's own options, or empty.

    Raises SelectionError.
    """
    given = read_rows(rows, option, FORM)
    pools = [ClassicHostPool(row.text("tenant_name", tenant), row.text("host_pool_name", pool)) for row in given]
    if len({found.place for found in pools}) != 1:
        raise SelectionError(f"{option} has sessions of several host pools: use a task for each.")
    return pools[-1], tuple(row.named(pools[-1].place, at_latest, {}) for row in given)
