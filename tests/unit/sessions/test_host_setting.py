# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Session hosts get their state: each is seen to have it, or fails by itself with what is known of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import (
    SelectionError,
    ServiceError,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.host_setting import (
    ALREADY_SET,
    FAILED,
    LEFT_ALONE,
    SET,
    Desired,
    HostReplied,
    HostReport,
    set_hosts,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.service import Notes, Reply
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session_host import (
    HostName,
    HostRead,
    SessionHost,
)
from tests.unit.fakes.clock import Clock


class Farm:
    """Hosts by name, with their states; requests are answered by script, each after a moment."""

    title = "the host pool"
    reads_each = True
    unread: Sequence[HostRead] = ()

    def __init__(self, **states: object) -> None:
        self.states = states
        self.clock = Clock()
        self.sent: list[tuple[str, object, float]] = []
        self.reads: list[str] = []
        self.replies: dict[str, list[tuple[Reply, bool]]] = {}
        """For each host, how the next requests are answered and whether they have their effect."""
        self.ended = False
        """Whether nothing more comes of an unclear request."""
        self.errors: dict[str, list[ServiceError | None]] = {}
        self.late: dict[str, float] = {}
        """Clock readings before which hosts answer no reading."""
        self.answers: list[Any] = []
        self.paused = 0.0
        self.pauses_kept = True
        self.wait_timeout = 10.0
        self.on_wait: Callable[[], None] = lambda: None

    def _host(self, name: str) -> SessionHost | None:
        name = next((full for full in self.states if full.partition(".")[0] == name), name)
        state = self.states.get(name)
        return None if state is None else SessionHost("p", name, state, {"name": name, "allow_new_session": state})

    def list_hosts(self) -> list[SessionHost]:
        return [host for host in map(self._host, self.states) if host is not None]

    def begin_read(self, named: HostName, once_in: float | None = None) -> None:
        name = named.name.lower()
        self.reads.append(name)
        error = self.errors[name].pop(0) if self.errors.get(name) else None
        self.answers.append(HostRead(named, None if error else self._host(name), error))

    def begin_set(self, named: HostName, state: object, send_before: float, seconds: float) -> None:
        self.sent.append((named.name, state, self.clock.now))
        self.pauses_kept &= self.paused == 0.0
        script = self.replies.get(named.name)
        reply, effect = script.pop(0) if script else (Reply.DONE, True)
        if effect:
            self.states[named.name] = state
        self.answers.append(
            HostReplied(named, reply, "" if reply is Reply.DONE else f"reason {reply.name}", self.ended)
        )

    def pause(self) -> float:
        return self.paused

    def wait(self, seconds: float) -> list[Any]:
        self.on_wait()
        self.paused = max(0.0, self.paused - 1.0)
        ready = [one for one in self.answers if self.late.get(one.named.name, 0.0) <= self.clock.now]
        if not ready:
            self.clock.sleep(seconds)
            return []
        self.clock.sleep(0.1)
        self.answers.remove(ready[0])
        return [ready[0]]

    def notes(self) -> Notes:
        return Notes()

    def close(self) -> None:
        pass

    def run(
        self,
        names: str | None,
        desired: Desired,
        check_mode: bool = False,
        lives: Callable[[], bool] = lambda: True,
    ) -> HostReport:
        named = None if names is None else [HostName("p", name, {"name": name}) for name in names.split()]
        return set_hosts(self, named, desired, check_mode, self.wait_timeout, self.clock, lives)


def told(report: HostReport) -> dict[str, tuple[object, object, str]]:
    return {row.name: (row.before, row.after, row.outcome) for row in report.rows}


DRAIN = Desired(False)


def test_host_is_set_once_and_read_back() -> None:
    farm = Farm(a=True, b=False)
    report = farm.run("A b", DRAIN)
    assert told(report) == {"a": (True, False, SET), "b": (False, False, ALREADY_SET)}
    assert [name for name, _state, _at in farm.sent] == ["a"]
    assert farm.reads == ["a", "b", "a"]
    assert (report.changed, report.failures, report.summary()) == (True, [], {ALREADY_SET: 1, SET: 1})
    assert report.diff("allow") == {"before": "a allow true\n", "after": "a allow false\n"}
    assert report.rows[0].result()["allow_new_session"] is True, "the state to restore"


def test_hosts_that_are_so_already_cost_no_request_and_are_no_change() -> None:
    farm = Farm(a=False)
    report = farm.run(None, DRAIN)
    assert (farm.sent, report.changed, told(report)) == ([], False, {"a": (False, False, ALREADY_SET)})


def test_listed_host_that_could_not_be_read_is_a_failure_of_that_host_alone() -> None:
    farm = Farm(a=True)
    farm.unread = [HostRead(HostName("p", "b", {"name": "b"}), None, ServiceError("broken"))]
    report = farm.run(None, DRAIN)
    assert told(report) == {"a": (True, False, SET), "b": (None, None, FAILED)}
    assert report.failure_message() == "Failed to set 1 of 2 session hosts: b: broken."


def test_check_mode_tells_and_sends_nothing() -> None:
    farm = Farm(a=True, b=False)
    report = farm.run(None, DRAIN, check_mode=True)
    assert told(report) == {"a": (True, False, SET), "b": (False, False, ALREADY_SET)}
    assert (farm.sent, report.changed) == ([], True)


def test_name_without_a_host_keeps_everything_from_being_set() -> None:
    farm = Farm(a=True)
    with pytest.raises(ServiceError, match="no session host x "):
        farm.run("a x", DRAIN)
    assert farm.sent == []


@pytest.mark.parametrize("effect", [True, False])
def test_after_an_unclear_answer_the_host_is_read_and_only_if_need_be_set_again(effect: bool) -> None:
    farm = Farm(a=True, b=True)
    farm.replies["a"] = [(Reply.UNCLEAR, effect)]
    report = farm.run("a b", DRAIN)
    assert {row.outcome for row in report.rows} == {SET}
    assert [name for name, _state, _at in farm.sent].count("a") == (1 if effect else 2)
    assert report.changed


def test_refusal_for_now_waits_for_its_bucket_and_is_sent_again() -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(Reply.THROTTLED, False), (Reply.NOT_SENT, False)]
    farm.paused = 3.0
    assert told(farm.run("a", DRAIN)) == {"a": (True, False, SET)}
    assert len(farm.sent) == 3
    assert farm.pauses_kept


