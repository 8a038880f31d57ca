# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of PowerShell's engine, as far as a client of the session cmdlets needs them."""

from __future__ import annotations

import typing

from . import exceptions
from .clixml import DotNetObject, Properties, Value, text_of, type_names
from .commands import SWITCH, Bound, Command, Parameter
from .exceptions import AUTOMATION
from .records import OBJECT_NOT_FOUND, ErrorRecord
from .wildcards import has_wildcards, matches

if typing.TYPE_CHECKING:
    from .execution import Execution

NOT_RECOGNIZED = (
    "The term '{name}' is not recognized as a name of a cmdlet, function, script file, or executable program.\nCheck "
    "the spelling of the name, or if a path was included, verify that the path is correct and try again."
)
_CLASSES = "Microsoft.PowerShell.Commands"
_INPUT = Parameter("InputObject", "System.Management.Automation.PSObject", by_value=True)
_PROPERTY = Parameter("Property", "System.Object[]", position=0)


def _get_command(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    names = bound.get("Name", ("*",))
    wanted_modules = [module.lower() for module in bound.get("Module", ())]
    for name in names:
        found = [
            command
            for _key, command in sorted(execution.runspace.visible.items())
            if matches(command.name, name)
            and (not wanted_modules or command.module.lower() in wanted_modules)
            and _has_parameters(command, bound.get("ParameterName", ()))
        ]
        if not found and not has_wildcards(name):
            _report_absent(execution, name)
        for command in found:
            yield command.as_value()


def _has_parameters(command: Command, wanted: tuple[str, ...]) -> bool:
    known = {parameter.name.lower() for parameter in command.all_parameters}
    return all(name.lower() in known for name in wanted)


def _report_absent(execution: Execution, name: str) -> None:
    execution.report(
        ErrorRecord(
            exceptions.command_not_found(NOT_RECOGNIZED.format(name=name), name, None),
            f"CommandNotFoundException,{execution.command.error_name}",
            OBJECT_NOT_FOUND,
            "Get-Command",
            name,
            name,
            "String",
            execution.invocation(),
            execution.stack(),
        )
    )


def _select_object(execution: Execution, bound: Bound, given: typing.Iterable[Value]) -> typing.Iterator[Value]:
    first = bound.get("First")
    for number, item in enumerate(given):
        if first is not None and number >= first:
            return
        if "ExpandProperty" in bound:
            yield item.get(bound["ExpandProperty"]) if isinstance(item, DotNetObject) else None
        elif "Property" in bound:
            yield _selected(item, [text_of(name) for name in bound["Property"]])
        else:
            yield item


def _selected(item: Value, names: list[str]) -> DotNetObject:
    source = item if isinstance(item, DotNetObject) else DotNetObject(("System.String",))
    known = {name.lower(): name for name in (*source.adapted, *source.extended)}
    extended: Properties = {known.get(name.lower(), name): source.get(name) for name in names}
    types = type_names(f"Selected.{source.types[0]}", f"{AUTOMATION}.PSCustomObject")
    return DotNetObject(types, {}, extended)


def _measure_object(execution: Execution, bound: Bound, given: typing.Iterable[Value]) -> typing.Iterator[Value]:
    count = sum(1 for _item in given)
    adapted: Properties = {
        "Count": count,
        "Average": None,
        "Sum": None,
        "Maximum": None,
        "Minimum": None,
        "StandardDeviation": None,
        "Property": None,
    }
    types = type_names(f"{_CLASSES}.GenericMeasureInfo", f"{_CLASSES}.MeasureInfo")
    yield DotNetObject(types, adapted, text=types[0])


def _sort_object(execution: Execution, bound: Bound, given: typing.Iterable[Value]) -> typing.Iterator[Value]:
    names = [text_of(name) for name in bound.get("Property", ())]

    def key(item: Value) -> list[tuple[bool, float, str]]:
        values = [item.get(name) for name in names] if names and isinstance(item, DotNetObject) else [item]
        # Numbers by size, everything else by its text in any case; null comes first.
        return [
            (value is not None, float(value), "")
            if isinstance(value, (int, float))
            else (value is not None, 0.0, text_of(value).lower())
            for value in values
        ]

    yield from sorted(given, key=key, reverse=bool(bound.get("Descending")))


def _nothing(execution: Execution, bound: Bound, given: typing.Iterable[Value]) -> typing.Iterator[Value]:
    """Out-Default: remote output goes to the client's host, which has none here."""
    for _item in given:
        pass
    return iter(())


def _start_sleep(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    execution.sleep(bound["Seconds"] if "Seconds" in bound else bound.get("Milliseconds", 0) / 1000)
    return iter(())


def _not_here(execution: Execution, bound: Bound) -> typing.Iterator[Value]:
    execution.write_error(f"The lab has no {execution.command.name}.")
    return iter(())


GET_COMMAND = Command(
    "Get-Command",
    "Microsoft.PowerShell.Core",
    (
        Parameter("Name", "System.String[]", position=0, by_property_name=True, by_value=True),
        Parameter("Module", "System.String[]", aliases=("PSSnapin",), by_property_name=True),
        Parameter("ArgumentList", "System.Object[]", position=1, aliases=("Args",)),
        Parameter("ListImported", SWITCH),
        Parameter("ParameterName", "System.String[]"),
    ),
    _get_command,
    class_name=f"{_CLASSES}.GetCommandCommand",
)
SELECT_OBJECT = Command(
    "Select-Object",
    "Microsoft.PowerShell.Utility",
    (_INPUT, _PROPERTY, Parameter("ExpandProperty"), Parameter("First", "System.Int32")),
    filter=_select_object,
    class_name=f"{_CLASSES}.SelectObjectCommand",
)
MEASURE_OBJECT = Command(
    "Measure-Object",
    "Microsoft.PowerShell.Utility",
    (_INPUT,),
    filter=_measure_object,
    class_name=f"{_CLASSES}.MeasureObjectCommand",
)
OUT_DEFAULT = Command(
    "Out-Default",
    "Microsoft.PowerShell.Core",
    (_INPUT,),
    filter=_nothing,
    class_name=f"{_CLASSES}.OutDefaultCommand",
)
SORT_OBJECT = Command(
    "Sort-Object",
    "Microsoft.PowerShell.Utility",
    (_INPUT, _PROPERTY, Parameter("Descending", SWITCH)),
    filter=_sort_object,
    class_name=f"{_CLASSES}.SortObjectCommand",
)
START_SLEEP = Command(
    "Start-Sleep",
    "Microsoft.PowerShell.Utility",
    (
        Parameter("Seconds", "System.Int32", mandatory=True, position=0, sets=("Seconds",)),
        Parameter("Milliseconds", "System.Int32", mandatory=True, sets=("Milliseconds",), aliases=("ms",)),
    ),
    _start_sleep,
    default_set="Seconds",
    class_name=f"{_CLASSES}.StartSleepCommand",
)


def _named(name: str, module: str = "Microsoft.PowerShell.Core") -> Command:
    """A command that is there to be found, and can't be run."""
    return Command(name, module, body=_not_here)


COMMANDS = (
    GET_COMMAND,
    SELECT_OBJECT,
    MEASURE_OBJECT,
    OUT_DEFAULT,
    SORT_OBJECT,
    START_SLEEP,
    _named("Clear-Host", ""),
    _named("Exit-PSSession"),
    _named("ForEach-Object"),
    _named("Get-FormatData", "Microsoft.PowerShell.Utility"),
    _named("Get-Help"),
    _named("Get-Process", "Microsoft.PowerShell.Management"),
    _named("Where-Object"),
)
