# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of Azure Virtual Desktop through real Ansible processes: all of a pool, or those that are named."""

from __future__ import annotations

from collections import Counter

from tests.integration.ansible_process import INFO as SESSION_INFO
from tests.integration.ansible_process import Ansible, Finished, attempts, expect_refused
from tests.integration.scenarios import Scenario, call
from tests.lab.client import Lab

MODULE = "remotedesktop.sessions.wvd_session_host_info"
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
REFUSED = [
    ({**POOL, "session_host_name": ["avd-0.contoso.com", "avd-9.contoso.com"]}, ["avd-9.contoso.com", "check"]),
    ({**POOL, "session_host_name": "avd-0"}, ["no session host avd-0 "]),
    ({**POOL, "session_host_name": "dev-0.contoso.com"}, ["dev-0.contoso.com"]),
    ({**POOL, "session_host_name": []}, ["session_host_name is given but empty"]),
    ({**POOL, "host_pool_name": "pool-99"}, ["pool-99", "host_pool_name"]),
    ({"host_pool_name": "pool-01"}, ["resource_group_name"]),
    ({**POOL, "user": "alice"}, ["user"]),
]


def operations(finished: Finished) -> Counter[str]:
    """How often each operation was asked for."""
    return Counter(one["operation"] for one in finished.seen["end"]["requests"]["requests"])


def test_session_hosts_are_listed_or_read_by_their_names(lab: Lab, ansible: Ansible) -> None:
    two = {MODULE: {**POOL, "session_host_name": ["avd-1.CONTOSO.com", "avd-0.contoso.com"]}}
    on = "sessions.sessions | map(attribute='host')"
    joined = f"{{{{ all.hosts | selectattr('host', 'in', {on}) | map(attribute='name') }}}}"
    listed, named, limited, refused, reader, nobody = ansible.scenarios(
        Scenario(
            "all",
            [
                call("options", {"page_size": 2}),
                {"name": "list", MODULE: POOL, "register": "all", "check_mode": True},
                {"name": "sessions", SESSION_INFO: {**POOL, "user": "dave"}, "register": "sessions"},
                {"name": "join", "ansible.builtin.debug": {"msg": joined}},
            ],
        ),
        Scenario("named", [two]),
        Scenario("as often as one likes", [call("options", {"host_list_limit": "pool"}), *12 * [two]]),
        Scenario("refused", attempts(MODULE, REFUSED)),
        Scenario("reader", [{MODULE: {**POOL, **lab.principals["reader"]}}]),
        Scenario("nobody", [{MODULE: {**POOL, **lab.principals["nobody"]}}]),
        see=("audit", "requests"),
    )
    rows = listed.tasks[0].result["hosts"]
    assert [(row["name"], row["allow_new_session"], row["sessions"]) for row in rows] == [
        ("avd-0.contoso.com", True, 3),
        ("AVD-1.contoso.com", True, 3),
        ("avd-2.contoso.com", False, 3),
    ]
    assert listed.tasks[0].result["summary"] == {"Available": 3}
    assert all(row["service"] == "wvd" and row["last_heartbeat"].endswith("Z") for row in rows)
    assert listed.tasks[2].result["msg"] == ["AVD-1.contoso.com"]
    assert operations(listed)["host_list"] == 2
    assert [row["name"] for row in named.task.result["hosts"]] == ["AVD-1.contoso.com", "avd-0.contoso.com"]
    assert (operations(named)["host_get"], operations(named)["host_list"]) == (2, 0)
    limited.all_ok(12)
    expect_refused(refused, REFUSED)
    assert len(reader.all_ok(1)[0].result["hosts"]) == 3
    assert "Desktop Virtualization Reader" in nobody.task.message
    for finished in (listed, named, refused, reader, nobody):
        assert finished.seen["end"]["audit"] == []
