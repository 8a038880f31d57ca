# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's limit on lists of session hosts: ten in five minutes, here in seconds. It is waited for, and told of."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import Ansible
from tests.integration.scenarios import Scenario, call

POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
INFO = {"remotedesktop.sessions.wvd_session_host_info": POOL}
DRAIN_ALL = {"remotedesktop.sessions.wvd_session_host": {**POOL, "all_hosts": True, "allow_new_session": False}}
WINDOW = 8


@pytest.mark.newest_core
def test_all_hosts_waits_for_the_limit_and_lists_no_more_than_it_must(ansible: Ansible) -> None:
    [finished] = ansible.scenarios(
        Scenario(
            "limit",
            [
                call("options", {"host_list_seconds": WINDOW}),
                {"name": "list", **INFO, "loop": list(range(10))},
                {"name": "drain", **DRAIN_ALL},
            ],
        ),
        see=("audit", "requests"),
    )
    drained = finished.tasks[-1]
    assert drained.status == "ok", drained
    assert len(drained.result["hosts"]) == 3
    lists = [one for one in finished.seen["end"]["requests"]["requests"] if one["operation"] == "host_list"]
    assert [one["status"] for one in lists] == [200] * 10 + [429, 200]
    assert "Azure lists no session hosts for another" in finished.output
