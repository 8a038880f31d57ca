# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users who come and go, hosts that somebody else changes or that restart: as a schedule says, each at its own time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.lab import changes
from tests.lab.changes import ScheduleError
from tests.lab.client import Lab, LabError
from tests.lab.definition import parse
from tests.lab.farm import SERVICES, Farm, HostNotFoundError, Pool, PoolNotFoundError

HOST = "H0.contoso.com"
ALICE, BOB, CAROL = "alice@contoso.com", "bob@contoso.com", "carol@contoso.com"
SESSIONS = [{"id": 3, "user": ALICE}, {"id": 2, "user": BOB, "state": "Disconnected", "disconnected": 30}]
POOLS = [
    {"service": service, "name": service, "hosts": [{"name": HOST, "heart_beat_age": 10, "sessions": SESSIONS}]}
    for service in SERVICES
]
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class Clock:
    """Goes on when the test says so."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def farm(clock: Clock) -> Farm:
    made = Farm(clock)
    made.replace(parse({"pools": POOLS}))
    return made


@pytest.fixture
def pool(farm: Farm) -> Pool:
    return farm.pool("wvd", "wvd")


def step(after: float, what: str, service: str = "wvd", **body: Any) -> dict[str, Any]:
    return {"after": after, "what": what, "service": service, "pool": service, "host": HOST, **body}


def told(farm: Farm) -> list[tuple[float, str, str, str, str]]:
    """When, verb, effect, whose session, who did it."""
    return [
        (seconds(one["time"]), one["verb"], one["effect"], (one["owner"] or {}).get("user", ""), one["by"])
        for one in farm.audit()
    ]


def seconds(then: str | datetime | None) -> float:
    """Since the start; the audit's times differ by a microsecond at least."""
    assert then is not None
    moment = datetime.fromisoformat(then.replace("Z", "+00:00")) if isinstance(then, str) else then
    return round((moment - START).total_seconds(), 3)


def sessions(farm: Farm, service: Any = "wvd") -> dict[int, tuple[str, str]]:
    return {one.id: (one.user, one.state) for one in farm.sessions(farm.pool(service, service))}


@pytest.mark.parametrize("service", SERVICES)
def test_users_come_go_and_return_on_every_service(farm: Farm, clock: Clock, service: str) -> None:
    changes.schedule(
        farm,
        [
            step(600, "remove", service, id=2),
            step(1, "remove", service, id=3),
            step(2, "sessions", service, user=CAROL, id=3),
            step(3, "change", service, id=3, state="Disconnected"),
            step(1, "change", service, id=2, state="Active"),
            step(5, "give_id", service, id=2, user=ALICE, by="chance"),
        ],
    )
    clock.seconds = 0.9
    assert sessions(farm, service) == {3: (ALICE, "Active"), 2: (BOB, "Disconnected")}
    clock.seconds = 1
    assert sessions(farm, service) == {2: (BOB, "Active")}
    clock.seconds = 60
    assert sessions(farm, service) == {3: (CAROL, "Disconnected"), 2: (ALICE, "Active")}
    assert told(farm) == [
        (1, "remove", "done", ALICE, "lab"),
        (1, "change", "done", BOB, "lab"),
        (2, "add", "done", CAROL, "lab"),
        (3, "change", "done", CAROL, "lab"),
        (5, "give_id", "done", BOB, "chance"),
    ]
    assert [one["what"] for one in changes.to_come(farm)] == ["remove"]


def test_what_nobody_watched_is_seen_as_of_its_own_time(farm: Farm, pool: Pool, clock: Clock) -> None:
    changes.schedule(farm, [step(1, "change", id=3, state="Disconnected"), step(2, "sessions", user=CAROL)])
    clock.seconds = 4
    farm.list_lag = 1.5
    listed = {session.user: session for session in farm.sessions(pool, lagged=True)}
    assert seconds(listed[ALICE].disconnect_time) == 1
    assert seconds(listed[CAROL].create_time) == 2
    farm.list_lag = 2.5
    listed = {session.user: session for session in farm.sessions(pool, lagged=True)}
    assert (listed[ALICE].state, set(listed)) == ("Disconnected", {ALICE, BOB})


def test_another_state_alone_sets_the_disconnect_time(farm: Farm, pool: Pool) -> None:
    long_ago = farm.session(pool, HOST, 2).disconnect_time
    changes.make(farm, "change", step(0, "change", id=2, idle_ms=7))
    assert farm.session(pool, HOST, 2).disconnect_time == long_ago
    changes.make(farm, "change", step(0, "change", id=2, state="Active"))
    assert farm.session(pool, HOST, 2).disconnect_time is None
    then = "2026-01-02T03:04:05.670000Z"
    row = changes.make(farm, "change", step(0, "change", id=2, state="Disconnected", disconnect_time=then))
    assert row["disconnect_time"] == then


