# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of session hosts through real Ansible processes: groups, variables, plays on it, cache, limits."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.integration.ansible_process import Ansible, Finished
from tests.lab.client import Lab

PLUGIN = "remotedesktop.sessions.wvd_session_hosts"
DRAIN = "remotedesktop.sessions.wvd_session_host"
SUBSCRIPTION = "a7d00000-0000-4000-8000-000000000001"
POOL = {"resource_group_name": "rg-avd", "host_pool_name": "pool-01"}
ALL = ["AVD-1.contoso.com", "avd-0.contoso.com", "avd-2.contoso.com", "dev-0.contoso.com", "idle-0.contoso.com"]
FARM = {
    "pools": [
        {"name": "pool-01", "hosts": [{"name": "avd-0.contoso.com"}, {"name": "avd-1.contoso.com"}]},
        {
            "name": "pool-02",
            "personal": True,
            "hosts": [
                {"name": "avd-0.contoso.com", "status": "Shutdown", "allow_new_session": False},
                {"name": "own-0.contoso.com", "assigned_user": "{{ 'ali' ~ 'ce' }}@contoso.com"},
            ],
        },
    ]
}
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"host_pool": [POOL]}, "host_pool is no option"),
    ({"host_pools": []}, "host_pools is given but empty"),
    ({"host_pools": ["pool-01"]}, "host_pools[0] must be a mapping"),
    ({"host_pools": [{**POOL, "host_pool_name": "pool-99"}]}, "pool-99"),
    ({"host_pools": [POOL, {"host_pool_name": "x*"}]}, "There is no host pool x*"),
    ({"subscription_id": ""}, "subscription_id is given but empty"),
    ({"subscription_id": "{{ lookup('ansible.builtin.env', 'NOBODY_SET_IT') }}"}, "subscription_id is given but empty"),
    ({"profile": "{{ '' }}"}, "profile is given but empty"),
    ({"secret": "{{ nowhere }}"}, "secret is a template that cannot be filled in"),
    ({"secret": "wrong"}, "secret (AZURE_SECRET)"),
    ({"source": "guess"}, "source"),
    ({"list_timeout": "soon"}, "list_timeout"),
]
"""Options, and words of the sentence with which they are refused."""


class Inventories:
    """Writes inventory files, and lets Ansible read them."""

    def __init__(self, lab: Lab, ansible: Ansible) -> None:
        self.lab, self.ansible = lab, ansible
        self.said = ""

    def write(self, name: str = "x.wvd_session_hosts.yml", **options: Any) -> Path:
        file = self.ansible.directory / name
        file.write_text(json.dumps({"plugin": PLUGIN, **options}))
        return file

    def read(self, *arguments: str, **options: Any) -> dict[str, Any]:
        """Everything that ansible-inventory lists; what it said is kept."""
        return self.read_file(self.write(**options), *arguments)

    def read_file(self, file: Path, *arguments: str) -> dict[str, Any]:
        self.lab.forget_requests()
        output = self.ansible.directory / "inventory.json"
        output.unlink(missing_ok=True)
        run = ("-i", str(file), "--list", "--output", str(output), *arguments)
        finished = self.ansible.run("ansible-inventory", *run)
        self.said = " ".join(finished.output.split())
        assert "Traceback" not in self.said
        assert finished.status == 0, self.said
        found: dict[str, Any] = json.loads(output.read_text(), object_hook=plain)
        return found

    def requests(self) -> Counter[str]:
        """How often the last run asked for what."""
        return Counter(one["operation"] for one in self.lab.requests())

    def play(self, file: Path, *tasks: Mapping[str, Any], **play: Any) -> Finished:
        return self.ansible.play(*tasks, inventory=str(file), **play)


@pytest.fixture
def inventories(lab: Lab, ansible: Ansible) -> Inventories:
    return Inventories(lab, ansible)


def plain(value: dict[str, Any]) -> Any:
    """A text that newer cores mark as no template, without the mark."""
    return value.get("__ansible_unsafe", value)


