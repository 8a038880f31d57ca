# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm by itself: verbs, id reuse, delay, lag and the audit."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import datetime, timezone

import pytest

from tests.lab.definition import DefinitionError, parse
from tests.lab.farm import Caller, Farm, HostNotFoundError, IdTakenError, Pool, PoolNotFoundError, SessionNotFoundError

HOST = "H0.contoso.com"


@pytest.fixture
def farm() -> Farm:
    made = Farm()
    sessions = [{"id": 3, "user": "alice@contoso.com"}, {"id": 2, "user": "bob@contoso.com", "state": "Disconnected"}]
    made.replace(parse({"pools": [{"name": "Pool", "hosts": [{"name": HOST, "sessions": sessions}]}]}))
    return made


@pytest.fixture
def pool(farm: Farm) -> Pool:
    return farm.pool("wvd", "pool")


def effects(farm: Farm) -> list[tuple[str, str, str]]:
    return [(entry["verb"], entry["effect"], (entry["owner"] or {}).get("user", "")) for entry in farm.audit()]


def test_order_is_the_services_own_not_that_of_ids(farm: Farm, pool: Pool) -> None:
    assert [session.id for session in farm.sessions(pool)] == [3, 2]
    farm.disconnect(pool, HOST, 3)
    assert [session.id for session in farm.sessions(pool)] == [3, 2]
    farm.give_id_to(pool, HOST, 3, "carol@contoso.com")
    assert [session.id for session in farm.sessions(pool, HOST)] == [2, 3]


def test_a_list_that_was_read_does_not_change(farm: Farm, pool: Pool) -> None:
    before = farm.sessions(pool)
    farm.disconnect(pool, HOST, 3)
    assert before[0].state == "Active"
    assert farm.session(pool, HOST, 3).state == "Disconnected"
    assert farm.session(pool, HOST, 3).disconnect_time is not None


def test_audit_tells_the_owner_at_that_moment(farm: Farm, pool: Pool) -> None:
    alice = farm.session(pool, HOST, 3)
    carol = farm.give_id_to(pool, HOST, 3, "carol@contoso.com")
    assert carol.create_time > alice.create_time
    assert carol.object_id != alice.object_id
    farm.logoff(pool, HOST, 3, by=Caller("somebody", "request-1"))
    assert effects(farm) == [("give_id", "done", "alice@contoso.com"), ("logoff", "done", "carol@contoso.com")]
    last = farm.audit()[-1]
    assert (last["by"], last["request_id"], last["host"], last["id"]) == ("somebody", "request-1", HOST, 3)
    with pytest.raises(SessionNotFoundError):
        farm.session(pool, HOST, 3)


def test_reuse_at_once_gives_a_later_create_time(farm: Farm, pool: Pool) -> None:
    times = [farm.give_id_to(pool, HOST, 3, "carol@contoso.com").create_time for _ in range(3)]
    assert times[0] < times[1] < times[2]


def test_audit_times_grow_and_sequence_has_no_gap(farm: Farm, pool: Pool) -> None:
    for _ in range(50):
        farm.message(pool, HOST, 3, ("a", "b"))
    audit = farm.audit()
    assert [entry["sequence"] for entry in audit] == list(range(1, 51))
    assert all(one["time"] < other["time"] for one, other in itertools.pairwise(audit))


def test_disconnected_and_stuck_sessions_have_no_effect(farm: Farm, pool: Pool) -> None:
    farm.disconnect(pool, HOST, 2)
    farm.change(pool, HOST, 3, stuck=True)
    farm.disconnect(pool, HOST, 3)
    farm.logoff(pool, HOST, 3)
    assert [effect for _verb, effect, _user in effects(farm)] == ["none", "done", "stuck", "stuck"]
    assert farm.session(pool, HOST, 3).state == "Active"


def test_delayed_effect_comes_later_and_only_to_the_session_it_was_meant_for(farm: Farm, pool: Pool) -> None:
    farm.effect_delay = 0.05
    farm.logoff(pool, HOST, 3)
    farm.logoff(pool, HOST, 2)
    assert len(farm.sessions(pool)) == 2
    farm.give_id_to(pool, HOST, 3, "carol@contoso.com")
    time.sleep(0.06)
    assert [session.user for session in farm.sessions(pool)] == ["carol@contoso.com"]
    assert effects(farm)[-2:] == [("logoff", "lost", "alice@contoso.com"), ("logoff", "done", "bob@contoso.com")]


