#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wms_session_info
short_description: List sessions of a MultiPoint server
version_added: 0.1.0
description:
  - Lists the sessions of a MultiPoint server (Windows MultiPoint Server 2012, Windows Server 2012 R2 or 2016), all of
    them or those that pass the filters.
  - The rows can be passed to O(remotedesktop.sessions.wms_session_close#module:sessions), as C(Get-WmsSession) passes
    its own to C(Close-WmsSession).
extends_documentation_fragment:
  - remotedesktop.sessions.wms
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.info
  - remotedesktop.sessions.windows.remote
options: {}
seealso:
  - module: remotedesktop.sessions.wms_session_close
  - name: Get-WmsSession
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/wms/get-wmssession
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: List the sessions of a classroom
  remotedesktop.sessions.wms_session_info:
  register: classroom

- name: Show who is there
  ansible.builtin.debug:
    msg: "{{ classroom.sessions | rejectattr('is_admin') | map(attribute='user_name') }}"
"""

RETURN = r"""
sessions:
  description:
    - The sessions, sorted by id. The fields are the properties that the cmdlet returns. What it does not tell is null.
  returned: success
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(wms).', type: str, sample: wms}
    host: {description: 'The session host, as the service lists it.', type: str, sample: CLASSROOM}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: CONTOSO\student1}
    state: {description: 'V(active), V(disconnected), V(ending) or V(other). May be empty.', type: str, sample: active}
    computer_name: {description: The MultiPoint server., type: str, sample: CLASSROOM}
    session_id:
      description: Id of the session on the server. Ids are used again after a session has ended.
      type: int
      sample: 2
    user_name: {description: Account of the owner., type: str, sample: alice}
    domain_name: {description: Domain of the owner., type: str, sample: CONTOSO}
    session_state: {description: 'State of the session, the property C(State).', type: str, sample: ConnectedToStation}
    is_admin: {description: Whether the owner is an administrator., type: bool, sample: false}
    station_id: {description: The station., type: int, sample: 2}
    client_name: {description: The client., type: str, sample: ""}
    is_rail: {description: Whether it shows a single program., type: bool, sample: false}
    is_orchestratable:
      description: Whether the dashboard can control it. Only with the module of 2016.
      type: bool
      sample: true
    is_mog_user: {description: The property C(IsMOGUser). Only with the module of 2016., type: bool, sample: false}
summary:
  description: How many of the sessions are in each state.
  returned: success
  type: dict
  sample: {"ConnectedToStation": 17, "Disconnected": 3}
"""
