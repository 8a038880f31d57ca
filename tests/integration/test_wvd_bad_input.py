# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input gets one clear sentence, and nothing is ended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible, Cases, attempts, expect_refused
from tests.integration.scenarios import Scenario, call, see
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
RESOURCE_ID = (
    "/subscriptions/a7d00000-0000-4000-8000-000000000001/resourceGroups/rg-avd/providers/"
    "Microsoft.DesktopVirtualization/hostPools/{pool}/sessionHosts/avd-0.contoso.com/userSessions/2"
)


REFUSED: Cases = [
    ({}, ["id", "sessions", "input_object", "user", "all_sessions"]),
    ({"all_sessions": False}, ["all_sessions"]),
    ({"session_host_name": "avd-0.contoso.com"}, ["all_sessions"]),
    ({"id": "", "session_host_name": "avd-0.contoso.com"}, ["id is given but empty"]),
    ({"user_session_id": "", "all_sessions": True}, ["user_session_id is given but empty"]),
    ({"user": []}, ["user is given but empty"]),
    ({"user": ""}, ["user is given but empty"]),
    ({"user": ["alice", ""]}, ["user is given but empty"]),
    ({"users": " ", "all_sessions": True}, ["users is given but empty"]),
    ({"exclude_user": [], "all_sessions": True}, ["exclude_user is given but empty"]),
    ({"session_state": "", "all_sessions": True}, ["session_state is given but empty"]),
    ({"minimum_age": "", "all_sessions": True}, ["minimum_age is given but empty"]),
    ({"sessions": ""}, ["sessions is given but empty"]),
    ({"input_object": {}}, ["input_object is given but empty"]),
    ({"session_host_name": "", "all_sessions": True}, ["session_host_name is given but empty"]),
    ({"session_host_name": None, "all_sessions": True}, ["session_host_name is given but empty"]),
    ({"host_pool_name": "", "all_sessions": True}, ["host_pool_name is given but empty"]),
    ({"subscription_id": "", "all_sessions": True}, ["subscription_id is given but empty"]),
    ({"id": 2}, ["session_host_name"]),
    ({"id": 2, "session_host_name": "avd-0.contoso.com", "all_sessions": True}, ["all_sessions", "id"]),
    ({"sessions": [], "all_sessions": True}, ["all_sessions", "sessions"]),
    ({"input_object": RESOURCE_ID.format(pool="pool-01"), "id": 2}, ["id", "input_object"]),
    ({"sessions": [{"id": "2"}]}, ["sessions[0]", "session_host_name"]),
    ({"sessions": [{"session_host_name": "avd-0.contoso.com", "id": ""}]}, ["sessions[0]", "no id"]),
    ({"sessions": ["/subscriptions/x"]}, ["sessions[0]", "resource id"]),
    ({"sessions": [7]}, ["sessions[0]"]),
    ({"sessions": 7}, ["sessions"]),
    ({"input_object": RESOURCE_ID.format(pool="pool-02")}, ["pool-01", "pool-02"]),
    ({"id": "abc", "session_host_name": "avd-0.contoso.com"}, ["id", "whole number"]),
    ({"id": "2.0", "session_host_name": "avd-0.contoso.com"}, ["id", "whole number"]),
    ({"user": ","}, ["user is given but empty"]),
    ({"minimum_age": 0}, ["minimum_age", "above 0"]),
    ({"exclude_user": "alice", "exclude_users": "bob"}, ["exclude_user and exclude_users"]),
    ({"exclude_user": ["alice,bob"], "all_sessions": True}, ["exclude_user", "alice,bob"]),
    ({"user": "al*"}, ["user", "wildcard"]),
    ({"exclude_user": "*@contoso.com", "all_sessions": True}, ["exclude_user", "wildcard"]),
    ({"session_state": "Activ", "all_sessions": True}, ["session_state", "Active"]),
    ({"minimum_age": "soon", "all_sessions": True}, ["minimum_age", "90m"]),
    ({"wait_timeout": -1, "all_sessions": True}, ["wait_timeout"]),
    ({"no_such_option": 1, "all_sessions": True}, ["no_such_option"]),
    ({"cloud_environment": "AzureMoon", "all_sessions": True}, ["cloud_environment", "AzureUSGovernment"]),
]
NO_POOL: Cases = [
    ({"all_sessions": True, "host_pool_name": "pool-01"}, ["resource_group_name is missing"]),
    ({"all_sessions": True, "resource_group_name": "rg-avd"}, ["host_pool_name is missing"]),
]
# A survey's field that nobody answered never means all.
SURVEY: Cases = [
    (
        {**POOL, "all_sessions": True, "session_host_name": "{{ survey_host }}"},
        ["session_host_name is given but empty"],
    ),
]


def test_refused_before_any_request(lab: Lab, ansible: Ansible) -> None:
    cases: Cases = [*(({**POOL, **options}, words) for options, words in REFUSED), *NO_POOL, *SURVEY]
    ansible.refuse(MODULE, cases, arguments=["-e", "survey_host="])
    assert lab.requests() == []
    assert lab.audit() == []


