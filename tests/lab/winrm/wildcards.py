# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerShell's wildcards, in any case of letters."""

from __future__ import annotations

import fnmatch


def has_wildcards(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def matches(text: str, pattern: str) -> bool:
    if not has_wildcards(pattern):
        return text.lower() == pattern.lower()  # a pattern may be very long, and compiling it is slow
    return fnmatch.fnmatchcase(text.lower(), pattern.lower())
