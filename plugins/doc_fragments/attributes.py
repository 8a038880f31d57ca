# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes of all modules."""

from __future__ import annotations


class ModuleDocFragment:
    """The fragments C(attributes), C(attributes.ends), C(attributes.info) and C(attributes.controller)."""

    DOCUMENTATION = r"""
attributes:
  check_mode:
    description: Can run in check_mode and return the changes that it would make without making them.
  diff_mode:
    description: Returns the sessions that change, before and after, when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, the second run does nothing and reports no change.
    support: full
  async:
    description: Supports the C(async) keyword.
    support: none
    details: The module itself works on many sessions at a time and shows progress.
  action_group:
    description: Use C(group/remotedesktop.sessions.NAME) in C(module_defaults) to set defaults for the group.
"""

    ENDS = r"""
attributes:
  check_mode:
    support: full
    details: The same code runs up to the first act. As with C(-WhatIf) nothing is asked and nothing is done.
  diff_mode:
    support: full
"""

    INFO = r"""
attributes:
  check_mode:
    support: full
    details: Changes nothing anyway.
  diff_mode:
    support: N/A
    details: Changes nothing.
"""

    CONTROLLER = r"""
attributes:
  action:
    description: Runs as an action plugin on the controller.
    support: full
  connection:
    description: Uses the connection of the host.
    support: none
  platform:
    description: Where it runs.
    support: full
    platforms: posix
"""
