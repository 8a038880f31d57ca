# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many runs are played, from which seed, and what became of the mutants."""

from __future__ import annotations

import os
import secrets

RUNS = int(os.environ.get("CAMPAIGN_RUNS") or 3000)
SEED = int(os.environ.get("CAMPAIGN_SEED") or secrets.randbelow(2**32))
MOST_FOR_A_MUTANT = 20_000
"""Runs after which a mutant that was not caught has escaped."""

caught: list[tuple[str, int, str]] = []
"""The rule that each mutant breaks, after how many runs that was seen, and what the judge said."""
