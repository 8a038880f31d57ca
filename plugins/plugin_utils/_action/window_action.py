# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tasks of a maintenance window share: the service, the hosts of the wave, the journal of the run."""

from __future__ import annotations

import multiprocessing
import os
import re
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible.template import Templar

from .._services.place import Options, Spec
from .._services.rds_wave import RdsWave
from .._services.wvd_wave import WvdWave
from .._sessions.engine import utc_now
from .._sessions.errors import SelectionError, SessionsError
from .._sessions.plain import plain
from .._sessions.session_host import HostName
from .._transports.azure_sign_in import SIGN_IN
from .._window.journal import Journal
from .._window.process_life import Process, find_process
from .._window.run_journal import default_folder
from .._window.wave import World
from .._window.wave_orders import WindowError
from .console import Console
from .options import check_args, read_options
from .other_host import find_other_host
from .run_life import leave_dead_run, run_lives
from .task_reach import make_reach, task_environment
from .unanswered import is_unanswered, unanswered_fields, variables_without, without_fields
from .window_options import EMPTY_MEANS_LEFT_OUT, read_brokers, read_places

FREE = ("free", "host_pinned")
"""Strategies by which each host goes its own way, so that it is a wave of its own."""


HOST_NAMES = ("session_window_host", "wvd_session_host_name")
"""Variables that name the session host of a host, the first that there is."""
OWN = ("session_window_place", "wvd_place", *HOST_NAMES)
"""Variables of the inventory that count for a host of the window."""
LINES = ("collection_name", "tolerate")
"""Lists that may be a text with commas or on lines, as a survey gives them. Others are read where they are used."""
ROLE = "session_window_"
"""What the role's variables have before the name of the option."""
AZURE = f"{ROLE}azure"
"""Compared as it is written: each host's own templates may ask a vault."""
EMPTY_WOULD_WIDEN = (f"{ROLE}protected_users", f"{ROLE}collection_name")
"""Variables whose empty list is a field of several choices of which none was taken: as an answer it would widen what is
meant, to users whom the inventory protects, or to all collections."""
TASKS = f"{ROLE}tasks"
"""The role's variable that names the file of tasks, which may be another one for each host."""
AS_WRITTEN = (AZURE, TASKS)
DEFAULT_MESSAGES = f"{ROLE}default_messages"
"""The role's own variable: an empty text is no empty list, so nobody is left unwarned by it."""
EACH_ITS_OWN = frozenset(("azure", "host", "hosts"))
"""Options that say the same of all hosts of a wave, or decide about nobody."""


class _Reading:
    may_be_empty = EMPTY_MEANS_LEFT_OUT
    verbatim = frozenset(("collection_name",))


