#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wvd_session_info
short_description: List user sessions of Azure Virtual Desktop
version_added: 0.1.0
description:
  - Lists the user sessions of an Azure Virtual Desktop (AVD, once Windows Virtual Desktop) host pool, all of them or
    those that pass the filters.
  - The rows can be passed to O(remotedesktop.sessions.wvd_session_disconnect#module:sessions), as
    C(Get-AzWvdUserSession) passes its own to C(Disconnect-AzWvdUserSession).
  - Azure gives long lists in pages, and a session may slip through when others end while the pages are read. A list of
    several pages is therefore read again until two readings in a row show the same sessions, three times at most, and
    RV(sessions) holds all that were seen. If even the third reading differs, the task warns that a session may be
    missing.
options:
  resource_group_name:
    required: true
  host_pool_name:
    required: true
  session_host_name:
    description:
      - Only sessions on this session host, by the full name under which the host pool lists it. Upper and lower case
        do not matter.
    type: str
extends_documentation_fragment:
  - remotedesktop.sessions.azure
  - remotedesktop.sessions.wvd
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.info
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.wvd_session_disconnect
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: List the sessions of a host pool
  remotedesktop.sessions.wvd_session_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
  register: pool

- name: Show who is connected
  ansible.builtin.debug:
    msg: "{{ pool.sessions | selectattr('session_state', 'equalto', 'Active') | map(attribute='user_principal_name') }}"

- name: List the disconnected sessions of a session host
  remotedesktop.sessions.wvd_session_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: avd-0.contoso.com
    session_state: Disconnected
"""

RETURN = r"""
sessions:
  description: The sessions, sorted by session host and id.
  returned: success
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(wvd).', type: str, sample: wvd}
    host: {description: 'The session host, as the service lists it.', type: str, sample: avd-0.contoso.com}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: alice@contoso.com}
    state: {description: 'V(active), V(disconnected), V(ending) or V(other). May be empty.', type: str, sample: active}
    subscription_id:
      description: Subscription of the host pool.
      type: str
      sample: 00000000-0000-0000-0000-000000000000
    resource_group_name: {description: Resource group of the host pool., type: str, sample: rg-avd}
    host_pool_name: {description: The host pool., type: str, sample: pool-01}
    session_host_name:
      description: The session host, spelled as Azure lists it.
      type: str
      sample: avd-0.contoso.com
    id:
      description: Id of the session on the session host. Ids are used again after a session has ended.
      type: str
      sample: "2"
    user_principal_name:
      description: Owner of the session. Empty when Azure does not tell it.
      type: str
      sample: alice@contoso.com
    active_directory_user_name:
      description: Owner of the session in Active Directory. Empty when Azure does not tell it.
      type: str
      sample: CONTOSO\alice
    session_state:
      description:
        - State of the session, V(Active), V(Disconnected), V(Pending), V(LogOff), V(UserProfileDiskMounted) or
          V(Unknown). Azure may add others.
      type: str
      sample: Active
    application_type: {description: V(Desktop) or V(RemoteApp)., type: str, sample: Desktop}
    create_time:
      description: When the session was created, in UTC (ISO 8601), with as many digits as Azure tells.
      type: str
      sample: "2026-11-20T22:14:05.31Z"
    object_id:
      description: Object id of the session in the service.
      type: str
      sample: 5d1a1f04-6d0b-4a0d-9c3e-0b7a3f0c9e11
    resource_id:
      description: Resource id of the session.
      type: str
      sample: >-
        /subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg-avd/providers/Microsoft.DesktopVirtualization/hostpools/pool-01/sessionhosts/avd-0.contoso.com/usersessions/2
summary:
  description: How many of the sessions are in each state.
  returned: success
  type: dict
  sample: {"Active": 17, "Disconnected": 3}
"""
