"""The clearing rule against brute force, and the laws that make it fair (DOMAIN section 6.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import clearing as clearing_benchmark
from configurator.model import Tier, member_price_minor
from demand.pools.clearing import Cleared, NotCleared, clear, count_reaching
from demand.pools.joining import clearing_number
from demand.pools.model import Offer, PoolTerms

PRICES = st.sampled_from([9_900_000, 10_000_000, 10_150_000, 12_340_000])


@st.composite
def terms(draw: st.DrawFn) -> PoolTerms:
    starts = sorted(draw(st.sets(st.integers(1, 9), min_size=1, max_size=4)))
    discounts = sorted(draw(st.lists(st.integers(0, 1500), min_size=len(starts), max_size=len(starts))))
    capacity = draw(st.integers(starts[0], 10))
    tiers = tuple(Tier(start, discount) for start, discount in zip(starts, discounts, strict=True))
    return PoolTerms(starts[0], capacity, 2 * capacity, tiers, 500_000, 72)


@st.composite
def offer(draw: st.DrawFn) -> Offer:
    price = draw(PRICES)
    return Offer(price, price * draw(st.integers(80, 103)) // 100)


def discount(rules: PoolTerms, number: int) -> int:
    return [tier.discount_bp for tier in rules.tiers if tier.members <= number][-1]


def brute_force(offers: list[Offer], rules: PoolTerms) -> tuple[int, tuple[int, ...]] | None:
    """Try every n from the capacity down, as the rule is written."""
    for number in range(rules.capacity, rules.minimum - 1, -1):
        off = discount(rules, number)
        willing = [
            index
            for index, one in enumerate(offers)
            if one.price_cap_minor >= member_price_minor(one.vehicle_price_minor, off)
        ]
        if len(willing) >= number:
            return number, tuple(willing[:number])
    return None


@given(st.lists(offer(), max_size=10), terms())
def test_clearing_agrees_with_brute_force(offers: list[Offer], rules: PoolTerms) -> None:
    outcome = clear(offers, rules)

    expected = brute_force(offers, rules)
    if expected is None:
        assert isinstance(outcome, NotCleared)
    else:
        assert isinstance(outcome, Cleared)
        assert (outcome.number, outcome.members) == expected


@given(st.lists(st.tuples(st.integers(1, 10**8), st.integers(1, 10**8)), max_size=10), terms())
def test_counts_are_those_of_caps_held_against_rounded_prices(pairs: list[tuple[int, int]], rules: PoolTerms) -> None:
    offers = [Offer(price, cap) for price, cap in pairs]

    assert count_reaching(offers, rules) == tuple(
        sum(one.reaches(rules)[index] for one in offers) for index in range(len(rules.tiers))
    )


@given(st.integers(1, 10**8), st.integers(0, 9_999), st.integers(-200, 200))
def test_a_cap_at_the_edge_of_a_price_counts_as_the_rounded_price_says(price: int, discount_bp: int, by: int) -> None:
    rules = PoolTerms(1, 1, 2, (Tier(1, discount_bp),), 1, 72)
    edge = max(1, member_price_minor(price, discount_bp) + by)

    assert count_reaching([Offer(price, edge)], rules) == (int(edge >= member_price_minor(price, discount_bp)),)


@given(st.lists(offer(), max_size=10), terms())
def test_everybody_in_gets_the_same_discount_and_pays_at_most_the_cap(offers: list[Offer], rules: PoolTerms) -> None:
    outcome = clear(offers, rules)

    if isinstance(outcome, Cleared):
        assert outcome.number == len(outcome.members)
        for index, price in zip(outcome.members, outcome.prices_minor, strict=True):
            assert price == member_price_minor(offers[index].vehicle_price_minor, outcome.discount_bp)
            assert price <= offers[index].price_cap_minor
            assert price % 100 == 0


def gain(offers: list[Offer], rules: PoolTerms, index: int, worth_minor: int) -> int:
    """Return what a member whose car is worth that much to it gains."""
    outcome = clear(offers, rules)
    if isinstance(outcome, NotCleared) or index not in outcome.members:
        return 0
    return worth_minor - outcome.prices_minor[outcome.members.index(index)]


@given(st.lists(offer(), min_size=1, max_size=10), terms(), st.data())
def test_nobody_gains_by_misreporting_a_cap(offers: list[Offer], rules: PoolTerms, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(offers) - 1))
    truth = offers[index]
    lie = replace(truth, price_cap_minor=truth.vehicle_price_minor * data.draw(st.integers(80, 105)) // 100)

    honest = gain(offers, rules, index, truth.price_cap_minor)
    lying = gain([*offers[:index], lie, *offers[index + 1 :]], rules, index, truth.price_cap_minor)

    assert lying <= honest


@given(st.lists(offer(), max_size=10), offer(), terms())
def test_a_join_never_raises_a_price(offers: list[Offer], newcomer: Offer, rules: PoolTerms) -> None:
    before, after = clear(offers, rules), clear([*offers, newcomer], rules)

    if isinstance(before, Cleared):
        assert isinstance(after, Cleared)
        assert after.number >= before.number
        assert after.discount_bp >= before.discount_bp


@given(st.lists(offer(), max_size=10), terms())
def test_the_counts_alone_tell_what_the_clearing_does(offers: list[Offer], rules: PoolTerms) -> None:
    found = clearing_number(rules, count_reaching(offers, rules))

    outcome = clear(offers, rules)
    assert (found is None) == isinstance(outcome, NotCleared)
    if found is not None and isinstance(outcome, Cleared):
        assert (found[0], rules.tiers[found[1]].discount_bp) == (outcome.number, outcome.discount_bp)


def test_the_shipped_tiers_clear_at_the_largest_number_and_the_earliest_are_in() -> None:
    rules = PoolTerms(60, 300, 600, (Tier(60, 0), Tier(120, 200), Tier(240, 500)), 500_000, 72)
    price = 15_980_000
    offers = [Offer(price, price)] * 100 + [Offer(price, member_price_minor(price, 500))] * 150

    outcome = clear(offers, rules)

    assert isinstance(outcome, Cleared)
    assert (outcome.number, outcome.discount_bp) == (250, 500)
    assert set(outcome.prices_minor) == {15_181_000}


def test_the_benchmark_of_clearings_runs_and_reaches_its_aim_where_pools_are_small(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert clearing_benchmark.main(["--quick"]) == 0

    assert "| 1,000 |" in capsys.readouterr().out
