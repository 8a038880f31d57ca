#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: wms_session_disconnect
short_description: Disconnect sessions of a MultiPoint server
version_added: 0.1.0
description:
  - Disconnects sessions of a MultiPoint server (Windows MultiPoint Server 2012, Windows Server 2012 R2 or 2016).
    Programs go on running, and users can connect again.
  - Takes the parameters of the PowerShell cmdlet C(Disconnect-WmsSession), works on many sessions at once, and sees
    that each one is disconnected.
  - Sessions are named with O(session_id) or O(sessions), or are those that pass O(user), O(exclude_user) and
    O(session_state). Without any of these, only O(all_sessions=true) disconnects.
options:
  session_id:
    description:
      - Ids of sessions. Ids that the server does not have are no change.
    type: list
    elements: str
  timeout_in_second:
    description:
      - Seconds after which disconnecting a session is given up. O(wait_timeout) is at least as long.
      - The cmdlet's parameter C(-TimeoutInSecond). The module of Windows Server 2016 does not have it, so the deadline
        is kept without it there.
      - Without it disconnecting a session has as long as O(wait_timeout), and at least 10 seconds.
    type: int
  sessions:
    description:
      - Sessions as RV(remotedesktop.sessions.wms_session_info#module:sessions) lists them, or any part of that list.
      - A row with C(user_name) stands for a session of that user. If somebody else has the id by now, it is left alone
        with the outcome V(replaced).
      - Of each row the five fields that the sessions of all services share are enough. A row whose fields contradict
        each other, or of another service, is an error.
      - An empty list names no session, so nothing is done.
    type: raw
  confirm:
    description:
      - Whether to ask on the controller's terminal, once for all sessions, before anybody is disconnected. Only V(y)
        and V(yes) go on. Without a terminal the task fails.
      - The cmdlet's parameter C(-Confirm).
    type: bool
    default: false
extends_documentation_fragment:
  - remotedesktop.sessions.wms
  - remotedesktop.sessions.filters.users
  - remotedesktop.sessions.ending
  - remotedesktop.sessions.windows
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.ends
  - remotedesktop.sessions.windows.remote
seealso:
  - module: remotedesktop.sessions.wms_session_info
  - module: remotedesktop.sessions.wms_session_close
  - name: Disconnect-WmsSession
    description: The cmdlet.
    link: https://learn.microsoft.com/powershell/module/wms/disconnect-wmssession
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Disconnect two sessions
  remotedesktop.sessions.wms_session_disconnect:
    session_id: [2, 3]

- name: Disconnect everybody but the teacher
  remotedesktop.sessions.wms_session_disconnect:
    all_sessions: true
    exclude_user: teacher
    timeout_in_second: 30

- name: List the sessions
  remotedesktop.sessions.wms_session_info:
  register: classroom

- name: Disconnect those that are not at a station
  remotedesktop.sessions.wms_session_disconnect:
    sessions: "{{ classroom.sessions | selectattr('session_state', 'equalto', 'RemoteConnection') }}"
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
    - What became of each session that was meant, sorted by id.
    - Its other fields are those of the session before, as RV(remotedesktop.sessions.wms_session_info#module:sessions)
      lists it, so the rows can be passed on. For a session that is not listed they are what was given.
  returned: success, failure of single sessions, or a host that was lost on the way
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
        - V(disconnected) - it was, or would be in check mode. Also when the cmdlet ended with another error than that
          there is no such session, and the session is disconnected or gone then.
        - V(already_disconnected) - nothing was to be done.
        - V(already_gone) - there is no such session (any more).
        - V(replaced) - the id belongs to another user, who was left alone.
        - V(not_selected) - it was named, but does not pass the filters.
        - V(refused) - its user cannot be read, so it was left alone. The task fails.
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
    before: "CLASSROOM/2 CONTOSO\\alice ConnectedToStation\n"
    after: "CLASSROOM/2 CONTOSO\\alice Disconnected\n"
"""
