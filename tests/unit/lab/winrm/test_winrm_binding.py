# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameter binding."""

from __future__ import annotations

import typing

import pytest

from tests.lab.winrm.binding import BindingError, bind
from tests.lab.winrm.clixml import Collection
from tests.lab.winrm.commands import SWITCH, Command, Parameter

COMMAND = Command(
    "Test-Binding",
    "Lab",
    (
        Parameter("Name", mandatory=True),
        Parameter("Number", "System.Int32"),
        Parameter("Numbers", "System.UInt32[]"),
        Parameter("Names", "System.String[]", mandatory=True, sets=("Many",)),
        Parameter("Force", SWITCH),
        Parameter("Kind", valid=("Small", "Large"), sets=("One",)),
        Parameter("Code", pattern="[a-z]+", sets=("One",)),
    ),
    lambda execution, bound: (),
    default_set="One",
)


def items(*values: typing.Any) -> Collection:
    return Collection(values)


def bound(*arguments: tuple[str, typing.Any]) -> dict[str, typing.Any]:
    return bind(COMMAND, [("Name", "x"), *arguments])


@pytest.mark.parametrize(
    ("given", "number"),
    [(2, 2), ("2", 2), (" 7 ", 7), ("0x10", 16), (2.5, 2), ("3.5", 4), (True, 1), ("", 0), ("1e2", 100)],
)
def test_numbers_are_taken_leniently(given: typing.Any, number: int) -> None:
    assert bound(("Number", given))["Number"] == number


@pytest.mark.parametrize(("given", "numbers"), [(4, (4,)), ("4", (4,)), (items("5", 6), (5, 6)), (items(), ())])
def test_arrays(given: typing.Any, numbers: tuple[int, ...]) -> None:
    assert bound(("Numbers", given))["Numbers"] == numbers


def test_names_in_any_case() -> None:
    assert bound(("fORCE", True))["Force"] is True


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([("N", "x")], "NamedParameterNotFound"),
        ([("Name", "")], "ParameterArgumentValidationErrorEmptyStringNotAllowed"),
        ([("Name", "x"), ("Number", items("1"))], "ParameterArgumentTransformationError"),
        ([("Name", "x"), ("Number", "abc")], "ParameterArgumentTransformationError"),
        ([("Name", "x"), ("Number", "NaN")], "ParameterArgumentTransformationError"),
        ([("Name", "x"), ("Number", 2**31)], "ParameterArgumentTransformationError"),
        ([("Name", "x"), ("Names", items())], "ParameterArgumentValidationErrorEmptyArrayNotAllowed"),
        ([("Name", "x"), ("Names", "y"), ("Kind", "Small")], "AmbiguousParameterSet"),
        ([("Name", "x"), ("Kind", "Huge")], "ParameterArgumentValidationError"),
        ([("Name", "x"), ("Code", "a1")], "ParameterArgumentValidationError"),
        ([("Name", "x"), ("Force", "yes")], "ParameterArgumentTransformationError"),
        ([("Number", 1)], "MissingMandatoryParameter"),
    ],
)
def test_refusals(arguments: list[tuple[str, typing.Any]], expected: str) -> None:
    with pytest.raises(BindingError) as error:
        bind(COMMAND, arguments)
    assert error.value.record.error_id == expected


def test_valid_values_in_any_case() -> None:
    assert bound(("Kind", "small"))["Kind"] == "small"
