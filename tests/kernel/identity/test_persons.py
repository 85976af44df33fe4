"""ID numbers (GB 11643-1999) and verified persons: one person is one row a brand, and only a hash is kept."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sqlalchemy import select

from kernel.actor import Actor, Role, system
from kernel.clock import FixedClock
from kernel.errors import Forbidden, InvalidInput, NotSignedIn, Refusal
from kernel.identity.errors import AlreadyVerified, IdNumberInvalid, SignInThrottled, TooYoung
from kernel.identity.persons import (
    REGIONS,
    PersonClaim,
    SandboxPersonVerifier,
    age_years,
    check_digit,
    person_hash,
    read_id_number,
)
from kernel.identity.service import Identity
from kernel.identity.tables import persons
from kernel.ids import AccountId
from kernel.work import Works
from tests.kernel.identity.people import (
    BOREALIS,
    EMAIL,
    GUEST,
    ID_NUMBER,
    PASSWORD,
    QILAN,
    SETTINGS,
    actor_of,
    id_number,
    make_identity,
    must_act,
    personal_traces,
    signed_up,
)

TODAY = date(2026, 11, 23)
CHILD_NUMBER = "99010120081124001" + check_digit("99010120081124001")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@pytest.fixture
def identity(works: Works) -> Identity:
    return make_identity(works)


@st.composite
def id_numbers(draw: st.DrawFn) -> str:
    born = draw(st.dates(date(1900, 1, 1), TODAY))
    region = draw(st.sampled_from(sorted(REGIONS)))
    first = f"{region}{draw(st.integers(0, 9999)):04d}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return first + check_digit(first)


# --- the number ------------------------------------------------------------------------------------------------------


@given(st.text("0123456789", min_size=17, max_size=17))
def test_the_check_digit_is_that_of_the_standards_table(first: str) -> None:
    weighted = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first, strict=True))

    assert check_digit(first) == "10X98765432"[weighted % 11]


def test_the_standards_own_example_is_valid() -> None:
    assert read_id_number("11010519491231002x", today=TODAY) == "11010519491231002X"


@given(id_numbers())
def test_every_number_made_by_the_rule_is_read(number: str) -> None:
    assert read_id_number(f" {number.lower()} ", today=TODAY) == number


@given(id_numbers(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_place_is_always_found(number: str, place: int, other: str) -> None:
    assume(other != number[place])

    with pytest.raises(IdNumberInvalid):
        read_id_number(number[:place] + other + number[place + 1 :], today=TODAY)


@given(id_numbers(), st.integers(0, 16))
def test_two_neighbours_swapped_are_always_found(number: str, place: int) -> None:
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assume(swapped != number)

    with pytest.raises(IdNumberInvalid):
        read_id_number(swapped, today=TODAY)


@given(st.text(max_size=30))
def test_any_other_text_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(IdNumberInvalid) as caught:
        read_id_number(text, today=TODAY)

    assert caught.value.reason in {"17 digits and a digit or X", "its region", "its date of birth", "its check digit"}


@pytest.mark.parametrize(
    ("first", "reason"),
    [
        ("99010119900312001", "its region"),
        ("11010119900230001", "its date of birth"),
        ("11010118991231001", "its date of birth"),
        ("11010120261124001", "its date of birth"),
        ("1101011990031200", "17 digits and a digit or X"),
        ("1101011990031200１", "17 digits and a digit or X"),
    ],
)
def test_an_impossible_number_is_refused_with_the_reason(first: str, reason: str) -> None:
    number = first + check_digit(first)

    with pytest.raises(IdNumberInvalid) as caught:
        read_id_number(number, today=TODAY)

    assert caught.value.reason == reason


def test_one_is_of_age_from_the_eighteenth_birthday_on() -> None:
    assert age_years(date(2008, 11, 23), TODAY) == 18
    assert age_years(date(2008, 11, 24), TODAY) == 17
    assert age_years(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert age_years(date(2008, 2, 29), date(2026, 3, 1)) == 18


def test_the_sandbox_believes_adults_with_invented_numbers() -> None:
    sandbox = SandboxPersonVerifier()
    assert sandbox.verify(PersonClaim(ID_NUMBER, "听雨小满"), today=TODAY) == ID_NUMBER
    with pytest.raises(TooYoung):
        sandbox.verify(PersonClaim(CHILD_NUMBER, "听雨小满"), today=TODAY)


def test_a_hash_differs_by_brand_and_by_installation() -> None:
    hashes = {
        person_hash(key, brand, ID_NUMBER)
        for key in (SETTINGS.identity_key, b"another key of another place....")
        for brand in (QILAN, BOREALIS)
    }

    assert len(hashes) == 4


# --- the person ------------------------------------------------------------------------------------------------------


def refusal_of(identity: Identity, actor: Actor, number: str) -> Refusal:
    with pytest.raises(Refusal) as caught:
        identity.verify_person(actor, claim=PersonClaim(number, "听雨小满"))
    return caught.value


def test_a_verified_account_acts_for_its_person_under_a_new_token(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)

    person_id, rotated = identity.verify_person(
        must_act(identity, works, session.token), claim=PersonClaim(ID_NUMBER, "听雨小满"), token=session.token
    )

    assert rotated is not None
    assert must_act(identity, works, rotated.token).person_id == person_id
    assert actor_of(identity, works, session.token) is None


def test_the_number_itself_stands_nowhere(identity: Identity, works: Works) -> None:
    session = signed_up(identity, works)
    identity.verify_person(must_act(identity, works, session.token), claim=PersonClaim(ID_NUMBER, "听雨小满"))

    with works.read(system(QILAN)) as work:
        assert personal_traces(work, re.compile(f"{ID_NUMBER}|听雨小满|{re.escape(PASSWORD)}")) == []
        assert personal_traces(work, re.compile(re.escape(EMAIL))) == ["accounts"]


def test_two_accounts_of_one_person_share_the_person(identity: Identity, works: Works) -> None:
    first = must_act(identity, works, signed_up(identity, works).token)
    second = must_act(identity, works, signed_up(identity, works, email="second@qilan.test").token)

    with ThreadPoolExecutor(2) as pool:
        calls = [
            pool.submit(identity.verify_person, one, claim=PersonClaim(ID_NUMBER, "听雨小满"))
            for one in (first, second)
        ]
        found = {call.result(60)[0] for call in calls}

    with works.read(system(QILAN)) as work:
        assert set(work.connection.execute(select(persons.c.id)).scalars()) == found
    assert len(found) == 1


def test_brands_know_the_same_person_apart(identity: Identity, works: Works) -> None:
    there = Actor(BOREALIS, locale="en")
    here_actor = must_act(identity, works, signed_up(identity, works).token)
    there_actor = must_act(identity, works, signed_up(identity, works, guest=there).token, there)

    here_person, _ = identity.verify_person(here_actor, claim=PersonClaim(ID_NUMBER, "听雨小满"))
    there_person, _ = identity.verify_person(there_actor, claim=PersonClaim(ID_NUMBER, "听雨小满"))

    assert here_person != there_person


def test_an_account_stays_with_its_person(identity: Identity, works: Works) -> None:
    actor = must_act(identity, works, signed_up(identity, works).token)
    person_id, _ = identity.verify_person(actor, claim=PersonClaim(ID_NUMBER, "听雨小满"))

    assert refusal_of(identity, actor, id_number(7)) == AlreadyVerified()

    assert identity.verify_person(actor, claim=PersonClaim(ID_NUMBER, "听雨小满"))[0] == person_id


def test_attempts_to_be_somebody_are_bounded(identity: Identity, works: Works, clock: FixedClock) -> None:
    actor = must_act(identity, works, signed_up(identity, works).token)

    misspelt = [refusal_of(identity, actor, "1" * 18).code for _ in range(6)]
    too_young = [refusal_of(identity, actor, CHILD_NUMBER).code for _ in range(5)]

    assert misspelt == ["ID_NUMBER_INVALID"] * 6, "what is no number tells nobody anything and is not counted"
    assert too_young == ["TOO_YOUNG"] * 5
    assert refusal_of(identity, actor, ID_NUMBER) == SignInThrottled(3600)
    clock.advance(timedelta(hours=1))
    assert identity.verify_person(actor, claim=PersonClaim(ID_NUMBER, "听雨小满"))


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "听雨\x00小满"])
def test_nobody_is_without_a_name(identity: Identity, works: Works, name: str) -> None:
    actor = must_act(identity, works, signed_up(identity, works).token)

    with pytest.raises(InvalidInput):
        identity.verify_person(actor, claim=PersonClaim(ID_NUMBER, name))


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [(30, "30 s", "30秒"), (600, "10 min", "10分钟"), (5000, "84 min", "84分钟"), (86_400, "24 h", "24小时")],
)
def test_a_pause_is_told_as_people_say_it(seconds: int, en: str, zh: str) -> None:
    assert SignInThrottled(seconds).text("en").endswith(f"Try again in {en}.")
    assert SignInThrottled(seconds).text("zh-CN").endswith(f"请在{zh}后重试。")


def test_only_who_has_an_account_is_verified(identity: Identity) -> None:
    assert refusal_of(identity, GUEST, ID_NUMBER) == NotSignedIn()
    machine = Actor(QILAN, frozenset({Role.PLANT}), account_id=AccountId("1" * 32))
    assert isinstance(refusal_of(identity, machine, ID_NUMBER), Forbidden)
