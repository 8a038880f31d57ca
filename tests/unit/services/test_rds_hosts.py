# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts of RDS are read by collection and set one by one, over a live runspace and by a script alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_calls import (
    AT_ONCE,
    HostCalls,
    RunspaceCalls,
    ScriptCalls,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_host_rows import name_host
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds_hosts import RdsHosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
    TooLateError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import (
    Desired,
    HostReport,
    set_hosts,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import find_hosts
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    NoRunspaceError,
    State,
)
from tests.unit.fakes.deployment import BROKER, COLLECTIONS, LIST, SET, A, B, C, Deployment
from tests.unit.fakes.windows_host import BatchTransport, FakeHost, LiveTransport, always, error, terminating

Over = Callable[[Deployment], HostCalls]


def live(host: Deployment) -> HostCalls:
    return RunspaceCalls(LiveTransport(host), host.clock.sleep)  # type: ignore[arg-type]


def batch(host: Deployment) -> HostCalls:
    return ScriptCalls(BatchTransport(host), RdsCmdlets(None), "broker", host.clock.sleep)  # type: ignore[arg-type]


EITHER = pytest.mark.parametrize("over", [live, batch])


def service(
    host: Deployment,
    calls: HostCalls,
    collections: Sequence[str] | None = None,
    only_lists: bool = False,
    broker: str | None = None,
) -> RdsHosts:
    return RdsHosts(RdsCmdlets(broker), calls, broker, collections, only_lists, "broker", host.clock)


def run(
    host: Deployment,
    over: Over,
    names: str | None,
    state: str = "no",
    lives: Callable[[], bool] = lambda: True,
    collections: Sequence[str] | None = None,
    calls: HostCalls | None = None,
) -> HostReport:
    named = None if names is None else [name_host(None, None, name) for name in names.split()]
    hosts = service(host, calls or over(host), collections)
    return set_hosts(hosts, named, Desired(state), False, 60.0, host.clock, lives)


def told(report: HostReport) -> dict[str, tuple[object, object, str]]:
    return {row.name: (row.before, row.after, row.outcome) for row in report.rows}


# Reading


@EITHER
def test_all_collections_are_listed_each_by_itself(over: Over) -> None:
    host = Deployment()
    hosts = service(host, over(host), broker=BROKER).list_hosts()
    assert [(one.fields["collection_name"], one.name, one.state) for one in hosts] == [
        ("Apps", C, "no"),
        ("Desk", A, "yes"),
        ("Desk", B, "yes"),
    ]
    assert hosts[0].fields == {
        "service": "rds",
        "host": C,
        "connection_broker": BROKER,
        "collection_name": "Apps",
        "session_host": C,
        "new_connection_allowed": "no",
    }
    assert [call.command for call in host.calls] == [COLLECTIONS, LIST, LIST]
    assert all(call.parameters["ConnectionBroker"] == BROKER for call in host.calls)


@EITHER
def test_only_the_given_collections_are_read(over: Over) -> None:
    host = Deployment()
    assert [one.name for one in service(host, over(host), ["Apps"]).list_hosts()] == [C]
    assert [call.parameters for call in host.calls] == [{"CollectionName": "Apps"}]
    with pytest.raises(ServiceError, match="no collection Nope"):
        service(host, over(host), ["Nope"]).list_hosts()


@pytest.mark.parametrize(
    ("said", "state"), [(0, "yes"), (1, "not_until_reboot"), (2, "no"), ("notuntilreboot", "not_until_reboot")]
)
def test_mode_is_a_word_or_its_number(said: object, state: str) -> None:
    host = Deployment(Desk={A: said})
    assert [one.state for one in service(host, live(host)).list_hosts()] == [state]


@EITHER
def test_names_may_lack_the_domain_and_take_one_list_of_each_collection(over: Over) -> None:
    host = Deployment()
    named = [name_host(None, None, name) for name in ("APP-0", "rdsh-0.EXAMPLE.test")]
    assert [one.name for one in find_hosts(service(host, over(host)), named)] == [C, A]
    assert len(host.sent(LIST)) == 2


def test_name_that_fits_two_hosts_is_an_error_and_nothing_is_set() -> None:
    host = Deployment(Desk={A: "Yes", "rdsh-0.other.test": "Yes", B: "Yes"})
    with pytest.raises(SelectionError, match="fits rdsh-0"):
        run(host, live, f"{B} rdsh-0")
    assert host.sets == []


