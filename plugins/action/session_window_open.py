# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the hosts of a wave of a maintenance window again. Options and results: see the module of the same name."""

from __future__ import annotations

from ..plugin_utils._action.window_open import OpenAction


class ActionModule(OpenAction):
    """The action plugin."""
