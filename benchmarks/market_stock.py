"""Builds cars before anybody asked for them: the popular ones, to a base stock, for less once they stand too long."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
from scipy.stats import poisson

Array: TypeAlias = np.ndarray[Any, Any]
NO_CAR: Final = -1


@dataclass(frozen=True, slots=True)
class StockRules:
    """How a maker who builds for stock works; times in days, shares of a car's price."""

    kinds: int = 60
    lead_days: int = 35
    review_days: int = 7
    service_level: float = 0.9
    ages_days: tuple[int, ...] = (30, 60, 90)
    discounts: tuple[float, ...] = (0.0, 0.04, 0.08, 0.12)
    look_again_days: int = 7
    loss_each_difference: float = 0.005


@dataclass(slots=True)
class Sold:
    """What came of it: by person which kind at what price and when (NO_CAR: none), and how long cars stood."""

    kinds: Array
    prices_minor: Array
    days: Array
    stood_days: float = 0.0
    left: int = 0
    left_cost_minor: int = 0


@dataclass(slots=True)
class _Yard:
    """The cars of each kind, the oldest first, by the day they were built; what is on its way comes on its day."""

    standing: list[deque[int]]
    coming: deque[tuple[int, Array]] = field(default_factory=deque)

    def count(self) -> Array:
        """Return how many of each kind stand or are on their way."""
        total = np.array([len(one) for one in self.standing])
        for _, built in self.coming:
            total += built
        return total

    def receive(self, day: int) -> None:
        """Let arrive what was to come by this day."""
        while self.coming and self.coming[0][0] <= day:
            built_on, numbers = self.coming.popleft()
            for kind, number in enumerate(numbers):
                self.standing[kind].extend([built_on] * int(number))


def popular_kinds(picks: Array, powertrains: Array, most: int) -> Array:
    """Return one car of each kind that is built: of each powertrain its part of them, the most wished for first."""
    chosen: list[int] = []
    for powertrain, count in zip(*np.unique(powertrains, return_counts=True), strict=True):
        of_it = np.flatnonzero(powertrains == powertrain)
        _, first, counts = np.unique(picks[of_it], axis=0, return_index=True, return_counts=True)
        number = max(1, round(most * count / len(powertrains)))
        chosen.extend(of_it[first[np.argsort(-counts, kind="stable")[:number]]])
    return np.array(chosen)


def worth_of(
    picks: Array, powertrains: Array, values_minor: Array, own_minor: Array, kinds: Array, rules: StockRules
) -> Array:
    """Return by person and kind what a car is worth to them, 0 where the powertrain is another.

    What they would give for their own car, or for this one where it is the cheaper, less a part for each difference.
    """
    worth = np.zeros((len(picks), len(kinds)), dtype=np.float32)
    for column, kind in enumerate(kinds):
        differences = (picks != picks[kind]).sum(axis=1)
        value = values_minor * np.minimum(1.0, own_minor[kind] / own_minor)
        worth[:, column] = value * (1 - rules.loss_each_difference * differences) * (powertrains == powertrains[kind])
    return worth


def sell(
    worth: Array, list_prices: Array, costs: Array, at: Array, until: Array, rules: StockRules, *, days: int
) -> Sold:
    """Sell day by day; the maker knows how many would like each kind best at its list price, and stocks for it."""
    people = len(worth)
    order_up_to = _base_stock(worth, list_prices, rules, days=days)
    yard = _Yard([deque([0] * int(number)) for number in order_up_to])
    sold = Sold(np.full(people, NO_CAR), np.zeros(people, dtype=np.int64), np.zeros(people))
    looking: list[list[int]] = [[] for _ in range(days)]
    for person in np.argsort(at, kind="stable"):
        looking[int(at[person])].append(int(person))
    for day in range(days):
        yard.receive(day)
        if day % rules.review_days == 0:
            missing = np.maximum(order_up_to - yard.count(), 0)
            yard.coming.append((day + rules.lead_days, missing))
        prices = _prices(yard, list_prices, rules, day=day)
        for person in looking[day]:
            kind = _choose(worth[person], prices)
            if kind != NO_CAR:
                sold.kinds[person], sold.prices_minor[person], sold.days[person] = kind, round(prices[kind]), day
                sold.stood_days += day - yard.standing[kind].popleft()
                if not yard.standing[kind]:
                    prices[kind] = np.inf
            elif until[person] > (again := day + rules.look_again_days) and again < days:
                looking[again].append(person)
    sold.left = sum(len(one) for one in yard.standing)
    sold.left_cost_minor = sum(len(one) * int(cost) for one, cost in zip(yard.standing, costs, strict=True))
    sold.stood_days += sum(days - built for one in yard.standing for built in one)
    return sold


def _base_stock(worth: Array, list_prices: Array, rules: StockRules, *, days: int) -> Array:
    """Return the smallest stock that serves the demand of a review and its lead time as often as is aimed at."""
    best = np.where((worth - list_prices).max(axis=1) >= 0, (worth - list_prices).argmax(axis=1), NO_CAR)
    a_day = np.bincount(best[best != NO_CAR], minlength=worth.shape[1]) / days
    stock: Array = poisson.ppf(rules.service_level, a_day * (rules.lead_days + rules.review_days)).astype(int)
    return stock


def _prices(yard: _Yard, list_prices: Array, rules: StockRules, *, day: int) -> Array:
    """Return today's prices: less where the oldest car stands long, infinite where none stands."""
    prices = np.full(len(list_prices), np.inf)
    for kind, standing in enumerate(yard.standing):
        if standing:
            old = sum(day - standing[0] >= age for age in rules.ages_days)
            prices[kind] = list_prices[kind] * (1 - rules.discounts[old])
    return prices


def _choose(worth: Array, prices: Array) -> int:
    left = worth - prices
    kind = int(left.argmax())
    return kind if left[kind] >= 0 else NO_CAR