def variables(found: Mapping[str, Any], host: str) -> dict[str, Any]:
    own: dict[str, Any] = found["_meta"]["hostvars"][host]
    return own


def members(found: Mapping[str, Any], group: str) -> list[str]:
    return sorted(found[group]["hosts"])


def test_session_hosts_are_in_groups_and_have_variables(inventories: Inventories) -> None:
    found = inventories.read(
        compose={"session_window_host": "wvd_session_host_name", "session_window_place": "wvd_place"},
        keyed_groups=[{"key": "wvd_session_host.status"}, {"key": "wvd_place.host_pool_name", "prefix": "in"}],
        leading_separator=False,
        groups={"busy": "wvd_session_host.sessions > 0"},
        strict=True,
    )
    assert members(found, "wvd_session_hosts") == ALL
    assert members(found, "wvd_pool_pool_01") == members(found, "in_pool_01") == members(found, "busy")[:3] == ALL[:3]
    assert members(found, "wvd_drained") == ["avd-2.contoso.com"]
    assert members(found, "wvd_open") == sorted(set(ALL) - {"avd-2.contoso.com"})
    assert members(found, "wvd_status_available") == members(found, "wvd_pooled") == members(found, "Available") == ALL
    own = variables(found, "avd-2.contoso.com")
    place = {"subscription_id": SUBSCRIPTION, **POOL}
    assert own["wvd_session_host_name"] == own["session_window_host"] == "avd-2.contoso.com"
    assert own["wvd_place"] == own["session_window_place"] == place
    row = own["wvd_session_host"]
    assert (row["allow_new_session"], row["sessions"], row["host_pool_type"]) == (False, 3, "Pooled")
    assert inventories.requests() == {"metadata": 1, "openid": 1, "token": 1, "host_pool_list": 1, "host_list": 3}


@pytest.mark.outer_cores
def test_expression_that_fails_is_an_error_when_strict(inventories: Inventories) -> None:
    assert ALL[0] in inventories.read(compose={"x": "nothing.at.all"})["_meta"]["hostvars"]
    inventories.read(compose={"x": "nothing.at.all"}, strict=True)
    assert "Could not set x" in inventories.said


def test_expression_that_fails_for_one_host_leaves_no_inventory_and_what_others_have(inventories: Inventories) -> None:
    other = inventories.ansible.directory / "other.json"
    other.write_text(json.dumps({"all": {"hosts": {"broker": {}}}}))
    for options in (
        {"compose": {"x": "{'open': 1}[wvd_session_host.allow_new_session | ternary('open', 'drained')]"}},
        {"groups": {"x": "{'open': 1}[wvd_session_host.allow_new_session | ternary('open', 'drained')]"}},
        {"keyed_groups": [{"key": "{'open': 'x'}[wvd_session_host.allow_new_session | ternary('open', 'drained')]"}]},
    ):
        file = inventories.write(strict=True, **options)
        found = inventories.read_file(other, "-i", str(file))
        assert "Could not" in inventories.said
        assert not {*found["_meta"]["hostvars"]} & {*ALL}
        assert not any(found.get(group, {}).get("hosts") for group in ("wvd_session_hosts", "wvd_open", "wvd_drained"))
        assert found["ungrouped"]["hosts"] == ["broker"]


def test_same_names_personal_and_closed_hosts_are_in_it_and_what_azure_says_is_no_template(
    lab: Lab, inventories: Inventories
) -> None:
    lab.reset(FARM)
    file = inventories.write()
    found = inventories.read_file(file)
    assert members(found, "wvd_personal") == ["avd-0.contoso.com@pool-02", "own-0.contoso.com"]
    assert members(found, "wvd_status_shutdown") == members(found, "wvd_drained") == ["avd-0.contoso.com@pool-02"]
    assert variables(found, "avd-0.contoso.com@pool-01")["ansible_host"] == "avd-0.contoso.com"
    assert "avd-0.contoso.com is in the host pools" in inventories.said
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ wvd_session_host.assigned_user }}"}}
    finished = inventories.play(file, show, hosts="own-0.contoso.com")
    assert finished.task.message == "{{ 'ali' ~ 'ce' }}@contoso.com"


