# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report: what counts as a change, what as a failure, and what the user reads."""

from __future__ import annotations

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import (
    FAILED,
    NOT_SELECTED,
    REFUSED,
    REPLACED,
    STILL_THERE,
    UNCLEAR,
    Report,
    Row,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import (
    ALREADY_GONE,
    DISCONNECT,
    LOG_OFF,
    Effect,
    Verb,
)
from tests.unit.fakes.farm import session


def report(*outcomes: str, verb: Verb = DISCONNECT) -> Report:
    made = Report(verb)
    for number, outcome in enumerate(outcomes, 1):
        made.add(session(str(number)), outcome, f"because {number}", number / 3)
    return made


@pytest.mark.parametrize(
    ("outcome", "changed", "failed"),
    [
        ("disconnected", True, False),
        ("already_disconnected", False, False),
        (ALREADY_GONE, False, False),
        (REPLACED, False, False),
        (NOT_SELECTED, False, False),
        (REFUSED, False, True),
        (STILL_THERE, True, True),
        (FAILED, False, True),
        (UNCLEAR, True, True),
    ],
)
def test_outcome_says_whether_it_is_a_change_and_whether_the_task_fails(
    outcome: str, changed: bool, failed: bool
) -> None:
    assert report(outcome).changed is changed
    assert bool(report(outcome).failures) is failed
    assert report(outcome, "disconnected").changed
    assert bool(report("disconnected", outcome).failures) is failed


def test_empty_report_changed_nothing_and_failed_nothing() -> None:
    assert not report().changed
    assert report().failures == []
    assert report().summary() == {}
    assert report().diff() == {"before": "", "after": ""}


def test_summary_counts_by_outcome() -> None:
    assert report("disconnected", FAILED, "disconnected").summary() == {"disconnected": 2, "failed": 1}


def test_row_is_the_fields_with_what_became_of_it() -> None:
    made = report()
    made.add(session("1"), FAILED, "because 1", 1 / 3, proof_age=12.34567)
    assert made.rows[0].result() == {
        "host": "host-0",
        "id": "1",
        "user": "alice@contoso.com",
        "outcome": "failed",
        "reason": "because 1",
        "seconds": 0.333,
        "proof_age": 12.346,
    }


@pytest.mark.parametrize(("oldest", "warns"), [(0.0, False), (5.0, False), (5.01, True), (16.9, True)])
def test_acts_on_old_lists_are_warned_of(oldest: float, warns: bool) -> None:
    made = report("disconnected")
    made.oldest_proof = oldest
    assert bool(made.warning()) is warns
    if warns:
        assert f"up to {oldest:.1f} s after the list" in made.warning()


def test_diff_shows_only_sessions_that_change() -> None:
    made = report("disconnected", FAILED, STILL_THERE, "already_disconnected")
    assert made.diff() == {
        "before": "host-0/1 alice@contoso.com Active\n",
        "after": "host-0/1 alice@contoso.com Disconnected\n",
    }


def test_diff_of_a_verb_that_removes_has_nothing_after() -> None:
    made = report("logged_off", verb=LOG_OFF)
    assert made.diff() == {"before": "host-0/1 alice@contoso.com Active\n", "after": ""}


def test_diff_of_a_verb_that_no_list_shows_is_empty() -> None:
    verb = Verb("send a message to", "sent", Effect.NONE)
    assert report("sent", verb=verb).diff() == {"before": "", "after": ""}


def test_diff_speaks_the_words_of_the_service() -> None:
    made = report("disconnected")
    made.disconnected = "STATE_DISCONNECTED"
    assert made.diff()["after"] == "host-0/1 alice@contoso.com STATE_DISCONNECTED\n"


def test_rows_are_sorted_by_number_whether_listed_or_gone() -> None:
    made = report("disconnected", "disconnected", "disconnected")
    made.rows.insert(0, Row(("pool", "host-0", "10"), {}, ALREADY_GONE))
    made.rows.insert(0, Row(("pool", "HOST-0", "2"), {}, ALREADY_GONE))
    made.sort()
    assert [row.key[2] for row in made.rows] == ["1", "2", "2", "3", "10"]


def test_failure_message_names_the_first_and_counts_the_rest() -> None:
    made = report(*[FAILED] * 5, "disconnected")
    made.rows[0] = Row(("pool", "host-0", "1"), {}, REFUSED)
    assert made.failure_message(2) == (
        "Failed to disconnect 5 of 6 sessions: ('pool', 'host-0', '1'): refused; "
        "host-0/2 (alice@contoso.com, Active): because 2; and 3 more."
    )
    assert report(FAILED).failure_message().endswith("(alice@contoso.com, Active): because 1.")
