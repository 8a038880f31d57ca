# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open the hosts of a wave again, and tell what it did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ansible.utils.display import Display

from .._services.place import Options
from .._services.rds_wave import RdsWave
from .._services.wvd_wave import WvdWave
from .._sessions.engine import utc_now
from .._sessions.times import write_time
from .._window.journal import SUFFIX, Journal
from .._window.journal_state import Key, Row, host_key
from .._window.run_journal import find_journal
from .._window.wave_lines import count
from .._window.wave_opening import KEPT, Opening, WaveOpening
from .._window.wave_report import forget_facts, kept_facts, write_report
from .window_action import WindowAction
from .window_options import OPEN, check_opening


class OpenAction(WindowAction):
    """The last task of a wave."""

    OPTIONS: ClassVar = OPEN

    def _do(self, options: Options) -> dict[str, Any]:
        timeout = check_opening(options)
        wave: Mapping[str, Any] = options["wave"] or {}
        worked = [name for name, one in (wave.get("hosts") or {}).items() if one["ready"]]
        there = set(self._vars.get("ansible_play_hosts") or ())
        failed = [name for name in worked if name not in there]
        journal = None
        if not self._task.check_mode:
            journal = find_journal(self._folder(options), self._process(), self._part()) or _journal_of(wave)
        opening = Opening()
        by_name: dict[str, Row] = {}
        if journal is not None:
            opening, by_name = self._open(options, journal, wave, worked, failed, timeout)
        return self._tell(options, journal, wave, worked, failed, opening, by_name)

    def _lost_before(self, options: Options, hosts: Mapping[str, object]) -> list[str]:
        """Return hosts of the batch that were lost before the first task of the wave, as when facts are gathered."""
        if not hosts or options["hosts"] or self._is_free():
            return []
        there = set(self._vars.get("ansible_play_hosts") or ())
        return [name for name in self._whole_batch() if name not in hosts and name not in there]

    def _hosts_of(self, options: Options, wave: Mapping[str, Any]) -> list[str]:
        """Return the hosts of the wave; none when its first task has been lost, for all that the run has closed."""
        if wave.get("hosts"):
            return list(wave["hosts"])
        return self._hosts(options) if options["hosts"] or self._is_free() else []

    def _rows(
        self,
        options: Options,
        service: WvdWave | RdsWave,
        rows: Sequence[Row],
        hosts: Sequence[str],
        wave: Mapping[str, Any],
    ) -> dict[str, Row]:
        """Return the rows of hosts of the wave that are closed, by the inventory's names of these hosts."""
        if not hosts:
            names = Counter(str(row["host"]) for row in rows)
            # Two host pools may have hosts of one name.
            return {one if names[one := str(row["host"])] == 1 else "/".join(host_key(row)[1:]): row for row in rows}
        kept: Mapping[str, Any] = kept_facts(wave).get("hosts") or {}
        known = {tuple(one["key"]): name for name, one in kept.items() if "key" in one}
        named = {} if known else self._named(options, service, hosts)
        found = {}
        for row, where in zip(rows, service.names(rows), strict=True):
            place, host = where.key
            name = known.get(host_key(row)) or named.get((place, host)) or named.get((place, host.partition(".")[0]))
            if name:
                found[name] = row
        return found

    def _named(self, options: Options, service: WvdWave | RdsWave, hosts: Sequence[str]) -> dict[tuple[str, str], str]:
        """Return the inventory's names of hosts by what says which they are; nothing without a place was closed."""
        places = {name: self._place(options, name) for name in hosts}
        known = [name for name, place in places.items() if options["service"] != "wvd" or isinstance(place, Mapping)]
        return {service.name(places[name], self._session_host(name)).key: name for name in known}

    def _open(
        self,
        options: Options,
        journal: Journal,
        wave: Mapping[str, Any],
        worked: list[str],
        failed: list[str],
        timeout: float,
    ) -> tuple[Opening, dict[str, Row]]:
        hosts = self._hosts_of(options, wave)
        service = self._make_service(options, self._places(options, hosts))
        by_name = self._rows(options, service, journal.read().to_open(), hosts, wave)
        here: list[Row] = list(by_name.values())
        stay: set[Key] = set()
        if not options["reopen_failed_hosts"]:
            stay = {host_key(by_name[name]) for name in failed if name in by_name}
        waits = {host_key(by_name[name]) for name in worked if name in by_name}
        opening = WaveOpening(service, journal, self._world(), self._console().warn)
        opening.open(here, waits, utc_now(), timeout, stay)
        return opening.result, by_name

    def _tell(
        self,
        options: Options,
        journal: Journal | None,
        wave: Mapping[str, Any],
        worked: list[str],
        failed: list[str],
        opening: Opening,
        by_name: Mapping[str, Row],
    ) -> dict[str, Any]:
        known = kept_facts(wave)
        rows = {name: dict(one) for name, one in (known.get("hosts") or {}).items()}
        closed: dict[str, str] = {}
        for name, row in by_name.items():
            key, one = host_key(row), rows.setdefault(name, {"host": row["host"]})
            if key in opening.opened:
                one["opened_at"] = write_time(opening.opened[key])
                one["seen_healthy"] = key not in opening.unhealthy
            else:
                closed[name] = opening.left.get(key) or "it could not be opened"
        for name, one in rows.items():
            one["worked"] = "failed" if name in failed else "done" if name in worked else "no"
            one["left_closed"] = closed.get(name, "")
        unhealthy = [name for name, row in by_name.items() if host_key(row) in opening.unhealthy]
        before = self._lost_before(options, rows)
        out = [name for name, one in rows.items() if one.get("failed")]
        lost = {*failed, *unhealthy, *closed, *before, *out}
        total = max(1, len(rows) + len(before))
        stop = bool(lost) and 100 * len(lost) > options["stop_at_percentage"] * total
        facts = {**known, "hosts": rows, "ended": write_time(utc_now()), "stopped": stop}
        result: dict[str, Any] = {
            "changed": bool(opening.opened),
            "left_closed": {name: why for name, why in closed.items() if why != KEPT},
            "stop": stop,
        }
        if self._task.check_mode:
            planned = [one for one in rows.values() if one.get("closed_at")]
            lines = [f"{count(len(planned), 'session host')} would be opened again"]
        else:
            lines = [f"{count(len(opening.opened), 'session host')} opened again, {len(closed)} left closed"]
        lines += [f"{name}: left closed, because {why}" for name, why in closed.items()]
        lines += [f"{name}: opened, but not seen to serve" for name in unhealthy]
        lines += [f"{name}: the work on it failed, or it was lost" for name in failed]
        lines += [f"{name}: it was lost before the wave was closed" for name in before]
        lines += [f"{name}: it failed, because {rows[name]['out']}" for name in out]
        if stop:
            lines.append(
                f"{len(lost)} of {total} session hosts failed, which is more than {options['stop_at_percentage']} %: "
                "the window ends with this wave"
            )
        for line in lines:
            Display().display(f"[wave] {line}")
        if journal is not None and options["report"]:
            path = write_report(Path(options["report"]).expanduser().absolute(), journal.read(), facts)
            result["report"] = str(path)
        forget_facts(wave)
        return result


def _journal_of(wave: Mapping[str, Any]) -> Journal | None:
    """Return the journal beside what was kept of a wave, unless all is done. Raises JournalError when it is gone."""
    if not wave.get("facts"):
        return None
    facts = Path(str(wave["facts"]))
    journal = Journal(facts.with_name(facts.name.partition(".")[0] + SUFFIX))
    return None if journal.read().finished else journal
