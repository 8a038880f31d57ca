# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts are read as they are named: all, or each by itself, and a name without a host is an error."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Notes
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import (
    HostName,
    HostRead,
    SessionHost,
    find_hosts,
)


class Reader:
    """Hosts in memory, which answer in reverse order."""

    title = "the host pool"
    reads_each = True
    unread: Sequence[HostRead] = ()

    def __init__(self, *names: str) -> None:
        self.hosts = {name.lower(): SessionHost("p", name, True, {}) for name in names}
        self.lists = 0
        self.asked: list[str] = []
        self.answers: list[HostRead] = []
        self.error: ServiceError | None = None

    def list_hosts(self) -> list[SessionHost]:
        self.lists += 1
        return list(self.hosts.values())

    def begin_read(self, named: HostName, once_in: float | None = None) -> None:
        self.asked.append(named.name)
        found = None if self.error else self.hosts.get(named.name.lower())
        self.answers.insert(0, HostRead(named, found, self.error))

    def wait(self, seconds: float) -> list[HostRead]:
        return [self.answers.pop(0)]

    def notes(self) -> Notes:
        return Notes()

    def close(self) -> None:
        pass


def named(*names: str) -> list[HostName]:
    return [HostName("p", name) for name in names]


def test_without_names_all_are_listed_once() -> None:
    reader = Reader("a", "b")
    assert [host.name for host in find_hosts(reader, None)] == ["a", "b"]
    assert (reader.lists, reader.asked) == (1, [])


def test_named_hosts_are_read_each_once_in_their_order_and_never_listed() -> None:
    reader = Reader("A-0", "b")
    assert [host.name for host in find_hosts(reader, named("b", "a-0", "B"))] == ["b", "A-0"]
    assert (reader.lists, reader.asked) == (0, ["b", "a-0"])


def test_no_names_at_all_are_no_hosts() -> None:
    reader = Reader("a")
    assert find_hosts(reader, []) == []
    assert reader.lists == 0


def test_names_that_the_service_does_not_have_are_all_said() -> None:
    with pytest.raises(ServiceError, match="no session host x, y in"):
        find_hosts(Reader("a"), named("x", "a", "y"))


def test_host_that_cannot_be_read_is_an_error() -> None:
    reader = Reader("a")
    reader.error = ServiceError("broken")
    with pytest.raises(ServiceError, match="broken"):
        find_hosts(reader, named("a"))


def test_one_host_under_two_names_is_one() -> None:
    reader = Reader("a.example.test")
    reader.hosts["a"] = reader.hosts["a.example.test"]
    assert [host.name for host in find_hosts(reader, named("a", "a.example.test"))] == ["a.example.test"]
