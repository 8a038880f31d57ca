# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The psrp transport against what a real PowerShell sent, and against hosts that hang, refuse and go away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from time import monotonic
from typing import Any
from xml.etree.ElementTree import fromstring

import pytest
from ansible.errors import AnsibleConnectionFailure
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import ServiceError, TooLateError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports import (
    runspace,
    runspace_pool,
    shell_connection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    NoRunspaceError,
    State,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace import RunspaceTransport
from tests.unit.fakes.clock import Clock
from tests.unit.fakes.recorded_host import Connection, FakeListeners, Host, Pipeline, Scenario, output, scenarios, state

CALL = Call("Invoke-RDUserLogoff", {"HostServer": "rdsh-1", "UnifiedSessionID": 2, "Force": True})


def begin(
    answer: Callable[[Pipeline], Any],
    most_runspaces: int = runspace.MOST_RUNSPACES,
    window: int = runspace.AT_ONCE,
    **options: Any,
) -> tuple[RunspaceTransport, Host]:
    """Connect to a host that answers so; by default it is known to have threads for all calls."""
    clock = Clock(1000.0)
    host = Host(answer, clock, **options)
    cmdlets = RunspaceTransport(Connection(host), clock, most_runspaces, make_listeners=FakeListeners)
    cmdlets._window = window
    return cmdlets, host


def after(when: float) -> Callable[[Pipeline], Any]:
    """Answer every call with success at that time; the clock begins at 1000."""

    def answer(pipeline: Pipeline) -> None:
        pipeline.pending, pipeline.ends_at = state(4), when

    return answer


def hang(pipeline: Pipeline) -> None:
    pipeline.stops = False


# -- recordings

SESSION = {
    "ServerName": "rdsh-1.example.test",
    "SessionId": 2,
    "UserName": "user2",
    "DomainName": "EX",
    "ServerIPAddress": None,
    "TSProtocol": None,
    "ApplicationType": None,
    "ResolutionWidth": None,
    "ResolutionHeight": None,
    "ColorDepth": None,
    "CreateTime": "2026-11-21T08:30:02Z",
    "DisconnectTime": None,
    "SessionState": "STATE_ACTIVE",
    "CollectionName": "Desk",
    "CollectionType": "RD_FARM_RDSH",
    "UnifiedSessionId": 2,
    "HostServer": "rdsh-1.example.test",
    "IdleTime": 60000,
    "RemoteFxEnabled": None,
}
DISCONNECTED = SESSION | {
    "SessionId": 4,
    "UnifiedSessionId": 4,
    "UserName": "user4",
    "SessionState": "STATE_DISCONNECTED",
    "CreateTime": "2026-11-21T08:30:04Z",
    "DisconnectTime": "2026-11-21T09:00:00Z",
}


def done(rows: int = 0, *warnings: str) -> dict[str, Any]:
    return {"state": State.COMPLETED, "errors": [], "rows": rows, "warnings": list(warnings)}


def failed(*error: str, state: State = State.FAILED) -> dict[str, Any]:
    return {"state": state, "errors": [error], "rows": 0, "warnings": []}


WRITTEN = ("Microsoft.PowerShell.Commands.WriteErrorException", "NotSpecified", "WriteErrorException")
NO_COMMAND = ("CommandNotFoundException", "ObjectNotFound", "CommandNotFoundException")
NO_PARAMETER = ("NamedParameterNotFound", "InvalidArgument", "ParameterBindingException")
NO_VALUE = ("ParameterArgumentTransformationError", "InvalidData", "ParameterBindingArgumentTransformationException")
NOT_ALLOWED = ("ParameterArgumentValidationError", "InvalidData", "ParameterBindingValidationException")
NO_PROMPT = ("HostException", "NotSpecified", "MethodInvocationException")

EXPECTED = {
    "list": done(3),
    "list_count": done(1),
    "list_select_property": done(3),
    "list_sort": done(3),
    "list_unknown_collection": failed(*WRITTEN, state=State.COMPLETED),
    "list_unknown_collection_stop": failed(*WRITTEN),
    "unknown_parameter": failed(*NO_PARAMETER),
    "unknown_command": failed(*NO_COMMAND),
    "hidden_command": failed(*NO_COMMAND),
    "script_text": failed("ScriptsNotAllowed", "ParserError", "ParseException"),
    "logoff": done(),
    "logoff_verbose": done(),
    "logoff_string_id": done(),
    "logoff_bad_id": failed(*NO_VALUE),
    "logoff_missing_parameter": failed("MissingMandatoryParameter", "InvalidArgument", "ParameterBindingException"),
    "logoff_no_such_session": failed(*WRITTEN, state=State.COMPLETED),
    "logoff_host_down": failed(*WRITTEN, state=State.COMPLETED),
    "logoff_host_not_in_role": failed(*NOT_ALLOWED),
    "logoff_without_force": failed(*NO_PROMPT),
    "list_piped_to_logoff": done(),
    "wms_close": done(0, "closed 7"),
    "wms_close_string_ids": done(0, "closed 5", "closed 6"),
    "wms_close_negative_id": failed(*NO_VALUE),
    "wms_close_what_if": done(),
    "wms_close_would_prompt": failed(*NO_PROMPT),
    "wms_close_no_such_session": failed("SessionNotFound", "ObjectNotFound", "ItemNotFoundException"),
    "wms_close_old_parameter": failed(*NO_PARAMETER),
    "wms_close_two_sets": failed("AmbiguousParameterSet", "InvalidArgument", "ParameterBindingException"),
    "command_metadata": done(1),
    "command_whole": done(1),
    "command_absent": failed(*NO_COMMAND, state=State.COMPLETED),
    "command_absent_silent": done(),
    "command_names": done(11),
    # A no-language endpoint limits the one and hides the other.
    "jea-list_select_property": failed(*NOT_ALLOWED),
    "jea-list_sort": failed(*NO_COMMAND),
}
REPLAYS = [one for one in scenarios() if one.name != "open"]


def replay(scenario: Scenario, fragment: int = 10**9) -> CallResult:
    def answer(pipeline: Pipeline) -> None:
        pipeline.pending, pipeline.ends_at = list(scenario.messages), 0.0

    cmdlets, _host = begin(answer, fragment=fragment)
    command = scenario.commands[0]
    call = Call(command["command"], command["parameters"]) if "command" in command else CALL
    return cmdlets.run(call, 30)


@pytest.mark.parametrize("scenario", REPLAYS, ids=str)
def test_recorded_answers_read_as_they_are(scenario: Scenario) -> None:
    answer = replay(scenario)
    assert {
        "state": answer.state,
        "errors": [(one.id, one.category, one.exception) for one in answer.errors],
        "rows": len(answer.output),
        "warnings": list(answer.warnings),
    } == (EXPECTED.get(str(scenario)) or EXPECTED[scenario.name])
    assert all(one.message for one in answer.errors)
    assert answer == replay(scenario, fragment=100), "the size of the fragments changes nothing"


def named(name: str) -> Scenario:
    return next(one for one in REPLAYS if one.name == name)


def test_sessions_are_plain_rows() -> None:
    answer = replay(named("list"))
    assert answer.output[0] == SESSION
    assert answer.output[2] == DISCONNECTED
    assert answer.whole


def test_a_bare_enumeration_is_its_name() -> None:
    rows = replay(named("command_names")).output
    assert {row["CommandType"] for row in rows} == {"Function"}
    assert "Invoke-RDUserLogoff" in [row["Name"] for row in rows]


@pytest.mark.parametrize("name", ["command_metadata", "command_whole"])
def test_the_parameters_of_a_command_can_be_seen(name: str) -> None:
    (row,) = replay(named(name)).output
    assert {"SessionId", "All", "Server", "Confirm"} < set(row["Parameters"])


def test_not_whole_says_why() -> None:
    answer = replay(named("list_unknown_collection"))
    assert not answer.whole
    assert answer.reason == "The specified collection Nope does not exist."


# -- requests


def test_a_call_is_one_command_with_typed_arguments_and_no_script() -> None:
    call = Call(
        "Close-WmsSession",
        {
            "SessionId": [1, 2**31],
            "All": None,
            "Confirm": False,
            "Server": "a'; Remove-Item $(x)\n\U0001f600",
            "Big": 2**40,
            "Ratio": 0.1,
        },
    )
    cmdlets, host = begin(after(0))
    cmdlets.run(call, 5)
    (pipeline,) = host.pipelines.values()
    message = fromstring(pipeline.clixml)
    assert [one.text for one in message.iter("B") if one.get("N") == "IsScript"] == ["false"]
    assert [one.text for one in message.iter("S") if one.get("N") == "Cmd"] == ["Close-WmsSession"]
    arguments = {}
    for argument in message.findall(".//Obj[@N='Args']/LST/Obj/MS"):
        value = argument.find("*[@N='V']")
        items = value.find("LST")
        arguments[argument.findtext("S[@N='N']")] = (
            [(one.tag, one.text) for one in items] if items is not None else (value.tag, value.text)
        )
    assert arguments == {
        "SessionId": [("I32", "1"), ("I64", "2147483648")],
        "Confirm": ("B", "false"),
        "Server": ("S", "a'; Remove-Item $(x)_x000A__xD83D__xDE00_"),
        "Big": ("I64", str(2**40)),
        "Ratio": ("Db", "0.1"),
    }
    assert b'IsScript">true' not in host.sent
    host_info = {one.get("N"): one.text for one in message.find(".//Obj[@N='HostInfo']/MS")}
    assert host_info["_isHostUINull"] == "true", "a cmdlet that would ask must fail at once"
    assert host_info["_useRunspaceHost"] == "false"


def test_many_calls_are_in_flight_on_one_pool() -> None:
    cmdlets, host = begin(after(1000.1))
    tokens = [cmdlets.begin(CALL, 60) for _ in range(runspace.AT_ONCE)]
    assert cmdlets.busy
    with pytest.raises(NoRunspaceError):
        cmdlets.begin(CALL, 60)
    answers = dict(itertools.chain.from_iterable(cmdlets.wait(60) for _ in tokens))
    assert set(answers) == set(tokens)
    assert {answer.state for answer in answers.values()} == {State.COMPLETED}
    assert not cmdlets.busy
    assert {tuple(one.signals) for one in host.pipelines.values()} == {("Terminate",)}, "none stays open on the host"


def test_run_keeps_the_answers_to_other_calls() -> None:
    cmdlets, _host = begin(after(0))
    earlier = cmdlets.begin(CALL, 60)
    assert cmdlets.run(CALL, 60).state is State.COMPLETED
    assert [token for token, _answer in cmdlets.wait(0)] == [earlier]
    assert cmdlets.wait(10) == []


def test_a_host_that_allows_one_runspace_is_used_one_call_at_a_time() -> None:
    cmdlets, host = begin(after(0))
    host.allows_runspaces = False
    cmdlets.begin(CALL, 60)
    with pytest.raises(NoRunspaceError) as refused:
        cmdlets.begin(CALL, 60)
    assert not refused.value.lasting
    assert cmdlets.busy
    cmdlets.wait(10)
    cmdlets.begin(CALL, 60)


def test_one_runspace_is_kept_for_calls_that_need_the_same() -> None:
    cmdlets, host = begin(after(0), most_runspaces=1)
    for _ in range(3):
        cmdlets.begin(CALL, 60)
        assert cmdlets.busy
        with pytest.raises(NoRunspaceError) as refused:
            cmdlets.begin(CALL, 60)
        assert not refused.value.lasting
        cmdlets.wait(10)
    assert len(host.pipelines) == 3
    assert host.resized == []


def test_a_pool_that_others_let_grow_is_made_smaller() -> None:
    """Ansible keeps the connection for all items of a loop."""
    clock = Clock(1000.0)
    host = Host(after(0), clock)
    connection = Connection(host)
    many = RunspaceTransport(connection, clock)
    for _ in range(2):
        many.begin(CALL, 60)
    while many.wait(10):
        pass
    many.close()
    RunspaceTransport(connection, clock, 1).run(CALL, 60)
    assert host.resized == [runspace.AT_ONCE, 1]
    assert connection.runspace.max_runspaces == 1
    RunspaceTransport(connection, clock, 1).run(CALL, 60)
    assert host.resized == [runspace.AT_ONCE, 1]


def test_a_call_that_hangs_in_the_only_runspace_is_the_last_one() -> None:
    cmdlets, host = begin(hang, most_runspaces=1)
    assert cmdlets.run(CALL, 10).state is State.NO_ANSWER
    assert not cmdlets.busy
    for _ in range(2):
        with pytest.raises(NoRunspaceError, match="because one that does not end holds the only runspace") as refused:
            cmdlets.begin(CALL, 10)
        assert refused.value.lasting
        assert str(refused.value).startswith("host.example.test ")
    assert len(host.pipelines) == 1
    assert host.resized == []
    cmdlets.close()
    assert host.deleted == 1


def test_a_call_is_not_sent_when_making_room_took_too_long() -> None:
    cmdlets, host = begin(after(0))
    cmdlets.begin(CALL, 60, send_before=1005)
    host.pool.clear()
    host._send = lambda *_request: None  # type: ignore[method-assign]
    host.operation_timeout = 20
    with pytest.raises(ServiceError):
        cmdlets.begin(CALL, 60, send_before=1005)
    cmdlets.wait(10)
    with pytest.raises(TooLateError):
        cmdlets.begin(CALL, 60, send_before=1005)
    assert len(host.pipelines) == 1
    assert not cmdlets.busy


# -- deadlines


def test_a_call_over_its_deadline_is_stopped() -> None:
    cmdlets, host = begin(lambda pipeline: None)
    answer = cmdlets.run(CALL, 30)
    assert answer.state is State.STOPPED
    assert not answer.errors
    assert 30 <= host.clock.now - 1000 < 33


def test_an_answer_that_comes_just_before_the_stop_counts() -> None:
    cmdlets, host = begin(after(1030.2))
    cmdlets.begin(CALL, 60)
    host.answer = lambda pipeline: None
    slow = cmdlets.begin(CALL, 30)
    ended = dict(itertools.chain.from_iterable(cmdlets.wait(60) for _ in range(3)))
    assert {token: answer.state for token, answer in ended.items()} == {1: State.COMPLETED, slow: State.STOPPED}


def test_a_call_that_cannot_be_stopped_is_given_up_and_the_others_go_on() -> None:
    cmdlets, host = begin(hang)
    stuck = cmdlets.begin(CALL, 10)
    host.answer = lambda pipeline: after(host.clock() + 0.1)(pipeline)  # noqa: PLW0108
    answers = {}
    begun = 0
    while len(answers) < 200:
        while begun < 199 and not cmdlets.busy:
            cmdlets.begin(CALL, 10)
            begun += 1
        answers.update(cmdlets.wait(5))
    assert answers.pop(stuck).state is State.NO_ANSWER
    assert {answer.state for answer in answers.values()} == {State.COMPLETED}
    assert 10 <= host.clock.now - 1000 < 22
    cmdlets.close()
    assert host.deleted == 1


def test_blocked_runspaces_are_replaced_up_to_a_bound_and_nothing_waits_in_a_queue() -> None:
    cmdlets, _host = begin(hang)
    for _ in range(runspace.MOST_RUNSPACES):
        while cmdlets.busy:
            cmdlets.wait(100)
        cmdlets.begin(CALL, 1)
    while cmdlets.wait(100):
        pass
    assert not cmdlets.busy
    with pytest.raises(NoRunspaceError, match="56 that do not end hold all the runspaces") as refused:
        cmdlets.begin(CALL, 1)
    assert refused.value.lasting


def test_close_leaves_a_healthy_shell_to_ansible() -> None:
    cmdlets, host = begin(after(0))
    cmdlets.run(CALL, 5)
    cmdlets.close()
    assert host.deleted == 0


def test_close_ends_the_shell_while_a_call_is_under_way() -> None:
    cmdlets, host = begin(hang)
    cmdlets.begin(CALL, 100)
    cmdlets.close()
    assert host.deleted == 1


# -- silent calls


def under_way(cmdlets: RunspaceTransport) -> list[int]:
    """Begin as many calls as there is room for; some that hang are among them."""
    begun = []
    while cmdlets.room() > 0:
        begun.append(cmdlets.begin(CALL, 20))
    return begun


def run_all(cmdlets: RunspaceTransport, host: Host, hung: int, many: int) -> tuple[dict[int, float], int]:
    """Run so many calls of 100 ms, of which some hang, spread over all; say when each ended, and the most in flight."""
    hangs = range(0, many, many // hung) if hung else range(0)
    ended: dict[int, float] = {}
    begun: list[int] = []
    most = 0
    while len(ended) < many:
        while len(begun) < many and cmdlets.room() > 0:
            host.answer = hang if len(begun) in hangs else after(host.clock.now + 0.1)
            begun.append(cmdlets.begin(CALL, 20))
            most = max(most, len(begun) - len(ended))
        for token, _answer in cmdlets.wait(60):
            ended[begun.index(token)] = host.clock.now - 1000
        assert host.clock.now < 1100, "it goes on for ever"
    return ended, most


def test_calls_that_hang_cost_the_others_nothing() -> None:
    ended, _most = run_all(*begin(after(0), window=4), hung=0, many=180)
    cmdlets, host = begin(after(0), window=4)
    beside, most = run_all(cmdlets, host, hung=20, many=200)
    alone = max(ended.values())
    assert max(when for token, when in beside.items() if token % 10) < 2 * alone
    assert max(beside.values()) < 20 + 2 * alone + 1.5
    assert most <= runspace.AT_ONCE + 20
    assert cmdlets.given_up == 20


@pytest.mark.parametrize("hung", [20, 60])
def test_calls_that_all_hang_are_given_up_soon_after_their_deadlines(hung: int) -> None:
    cmdlets, host = begin(hang)
    begun: list[int] = []
    ended: list[int] = []
    while len(begun) < min(hung, runspace.MOST_RUNSPACES):
        if cmdlets.room() > 0:
            begun.append(cmdlets.begin(CALL, 20))
        else:
            ended += [token for token, _answer in cmdlets.wait(0.1)]
    assert not ended, "the pool grows before any of them is given up"
    assert host.clock.now - 1000 < 3
    while len(ended) < len(begun):
        ended += [token for token, answer in cmdlets.wait(60) if answer.state is State.NO_ANSWER]
    assert host.clock.now - 1000 < 20 + 3 + runspace.GIVE_UP_SECONDS + 0.5


def test_no_more_than_forty_calls_are_silent_beside_those_in_flight() -> None:
    cmdlets, host = begin(hang)
    begun = under_way(cmdlets)
    assert not cmdlets.held_up_by_silence
    for _ in range(20):
        cmdlets.wait(0.5)
        begun += under_way(cmdlets)
    assert len(begun) == runspace.AT_ONCE + runspace.MOST_SILENT
    assert cmdlets.busy
    assert "40 calls on host.example.test have brought nothing" in cmdlets.held_up_by_silence
    assert host.resized == [16, 32, 48, 56]


def test_a_call_that_may_wait_for_a_thread_keeps_its_place() -> None:
    """A host with few processors begins calls one after the other when others block its threads."""
    cmdlets, host = begin(hang, window=4)
    host.starts_at = 1006.0
    begun = under_way(cmdlets)
    assert len(begun) == 4
    while host.clock.now < 1005:
        cmdlets.wait(0.5)
        assert cmdlets.room() <= 0, "nobody knows that they run"
    while cmdlets.room() <= 0:
        cmdlets.wait(1)
    assert 1006 <= host.clock.now < 1007
    begun += under_way(cmdlets)
    assert len(begun) == 5, "one after the other, while the host is slow"


def test_more_and_more_calls_are_begun_while_the_host_answers_at_once() -> None:
    cmdlets, host = begin(hang, window=4)
    rounds = []
    while sum(rounds) < 56:
        rounds.append(len(under_way(cmdlets)))
        while cmdlets.room() <= 0 and sum(rounds) < 56:
            cmdlets.wait(1)
    assert rounds == [4, 8, 16, 16, 12]
    assert host.clock.now - 1000 < 4


def test_a_run_that_ends_just_before_the_probe_costs_no_answer() -> None:
    cmdlets, host = begin(hang)
    under_way(cmdlets)
    asked = itertools.count()
    cmdlets._lives = lambda: next(asked) == 0
    for _ in range(3):
        assert cmdlets.wait(1) == []
    assert len(host.pipelines) == 16


def test_a_host_that_has_no_runspace_for_the_probe_is_used_as_far_as_it_goes() -> None:
    cmdlets, host = begin(hang)
    host.allows_runspaces = False
    cmdlets.begin(CALL, 10)
    for _ in range(20):
        cmdlets.wait(1)
    assert len(host.pipelines) == 1


def test_a_silent_call_that_ends_is_heard_of_soon() -> None:
    cmdlets, host = begin(after(1003.0))
    slow = cmdlets.begin(CALL, 60)
    host.answer = hang
    others = [cmdlets.begin(CALL, 60) for _ in range(40 if cmdlets.room() > 40 else cmdlets.room())]
    while not (ended := cmdlets.wait(60)):
        pass
    assert [(token, answer.state) for token, answer in ended] == [(slow, State.COMPLETED)]
    assert 3.0 <= host.clock.now - 1000 < 4.5
    assert len(others) == 15


def test_a_silent_call_that_ends_is_heard_of_soon_while_others_come_and_go() -> None:
    cmdlets, host = begin(after(1002.0))
    slow = cmdlets.begin(CALL, 20)
    host.answer = lambda pipeline: after(host.clock.now + 0.1)(pipeline)  # noqa: PLW0108
    ended: list[int] = []
    while slow not in ended:
        while cmdlets.room() > 0:
            cmdlets.begin(CALL, 20)
        ended += [token for token, _answer in cmdlets.wait(1)]
        assert host.clock.now < 1003


def test_few_calls_at_once_need_one_connection_only() -> None:
    cmdlets, _host = begin(after(0))
    for _ in range(20):
        for _ in range(runspace.LISTENED_TO - 1):
            cmdlets.begin(CALL, 20)
        for _ in range(runspace.LISTENED_TO - 1):
            cmdlets.wait(1)
    assert cmdlets._listeners is None


def test_many_calls_that_answer_soon_need_one_listener_only() -> None:
    cmdlets, host = begin(after(0))
    run_all(cmdlets, host, hung=0, many=50)
    listeners = cmdlets._listeners
    assert isinstance(listeners, FakeListeners)
    assert listeners.most_asked == 1


def test_one_that_hangs_among_many_holds_nobody_up_for_half_a_second() -> None:
    cmdlets, host = begin(after(0))
    ended: list[int] = []

    def go_on(until: int) -> None:
        while len(ended) < until:
            while cmdlets.room() > 0:
                cmdlets.begin(CALL, 20)
            ended.extend(token for token, _answer in cmdlets.wait(1))

    go_on(20)
    host.answer = hang
    cmdlets.wait(1)
    cmdlets.begin(CALL, 20)
    host.answer = after(0)
    now = host.clock.now
    go_on(60)
    assert host.clock.now < now + 0.3


def listening(answer: Callable[[Pipeline], Any], calls: int = 2) -> tuple[RunspaceTransport, Host, FakeListeners]:
    """Begin calls, of which the first hangs, and wait until there are listeners."""
    cmdlets, host = begin(hang)
    cmdlets.begin(CALL, 20)
    host.answer = answer
    for _ in range(calls - 1):
        cmdlets.begin(CALL, 20)
    cmdlets.wait(0.5)
    listeners = cmdlets._listeners
    assert isinstance(listeners, FakeListeners)
    return cmdlets, host, listeners


def test_half_of_the_listeners_are_kept_for_calls_that_may_answer_any_moment() -> None:
    cmdlets, host, listeners = listening(hang, calls=16)
    for _ in range(3):
        cmdlets.wait(1)
    assert listeners.most_asked == 8
    listeners.most_asked = 0
    host.answer = after(host.clock.now + 0.2)
    cmdlets.begin(CALL, 20)
    cmdlets._ask(listeners)
    fresh = [one for one in cmdlets._running.values() if not one.silent]
    assert [one.is_asked for one in fresh] == [True]


def test_a_host_that_takes_no_other_connection_is_asked_over_the_one() -> None:
    cmdlets, host, listeners = listening(after(1010.0))
    listeners.most = 0
    ended = cmdlets.wait(60)
    assert [answer.state for _token, answer in ended] == [State.COMPLETED]
    assert 10 <= host.clock.now - 1000 < 11
    assert not listeners.asked
    while not (ended := cmdlets.wait(60)):
        pass
    assert [answer.state for _token, answer in ended] == [State.NO_ANSWER]


def test_trouble_of_a_listener_is_trouble_of_the_host() -> None:
    cmdlets, host, listeners = listening(hang)
    listeners.fails = fault(2150858843)
    with pytest.raises(AnsibleConnectionFailure, match="gone"):
        cmdlets.wait(10)
    cmdlets.close()
    assert host.deleted == 1
    assert listeners.closed


def test_a_call_that_can_be_stopped_leaves_its_runspace_to_others() -> None:
    cmdlets, host, _listeners = listening(lambda pipeline: None, calls=3)
    states = []
    while len(states) < 3:
        states += [answer.state for _token, answer in cmdlets.wait(60)]
    assert sorted(state.value for state in states) == ["no answer", "stopped", "stopped"]
    assert cmdlets.given_up == 1
    acts = [one for one in host.pipelines.values() if ">Out-Default<" not in one.clixml]
    assert [one.signals for one in acts] == [["ctrl_c"], *[["ctrl_c", "Terminate"]] * 2]


def test_a_call_that_ends_after_it_was_given_up_holds_no_runspace_any_more() -> None:
    cmdlets, host, _listeners = listening(after(1100.0))
    first, second = host.pipelines.values()
    while len(cmdlets._running) > 1:
        cmdlets.wait(1)
    while cmdlets._running:
        cmdlets.wait(1)
    assert cmdlets.given_up == 2
    host.answer = hang
    cmdlets.begin(CALL, 200)
    while host.clock.now < 1102:
        cmdlets.wait(1)
    assert cmdlets.given_up == 1
    assert second.signals[-1] == "Terminate"
    assert "Terminate" not in first.signals


def test_a_quota_that_is_met_while_others_are_under_way_loses_none_of_them() -> None:
    cmdlets, host = begin(after(1000.2))
    first = cmdlets.begin(CALL, 60)
    host.fails = fault(2150859174)
    with pytest.raises(NoRunspaceError, match="takes no more requests of this user for now") as refused:
        cmdlets.begin(CALL, 60)
    assert not refused.value.lasting
    host.fails = None
    assert cmdlets.busy, "no more than what the host has taken"
    assert [(token, answer.state) for token, answer in cmdlets.wait(60)] == [(first, State.COMPLETED)]
    assert len(host.pipelines) == 1
    assert cmdlets.room() == 1
    host.fails = fault(2150859174)
    with pytest.raises(NoRunspaceError) as refused:
        cmdlets.begin(CALL, 60)
    assert refused.value.lasting
    host.fails = None
    cmdlets.close()
    assert host.deleted == 0


def test_a_quota_that_the_probe_meets_is_told_and_may_be_free_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    cmdlets, host = begin(hang, window=4)

    def refuse(*_request: object) -> None:
        raise fault(2150859174)

    begun = under_way(cmdlets)
    with monkeypatch.context() as quota:
        quota.setattr(host, "_command", refuse)
        for _ in range(3):
            cmdlets.wait(1)
    assert cmdlets.room() <= 0
    assert "takes no more requests of this user for now" in cmdlets.held_up_by_quota
    while cmdlets.given_up < len(begun):
        cmdlets.wait(60)
    assert not cmdlets.busy
    host.answer = after(0)
    assert cmdlets.run(CALL, 60).state is State.COMPLETED, "a list says what came of them"
    with monkeypatch.context() as quota:
        quota.setattr(host, "_command", refuse)
        with pytest.raises(NoRunspaceError) as refused:
            cmdlets.begin(CALL, 60)
    assert refused.value.lasting


# -- trouble


def fault(code: int) -> WSManFaultError:
    return WSManFaultError(code, None, "the reason", None, None, None)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (AuthenticationError("no"), AnsibleConnectionFailure, "ansible_password"),
        (RequestsConnectionError("[Errno 111] Connection refused"), AnsibleConnectionFailure, "Connection refused"),
        (fault(2150858843), AnsibleConnectionFailure, "gone"),
        (fault(1726), AnsibleConnectionFailure, "fault 1726"),
        (fault(5), ServiceError, "Remote Management Users"),
        (fault(2150858752), ServiceError, "ansible_psrp_configuration_name"),
        (fault(2150859173), ServiceError, "MaxShellsPerUser"),
    ],
)
def test_trouble_is_one_sentence_and_unreachable_only_when_it_is_the_connection(
    error: Exception, kind: type[Exception], words: str
) -> None:
    cmdlets, host = begin(hang)
    cmdlets.begin(CALL, 100)
    host.fails = error
    with pytest.raises(kind, match=words) as raised:
        cmdlets.wait(10)
    assert str(raised.value).startswith(("host.example.test", "The ", "WinRM"))
    host.fails = None
    cmdlets.close()
    assert host.deleted == 1


