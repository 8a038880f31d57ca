# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command shells as pywinrm meets them, with a program in the place of PowerShell that runs Python."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import pathlib
import subprocess
import sys
import textwrap
import time
import typing
from collections.abc import Callable, Iterator

import pytest
from winrm import exceptions, protocol

from tests.lab import certificates, definition
from tests.lab.credentials import Credentials
from tests.lab.farm import Farm
from tests.lab.winrm.door import WinRMDoor
from tests.lab.winrm.program import Programs
from tests.lab.winrm.runspace_pool import RunspacePool
from tests.lab.winrm.service import Service

HOST = "broker.contoso.com"
SECONDS = 10
FAKE = f"""\
#!{sys.executable}
import base64, sys

assert sys.argv[1:-1] == ["-NoProfile", "-NonInteractive", "-EncodedCommand"], sys.argv
exec(base64.b64decode(sys.argv[-1]).decode("utf-16-le"))
"""
FAMILY = """
    import os, subprocess
    child = subprocess.Popen(["sleep", "60"])
    print(os.getpid(), child.pid, flush=True)
"""
"""A program with a child, and the process ids of both."""


LAB = """
import os, sys, time, types, uuid
from tests.lab.winrm.program import Programs

show = types.SimpleNamespace(send=lambda _id, data, _stream: os.write(1, data), finished=print)
programs = Programs(sys.argv[1], os.environ, show)
programs.start(uuid.uuid4(), sys.argv[2])
time.sleep(60)
"""


@dataclasses.dataclass
class Shell:
    """An open command shell."""

    client: protocol.Protocol
    id: str

    def start(self, body: str, program: str = "powershell") -> str:
        """Start a program in Python as Ansible starts one in PowerShell; return its id."""
        encoded = base64.b64encode(textwrap.dedent(body).encode("utf-16-le")).decode()
        # Ansible sends it all as the command, or the first word as the command and the others as arguments.
        words = [program, "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded]
        return self.client.run_command(self.id, words[0], words[1:], console_mode_stdin=False)

    def run(self, body: str, program: str = "powershell") -> tuple[bytes, bytes, int]:
        command = self.start(body, program)
        result = self.client.get_command_output(self.id, command)
        self.client.cleanup_command(self.id, command)
        return result

    def read(self, command: str) -> bytes:
        """What comes next on its standard output."""
        stdout, _stderr, _code, _done = self.client.get_command_output_raw(self.id, command)
        return stdout


class Clients:
    """The door, and clients of it."""

    def __init__(self, door: WinRMDoor) -> None:
        self.door = door

    def client(self, **options: typing.Any) -> protocol.Protocol:
        door = self.door.describe()
        return protocol.Protocol(
            f"https://127.0.0.1:{self.door.https_port}/wsman/{HOST}",
            transport="basic",
            username=door["user"],
            password=door["password"],
            ca_trust_path=door["ca_file"],
            **options,
        )

    @contextlib.contextmanager
    def shell(self, **options: typing.Any) -> Iterator[Shell]:
        client = self.client(**options)
        shell = Shell(client, client.open_shell(codepage=65001))
        yield shell
        client.close_shell(shell.id)
        assert self.door.report()["now"] == {"shells": 0, "pipelines": 0}


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> str:
    program = tmp_path_factory.mktemp("fake") / "fake-pwsh"
    program.write_text(FAKE)
    program.chmod(0o755)
    return str(program)


@pytest.fixture(scope="module")
def clients(fake: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    directory = tmp_path_factory.mktemp("winrm")
    farm = Farm()
    farm.replace(definition.parse(definition.read()))
    door = WinRMDoor(farm, Credentials(farm), certificates.make(directory), directory)
    door.service = Service(RunspacePool, lambda _machine, _user, outlet: Programs(fake, os.environ, outlet))
    door.start()
    yield Clients(door)
    door.stop()


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def alive(process: int) -> bool:
    with contextlib.suppress(OSError):
        return pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_output_errors_and_exit_code(clients: Clients) -> None:
    body = "print('Grüße'); print('oops', file=sys.stderr); sys.exit(7)"
    with clients.shell() as shell:
        assert shell.run(body) == ("Grüße\n".encode(), b"oops\n", 7)
        assert shell.run("print(2)") == (b"2\n", b"", 0)


@pytest.mark.parametrize("program", ["PowerShell", "powershell.exe", "pwsh", r"C:\Windows\v1.0\powershell.EXE"])
def test_names_of_the_program(clients: Clients, program: str) -> None:
    with clients.shell() as shell:
        assert shell.run("print(1)", program)[0] == b"1\n"


def test_command_line_in_one(clients: Clients) -> None:
    encoded = base64.b64encode("print(3)".encode("utf-16-le")).decode()
    with clients.shell() as shell:
        line = f'"powershell" -NoProfile -NonInteractive -EncodedCommand {encoded}'
        command = shell.client.run_command(shell.id, line, console_mode_stdin=False)
        assert shell.client.get_command_output(shell.id, command) == (b"3\n", b"", 0)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("whoami", "the program whoami"),
        ("/bin/sh -c powershell", "the program /bin/sh"),
        ("notpowershell", "the program notpowershell"),
        ('"powershell', "the command line"),
        ("", "the command line"),
    ],
)
def test_other_programs_are_refused(clients: Clients, line: str, words: str) -> None:
    with clients.shell() as shell:
        with pytest.raises(exceptions.WinRMError, match=words):
            shell.client.run_command(shell.id, line)
        assert clients.door.report()["now"] == {"shells": 1, "pipelines": 0}


