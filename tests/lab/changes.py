# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes of the farm that a test asks for at the control door: now, or later as a step of a schedule.

A body says `pool` and `host` (with `service` and `resource_group` where the name alone is not clear), and what else
the change takes; `by` is whom the audit shall name, such as Autoscale or a colleague.

    sessions   a user comes: `user`, if wanted `id`, any field of a session
    give_id    whoever holds `id` is gone, and `user` has a new session under it
    change     a session becomes another: `id`, any field. `state` alone disconnects and reconnects a user.
    remove     a user leaves: `id`
    host       any field of a host
    drain      somebody sets `allow_new_session`, as the service's verb does
    pool       `scaling_plans` or the `session_host_update` of a pool, as in a farm definition; no `host`
    reboot     the sessions end, and the host is off for `seconds` with that `status`; its heartbeat is as old as the
               reboot for `heartbeat_after` seconds more. With `ghosts` the sessions are listed until it is up.

Times are ISO texts. A schedule is a list of them with `after`, in seconds from when it is given:

    [{"after": 5, "what": "remove", "pool": "pool-01", "host": "avd-0.contoso.com", "id": 2},
     {"after": 9, "what": "drain", "pool": "pool-01", "host": "avd-0.contoso.com", "allow_new_session": true,
      "by": "Autoscale"}]

With `follows` the seconds count from the first entry of the audit, from now on, that is about the same host and has
all that it says, such as {"verb": "message", "id": 2}; a `host` in it is another host of the pool.

What is not in the farm is refused when the schedule is given, except for sessions, which come and go: a step that does
not find its session, or finds the id taken, does nothing, and the audit shows it as `lost`.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from datetime import datetime

from . import azure_resources
from .farm import LAB, AuditEntry, Caller, Farm, Host, Pool, Session, iso, whole_10_ms
from .schedule import Step

Body = dict[str, typing.Any]
_WHO = ("service", "pool", "resource_group", "host", "id", "user", "by", "after", "follows", "what")
_FOLLOWED = ("verb", "effect", "host", "id", "by")
_TIMES = ("create_time", "disconnect_time", "last_heart_beat")
_SESSION_FIELDS = dataclasses.fields(Session)


class ScheduleError(ValueError):
    """A step is none; the text says which and why."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a change happens, and who makes it."""

    farm: Farm
    pool: Pool
    host: str
    by: Caller


@dataclasses.dataclass(frozen=True)
class Change:
    """`perform` does it and answers with the new row; `needs` must be in the body; `of`: whose fields may be in it."""

    perform: typing.Callable[[Place, Body, Body], Body]
    needs: tuple[str, ...] = ()
    of: type | None = None
    takes: tuple[str, ...] = ()
    of_pool: bool = False


def _add(place: Place, body: Body, fields: Body) -> Body:
    number = None if body.get("id") is None else int(body["id"])
    return session_row(
        place.pool, place.farm.add_session(place.pool, place.host, body["user"], number, place.by, **fields)
    )


def _give_id(place: Place, body: Body, fields: Body) -> Body:
    number = int(body["id"])
    return session_row(
        place.pool, place.farm.give_id_to(place.pool, place.host, number, body["user"], place.by, **fields)
    )


def _change(place: Place, body: Body, fields: Body) -> Body:
    """`user` too; without `ad_user_name` the account stays."""
    if "user" in body:
        fields["user"] = body["user"]
    return session_row(place.pool, place.farm.change(place.pool, place.host, int(body["id"]), place.by, **fields))


def _remove(place: Place, body: Body, fields: Body) -> Body:
    return session_row(place.pool, place.farm.remove(place.pool, place.host, int(body["id"]), place.by))


def _host(place: Place, body: Body, fields: Body) -> Body:
    return host_row(place.pool, place.farm.change_host(place.pool, place.host, place.by, **fields))


def _drain(place: Place, body: Body, fields: Body) -> Body:
    place.farm.drain(place.pool, place.host, fields["allow_new_session"] is True, place.by)
    return host_row(place.pool, place.farm.host(place.pool, place.host))


def _pool(place: Place, body: Body, fields: Body) -> Body:
    return dataclasses.asdict(place.farm.change_pool(place.pool, place.by, **azure_resources.read(fields)))


def _reboot(place: Place, body: Body, fields: Body) -> Body:
    return host_row(place.pool, place.farm.reboot(place.pool, place.host, place.by, **fields))