@pytest.mark.parametrize(
    ("collections", "where"), [(None, "any collection of the deployment"), (["Apps"], "the collection Apps")]
)
def test_host_of_no_collection_or_of_another_keeps_all_from_being_set(
    collections: Sequence[str] | None, where: str
) -> None:
    host = Deployment()
    with pytest.raises(ServiceError, match=f"There is no session host rdsh-9 in {where}: check the names"):
        run(host, live, f"{C} rdsh-9", collections=collections, state="yes")
    with pytest.raises(ServiceError, match=f"no session host {A} in the collection Apps"):
        run(host, live, f"{C} {A}", collections=["Apps"], state="yes")
    assert host.sets == []


def restore(host: Deployment, over: Over, collections: Sequence[str] | None, *rows: tuple[str, str, str]) -> HostReport:
    """Restore rows of collection, name and state."""
    named = [name_host(None, collection, name) for collection, name, _state in rows]
    states = {one.key: state for one, (_collection, _name, state) in zip(named, rows, strict=True)}
    hosts = service(host, over(host), collections)
    return set_hosts(hosts, named, Desired(states=states, restores=True), False, 60.0, host.clock, lambda: True)


@EITHER
@pytest.mark.parametrize("others", [(), (("Desk", B, "yes"),)])
def test_host_that_has_moved_to_another_collection_gets_its_state_back(
    over: Over, others: tuple[tuple[str, str, str], ...]
) -> None:
    host = Deployment()
    report = restore(host, over, None, ("Desk", C, "yes"), *others)
    assert told(report)[C] == ("no", "yes", "set")
    assert report.rows[0].fields["collection_name"] == "Apps"
    gone = Deployment(Apps={C: "No"})
    assert told(restore(gone, over, None, ("Desk", C, "yes"), *others))[C] == ("no", "yes", "set")


@EITHER
def test_host_outside_the_collections_of_the_task_is_not_looked_for_elsewhere(over: Over) -> None:
    host = Deployment()
    assert told(restore(host, over, ["Desk"], ("Desk", C, "yes"), ("Desk", B, "yes")))[C] == (None, None, "failed")
    assert host.sets == []


@EITHER
@pytest.mark.parametrize("others", [(), ((None, A, "yes"),), (("Apps", C, "no"),)])
def test_name_without_domain_means_a_host_of_the_collection_that_its_row_says(over: Over, others: Any) -> None:
    host = Deployment()
    assert told(restore(host, over, None, ("Desk", "app-0", "yes"), *others))["app-0"] == (None, None, "failed")
    assert host.sets == []
    twice = Deployment(Desk={A: "No", "app-0.other.test": "No"}, Apps={C: "No"})
    report = restore(twice, over, None, ("Desk", "app-0", "yes"), *others)
    assert told(report)["app-0.other.test"] == ("no", "yes", "set")
    assert twice.modes[C] == "No"


@EITHER
def test_list_that_lacks_a_host_is_good_enough_for_the_others(over: Over) -> None:
    host = Deployment()
    host.hidden = {A}
    listing = service(host, over(host), only_lists=True)
    assert [one.name for one in listing.list_hosts()] == [C, B]
    assert "may lack session hosts" in listing.notes().warnings[0]
    everything = service(host, over(host))
    report = set_hosts(everything, None, Desired("no"), False, 60.0, host.clock, lambda: True)
    assert told(report) == {C: ("no", "no", "already_set"), B: ("yes", "no", "set")}
    assert "Session hosts may be missing, which were not set" in everything.notes().unlisted
    assert "does not list all session hosts of Desk: a host is off" in everything.notes().unlisted
    report = run(host, over, f"{A} {B}", "yes")
    assert told(report) == {A: (None, None, "failed"), B: ("no", "yes", "set")}
    assert f"{A} is not on the list of session hosts, which is not whole" in report.failure_message()
    assert "a host is off" in report.failure_message()
    assert "hop" not in report.failure_message()


@EITHER
def test_name_without_domain_is_found_on_a_list_that_lacks_another_host(over: Over) -> None:
    host = Deployment()
    host.hidden = {A}
    assert told(run(host, over, "rdsh-1")) == {B: ("yes", "no", "set")}
    assert told(restore(host, over, None, ("Desk", "rdsh-1", "yes"), ("Desk", "rdsh-0", "yes"))) == {
        B: ("no", "yes", "set"),
        "rdsh-0": (None, None, "failed"),
    }
    with pytest.raises(ServiceError, match=f"^{A} is not on the list .*a host is off"):
        run(host, over, "rdsh-0")
    assert told(run(host, over, "rdsh-0 rdsh-1")) == {"rdsh-0": (None, None, "failed"), B: ("yes", "no", "set")}
    with pytest.raises(ServiceError, match="no session host rdsh-9 in"):
        run(host, over, "rdsh-1 rdsh-9", "yes")
    host.scripts["Get-RDServer"] = always(error("Zugriff verweigert", category="PermissionDenied"))
    with pytest.raises(ServiceError, match=r"^rdsh-0 is not on the list .*a host is off"):
        run(host, live, "rdsh-0")
    assert told(run(host, live, "rdsh-1", "yes")) == {B: ("no", "yes", "set")}


