# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which session hosts of RDS a task names, and in which state they are to be: exactly, or an error that says why."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.action.rds_session_host import ActionModule as Set
from ansible_collections.remotedesktop.sessions.plugins.action.rds_session_host_info import ActionModule as Info
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_given_hosts import read_hosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_place import SessionHosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_rows import host_row
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from tests.unit.fakes.task import action

BROKER = "broker.example.test"
A, B = "rdsh-0.example.test", "rdsh-1.example.test"
STATE = "new_connection_allowed"
ROW = host_row(BROKER, "Desk", A, "yes")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("not_until_reboot", "not_until_reboot"),
        ("NotUntilReboot", "not_until_reboot"),
        ("No", "no"),
        (True, "yes"),
        (False, "no"),
    ],
)
def test_row_says_the_state_in_the_words_of_the_option_or_of_the_cmdlet(said: object, state: str) -> None:
    [(broker, named, read)] = read_hosts([{**ROW, STATE: said}], None, None)
    assert (broker, named.name, named.fields["collection_name"], read) == (BROKER, A, "Desk", state)


def test_name_and_state_are_enough_and_the_task_says_the_broker() -> None:
    [(broker, named, state)] = read_hosts({"host": A, STATE: "no"}, BROKER, ["Desk"])
    assert (broker, named.name, named.fields["collection_name"], state) == (BROKER, A, None, "no")
    [(broker, _named, _state)] = read_hosts([{**ROW, "connection_broker": None}], None, None)
    assert broker is None, "the broker is the host of the task"


def test_host_that_could_not_be_read_is_left_alone() -> None:
    failed = {**ROW, STATE: None, "outcome": "failed"}
    assert [state for _broker, _named, state in read_hosts([failed], None, None)] == [None]


@pytest.mark.parametrize("rows", [[False, True], [True, False]])
def test_host_of_two_rows_may_change_yet_if_one_of_them_says_so(rows: list[bool]) -> None:
    [(_broker, named, _state)] = read_hosts([{**ROW, "unclear": unclear} for unclear in rows], None, None)
    assert named.unclear


@pytest.mark.parametrize(
    ("said", "unclear"), [("True", True), ("false", False), ("yes", True), (None, False), (0, False)]
)
def test_unclear_may_be_a_word(said: object, unclear: bool) -> None:
    [(_broker, named, _state)] = read_hosts([{**ROW, "unclear": said}], None, None)
    assert named.unclear is unclear


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("a", "hosts must be a list of rows as rds_session_host_info returns them"),
        ([ROW, {}], r"hosts\[1\] has no session_host"),
        ([{**ROW, "service": "wvd"}], r"hosts\[0\] is a session host of wvd"),
        ([{**ROW, "host": B}], r"hosts\[0\] says session_host .* but its host is"),
        ([{**ROW, "connection_broker": "other.example.test"}], "but the task's option says 'broker.example.test'"),
        ([{**ROW, "collection_name": "Apps"}], "collection_name 'Apps', but the task's option says 'Desk'"),
        ([{**ROW, STATE: "maybe"}], "'maybe': it must be yes, no or not_until_reboot, the state to restore"),
        ([{**ROW, STATE: None}], f"{STATE} None"),
        ([{**ROW, "unclear": "maybe"}], r"hosts\[0\] says unclear 'maybe': it must be true or false"),
        ([ROW, {**ROW, STATE: "no"}], rf"hosts\[1\] names {A} again, with another {STATE}"),
    ],
)
def test_rows_that_are_not_clear_are_refused(rows: Any, words: str) -> None:
    with pytest.raises(SelectionError, match=words):
        read_hosts(rows, BROKER, ["Desk"])


def test_rows_of_two_deployments_are_refused() -> None:
    with pytest.raises(SelectionError, match="several connection brokers"):
        read_hosts([ROW, {**ROW, "session_host": B, "host": B, "connection_broker": "b2.example.test"}], None, None)


class NeverOpened(SessionHosts):
    """Fails a test that would reach the deployment."""

    def open(self, wanted: Any, reach: Any) -> Any:
        raise AssertionError("nothing may be connected")


def refused(kind: type[Any], options: dict[str, Any]) -> str:
    made = action(kind, options)
    made.PLACE = NeverOpened()
    result = made.run(task_vars={})
    assert result["failed"]
    return str(result["msg"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({STATE: "no"}, "Nothing says which session hosts are meant"),
        ({"all_hosts": False, STATE: "no"}, "Nothing says which session hosts are meant"),
        ({"session_host_name": A}, f"{STATE} is missing"),
        ({"session_host_name": A, "all_hosts": True, STATE: "no"}, "session_host_name and all_hosts both name"),
        ({"session_host_name": A, "session_host": A, STATE: "no"}, "are the same option"),
        ({"hosts": [ROW], STATE: "no"}, f"{STATE} contradicts hosts"),
        ({"hosts": [], "all_hosts": True}, "hosts and all_hosts both"),
        ({"hosts": ""}, "hosts is given but empty"),
        ({"session_host_name": "", STATE: "no"}, "session_host_name is given but empty"),
        ({"collection_name": "", "all_hosts": True, STATE: "no"}, "collection_name is given but empty"),
        ({"collection_name": "De*", "all_hosts": True, STATE: "no"}, "has a wildcard"),
        ({"connection_broker": "broker", "all_hosts": True, STATE: "no"}, "it must be the full name of the broker"),
        ({"hosts": [{**ROW, "connection_broker": "broker"}]}, "it must be the full name of the broker"),
        ({"all_hosts": True, STATE: "no", "wait_timeout": -1}, "wait_timeout is -1"),
    ],
)
def test_task_that_is_not_clear_is_refused_before_anything_is_connected(options: dict[str, Any], words: str) -> None:
    assert words in refused(Set, options)


def test_rows_that_are_none_name_no_host() -> None:
    made = action(Set, {"hosts": [], "wait_timeout": 5})
    made.PLACE = NeverOpened()
    result = made.run(task_vars={})
    assert (result["hosts"], result["changed"], result.get("failed", False)) == ([], False, False)


@pytest.mark.parametrize("options", [{"session_host_name": []}, {"connection_broker": "b"}, {"collection_name": "?"}])
def test_list_that_is_not_clear_is_refused(options: dict[str, Any]) -> None:
    assert refused(Info, options)


@pytest.mark.parametrize(("said", "state"), [(True, "yes"), (False, "no"), ("not_until_reboot", "not_until_reboot")])
def test_bare_yes_and_no_of_yaml_are_words(said: object, state: str) -> None:
    wanted: list[Any] = []

    class Watched(SessionHosts):
        def open(self, given: Any, reach: Any) -> Any:
            wanted.append(given)
            raise SelectionError("stop")

    made = action(Set, {"all_hosts": True, "collection_name": "Desk", STATE: said})
    made.PLACE = Watched()
    made.run(task_vars={})
    assert (wanted[0].names, wanted[0].desired.state, wanted[0].where.collections) == (None, state, ["Desk"])
