# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's stand-in for PowerShell and a real one, each a client's engine on the hosts of one and the same farm."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from pprint import pformat
from typing import Any

from tests.lab import definition
from tests.lab.options import Options
from tests.lab.running import RunningLab
from tests.lab.winrm.configurations import Configuration
from tests.lab.winrm.faults import Faults
from tests.lab.winrm.machine import Machine, Settings, SignIn
from tests.lab.winrm.process import PowerShell
from tests.psrp.comparable import Tree, comparable
from tests.psrp.raw_client import Message, RawClient

IGNORED = ("PROGRESS_RECORD",)
"""No client of ours reads it."""
Ask = Callable[[RawClient], list[Message]]
Ended = tuple[str, str, str, int | None]
"""Verb, effect, host and id."""


class BothLab:
    """A lab in this process, and the way to start a real PowerShell on its hosts."""

    def __init__(
        self, directory: Path, farm: definition.Definition, program: str, sign_in: SignIn, time_zone: str
    ) -> None:
        """`sign_in` says who may sign in to WVD classic; the hosts are in the time zone."""
        self._time_zone = time_zone
        self._farm = farm
        self._lab = RunningLab(directory, farm, Options(), winrm=True)
        assert self._lab.winrm is not None
        self._door = self._lab.winrm
        self._door.sign_in = sign_in  # type: ignore[method-assign]
        self._loop = asyncio.new_event_loop()
        self.powershell = PowerShell(program, directory, lambda: self._lab.control.base)

    @contextlib.contextmanager
    def running(self) -> Iterator[BothLab]:
        """Serve the cmdlets of the real PowerShell."""
        thread = threading.Thread(target=self._loop.run_forever, name="lab")
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._lab.control.start(), self._loop).result(10)
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._lab.control.stop(), self._loop).result(10)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def reset(self) -> None:
        """Put the farm and the hosts back as they were."""
        self._lab.reset(self._farm)
        self.settings.time_zone = self._time_zone

    @property
    def faults(self) -> Faults:
        return self._door.faults

    @property
    def settings(self) -> Settings:
        return self._door.settings

    @property
    def ended(self) -> list[Ended]:
        """What was logged off, disconnected or sent a message, and which hosts were drained or opened."""
        verbs = ("logoff", "disconnect", "message", "drain", "undrain")
        audit = [row for row in self._lab.farm.audit() if row["verb"] in verbs]
        return [(row["verb"], row["effect"], row["host"], row["id"]) for row in audit]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The texts that were sent."""
        return [row["detail"] for row in self._lab.farm.audit() if row["verb"] == "message"]

    def state(self, service: str, pool: str, host: str, number: int) -> str:
        """The state that a session is in, in ARM's words."""
        farm = self._lab.farm
        return farm.session(farm.pool(service, pool), host, number).state

    def change(self, service: str, pool: str, host: str, number: int, **fields: object) -> None:
        """Overwrite fields of a session."""
        farm = self._lab.farm
        farm.change(farm.pool(service, pool), host, number, **fields)

    def machine(self, name: str) -> Machine:
        return self._door.machines()[name]


@dataclass(frozen=True)
class Said:
    """What an engine answered, and what it did."""

    messages: list[Message]
    ended: list[Ended]
    sent: list[dict[str, str]]

    @property
    def text(self) -> list[str]:
        """Everything that must be equal, as lines."""
        return pformat([*(essence(one) for one in self.messages), self.ended, self.sent], width=110).splitlines()


class BothEngines:
    """A runspace pool of each kind on one host's endpoint."""

    def __init__(self, lab: BothLab, host: str, configuration: Configuration) -> None:
        self.lab = lab
        lab.reset()
        machine = lab.machine(host)
        self.stand_in = RawClient(machine, configuration)
        self.real = RawClient(machine, configuration, start_engine=lab.powershell.start_engine)

    def ask(self, ask: Ask, prepare: Callable[[BothLab], object] = lambda lab: None) -> list[Message]:
        """Ask both the same, each with the farm as it was at first and then `prepare` made it.

        Returns the real answer, to which the stand-in's is equal.
        """
        stand_in, real = (self._ask(client, ask, prepare) for client in (self.stand_in, self.real))
        difference = "\n".join(unified_diff(stand_in.text, real.text, "stand-in", "PowerShell", n=2, lineterm=""))
        assert not difference, difference
        return real.messages

    def _ask(self, client: RawClient, ask: Ask, prepare: Callable[[BothLab], object]) -> Said:
        self.lab.reset()
        prepare(self.lab)
        messages = [one for one in ask(client) if one.type not in IGNORED]
        return Said(messages, self.lab.ended, self.lab.messages)

    def close(self) -> None:
        self.stand_in.engine.close()
        self.real.engine.close()


def essence(message: Message) -> Tree:
    """What must be equal: rows as a whole, and of records what the collection's transport reads."""
    if message.type in ("PIPELINE_OUTPUT", "RUNSPACE_AVAILABILITY"):
        return (message.type, comparable(message.clixml))
    error = (
        message.clixml if message.type == "ERROR_RECORD" else message.clixml.find(".//*[@N='ExceptionAsErrorRecord']")
    )
    said: tuple[Any, ...] = ()
    if error is not None:
        said = (
            (message_text(error, "MS/S[@N='FullyQualifiedErrorId']")).partition(",")[0],
            message_text(error, "MS/I32[@N='ErrorCategory_Category']"),
            message_text(error, "MS/Obj[@N='Exception']/TN/T"),
            message_text(error, "ToString"),
        )
    elif message.type != "PIPELINE_STATE":
        said = (message_text(message.clixml, "ToString"),)
    return (message.type, message.text("PipelineState") or "", *said)


def message_text(element: Any, path: str) -> str:
    return element.findtext(path) or ""