CHANGES = {
    "sessions": Change(_add, ("user",), Session),
    "give_id": Change(_give_id, ("id", "user"), Session),
    "change": Change(_change, ("id",), Session),
    "remove": Change(_remove, ("id",)),
    "host": Change(_host, (), Host),
    "drain": Change(_drain, ("allow_new_session",), None, ("allow_new_session",)),
    "pool": Change(_pool, (), None, ("scaling_plans", "session_host_update"), of_pool=True),
    "reboot": Change(_reboot, (), None, ("seconds", "heartbeat_after", "status", "ghosts")),
}
"""By the name of the control call."""


def make(farm: Farm, what: str, body: Body) -> Body:
    """Change the farm now. Raises KeyError, ValueError, NotInFarmError."""
    fields = _fields(CHANGES[what], body)
    return CHANGES[what].perform(_place(farm, CHANGES[what], body), body, fields)


def schedule(farm: Farm, steps: typing.Iterable[Body]) -> None:
    """Have the changes made later, all or none of them. Raises ScheduleError, NotInFarmError."""
    wanted = []
    for number, body in enumerate(steps):
        try:
            change, after = CHANGES[body["what"]], body["after"]
            fields = _fields(change, body)
            int(body.get("id") or 0)
        except (KeyError, TypeError, ValueError) as error:
            raise ScheduleError(f"step {number}: {type(error).__name__}: {error}") from error
        if isinstance(after, bool) or not isinstance(after, (int, float)) or not 0 <= after < math.inf:
            raise ScheduleError(f"step {number}: after {after!r} is no number of seconds")
        follows = body.get("follows", {})
        if not isinstance(follows, dict) or ("follows" in body and not follows) or set(follows) - set(_FOLLOWED):
            raise ScheduleError(f"step {number}: follows {follows!r} must hold some of {', '.join(_FOLLOWED)}")
        wanted.append((change, _place(farm, change, body), body, fields))
    for change, place, body, fields in wanted:
        _later(farm, change, place, body, fields)


def to_come(farm: Farm) -> list[Body]:
    """What has not happened yet, the next first; delayed effects of verbs too."""
    return [
        {**step.body, "what": step.what, "due": iso(step.due) if isinstance(step, Step) else None}
        for step in farm.to_come()
    ]


def _later(farm: Farm, change: Change, place: Place, body: Body, fields: Body) -> None:
    """A function of its own, so that each step has its own names."""
    wanted = {"host": place.host, **body["follows"]} if "follows" in body else None

    def follows(entry: AuditEntry) -> bool:
        about = (entry["service"], entry["pool"]) == (place.pool.service, place.pool.name)
        return about and (wanted or {}).items() <= entry.items()

    farm.later(
        body["after"],
        place.pool,
        place.host,
        body["what"],
        lambda: change.perform(place, body, fields),
        place.by,
        body,
        None if wanted is None else follows,
    )


def _place(farm: Farm, change: Change, body: Body) -> Place:
    """The pool by its name and, where two services have one of that name, `service`."""
    name = body["pool"]
    found = [
        pool
        for pool in farm.pools(body.get("service"))
        if pool.name.lower() == name.lower()
        and body.get("resource_group", pool.resource_group).lower() == pool.resource_group.lower()
    ]
    pool = found[0] if found else farm.pool(body.get("service", "wvd"), name)
    by = Caller(body["by"]) if "by" in body else LAB
    host = "" if change.of_pool else farm.host(pool, body["host"], any_case=True).name
    return Place(farm, pool, host, by)


def _fields(change: Change, body: Body) -> Body:
    """What the body says beside whom it is about, with times as such."""
    missing = {"pool", *change.needs, *(() if change.of_pool else ("host",))} - set(body)
    if missing:
        raise ValueError(f"missing: {', '.join(sorted(missing))}")
    fields = {key: value for key, value in body.items() if key not in _WHO}
    known = {field.name for field in dataclasses.fields(change.of)} if change.of else set(change.takes)
    unknown = set(fields) - known
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    if change.of_pool:
        azure_resources.read(fields)
    if "last_heart_beat" in fields:
        fields.setdefault("heart_beat_seconds", 0)
    for name in set(fields) & set(_TIMES):
        if fields[name] is not None:
            fields[name] = whole_10_ms(datetime.fromisoformat(str(fields[name]).replace("Z", "+00:00")))
    return fields


def session_row(pool: Pool, session: Session) -> Body:
    return {
        "service": pool.service,
        "pool": pool.name,
        **{field.name: getattr(session, field.name) for field in _SESSION_FIELDS},
        "create_time": iso(session.create_time),
        "disconnect_time": iso(session.disconnect_time),
    }


def host_row(pool: Pool, host: Host) -> Body:
    row = {"service": pool.service, "pool": pool.name, **dataclasses.asdict(host)}
    row["last_heart_beat"] = iso(host.last_heart_beat)
    return row