def test_state_that_somebody_else_has_set_meanwhile_is_no_change_of_ours() -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(Reply.THROTTLED, True)] * 1000
    report = farm.run("a", DRAIN)
    assert (told(report), report.changed) == ({"a": (True, False, ALREADY_SET)}, False)


def test_long_wait_has_its_pauses() -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(Reply.DONE, False)] * 3000
    farm.wait_timeout = 10_000.0
    assert "10000 s" in farm.run("a", DRAIN).failure_message()
    assert 1900 < len(farm.sent) < 2100


def test_refusal_for_good_is_a_failure_of_that_host_alone_and_no_change() -> None:
    farm = Farm(a=True, b=True)
    farm.replies["a"] = [(Reply.REFUSED, False)]
    report = farm.run("a b", DRAIN)
    assert told(report) == {"a": (True, True, FAILED), "b": (True, False, SET)}
    assert report.failure_message() == "Failed to set 1 of 2 session hosts: a: reason REFUSED."
    alone = Farm(a=True)
    alone.replies["a"] = [(Reply.REFUSED, False)]
    assert not alone.run("a", DRAIN).changed


@pytest.mark.parametrize("reply", [Reply.UNCLEAR, Reply.DONE])
def test_state_that_is_not_seen_in_time_fails_and_may_have_changed(reply: Reply) -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(reply, False)] * 100
    report = farm.run("a", DRAIN)
    assert told(report) == {"a": (True, True, FAILED)}
    assert report.changed, "it may take effect later"
    assert "not seen to take effect in 10 s" in report.failure_message()
    times = [at - farm.sent[0][2] for _name, _state, at in farm.sent]
    assert 3 <= len(times) <= 8, "the pause between tries grows"
    assert max(times) < 10.0, "nothing is sent after the deadline"


def test_refusals_until_the_deadline_are_no_change() -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(Reply.THROTTLED, False)] * 1000
    report = farm.run("a", DRAIN)
    assert (told(report), report.changed) == ({"a": (True, True, FAILED)}, False)
    assert "reason THROTTLED" in report.failure_message()


