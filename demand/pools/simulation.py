"""Simulates a pool before it is opened: does it tip, when, at what price, who waits, what is left; with intervals.

It draws from published counts alone (DOMAIN section 6.3): how many joined earlier pools, how many of their members
reached a tier, how often an option was taken. Only the command line imports this module: numpy is heavy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from demand.errors import NothingToGoBy
from demand.pools.model import PoolTerms
from kernel.money import BASIS_POINTS

Floats: TypeAlias = NDArray[np.float64]
Counts: TypeAlias = NDArray[np.int64]
DRAWS_MAX: Final = 100_000
DAYS_MAX: Final = 366
# Few pools say little of how much their crowds differ; from three on their own spread is taken.
POOLS_FOR_SPREAD: Final = 3
# The first rush of a launch says nothing of three weeks: a pool counts once it was open for as long as a freeze takes,
# where there is no such one from a whole day on.
DAYS_SETTLED: Final = (3.0, 1.0)
# Before a clearing was seen: nine in ten agree to the first tier, with the weight of ten members.
CAPS_PRIOR: Final = (9.0, 1.0)
# An option that no released cell speaks of: one in ten takes it, with the weight of ten configurations.
TAKE_PRIOR: Final = (1.0, 9.0)


@dataclass(frozen=True, slots=True)
class PoolSeen:
    """An earlier pool: how many joined it while it was open, and for how many days that was.

    Who rolled into it as it opened is not among them: that is the crowd of the pool before, and no rate.
    """

    joined: int
    days: float


@dataclass(frozen=True, slots=True)
class TierSeen:
    """Of the members of a pool that cleared, how many would have paid the price at a discount."""

    discount_bp: int
    reached: int
    members: int


@dataclass(frozen=True, slots=True)
class OptionSeen:
    """What an option adds to price and cost, and how often it was taken where it was offered (0 of 0: not known)."""

    price_minor: int
    cost_minor: int
    chosen: int
    offered: int


@dataclass(frozen=True, slots=True)
class DemandSoFar:
    """What a simulation draws from.

    `base_price_minor` and `base_cost_minor` are those of what every car of the class has; `options` are the free ones.
    Where `pools` were not of the class itself, `shares` are take rates (chosen, offered) whose product is the class's
    part of all, and `crowd_share` is what that was on average for the classes of `pools`.
    """

    pools: tuple[PoolSeen, ...]
    tiers: tuple[TierSeen, ...]
    shares: tuple[tuple[int, int], ...]
    crowd_share: float
    base_price_minor: int
    base_cost_minor: int
    options: tuple[OptionSeen, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The 10th, 50th and 90th percentile."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """What came of all draws; what only a pool that tips has, is over those draws alone (None where there are none).

    Days count from the opening. `tip_day`: the minimum agreed; `lock_day`: it clears. `price_minor` is what a car of
    the class costs its buyer, `margin_minor` what it leaves, `total_minor` what all of them leave. `waiting_days` pass
    between joining and the lock; `beyond` members are left over.
    """

    tips: float
    members: Range
    tip_day: Range | None
    lock_day: Range | None
    cleared: Range | None
    discount_bp: Range | None
    price_minor: Range | None
    margin_minor: Range | None
    total_minor: Range | None
    waiting_days: Range | None
    beyond: Range | None


def simulate(terms: PoolTerms, demand: DemandSoFar, *, days: int, draws: int, seed: int) -> Outlook:
    """Play a pool of these terms `draws` times; the same seed gives the same outlook.

    Refuses NothingToGoBy where no pool was ever open for a whole day.
    """
    assert 1 <= days <= DAYS_MAX
    assert 1 <= draws <= DRAWS_MAX
    chance = np.random.default_rng(seed)
    rates = _rates(chance, demand, draws)
    reach = _reach(chance, terms, demand.tiers, draws)
    price, cost = _cars(chance, demand, draws)
    return _outlook(terms, _play(chance, terms, rates, reach, days=days), price, cost)


# --- what is drawn ---------------------------------------------------------------------------------------------------


def settled(pools: Sequence[PoolSeen]) -> tuple[PoolSeen, ...]:
    """Return the pools that were open long enough to say something of a rate: three days, else one; maybe none."""
    for least in DAYS_SETTLED:
        if old := tuple(one for one in pools if one.days >= least):
            return old
    return ()


@dataclass(frozen=True, slots=True)
class JoinRate:
    """Joins a day of a pool to come: what is expected, and the variance of that for one more pool."""

    mean: float
    variance: float


def join_rate(pools: Sequence[PoolSeen]) -> JoinRate:
    """Estimate joins a day from pools that were open for different times; refuses NothingToGoBy where none is settled.

    Each pool i has a rate of its own, drawn from a gamma; its joins n_i in t_i days are Poisson, so counts are negative
    binomial (Greenwood and Yule 1920). With T = sum of t_i, k pools and x_i = n_i / t_i the moments are those of
    Bühlmann and Straub (1970; Klugman, Panjer and Willmot, Loss Models, empirical Bayes parameter estimation), whose
    variance within a pool is the Poisson's m / t_i:

        m = (sum of n_i + 1/2) / T
        a = max(0, (sum of t_i (x_i - m)^2 - (k - 1) m) / (T - (sum of t_i^2) / T))

    `a` is how much crowds differ beyond chance; a pool weighs by its days. The 1/2 is Jeffreys' prior of a Poisson
    rate. A new pool's rate varies by a about the mean, which itself is known up to m / T + a (sum of t_i^2) / T^2.
    Fewer than three pools do not tell a: then the variance is that of the mean alone.
    """
    seen = settled(pools)
    if not seen:
        raise NothingToGoBy
    days = sum(one.days for one in seen)
    mean = (sum(one.joined for one in seen) + 0.5) / days
    squares = sum(one.days**2 for one in seen)
    between = 0.0
    if len(seen) >= POOLS_FOR_SPREAD:
        spread = sum(one.days * (one.joined / one.days - mean) ** 2 for one in seen)
        between = max(0.0, (spread - (len(seen) - 1) * mean) / (days - squares / days))
    return JoinRate(mean, between * (1 + squares / days**2) + mean / days)


def _rates(chance: np.random.Generator, demand: DemandSoFar, draws: int) -> Floats:
    """Draw joins a day: a gamma with the moments of `join_rate`, scaled to the class where others were seen."""
    rate = join_rate(demand.pools)
    rates: Floats = chance.gamma(rate.mean**2 / rate.variance, rate.variance / rate.mean, draws)
    for chosen, offered in demand.shares:
        rates = rates * _share(chance, chosen, offered, draws)
    return rates / demand.crowd_share


def expected_share(shares: Sequence[tuple[int, int]]) -> float:
    """Return the product of take rates, each as it is expected: what part of all a class is."""
    return math.prod(
        (chosen + 0.5) / (offered + 1) if offered else TAKE_PRIOR[0] / sum(TAKE_PRIOR) for chosen, offered in shares
    )


def _share(chance: np.random.Generator, chosen: int, offered: int, draws: int) -> Floats:
    taken, left = TAKE_PRIOR if not offered else (chosen + 0.5, offered - chosen + 0.5)
    share: Floats = chance.beta(taken, max(left, 0.5), draws)
    return share


def _reach(chance: np.random.Generator, terms: PoolTerms, seen: tuple[TierSeen, ...], draws: int) -> Floats:
    """Draw for each tier the share of members whose caps reach it: never falling, and all at the last one.

    A tier takes what was seen at the largest discount up to its own: more off is agreed to by as many at least.
    """
    shares = np.ones((draws, len(terms.tiers)))
    for index, tier in enumerate(terms.tiers[:-1]):
        known = max((one.discount_bp for one in seen if one.discount_bp <= tier.discount_bp), default=None)
        own = [one for one in seen if one.discount_bp == known]
        agreed = CAPS_PRIOR[0] + sum(one.reached for one in own)
        not_agreed = CAPS_PRIOR[1] + sum(one.members - one.reached for one in own)
        shares[:, index] = chance.beta(agreed, not_agreed, draws)
    ordered: Floats = np.maximum.accumulate(shares, axis=1)
    return ordered


def _cars(chance: np.random.Generator, demand: DemandSoFar, draws: int) -> tuple[Floats, Floats]:
    """Draw the average car's price and cost: what all have, and each option as often as it was taken."""
    price = np.full(draws, float(demand.base_price_minor))
    cost = np.full(draws, float(demand.base_cost_minor))
    for option in demand.options:
        share = _share(chance, option.chosen, option.offered, draws)
        price += share * option.price_minor
        cost += share * option.cost_minor
    return price, cost


