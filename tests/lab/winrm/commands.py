# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command is: its name, its parameters, and its body."""

from __future__ import annotations

import dataclasses
import typing

from .clixml import (
    Collection,
    Dictionary,
    DotNetObject,
    Enumeration,
    Properties,
    ScriptBlock,
    Value,
    Version,
    type_names,
)
from .exceptions import AUTOMATION

if typing.TYPE_CHECKING:
    from .execution import Execution

ParameterType = typing.Literal[
    "System.String",
    "System.String[]",
    "System.Int32",
    "System.UInt32",
    "System.UInt32[]",
    "System.Boolean",
    "System.Object",
    "System.Object[]",
    "System.Management.Automation.SwitchParameter",
    "System.Management.Automation.ActionPreference",
    "System.Management.Automation.PSObject",
    "System.Management.Automation.PSCredential",
]
SWITCH: typing.Final = "System.Management.Automation.SwitchParameter"
EVERY_SET = "__AllParameterSets"

Bound = dict[str, typing.Any]
"""Values by the parameter's true name, converted: str, int, bool, tuples of them, or a value of clixml."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One parameter. `sets` is empty when it belongs to all of them."""

    name: str
    type: ParameterType = "System.String"
    mandatory: bool = False
    position: int | None = None
    aliases: tuple[str, ...] = ()
    sets: tuple[str, ...] = ()
    by_property_name: bool = False
    by_value: bool = False
    valid: tuple[str, ...] = ()  # ValidateSet
    pattern: str = ""  # ValidatePattern

    @property
    def switch(self) -> bool:
        return self.type == SWITCH

    def belongs_to(self, parameter_set: str) -> bool:
        return not self.sets or parameter_set in self.sets

    def as_value(self) -> DotNetObject:
        adapted: Properties = {
            "Name": self.name,
            "ParameterType": self.type,
            "Aliases": Collection(_ALIASES, self.aliases),
            "IsDynamic": False,
            "SwitchParameter": self.switch,
        }
        types = type_names(f"{AUTOMATION}.ParameterMetadata")
        return DotNetObject(types, adapted, text=types[0])


COMMON = (
    Parameter("Verbose", SWITCH, aliases=("vb",)),
    Parameter("Debug", SWITCH, aliases=("db",)),
    Parameter("ErrorAction", "System.Management.Automation.ActionPreference", aliases=("ea",)),
    Parameter("WarningAction", "System.Management.Automation.ActionPreference", aliases=("wa",)),
    Parameter("InformationAction", "System.Management.Automation.ActionPreference", aliases=("infa",)),
    Parameter("ProgressAction", "System.Management.Automation.ActionPreference", aliases=("proga",)),
    Parameter("ErrorVariable", aliases=("ev",)),
    Parameter("WarningVariable", aliases=("wv",)),
    Parameter("InformationVariable", aliases=("iv",)),
    Parameter("OutVariable", aliases=("ov",)),
    Parameter("OutBuffer", "System.Int32", aliases=("ob",)),
    Parameter("PipelineVariable", aliases=("pv",)),
)
SHOULD_PROCESS = (Parameter("WhatIf", SWITCH, aliases=("wi",)), Parameter("Confirm", SWITCH, aliases=("cf",)))

_CORE = "System.Private.CoreLib, Version=10.0.0.0, Culture=neutral, PublicKeyToken=7cec85d7bea7798e"
_SMA = "System.Management.Automation, Version=7.6.5.0, Culture=neutral, PublicKeyToken=31bf3856ad364e35"
_ALIASES = type_names(f"System.Collections.ObjectModel.Collection`1[[System.String, {_CORE}]]")
_PARAMETERS = type_names(
    f"System.Collections.Generic.Dictionary`2[[System.String, {_CORE}],[{AUTOMATION}.ParameterMetadata, {_SMA}]]"
)


