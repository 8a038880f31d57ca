# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service over a client in memory: what is read, what is sent for whom, and that every request is answered."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import wvd
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd import (
    MOST_SINGLES,
    WvdService,
    read_session,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import (
    HostPool,
    read_named,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_threads import Threads
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import (
    Event,
    Listed,
    ListingFailed,
    Replied,
    Reply,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import DISCONNECT, Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm_pipeline import CONNECTIONS
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.pacing import Pacing

POOL = HostPool("Sub-1", "RG-1", "Pool-1")
OTHER = HostPool("Sub-2", "RG-1", "Pool-1")
PATIENCE = 20.0
"""Seconds after which a test that waits for a thread has failed; none ever waits that long."""

Row = dict[str, Any]


def row(id_: str = "5", host: str = "Host-1", pool: HostPool = POOL, **properties: object) -> Row:
    resource_id = (
        f"/subscriptions/{pool.subscription}/resourcegroups/{pool.resource_group}/providers"
        f"/Microsoft.DesktopVirtualization/hostpools/{pool.name}/sessionhosts/{host}/usersessions/{id_}"
    )
    return {
        "id": resource_id,
        "name": f"{pool.name}/{host}/{id_}",
        "properties": {
            "objectId": "o-1",
            "userPrincipalName": "alice@contoso.com",
            "activeDirectoryUserName": "CONTOSO\\alice",
            "applicationType": "Desktop",
            "sessionState": "Active",
            "createTime": "2026-11-20T08:00:00.1234567Z",
            **properties,
        },
    }


class Client:
    """Stands for ArmClient: pages and answers by script, and a note of every call."""

    def __init__(self) -> None:
        self.writes = Pacing(10.0, lambda: 0.0)
        self.page_rows: list[list[Row]] = [[]]
        self.readings: list[list[list[Row]]] = []
        """Pages of the first readings of the pool; after these page_rows."""
        self.singles: dict[tuple[str, str], Row] = {}
        self.asked: list[tuple[str, str]] = []
        self.hosts: dict[str, list[list[Row]]] = {}
        self.known_hosts: set[str] = set()
        self.reads: list[str] = []
        self.acts: list[tuple[object, ...]] = []
        self.answer: Callable[[], tuple[Reply, str]] = lambda: (Reply.DONE, "")
        self.closed = 0

    def pages(self, resource_group: str, host_pool: str, host: str = "") -> Iterator[tuple[list[Row], float]]:
        assert (resource_group.lower(), host_pool.lower()) == ("rg-1", "pool-1")
        self.reads.append(host)
        pages = self.readings.pop(0) if self.readings and not host else self.page_rows
        for number, rows in enumerate(self.hosts.get(host, [[]]) if host else pages):
            yield rows, 100.0 * len(self.reads) + number

    def session(self, resource_group: str, host_pool: str, host: str, session_id: str) -> tuple[Row, float] | None:
        assert (resource_group.lower(), host_pool.lower()) == ("rg-1", "pool-1")
        self.asked.append((host, session_id))
        found = self.singles.get((host, session_id))
        return None if found is None else (found, 1000.0 + len(self.asked))

    def has_host(self, resource_group: str, host_pool: str, host: str) -> bool:
        return host in self.known_hosts

    def disconnect(self, names: tuple[str, ...], send_before: float) -> tuple[Reply, str]:
        self.acts.append((*names, send_before))
        return self.answer()

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(name="client")
def fixture_client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(wvd, "ArmClient", Client)
    return Client()


@pytest.fixture(name="service")
def fixture_service(client: Client) -> Iterator[WvdService]:
    threads = Threads(CONNECTIONS)
    service = WvdService([POOL], lambda _subscription: client, Operation(DISCONNECT), threads)  # type: ignore[arg-type,return-value]
    yield service
    service.close()
    threads_end(threads)


def threads_end(threads: Threads) -> None:
    for thread in threads._threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def events(service: WvdService, ends: Callable[[Event], bool]) -> list[Event]:
    found: list[Event] = []
    while not any(ends(event) for event in found):
        new = service.wait(PATIENCE)
        assert new, "no answer came"
        found += new
    return found


def look(service: WvdService, *sessions: Session) -> list[Event]:
    service.begin_listing(sessions)
    return events(service, lambda event: isinstance(event, ListingFailed) or (isinstance(event, Listed) and event.last))


def session(id_: str = "5", host: str = "Host-1", pool: HostPool = POOL) -> Session:
    return read_session(pool, row(id_, host, pool), 1.0)


def seen(found: list[Event]) -> list[tuple[str, str]]:
    return [(one.host, one.id) for event in found if isinstance(event, Listed) for one in event.sessions]


# A row of Azure's list


def test_row_is_read_with_everything_that_tells_who_it_is() -> None:
    one = read_session(POOL, row(), 42.0)
    assert one.key == (POOL.place, "Host-1", "5")
    assert one.users == ("alice@contoso.com", "CONTOSO\\alice")
    assert (one.state, one.read_at) == ("Active", 42.0)
    assert one.created == datetime(2026, 11, 20, 8, 0, 0, 123456, tzinfo=timezone.utc)
    assert one.common_state == "active"
    assert one.fields == {
        "service": "wvd",
        "host": "Host-1",
        "session": "5",
        "owner": "alice@contoso.com",
        "state": "active",
        "subscription_id": "Sub-1",
        "resource_group_name": "RG-1",
        "host_pool_name": "Pool-1",
        "session_host_name": "Host-1",
        "id": "5",
        "user_principal_name": "alice@contoso.com",
        "active_directory_user_name": "CONTOSO\\alice",
        "session_state": "Active",
        "application_type": "Desktop",
        "create_time": "2026-11-20T08:00:00.1234567Z",
        "object_id": "o-1",
        "resource_id": row()["id"],
    }


def test_names_come_from_the_resource_id_and_not_from_the_task() -> None:
    one = read_session(HostPool("sub-1", "rg-1", "POOL-1"), row(), 0.0)
    assert one.place == POOL.place
    assert (one.fields["resource_group_name"], one.fields["host_pool_name"]) == ("RG-1", "Pool-1")


@pytest.mark.parametrize(
    ("principal", "account", "users"),
    [
        ("a@c", None, ("a@c",)),
        (None, "C\\a", ("C\\a",)),
        ("", "C\\a", ("C\\a",)),
        (" ", " ", ()),
        (None, None, ()),
    ],
)
def test_names_that_are_blank_or_null_are_no_names(
    principal: str | None, account: str | None, users: tuple[str, ...]
) -> None:
    one = read_session(POOL, row(userPrincipalName=principal, activeDirectoryUserName=account), 0.0)
    assert one.users == users


def test_row_without_properties_has_no_user_and_no_known_state() -> None:
    for properties in (None, {}):
        one = read_session(POOL, {**row(), "properties": properties}, 0.0)
        assert (one.users, one.state, one.created) == ((), "Unknown", None)
        assert one.fields["create_time"] == ""


@pytest.mark.parametrize("text", ["", None, "soon"])
def test_creation_time_that_cannot_be_read_is_unknown(text: str | None) -> None:
    assert read_session(POOL, row(createTime=text), 0.0).created is None


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T08:00:00.12Z", "2026-11-20T08:00:00.1234567", "2026-11-20T10:00:00+02:00", "2026-11-20T08:00:00Z"],
)
def test_row_that_is_shown_names_the_same_session_again(text: str) -> None:
    one = read_session(POOL, row(createTime=text), 0.0)
    [(_pool, named)] = read_named(one.fields, "sessions", {})
    assert named.created == one.created
    assert named.key == one.key
    assert named.mismatch(one) == ""


@pytest.mark.parametrize("resource_id", [None, "", 5, "Pool-1/Host-1/5", "/subscriptions/Sub-1"])
def test_row_that_does_not_say_which_session_it_is_is_an_error(resource_id: object) -> None:
    with pytest.raises(ServiceError, match="listed a session of Pool-1 without a usable resource id"):
        read_session(POOL, {**row(), "id": resource_id}, 0.0)


def test_only_disconnected_sessions_are_settled_for_disconnect() -> None:
    states = ("Disconnected", "disconnected", "Active", "Pending", "LogOff", "UserProfileDiskMounted", "Unknown", "New")
    settled = [state for state in states if DISCONNECT.is_settled(read_session(POOL, row(sessionState=state), 0.0))]
    assert settled == ["Disconnected", "disconnected"]


# Listing


def test_list_has_the_rows_of_all_pages_with_the_time_of_each_page(service: WvdService, client: Client) -> None:
    client.page_rows = [[row("1"), row("2")], [], [row("3")]]
    assert [(one.id, one.read_at) for one in service.list_sessions()] == [("1", 200.0), ("2", 200.0), ("3", 202.0)]
    assert client.reads == ["", ""]
    assert service.notes().warnings == []


def test_pools_of_several_subscriptions_are_read_with_a_client_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wvd, "ArmClient", Client)
    clients: dict[str, Client] = {}

    def connect(subscription: str) -> Client:
        assert subscription not in clients
        clients[subscription] = Client()
        clients[subscription].page_rows = [[row(pool=POOL if subscription == "sub-1" else OTHER)]]
        return clients[subscription]

    service = WvdService([POOL, OTHER, HostPool("SUB-1", "rg-1", "pool-1")], connect)  # type: ignore[arg-type]
    places = [one.place for one in service.list_sessions()]
    assert places == [POOL.place, OTHER.place]
    assert list(clients) == ["sub-1", "sub-2"]
    service.close()
    assert [client.closed for client in clients.values()] == [1, 1]


def test_host_is_required_of_any_of_the_pools(service: WvdService, client: Client) -> None:
    client.known_hosts = {"Host-1"}
    service.require_host("Host-1")
    with pytest.raises(ServiceError, match="host pool Pool-1 has no session host Host-9: check session_host_name"):
        service.require_host("Host-9")


# A list of several pages: rows slide to pages that were read already when others leave


def ids(sessions: Sequence[Session]) -> list[str]:
    return [one.id for one in sessions]


def test_list_of_one_page_is_read_once_and_proves_absence(service: WvdService, client: Client) -> None:
    client.page_rows = [[row("1")]]
    client.singles = {("Host-1", "2"): row("2")}
    assert ids(service.list_sessions([(POOL.place, "Host-1", "2")])) == ["1"]
    assert (client.reads, client.asked) == ([""], [])


def test_session_that_slid_between_two_pages_is_found_by_reading_again(service: WvdService, client: Client) -> None:
    client.readings = [[[row("1"), row("2")], []]]
    client.page_rows = [[row("2"), row("3")], [row("4")]]
    found = service.list_sessions()
    assert sorted(ids(found)) == ["1", "2", "3", "4"]
    assert {one.id: one.read_at for one in found} == {"1": 100.0, "2": 300.0, "3": 300.0, "4": 301.0}
    assert client.reads == ["", "", ""]
    assert service.notes().warnings == []


def test_list_that_shrank_to_one_page_is_proof_alone(service: WvdService, client: Client) -> None:
    client.readings = [[[row("1"), row("2")], []]]
    client.page_rows = [[row("2"), row("3")]]
    assert ids(service.list_sessions([(POOL.place, "Host-1", "1")])) == ["2", "3"]
    assert (client.reads, client.asked) == (["", ""], [])


def test_order_of_rows_and_their_states_do_not_tell_readings_apart(service: WvdService, client: Client) -> None:
    client.readings = [[[row("1"), row("2")], [row("3")]]]
    client.page_rows = [[row("3"), row("2")], [row("1", sessionState="Disconnected")]]
    assert sorted((one.id, one.state) for one in service.list_sessions()) == [
        ("1", "Disconnected"),
        ("2", "Active"),
        ("3", "Active"),
    ]
    assert client.reads == ["", ""]


@pytest.mark.parametrize(
    "other", [{"userPrincipalName": "mallory@contoso.com"}, {"createTime": "2026-11-20T09:00:00Z"}]
)
def test_id_that_was_taken_over_tells_readings_apart(
    service: WvdService, client: Client, other: dict[str, str]
) -> None:
    client.readings = [[[row("1")], [row("2")]]]
    client.page_rows = [[row("1")], [row("2", **other)]]
    service.list_sessions()
    assert client.reads == ["", "", ""]


def test_id_on_a_host_in_another_case_is_the_same_place_in_all_readings(service: WvdService, client: Client) -> None:
    """A user who was there in an older reading must not be acted on as if he still were."""
    client.readings = [[[row("1"), row("2")], []]]
    client.page_rows = [[row("2", "HOST-1", userPrincipalName="mallory@contoso.com")], [row("3")]]
    found = {(one.host, one.id): one.user for one in service.list_sessions() if one.id == "2"}
    assert found == {("HOST-1", "2"): "mallory@contoso.com"}


def test_list_that_changes_in_every_reading_is_the_union_with_a_warning(service: WvdService, client: Client) -> None:
    client.readings = [[[row("1")], [row("2")]], [[row("2")], [row("3")]], [[row("3")], [row("4")]]]
    assert ids(service.list_sessions()) == ["1", "2", "3", "4"]
    assert client.reads == ["", "", ""]
    [warning] = service.notes().warnings
    assert "host pool Pool-1" in warning
    assert "a session may be missing" in warning


def test_readings_that_agree_must_follow_each_other(service: WvdService, client: Client) -> None:
    client.readings = [[[row("1")], [row("2")]], [[row("1")], []], [[row("1")], [row("2")]]]
    service.list_sessions()
    assert len(service.notes().warnings) == 1


def test_named_sessions_that_several_pages_do_not_show_are_asked_for(service: WvdService, client: Client) -> None:
    client.page_rows = [[row("1"), row("1", "Host-2")], [row("2")]]
    client.singles = {("Host-1", "5"): row("5"), ("Host-9", "5"): row("5", "Host-9")}
    named = [(POOL.place, host, id_) for host, id_ in (("HOST-1", "2"), ("HOST-1", "5"), ("Host-9", "5"))]
    named += [(POOL.place, "host-1", "5"), (POOL.place, "Host-2", "7"), (OTHER.place, "Host-1", "9")]
    found = service.list_sessions(named)
    assert [(one.host, one.id, one.read_at) for one in found[3:]] == [("Host-1", "5", 1001.0), ("Host-9", "5", 1002.0)]
    # By the spelling of the list, where it has one: Azure may tell hosts apart by it.
    assert client.asked == [("Host-1", "5"), ("Host-9", "5"), ("Host-2", "7")]


def test_named_sessions_are_proven_by_themselves_so_nobody_is_warned(service: WvdService, client: Client) -> None:
    client.readings = [[[row("1")], [row("2")]], [[row("2")], [row("3")]], [[row("3")], [row("4")]]]
    assert ids(service.list_sessions([(POOL.place, "Host-1", "4")])) == ["1", "2", "3", "4"]
    assert service.notes().warnings == []


def test_named_session_that_cannot_be_asked_for_fails_the_list(service: WvdService, client: Client) -> None:
    client.page_rows = [[row("1")], [row("2")]]

    def session(*_names: str) -> None:
        raise ServiceError("busy")

    client.session = session  # type: ignore[method-assign,assignment]
    with pytest.raises(ServiceError, match="busy"):
        service.list_sessions([(POOL.place, "Host-1", "5")])


@pytest.mark.parametrize("whole", [False, True])
def test_look_asks_for_what_a_list_of_several_pages_does_not_show(
    service: WvdService, client: Client, whole: bool
) -> None:
    client.page_rows = [[row("1"), row("1", "Host-2")], [row("1", "Host-3")]]
    client.hosts = {"Host-1": [[row("1")], []], "Host-2": [[]]}
    client.singles = {("Host-1", "5"): row("5"), ("Host-2", "6"): row("6", "Host-2")}
    service.list_sessions()
    client.reads.clear()
    hosts = ("Host-3", "Host-4") if whole else ()
    found = look(
        service, session("1"), session("5"), session("7"), session("6", "Host-2"), *(session("1", h) for h in hosts)
    )
    assert client.reads == [""] if whole else ["Host-1", "Host-2"]
    if whole:
        assert client.asked == [("Host-1", "5"), ("Host-1", "7"), ("Host-2", "6"), ("Host-4", "1")]
        assert seen(found)[-2:] == [("Host-1", "5"), ("Host-2", "6")]
    else:  # one page is all of Host-2
        assert client.asked == [("Host-1", "5"), ("Host-1", "7")]
        assert seen(found) == [("Host-1", "1"), ("Host-1", "5")]
    read_at = {
        (one.host, one.id): one.read_at for event in found if isinstance(event, Listed) for one in event.sessions
    }
    assert read_at["Host-1", "5"] == 1001.0
    assert found[-1] == Listed((), last=True)


def test_look_asks_for_no_more_sessions_one_by_one_than_reads_stand(service: WvdService, client: Client) -> None:
    client.hosts = {"Host-1": [[row("1")], [row("2")]]}
    sessions = [session(str(number)) for number in range(10, 10 + MOST_SINGLES + 7)]
    found = look(service, *sessions)
    assert len(client.asked) == MOST_SINGLES
    assert found[-1] == Listed((), last=True, unproven=frozenset(one.key for one in sessions[MOST_SINGLES:]))


def test_session_that_cannot_be_asked_for_fails_the_look(service: WvdService, client: Client) -> None:
    client.hosts = {"Host-1": [[row("1")], [row("2")]]}
    error = ServiceError("busy", lasting=False)

    def session_(*_names: str) -> None:
        raise error

    client.session = session_  # type: ignore[method-assign,assignment]
    found = look(service, session("1"), session("5"))
    assert found[-1] == ListingFailed(error)
    assert not any(isinstance(event, Listed) and event.last for event in found)


# Looking again


def test_one_host_is_looked_at_by_itself(service: WvdService, client: Client) -> None:
    client.hosts = {"Host-1": [[row("5")], [row("6")]]}
    found = look(service, session("5"), session("6"))
    assert seen(found) == [("Host-1", "5"), ("Host-1", "6")]
    assert client.reads == ["Host-1"]
    assert [event.last for event in found if isinstance(event, Listed)] == [False, False, True]


def test_more_hosts_than_pages_are_looked_at_as_the_whole_pool(service: WvdService, client: Client) -> None:
    client.page_rows = [[row("1")], [row("2")]]
    service.list_sessions()
    client.reads.clear()
    look(service, session("1", "Host-1"), session("1", "Host-2"))
    assert client.reads == ["Host-1", "Host-2"]
    client.reads.clear()
    look(service, *(session("1", f"Host-{number}") for number in (1, 2, 3)))
    assert client.reads == [""]


def test_pool_that_has_grown_pages_is_looked_at_by_host_again(service: WvdService, client: Client) -> None:
    hosts = [session("1", f"Host-{number}") for number in (1, 2)]
    look(service, *hosts)
    assert client.reads == [""]
    client.page_rows = [[], [], []]
    look(service, *hosts)
    look(service, *hosts)
    assert client.reads == ["", "", "Host-1", "Host-2"]


def test_empty_pool_still_takes_one_request(service: WvdService, client: Client) -> None:
    client.page_rows = []
    assert service.list_sessions() == []
    client.reads.clear()
    look(service, session("1", "Host-1"))
    assert client.reads == ["Host-1"]


def test_look_that_finds_nothing_says_so_in_its_last_event(service: WvdService) -> None:
    assert look(service, session()) == [Listed([], last=False), Listed((), last=True)]


def test_error_in_the_middle_of_a_look_never_calls_the_rest_gone(service: WvdService, client: Client) -> None:
    error = ServiceError("busy", lasting=False)

    def pages(*_names: str) -> Iterator[tuple[list[Mapping[str, Any]], float]]:
        yield [row("5")], 100.0
        raise error

    client.pages = pages  # type: ignore[method-assign,assignment]
    found = look(service, session("5"), session("6"))
    assert found[-1] == ListingFailed(error)
    assert not any(isinstance(event, Listed) and event.last for event in found)


@pytest.mark.parametrize("bad", [KeyError("x"), MemoryError(), RuntimeError("bug")])
def test_unexpected_exception_fails_the_look_and_not_the_thread(
    service: WvdService, client: Client, bad: Exception
) -> None:
    def pages(*_names: str) -> Iterator[tuple[list[Row], float]]:
        raise bad

    working, client.pages = client.pages, pages  # type: ignore[method-assign,assignment]
    [event] = look(service, session())
    assert isinstance(event, ListingFailed)
    assert type(bad).__name__ in str(event.error)
    client.pages = working  # type: ignore[method-assign]
    assert look(service, session())[-1] == Listed((), last=True)


def test_row_that_cannot_be_read_fails_the_look(service: WvdService, client: Client) -> None:
    client.hosts = {"Host-1": [[{**row(), "id": None}]]}
    [event] = look(service, session())
    assert isinstance(event, ListingFailed)


def test_session_of_a_pool_that_is_not_ours_fails_the_look(service: WvdService, client: Client) -> None:
    [event] = look(service, session(pool=OTHER))
    assert isinstance(event, ListingFailed)
    assert client.reads == []


# Acting


def test_act_names_the_session_as_the_list_spelled_it(service: WvdService, client: Client) -> None:
    one = read_session(HostPool("sub-1", "rg-1", "pool-1"), row("5", "Host-1"), 1.0)
    service.begin_act(one, 6.0)
    [event] = events(service, lambda event: isinstance(event, Replied))
    assert event == Replied(one, Reply.DONE, "")
    assert client.acts == [("RG-1", "Pool-1", "Host-1", "5", 6.0)]


def test_answer_is_passed_on_with_its_reason(service: WvdService, client: Client) -> None:
    client.answer = lambda: (Reply.REFUSED, "no right")
    service.begin_act(session(), 6.0)
    assert events(service, lambda event: True) == [Replied(session(), Reply.REFUSED, "no right")]


def test_unexpected_exception_in_an_act_is_an_unclear_answer(service: WvdService, client: Client) -> None:
    def fail() -> tuple[Reply, str]:
        raise RuntimeError("bug")

    client.answer = fail
    service.begin_act(session(), 6.0)
    assert events(service, lambda event: True) == [Replied(session(), Reply.UNCLEAR, "RuntimeError('bug')")]


def test_one_act_is_one_request(service: WvdService, client: Client) -> None:
    for number in range(40):
        service.begin_act(session(str(number)), 6.0)
    found: list[Event] = []
    while len(found) < 40:
        new = service.wait(PATIENCE)
        assert new
        found += new
    assert sorted(int(names[3]) for names in client.acts) == list(range(40))
    assert sorted(int(event.session.id) for event in found if isinstance(event, Replied)) == list(range(40))


# Pausing and waiting


def test_no_act_may_begin_while_every_connection_is_in_use(service: WvdService, client: Client) -> None:
    free = threading.Event()

    def wait_for_it() -> tuple[Reply, str]:
        assert free.wait(PATIENCE)
        return Reply.DONE, ""

    client.answer = wait_for_it
    for number in range(CONNECTIONS):
        assert service.pause() == 0.0
        service.begin_act(session(str(number)), 6.0)
    assert service.pause() == math.inf
    assert service.wait(0.0) == []
    free.set()
    assert len(events(service, lambda event: True)) >= 1
    assert service.pause() == 0.0


def test_pause_is_that_of_the_slowest_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wvd, "ArmClient", Client)
    clients = {"sub-1": Client(), "sub-2": Client()}
    service = WvdService([POOL, OTHER], clients.__getitem__, Operation(DISCONNECT))  # type: ignore[arg-type]
    assert service.pause() == 0.0
    clients["sub-2"].writes.refused(7.0)
    assert service.pause() == 7.0
    service.close()


