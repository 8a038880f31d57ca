# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disconnecting MultiPoint sessions through real Ansible processes, on either generation of its cmdlets."""

from __future__ import annotations

import pytest

from tests.integration.ansible_process import Cases, Finished, attempts, expect_refused
from tests.integration.scenarios import Scenario, call, fault, thrice
from tests.integration.windows_hosts import CLASSROOMS, WMS_INFO, Windows, outcomes

MODULE = "remotedesktop.sessions.wms_session_disconnect"
COMMAND = "Disconnect-WmsSession"
ID = "session_id"
POOLS = {"2012R2": "classroom-2012", "2016": "classroom-2016"}
BOTH = ",".join(CLASSROOMS.values())
EVERYBODY = {MODULE: {"all_sessions": True, "wait_timeout": 4}}
EXPECTED = {
    "2012R2": {"teacher": "disconnected", "student3": "disconnected"},
    "2016": {"teacher": "disconnected", "student1": "disconnected", "student2": "already_disconnected"},
}
FIRST = {"2012R2": "student3", "2016": "student1"}
"""Who has session 2."""


def place(generation: str) -> dict[str, str]:
    return {"service": "wms", "pool": POOLS[generation], "host": CLASSROOMS[generation]}


def disconnected(finished: Finished, generation: str) -> list[str]:
    """Whose sessions were disconnected on the server of that generation, by the lab's account of that moment."""
    return sorted(
        entry["owner"]["user"].partition("@")[0]
        for entry in finished.seen["end"]["audit"]
        if (entry["verb"], entry["effect"], entry["host"]) == ("disconnect", "done", CLASSROOMS[generation])
    )


def nothing_ended(finished: Finished) -> bool:
    return not any(entry["verb"] == "logoff" for entry in finished.seen["end"]["audit"])


def test_disconnect_on_either_generation(windows: Windows) -> None:
    info = {"name": "info", WMS_INFO: {}, "register": "listed"}
    reused = [
        info,
        *(call("give_id", {**place(one), "id": 2, "user": "mallory@contoso.com"}) for one in CLASSROOMS),
        {"name": "run", MODULE: {"sessions": "{{ listed.sessions }}"}},
    ]
    filters = {MODULE: {"session_id": "2,3,99", "exclude_user": "CONTOSO\\student1", "timeout_in_second": 30}}
    every, filtered, rows = windows.scenarios(
        BOTH,
        Scenario("everybody", thrice(EVERYBODY)),
        Scenario("filters", thrice(filters)),
        Scenario("rows, and an id that was reused", reused),
    )
    for generation, server in CLASSROOMS.items():
        check, run, again = every.on(server).all_ok(3)
        assert outcomes(check, ID) == outcomes(run, ID) == EXPECTED[generation]
        assert check.result["diff"] == run.result["diff"]
        assert f"\\{FIRST[generation]} ConnectedToStation\n" in run.result["diff"]["before"]
        assert f"\\{FIRST[generation]} Disconnected\n" in run.result["diff"]["after"]
        assert again.result["changed"] is False
        assert set(outcomes(again, ID).values()) == {"already_disconnected"}
        assert disconnected(every, generation) == sorted(
            user for user, outcome in EXPECTED[generation].items() if outcome == "disconnected"
        )
        _info, run = rows.on(server).all_ok(2)
        others = {user: outcome for user, outcome in EXPECTED[generation].items() if user != FIRST[generation]}
        assert outcomes(run, ID) == {**others, "mallory": "replaced"}
        assert disconnected(rows, generation) == ["teacher"]
    check, run, again = filtered.on(CLASSROOMS["2012R2"]).all_ok(3)
    assert (
        outcomes(check, ID)
        == outcomes(run, ID)
        == {"student3": "disconnected", "3": "already_gone", "99": "already_gone"}
    )
    assert outcomes(again, ID)["student3"] == "already_disconnected"
    for task in filtered.on(CLASSROOMS["2016"]).all_ok(3):
        assert outcomes(task, ID) == {
            "student1": "not_selected",
            "student2": "already_disconnected",
            "99": "already_gone",
        }
    assert (disconnected(filtered, "2012R2"), disconnected(filtered, "2016")) == (["student3"], [])
    assert all(map(nothing_ended, (every, filtered, rows)))