def test_shell_is_not_left_to_ansible_once_a_call_could_not_be_begun() -> None:
    cmdlets, host = begin(after(0))
    host.fails = fault(2150858843)
    with pytest.raises(AnsibleConnectionFailure, match="gone"):
        cmdlets.begin(CALL, 100)
    host.fails = None
    cmdlets.close()
    assert host.deleted == 1


def test_trouble_while_connecting_is_told_from_what_ansible_wrapped() -> None:
    host = Host(hang, Clock())
    connection = Connection(host)

    def connect() -> None:
        try:
            raise fault(2150858752)
        except WSManFaultError as error:
            raise AnsibleConnectionFailure(f"psrp connection failure: {error}")  # noqa: B904

    connection._connect = connect  # type: ignore[method-assign]
    with pytest.raises(ServiceError, match="has no PowerShell endpoint"):
        RunspaceTransport(connection, host.clock)


def test_a_lost_part_of_an_answer_is_noticed() -> None:
    cmdlets, host = begin(after(0))
    whole = host._fragments
    host.fragment = 50
    host._fragments = lambda *message: itertools.islice(whole(*message), 1, None)  # type: ignore[method-assign]
    with pytest.raises(AnsibleConnectionFailure, match="missing"):
        cmdlets.run(CALL, 5)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runspace_pool, "IMPORT_ERROR", ImportError("No module named 'pypsrp'"))
    with pytest.raises(ServiceError, match="pip install pypsrp"):
        RunspaceTransport(Connection(Host(hang, Clock())), Clock())


