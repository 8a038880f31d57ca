# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hunts a mutant: loads the product anew with its text changed, and plays drawn runs until the judge objects."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from random import Random
from types import CodeType, ModuleType
from typing import Any

from tests.campaign.adapter import running
from tests.campaign.judge import judge
from tests.campaign.mutants import Mutant
from tests.campaign.schedule import TAPE, Schedule, read_tape
from tests.campaign.trial import Trial

PRODUCT = "ansible_collections.remotedesktop.sessions.plugins"
ADAPTER = "tests.campaign.adapter"
Run = Callable[[Schedule], Trial]


class TextNotFoundError(Exception):
    """The product no longer has the text that a mutant changes."""


class NotLoadedError(Exception):
    """The module that a mutant changes does not exist, or no run loads it."""


class _Loader(SourceFileLoader):
    """Loads a module with its text changed."""

    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self._mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        """Compile the changed text."""
        text = str(self.get_source(fullname))
        if text.count(self._mutant.text) != 1:
            raise TextNotFoundError(
                f"{self._mutant.module} has {self._mutant.text!r} {text.count(self._mutant.text)} times"
            )
        return self.source_to_code(text.replace(self._mutant.text, self._mutant.instead), self.path)


class _Finder(MetaPathFinder):
    """Finds the mutant's module."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant
        self._name = f"{PRODUCT}.plugin_utils.{mutant.module}"
        self.found = False

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """Find the module."""
        if fullname != self._name:
            return None
        spec: ModuleSpec | None = PathFinder.find_spec(fullname, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Loader(fullname, spec.origin, self._mutant)
        self.found = True
        return spec


@contextmanager
def mutated(mutant: Mutant) -> Iterator[Run]:
    """Load product and adapter anew, with the product changed, beside the ones that are loaded."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith((PRODUCT, ADAPTER))}
    finder = _Finder(mutant)
    sys.meta_path.insert(0, finder)
    try:
        run = importlib.import_module(f"{ADAPTER}.running").run
        if not finder.found:
            raise NotLoadedError(mutant.module)
        yield run
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith((PRODUCT, ADAPTER))]:
            del sys.modules[name]
        sys.modules.update(kept)


def hunt(mutant: Mutant, seed: int, most: int) -> tuple[int, str] | None:
    """Return after how many runs the mutant was caught, and by which objection; `None` if it was not.

    Only a run counts of which the judge has nothing to say without the mutant.
    """
    draw = Random(seed)
    with mutated(mutant) as run:
        for number in range(1, most + 1):
            schedule = read_tape(draw.randbytes(TAPE), mutant.kinds)
            objection = _objection(run, schedule)
            if objection and not _objection(running.run, schedule):
                return number, objection
    return None


def _objection(run: Run, schedule: Schedule) -> str:
    try:
        wrongs = judge(run(schedule))
    except Exception as error:
        return f"it fails: {error!r}"
    return wrongs[0] if wrongs else ""
