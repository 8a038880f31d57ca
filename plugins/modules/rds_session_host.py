#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_session_host
short_description: Drain session hosts of Remote Desktop Services, or open them again
version_added: 0.1.0
description:
  - Sets whether session hosts of a Remote Desktop Services (RDS) deployment take new sessions, as
    C(Set-RDSessionHost -NewConnectionAllowed) does. Sessions that are there are left alone, and users can reconnect to
    them.
  - A host that is so already gets no request. Every other host is set by a call of its own, eight at once, and read
    back, because the cmdlet answers nothing, and sets none of several hosts when one does not answer.
  - While there is no clear answer, or the host does not show what was asked for, it is read and asked for again until
    O(wait_timeout), or for 5 seconds while the cmdlet writes errors.
  - One host that fails does not keep the others from being set, and the task fails in the end.
  - The result holds the state before, so that O(hosts) can restore it.
options:
  session_host_name:
    description:
      - These session hosts. The name without its domain is enough when only one host has it. Upper and lower case do
        not matter. If the collections lack one of them, nothing is set at all. One that is not on a list that lacks
        hosts fails, and the others are set.
      - The cmdlet's parameter C(-SessionHost).
    type: list
    elements: str
    aliases: [session_host]
  all_hosts:
    description:
      - Whether all session hosts of the collections are meant, without O(collection_name) those of the deployment.
      - The cmdlet does not list a host that is off when it was drained until it is restarted, and writes an error. Then
        those that are listed are set, and the task fails in the end, because others may be missing. If a collection of
        O(collection_name) shows no host but an error, nothing is set.
    type: bool
    default: false
  hosts:
    description:
      - Session hosts with the states to restore, as RV(remotedesktop.sessions.rds_session_host_info#module:hosts) or
        RV(hosts) of this module has them, or any part of such a list. All rows must be of one deployment.
      - Of each row C(session_host) or C(host), and C(new_connection_allowed), are enough.
      - A host that is gone fails, and the others get their state nevertheless. A row of this module whose host could
        not be read, so that C(new_connection_allowed) is null, is left alone.
      - A row of this module that says RV(hosts[].unclear=true) is set in any case, even if the host is as it should be,
        and watched until O(wait_timeout), because the earlier request may take effect yet.
      - An empty list names no host, so nothing is done.
    type: raw
  new_connection_allowed:
    description:
      - Whether the hosts take new sessions. V(no) drains them, V(not_until_reboot) drains them until they are
        restarted, and V(yes) opens them again.
      - In a maintenance window use V(no), because V(not_until_reboot) opens a host at the first restart.
      - YAML reads a bare C(yes) as V(true) and C(no) as V(false), and both are taken for these words, here and in
        O(hosts).
      - Required, except with O(hosts), whose rows say it.
    type: str
    choices: ['yes', 'no', not_until_reboot]
  wait_timeout:
    description:
      - Seconds from the first request for a host until it must be seen to have its state. The last answers and lists
        may take longer.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    details: Reads the hosts and sets nothing.
  diff_mode:
    description: Returns the session hosts that change, before and after, when in diff mode.
    support: full
extends_documentation_fragment:
  - remotedesktop.sessions.rds.hosts
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.windows.remote
notes:
  - When the run ends before the task does, as when a job is cancelled or C(ansible-playbook) is killed, nothing more is
    set, at the latest 2 seconds after, or, where a script on the Windows host does it, 10 seconds after the first
    request of a run of the script. What was asked for by then may take effect.
seealso:
  - module: remotedesktop.sessions.rds_session_host_info
  - name: Set-RDSessionHost
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/remotedesktop/set-rdsessionhost
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Drain two session hosts, restart them and put them back as they were
  block:
    - name: Drain
      remotedesktop.sessions.rds_session_host:
        session_host_name:
          - rdsh-0.contoso.com
          - rdsh-2.contoso.com
        new_connection_allowed: "no"
      register: drained

    - name: Do the work
      ansible.builtin.debug:
        msg: Here the hosts are patched and restarted.
  always:
    - name: Restore, so that a host which was drained before stays drained
      remotedesktop.sessions.rds_session_host:
        hosts: "{{ drained.hosts }}"
      when: drained.hosts is defined

- name: Open all session hosts of a collection
  remotedesktop.sessions.rds_session_host:
    collection_name: Desktops
    all_hosts: true
    new_connection_allowed: "yes"
"""

RETURN = r"""
changed:
  description:
    - Whether any host was set, or would be in check mode. A request of which nothing was seen counts when it may yet
      take effect.
  returned: always
  type: bool
hosts:
  description:
    - What became of each session host, in the order in which they are named or listed.
    - Its other fields are those of the host before, as RV(remotedesktop.sessions.rds_session_host_info#module:hosts)
      lists it, so the rows can be passed to O(hosts) to restore the state before.
  returned: success, or failure of single hosts
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(rds).', type: str, sample: rds}
    host: {description: 'The session host, as rows of sessions say it.', type: str, sample: rdsh-0.contoso.com}
    session_host:
      description: The session host, spelled as the deployment lists it.
      type: str
      sample: rdsh-0.contoso.com
    new_connection_allowed:
      description: The state before, as O(hosts) takes it. Null if the host could not be read.
      type: str
      sample: "yes"
    before:
      description: V(yes), V(no) or V(not_until_reboot), as it was before. Null if that is not known.
      type: str
      sample: "yes"
    after:
      description: As it was last seen, or would be in check mode. Null if that is not known.
      type: str
      sample: "no"
    outcome:
      description:
        - V(set) - it was, or would be in check mode.
        - V(already_set) - nothing was to be done.
        - V(left_alone) - the state to restore is not known, because the host could not be read before.
        - V(failed) - it could not be read, the cmdlet was refused or went on writing errors, or it was not seen to take
          effect in time. The task fails.
      type: str
      sample: set
    reason: {description: 'Why, unless the outcome says it all. May be empty.', type: str, sample: ""}
    seconds: {description: 'Seconds from the first request to the outcome, else V(0.0).', type: float, sample: 3.214}
    unclear:
      description:
        - Whether a request may take effect yet, or has, although nobody saw it. Also of a host that is set, when one of
          several requests for it was not answered clearly.
      type: bool
      sample: false
summary:
  description: How many hosts had each outcome.
  returned: success, or failure of single hosts
  type: dict
  sample: {"already_set": 1, "set": 17}
diff:
  description: The session hosts that change, a line each, before and after.
  returned: success, or failure of single hosts
  type: dict
  sample:
    before: "rdsh-0.contoso.com new_connection_allowed yes\n"
    after: "rdsh-0.contoso.com new_connection_allowed no\n"
"""
