# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that calls the lab's control door, so that a play can change and read the lab between other tasks."""

from __future__ import annotations

import json
import os
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """The action; `LAB_CONTROL` is the URL that the calls are under."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        return {"lab": {name: call(method, name, body) for method, name, body in self._task.args["calls"]}}


def call(method: str, name: str, body: dict[str, Any] | None) -> Any:
    """Call the control door. An opener of urllib would read all certificates of the system first, in every task."""
    control = urlsplit(os.environ["LAB_CONTROL"])
    connection = HTTPConnection(control.netloc, timeout=60)
    data = None if body is None else json.dumps(body)
    connection.request(method, f"{control.path}/{name}", data, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status != 200:
        raise AnsibleError(f"{method} {name}: {text}")
    return json.loads(text)["result"]