REFUSED: Cases = [
    ({}, ["session_id", "sessions", "all_sessions"]),
    ({"session_id": ""}, ["session_id is given but empty"]),
    ({"session_id": 1, "all_sessions": True}, ["session_id", "all_sessions"]),
    ({"session_id": 1, "timeout_in_second": 0}, ["timeout_in_second"]),
    ({"minimum_age": "1h"}, ["minimum_age"]),
    ({"all_sessions": True, "confirm": True}, ["Nothing was done", "confirm"]),
    ({"all_sessions": True, "server": "nowhere"}, ["nowhere"]),
]
OTHER_SERVER: Cases = [({"session_id": 2, "server": CLASSROOMS["2016"]}, ["2012 R2 knows no server"])]


@pytest.mark.newest_core
def test_refused(windows: Windows) -> None:
    bad, other, own = windows.scenarios(
        BOTH,
        Scenario("bad input", attempts(MODULE, REFUSED), {"hosts": CLASSROOMS["2016"]}),
        Scenario("other server", attempts(MODULE, OTHER_SERVER), {"hosts": CLASSROOMS["2012R2"]}),
        Scenario("own", [{MODULE: {"session_id": 2, "server": CLASSROOMS["2016"]}}], {"hosts": CLASSROOMS["2016"]}),
    )
    expect_refused(bad, REFUSED)
    expect_refused(other, OTHER_SERVER)
    own.all_ok(1)
    for finished, users in ((bad, []), (other, []), (own, ["student1"])):
        assert (disconnected(finished, "2016"), disconnected(finished, "2012R2")) == (users, [])


@pytest.mark.waits_long
@pytest.mark.newest_core
def test_one_that_fails_does_not_stop_the_others(windows: Windows) -> None:
    gone = fault("pass", COMMAND, then={"host": CLASSROOMS["2012R2"], "id": 2, "remove": True}, times=1)
    after = fault("error", COMMAND, when="after", code=7, parameters={"SessionId": 2})
    never = fault("error", COMMAND, code=5, parameters={"SessionId": 2})
    stuck = [call("change", {**place(generation), "id": 2, "stuck": True}) for generation in CLASSROOMS]
    # A limit of its own for the cmdlet, and none.
    limits = f"{{{{ 3 if inventory_hostname == '{CLASSROOMS['2012R2']}' else omit }}}}"
    hanging = {MODULE: {"all_sessions": True, "wait_timeout": 10, "timeout_in_second": limits}}
    left, complains, denied, hangs = windows.scenarios(
        BOTH,
        Scenario("leaves just before", [gone, {MODULE: {"session_id": 2}}], {"hosts": CLASSROOMS["2012R2"]}),
        Scenario("error after the effect", [after, EVERYBODY]),
        Scenario("error and no effect", [never, EVERYBODY]),
        Scenario("hangs", [*stuck, hanging]),
    )
    left.all_ok(1)
    assert (set(outcomes(left.task, ID).values()), left.task.result["changed"]) == ({"already_gone"}, False)
    for generation, server in CLASSROOMS.items():
        first = FIRST[generation]
        assert outcomes(complains.on(server).task, ID) == EXPECTED[generation]
        assert disconnected(complains, generation).count(first) == 1
        assert outcomes(denied.on(server).task, ID) == {**EXPECTED[generation], first: "failed"}
        assert f"{COMMAND} says" in denied.on(server).task.message
        task = hangs.on(server).task
        assert task.seconds < 40
        assert outcomes(task, ID) == {**EXPECTED[generation], first: "still_there"}
        audit = hangs.seen["end"]["audit"]
        asked = [entry["effect"] for entry in audit if (entry["host"], entry["id"]) == (server, 2)]
        assert asked == ["done", "stuck"], "that it is stuck, and one disconnect"
    assert all(map(nothing_ended, (left, complains, denied, hangs)))


@pytest.mark.newest_core
def test_question_on_the_terminal(windows: Windows) -> None:
    task = {MODULE: {"session_id": 2, "confirm": True}}
    yes, no = windows.scenarios(
        CLASSROOMS["2016"], Scenario("yes", [task]), Scenario("no", [task]), answers=[b"y\r", b"n\r"]
    )
    assert yes.output.count("disconnect 1 session") == 2
    yes.all_ok(1)
    assert disconnected(yes, "2016") == ["student1"]
    assert no.task.status == "failed"
    assert disconnected(no, "2016") == []
