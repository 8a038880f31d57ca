# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Microsoft's SDK takes to list all session hosts of a subscription, used as its documentation shows it.

`python -m tests.benchmarks.bare_sdk`, with the lab's environment. Prints seconds.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

from azure.identity import ClientSecretCredential
from azure.mgmt.desktopvirtualization import DesktopVirtualizationMgmtClient

THREADS = 16


def main() -> None:
    started = time.perf_counter()
    address, trust = os.environ["AZURE_CLOUD_ENVIRONMENT"], os.environ["REQUESTS_CA_BUNDLE"]
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT"],
        os.environ["AZURE_CLIENT_ID"],
        os.environ["AZURE_SECRET"],
        authority=address,
        disable_instance_discovery=True,
        connection_verify=trust,
    )
    subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
    with (
        DesktopVirtualizationMgmtClient(credential, subscription, base_url=address, connection_verify=trust) as client,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        names = [(str(pool.id).split("/")[4], str(pool.name)) for pool in client.host_pools.list()]
        hosts = list(threads.map(lambda name: list(client.session_hosts.list(*name)), names))
    count = sum(map(len, hosts))
    print(json.dumps({"seconds": time.perf_counter() - started, "count": count}))


if __name__ == "__main__":
    main()
