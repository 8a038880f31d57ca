#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_session_host_info
short_description: List session hosts of Remote Desktop Services
version_added: 0.1.0
description:
  - Lists the session hosts of a Remote Desktop Services (RDS) deployment, and whether they take new sessions, as
    C(Get-RDSessionHost) does. Those of all collections or of some, or those that are named.
  - How many sessions a host has takes a list of sessions, of which M(remotedesktop.sessions.rds_session_info) brings
    more than their number. Status and heartbeat are unknown to the cmdlet.
  - The cmdlet does not list a host that is off when it was drained until it is restarted. The task warns then.
options:
  session_host_name:
    description:
      - Only these session hosts. The name without its domain is enough when only one host has it. Upper and lower case
        do not matter. A name that no host has is an error.
      - The parameter C(-SessionHost) of C(Set-RDSessionHost).
    type: list
    elements: str
    aliases: [session_host]
extends_documentation_fragment:
  - remotedesktop.sessions.rds.hosts
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.info
  - remotedesktop.sessions.windows.remote
seealso:
  - module: remotedesktop.sessions.rds_session_host
  - module: remotedesktop.sessions.rds_session_info
  - name: Get-RDSessionHost
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/remotedesktop/get-rdsessionhost
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: List the session hosts of a collection, on the connection broker
  remotedesktop.sessions.rds_session_host_info:
    collection_name: Desktops
  become: true
  become_method: ansible.builtin.runas
  become_user: CONTOSO\rds-operator
  vars:
    ansible_become_password: "{{ vault_rds_operator_password }}"
  register: collection

- name: Show which hosts take no new sessions
  ansible.builtin.debug:
    msg: "{{ collection.hosts | rejectattr('new_connection_allowed', 'equalto', 'yes') | map(attribute='host') }}"
"""

RETURN = r"""
hosts:
  description: The session hosts, sorted by collection and name, or as they are named.
  returned: success
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(rds).', type: str, sample: rds}
    host: {description: 'The session host, as rows of sessions say it.', type: str, sample: rdsh-1.contoso.com}
    connection_broker:
      description: The connection broker, as the task names it. Null when it is the host of the task.
      type: str
      sample: null
    collection_name: {description: The session collection., type: str, sample: Desktops}
    session_host:
      description: The session host, spelled as the deployment lists it.
      type: str
      sample: rdsh-1.contoso.com
    new_connection_allowed:
      description:
        - Whether the host takes new sessions. V(yes), V(no) when it is drained, or V(not_until_reboot) when it is
          drained until it is restarted.
      type: str
      sample: "yes"
complete:
  description: >-
    Whether all session hosts that are meant are in RV(hosts). One that is off may be missing; then the task warns.
  returned: success
  type: bool
  sample: true
summary:
  description: How many of the hosts have each value of RV(hosts[].new_connection_allowed).
  returned: success
  type: dict
  sample: {"no": 3, "yes": 17}
"""