@pytest.mark.outer_cores
def test_play_drains_each_host_in_its_own_place(lab: Lab, inventories: Inventories) -> None:
    lab.reset(FARM)
    task = {"name": "drain", DRAIN: {"session_host_name": "{{ wvd_session_host_name }}", "allow_new_session": False}}
    places = {"module_defaults": {"group/remotedesktop.sessions.wvd": "{{ wvd_place }}"}}
    more = "{'session_host_name': wvd_session_host_name, 'allow_new_session': true}"
    given = {"name": "open", DRAIN: None, "args": f"{{{{ wvd_place | combine({more}) }}}}"}
    one, other = "avd-0.contoso.com@pool-01", "own-0.contoso.com"
    finished = inventories.play(inventories.write(), task, given, hosts=f"{one}:{other}", **places)
    assert [task.status for task in finished.tasks] == ["ok"] * 4, finished.output
    assert sorted((entry["pool"], entry["host"], entry["verb"]) for entry in lab.audit()) == [
        ("pool-01", "avd-0.contoso.com", "drain"),
        ("pool-01", "avd-0.contoso.com", "undrain"),
        ("pool-02", "own-0.contoso.com", "drain"),
        ("pool-02", "own-0.contoso.com", "undrain"),
    ]


@pytest.mark.outer_cores
def test_pools_are_named_or_found_and_the_sign_in_may_be_a_template(lab: Lab, inventories: Inventories) -> None:
    operator = lab.principals["operator"]
    for name in ("AZURE_CLIENT_ID", "AZURE_SECRET", "AZURE_TENANT"):
        inventories.ansible.environment.pop(name)
    inventories.ansible.environment["LAB_SECRET"] = operator["secret"]
    found = inventories.read(
        "-e",
        "stage=2",
        host_pools=[{"resource_group": "RG-AVD", "host_pool_name": "POOL-01"}, {"host_pool_name": "pool-0{{ stage }}"}],
        client_id=operator["client_id"],
        tenant=operator["tenant"],
        secret="{{ lookup('ansible.builtin.env', 'LAB_SECRET') }}",
    )
    assert members(found, "wvd_session_hosts") == ALL[:4]
    assert "wvd_pool_pool_01" in found
    asked = inventories.requests()
    assert (asked["host_pool_get"], asked["host_pool_list"], asked["host_list"]) == (1, 1, 2)


@pytest.mark.outer_cores
def test_cache_saves_requests_until_it_is_flushed_or_something_else_is_asked_for(inventories: Inventories) -> None:
    folder = inventories.ansible.directory / "cache"
    cache = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(folder)}
    first = inventories.read(**cache)
    assert inventories.requests()["host_list"] == 3
    assert inventories.read(**cache) == first
    assert inventories.requests() == {}
    [kept] = folder.iterdir()
    text = kept.read_text()
    assert "avd-0.contoso.com" in text
    for secret in (inventories.lab.environment["AZURE_SECRET"], "Bearer", "token"):
        assert secret not in text
    inventories.lab.change_host(pool="pool-01", host="avd-0.contoso.com", allow_new_session=False)
    assert inventories.read(**cache) == first
    show = {"name": "show", "ansible.builtin.debug": {"msg": "{{ groups.wvd_drained | sort }}"}, "run_once": True}
    file = inventories.write(**cache)
    flushed = inventories.play(file, show, hosts="wvd_session_hosts", arguments=["--flush-cache"])
    assert flushed.task.result["msg"] == ["avd-0.contoso.com", "avd-2.contoso.com"]
    assert inventories.requests()["host_list"] == 3
    assert members(inventories.read(**cache), "wvd_drained") == ["avd-0.contoso.com", "avd-2.contoso.com"]
    assert inventories.requests() == {}
    assert members(inventories.read(**cache, host_pools=[POOL]), "wvd_session_hosts") == ALL[:3]
    assert inventories.requests()["host_list"] == 1
    kept.write_text('{"torn')
    assert members(inventories.read(**cache, host_pools=[POOL]), "wvd_session_hosts") == ALL[:3]


