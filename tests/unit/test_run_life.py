# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker process notices that its run is gone."""

from __future__ import annotations

import subprocess
import sys

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.run_life import run_lives

RUN = """
import multiprocessing, os, signal, sys, time
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.run_life import outlive_run, run_lives

def work(begun):
    if "outlive" in sys.argv:
        outlive_run()
    print(run_lives(), flush=True)
    begun.set()
    deadline = time.monotonic() + (1 if "outlive" in sys.argv else 20)
    while run_lives() and time.monotonic() < deadline:
        time.sleep(0.01)
    print(run_lives(), flush=True)

context = multiprocessing.get_context("fork")
begun = context.Event()
context.Process(target=work, args=(begun,)).start()
begun.wait()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_outside_a_worker_there_is_nobody_to_outlive() -> None:
    assert run_lives()


def test_worker_sees_that_the_run_was_killed() -> None:
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_guard_outlives_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, "outlive"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["True", "True"], done.stderr
