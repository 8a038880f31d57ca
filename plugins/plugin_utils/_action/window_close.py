# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Close the hosts of a wave, warn, wait, end, and prove which are ready; under a guard that opens whatever happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure
from ansible.utils.display import Display

from .._services.place import Options
from .._services.rds_wave import RdsWave
from .._services.wvd_wave import WvdWave
from .._sessions.engine import utc_now
from .._sessions.errors import SelectionError, SessionsError
from .._sessions.session import fold
from .._sessions.times import read_time
from .._window.duty import Orders, Reopening
from .._window.earlier_plays import open_earlier_plays
from .._window.guard import start
from .._window.journal import Journal
from .._window.journal_state import JournalState, Row, host_key
from .._window.machine_runs import runs_folder
from .._window.process_life import lives as process_lives
from .._window.run_journal import begin_journal, beginning, find_journal
from .._window.taken_hosts import refuse_closed
from .._window.wave import Wave
from .._window.wave_lines import wave_lines
from .._window.wave_opening import WaveOpening, restore
from .._window.wave_orders import WaveOrders, WindowError
from .._window.wave_report import keep_facts, report_cut_waves, require_report_folder, wave_facts, write_report
from .batches import earlier_batches
from .conditions import are_true, conditions_over, is_run_once
from .leaving_run import leave_run
from .run_life import run_lives
from .tasks_file import check_tasks_file, files_of, hosts_apart
from .unanswered import extra_variables, is_unanswered
from .window_action import HOST_NAMES, TASKS, WindowAction, controller, not_over
from .window_options import CLOSE, check_opening, read_brokers, read_latest, read_orders, read_patience

OF_GUARD = (
    "azure",
    "connection_broker",
    "guard",
    "guard_patience",
    "journal",
    "latest",
    "latest_action",
    "report",
    "service",
)
"""Options of which the guard knows what the first wave has said."""


