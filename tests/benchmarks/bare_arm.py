# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the work costs without Ansible and SDK: the same requests over plain HTTP connections. Prints seconds.

`python -m tests.benchmarks.bare_client disconnect|list`, with the lab's environment and POOL.
"""

from __future__ import annotations

import http.client
import json
import os
import queue
import ssl
import sys
import threading
import time
import urllib.parse
from typing import Any

THREADS = 16
VERSION = "api-version=2024-04-03"


class Client:
    """One connection with a token."""

    def __init__(self, token: str = "") -> None:
        address = urllib.parse.urlsplit(os.environ["AZURE_CLOUD_ENVIRONMENT"])
        context = ssl.create_default_context(cafile=os.environ["REQUESTS_CA_BUNDLE"])
        self._connection = http.client.HTTPSConnection(address.hostname or "", address.port, context=context)
        self.token = token

    def request(self, method: str, path: str, body: str = "", **headers: str) -> Any:
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self._connection.request(method, path, body, {"Content-Length": str(len(body)), **headers})
        answer = self._connection.getresponse()
        content = answer.read()
        assert answer.status == 200, (answer.status, content[:200])
        return json.loads(content) if content else None

    def sign_in(self) -> None:
        audience = self.request("GET", "/metadata/endpoints?api-version=2015-01-01")["authentication"]["audiences"][0]
        form = {
            "grant_type": "client_credentials",
            "client_id": os.environ["AZURE_CLIENT_ID"],
            "client_secret": os.environ["AZURE_SECRET"],
            "scope": f"{audience.rstrip('/')}/.default",
        }
        path = f"/{os.environ['AZURE_TENANT']}/oauth2/v2.0/token"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self.token = self.request("POST", path, urllib.parse.urlencode(form), **kind)["access_token"]

    def sessions(self, pool: str) -> list[Any]:
        """Read all pages."""
        found: list[Any] = []
        path = f"{pool}/userSessions?{VERSION}"
        while path:
            page = self.request("GET", path)
            found += page["value"]
            link = urllib.parse.urlsplit(page.get("nextLink") or "")
            path = f"{link.path}?{link.query}" if link.path else ""
        return found


def disconnect_all(client: Client, pool: str) -> int:
    """Disconnect every session, with one connection a thread."""
    jobs: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    sessions = client.sessions(pool)
    for session in sessions:
        jobs.put(session["id"])

    def work() -> None:
        mine = Client(client.token)
        while (path := jobs.get()) is not None:
            mine.request("POST", f"{path}/disconnect?{VERSION}")

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        jobs.put(None)
        thread.start()
    for thread in threads:
        thread.join()
    return len(sessions)


def main(what: str) -> None:
    pool = (
        f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}/resourceGroups/rg-avd/providers/"
        "Microsoft.DesktopVirtualization/hostPools/pool-01"
    )
    started = time.perf_counter()
    client = Client()
    client.sign_in()
    count = disconnect_all(client, pool) if what == "disconnect" else len(client.sessions(pool))
    print(json.dumps({"seconds": time.perf_counter() - started, "count": count}))


if __name__ == "__main__":
    main(sys.argv[1])
