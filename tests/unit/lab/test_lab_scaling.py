# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoscale through the real SDK, and the session host update, which the SDK does not know, by plain requests."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab, LabError
from tests.unit.lab.arm_clients import PLACE, Arm, error_of, sdk, secret_credential

Client = DesktopVirtualizationMgmtClient
RAMP_DOWN = {
    "name": "weekdays",
    "daysOfWeek": ["Monday", "Friday"],
    "rampDownStartTime": {"hour": 18, "minute": 30},
    "rampDownForceLogoffUsers": True,
    "rampDownWaitTimeMinutes": 30,
    "rampDownNotificationMessage": "Save your work.",
    "rampDownStopHostsWhen": "ZeroSessions",
}
FARM = {
    "pools": [
        {
            "name": "pool-01",
            "hosts": [{"name": f"h{number}.contoso.com"} for number in range(4)],
            "scaling_plans": [
                {"name": "office", "exclusion_tag": "keep", "time_zone": "UTC", "schedules": [RAMP_DOWN]},
                {"name": "summer", "enabled": False},
            ],
            "session_host_update": {
                "status": "UpdatingSessionHosts",
                "percent_complete": 25,
                "max_vms_removed": 2,
                "log_off_message": "Please log off.",
            },
        },
        {"name": "pool-02", "hosts": [{"name": "h9.contoso.com"}]},
        {"name": "pool-03", "session_host_update": {}},
    ]
}
MANAGEMENT = "/sessionHostManagements/default"
STATUS = MANAGEMENT + "/sessionHostUpdateStatuses/default"
PREVIEW = {"params": {"api-version": "2025-11-01-preview"}}


def test_scaling_plans_of_a_pool(lab: Lab, client: Client) -> None:
    lab.reset(FARM)
    office, summer = client.scaling_plans.list_by_host_pool(*PLACE)
    assert (office.name, office.exclusion_tag, office.time_zone) == ("office", "keep", "UTC")
    assert (office.type, office.host_pool_type) == ("Microsoft.DesktopVirtualization/scalingplans", "Pooled")
    (schedule,) = office.schedules or ()
    assert schedule.as_dict()["ramp_down_start_time"] == {"hour": 18, "minute": 30}
    assert (schedule.ramp_down_force_logoff_users, schedule.ramp_down_wait_time_minutes) == (True, 30)
    assert schedule.ramp_down_notification_message == "Save your work."
    enabled = {}
    for plan in (office, summer):
        (reference,) = plan.host_pool_references or ()
        enabled[plan.name] = reference.scaling_plan_enabled
        assert str(reference.host_pool_arm_path).endswith("/hostpools/pool-01")
    assert enabled == {"office": True, "summer": False}
    assert list(client.scaling_plans.list_by_host_pool("rg-avd", "pool-02")) == []
    assert {one["operation"] for one in lab.requests()} >= {"scaling_plan_list"}
    with pytest.raises(ResourceNotFoundError):
        list(client.scaling_plans.list_by_host_pool("rg-avd", "pool-99"))


def test_scaling_plans_come_in_pages_and_need_a_right(lab: Lab, client: Client) -> None:
    lab.reset(FARM)
    lab.options(page_size=1)
    assert [plan.name for plan in client.scaling_plans.list_by_host_pool(*PLACE)] == ["office", "summer"]
    with (
        sdk(lab, secret_credential(lab, "session_operator")) as other,
        pytest.raises(HttpResponseError, match="hostpools/scalingplans/read"),
    ):
        list(other.scaling_plans.list_by_host_pool(*PLACE))


def test_session_host_update_in_the_preview(lab: Lab, arm: Arm) -> None:
    lab.reset(FARM)
    answer = arm.send("GET", MANAGEMENT, **PREVIEW).json()
    assert (answer["name"], answer["type"]) == (
        "default",
        "Microsoft.DesktopVirtualization/hostpools/sessionhostmanagements",
    )
    assert answer["properties"] == {
        "scheduledDateTimeZone": "W. Europe Standard Time",
        "update": {
            "deleteOriginalVm": False,
            "maxVmsRemoved": 2,
            "logOffDelayMinutes": 10,
            "logOffMessage": "Please log off.",
        },
    }
    status = arm.send("GET", STATUS, **PREVIEW).json()
    assert (status["status"], status["percentComplete"]) == ("UpdatingSessionHosts", 25)
    assert status["properties"]["sessionHostManagement"] == answer
    progress = status["properties"]["progress"]
    counts = [progress[name] for name in ("totalSessionHosts", "sessionHostsInProgress", "sessionHostsCompleted")]
    assert counts == [4, 2, 1]
    for path in (MANAGEMENT, STATUS):
        status_code, code, message = error_of(arm.send("GET", path))
        assert (status_code, code) == (400, "NoRegisteredProviderFound")
        assert "2025-11-01-preview" in message


def test_pools_without_an_update(lab: Lab, arm: Arm) -> None:
    lab.reset(FARM)
    for pool, codes in (("pool-02", [404, 404]), ("pool-03", [200, 404])):
        arm.pool = arm.pool.rpartition("/")[0] + f"/{pool}"
        assert [arm.send("GET", path, **PREVIEW).status_code for path in (MANAGEMENT, STATUS)] == codes


def test_an_update_begins_and_a_plan_is_switched_off_while_the_lab_runs(lab: Lab, client: Client, arm: Arm) -> None:
    lab.reset(FARM)
    place = {"pool": "pool-01", "by": "colleague"}
    lab.schedule(
        {"after": 0, "what": "pool", **place, "session_host_update": {"status": "Succeeded"}},
        {"after": 600, "what": "pool", **place, "scaling_plans": []},
    )
    ended = arm.send("GET", STATUS, **PREVIEW).json()
    assert (ended["status"], ended["properties"]["progress"]["sessionHostsInProgress"]) == ("Succeeded", 0)
    assert ended["endTime"]
    assert len(list(client.scaling_plans.list_by_host_pool(*PLACE))) == 2
    lab.change_pool(pool="pool-01", scaling_plans=[{"name": "office", "enabled": False}])
    (plan,) = client.scaling_plans.list_by_host_pool(*PLACE)
    assert [one.scaling_plan_enabled for one in plan.host_pool_references or ()] == [False]
    assert [(one["verb"], one["by"]) for one in lab.audit()] == [("change_pool", "colleague"), ("change_pool", "lab")]
    for wrong in ({"scaling_plans": [{"colour": "red"}]}, {"name": "another"}):
        with pytest.raises(LabError, match=r"colour|unknown: name"):
            lab.change_pool(pool="pool-01", **wrong)
    with pytest.raises(LabError, match=r"pool p: .*colour"):
        lab.reset({"pools": [{"name": "p", "session_host_update": {"colour": "red"}}]})
