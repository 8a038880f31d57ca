# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the cmdlets of Windows Virtual Desktop (classic), and that every process signs in first."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import (
    DEPLOYMENT_URL,
    FIELDS,
    FORM,
    ClassicHostPool,
    WvdClassicCmdlets,
    read_named,
    sign_in_call,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions import engine
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Selection
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import COMMON_FIELDS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import LOG_OFF
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Credential
from tests.unit.fakes.console import Console
from tests.unit.fakes.windows_host import BatchTransport, FakeHost, LiveTransport, always, error, make_service

POOL = ClassicHostPool("Contoso", "Legacy")
ALICE = Credential("alice@contoso.com", "hush")
SIGN_IN = sign_in_call(None, ALICE, False, None, None, None)


CLASSIC_ROW = {
    "tenant_name": "Contoso",
    "host_pool_name": "Legacy",
    "session_host_name": "wvd-0.contoso.com",
    "session_id": 2,
}


def row(id_: int = 2, **more: Any) -> dict[str, Any]:
    return {
        "TenantName": "Contoso",
        "HostPoolName": "Legacy",
        "SessionHostName": "wvd-0.contoso.com",
        "SessionId": id_,
        "UserPrincipalName": "alice@contoso.com",
        "SessionState": "Active",
        **more,
    }


@pytest.mark.parametrize("kind", ["live", "batch"])
def test_signs_in_and_logs_off(kind: str) -> None:
    host = FakeHost([row(2), row(3, UserPrincipalName="bob@contoso.com")])
    host.list_command, host.id_property, host.id_parameter = "Get-RdsUserSession", "SessionId", "SessionId"
    host.rows = [{**one, "UserName": one["UserPrincipalName"]} for one in host.rows]
    live, batch = LiveTransport(host), BatchTransport(host)
    cmdlets = WvdClassicCmdlets(POOL, SIGN_IN)
    service = make_service(cmdlets, live if kind == "live" else batch)
    report = engine.run(engine.Request(LOG_OFF, Selection()), service, Console(), host.clock)
    assert report.summary() == {"logged_off": 2}
    for call in host.sent("Invoke-RdsUserSessionLogoff"):
        assert call.parameters == {
            "TenantName": "Contoso",
            "HostPoolName": "Legacy",
            "SessionHostName": "wvd-0.contoso.com",
            "SessionId": call.parameters["SessionId"],
            "NoUserPrompt": True,
        }
    if kind == "live":
        assert len(host.sent("Add-RdsAccount")) == 1
    else:
        assert all(run[0] == "Add-RdsAccount" for run in batch.runs)
        assert [len(run) for run in batch.runs] == [2, 4]
    host.scripts["Add-RdsAccount"] = always(error("AADSTS50126"))
    for one in (make_service(cmdlets, live), make_service(cmdlets, batch)):
        host.scripts["Add-RdsAccount"] = always(error("AADSTS50126"))
        with pytest.raises(ServiceError, match="nobody is signed in: AADSTS50126"):
            one.list_sessions()


def test_sign_in_with_a_user() -> None:
    assert SIGN_IN.command == "Add-RdsAccount"
    assert SIGN_IN.parameters == {"DeploymentUrl": DEPLOYMENT_URL}
    assert SIGN_IN.secrets == {"Credential": ALICE}
    assert "hush" not in repr(SIGN_IN)


def test_sign_in_with_a_service_principal() -> None:
    call = sign_in_call("https://x", ALICE, True, "tenant", None, None)
    assert call.parameters == {"DeploymentUrl": "https://x", "ServicePrincipal": True, "AadTenantId": "tenant"}
    assert call.secrets == {"Credential": ALICE}


def test_sign_in_with_a_certificate() -> None:
    call = sign_in_call(None, None, False, "tenant", "app", "AB12")
    assert call.parameters == {
        "DeploymentUrl": DEPLOYMENT_URL,
        "CertificateThumbprint": "AB12",
        "ApplicationId": "app",
        "AadTenantId": "tenant",
    }
    assert not call.secrets


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        ((None, False, None, None, None), "credential, or certificate_thumbprint"),
        ((ALICE, True, None, None, None), "service_principal and aad_tenant_id go together"),
        ((ALICE, False, "tenant", None, None), "service_principal and aad_tenant_id go together"),
        ((None, False, "tenant", "app", None), "certificate_thumbprint is missing"),
        ((None, False, None, None, "AB12"), "application_id and aad_tenant_id is missing"),
        ((ALICE, False, "tenant", "app", "AB12"), "two ways to sign in"),
    ],
)
def test_sign_in_that_is_half_said_is_an_error(ways: Any, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        sign_in_call(None, *ways)


def test_rows_of_one_pool_name_their_sessions() -> None:
    cmdlets = WvdClassicCmdlets(POOL, SIGN_IN)
    listed = cmdlets.read(row(2), 0.0)
    pool, (named,) = read_named([dict(listed.fields)], "sessions", "", "")
    assert pool.place == POOL.place == "contoso/legacy"
    assert named.key == listed.key
    assert named.mismatch(listed) == ""
    other = cmdlets.read(row(2, UserPrincipalName="mallory@contoso.com"), 0.0)
    assert "mallory" in named.mismatch(other)
    assert list(named.fields) == [*COMMON_FIELDS, *FIELDS]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"tenant_name": "T", "host_pool_name": "P", "session_id": 2}], "no session_host_name"),
        ([{"session_host_name": "h", "session_id": 2, "host_pool_name": "P"}], "no tenant_name"),
        (
            [
                {"tenant_name": "T", "host_pool_name": name, "session_host_name": "h", "session_id": 2}
                for name in ("P", "Q")
            ],
            "several host pools",
        ),
    ],
)
def test_rows_that_are_unclear_are_an_error(rows: Any, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        read_named(rows, "sessions", "", "")


def test_rows_must_not_contradict_the_options() -> None:
    own = {"tenant_name": "Contoso", "host_pool_name": "Legacy"}
    fields = dict(FORM.name(POOL.place, "h", 2, own).fields)
    assert read_named([fields], "sessions", "CONTOSO", "legacy")[1][0].id == "2"
    with pytest.raises(SelectionError, match="says host_pool_name 'Legacy', but the task's option says 'other'"):
        read_named([fields], "sessions", "Contoso", "other")


def test_row_whose_user_could_not_be_read_never_means_whoever_is_there_now() -> None:
    fields = {**CLASSIC_ROW, "user_principal_name": "", "ad_user_name": None}
    _pool, (named,) = read_named([fields], "sessions", "", "")
    assert named.mismatch(WvdClassicCmdlets(POOL, SIGN_IN).read(row(2), 0.0))
