"""The simulated market in small: its cars are the catalogue's, its pools are the core's, its figures hang together."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from benchmarks.market import (
    BEGINS,
    CATALOGUE,
    Assumptions,
    Way,
    assumed,
    chart_of,
    make_market,
    play,
    reachable,
    table_of,
)
from benchmarks.market_cars import CONTEXT, Garage
from benchmarks.market_pools import Person, gather, terms_for
from benchmarks.market_stock import NO_CAR, StockRules, popular_kinds, sell, worth_of
from configurator.catalogue_files import read_catalogue
from configurator.pooling import pooling_class
from configurator.pricing import price_vehicle
from configurator.rules import compile_catalogue
from configurator.sat_engine import SatEngine
from demand.pools.model import Offer
from demand.pools.policy import PoolPolicy

SMALL = Assumptions(people=4_000, days=42)
PRICE = 15_000_000
RULES = PoolPolicy()
TERMS = terms_for(RULES, expected=0)


def person(number: int, *, day: float = 1.0, patience: float = 200.0, cap: int = PRICE, goes_on: bool = True) -> Person:
    at = BEGINS + timedelta(days=day, seconds=number)
    return Person(number, at, at + timedelta(days=patience), Offer(PRICE, cap), goes_on, at)


def ends(days: float = 182) -> datetime:
    return BEGINS + timedelta(days=days)


@pytest.mark.parametrize("model", ["L5", "S6", "M7"])
def test_wished_for_cars_are_legal_and_cost_what_the_configurator_says(model: str) -> None:
    catalogue = read_catalogue(CATALOGUE)
    book = compile_catalogue(catalogue)
    garage = Garage(catalogue, book, model)

    (rows,) = garage.draw(300, np.random.default_rng(5))

    engine = SatEngine(book)
    prices, _ = garage.price(rows)
    numbers, keys = garage.classes(rows)
    for car in range(0, 300, 15):
        features = garage.features_of(rows, car)
        assert engine.is_buildable(features, CONTEXT)
        assert prices[car] == price_vehicle(catalogue, model=model, features=features).total_minor
        assert keys[numbers[car]] == pooling_class(catalogue, model=model, features=features).l1_key
    engine.close()
    assert len(np.unique(garage.picks(rows), axis=0)) > 250


@pytest.fixture(scope="module")
def played() -> tuple[int, list[Way]]:
    return play(SMALL, 1)


def test_the_same_seed_draws_the_same_people() -> None:
    catalogue, few = read_catalogue(CATALOGUE), Assumptions(people=200)

    first, again, other = (make_market(catalogue, few, seed) for seed in (1, 1, 2))

    assert (first.values_minor == again.values_minor).all()
    assert (first.cars.picks == again.cars.picks).all()
    assert (first.values_minor != other.values_minor).any()


def test_the_table_and_the_chart_show_every_way(played: tuple[int, list[Way]]) -> None:
    table, chart = table_of(*played), chart_of(*played)

    assert all(one.name in table and one.name.split("'")[0] in chart for one in played[1])
    assert table.count("\n") == 11


def test_wider_pools_reach_more_people_and_nobody_pays_above_the_list_price(played: tuple[int, list[Way]]) -> None:
    wanted, (classes, looks, cars, stock, cheap_stock) = played

    assert wanted > classes.bought > looks.bought >= cars.bought
    assert 0 < stock.bought < cheap_stock.bought <= wanted
    assert cheap_stock.price_share <= 0.92 + 1e-9
    assert 0.92 <= classes.price_share <= 1
    assert classes.days[0] >= SMALL.build_days
    assert stock.days[0] >= SMALL.from_stock_days


def test_only_who_would_buy_at_some_tier_is_reached() -> None:
    market = make_market(read_catalogue(CATALOGUE), Assumptions(people=500), 1)

    wanted = reachable(market, RULES)

    least = market.cars.prices_minor * 92 / 100
    assert (market.values_minor[wanted] >= least[wanted]).all()
    assert (market.values_minor[~wanted] < least[~wanted]).all()


def test_a_pool_of_the_minimum_locks_at_its_deadline_at_the_first_tiers_price() -> None:
    run = gather([person(number) for number in range(60)], TERMS, RULES, begins=BEGINS, ends=ends())

    assert (run.ended, run.locked, len(run.bought)) == (1, 1, 60)
    assert set(run.bought.values()) == {(PRICE, BEGINS + timedelta(days=21))}


def test_one_less_fails_and_rolls_twice_with_the_time_kept() -> None:
    run = gather([person(number) for number in range(59)], TERMS, RULES, begins=BEGINS, ends=ends())

    assert (run.ended, run.locked, run.members, run.bought) == (3, 0, 3 * 59, {})


def test_who_rolls_is_joined_by_the_one_who_was_missing() -> None:
    people = [*(person(number) for number in range(59)), person(59, day=30)]

    run = gather(people, TERMS, RULES, begins=BEGINS, ends=ends())

    assert (run.ended, run.locked, len(run.bought)) == (2, 1, 60)
    assert {when for _, when in run.bought.values()} == {BEGINS + timedelta(days=42)}


def test_a_full_pool_freezes_and_clears_three_days_later_at_the_last_tier() -> None:
    people = [person(number, cap=PRICE * 92 // 100) if number < 200 else person(number) for number in range(600)]

    run = gather(people, TERMS, RULES, begins=BEGINS, ends=ends(4))

    filled = people[599].at
    assert {price for price, _ in run.bought.values()} == {PRICE * 92 // 100}
    assert {when for _, when in run.bought.values()} == {filled + timedelta(hours=72)}
    assert sorted(run.bought) == list(range(400))


def test_who_runs_out_of_patience_leaves_before_the_freeze_and_not_in_it() -> None:
    early = [person(number, patience=5) for number in range(60)]
    late = [person(number, patience=19) for number in range(60)]

    assert gather(early, TERMS, RULES, begins=BEGINS, ends=ends()).bought == {}
    assert len(gather(late, TERMS, RULES, begins=BEGINS, ends=ends()).bought) == 60


def test_who_wants_the_money_back_does_not_roll() -> None:
    people = [*(person(number, goes_on=False) for number in range(59)), person(59, day=30)]

    run = gather(people, TERMS, RULES, begins=BEGINS, ends=ends())

    assert run.locked == 0


def test_old_stock_costs_less_and_who_finds_nothing_looks_again() -> None:
    rules = StockRules(kinds=1)
    people = 40
    worth = np.full((people, 1), 0.97 * PRICE, dtype=np.float32)
    worth[: people // 2] = PRICE
    at = np.linspace(0.5, 20, people)

    sold = sell(worth, np.array([PRICE]), np.array([PRICE // 2]), at, at + 60, rules, days=100)

    first, cheap = sold.prices_minor[: people // 2], sold.prices_minor[people // 2 :]
    assert set(first[first > 0].tolist()) <= {PRICE, round(PRICE * 0.96)}
    assert set(cheap[cheap > 0].tolist()) <= {round(PRICE * 0.96), round(PRICE * 0.92)}
    assert (sold.days[sold.kinds != NO_CAR] >= np.floor(at)[sold.kinds != NO_CAR]).all()
    assert (sold.kinds[people // 2 :] != NO_CAR).any()


def test_nobody_takes_another_powertrain_and_each_difference_costs() -> None:
    picks = np.array([[0, 1, 2], [0, 1, 2], [0, 2, 2], [1, 1, 2]], dtype=np.uint8)
    powertrains, values = picks[:, 0], np.array([100.0, 100.0, 100.0, 100.0])
    rules = StockRules(kinds=2, loss_each_difference=0.1)

    kinds = popular_kinds(picks, powertrains, 2)
    worth = worth_of(picks, powertrains, values, np.full(4, 100), kinds, rules)

    assert kinds.tolist() == [0, 2, 3]
    assert np.allclose(worth, [[100, 90, 0], [100, 90, 0], [90, 100, 0], [0, 0, 100]])


def test_every_assumption_is_named() -> None:
    told = dict(assumed(Assumptions(), RULES))

    assert told["people, and the days in which their wishes come"] == "1,000,000, 182"
    assert told["tiers (the shipped policy)"] == "60: −0 %, 120: −2 %, 240: −5 %, 400: −8 %"
    assert len(told) >= 18
