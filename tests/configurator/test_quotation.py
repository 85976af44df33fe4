"""Quotes as values: the tax, every line to the fen, recomputed, signed and read again."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configurator.model import (
    LineKind,
    PoolOffer,
    Promise,
    Quote,
    QuoteFacts,
    TierPrice,
    member_price_minor,
)
from configurator.quotation import QuotePolicy, Terms, compose_quote, decode_quote, encode_quote
from configurator.signing import QuoteKey, envelope, sign_quote, verify_offline
from configurator.tax import TaxPolicy, purchase_tax_minor
from tests.configurator.quoting import NOON, TIERS, amounts, facts
from tests.configurator.small_brand import (
    DESK,
    small_catalogue,
)

CATALOGUE = small_catalogue()


def quote_of(given_facts: QuoteFacts, *, quote_policy: QuotePolicy | None = None) -> Quote:
    features = CATALOGUE.car_features.of((given_facts.model, *given_facts.options))
    terms = Terms(CATALOGUE, quote_policy or QuotePolicy(), TaxPolicy())
    return compose_quote(given_facts, terms, features=features)


@pytest.mark.parametrize(
    ("price_yuan", "new_energy", "day", "tax_minor"),
    [
        (113_000, False, date(2026, 11, 23), 1_000_000),
        (113_000, True, date(2026, 11, 23), 500_000),
        (113_000, True, date(2027, 12, 31), 500_000),
        (113_000, True, date(2028, 1, 1), 1_000_000),
        (113_000, True, date(2025, 12, 31), 0),
        (339_000, True, date(2026, 1, 1), 1_500_000),
        (565_000, True, date(2026, 1, 1), 3_500_000),
        (565_000, True, date(2025, 1, 1), 2_000_000),
        (100_000, False, date(2026, 11, 23), 884_956),
        (100_000, True, date(2026, 11, 23), 442_478),
    ],
)
def test_purchase_tax_is_a_tenth_of_the_net_price_less_the_relief_of_its_day(
    price_yuan: int, new_energy: bool, day: date, tax_minor: int
) -> None:
    tax = purchase_tax_minor(TaxPolicy(), price_minor=price_yuan * 100, new_energy=new_energy, day=day)

    assert tax == tax_minor


def test_a_quote_shows_every_line_and_their_sum() -> None:
    quote = quote_of(facts(options=("BLUE", "W19", "PT_BIG", "TR_PLUS", "HOOK", "HEAT"), distance_km=100))

    assert amounts(quote) == {
        "A1": 10_000_000,
        "BLUE": 100_000,
        "W19": 400_000,
        "PT_BIG": 2_000_000,
        "TR_PLUS": 800_000,
        "HOOK": 200_000,
        "HEAT": 150_000,
        "P001": -50_000,
        "LOGISTICS": 72_000,
        "STORE_FEE": 100_000,
        "PURCHASE_TAX": 601_770,
        "INSURANCE": 391_800,
        "PLATE": 12_500,
    }
    assert quote.vehicle_price_minor == 13_600_000
    assert quote.total_minor == sum(amounts(quote).values()) == 14_778_070
    assert quote.expires_at == NOON + timedelta(days=7)


def test_only_car_transport_and_store_fee_are_guaranteed() -> None:
    quote = quote_of(facts())

    guaranteed = {line.kind for line in quote.lines if line.guaranteed}

    assert guaranteed == {LineKind.BASE, LineKind.OPTION, LineKind.LOGISTICS, LineKind.STORE_FEE}
    assert quote.guaranteed_minor == 10_000_000 + 60_000 + 100_000


def test_each_tier_shows_the_members_price_and_the_total_whose_taxes_follow_it() -> None:
    pool = PoolOffer("p" * 32, TIERS, members=130, deadline=NOON + timedelta(days=9))

    quote = quote_of(facts(pool=pool))

    without_pool = quote_of(facts())
    assert quote.tiers[0] == TierPrice(60, 0, 10_000_000, without_pool.total_minor)
    assert quote.tiers[1] == TierPrice(120, 200, 9_800_000, 9_800_000 + 60_000 + 100_000 + 433_628 + 342_400 + 12_500)
    assert quote.price_now_minor == 9_800_000


def test_the_tax_is_that_of_the_promised_day() -> None:
    promise = Promise(date(2027, 12, 20), date(2028, 1, 3), conditional=True)

    quote = quote_of(facts(promise=promise))

    assert quote.tax_day == date(2028, 1, 3)
    assert amounts(quote)["PURCHASE_TAX"] == 884_956


def test_a_subsidy_is_taken_off_within_its_days() -> None:
    given_policy = QuotePolicy(subsidies=(("BEV", "2027-01-01", "2027-12-31", 500_000),))

    quote = quote_of(facts(), quote_policy=given_policy)

    assert amounts(quote)["SUBSIDY"] == -500_000
    assert quote_of(facts(model="B2"), quote_policy=given_policy).total_minor > quote.total_minor
    assert "SUBSIDY" not in amounts(quote_of(facts(model="B2"), quote_policy=given_policy))


@pytest.mark.parametrize(
    ("price_minor", "discount_bp", "expected_minor"),
    [
        (12_980_000, 0, 12_980_000),
        (12_980_000, 200, 12_720_400),
        (10_002_500, 200, 9_802_500),
        (10_000_000, 1, 9_999_000),
    ],
)
def test_a_members_price_is_rounded_half_up_to_the_yuan(
    price_minor: int, discount_bp: int, expected_minor: int
) -> None:
    assert member_price_minor(price_minor, discount_bp) == expected_minor


@given(price=st.integers(1, 10**9), discounts=st.lists(st.integers(0, 10_000), min_size=2, max_size=2))
def test_a_members_price_is_the_nearest_yuan_and_never_rises_with_the_discount(
    price: int, discounts: list[int]
) -> None:
    less, more = sorted(discounts)

    cheap, dear = member_price_minor(price, more), member_price_minor(price, less)

    assert cheap <= dear
    assert cheap % 100 == 0
    assert -1_000_000 // 2 < cheap * 10_000 - price * (10_000 - more) <= 1_000_000 // 2


cars = st.tuples(
    st.sampled_from(("A1", "B2")),
    st.tuples(
        st.sampled_from(("RED", "BLUE")),
        st.sampled_from(("W17", "W19")),
        st.just("PT_BIG"),
        st.just("TR_BASE"),
    ),
    st.sets(st.sampled_from(("HOOK", "HEAT"))),
)


@given(
    car=cars,
    distance=st.integers(0, 6000),
    fee=st.integers(0, 500_000),
    members=st.none() | st.integers(0, 500),
    day=st.dates(date(2026, 1, 1), date(2029, 1, 1)),
)
def test_a_quote_read_back_from_its_json_is_computed_to_the_same_fen(
    car: tuple[str, tuple[str, ...], set[str]], distance: int, fee: int, members: int | None, day: date
) -> None:
    model, fixed, extras = car
    pool = None if members is None else PoolOffer("p" * 32, TIERS, members, NOON)
    original = quote_of(
        facts(
            model=model,
            options=(*fixed, *sorted(extras)),
            distance_km=distance,
            store_fee_minor=fee,
            pool=pool,
            day=day,
        )
    )

    document = json.loads(json.dumps(encode_quote(original)))
    again = quote_of(decode_quote(document).facts)

    assert again == original == decode_quote(document)
    assert encode_quote(again) == document
    assert original.total_minor == sum(line.amount_minor for line in original.lines)


def test_who_holds_a_quote_can_verify_it_offline() -> None:
    key = QuoteKey.from_seed(bytes(range(32)))

    taken = json.loads(json.dumps(envelope(sign_quote(quote_of(facts()), key))))

    assert verify_offline(taken, key.public)
    assert not verify_offline(taken, DESK.key.public)


@given(st.data())
def test_an_altered_quote_is_not_verified(data: st.DataObject) -> None:
    key = DESK.key
    taken = json.loads(json.dumps(envelope(sign_quote(quote_of(facts()), key))))
    line = data.draw(st.integers(0, len(taken["document"]["lines"]) - 1))
    change = data.draw(st.sampled_from(("amount", "drop", "total", "text", "signature", "key")))

    match change:
        case "amount":
            taken["document"]["lines"][line]["amount_minor"] += 1
        case "drop":
            del taken["document"]["lines"][line]
        case "total":
            taken["document"]["total_minor"] -= 1
        case "text":
            taken["document"]["lines"][line]["en"] += " "
        case "signature":
            taken["signature"] = "AAAA" + taken["signature"][4:]
        case _:
            taken["key_id"] = "0" * 16

    assert not verify_offline(taken, key.public)


def nested(depth: int) -> list[Any]:
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"document": {}},
        {"document": {}, "signature": 7},
        {"signature": "%"},
        {"document": {"total_minor": float("nan")}, "signature": "AAAA"},
        {"document": "\ud800", "signature": "AAAA"},
        {"document": nested(50_000), "signature": "AAAA"},
    ],
    ids=range(7),
)
def test_a_broken_envelope_is_not_verified_and_breaks_nothing(broken: dict[str, Any]) -> None:
    assert not verify_offline(broken, DESK.key.public)