def test_delayed_verbs_and_steps_happen_in_the_order_of_their_times(farm: Farm, pool: Pool, clock: Clock) -> None:
    farm.effect_delay = 5
    farm.logoff(pool, HOST, 3)
    farm.logoff(pool, HOST, 2)
    changes.schedule(farm, [step(2, "give_id", id=3, user=CAROL), step(8, "remove", id=2)])
    clock.seconds = 10
    assert sessions(farm) == {3: (CAROL, "Active")}
    assert told(farm)[2:] == [
        (2, "give_id", "done", ALICE, "lab"),
        (5, "logoff", "lost", ALICE, "lab"),
        (5, "logoff", "done", BOB, "lab"),
        (8, "remove", "lost", "", "lab"),
    ]
    assert farm.audit()[-1]["detail"] == {"why": f"no session 2 on {HOST}"}


def test_somebody_else_drains_and_opens_a_host(farm: Farm, pool: Pool, clock: Clock) -> None:
    changes.schedule(
        farm,
        [
            step(1, "drain", allow_new_session=False, by="Autoscale"),
            step(3, "drain", allow_new_session=True, by="colleague"),
        ],
    )
    clock.seconds = 2
    assert farm.host(pool, HOST).allow_new_session is False
    clock.seconds = 4
    assert [host.allow_new_session for host in farm.hosts(pool)] == [True]
    assert told(farm) == [(1, "drain", "done", "", "Autoscale"), (3, "undrain", "done", "", "colleague")]


def test_a_host_restarts(farm: Farm, clock: Clock) -> None:
    rds = farm.pool("rds", "rds")
    farm.change_host(rds, HOST, new_connection_allowed="NotUntilReboot", allow_new_session=False)
    clock.seconds = 10
    changes.make(farm, "reboot", step(0, "reboot", "rds", seconds=60, heartbeat_after=120, by="patching"))
    seen = []
    for clock.seconds in (69, 70, 189, 190):
        host = farm.host(rds, HOST)
        seen.append((host.status, host.new_connection_allowed, host.allow_new_session, seconds(host.last_heart_beat)))
    assert seen == [
        ("Unavailable", "NotUntilReboot", False, 10),
        ("Available", "Yes", False, 10),
        ("Available", "Yes", False, 10),
        ("Available", "Yes", False, 190),
    ]
    assert sessions(farm, "rds") == {}
    assert told(farm)[1:] == [
        (10, "reboot", "done", "", "patching"),
        (10, "remove", "done", ALICE, "patching"),
        (10, "remove", "done", BOB, "patching"),
        (70, "change_host", "done", "", "patching"),
        (190, "change_host", "done", "", "patching"),
    ]
    assert changes.to_come(farm) == []


def test_a_host_that_restarts_may_leave_ghosts_until_it_is_up(farm: Farm, pool: Pool, clock: Clock) -> None:
    changes.make(farm, "reboot", step(0, "reboot", seconds=60, ghosts=True))
    clock.seconds = 59
    farm.logoff(pool, HOST, 3)
    assert sessions(farm) == {3: (ALICE, "Active"), 2: (BOB, "Disconnected")}
    clock.seconds = 60
    assert sessions(farm) == {}
    assert told(farm)[1:4] == [
        (59, "logoff", "stuck", ALICE, "lab"),
        (60, "remove", "done", ALICE, "lab"),
        (60, "remove", "done", BOB, "lab"),
    ]


