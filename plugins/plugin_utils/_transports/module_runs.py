# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of modules over Ansible's own connection, of which a task may make many, with long pauses between them.

Ansible makes a connection for one run after the other. A Windows host drops it after two minutes, and what is encrypted
for the old one gets HTTP status 400 then; and when the host has restarted, its shell is gone. The plugins winrm and
psrp go on using both, and let the errors of their libraries through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure

from .idle_connection import MOST_IDLE

LIBRARIES = ("pypsrp", "requests", "spnego", "urllib3", "winrm")
"""Packages whose errors mean that the connection has failed."""


class ModuleRuns:
    """Takes `module_name` and `module_args`, runs the module and returns its result. Keeps the connection usable."""

    def __init__(
        self, run_module: Callable[..., Mapping[str, Any]], connection: Any, clock: Callable[[], float]
    ) -> None:
        """`run_module` runs over the `connection` plugin; `clock` counts seconds."""
        self._run_module = run_module
        self._connection = connection
        self._clock = clock
        self._used_at = clock()

    def __call__(self, **request: Any) -> Mapping[str, Any]:
        """Run a module. Raises AnsibleConnectionFailure when the connection has failed."""
        if self._clock() >= self._used_at + MOST_IDLE:
            self._sign_in_anew()
        try:
            return self._run_module(**request)
        except AnsibleConnectionFailure:
            self._forget()
            raise
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in LIBRARIES:
                raise
            self._forget()
            raise AnsibleConnectionFailure(f"The connection failed: {error}") from error
        finally:
            self._used_at = self._clock()

    def _sign_in_anew(self) -> None:
        """Let the next request make an HTTP connection; the shell stays."""
        user = {"winrm": "protocol", "psrp": "runspace"}.get(self._connection.transport, "")
        made = getattr(self._connection, user, None) if user else None
        if made is None:
            return
        transport = made.transport if user == "protocol" else made.connection.transport
        if transport.session is not None:
            transport.session.close()
        transport.session = transport.encryption = None

    def _forget(self) -> None:
        """Let the next run begin with a connection and a shell of its own."""
        connection = self._connection
        if connection.transport == "winrm":
            connection.protocol = connection.shell_id = None
            connection._connected = False
        elif connection.transport == "psrp":
            connection.runspace = None
            connection._connected = False
