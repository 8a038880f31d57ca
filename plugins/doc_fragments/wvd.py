# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the modules for Azure Virtual Desktop that say where the sessions are."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragment C(wvd)."""

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
attributes:
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
      - remotedesktop.sessions.wvd
"""
