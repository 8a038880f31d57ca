# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that select sessions by what they are."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(filters.users), and C(filters) of services that tell when a session was created."""

    USERS = r"""
options:
  user:
    description:
      - Only sessions of these users.
      - A full name (C(user@domain) or C(DOMAIN\user)) must be as the service lists it, without regard to case. A bare
        name is that account in whatever domain, and an error when it fits the accounts of several.
      - Wildcards are refused. Names may also stand on lines of their own, as a survey's text area gives them.
    type: list
    elements: str
    aliases: [users]
  exclude_user:
    description:
      - Not the sessions of these users, whatever else is given.
      - Where the service lists no name of the form that is given, the account part decides, in whatever domain.
    type: list
    elements: str
    aliases: [exclude_users]
"""

    DOCUMENTATION = r"""
options:
  session_state:
    description:
      - Only sessions in one of these states.
    type: list
    elements: str
  minimum_age:
    description:
      - Only sessions that were created at least this long ago, by the controller's clock. Sessions whose creation the
        service does not tell are left out.
      - A number with the unit V(s), V(m), V(h), V(d) or V(w), such as V(90m). Without a unit it is seconds.
    type: str
"""
