# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter binding."""

from __future__ import annotations

import typing

import pytest

from tests.lab.winrm.binding import BindingError, bind, bind_input
from tests.lab.winrm.clixml import U32, Collection, DotNetObject
from tests.lab.winrm.commands import SWITCH, Command, Parameter
from tests.lab.winrm.multipoint import COMMANDS

GET_2016 = next(command for command in COMMANDS["2016"] if command.name == "Get-WmsSession")
COMMAND = Command(
    "Test-Binding",
    "Lab",
    (
        Parameter("Name", mandatory=True, position=0, by_property_name=True),
        Parameter("Number", "System.Int32", position=1, aliases=("No",)),
        Parameter("Numbers", "System.UInt32[]"),
        Parameter("Names", "System.String[]", mandatory=True, sets=("Many",)),
        Parameter("Force", SWITCH),
        Parameter("Kind", valid=("Small", "Large"), sets=("One",)),
        Parameter("Code", pattern="^[a-z]+$", sets=("One",)),
    ),
    default_set="One",
)


def items(*values: typing.Any) -> Collection:
    return Collection(("System.Object[]",), values)


def bound(*arguments: tuple[str | None, typing.Any]) -> dict[str, typing.Any]:
    return bind(COMMAND, [("Name", "x"), *arguments], takes_input=False).bound


def refused(*arguments: tuple[str | None, typing.Any], command: Command = COMMAND, takes_input: bool = False) -> str:
    with pytest.raises(BindingError) as error:
        bind(command, arguments, takes_input)
    return error.value.record.error_id


@pytest.mark.parametrize(
    ("given", "number"),
    [(2, 2), ("2", 2), (" 7 ", 7), ("0x10", 16), (2.5, 2), ("3.5", 4), (True, 1), ("", 0), (U32(5), 5), ("1e2", 100)],
)
def test_numbers_are_taken_leniently(given: typing.Any, number: int) -> None:
    assert bound(("Number", given))["Number"] == number


@pytest.mark.parametrize("given", ["abc", 2**31, "2147483648", items(1), "NaN"])
def test_what_is_no_int32(given: typing.Any) -> None:
    assert refused(("Name", "x"), ("Number", given)) == "ParameterArgumentTransformationError,Test-Binding"


@pytest.mark.parametrize(("given", "numbers"), [(4, (4,)), ("4", (4,)), (items("5", 6), (5, 6)), (items(), ())])
def test_arrays(given: typing.Any, numbers: tuple[int, ...]) -> None:
    assert bound(("Numbers", given))["Numbers"] == numbers


@pytest.mark.parametrize(
    ("name", "full"), [("number", "Number"), ("No", "Number"), ("FO", "Force"), ("-Force", "Force"), ("vb", "Verbose")]
)
def test_names(name: str, full: str) -> None:
    assert full in bound((name, 1))


def test_places() -> None:
    binding = bind(COMMAND, [(None, "x"), (None, "3")], takes_input=False)
    assert binding.bound == {"Name": "x", "Number": 3}


def test_a_switch_without_a_value() -> None:
    assert bound(("Force", None))["Force"] is True


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([("N", "x")], "AmbiguousParameter"),
        ([("Name", "x"), ("Name", "y")], "ParameterAlreadyBound"),
        ([("Name", "")], "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ([("Name", None)], "ParameterArgumentValidationErrorNullNotAllowed"),
        ([("Name", "x"), ("Number", items("1"))], "ParameterArgumentTransformationError"),
        ([("Name", "x"), ("Names", items())], "ParameterArgumentValidationErrorEmptyArrayNotAllowed"),
        ([("Name", "x"), ("Names", "y"), ("Kind", "Small")], "AmbiguousParameterSet"),
        ([("Name", "x"), ("Kind", "Huge")], "ParameterArgumentValidationError"),
        ([("Name", "x"), ("Code", "a1")], "ParameterArgumentValidationError"),
        ([("Name", "x"), ("Force", "yes")], "ParameterArgumentTransformationError"),
        ([("Name", "x"), (None, 1), (None, 2)], "PositionalParameterNotFound"),
        ([("Number", 1)], "MissingMandatoryParameter"),
        ([("Name", "x"), ("ErrorAction", "Perhaps")], "ParameterArgumentTransformationError"),
    ],
)
def test_refusals(arguments: list[tuple[str | None, typing.Any]], expected: str) -> None:
    assert refused(*arguments).partition(",")[0] == expected


def test_valid_values_in_any_case() -> None:
    assert bound(("Kind", "small"))["Kind"] == "small"


def test_2016_wants_an_id_or_all() -> None:
    assert refused(command=GET_2016).partition(",")[0] == "MissingMandatoryParameter"
    assert bind(GET_2016, [("All", True)], takes_input=False).parameter_set == "All"


def test_input_by_property_name() -> None:
    binding = bind(COMMAND, [], takes_input=True)
    assert bind_input(binding, DotNetObject(("Any",), {"NAME": "y"}))["Name"] == "y"
    with pytest.raises(BindingError) as error:
        bind_input(binding, DotNetObject(("Any",), {"Other": 1}))
    assert error.value.record.error_id == "InputObjectNotBound,Test-Binding"
