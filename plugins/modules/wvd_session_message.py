#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wvd_session_message
short_description: Send messages to users of Azure Virtual Desktop
version_added: 0.1.0
description:
  - Shows a message in user sessions of an Azure Virtual Desktop (AVD, once Windows Virtual Desktop) host pool.
  - Takes the parameters of the PowerShell cmdlet C(Send-AzWvdUserSessionMessage), and works on many sessions at once.
  - A message is sent to each session once. An answer that leaves open whether it was sent is reported as V(unclear),
    and nothing is sent again.
  - Sessions are named with O(session_host_name) and O(id), O(input_object) or O(sessions), or are those of the host
    pool that pass O(user), O(exclude_user), O(session_state) and O(minimum_age). Without any of these, only
    O(all_sessions=true) sends to everybody.
  - Requests that Azure Resource Manager limits (200 at once, then 10 a second) are paced, and cost time only.
options:
  message_title:
    description:
      - Title of the message.
      - The cmdlet's parameter C(-MessageTitle).
    type: str
  message_body:
    description:
      - Text of the message. It is shown as it is, line ends included.
      - One of O(message_title) and O(message_body) is required.
      - The cmdlet's parameter C(-MessageBody).
    type: str
  wait_timeout:
    description:
      - Seconds for which lists that fail are read again, before what was not sent by then is given up. Each message
        needs a list that proves whose session it is.
      - Waiting because the service limits the rate of requests does not count, and takes as long as the service asks.
    type: int
    default: 60
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
attributes:
  idempotent:
    support: none
    details: Each run sends the message again.
  diff_mode:
    support: none
    details: No list of sessions shows messages.
seealso:
  - module: remotedesktop.sessions.wvd_session_info
  - module: remotedesktop.sessions.wvd_session_logoff
  - name: Send-AzWvdUserSessionMessage
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/az.desktopvirtualization/send-azwvdusersessionmessage
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Warn everybody who is connected to a session host
  remotedesktop.sessions.wvd_session_message:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    session_host_name: avd-0.contoso.com
    session_state: active
    message_title: Maintenance
    message_body: |
      This host is restarted at 02:00. Save your work and sign out.
      You can connect again at once, to another host.

- name: Find the sessions of a user
  remotedesktop.sessions.wvd_session_info:
    resource_group_name: rg-avd
    host_pool_name: pool-01
    user: alice@contoso.com
  register: alice

- name: Send her a message, wherever she works
  remotedesktop.sessions.wvd_session_message:
    sessions: "{{ alice.sessions }}"
    message_body: The printer works again.
"""

RETURN = r"""
changed:
  description:
    - Whether any message was sent, or would be in check mode. One of which nobody can tell whether it arrived counts.
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
        - V(sent) - Azure accepted the message, or it would be sent in check mode. That does not mean that anybody saw
          it, a disconnected session takes messages, too.
        - V(unclear) - Azure did not answer clearly, so it may have been sent or not. It is not sent again. The task
          fails.
        - V(not_there) - Azure lists no such session (any more).
        - V(replaced) - the id belongs to another user or a newer session, which got no message.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - Azure does not tell its user, so nothing was sent. The task fails.
        - V(failed) - Azure refused, or nothing could be sent. The task fails.
      type: str
      sample: sent
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
  sample: {"not_there": 1, "sent": 17}
pass_thru:
  description: What the cmdlet returns with C(-PassThru). V(true) when no session failed.
  returned: when O(pass_thru=true)
  type: bool
  sample: true
"""