def test_input_comes_as_it_is_sent(clients: Clients) -> None:
    body = """
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(line.upper())
            sys.stdout.flush()
        print("the end")
    """
    with clients.shell() as shell:
        command = shell.start(body)
        for word in (b"first\n", b"second\n"):
            shell.client.send_command_input(shell.id, command, word)
            assert shell.read(command) == word.upper()
        shell.client.send_command_input(shell.id, command, b"", end=False)
        shell.client.send_command_input(shell.id, command, b"third\n", end=True)
        assert shell.client.get_command_output(shell.id, command) == (b"THIRD\nthe end\n", b"", 0)


def test_much_input_and_output(clients: Clients) -> None:
    """More than any pipe or envelope takes; pywinrm takes 150 KiB at once."""
    sent = bytes(range(256)) * 8000
    body = """
        data = sys.stdin.buffer.read()
        sys.stderr.buffer.write(data[:500_000])
        sys.stdout.buffer.write(data)
    """
    with clients.shell() as shell:
        command = shell.start(body)
        for start in range(0, len(sent), 200_000):
            chunk = sent[start : start + 200_000]
            shell.client.send_command_input(shell.id, command, chunk, end=start + 200_000 >= len(sent))
        stdout, stderr, _code, done = shell.client.get_command_output_raw(shell.id, command)
        assert 0 < len(stdout) + len(stderr) < 150 * 1024
        assert not done
        rest = shell.client.get_command_output(shell.id, command)
        assert (stdout + rest[0], stderr + rest[1], rest[2]) == (sent, sent[:500_000], 0)


def test_input_that_nobody_reads_holds_up_nothing(clients: Clients) -> None:
    with clients.shell() as shell:
        command = shell.start("sys.stdin.buffer.read(1); print('enough')")
        started = time.monotonic()
        for _number in range(3):
            shell.client.send_command_input(shell.id, command, b"x" * 200_000)
        assert time.monotonic() - started < SECONDS
        assert shell.client.get_command_output(shell.id, command)[0] == b"enough\n"
        shell.client.send_command_input(shell.id, command, b"too late")