@pytest.mark.parametrize(
    ("clixml", "value"),
    [
        ("<S>a_x000A_b_xD83D__xDE00_ _x005F_x0041_</S>", "a\nb\U0001f600 _x0041_"),
        ("<U64>18446744073709551615</U64>", 2**64 - 1),
        ("<B>true</B>", True),
        ("<DT>2026-11-21T09:30:04.1200000+01:00</DT>", "2026-11-21T08:30:04.12Z"),
        ("<DT>2026-11-21T09:30:04</DT>", "2026-11-21T09:30:04"),
        ("<Nil />", None),
        ('<Obj RefId="0"><S>text</S><MS><S N="PSPath">x</S></MS></Obj>', "text"),
        ('<Obj RefId="0"><TN RefId="0"><T>System.Object[]</T></TN><LST><I32>1</I32></LST></Obj>', [1]),
        ('<Obj RefId="0"><ToString>only text</ToString></Obj>', "only text"),
    ],
)
def test_a_bare_value_is_a_row_too(clixml: str, value: object) -> None:
    def answer(pipeline: Pipeline) -> None:
        pipeline.pending, pipeline.ends_at = output(clixml) + state(4), 0.0

    cmdlets, _host = begin(answer)
    assert cmdlets.run(CALL, 5).output == ({"Value": value},)


