# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start the guard: a process that outlives its run, and holds nothing of it but what it is given.

It needs Linux. It has its secrets from memory, because it is a fork of the process that starts it. It lives no longer
than its container or cgroup.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from .._sessions.errors import SessionsError
from .duty import LATEST_ACTIONS, Duty, Orders, World
from .ending import end, end_run
from .journal import Journal
from .lock import GuardLock
from .presence import presence_path, show_presence
from .process_life import PROC, Process, Watch, can_see, read_process, this_process

READY_SECONDS = 15.0
"""How long the guard may take until it watches its run."""
BY = "guard"
NAME = "session-guard"
"""As which `ps -o comm` shows it."""
CALM = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""What ends a run, a terminal or a service does not end the guard. It goes by itself, or by SIGKILL."""
READY = b"ready\n"
TEMPORARY = ".tmp"


class GuardError(SessionsError):
    """The guard could not be started; nothing of it is left."""


def start(journal: Path, orders: Orders, detach: Callable[[Path], None], seconds: float = READY_SECONDS) -> Process:
    """Start the guard of the run whose journal this is, and return it when it watches the run. Raises GuardError.

    `detach` is called in the guard, with a folder for temporary files of its own: what the process around this holds
    of the run besides descriptors it lets go of there.
    """
    _check(orders)
    try:
        reading, writing = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        raise GuardError(_no_start(error.strerror)) from error
    try:
        with _held_back():
            middle = os.fork()
            if not middle:
                _fork_again(journal, orders, detach, writing)
    except OSError as error:
        os.close(reading)
        os.close(writing)
        raise GuardError(_no_start(error.strerror)) from error
    os.close(writing)
    try:
        return _wait_for(reading, seconds, journal)
    finally:
        os.close(reading)
        try:
            os.waitpid(middle, 0)
        except ChildProcessError:
            pass  # somebody has asked for it already


def _check(orders: Orders) -> None:
    if orders.latest_action not in LATEST_ACTIONS:
        raise GuardError(
            f"The latest action is {orders.latest_action!r}: it must be one of {', '.join(LATEST_ACTIONS)}."
        )
    if not can_see():
        raise GuardError(_no_start("it needs Linux, with /proc"))
    if threading.active_count() > 1:
        # A fork has their locks, but not the threads that would open them.
        names = ", ".join(sorted(one.name for one in threading.enumerate()))
        raise GuardError(_no_start(f"other threads are at work ({names})"))


def _no_start(why: str | None) -> str:
    return f"The guard of the maintenance window could not be started, so nothing is closed: {why}."


@contextmanager
def _held_back() -> Iterator[None]:
    """Keep signals from the handlers of this process while it forks: in a fork they would act on its group."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, CALM)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _wait_for(reading: int, seconds: float, journal: Path) -> Process:
    """Read what the guard says until it is ready. Raises GuardError, and ends one that does not get ready."""
    said, deadline = b"", time.monotonic() + seconds
    while not said.endswith(READY):
        waiting = select.poll()
        waiting.register(reading, select.POLLIN)
        if not waiting.poll(max(0.0, deadline - time.monotonic()) * 1000):
            _end_unready(said, journal)
            raise GuardError(_no_start(f"it was not ready in {seconds:g} seconds"))
        piece = os.read(reading, 4096)
        if not piece:
            words = said.decode(errors="replace").splitlines()
            raise GuardError(words[-1] if words and not words[-1].startswith("{") else _no_start("it has ended"))
        said += piece
    return read_process(json.loads(said.splitlines()[0]))


def _end_unready(said: bytes, journal: Path) -> None:
    if b"\n" in said:
        end([read_process(json.loads(said.splitlines()[0]))], 0.0)
    presence_path(journal).unlink(missing_ok=True)
    for folder in journal.parent.glob(f"{journal.stem}.*{TEMPORARY}"):
        shutil.rmtree(folder, ignore_errors=True)


def _fork_again(journal: Path, orders: Orders, detach: Callable[[Path], None], out: int) -> NoReturn:
    """Start the guard as a process that has no parent to outlive and no terminal, and end."""
    try:
        os.setsid()
        if not os.fork():
            _guard(journal, orders, detach, out)
    except BaseException as error:
        _say_error(out, error)
    finally:
        os._exit(0)


def _guard(journal: Path, orders: Orders, detach: Callable[[Path], None], out: int) -> NoReturn:
    """Be the guard."""
    folder = None
    try:
        own = this_process()
        os.write(out, json.dumps(own.record()).encode() + b"\n")
        _reset_signals()
        _let_go(out)
        (PROC / "self/comm").write_text(NAME, encoding="ascii")
        book = Journal(journal, BY)
        folder = _own_folder(journal)
        detach(folder)
        run = Watch(book.read().header.process)
        lock = GuardLock(book.lock_path)
        world = World(time.time, time.monotonic, time.sleep, partial(end_run, run.process, orders.end_seconds))
        duty = Duty(orders, run, book, lock, world)
        show_presence(journal)
        book.guarded(own)
        os.write(out, READY)
        _replace(out)
        _fulfil(duty, book, orders)
        if book.read().finished:
            book.lock_path.unlink(missing_ok=True)
            presence_path(journal).unlink(missing_ok=True)
    except BaseException as error:
        _say_error(out, error)
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


def _fulfil(duty: Duty, book: Journal, orders: Orders) -> None:
    """Do the duty. What nobody has thought of must not end the guard while hosts are closed."""
    deadline = None
    while failure := _failure(duty):
        deadline = deadline or time.monotonic() + orders.patience
        with suppress(SessionsError):
            book.trouble(f"The guard has failed with {failure}, and begins again.")
        if time.monotonic() + orders.pause >= deadline:
            return
        time.sleep(orders.pause)


def _failure(duty: Duty) -> str:
    try:
        duty.fulfil()
    except Exception as error:
        return type(error).__name__
    return ""


def _say_error(out: int, error: BaseException) -> None:
    text = str(error) if isinstance(error, SessionsError) else _no_start(getattr(error, "strerror", "") or repr(error))
    try:
        os.write(out, text.replace("\n", " ").encode() + b"\n")
    except OSError:
        pass


def _reset_signals() -> None:
    """Let nothing of the process around this handle signals; what ends a run is not taken notice of.

    By a handler and not by SIG_IGN, which programs that the guard starts would inherit.
    """
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in CALM:
        signal.signal(number, _take_no_notice)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _take_no_notice(_number: int, _frame: object) -> None:
    pass


def _let_go(*kept: int) -> None:
    """Let go of every inherited descriptor.

    Their numbers stay in use, for /dev/null: objects of the process around this may still write to them and close them,
    and must not hit the journal.
    """
    numbers = {int(name) for name in os.listdir(PROC / "self/fd")} | {0, 1, 2}  # noqa: PTH208 - names only
    for number in sorted(numbers - set(kept)):
        _replace(number)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123


def _replace(number: int) -> None:
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    if null != number:
        os.dup2(null, number, inheritable=number < 3)
        os.close(null)


def _own_folder(journal: Path) -> Path:
    """Make a folder for temporary files: that of the run goes with it."""
    os.umask(0o077)
    folder = Path(tempfile.mkdtemp(prefix=f"{journal.stem}.", suffix=TEMPORARY, dir=journal.parent))
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    return folder
