# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the session hosts of a task are, and how their service is reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from .._sessions.errors import SelectionError
from .._sessions.host_setting import Desired, HostSetter
from .._sessions.session_host import HostName
from .place import Options, Reach

Service = TypeVar("Service", bound=HostSetter)


@dataclass(frozen=True, slots=True)
class WantedHosts:
    """What a task is about."""

    where: Any
    """What `open` needs; of no interest to others."""
    names: Sequence[HostName] | None
    """The hosts that are meant, `None` for all."""
    desired: Desired | None = None
    """The state that they are to have; `None` only lists them."""


class HostPlace(ABC, Generic[Service]):
    """A way to say where session hosts are. Holds nothing that changes."""

    may_be_empty: frozenset[str] = frozenset()
    """Options that count as not given when they are empty."""
    verbatim: frozenset[str] = frozenset()
    """Lists of names in which a line end may be part of a name."""
    state_option: str
    """Option, and field of rows, that is the state of a host."""
    states: str
    """What its values do, for the sentence that says that it is missing."""
    counted: str
    """Field of rows whose values the summary of a list counts."""
    needs_connection: bool = True
    """Whether the service is reached over the connection of the host."""

    @abstractmethod
    def read(self, options: Options) -> WantedHosts:
        """Read which hosts are meant. Raises SelectionError."""

    def read_desired(self, options: Options) -> WantedHosts:
        """Read which hosts are to have which state. Raises SelectionError."""
        ways = [name for name in ("session_host_name", "hosts") if options[name] is not None]
        ways += ["all_hosts"] * bool(options["all_hosts"])
        state = options[self.state_option]
        if len(ways) > 1:
            raise SelectionError(f"{' and '.join(ways)} both name session hosts: give only one of them.")
        if not ways:
            raise SelectionError(
                "Nothing says which session hosts are meant. Name them with session_host_name, pass rows in hosts, or "
                "set all_hosts to true."
            )
        if options["hosts"] is not None:
            if state is not None:
                raise SelectionError(f"{self.state_option} contradicts hosts, whose rows say it: leave it out.")
            return self.read_rows(options)
        if state is None:
            raise SelectionError(f"{self.state_option} is missing: {self.states}.")
        return replace(self.read(options), desired=Desired(state))

    @abstractmethod
    def read_rows(self, options: Options) -> WantedHosts:
        """Read which hosts are to have the states that rows say. Raises SelectionError."""

    @abstractmethod
    def open(self, wanted: WantedHosts, reach: Reach) -> Service:
        """Reach the service. Raises ServiceError."""
