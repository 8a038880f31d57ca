#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wvd_session_host
short_description: Drain session hosts of Azure Virtual Desktop, or open them again
version_added: 0.1.0
description:
  - Sets whether session hosts of an Azure Virtual Desktop (AVD, once Windows Virtual Desktop) host pool take new
    sessions, as C(Update-AzWvdSessionHost -AllowNewSession) does. Sessions that are there are left alone.
  - A host that is so already gets no request. Every other host is read back. While Azure does not answer clearly, or
    the host does not show what was asked for, it is read and asked for again until O(wait_timeout).
  - One host that fails does not keep the others from being set, and the task fails in the end. Nothing is set before
    all hosts are read, but one of which Azure says nothing for 10 seconds after the others is not waited for. It is set
    when it could be read, and has failed when it could not be within O(wait_timeout) from the beginning of the task.
  - The result holds the state before, so that O(hosts) can restore it. Needs the role Desktop Virtualization Session
    Host Operator.
options:
  resource_group_name:
    description:
      - Required unless each row in O(hosts) says it. Azure compares it without case.
  host_pool_name:
    description:
      - Required unless each row in O(hosts) says it. Azure compares it without case.
  session_host_name:
    description:
      - These session hosts, by the full names under which the host pool lists them, in upper or lower case. If the host
        pool lacks one of them, nothing is set at all, unless Azure says so only when the others are set, see below.
      - They are read one by one, because Azure allows about ten lists of hosts in five minutes.
      - The cmdlet's parameter C(-Name).
    type: list
    elements: str
  all_hosts:
    description:
      - Whether all session hosts of the host pool are meant. This takes one list of hosts.
    type: bool
    default: false
  hosts:
    description:
      - Session hosts with the states to restore, as RV(remotedesktop.sessions.wvd_session_host_info#module:hosts) or
        RV(hosts) of this module has them, or any part of such a list. Rows may be of several host pools.
      - Of each row C(name) or C(host), and C(allow_new_session), are enough, with the options that say which host pool.
      - A host that is gone fails, and the others get their state nevertheless. A row of this module whose host could
        not be read, so that C(allow_new_session) is null, is left alone.
      - A row of this module that says RV(hosts[].unclear=true) is set in any case, even if the host is as it should be,
        and watched until O(wait_timeout), because the earlier request may take effect yet.
      - An empty list names no host, so nothing is done.
    type: raw
  allow_new_session:
    description:
      - Whether the hosts take new sessions. V(false) drains them.
      - Required, except with O(hosts), whose rows say it.
    type: bool
  wait_timeout:
    description:
      - Seconds from the first request for a host until it must be seen to have its state. One last answer may take a
        few seconds more.
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
  - remotedesktop.sessions.azure
  - remotedesktop.sessions.wvd.hosts
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.wvd_session_host_info
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Drain two session hosts, restart them and put them back as they were
  block:
    - name: Drain
      remotedesktop.sessions.wvd_session_host:
        resource_group_name: rg-avd
        host_pool_name: pool-01
        session_host_name:
          - avd-0.contoso.com
          - avd-2.contoso.com
        allow_new_session: false
      register: drained

    - name: Do the work
      ansible.builtin.debug:
        msg: Here the hosts are patched and restarted.
  always:
    - name: Restore, so that a host which was drained before stays drained
      remotedesktop.sessions.wvd_session_host:
        hosts: "{{ drained.hosts }}"
      when: drained.hosts is defined

- name: Open all session hosts of a host pool
  remotedesktop.sessions.wvd_session_host:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    all_hosts: true
    allow_new_session: true
"""

RETURN = r"""
changed:
  description:
    - Whether any host was set, or would be in check mode. A request of which nothing was seen counts, because it may
      yet take effect.
  returned: always
  type: bool
hosts:
  description:
    - What became of each session host, in the order in which they are named or listed.
    - Its other fields are those of the host before, as RV(remotedesktop.sessions.wvd_session_host_info#module:hosts)
      lists it, so the rows can be passed to O(hosts) to restore the state before.
  returned: success, or failure of single hosts
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(wvd).', type: str, sample: wvd}
    host: {description: 'The session host, as rows of sessions say it.', type: str, sample: avd-0.contoso.com}
    name: {description: 'The session host, spelled as Azure says it.', type: str, sample: avd-0.contoso.com}
    allow_new_session:
      description: The state before, as O(hosts) takes it. Null if the host could not be read.
      type: bool
      sample: true
    before: {description: Whether it took new sessions before. Null if that is not known., type: bool, sample: true}
    after:
      description: Whether it was last seen to take new sessions, or would be in check mode. Null if that is not known.
      type: bool
      sample: false
    outcome:
      description:
        - V(set) - it was, or would be in check mode.
        - V(already_set) - nothing was to be done.
        - V(left_alone) - the state to restore is not known, because the host could not be read before.
        - V(failed) - it could not be read, Azure refused, or it was not seen to take effect in time. The task fails.
      type: str
      sample: set
    reason: {description: 'Why, unless the outcome says it all. May be empty.', type: str, sample: ""}
    seconds: {description: 'Seconds from the first request to the outcome, else V(0.0).', type: float, sample: 0.214}
    unclear:
      description:
        - Whether a request may take effect yet, or has, although nobody saw it. Azure carries some requests out a
          minute after it has answered that they timed out, so this is also said of a host that is set, when one of
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
    before: "avd-0.contoso.com allow_new_session true\n"
    after: "avd-0.contoso.com allow_new_session false\n"
"""
