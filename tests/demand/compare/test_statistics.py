"""The statistics against sums written out by hand: every answer by itself, no collapsed counts, no vectors."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from benchmarks.preference import STEPS_PERCENT, answer, market, tastes
from demand.compare.analysis import Findings, Market, Respondent, analyse
from demand.compare.design import ITEMS, sets_of
from demand.compare.logit import PRIOR_PRECISION, BestWorst, Takes, price_logit, utilities
from demand.compare.raking import effective_size, rake

LOG_PRICE = [math.log(step / 100) for step in STEPS_PERCENT]
EVEN = Market({("east", True, "L5"): 1})


def sample(persons: int, *, seed: int = 1) -> list[Respondent]:
    chance = random.Random(seed)
    return [answer(chance, number) for number in range(persons)]


def alike(persons: Sequence[Respondent]) -> list[Respondent]:
    """Let all persons be of the one segment there is, so that nobody weighs more than another."""
    return [replace(one, segment=("east", True, "L5")) for one in persons]


def find(persons: Sequence[Respondent], where: Market = EVEN, *, draws: int = 2, seed: int = 1) -> Findings:
    return analyse(persons, where, log_price=LOG_PRICE, draws=draws, weight_low=0.3, weight_high=3.0, seed=seed)


def brute_force_loss(u: Sequence[float], persons: Sequence[Respondent]) -> float:
    """Add up the negative log of each single choice's probability, and the prior."""
    loss = sum(PRIOR_PRECISION / 2 * one * one for one in u)
    for person in persons:
        for shown, best, worst in zip(sets_of(person.version), person.best, person.worst, strict=True):
            loss -= math.log(math.exp(u[best]) / sum(math.exp(u[item]) for item in shown))
            rest = [item for item in shown if item != best]
            loss -= math.log(math.exp(-u[worst]) / sum(math.exp(-u[item]) for item in rest))
    return loss


def brute_force_price_loss(parameters: Sequence[float], persons: Sequence[Respondent]) -> float:
    *levels, model, slope = parameters
    loss = sum(PRIOR_PRECISION / 2 * one * one for one in parameters)
    for person in persons:
        odds = levels[person.price_item] + model + slope * LOG_PRICE[person.price_step]
        chance = 1 / (1 + math.exp(-odds))
        loss -= math.log(chance if person.took else 1 - chance)
    return loss


def test_utilities_are_those_of_the_likelihood_written_out_answer_by_answer() -> None:
    persons = alike(sample(30))

    found = [item.utility.value for item in find(persons).items]

    oracle = minimize(brute_force_loss, np.zeros(ITEMS), args=(persons,), method="BFGS", options={"gtol": 1e-4})
    assert found == pytest.approx(list(oracle.x - oracle.x.mean()), abs=2e-3)


def test_take_rates_are_those_of_the_likelihood_written_out_answer_by_answer() -> None:
    persons = alike(sample(240))

    found = [item.take.value for item in find(persons).items]

    start = np.zeros(ITEMS + 2)
    oracle = minimize(brute_force_price_loss, start, args=(persons,), method="BFGS", options={"gtol": 1e-4})
    *levels, model, _ = oracle.x
    assert found == pytest.approx([1 / (1 + math.exp(-level - model)) for level in levels], abs=2e-3)


@given(st.integers(0, 2**32 - 1))
def test_a_fit_is_the_same_wherever_it_starts(seed: int) -> None:
    chance = np.random.default_rng(seed)
    sets = np.array([sets_of(version)[number] for version in range(11) for number in range(9)])
    best = chance.integers(0, 20, sets.shape).astype(float)
    worst = np.roll(best, 1, axis=1)
    score = np.bincount(sets.ravel(), weights=(best - worst).ravel(), minlength=ITEMS).astype(float)
    asked = chance.integers(1, 30, (ITEMS, 2, 5)).astype(float)
    takes = Takes(asked, np.floor(asked * chance.random(asked.shape)))

    u = utilities(sets, BestWorst(best, score))
    demand = price_logit(takes, np.array(LOG_PRICE))

    assert abs(u.mean()) < 1e-9
    # Both posteriors have one top only.
    elsewhere = utilities(sets, BestWorst(best, score), start=chance.normal(size=ITEMS))
    assert u == pytest.approx(elsewhere, abs=1e-2)
    again = price_logit(takes, np.array(LOG_PRICE), start=chance.normal(size=ITEMS + 3))
    assert demand.odds == pytest.approx(again.odds, abs=1e-2)