@EITHER
@pytest.mark.parametrize("hidden", [C, "rdsh-0.other.test"])
def test_name_without_domain_that_fits_a_host_without_its_state_or_list_as_well_sets_nothing(
    over: Over, hidden: str
) -> None:
    host = Deployment(Desk={A: "Yes", "rdsh-0.other.test": None, B: "Yes", C: "Yes"})
    host.hidden = {hidden}
    with pytest.raises(SelectionError, match="fits rdsh-0"):
        run(host, over, f"{B} rdsh-0")
    assert host.sets == []


@EITHER
def test_collection_without_any_list_keeps_others_from_being_set_only_if_it_was_named(over: Over) -> None:
    host = Deployment()
    host.hidden = {C}
    everything = service(host, over(host))
    report = set_hosts(everything, None, Desired("no"), False, 60.0, host.clock, lambda: True)
    assert told(report) == {A: ("yes", "no", "set"), B: ("yes", "no", "set")}
    assert "a host is off" in everything.notes().unlisted
    with pytest.raises(ServiceError, match="a host is off"):
        run(host, over, None, "yes", collections=["Desk", "Apps"])
    assert host.modes == {A: "No", B: "No", C: "No"}


def test_advice_for_settings_is_given_only_when_one_has_failed() -> None:
    host = Deployment()
    for off, said in (({}, False), ({A: "off"}, True)):
        host.off = off
        hosts = service(host, live(host))
        set_hosts(
            hosts, [name_host(None, None, A)], Desired("yes" if off else "no"), False, 9.0, host.clock, lambda: True
        )
        assert bool(hosts.notes().advice) is said


def test_row_that_does_not_tell_the_mode_is_an_error_of_that_host() -> None:
    host = Deployment(Desk={A: None, B: "Yes"})
    report = run(host, live, f"{A} {B}")
    assert told(report) == {A: (None, None, "failed"), B: ("yes", "no", "set")}
    assert f"session host {A}, whose NewConnectionAllowed is None" in report.failure_message()
    host = Deployment(Desk={A: None, B: "Yes"})
    report = run(host, live, None)
    assert told(report) == {A: (None, None, "failed"), B: ("yes", "no", "set")}
    assert f"session host {A}, whose NewConnectionAllowed is None" in report.failure_message()


@EITHER
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (terminating("CommandNotFoundException"), "JEA endpoint its role must make the command visible"),
        (
            error("Zugriff verweigert", category="PermissionDenied"),
            "must be a local administrator of the connection bro",
        ),
        (error("Specify an active management server"), "full name of the active broker"),
    ],
)
def test_list_that_fails_says_what_to_do(over: Over, answer: CallResult, words: str) -> None:
    host = Deployment()
    host.scripts[COLLECTIONS] = always(answer)
    with pytest.raises(ServiceError, match=words):
        service(host, over(host)).list_hosts()


# Setting


@EITHER
def test_each_host_is_set_by_its_own_call_and_read_back_in_its_collection(over: Over) -> None:
    host = Deployment()
    report = run(host, over, f"rdsh-0 {B} {C}")
    assert told(report) == {A: ("yes", "no", "set"), B: ("yes", "no", "set"), C: ("no", "no", "already_set")}
    assert sorted(host.sets) == sorted([(A, "No"), (B, "No")])
    assert host.modes == {A: "No", B: "No", C: "No"}
    set_at = max(number for number, call in enumerate(host.calls) if call.command == SET)
    assert {call.parameters["CollectionName"] for call in host.calls[set_at:] if call.command == LIST} == {"Desk"}


@EITHER
def test_host_that_is_off_fails_by_itself_after_some_tries_and_is_no_change(over: Over) -> None:
    host = Deployment()
    host.off = {A: "Der Host ist nicht da"}
    begun = host.clock.now
    report = run(host, over, f"{A} {B}")
    assert told(report) == {A: ("yes", "yes", "failed"), B: ("yes", "no", "set")}
    assert f"{A}: {SET} says: Der Host ist nicht da." in report.failure_message()
    assert 2 <= host.sets.count((A, "No")) <= 5
    assert host.sets.count((B, "No")) == 1
    assert host.clock.now - begun < 30.0, "that is long before the deadline"
    host.off = {C: "no"}
    assert run(host, over, C, "yes").changed is False


