# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m tests.lab`: start a lab and say how to reach it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import pathlib
import shlex
import signal
import sys
import tempfile
import threading
import typing

from . import definition
from .options import OptionError, Options
from .running import RunningLab

PARENT_CHECK_SECONDS = 0.5


def arguments(words: typing.Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m tests.lab", description="A simulated Remote Desktop farm.")
    parser.add_argument("--farm", type=pathlib.Path, default=definition.DEFAULT, help="farm definition, YAML or JSON")
    parser.add_argument("--json", action="store_true", help="print one line of JSON in place of export lines")
    parser.add_argument("--lifetime", type=float, default=3600, metavar="SECONDS", help="stop after that (3600)")
    parser.add_argument("--while-stdin-open", action="store_true", help="stop when standard input closes")
    parser.add_argument("--winrm", action="store_true", help="open the WinRM door too")
    parser.add_argument("--powershell", metavar="PATH", help="a real pwsh that runs the cmdlets, not the stand-in")
    parser.add_argument("--options", type=json.loads, default={}, metavar="JSON", help="options as one JSON object")
    for name, default in Options().as_dict().items():
        flag = "--" + name.replace("_", "-")
        if isinstance(default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(flag, type=_value, default=None, metavar=name.rpartition("_")[2].upper())
    return parser.parse_args(words)


def _value(text: str) -> typing.Any:
    """JSON where it is, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


async def run(given: argparse.Namespace, directory: pathlib.Path) -> None:
    """Run a lab until something says stop."""
    options = Options()
    named = {name: getattr(given, name) for name in options.as_dict() if getattr(given, name) is not None}
    options.update({**given.options, **named})
    lab = RunningLab(
        directory, definition.read(given.farm), options, winrm=given.winrm, powershell=given.powershell or ""
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows
            loop.add_signal_handler(number, lab.stopped.set)
    watchers = [asyncio.create_task(_watch_parent(lab.stopped))]
    if given.while_stdin_open:
        _watch_stdin(loop, lab.stopped)
    await lab.start()
    try:
        _announce(lab, given.json)
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(lab.stopped.wait(), given.lifetime)
    finally:
        for watcher in watchers:
            watcher.cancel()
        await lab.stop()


async def _watch_parent(stopped: asyncio.Event) -> None:
    """A lab whose parent has died gets another one: nobody needs it any more."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_CHECK_SECONDS)
    stopped.set()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    """In a thread, as Windows cannot wait for standard input otherwise."""

    def read() -> None:
        # Not through sys.stdin, whose lock this thread would keep when the process ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(stopped.set)

    threading.Thread(target=read, daemon=True, name="stdin").start()


def _announce(lab: RunningLab, as_json: bool) -> None:
    if as_json:
        print(json.dumps(lab.announcement()), flush=True)
        return
    for name, value in lab.environment().items():
        print(f"export {name}={shlex.quote(value)}")
    sys.stdout.flush()
    people = ", ".join(lab.principals())
    for line in (
        "",
        "The lab runs. Its farm:",
        *(f"  {line}" for line in lab.summary()),
        f"Signed in by the lines above: {next(iter(lab.principals()), 'nobody')} (there are {people}).",
        *_windows(lab),
        f"Audit of every change: {lab.control.base}/audit",
        *([f"Windows hosts: ansible-inventory -i {lab.winrm.inventory_file} --graph"] if lab.winrm else []),
        "Stop it with Ctrl-C.",
    ):
        print(line, file=sys.stderr, flush=True)


def _windows(lab: RunningLab) -> list[str]:
    """How to reach the Windows hosts, when their door is open."""
    if lab.winrm is None:
        return []
    accounts = [f"  {one.ad_user} {shlex.quote(one.password)}" for one in lab.credentials.all().values() if one.ad_user]
    return [f"Windows hosts: https://127.0.0.1:{lab.winrm.https_port}/wsman/<host name>, with the accounts", *accounts]


def main(words: typing.Sequence[str] | None = None) -> int:
    given = arguments(words)
    with tempfile.TemporaryDirectory(prefix="lab-") as directory:
        try:
            asyncio.run(run(given, pathlib.Path(directory)))
        except (OptionError, definition.DefinitionError, OSError) as error:
            print(f"lab: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
