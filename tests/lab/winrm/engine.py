# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The border between the WS-Man service and what runs PowerShell behind it.

The verbs are those of PowerShell's own server mode (`pwsh -s`: Data, Command, Signal, Close with a pipeline's GUID),
and what crosses is PSRP fragments. So the stand-in (runspace_pool.py) and a real process (powershell.py) can both
stand behind the same service.
"""

from __future__ import annotations

import typing
import uuid

from .configurations import Configuration
from .machine import Machine


class ProtocolError(ValueError):
    """What the client sent is not PSRP."""


class Channel(typing.Protocol):
    """The way back to the client of one shell. May be called from any thread."""

    def send(self, pipeline: uuid.UUID | None, fragments: bytes) -> None:
        """Fragments for the pipeline, or for the runspace pool."""
        ...

    def finished(self, pipeline: uuid.UUID) -> None:
        """Nothing more follows for the pipeline."""
        ...

    def lost(self) -> None:
        """The process that was the engine has ended, and the shell with it."""
        ...

    def reset(self, pipeline: uuid.UUID) -> None:
        """Cut the client's connection (a fault of the lab; a real engine has no use for it)."""
        ...


class Engine(typing.Protocol):
    """PowerShell behind one shell."""

    def data(self, pipeline: uuid.UUID | None, fragments: bytes) -> None:
        """Fragments from the client. Raises ProtocolError."""
        ...

    def command(self, pipeline: uuid.UUID) -> None:
        """A pipeline of that id is about to arrive as data."""
        ...

    def signal(self, pipeline: uuid.UUID) -> None:
        """Stop the pipeline. It may take as long as the call takes that it is in; unknown ids are fine."""
        ...

    def close(self) -> None:
        """The shell is gone; a pipeline that blocks is left behind."""
        ...

    @property
    def runspaces(self) -> int:
        """How many pipelines may run at once; 0 where only the engine knows."""
        ...

    @property
    def process_id(self) -> int:
        """Of the engine's own process; 0 where it has none."""
        ...


class StartEngine(typing.Protocol):
    """How the service gets an engine for a new shell."""

    def __call__(self, machine: Machine, user: str, configuration: Configuration, channel: Channel) -> Engine: ...
