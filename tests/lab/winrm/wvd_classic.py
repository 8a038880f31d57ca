# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session commands of Microsoft.RDInfra.RDPowerShell (WVD classic). A runspace must sign in before all else."""

from __future__ import annotations

import typing

from ..farm import HostNotFoundError, NotInFarmError, PoolNotFoundError, SessionNotFoundError
from .acting import log_off, say, win32_code
from .clixml import DotNetObject, SecretValue, Value, type_names
from .commands import SWITCH, Body, Bound, Command, Parameter
from .records import AUTHENTICATION_ERROR

if typing.TYPE_CHECKING:
    from ..farm import Pool
    from .execution import Execution

_DATA = "Microsoft.RDInfra.RDManagementData"
_SESSION_TYPES = type_names(f"{_DATA}.RdMgmtUserSession")


def _add_account(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    """Sign in, for as long as the runspace lives, and for no other."""
    url, credential = bound["DeploymentUrl"], bound.get("Credential")
    if isinstance(credential, SecretValue):
        user, proof = credential.user_name, credential.password
    else:
        user, proof = bound["ApplicationId"], bound["CertificateThumbprint"]
    if not execution.machine.sign_in(user, proof):
        message = say(execution, "sign_in_failed", url=url)
        raise execution.terminating(message, "SignInFailed", AUTHENTICATION_ERROR)
    execution.runspace.variables["rds_account"] = user
    types = type_names(f"{_DATA}.RdMgmtContext")
    yield DotNetObject(
        types,
        {"DeploymentUrl": url, "TenantGroupName": "Default Tenant Group", "UserName": user},
        text=types[0],
    )


def _pool(execution: Execution, bound: Bound) -> Pool | None:
    """The host pool; after an error record None."""
    if "rds_account" not in execution.runspace.variables:
        raise execution.terminating(say(execution, "sign_in"), "NotSignedIn", AUTHENTICATION_ERROR)
    tenant, name = bound["TenantName"], bound["HostPoolName"]
    try:
        return execution.machine.farm.pool("wvd_classic", name, tenant=tenant)
    except PoolNotFoundError:
        execution.write_error(say(execution, "no_pool", name=name, tenant=tenant))
        return None


def _get_session(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    pool = _pool(execution, bound)
    for session in execution.machine.farm.sessions(pool, lagged=True) if pool else ():
        yield DotNetObject(
            _SESSION_TYPES,
            {
                "TenantGroupName": pool.tenant_group if pool else "",
                "TenantName": pool.tenant if pool else "",
                "HostPoolName": pool.name if pool else "",
                "SessionHostName": session.host,
                "UserPrincipalName": session.user,
                "AdUserName": session.ad_user_name,
                "SessionId": session.id,
                "SessionState": session.state,
                "ApplicationType": session.application,
                "CreateTime": execution.machine.local_time(session.create_time),
            },
            text=_SESSION_TYPES[0],
        )


def _log_off(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    if not bound.get("NoUserPrompt"):
        raise execution.unanswered("Log off the user session?")
    pool = _pool(execution, bound)
    if pool is None:
        return iter(())
    session_id, wanted = bound["SessionId"], bound["SessionHostName"]

    def effect() -> None:
        host = execution.machine.farm.host(pool, wanted, any_case=True)
        if host.status != "Available":
            raise HostNotFoundError(pool.name, wanted)
        log_off(execution, pool, host.name, session_id)

    try:
        if code := win32_code(execution, effect):
            execution.write_error(say(execution, "denied") if code == 5 else say(execution, "code", code=code))
    except SessionNotFoundError:
        execution.write_error(say(execution, "no_session", id=session_id, host=wanted))
    except NotInFarmError:
        execution.write_error(say(execution, "no_host", host=wanted))
    return iter(())


def _command(name: str, *parameters: Parameter, body: Body, default_set: str = "") -> Command:
    return Command(name, "Microsoft.RDInfra.RDPowerShell", parameters, body, default_set, compiled=True)


_POOL = (Parameter("TenantName", mandatory=True), Parameter("HostPoolName", mandatory=True))
_USER, _SERVICE, _CERTIFICATE = "UserCredential", "ServicePrincipal", "ServicePrincipalCertificate"
_CREDENTIAL: typing.Final = "System.Management.Automation.PSCredential"

COMMANDS = (
    _command(
        "Add-RdsAccount",
        Parameter("DeploymentUrl", mandatory=True),
        Parameter("Credential", _CREDENTIAL, mandatory=True, sets=(_USER, _SERVICE)),
        Parameter("ServicePrincipal", SWITCH, mandatory=True, sets=(_SERVICE,)),
        Parameter("AadTenantId", mandatory=True, sets=(_SERVICE, _CERTIFICATE)),
        Parameter("CertificateThumbprint", mandatory=True, sets=(_CERTIFICATE,)),
        Parameter("ApplicationId", mandatory=True, sets=(_CERTIFICATE,)),
        body=_add_account,
        default_set=_USER,
    ),
    _command("Get-RdsUserSession", *_POOL, body=_get_session),
    _command(
        "Invoke-RdsUserSessionLogoff",
        *_POOL,
        Parameter("SessionHostName", mandatory=True),
        Parameter("SessionId", "System.Int32", mandatory=True),
        Parameter("NoUserPrompt", SWITCH),
        body=_log_off,
    ),
)