def _read_only(item: str) -> tuple[str, ...]:
    return type_names(f"System.Collections.ObjectModel.ReadOnlyCollection`1[[{AUTOMATION}.{item}, {_SMA}]]")


class Body(typing.Protocol):
    """Runs once for each object of the pipeline's input, or once without one, and yields what it writes."""

    def __call__(self, execution: Execution, bound: Bound) -> typing.Iterable[Value]: ...


class Filter(typing.Protocol):
    """The body of a command that must see its whole input, like Sort-Object."""

    def __call__(self, execution: Execution, bound: Bound, given: typing.Iterable[Value]) -> typing.Iterable[Value]: ...


@dataclasses.dataclass(frozen=True)
class Command:
    """A command of a module or of the engine, or the proxy of one that a JEA role made.

    In error ids a function has its name, and a binary cmdlet its class (`class_name`). The function behind a proxy has
    a name with a random suffix (`proxied`).
    """

    name: str
    module: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    filter: Filter | None = None
    default_set: str = ""
    should_process: bool = False
    class_name: str = ""
    proxied: str = ""
    compiled: bool = False
    """A cmdlet of an assembly, which binds and fails in other ways than a function."""

    @property
    def binds_as_compiled(self) -> bool:
        return self.compiled and not self.proxied

    @property
    def error_name(self) -> str:
        """The name in the error ids of what the body writes."""
        return self.class_name or self.proxied or self.name

    @property
    def all_parameters(self) -> tuple[Parameter, ...]:
        return self.parameters + COMMON + (SHOULD_PROCESS if self.should_process else ())

    @property
    def parameter_sets(self) -> tuple[str, ...]:
        names = dict.fromkeys(name for parameter in self.parameters for name in parameter.sets)
        return tuple(names) or (self.default_set or EVERY_SET,)

    def as_value(self) -> DotNetObject:
        verb, _dash, noun = self.name.partition("-")
        definition = f"\n# the body of {self.name} is the lab's\n"
        metadata: tuple[tuple[Value, Value], ...] = tuple((each.name, each.as_value()) for each in self.all_parameters)
        adapted: Properties = {
            "ScriptBlock": ScriptBlock(definition),
            "CmdletBinding": True,
            "DefaultParameterSet": self.default_set or None,
            "Definition": definition,
            "Options": "None",
            "Description": None,
            "Verb": verb,
            "Noun": noun,
            "HelpFile": None,
            "OutputType": Collection(_read_only("PSTypeName")),
            "Name": self.name,
            "CommandType": Enumeration(f"{AUTOMATION}.CommandTypes", "Function", 2),
            "Source": self.module,
            "Version": Version("0.0"),
            "Visibility": "Public",
            "ModuleName": self.module,
            "Module": self.module or None,
            "RemotingCapability": "PowerShell",
            "Parameters": Dictionary(_PARAMETERS, metadata),
            "ParameterSets": Collection(
                _read_only("CommandParameterSetInfo"), tuple(map(self._usage, self.parameter_sets))
            ),
        }
        types = type_names(f"{AUTOMATION}.FunctionInfo", f"{AUTOMATION}.CommandInfo")
        return DotNetObject(types, adapted, {"Namespace": self.module, "HelpUri": ""}, text=self.name)

    def _usage(self, parameter_set: str) -> str:
        """`[-SessionId] <uint[]> [-WhatIf] [<CommonParameters>]`"""
        words = []
        for parameter in self.parameters + (SHOULD_PROCESS if self.should_process else ()):
            if parameter.belongs_to(parameter_set):
                name = f"-{parameter.name}" if parameter.position is None else f"[-{parameter.name}]"
                text = name if parameter.switch else f"{name} <{_short(parameter.type)}>"
                words.append(text if parameter.mandatory else f"[{text}]")
        return " ".join([*words, "[<CommonParameters>]"])


def _short(name: str) -> str:
    last = name.rpartition(".")[2].lower()
    return last.replace("int32", "int").replace("boolean", "bool")
