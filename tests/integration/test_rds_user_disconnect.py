# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnecting users of Remote Desktop Services through real Ansible processes: whom, and nobody else."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import Finished
from tests.integration.scenarios import Scenario, call, fault, thrice
from tests.integration.windows_hosts import BROKER, RDS_INFO, Windows, outcomes

MODULE = "remotedesktop.sessions.rds_user_disconnect"
ID = "unified_session_id"
EVERYBODY = {MODULE: {"all_sessions": True, "force": True, "wait_timeout": 4}}
STUCK = {"pool": "Desktops", "service": "rds", "host": "rdsh-1.contoso.com", "id": 2, "stuck": True}


def disconnected(finished: Finished) -> list[str]:
    """Whose sessions were disconnected, by the lab's account of that moment."""
    return sorted(
        entry["owner"]["user"].partition("@")[0]
        for entry in finished.seen["end"]["audit"]
        if entry["verb"] == "disconnect" and entry["effect"] == "done"
    )


def cases() -> tuple[Scenario, ...]:
    return (
        Scenario("everybody", thrice(EVERYBODY)),
        Scenario(
            "pipeline of common fields",
            [
                {"name": "info", RDS_INFO: {"session_state": "active"}, "register": "listed"},
                {
                    "name": "run",
                    MODULE: {"sessions": "{{ rows | from_yaml }}", "exclude_user": "dave", "force": True},
                    "vars": {
                        "rows": "{% for row in listed.sessions %}- {service: rds, host: {{ row.host }}, "
                        "session: '{{ row.session }}', owner: '{{ row.owner }}'}\n{% endfor %}"
                    },
                },
            ],
        ),
        Scenario("session that stays", [call("change", STUCK), EVERYBODY]),
        Scenario("error after the effect", [fault("error", "Disconnect-RDUser", when="after", times=1), EVERYBODY]),
    )


def check_cases(everybody: Finished, pipeline: Finished, stuck: Finished, complains: Finished) -> None:
    check, run, again = everybody.all_ok(3)
    expected = {
        "alice": "disconnected",
        "bob": "already_disconnected",
        "carol": "disconnected",
        "dave": "disconnected",
    }
    assert outcomes(check, ID) == outcomes(run, ID) == expected
    assert check.result["diff"] == run.result["diff"]
    assert "rdsh-1.contoso.com/2 CONTOSO\\carol STATE_DISCONNECTED\n" in run.result["diff"]["after"]
    assert again.result["changed"] is False
    assert set(outcomes(again, ID).values()) == {"already_disconnected"}
    assert disconnected(everybody) == ["alice", "carol", "dave"]
    info, run = pipeline.all_ok(2)
    assert {row["state"] for row in info.result["sessions"]} == {"active"}
    assert outcomes(run, ID) == {"alice": "disconnected", "carol": "disconnected", "dave": "not_selected"}
    assert disconnected(pipeline) == ["alice", "carol"]
    assert outcomes(stuck.task, ID) == {**expected, "carol": "still_there"}
    assert disconnected(complains) == ["alice", "carol", "dave"]


def test_disconnect_over_psrp(windows: Windows) -> None:
    check_cases(*windows.scenarios(BROKER, *cases()))


@pytest.mark.newest_core
def test_question_and_endpoint_of_the_role(windows: Windows) -> None:
    asked = windows.run(BROKER, MODULE, user="alice")
    assert "Set force to true to run without the question" in asked.task.message
    role = windows.role_endpoint("Role", BROKER, services=["rds"], session_hosts=["RDSH-0.contoso.com"])
    play = {"vars": {"ansible_psrp_configuration_name": "Role"}}
    (done,) = windows.scenarios(BROKER, Scenario("role", [role, EVERYBODY], play))
    assert disconnected(done) == ["alice"]
    assert outcomes(done.task, ID) == {
        "alice": "disconnected",
        "bob": "already_disconnected",
        "carol": "failed",
        "dave": "failed",
    }


@pytest.mark.newest_core
def test_options_of_the_classic_service_are_not_known(windows: Windows) -> None:
    refused = windows.run(BROKER, MODULE, tenant_name="T", host_pool_name="P", all_sessions=True)
    assert "tenant_name" in refused.task.message
