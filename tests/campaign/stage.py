# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm as a schedule says, and the things that happen on it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.campaign.farm import ACTIVE, DISCONNECTED, Act, Effect, Farm, Login, Reading, Shown, Spot, time_of_day
from tests.campaign.schedule import USERS, ActPlan, Happening, ListFault, ListPlan, Schedule, SessionPlan, What
from tests.campaign.world import START, World

PLACES = ("pool-1", "pool-2")
HOSTS = ("host-1", "host-2", "host-3")


@dataclass(slots=True)
class Stage:
    """A farm that is being played."""

    schedule: Schedule
    world: World = field(default_factory=World)
    farm: Farm = field(init=False)
    _lists: int = 0
    _acts: int = 0
    _waiting: defaultdict[tuple[str, int], list[Happening]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.farm = Farm(self.world)
        for plan in self.schedule.sessions:
            self._open(plan)
        for one in self.schedule.happenings:
            if one.after[0] == "run":
                self.world.after(one.delay, lambda one=one: self._happen(one))  # type: ignore[misc]
            else:
                self._waiting[one.after].append(one)

    def _open(self, plan: SessionPlan) -> None:
        spot = (PLACES[plan.pool], HOSTS[plan.host], plan.id)
        login = self.farm.sign_in(spot, plan.user, self._created(plan.age), plan.state)
        login.begun = START - plan.age
        login.states = [(login.begun, plan.state)]
        if plan.ghost:
            login.readable.append((0.0, False))
            self.farm.note(login, " cannot be read")

    def _created(self, age: float) -> datetime | None:
        return None if self.schedule.timeless else time_of_day(self.world.now) - timedelta(seconds=age)

    # Calls

    def next_list(self) -> ListPlan:
        """Say how the next list is answered."""
        plan = self.schedule.list_plan(self._lists)
        self._lists += 1
        self.farm.lag = max(self.farm.lag, plan.lag)
        if plan.fault is not None:
            self.farm.troubles.append(f"a list: {plan.fault.value}")
        return plan

    def next_act(self) -> ActPlan:
        """Say how the next act is answered."""
        plan = self.schedule.act_plan(self._acts)
        self._acts += 1
        return plan

    def begin_reading(self, place: str, host: str = "", id_: str = "") -> Reading:
        """Begin a list."""
        reading = self.farm.begin_reading(place, host.lower(), id_)
        self._trigger("list", reading.number)
        return reading

    def look(self, place: str, host: str, plan: ListPlan) -> list[Shown]:
        """Look at the farm for a list."""
        rows = list(self.farm.rows(place, host.lower(), plan.lag))
        if plan.fault is ListFault.DOUBLE and rows and self.schedule.kind.service.may_show_twice:
            first = rows[0]
            other = Login(-1, first.login.spot, "mallory", first.created, 0.0, states=[(0.0, ACTIVE)])
            rows.append(Shown(other, first.host, other.user, ACTIVE, first.created))
        return rows

    def begin_act(self, place: str, host: str, id_: str, effect: Effect, **given: object) -> Act:
        """Begin an act."""
        act = self.farm.begin_act(place, host, id_, effect, **given)
        self._trigger("act", act.number)
        return act

    def _trigger(self, kind: str, number: int) -> None:
        for one in self._waiting.pop((kind, number), ()):
            self.world.after(one.delay, lambda one=one: self._happen(one))  # type: ignore[misc]

    # Happenings

    def _happen(self, one: Happening) -> None:
        farm, spots = self.farm, list(self.farm.spots)
        spot = spots[one.target % len(spots)]
        login = farm.occupant(spot)
        if one.what is What.COME:
            place, host, _id = spot
            self._come((place, host, str(20 + len(farm.logins))), USERS[one.target % len(USERS)])
        elif login is None:
            if one.what in (What.TAKE_OVER, What.COME_BACK):
                self._take(spot, farm.spots[spot][-1], one.what)
        elif one.what is What.LEAVE:
            farm.sign_out(login, "the user leaves")
        elif one.what in (What.TAKE_OVER, What.COME_BACK):
            farm.sign_out(login, "the user leaves")
            if one.gap:
                self.world.after(one.gap, lambda: self._take(spot, login, one.what))
            else:
                self._take(spot, login, one.what)
        elif one.what is What.DISCONNECT:
            farm.set_state(login, DISCONNECTED, "the user disconnects")
        elif one.what is What.RECONNECT:
            farm.set_state(login, ACTIVE, "the user reconnects")
        elif one.what is What.GHOST:
            self._hide(login, False)
            self.world.after(one.gap + 0.7, lambda: self._hide(login, True))
        elif one.what is What.RESPELL_HOST:
            farm.shouted ^= {spot[:2]}
            farm.respelled.add(spot[:2])
            farm.note(spot[1], " is spelled ", "in capitals" if spot[:2] in farm.shouted else "small")
        else:
            login.shouted = not login.shouted
            farm.note(login, " is spelled ", "in capitals" if login.shouted else "small")

    def _hide(self, login: Login, readable: bool) -> None:
        login.readable.append((self.world.now, readable))
        self.farm.note(login, " can" if readable else " cannot", " be read")

    def _take(self, spot: Spot, before: Login, what: What) -> None:
        """Let somebody have an id again; a session that nobody could tell from the one before is no case to judge."""
        if self.farm.occupant(spot) is not None:
            return
        distinct = not self.schedule.timeless and self.world.now - before.begun > 2.0
        if what is What.COME_BACK and distinct:
            self._come(spot, before.user)
        else:
            used = {login.user for login in self.farm.spots[spot]}
            self._come(spot, next((user for user in USERS if user not in used), f"guest-{len(self.farm.logins)}"))

    def _come(self, spot: Spot, user: str) -> None:
        self.farm.sign_in(spot, user, self._created(0))
