# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command is: its name, its parameters, and its body."""

from __future__ import annotations

import dataclasses
import typing

from .clixml import Value

if typing.TYPE_CHECKING:
    from .execution import Execution

ParameterType = typing.Literal[
    "System.String",
    "System.String[]",
    "System.Int32",
    "System.UInt32[]",
    "System.Management.Automation.SwitchParameter",
    "System.Management.Automation.PSCredential",
    "Microsoft.RemoteDesktopServices.Management.RDServerNewConnectionAllowed",
]
SWITCH: typing.Final = "System.Management.Automation.SwitchParameter"
NEW_CONNECTIONS: typing.Final = "Microsoft.RemoteDesktopServices.Management.RDServerNewConnectionAllowed"
ENUMERATIONS: dict[str, tuple[str, ...]] = {NEW_CONNECTIONS: ("Yes", "NotUntilReboot", "No")}
"""Names of the members, by number."""
EVERY_SET = "__AllParameterSets"

Bound = dict[str, typing.Any]
"""Values by the parameter's true name, converted: str, int, bool, tuples of them, or a value of clixml."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter. `sets` is empty when it belongs to all of them."""

    name: str
    type: ParameterType = "System.String"
    mandatory: bool = False
    sets: tuple[str, ...] = ()
    valid: tuple[str, ...] = ()  # ValidateSet
    pattern: str = ""  # ValidatePattern

    @property
    def switch(self) -> bool:
        return self.type == SWITCH

    def belongs_to(self, parameter_set: str) -> bool:
        return not self.sets or parameter_set in self.sets


_CONFIRM = Parameter("Confirm", SWITCH)


class Body(typing.Protocol):
    """Runs once for a call, and yields what it writes."""

    def __call__(self, execution: Execution, bound: Bound) -> typing.Iterable[Value]: ...


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of a module, or the proxy of one that a JEA role made, with those parameters that clients of ours send.

    The function behind a proxy has a name with a random suffix (`proxied`).
    """

    name: str
    module: str
    parameters: tuple[Parameter, ...]
    body: Body
    default_set: str = ""
    should_process: bool = False
    compiled: bool = False
    """A cmdlet of an assembly, which binds and fails in other ways than a function."""
    proxied: str = ""

    @property
    def binds_as_compiled(self) -> bool:
        return self.compiled and not self.proxied

    @property
    def error_name(self) -> str:
        """The name in the error ids of what the body writes."""
        return self.proxied or self.name

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        return (*self.parameters, _CONFIRM) if self.should_process else self.parameters

    @property
    def parameter_sets(self) -> tuple[str, ...]:
        names = dict.fromkeys(name for parameter in self.parameters for name in parameter.sets)
        return tuple(names) or (self.default_set or EVERY_SET,)