UNKNOWN: Cases = [
    ({"host_pool_name": "pool-99"}, ["pool-99", "host_pool_name"]),
    ({"resource_group_name": "rg-99"}, ["rg-99", "resource_group_name"]),
    ({"subscription_id": "a7d00000-0000-4000-8000-00000000dead"}, ["subscription_id"]),
    ({"session_host_name": "avd-9.contoso.com"}, ["avd-9.contoso.com", "session_host_name"]),
    ({"session_host_name": "avd-0"}, ["avd-0", "session_host_name"]),
    ({"session_host_name": "avd-9.contoso.com", "id": 2, "all_sessions": False}, ["avd-9.contoso.com"]),
    ({"secret": "wrong"}, ["client secret is wrong", "AZURE_SECRET"]),
    ({"client_id": "a7d00000-0000-4000-8000-00000000dead"}, ["no such application"]),
    ({"tenant": "a7d00000-0000-4000-8000-00000000dead"}, ["no such tenant"]),
    ({"cloud_environment": "https://127.0.0.1:1"}, ["cloud_environment"]),
]
INFO_REFUSED: Cases = [
    ({**POOL, "user": ""}, ["user is given but empty"]),
    ({**POOL, "session_host_name": "avd-9.contoso.com"}, ["avd-9.contoso.com"]),
    ({**POOL, "host_pool_name": "pool-99"}, ["pool-99"]),
]
ALICE: dict[str, Any] = {**POOL, "user": "alice"}


CERTIFICATES = {"expired": ["certificate", "expired"], "unknown": ["certificate", "REQUESTS_CA_BUNDLE"]}
"""Those that must not be trusted, with words of what is said."""


def not_trusted(certificate: str) -> list[dict[str, Any]]:
    """No request is made, unless the certificate is to be ignored."""
    return [
        call("options", {"certificate": certificate}),
        {"name": "refused", MODULE: ALICE},
        see("requests", says="refused"),
        {"name": "ignored", MODULE: {**ALICE, "cert_validation_mode": "ignore"}},
    ]


@pytest.mark.outer_cores
def test_refused_by_what_azure_says(lab: Lab, ansible: Ansible) -> None:
    metadata = lab.environment["AZURE_CLOUD_ENVIRONMENT"]
    nobody, reader = lab.principals["nobody"], lab.principals["reader"]
    nonsense: Cases = [
        ({"cloud_environment": metadata + path}, ["cloud_environment", "metadata"])
        for path in ("/nonsense/html", "/nonsense/json", "/nonsense")
    ]
    cases: list[tuple[Cases, str]] = [
        ([({**POOL, "all_sessions": True, **options}, words) for options, words in (*UNKNOWN, *nonsense)], MODULE),
        (INFO_REFUSED, INFO),
        ([(ALICE, ["alice@contoso.com", "alice@fabrikam.com"])], MODULE),
        ([({**ALICE, **nobody}, ["no right", "Desktop Virtualization User Session Operator"])], MODULE),
        ([({**ALICE, **reader, "user": ["alice", "bob"]}, ["no right"])], MODULE),
        ([(ALICE, ["REQUESTS_CA_BUNDLE", "nowhere.pem"])], MODULE),
    ]
    unknown, info, ambiguous, no_right, may_read, no_file = (attempts(module, some) for some, module in cases)
    other_alice = {"pool": "pool-01", "host": "avd-2.contoso.com", "id": 21, "user": "alice@fabrikam.com"}
    scenarios = ansible.scenarios(
        Scenario("unknown places and sign-ins", unknown),
        Scenario("info", info),
        Scenario("ambiguous user", [call("sessions", other_alice), see("audit", says="before"), *ambiguous]),
        Scenario("no right", no_right),
        Scenario("no right to act", may_read),
        Scenario("no CA file", no_file, {"environment": {"REQUESTS_CA_BUNDLE": "nowhere.pem"}}),
        *(Scenario(name, not_trusted(name)) for name in CERTIFICATES),
        see=["audit"],
    )
    for finished, (some, _module) in zip(scenarios[: len(cases)], cases, strict=True):
        expect_refused(finished, some)
        before = finished.seen.get("before", {"audit": []})
        assert finished.seen["end"]["audit"] == before["audit"], some
    acted = scenarios[4].task
    assert set(acted.outcomes.values()) == {"failed"}
    assert len(acted.outcomes) == 2
    assert acted.result["changed"] is False
    for finished, words in zip(scenarios[len(cases) :], CERTIFICATES.values(), strict=True):
        refused, ignoring = finished.tasks
        expect_refused(replace(finished, tasks=[refused]), [({}, words)])
        assert finished.seen["refused"]["requests"]["requests"] == []
        assert ignoring.status == "ok", ignoring
        assert len(finished.seen["end"]["audit"]) == 1


@pytest.mark.outer_cores
def test_missing_azure_packages_are_named_with_the_python(lab: Lab, ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "hidden" / "azure").mkdir(parents=True)
    (tmp_path / "hidden" / "azure" / "__init__.py").write_text("")
    ansible.environment["PYTHONPATH"] = str(tmp_path / "hidden")
    finished = ansible.disconnect(**ALICE)
    assert finished.status != 0
    expect_refused(finished, [({}, ["azure-mgmt-desktopvirtualization", "azure-identity", "python"])])
    assert "Traceback" not in finished.output
