# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session hosts of a deployment of Remote Desktop Services that a task is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._sessions.host_setting import Desired
from .host_place import HostPlace, WantedHosts
from .place import Options, Reach, Spec
from .rds import WHERE as ANY_HOST
from .rds import RdsCmdlets, check_broker, check_collections
from .rds_given_hosts import read_hosts
from .rds_host_calls import HostCalls, RunspaceCalls, ScriptCalls
from .rds_host_rows import STATE, STATES, name_host
from .rds_hosts import RdsHosts
from .windows import has_runspace, script_transport

NAMES: Spec = {"session_host_name": {"type": "list", "elements": "str", "aliases": ["session_host"]}}
WHERE: Spec = {name: ANY_HOST[name] for name in ("connection_broker", "collection_name")}
SETS: Spec = {
    **WHERE,
    **NAMES,
    "all_hosts": {"type": "bool", "default": False},
    "hosts": {"type": "raw"},
    STATE: {"type": "str", "choices": list(STATES)},
    "wait_timeout": {"type": "int", "default": 60},
}
"""Options of the module that sets a state."""


@dataclass(frozen=True, slots=True)
class Where:
    """The deployment, by its connection broker, and which of its collections; `None` for the host's own and all."""

    broker: str | None
    collections: Sequence[str] | None


class SessionHosts(HostPlace[RdsHosts]):
    """The hosts of a deployment, or of some of its collections."""

    state_option = STATE
    states = "no drains session hosts, not_until_reboot too until they are restarted, yes opens them again"
    counted = STATE
    verbatim = frozenset({"collection_name"})

    def read(self, options: Options) -> WantedHosts:
        """Read which hosts of which collections are meant."""
        where = _where(options)
        names = options["session_host_name"]
        named = None if names is None else tuple(name_host(where.broker, None, name) for name in names)
        return WantedHosts(where, named)

    def read_rows(self, options: Options) -> WantedHosts:
        """Read which hosts of one deployment are to have which states."""
        where = _where(options)
        rows = read_hosts(options["hosts"], where.broker, where.collections)
        broker = next((said for said, _named, _state in rows), where.broker)
        check_broker(broker)
        desired = Desired(states={named.key: state for _broker, named, state in rows}, restores=True)
        return WantedHosts(Where(broker, where.collections), [named for _broker, named, _state in rows], desired)

    def open(self, wanted: WantedHosts, reach: Reach) -> RdsHosts:
        """Reach the deployment over the live runspace of a psrp connection, else by a script.

        Raises ServiceError and AnsibleConnectionFailure.
        """
        where: Where = wanted.where
        cmdlets = RdsCmdlets(where.broker)
        calls: HostCalls
        if has_runspace(reach):
            from .._transports import runspace

            transport = runspace.RunspaceTransport(reach.connection, reach.clock, lives=reach.lives)
            calls = RunspaceCalls(transport, reach.sleep)
        else:
            calls = ScriptCalls(script_transport(reach), cmdlets, reach.host, reach.sleep)
        only_lists = wanted.desired is None
        return RdsHosts(cmdlets, calls, where.broker, where.collections, only_lists, reach.host, reach.clock)


SESSION_HOSTS = SessionHosts()


def _where(options: Options) -> Where:
    check_collections(options["collection_name"] or ())
    check_broker(options["connection_broker"])
    return Where(options["connection_broker"], options["collection_name"])
