#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wvd_session_disconnect
short_description: Disconnect user sessions of Azure Virtual Desktop
version_added: 0.1.0
description:
  - Disconnects user sessions of an Azure Virtual Desktop (AVD, once Windows Virtual Desktop) host pool. Programs go on
    running, and users can connect again.
  - Takes the parameters of the PowerShell cmdlet C(Disconnect-AzWvdUserSession), works on many sessions at once, and
    sees that each one is disconnected.
  - Sessions are named with O(session_host_name) and O(id), O(input_object) or O(sessions), or are those of the host
    pool that pass O(user), O(exclude_user), O(session_state) and O(minimum_age). Without any of these, only
    O(all_sessions=true) disconnects.
  - Requests that Azure Resource Manager limits (200 at once, then 10 a second) are paced, and cost time only.
options: {}
extends_documentation_fragment:
  - remotedesktop.sessions.azure
  - remotedesktop.sessions.wvd.which
  - remotedesktop.sessions.wvd.asks
  - remotedesktop.sessions.wvd
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.ending
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.ends
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.wvd_session_info
  - name: Disconnect-AzWvdUserSession
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/az.desktopvirtualization/disconnect-azwvdusersession
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Disconnect one session
  remotedesktop.sessions.wvd_session_disconnect:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: avd-0.contoso.com
    id: 2

- name: Disconnect everybody but two users from a session host, which a survey may leave open
  remotedesktop.sessions.wvd_session_disconnect:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: "{{ survey_host | default(omit, true) }}"
    all_sessions: true
    exclude_user:
      - carol@contoso.com
      - CONTOSO\dave

- name: Find the desktop sessions that are older than twelve hours
  remotedesktop.sessions.wvd_session_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    minimum_age: 12h
  register: old

- name: Disconnect them, unless their ids belong to other sessions by now
  remotedesktop.sessions.wvd_session_disconnect:
    sessions: "{{ old.sessions | selectattr('application_type', 'equalto', 'Desktop') }}"
    wait_timeout: 120

- name: Ask on the terminal first
  remotedesktop.sessions.wvd_session_disconnect:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    user: alice@contoso.com
    confirm: true
"""

RETURN = r"""
changed:
  description:
    - Whether any session was disconnected, or would be in check mode. An accepted request counts, even if it was not
      seen to take effect.
  returned: always
  type: bool
sessions:
  description:
    - What became of each session that was meant, sorted by host pool, session host and id.
    - Its other fields are those of the session before, as RV(remotedesktop.sessions.wvd_session_info#module:sessions)
      lists it, so the rows can be passed on. For a session that Azure does not list they are what was given.
  returned: success, or failure of single sessions
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(wvd).', type: str, sample: wvd}
    host: {description: 'The session host, as the service lists it.', type: str, sample: avd-0.contoso.com}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: alice@contoso.com}
    state: {description: 'V(active), V(disconnected), V(ending) or V(other). May be empty.', type: str, sample: active}
    outcome:
      description:
        - V(disconnected) - it was, or would be in check mode.
        - V(already_disconnected) - nothing was to be done.
        - V(already_gone) - Azure lists no such session, and where its list has several pages, does not know it when
          asked for it alone.
        - V(replaced) - the id belongs to another user or a newer session, which was left alone.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - Azure does not tell its user, so it was left alone. The task fails.
        - V(still_there) - the request was accepted and not seen to take effect in time. The task fails.
        - V(failed) - Azure refused, or did not answer clearly in time. The task fails.
      type: str
      sample: disconnected
    reason: {description: 'Why, unless the outcome says it all. May be empty.', type: str, sample: ""}
    seconds: {description: 'Seconds from the first request to the outcome, else V(0.0).', type: float, sample: 0.214}
    proof_age:
      description:
        - Seconds from when the list was begun that proved the session until its last request was sent, else V(0.0).
          Who took over its id within that time could not be seen.
      type: float
      sample: 0.087
summary:
  description: How many sessions had each outcome.
  returned: success, or failure of single sessions
  type: dict
  sample: {"already_disconnected": 3, "disconnected": 17}
diff:
  description: The sessions that change, a line each, before and after.
  returned: success, or failure of single sessions
  type: dict
  sample:
    before: "avd-0.contoso.com/2 alice@contoso.com Active\n"
    after: "avd-0.contoso.com/2 alice@contoso.com Disconnected\n"
pass_thru:
  description: What the cmdlet returns with C(-PassThru). V(true) when no session failed.
  returned: when O(pass_thru=true)
  type: bool
  sample: true
"""
