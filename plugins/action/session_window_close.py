# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close the hosts of a wave of a maintenance window. Options and results: see the module of the same name."""

from __future__ import annotations

from ..plugin_utils._action.window_close import CloseAction


class ActionModule(CloseAction):
    """The action plugin."""
