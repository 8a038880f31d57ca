# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls hold plain values only, and answers look the same wherever they come from."""

from __future__ import annotations

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import (
    Call,
    CallResult,
    Credential,
    ErrorRecord,
    State,
    time_text,
)


class TaggedInt(int):
    """As ansible-core from 2.19 on passes values."""


class TaggedText(str):
    __slots__ = ()


def test_values_are_plain_and_what_is_not_given_is_left_out() -> None:
    call = Call("Close-WmsSession", {"SessionId": (TaggedInt(1), 2), "Server": TaggedText("a"), "All": None, "X": True})
    assert call.parameters == {"SessionId": [1, 2], "Server": "a", "X": True}
    assert type(call.parameters["SessionId"][0]) is int
    assert type(call.parameters["Server"]) is str
    assert call.parameters["X"] is True


@pytest.mark.parametrize("name", ["", "Get-A; Remove-B", "C:\\x.exe", "Get", "Get-\u212aa", "Get-A\n"])
def test_a_command_is_a_verb_and_a_noun(name: str) -> None:
    with pytest.raises(ValueError, match="cmdlet"):
        Call(name)


def test_a_password_is_not_shown() -> None:
    assert "pass-word" not in repr(Call("Add-RdsAccount", secrets={"Credential": Credential("me", "pass-word")}))


def test_an_error_is_known_by_the_first_part_of_its_id() -> None:
    error = ErrorRecord.of(
        "HostException,Invoke-RDUserLogoff_82c77e1b", "NotSpecified", "System.X.HostException", " a\n"
    )
    assert error == ErrorRecord("HostException", "NotSpecified", "HostException", "a")


@pytest.mark.parametrize(
    ("answer", "whole", "reason"),
    [
        (CallResult(State.COMPLETED), True, ""),
        (CallResult(State.COMPLETED, errors=(ErrorRecord("a", "b", "c", "the reason"),)), False, "the reason"),
        (CallResult(State.STOPPED), False, "it was stopped at its deadline"),
        (CallResult(State.NO_ANSWER), False, "no answer within its deadline"),
    ],
)
def test_whole_and_reason(answer: CallResult, whole: bool, reason: str) -> None:
    assert (answer.whole, answer.reason) == (whole, reason)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("2026-11-21T08:30:04+00:00", "2026-11-21T08:30:04Z"),
        ("2026-11-21T08:30:04.1234567+01:00", "2026-11-21T07:30:04.1234567Z"),
        ("2026-11-21T08:30:04.5000000Z", "2026-11-21T08:30:04.5Z"),
        ("2026-11-21T08:30:04.0000000", "2026-11-21T08:30:04"),
        ("0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_dates_look_the_same_everywhere(wire: str, text: str) -> None:
    assert time_text(wire) == text