class WindowAction(ActionBase):
    """A task of a maintenance window, run once for a wave on the controller."""

    OPTIONS: ClassVar[Spec]
    """Options of the module, as an argument spec."""
    OF_ROLE: ClassVar = True
    """Whether variables of the role say the options, of which a survey may leave some open."""

    _supports_check_mode = True
    _supports_async = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the task."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        self._look(task_vars or {})
        try:
            result.update(self._run())
        except (SessionsError, AnsibleConnectionFailure) as error:
            # A lost connection, too, is for the wave to hear of, and no reason to lose one host of it.
            result.update(failed=True, msg=str(error))
        result["of_batch"] = not self._is_free()
        leave_dead_run(self._connection)
        return result

    def _look(self, task_vars: dict[str, Any]) -> None:
        """Take what the task knows."""
        self._vars = task_vars
        self._own: dict[str, dict[str, Any]] = {}
        self._said = dict(self._task.args)
        hostvars = task_vars.get("hostvars", {})
        self._fields = unanswered_fields(hostvars, ROLE, EMPTY_WOULD_WIDEN) if self.OF_ROLE else []
        self._everywhere = without_fields(hostvars, self._fields)

    def _run(self) -> dict[str, Any]:
        self._take_unanswered()
        for name in LINES:
            if isinstance(said := self._task.args.get(name), str):
                self._task.args[name] = [one for part in re.split(r"[,\r\n]", said) if (one := part.strip())]
        check_args(self._task.args, self.OPTIONS, [_Reading()])
        _validation, validated = self.validate_argument_spec(self.OPTIONS)  # type: ignore[no-untyped-call,unused-ignore]
        options = read_options(validated, self.OPTIONS, [_Reading()])
        options = {name: None if value in ("", [], {}) else value for name, value in options.items()}
        with task_environment(self._compute_environment_string) as environment:
            self._reach = make_reach(
                str(self._vars.get("inventory_hostname") or "localhost"),
                self._connection,
                partial(self._execute_module, task_vars=self._vars),
                environment,
            )
            return self._do(options)

    def _take_unanswered(self) -> None:
        """Take for what a survey has left open what the inventory, the play or the role says, or the default."""
        here = self._beneath_fields()
        for name, spec in self.OPTIONS.items():
            variable = f"{ROLE}{name}"
            if not is_unanswered(self._task.args.get(name)) and variable not in self._fields:
                continue
            if variable in self._fields:
                self._said[name] = here.get(variable)
            if variable in self._fields and not is_unanswered(here.get(variable)):
                self._task.args[name] = here[variable]
            elif name == "messages" and name in self._task.args and self._vars.get(DEFAULT_MESSAGES):
                self._task.args[name] = self._templar.template(self._vars[DEFAULT_MESSAGES])
            elif name == "messages" and self._task.args.get(name) is not None:
                raise SelectionError("messages is an empty text: leave it out, or set it to [] for no message.")
            elif "default" in spec or name in EMPTY_MEANS_LEFT_OUT:
                self._task.args.pop(name, None)

    def _beneath_fields(self) -> Mapping[str, Any]:
        """Return what is said of the fields of a survey that nobody has answered."""
        if not self._fields:
            return {}
        host = str(self._vars.get("inventory_hostname") or "localhost")
        said = variables_without(self._everywhere, self._play(), host, self._task)
        templar: Any = Templar(self._loader, dict(said))
        return {name: plain(templar.template(said[name])) for name in self._fields if name in said}

    def _do(self, options: Options) -> dict[str, Any]:
        raise NotImplementedError

    # What the window is about

    def _hosts(self, options: Options) -> list[str]:
        """Return the hosts of the wave, as the inventory has them. Raises SelectionError."""
        if options["hosts"]:
            return list(options["hosts"])
        if "hosts" in self._task.args:
            raise SelectionError("hosts is given but empty, so there is no host for the window.")
        if self._is_free():
            return [str(self._vars["inventory_hostname"])]
        batch = [str(name) for name in self._vars.get("ansible_play_batch") or ()]
        if not batch:
            raise SelectionError("The play has no host, so there is nothing to close.")
        return batch

    def _play(self) -> Any:
        return self._task.get_play()  # type: ignore[no-untyped-call,unused-ignore]

    def _is_free(self) -> bool:
        return str(self._play().strategy).rpartition(".")[2] in FREE

    def _of_host(self, name: str, *variables: str) -> Any:
        """Return the first of these variables that the inventory has for a host."""
        own = self._own_of(name)
        return next((said for variable in variables if (said := own.get(variable))), None)

    def _own_of(self, name: str) -> Mapping[str, Any]:
        """Return what the inventory says of a host, of the variables that count."""
        if name not in self._own:
            everywhere = self._everywhere
            own = everywhere[name] if name in everywhere else {}  # noqa: SIM401 - it has no get
            wanted = [*OWN, *self._fields]
            wanted += [f"{ROLE}{option}" for option in self.OPTIONS if option not in EACH_ITS_OWN]
            # Once a host: each look makes Ansible put all its variables together.
            self._own[name] = {variable: own[variable] for variable in wanted if variable in own}
            as_written = getattr(own, "_vars", own)
            self._own[name] |= {variable: as_written[variable] for variable in AS_WRITTEN if variable in as_written}
        return self._own[name]

    def _require_alike(self, options: Options, hosts: Sequence[str]) -> None:
        """Refuse hosts of which the inventory says different things. Raises SelectionError.

        The task is made for one host of the wave: what it says of the others, such as who is protected, would be lost.
        """
        apart = {*EACH_ITS_OWN, *(["place"] if options["service"] == "wvd" else ())}
        self._require_same({*self._said} - apart, hosts, "the hosts of a wave are treated alike")

    def _require_same(self, names: Iterable[str], hosts: Sequence[str], why: str) -> None:
        """Refuse hosts of which the inventory says different things of these options. Raises SelectionError."""
        here = str(self._vars.get("inventory_hostname") or "")
        first = self._own_of(here)
        for option in names:
            variable = f"{ROLE}{option}"
            said = self._said.get(option)
            if variable == AZURE:
                said = first.get(AZURE) if AZURE in self._fields else self._vars.get(AZURE)
            if variable in first and not _is_same(first[variable], said):
                continue  # What is said with precedence over the inventory is said for all.
            for host in hosts:
                own = self._own_of(host)
                if (variable in own or variable in first) and not _is_same(own.get(variable), said):
                    raise SelectionError(
                        f"The inventory does not say the same {variable} of {host} as of {here}, and {why}: say the "
                        "same of all, or take a play for each."
                    )

    def _make_service(self, options: Options, places: Sequence[Mapping[str, Any]]) -> WvdWave | RdsWave:
        """Make what reaches the service. Raises SessionsError."""
        if options["service"] == "wvd":
            given = {name: (options["azure"] or {}).get(name) for name in SIGN_IN}
            return WvdWave(given, places, self._reach)
        brokers = [find_other_host(self, name, self._vars) for name in read_brokers(options)]
        return RdsWave(brokers, options["connection_broker"], options["collection_name"], (AnsibleConnectionFailure,))

    def _places(self, options: Options, hosts: Sequence[str]) -> list[Mapping[str, Any]]:
        if options["service"] != "wvd":
            return []
        own: list[Any] = []
        for host in hosts:
            place = self._place(options, host)
            if place and place not in own:
                own.append(place)
        return read_places(own)

    def _place(self, options: Options, host: str) -> Any:
        """Return where a host is: by its own variable, else for all, else as the inventory plugin has found it."""
        own = self._of_host(host, "session_window_place")
        here = str(self._vars.get("inventory_hostname") or "")
        # The task is made for one host of the wave: what the inventory says of that one is not said for all.
        for_all = None if options["place"] == self._of_host(here, "session_window_place") else options["place"]
        return own or for_all or self._of_host(host, "wvd_place")

    def _names(self, options: Options, hosts: Sequence[str], service: WvdWave | RdsWave) -> dict[str, HostName]:
        """Name the session host of each host of the inventory. Raises SelectionError."""
        named = {}
        for host in hosts:
            place = self._place(options, host)
            if options["service"] == "wvd" and not isinstance(place, Mapping):
                raise SelectionError(
                    f"Nothing says in which host pool {host} is: set session_window_place to a mapping with "
                    "resource_group_name and host_pool_name, for all hosts or in the inventory for this one."
                )
            named[host] = service.name(place, self._session_host(host))
        return named

    def _whole_batch(self) -> list[str]:
        """Return the hosts of the batch with those that were lost; none where Ansible does not tell."""
        inventory = getattr(self._vars.get("hostvars"), "_inventory", None)
        return [] if inventory is None else [str(host.name) for host in inventory.get_hosts()]

    def _session_host(self, host: str) -> str:
        return str(self._of_host(host, *HOST_NAMES) or host)

    # The run

    def _process(self) -> Process:
        parent = multiprocessing.parent_process()
        found = None if parent is None or parent.pid is None else find_process(parent.pid)
        if found is None:
            raise WindowError("The run that this task belongs to cannot be seen, so it could not be guarded.")
        return found

    def _part(self) -> str:
        """Name the play, as part of the run: each has a journal of its own."""
        # ansible-runner gives each batch but the first a number: all of them are one play.
        play = str(getattr(self._play(), "_uuid", "") or "play").partition("_")[0]
        return play.replace("-", "")[-12:]

    def _folder(self, options: Options) -> Path:
        if options["journal"]:
            return Path(os.path.expandvars(options["journal"])).expanduser().absolute()
        return default_folder(os.environ)

    def _world(self, lives: Callable[[], bool] = run_lives) -> World:
        return World(self._reach.clock, utc_now, self._reach.sleep, lives)

    def _console(self) -> Console:
        return Console("wave", no_log=bool(self._task.no_log))


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values of an option are the same; templates may have made a text of one."""
    if is_unanswered(one) and is_unanswered(other):
        return True
    return bool(plain(one) == plain(other) or str(plain(one)) == str(plain(other)))


def controller() -> str:
    """Name this machine, for people."""
    return socket.gethostname()


def not_over(journal: Journal) -> Callable[[], bool]:
    """Return what tells whether the run goes on, and its guard has not begun."""
    seen: list[Any] = [-1, True]

    def lives() -> bool:
        if not run_lives():
            return False
        size = journal.size()
        if size != seen[0]:
            seen[:] = [size, not journal.read().over]
        return bool(seen[1])

    return lives
