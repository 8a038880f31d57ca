# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab for these tests, put back before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

from tests.lab.client import Lab
from tests.unit.lab.arm_clients import Arm, sdk


@pytest.fixture(scope="session")
def running_lab() -> Iterator[Lab]:
    with Lab.start() as lab:
        yield lab


@pytest.fixture
def lab(running_lab: Lab) -> Lab:
    running_lab.reset()
    return running_lab


@pytest.fixture
def arm(lab: Lab) -> Iterator[Arm]:
    client = Arm(lab)
    yield client
    client.close()


@pytest.fixture
def client(lab: Lab) -> Iterator[DesktopVirtualizationMgmtClient]:
    """The real SDK, signed in as operator, without retries."""
    with sdk(lab) as made:
        yield made
