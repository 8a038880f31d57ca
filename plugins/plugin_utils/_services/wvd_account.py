# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Azure account of a task, and the subscription that counts where a host pool does not name its own."""

from __future__ import annotations

import sys

from .._sessions.errors import ServiceError
from .._transports import arm
from .place import Options, Reach

PACKAGES = "azure-mgmt-desktopvirtualization and azure-identity"


def sign_in(options: Options, reach: Reach, named: bool) -> tuple[arm.Account, str]:
    """Sign in. Return the account and its subscription, empty when none is known and, as `named` tells, none is needed.

    Raises ServiceError.
    """
    try:
        account = arm.sign_in(options, reach.environment)
        subscription = account.subscription_id
        if not subscription and not named:
            subscription = arm.only_subscription(account, reach.user_agent)
    except ImportError as error:
        raise ServiceError(
            f"The Python packages {PACKAGES} are needed, and {sys.executable} lacks them ({error}): "
            f"{sys.executable} -m pip install azure-mgmt-desktopvirtualization azure-identity"
        ) from error
    return account, subscription