# --- how a pool runs -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Played:
    """One row a draw: who joined by day and first tier reached, when it tipped and cleared, at which n and tier."""

    joined: Counts
    tip_day: Floats
    lock_day: Counts
    cleared: Counts
    tier: Counts


def _play(chance: np.random.Generator, terms: PoolTerms, rates: Floats, reach: Floats, *, days: int) -> _Played:
    draws, tiers = reach.shape
    freeze_days = math.ceil(terms.freeze_hours / 24)
    joined = np.zeros((draws, days, tiers), dtype=np.int64)
    totals = np.zeros((draws, tiers), dtype=np.int64)
    deadline = np.full(draws, days)
    tip_day = np.full(draws, np.nan)
    filled = np.zeros(draws, dtype=bool)
    for day in range(days):
        room = np.where(day < deadline, terms.member_limit - totals.sum(axis=1), 0)
        coming = np.minimum(chance.poisson(rates), room)
        today = _by_tier(chance, coming, reach)
        _cap_low_ones(today, totals, terms.capacity)
        joined[:, day], totals = today, totals + today
        full = ~filled & (totals[:, 0] >= terms.capacity)
        deadline = np.where(full, np.minimum(deadline, day + 1 + freeze_days), deadline)
        filled |= full
        number, _ = clear_counts(terms, totals.cumsum(axis=1))
        tip_day = np.where(np.isnan(tip_day) & (number > 0), day + 1, tip_day)
    cleared, tier = clear_counts(terms, totals.cumsum(axis=1))
    return _Played(joined, tip_day, deadline, cleared, tier)


