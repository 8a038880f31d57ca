# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of Remote Desktop Services as rows: what the cmdlet lists, in the words of Ansible."""

from __future__ import annotations

from collections.abc import Mapping

from .._sessions.errors import ServiceError
from .._sessions.session_host import HostName, SessionHost
from .._transports.cmdlet import Row
from .rds import CONNECTIONS, FORM

STATE = "new_connection_allowed"
STATES: Mapping[str, str] = {"yes": "Yes", "no": "No", "not_until_reboot": "NotUntilReboot"}
"""The cmdlet's word for each of the option's."""
WORDS = {own.lower(): word for word, own in STATES.items()}
PLACE = ""
"""A task is about one deployment."""


def host_row(broker: str | None, collection: str | None, name: str, state: str | None) -> dict[str, object]:
    """Make the row of a host; `broker` is what the task says, and `None` is what is not known."""
    return {
        "service": FORM.service,
        "host": name,
        "connection_broker": broker,
        "collection_name": collection,
        "session_host": name,
        STATE: state,
    }


def name_host(broker: str | None, collection: str | None, name: str) -> HostName:
    """Name a host, with the row that is shown when nothing else is known of it."""
    return HostName(PLACE, name, host_row(broker, collection, name, None))


def read_host(broker: str | None, collection: str, row: Row) -> SessionHost:
    """Read a listed session host. Raises ServiceError when the row does not say which it is, or its state."""
    name, said = row.get("SessionHost"), row.get("NewConnectionAllowed")
    if isinstance(said, int) and 0 <= said < len(CONNECTIONS):
        said = CONNECTIONS[said]
    state = WORDS.get(str(said).lower())
    if not name or state is None:
        whose = f"session host {name}" if name else "session host without a name"
        raise ServiceError(f"{collection} lists a {whose}, whose NewConnectionAllowed is {said!r}.", lasting=False)
    named = str(row.get("CollectionName") or collection)
    return SessionHost(PLACE, str(name), state, host_row(broker, named, str(name), state))
