#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: session_window_reopen
short_description: Open session hosts that a maintenance window has left closed
version_added: 0.1.0
description:
  - Gives session hosts the states before that journals of maintenance windows name, when a run and its guard have died
    together, as in a container, or when the guard could not open them. The playbook
    C(remotedesktop.sessions.reopen_hosts) calls it.
  - Or gives them the states that the playbook C(remotedesktop.sessions.session_report) has saved.
  - A host that cannot be set keeps no other from being set, and the task fails in the end.
options:
  journal:
    description:
      - A journal, or the folder of the journals of which each is undone that has left hosts closed. By default the
        folder that M(remotedesktop.sessions.session_window_close) takes by default.
      - One whose run or guard is at work on this machine is refused.
      - Runs in other containers or on other machines are seen by the lock that their guard holds beside the journal. On
        a file system that keeps no locks for all who mount it, and without a guard, they cannot be seen, so their hosts
        are opened even while they are at work. There give each a folder of its own, and name that one here.
    type: str
  saved:
    description:
      - A file that the playbook session_report has saved. Its hosts get just the states that it names; those that were
        closed are closed.
      - Refused as a whole while a window of this machine is at work on one of them.
    type: str
  place:
    description:
      - For Remote Desktop Services the connection brokers, as the inventory has them, where these are not those that
        the journal or the file names.
    type: raw
  connection_broker:
    description:
      - For Remote Desktop Services the cmdlets' parameter C(-ConnectionBroker).
    type: str
  azure:
    description:
      - Options of the sign-in to Azure, as M(remotedesktop.sessions.wvd_session_host) takes them.
    type: dict
  wait_timeout:
    description:
      - Seconds in which a host must be seen to have its state.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    details: Reads the hosts and sets nothing.
extends_documentation_fragment:
  - remotedesktop.sessions.window.supports
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.session_window_close
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Open all that windows of this controller have left closed
  remotedesktop.sessions.session_window_reopen:

- name: Undo one window, from its journal on a folder that outlives the container
  remotedesktop.sessions.session_window_reopen:
    journal: /mnt/journals/20261130T010000-4711-0000000004.jsonl
"""

RETURN = r"""
changed:
  description: Whether any host was set, or would be in check mode.
  returned: always
  type: bool
hosts:
  description: What became of each host, as M(remotedesktop.sessions.wvd_session_host) returns it.
  returned: unless options are wrong
  type: list
  elements: dict
  sample: []
summary:
  description: How many hosts had each outcome.
  returned: unless options are wrong
  type: dict
  sample: {"set": 17}
"""
