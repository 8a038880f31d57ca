# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that stands for `ansible-playbook`, with a worker that starts the guard and closes hosts of a service.

The service is a file, of which each line is something that was done to a host. Options are JSON, in the argument; the
secret, without which the service opens nothing, comes on the standard input.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.duty import Orders, Reopening
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.guard import GuardError, start
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal import Journal
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.journal_state import Header, Row
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.lock import acting
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.process_life import this_process
from tests.unit.window.rows import wvd

HOSTS = 3


class Service:
    """Opens and closes hosts."""

    def __init__(self, options: dict[str, Any], secret: str) -> None:
        self.path = Path(options["folder"]) / "service.jsonl"
        self.options = options
        self._secret = secret
        self.calls = 0

    def tell(self, what: str, **fields: Any) -> None:
        line = json.dumps({"what": what, "time": time.time(), "pid": os.getpid(), **fields}) + "\n"
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line.encode())
        os.close(descriptor)

    def close(self, row: Row) -> None:
        self.tell("close", host=row["host"])

    def open_again(self, rows: Sequence[Row]) -> Sequence[Reopening]:
        self.calls += 1
        self.tell("called")
        time.sleep(self.options.get("slow", 0))
        if self.calls <= self.options.get("raises", 0):
            raise ConnectionError("out of order")
        if self.calls <= self.options.get("fails", 0):
            return [Reopening("503")] * len(rows)
        signed = hashlib.sha256(self._secret.encode()).hexdigest()
        for row in rows:
            self.tell("open", host=row["host"], state=row["allow_new_session"], signed=signed)
        return [Reopening()] * len(rows)


def refuse(call: str, process: str) -> None:
    """Let the system refuse a call to this process, or to the one between it and the guard."""
    usual, own = getattr(os, call), os.getpid()

    def refused(*arguments: Any, **named: Any) -> Any:
        if (os.getpid() == own) is (process == "own"):
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return usual(*arguments, **named)

    setattr(os, call, refused)


def work(options: dict[str, Any], secret: str, journal: Journal, out: int) -> None:
    """Be the worker."""
    os.setsid()
    service = Service(options, secret)
    signal.signal(signal.SIGTERM, lambda *_args: os.killpg(os.getpid(), signal.SIGKILL))
    signal.signal(signal.SIGUSR1, lambda *_args: None)
    os.umask(0o022)
    kept = [socket.socketpair(), os.open(Path(options["folder"], "inherited"), os.O_WRONLY | os.O_CREAT)]
    latest = options.get("latest_in")
    orders = Orders(
        service.open_again,
        None if latest is None else time.time() + latest,
        options.get("latest_action", "stop_and_open"),
        pause=options.get("pause", 0.3),
        patience=options.get("patience", 60.0),
        step_seconds=options.get("step_seconds", 4.0),
        end_seconds=options.get("end_seconds", 10.0),
    )

    def detach(folder: Path) -> None:
        usual = signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
        umask = os.umask(0)
        os.umask(umask)
        temporary = [str(folder), tempfile.gettempdir(), os.environ["TMPDIR"]]
        service.tell("detached", temporary=temporary, usual=usual, umask=umask)
        if options.get("detach") == "hangs":
            time.sleep(60)
        if options.get("detach") == "fails":
            raise RuntimeError("no way")

    held = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    if "refuse" in options:
        refuse(*options["refuse"])
    try:
        guard = start(journal.path, orders, detach, options.get("ready", 10.0))
    except GuardError as error:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        more = len(os.listdir("/proc/self/fd")) - held  # noqa: PTH208
        blocked = [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())]
        said = {"error": str(error), "children": children, "more": more, "blocked": blocked}
        os.write(out, json.dumps(said).encode() + b"\n")
        return
    rows = [wvd(number, allowed=number != 1) for number in range(HOSTS)]
    if not options.get("idle"):
        with acting(journal):
            journal.closing(rows)
            for row in rows:
                service.close(row)
            journal.closed(rows)
    started = {"guard": guard.pid, "worker": os.getpid(), "run": os.getppid()}
    os.write(out, json.dumps(started).encode() + b"\n")
    if options.get("finishes"):
        service.open_again(rows)
        journal.opened(rows)
        journal.finished()
    if options.get("at_work"):
        # A worker does not notice that its run is gone.
        with acting(journal):
            while True:
                service.tell("end a session")
                time.sleep(0.05)
    if options.get("tries_later"):
        time.sleep(options["tries_later"])
        with acting(journal):
            service.close(wvd(7))
    del kept


def main() -> NoReturn:
    options, secret = json.loads(sys.argv[1]), sys.stdin.readline().strip()
    if options.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    header = Header("run-1", this_process(), "wvd", "", "here")
    journal = Journal.create(Path(options["folder"]) / "windows", header)
    journal.path.chmod(options.get("mode", 0o600))
    out = sys.stdout.fileno()
    if not os.fork():
        try:
            work(options, secret, journal, out)
        finally:
            os._exit(0)
    while True:
        time.sleep(0.1)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            if options.get("ends"):
                os._exit(0)


if __name__ == "__main__":
    main()
