# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What outlives the run of a maintenance window: its journal, and the guard that opens again what the run has closed.

Private to this collection: it may change in any release.
"""
