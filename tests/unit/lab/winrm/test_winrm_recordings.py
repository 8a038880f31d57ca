# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in answers each recorded request as PowerShell did."""

from __future__ import annotations

import json
import pathlib
import typing
from xml.etree import ElementTree

import pytest

from tests.unit.lab.winrm.comparable import comparable
from tests.unit.lab.winrm.raw_client import Message, RawClient
from tests.unit.lab.winrm.recorded_farm import CONFIGURATIONS, recorded_machine

RECORDINGS = pathlib.Path(__file__).parents[2] / "recordings" / "powershell-7.6.5.jsonl"
LINES = [json.loads(line) for line in RECORDINGS.read_text(encoding="utf-8").splitlines()]


def test_there_are_recordings_to_compare() -> None:
    assert len(LINES) == 63


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line['endpoint']}-{line['scenario']}")
def test_same_answer(line: dict[str, typing.Any]) -> None:
    client = RawClient(recorded_machine(), CONFIGURATIONS[line["endpoint"]])
    answer = client.opened() if line["statements"] is None else client.invoke(line["statements"])
    recorded = [Message(each["type"], ElementTree.fromstring(each["clixml"])) for each in line["messages"]]
    assert [message.type for message in answer] == [message.type for message in recorded]
    for mine, theirs in zip(answer, recorded, strict=True):
        assert comparable(mine.clixml) == comparable(theirs.clixml)
