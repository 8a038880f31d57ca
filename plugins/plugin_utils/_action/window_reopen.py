# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo a window from its journal, or give hosts states that were saved before, when nobody else does it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from .._services.place import Options
from .._sessions.errors import SelectionError, SessionsError
from .._sessions.host_setting import FAILED
from .._window.journal import SUFFIX, Journal, read_journal
from .._window.journal_state import Header, JournalError, JournalState, Row, host_key
from .._window.machine_runs import runs_folder
from .._window.presence import is_at_work
from .._window.run_journal import default_folder
from .._window.saved_states import read_saved
from .._window.taken_hosts import taken_hosts
from .._window.wave_opening import in_parts
from .window_action import WindowAction
from .window_options import REOPEN

BY = "reopen_hosts"


class ReopenAction(WindowAction):
    """Gives hosts their states. What one journal lacks keeps no other's hosts from being opened."""

    OPTIONS: ClassVar = REOPEN
    OF_ROLE: ClassVar = False

    def _do(self, options: Options) -> dict[str, Any]:
        if options["journal"] and options["saved"]:
            raise SelectionError("journal and saved both say which states to restore: give only one of them.")
        if options["wait_timeout"] < 1:
            raise SelectionError(f"wait_timeout is {options['wait_timeout']}: it must be 1 or more seconds.")
        self._rows: list[dict[str, Any]] = []
        self._errors: list[str] = []
        if options["saved"]:
            self._open_saved(options, Path(options["saved"]).expanduser().absolute())
        else:
            self._open_journals(options)
        result: dict[str, Any] = {
            "changed": any(row["outcome"] == "set" or row["unclear"] for row in self._rows),
            "hosts": self._rows,
            "summary": dict(sorted(Counter(str(row["outcome"]) for row in self._rows).items())),
        }
        failures = [f"{row['host']}: {row['reason']}" for row in self._rows if row["outcome"] == FAILED]
        if failures or self._errors:
            result.update(failed=True, msg="; ".join([*self._errors, *failures]))
        return result

    def _open_saved(self, options: Options, path: Path) -> None:
        saved = read_saved(path)
        self._require_no_window([*saved.wvd, *(row for rows in saved.rds.values() for row in rows)])
        if saved.wvd:
            self._restore(options, "wvd", [], saved.wvd)
        for broker, rows in saved.rds.items():
            if rows:
                self._restore(options, "rds", [broker], rows)

    def _require_no_window(self, rows: Sequence[Row], own: Header | None = None) -> None:
        """Refuse hosts that a run at work has closed, but for one of this journal. Raises JournalError."""
        folder = Path(os.devnull)
        with suppress(JournalError):  # of a user without a home
            folder = default_folder(os.environ)
        for taken in taken_hosts(folder, runs_folder(os.environ), own, rows):
            if taken.at_work:
                raise JournalError(taken.sentence)
            if taken.at_work is None:
                Display().warning(taken.sentence)

    def _open_journals(self, options: Options) -> None:
        folder = self._folder(options)
        paths = [folder] if folder.is_file() else sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
        if not paths:
            raise JournalError(f"There is no journal in {folder}: journal says the file of a run, or their folder.")
        for path in paths:
            try:
                state = read_journal(path)
                rows = state.to_open()
                if state.finished:
                    continue
                if state.unreadable:
                    Display().warning(
                        f"{path} has {state.unreadable} lines that cannot be read: look at its hosts, too."
                    )
                if not rows:
                    continue
                at_work = is_at_work(path, state)
                if at_work is None:
                    Display().warning(
                        f"Whether the run of {path} on {state.header.controller} is at work cannot be seen from here."
                    )
                self._require_no_window(rows, state.header)
                if at_work:
                    raise JournalError(
                        f"The run of {path}, or its guard, is at work (process {state.header.process.pid} on "
                        f"{state.header.controller}): wait for its end, or end it."
                    )
                self._undo(options, path, state, rows)
            except SessionsError as error:
                self._errors.append(str(error))

    def _undo(self, options: Options, path: Path, state: JournalState, rows: Sequence[Row]) -> None:
        journal = None if self._task.check_mode else Journal(path, BY)
        if journal is not None:
            journal.over("they are opened by hand")
        brokers = [name.strip() for name in state.header.place.split(",") if name.strip()]
        opened: list[Row] = []
        for service in dict.fromkeys(str(row["service"]) for row in rows):
            opened += self._restore(options, service, brokers, [row for row in rows if row["service"] == service])
        if journal is not None:
            journal.opened(opened)
            if len(opened) == len(rows):
                journal.finished()

    def _restore(self, options: Options, service: str, brokers: Sequence[str], rows: Sequence[Row]) -> list[Row]:
        """Give hosts the states of their rows; return those that have them."""
        where = {"collection_name": None, **options, "service": service, "place": options["place"] or list(brokers)}
        # The window may have named the broker to its cmdlets; after a failover it is another one.
        asked = {str(row.get("connection_broker") or "") for row in rows} - {""}
        given = options["connection_broker"]
        errors = []
        for broker in [given] if given or len(asked) != 1 else [*asked, None]:
            try:
                service_of_rows = self._make_service({**where, "connection_broker": broker}, [])
                parts = in_parts(rows, float(options["wait_timeout"]))
                reports = [service_of_rows.set(part, wait, bool(self._task.check_mode)) for part, wait in parts]
                break
            except (SessionsError, AnsibleConnectionFailure) as error:
                errors.append(str(error))
        else:
            through = f"Over {', '.join(brokers)}: " if brokers else ""
            self._errors.append(f"{through}{' '.join(dict.fromkeys(errors))}")
            return []
        results = [dict(row.result()) for report in reports for row in report.rows]
        self._rows += results
        done = {host_key(row) for row in results if row["outcome"] != FAILED}
        return [row for row in rows if host_key(row) in done]
