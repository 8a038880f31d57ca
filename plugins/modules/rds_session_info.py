#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_session_info
short_description: List user sessions of Remote Desktop Services
version_added: 0.1.0
description:
  - Lists the user sessions of a Remote Desktop Services (RDS) deployment, all of them or those that pass the filters.
  - The rows can be passed to O(remotedesktop.sessions.rds_user_logoff#module:sessions), as C(Get-RDUserSession) passes
    its own to C(Invoke-RDUserLogoff).
  - Also lists those of a host pool of Windows Virtual Desktop (classic), with O(tenant_name) and O(host_pool_name).
extends_documentation_fragment:
  - remotedesktop.sessions.wvd_classic
  - remotedesktop.sessions.rds
  - remotedesktop.sessions.rds.disconnected_for
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.info
  - remotedesktop.sessions.windows.remote
options: {}
seealso:
  - module: remotedesktop.sessions.rds_user_logoff
  - name: Get-RDUserSession
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/remotedesktop/get-rdusersession
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: List the sessions of a deployment, on its connection broker
  remotedesktop.sessions.rds_session_info:
  become: true
  become_method: ansible.builtin.runas
  become_user: CONTOSO\rds-operator
  vars:
    ansible_become_password: "{{ vault_rds_operator_password }}"
  register: deployment

- name: Show who is disconnected
  ansible.builtin.debug:
    msg: "{{ gone | map(attribute='user_name') }}"
  vars:
    gone: "{{ deployment.sessions | selectattr('session_state', 'equalto', 'STATE_DISCONNECTED') }}"

- name: List the sessions on a session host that are older than half a day
  remotedesktop.sessions.rds_session_info:
    collection_name: Desktops
    host_server: rdsh-1.contoso.com
    minimum_age: 12h
"""

RETURN = r"""
sessions:
  description:
    - The sessions, sorted by session host and id. The fields are the properties that the cmdlet returns. What it does
      not tell is null.
    - For Windows Virtual Desktop (classic) the fields are C(tenant_group_name), C(tenant_name), C(host_pool_name),
      C(session_host_name), C(session_id), C(user_principal_name), C(ad_user_name), C(session_state),
      C(application_type) and C(create_time).
  returned: success
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(rds) or V(wvd_classic).', type: str, sample: rds}
    host: {description: 'The session host, as the service lists it.', type: str, sample: rdsh-1.contoso.com}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: CONTOSO\alice}
    state: {description: 'V(active), V(disconnected), V(ending) or V(other). May be empty.', type: str, sample: active}
    host_server:
      description: The session host, or virtualization host, as the deployment lists it.
      type: str
      sample: rdsh-1.contoso.com
    unified_session_id:
      description: Id of the session on RV(sessions[].host_server). Ids are used again after a session has ended.
      type: int
      sample: 2
    session_id:
      description: Id inside the virtual machine for collections of virtual desktops, else the same.
      type: int
      sample: 2
    user_name: {description: Account of the owner., type: str, sample: alice}
    domain_name: {description: Domain of the owner., type: str, sample: CONTOSO}
    collection_name: {description: The session collection., type: str, sample: Desktops}
    collection_type: {description: Type of the collection., type: str, sample: RD_FARM_RDSH}
    session_state: {description: State of the session., type: str, sample: STATE_ACTIVE}
    application_type: {description: 'What is shown, such as a RemoteApp program.', type: str, sample: null}
    create_time:
      description: When the session was created, in UTC (ISO 8601). Without C(Z) it is the host's local time.
      type: str
      sample: "2026-11-20T22:14:05Z"
    disconnect_time: {description: When the user was disconnected., type: str, sample: null}
    idle_time:
      description: Time without input, most probably in milliseconds. Microsoft documents no unit.
      type: int
      sample: 60000
    server_name: {description: The machine in which the session is., type: str, sample: rdsh-1.contoso.com}
    server_ip_address: {description: Address of that machine., type: str, sample: null}
    ts_protocol: {description: Number of the protocol., type: int, sample: 2}
    resolution_width: {description: Width of the screen., type: int, sample: 1920}
    resolution_height: {description: Height of the screen., type: int, sample: 1080}
    color_depth: {description: Color depth., type: int, sample: 32}
    remote_fx_enabled: {description: Whether RemoteFX is on., type: bool, sample: null}
summary:
  description: How many of the sessions are in each state.
  returned: success
  type: dict
  sample: {"STATE_ACTIVE": 17, "STATE_DISCONNECTED": 3}
"""
