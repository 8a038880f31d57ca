#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wvd_session_logoff
short_description: Log users off from Azure Virtual Desktop
version_added: 0.1.0
description:
  - Logs users off from sessions of an Azure Virtual Desktop (AVD, once Windows Virtual Desktop) host pool. Their
    programs end, and unsaved work is lost.
  - Takes the parameters of the PowerShell cmdlet C(Remove-AzWvdUserSession), works on many sessions at once, and sees
    that each one is gone.
  - Sessions are named with O(session_host_name) and O(id), O(input_object) or O(sessions), or are those of the host
    pool that pass O(user), O(exclude_user), O(session_state) and O(minimum_age). Without any of these, only
    O(all_sessions=true) logs off.
  - Deletions that Azure Resource Manager limits (200 at once, then 10 a second) are paced, and cost time only. They do
    not count against the limit of disconnects and messages.
options:
  force:
    description:
      - Whether Azure is asked to log off by force. Users report that a session may stay otherwise whose host does not
        answer.
      - It asks no question less. See O(confirm).
      - The cmdlet's parameter C(-Force).
    type: bool
    default: false
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
notes:
  - When Azure answers that there is no such session, that is no log-off of this task, unless an earlier request for
    the session was not answered clearly. It is V(already_gone) if a later list does not show it either.
seealso:
  - module: remotedesktop.sessions.wvd_session_info
  - module: remotedesktop.sessions.wvd_session_disconnect
  - module: remotedesktop.sessions.wvd_session_message
  - name: Remove-AzWvdUserSession
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/az.desktopvirtualization/remove-azwvdusersession
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Log one user off
  remotedesktop.sessions.wvd_session_logoff:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: avd-0.contoso.com
    id: 2

- name: Find the sessions that have been disconnected, and are older than twelve hours
  remotedesktop.sessions.wvd_session_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_state: disconnected
    minimum_age: 12h
  register: old

- name: Log them off, unless their ids belong to other sessions by now
  remotedesktop.sessions.wvd_session_logoff:
    sessions: "{{ old.sessions }}"
    wait_timeout: 120

- name: Log everybody but one user off from a session host
  remotedesktop.sessions.wvd_session_logoff:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: avd-1.contoso.com
    all_sessions: true
    exclude_user: carol@contoso.com
    force: true
"""

RETURN = r"""
changed:
  description:
    - Whether any user was logged off, or would be in check mode. An accepted request counts, even if it was not
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
        - V(logged_off) - it was, or would be in check mode.
        - V(already_gone) - Azure lists no such session, and where its list has several pages, does not know it when
          asked for it alone.
        - V(replaced) - the id belongs to another user or a newer session, which was left alone.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - Azure does not tell its user, so it was left alone. The task fails.
        - V(still_there) - the request was accepted and not seen to take effect in time. The task fails.
        - V(failed) - Azure refused, or did not answer clearly in time. The task fails.
      type: str
      sample: logged_off
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
  sample: {"already_gone": 1, "logged_off": 17}
diff:
  description: The sessions that end, a line each.
  returned: success, or failure of single sessions
  type: dict
  sample:
    before: "avd-0.contoso.com/2 alice@contoso.com Active\n"
    after: ""
pass_thru:
  description: What the cmdlet returns with C(-PassThru). V(true) when no session failed.
  returned: when O(pass_thru=true)
  type: bool
  sample: true
"""
