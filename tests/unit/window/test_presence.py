# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What shows that a guard is there to those who cannot see its process."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.presence import (
    is_at_work,
    presence_path,
    show_presence,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import this_process

HOLDER = """
import sys
from pathlib import Path
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.presence import show_presence
show_presence(Path(sys.argv[1]))
print("shown", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Of a run in a container, so that its process says nothing."""
    elsewhere = replace(this_process(), machine="job-7 other-boot pid:[1]")
    return Journal.create(tmp_path / "windows", Header("run-1", elsewhere, "wvd", "", "job-7"))


def test_guard_that_cannot_be_seen_shows_itself_while_it_lives(journal: Journal) -> None:
    assert is_at_work(journal.path, journal.read()) is None
    command = [sys.executable, "-c", HOLDER, str(journal.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert is_at_work(journal.path, journal.read()) is True
        assert is_at_work(journal.path, journal.read()) is True, "whoever looks takes nothing"
        process.kill()
        process.wait()
        assert is_at_work(journal.path, journal.read()) is None


def test_file_that_others_may_write_shows_nothing(journal: Journal) -> None:
    show_presence(journal.path)
    assert is_at_work(journal.path, journal.read()) is True
    presence_path(journal.path).chmod(0o666)
    assert is_at_work(journal.path, journal.read()) is None
