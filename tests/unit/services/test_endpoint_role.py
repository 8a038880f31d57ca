# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that a service makes over psrp is one that the role session_endpoint lets an operator make."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import ServiceCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wms import WmsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import (
    ClassicHostPool,
    WvdClassicCmdlets,
    sign_in_call,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call, Credential
from tests.unit.fakes.windows_host import rd_row

VARIABLES = Path(__file__).parents[3] / "roles" / "session_endpoint" / "vars" / "main.yml"
TABLE = {one["name"]: one for one in yaml.safe_load(VARIABLES.read_text())["session_endpoint_cmdlets"]}
SIGN_IN = sign_in_call(None, Credential("a", "b"), True, "tenant", None, None)
WMS_ROW = {"SessionId": 1, "Id": 1, "ComputerName": "A", "UserName": "alice", "DomainName": "D"}
TEXTS = {"message_title": "t", "message_body": "b"}
WVD_ROW = {"SessionHostName": "h", "SessionId": 1, "UserPrincipalName": "alice@contoso.com"}


def older() -> WmsCmdlets:
    cmdlets = WmsCmdlets()
    cmdlets.chose(1)
    return cmdlets


@pytest.mark.parametrize(
    ("cmdlets", "row"),
    [
        (RdsCmdlets("broker.contoso.com", ["Desk"]), rd_row(2)),
        (WvdClassicCmdlets(ClassicHostPool("T", "P"), SIGN_IN), WVD_ROW),
        (WvdClassicCmdlets(ClassicHostPool("T", "P"), sign_in_call("u", None, False, "t", "a", "AB")), WVD_ROW),
        (WmsCmdlets("other.contoso.com"), WMS_ROW),
        (WmsCmdlets(), WMS_ROW),
        (older(), WMS_ROW),
    ],
)
def test_calls_are_in_the_table(cmdlets: ServiceCmdlets, row: dict[str, object]) -> None:
    session = cmdlets.read(row, 0.0)
    acts = [cmdlets.act(session, Operation(verb, TEXTS, time_limit=5.0)) for verb in cmdlets.COMMANDS]
    calls: list[Call] = [*cmdlets.lists, *acts, *filter(None, (cmdlets.sign_in, cmdlets.hosts))]
    if isinstance(cmdlets, RdsCmdlets):
        calls += [cmdlets.collections, cmdlets.session_hosts("Desk"), cmdlets.set_host("rdsh-1.contoso.com", "No")]
    for call in calls:
        allowed = TABLE[call.command]
        assert allowed["module"] == cmdlets.MODULE
        assert {*call.parameters, *call.secrets} <= {*allowed["parameters"], *allowed.get("common_parameters", ())}
