# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of session hosts that a user passes on to restore their states: checked before anything is connected."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from .._sessions.errors import SelectionError
from .._sessions.session import fold
from .._sessions.session_host import HostName
from .given_hosts import GivenHosts
from .given_rows import GivenRow
from .rds import FORM
from .rds_host_rows import STATE, STATES, name_host

MODULE = "rds_session_host_info"
WORDS = {
    **{word: word for word in STATES},
    **{own.lower(): word for word, own in STATES.items()},
    # YAML reads a bare word so.
    "true": "yes",
    "false": "no",
}


def read_hosts(
    value: object, broker: str | None, collections: Sequence[str] | None
) -> list[tuple[str | None, HostName, object]]:
    """Read the option `hosts`: for each row its broker, the host and the state to restore, `None` to leave it alone.

    `broker` and `collections` are the task's own options, which no row must contradict. Raises SelectionError.
    """
    choices = ", ".join(list(STATES)[:-1]) + f" or {list(STATES)[-1]}"
    locate = partial(_locate, broker, collections)
    rows = GivenHosts(FORM, MODULE, "session_host", STATE, WORDS, choices, locate).read(value)
    brokers = list(dict.fromkeys(fold(where or "") for where, _named, _state in rows))
    if len(brokers) > 1:
        raise SelectionError("hosts has rows of several connection brokers: pass those of one, and the others apart.")
    return rows


def _locate(
    broker: str | None, collections: Sequence[str] | None, row: GivenRow, name: str
) -> tuple[str | None, HostName]:
    said = row.text("connection_broker", broker or "") if broker or row.optional("connection_broker") else None
    collection = row.optional("collection_name") or None
    if collection and collections and fold(collection) not in map(fold, collections):
        raise SelectionError(
            f"{row.label} says collection_name {collection!r}, but the task's option says {', '.join(collections)!r}."
        )
    return said, name_host(said, collection, name)
