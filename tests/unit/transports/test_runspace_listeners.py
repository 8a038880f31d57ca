# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Listeners with real threads, over connections that answer as a test says."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from time import monotonic

import pytest
from pypsrp.exceptions import WSManFaultError

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.runspace_listeners import (
    MOST_LISTENERS,
    Heard,
    Listeners,
)

PATIENCE = 10.0


@dataclass
class FakePipeline:
    id: str


@dataclass
class FakeConnection:
    """A connection over which each request waits until the test lets it go on."""

    fails: Exception | None = None
    others: list[FakeConnection] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    goes_on: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def another(self) -> FakeConnection:
        self.others.append(FakeConnection(self.fails))
        return self.others[-1]

    def stop(self, pipeline: str) -> bool:
        self.said.append(f"stop {pipeline}")
        return True

    def receive(self, pipeline: str, seconds: float) -> bytes:
        self.said.append(f"receive {pipeline}")
        if self.fails is not None:
            raise self.fails
        assert self.goes_on.wait(PATIENCE)
        return pipeline.encode()

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def main() -> FakeConnection:
    return FakeConnection()


def heard(listeners: Listeners, many: int) -> list[Heard]:
    found: list[Heard] = []
    while len(found) < many:
        new = listeners.heard(PATIENCE)
        assert new, "nobody has heard anything"
        found += new
    return found


def ask(listeners: Listeners, *names: str, stop: bool = False) -> None:
    for name in names:
        listeners.ask(FakePipeline(name), stop)  # type: ignore[arg-type]


def test_one_that_waits_holds_no_other_up(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    ask(listeners, "slow", "quick")
    slow, quick = main.others
    quick.goes_on.set()
    (answer,) = heard(listeners, 1)
    assert (answer.pipeline.id, answer.data, answer.error) == ("quick", b"quick", None)
    assert listeners.idle == MOST_LISTENERS - 1
    ask(listeners, "next")
    assert heard(listeners, 1)[0].data == b"next"
    assert len(main.others) == 2, "an idle one is asked again"
    slow.goes_on.set()
    assert heard(listeners, 1)[0].data == b"slow"
    listeners.close()
    assert all(one.closed.wait(PATIENCE) for one in main.others)
    assert main.said == []
    assert not main.closed.is_set()


def test_a_stop_signal_comes_before_the_question(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    ask(listeners, "one", stop=True)
    main.others[0].goes_on.set()
    heard(listeners, 1)
    assert main.others[0].said == ["stop one", "receive one"]
    listeners.close()


def test_a_connection_that_cannot_be_made_is_no_error_and_leaves_fewer(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    ask(listeners, "one")
    main.others[0].goes_on.set()
    heard(listeners, 1)
    main.others[0].goes_on.clear()
    main.fails = OSError("no more connections")
    ask(listeners, "one", "two")
    (answer,) = heard(listeners, 1)
    assert (answer.pipeline.id, answer.data, answer.error) == ("two", b"", None)
    assert (listeners.most, listeners.idle) == (1, 0)
    main.others[0].goes_on.set()
    heard(listeners, 1)
    assert listeners.idle == 1
    listeners.close()


def test_none_at_all_leaves_none(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    main.fails = OSError("no more connections")
    ask(listeners, "one")
    heard(listeners, 1)
    assert (listeners.most, listeners.idle) == (0, 0)
    assert main.others[0].closed.wait(PATIENCE), "its thread ends"
    listeners.close()


def test_trouble_of_a_connection_that_had_worked_is_told(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    ask(listeners, "one")
    main.others[0].goes_on.set()
    heard(listeners, 1)
    main.others[0].fails = OSError("reset")
    ask(listeners, "one")
    (answer,) = heard(listeners, 1)
    assert str(answer.error) == "reset"
    assert main.others[0].closed.wait(PATIENCE), "its thread ends"
    listeners.close()


def test_a_quota_that_refuses_a_question_is_no_trouble(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    main.fails = WSManFaultError(2150859174, None, "too many operations", None, None, None)
    ask(listeners, "one")
    begun = monotonic()
    (answer,) = heard(listeners, 1)
    assert (answer.pipeline.id, answer.data, answer.error) == ("one", b"", None)
    assert monotonic() - begun >= 0.4, "it is not asked again at once"
    assert listeners.idle == MOST_LISTENERS
    listeners.close()


def test_nothing_is_heard_when_nobody_was_asked(main: FakeConnection) -> None:
    listeners = Listeners(main)  # type: ignore[arg-type]
    assert listeners.heard(0.0) == []
    assert main.others == []