def test_what_everybody_or_nobody_takes_has_a_finite_utility_and_a_rate_between_none_and_all() -> None:
    persons = [replace(one, took=one.price_item == 0) for one in alike(sample(60))]

    rates = [item.take.value for item in find(persons).items]

    assert rates[0] == max(rates)
    assert all(0 < rate < 1 for rate in rates)


def test_five_hundred_answers_find_the_tastes_they_were_drawn_from() -> None:
    found = find(sample(500), market(), draws=100)

    covered = [one.utility.low <= truth <= one.utility.high for one, truth in zip(found.items, tastes(), strict=True)]
    assert sum(covered) >= 9
    assert [one.share.value for one in found.items] == sorted((one.share.value for one in found.items), reverse=True)
    assert sum(one.share.value for one in found.items) == pytest.approx(1)
    assert all(one.share.low < one.share.value < one.share.high for one in found.items)
    assert 100 < found.effective < 500
    assert found.weight_min >= 0.3
    assert found.weight_max <= 3.0


def test_the_same_seed_finds_the_same_and_another_draws_others() -> None:
    persons = sample(60)

    assert find(persons, market(), draws=20, seed=5) == find(persons, market(), draws=20, seed=5)
    assert find(persons, market(), draws=20, seed=5) != find(persons, market(), draws=20, seed=6)


def test_a_person_s_answers_are_drawn_together() -> None:
    persons = [replace(one, took=True) for one in alike(sample(60))]
    one_mind = find([persons[0]] * 60, draws=30)

    assert all(one.utility.low == pytest.approx(one.utility.high) for one in one_mind.items)


# --- raking ----------------------------------------------------------------------------------------------------------

counts_of_cells = st.lists(st.integers(0, 50), min_size=12, max_size=12).filter(lambda counts: sum(counts) >= 10)
two_margins = (np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]), np.array([0, 1] * 6))


@given(counts_of_cells, st.integers(1, 9), st.integers(1, 9))
def test_weights_stay_in_their_bounds_and_have_mean_one(counts: list[int], first: int, second: int) -> None:
    have = np.array([counts], dtype=float)
    shares = (np.array([first, 10 - first, 10]) / 20, np.array([second, 10 - second]) / 10)

    weights = rake(have, list(zip(two_margins, shares, strict=True)), low=0.3, high=3.0)

    assert weights.min() >= 0.3
    assert weights.max() <= 3.0
    assert float((weights * have).sum()) == pytest.approx(have.sum(), rel=1e-3)
    assert effective_size(have, weights) <= have.sum() + 1e-6


def test_margins_are_met_where_no_bound_binds() -> None:
    have = np.array([[20, 30, 25, 15, 10, 30, 20, 20, 25, 35, 30, 40]], dtype=float)
    shares = (np.array([0.4, 0.3, 0.3]), np.array([0.5, 0.5]))

    weights = rake(have, list(zip(two_margins, shares, strict=True)), low=0.01, high=100.0)

    for category, share in zip(two_margins, shares, strict=True):
        met = np.bincount(category, weights=(weights * have)[0]) / have.sum()
        assert met == pytest.approx(share, abs=1e-5)


def test_a_sample_that_is_the_market_is_left_as_it_is() -> None:
    have = np.full((1, 12), 10.0)
    shares = (np.array([1, 1, 1]) / 3, np.array([0.5, 0.5]))

    assert rake(have, list(zip(two_margins, shares, strict=True)), low=0.3, high=3.0) == pytest.approx(np.ones((1, 12)))
    assert effective_size(have, np.ones((1, 12))) == pytest.approx(120)
