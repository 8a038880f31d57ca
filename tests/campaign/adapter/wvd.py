# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Virtual Desktop over a stand-in of ArmClient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import wvd
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Event, Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.pacing import Pacing
from tests.campaign.adapter.names import STATES, host_pool, make_operation, user_name
from tests.campaign.farm import Act, Answer, Effect, Shown
from tests.campaign.kind import WVD
from tests.campaign.schedule import ActFault, ActPlan, ListFault
from tests.campaign.stage import PLACES, Stage

SILENCE = 30.0
"""Seconds after which an answer that does not come is given up."""
Row = dict[str, Any]
Names = tuple[str, str, str, str]
"""Resource group, host pool, session host and id."""


def read_row(place: str, shown: Shown) -> Row:
    """Make a row of ARM's list."""
    pool = host_pool(place)
    id_ = (
        f"/subscriptions/{pool.subscription}/resourcegroups/{pool.resource_group}/providers"
        f"/Microsoft.DesktopVirtualization/hostpools/{place}/sessionhosts/{shown.host}/usersessions/"
        f"{shown.login.spot[2]}"
    )
    return {
        "id": id_,
        "properties": {
            "userPrincipalName": user_name(WVD, shown.user) if shown.user else None,
            "sessionState": STATES[WVD][shown.state],
            "createTime": shown.created.isoformat().replace("+00:00", "Z") if shown.created else None,
        },
    }


