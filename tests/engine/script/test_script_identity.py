# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Never another session than the one that was selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.script.driver import Json
from tests.engine.script.hosts import (
    RDS_LIST,
    RDS_PROOF,
    RDS_WHERE,
    Hosts,
    call,
    collection,
    deployment,
    log_off,
    request,
    verdicts,
)

HOST = "RDSH-I.contoso.com"
CREATED = "2026-11-21T08:30:02.12Z"


def where(**changes: Any) -> Callable[[Json], Json]:
    """The act on a row, which says otherwise where the session is."""
    return lambda row: log_off(row, where={**{name: row[name] for name in RDS_WHERE}, **changes})


def expect(**changes: Any) -> Callable[[Json], Json]:
    """The act on a row, which expects something else to be there."""
    return lambda row: log_off(row, expect={**{name: row[name] for name in RDS_PROOF}, **changes})


CASES: dict[str, tuple[str, Callable[[Json], Json], str]] = {
    # user: what is done about the session, and what must be said
    "exact": ("exact", log_off, "sent"),
    "more is expected": ("more", expect(SessionState="STATE_ACTIVE", IdleTime=0), "sent"),
    "nothing where there is nothing": ("nothing", expect(ApplicationType=None), "sent"),
    "host in another case": ("host", where(HostServer=HOST.swapcase()), "sent"),
    "id as a text": ("id-text", where(UnifiedSessionId="5"), "sent"),
    "another user": ("alice", expect(UserName="bob"), "replaced"),
    "user in another case": ("Carol", expect(UserName="cAROL"), "sent"),
    "domain in another case": ("wendy", expect(DomainName="contoso"), "sent"),
    "blanks around the user": ("erin", expect(UserName=" erin\t"), "sent"),
    "time of creation in another case": ("oscar", expect(CreateTime=CREATED.lower()), "replaced"),
    "state in another case": ("pat", expect(SessionState="state_active"), "replaced"),
    "user in another form of Unicode": ("Rene\u0301", expect(UserName="Ren\u00e9"), "replaced"),
    "user with a character that nobody sees": ("da\u200dve", expect(UserName="dave"), "replaced"),
    "blank in the user": ("erin-x", expect(UserName="erin -x"), "replaced"),
    "longer user": ("erin-y", expect(UserName="erin-yy"), "replaced"),
    "shorter user": ("frank-x", expect(UserName="frank"), "replaced"),
    "no user": ("grace", expect(UserName=None), "replaced"),
    "empty user": ("heidi", expect(UserName=""), "replaced"),
    "another domain": ("ivan", expect(DomainName="FABRIKAM"), "replaced"),
    "created later": ("judy", expect(CreateTime="2026-11-21T08:30:02.13Z"), "replaced"),
    "created earlier": ("mike", expect(CreateTime="2026-11-21T08:30:02Z"), "replaced"),
    "not created": ("niaj", expect(CreateTime=None), "replaced"),
    "a text where there is nothing": ("olivia", expect(ApplicationType=""), "replaced"),
    "a text where there is a number": ("peggy", expect(IdleTime="0"), "replaced"),
    "what there is not": ("rupert", expect(Account="rupert"), "replaced"),
    "another id": ("sybil", where(UnifiedSessionId=99), "gone"),
    "another host": ("trent", where(HostServer="rdsh-1.contoso.com"), "gone"),
    "part of a host": ("victor", where(HostServer="RDSH-I"), "gone"),
    "pattern of a host": ("walter", where(HostServer="RDSH-*"), "gone"),
}


def test_act_is_sent_only_on_the_session_that_it_is_about(hosts: Hosts) -> None:
    sessions = [
        {"id": number, "user": user, "ad_user_name": f"CONTOSO\\{user}", "create_time": CREATED}
        for number, (user, _act, _verdict) in enumerate(CASES.values(), start=1)
    ]
    hosts.lab.reset(deployment(collection((HOST, sessions))))
    rows = hosts.rows(RDS_LIST)
    assert [row["UserName"] for row in rows] == [user for user, _act, _verdict in CASES.values()]
    acts = [act(row) for row, (_user, act, _verdict) in zip(rows, CASES.values(), strict=True)]
    result = hosts.run(request(RDS_LIST, acts))
    found = dict(zip(CASES, verdicts(result), strict=True))
    assert found == {name: verdict for name, (_user, _act, verdict) in CASES.items()}
    sent = [user for user, _act, verdict in CASES.values() if verdict == "sent"]
    assert sorted(user for _host, _id, user in hosts.ended()) == sorted(sent)
    for act in result["acts"]:
        answer = act["answer"] and (act["answer"]["state"], act["answer"]["errors"])
        assert answer == (("completed", []) if act["verdict"] == "sent" else None)
    left = [row["UserName"] for row in result["listing"]["output"]]
    assert left == [user for user, _act, verdict in CASES.values() if verdict != "sent"]


def test_only_names_compare_without_case(hosts: Hosts) -> None:
    """The request says which properties are names."""
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    for act in acts:
        act["expect"] = {name: str(value).swapcase() for name, value in act["expect"].items()}
        act["expect"].pop("CreateTime")
    assert verdicts(hosts.run(request(RDS_LIST, acts, AnyCase=[]))) == ["replaced"] * 4
    assert verdicts(hosts.run(request(RDS_LIST, acts, AnyCase=["UserName"]))) == ["replaced"] * 4
    assert hosts.ended() == []
    assert verdicts(hosts.run(request(RDS_LIST, acts))) == ["sent"] * 4


