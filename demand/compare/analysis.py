"""What a comparison's answers say: shares of preference and take rates with 90 % intervals from 1,000 resamplings.

Persons are drawn anew, not answers, since one person's answers hang together (Efron 1979); each draw is weighted to the
market by itself. Only the worker imports this module: numpy and scipy are heavy. Decision 015 says why so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from demand.compare.design import ITEMS, SET_SIZE, SETS, VERSIONS, sets_of
from demand.compare.logit import BestWorst, Takes, price_logit, utilities
from demand.compare.raking import effective_size, rake

Vector = NDArray[np.float64]
Indices = NDArray[np.intp]
LOWER: Final = 5.0
UPPER: Final = 95.0
DRAWS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Respondent:
    """One person's complete answers: `best` and `worst` are items, a set each; `segment` places them in the market.

    `segment` is region, whether they own a car of the brand, and the model they look at.
    """

    segment: tuple[str, bool, str]
    version: int
    best: tuple[int, ...]
    worst: tuple[int, ...]
    price_item: int
    price_step: int
    took: bool


@dataclass(frozen=True, slots=True)
class Market:
    """Whom the sample stands for: persons by segment (region, owner, model)."""

    segments: dict[tuple[str, bool, str], int]

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted({model for _, _, model in self.segments}))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What is found of one item: utility (mean 0 over items), share of preference, take rate at the planned price.

    `yes` and `no` count the persons behind the take rate; `take_draws` has, by model, one take rate a draw.
    """

    utility: Estimate
    share: Estimate
    take: Estimate
    yes: int
    no: int
    take_draws: dict[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Findings:
    """A comparison's outcome: how many persons, how many they are worth after weighting, and each item's result."""

    persons: int
    effective: float
    weight_min: float
    weight_max: float
    items: tuple[ItemResult, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Respondents as arrays: `cells` places each in a cell; the matrices have a row a person."""

    cells: Indices
    segments: list[tuple[str, bool, str]]
    sets: Indices
    best: sparse.csr_matrix
    score: sparse.csr_matrix
    asked: sparse.csr_matrix
    yes: sparse.csr_matrix


def analyse(
    respondents: Sequence[Respondent],
    market: Market,
    *,
    log_price: Sequence[float],
    draws: int,
    weight_low: float,
    weight_high: float,
    seed: int,
) -> Findings:
    """Fit the sample itself and `draws` resamplings of its persons; the same seed finds the same."""
    sample = _collapse(respondents, market, steps=len(log_price))
    margins = _margins(sample.segments, market)
    prices = np.asarray(log_price, dtype=np.float64)
    chance = np.random.Generator(np.random.PCG64(seed))
    fits = _Fits(sample, margins, prices, weight_low, weight_high, len(market.models))
    # Arrays are small here: on a busy machine threads that share them spend ten times as long waiting for each other.
    with threadpool_limits(1, user_api="blas"):
        fits.fit(np.ones((1, len(respondents))))
        for first in range(0, draws, DRAWS_AT_ONCE):
            fits.fit(_resample(chance, len(respondents), min(DRAWS_AT_ONCE, draws - first)))
    return _summary(sample, fits, market)


def _resample(chance: np.random.Generator, persons: int, draws: int) -> Vector:
    """Return how often each person comes in each draw of as many persons with replacement: draws × persons."""
    chosen = chance.integers(persons, size=(draws, persons)) + persons * np.arange(draws)[:, None]
    return np.bincount(chosen.ravel(), minlength=draws * persons).reshape(draws, persons).astype(np.float64)


def _collapse(respondents: Sequence[Respondent], market: Market, *, steps: int) -> _Sample:
    """Place every answer in the count it goes into."""
    segments = sorted({one.segment for one in respondents})
    cell_of = {segment: index for index, segment in enumerate(segments)}
    known: dict[tuple[int, ...], int] = {}
    for version in range(VERSIONS):
        for one in sets_of(version):
            known.setdefault(tuple(sorted(one)), len(known))
    set_numbers = [[known[tuple(sorted(one))] for one in sets_of(version)] for version in range(VERSIONS)]
    persons, models = len(respondents), market.models
    rows = np.repeat(np.arange(persons), SETS)
    best = np.array([one.best for one in respondents]).ravel()
    worst = np.array([one.worst for one in respondents]).ravel()
    numbers = np.array([set_numbers[one.version] for one in respondents]).ravel()
    sets = np.array(list(known), dtype=np.intp)
    places = (sets[numbers] == best[:, None]).argmax(axis=1)
    ones = np.ones(len(rows))
    score = sparse.coo_matrix((ones, (rows, best)), shape=(persons, ITEMS))
    score = (score - sparse.coo_matrix((ones, (rows, worst)), shape=(persons, ITEMS))).tocsr()
    price_cells = np.array(
        [(one.price_item * len(models) + models.index(one.segment[2])) * steps + one.price_step for one in respondents]
    )
    asked = sparse.csr_matrix(
        (np.ones(persons), (np.arange(persons), price_cells)), shape=(persons, ITEMS * len(models) * steps)
    )
    took = np.array([float(one.took) for one in respondents])
    return _Sample(
        cells=np.array([cell_of[one.segment] for one in respondents], dtype=np.intp),
        segments=segments,
        sets=sets,
        best=sparse.csr_matrix((ones, (rows, numbers * SET_SIZE + places)), shape=(persons, len(sets) * SET_SIZE)),
        score=score,
        asked=asked,
        yes=sparse.diags_array(took).tocsr() @ asked,
    )


def _margins(segments: Sequence[tuple[str, bool, str]], market: Market) -> list[tuple[Indices, Vector]]:
    """Return, for region, owner and model, each cell's category and each category's share of the market."""
    found = []
    total = sum(market.segments.values())
    for place in range(3):
        categories = sorted({str(segment[place]) for segment in market.segments})
        shares = dict.fromkeys(categories, 0.0)
        for segment, persons in market.segments.items():
            shares[str(segment[place])] += persons / total
        of_cell = np.array([categories.index(str(segment[place])) for segment in segments], dtype=np.intp)
        found.append((of_cell, np.array([shares[one] for one in categories])))
    return found


class _Fits:
    """The fits so far, the sample's own first: utilities (fits × items), take rates (fits × items × models)."""

    def __init__(
        self,
        sample: _Sample,
        margins: Sequence[tuple[Indices, Vector]],
        log_price: Vector,
        low: float,
        high: float,
        models: int,
    ) -> None:
        self.sample, self.margins, self.log_price = sample, margins, log_price
        self.low, self.high, self.models = low, high, models
        self.in_cell = np.eye(len(sample.segments))[sample.cells]
        self.utilities: list[Vector] = []
        self.takes: list[Vector] = []
        self.effective = 0.0
        self.weights = np.ones(1)
        self._start: tuple[Vector, Vector] | None = None

    def fit(self, times: Vector) -> None:
        """Weight and fit some draws; `times` says how often each person comes (draws × persons)."""
        counts = times @ self.in_cell
        by_cell = rake(counts, self.margins, low=self.low, high=self.high)
        weights = times * by_cell[:, self.sample.cells]
        best, score = (np.asarray((matrix.T @ weights.T).T) for matrix in (self.sample.best, self.sample.score))
        asked, yes = (np.asarray((matrix.T @ weights.T).T) for matrix in (self.sample.asked, self.sample.yes))
        for draw in range(len(times)):
            self._fit_one(best[draw], score[draw], asked[draw], yes[draw])
        if len(self.utilities) == 1:
            self.effective = effective_size(counts, by_cell)
            self.weights = by_cell[0]

    def _fit_one(self, best: Vector, score: Vector, asked: Vector, yes: Vector) -> None:
        """Start from the sample's own fit: a resampling's lies near."""
        shape = (ITEMS, self.models, len(self.log_price))
        takes = Takes(asked.reshape(shape), yes.reshape(shape))
        first, second = self._start or (None, None)
        u = utilities(self.sample.sets, BestWorst(best.reshape(-1, SET_SIZE), score), start=first)
        demand = price_logit(takes, self.log_price, start=second)
        self._start = self._start or (u, demand.parameters)
        self.utilities.append(u)
        self.takes.append(demand.take_rates())


def _summary(sample: _Sample, fits: _Fits, market: Market) -> Findings:
    u = np.array(fits.utilities)
    shares = np.exp(u) / np.exp(u).sum(axis=1, keepdims=True)
    takes = np.array(fits.takes)
    sizes = np.array([sum(n for segment, n in market.segments.items() if segment[2] == one) for one in market.models])
    overall = takes @ (sizes / sizes.sum())
    shape = (ITEMS, -1)
    asked, yes = (np.asarray(matrix.sum(axis=0)).reshape(shape).sum(axis=1) for matrix in (sample.asked, sample.yes))
    items = tuple(
        ItemResult(
            utility=_estimate(u[:, item]),
            share=_estimate(shares[:, item]),
            take=_estimate(overall[:, item]),
            yes=int(yes[item]),
            no=int(asked[item] - yes[item]),
            take_draws={
                model: tuple(float(one) for one in takes[1:, item, number])
                for number, model in enumerate(market.models)
            },
        )
        for item in range(ITEMS)
    )
    return Findings(len(sample.cells), fits.effective, float(fits.weights.min()), float(fits.weights.max()), items)


def _estimate(values: Vector) -> Estimate:
    """Return the sample's own value with the 5th and 95th percentile of its resamplings."""
    low, high = np.percentile(values[1:], [LOWER, UPPER])
    return Estimate(float(values[0]), float(low), float(high))