@pytest.mark.outer_cores
def test_what_cannot_be_understood_or_read_is_a_sentence_and_no_host(inventories: Inventories) -> None:
    files = [
        inventories.write(f"{number}.wvd_session_hosts.yml", **options)
        for number, (options, _words) in enumerate(REFUSED)
    ]
    found = inventories.read_file(files[0], *(word for file in files[1:] for word in ("-i", str(file))))
    for _options, words in REFUSED:
        assert words in inventories.said
    assert found["_meta"]["hostvars"] == {}


@pytest.mark.outer_cores
def test_one_pool_that_fails_leaves_no_inventory(lab: Lab, inventories: Inventories) -> None:
    lab.add_fault(operation="host_list", pool="pool-02", kind="status", status=403, times=0, code="AuthorizationFailed")
    found = inventories.read()
    assert "it needs the role Desktop Virtualization Reader" in inventories.said
    assert found["_meta"]["hostvars"] == {}
    inventories.ansible.environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "true"
    finished = inventories.play(inventories.write(), {"name": "never", "ansible.builtin.debug": {"msg": "x"}})
    assert finished.status != 0
    assert finished.tasks == []


@pytest.mark.outer_cores
def test_two_files_do_not_share_a_host(lab: Lab, inventories: Inventories) -> None:
    lab.reset(FARM)
    one = inventories.write("a.wvd_session_hosts.yml", host_pools=[{"host_pool_name": "pool-01"}])
    two = inventories.write("b.wvd_session_hosts.yaml", host_pools=[{"host_pool_name": "pool-02"}])
    found = inventories.read_file(one, "-i", str(two))
    assert "avd-0.contoso.com is in the inventory already, as a session host of pool-01" in inventories.said
    assert sorted(found["_meta"]["hostvars"]) == ["avd-0.contoso.com", "avd-1.contoso.com"]
    again = inventories.write("c.wvd_session_hosts.yml", host_pools=[{"host_pool_name": "pool-0[1]"}])
    lab.change_host(pool="pool-01", host="avd-0.contoso.com", allow_new_session=False)
    inventories.read_file(one, "-i", str(again))
    assert "avd-0.contoso.com is in the inventory already, listed by another file" in inventories.said
    other = inventories.write("other.yml", host_pools=[{"host_pool_name": "pool-01"}])
    assert inventories.read_file(other)["_meta"]["hostvars"] == {}
    assert "could not be verified" in inventories.said


@pytest.mark.outer_cores
def test_resource_graph_spares_the_lists(lab: Lab, inventories: Inventories) -> None:
    lab.options(page_size=2)
    found = inventories.read(source="resource_graph")
    assert members(found, "wvd_session_hosts") == ALL
    assert members(found, "wvd_drained") == ["avd-2.contoso.com"]
    asked = inventories.requests()
    assert (asked["resource_graph"], asked["host_list"]) == (3, 0)
    reader = lab.principals["session_operator"]
    names = {"client_id": reader["client_id"], "secret": reader["secret"], "tenant": reader["tenant"]}
    assert members(inventories.read(source="resource_graph", **names), "wvd_session_hosts") == ALL


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_limit_of_the_subscription_is_waited_for_and_no_longer_than_allowed(lab: Lab, inventories: Inventories) -> None:
    pools = [{"name": f"pool-{number:02}", "hosts": [{"name": f"h{number}.contoso.com"}]} for number in range(14)]
    lab.reset({"pools": pools})
    lab.options(host_list_limit="subscription", host_list_seconds=6)
    assert len(inventories.read()["_meta"]["hostvars"]) == 14
    assert "Azure lists no session hosts for another" in inventories.said
    lists = [one["status"] for one in lab.requests() if one["operation"] == "host_list"]
    assert (lists.count(200), lists.count(429) <= 6) == (14, True)
    lab.options(host_list_seconds=600)
    assert inventories.read(list_timeout=60)["_meta"]["hostvars"] == {}
    assert "set source to resource_graph" in inventories.said
    assert len(inventories.read(source="resource_graph")["_meta"]["hostvars"]) == 14
