# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The question and the progress: only y or yes goes on, and everything else ends nothing."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleError

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action import console as module
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.console import (
    SHOWN,
    Console,
    NotConfirmedError,
)
from tests.unit.fakes.farm import session


class Terminal:
    """Stands for Ansible's display: answers by script, and remembers what was shown."""

    def __init__(self) -> None:
        self.answer: object = b""
        self.questions: list[str] = []
        self.lines: list[str] = []

    def prompt_until(self, question: str) -> object:
        self.questions.append(question)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    def display(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture(name="terminal")
def fixture_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(module, "display", terminal)
    return terminal


def ask(count: int = 1) -> None:
    sessions = [session(str(number)) for number in range(1, count + 1)]
    Console("host-x", "confirm to false").confirm("disconnect", sessions)


# The question


@pytest.mark.parametrize("answer", [b"y", b"Y", b"yes", b"YES", b"Yes", b" y ", b"y\r\n", b"yes\n", "y"])
def test_yes_goes_on(terminal: Terminal, answer: object) -> None:
    terminal.answer = answer
    ask()
    assert len(terminal.questions) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\n",
        b" ",
        b"n",
        b"no",
        b"\x04",
        b"y\x04",
        b"\x03",
        b"\x7fy",
        b"yy",
        b"ye",
        b"yes!",
        b"yes no",
        b"not y",
        b"true",
        b"1",
        b"\xff",
        b"\xd0\xb4",
        "",
        "n",
        None,
        True,
        0,
    ],
)
def test_anything_else_ends_nothing_and_says_so(terminal: Terminal, answer: object) -> None:
    terminal.answer = answer
    with pytest.raises(NotConfirmedError, match=r"^Nothing was done: the answer was not y or yes.*to disconnect\."):
        ask()


@pytest.mark.parametrize(
    "error", [AnsibleError("stdin is not interactive"), EOFError(), OSError("no tty"), BlockingIOError()]
)
def test_no_terminal_ends_nothing_and_says_what_to_set(terminal: Terminal, error: Exception) -> None:
    terminal.answer = error
    with pytest.raises(NotConfirmedError, match=r"^Nothing was done: .*Set confirm to false to run without") as caught:
        ask()
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug")])
def test_other_exceptions_never_count_as_yes(terminal: Terminal, error: BaseException) -> None:
    terminal.answer = error
    with pytest.raises(type(error)):
        ask()


def test_question_names_the_host_the_verb_and_each_session(terminal: Terminal) -> None:
    terminal.answer = b"y"
    ask(2)
    assert terminal.questions == [
        "[host-x] disconnect 2 sessions:\n"
        "  host-0/1 (alice@contoso.com, Active)\n"
        "  host-0/2 (alice@contoso.com, Active)\n"
        "Go on? [y/N] "
    ]


@pytest.mark.parametrize(
    ("count", "more"), [(SHOWN, ""), (SHOWN + 1, "  ... and 1 more"), (1000, "  ... and 980 more")]
)
def test_question_shows_the_first_sessions_and_counts_the_rest(terminal: Terminal, count: int, more: str) -> None:
    terminal.answer = b"y"
    ask(count)
    [question] = terminal.questions
    lines = question.splitlines()
    assert lines[0] == f"[host-x] disconnect {count} sessions:"
    assert lines[SHOWN] == f"  host-0/{SHOWN} (alice@contoso.com, Active)"
    assert lines[SHOWN + 1 :] == [*([more] if more else []), "Go on? [y/N] "]


def test_one_session_is_one_session(terminal: Terminal) -> None:
    terminal.answer = b"y"
    ask()
    assert terminal.questions[0].startswith("[host-x] disconnect 1 session:\n")


# Progress


def progress(terminal: Terminal, *steps: tuple[int, int, int, float]) -> list[str]:
    console = Console("host-x", "confirm to false")
    for asked, finished, total, seconds in steps:
        console.progress(asked, finished, total, seconds)
    return terminal.lines


def test_short_work_shows_nothing(terminal: Terminal) -> None:
    assert progress(terminal, (0, 0, 9, 0.0), (5, 4, 9, 1.0), (9, 8, 9, 2.9), (9, 9, 9, 2.99)) == []


def test_line_says_how_many_how_fast_and_how_long(terminal: Terminal) -> None:
    assert progress(terminal, (100, 40, 1000, 10.0)) == [
        "[host-x] 100 of 1000 sessions asked for, 40 finished, 10.0 a second, about 90 s left"
    ]


def test_line_comes_every_few_seconds(terminal: Terminal) -> None:
    steps = [(number, 0, 100, number / 2) for number in range(1, 60)]
    lines = progress(terminal, *steps)
    assert [line.split()[1] for line in lines] == ["6", "16", "26", "36", "46", "56"]


def test_line_comes_again_when_work_begins_again(terminal: Terminal) -> None:
    lines = progress(terminal, (40, 0, 100, 80.0), (1, 0, 100, 1.0), (5, 0, 100, 4.0))
    assert [line.split()[1] for line in lines] == ["40", "5"]


def test_end_is_not_progress(terminal: Terminal) -> None:
    assert progress(terminal, (10, 10, 10, 60.0), (11, 11, 10, 61.0)) == []


def test_no_time_is_left_to_tell_before_the_first_and_after_the_last_was_asked_for(terminal: Terminal) -> None:
    assert progress(terminal, (0, 0, 1, 60.0)) == ["[host-x] 0 of 1 session asked for, 0 finished, 0.0 a second"]
    assert progress(terminal, (6, 5, 6, 60.0))[1:] == ["[host-x] 6 of 6 sessions asked for, 5 finished, 0.1 a second"]
