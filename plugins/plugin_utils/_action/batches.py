# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The batches (`serial`) of a play."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible.utils.helpers import pct_to_int


def earlier_batches(play: Any, hosts: Sequence[str], host: str) -> int:
    """Return how many batches come before that of a host of the play; 0 where nobody can tell.

    `hosts` are all hosts of the play, in the order of the inventory.
    """
    order, sizes = str(play.order or "inventory"), list(play.serial or ())
    if order == "shuffle" or host not in hosts:
        return 0
    ordered = sorted(hosts) if order.endswith("sorted") else list(hosts)
    if order.startswith("reverse"):
        ordered.reverse()
    position, number, end = ordered.index(host), 0, 0
    while sizes:
        said = sizes[min(number, len(sizes) - 1)]
        size = pct_to_int(said, len(ordered))  # type: ignore[no-untyped-call,unused-ignore]
        end += size
        if size <= 0 or end > position:
            break
        number += 1
    return number
