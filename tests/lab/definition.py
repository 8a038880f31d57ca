# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a farm definition (YAML or JSON; farm.yml beside this file is the example) into farm contents.

Everything is optional but `pools[].name` and the hosts' names. Ages are minutes before the load. A pool with
`generate: {hosts: 500, sessions_per_host: 100}` is filled with made-up hosts and users, the same ones every time.
An AVD pool may have `scaling_plans` and a `session_host_update`, with the fields in azure_resources.py.
`schedule` beside the pools is what happens later, by itself: a list of steps as changes.py describes them.
"""

from __future__ import annotations

import pathlib
import random
import typing
import uuid
from datetime import datetime, timedelta

from . import azure_resources
from .farm import (
    DISCONNECTED,
    Contents,
    Host,
    Pool,
    Principal,
    Session,
    Subscription,
    account_of,
    now_10_ms,
    whole_10_ms,
)

Definition = dict[str, typing.Any]

DEFAULT = pathlib.Path(__file__).with_name("farm.yml")
SUBSCRIPTION = "a7d00000-0000-4000-8000-000000000001"
SESSION_RIGHTS = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.DesktopVirtualization/hostpools/read",
    "Microsoft.DesktopVirtualization/hostpools/sessionhosts/read",
    "Microsoft.DesktopVirtualization/hostpools/sessionhosts/usersessions/*",
    "Microsoft.Authorization/*/read",
)
"""Those of the built-in role Desktop Virtualization User Session Operator, and of whoever lists subscriptions."""
PRINCIPALS = (
    Principal("operator", ("*",), "operator@contoso.com"),
    Principal("session_operator", SESSION_RIGHTS, "session.operator@contoso.com"),
    Principal("reader", ("*/read",), "reader@contoso.com"),
    Principal("nobody", (), "nobody@contoso.com"),
)


class DefinitionError(ValueError):
    """The farm definition is not one; the text says where."""


def read(path: pathlib.Path = DEFAULT) -> Definition:
    """The definition as data. JSON is YAML, so one parser serves both."""
    import yaml  # costs start-up time, and a farm that came over the control API does not need it

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # (a safe loader)
    if not isinstance(definition, dict):
        raise DefinitionError(f"{path.name}: a farm definition is a mapping with pools")
    return definition


def parse(definition: Definition) -> Contents:
    """Contents for `Farm.replace`."""
    now = now_10_ms()
    contents = Contents(principals=[_principal(item) for item in definition.get("principals", ())] or list(PRINCIPALS))
    for item in definition.get("pools", ()):
        pool = _pool(item)
        hosts, sessions = _explicit(item, now)
        if "generate" in item:
            more_hosts, more_sessions = _generated(item["generate"], now)
            hosts += more_hosts
            sessions += more_sessions
        contents.pools.append(pool)
        contents.hosts[pool.key] = hosts
        contents.sessions[pool.key] = sessions
    contents.subscriptions = [
        Subscription(str(item["id"]), item.get("name", "Contoso"), tuple(item.get("resource_groups", ())))
        for item in definition.get("subscriptions", ())
    ]
    _complete_subscriptions(contents)
    return contents


def _principal(item: Definition) -> Principal:
    return Principal(
        item["name"],
        tuple(item.get("rights", ("*",))),
        item.get("user_name", ""),
        tuple(item.get("subscriptions", ())),
    )


def _pool(item: Definition) -> Pool:
    fields = {key: value for key, value in item.items() if key not in ("hosts", "generate")}
    fields.setdefault("service", "wvd")
    if fields["service"] == "wvd":
        fields.setdefault("subscription", SUBSCRIPTION)
        fields.setdefault("resource_group", "rg-avd")
    fields["passive_brokers"] = tuple(fields.get("passive_brokers", ()))
    try:
        return Pool(**azure_resources.read(fields))
    except (TypeError, ValueError) as error:
        raise DefinitionError(f"pool {item.get('name')}: {error}") from error


def _complete_subscriptions(contents: Contents) -> None:
    """Every subscription and resource group a pool names exists."""
    known = {subscription.id: subscription for subscription in contents.subscriptions}
    for pool in contents.pools:
        if pool.service != "wvd":
            continue
        groups = known[pool.subscription].resource_groups if pool.subscription in known else ()
        if pool.resource_group.lower() not in (group.lower() for group in groups):
            name = known[pool.subscription].name if pool.subscription in known else "Contoso"
            known[pool.subscription] = Subscription(pool.subscription, name, (*groups, pool.resource_group))
    contents.subscriptions = list(known.values()) or [Subscription(SUBSCRIPTION, "Contoso", ("rg-avd",))]


def _explicit(item: Definition, now: datetime) -> tuple[list[Host], list[Session]]:
    hosts, sessions = [], []
    for host_item in item.get("hosts", ()):
        fields = {key: value for key, value in host_item.items() if key != "sessions"}
        if "heart_beat_age" in fields:
            fields.setdefault("heart_beat_seconds", 0)
        age = fields.pop("heart_beat_age", 0)
        try:
            hosts.append(Host(last_heart_beat=now - timedelta(minutes=age), **fields))
            sessions += [_session(host_item["name"], session, now) for session in host_item.get("sessions", ())]
        except TypeError as error:
            raise DefinitionError(f"pool {item['name']}, host {host_item.get('name')}: {error}") from error
    return hosts, sessions


def _session(host: str, item: Definition, now: datetime) -> Session:
    """`age`, `idle` and `disconnected` are minutes; `create_time` may be given instead of `age` as ISO text."""
    fields = dict(item)
    age = timedelta(minutes=fields.pop("age", 60))
    fields["user"] = fields.get("user") or ""
    fields.setdefault("ad_user_name", account_of(fields["user"]))
    if "create_time" in fields:
        text = str(fields["create_time"]).replace("Z", "+00:00")
        fields["create_time"] = whole_10_ms(datetime.fromisoformat(text))
    else:
        fields["create_time"] = now - age
    fields["idle_ms"] = int(fields.pop("idle", 0) * 60_000)
    disconnected = fields.pop("disconnected", None)
    if disconnected is None and fields.get("state") == DISCONNECTED:
        disconnected = 0
    if disconnected is not None:
        fields["disconnect_time"] = now - timedelta(minutes=disconnected)
    return Session(host=host, **fields)


def _weights(names: typing.Any) -> dict[str, float]:
    """A list of names means: all as often."""
    return dict(names) if isinstance(names, dict) else dict.fromkeys(names, 1.0)


def _generated(item: Definition, now: datetime) -> tuple[list[Host], list[Session]]:
    """Made-up hosts and sessions; `{host}` and `{user}` in the names count from 0, session ids from 1."""
    chance = random.Random(item.get("seed", 1))  # (the same farm every time)
    host_name = item.get("host_name", "host-{host:04d}.contoso.com")
    user_name = item.get("user", "user{user:05d}@contoso.com")
    states = _weights(item.get("states", {"Active": 6, "Disconnected": 3, "Pending": 1}))
    applications = _weights(item.get("applications", {"Desktop": 4, "RemoteApp": 1}))
    host_count, per_host = int(item.get("hosts", 1)), int(item.get("sessions_per_host", 1))
    names = [host_name.format(host=number) for number in range(host_count)]
    hosts = [Host(name, object_id=str(uuid.UUID(int=chance.getrandbits(128), version=4))) for name in names]

    total = host_count * per_host
    state_of = chance.choices(list(states), list(states.values()), k=total)
    application_of = chance.choices(list(applications), list(applications.values()), k=total)
    age_of = [chance.randrange(60_00, 86_400_00) for _ in range(total)]  # hundredths of a second
    order = list(range(total))
    chance.shuffle(order)
    sessions = []
    for number in order:
        host_number, on_host = divmod(number, per_host)
        user = user_name.format(user=number, host=host_number)
        age = timedelta(milliseconds=age_of[number] * 10)
        disconnected = state_of[number] == DISCONNECTED
        sessions.append(
            Session(
                host=names[host_number],
                id=on_host + 1,
                user=user,
                state=state_of[number],
                application=application_of[number],
                create_time=now - age,
                disconnect_time=now - age / 2 if disconnected else None,
                idle_ms=age_of[number] * 5 if disconnected else 0,
                object_id=f"{number:08x}-5e55-4000-8000-{host_number:06x}{on_host + 1:06x}",
                ad_user_name=account_of(user),
            )
        )
    return hosts, sessions
