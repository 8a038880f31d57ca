# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign would see it if a rule were broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.campaign import extent
from tests.campaign.hunt import NotLoadedError, TextNotFoundError, hunt, mutated
from tests.campaign.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.rule)
def test_broken_rule_is_seen(mutant: Mutant) -> None:
    found = hunt(mutant, extent.SEED, extent.MOST_FOR_A_MUTANT)
    assert found is not None, f"nobody saw in {extent.MOST_FOR_A_MUTANT} runs that this rule was broken: {mutant.rule}"
    extent.caught.append((mutant.rule, *found))


def test_mutant_whose_text_is_gone_is_an_error() -> None:
    with pytest.raises(TextNotFoundError), mutated(replace(MUTANTS[0], text="no such text")):
        pass


@pytest.mark.parametrize("module", ["_sessions.no_such_module", "_action.console"])
def test_mutant_of_a_module_that_no_run_loads_is_an_error(module: str) -> None:
    with pytest.raises(NotLoadedError, match=module), mutated(replace(MUTANTS[0], module=module)):
        pass


def test_there_are_at_least_twenty() -> None:
    assert len({mutant.rule for mutant in MUTANTS}) == len(MUTANTS) >= 20