@EITHER
def test_silence_may_be_an_effect_and_keeps_no_other(over: Over) -> None:
    host = Deployment()
    host.hung = {A}
    report = run(host, over, f"{A} {B}")
    assert told(report)[B] == ("yes", "no", "set")
    assert told(report)[A] == ("yes", "yes", "failed")
    assert [row.unclear for row in report.rows] == [True, False]
    assert "no answer within its deadline" in report.failure_message()


@EITHER
def test_error_after_the_effect_is_read_back_as_set(over: Over) -> None:
    host = Deployment()

    def fails_late(fake: FakeHost, call: Call) -> CallResult:
        assert isinstance(fake, Deployment)
        fake._set(call)
        return error("spät")

    host.scripts[SET] = [fails_late]
    assert told(run(host, over, A)) == {A: ("yes", "no", "set")}
    assert len(host.sets) == 1


@EITHER
def test_call_is_refused_before_it_began_only_if_it_has_no_other_error(over: Over) -> None:
    host = Deployment()

    def fails_twice(fake: FakeHost, call: Call) -> CallResult:
        assert isinstance(fake, Deployment)
        fake._set(call)
        both = (*error("spät").errors, *error("Zugriff verweigert", category="PermissionDenied").errors)
        return CallResult(State.COMPLETED, errors=both)

    host.scripts[SET] = [fails_twice]
    assert told(run(host, over, A)) == {A: ("yes", "no", "set")}


def test_host_is_read_at_once_after_a_list_of_all() -> None:
    host = Deployment()
    hosts = service(host, batch(host))
    hosts.list_hosts()
    named = name_host(None, None, A)
    hosts.begin_read(named)
    assert [event.named for event in hosts.wait(1.0)] == [named]


@EITHER
def test_call_that_never_began_fails_at_once_with_the_right_that_lacks(over: Over) -> None:
    host = Deployment()
    host.scripts[SET] = always(terminating("CommandNotFoundException"))
    report = run(host, over, A)
    assert (told(report)[A], report.changed) == (("yes", "yes", "failed"), False)
    assert f"no command {SET} for this user" in report.failure_message()
    assert len(host.sets) == 1


@EITHER
def test_no_more_settings_than_eight_are_in_flight(over: Over) -> None:
    many = {f"rdsh-{number}.example.test": "Yes" for number in range(30)}
    host = Deployment(Desk=dict(many))
    calls = over(host)
    report = run(host, over, None, calls=calls)
    assert report.summary() == {"set": 30}
    assert len(host.sets) == 30
    transport: Any = calls._transport  # type: ignore[attr-defined]
    if isinstance(transport, LiveTransport):
        assert transport.most_at_once <= AT_ONCE + 1
    else:
        assert max(len(verdicts) for verdicts in transport.verdicts) == AT_ONCE
        assert all(act.where == act.expect for act in transport.acts)
        assert {round(seconds) for seconds in transport.seconds} == {30}, "half of what is left"


@EITHER
def test_nothing_is_set_any_more_when_the_run_is_gone(over: Over) -> None:
    host = Deployment(Desk={f"rdsh-{number}.example.test": "Yes" for number in range(30)})
    report = run(host, over, None, lives=lambda: not host.sets)
    assert len(host.sets) <= AT_ONCE
    assert {row.outcome for row in report.rows} == {"failed"}
    assert report.changed


def test_server_that_has_left_the_deployment_is_refused_by_the_script() -> None:
    host = Deployment()
    host.scripts["Get-RDServer"] = always(CallResult(State.COMPLETED, ({"Server": BROKER},)))
    report = run(host, batch, A)
    assert told(report)[A] == ("yes", "yes", "failed")
    assert "no such server any more" in report.failure_message()
    assert host.sets == []


def test_list_of_servers_that_fails_is_told_and_asked_for_again() -> None:
    host = Deployment()
    host.scripts["Get-RDServer"] = always(error("Der Dienst startet"))
    assert told(run(host, batch, A))[A] == ("yes", "no", "set")
    host.scripts["Get-RDServer"] = always(*[error("Der Dienst startet")] * 100)
    report = run(host, batch, B)
    assert "Der Dienst startet" in report.failure_message()
    assert report.changed is False


# What goes wrong on the way


