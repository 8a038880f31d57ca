# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote Desktop Services: the session hosts of a deployment, read by collection and set one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .._sessions.errors import ServiceError
from .._sessions.host_setting import HostReplied
from .._sessions.service import Notes, Reply
from .._sessions.session import fold
from .._sessions.session_host import READ_SECONDS, HostName, HostRead, SessionHost
from .._transports.cmdlet import Call, CallResult, Row, State
from .host_names import full_name
from .rds import RdsCmdlets
from .rds_host_calls import Answer, HostCalls, Unanswered, reason
from .rds_host_rows import STATES, name_host, read_host
from .windows_answers import ERROR_SECONDS, explain, line, list_error
from .windows_cmdlets import SHORTEST_ACT


@dataclass(slots=True)
class _Reading:
    """One look at some collections, for all hosts that were to be read when it began."""

    named: Sequence[HostName]
    everywhere: bool
    """Whether a host that it does not show is in none of the collections that the task is about."""
    lists: dict[int, tuple[Call, str]] = field(default_factory=dict)
    """By token; the collection, empty for the list of collections."""
    hosts: dict[str, SessionHost] = field(default_factory=dict)
    unread: dict[str, HostRead] = field(default_factory=dict)
    """Hosts that are listed without their state."""
    errors: list[ServiceError] = field(default_factory=list)
    """Why there may be hosts that are not listed, as one is that is off and was drained until it is restarted."""
    servers: Sequence[str] | None = None
    """All servers of the deployment, which are asked for when names lack the domain and lists lack hosts."""
    asks_servers: bool = False
    """Whether they have been asked for."""
    unknown: ServiceError | None = None
    """Why it is not known whether there is such a collection at all, or which there are."""

    def found(self, named: HostName) -> HostRead:
        """Find a host by its name, in which the domain may lack. Raises SelectionError when that fits several.

        Without the domain it is one of the collection that its row says, if any; with it, the host may have moved.
        """
        short, said = "." not in named.name, fold(str(named.fields.get("collection_name") or ""))
        listed: dict[str, Mapping[str, object]] = {one.name: one.fields for one in self.hosts.values()}
        listed |= {one.named.name: one.named.fields for one in self.unread.values()}
        if short and said:
            listed = {name: row for name, row in listed.items() if fold(str(row["collection_name"])) == said}
        others = self.servers if short and not said and self.servers is not None else ()
        full = full_name(named.name, (*listed, *others))
        if fold(full) in map(fold, listed):
            unread = self.unread.get(fold(full))
            return HostRead(named, self.hosts.get(fold(full)), unread.error if unread is not None else None)
        known = fold(full) in map(fold, others)
        return HostRead(named, None, self._lacks(full) if known or not others else None)

    def _lacks(self, name: str) -> ServiceError | None:
        """Say why it is not known whether there is a host that is not listed."""
        if not self.errors or not self.hosts:
            return self.errors[0] if self.errors else None
        said = f"{name} is not on the list of session hosts, which is not whole. {self.errors[0]}"
        return ServiceError(said, lasting=self.errors[0].lasting)

    def must_ask_servers(self) -> bool:
        """Tell whether a name without the domain might be that of a host that is not listed."""
        if self.asks_servers or not self.errors or not self.hosts:
            return False
        return any("." not in one.name and not one.fields.get("collection_name") for one in self.named)


