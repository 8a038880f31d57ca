# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for MultiPoint Services."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment C(wms)."""

    DOCUMENTATION = r"""
options:
  server:
    description:
      - The MultiPoint server, by its full name, when it is not the host of the task.
      - Works only with the module of Windows Server 2016. That of Windows MultiPoint Server 2012 and Windows Server
        2012 R2 knows only its own host.
      - The cmdlet's parameter C(-Server).
    type: str
    aliases: [computer_name]
  session_state:
    description:
      - Only sessions in one of these states, such as V(ConnectedToStation), V(RemoteConnection) or V(Disconnected).
        Upper and lower case do not matter. Microsoft documents no list of them, so any word is taken, and one that no
        session has selects nothing.
      - Or by the words that all services share, of which V(active) is V(ConnectedToStation) and V(RemoteConnection),
        V(disconnected) is V(Disconnected), V(ending) does not occur, and V(other) is the rest.
    type: list
    elements: str
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.windows
      - remotedesktop.sessions.wms
notes:
  - Which of the two generations of the module the host has is found out from its cmdlets.
  - MultiPoint does not tell when a session was created. Two sessions of one user, one after the other with the same
    id, cannot be told apart.
"""
