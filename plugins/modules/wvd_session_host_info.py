#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wvd_session_host_info
short_description: List session hosts of Azure Virtual Desktop
version_added: 0.1.0
description:
  - Lists the session hosts of an Azure Virtual Desktop (AVD, once Windows Virtual Desktop) host pool, as
    C(Get-AzWvdSessionHost) does. All of them, or those that are named.
  - Azure allows about ten lists of hosts in five minutes. Hosts that O(session_host_name) names are read one by one
    instead, several at once, and do not count.
options:
  resource_group_name:
    required: true
  host_pool_name:
    required: true
  session_host_name:
    description:
      - Only these session hosts, by the full names under which the host pool lists them, in upper or lower case. A name
        that the host pool does not have is an error.
      - The cmdlet's parameter C(-Name).
    type: list
    elements: str
extends_documentation_fragment:
  - remotedesktop.sessions.azure
  - remotedesktop.sessions.wvd.hosts
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.info
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.wvd_session_host
  - module: remotedesktop.sessions.wvd_session_info
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: List the session hosts of a host pool
  remotedesktop.sessions.wvd_session_host_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
  register: pool

- name: Show which hosts take no new sessions
  ansible.builtin.debug:
    msg: "{{ pool.hosts | rejectattr('allow_new_session') | map(attribute='name') }}"

- name: Wait until nobody is on a host any more
  remotedesktop.sessions.wvd_session_host_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: avd-0.contoso.com
  register: one
  until: one.hosts[0].sessions == 0
  retries: 30
  delay: 60
"""

RETURN = r"""
hosts:
  description: The session hosts, sorted by name, or as they are named.
  returned: success
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(wvd).', type: str, sample: wvd}
    host: {description: 'The session host, as rows of sessions say it.', type: str, sample: avd-0.contoso.com}
    subscription_id:
      description: Subscription of the host pool.
      type: str
      sample: 00000000-0000-0000-0000-000000000000
    resource_group_name: {description: Resource group of the host pool., type: str, sample: rg-avd}
    host_pool_name: {description: The host pool., type: str, sample: pool-01}
    name: {description: 'The session host, spelled as Azure says it.', type: str, sample: avd-0.contoso.com}
    allow_new_session:
      description: Whether the host takes new sessions. V(false) when it is drained.
      type: bool
      sample: true
    sessions:
      description: How many sessions Azure counts on the host. May be null.
      type: int
      sample: 3
    status:
      description:
        - V(Available), V(Unavailable), V(Shutdown), V(Disconnected), V(Upgrading), V(UpgradeFailed), V(NoHeartbeat),
          V(NotJoinedToDomain), V(DomainTrustRelationshipLost), V(SxSStackListenerNotReady), V(FSLogixNotHealthy) or
          V(NeedsAssistance). Azure may add others. V(Available) alone does not mean that the host is alive, see
          RV(hosts[].last_heartbeat).
      type: str
      sample: Available
    status_timestamp: {description: Since when it has the status. Often empty., type: str, sample: ""}
    last_heartbeat:
      description: When the host was last heard of, in UTC (ISO 8601), with as many digits as Azure tells.
      type: str
      sample: "2026-11-20T22:14:05.3100000Z"
    agent_version: {description: Version of the agent on the host., type: str, sample: 1.0.9742.2500}
    os_version: {description: Version of Windows., type: str, sample: 10.0.26100.2454}
    sxs_stack_version: {description: Version of the side-by-side stack., type: str, sample: rdp-sxs250708702}
    update_state: {description: 'How the last update of the agent went.', type: str, sample: Succeeded}
    last_update_time: {description: When the agent was last updated. May be empty., type: str, sample: ""}
    update_error_message: {description: What the update said. May be empty., type: str, sample: ""}
    assigned_user: {description: The user to whom a personal host belongs. Else empty., type: str, sample: ""}
    friendly_name: {description: The name that users see. May be empty., type: str, sample: ""}
    object_id:
      description: Object id of the host in the service.
      type: str
      sample: 5d1a1f04-6d0b-4a0d-9c3e-0b7a3f0c9e11
    virtual_machine_id:
      description: Id of the virtual machine.
      type: str
      sample: 7b8c5f2e-2f0d-4a53-9c4b-0d8f6b0a9e12
    resource_id:
      description: Resource id of the virtual machine.
      type: str
      sample: >-
        /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-avd/providers/Microsoft.Compute/virtualMachines/avd-0
    session_host_health_check_results:
      description: What Azure has checked on the host, with C(health_check_name), C(health_check_result) and more.
      type: list
      elements: dict
      sample: [{"health_check_name": "DomainJoinedCheck", "health_check_result": "HealthCheckSucceeded"}]
    id:
      description: Resource id of the session host.
      type: str
      sample: >-
        /subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg-avd/providers/Microsoft.DesktopVirtualization/hostpools/pool-01/sessionhosts/avd-0.contoso.com
complete:
  description: Whether all session hosts that are meant are in RV(hosts), which is always so here.
  returned: success
  type: bool
  sample: true
summary:
  description: How many of the hosts are in each status.
  returned: success
  type: dict
  sample: {"Available": 17, "Shutdown": 3}
"""
