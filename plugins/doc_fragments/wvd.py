# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Azure Virtual Desktop that say where the sessions are, and which."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(wvd), C(wvd.which) for modules that take rows, C(wvd.asks) for those that ask, C(wvd.hosts)."""

    DOCUMENTATION = r"""
options:
  resource_group_name:
    description:
      - Resource group of the host pool. Azure compares it without case.
    type: str
    aliases: [resource_group]
  host_pool_name:
    description:
      - The host pool. Azure compares it without case.
    type: str
  session_state:
    description:
      - Only sessions in one of these states, in any case. V(Active), V(Disconnected), V(Pending), V(LogOff),
        V(UserProfileDiskMounted) or V(Unknown).
      - Or by the words that all services share, of which V(active) is V(Active), V(disconnected) is V(Disconnected),
        V(ending) is V(LogOff), and V(other) is the rest.
    type: list
    elements: str
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.wvd
notes:
  - Runs on the controller, or in the execution environment, whatever the host of the play is. No connection is made
    to that host. Use C(run_once) or the host V(localhost).
  - The account needs the role C(Desktop Virtualization User Session Operator) on the host pool.
"""

    HOSTS = r"""
options:
  resource_group_name:
    description:
      - Resource group of the host pool. Azure compares it without case.
    type: str
    aliases: [resource_group]
  host_pool_name:
    description:
      - The host pool. Azure compares it without case.
    type: str
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.wvd
notes:
  - Runs on the controller, or in the execution environment, whatever the host of the play is. No connection is made
    to that host. Use C(run_once) or the host V(localhost).
"""

    WHICH = r"""
options:
  resource_group_name:
    description:
      - Required unless each session in O(input_object) or O(sessions) says it. Azure compares it without case.
  host_pool_name:
    description:
      - Required unless each session in O(input_object) or O(sessions) says it. Azure compares it without case.
  session_host_name:
    description:
      - Only sessions on this session host, by the full name under which the host pool lists it. Upper and lower case
        do not matter here, although they do to Azure.
      - Required with O(id).
    type: str
  id:
    description:
      - Ids of sessions on O(session_host_name). Ids that the host does not have are no change.
    type: list
    elements: str
    aliases: [user_session_id]
  input_object:
    description:
      - A session, as the cmdlet takes it from the pipeline. Either its resource id, or a dictionary with the fields
        C(subscription_id), C(resource_group_name), C(host_pool_name), C(session_host_name) and C(user_session_id), or
        with its resource id in C(id).
      - What the fields leave out is taken from the options of the same name, and must not contradict them.
    type: raw
  sessions:
    description:
      - Sessions as RV(remotedesktop.sessions.wvd_session_info#module:sessions) lists them, or any part of that list.
        Rows may be of several host pools.
      - A row with C(user_principal_name) or C(create_time) stands for that very session. If somebody else, or a newer
        session, has the id by now, it is left alone with the outcome V(replaced).
      - Of each row the five fields that the sessions of all services share are enough, with the options that say
        which host pool. A row whose fields contradict each other, or of another service, is an error.
      - An empty list names no session, so nothing is done.
    type: raw
notes:
  - Azure gives long lists in pages, and a session may slip through when others end while the pages are read. A list of
    several pages is therefore read again until two readings in a row show the same sessions, three times at most. If
    even the third reading differs, the task warns that a session may be missing, unless sessions are named, which are
    then asked for one by one.
"""

    ASKS = r"""
options:
  confirm:
    description:
      - Whether to ask on the controller's terminal, once for all sessions, before anything is done. Only V(y)
        and V(yes) go on. Without a terminal the task fails.
      - The cmdlet's parameter C(-Confirm).
    type: bool
    default: false
  pass_thru:
    description:
      - Whether to return RV(pass_thru).
      - The cmdlet's parameter C(-PassThru).
    type: bool
    default: false
"""
