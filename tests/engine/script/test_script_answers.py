# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back of a call: errors and warnings as records, and nothing done where nothing may be done."""

from __future__ import annotations

import pytest

from tests.engine.script.driver import Json, ScriptError
from tests.engine.script.hosts import CLASSROOMS, RDS_LIST, Hosts, call, log_off, request, untimed, verdicts

LOGOFF = {"HostServer": "rdsh-1.contoso.com", "UnifiedSessionID": 2}


def record(answer: Json) -> tuple[str, str, str]:
    """State, error id and category of an answer with one error."""
    (error,) = answer["errors"]
    assert error["message"].strip()
    return answer["state"], error["id"].partition(",")[0], error["category"]


def test_error_that_ends_a_call(hosts: Hosts) -> None:
    """It is told once."""
    absent, unknown, unbound = hosts.call(
        call("Get-NoSuchCommand"),
        call("Get-RDUserSession", Nonsense=1),
        call("Invoke-RDUserLogoff", HostServer="rdsh-1.contoso.com", UnifiedSessionID="two", Force=True),
    )
    assert record(absent) == ("failed", "CommandNotFoundException", "ObjectNotFound")
    assert "Get-NoSuchCommand" in absent["errors"][0]["message"]
    assert record(unknown) == ("failed", "NamedParameterNotFound", "InvalidArgument")
    assert unknown["errors"][0]["id"] == "NamedParameterNotFound,Get-RDUserSession"
    assert "Nonsense" in unknown["errors"][0]["message"]
    assert record(unbound) == ("failed", "ParameterArgumentTransformationError", "InvalidData")


def test_question_that_nobody_can_answer(hosts: Hosts) -> None:
    """It fails, and nothing is done. A function goes on behind it, so it ends as one with an error."""
    silent, no = hosts.call(
        call("Invoke-RDUserLogoff", **LOGOFF),
        call("Invoke-RDUserLogoff", **LOGOFF, Force=False),
    )
    assert record(silent) == record(no) == ("completed", "HostException", "NotSpecified")
    (closing,) = hosts.call(call("Close-WmsSession", SessionId=[2]), host=CLASSROOMS["2016"])
    assert record(closing) == ("failed", "HostFunctionNotImplemented", "NotImplemented")
    assert hosts.ended() == []


def test_errors_that_end_nothing(hosts: Hosts) -> None:
    hosts.fault("error", "Invoke-RDUserLogoff", code=5, parameters={"UnifiedSessionID": 6})
    denied, short, half = hosts.call(
        call("Invoke-RDUserLogoff", **{**LOGOFF, "UnifiedSessionID": 6}, Force=True),
        call("Get-RDUserSession", ConnectionBroker="broker"),
        call("Get-RDUserSession", CollectionName=["none", "Desktops", "nothing"]),
    )
    # As those of Windows they have no ids of their own.
    no_id = ("completed", "Microsoft.PowerShell.Commands.WriteErrorException", "NotSpecified")
    assert record(denied) == record(short) == no_id
    assert denied["errors"][0]["message"] == "Access is denied."
    assert (half["state"], len(half["output"]), len(half["errors"])) == ("completed", 4, 2)
    assert ["none" in half["errors"][0]["message"], "nothing" in half["errors"][1]["message"]] == [True, True]
    assert hosts.ended() == []


def test_warnings(hosts: Hosts) -> None:
    closing = call("Close-WmsSession", SessionId=[2, 3], Confirm=False)
    (closed,) = hosts.call(closing, host=CLASSROOMS["2016"])
    warnings = ["closed 2", "closed 3"]
    assert untimed(closed) == {"state": "completed", "output": [], "errors": [], "warnings": warnings}


def test_texts_in_german(hosts: Hosts) -> None:
    hosts.lab.call("POST", "winrm/settings", {"language": "de"})
    short, listed = hosts.call(call("Get-RDUserSession", ConnectionBroker="Köln"), RDS_LIST, culture="de-DE")
    assert short["errors"][0]["message"] == (
        "Der angegebene Name Köln des RD-Verbindungsbrokerservers ist kein vollqualifizierter Domänenname."
    )
    assert len(listed["output"]) == 4
    closing = call("Close-WmsSession", SessionId=[2], Confirm=False)
    (closed,) = hosts.call(closing, host=CLASSROOMS["2016"], culture="de-DE")
    assert closed["warnings"] == ["2 geschlossen"]


def test_answer_of_an_act(hosts: Hosts) -> None:
    """Acts are answered in their order, whatever came of the others."""
    hosts.fault("error", "Invoke-RDUserLogoff", code=1722, parameters=LOGOFF)
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    acts[1]["call"]["parameters"]["Nonsense"] = 1
    acts[3]["call"]["command"] = "Invoke-NoSuchCommand"
    result = hosts.run(request(RDS_LIST, acts))
    assert verdicts(result) == ["sent"] * 4
    bob, alice, carol, dave = [act["answer"] for act in result["acts"]]
    assert untimed(bob) == {"state": "completed", "output": [], "errors": [], "warnings": []}
    assert record(alice) == ("failed", "NamedParameterNotFound", "InvalidArgument")
    assert record(carol)[0] == "completed"
    assert record(dave) == ("failed", "CommandNotFoundException", "ObjectNotFound")
    assert hosts.ended() == [("RDSH-0.contoso.com", 3, "bob@contoso.com")]
    assert [row["UserName"] for row in result["listing"]["output"]] == ["alice", "carol", "dave"]


def test_check_mode_sends_nothing(hosts: Hosts) -> None:
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    acts[1]["expect"]["UserName"] = "mallory"
    acts[2]["where"]["UnifiedSessionId"] = 99
    result = hosts.run(request(RDS_LIST, acts), check_mode=True)
    assert verdicts(result) == ["unproven", "replaced", "gone", "unproven"]
    assert [act["answer"] for act in result["acts"]] == [None] * 4
    assert len(result["listing"]["output"]) == 4
    assert hosts.ended() == []
    assert verdicts(hosts.run(request(RDS_LIST, acts))) == ["sent", "replaced", "gone", "sent"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Get-RDUserSession; Get-Date",
            "& Get-Date",
            "Get-Date\n",
            "$(Get-Date)",
            "Microsoft.PowerShell.Utility\\Get-Date",
        ),
        *("date", "C:\\x\\Get-Date.ps1", "./Get-Date", "Get-", "", "Get-D\u0430te", "GET-DATE -Year 1"),
    ],
)
def test_what_is_no_name_of_a_cmdlet_is_refused(hosts: Hosts, name: str) -> None:
    with pytest.raises(ScriptError, match="a verb and a noun"):
        hosts.call(call(name))
