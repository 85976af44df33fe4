"""Legal cars of the demo's catalogue, as wished for: popularity of an option falls with its rank, rules hold exactly.

They are drawn by many Markov chains at once (Metropolis 1953, Hastings 1970): a step draws one or two choices anew by
their popularity and keeps them where the car is still legal: in the end cars are drawn by popularity among legal ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np

from configurator.catalogue import Catalogue
from configurator.engine.formula import Clause
from configurator.expressions import And, Expression, Feature, Not, Or
from configurator.model import Context
from configurator.pooling import pooling_class
from configurator.pricing import price_list
from configurator.rules import RuleBook, compile_catalogue
from configurator.sat_engine import SatEngine

Array: TypeAlias = np.ndarray[Any, Any]
CONTEXT: Final = Context(region="east", day=date(2026, 6, 1))
EXTRA_SHARE: Final = 0.4
"""The most wanted of a category's extras is in that many cars; the next ones in a half, a third … of them."""
CHAINS_MAX: Final = 20_000
SWEEPS_BEFORE: Final = 30
SWEEPS_BETWEEN: Final = 2


@dataclass(frozen=True, slots=True)
class Cars:
    """One row a car. `picks` says by category which alternative it has; extras are in the price, not in `picks`."""

    models: Array
    picks: Array
    prices_minor: Array
    costs_minor: Array
    classes: Array
    class_keys: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many cars there are."""
        return len(self.models)


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one step draws anew: the alternatives of a category, or one extra; `chances` of all but not having it."""

    columns: Array
    chances: Array


class Garage:
    """The cars of one model that are legal in a context, as columns of features."""

    def __init__(self, catalogue: Catalogue, book: RuleBook, model: str) -> None:
        """Keep what the rules say of the features themselves; helpers of counts are replaced by the counts."""
        self.catalogue, self.book, self.model = catalogue, book, model
        named = len(book.features)
        clauses = [*book.structure, *(one for index in book.active(CONTEXT) for one in book.rules[index].clauses)]
        self.clauses = [clause for clause in clauses if max(map(abs, clause)) <= named]
        self.counted = [
            (np.array([book.variables[one] for one in group.members]), group.low, group.high)
            for group in catalogue.groups
            if group.parent != "Model"
        ]
        self.units = [*self._alternatives(), *self._extras()]
        self.alternatives = len(book.exclusive) - 1
        self._about: dict[tuple[int, ...], tuple[list[Clause], list[tuple[Array, int, int]]]] = {}

    def _alternatives(self) -> Iterator[_Unit]:
        for _, members in self.book.exclusive:
            if self.book.features[members[0] - 1] not in self.catalogue.model_by_code:
                columns = np.array([one for one in members if self._has_price(self.book.features[one - 1])])
                chances = 1 / np.arange(1, len(columns) + 1)
                yield _Unit(columns, chances / chances.sum())

    def _extras(self) -> Iterator[_Unit]:
        alternatives = {one for _, members in self.book.exclusive for one in members}
        ranks: dict[str, int] = {}
        for option in self.catalogue.options:
            column = self.book.variables[option.code]
            if column not in alternatives and self._has_price(option.code):
                ranks[option.category] = ranks.get(option.category, 0) + 1
                yield _Unit(np.array([column]), np.array([EXTRA_SHARE / ranks[option.category]]))

    def _has_price(self, option: str) -> bool:
        return self.catalogue.price_of(model=self.model, option=option) is not None

    def draw(self, number: int, chance: np.random.Generator) -> Iterator[Array]:
        """Yield blocks of legal cars, a column for each feature (from 1) and a row for each car, `number` in all."""
        chains = min(number, CHAINS_MAX)
        rows = self._first(chains)
        for _ in range(SWEEPS_BEFORE):
            self._sweep(rows, chance)
        while number > 0:
            for _ in range(SWEEPS_BETWEEN):
                self._sweep(rows, chance)
            yield rows[:, : min(number, chains)].copy()
            number -= chains

    def _first(self, chains: int) -> Array:
        """Return the chains at one legal car, the cheapest: where they begin is forgotten after some sweeps."""
        engine = SatEngine(self.book)
        found = engine.minimum({self.model: True}, CONTEXT, price_list(self.catalogue, self.model).weights)
        engine.close()
        assert found is not None, "every model of the demo can be built"
        rows = np.zeros((len(self.book.features) + 1, chains), dtype=np.bool_)
        for place, feature in enumerate(self.book.features, start=1):
            rows[place] = feature in found.features or feature in {group.parent for group in self.catalogue.groups}
        return rows

    def _sweep(self, rows: Array, chance: np.random.Generator) -> None:
        """Draw each choice anew by itself, and each category's together with another one's."""
        for unit in self.units:
            self._step(rows, (unit,), chance)
        others = chance.permutation(self.alternatives)
        for place, other in enumerate(others):
            if place != other:
                self._step(rows, (self.units[place], self.units[other]), chance)

    def _step(self, rows: Array, units: Sequence[_Unit], chance: np.random.Generator) -> None:
        columns = np.concatenate([unit.columns for unit in units])
        before = rows[columns]
        for unit in units:
            drawn = np.searchsorted(np.cumsum(unit.chances), chance.random(rows.shape[1]))
            for place, column in enumerate(unit.columns):
                rows[column] = drawn == place
        rows[columns] = np.where(self._legal(rows, tuple(columns.tolist())), rows[columns], before)

    def _legal(self, rows: Array, touched: tuple[int, ...]) -> Array:
        """Say of each car whether all rules about the touched features hold."""
        clauses, counted = self._kept(touched)
        legal = np.ones(rows.shape[1], dtype=np.bool_)
        for clause in clauses:
            one = np.zeros(rows.shape[1], dtype=np.bool_)
            for literal in clause:
                one |= rows[literal] if literal > 0 else ~rows[-literal]
            legal &= one
        for members, low, high in counted:
            count = rows[members].sum(axis=0)
            legal &= (count >= low) & (count <= high)
        return legal

    def _kept(self, touched: tuple[int, ...]) -> tuple[list[Clause], list[tuple[Array, int, int]]]:
        if touched not in self._about:
            self._about[touched] = self._rules_about(set(touched))
        return self._about[touched]

    def _rules_about(self, touched: set[int]) -> tuple[list[Clause], list[tuple[Array, int, int]]]:
        clauses = [clause for clause in self.clauses if not touched.isdisjoint(map(abs, clause))]
        return clauses, [one for one in self.counted if not touched.isdisjoint(one[0].tolist())]

    def price(self, rows: Array) -> tuple[Array, Array]:
        """Return the prices and the costs of cars in fen, price rules included."""
        prices, model = price_list(self.catalogue, self.model), self.catalogue.model_by_code[self.model]
        price = np.full(rows.shape[1], model.base_price_minor, dtype=np.int64)
        cost = np.full(rows.shape[1], model.cost_minor, dtype=np.int64)
        for option, line in prices.options.items():
            priced = self.catalogue.price_of(model=self.model, option=option)
            assert priced is not None
            price += rows[self.book.variables[option]] * line.amount_minor
            cost += rows[self.book.variables[option]] * priced.cost_minor
        for when, line in prices.rules:
            price += _holds(when, rows, self.book.variables) * line.amount_minor
        return price, cost

    def picks(self, rows: Array) -> Array:
        """Return by car and category the place of the alternative that it has."""
        found = [rows[unit.columns].argmax(axis=0) for unit in self.units[: self.alternatives]]
        return np.stack(found, axis=1).astype(np.uint8)

    def classes(self, rows: Array) -> tuple[Array, list[str]]:
        """Return a number for each car and by number the key of the pooling class that the core puts such cars in."""
        decides = [
            one.code for one in self.catalogue.options if one.long_lead or one.category in ("Powertrain", "Trim")
        ]
        columns = rows[[self.book.variables[code] for code in decides]].T
        kinds, numbers = np.unique(np.packbits(columns, axis=1), axis=0, return_inverse=True)
        bits = np.unpackbits(kinds, axis=1)[:, : len(decides)]
        keys = [
            pooling_class(
                self.catalogue,
                model=self.model,
                features={code for code, has in zip(decides, kind, strict=True) if has},
            ).l1_key
            for kind in bits
        ]
        return numbers.ravel(), keys

    def features_of(self, rows: Array, car: int) -> set[str]:
        """Return the features of one car."""
        return {feature for place, feature in enumerate(self.book.features, start=1) if rows[place, car]}