@pytest.mark.parametrize("culture", ["tr-TR", "en-US"])
def test_case_of_names_is_that_of_no_language(hosts: Hosts, culture: str) -> None:
    """In Turkish an i with a dot is no capital I."""
    sessions = [{"id": number, "user": user} for number, user in enumerate(("I-1", "\u0131-2", "\u0130-3"), start=1)]
    hosts.lab.reset(deployment(collection((HOST, sessions))))
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    for number, act in enumerate(acts, start=1):
        act["expect"]["UserName"] = f"i-{number}"
    result = hosts.run(request(RDS_LIST, acts), culture=culture)
    assert verdicts(result) == ["sent", "replaced", "replaced"]


def test_name_that_is_missing_is_an_empty_one(hosts: Hosts) -> None:
    """A local user has no domain, whether a list says nothing or an empty text."""
    hosts.lab.reset(deployment(collection((HOST, [{"id": 1, "user": "alice", "ad_user_name": "alice"}]))))
    (row,) = hosts.rows(RDS_LIST)
    assert not row["DomainName"]
    other = "" if row["DomainName"] is None else None
    expected = {"UserName": "alice", "CreateTime": row["CreateTime"]}
    for domain, verdict in ((" CONTOSO", "replaced"), (other, "sent")):
        act = log_off(row, expect={**expected, "DomainName": domain})
        assert verdicts(hosts.run(request(RDS_LIST, [act]))) == [verdict]


@pytest.mark.parametrize(
    ("listing", "state", "rows"),
    [
        (call("Get-RDUserSession", CollectionName=["Desktops", "DESKTOPS"]), "completed", 8),
        (call("Get-RDUserSession", CollectionName=["Desktops", "none"]), "completed", 4),
        (call("Get-RDUserSession", Nonsense=True), "failed", 0),
    ],
    ids=["each row twice", "list with an error", "failed list"],
)
def test_list_that_is_doubtful_proves_nothing(hosts: Hosts, listing: Json, state: str, rows: int) -> None:
    acts = [log_off(row) for row in hosts.rows(RDS_LIST)]
    result = hosts.run(request(listing, acts))
    assert verdicts(result) == ["unproven"] * 4
    assert (result["listing"]["state"], len(result["listing"]["output"])) == (state, rows)
    assert hosts.ended() == []


def test_session_that_changed_between_two_lists_is_left_alone(hosts: Hosts) -> None:
    """Selected on one list, proven by another."""
    place = {"pool": "Desktops", "host": "rdsh-1.contoso.com"}
    rows = hosts.rows(RDS_LIST)
    acts = [log_off(row) for row in rows]
    assert [row["UserName"] for row in rows] == ["bob", "alice", "carol", "dave"]
    hosts.lab.give_id(**place, id=2, user="mallory@contoso.com")
    hosts.lab.remove(**place, id=6)
    hosts.lab.give_id(pool="Desktops", host="RDSH-0.contoso.com", id=2, user="alice@contoso.com")
    result = hosts.run(request(RDS_LIST, acts))
    assert verdicts(result) == ["sent", "replaced", "replaced", "gone"]
    assert hosts.ended() == [("RDSH-0.contoso.com", 3, "bob@contoso.com")]
    left = {(row["HostServer"], row["UserName"]) for row in result["listing"]["output"]}
    assert left == {("RDSH-0.contoso.com", "alice"), ("rdsh-1.contoso.com", "mallory")}


def test_ids_that_are_given_to_others_while_it_works(hosts: Hosts) -> None:
    """Each id goes to somebody else as soon as its session is gone, and four go before their sessions are.

    These four come up only when the first list is too old to prove anything.
    """
    hosts.lab.reset(deployment(collection(generate={"hosts": 3, "sessions_per_host": 10})))
    rows = hosts.rows(RDS_LIST)
    taken = rows[20:24]
    for number, row in enumerate(rows):
        act = {"HostServer": row["HostServer"], "UnifiedSessionID": row["UnifiedSessionId"]}
        next_owner = taken[number] if number < len(taken) else row
        then = {"host": next_owner["HostServer"], "id": next_owner["UnifiedSessionId"], "give_id_to": f"m{number}@x"}
        seconds = 2 if number < 4 else 5.5 if number < 8 else 4 if number < 12 else 0
        hosts.fault("hang", "Invoke-RDUserLogoff", parameters=act, seconds=seconds, when="after", then=then)
    result = hosts.run(request(RDS_LIST, [log_off(row) for row in rows], Calls=hosts.only_eight()))
    assert verdicts(result) == ["sent"] * 20 + ["replaced"] * 4 + ["sent"] * 6
    selected = [row for row in rows if row not in taken]
    names = sorted((row["HostServer"], row["UnifiedSessionId"], f"{row['UserName']}@contoso.com") for row in selected)
    assert hosts.ended() == names
    owners = {row["UserName"] for row in result["listing"]["output"]}
    assert owners == {f"m{number}" for number in range(len(rows)) if rows[number] not in taken}
