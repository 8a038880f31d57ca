# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the tasks of a wave are about: those of the inventory, each in its own host pool."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.batches import earlier_batches
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_close import (
    OF_GUARD,
    CloseAction,
    _require_one_deployment,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_open import OpenAction
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services import wvd_wave
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_wave import RdsWave
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import (
    SET,
    HostReport,
    HostRow,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import (
    HostName,
    HostRead,
    SessionHost,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import this_process
from tests.unit.fakes.task import action

ONE, TWO, THREE = ({"resource_group_name": "rg", "host_pool_name": name} for name in ("one", "two", "three"))


def close(hostvars: dict[str, dict[str, Any]], here: str, kind: type[Any] = CloseAction, **args: Any) -> Any:
    """Make the first task of a wave, or another one, which runs for the host `here`."""
    made = action(kind, {"service": "wvd", **args})
    made._look({"inventory_hostname": here, "hostvars": hostvars})
    return made


@pytest.mark.parametrize("here", ["a", "b", "c"])
def test_place_of_one_host_is_not_taken_for_that_of_others(here: str) -> None:
    """The task is templated for one host of the wave, whose variable would be what all are told."""
    hostvars = {"a": {"session_window_place": ONE}, "b": {"wvd_place": TWO}, "c": {"session_window_place": THREE}}
    made = close(hostvars, here)
    options = {"place": hostvars[here].get("session_window_place")}
    assert [made._place(options, host) for host in hostvars] == [ONE, TWO, THREE]


def test_place_for_all_hosts_counts_where_they_have_none_of_their_own() -> None:
    hostvars: dict[str, dict[str, Any]] = {"a": {}, "b": {"wvd_place": TWO}, "c": {"session_window_place": THREE}}
    made = close(hostvars, "a")
    assert [made._place({"place": ONE}, host) for host in hostvars] == [ONE, ONE, THREE]


@pytest.mark.parametrize(
    ("serial", "order", "numbers"),
    [
        ([], None, [0, 0, 0, 0, 0]),
        ([1], None, [0, 1, 2, 3, 4]),
        (["2"], "inventory", [0, 0, 1, 1, 2]),
        ([1, "50%"], None, [0, 1, 1, 2, 2]),
        ([2], "reverse_inventory", [2, 1, 1, 0, 0]),
        ([2], "sorted", [2, 1, 1, 0, 0]),
        ([2], "reverse_sorted", [0, 0, 1, 1, 2]),
        ([1], "shuffle", [0, 0, 0, 0, 0]),
        ([1, 0], None, [0, 1, 1, 1, 1]),
    ],
)
def test_batches_before_that_of_a_host_are_counted(
    serial: list[int | str], order: str | None, numbers: list[int]
) -> None:
    hosts = ["e", "d", "c", "b", "a"]
    play = SimpleNamespace(serial=serial, order=order)
    assert [earlier_batches(play, hosts, host) for host in hosts] == numbers


DIFFERENT: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({}, {"session_window_protected_users": ["carol"]}, {"protected_users": []}),
    ({"session_window_protected_users": ["carol"]}, {}, {"protected_users": ["carol"]}),
    ({"session_window_remaining": "logoff"}, {"session_window_remaining": "leave"}, {"remaining": "logoff"}),
    ({"session_window_latest": "4h"}, {"session_window_latest": "2h"}, {"latest": "4h"}),
]


@pytest.mark.parametrize(("first", "other", "said"), DIFFERENT)
def test_hosts_of_which_the_inventory_says_different_things_are_no_wave(
    first: dict[str, Any], other: dict[str, Any], said: dict[str, Any]
) -> None:
    made = close({"a": first, "b": other}, "a", **said)
    with pytest.raises(SelectionError, match=r"session_window_\w+ of b as of a"):
        made._require_alike({"service": "wvd"}, ["a", "b"])


@pytest.mark.parametrize(
    ("first", "other", "said"),
    [
        ({}, {}, {"protected_users": ["carol"], "deadline": "30m"}),
        ({"session_window_wait_timeout": 60}, {"session_window_wait_timeout": 60}, {"wait_timeout": "60"}),
        ({"session_window_remaining": "logoff"}, {"session_window_remaining": "leave"}, {"remaining": "disconnect"}),
        ({"session_window_place": ONE}, {"session_window_place": TWO}, {"place": ONE}),
        ({"session_window_host": "vm-1"}, {"session_window_host": "vm-2"}, {"host": "vm-1"}),
        ({"session_window_latest": ""}, {"session_window_latest": ""}, {"latest": ""}),
    ],
)
def test_hosts_of_which_the_same_is_said_are_a_wave(
    first: dict[str, Any], other: dict[str, Any], said: dict[str, Any]
) -> None:
    close({"a": first, "b": other}, "a", **said)._require_alike({"service": "wvd"}, ["a", "b"])


SIGN_IN = {"client_id": "c-1", "secret": "{{ lookup('vault', 'one') }}"}


@pytest.mark.parametrize(
    ("first", "other", "refused"),
    [
        ({"azure": SIGN_IN}, {"azure": {**SIGN_IN, "client_id": "c-2"}}, "azure"),
        ({}, {"azure": SIGN_IN}, "azure"),
        ({"azure": SIGN_IN}, {"azure": dict(SIGN_IN)}, ""),
        ({"latest": "4h"}, {"latest": "2h"}, "latest"),
        ({"report": "/a"}, {}, "report"),
        ({"deadline": "10m"}, {"deadline": "20m"}, ""),
    ],
)
def test_waves_of_which_one_guard_could_not_know_are_refused(
    first: dict[str, Any], other: dict[str, Any], refused: str
) -> None:
    """The sign-in is compared as it is written, so that no vault is asked for each host."""
    hostvars = {
        name: {f"session_window_{option}": value for option, value in own.items()}
        for name, own in (("a", first), ("b", other))
    }
    made = close(hostvars, "a", **{**first, "azure": {"client_id": "c-1", "secret": "s3cret"}})
    made._vars.update(hostvars["a"])
    if refused:
        with pytest.raises(SelectionError, match=f"session_window_{refused} of b as of a, and the play has one guard"):
            made._require_same(OF_GUARD, ["a", "b"], "the play has one guard for all its waves")
    else:
        made._require_same(OF_GUARD, ["a", "b"], "the play has one guard for all its waves")


def test_hosts_of_two_deployments_are_no_wave() -> None:
    hostvars = {"a": {"session_window_place": "broker-1"}, "b": {"session_window_place": "broker-2"}}
    made = close(hostvars, "a", service="rds", place="broker-1")
    with pytest.raises(SelectionError, match="session_window_place of b as of a"):
        made._require_alike({"service": "rds"}, ["a", "b"])


def row(pool: str, host: str = "vm-0") -> dict[str, Any]:
    place = {"subscription_id": "s", "resource_group_name": "RG", "host_pool_name": pool}
    return {"service": "wvd", "host": host, **place, "allow_new_session": True}


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(wvd_wave, "sign_in", lambda *_given: (None, "s"))
    return wvd_wave.WvdWave({}, [ONE, TWO], None)  # type: ignore[arg-type]


def test_wave_that_was_lost_opens_its_own_host_and_not_its_namesake_which_is_worked_on(pools: Any) -> None:
    """With the strategy free another host of the play may be at work now."""
    of = {"wvd_session_host_name": "vm-0"}
    hostvars = {"a": {"wvd_place": ONE, **of}, "b": {"wvd_place": TWO, **of}, "c": dict(of)}
    made = close(hostvars, "b", OpenAction)
    options = {"service": "wvd", "place": None}
    assert made._rows(options, pools, [row("one")], ["b", "c"], {}) == {}
    assert made._rows(options, pools, [row("one"), row("two")], ["b", "c"], {}) == {"b": row("two")}


def test_wave_that_was_lost_opens_hosts_of_one_name_all(pools: Any) -> None:
    rows = [row("one"), row("two"), row("two", "vm-1")]
    found = close({}, "a", OpenAction)._rows({"service": "wvd", "place": None}, pools, rows, [], {})
    assert (list(found.values()), list(found)) == (rows, ["s/rg/one/vm-0", "s/rg/two/vm-0", "vm-1"])


def test_wave_that_was_lost_knows_hosts_without_their_domain() -> None:
    full = {"service": "rds", "host": "RDSH-0.contoso.com", "new_connection_allowed": "yes"}
    made = close({"rdsh-0": {}}, "rdsh-0", OpenAction, service="rds", place="broker")
    deployment = RdsWave([], None, None, ())
    assert made._rows({"service": "rds", "place": "broker"}, deployment, [full], ["rdsh-0"], {}) == {"rdsh-0": full}


@pytest.mark.parametrize(("hosts", "opened"), [(None, ["vm-0"]), (["b"], [])])
def test_what_an_earlier_wave_has_left_closed_is_opened_unless_it_may_be_worked_on(
    tmp_path: Path, hosts: list[str] | None, opened: list[str]
) -> None:
    """A play that says which hosts are a wave may close several before it works on them."""
    journal = Journal.create(tmp_path, Header("run-1", this_process(), "wvd", "", "here"))
    journal.closing([row("one")])
    asked: list[str] = []

    def give_states(rows: Any, _seconds: float) -> HostReport:
        asked.extend(one["host"] for one in rows)
        return HostReport([HostRow(one["host"], one, False, True, SET) for one in rows])

    service = SimpleNamespace(
        trouble=(SelectionError,),
        set=give_states,
        names=lambda rows: [HostName("one", one["host"]) for one in rows],
        read=lambda names, waits: [HostRead(one, SessionHost("one", one.name, False, {})) for one in names],
        is_healthy=lambda _host, _since: True,
    )
    made = close({}, "a")
    made._task.get_play = lambda: SimpleNamespace(strategy="linear")
    made._reach = SimpleNamespace(clock=time.monotonic, sleep=time.sleep)
    options = {"hosts": hosts, "report": None, "stop_at_percentage": 25, "ready_timeout": "1s"}
    made._open_left(options, service, journal)
    assert (asked, len(journal.read().to_open())) == (opened, 1 - len(opened))


@pytest.mark.parametrize(("place", "refused"), [("b-2, B-1", False), (["b-1", "b-2"], False), ("b-1", True)])
def test_waves_of_a_play_are_of_one_deployment(tmp_path: Path, place: object, refused: bool) -> None:
    """The guard that the first wave has started knows its brokers only."""
    state = Journal.create(tmp_path, Header("run-1", this_process(), "rds", "", "here", "b-1, b-2")).read()
    options = {"service": "rds", "place": place}
    if not refused:
        _require_one_deployment(options, state)
        return
    with pytest.raises(SelectionError, match="take a play for each"):
        _require_one_deployment(options, state)
