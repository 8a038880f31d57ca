# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""States of session hosts that the playbook session_report has saved, read so that nothing in the file is believed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .journal_state import JournalError, Row, journal_row

VERSION = 1


@dataclass(frozen=True, slots=True)
class SavedStates:
    """Hosts with the states to restore."""

    wvd: list[Row]
    rds: dict[str, list[Row]]
    """By the inventory's name of the broker over which they were read."""


def read_saved(path: Path) -> SavedStates:
    """Read such a file. Raises JournalError."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror or error}.") from error
    except ValueError as error:
        raise JournalError(f"{path} is no file that session_report has saved: it is no JSON ({error}).") from error
    if not isinstance(saved, Mapping) or "version" not in saved:
        raise JournalError(f"{path} is no file that session_report has saved: it has no version.")
    if saved["version"] != VERSION:
        raise JournalError(f"{path} has the version {saved['version']!r}, and this release reads version {VERSION}.")
    try:
        rows = _rows(saved.get("wvd", {}).get("hosts", ()), "wvd")
        brokers = {str(one["broker"]): _rows(one["hosts"], "rds") for one in saved.get("rds", ())}
    except (AttributeError, KeyError, TypeError) as error:
        raise JournalError(f"{path} is no file that session_report has saved: its rows are of another form.") from error
    return SavedStates(rows, brokers)


def _rows(rows: Any, service: str) -> list[Row]:
    return [journal_row({**row, "service": service}) for row in rows]