def test_a_receive_times_out_and_is_repeated(clients: Clients) -> None:
    with clients.shell(operation_timeout_sec=1, read_timeout_sec=3) as shell:
        command = shell.start("import time; time.sleep(2.5); print('late')")
        with pytest.raises(exceptions.WinRMOperationTimeoutError):
            shell.read(command)
        assert shell.client.get_command_output(shell.id, command) == (b"late\n", b"", 0)


def test_a_signal_ends_the_program_and_its_children(clients: Clients) -> None:
    with clients.shell() as shell:
        command = shell.start(FAMILY + "    child.wait()")
        processes = [int(word) for word in shell.read(command).split()]
        assert all(alive(process) for process in processes)
        started = time.monotonic()
        shell.client.cleanup_command(shell.id, command)
        assert time.monotonic() - started < SECONDS
        wait_until(lambda: not any(alive(process) for process in processes))
        with pytest.raises(exceptions.WinRMError, match="not found"):
            shell.client.send_command_input(shell.id, command, b"gone")


def test_children_end_with_the_program(clients: Clients) -> None:
    """They would hold its output open."""
    with clients.shell() as shell:
        stdout, _stderr, code = shell.run(FAMILY)
        assert code == 0
        wait_until(lambda: not any(alive(int(process)) for process in stdout.split()))


def test_a_program_that_dies_has_an_exit_code(clients: Clients) -> None:
    with clients.shell() as shell:
        assert shell.run("import os; os.kill(os.getpid(), 9)") == (b"", b"", 137)


def test_closing_the_shell_ends_its_programs_and_its_folder(clients: Clients) -> None:
    body = f"""
        import os, pathlib, shutil
        pathlib.Path(os.environ["TEMP"], "left").touch()
        assert os.environ["TEMP"] == os.environ["TMP"] == os.environ["TMPDIR"] == os.getcwd()
        print(os.getcwd(), shutil.which("powershell"), flush=True)
        {FAMILY}
        child.wait()
    """
    processes: list[int] = []
    with clients.shell() as shell:
        command = shell.start(textwrap.dedent(body).replace("\n    ", "\n"))
        said = shell.read(command).split()
        while len(said) < 4:
            said += shell.read(command).split()
        folder = pathlib.Path(os.fsdecode(said[0]))
        processes += map(int, said[2:])
        assert (folder / "left").exists()
        assert os.fsdecode(said[1]) == str(folder / "bin/powershell")
    wait_until(lambda: not any(alive(process) for process in processes))
    assert not folder.exists()


def test_only_an_administrator_has_a_command_shell(clients: Clients) -> None:
    client = clients.client()
    client.transport.username = "session.operator@contoso.com"
    client.transport.password = clients.door.describe()["accounts"]["session.operator@contoso.com"]
    with pytest.raises(exceptions.WinRMError, match="Access is denied"):
        client.open_shell()


def test_no_program_outlives_the_service(clients: Clients) -> None:
    client = clients.client()
    shell = Shell(client, client.open_shell())
    processes = [int(word) for word in shell.read(shell.start(FAMILY + "    child.wait()")).split()]
    assert all(alive(process) for process in processes)
    clients.door.service.close()
    assert not any(alive(process) for process in processes)
    client.transport.close_session()


def test_no_program_outlives_a_lab_that_is_killed(fake: str) -> None:
    body = textwrap.dedent(FAMILY + "    print(os.getcwd(), flush=True); child.wait()")
    encoded = base64.b64encode(body.encode("utf-16-le")).decode()
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, fake, f"pwsh -NoProfile -NonInteractive -EncodedCommand {encoded}"],
        cwd=pathlib.Path(__file__).parents[4],
        stdout=subprocess.PIPE,
    )
    assert lab.stdout
    with lab.stdout:
        processes = [int(word) for word in lab.stdout.readline().split()]
        folder = pathlib.Path(os.fsdecode(lab.stdout.readline().strip()))
    assert folder.is_dir()
    assert all(alive(process) for process in processes)
    lab.kill()
    lab.wait(SECONDS)
    wait_until(lambda: not any(alive(process) for process in processes) and not folder.exists())
