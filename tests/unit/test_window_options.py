# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a maintenance window as a survey gives them: all of them are texts, and empty where nobody answered."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.action.session_window_close import ActionModule as Close
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_options import (
    CLOSE,
    EMPTY_MEANS_LEFT_OUT,
    read_brokers,
    read_latest,
    read_orders,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from tests.unit.fakes.task import action


def read(**args: Any) -> dict[str, Any]:
    """Read the options of a task."""
    seen: list[dict[str, Any]] = []
    made = action(Close, {"service": "wvd", **args})
    made._compute_environment_string = lambda _wanted: None
    made._execute_module = lambda **_given: {}
    made._look({})
    made._do = lambda options: seen.append(options) or {}
    made._run()
    return seen[0]


@pytest.mark.parametrize(
    "text",
    [
        "carol@contoso.com,erin",
        " carol@contoso.com , erin ",
        "carol@contoso.com\nerin\n",
        "carol@contoso.com\r\n\r\n  erin",
        "carol@contoso.com,\nerin,",
        ["carol@contoso.com\nerin"],
        ["carol@contoso.com", " erin ", ""],
    ],
)
def test_every_user_whom_a_text_names_is_protected(text: object) -> None:
    assert read_orders(read(protected_users=text), False).protected_users == ("carol@contoso.com", "erin")


@pytest.mark.parametrize(
    "text",
    [
        "carol; erin",
        "car*",
        "Carol <carol@contoso.com>",
        "['carol']",
        '["carol", "dave"]',
        "[]",
        ["carol:dave"],
        "carol@contoso.com erin@contoso.com",
        "CONTOSO\\carol CONTOSO\\erin",
        "- carol@contoso.com",
        "'carol@contoso.com'",
    ],
)
def test_what_can_be_nobody_is_no_protection(text: object) -> None:
    with pytest.raises(SelectionError, match="protected_users takes"):
        read_orders(read(protected_users=text), False)


@pytest.mark.parametrize("name", ["CONTOSO\alice", "CONTOSO\bob", "CONTOSO\frank", "CONTOSO\victor", "x\tnina"])
def test_name_of_which_a_backslash_was_lost_is_no_protection(name: str) -> None:
    """Ansible decodes it in -e name=value."""
    with pytest.raises(SelectionError, match="as JSON"):
        read_orders(read(protected_users=name), False)


@pytest.mark.parametrize("name", ["CONTOSO\\alice", "o'brien@contoso.com", "Jos\u00e9 Maria", "svc-backup$"])
def test_name_that_may_be_one_protects(name: str) -> None:
    assert read_orders(read(protected_users=name), False).protected_users == (name,)


@pytest.mark.parametrize("empty", ["", " ", "\n"])
@pytest.mark.parametrize("name", sorted({*EMPTY_MEANS_LEFT_OUT} & {*CLOSE} - {"messages"}))
def test_what_nobody_answered_is_left_out(name: str, empty: str) -> None:
    assert read(**{name: empty}) == read()


@pytest.mark.parametrize("empty", ["", " "])
def test_no_text_means_that_nobody_is_told(empty: str) -> None:
    """An empty list does. The role has messages of its own for who has not answered."""
    with pytest.raises(SelectionError, match="messages is an empty text"):
        read(messages=empty)
    assert read_orders(read(messages=[], minimum_notice="0s"), False).messages == ()


TWO = ["autoscale", "personal_host_pool"]


@pytest.mark.parametrize("between", [",", "\n", " , ", "\r\n"])
def test_lists_may_be_lines(between: str) -> None:
    options = read(tolerate=between.join([*TWO, ""]), collection_name=between.join([*TWO, ""]))
    assert (options["tolerate"], options["collection_name"]) == (TWO, TWO)


def test_numbers_and_flags_may_be_texts() -> None:
    options = read(poll_interval="25", guard="false", reopen_failed_hosts="True", stop_at_percentage="0")
    assert [options[name] for name in ("poll_interval", "guard", "reopen_failed_hosts", "stop_at_percentage")] == [
        25,
        False,
        True,
        0,
    ]


@pytest.mark.parametrize(
    "place", ["broker-1,broker-2", "broker-1\nbroker-2\n", " broker-1 , broker-2,", ["broker-1", "broker-2 "]]
)
def test_brokers_may_be_one_text(place: object) -> None:
    assert read_brokers({"place": place}) == ["broker-1", "broker-2"]


@pytest.mark.parametrize("place", [None, "", " , ", [], [""], [1], {"host_pool_name": "pool"}])
def test_no_broker(place: object) -> None:
    with pytest.raises(SelectionError, match="place is"):
        read_brokers({"place": place})


@pytest.mark.parametrize("text", ["9999999d", "9999999w"])
def test_time_that_there_is_not(text: str) -> None:
    says = f"is '{text}', which is further away than there are dates"
    with pytest.raises(SelectionError, match=f"deadline {says}"):
        read_orders(read(deadline=text, minimum_notice="0s"), False)
    with pytest.raises(SelectionError, match=f"latest {says}"):
        read_latest({"latest": text}, datetime(2026, 11, 26, 2, tzinfo=timezone.utc))
