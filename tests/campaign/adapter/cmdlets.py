# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cmdlets of three services: what they list, and the errors that they write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import ServiceCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import WmsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import WvdClassicCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    ErrorRecord,
    State,
)
from tests.campaign.adapter.names import CLASSIC_POOL, STATES, user_name
from tests.campaign.farm import Act, Answer, Effect, Shown
from tests.campaign.kind import RDS, WMS, WVD_CLASSIC, Service
from tests.campaign.schedule import ActFault, ActPlan
from tests.campaign.stage import Stage

LISTS = ("Get-RDUserSession", "Get-WmsSession", "Get-RdsUserSession")
ACTS = {
    "Invoke-RDUserLogoff": Effect.ENDS,
    "Disconnect-RDUser": Effect.DISCONNECTS,
    "Send-RDUserMessage": Effect.LEAVES_MESSAGE,
    "Close-WmsSession": Effect.ENDS,
    "Disconnect-WmsSession": Effect.DISCONNECTS,
    "Invoke-RdsUserSessionLogoff": Effect.ENDS,
}
"""What the cmdlets do that act."""
GENERIC = ErrorRecord("Microsoft.PowerShell.Commands.WriteErrorException", "NotSpecified", "WriteErrorException", "RPC")
NOT_FOUND = ErrorRecord("SessionNotFound", "ObjectNotFound", "ItemNotFoundException", "no such session")
DENIED = ErrorRecord("AccessDenied", "PermissionDenied", "UnauthorizedAccessException", "denied")
HALF_WAY = ErrorRecord("ListFailed", "NotSpecified", "Exception", "the rest cannot be read")
UNCLEAR = (
    CallResult(State.COMPLETED, errors=(GENERIC,)),
    CallResult(State.FAILED, errors=(GENERIC,)),
    CallResult(State.FAILED, errors=(GENERIC, HALF_WAY)),
    CallResult(State.FAILED, errors=(GENERIC, DENIED)),
)


def make_cmdlets(service: Service) -> ServiceCmdlets:
    """Make what the product knows of the cmdlets."""
    if service is RDS:
        return RdsCmdlets()
    return WmsCmdlets() if service is WMS else WvdClassicCmdlets(CLASSIC_POOL, Call("Add-RdsAccount"))


def read_row(service: Service, shown: Shown) -> dict[str, Any]:
    """Make a row as the cmdlet lists it."""
    id_, state = int(shown.login.spot[2]), STATES[service][shown.state]
    if service is WVD_CLASSIC:
        return {
            "TenantName": CLASSIC_POOL.tenant,
            "HostPoolName": CLASSIC_POOL.name,
            "SessionHostName": shown.host,
            "SessionId": id_,
            "UserPrincipalName": user_name(service, shown.user) if shown.user else None,
            "SessionState": state,
            "CreateTime": _time(shown.created),
        }
    domain = "CONTOSO" if shown.user else None
    if service is WMS:
        return {
            "ComputerName": shown.host,
            "SessionId": id_,
            "UserName": shown.user or None,
            "DomainName": domain,
            "State": state,
        }
    return {
        "HostServer": shown.host,
        "UnifiedSessionId": id_,
        "SessionId": id_,
        "UserName": shown.user or None,
        "DomainName": domain,
        "SessionState": state,
        "CreateTime": _time(shown.created),
    }


def _time(created: datetime | None) -> str | None:
    return created.replace(tzinfo=None).isoformat() + "Z" if created else None


def spot_of(service: Service, call: Call) -> tuple[str, str]:
    """Return the host and the id that a call acts on."""
    given = call.parameters
    if service is RDS:
        return str(given["HostServer"]), str(given["UnifiedSessionID"])
    if service is WVD_CLASSIC:
        return str(given["SessionHostName"]), str(given["SessionId"])
    (id_,) = given["SessionId"]
    return "", str(id_)


def texts_of(call: Call) -> dict[str, Any]:
    """Return what a call says besides whom it is about."""
    if ACTS[call.command] is not Effect.LEAVES_MESSAGE:
        return {}
    return {"message_title": call.parameters["MessageTitle"], "message_body": call.parameters["MessageBody"]}


