# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old a proof may be, by how long lists take."""

from __future__ import annotations

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.proof import ProofAge


@pytest.mark.parametrize(
    ("lists", "longest"),
    [
        ([0.0], 5.0),
        ([2.0, 8.0], 7.0),
        ([8.0, 2.0], 7.0),
        ([12.0, 12.5], 17.0),
        ([25.0], 30.0),
        ([28.0], 30.0),
        ([60.0], 30.0),
        ([], 30.0),
    ],
)
def test_proof_lasts_five_seconds_and_the_shortest_list_and_never_more_than_thirty(
    lists: list[float], longest: float
) -> None:
    age = ProofAge()
    for seconds in lists:
        age.took(seconds)
    assert (age.longest, age.renewed) == (longest, longest - 2.0)


@pytest.mark.parametrize(
    ("begun", "longest"),
    [([100.0], 15.0), ([100.0, 107.0, 103.0], 8.0), ([110.0], 5.0), ([], 30.0)],
    ids=["one list", "several", "no time", "no rows"],
)
def test_of_several_lists_that_have_been_read_the_newest_counts(begun: list[float], longest: float) -> None:
    age = ProofAge()
    age.have_read(iter(begun), 110.0)
    assert age.longest == longest
