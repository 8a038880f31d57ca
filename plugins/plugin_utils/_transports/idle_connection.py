# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an HTTP connection may rest before it is not trusted any more."""

from __future__ import annotations

MOST_IDLE = 30.0
"""A connection that was not used for so many seconds is made, or signed in to, anew. Windows drops one after two
minutes, and gateways on the way do so without telling anybody. What pypsrp or pywinrm then send encrypted for the old
one is answered with HTTP status 400."""
