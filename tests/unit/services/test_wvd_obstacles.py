# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands against a window on a host pool, by what Azure Resource Manager says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.obstacles import Obstacles
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_names import HostPool
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_obstacles import (
    TOLERABLE,
    find_obstacles,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    DISCONNECT,
    LOG_OFF,
    MESSAGE,
    Verb,
)

POOL = HostPool("s-1", "rg-avd", "pool-01")
PATH = "/subscriptions/S-1/resourcegroups/RG-AVD/providers/Microsoft.DesktopVirtualization/hostpools/Pool-01"
ALL = [{"actions": ["*"], "notActions": []}]
HOSTS = "Microsoft.DesktopVirtualization/hostpools/sessionhosts"


class Arm:
    """Answers by the last part of a path."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        pooled = {"properties": {"hostPoolType": "Pooled"}}
        self.answers = {"permissions": ALL, "scalingPlans": [], "pool-01": pooled, **answers}

    def read(self, path: str, version: str, what: str) -> Mapping[str, Any] | None:
        found = self.answers.get(path.rpartition("/")[2])
        if path.endswith("sessionHostUpdateStatuses/default"):
            found = self.answers.get("update")
            assert version.endswith("-preview")
        if isinstance(found, Exception):
            raise found
        return found

    def read_all(self, path: str, version: str, what: str) -> Any:
        return self.read(path, version, what)


def ask(answers: Mapping[str, Any], *verbs: Verb, tolerated: tuple[str, ...] = ()) -> Obstacles:
    return find_obstacles(Arm(answers), [POOL], verbs, tolerated)


def plan(enabled: bool, path: str = PATH) -> dict[str, Any]:
    references = [{"hostPoolArmPath": path, "scalingPlanEnabled": enabled}]
    return {"name": "weekdays", "properties": {"hostPoolReferences": references}}


def rights(*actions: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"permissions": [{"actions": list(actions), "notActions": list(without)}]}


def test_nothing_stands_against_it() -> None:
    found = ask({"update": {"status": "Succeeded"}, "scalingPlans": [plan(False), plan(True, PATH + "2")]})
    assert (found.against, found.unknown) == ([], [])


@pytest.mark.parametrize(
    ("answers", "kind", "says"),
    [
        ({"scalingPlans": [plan(True)]}, "autoscale", "scaling plan weekdays"),
        ({"update": {"status": "Paused"}}, "session_host_update", "(Paused)"),
        ({"update": {"status": "RollingBack"}}, "session_host_update", "(RollingBack)"),
        ({"pool-01": {"properties": {"hostPoolType": "BYODesktop"}}}, "personal_host_pool", "is personal"),
        ({"pool-01": {"properties": {"hostPoolType": "Personal"}}}, "personal_host_pool", "is personal"),
    ],
)
def test_what_is_refused_may_be_tolerated(answers: dict[str, Any], kind: str, says: str) -> None:
    (sentence,) = ask(answers).against
    assert says in sentence
    assert f"set tolerate to {kind}" in sentence
    assert ask(answers, tolerated=(kind,)).against == []
    assert ask(answers, tolerated=tuple(set(TOLERABLE) - {kind})).against == [sentence]


@pytest.mark.parametrize(
    ("granted", "verbs", "lacking"),
    [
        (rights(f"{HOSTS}/*"), (MESSAGE, LOG_OFF, DISCONNECT), []),
        (rights("*/read"), (), ["/write"]),
        (rights("*/read", f"{HOSTS}/write"), (MESSAGE, LOG_OFF), ["sendMessage/action", "usersessions/delete"]),
        (rights(f"{HOSTS}/*", without=(f"{HOSTS}/USERSESSIONS/delete",)), (LOG_OFF,), ["usersessions/delete"]),
        (
            rights("Microsoft.DesktopVirtualization/hostpools/sessionhosts"),
            (),
            ["/read", "/write", "usersessions/read"],
        ),
    ],
)
def test_rights_that_lack_are_known_before(
    granted: dict[str, Any], verbs: tuple[Verb, ...], lacking: list[str]
) -> None:
    found = ask(granted, *verbs)
    said = " ".join(found.against).partition(" on the host pool")[0]
    assert said.count(HOSTS) == len(lacking)
    assert all(one in said for one in lacking)


def test_what_cannot_be_asked_is_told_and_refuses_nothing() -> None:
    denied = ServiceError("No right.")
    found = ask({"scalingPlans": denied, "permissions": denied})
    assert found.against == []
    assert len(found.unknown) == 2
    assert "rights" in found.unknown[1]


@pytest.mark.parametrize(
    "answers",
    [
        {"permissions": []},
        {"pool-01": None},
        {"pool-01": {"properties": {}}},
        {"update": {"properties": {}}},
        {"scalingPlans": [{"name": "weekdays"}]},
        {"scalingPlans": [{"name": "weekdays", "properties": {"hostPoolReferences": ["x"]}}]},
    ],
)
def test_answer_that_tells_nothing_is_told(answers: dict[str, Any]) -> None:
    found = ask(answers)
    assert (found.against, len(found.unknown)) == ([], 1)


@pytest.mark.parametrize("what", ["pool-01", "scalingPlans", "update", "permissions"])
def test_what_cannot_be_asked_just_now_may_stand_against_it(what: str) -> None:
    with pytest.raises(ServiceError, match="503"):
        ask({what: ServiceError("503", lasting=False)})


def test_what_is_tolerated_is_not_asked() -> None:
    down = ServiceError("503", lasting=False)
    found = ask({"pool-01": down, "scalingPlans": down, "update": ServiceError("No right.")}, tolerated=TOLERABLE)
    assert (found.against, found.unknown) == ([], [])


def test_rights_of_one_role_make_up_for_what_another_takes_away() -> None:
    grants = [{"actions": ["*"], "notActions": [f"{HOSTS}/*"]}, {"actions": [f"{HOSTS}/*"], "notActions": []}]
    assert ask({"permissions": grants}, LOG_OFF).against == []
    assert ask({"permissions": grants[:1]}, LOG_OFF).against != []
