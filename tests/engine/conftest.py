# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All tests here need a PowerShell. What Windows lacks is not imported here: see script/test_script_alone.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import powershell

LONGEST = ("test_windows_runspace.py", "test_script_connections.py", "test_script_campaign.py")
"""Files whose tests take long. They come first, so that no worker is left alone with one in the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark them, and put the long ones first."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def pwsh() -> str:
    return powershell.require()
