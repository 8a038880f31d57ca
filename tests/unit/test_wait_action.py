# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that wait: until when, for whom, and with which messages; what is unclear is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.action import (
    rds_session_wait,
    wms_session_wait,
    wvd_session_wait,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import console, wait_action
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.wait_options import (
    read_deadline,
    read_messages,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import MESSAGE
from tests.unit.fakes.farm import FakeFarm, session
from tests.unit.fakes.task import POOL, Opened, action, opened, read

RDS, WMS, WVD = (module.ActionModule for module in (rds_session_wait, wms_session_wait, wvd_session_wait))
ALL: dict[str, Any] = {"all_sessions": True, "deadline": "30m"}
LAST = {"before": "5m", "title": "Ende", "body": "{minutes}\n"}
NOW = datetime(2026, 11, 26, 2, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        (" 2H ", 7200),
        ("2026-11-26T02:10:00Z", 600),
        ("2026-11-26 04:10:00+02:00", 600),
        ("2026-11-26T02:00:00.5Z", 0.5),
    ],
)
def test_deadline_is_a_duration_or_a_time(text: str, seconds: float) -> None:
    assert read_deadline({"deadline": text}, NOW) == seconds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("soon", "must be a duration with a unit, such as 90s, 30m or 2h, or a time such as"),
        ("1350", "must be a duration with a unit"),
        ("0m", "must be a duration"),
        ("-5m", "must be a duration"),
        ("1h30m", "must be a duration"),
        ("02:30", "must be a duration"),
        ("2026-11-26T02:10:00", "add Z, or an offset"),
        ("2026-11-26T02:00:00Z", "which is over: it is 2026-11-26T02:00:00"),
        ("9999999w", "is further away than there are dates"),
        ("9999-12-31T23:59:59-12:00", "is further away than there are dates"),
    ],
)
def test_deadline_that_is_no_time(text: str, words: str) -> None:
    with pytest.raises(SelectionError, match=words) as caught:
        read_deadline({"deadline": text}, NOW)
    assert f"deadline is {text!r}" in str(caught.value)


def test_messages_are_read_in_their_order() -> None:
    first, last = read_messages({"messages": [{**LAST, "before": "1h"}, LAST]})
    assert (first.before, first.said, last.before) == (3600.0, "1h", 300.0)
    assert last.texts(90.0) == ("Ende", "2\n")
    assert read_messages({"messages": None}) == read_messages({}) == read_messages({"messages": []}) == ()


def refused(kind: type[Any], **args: Any) -> str:
    """Run, and expect a refusal before anything is connected."""
    made = action(kind, args)
    opened(made, lambda: pytest.fail("connected"))
    with pytest.raises((SelectionError, AnsibleError)) as caught:
        made._run({}, [])
    return str(caught.value)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"deadline": "5m"}, "Nothing says which sessions are meant"),
        ({"all_sessions": True}, "missing required arguments: deadline"),
        ({**ALL, "deadline": " "}, "deadline is given but empty"),
        ({**ALL, "user": ""}, "user is given but empty"),
        ({**ALL, "poll_interval": 0}, "poll_interval is 0"),
        ({**ALL, "messages": [LAST, LAST]}, "messages[1].before is '5m', after '5m'"),
        ({**ALL, "messages": [{**LAST, "before": "x"}]}, "messages[0].before is 'x'"),
        ({**ALL, "messages": [{**LAST, "before": "5"}]}, "messages[0].before is '5': it needs a unit"),
        ({**ALL, "messages": [{**LAST, "title": ""}]}, "messages[0].title must hold a text"),
        ({**ALL, "messages": [{**LAST, "body": None}]}, "messages[0].body must hold a text"),
        ({**ALL, "wait_timeout": 5}, "wait_timeout"),
    ],
)
@pytest.mark.parametrize(("kind", "place"), [(RDS, {}), (WVD, POOL)])
def test_what_is_unclear_is_refused(kind: type[Any], place: dict[str, str], args: Any, words: str) -> None:
    assert words in refused(kind, **place, **args)


def test_wait_for_who_has_been_disconnected_for_long() -> None:
    filters = read(RDS, deadline="5m", minimum_disconnected="2h").selection.filters
    assert filters == Filters(minimum_disconnected=timedelta(hours=2))
    assert "minimum_disconnected" in refused(WMS, deadline="5m", minimum_disconnected="2h")


def test_multipoint_has_no_messages() -> None:
    assert "messages" in refused(WMS, **ALL, messages=[LAST])


