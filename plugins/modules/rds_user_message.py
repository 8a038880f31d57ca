#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_user_message
short_description: Send messages to users of Remote Desktop Services
version_added: 0.1.0
description:
  - Shows a message in user sessions of a Remote Desktop Services (RDS) deployment. It stays until the user closes it.
  - Takes the parameters of the PowerShell cmdlet C(Send-RDUserMessage), and works on many sessions at once.
  - A message is sent to each session once. An error of the cmdlet, or no answer, leaves open whether it was sent. That
    is reported as V(unclear), and nothing is sent again.
  - Sessions are named with O(host_server) and O(unified_session_id), or O(sessions), or are those that pass O(user),
    O(exclude_user), O(session_state), O(minimum_age) and O(minimum_disconnected). Without any of these, only
    O(all_sessions=true) sends to everybody.
  - As the cmdlet does, it asks nothing before it sends.
  - Runs on the connection broker, or on any host with the PowerShell module and the rights, with O(connection_broker).
options:
  unified_session_id:
    description:
      - Ids of sessions on O(host_server), which is required then. Ids that the host does not have are no change.
    type: list
    elements: str
  message_title:
    description:
      - Title of the message.
      - The cmdlet's parameter C(-MessageTitle).
    type: str
    required: true
  message_body:
    description:
      - Text of the message. It is shown as it is, line ends included.
      - The cmdlet's parameter C(-MessageBody).
    type: str
    required: true
  sessions:
    description:
      - Sessions as RV(remotedesktop.sessions.rds_session_info#module:sessions) lists them, or any part of that list.
      - A row with a user or C(create_time) stands for that very session. If somebody else, or a newer session, has the
        id by now, it is left alone with the outcome V(replaced).
      - Of each row the five fields that the sessions of all services share are enough. A row whose fields contradict
        each other, or of another service, is an error.
      - An empty list names no session, so nothing is done.
    type: raw
  wait_timeout:
    description:
      - Seconds that the cmdlet has to answer, but at least 10. A message without an answer by then is V(unclear).
      - Also the seconds for which lists that fail are read again, before what was not sent by then is given up. Each
        message needs a list that proves whose session it is.
    type: int
    default: 60
extends_documentation_fragment:
  - remotedesktop.sessions.rds
  - remotedesktop.sessions.rds.disconnected_for
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.ending
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.ends
  - remotedesktop.sessions.windows.remote
attributes:
  idempotent:
    support: none
    details: Each run sends the message again.
  diff_mode:
    support: none
    details: No list of sessions shows messages.
notes:
  - Sending needs the permission C(Message) of Remote Desktop Services on the session host, as local administrators have
    it.
  - Sending to sessions on another host than that of the task is a double hop (delegated credentials).
seealso:
  - module: remotedesktop.sessions.rds_session_info
  - module: remotedesktop.sessions.rds_user_disconnect
  - module: remotedesktop.sessions.rds_user_logoff
  - name: Send-RDUserMessage
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/remotedesktop/send-rdusermessage
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Send a message to one user
  remotedesktop.sessions.rds_user_message:
    host_server: rdsh-1.contoso.com
    unified_session_id: 2
    message_title: Printer
    message_body: The printer works again.

- name: Warn everybody who is connected to a session host, with delegated credentials (double hop)
  remotedesktop.sessions.rds_user_message:
    host_server: rdsh-1.contoso.com
    session_state: active
    message_title: Maintenance
    message_body: |
      This host is restarted at 02:00. Save your work and sign out.
      You can connect again at once, to another host.
  become: true
  become_method: ansible.builtin.runas
  become_user: CONTOSO\rds-operator
  vars:
    ansible_become_password: "{{ vault_rds_operator_password }}"

- name: Find old sessions
  remotedesktop.sessions.rds_session_info:
    collection_name: Desktops
    minimum_age: 12h
  register: old

- name: Ask those users to sign out, unless their ids belong to other sessions by now
  remotedesktop.sessions.rds_user_message:
    sessions: "{{ old.sessions }}"
    exclude_user: carol
    message_title: Please sign out
    message_body: You have been signed in for more than 12 hours.
"""

RETURN = r"""
changed:
  description:
    - Whether any message was sent, or would be in check mode. One of which nobody can tell whether it arrived counts.
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
        - V(sent) - the cmdlet ended without an error, or it would be sent in check mode. That does not mean that
          anybody saw it, a disconnected session gets messages, too.
        - V(unclear) - the cmdlet ended with an error, of which only the text tells what happened, or did not answer in
          time, or the host was lost. So it may have been sent or not, also to a user who left between the list and the
          act. It is not sent again. The task fails.
        - V(not_there) - there is no such session (any more).
        - V(replaced) - the id belongs to another user or a newer session, which got no message.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - its user cannot be read, or its id is listed twice, so nothing was sent. The task fails.
        - V(failed) - the host refused the call before it began, or nothing could be sent. The task fails.
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
  returned: success, failure of single sessions, or a host that was lost on the way
  type: dict
  sample: {"not_there": 1, "sent": 17}
"""
