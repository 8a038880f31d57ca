# Copyright: (c) 2026, the remotedesktop.sessions contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sessions are meant: every rule by example, and never wider than asked for all that hypothesis can think of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.errors import SelectionError
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.outcome import (
    NOT_SELECTED,
    REPLACED,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.selection import (
    Filters,
    NamedSession,
    Selection,
)
from ansible_collections.remotedesktop.sessions.plugins.plugin_utils._sessions.session import (
    Session,
    account,
    fold,
    order,
    same_instant,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
CREATED = NOW - timedelta(hours=4)
ALICE = ("alice@contoso.com", "CONTOSO\\alice")
BOB = ("bob@contoso.com", "CONTOSO\\bob")


def listed(
    id_: str = "1",
    users: tuple[str, ...] = ALICE,
    state: str = "Active",
    host: str = "host-0.contoso.com",
    created: datetime | None = CREATED,
    place: str = "pool",
) -> Session:
    return Session(place, host, id_, users, state, created, 0.0, {})


def named(id_: str = "1", host: str = "host-0.contoso.com", place: str = "pool", **identity: object) -> NamedSession:
    return NamedSession(place, host, id_, **identity)  # type: ignore[arg-type]


def chosen(sessions: list[Session], **filters: object) -> list[str]:
    return [one.id for one in Selection(filters=Filters(**filters)).choose(sessions, NOW).sessions]  # type: ignore[arg-type]


def left_alone(selection: Selection, sessions: list[Session]) -> list[tuple[str, str]]:
    choice = selection.choose(sessions, NOW)
    assert choice.sessions == []
    return [(one.id, outcome) for one, _session, outcome, _reason in choice.left_alone]


# Users


@pytest.mark.parametrize(
    "given_name",
    ["alice@contoso.com", "ALICE@CONTOSO.COM", "contoso\\ALICE", "CONTOSO\\alice", "alice", "Alice", " alice "],
)
def test_user_selects_by_full_or_bare_name_in_any_case(given_name: str) -> None:
    assert chosen([listed("1"), listed("2", BOB)], users=(given_name,)) == ["1"]


@pytest.mark.parametrize(
    "given_name",
    ["alice@fabrikam.com", "FABRIKAM\\alice", ".\\alice", "alic", "alice2", "lice", "alice@", "@contoso.com", "*", ""],
)
def test_user_selects_nobody_by_another_name(given_name: str) -> None:
    assert chosen([listed("1"), listed("2", BOB)], users=(given_name,)) == []


def test_several_users_select_the_sessions_of_each() -> None:
    sessions = [listed("1"), listed("2", BOB), listed("3", ("carol@contoso.com",))]
    assert chosen(sessions, users=("alice", "bob@contoso.com")) == ["1", "2"]


def test_all_sessions_of_one_user_are_meant() -> None:
    assert chosen([listed("1"), listed("2"), listed("1", host="host-1")], users=("alice",)) == ["1", "2", "1"]


def test_bare_name_of_two_people_is_an_error_that_names_both() -> None:
    sessions = [listed("1"), listed("2", ("alice@fabrikam.com", "FABRIKAM\\alice"))]
    with pytest.raises(SelectionError, match=r"The user Alice fits alice@contoso.com, alice@fabrikam.com"):
        chosen(sessions, users=("Alice",))
    assert chosen(sessions, users=("alice@fabrikam.com",)) == ["2"]


def test_bare_name_is_ambiguous_also_when_the_accounts_of_two_people_cross() -> None:
    sessions = [
        listed("1", ("asmith@contoso.com", "CONTOSO\\a2")),
        listed("2", ("alice.smith@contoso.com", "CONTOSO\\asmith")),
    ]
    with pytest.raises(SelectionError, match="The user asmith fits"):
        chosen(sessions, users=("asmith",))


def test_bare_name_is_an_error_also_where_another_filter_leaves_one_person() -> None:
    sessions = [listed("1"), listed("2", ("alice@fabrikam.com",), host="host-1")]
    with pytest.raises(SelectionError, match="The user alice fits"):
        chosen(sessions, users=("alice",), host="host-1")


def test_bare_name_is_an_error_also_where_sessions_are_named() -> None:
    sessions = [listed("1"), listed("2", ("alice@fabrikam.com",))]
    with pytest.raises(SelectionError, match="The user alice fits"):
        Selection((named("1"),), Filters(users=("alice",))).choose(sessions, NOW)


def test_same_person_in_different_case_is_not_ambiguous() -> None:
    sessions = [listed("1"), listed("2", ("Alice@Contoso.com", "contoso\\Alice"))]
    assert chosen(sessions, users=("alice",)) == ["1", "2"]


def test_session_of_an_unknown_user_is_not_meant_by_any_user() -> None:
    sessions = [listed("1", ())]
    assert chosen(sessions, users=("alice", "", " ", "@", "\\")) == []
    assert chosen(sessions) == ["1"]


# Excluded users


@pytest.mark.parametrize(
    ("users", "given_name"),
    [
        (ALICE, "alice"),
        (ALICE, "ALICE"),
        (ALICE, "Alice@contoso.com"),
        (ALICE, "contoso\\Alice"),
        (("alice@contoso.com",), "CONTOSO\\alice"),
        (("alice@contoso.com",), "FABRIKAM\\alice"),
        (("CONTOSO\\alice",), "alice@fabrikam.com"),
        (("alice",), "alice@contoso.com"),
        (("alice",), "CONTOSO\\alice"),
        (("alice@fabrikam.com", "FABRIKAM\\alice"), "alice"),
        (("alice.smith@contoso.com", "CONTOSO\\alice"), "alice"),
        (("alice@contoso.com", "alice.smith@contoso.com"), "alice@contoso.com"),
        (("alice@contoso.com", "alice.smith@contoso.com"), "CONTOSO\\alice"),
    ],
)
def test_excluded_user_is_protected_whenever_the_name_could_be_theirs(users: tuple[str, ...], given_name: str) -> None:
    assert chosen([listed("1", users), listed("2", BOB)], excluded_users=(given_name,)) == ["2"]


@pytest.mark.parametrize("given_name", ["alic", "alice2", "contoso", "alice2@contoso.com"])
def test_exclusion_of_another_name_protects_nobody(given_name: str) -> None:
    assert chosen([listed("1")], excluded_users=(given_name,)) == ["1"]


@pytest.mark.parametrize("given_name", ["alice@fabrikam.com", "FABRIKAM\\alice"])
def test_exclusion_of_a_name_that_is_listed_protects_only_that_name(given_name: str) -> None:
    other = listed("2", ("alice@fabrikam.com", "FABRIKAM\\alice"))
    assert chosen([listed("1"), other], excluded_users=(given_name,)) == ["1"]


def test_exclusion_wins_over_selection() -> None:
    assert chosen([listed("1"), listed("2", BOB)], users=("alice", "bob"), excluded_users=("alice",)) == ["2"]


def test_excluding_a_bare_name_of_two_people_protects_both() -> None:
    sessions = [listed("1"), listed("2", ("alice@fabrikam.com",)), listed("3", BOB)]
    assert chosen(sessions, excluded_users=("alice",)) == ["3"]


def test_exclusion_of_several_protects_each() -> None:
    sessions = [listed("1"), listed("2", BOB), listed("3", ("carol@contoso.com",))]
    assert chosen(sessions, excluded_users=("nobody", "carol", "alice")) == ["2"]


# States and age


def test_state_counts_without_case_and_any_of_several_will_do() -> None:
    sessions = [listed("1"), listed("2", state="Disconnected"), listed("3", state="Pending")]
    assert chosen(sessions, states=("disconnected", "PENDING")) == ["2", "3"]


@pytest.mark.parametrize("state", ["", "Unknown", "Disconnected2", "LogOff"])
def test_state_that_was_not_asked_for_is_not_meant(state: str) -> None:
    assert chosen([listed("1", state=state)], states=("Active",)) == []


def test_minimum_age_means_at_least_that_old() -> None:
    sessions = [
        listed("1", created=NOW - timedelta(hours=2)),
        listed("2", created=NOW - timedelta(hours=2) + timedelta(microseconds=1)),
        listed("3", created=NOW + timedelta(days=1)),
        listed("4", created=NOW - timedelta(days=9)),
    ]
    assert chosen(sessions, minimum_age=timedelta(hours=2)) == ["1", "4"]


def test_session_of_unknown_age_is_never_old_enough() -> None:
    assert chosen([listed("1", created=None)], minimum_age=timedelta(0)) == []
    assert chosen([listed("1", created=None)]) == ["1"]


def test_minimum_disconnected_means_disconnected_for_at_least_that_long() -> None:
    since = NOW - timedelta(hours=2)
    sessions = [
        gone("1", since),
        gone("2", since + timedelta(microseconds=1)),
        gone("3", None),
        replace(gone("4", since), state="Active", common_state="active"),
        gone("5", since - timedelta(days=1)),
    ]
    assert chosen(sessions, minimum_disconnected=timedelta(hours=2)) == ["1", "5"]
    filters = Filters(minimum_disconnected=timedelta(hours=2))
    assert [filters.rejects(one, NOW) for one in sessions[1:4]] == [
        f"it is disconnected since {sessions[1].disconnected_at.isoformat()}",
        "it is not known since when it is disconnected",
        "its state is Active",
    ]


def gone(id_: str, since: datetime | None) -> Session:
    """Make a session that is disconnected."""
    return replace(listed(id_, state="Disconnected"), common_state="disconnected", disconnected_at=since)


def test_age_of_another_time_zone_is_the_same_instant() -> None:
    zone = timezone(timedelta(hours=9))
    assert chosen([listed("1", created=CREATED.astimezone(zone))], minimum_age=timedelta(hours=4)) == ["1"]
    assert chosen([listed("1", created=CREATED.astimezone(zone))], minimum_age=timedelta(hours=5)) == []


# Hosts


def test_host_in_the_wrong_case_means_the_listed_one() -> None:
    sessions = [listed("1"), listed("2", host="host-1.contoso.com")]
    assert chosen(sessions, host="HOST-0.Contoso.COM") == ["1"]


@pytest.mark.parametrize("host", ["host-0", "host-0.contoso", "contoso.com", "host-0.contoso.com.", "host-9"])
def test_host_is_a_whole_name(host: str) -> None:
    assert chosen([listed("1")], host=host) == []


def test_host_that_fits_two_listed_spellings_is_an_error_that_names_both() -> None:
    sessions = [listed("1", host="Host-0"), listed("2", host="host-0")]
    with pytest.raises(SelectionError, match="HOST-0 fits Host-0, host-0: spell it as"):
        chosen(sessions, host="HOST-0")


def test_host_spelled_as_listed_means_only_that_spelling() -> None:
    sessions = [listed("1", host="Host-0"), listed("2", host="host-0")]
    assert chosen(sessions, host="host-0") == ["2"]


def test_no_host_means_every_host() -> None:
    assert chosen([listed("1", host="Host-0"), listed("2", host="host-0"), listed("3", host="x")]) == ["1", "2", "3"]


# Named sessions


def test_named_session_is_the_only_one_chosen() -> None:
    sessions = [listed("1"), listed("2"), listed("1", host="host-1"), listed("1", place="other")]
    choice = Selection((named("1"),)).choose(sessions, NOW)
    assert choice.sessions == [sessions[0]]
    assert choice.left_alone == []


def test_no_names_select_nothing() -> None:
    choice = Selection(()).choose([listed("1"), listed("2", BOB)], NOW)
    assert choice.sessions == []
    assert choice.left_alone == []


def test_not_naming_sessions_is_not_naming_none() -> None:
    assert len(Selection(None).choose([listed("1"), listed("2", BOB)], NOW).sessions) == 2


def test_named_session_on_a_host_in_the_wrong_case_is_chosen_under_its_listed_name() -> None:
    choice = Selection((named("1", "HOST-0.CONTOSO.COM"),)).choose([listed("1")], NOW)
    assert [one.host for one in choice.sessions] == ["host-0.contoso.com"]


def test_named_host_that_fits_two_listed_spellings_is_an_error() -> None:
    sessions = [listed("1", host="Host-0"), listed("1", host="host-0")]
    with pytest.raises(SelectionError, match="HOST-0 fits Host-0, host-0"):
        Selection((named("1", "HOST-0"),)).choose(sessions, NOW)
    assert Selection((named("1", "host-0"),)).choose(sessions, NOW).sessions == [sessions[1]]


def test_named_session_that_is_not_listed_is_already_gone() -> None:
    sessions = [listed("2"), listed("1", host="host-1"), listed("1", place="other"), listed("11")]
    assert left_alone(Selection((named("1"),)), sessions) == [("1", "")]


@pytest.mark.parametrize("id_", ["", "01", "1.0", "1 2", " 1"])
def test_id_is_compared_as_text(id_: str) -> None:
    assert left_alone(Selection((named(id_),)), [listed("1")]) == [(id_, "")]


@pytest.mark.parametrize("user", ["alice@contoso.com", "Alice@Contoso.com", "contoso\\alice", ""])
def test_named_session_of_the_same_user_is_chosen(user: str) -> None:
    assert len(Selection((named("1", user=user),)).choose([listed("1")], NOW).sessions) == 1


@pytest.mark.parametrize("user", ["bob@contoso.com", "alice", "alice@fabrikam.com", "FABRIKAM\\alice"])
def test_named_session_of_another_user_is_replaced(user: str) -> None:
    assert left_alone(Selection((named("1", user=user),)), [listed("1")]) == [("1", REPLACED)]


def test_named_session_whose_user_cannot_be_read_any_more_is_replaced() -> None:
    choice = Selection((named("1", user="alice@contoso.com"),)).choose([listed("1", ())], NOW)
    assert [(outcome, reason) for _named, _session, outcome, reason in choice.left_alone] == [
        (REPLACED, "the id belongs to a user that cannot be read now")
    ]


@pytest.mark.parametrize(
    "created", [CREATED + timedelta(seconds=1), CREATED - timedelta(seconds=1), CREATED + timedelta(days=1), None]
)
def test_named_session_created_at_another_or_an_unknown_time_is_replaced(created: datetime | None) -> None:
    selection = Selection((named("1", user="alice@contoso.com", created=CREATED),))
    assert left_alone(selection, [listed("1", created=created)]) == [("1", REPLACED)]


@pytest.mark.parametrize("off", [timedelta(0), timedelta(milliseconds=999), -timedelta(milliseconds=999)])
def test_named_session_created_within_the_same_second_is_the_same(off: timedelta) -> None:
    selection = Selection((named("1", created=CREATED),))
    assert len(selection.choose([listed("1", created=CREATED + off)], NOW).sessions) == 1


@pytest.mark.parametrize(
    "filters",
    [
        Filters(users=("bob",)),
        Filters(excluded_users=("alice",)),
        Filters(states=("Disconnected",)),
        Filters(minimum_age=timedelta(hours=5)),
        Filters(host="host-1"),
    ],
)
def test_named_session_that_a_filter_does_not_fit_is_not_selected(filters: Filters) -> None:
    choice = Selection((named("1"),), filters).choose([listed("1")], NOW)
    assert choice.sessions == []
    [(one, session, outcome, reason)] = choice.left_alone
    assert (one.id, session, outcome) == ("1", listed("1"), NOT_SELECTED)
    assert reason


def test_replaced_counts_before_not_selected() -> None:
    selection = Selection((named("1", user="bob@contoso.com"),), Filters(users=("bob",)))
    assert left_alone(selection, [listed("1")]) == [("1", REPLACED)]


def test_session_named_twice_is_meant_once() -> None:
    names = (named("1"), named("1", "HOST-0.contoso.com"), named("2"), named("2"), named("3"), named("3"))
    choice = Selection(names).choose([listed("1"), listed("3", BOB)], NOW)
    assert [one.id for one in choice.sessions] == ["1", "3"]
    assert [(one.id, outcome) for one, _session, outcome, _reason in choice.left_alone] == [("2", "")]


def test_sessions_named_on_two_hosts_that_differ_by_case_are_two_sessions() -> None:
    sessions = [listed("1", host="Host-0"), listed("1", BOB, host="host-0")]
    choice = Selection((named("1", "Host-0"), named("1", "host-0"))).choose(sessions, NOW)
    assert choice.sessions == sessions


def test_named_sessions_are_in_the_order_of_the_list_too() -> None:
    choice = Selection((named("10"), named("9"))).choose([listed("9"), listed("10")], NOW)
    assert [one.id for one in choice.sessions] == ["9", "10"]


def test_reason_says_who_or_what_is_there_instead() -> None:
    reasons = {
        Filters(users=("bob",)): "its user is alice@contoso.com",
        Filters(excluded_users=("alice",)): "alice@contoso.com is excluded",
        Filters(states=("Pending",)): "its state is Active",
        Filters(host="x"): "it is on host-0.contoso.com",
        Filters(minimum_age=timedelta(days=1)): f"it was created at {CREATED.isoformat()}",
    }
    assert {filters: filters.rejects(listed(), NOW) for filters in reasons} == reasons
    assert Filters(users=("bob",)).rejects(listed(users=()), NOW) == "its user is not known"
    assert named(user="bob@contoso.com").mismatch(listed()) == "the id belongs to alice@contoso.com now"


def test_same_id_on_two_hosts_are_two_sessions() -> None:
    sessions = [listed("1"), listed("1", BOB, host="host-1")]
    choice = Selection((named("1"), named("1", "host-1"))).choose(sessions, NOW)
    assert choice.sessions == sessions


def test_same_host_and_id_in_two_places_are_two_sessions() -> None:
    sessions = [listed("1"), listed("1", BOB, place="other")]
    assert Selection((named("1", place="other"),)).choose(sessions, NOW).sessions == [sessions[1]]


def test_what_was_given_is_kept_for_the_row_of_a_session_that_is_gone() -> None:
    one = named("7", fields={"id": "7", "colour": "red"})
    [(kept, session, _outcome, _reason)] = Selection((one,)).choose([], NOW).left_alone
    assert kept.fields == {"id": "7", "colour": "red"}
    assert kept.key == ("pool", "host-0.contoso.com", "7")
    assert session is None


def test_chosen_sessions_are_in_the_order_of_place_host_and_number() -> None:
    sessions = [listed("10"), listed("9"), listed("x"), listed("1", host="Aaa"), listed("1", place="a")]
    choice = Selection().choose(reversed(sessions), NOW)
    assert [one.key for one in choice.sessions] == [
        ("a", "host-0.contoso.com", "1"),
        ("pool", "Aaa", "1"),
        ("pool", "host-0.contoso.com", "x"),
        ("pool", "host-0.contoso.com", "9"),
        ("pool", "host-0.contoso.com", "10"),
    ]


# What makes two listings the same session


def test_session_is_still_itself_whatever_its_state() -> None:
    assert listed(state="Disconnected").is_still(listed())


@pytest.mark.parametrize(
    "changes",
    [
        {"place": "other"},
        {"host": "host-1"},
        {"id": "2"},
        {"users": BOB},
        {"users": ()},
        {"users": ("alice@fabrikam.com", "CONTOSO\\alice")},
        {"created": CREATED + timedelta(seconds=1)},
        {"created": CREATED - timedelta(seconds=1)},
        {"created": None},
    ],
)
def test_session_is_another_when_anything_of_its_identity_differs(changes: dict[str, object]) -> None:
    assert not replace(listed(), **changes).is_still(listed())  # type: ignore[arg-type]
    assert not listed().is_still(replace(listed(), **changes))  # type: ignore[arg-type]


def test_sessions_of_unknown_users_are_never_the_same() -> None:
    assert not listed(users=()).is_still(listed(users=()))


def test_unknown_creation_equals_only_unknown_creation() -> None:
    assert same_instant(None, None)
    assert not same_instant(CREATED, None)
    assert not same_instant(None, CREATED)
    assert listed(created=None).is_still(listed(created=None))


def test_session_reads_as_host_id_user_and_state() -> None:
    assert str(listed()) == "host-0.contoso.com/1 (alice@contoso.com, Active)"
    assert str(listed(users=())) == "host-0.contoso.com/1 (user not known, Active)"
    assert listed(users=()).user == ""


@pytest.mark.parametrize("name", ["alice", "ALICE", " alice ", "C\\alice", "alice@c.com", "C\\alice@c.com", "\\alice@"])
def test_account_is_the_part_between_domain_and_suffix(name: str) -> None:
    assert account(name) == "alice"


# For all that hypothesis can think of

settings.register_profile("unit", deadline=None, derandomize=True)
settings.load_profile("unit")

DOMAINS = ("contoso.com", "fabrikam.com")
ACCOUNTS = ("alice", "bob", "Bob")
HOSTS = ("host-0", "Host-0", "host-1")
principals = st.builds("{}@{}".format, st.sampled_from(ACCOUNTS), st.sampled_from(DOMAINS))
accounts = st.builds("{}\\{}".format, st.sampled_from(("CONTOSO", "FABRIKAM")), st.sampled_from(ACCOUNTS))
owners = st.one_of(st.just(()), st.tuples(principals), st.tuples(accounts), st.tuples(principals, accounts))
moments = st.none() | st.sampled_from([NOW - timedelta(hours=hours, seconds=s) for hours in (1, 5) for s in (0, 1, 2)])
sessions_listed = st.lists(
    st.builds(
        listed,
        st.sampled_from(("1", "2", "10")),
        owners,
        st.sampled_from(("Active", "Disconnected", "Pending")),
        st.sampled_from(HOSTS),
        moments,
        st.sampled_from(("pool", "other")),
    ),
    max_size=12,
    unique_by=lambda session: session.key,
)
names_given = st.one_of(principals, accounts, st.sampled_from((*ACCOUNTS, "ALICE", "nobody", "bob@CONTOSO.com")))
filters_given = st.builds(
    Filters,
    st.sampled_from(("", *HOSTS, "HOST-1", "host-9")),
    st.lists(names_given, max_size=2).map(tuple),
    st.lists(names_given, max_size=2).map(tuple),
    st.lists(st.sampled_from(("active", "Disconnected")), max_size=2).map(tuple),
    st.none() | st.sampled_from((timedelta(0), timedelta(hours=2))),
)
sessions_named = st.lists(
    st.builds(
        NamedSession,
        st.sampled_from(("pool", "other")),
        st.sampled_from((*HOSTS, "HOST-1")),
        st.sampled_from(("1", "2", "3")),
        st.just("") | principals | accounts,
        moments,
    ),
    max_size=5,
).map(tuple)


def fits(session: Session, filters: Filters) -> bool:
    """Say again, in other words, what the filters promise."""
    names = {fold(name) for name in session.users}
    parts = {fold(name).split("\\")[-1].split("@")[0] for name in session.users}
    wanted = {fold(name) for name in filters.users}
    protected = {fold(name) for name in filters.excluded_users}
    return (
        (not filters.host or filters.host.lower() == session.host.lower())
        and (not wanted or bool(wanted & (names | parts)))
        and not protected & (names | parts)
        and (not filters.states or session.state.lower() in [state.lower() for state in filters.states])
        and (
            filters.minimum_age is None
            or (session.created is not None and session.created <= NOW - filters.minimum_age)
        )
    )


@given(sessions_listed, filters_given)
@settings(max_examples=300)
def test_filters_never_choose_a_session_that_they_do_not_promise(sessions: list[Session], filters: Filters) -> None:
    try:
        choice = Selection(filters=filters).choose(sessions, NOW)
    except SelectionError:
        return
    assert choice.left_alone == []
    assert all(any(session is one for one in sessions) for session in choice.sessions)
    assert all(fits(session, filters) for session in choice.sessions)
    if filters.host:
        assert len({session.host for session in choice.sessions}) <= 1
    for name in filters.users:
        if "@" not in name and "\\" not in name:
            owners_meant = [one for one in choice.sessions if fold(name) in {account(user) for user in one.users}]
            assert len({fold(one.user) for one in owners_meant}) <= 1


@given(sessions_listed, sessions_named, filters_given)
@settings(max_examples=300)
def test_names_never_choose_a_session_that_was_not_named_or_is_another_now(
    sessions: list[Session], names: tuple[NamedSession, ...], filters: Filters
) -> None:
    try:
        choice = Selection(names, filters).choose(sessions, NOW)
    except SelectionError:
        return
    assert len(choice.sessions) + len(choice.left_alone) <= len(names)
    assert len({session.key for session in choice.sessions}) == len(choice.sessions)
    for session in choice.sessions:
        assert fits(session, filters)
        assert any(
            (one.place, one.host.lower(), one.id) == (session.place, session.host.lower(), session.id)
            and (not one.user or fold(one.user) in {fold(name) for name in session.users})
            and (
                one.created is None
                or (session.created is not None and abs(one.created - session.created) < timedelta(seconds=1))
            )
            for one in names
        )


@given(sessions_listed, sessions_named)
def test_every_named_session_is_chosen_or_left_alone_for_a_reason(
    sessions: list[Session], names: tuple[NamedSession, ...]
) -> None:
    try:
        choice = Selection(names).choose(sessions, NOW)
    except SelectionError:
        return
    accounted = {(one.place, one.host.lower(), one.id) for one in choice.sessions}
    accounted |= {(one.place, one.host.lower(), one.id) for one, _session, _outcome, _reason in choice.left_alone}
    assert accounted == {(one.place, one.host.lower(), one.id) for one in names}
    assert all(reason for _named, _session, _outcome, reason in choice.left_alone)


@given(sessions_listed, filters_given, names_given)
def test_one_more_excluded_user_never_chooses_more(sessions: list[Session], filters: Filters, name: str) -> None:
    try:
        before = Selection(filters=filters).choose(sessions, NOW).sessions
    except SelectionError:
        return
    after = Selection(filters=replace(filters, excluded_users=(*filters.excluded_users, name))).choose(sessions, NOW)
    assert {one.key for one in after.sessions} <= {one.key for one in before}


@given(st.lists(st.tuples(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3))))
def test_any_keys_can_be_ordered(keys: list[tuple[str, str, str]]) -> None:
    assert len(sorted(keys, key=order)) == len(keys)


@pytest.mark.parametrize("other", [{"user": "mallory@contoso.com"}, {"nobody": True}])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_rows_of_one_id_that_tell_of_different_sessions_are_different_requests(
    order: tuple[int, int], other: dict[str, object]
) -> None:
    rows = [named("1", **other), named("1", user="alice@contoso.com")]
    choice = Selection(tuple(rows[number] for number in order)).choose([listed("1")], NOW)
    assert [session.user for session in choice.sessions] == ["alice@contoso.com"]
    assert [outcome for _named, _session, outcome, _reason in choice.left_alone] == ["replaced"]