def run(kind: type[Any], farm: FakeFarm, **args: Any) -> tuple[dict[str, Any], list[str], list[Opened]]:
    made = action(kind, args)
    calls = opened(made, lambda: farm)
    warnings: list[str] = []
    return made._run({"inventory_hostname": "broker"}, warnings), warnings, calls


@pytest.mark.parametrize(("kind", "place"), [(RDS, {}), (WVD, POOL), (WMS, {})])
def test_rows_that_are_none_are_nothing_to_wait_for(kind: type[Any], place: dict[str, str]) -> None:
    made = action(kind, {**place, "sessions": [], "deadline": "5m"})
    opened(made, lambda: pytest.fail("connected"))
    result = made._run({}, [])
    assert (result["sessions"], result["all_ended"], result["changed"]) == ([], True, False)
    deadline = datetime.fromisoformat(result["deadline"].replace("Z", "+00:00"))
    assert 290 < (deadline - datetime.now(timezone.utc)).total_seconds() <= 300


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the person at the controller is shown."""
    lines: list[str] = []
    monkeypatch.setattr(console.display, "display", lines.append)
    monkeypatch.setattr(console.display, "warning", lambda text: lines.append(f"warning {text}"))
    return lines


def play(monkeypatch: pytest.MonkeyPatch, farm: FakeFarm) -> None:
    """Let the task have the farm's time."""
    start = datetime.now(timezone.utc) - timedelta(seconds=farm.clock())
    make = wait_action.WaitAction._reach

    def reach(self: Any, *args: Any) -> Any:
        return replace(make(self, *args), clock=farm.clock, sleep=farm.clock.sleep)

    monkeypatch.setattr(wait_action.WaitAction, "_reach", reach)
    monkeypatch.setattr(wait_action, "utc_now", lambda: start + timedelta(seconds=farm.clock()))


def test_wait_shows_how_it_goes_and_returns_who_is_left(monkeypatch: pytest.MonkeyPatch, shown: list[str]) -> None:
    farm = FakeFarm.of(session("1"), session("2"))
    farm.effect = False
    play(monkeypatch, farm)
    result, warnings, calls = run(RDS, farm, **{**ALL, "deadline": "200s"}, messages=[LAST])
    assert shown == [
        f"[broker] 2 of 2 sessions still on, {left} left" for left in ("3 min", "2 min", "80 s", "20 s", "0 s")
    ]
    assert (result["summary"], result["changed"], result["seconds"]) == ({"still_there": 2}, True, 200.0)
    assert warnings == []
    (call,) = calls
    assert call.operation is not None
    assert call.operation.verb is MESSAGE


def test_wait_without_messages_can_send_none(monkeypatch: pytest.MonkeyPatch, shown: list[str]) -> None:
    farm = FakeFarm.of(session("1"))
    play(monkeypatch, farm)
    result, _warnings, calls = run(WMS, farm, **{**ALL, "deadline": "50s"})
    assert calls[0].operation is None
    assert result["remaining"] == [{"host": "host-0", "id": "1", "user": "alice@contoso.com"}]
    assert len(shown) == 2


def test_wait_that_is_broken_off_fails_with_all_that_is_known(
    monkeypatch: pytest.MonkeyPatch, shown: list[str]
) -> None:
    class Fails(FakeFarm):
        def list_sessions(self, named: Any = ()) -> Any:
            if self.clock() > 110.0:
                raise ServiceError("no list today")
            return super().list_sessions(named)

    farm = Fails.of(session("1"))
    play(monkeypatch, farm)
    result, warnings, _calls = run(RDS, farm, **{**ALL, "deadline": "60s"})
    assert result["failed"] is True
    assert result["msg"].startswith("The task was broken off: it is not known who is left")
    assert result["summary"] == {"still_there": 1}
    assert warnings == ["Sessions cannot be listed, which is tried again: no list today"]
    assert f"warning [broker] {warnings[0]}" in shown


def test_names_of_users_are_not_shown_where_nothing_is_to_be_logged(
    monkeypatch: pytest.MonkeyPatch, shown: list[str]
) -> None:
    farm = FakeFarm.of(session("1"))
    farm.replies[session("1").key] = [lambda _farm, _session: Reply.UNCLEAR]
    play(monkeypatch, farm)
    made = action(RDS, {**ALL, "deadline": "50s", "messages": [LAST]})
    made._task.no_log = True
    opened(made, lambda: farm)
    warnings: list[str] = []
    made._run({"inventory_hostname": "broker"}, warnings)
    assert "alice@contoso.com" in warnings[0], "Ansible hides results by itself"
    assert [line for line in shown if line.startswith("warning")] == []
    assert len(shown) == 2
