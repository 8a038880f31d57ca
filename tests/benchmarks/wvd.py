# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Virtual Desktop, against the lab's Azure Resource Manager."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.benchmarks.measure import DEBUG, REPEATS, Measured, measure, median, own_seconds, show
from tests.lab.client import Lab

MODULE = "remotedesktop.sessions.wvd_session_disconnect"
POOL = "resource_group_name=rg-avd host_pool_name=pool-01"
URI_SESSIONS = 40


def farm(hosts: int, sessions: int) -> dict[str, Any]:
    """A farm of one pool with so many hosts, and sessions on each, all of them connected."""
    generate = {"hosts": hosts, "sessions_per_host": sessions, "states": {"Active": 1}}
    pool = {"name": "pool-01", "service": "wvd", "resource_group": "rg-avd", "generate": generate}
    return {"pools": [pool]}


def ad_hoc(arguments: str) -> tuple[str, ...]:
    return ("ansible", "localhost", "-m", MODULE, "-a", f"{POOL} {arguments}")


def bare(lab: Lab, what: str) -> float:
    """Run the bare client; its own seconds, without the start of Python."""
    return own_seconds(measure(["python", "-m", "tests.benchmarks.bare_arm", what], lab.environment))


def one(lab: Lab) -> None:
    """One disconnect against the cheapest module."""
    debugs, ours = [], []
    for _ in range(REPEATS):
        lab.reset(farm=farm(3, 3))
        debugs.append(measure(DEBUG, lab.environment))
        ours.append(measure(ad_hoc("session_host_name=host-0000.contoso.com id=2"), lab.environment))
    debug, disconnect = median(debugs), median(ours)
    show("debug", debug.seconds, "s")
    show("one disconnect", disconnect.seconds, "s")
    show("difference", disconnect.seconds - debug.seconds, "s", "aim: at most 0.5")
    show("peak memory above debug", disconnect.mebibytes - debug.mebibytes, "MiB")


def uri_loop(lab: Lab, directory: Path) -> Measured:
    """What people do today: a token, then ansible.builtin.uri in a loop."""
    rows = [row for row in lab.sessions() if row["pool"] == "pool-01"][:URI_SESSIONS]
    base = (
        f"{lab.environment['AZURE_CLOUD_ENVIRONMENT']}/subscriptions/{lab.environment['AZURE_SUBSCRIPTION_ID']}"
        "/resourceGroups/rg-avd/providers/Microsoft.DesktopVirtualization/hostPools/pool-01/sessionHosts/"
    )
    task = {
        "name": "Disconnect",
        "ansible.builtin.uri": {
            "url": base + "{{ item.host }}/userSessions/{{ item.id }}/disconnect?api-version=2024-04-03",
            "method": "POST",
            "headers": {"Authorization": f"Bearer {lab.access_token('operator')}"},
            "ca_path": lab.environment["REQUESTS_CA_BUNDLE"],
        },
        "loop": [{"host": row["host"], "id": row["id"]} for row in rows],
    }
    playbook = directory / "uri.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
    return measure(["ansible-playbook", str(playbook)], lab.environment)