class RdsHosts:
    """The session hosts of a deployment, or of some of its collections."""

    reads_each = False
    unread: Sequence[HostRead] = ()

    def __init__(
        self,
        cmdlets: RdsCmdlets,
        calls: HostCalls,
        broker: str | None,
        collections: Sequence[str] | None,
        only_lists: bool,
        host: str,
        clock: Callable[[], float],
    ) -> None:
        """`broker` is what rows show; `host` is the Windows host, for errors; `clock` counts seconds.

        With `only_lists` a list that lacks some hosts is better than none, and the task warns. Else the task fails, but
        not before those that are listed are set.
        """
        names = ", ".join(collections or ())
        self.title = f"the collection {names}" if collections else "any collection of the deployment"
        self._cmdlets = cmdlets
        self._calls = calls
        self._broker = broker
        self._collections = collections
        self._only_lists = only_lists
        self._host = host
        self._clock = clock
        self._wanted: dict[tuple[str, str], HostName] = {}
        self._reading: _Reading | None = None
        self._collection_of: dict[str, str] = {}
        self._settings: dict[int, tuple[HostName, Call]] = {}
        self._has_set = False
        self._failing_since: dict[tuple[str, str], float] = {}
        self._warnings: list[str] = []
        self._unlisted = ""
        self._has_failed = False
        """Whether any setting was not simply done."""

    # Reading

    def list_hosts(self) -> list[SessionHost]:
        """Read all hosts, sorted by collection and name. Raises ServiceError and AnsibleConnectionFailure."""
        reading = self._begin_reading((), self._collections)
        while reading.lists:
            self._receive(READ_SECONDS)
        self._reading = None
        errors = [*reading.errors, *(one.error for one in reading.unread.values() if one.error is not None)]
        if errors and not reading.hosts:
            raise errors[0]
        if self._only_lists:
            self._warnings += [f"The list may lack session hosts. {error}" for error in errors]
            self._unlisted = " ".join(self._warnings)
        elif reading.unknown is not None:
            raise reading.unknown
        elif reading.errors:
            self._unlisted = f"Session hosts may be missing, which were not set. {reading.errors[0]}"
        self.unread = list(reading.unread.values())
        return sorted(
            reading.hosts.values(), key=lambda host: (fold(str(host.fields["collection_name"])), fold(host.name))
        )

    def begin_read(self, named: HostName, once_in: float | None = None) -> None:
        """Read a host with the next list, as the cmdlet lists collections only."""
        self._wanted[named.key] = named

    def _begin_reading(self, named: Sequence[HostName], collections: Sequence[str] | None) -> _Reading:
        """Begin to list collections; without any, ask which there are."""
        reading = self._reading = _Reading(named, everywhere=collections is self._collections)
        if collections is None:
            self._begin_list(reading, self._cmdlets.collections, "")
        else:
            self._begin_lists(reading, collections)
        return reading

    def _begin_lists(self, reading: _Reading, collections: Sequence[str]) -> None:
        for collection in collections:
            self._begin_list(reading, self._cmdlets.session_hosts(collection), collection)

    def _begin_list(self, reading: _Reading, call: Call, collection: str) -> None:
        reading.lists[self._calls.begin_list(call)] = (call, collection)

    def _collections_of(self, named: Sequence[HostName]) -> Sequence[str] | None:
        """Return the collections that the hosts are in, `None` when that is not known of all."""
        said = [str(one.fields.get("collection_name") or self._collection_of.get(fold(one.name), "")) for one in named]
        return list({fold(name): name for name in said}.values()) if all(said) else self._collections

    def _listed(self, reading: _Reading, token: int, answer: Answer) -> None:
        call, collection = reading.lists.pop(token)
        output, whole = ((), False) if isinstance(answer, Unanswered) else (answer.output, answer.whole)
        if call is self._cmdlets.hosts:
            # Without them the names of those that are listed must do: a host that is off must keep no other closed.
            reading.servers = [self._cmdlets.read_host(row) for row in output] if whole else None
            return
        if not whole:
            error = self._list_error(call, collection, answer)
            reading.errors.append(error)
            if not collection or (not output and self._collections is not None):
                reading.unknown = reading.unknown or error
        if not collection:
            names = [str(row["CollectionName"]) for row in output if row.get("CollectionName")]
            self._begin_lists(reading, names if whole else ())
            return
        for row in output:
            self._take(reading, collection, row)

    def _list_error(self, call: Call, collection: str, answer: Answer) -> ServiceError:
        """Say why a list is not whole: one that shows some hosts lacks others that did not answer."""
        if isinstance(answer, Unanswered):
            return ServiceError(f"{call.command} on {self._host} failed: {line(answer.reason)}")
        error = answer.errors[-1] if answer.errors else None
        if error is None or not collection or not answer.output or explain(self._cmdlets, call, error, self._host):
            return list_error(self._cmdlets, call, answer, self._host)
        said = f"{call.command} on {self._host} does not list all session hosts of {collection}: {line(error.message)}"
        return ServiceError(f"{said} Check that they are on.", lasting=False)

    def _take(self, reading: _Reading, collection: str, row: Row) -> None:
        try:
            host = read_host(self._broker, collection, row)
        except ServiceError as error:
            if not row.get("SessionHost"):
                reading.errors.append(error)
                return
            named = name_host(self._broker, str(row.get("CollectionName") or collection), str(row["SessionHost"]))
            reading.unread[fold(named.name)] = HostRead(named, None, error)
        else:
            reading.hosts[fold(host.name)] = host
            self._collection_of[fold(host.name)] = str(host.fields["collection_name"])

    # Setting

    def begin_set(self, named: HostName, state: object, send_before: float, seconds: float) -> None:
        """Begin to let a host take new sessions, or not."""
        self._has_set = True
        call = self._cmdlets.set_host(named.name, STATES[str(state)])
        token = self._calls.begin_set(call, named.name, max(SHORTEST_ACT, seconds), send_before)
        self._settings[token] = (named, call)

    def pause(self) -> float:
        """Wait without end while as many are in flight as may be."""
        return 0.0 if self._calls.has_room else math.inf

    def _judge(self, named: HostName, call: Call, answer: Answer) -> HostReplied:
        """Say what an answer means: the cmdlet writes nothing when all is well."""
        if isinstance(answer, Unanswered):
            return HostReplied(named, answer.reply, answer.reason)
        if answer.state in (State.STOPPED, State.NO_ANSWER):
            return HostReplied(named, Reply.UNCLEAR, answer.reason)
        if not answer.errors:
            done = answer.state is State.COMPLETED
            return HostReplied(
                named, Reply.DONE if done else Reply.UNCLEAR, "" if done else "it ended without a reason"
            )
        return self._judge_errors(named, call, answer)

    def _judge_errors(self, named: HostName, call: Call, answer: CallResult) -> HostReplied:
        explained = [explain(self._cmdlets, call, error, self._host) for error in answer.errors]
        if all(explained):
            return HostReplied(named, Reply.REFUSED, explained[-1].rstrip("."))
        said = f"{call.command} says: {line(answer.errors[-1].message).rstrip('.')}"
        since = self._failing_since.setdefault(named.key, self._clock())
        # Only texts in the host's language tell a host that is off from one that is late.
        gives_up = self._clock() - since >= ERROR_SECONDS
        return HostReplied(named, Reply.REFUSED if gives_up else Reply.UNCLEAR, said, ended=True)

    # Either

    def wait(self, seconds: float) -> Sequence[HostRead | HostReplied]:
        """Return what has been answered; wait for the first answer at most that long.

        Raises SelectionError when a name fits several hosts, and when the connection was lost: before anything was set
        the error itself, later ServiceError.
        """
        if self._wanted and self._reading is None:
            named, self._wanted = list(self._wanted.values()), {}
            self._begin_reading(named, self._collections_of(named))
        events: list[HostRead | HostReplied] = list(self._receive(seconds))
        reading = self._reading
        if reading is not None and not reading.lists and reading.must_ask_servers() and self._cmdlets.hosts is not None:
            reading.asks_servers = True
            self._begin_list(reading, self._cmdlets.hosts, "")
        if reading is not None and not reading.lists:
            self._reading = None
            found = [reading.found(named) for named in reading.named]
            moved = [one.named for one in found if self._may_have_moved(reading, one)]
            events += [one for one in found if one.named not in moved]
            if moved:
                self._begin_reading(moved, self._collections)
        return events

    def _may_have_moved(self, reading: _Reading, one: HostRead) -> bool:
        """Tell whether a host may be in another collection than the one that it was in once, which may be gone."""
        unread = one.error is not None and self._has_set
        return one.found is None and not reading.everywhere and "." in one.named.name and not unread

    def _receive(self, seconds: float) -> list[HostReplied]:
        """Take what has come: lists into the reading, answers to settings as events."""
        events = []
        answered = self._calls.wait(seconds)
        if self._calls.lost is not None and not (answered and self._has_set):
            raise ServiceError(reason(self._calls.lost)) if self._has_set else self._calls.lost
        for token, answer in answered:
            if token in self._settings:
                events.append(self._judge(*self._settings.pop(token), answer))
                self._has_failed |= events[-1].reply is not Reply.DONE
            elif self._reading is not None and token in self._reading.lists:
                self._listed(self._reading, token, answer)
        return events

    def notes(self) -> Notes:
        """Tell what there is to tell by now."""
        lost = self._calls.lost if self._has_set else None
        advice = self._cmdlets.HOST_ADVICE if self._has_failed else ""
        return Notes(self._warnings, lost, advice=advice, unlisted=self._unlisted)

    def close(self) -> None:
        """Let go of the host and of what has not answered."""
        self._calls.close()
