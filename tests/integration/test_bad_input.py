# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input gets one clear sentence, and nothing is ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import INFO, MODULE, Ansible, Cases
from tests.lab.client import Lab

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
RESOURCE_ID = (
    "/subscriptions/a7d00000-0000-4000-8000-000000000001/resourceGroups/rg-avd/providers/"
    "Microsoft.DesktopVirtualization/hostPools/{pool}/sessionHosts/avd-0.contoso.com/userSessions/2"
)


def refused(ansible: Ansible, *words: str, task: dict[str, Any] | None = None, **options: Any) -> str:
    """Run, and expect a failure whose message has the words and is a sentence without a trace."""
    finished = ansible.disconnect(task=task, **options)
    assert finished.status != 0
    message = finished.task.message
    for word in words:
        assert word in message, message
    assert "Traceback" not in finished.output
    assert "\n" not in message
    return message


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


def test_refused_before_any_request(lab: Lab, ansible: Ansible) -> None:
    ansible.refuse(MODULE, [({**POOL, **options}, words) for options, words in REFUSED])
    assert lab.requests() == []
    assert lab.audit() == []


@pytest.mark.newest_core
def test_pool_that_is_not_said(lab: Lab, ansible: Ansible) -> None:
    cases: Cases = [
        ({"all_sessions": True, "host_pool_name": "pool-01"}, ["resource_group_name is missing"]),
        ({"all_sessions": True, "resource_group_name": "rg-avd"}, ["host_pool_name is missing"]),
    ]
    ansible.refuse(MODULE, cases)
    assert lab.requests() == []


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


@pytest.mark.outer_cores
def test_unknown_places_and_sign_ins(lab: Lab, ansible: Ansible) -> None:
    metadata = lab.environment["AZURE_CLOUD_ENVIRONMENT"]
    nonsense: Cases = [
        ({"cloud_environment": metadata + path}, ["cloud_environment", "metadata"])
        for path in ("/nonsense/html", "/nonsense/json", "/nonsense")
    ]
    cases = [({**POOL, "all_sessions": True, **options}, words) for options, words in (*UNKNOWN, *nonsense)]
    ansible.refuse(MODULE, cases)
    assert lab.audit() == []


@pytest.mark.newest_core
def test_ambiguous_user(lab: Lab, ansible: Ansible) -> None:
    lab.add_session(pool="pool-01", host="avd-2.contoso.com", id=21, user="alice@fabrikam.com")
    lab_audit = len(lab.audit())
    refused(ansible, "alice@contoso.com", "alice@fabrikam.com", **POOL, user="alice")
    assert len(lab.audit()) == lab_audit


@pytest.mark.newest_core
def test_no_right(lab: Lab, ansible: Ansible) -> None:
    nobody, reader = lab.principals["nobody"], lab.principals["reader"]
    refused(ansible, "no right", "Desktop Virtualization User Session Operator", **POOL, user="alice", **nobody)
    finished = ansible.disconnect(**POOL, user=["alice", "bob"], **reader)
    assert set(finished.task.outcomes.values()) == {"failed"}
    assert finished.task.result["changed"] is False
    assert "no right" in finished.task.message
    assert lab.audit() == []


@pytest.mark.outer_cores
@pytest.mark.parametrize("certificate", ["expired", "unknown"])
def test_certificates_that_must_not_be_trusted(certificate: str, tmp_path: Path, ansible: Ansible) -> None:
    with Lab.start(certificate=certificate) as other:
        ansible.environment.update(other.environment)
        expected = "expired" if certificate == "expired" else "REQUESTS_CA_BUNDLE"
        refused(ansible, "certificate", expected, **POOL, user="alice")
        assert other.requests() == []
        finished = ansible.disconnect(**POOL, user="alice", cert_validation_mode="ignore")
        assert finished.status == 0, finished.output


@pytest.mark.outer_cores
def test_ca_file_that_is_not_there(lab: Lab, ansible: Ansible) -> None:
    ansible.environment["REQUESTS_CA_BUNDLE"] = "nowhere.pem"
    refused(ansible, "REQUESTS_CA_BUNDLE", "nowhere.pem", **POOL, user="alice")


@pytest.mark.outer_cores
def test_missing_azure_packages_are_named_with_the_python(lab: Lab, ansible: Ansible, tmp_path: Path) -> None:
    (tmp_path / "hidden" / "azure").mkdir(parents=True)
    (tmp_path / "hidden" / "azure" / "__init__.py").write_text("")
    ansible.environment["PYTHONPATH"] = str(tmp_path / "hidden")
    message = refused(ansible, "azure-mgmt-desktopvirtualization", "azure-identity", **POOL, user="alice")
    assert "python" in message


@pytest.mark.newest_core
def test_info_refuses_the_same(lab: Lab, ansible: Ansible) -> None:
    cases: Cases = [
        ({**POOL, "user": ""}, ["user is given but empty"]),
        ({**POOL, "session_host_name": "avd-9.contoso.com"}, ["avd-9.contoso.com"]),
        ({**POOL, "host_pool_name": "pool-99"}, ["pool-99"]),
    ]
    ansible.refuse(INFO, cases)


def test_unanswered_survey_field_never_means_all(lab: Lab, ansible: Ansible) -> None:
    options = {**POOL, "all_sessions": True, "session_host_name": "{{ survey_host }}"}
    finished = ansible.play({"name": "Disconnect", MODULE: options}, arguments=["-e", "survey_host="])
    assert "session_host_name is given but empty" in finished.task.message
    assert lab.audit() == []