def bulk(lab: Lab) -> None:
    """200 disconnects at 50 ms latency, against a loop and against a bare client."""
    debugs, ours, bares, uris = [], [], [], []
    with TemporaryDirectory() as directory:
        for repeat in range(REPEATS):
            lab.reset(farm=farm(4, 50))
            lab.options(latency_ms=50)
            debugs.append(measure(DEBUG, lab.environment))
            ours.append(measure(ad_hoc("all_sessions=true"), lab.environment))
            lab.reset(farm=farm(4, 50))
            lab.options(latency_ms=50)
            bares.append(bare(lab, "disconnect"))
            if repeat < 2:
                lab.reset(farm=farm(4, 50))
                lab.options(latency_ms=50)
                uris.append(uri_loop(lab, Path(directory)))
    debug, disconnect, plain = median(debugs), median(ours), sorted(bares)[len(bares) // 2]
    loop = (median(uris).seconds - debug.seconds) * 200 / URI_SESSIONS
    show("200 disconnects", disconnect.seconds, "s")
    show("bare client with 16 threads", plain, "s")
    show(f"uri loop, scaled from {URI_SESSIONS}", loop, "s")
    show("times faster than the loop", loop / disconnect.seconds, "x", "aim: at least 40")
    show("1.3 x (debug + bare client) + 0.5 s", 1.3 * (debug.seconds + plain) + 0.5, "s", "aim: at least our time")


def budget(lab: Lab) -> None:
    """1,000 disconnects with ARM's bucket of writes."""
    lab.reset(farm=farm(10, 100))
    lab.options(latency_ms=50, buckets={"writes": {"size": 200, "refill_per_second": 10}})
    run = measure(ad_hoc("all_sessions=true"), lab.environment)
    refusals = sum(entry["status"] == 429 for entry in lab.requests() if entry["operation"] == "disconnect")
    show("1,000 disconnects", run.seconds, "s", "aim: at most 84 (1.05 x 80)")
    show("refusals for now (429)", refusals, "")


def large_list(lab: Lab) -> None:
    """List and select 50,000 sessions, against a bare read of the same pages."""
    lab.reset(farm=farm(500, 100))
    debugs, ours, bares = [], [], []
    for _ in range(REPEATS):
        debugs.append(measure(DEBUG, lab.environment))
        ours.append(measure(ad_hoc("user=nobody@example.com"), lab.environment))
        bares.append(bare(lab, "list"))
    debug, select, plain = median(debugs), median(ours), sorted(bares)[len(bares) // 2]
    show("bare read of the pages as JSON", plain, "s")
    show("list and select, above debug", select.seconds - debug.seconds, "s")
    show("ratio", (select.seconds - debug.seconds) / plain, "x", "aim: at most 2")
    show("peak memory above debug", select.mebibytes - debug.mebibytes, "MiB", "aim: at most 150")


def many_pools(pools: int, hosts: int) -> dict[str, Any]:
    """A farm of so many host pools, each with so many hosts on which nobody is."""
    names = [f"pool-{number:03}" for number in range(pools)]
    generated = {"hosts": hosts, "sessions_per_host": 0}
    return {
        "pools": [
            {"name": name, "generate": {**generated, "host_name": name + "-{host:04d}.contoso.com"}} for name in names
        ]
    }


def inventory(lab: Lab) -> None:
    """The inventory of 20,000 session hosts of 500 host pools, against the bare SDK and a file with the same names."""
    plugin = {"plugin": "remotedesktop.sessions.wvd_session_hosts"}
    farm, one = many_pools(500, 40), "pool-007-0007.contoso.com"
    with TemporaryDirectory() as name:
        directory = Path(name)
        service, graph = (directory / f"{word}.wvd_session_hosts.yml" for word in ("list", "graph"))
        service.write_text(json.dumps(plugin))
        graph.write_text(json.dumps({**plugin, "source": "resource_graph"}))
        static = directory / "names.ini"
        static.write_text("".join(f"{host['name']}\n" for host in _hosts(lab, farm)))
        ours, graphs, statics, sdks = [], [], [], []
        for _ in range(REPEATS):
            sdks.append(measure(["python", "-m", "tests.benchmarks.bare_sdk"], _reset(lab, farm)))
            for runs, file in ((ours, service), (graphs, graph), (statics, static)):
                runs.append(measure(["ansible-inventory", "-i", str(file), "--host", one], _reset(lab, farm)))
        paced = measure(["ansible-inventory", "-i", str(service), "--host", one], _reset(lab, farm, buckets="arm"))
        refusals = sum(entry["status"] == 429 for entry in lab.requests())
    sdk, our, from_graph, file = median(sdks), median(ours), median(graphs), median(statics)
    show("bare SDK with 16 threads, with its start", sdk.seconds, "s")
    show("bare SDK, peak memory", sdk.mebibytes, "MiB")
    show("a file with the same names", file.seconds, "s")
    show("the file, peak memory", file.mebibytes, "MiB")
    show("inventory, listed by the service", our.seconds, "s")
    show("inventory, peak memory", our.mebibytes, "MiB")
    show("inventory, from Azure Resource Graph with its quota", from_graph.seconds, "s")
    show(
        "times the bare SDK and the file together", our.seconds / (sdk.seconds + file.seconds), "x", "aim: at most 1.2"
    )
    show("peak memory, times the SDK's", our.mebibytes / sdk.mebibytes, "x", "aim: at most 1.5")
    show("with ARM's buckets", paced.seconds, "s")
    show("refusals for now (429)", refusals, "")


def _hosts(lab: Lab, farm: dict[str, Any]) -> list[dict[str, Any]]:
    lab.reset(farm=farm)
    return lab.hosts()


def _reset(lab: Lab, farm: dict[str, Any], **options: Any) -> dict[str, str]:
    """Put the lab back with a farm and options; return the environment for its clients."""
    lab.reset(farm=farm)
    lab.options(**options)
    return lab.environment


BENCHMARKS: dict[str, Callable[[Lab], None]] = {
    "one": one,
    "bulk": bulk,
    "budget": budget,
    "list": large_list,
    "inventory": inventory,
}