def test_a_host_that_is_closed_stays_so_when_it_restarts(farm: Farm, clock: Clock) -> None:
    rds = farm.pool("rds", "rds")
    farm.change_host(rds, HOST, new_connection_allowed="No")
    changes.schedule(farm, [step(1, "reboot", "rds", seconds=5, status="Shutdown")])
    clock.seconds = 2
    assert (farm.host(rds, HOST).status, farm.host(rds, HOST).new_connection_allowed) == ("Shutdown", "No")
    clock.seconds = 7
    assert (farm.host(rds, HOST).status, farm.host(rds, HOST).new_connection_allowed) == ("Available", "No")


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (step(1, "dance"), ScheduleError, "step 1: KeyError: 'dance'"),
        (step(-1, "remove", id=3), ScheduleError, "after -1 is no number"),
        (step(True, "remove", id=3), ScheduleError, "after True is no number"),
        ({"what": "remove"}, ScheduleError, "'after'"),
        (step(1, "remove"), ScheduleError, "missing: id"),
        (step(1, "remove", id="two"), ScheduleError, "'two'"),
        (step(1, "sessions", id=3), ScheduleError, "missing: user"),
        (step(1, "drain"), ScheduleError, "missing: allow_new_session"),
        (step(1, "reboot", stuck=True), ScheduleError, "unknown: stuck"),
        (step(1, "change", id=3, status="Available"), ScheduleError, "unknown: status"),
        (step(1, "host", last_heart_beat="yesterday"), ScheduleError, "yesterday"),
        (step(1, "pool", scaling_plans=[{"colour": "red"}]), ScheduleError, "colour"),
        (step(1, "pool", session_host_update={"status": "Rolling"}), ScheduleError, "no status of an update: Rolling"),
        ({**step(1, "remove", id=3), "host": "nowhere"}, HostNotFoundError, "no host nowhere"),
        (step(1, "remove", id=3, follows={}), ScheduleError, "follows {} must hold some of verb"),
        (step(1, "remove", id=3, follows={"user": BOB}), ScheduleError, "follows"),
        (step(1, "remove", id=3, follows="message"), ScheduleError, "follows 'message'"),
        ({**step(1, "remove", id=3), "pool": "nowhere"}, PoolNotFoundError, "no wvd pool nowhere"),
    ],
)
def test_a_bad_step_is_named_and_none_is_kept(farm: Farm, bad: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        changes.schedule(farm, [step(1, "remove", id=3), bad])
    assert changes.to_come(farm) == []


def test_a_step_waits_for_what_it_follows(farm: Farm, pool: Pool, clock: Clock) -> None:
    follows = [{"verb": "message", "id": 3}, {"verb": "add"}, {"verb": "remove", "host": HOST, "id": 3}]
    changes.schedule(
        farm,
        [
            step(2, "sessions", user=CAROL, id=8, follows=follows[0]),
            step(0, "remove", id=3, follows=follows[1]),
            step(1, "change", id=2, state="Active", follows=follows[2]),
        ],
    )
    assert [(one["what"], one["due"]) for one in changes.to_come(farm)] == [
        ("sessions", None),
        ("remove", None),
        ("change", None),
    ]
    clock.seconds = 600
    farm.message(pool, HOST, 2, ("", "to another"))
    farm.message(farm.pool("wms", "wms"), HOST, 3, ("", "elsewhere"))
    assert len(farm.audit()) == 2
    farm.message(pool, HOST, 3, ("", ""))
    farm.message(pool, HOST, 3, ("", "once more, which moves nothing"))
    clock.seconds = 700
    assert told(farm)[4:] == [
        (602, "add", "done", CAROL, "lab"),
        (602, "remove", "done", ALICE, "lab"),
        (603, "change", "done", BOB, "lab"),
    ]
    assert changes.to_come(farm) == []


def test_a_new_farm_has_no_old_schedule(farm: Farm, clock: Clock) -> None:
    changes.schedule(farm, [step(1, "remove", id=3)])
    farm.replace(parse({"pools": POOLS}))
    clock.seconds = 2
    assert told(farm) == []
    assert changes.to_come(farm) == []


def test_schedule_by_call_and_in_the_definition(lab: Lab) -> None:
    where = {"service": "wvd", "pool": "pool-01", "host": "AVD-0.contoso.com"}
    drain = {"after": 0, "what": "drain", **where, "allow_new_session": False, "by": "Autoscale"}
    (to_come,) = lab.schedule({"after": 600, "what": "remove", **where, "id": 3}, drain)
    assert (to_come["what"], to_come["host"], to_come["id"]) == ("remove", "AVD-0.contoso.com", 3)
    assert lab.schedule() == [to_come]
    assert [(one["verb"], one["host"], one["by"]) for one in lab.audit()] == [
        ("drain", "avd-0.contoso.com", "Autoscale")
    ]
    lab.reset({"pools": POOLS, "schedule": [step(0, "remove", id=3), step(600, "reboot")]})
    assert [one["what"] for one in lab.schedule()] == ["reboot"]
    assert [(one["verb"], one["id"]) for one in lab.audit()] == [("remove", 3)]


def test_a_schedule_that_does_not_fit_leaves_the_old_farm(lab: Lab) -> None:
    farm = {"pools": [{"name": "p", "hosts": [{"name": HOST}]}]}
    for bad, says in (
        (step(1, "remove", id=2), "schedule: no wvd pool wvd"),
        ({}, "schedule: step 0: KeyError: 'what'"),
    ):
        with pytest.raises(LabError, match=says):
            lab.reset({**farm, "schedule": [bad]})
    assert len(lab.hosts()) > 1
