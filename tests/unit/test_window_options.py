# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of a window as surveys and the command line give them: nobody who is named is overlooked."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_close import CloseAction
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._action.window_options import read_orders
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._services.place import Options
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._window.wave_orders import WaveOrders
from tests.unit.fakes.task import action


def read(**args: Any) -> Options:
    """Read the options of the first task of a wave."""
    seen: list[Options] = []

    class Read(CloseAction):
        def _do(self, options: Options) -> dict[str, Any]:
            seen.append(options)
            return {}

    made = action(Read, {"service": "wvd", **args})
    made._vars = {}
    made._run()
    return seen[0]


def orders(**args: Any) -> WaveOrders:
    return read_orders(read(**args), False)


@pytest.mark.parametrize(
    ("said", "users"),
    [
        ("carol", ("carol",)),
        ("carol@contoso.com\nCONTOSO\\dave\n", ("carol@contoso.com", "CONTOSO\\dave")),
        ("carol, dave", ("carol", "dave")),
        (["carol\r\ndave", " erin "], ("carol", "dave", "erin")),
        (["carol", ""], ("carol",)),
        ("", ()),
        (" \n ", ()),
        ([], ()),
    ],
)
def test_everybody_is_protected_whom_a_survey_names(said: Any, users: tuple[str, ...]) -> None:
    assert orders(protected_users=said).protected_users == users


@pytest.mark.parametrize("said", ["carol; dave", "['carol']", '["carol", "dave"]', "[]", "car*", ["carol:dave"]])
def test_protected_name_that_cannot_be_one_is_an_error(said: Any) -> None:
    with pytest.raises(SelectionError, match="protected_users takes"):
        orders(protected_users=said)
