# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""These tests need no Ansible, so they can run on Windows. What drives the script is true to what Ansible does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.engine.script.hosts import Hosts, call

ROOT = Path(__file__).parents[3]
AS_ON_WINDOWS = """
import builtins, importlib, pathlib, pkgutil, sys, pytest

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("ansible", "ansible_collections"):
            raise ImportError("there is no Ansible")

sys.meta_path.insert(0, Refuse())

POSIX = set("crypt fcntl grp nis posix pty pwd readline resource spwd syslog termios tty".split())
OURS = str(pathlib.Path("tests").resolve())
import_anything = builtins.__import__

def refuse(name, globals=None, *rest, **named):
    # Other packages have them imported already, and know themselves where they are.
    if name in POSIX and str((globals or {}).get("__file__")).startswith(OURS):
        raise ImportError(f"there is no {name} on Windows")
    return import_anything(name, globals, *rest, **named)

builtins.__import__ = refuse
import tests.cmdlets, tests.lab.client
for module in pkgutil.walk_packages(tests.lab.__path__, "tests.lab."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:cacheprovider", sys.argv[1]]))
"""


def test_neither_these_tests_nor_the_lab_import_what_windows_lacks() -> None:
    command = [sys.executable, "-c", AS_ON_WINDOWS, str(Path(__file__).parent)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert Path(__file__).name in finished.stdout


def test_script_gets_dates_as_texts_unless_it_is_to_get_dates(hosts: Hosts) -> None:
    """Ansible gives PowerShell 7 dates and Windows PowerShell texts."""
    echo = call("Get-RDServer", ConnectionBroker="2026-11-21T08:30:02Z")
    as_text, as_date = [hosts.call(echo, dates=dates)[0]["errors"][0]["message"] for dates in (False, True)]
    assert "2026-11-21T08:30:02Z" in as_text
    (version,) = hosts.call(call("Get-Host"))
    windows_powershell = version["output"][0]["Version"].startswith("5.")
    assert ("2026-11-21T08:30:02Z" in as_date) == windows_powershell
