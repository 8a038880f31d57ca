#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_user_logoff
short_description: Log users off from Remote Desktop Services
version_added: 0.1.0
description:
  - Logs users off from sessions of a Remote Desktop Services (RDS) deployment. Their programs end, and unsaved work is
    lost.
  - Takes the parameters of the PowerShell cmdlet C(Invoke-RDUserLogoff), or those of C(Invoke-RdsUserSessionLogoff) for
    Windows Virtual Desktop (classic). Works on many sessions at once, and sees that each one is gone.
  - Sessions are named with O(host_server) and O(unified_session_id), O(session_host_name) and O(session_id), or
    O(sessions), or are those that pass O(user), O(exclude_user), O(session_state), O(minimum_age) and
    O(minimum_disconnected). Without any of these, only O(all_sessions=true) logs off.
  - Runs on the connection broker, or on any host with the PowerShell module and the rights, with O(connection_broker).
options:
  unified_session_id:
    description:
      - Ids of sessions on O(host_server), which is required then. Ids that the host does not have are no change.
    type: list
    elements: str
  force:
    description:
      - Whether to log off without a question. Otherwise the question is asked on the controller's terminal, once for
        all sessions, and only V(y) and V(yes) go on. Without a terminal, as in AWX, the task fails then.
      - The cmdlet's parameter C(-Force).
    type: bool
    default: false
  session_id:
    description:
      - Ids of sessions on O(session_host_name), which is required then. Ids that it does not have are no change.
    type: list
    elements: str
  no_user_prompt:
    description:
      - Whether to log off without a question, as O(force) says it for Remote Desktop Services.
      - The cmdlet's parameter C(-NoUserPrompt).
    type: bool
    default: false
  sessions:
    description:
      - Sessions as RV(remotedesktop.sessions.rds_session_info#module:sessions) lists them, or any part of that list.
      - A row with a user or C(create_time) stands for that very session. If somebody else, or a newer session, has the
        id by now, it is left alone with the outcome V(replaced).
      - Of each row the five fields that the sessions of all services share are enough. A row whose fields contradict
        each other, or of another service, is an error.
      - An empty list names no session, so nothing is done.
    type: raw
extends_documentation_fragment:
  - remotedesktop.sessions.wvd_classic
  - remotedesktop.sessions.rds
  - remotedesktop.sessions.rds.disconnected_for
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.ending
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.ends
  - remotedesktop.sessions.windows.remote
notes:
  - The cmdlet waits without end for a session that hangs. O(wait_timeout) is its deadline too. A log-off without an
    answer is not sent again, and such a session is V(still_there).
  - On Windows Virtual Desktop (classic) over a psrp connection users are logged off one after the other, because a
    sign-in holds for one runspace. A session that hangs blocks it, and all that were not seen to end by then are
    V(failed).
  - Logging off on another host than that of the task is a double hop (delegated credentials).
seealso:
  - module: remotedesktop.sessions.rds_session_info
  - module: remotedesktop.sessions.wvd_session_disconnect
  - name: Invoke-RDUserLogoff
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/remotedesktop/invoke-rduserlogoff
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Log one user off
  remotedesktop.sessions.rds_user_logoff:
    host_server: rdsh-1.contoso.com
    unified_session_id: 2
    force: true

- name: Log everybody but two users off from a session host, with delegated credentials (double hop)
  remotedesktop.sessions.rds_user_logoff:
    host_server: "{{ survey_host }}"
    all_sessions: true
    exclude_user:
      - CONTOSO\carol
      - dave
    force: true
  become: true
  become_method: ansible.builtin.runas
  become_user: CONTOSO\rds-operator
  vars:
    ansible_become_password: "{{ vault_rds_operator_password }}"

- name: Find the sessions that have been disconnected
  remotedesktop.sessions.rds_session_info:
    collection_name: Desktops
    session_state: disconnected
  register: disconnected

- name: Log off those of contractors, unless their ids belong to other sessions by now
  remotedesktop.sessions.rds_user_logoff:
    sessions: "{{ disconnected.sessions | selectattr('user_name', 'match', 'ext-') }}"
    force: true
    wait_timeout: 120

- name: Log off from Windows Virtual Desktop (classic)
  remotedesktop.sessions.rds_user_logoff:
    tenant_name: Contoso
    host_pool_name: pool-01
    session_host_name: wvd-0.contoso.com
    session_id: 2
    no_user_prompt: true
    credential:
      username: operator@contoso.com
      password: "{{ vault_operator_password }}"
"""

RETURN = r"""
changed:
  description:
    - Whether any user was logged off, or would be in check mode. An accepted request counts, even if it was not seen to
      take effect.
  returned: always
  type: bool
sessions:
  description:
    - What became of each session that was meant, sorted by session host and id.
    - Its other fields are those of the session before, as RV(remotedesktop.sessions.rds_session_info#module:sessions)
      lists it, so the rows can be passed on. For a session that is not listed they are what was given.
  returned: success, failure of single sessions, or a host that was lost on the way
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(rds) or V(wvd_classic).', type: str, sample: rds}
    host: {description: 'The session host, as the service lists it.', type: str, sample: rdsh-1.contoso.com}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: CONTOSO\alice}
    state: {description: 'V(active), V(disconnected), V(ending) or V(other). May be empty.', type: str, sample: active}
    outcome:
      description:
        - V(logged_off) - it was, or would be in check mode. Also when the cmdlet said that it failed and the session is
          gone then, as only the text of its error tells whether that came before or after the effect. So a user who
          leaves between the list and the act counts as logged off, with the error in RV(sessions[].reason).
        - V(already_gone) - there is no such session (any more).
        - V(replaced) - the id belongs to another user or a newer session, which was left alone.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - its user cannot be read, or its id is listed twice, so it was left alone. The task fails.
        - V(still_there) - the request was accepted and not seen to take effect in time. The task fails.
        - V(failed) - the host refused, or did not answer clearly in time. The task fails.
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
  returned: success, failure of single sessions, or a host that was lost on the way
  type: dict
  sample: {"already_gone": 1, "logged_off": 17}
diff:
  description: The sessions that end, a line each.
  returned: success, failure of single sessions, or a host that was lost on the way
  type: dict
  sample:
    before: "rdsh-1.contoso.com/2 CONTOSO\\alice STATE_ACTIVE\n"
    after: ""
"""