def test_host_that_cannot_be_read_back_is_read_again_and_not_set_again() -> None:
    farm = Farm(a=True)
    farm.errors["a"] = [None, ServiceError("broken"), ServiceError("broken")]
    assert told(farm.run("a", DRAIN)) == {"a": (True, False, SET)}
    assert len(farm.sent) == 1


def test_host_that_cannot_be_read_before_is_not_set_and_keeps_no_other() -> None:
    farm = Farm(a=True, b=True)
    farm.errors["a"] = [ServiceError("broken")]
    report = farm.run("a b", DRAIN)
    assert told(report) == {"a": (None, None, FAILED), "b": (True, False, SET)}
    farm.errors["a"] = [ServiceError("no right")]
    with pytest.raises(ServiceError, match="no right"):
        farm.run("a", DRAIN)


RESTORE = Desired(states={("p", name): False for name in "abc"}, restores=True)


@pytest.mark.parametrize("desired", [DRAIN, RESTORE])
def test_host_that_answers_late_is_set_late_and_keeps_no_other_waiting(desired: Desired) -> None:
    farm = Farm(a=True, b=True, c=False)
    farm.wait_timeout = 60.0
    begun = farm.clock.now
    farm.late = {"a": begun + 30.0, "c": begun + 40.0}
    report = farm.run("a b c", desired)
    assert list(told(report).items()) == [
        ("a", (True, False, SET)),
        ("b", (True, False, SET)),
        ("c", (False, False, ALREADY_SET)),
    ]
    assert [(name, round(at - begun, -1)) for name, _state, at in farm.sent] == [("b", 10.0), ("a", 30.0)]
    assert farm.reads.count("a") == 2, "before and after"


@pytest.mark.parametrize("desired", [DRAIN, RESTORE])
@pytest.mark.parametrize("wait_timeout", [0.0, 30.0])
def test_host_that_never_answers_is_a_failure_of_that_host_alone(desired: Desired, wait_timeout: float) -> None:
    farm = Farm(a=True, b=True)
    farm.late, farm.wait_timeout = {"a": math.inf}, wait_timeout
    begun = farm.clock.now
    report = farm.run("a b", desired)
    assert told(report) == {"a": (None, None, FAILED), "b": (True, False, SET)}
    assert "a: it could not be read" in report.failure_message()
    assert farm.clock.now - begun < 15.0 + wait_timeout
    assert report.rows[0].fields == {"name": "a"}


def test_late_host_that_cannot_be_read_or_is_none_is_a_failure_of_that_host_alone() -> None:
    farm = Farm(a=True, b=True)
    farm.wait_timeout, farm.errors["a"] = 60.0, [ServiceError("broken")]
    farm.late = dict.fromkeys("ac", farm.clock.now + 20.0)
    report = farm.run("a b c", DRAIN)
    assert told(report) == {"a": (None, None, FAILED), "b": (True, False, SET), "c": (None, None, FAILED)}
    assert "a: broken; c: there is no such session host" in report.failure_message()


def test_name_without_a_host_keeps_everything_from_being_set_beside_a_late_host_too() -> None:
    farm = Farm(a=True, b=True)
    farm.late = {"a": math.inf}
    with pytest.raises(ServiceError, match="no session host x "):
        farm.run("a b x", DRAIN)
    assert farm.sent == []


def test_service_that_is_slow_for_all_or_reads_lists_makes_no_host_late() -> None:
    farm = Farm(a=True, b=True)
    farm.wait_timeout = 5.0
    farm.late = dict.fromkeys("ab", farm.clock.now + 50.0)
    assert farm.run("a b", DRAIN).summary() == {SET: 2}
    lists = Farm(a=True, b=True)
    lists.reads_each, lists.late = False, {"a": lists.clock.now + 50.0}
    assert lists.run("a b", DRAIN).summary() == {SET: 2}
    assert min(at for _name, _state, at in lists.sent) >= lists.late["a"]


def test_check_mode_waits_for_every_host() -> None:
    farm = Farm(a=True, b=True)
    farm.late = {"a": farm.clock.now + 50.0}
    assert farm.run("a b", DRAIN, check_mode=True).summary() == {SET: 2}
    assert farm.sent == []