class Cmdlet:
    """Plays one call that acts, in whatever coroutine runs it, up to its answer."""

    def __init__(self, stage: Stage, act: Act, plan: ActPlan, stop_seconds: float = 5.0) -> None:
        """A call that hangs is given up so many seconds after its deadline."""
        self._stage, self._act, self._plan, self._stop_seconds = stage, act, plan, stop_seconds
        act.faulty = plan.fault is not None

    @property
    def hangs(self) -> bool:
        """Whether it never ends by itself."""
        return self._plan.fault in (ActFault.HANG, ActFault.HANG_AFTER, ActFault.HANG_LATE)

    @property
    def _silence(self) -> Answer:
        """What no answer says: of a message no list shows what became of it."""
        return Answer.UNCLEAR if self._act.effect is Effect.LEAVES_MESSAGE else Answer.ACCEPTED

    def hang(self) -> None:
        """Begin a call that hangs."""
        if self._plan.fault is ActFault.HANG_AFTER:
            self._stage.world.after(1.0, self._apply)

    def stop(self) -> CallResult | None:
        """Stop a call that hangs; return its answer if it can be stopped."""
        if not self.hangs or not self._plan.flavour % 2:
            return None
        self.give_up()
        return CallResult(State.STOPPED)

    def give_up(self) -> None:
        """Note that nobody waits for the answer any more."""
        if self._act.answer is None:
            if self._plan.fault is ActFault.HANG_LATE:
                self._stage.world.after(self._plan.late, self._apply)
            self._stage.farm.answer(self._act, self._silence, "nothing")

    def run(self, seconds: float) -> CallResult:
        """Run the call, which has so many seconds; note what it was answered."""
        answer, says = self._run(seconds)
        self._stage.farm.answer(self._act, says, answer.state.value)
        return answer

    def _run(self, seconds: float) -> tuple[CallResult, Answer]:
        world, farm, plan = self._stage.world, self._stage.farm, self._plan
        fault = plan.fault
        says_absent = self._stage.schedule.kind.service.says_absent
        if self.hangs:
            self.hang()
            world.sleep(seconds)
            if fault is ActFault.HANG_LATE:
                world.after(plan.late, self._apply)
            if plan.flavour % 2:
                return CallResult(State.STOPPED), self._silence
            world.sleep(self._stop_seconds)
            return CallResult(State.NO_ANSWER), self._silence
        if fault is ActFault.REFUSED:
            world.sleep(plan.seconds)
            return CallResult(State.FAILED, errors=(DENIED,)), Answer.REFUSED
        unclear = UNCLEAR[plan.flavour % len(UNCLEAR)], Answer.UNCLEAR
        if fault in (ActFault.BEFORE, ActFault.THROTTLED, ActFault.LOST_BEFORE, ActFault.UNSENT) or (
            fault is ActFault.NOT_FOUND and not says_absent
        ):
            world.sleep(plan.seconds)
            return unclear
        if fault in (ActFault.AFTER, ActFault.LOST_AFTER):
            world.sleep(plan.seconds * 0.5)
            self._apply()
            world.sleep(plan.seconds * 0.5)
            return unclear
        if fault is ActFault.LATE:
            world.sleep(plan.seconds)
            world.after(plan.late, self._apply)
            return unclear
        if fault is ActFault.NOT_FOUND or farm.occupant(self._act.spot) is None:
            world.sleep(plan.seconds)
            if says_absent:
                state = State.FAILED if plan.flavour % 2 else State.COMPLETED
                return CallResult(state, errors=(NOT_FOUND,)), Answer.ABSENT
            return unclear
        if fault is not ActFault.STUCK:
            world.after(plan.seconds * plan.effect_at, self._apply)
        world.sleep(plan.seconds)
        return CallResult(State.COMPLETED), Answer.ACCEPTED

    def _apply(self) -> None:
        self._stage.farm.apply(self._act, self._plan.ending)