def _holds(when: Expression, rows: Array, variables: Mapping[str, int]) -> Array:
    """Say of each car whether a price rule's condition holds."""
    found: Array
    match when:
        case Feature(name):
            found = rows[variables[name]]
        case Not(operand):
            found = ~_holds(operand, rows, variables)
        case And(operands):
            found = np.logical_and.reduce([_holds(one, rows, variables) for one in operands])
        case Or(operands):
            found = np.logical_or.reduce([_holds(one, rows, variables) for one in operands])
        case _:
            raise NotImplementedError(f"no price rule of the demo asks {when}")
    return found


def draw_cars(catalogue: Catalogue, number: int, shares: Sequence[float], chance: np.random.Generator) -> Cars:
    """Return as many wished-for cars, the models in the given shares; the same seed gives the same cars."""
    book = compile_catalogue(catalogue)
    blocks: list[tuple[Array, ...]] = []
    numbers: dict[str, int] = {}
    ends = np.round(np.cumsum(shares) * number).astype(int)
    for place, model in enumerate(catalogue.models):
        garage = Garage(catalogue, book, model.code)
        for rows in garage.draw(int(ends[place] - (ends[place - 1] if place else 0)), chance):
            kinds, keys = garage.classes(rows)
            classes = np.array([numbers.setdefault(key, len(numbers)) for key in keys])[kinds]
            models = np.full(rows.shape[1], place, dtype=np.uint8)
            blocks.append((models, garage.picks(rows), *garage.price(rows), classes))
        print(f"drawn: the cars of {model.code}", file=sys.stderr, flush=True)
    models, picks, prices, costs, numbered = (np.concatenate(column) for column in zip(*blocks, strict=True))
    return Cars(models, picks, prices, costs, numbered, tuple(numbers))