def test_wait_returns_nothing_when_nothing_comes(service: WvdService) -> None:
    assert service.wait(0.0) == []
    assert service.wait(-1.0) == []


def test_wait_returns_all_that_has_come() -> None:
    threads = Threads(1)
    for number in range(3):
        threads.answer(ListingFailed(ServiceError(str(number))))
    assert len(threads.wait(0.0)) == 3
    assert threads.wait(0.0) == []


# The end


def test_threads_start_with_the_first_request_and_end_with_close(client: Client) -> None:
    threads = Threads(CONNECTIONS)
    service = WvdService([POOL], lambda _subscription: client, Operation(DISCONNECT), threads)  # type: ignore[arg-type,return-value]
    service.list_sessions()
    assert threads._threads == []
    look(service, session())
    service.begin_act(session(), 6.0)
    assert len(threads._threads) == CONNECTIONS + 1
    assert all(thread.daemon for thread in threads._threads)
    service.close()
    threads_end(threads)
    assert client.closed == 1


def test_requests_are_done_by_whoever_was_given_for_it(client: Client) -> None:
    """As a simulation does them: in its own order and time, without a thread."""

    class Later:
        def __init__(self) -> None:
            self.acts: list[Callable[[], None]] = []
            self.looks: list[Callable[[], None]] = []
            self.events: list[Event] = []
            self.waited: list[float] = []
            self.closed = 0

        def act(self, job: Callable[[], None]) -> None:
            self.acts.append(job)

        def read(self, job: Callable[[], None]) -> None:
            self.looks.append(job)

        def answer(self, event: Event) -> None:
            self.events.append(event)

        def wait(self, seconds: float) -> list[Event]:
            self.waited.append(seconds)
            events, self.events = self.events, []
            return events

        def close(self) -> None:
            self.closed += 1

    later, before = Later(), threading.active_count()
    service = WvdService([POOL], lambda _subscription: client, Operation(DISCONNECT), later)  # type: ignore[arg-type,return-value]
    service.begin_act(session(), 6.0)
    service.begin_listing([session()])
    assert (len(later.acts), len(later.looks), client.acts, client.reads) == (1, 1, [], [])
    later.looks.pop()()
    later.acts.pop()()
    assert service.wait(7.0) == [Listed([], last=False), Listed((), last=True), Replied(session(), Reply.DONE)]
    service.close()
    assert (later.waited, later.closed, client.closed) == ([7.0], 1, 1)
    assert threading.active_count() == before


def test_service_that_did_nothing_can_be_closed(client: Client) -> None:
    service = WvdService([POOL], lambda _subscription: client)  # type: ignore[arg-type,return-value]
    service.close()
    assert client.closed == 1
