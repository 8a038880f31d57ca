# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Remote Desktop Services."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(rds), C(rds.disconnected_for) of all modules but the one that disconnects, and C(rds.hosts)."""

    HOSTS = r"""
options:
  connection_broker:
    description:
      - The connection broker of the deployment, by its full name with the domain. With several brokers it must be the
        active one.
      - Defaults to the host of the task.
    type: str
  collection_name:
    description:
      - Only session hosts of these session collections. Wildcards are refused.
      - Without it all collections of the deployment are read.
    type: list
    elements: str
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.rds
      - remotedesktop.sessions.windows
notes:
  - The cmdlets make a double hop (delegated credentials) even to the broker itself. Without such credentials they say
    that there is no deployment. Use C(become) with C(become_method) V(runas) and a password, or CredSSP. The user must
    be a local administrator of the broker.
  - Session hosts in no collection are not listed by the cmdlet, and cannot be set.
"""

    DISCONNECTED_FOR = r"""
options:
  minimum_disconnected:
    description:
      - Only sessions of Remote Desktop Services that have been disconnected for at least this long, by the controller's
        clock. Others, and those of which the service does not tell since when, are left out, and so is a user who has
        connected again when the turn comes.
      - A number with the unit V(s), V(m), V(h), V(d) or V(w), such as V(90m). Without a unit it is seconds.
    type: str
"""

    DOCUMENTATION = r"""
options:
  host_server:
    description:
      - Only sessions on this session host, or virtualization host, of Remote Desktop Services.
      - The name without its domain is enough when only one server of the deployment has it. Upper and lower case do
        not matter.
    type: str
  connection_broker:
    description:
      - The connection broker that lists the sessions, by its full name with the domain. With several brokers it must be
        the active one.
      - Defaults to the host of the task.
    type: str
  collection_name:
    description:
      - Only sessions of these session collections. Wildcards are refused.
    type: list
    elements: str
  session_state:
    description:
      - Only sessions in one of these states, in any case. V(STATE_ACTIVE), V(STATE_CONNECTED), V(STATE_CONNECTQUERY),
        V(STATE_SHADOW), V(STATE_DISCONNECTED), V(STATE_IDLE), V(STATE_LISTEN), V(STATE_RESET), V(STATE_DOWN) or
        V(STATE_INIT).
      - Or by the words that all services share, of which V(active) is V(STATE_ACTIVE) and V(STATE_SHADOW),
        V(disconnected) is V(STATE_DISCONNECTED), V(ending) is V(STATE_RESET), and V(other) is the rest.
      - C(STATE_) may be left out, where that does not make it one of those words.
    type: list
    elements: str
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.rds
      - remotedesktop.sessions.windows
notes:
  - C(Get-RDUserSession) makes a double hop (delegated credentials) even to the broker itself. Without such credentials
    it says that there is no deployment. Use C(become) with C(become_method) V(runas) and a password, or CredSSP. The
    user must be a local administrator of the broker.
  - Sessions outside all collections, such as those of administrators, are not listed by the cmdlet.
"""