def test_lost_connection_before_anything_was_set_makes_the_host_unreachable() -> None:
    host = Deployment()
    for errors in ("wait_errors", "begin_errors"):
        transport = LiveTransport(host)
        getattr(transport, errors).append(AnsibleConnectionFailure("gone"))
        with pytest.raises(AnsibleConnectionFailure):
            run(host, live, A, calls=RunspaceCalls(transport, host.clock.sleep))  # type: ignore[arg-type]
    script = BatchTransport(host)
    script.errors.append(AnsibleConnectionFailure("gone"))
    with pytest.raises(AnsibleConnectionFailure):
        run(host, batch, A, calls=ScriptCalls(script, RdsCmdlets(None), "broker", host.clock.sleep))  # type: ignore[arg-type]


@EITHER
def test_lost_connection_while_hosts_are_set_leaves_a_row_for_each(over: Over) -> None:
    host = Deployment()
    host.scripts[SET] = always(AnsibleConnectionFailure("gone"))
    hosts = service(host, over(host))
    named = [name_host(None, None, name) for name in (A, B, C)]
    report = set_hosts(hosts, named, Desired("no"), False, 60.0, host.clock, lambda: True)
    assert {name: outcome for name, (_before, _after, outcome) in told(report).items()} == {
        A: "failed",
        B: "failed",
        C: "already_set",
    }
    assert report.changed
    assert "the connection to the host was lost" in report.failure_message()
    assert isinstance(hosts.notes().lost, AnsibleConnectionFailure)


def test_call_that_finds_no_room_or_no_time_is_sent_later() -> None:
    host = Deployment()
    transport = LiveTransport(host)
    errors = [[], [TooLateError()], [NoRunspaceError("no room", lasting=False)]]

    def lives() -> bool:
        transport.begin_errors += errors.pop() if errors else []
        return True

    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    assert told(run(host, live, A, lives=lives, calls=calls)) == {A: ("yes", "no", "set")}
    assert (errors, transport.begin_errors, host.sets) == ([], [], [(A, "No")])


def test_one_runspace_takes_settings_and_lists_in_turns() -> None:
    host = Deployment()
    transport = LiveTransport(host, most=1)
    turns = iter(range(200))
    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    report = run(host, live, None, lives=lambda: next(turns, None) is not None, calls=calls)
    assert told(report) == {C: ("no", "no", "already_set"), A: ("yes", "no", "set"), B: ("yes", "no", "set")}


def test_calls_that_hold_all_runspaces_for_good_leave_a_reason_for_each_host() -> None:
    host = Deployment(Desk={f"rdsh-{number}.example.test": "Yes" for number in range(4)})
    host.hung = set(host.modes)
    transport = LiveTransport(host, most_runspaces=2)
    turns = iter(range(200))
    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    report = run(host, live, None, lives=lambda: next(turns, None) is not None, calls=calls)
    assert report.summary() == {"failed": 4}
    assert "all runspaces are blocked" in report.failure_message(shown=4)
    assert "run that the task belongs to has ended" not in report.failure_message(shown=4)


def test_list_that_finds_no_room_waits_for_it() -> None:
    host = Deployment()
    transport = LiveTransport(host)
    transport.begin_errors = [NoRunspaceError("no room", lasting=False)]
    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    assert len(service(host, calls).list_hosts()) == 3


def test_list_that_is_too_late_for_the_run_is_no_answer() -> None:
    host = Deployment()
    transport = LiveTransport(host)
    transport.begin_errors = [TooLateError()]
    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    with pytest.raises(ServiceError, match="the run that the task belongs to has ended"):
        service(host, calls).list_hosts()


def test_host_without_a_free_runspace_for_good_is_said_once() -> None:
    host = Deployment()
    transport = LiveTransport(host)
    transport.begin_errors = [NoRunspaceError("all runspaces are blocked.")]
    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    with pytest.raises(NoRunspaceError, match="all runspaces are blocked"):
        service(host, calls).list_hosts()


def test_setting_leaves_room_for_a_list_and_is_not_sent_after_its_time() -> None:
    host = Deployment()
    transport = LiveTransport(host, most=2)
    calls = RunspaceCalls(transport, host.clock.sleep)  # type: ignore[arg-type]
    assert calls.has_room
    call = RdsCmdlets(None).set_host(A, "No")
    calls.begin_set(call, A, 30.0, 77.0)
    assert (transport.send_before, transport.deadlines[SET]) == (77.0, 30.0)
    assert not calls.has_room
    assert service(host, calls).pause() == math.inf
