"""The plain values of the ground: money, ids, clocks, refusals, actors, events and pages, without a database."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.actor import GRANTS, Actor, Permission, Role, system
from kernel.clock import FixedClock, ShiftedClock, SystemClock
from kernel.errors import (
    Conflict,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    NotFound,
    NotSignedIn,
    Refusal,
    TooBusy,
)
from kernel.events import Event, decode, encode, event
from kernel.ids import AccountId, BrandId, PersonId, RandomIds, SeededIds
from kernel.money import (
    BasisPoints,
    Money,
    allocate,
    divide_half_up,
    format_money,
    format_share,
    round_half_up_to_yuan,
    share_basis_points,
    total,
    yuan,
)
from kernel.paging import PAGE_SIZE_MAX, PageRequest, decode_cursor, encode_cursor, make_page, page_request
from kernel.reasons import write

BRAND = BrandId("a" * 32)
MOMENT = datetime(2026, 11, 23, 2, 0, 0, 123, tzinfo=UTC)

# --- money ---


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_what_is_allocated_adds_up_and_each_part_is_within_one_fen_of_its_share(minor: int, weights: list[int]) -> None:
    weights[0] += 1

    parts = allocate(minor, weights)

    assert sum(parts) == minor
    whole = sum(weights)
    assert all(abs(part * whole - minor * weight) < whole for part, weight in zip(parts, weights, strict=True))


def test_the_largest_remainders_get_the_odd_fen_and_ties_go_to_the_earlier() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [6, 2, 1]) == [7, 2, 1]
    assert allocate(-100, [1, 1, 1]) == [-33, -33, -34]
    assert allocate(5, [0, 1]) == [0, 5]


@given(st.integers(-(10**9), 10**9), st.integers(1, 10**6))
def test_half_up_is_the_nearest_and_a_half_goes_away_from_zero(numerator: int, denominator: int) -> None:
    result = divide_half_up(numerator, denominator)

    assert abs(2 * (result * denominator - numerator)) <= denominator
    assert divide_half_up(-numerator, denominator) == -result


@pytest.mark.parametrize(("minor", "rounded"), [(149, 100), (150, 200), (-149, -100), (-150, -200), (0, 0)])
def test_a_price_is_rounded_half_up_to_the_yuan(minor: int, rounded: int) -> None:
    assert round_half_up_to_yuan(minor) == rounded


def test_shares_and_floors() -> None:
    assert share_basis_points(12_980_000, 200) == 259_600
    assert share_basis_points(1, 5000) == 1


def test_money_of_two_currencies_never_adds_and_fractions_never_exist() -> None:
    with pytest.raises(AssertionError):
        yuan(1) + Money(1, "USD")
    with pytest.raises(AssertionError):
        Money(1.5)  # type: ignore[arg-type]
    assert total([yuan(1), -yuan(3), yuan(1) * 2]) == Money(0)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (yuan(129_800), "¥129,800"),
        (Money(-120_050), "-¥1,200.50"),
        (Money(5), "¥0.05"),
        (Money(100, "JPY"), "JPY 1"),
    ],
)
def test_money_is_written_as_people_do(money: Money, text: str) -> None:
    assert format_money(money) == text


@pytest.mark.parametrize(
    ("basis_points", "english", "chinese"),
    [
        (0, "0 %", "0%"),
        (300, "3 %", "3%"),
        (250, "2.5 %", "2.5%"),
        (205, "2.05 %", "2.05%"),
        (9_999, "99.99 %", "99.99%"),
        (-50, "-0.5 %", "-0.5%"),
        (123_400, "1,234 %", "1,234%"),
    ],
)
def test_shares_are_written_in_percent(basis_points: int, english: str, chinese: str) -> None:
    share = BasisPoints(basis_points)

    assert (format_share(share, chinese=False), format_share(share, chinese=True)) == (english, chinese)


# --- ids and clocks ---


def test_ids_of_one_moment_stay_in_order_however_many_there_are() -> None:
    for maker in (RandomIds(), SeededIds(seed=3)):
        made = [maker.new(MOMENT) for _ in range(20_000)]

        assert made == sorted(made)
        assert len(set(made)) == len(made)


def test_an_id_is_a_uuid_of_version_7_and_carries_its_moment() -> None:
    later = MOMENT + timedelta(milliseconds=1)
    maker = RandomIds()
    made = [maker.new(later), maker.new(MOMENT)]

    assert all(len(one) == 32 and one[12] == "7" and one[16] in "89ab" for one in made)
    assert int(made[1][:12], 16) == int(MOMENT.timestamp() * 1000)
    assert made[1] < made[0]


def test_many_ids_at_once_are_those_that_one_after_the_other_would_be() -> None:
    many, single, chance = SeededIds(1), SeededIds(1), RandomIds()

    drawn = [*chance.new_many(MOMENT, 3), chance.new(MOMENT), *chance.new_many(MOMENT, 2)]

    assert many.new_many(MOMENT, 5) == [single.new(MOMENT) for _ in range(5)]
    assert (drawn, len(set(drawn))) == (sorted(drawn), 6)
    assert chance.new_many(MOMENT, 0) == []


def test_one_seed_makes_the_same_ids() -> None:
    first, second, other = SeededIds(1), SeededIds(1), SeededIds(2)

    assert [first.new(MOMENT) for _ in range(3)] == [second.new(MOMENT) for _ in range(3)]
    assert other.new(MOMENT) != SeededIds(1).new(MOMENT)


def test_a_clock_that_is_moved_by_hand_never_runs_backwards() -> None:
    clock = FixedClock(MOMENT)
    clock.advance(timedelta(hours=1))

    assert clock.now() == MOMENT + timedelta(hours=1)
    with pytest.raises(AssertionError):
        clock.set(MOMENT)
    with pytest.raises(AssertionError):
        FixedClock(datetime(2026, 1, 1))  # noqa: DTZ001 - a naive time is what is refused


def test_a_shifted_clock_asks_for_its_offset_each_time() -> None:
    offset = timedelta(0)
    clock = ShiftedClock(lambda: offset)
    before = clock.now()
    offset = timedelta(days=21)

    assert timedelta(days=21) <= clock.now() - before < timedelta(days=21, minutes=1)
    assert SystemClock().now().tzinfo is UTC


# --- refusals and actors ---


@pytest.mark.parametrize(
    "refusal",
    [
        InvalidInput("first", "ask for 1 to 100"),
        NotSignedIn(),
        Forbidden("vote"),
        NotFound("pool"),
        Conflict("policy", "version 3 is the newest"),
        IdempotencyMismatch(),
        TooBusy(2),
    ],
)
def test_a_refusal_speaks_both_languages_and_holds_its_facts(refusal: Refusal) -> None:
    english, chinese = refusal.text("en"), refusal.text("zh-CN")

    assert english != chinese
    for value in refusal.facts().values():
        assert str(write(value, chinese=False)) in english
        assert str(write(value, chinese=True)) in chinese
    assert str(refusal).startswith(refusal.code)


@dataclass(unsafe_hash=True)
class Priced(Refusal):
    """A refusal with facts of every kind."""

    en = "{price} {at} {day} {options}"
    price: Money
    at: datetime
    day: date
    options: tuple[str, ...]


def test_facts_are_written_for_people_and_braces_in_them_stay_text() -> None:
    refused = Priced(yuan(5000), MOMENT, date(2026, 12, 1), ("{A}", "B"))

    assert refused.text("en") == "¥5,000 2026-11-23 02:00 UTC 2026-12-01 {A}, B"
    assert refused == Priced(yuan(5000), MOMENT, date(2026, 12, 1), ("{A}", "B"))


def test_a_guest_is_asked_to_sign_in_and_everybody_else_is_refused() -> None:
    with pytest.raises(NotSignedIn):
        Actor(BRAND).require(Permission.PREORDER)
    with pytest.raises(Forbidden):
        Actor(BRAND, frozenset({Role.AUDITOR}), AccountId("1" * 32)).require(Permission.PREORDER)
    with pytest.raises(NotFound):
        Actor(BRAND, frozenset({Role.DEALER}), AccountId("1" * 32)).own_store()
    with pytest.raises(NotFound):
        Actor(BRAND, frozenset({Role.PLANT}), AccountId("1" * 32)).own_plant()


def test_roles_add_up_and_speaking_another_language_changes_nothing_else() -> None:
    both = Actor(BRAND, frozenset({Role.CONSUMER, Role.AUDITOR}), AccountId("1" * 32), PersonId("2" * 32))

    assert both.permissions == GRANTS[Role.CONSUMER] | GRANTS[Role.AUDITOR]
    assert both.speaking("en").permissions == both.permissions
    assert (both.locale, both.speaking("en").locale) == ("zh-CN", "en")
    assert system(BRAND).permissions == frozenset(Permission)


# --- events ---


class Stage(StrEnum):
    BODY = "body"
    PAINT = "paint"


@dataclass(frozen=True, slots=True)
class Line:
    option: str
    price: Money


@event("test.everything_happened")
@dataclass(frozen=True, slots=True)
class EverythingHappened(Event):
    """An event with a field of every kind that may travel."""

    amount: Money
    lines: tuple[Line, ...]
    pair: tuple[str, Money]
    days: dict[str, date]
    stage: Stage | None
    account_id: AccountId
    at: datetime
    came_later: int = 7


moneys = st.builds(Money, st.integers(-(2**53), 2**53), st.sampled_from(["CNY", "EUR"]))
happenings = st.builds(
    EverythingHappened,
    brand_id=st.just(BRAND),
    amount=moneys,
    lines=st.lists(st.builds(Line, st.text(max_size=5), moneys), max_size=3).map(tuple),
    pair=st.tuples(st.text(max_size=5), moneys),
    days=st.dictionaries(st.text(max_size=5), st.dates(), max_size=3),
    stage=st.sampled_from([*Stage, None]),
    account_id=st.just(AccountId("1" * 32)),
    at=st.datetimes(timezones=st.just(UTC)),
    came_later=st.integers(-(2**53), 2**53),
)


@given(happenings)
def test_an_event_comes_back_as_it_was(happened: EverythingHappened) -> None:
    payload = orjson.loads(orjson.dumps(encode(happened)))

    assert decode("test.everything_happened", payload) == happened


def test_an_event_written_before_a_field_existed_takes_its_default() -> None:
    happened = EverythingHappened(BRAND, yuan(1), (), ("a", yuan(1)), {}, None, AccountId("1" * 32), MOMENT)
    payload = orjson.loads(orjson.dumps(encode(happened)))
    del payload["came_later"]
    payload["unheard_of"] = 1

    assert decode("test.everything_happened", payload) == happened


def test_two_events_cannot_have_one_name() -> None:
    with pytest.raises(AssertionError):

        @event("test.everything_happened")
        @dataclass(frozen=True, slots=True)
        class Other(Event):
            """Another class under a name that is taken."""


# --- pages ---


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=190))
def test_a_cursor_comes_back_as_the_key_it_hid(key: str) -> None:
    if len(key) <= 190:
        assert decode_cursor(encode_cursor(key)) == key


@pytest.mark.parametrize(
    "cursor", ["", "x", "é", "AAAA", "!!!!", base64.b64encode(b"c1:\x00").decode(), "\ud800", "YzE6" + "A" * 4000]
)
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput):
        page_request(10, cursor)


@pytest.mark.parametrize("size", [0, -1, PAGE_SIZE_MAX + 1, 10**9])
def test_a_page_of_no_rows_or_too_many_is_refused(size: int) -> None:
    with pytest.raises(InvalidInput):
        page_request(size, None)


@given(st.lists(st.integers(), unique=True, max_size=40), st.integers(1, 7))
def test_pages_hold_every_row_once_in_order(rows: list[int], size: int) -> None:
    rows.sort()
    seen: list[int] = []
    after: str | None = None
    for _ in range(len(rows) + 1):
        request = page_request(size, after)
        left = [row for row in rows if request.after is None or row > int(request.after)]
        page = make_page(left[: size + 1], request, str)
        seen += page.items
        if not page.has_next:
            break
        after = page.cursors[-1]

    assert seen == rows
    assert all(earlier < later for earlier, later in pairwise(seen))


def test_the_first_page_has_no_cursor_before_it() -> None:
    assert page_request(5, None) == PageRequest(5, None)
