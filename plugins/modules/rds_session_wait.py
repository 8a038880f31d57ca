#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: rds_session_wait
short_description: Wait until sessions of Remote Desktop Services have ended
version_added: 0.1.0
description:
  - Waits until user sessions of a Remote Desktop Services (RDS) deployment have ended by themselves, or a deadline
    comes, and sends messages to their users on the way, as the PowerShell cmdlet C(Send-RDUserMessage) does.
  - Goes on at once when nobody is left.
  - Sessions are named with O(host_server) and O(unified_session_id), or O(sessions), or are those that pass
    O(host_server), O(user), O(exclude_user), O(session_state), O(minimum_age) and O(minimum_disconnected). At least one
    of O(unified_session_id), O(sessions), the filters other than the host, or O(all_sessions=true) is needed.
  - Runs on the connection broker, or on any host with the PowerShell module and the rights, with O(connection_broker).
options:
  unified_session_id:
    description:
      - Ids of sessions on O(host_server), which is required then.
    type: list
    elements: str
  sessions:
    description:
      - Sessions as RV(remotedesktop.sessions.rds_session_info#module:sessions) lists them, or any part of that list.
      - A row with a user or C(create_time) stands for that very session. When somebody else, or a newer session, has
        the id, it has ended.
      - An empty list names no session, so there is nothing to wait for.
    type: raw
extends_documentation_fragment:
  - remotedesktop.sessions.rds
  - remotedesktop.sessions.rds.disconnected_for
  - remotedesktop.sessions.filters
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.waiting
  - remotedesktop.sessions.waiting.messages
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.windows.remote
notes:
  - Sending needs the permission C(Message) of Remote Desktop Services on the session host, as local administrators have
    it.
  - Sending to sessions on another host than that of the task is a double hop (delegated credentials).
seealso:
  - module: remotedesktop.sessions.rds_session_info
  - module: remotedesktop.sessions.rds_user_message
  - module: remotedesktop.sessions.rds_user_logoff
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Give everybody on a session host half an hour to sign out
  remotedesktop.sessions.rds_session_wait:
    host_server: rdsh-1.contoso.com
    all_sessions: true
    deadline: 30m
    messages:
      - before: 30m
        title: Maintenance
        body: This host is restarted in {minutes} minutes. Save your work and sign out.
      - before: 5m
        title: Maintenance
        body: You are logged off in {minutes} minutes.
  register: waited

- name: Log off who was warned and is still there
  remotedesktop.sessions.rds_user_logoff:
    sessions: "{{ waited.sessions | selectattr('outcome', 'eq', 'still_there') | selectattr('warned_at') }}"
    force: true
"""

RETURN = r"""
changed:
  description: Whether any message was sent, may have been sent, or would be sent in check mode.
  returned: always
  type: bool
sessions:
  description:
    - Every session that was meant at any time, sorted by session host and id.
    - Its other fields are those of the session when it was last seen, as
      RV(remotedesktop.sessions.rds_session_info#module:sessions) lists it. For a named session that
      was not there they are what was given.
  returned: success, or a wait that was broken off
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
        - V(ended) - it is not there (any more).
        - V(still_there) - it is there, at the deadline, or when the task was broken off.
        - V(not_selected) - it is there, but does not pass the filters (any more).
      type: str
      sample: ended
    reason: {description: 'Why, unless the outcome says it all. May be empty.', type: str, sample: ""}
    ended_at:
      description:
        - When the first list without it was begun, in UTC. It ended after the list before that was begun, and before
          this one had been read. V(null) when it is there, or was not there from the start.
      type: str
      sample: "2026-11-30T00:52:15.020Z"
    warned_at:
      description:
        - When the first of its messages was sent of which it is known that it was, in UTC. V(null) when there is none,
          and in check mode. Then logging off would be without notice.
      type: str
      sample: "2026-11-30T00:45:00.214Z"
    messages:
      description: What the session was told.
      type: list
      elements: dict
      contains:
        before: {description: 'The message, as O(messages[].before) has it.', type: str, sample: 15m}
        minutes: {description: Minutes that were left when it was sent., type: int, sample: 15}
        title: {description: Its title as it was sent., type: str, sample: Maintenance}
        body: {description: Its text as it was sent., type: str, sample: This host is restarted in 15 minutes.}
        sent_at:
          description: When it was sent, in UTC, or would be sent in check mode. V(null) when it was not.
          type: str
          sample: "2026-11-30T00:45:00.214Z"
        outcome:
          description:
            - V(sent) - it was sent. That does not mean that anybody saw it.
            - V(unclear) - nobody can tell whether it was sent. It is not sent again.
            - V(failed) - it was not sent.
            - V(planned) - it would be sent, in check mode.
          type: str
          sample: sent
        reason: {description: 'Why, unless the outcome says it all. May be empty.', type: str, sample: ""}
        proof_age:
          description:
            - Seconds from when the list was begun that proved the session until the message was sent, else V(0.0). Who
              took over its id within that time could not be seen.
          type: float
          sample: 0.087
remaining:
  description:
    - The sessions that are still there, as
      RV(remotedesktop.sessions.rds_session_info#module:sessions) lists them, so
      they can be passed on.
  returned: success, or a wait that was broken off
  type: list
  elements: dict
all_ended:
  description: Whether nobody is left.
  returned: success, or a wait that was broken off
  type: bool
  sample: true
deadline:
  description: The deadline, in UTC.
  returned: success, or a wait that was broken off
  type: str
  sample: "2026-11-30T01:00:00.000Z"
seconds:
  description: How many seconds the task waited.
  returned: success, or a wait that was broken off
  type: float
  sample: 1342.508
summary:
  description: How many sessions had each outcome.
  returned: success, or a wait that was broken off
  type: dict
  sample: {"ended": 38, "still_there": 2}
"""