class FakeArm:
    """Stands for the client of a subscription."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._world, self._farm = stage.world, stage.farm
        self.writes, self.deletes = Pacing(10.0, stage.world.clock), Pacing(10.0, stage.world.clock)

    def pages(self, resource_group: str, host_pool: str, host: str = "") -> Iterator[tuple[list[Row], float]]:
        """Read a list page by page; each shows what is there when it is read."""
        size, offset, more = self._stage.schedule.page_size, 0, True
        while more:
            plan = self._stage.next_list()
            reading = self._stage.begin_reading(host_pool, host)
            sent_at = self._world.clock()
            seconds = SILENCE if plan.fault is ListFault.HANGS else plan.seconds
            self._world.sleep(seconds * plan.look_at)
            rows = self._stage.look(host_pool, host, plan)
            rows.sort(key=lambda row: (row.login.spot, row.login.number))
            self._world.sleep(seconds * (1 - plan.look_at))
            if plan.fault in (ListFault.FAILS, ListFault.HALF, ListFault.HANGS, ListFault.LOST):
                self._farm.fail(reading)
                raise ServiceError("Azure gave no clear answer.", lasting=False)
            more = offset + size < len(rows)
            page = rows[offset : offset + size]
            self._farm.deliver(reading, page, whole=not more and not offset)
            yield [read_row(host_pool, row) for row in page], sent_at
            offset += size

    def session(self, resource_group: str, host_pool: str, host: str, id_: str) -> tuple[Row, float] | None:
        """Read one session."""
        plan = self._stage.next_list()
        reading = self._stage.begin_reading(host_pool, host, id_)
        sent_at = self._world.clock()
        seconds = SILENCE if plan.fault is ListFault.HANGS else plan.seconds
        self._world.sleep(seconds * plan.look_at)
        rows = [row for row in self._stage.look(host_pool, host, plan) if row.login.spot[2] == id_][:1]
        self._world.sleep(seconds * (1 - plan.look_at))
        if plan.fault in (ListFault.FAILS, ListFault.HALF, ListFault.HANGS, ListFault.LOST):
            self._farm.fail(reading)
            raise ServiceError("Azure gave no clear answer.", lasting=False)
        self._farm.deliver(reading, rows, whole=True)
        return (read_row(host_pool, rows[0]), sent_at) if rows else None

    def has_host(self, resource_group: str, host_pool: str, host: str) -> bool:
        """Say that there is every host."""
        return True

    def close(self) -> None:
        """There are no connections."""

    def disconnect(self, names: Names, send_before: float) -> tuple[Reply, str]:
        """Send one disconnect."""
        return self._act(names, send_before, self.writes, Effect.DISCONNECTS)

    def log_off(self, names: Names, send_before: float, *, force: bool) -> tuple[Reply, str]:
        """Send one deletion. Of a session that is not there it is done, unless by force."""
        return self._act(names, send_before, self.deletes, Effect.ENDS, 404 if force else 204, force=force)

    def send_message(
        self, names: Names, send_before: float, *, message_title: str | None, message_body: str | None
    ) -> tuple[Reply, str]:
        """Send one message."""
        what = Effect.LEAVES_MESSAGE
        return self._act(names, send_before, self.writes, what, message_title=message_title, message_body=message_body)

    def _act(
        self, names: Names, send_before: float, bucket: Pacing, effect: Effect, absent: int = 404, **given: object
    ) -> tuple[Reply, str]:
        bucket.begin()
        try:
            return self._try(names, send_before, bucket, effect, absent, given)
        finally:
            bucket.end()

    def _try(
        self,
        names: Names,
        send_before: float,
        bucket: Pacing,
        effect: Effect,
        absent: int,
        given: Mapping[str, object],
    ) -> tuple[Reply, str]:
        plan = self._stage.next_act()
        if plan.fault is ActFault.UNSENT and plan.flavour % 2:
            self._world.sleep(plan.seconds)
            bucket.refused(None)
            return Reply.NOT_SENT, "no clear answer (no connection)"
        if plan.fault is ActFault.UNSENT:
            self._world.sleep(max(0.0, send_before - self._world.now))
        if self._world.clock() >= send_before:
            return Reply.NOT_SENT, "it could not be sent in time"
        _resource_group, host_pool, host, session_id = names
        act = self._stage.begin_act(host_pool, host, session_id, effect, **given)
        act.faulty = plan.fault not in (None, ActFault.THROTTLED)
        reply, answer, reason = self._answer(act, plan, absent)
        self._farm.answer(act, answer, reason)
        if reply is Reply.THROTTLED:
            bucket.refused((None, 2.0, 7.0)[plan.flavour % 3])
        return reply, reason

    def _answer(self, act: Act, plan: ActPlan, absent: int) -> tuple[Reply, Answer, str]:
        world, farm, fault = self._world, self._farm, plan.fault

        def apply() -> None:
            farm.apply(act, plan.ending)

        if fault in (ActFault.HANG, ActFault.HANG_AFTER, ActFault.HANG_LATE):
            world.sleep(1.0)
            if fault is ActFault.HANG_AFTER:
                apply()
            world.sleep(SILENCE - 1.0)
            if fault is ActFault.HANG_LATE:
                world.after(plan.late, apply)
            return Reply.UNCLEAR, Answer.UNCLEAR, "no clear answer"
        if fault is ActFault.THROTTLED:
            world.sleep(plan.seconds)
            return Reply.THROTTLED, Answer.THROTTLED, "answer 429"
        if fault is ActFault.REFUSED:
            world.sleep(plan.seconds)
            return Reply.REFUSED, Answer.REFUSED, "answer 403"
        if fault is ActFault.NOT_FOUND:
            world.sleep(plan.seconds)
            return Reply.GONE, Answer.ABSENT, f"answer {absent}"
        unclear = Reply.UNCLEAR, Answer.UNCLEAR, ("answer 503", "no clear answer (reset)")[plan.flavour % 2]
        if fault in (ActFault.BEFORE, ActFault.LOST_BEFORE):
            world.sleep(plan.seconds)
            return unclear
        if fault in (ActFault.AFTER, ActFault.LOST_AFTER):
            world.sleep(plan.seconds * 0.5)
            apply()
            world.sleep(plan.seconds * 0.5)
            return unclear
        if fault is ActFault.LATE:
            world.sleep(plan.seconds)
            world.after(plan.late, apply)
            return unclear
        if farm.occupant(act.spot) is None:
            world.sleep(plan.seconds)
            return Reply.GONE, Answer.ABSENT, f"answer {absent}"
        if fault is not ActFault.STUCK:
            world.after(plan.seconds * plan.effect_at, apply)
        world.sleep(plan.seconds)
        return Reply.DONE, Answer.ACCEPTED, ""


class Jobs:
    """Runs the service's jobs as coroutines."""

    def __init__(self, stage: Stage) -> None:
        self._world, self._farm = stage.world, stage.farm
        self._events: list[Event] = []

    def act(self, job: Callable[[], None]) -> None:
        """Begin an act."""
        self._world.spawn(job)

    def read(self, job: Callable[[], None]) -> None:
        """Begin a look."""

        def timed() -> None:
            begun = self._world.now
            job()
            self._farm.looks.append(self._world.now - begun)

        self._world.spawn(timed)

    def answer(self, event: Event) -> None:
        """Take an answer out of a job."""
        self._events.append(event)

    def wait(self, seconds: float) -> list[Event]:
        """Return what has been answered; wait for the first at most that long."""
        self._world.wait(max(0.0, seconds), lambda: bool(self._events))
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Nothing is kept."""


def make_service(stage: Stage) -> wvd.WvdService:
    """Make the service."""
    pools = [host_pool(place) for place in PLACES[: stage.schedule.pools]]
    return wvd.WvdService(pools, lambda _subscription: FakeArm(stage), make_operation(stage.schedule), Jobs(stage))  # type: ignore[arg-type,return-value]