# -- what proves an act must not be too old when it goes out


def test_an_act_is_never_the_request_that_signs_in_anew() -> None:
    cmdlets, host = begin(after(0))
    cmdlets._runspaces.connection.renew()
    host.sign_in_seconds = 6.0
    with pytest.raises(TooLateError):
        cmdlets.begin(CALL, 60, send_before=host.clock.now + 5.0)
    assert not host.pipelines
    assert cmdlets.begin(CALL, 60, send_before=host.clock.now + 5.0)
    assert len(host.pipelines) == 1
    assert host.sign_ins == 2


def test_a_connection_that_nobody_has_used_for_long_is_signed_in_to_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host drops it after two minutes, and what is encrypted for it is of no use on another."""
    cmdlets, host = begin(after(0))
    cmdlets.run(CALL, 60)
    other = cmdlets._runspaces.connection.another()
    other.sign_in()
    sign_ins, others = host.sign_ins, other._wsman.sign_ins
    for idle, anew in ((20.0, 0), (60.0, 1), (70.0, 1)):
        monkeypatch.setattr(shell_connection, "monotonic", itertools.repeat(monotonic() + idle).__next__)
        for _ in range(2):
            other.receive(next(iter(host.pipelines)), 0.5)
            cmdlets.run(CALL, 60)
        assert (host.sign_ins - sign_ins, other._wsman.sign_ins - others) == (anew, anew)


def test_room_is_not_asked_for_over_a_connection_that_nobody_has_used_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    cmdlets, host = begin(after(0))
    cmdlets.begin(CALL, 60)
    monkeypatch.setattr(shell_connection, "monotonic", lambda: monotonic() + 60)
    used: list[Any] = []
    session, send = host.transport.session, host._send
    monkeypatch.setattr(host, "_send", lambda *request: (used.append(host.transport.session), send(*request)))
    cmdlets.begin(CALL, 60)
    assert [one is session for one in used] == [False]


def test_an_act_does_not_go_out_late_on_a_connection_that_was_dropped() -> None:
    """Signing in takes three exchanges, and the act is the body of all of them."""
    cmdlets, host = begin(after(0))
    http = host.transport.session
    http.exchanges, http.seconds = 3, 2.0
    with pytest.raises(TooLateError):
        cmdlets.begin(CALL, 60, send_before=host.clock.now + 4.0)
    assert not host.pipelines
    assert host.transport.session is None
    assert cmdlets.run(CALL, 60).state is State.COMPLETED


@pytest.mark.parametrize(("left", "patience"), [(3.0, 3.0), (0.01, 0.1), (100.0, 30), (math.inf, 30)])
def test_connecting_may_not_outlast_the_proof(left: float, patience: float) -> None:
    seen: list[float] = []
    cmdlets, host = begin(lambda _pipeline: seen.append(host.transport.connection_timeout))
    cmdlets.begin(CALL, 60, send_before=host.clock.now + left)
    assert seen == [pytest.approx(patience)]


def test_nothing_of_the_deadline_is_left_behind() -> None:
    cmdlets, host = begin(after(0))
    transport = host.transport
    patience = transport.connection_timeout
    cmdlets.begin(CALL, 60, send_before=host.clock.now + 5.0)
    host.clock.now += 60.0
    cmdlets.wait(1.0)
    assert transport.connection_timeout == patience
    assert transport.session.max_retries == 3
    assert 0 in transport.session.retries_allowed
    assert transport.session.send.__func__ is type(transport.session).send


def test_connection_that_cannot_be_made_in_time_is_lost_for_a_list_and_too_late_for_an_act() -> None:
    for send_before, raised in ((math.inf, AnsibleConnectionFailure), (1005.0, TooLateError)):
        cmdlets, host = begin(after(0))
        host.transport.session.fails = ConnectTimeout("slow")
        with pytest.raises(raised):
            cmdlets.begin(CALL, 60, send_before=send_before)
        assert not host.pipelines


def test_a_list_may_be_asked_for_again_as_the_user_said() -> None:
    cmdlets, host = begin(after(0))
    cmdlets.begin(CALL, 60)
    assert set(host.transport.session.retries_allowed) == {3}


@pytest.mark.parametrize("error", [WinRMTransportError("http", 500, "broken"), RequestsConnectionError("reset")])
def test_clean_up_that_fails_costs_nothing(error: Exception) -> None:
    """The answer is there; that the host keeps the finished pipeline for longer hurts nobody."""
    cmdlets, host = begin(after(0))

    def fail(_resource: object, _body: object) -> None:
        raise error

    host._signal = fail
    first = cmdlets.begin(CALL, 60)
    assert [(token, answer.state) for token, answer in cmdlets.wait(10)] == [(first, State.COMPLETED)]
    assert cmdlets.run(CALL, 60).state is State.COMPLETED
    assert host.sign_ins > 1, "an exchange that broke has spoilt the message encryption"
    cmdlets.close()
    assert host.deleted == 0, "the connection is as good as before"


def test_nothing_is_sent_when_the_run_has_ended() -> None:
    cmdlets, host = begin(after(0))
    cmdlets._lives = lambda: False
    with pytest.raises(TooLateError):
        cmdlets.begin(CALL, 60, send_before=host.clock.now + 5.0)
    assert not host.pipelines


def test_nothing_is_sent_when_the_run_ends_while_a_connection_is_made() -> None:
    cmdlets, host = begin(after(0))
    http = host.transport.session
    http.exchanges, before = 3, len(http.retries_allowed)
    cmdlets._lives = lambda: len(http.retries_allowed) < before + 2
    with pytest.raises(TooLateError):
        cmdlets.begin(CALL, 60, send_before=host.clock.now + 5.0)
    assert not host.pipelines