def test_delayed_disconnect_changes_nothing_that_is_disconnected_by_then(farm: Farm, pool: Pool) -> None:
    farm.effect_delay = 0.05
    farm.disconnect(pool, HOST, 3)
    farm.disconnect(pool, HOST, 3)
    time.sleep(0.06)
    assert farm.session(pool, HOST, 3).state == "Disconnected"
    assert [effect for _verb, effect, _user in effects(farm)] == ["pending", "pending", "done", "none"]


def test_lagged_list_shows_what_was(farm: Farm, pool: Pool) -> None:
    time.sleep(0.02)
    farm.list_lag = 30
    before = [session.user for session in farm.sessions(pool)]
    farm.logoff(pool, HOST, 3)
    farm.add_session(pool, HOST, "dave@contoso.com")
    farm.give_id_to(pool, HOST, 2, "erin@contoso.com")
    assert [session.user for session in farm.sessions(pool, lagged=True)] == before
    assert [session.user for session in farm.sessions(pool, HOST, lagged=True)] == before
    assert [session.user for session in farm.sessions(pool)] == ["dave@contoso.com", "erin@contoso.com"]
    farm.list_lag = 0.0001
    time.sleep(0.01)
    assert [session.user for session in farm.sessions(pool, lagged=True)] == ["dave@contoso.com", "erin@contoso.com"]


def test_names(farm: Farm, pool: Pool) -> None:
    with pytest.raises(HostNotFoundError):
        farm.host(pool, HOST.lower())
    assert farm.host(pool, HOST.lower(), any_case=True).name == HOST
    assert [host.name for _pool, host in farm.find_hosts("wvd", HOST.upper())] == [HOST]
    with pytest.raises(PoolNotFoundError):
        farm.pool("rds", "pool")
    with pytest.raises(PoolNotFoundError):
        farm.pool("wvd", "pool", resource_group="another")
    with pytest.raises(SessionNotFoundError):
        farm.logoff(pool, HOST.lower(), 3)


def test_add_takes_the_lowest_free_id(farm: Farm, pool: Pool) -> None:
    assert farm.add_session(pool, HOST, "carol@contoso.com").id == 4
    with pytest.raises(IdTakenError):
        farm.add_session(pool, HOST, "dave@contoso.com", 4)
    assert farm.session(pool, HOST, 4).ad_user_name == "CONTOSO\\carol"


def test_many_threads_lose_nothing(farm: Farm, pool: Pool) -> None:
    def work(number: int) -> None:
        for turn in range(50):
            farm.add_session(pool, HOST, f"user{number}@contoso.com", 100 + number * 50 + turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(farm.sessions(pool)) == 402
    assert len({entry["sequence"] for entry in farm.audit()}) == 400


def test_replace_forgets_everything(farm: Farm, pool: Pool) -> None:
    farm.disconnect(pool, HOST, 3)
    farm.replace(parse({"pools": []}))
    assert farm.audit() == []
    with pytest.raises(PoolNotFoundError):
        farm.sessions(pool)


def test_generated_farm_is_the_same_each_time() -> None:
    def rows(seed: int) -> list[tuple[object, ...]]:
        farm = Farm()
        generate = {"hosts": 3, "sessions_per_host": 4, "seed": seed}
        farm.replace(parse({"pools": [{"name": "big", "generate": generate}]}))
        sessions = farm.sessions(farm.pool("wvd", "big"))
        return [(one.host, one.id, one.user, one.state, one.object_id) for one in sessions]

    assert rows(1) == rows(1) != rows(2)
    assert {(host, number) for host, number, *_rest in rows(1)} == {
        (f"host-000{host}.contoso.com", number) for host in range(3) for number in range(1, 5)
    }
    assert rows(1) != sorted(rows(1))


def test_definition_reads_times_and_refuses_nonsense() -> None:
    session = {"id": 2, "user": "a@contoso.com", "create_time": "2026-01-02T03:04:05.678Z", "idle": 2}
    contents = parse({"pools": [{"name": "p", "hosts": [{"name": "h", "sessions": [session]}]}]})
    ((read,),) = contents.sessions.values()
    assert read.create_time == datetime(2026, 1, 2, 3, 4, 5, 670000, tzinfo=timezone.utc)
    assert read.idle_ms == 120_000
    with pytest.raises(DefinitionError, match="pool p, host h"):
        parse({"pools": [{"name": "p", "hosts": [{"name": "h", "sessions": [{"id": 2, "colour": "red"}]}]}]})
    with pytest.raises(DefinitionError, match="pool p"):
        parse({"pools": [{"name": "p", "colour": "red"}]})
