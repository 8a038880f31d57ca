# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that send messages: which texts they take, whom they ask, and what a message in doubt comes to."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.action import rds_user_message, wvd_session_message
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import console, task_reach
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import Filters
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import MESSAGE
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import runspace
from tests.unit.fakes.task import POOL, action, opened, read
from tests.unit.fakes.windows_host import FakeHost, LiveTransport, always, error, rd_row

RDS = rds_user_message.ActionModule
WVD = wvd_session_message.ActionModule
TEXTS = {"message_title": "Wartung", "message_body": "Bitte speichern:\n „jetzt“ \n"}
ROW = {"host_server": "h", "unified_session_id": 2}


def refused(kind: type[Any] = RDS, **args: Any) -> str:
    """Run, and expect a refusal before anything is connected."""
    made = action(kind, args)
    opened(made, lambda: pytest.fail("connected"))
    with pytest.raises((SelectionError, AnsibleError)) as caught:
        made._run({}, [])
    return str(caught.value)


@pytest.mark.parametrize(("kind", "place"), [(RDS, {}), (WVD, POOL)])
def test_texts_reach_the_service_as_they_are(kind: type[Any], place: dict[str, str]) -> None:
    operation = read(kind, **place, all_sessions=True, **TEXTS).operation
    assert operation is not None
    assert (operation.verb, operation.arguments) == (MESSAGE, TEXTS)


def test_rds_message_to_who_has_been_disconnected_for_long() -> None:
    filters = read(RDS, **TEXTS, minimum_disconnected="2h").selection.filters
    assert filters == Filters(minimum_disconnected=timedelta(hours=2))
    assert "minimum_disconnected" in refused(WVD, **POOL, **TEXTS, minimum_disconnected="2h")


@pytest.mark.parametrize("blank", ["", " ", "\n\t", None])
@pytest.mark.parametrize("name", TEXTS)
def test_rds_message_needs_both_texts(name: str, blank: str | None) -> None:
    assert f"{name} must hold a text" in refused(all_sessions=True, **{**TEXTS, name: blank})
    left = {other: text for other, text in TEXTS.items() if other != name}
    assert f"missing required arguments: {name}" in refused(all_sessions=True, **left)


def test_rds_message_without_any_text_names_both() -> None:
    assert "message_title and message_body must" in refused(all_sessions=True, message_title="", message_body=" ")


@pytest.mark.parametrize("blank", ["", " ", None])
def test_wvd_message_needs_one_text(blank: str | None) -> None:
    wrong = {"message_title": blank, "message_body": blank}
    assert "message_body is missing" in refused(WVD, **POOL, all_sessions=True, **wrong)
    assert "message_body is missing" in refused(WVD, **POOL, all_sessions=True)
    for name in TEXTS:
        assert read(WVD, **POOL, all_sessions=True, **{**wrong, name: "x"}).operation is not None


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({}, "Nothing says which sessions are meant"),
        ({"host_server": "h"}, "host_server needs unified_session_id"),
        ({"unified_session_id": 2}, "unified_session_id needs host_server"),
        ({"connection_broker": "b.contoso.com"}, "set all_sessions to true"),
        ({"connection_broker": "b", "all_sessions": True}, "full name of the broker"),
        ({"collection_name": "De*", "all_sessions": True}, "collection_name takes whole names"),
        ({"user": ""}, "user is given but empty"),
        ({"sessions": [ROW], "all_sessions": True}, "all_sessions contradicts sessions"),
        ({"all_sessions": True, "wait_timeout": -1}, "wait_timeout is -1"),
        ({"all_sessions": True, "force": True}, "force"),
        ({"all_sessions": True, "confirm": True}, "confirm"),
        ({"all_sessions": True, "tenant_name": "T"}, "tenant_name"),
    ],
)
def test_what_is_unclear_is_refused_before_anything_is_connected(args: dict[str, Any], words: str) -> None:
    assert words in refused(**args, **TEXTS)


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> FakeHost:
    """A broker that a psrp connection reaches, whose sessions stay; nobody is at the terminal."""
    host = FakeHost([rd_row(2), rd_row(3, "bob")])
    host.end = lambda call: None  # type: ignore[method-assign]
    monkeypatch.setattr(runspace, "RunspaceTransport", lambda *_given: LiveTransport(host))
    monkeypatch.setattr(task_reach, "time", SimpleNamespace(monotonic=host.clock, sleep=host.clock.sleep))
    asks = SimpleNamespace(prompt_until=lambda _question: pytest.fail("somebody was asked"))
    monkeypatch.setattr(console, "display", asks)
    return host


def run(args: dict[str, Any], **more: Any) -> dict[str, Any]:
    result: dict[str, Any] = action(RDS, {**TEXTS, **args}, **more).run(task_vars={"inventory_hostname": "broker"})
    return result


def test_rds_message_asks_nobody_as_the_cmdlet_does_not(host: FakeHost) -> None:
    predicted = run({"all_sessions": True}, check_mode=True)
    assert host.sent("Send-RDUserMessage") == []
    result = run({"all_sessions": True})
    assert (predicted["summary"], predicted["diff"]) == (result["summary"], result["diff"])
    assert (result["changed"], result["summary"]) == (True, {"sent": 2})
    assert result["diff"] == {"before": "", "after": ""}
    assert len(host.sent("Send-RDUserMessage")) == 2


def test_message_in_doubt_fails_the_task_and_comes_with_advice(host: FakeHost) -> None:
    host.scripts["Send-RDUserMessage"] = always(error())
    result = run({"all_sessions": True})
    assert (result["failed"], result["changed"], result["summary"]) == (True, True, {"sent": 1, "unclear": 1})
    assert result["msg"].startswith("Failed to send a message to 1 of 2 sessions: ")
    assert "Zugriff verweigert" in result["msg"]
    assert "permission Message of Remote Desktop Services" in result["msg"]
    assert "become_method runas" in result["msg"]