def test_late_host_that_may_change_yet_is_set_and_watched() -> None:
    farm = Farm(a=True, b=True)
    farm.wait_timeout, farm.late = 60.0, {"a": farm.clock.now + 20.0}
    names = [*UNCLEAR, HostName("p", "b", {"name": "b"})]
    desired = Desired(states={("p", name): True for name in "ab"}, restores=True)
    begun = farm.clock.now
    report = set_hosts(farm, names, desired, False, farm.wait_timeout, farm.clock, lambda: True)
    assert report.summary() == {ALREADY_SET: 2}
    assert [name for name, _state, _at in farm.sent] == ["a"]
    assert farm.clock.now - begun >= 80.0


def test_states_are_restored_each_its_own_and_what_is_gone_keeps_no_other() -> None:
    farm = Farm(a=False, b=True, c=False)
    keys = {name: HostName("p", name).key for name in ("a", "b", "c", "gone", "unknown")}
    states = {keys["a"]: True, keys["b"]: False, keys["c"]: False, keys["gone"]: True, keys["unknown"]: None}
    report = farm.run("a b c gone unknown", Desired(states=states, restores=True))
    assert told(report) == {
        "a": (False, True, SET),
        "b": (True, False, SET),
        "c": (False, False, ALREADY_SET),
        "gone": (None, None, FAILED),
        "unknown": (None, None, LEFT_ALONE),
    }
    assert "unknown" not in farm.reads


def test_nothing_is_sent_when_the_run_is_gone() -> None:
    farm = Farm(a=True)
    report = farm.run("a", DRAIN, lives=lambda: False)
    assert (farm.sent, report.changed) == ([], False)
    assert "has ended" in report.failure_message()


def test_whatever_goes_wrong_every_host_is_told_of() -> None:
    farm = Farm(a=True, b=False)

    def fail() -> None:
        if farm.sent:
            raise RuntimeError("surprise")

    farm.on_wait = fail
    report = farm.run("a b", DRAIN)
    assert told(report) == {"a": (True, None, FAILED), "b": (False, False, ALREADY_SET)}
    assert "surprise" in report.failure_message()
    assert report.changed, "the request was on its way"


def test_state_that_is_as_before_after_the_last_request_has_ended_is_no_change() -> None:
    farm = Farm(a=True, b=True)
    farm.ended = True
    farm.replies["a"] = [(Reply.UNCLEAR, False), (Reply.UNCLEAR, False), (Reply.REFUSED, False)]
    report = farm.run("a", DRAIN)
    assert (told(report), report.changed) == ({"a": (True, True, FAILED)}, False)
    assert report.failure_message() == "Failed to set 1 of 1 session hosts: a: reason REFUSED."
    farm.replies["b"] = [(Reply.UNCLEAR, False), (Reply.REFUSED, False)]
    farm.errors["b"] = [None, None, ServiceError("broken")]
    assert farm.run("b", DRAIN).changed, "nobody has seen the state since"


def test_third_state_that_is_seen_after_a_request_may_be_a_change() -> None:
    farm = Farm(a="yes")
    farm.ended = True
    farm.replies["a"] = [(Reply.UNCLEAR, False), (Reply.REFUSED, False)]
    farm.on_wait = lambda: farm.states.update(a="not_until_reboot") if farm.sent else None
    report = farm.run("a", Desired("no"))
    assert (told(report), report.changed) == ({"a": ("yes", "not_until_reboot", FAILED)}, True)


def test_host_without_its_domain_is_the_one_that_is_found_and_set_once() -> None:
    farm = Farm(**{"a.example.test": True, "b": True})
    report = farm.run("a b a.example.test", DRAIN)
    assert told(report) == {"a.example.test": (True, False, SET), "b": (True, False, SET)}
    assert [row.name for row in report.rows] == ["a.example.test", "b"]
    assert [name for name, _state, _at in farm.sent] == ["a.example.test", "b"]


def test_host_that_is_to_have_two_states_keeps_everything_from_being_set() -> None:
    farm = Farm(**{"a.example.test": True, "b": True})
    states = {HostName("p", name).key: name == "a" for name in ("a", "b", "a.example.test")}
    with pytest.raises(SelectionError, match=r"a\.example\.test is a\.example\.test, which is to have another state"):
        farm.run("a b a.example.test", Desired(states=states, restores=True))
    assert farm.sent == []


