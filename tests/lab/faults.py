# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the ARM door, as rules that match requests.

    {"operation": "disconnect", "host": "avd-0.contoso.com", "id": 2, "when": "after", "kind": "status",
     "status": 503, "times": 1, "then": {"give_id_to": "mallory@contoso.com"}}

`operation` is that of the request log (`list`, `list_on_host`, `get`, `disconnect`, `logoff`, `message`, `host_list`,
`host_get`, `drain`, `host_pool_get`, `host_pool_list`, `resource_graph`, `scaling_plan_list`, `host_management_get`,
`host_update_get`, `subscriptions`, `subscription`, `metadata`, `openid`, `token`, `userrealm`, `instance_discovery`,
`managed_identity`), or `*`. `host`, `id` and `pool` narrow it where the request names them; where it does not (a list),
they say whom `then` means. After the first `skip` matches the rule acts `times` times (0: always). `when` is `before`
or `after` the effect. Kinds:

    status     answer `status`, with `code` and `message` or the whole `body` (text, or data for JSON), `retry_after`
    reset      cut the TCP connection with RST
    slow       wait `seconds`, then go on
    hang       keep silent until the client leaves, at most 600 s; a verb `before` its effect has none
    truncate   send half the body of the answer, then close
    pass       nothing but `then`

`effect_after`, on a rule before the effect that answers in its own way, is when the effect comes nevertheless, in
seconds: a request that timed out and was carried out later.

`then` changes the farm at that point (before `slow` waits): give_id_to: user, disconnect: true, logoff: true,
remove: true, and add_session: user; `then_disconnect: true` and `then_logoff: true` beside the kind mean the same.
allow_new_session: true or false is somebody else who opens or drains the host.
"""

from __future__ import annotations

import dataclasses
import threading
import typing

KINDS = ("status", "reset", "slow", "hang", "truncate", "pass")
THEN = ("give_id_to", "disconnect", "logoff", "remove", "add_session", "allow_new_session")
When = typing.Literal["before", "after"]


class FaultError(ValueError):
    """The rule is none."""


@dataclasses.dataclass
class Fault:
    """One rule; `matches` counts the requests it fitted."""

    operation: str = "*"
    kind: str = "pass"
    when: When = "before"
    host: str | None = None
    id: int | None = None
    pool: str | None = None
    skip: int = 0
    times: int = 0
    status: int = 500
    code: str = ""
    message: str = ""
    body: typing.Any = None
    retry_after: float | None = None
    seconds: float = 0.0
    effect_after: float | None = None
    then: dict[str, typing.Any] = dataclasses.field(default_factory=dict)
    matches: int = 0

    def fits(self, operation: str, pool: str, host: str, session_id: int | None) -> bool:
        return (
            self.operation in ("*", operation)
            and (self.pool is None or not pool or self.pool.lower() == pool.lower())
            and (self.host is None or not host or self.host.lower() == host.lower())
            and (self.id is None or session_id is None or self.id == session_id)
        )

    @property
    def spent(self) -> bool:
        return bool(self.times) and self.matches >= self.skip + self.times


def parse(rule: typing.Mapping[str, typing.Any]) -> Fault:
    """Raises FaultError."""
    fields = {key: value for key, value in rule.items() if value is not None}
    then = dict(fields.pop("then", {}))
    for shorthand in ("then_disconnect", "then_logoff"):
        if fields.pop(shorthand, False):
            then[shorthand.removeprefix("then_")] = True
    if "id" in fields:
        fields["id"] = int(fields["id"])
    try:
        fault = Fault(**fields, then=then)
    except TypeError as error:
        raise FaultError(f"not a fault: {error}") from error
    if fault.kind not in KINDS or fault.when not in ("before", "after"):
        raise FaultError(f"kind is one of {', '.join(KINDS)}; when is before or after")
    if fault.effect_after is not None and (fault.when == "after" or fault.kind in ("slow", "pass")):
        raise FaultError("effect_after is for a rule that keeps the request from having its effect")
    if not set(then) <= set(THEN):
        raise FaultError(f"then has {', '.join(THEN)}")
    return fault


class Faults:
    """The rules in force, the first that fits acts. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, rule: typing.Mapping[str, typing.Any]) -> None:
        fault = parse(rule)
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._rules = []

    def rules(self) -> list[dict[str, typing.Any]]:
        with self._lock:
            return [{**dataclasses.asdict(rule), "spent": rule.spent} for rule in self._rules]

    def take(self, when: When, operation: str, pool: str, host: str, session_id: int | None) -> Fault | None:
        """The rule that acts on this request now; asking counts as a match."""
        if not self._rules:
            return None
        with self._lock:
            for rule in self._rules:
                if rule.when == when and not rule.spent and rule.fits(operation, pool, host, session_id):
                    rule.matches += 1
                    if rule.matches > rule.skip:
                        return rule
        return None
