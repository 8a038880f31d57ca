# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerShell's own parser finds in the scripts of the project, above all in that of the transport."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.script.driver import RUN_CMDLETS, Json
from tests.engine.script.hosts import Hosts

ROOT = Path(__file__).parents[3]
DESCRIBE = Path(__file__).with_name("describe.ps1")
FILES = sorted(
    path
    for folder in ("extensions", "playbooks", "plugins", "roles", "tests")
    for kind in ("*.ps1", "*.psm1")
    for path in (ROOT / folder).rglob(kind)
)
NEWER_TOKENS = {
    # Not in Windows PowerShell, whose parser says so.
    *(
        "AndAnd",
        "OrOr",
        "QuestionMark",
        "QuestionQuestion",
        "QuestionQuestionEquals",
        "QuestionDot",
        "QuestionLBracket",
    ),
    "Clean",
}


@pytest.fixture(scope="module")
def described(script_hosts: Hosts) -> dict[Path, Json]:
    paths = [str(path) for path in FILES]
    return dict(zip(FILES, script_hosts.script.run({"Path": paths}, script=DESCRIBE), strict=True))


@pytest.fixture
def script(described: dict[Path, Json]) -> Json:
    return described[RUN_CMDLETS]


def test_every_script_parses_in_windows_powershell_too(described: dict[Path, Json]) -> None:
    assert {path.name for path in described} >= {
        *("run_cmdlets.ps1", "inspect.ps1", "register.ps1", "unregister.ps1"),
        *("build.ps1", "RemoteDesktop.psm1", "drive.ps1", "describe.ps1"),
    }
    assert {path.name: found["errors"] for path, found in described.items() if found["errors"]} == {}
    newer = {path.name: NEWER_TOKENS & set(found["tokens"]) for path, found in described.items()}
    assert {name: tokens for name, tokens in newer.items() if tokens} == {}


def test_script_declares_what_it_is_given(script: Json) -> None:
    assert script["parameters"] == {
        **dict.fromkeys(("Calls", "Acts", "AnyCase"), "@()"),
        **dict.fromkeys(("Seconds", "ActSeconds"), "60"),
        "SendSeconds": "10",
        **dict.fromkeys(("Listing", "Credential")),
        # The collection says these in one place; without them nothing is proven.
        **dict.fromkeys(("ProofSeconds", "ShortestList", "LongestProof")),
    }
    assert script["attributes"] == ["[CmdletBinding(SupportsShouldProcess)]"], "else it does not run in check mode"


def test_script_runs_nothing_but_cmdlets_that_it_is_told_and_its_own_functions(script: Json) -> None:
    assert script["operators"] == ["Unknown"], "nothing is called by & or ."
    assert None not in script["commands"]
    assert set(script["commands"]) - set(script["functions"]) == {"New-Object", "Start-Sleep"}
    assert not {name.lower().rpartition(".")[2] for name in script["types"]} & {"scriptblock"}
    assert script["unnamed_calls"] == 0
    assert not set(script["members"]) & {"InvokeScript", "InvokeCommand", "NewScriptBlock"}
    constant = "'[System.Threading.Thread]::CurrentThread.IsBackground = $true'"
    assert script["script_texts"] == [constant], "the only script text besides the script is constant"


def test_call_that_hangs_is_left_behind_by_a_thread_that_ends_with_the_process(script: Json) -> None:
    """PowerShell waits for what these begin, in a thread that keeps the process alive."""
    members = set(script["members"])
    assert not members & {"BeginStop", "StopAsync", "CloseAsync", "Stop", "Close"}
    assert {"StartNew", "LongRunning"} <= members
    assert script["delegates"] == ["[System.Action]", "$shell.Runspace", "'Close'"]
