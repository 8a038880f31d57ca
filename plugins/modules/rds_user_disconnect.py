#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_user_disconnect
short_description: Disconnect users from Remote Desktop Services
version_added: 0.1.0
description:
  - Disconnects users from sessions of a Remote Desktop Services (RDS) deployment. Programs go on running, and users can
    connect again.
  - Takes the parameters of the PowerShell cmdlet C(Disconnect-RDUser), works on many sessions at once, and sees that
    each one is disconnected.
  - Sessions are named with O(host_server) and O(unified_session_id), or O(sessions), or are those that pass O(user),
    O(exclude_user), O(session_state) and O(minimum_age). Without any of these, only O(all_sessions=true) disconnects.
  - Runs on the connection broker, or on any host with the PowerShell module and the rights, with O(connection_broker).
options:
  unified_session_id:
    description:
      - Ids of sessions on O(host_server), which is required then. Ids that the host does not have are no change.
    type: list
    elements: str
  force:
    description:
      - Whether to disconnect without a question. Otherwise the question is asked on the controller's terminal, once for
        all sessions, and only V(y) and V(yes) go on. Without a terminal, as in AWX, the task fails then.
      - The cmdlet's parameter C(-Force).
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
  - remotedesktop.sessions.rds
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.ending
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.ends
  - remotedesktop.sessions.windows.remote
notes:
  - The cmdlet waits without end for a session that hangs. O(wait_timeout) is its deadline too. A disconnect without an
    answer is not sent again, and such a session is V(still_there).
  - Disconnecting on another host than that of the task is a double hop (delegated credentials).
seealso:
  - module: remotedesktop.sessions.rds_session_info
  - module: remotedesktop.sessions.rds_user_logoff
  - module: remotedesktop.sessions.rds_user_message
  - name: Disconnect-RDUser
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/remotedesktop/disconnect-rduser
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Disconnect one user
  remotedesktop.sessions.rds_user_disconnect:
    host_server: rdsh-1.contoso.com
    unified_session_id: 2
    force: true

- name: Disconnect everybody but two users from a session host, with delegated credentials (double hop)
  remotedesktop.sessions.rds_user_disconnect:
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

- name: Find the sessions that are active
  remotedesktop.sessions.rds_session_info:
    collection_name: Desktops
    session_state: active
  register: active

- name: Disconnect those of contractors, unless their ids belong to other sessions by now
  remotedesktop.sessions.rds_user_disconnect:
    sessions: "{{ active.sessions | selectattr('owner', 'search', 'ext-') }}"
    force: true
"""

RETURN = r"""
changed:
  description:
    - Whether any user was disconnected, or would be in check mode. An accepted request counts, even if it was not seen
      to take effect.
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
    service: {description: 'The service, V(rds).', type: str, sample: rds}
    host: {description: 'The session host, as the service lists it.', type: str, sample: rdsh-1.contoso.com}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: CONTOSO\alice}
    state: {description: 'V(active), V(disconnected), V(ending) or V(other). May be empty.', type: str, sample: active}
    outcome:
      description:
        - V(disconnected) - it was, or would be in check mode. Also when the cmdlet said that it failed and the session
          is disconnected or gone then, as only the text of its error tells whether that came before or after the
          effect. So a user who leaves between the list and the act counts as disconnected, with the error in
          RV(sessions[].reason).
        - V(already_disconnected) - nothing was to be done.
        - V(already_gone) - there is no such session (any more).
        - V(replaced) - the id belongs to another user or a newer session, which was left alone.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - its user cannot be read, or its id is listed twice, so it was left alone. The task fails.
        - V(still_there) - the request was accepted and not seen to take effect in time. The task fails.
        - V(failed) - the host refused, or did not answer clearly in time. The task fails.
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
  returned: success, failure of single sessions, or a host that was lost on the way
  type: dict
  sample: {"already_disconnected": 1, "disconnected": 17}
diff:
  description: The sessions that change, a line each, before and after.
  returned: success, failure of single sessions, or a host that was lost on the way
  type: dict
  sample:
    before: "rdsh-1.contoso.com/2 CONTOSO\\alice STATE_ACTIVE\n"
    after: "rdsh-1.contoso.com/2 CONTOSO\\alice STATE_DISCONNECTED\n"
"""