class CloseAction(WindowAction):
    """The first task of a wave."""

    OPTIONS: ClassVar = CLOSE

    def _do(self, options: Options) -> dict[str, Any]:
        orders = read_orders(options, bool(self._task.check_mode))
        # Only the role knows that there is a task which opens, whatever becomes of those in between.
        orders = replace(orders, within_play=bool(options["tasks_file"]), batch=self._batch(options))
        patience = read_patience(options)
        check_opening(options)
        read_latest(options, utc_now())
        hosts = self._hosts(options)
        if options["tasks_file"]:
            self._check_tasks(options["tasks_file"], hosts)
        self._check_host(options, hosts)
        self._require_alike(options, hosts)
        self._require_one_task(options, hosts)
        service = self._make_service(options, self._places(options, hosts))
        names = self._names(options, hosts, service)
        self._require_free_way(service, orders, options["tolerate"] or ())
        folder = self._folder(options)
        journal = None
        if orders.check_mode:
            everybody = self._vars.get("ansible_play_hosts_all") or hosts
            if options["hosts"] or hosts[0] == str(everybody[0]):  # Once is enough.
                self._check_play(options, service)
        else:
            shared, warn = runs_folder(os.environ), self._console().warn
            open_earlier_plays(folder, shared, self._process(), self._part(), self._world(), warn)
            if (reports := _report_folder(options)) is not None:
                require_report_folder(reports)
            journal = self._begin(options, folder, patience, service)
            self._open_left(options, service, journal)
        latest = read_latest(options, self._began(journal))
        earlier = self._earlier_waves(orders)
        self._require_time(orders, latest, earlier)
        if latest is not None:
            orders = replace(orders, latest=(latest - utc_now() - earlier).total_seconds())
        lives = run_lives if journal is None else not_over(journal)
        refuse = partial(refuse_closed, folder, runs_folder(os.environ), journal)
        world = replace(self._world(lives), now=lambda: utc_now() + earlier)
        wave = Wave(orders, service, journal, self._console(), world, refuse)
        result: dict[str, Any] = {}
        try:
            wave.close(names)
        except (SessionsError, AnsibleConnectionFailure) as error:
            result.update(failed=True, msg=str(error))
            for one in wave.hosts:
                one.ready = False  # What was found out before says nothing any more.
        facts = wave_facts(wave.record)
        for line in wave_lines(facts, names_users=not self._task.no_log):
            Display().display(f"[wave] {line}")
        changed = any(one["closed_at"] for one in facts["hosts"].values())
        changed |= any(row["done"] or row["messages"] for row in facts["sessions"])
        kept = facts if journal is None else keep_facts(facts, journal.path)
        return {**result, "changed": changed, "wave": kept, "journal": str(journal.path) if journal else ""}

    def _check_tasks(self, file: str, hosts: Sequence[str]) -> None:
        """Refuse a file of tasks that could not be included for a host of the wave. Raises SelectionError."""
        apart = hosts_apart(self._task, TASKS, {host: self._own_of(host).get(TASKS) for host in hosts}, self._vars)
        others = files_of(self._task, "tasks_file", apart, self._vars, self._loader)
        for one in dict.fromkeys((file, *others)):
            check_tasks_file(self._task, "tasks_file", one, self._loader)

    def _require_free_way(self, service: WvdWave | RdsWave, orders: WaveOrders, tolerated: Sequence[str]) -> None:
        """Refuse where something else works on the hosts, or a right lacks. Raises WindowError."""
        found = service.find_obstacles(orders.verbs, tolerated)
        for sentence in found.unknown:
            self._console().warn(sentence)
        if found.against:
            raise WindowError(" ".join(found.against))

    def _require_one_task(self, options: Options, hosts: Sequence[str]) -> None:
        """Refuse a task for each host of a batch, and hosts for which it would not be run. Raises SelectionError."""
        if self._is_free() and self._task.run_once:
            raise SelectionError(
                f"The strategy of the play is {self._play().strategy}, which runs the task for each host although it "
                "is to be run once, and gives each result to all hosts: leave run_once out."
            )
        if options["hosts"] or self._is_free():
            return
        once = is_run_once(self._task)
        conditions = conditions_over(self._task)
        if not once and not conditions and len(hosts) > 1:
            raise SelectionError(
                f"The task is about all {len(hosts)} hosts of the batch, and is run for each of them: set run_once to "
                "true, or say in hosts which ones are meant."
            )
        for host in hosts if once and conditions else ():
            if not are_true(conditions, host, self._vars, self._loader):
                raise SelectionError(
                    f"A condition (when) of the window is not true for {host}, but the window is one of all hosts of "
                    "the batch: choose them by the hosts of the play, or by a limit."
                )

    def _check_host(self, options: Options, hosts: Sequence[str]) -> None:
        """Refuse a name that is not of the inventory, which would be that of every host. Raises SelectionError."""
        extra = extra_variables(self._vars.get("hostvars"))
        for name in HOST_NAMES:
            if not is_unanswered(extra.get(name)):
                raise SelectionError(
                    f"{name} is an extra variable: it must be a variable of each host in the inventory, as one of the "
                    "command line or of a survey would be the same for all hosts."
                )
        here = str(self._vars.get("inventory_hostname") or "")
        said = options["host"]
        if said and here in hosts and fold(said) != fold(self._session_host(here)):
            raise SelectionError(
                f"session_window_host is {said!r} for {here}, but the inventory does not say so: it must be a variable "
                "of each host in the inventory, as one of the play would be the same for all hosts."
            )

    def _check_play(self, options: Options, service: WvdWave | RdsWave) -> None:
        """Refuse what would be wrong in a later wave of the play. Raises SelectionError."""
        hosts = [str(one) for one in options["hosts"] or self._vars.get("ansible_play_hosts_all") or ()]
        if options["guard"]:
            self._require_same(OF_GUARD, hosts, "the play has one guard for all its waves")
        self._require_different(options, hosts, service)

    def _require_different(self, options: Options, hosts: Sequence[str], service: WvdWave | RdsWave) -> None:
        """Refuse hosts of the play that are one session host, maybe in two waves. Raises SelectionError.

        Within a wave the service tells, which knows names that this does not.
        """
        seen: dict[tuple[str, str], dict[str, str]] = {}
        for host, named in self._names(options, hosts, service).items():
            place, name = named.key
            alike = seen.setdefault((place, name.partition(".")[0]), {})
            for other, its in alike.items():
                if name == its or "." not in name or "." not in its:
                    raise SelectionError(
                        f"{other} and {host} are one session host, {named.name}: take one of them out of the play."
                    )
            alike[host] = name

    def _begin(self, options: Options, folder: Path, patience: float, service: WvdWave | RdsWave) -> Journal:
        """Find or begin the journal of the run, with its guard. Raises JournalError, GuardError and SelectionError."""
        process, part = self._process(), self._part()
        with beginning(folder):
            journal = find_journal(folder, process, part)
            if journal is None:
                self._check_play(options, service)
                place = ", ".join(read_brokers(options)) if options["service"] == "rds" else ""
                machine = runs_folder(os.environ)
                journal = begin_journal(folder, process, part, options["service"], controller(), place, machine)
                if not journal.read().header.public:
                    self._console().warn(
                        f"{machine} is no folder that one may write in safely beside others, so runs that keep their "
                        "journals in another folder than this one do not see which hosts it has closed."
                    )
            else:
                _require_one_deployment(options, journal.read())
            if options["guard"] and not _is_guarded(journal.read()):
                latest = read_latest(options, self._began(journal))
                orders = Orders(
                    self._guard_opens(options),
                    None if latest is None else latest.timestamp(),
                    options["latest_action"],
                    patience,
                    tell=self._guard_tells(options, journal),
                )
                start(journal.path, orders, leave_run)
        return journal

    def _batch(self, options: Options) -> str:
        whole = self._whole_batch()
        return "" if options["hosts"] or not whole else whole[0]

    def _began(self, journal: Journal | None) -> datetime:
        said = None if journal is None else read_time(journal.read().header.when)
        return said or utc_now()

    def _earlier_waves(self, orders: WaveOrders) -> timedelta:
        """Return how long the earlier waves of the play take which check mode has passed over, each to its deadline."""
        if not orders.check_mode:
            return timedelta()
        hosts = [str(name) for name in self._vars.get("ansible_play_hosts_all") or ()]
        number = earlier_batches(self._play(), hosts, str(self._vars.get("inventory_hostname") or ""))
        return timedelta(seconds=number * orders.deadline)

    def _require_time(self, orders: WaveOrders, latest: datetime | None, earlier: timedelta) -> None:
        if latest is not None and (latest - utc_now() - earlier).total_seconds() < orders.deadline:
            raise WindowError(
                f"The wave is not begun: its users have {orders.deadline / 60:g} minutes, and latest is "
                f"{latest.isoformat(timespec='seconds')}, which is before their deadline."
            )

    def _open_left(self, options: Options, service: WvdWave | RdsWave, journal: Journal) -> None:
        """Open what earlier waves of this run have left closed, as after `meta: end_batch`.

        Where the hosts are not those of the batch, another wave may be worked on.
        """
        if options["hosts"]:
            return
        state = journal.read()
        # Under free each host of the batch is a wave of its own, that may be under way.
        rows = state.of_other_batches(self._batch(options)) if self._is_free() else state.to_open()
        if rows:
            opening = WaveOpening(service, journal, self._world(), self._console().warn)
            opening.open(rows, {host_key(row) for row in rows}, utc_now(), check_opening(options))
            left = [
                f"{row['host']}: {opening.result.left.get(host_key(row)) or 'it was not seen to be open'}"
                for row in rows
                if host_key(row) not in opening.result.opened
            ]
            for row in rows:
                if host_key(row) in opening.result.unhealthy:
                    self._console().warn(f"{row['host']}, of an earlier wave, was opened, but not seen to serve.")
            if left:
                why = "They are left closed by an earlier wave of this run, so this one is not begun"
                raise WindowError(f"{why}: {'; '.join(left)}")
        if not self._is_free():
            report_cut_waves(_report_folder(options), journal.path, journal.read())

    # The guard: a fork of this process, in which these are called

    def _guard_opens(self, options: Options) -> Any:
        # A service of its own: it has read what it needs to sign in, and has no connection that this process uses.
        service = self._make_service(options, [])

        def open_again(rows: Sequence[Row]) -> Sequence[Reopening]:
            return restore(service, rows)

        return open_again

    def _guard_tells(self, options: Options, journal: Journal) -> Any:
        folder = _report_folder(options)

        def tell(state: JournalState) -> None:
            report_cut_waves(folder, journal.path, state)
            if folder is not None:
                write_report(folder, state)

        return tell


def _report_folder(options: Options) -> Path | None:
    return Path(options["report"]).expanduser().absolute() if options["report"] else None


def _require_one_deployment(options: Options, state: JournalState) -> None:
    """Refuse a wave of another service, or over other brokers, than earlier ones: their guard knows only theirs.

    Raises SelectionError.
    """
    if options["service"] != state.header.service:
        raise SelectionError(
            f"Earlier waves of the play are about {state.header.service}, and this one is about {options['service']}: "
            "take a play for each."
        )
    earlier = {fold(one.strip()) for one in state.header.place.split(",")}
    if options["service"] == "rds" and earlier != set(map(fold, read_brokers(options))):
        raise SelectionError(
            f"Earlier waves of the play are of the deployment of {state.header.place}, and this one is of another one "
            f"({', '.join(read_brokers(options))}): take a play for each."
        )


def _is_guarded(state: JournalState) -> bool:
    """Tell whether the guard of a run is there, or has done what it had to do."""
    return state.over or (state.guard is not None and process_lives(state.guard) is not False)
