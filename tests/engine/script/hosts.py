# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Windows hosts, on which run_cmdlets.ps1 runs, and the requests that it gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import cmdlets
from tests.engine.script.driver import Json, Script
from tests.lab.client import Lab

BROKER = "broker.contoso.com"
CLASSROOMS = {"2012R2": "classroom-2012.contoso.com", "2016": "classroom-2016.contoso.com"}
WVD_CLASSIC = "wvd-management"
MODULES = {
    BROKER: "RemoteDesktop",
    WVD_CLASSIC: "Microsoft.RDInfra.RDPowerShell",
    **{host: f"MultiPoint-{generation}" for generation, host in CLASSROOMS.items()},
}


@dataclass(frozen=True)
class Hosts:
    """Runs the script on the hosts of a lab, and sees what it did there."""

    lab: Lab
    modules: Path
    script: Script

    def environment(self, host: str) -> dict[str, str]:
        """Make a process be that host."""
        return cmdlets.environment(self.lab.announcement["control"], host, [MODULES[host]], self.modules)

    def run(self, parameters: Mapping[str, Any], host: str = BROKER, **how: Any) -> Json:
        """Run the script there; `how` is for Script.run."""
        result: Json = self.script.run(parameters, environment=self.environment(host), **how)
        return result

    def call(self, *calls: Json, host: str = BROKER, **how: Any) -> list[Json]:
        """Run calls; return their answers."""
        answers: list[Json] = self.run({"Calls": calls}, host, **how)["calls"]
        return answers

    def rows(self, listing: Json, host: str = BROKER) -> list[Json]:
        """Return the rows of a list that is whole."""
        (answer,) = self.call(listing, host=host)
        assert (answer["state"], answer["errors"]) == ("completed", [])
        rows: list[Json] = answer["output"]
        return rows

    def fault(self, kind: str, command: str, **rule: Any) -> None:
        """Set a rule as tests/lab/winrm/faults.py describes it."""
        self.lab.call("POST", "winrm/faults", {"kind": kind, "command": command, **rule})

    def only_eight(self) -> list[Json]:
        """Return first calls that hang in each runspace after the eighth, so that no more act."""
        self.fault("hang", "Get-RDServer", skip=8)
        return [LOAD, call("Get-RDServer")]

    def matches(self) -> list[int]:
        """Count the calls that each rule fitted."""
        return [rule["matches"] for rule in self.lab.call("GET", "winrm/faults")]

    def ended(self) -> list[tuple[str, int, str]]:
        """Host, id and user of the sessions that were logged off, by the lab's account of that moment; sorted."""
        return sorted(
            (entry["host"], entry["id"], entry["owner"]["user"])
            for entry in self.lab.audit()
            if entry["verb"] == "logoff"
        )


def call(command: str, *secrets: str, **parameters: Any) -> Json:
    """Make a call of a cmdlet."""
    return {"command": command, "parameters": parameters, "secrets": secrets}


RDS_LIST = call("Get-RDUserSession")
LOAD = call("Import-Module", Name="RemoteDesktop")
"""Comes first, so that acts with short deadlines need not load it."""
RDS_WHERE = ("HostServer", "UnifiedSessionId")
RDS_OWNER = ("UserName", "DomainName")
RDS_PROOF = (*RDS_OWNER, "CreateTime")
PROOF_SECONDS = 5
LONGEST_PROOF = 30


def log_off(row: Json, where: Json | None = None, expect: Json | None = None, **parameters: Any) -> Json:
    """Make the act that logs the session of a row off, if it is still the one that it was."""
    given = {"HostServer": row["HostServer"], "UnifiedSessionID": row["UnifiedSessionId"], "Force": True}
    return {
        "call": call("Invoke-RDUserLogoff", **{**given, **parameters}),
        "where": where or {name: row[name] for name in RDS_WHERE},
        "expect": expect or {name: row[name] for name in RDS_PROOF},
    }


def request(listing: Json, acts: Sequence[Json], seconds: float = 30, act_seconds: float = 30, **more: Any) -> Json:
    """Make the script's parameters. The caller knows of a list that took no time, unless `more` says otherwise."""
    deadlines = {"Seconds": seconds, "ActSeconds": act_seconds}
    proof = {"ProofSeconds": PROOF_SECONDS, "ShortestList": 0, "LongestProof": LONGEST_PROOF}
    return {"Listing": listing, "Acts": acts, "AnyCase": RDS_OWNER, **deadlines, **proof, **more}


def untimed(answer: Json) -> Json:
    """An answer without its times."""
    return {name: value for name, value in answer.items() if name not in ("begun", "ended")}


def verdicts(result: Json) -> list[str]:
    """What the script said about each act."""
    return [act["verdict"] for act in result["acts"]]


def deployment(*collections: Json) -> Json:
    """Make a farm of these collections."""
    return {"pools": list(collections)}


def collection(*hosts: tuple[str, Iterable[Json]], name: str = "Desktops", **more: Any) -> Json:
    """Make a collection: session hosts and their sessions."""
    return {
        "name": name,
        "service": "rds",
        "connection_broker": BROKER,
        "hosts": [{"name": host, "sessions": list(sessions)} for host, sessions in hosts],
        **more,
    }


PLACE = call("Get-Date", Date="2026-11-24T12:00:00", Format="yyyy MMMM zzz")
"""Its answer tells culture and time zone."""
CULTURES = {
    # An i without a dot, Buddhist and Hijri years.
    "tr-TR": "2026 Kas\u0131m",
    "th-TH": "2569 ",
    "ar-SA": "1448 ",
}
"""What that answer begins with."""
ZONES = {"UTC": "+00:00", "Asia/Kolkata": "+05:30", "Pacific/Chatham": "+13:45"}
"""What it ends with."""
