# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules of the role session_window share."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(window) and C(window.supports)."""

    DOCUMENTATION = r"""
options:
  service:
    description:
      - V(wvd) for Azure Virtual Desktop, V(rds) for Remote Desktop Services.
    type: str
    required: true
    choices: [wvd, rds]
  place:
    description:
      - For V(wvd) a mapping with C(resource_group_name) and C(host_pool_name), and C(subscription_id) where that is not
        the one of the sign-in. A host can have a place of its own in the inventory variable C(session_window_place).
        Else, when this is left out, its C(wvd_place) counts, which the inventory plugin wvd_session_hosts sets.
      - For V(rds) the connection brokers, as the inventory has them, in a list or in one text with commas. They are
        reached over connections of their own, with their inventory variables; variables of the play do not count for
        them. Each is tried until one answers.
    type: raw
  hosts:
    description:
      - The hosts of the wave, by their names in the inventory.
      - When it is left out, they are those of the batch of the play that have not failed; with the strategies free and
        host_pinned it is the host of the task alone.
    type: list
    elements: str
  connection_broker:
    description:
      - For V(rds) the full name of the broker that the cmdlets ask, when that is not the host that they run on. Their
        parameter C(-ConnectionBroker).
    type: str
  collection_name:
    description:
      - For V(rds) the collections that the hosts are in. All are listed when it is left out, which takes longer. The
        parameter C(-CollectionName) of the cmdlets.
    type: list
    elements: str
  azure:
    description:
      - For V(wvd) the options of the sign-in to Azure, as M(remotedesktop.sessions.wvd_session_host) takes them, for
        example C(client_id), C(tenant) and C(secret). What is left out comes from the environment.
    type: dict
  journal:
    description:
      - Folder on the controller for the journals of runs, for you alone. Each host is in it with its state before, on
        the disk, before it is closed.
      - By default C(remotedesktop.sessions) in the folder for state of the user (C(XDG_STATE_HOME), else
        C(~/.local/state)).
    type: str
  report:
    description:
      - Folder on the controller in which each run leaves what it did, as one JSON file. None is written when it is left
        out.
    type: str
"""

    SUPPORTS = r"""
attributes:
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: A host that is closed is not closed again, but users who are still on get the messages of each run.
  async:
    details: The guard belongs to the run of ansible-playbook.
  action_group:
    support: full
    membership:
      - remotedesktop.sessions.all
"""
