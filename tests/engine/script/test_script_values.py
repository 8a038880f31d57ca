# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a text holds, it arrives in the cmdlet, and comes back, as that very text."""

from __future__ import annotations

from tests.engine.script.hosts import RDS_LIST, Hosts, call, collection, deployment, log_off, request, verdicts

STRANGE = [
    'it\'s \u2018a\u2019 \u201ab\u201b \u201cc\u201d \u201ed\u201f "e"',
    "'; Invoke-RDUserLogoff -HostServer x; '",
    "$(Get-Process) ${env:PATH} $null $true @{a = 1} @(1) {0} %{$_}",
    "`n back`tick ``",
    "a\nb\r\nc\rd\u2028e\u2029f\u0085g",
    "\ttab\t",
    "".join(map(chr, range(1, 32))) + "\x7f",
    "x" * 10_000,
    "[a-z] [b] * ? [!c] [",
    "caf\u00e9 cafe\u0301 \u0130\u0131 \u00df \ufb01 \u200b\u200d\u00ad",
    "\u540d\u524d \U0001f600 \U0001d54f",
    "-Force",
    "--% -Force:$true",
    "# no comment <# nor this #>",
    "a;b|c&d>e<f||g&&h,i",
    "2026-11-21T08:30:02Z",
    "2026-11-21T08:30:02+02:00",
    "/Date(1795681802000)/",
    "true",
    "null",
    "007",
    "1e3",
    " ",
    "a\\",
    "{{ x }}",
]
LONG = "\u00e9" * 10_000
PATTERN = "[*?"
"""Characters that make the name of a collection a pattern."""


def test_texts_arrive_as_they_are(hosts: Hosts) -> None:
    """PowerShell's own cmdlets give back what they get."""
    texts = ["", LONG, *STRANGE]
    answers = hosts.call(
        *(call("Write-Output", InputObject=text) for text in texts),
        *(call("Write-Warning", Message=text) for text in texts),
        *(call("Write-Error", Message=text) for text in STRANGE),
    )
    count = len(texts)
    assert [answer["output"] for answer in answers[:count]] == [[{"Value": text}] for text in texts]
    assert [answer["warnings"] for answer in answers[count : 2 * count]] == [[text] for text in texts]
    errors = [[error["message"] for error in answer["errors"]] for answer in answers[2 * count :]]
    assert errors == [[text] for text in STRANGE]


def test_names_come_back_as_they_are(hosts: Hosts) -> None:
    """Names of collections, hosts and users; whoever has such a name, there, can be logged off."""
    pools = []
    for text in STRANGE:
        account = "" if "\\" in text else text  # else it would be a domain and a user
        sessions = [{"id": 5, "user": text, "ad_user_name": account}, {"id": 6, "user": ""}]
        pools.append(collection((text, sessions), name=text))
    hosts.lab.reset(deployment(*pools))
    plain = [text for text in STRANGE if not set(PATTERN) & set(text)]
    assert len(plain) > len(STRANGE) / 2
    answers = hosts.call(*(call("Get-RDUserSession", CollectionName=[text]) for text in plain))
    for text, answer in zip(plain, answers, strict=True):
        assert (answer["state"], answer["errors"]) == ("completed", [])
        shown = [(row["CollectionName"], row["HostServer"], row["UserName"]) for row in answer["output"]]
        assert shown == [(text, text, text), (text, text, "")]

    rows = hosts.rows(RDS_LIST)
    assert [row["UserName"] for row in rows] == [name for text in STRANGE for name in (text, "")]
    result = hosts.run(request(RDS_LIST, [log_off(row) for row in rows[::2]]))
    assert verdicts(result) == ["sent"] * len(STRANGE)
    assert hosts.ended() == sorted((text, 5, text) for text in STRANGE)


def test_values_keep_their_kind(hosts: Hosts) -> None:
    """A list of one is a list, and a number in a text is none."""
    names: list[object] = [[], ["Desktops"], "Desktops"]
    listed = hosts.call(*(call("Get-RDUserSession", CollectionName=name) for name in names))
    assert [len(answer["output"]) for answer in listed] == [0, 4, 4]
    values = [7, "7", True, "True", None, 2.5, [1], [1, "1"], []]
    settings = [{"Name": f"v{number}", "Value": value} for number, value in enumerate(values)]
    set_to = hosts.call(*(call("Set-Variable", **setting, PassThru=True) for setting in settings))
    assert [[row["Value"] for row in answer["output"]] for answer in set_to] == [[value] for value in values]
