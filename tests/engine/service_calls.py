# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call that the services can make, found in the services themselves: one that is new cannot be forgotten."""

from __future__ import annotations

import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils import _services as services
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.rds import CONNECTIONS, RdsCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.windows_cmdlets import ServiceCmdlets
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.wvd_classic import (
    ClassicHostPool,
    sign_in_call,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import Session
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.verbs import Operation
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._transports.cmdlet import Call, Credential

BROKER, SESSION_HOST, CLASSIC_HOST = "rds.example.test", "rdsh-1.example.test", "wvd-0.example.test"
DEPLOYMENT = "https://rdbroker.example.test"
APPLICATION, SECRET, THUMBPRINT, TENANT = "app-of-the-lab", "s3cret of the lab", "0A1B", "tenant-of-the-lab"
SIGN_INS = (
    sign_in_call(DEPLOYMENT, Credential("admin@example.test", SECRET), False, None, None, None),
    sign_in_call(DEPLOYMENT, Credential(APPLICATION, SECRET), True, TENANT, None, None),
    sign_in_call(DEPLOYMENT, None, False, TENANT, APPLICATION, THUMBPRINT),
)
OPTIONS = {
    "connection_broker": (None, BROKER),
    "collections": (None, ["Desk"]),
    "server": (None, BROKER),
    "pool": (ClassicHostPool("example", "Legacy"),),
    "sign_in": SIGN_INS,
}
"""What the services are made with, by the parameter's name: the values that stand for all that options can be."""
TEXTS = {"message_title": "Maintenance", "message_body": "Save your work.\nAt 02:00 it's over; $(x)"}
"""What a verb takes besides."""
HOSTS = {"RemoteDesktop": SESSION_HOST, "MultiPoint": BROKER, "Microsoft.RDInfra.RDPowerShell": CLASSIC_HOST}
"""Where a session is, by the module whose cmdlets list it."""
SCRIPT_ONLY = frozenset(("Import-Module",))
"""Commands that never go over psrp."""


def kinds() -> list[type[ServiceCmdlets]]:
    """Return the services that know cmdlets."""
    for module in pkgutil.iter_modules(services.__path__):
        importlib.import_module(f"{services.__name__}.{module.name}")
    return sorted(ServiceCmdlets.__subclasses__(), key=lambda kind: kind.__name__)


def calls(kind: type[ServiceCmdlets]) -> list[tuple[Call | None, Call]]:
    """Return every call of a service once, with the call that must come before it."""
    names = inspect.signature(kind).parameters
    found = {
        repr(pair): pair
        for values in itertools.product(*(OPTIONS[name] for name in names))
        for pair in _calls(kind, dict(zip(names, values, strict=True)))
    }
    return list(found.values())


def _calls(kind: type[ServiceCmdlets], options: dict[str, object]) -> Iterator[tuple[Call | None, Call]]:
    cmdlets = kind(**options)
    fields = {"unified_session_id": 2, "session_id": 2}
    session = Session(cmdlets.place, HOSTS[kind.MODULE], "2", ("EX\\user2",), "Active", None, 0.0, fields)
    for value in vars(cmdlets).values():
        for call in value if isinstance(value, tuple) else (value,):
            if isinstance(call, Call):
                yield (None if call is cmdlets.sign_in else cmdlets.sign_in), call
    if isinstance(cmdlets, RdsCmdlets):
        yield None, cmdlets.session_hosts("Desk")
        for connections in CONNECTIONS:
            yield None, cmdlets.set_host(SESSION_HOST, connections)
    for number in range(len(cmdlets.lists)):
        cmdlets.chose(number)
        for verb, limit in itertools.product(cmdlets.COMMANDS, (None, 5.0)):
            yield cmdlets.sign_in, cmdlets.act(session, Operation(verb, TEXTS, time_limit=limit))


def returns_call(function: object) -> bool:
    """Tell whether it makes a call. The services' annotations are text."""
    return getattr(function, "__annotations__", {}).get("return") == "Call"


def functions() -> set[str]:
    """Return the names of the functions outside classes that make a call."""
    modules = [
        importlib.import_module(f"{services.__name__}.{one.name}") for one in pkgutil.iter_modules(services.__path__)
    ]
    return {
        name
        for module in modules
        for name, member in inspect.getmembers(module, inspect.isfunction)
        if returns_call(member)
    }


def commands() -> set[str]:
    """Return every command that the services' source names as one to call."""
    sources = [path.read_text(encoding="utf-8") for path in Path(services.__path__[0]).glob("*.py")]
    called = {name for source in sources for name in re.findall(r'\bCall\(\s*"([^"]+)"', source)}
    return called.union(*(kind.COMMANDS.values() for kind in kinds()))


def wrong(call: Call) -> Call:
    """Return the sign-in with a proof that is not right."""
    secrets = {name: replace(secret, password="wrong") for name, secret in call.secrets.items()}
    given = {name: "00" if name == "CertificateThumbprint" else value for name, value in call.parameters.items()}
    return Call(call.command, given, secrets)
