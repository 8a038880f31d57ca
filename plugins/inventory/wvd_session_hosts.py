# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of Azure Virtual Desktop as hosts of an inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
name: wvd_session_hosts
short_description: Session hosts of Azure Virtual Desktop
version_added: 0.1.0
description:
  - Makes an inventory of the session hosts of one or many host pools of Azure Virtual Desktop (AVD, once Windows
    Virtual Desktop).
  - The file must end in C(wvd_session_hosts.yml) or C(wvd_session_hosts.yaml).
  - A host has the name under which its host pool lists it, which is its DNS name. Drained hosts, personal ones and
    those that are off are in it, too. Groups leave them out, as in C(wvd_pool_pool_01:!wvd_personal).
  - A name that several host pools list gets the host pool added, as in C(avd-0.contoso.com@pool-01), and a warning.
    C(ansible_host) is the name then.
  - Every host has the variables C(wvd_session_host_name), its name as the service has it; C(wvd_place), a mapping of
    C(subscription_id), C(resource_group_name) and C(host_pool_name), which are options of the modules C(wvd_*); and
    C(wvd_session_host), the row that RV(remotedesktop.sessions.wvd_session_host_info#module:hosts) has for it, with
    C(host_pool_type) and without C(session_host_health_check_results).
  - The groups are C(wvd_session_hosts) with all hosts; C(wvd_pool_) with the name of each host pool; C(wvd_status_)
    with each status, such as C(wvd_status_available) or C(wvd_status_shutdown); C(wvd_open) and C(wvd_drained);
    C(wvd_pooled) and C(wvd_personal). Names are in lower case, with C(_) for what no group has in its name.
  - If a single host pool cannot be listed, there is no inventory at all, never one with fewer hosts. Ansible only warns
    of that, and goes on with other inventories, unless C(any_unparsed_is_failed) is set.
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [remotedesktop.sessions.wvd_session_hosts]
  host_pools:
    description:
      - The host pools to list. Without this option all of the subscription.
      - An entry that finds no host pool is an error.
    type: list
    elements: dict
    suboptions:
      subscription_id:
        description: Id of the subscription. Defaults to O(subscription_id).
        type: str
      resource_group_name:
        description: A resource group, or a shell pattern, in upper or lower case. Without it all of the subscription.
        type: str
        aliases: [resource_group]
      host_pool_name:
        description: A host pool, or a shell pattern, in upper or lower case. Without it all of the resource groups.
        type: str
  source:
    description:
      - V(service) lists each host pool. Azure allows about ten lists of session hosts in five minutes; it is not
        documented whether of each host pool or of more. What it refuses is waited for as long as it says, see
        O(list_timeout).
      - V(resource_graph) asks Azure Resource Graph for all session hosts of the subscriptions, a thousand in each
        request. That has no such limit, but is a copy, in which changes of the last minutes may lack, whether a host is
        drained, too. Host pools of which it shows nothing are listed as with V(service).
    type: str
    choices: [service, resource_graph]
    default: service
  list_timeout:
    description: Seconds in all for which Azure's limit on lists of session hosts is waited for, before it is an error.
    type: int
    default: 600
  pool_groups:
    description:
      - How the groups of host pools are named. V(name) as C(wvd_pool_pool_01), V(full) with subscription and resource
        group before that. Two host pools that would share a group are an error.
    type: str
    choices: [name, full]
    default: name
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - remotedesktop.sessions.azure
notes:
  - It takes one request for each resource group or subscription with a pattern, one for each host pool that is named,
    and one for each host pool, or page of a long list, to list its hosts. All count as reads, of which Azure Resource
    Manager allows 250 at once and 25 a second.
  - With O(cache=true) and a cache plugin that lasts, such as C(ansible.builtin.jsonfile), Azure is asked once in
    O(cache_timeout). States in the cache are old, and C(--flush-cache) reads them again. Other host pools or another
    sign-in in the file are never answered from the cache. It holds the rows, no secrets.
  - The account needs the role C(Desktop Virtualization Reader) on the host pools, or any other that may read them.
  - Values in O(host_pools) and the sign-in may be templates, except O(x509_certificate_path) and
    O(oidc_token_file_path).
  - A host pool that is listed by two files of an inventory is an error, as its hosts could be in the groups of two
    states.
  - The cache is not told apart by what is outside the file, such as the subscription that C(az account set) has chosen.
  - What Azure says of hosts never is a template.
seealso:
  - module: remotedesktop.sessions.wvd_session_host_info
  - module: remotedesktop.sessions.wvd_session_host
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
# The smallest file lists all host pools of the subscription, with the sign-in of the environment:
#
# plugin: remotedesktop.sessions.wvd_session_hosts

# Two host pools and those of a resource group that begin with prod-, read once an hour, with a secret of the
# environment, and with groups and variables of one's own
plugin: remotedesktop.sessions.wvd_session_hosts
host_pools:
  - resource_group_name: rg-avd
    host_pool_name: pool-01
  - resource_group_name: rg-avd
    host_pool_name: pool-02
  - resource_group_name: rg-prod
    host_pool_name: prod-*
client_id: 00000000-0000-0000-0000-000000000000
tenant: contoso.onmicrosoft.com
secret: "{{ lookup('ansible.builtin.env', 'AVD_SECRET') }}"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/ansible
compose:
  ansible_connection: "'psrp'"
keyed_groups:
  - prefix: agent
    key: wvd_session_host.agent_version
groups:
  empty: wvd_session_host.sessions == 0

# Hundreds of host pools, without the limit on lists of session hosts:
#
# plugin: remotedesktop.sessions.wvd_session_hosts
# source: resource_graph

# A task that drains each host of a play, whatever its host pool:
#
# - name: Drain
#   remotedesktop.sessions.wvd_session_host:
#     session_host_name: "{{ wvd_session_host_name }}"
#     allow_new_session: false
#   module_defaults:
#     group/remotedesktop.sessions.wvd: "{{ wvd_place }}"
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ..plugin_utils._action.options import is_empty
from ..plugin_utils._action.task_reach import make_reach
from ..plugin_utils._services.wvd_host_list import ListedHosts, fingerprint, list_session_hosts
from ..plugin_utils._services.wvd_inventory import Inventory, InventoryHost, make_inventory
from ..plugin_utils._services.wvd_pool_patterns import read_patterns
from ..plugin_utils._sessions.errors import SelectionError, SessionsError
from ..plugin_utils._sessions.plain import plain
from ..plugin_utils._transports.azure_sign_in import SIGN_IN

NEVER_EMPTY = ("host_pools", "subscription_id", "profile")
"""Options that say which host pools: empty they would mean others than were meant."""
EMPTY = "is given but empty, which never means all: leave it out."
ENDINGS = ("wvd_session_hosts.yml", "wvd_session_hosts.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """The inventory plugin."""

    NAME = "remotedesktop.sessions.wvd_session_hosts"

    # What Ansible sets, or leaves untyped.
    inventory: Any
    templar: Any
    get_option: Any
    option_definitions: Any

    def verify_file(self, path: str) -> bool:
        """Tell whether a file is for this plugin, by its name."""
        return bool(super().verify_file(path)) and path.endswith(ENDINGS)  # type: ignore[no-untyped-call,unused-ignore]

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """List the session hosts, or take them from the cache, and put them into the inventory."""
        super().parse(inventory, loader, path, cache)
        config = self._read_config_data(path)  # type: ignore[no-untyped-call,unused-ignore]
        try:
            self._check(config)
            self._fill(make_inventory(self._list(path, cache), self.get_option("pool_groups")))
        except SessionsError as error:
            raise AnsibleParserError(str(error)) from error

    def _check(self, config: Mapping[str, Any]) -> None:
        """Refuse what Ansible passes over: without a misspelt option all host pools would be meant."""
        known = set(self.option_definitions)
        known.update(alias for one in self.option_definitions.values() for alias in one.get("aliases") or ())
        for name, value in config.items():
            if name not in known:
                raise SelectionError(f"{name} is no option of {self.NAME}.")
            if name in (*NEVER_EMPTY, "default_profile") and is_empty(value):
                raise SelectionError(f"{name} {EMPTY}")

    def _list(self, path: str, cache: bool) -> ListedHosts:
        """Return the rows, of the cache when it may be read and holds what is asked for."""
        options = {name: self._value(name) for name in SIGN_IN}
        patterns = read_patterns(self._value("host_pools"))
        source, seconds = self.get_option("source"), float(self.get_option("list_timeout"))
        asked = fingerprint(options, patterns, source, os.environ)
        uses_cache, key = self.get_option("cache"), self.get_cache_key(path)
        if uses_cache and cache:
            kept = self._kept(key)
            if kept.get("asked") == asked:
                return ListedHosts(kept["pools"], kept["hosts"])
        reach = replace(make_reach("the inventory", None, _run_no_module, os.environ), tell=self.display.warning)
        listed = list_session_hosts(options, patterns, source, seconds, reach)
        if uses_cache:
            self._cache[key] = {"asked": asked, "pools": listed.pools, "hosts": listed.hosts}
        return listed

    def _kept(self, key: str) -> dict[str, Any]:
        """Return what the cache holds, or nothing: a file that cannot be read is one to write anew."""
        try:
            kept = plain(self._cache.get(key))
        except AnsibleError as error:
            self.display.warning(f"The session hosts are listed, because the cache could not be read: {error}")
            return {}
        return kept if isinstance(kept, dict) else {}

    def _value(self, name: str) -> Any:
        """Return an option of plain types, with its templates filled in."""
        value = self.get_option(name)
        self.templar.available_variables = self._vars
        try:
            filled = plain(self.templar.template(value) if self.templar.is_template(value) else value)
        except AnsibleError as error:
            raise SelectionError(f"{name} is a template that cannot be filled in: {error}") from error
        # An option that is not given is `None`.
        if value is not None and name in NEVER_EMPTY and is_empty(filled):
            raise SelectionError(f"{name} {EMPTY}")
        return filled

    def _fill(self, made: Inventory) -> None:
        """Put hosts into the inventory, when nothing can go wrong any more for a whole host pool."""
        for host in made.hosts:
            self._refuse_double(host)
        for warning in made.warnings:
            self.display.warning(warning)
        for group in made.groups:
            self.inventory.add_group(group)
        there_before = set(self.inventory.hosts)
        try:
            self._add_hosts(made.hosts)
        except Exception:
            # With strict one expression can fail. In the order of adding, a group finds each host at its list's head.
            for host in made.hosts:
                if host.name in self.inventory.hosts and host.name not in there_before:
                    self.inventory.remove_host(self.inventory.hosts[host.name])
            raise

    def _add_hosts(self, hosts: Sequence[InventoryHost]) -> None:
        constructable: Any = self
        strict = self.get_option("strict")
        for host in hosts:
            self.inventory.add_host(host.name)
            for group in host.groups:
                self.inventory.add_child(self.inventory.add_group(group), host.name)
            variables = {name: no_template(value) for name, value in host.variables.items()}
            # Of the host itself: the inventory's own method would copy every text, to note the file that it comes from.
            there = self.inventory.get_host(host.name)
            for name, value in variables.items():
                there.set_variable(name, value)
            constructable._set_composite_vars(self.get_option("compose"), variables, host.name, strict)
            constructable._add_host_to_composed_groups(self.get_option("groups"), variables, host.name, strict)
            constructable._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host.name, strict)

    def _refuse_double(self, host: InventoryHost) -> None:
        """Refuse a host that another inventory has in another host pool: it would silently become that of this one.

        And one that another file has listed, maybe earlier: it would be in the groups of both its states.
        """
        there = self.inventory.hosts.get(host.name)
        place = plain(there.vars.get("wvd_place")) if there else None
        if isinstance(place, dict) and place != host.variables["wvd_place"]:
            raise SelectionError(
                f"{host.name} is in the inventory already, as a session host of {place.get('host_pool_name')}: list "
                "host pools that share names of session hosts in one file."
            )
        if there and "wvd_session_host" in there.vars:
            raise SelectionError(
                f"{host.name} is in the inventory already, listed by another file: list each host pool in one file."
            )


def _run_no_module(**_arguments: Any) -> Mapping[str, Any]:
    raise SelectionError("An inventory runs no modules.")


def no_template(value: Any) -> Any:
    """Mark what Azure says as no template, where it could be taken for one: users choose some of it."""
    if not _has_brace(value):
        return value
    if isinstance(value, dict):
        return {name: no_template(one) for name, one in value.items()}
    if isinstance(value, list):
        return [no_template(one) for one in value]
    return wrap_var(value)  # type: ignore[no-untyped-call]


def _has_brace(value: Any) -> bool:
    """Tell whether a text, or one inside of a value, has a brace: without one nothing is a template."""
    if isinstance(value, str):
        return "{" in value
    return isinstance(value, (dict, list)) and any(
        _has_brace(one) for one in (value.values() if isinstance(value, dict) else value)
    )