def _by_tier(chance: np.random.Generator, coming: Counts, reach: Floats) -> Counts:
    """Split those who come by the first tier that their caps reach."""
    split = np.zeros(reach.shape, dtype=np.int64)
    left, before = coming, np.zeros(len(coming))
    for tier in range(reach.shape[1]):
        rest = np.clip(1 - before, 1e-12, None)
        here = chance.binomial(left, np.clip((reach[:, tier] - before) / rest, 0, 1))
        split[:, tier], left, before = here, left - here, reach[:, tier]
    return split


def _cap_low_ones(today: Counts, totals: Counts, capacity: int) -> None:
    """Let caps below the first tier's price hold no more than the capacity; the lowest ones stay out first."""
    room = np.maximum(capacity - totals[:, 1:].sum(axis=1), 0)
    for tier in range(1, today.shape[1]):
        today[:, tier] = np.minimum(today[:, tier], room)
        room = room - today[:, tier]


def clear_counts(terms: PoolTerms, reaching: Counts) -> tuple[Counts, Counts]:
    """Return n and the tier's index for every draw (0 and -1 where it does not clear); `joining.clearing_number`."""
    number = np.zeros(len(reaching), dtype=np.int64)
    found = np.full(len(reaching), -1, dtype=np.int64)
    for index in range(len(terms.tiers) - 1, -1, -1):
        last = terms.tiers[index + 1].members - 1 if index + 1 < len(terms.tiers) else terms.capacity
        here = np.minimum(reaching[:, index], min(last, terms.capacity))
        clears = (found < 0) & (here >= terms.tiers[index].members)
        number, found = np.where(clears, here, number), np.where(clears, index, found)
    return number, found


# --- what came of it -------------------------------------------------------------------------------------------------


def _outlook(terms: PoolTerms, played: _Played, price: Floats, cost: Floats) -> Outlook:
    members = played.joined.sum(axis=(1, 2))
    tipped = played.cleared > 0
    if not tipped.any():
        nothing = (None,) * 9
        return Outlook(0.0, _range(members), *nothing)
    off = np.array([tier.discount_bp for tier in terms.tiers])[played.tier[tipped]]
    paid = price[tipped] * (BASIS_POINTS - off) / BASIS_POINTS
    margin = paid - cost[tipped]
    cleared = played.cleared[tipped]
    return Outlook(
        tips=float(tipped.mean()),
        members=_range(members),
        tip_day=_range(played.tip_day[tipped]),
        lock_day=_range(played.lock_day[tipped]),
        cleared=_range(cleared),
        discount_bp=_range(off),
        price_minor=_range(paid),
        margin_minor=_range(margin),
        total_minor=_range(margin * cleared),
        waiting_days=_range(_waiting(played)[tipped]),
        beyond=_range(members[tipped] - cleared),
    )


def _waiting(played: _Played) -> Floats:
    """Return the mean days between joining and the lock of those who are in: the earliest n who agree."""
    tiers = np.arange(played.joined.shape[2])
    agree = (played.joined * (tiers <= played.tier[:, None])[:, None, :]).sum(axis=2)
    before = agree.cumsum(axis=1) - agree
    inside = np.clip(played.cleared[:, None] - before, 0, agree)
    since = played.lock_day[:, None] - np.arange(played.joined.shape[1])[None, :] - 0.5
    mean: Floats = (inside * np.maximum(since, 0)).sum(axis=1) / np.maximum(played.cleared, 1)
    return mean


def _range(values: NDArray[np.float64] | NDArray[np.int64]) -> Range:
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9))
    return Range(float(low), float(middle), float(high))
