#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wms_session_wait
short_description: Wait until sessions of a MultiPoint server have ended
version_added: 0.1.0
description:
  - Waits until sessions of a MultiPoint server (Windows MultiPoint Server 2012, Windows Server 2012 R2 or 2016) have
    ended by themselves, or a deadline comes. MultiPoint has no cmdlet for messages.
  - Goes on at once when nobody is left.
  - Sessions are named with O(session_id) or O(sessions), or are those that pass O(user), O(exclude_user) and
    O(session_state). Without any of these, O(all_sessions=true) is needed.
options:
  session_id:
    description:
      - Ids of sessions.
    type: list
    elements: str
  sessions:
    description:
      - Sessions as RV(remotedesktop.sessions.wms_session_info#module:sessions) lists them, or any part of that list.
      - A row with C(user_name) stands for a session of that user. When somebody else has the id, it has ended.
      - An empty list names no session, so there is nothing to wait for.
    type: raw
extends_documentation_fragment:
  - remotedesktop.sessions.wms
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.waiting
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.windows.remote
seealso:
  - module: remotedesktop.sessions.wms_session_info
  - module: remotedesktop.sessions.wms_session_close
  - module: remotedesktop.sessions.wms_session_disconnect
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Wait until the lesson is over and everybody but the teacher has signed out
  remotedesktop.sessions.wms_session_wait:
    all_sessions: true
    exclude_user: teacher
    deadline: 45m
  register: lesson

- name: Close what is left
  remotedesktop.sessions.wms_session_close:
    sessions: "{{ lesson.remaining }}"
"""

RETURN = r"""
changed:
  description: Always V(false).
  returned: always
  type: bool
sessions:
  description:
    - Every session that was meant at any time, sorted by session host and id.
    - Its other fields are those of the session when it was last seen, as
      RV(remotedesktop.sessions.wms_session_info#module:sessions) lists it. For a named session that
      was not there they are what was given.
  returned: success, or a wait that was broken off
  type: list
  elements: dict
  contains:
    service: {description: 'The service, V(wms).', type: str, sample: wms}
    host: {description: 'The session host, as the service lists it.', type: str, sample: CLASSROOM}
    session: {description: Id of the session on that host., type: str, sample: "2"}
    owner: {description: The owner as the service names it. May be empty., type: str, sample: CONTOSO\student1}
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
    warned_at: {description: 'V(null), as this service has no messages.', type: str, sample: null}
    messages: {description: 'Empty, as this service has no messages.', type: list, elements: dict, sample: []}
remaining:
  description:
    - The sessions that are still there, as
      RV(remotedesktop.sessions.wms_session_info#module:sessions) lists them, so
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