def test_service_that_is_lost_says_why_in_each_row() -> None:
    farm = Farm(a=True)

    def fail() -> None:
        if farm.sent:
            raise ServiceError("the connection was lost")

    farm.on_wait = fail
    assert farm.run("a", DRAIN).failure_message().endswith("a: the connection was lost.")


@pytest.mark.parametrize("requests", [1, 2])
def test_state_that_was_seen_before_the_last_request_is_not_known_any_more(requests: int) -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(Reply.UNCLEAR, False)] * 2
    waits = []

    def fail() -> None:
        if len(farm.sent) == 2:
            waits.append("")
        if len(waits) == requests:
            raise RuntimeError("surprise")

    farm.on_wait = fail
    assert told(farm.run("a", DRAIN)) == {"a": (True, None, FAILED)}


# What may take effect yet


UNCLEAR = [HostName("p", "a", {"name": "a"}, unclear=True)]
OPEN = Desired(states={("p", "a"): True}, restores=True)


def restore(farm: Farm, check_mode: bool = False) -> HostReport:
    return set_hosts(farm, UNCLEAR, OPEN, check_mode, farm.wait_timeout, farm.clock, lambda: True)


def test_row_says_that_a_request_may_take_effect_yet() -> None:
    farm = Farm(a=True, b=True)
    farm.replies["a"] = [(Reply.UNCLEAR, False)] * 99
    failed, done = farm.run("a b", DRAIN).rows
    assert (failed.outcome, failed.result()["unclear"], done.result()["unclear"]) == (FAILED, True, False)


@pytest.mark.parametrize(
    ("replies", "unclear"),
    [
        ([Reply.UNCLEAR, Reply.DONE], True),
        ([Reply.UNCLEAR, Reply.UNCLEAR], True),
        ([Reply.DONE, Reply.UNCLEAR], True),
        ([Reply.UNCLEAR, Reply.THROTTLED, Reply.DONE], True),
        ([Reply.UNCLEAR], False),
        ([Reply.DONE], False),
        ([Reply.DONE, Reply.DONE], False),
        ([Reply.THROTTLED, Reply.UNCLEAR], False),
    ],
)
def test_host_that_has_its_state_by_one_of_two_requests_may_get_it_once_more_by_the_other(
    replies: list[Reply], unclear: bool
) -> None:
    farm = Farm(a=True)
    farm.replies["a"] = [(reply, number == len(replies)) for number, reply in enumerate(replies, 1)]
    report = farm.run("a", DRAIN)
    assert (told(report), report.rows[0].result()["unclear"]) == ({"a": (True, False, SET)}, unclear)


def test_request_of_which_nothing_more_can_come_leaves_nothing_unclear() -> None:
    farm = Farm(a=True)
    farm.ended = True
    farm.replies["a"] = [(Reply.UNCLEAR, False)]
    assert farm.run("a", DRAIN).rows[0].result()["unclear"] is False


def test_state_that_may_change_yet_is_sent_and_watched_although_it_is_there() -> None:
    farm = Farm(a=True)
    begun = farm.clock.now
    report = restore(farm)
    assert told(report) == {"a": (True, True, ALREADY_SET)}
    assert [state for _name, state, _at in farm.sent] == [True]
    assert farm.clock.now - begun >= farm.wait_timeout
    assert 3 < len(farm.reads) < 10
    assert not report.changed


def test_late_effect_of_an_earlier_request_is_undone() -> None:
    farm = Farm(a=True)

    def drained_late() -> None:
        if farm.clock.now > 104.0 and len(farm.sent) == 1:
            farm.states["a"] = False

    farm.on_wait = drained_late
    report = restore(farm)
    assert (farm.states, told(report)) == ({"a": True}, {"a": (True, True, SET)})
    assert len(farm.sent) == 2
    assert report.changed


def test_host_that_is_not_as_it_should_be_is_watched_as_well() -> None:
    farm = Farm(a=False)
    begun = farm.clock.now
    assert told(restore(farm)) == {"a": (False, True, SET)}
    assert farm.clock.now - begun >= farm.wait_timeout


def test_check_mode_does_not_watch() -> None:
    farm = Farm(a=True)
    assert told(restore(farm, check_mode=True)) == {"a": (True, True, ALREADY_SET)}
    assert farm.sent == []
