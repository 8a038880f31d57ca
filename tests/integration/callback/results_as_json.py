# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Callback that writes each task's result as a line of JSON to the file that RESULTS_AS_JSON names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: results_as_json
type: aggregate
short_description: Write results as lines of JSON
description: For the integration tests.
"""


class CallbackModule(CallbackBase):
    """The callback."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "results_as_json"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._play = ""
        self._started: dict[tuple[str, str], float] = {}

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self._play = play.get_name()

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        self._started[host.get_name(), task._uuid] = time.monotonic()

    def _write(self, status: str, result: Any) -> None:
        # The names with an underscore are gone from ansible-core 2.23 on, the others are not there before 2.19.
        task = getattr(result, "task", None) or result._task
        values = getattr(result, "result", None) or result._result
        host = getattr(result, "host", None) or result._host
        seconds = time.monotonic() - self._started[host.get_name(), task._uuid]
        names = {"name": task.get_name(), "host": host.get_name(), "play": self._play}
        line = {**names, "status": status, "result": values, "seconds": seconds}
        with Path(os.environ["RESULTS_AS_JSON"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write("unreachable", result)
