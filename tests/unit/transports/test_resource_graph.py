# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Resource Graph over a wire in memory: pages, quota, and answers that say too little."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.arm import Account
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.resource_graph import (
    QUERY,
    read_session_hosts,
)
from tests.unit.fakes.clock import Clock
from tests.unit.transports.test_arm import (
    BASE,
    Answer,
    Wire,
    fixture_account,
    fixture_clock,
    fixture_credential,
    fixture_wire,
)

__all__ = ["fixture_account", "fixture_clock", "fixture_credential", "fixture_wire"]


def page(*ids: str, total: int, token: str = "", left: int = 14, **more: Any) -> Answer:
    body = {"totalRecords": total, "count": len(ids), "data": [{"id": one} for one in ids], "resultTruncated": "false"}
    headers = {"x-ms-user-quota-remaining": str(left), "x-ms-user-quota-resets-after": "00:01:04"}
    return Answer(200, {**body, **({"$skipToken": token} if token else {}), **more}, headers)


@pytest.fixture(name="read")
def fixture_read(account: Account, wire: Wire, clock: Clock) -> Callable[[], list[str]]:
    def read() -> list[str]:
        pages = read_session_hosts(account, ["sub-1", "sub-2"], "tests", clock, clock.sleep)
        return [str(row["id"]) for rows in pages for row in rows]

    return read


def test_pages_are_followed_by_their_tokens(read: Callable[[], list[str]], wire: Wire) -> None:
    wire.answers = [page("a", "b", total=3, token="2"), page("c", total=3)]
    assert read() == ["a", "b", "c"]
    bodies = [
        json.loads(str(sent.body if isinstance(sent.body, str) else bytes(sent.body).decode())) for sent in wire.sent
    ]  # type: ignore[call-overload]
    assert bodies[0] == {
        "subscriptions": ["sub-1", "sub-2"],
        "query": QUERY,
        "options": {"resultFormat": "objectArray", "$top": 1000},
    }
    assert bodies[1]["options"]["$skipToken"] == "2"
    assert {sent.method for sent in wire.sent} == {"POST"}
    assert wire.sent[0].url == f"{BASE}/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"


def test_next_page_waits_when_the_quota_is_used_up(read: Callable[[], list[str]], wire: Wire) -> None:
    wire.answers = [page("a", total=3, token="1", left=1), page("b", total=3, token="2", left=0), page("c", total=3)]
    assert read() == ["a", "b", "c"]
    assert [later.at - sooner.at for sooner, later in zip(wire.sent, wire.sent[1:], strict=False)] == [0, 64]


def test_refusal_for_now_is_waited_for(read: Callable[[], list[str]], wire: Wire) -> None:
    wire.answers = [Answer(429, headers={"Retry-After": "5"}), page("a", total=1)]
    assert read() == ["a"]
    assert wire.slept == [5]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([page("a", total=2)], "there are 2 session hosts, and showed 1"),
        ([page("a", "b", total=4, token="2"), page("d", total=3)], "4 session hosts, then 3"),
        ([page("a", total=2, resultTruncated="true")], "only a part"),
        ([page("a", total=3, token="1"), page("b", total=3, token="1")], "read already"),
        ([Answer(200, {"data": 5, "totalRecords": 0, "resultTruncated": "false"})], "not answer with a list"),
        ([Answer(200, {"totalRecords": 0})], "not answer with a list"),
        ([Answer(200, b"<html>")], "not answer with a list|Azure answered 200"),
        ([Answer(403, {"error": {"code": "x", "message": "no"}})], "needs the role Desktop Virtualization Reader"),
    ],
)
def test_answer_that_is_not_the_whole_list_is_an_error(
    read: Callable[[], list[str]], wire: Wire, answers: list[Answer], words: str
) -> None:
    wire.answers = list(answers)
    with pytest.raises(ServiceError, match=words):
        read()
