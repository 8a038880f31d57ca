# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of session hosts as users type them: without their domain, too, when that leaves no doubt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from .._sessions.errors import SelectionError, ServiceError
from .._sessions.selection import Choice, NamedSession, Selection
from .._sessions.session import Session, fold
from .._transports.cmdlet import CallResult
from .windows_answers import NO_COMMAND, list_error
from .windows_cmdlets import ServiceCmdlets


@dataclass(frozen=True, slots=True)
class HostSelection(Selection):
    """A selection whose host may be named without its domain."""

    def choose(self, listed: Iterable[Session], now: datetime) -> Choice:
        """Pick the sessions that are meant. Raises SelectionError when the name fits hosts of several domains."""
        sessions = list(listed)
        hosts = {session.host for session in sessions}
        host = self.filters.host
        full = full_name(host, hosts)
        named: list[NamedSession] = []
        for one in self.named or ():
            if one.host != host and (listed_as := full_name(one.host, hosts)) != one.host:
                raise SelectionError(f"The host {one.host} is listed as {listed_as}: give that name.")
            named.append(replace(one, host=full) if one.host == host else one)
        filters = replace(self.filters, host=full)
        return Selection(None if self.named is None else tuple(named), filters).choose(sessions, now)


def full_name(host: str, known: Iterable[str]) -> str:
    """Return the only known host of this name; the name itself when none is. Raises SelectionError when many are."""
    hosts = {fold(name): name for name in known}
    if not host or "." in host or fold(host) in hosts:
        return host
    found = [name for folded, name in hosts.items() if folded.partition(".")[0] == fold(host)]
    if len(found) > 1:
        raise SelectionError(f"The host name {host} fits {', '.join(sorted(found))}: give the full name.")
    return found[0] if found else host


def require_host(
    cmdlets: ServiceCmdlets, answer: CallResult | None, host: str, listed: Iterable[str], server: str
) -> Sequence[str]:
    """Raise ServiceError unless there is such a host; return warnings when that cannot be told.

    `answer` is the list of hosts, `listed` are those of listed sessions, `server` is the host that was asked.
    """
    call = cmdlets.hosts
    names = list(listed)
    hidden = answer is not None and bool(answer.errors) and answer.errors[-1].id in NO_COMMAND
    unknown = call is None or answer is None or hidden
    if call is not None and answer is not None and not hidden:
        if not answer.whole:
            raise list_error(cmdlets, call, answer, server)
        names += [cmdlets.read_host(row) for row in answer.output]
    try:
        full = full_name(host, names)
    except SelectionError as error:
        raise ServiceError(str(error)) from error
    hint = f": {call.command} is not visible to this user" if call is not None else ""
    if unknown and fold(full) != fold(host):
        raise ServiceError(
            f"{server} does not tell whether {full} is the only session host {host}{hint}: give the full name."
        )
    if fold(full) in {fold(name) for name in names}:
        return []
    if not unknown:
        raise ServiceError(f"{server} knows no session host {host}: check its name.")
    return [f"No session is listed on {host}, and {server} does not tell whether there is such a host{hint}."]
