#!/usr/bin/python
# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Documentation only: the action plugin of the same name does the work.

DOCUMENTATION = r"""
module: session_window_open
short_description: Open the session hosts of a wave again, and tell what it did
version_added: 0.1.0
description:
  - The second half of a wave of a maintenance window, after M(remotedesktop.sessions.session_window_close) and the
    work.
  - Gives those hosts the states before that this run has closed, and no others. A host that was closed before stays
    closed.
  - On Azure Virtual Desktop a host that was worked on is opened when it is available and its agent has been heard of
    since the work, or when O(ready_timeout) is over. Remote Desktop Services does not tell, so there it is opened at
    once.
  - Shows a summary, and adds the wave to the report of the run if O(report) is given. There it has what
    RV(remotedesktop.sessions.session_window_close#module:wave) has in check mode, and of each host C(worked) (V(done),
    V(failed) or V(no)), C(opened_at), C(left_closed) (why it is closed still, else empty) and C(seen_healthy).
options:
  wave:
    description:
      - RV(remotedesktop.sessions.session_window_close#module:wave). When that task was lost, leave it out. Then all
        that the run has closed is opened.
    type: dict
  ready_timeout:
    description:
      - How long to wait for a host to be able to serve after the work, a duration. It is opened then all the same, and
        counts as failed.
    type: str
    default: 10m
  reopen_failed_hosts:
    description:
      - Whether a host is opened on which the work failed, or that was lost. V(false) leaves it closed, for somebody to
        look at. A host whose work was ended by C(end_host) counts as lost.
    type: bool
    default: true
  stop_at_percentage:
    description:
      - When more than so many percent of the hosts of the wave have failed, are unreachable, could not be opened or
        were not seen to be able to serve, RV(stop) is true, and the role ends the play, so that no other wave is begun.
      - A host counts as failed, too, when it was taken out of the wave by an error, such as one that could not be
        closed. One that is left in peace for its users does not.
    type: int
    default: 25
attributes:
  check_mode:
    support: full
    details: Opens nothing, because nothing was closed.
extends_documentation_fragment:
  - remotedesktop.sessions.window
  - remotedesktop.sessions.window.supports
  - remotedesktop.sessions.attributes
  - remotedesktop.sessions.attributes.controller
seealso:
  - module: remotedesktop.sessions.session_window_close
  - module: remotedesktop.sessions.session_window_reopen
author:
  - remotedesktop.sessions contributors (@remotedesktop)
"""

EXAMPLES = r"""
- name: Open the hosts of this wave again
  remotedesktop.sessions.session_window_open:
    service: rds
    place:
      - broker-1.contoso.com
      - broker-2.contoso.com
    wave: "{{ window.wave | default({}) }}"
    report: /var/lib/maintenance/reports
  run_once: true
"""

RETURN = r"""
changed:
  description: Whether any host was opened.
  returned: always
  type: bool
of_batch:
  description:
    - Whether the wave is a batch of the play, and not one host, as under the strategies C(free) and C(host_pinned).
    - With the keyword C(run_once) Ansible registers a result for all hosts of the play. So a task that is used under
      these strategies must do without it.
  returned: always
  type: bool
  sample: true
left_closed:
  description: Why hosts are closed that should be open, by their names in the inventory.
  returned: unless options are wrong
  type: dict
  sample: {}
stop:
  description: Whether so many hosts have failed that no other wave should be begun.
  returned: unless options are wrong
  type: bool
report:
  description: The report of the run.
  returned: when one was written
  type: str
  sample: /var/lib/maintenance/reports/20261130T010000-4711-0000000004.json
"""
