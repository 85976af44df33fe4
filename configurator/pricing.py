"""What a car costs: base price, options and price rules, line by line; and the same as weights for the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from configurator.catalogue import CarModel, Catalogue
from configurator.expressions import Expression, holds
from configurator.kept import Kept
from configurator.model import LineKind, QuoteLine
from kernel.money import BASIS_POINTS

LISTS_MAX: Final = 16
"""Catalogues of which price lists are kept."""


@dataclass(frozen=True, slots=True)
class VehiclePrice:
    """The car with its options: lines in the catalogue's order, and their sum in fen."""

    lines: tuple[QuoteLine, ...]
    total_minor: int


@dataclass(frozen=True, slots=True)
class PriceList:
    """A model's prices, put together once: its lines, and what they weigh for `Engine.minimum`."""

    base: QuoteLine
    options: Mapping[str, QuoteLine]
    """By option, in the catalogue's order; those without a price for the model are left out."""
    rules: tuple[tuple[Expression, QuoteLine], ...]
    weights: Mapping[str, int]


def price_list(catalogue: Catalogue, model: str) -> PriceList:
    """Return the price list of a model; made once for each catalogue."""
    return _LISTS.of(catalogue)[model]


def _price_lists(catalogue: Catalogue) -> dict[str, PriceList]:
    return {model.code: _price_list(catalogue, model) for model in catalogue.models}


def _price_list(catalogue: Catalogue, model: CarModel) -> PriceList:
    options = {
        option.code: QuoteLine(LineKind.OPTION, option.code, price.price_minor, option.name)
        for option in catalogue.options
        if (price := catalogue.price_of(model=model.code, option=option.code)) is not None
    }
    rules = tuple(
        (rule.when, QuoteLine(LineKind.PRICE_RULE, rule.code, rule.amount_minor, rule.text))
        for rule in catalogue.price_rules
    )
    base = QuoteLine(LineKind.BASE, model.code, model.base_price_minor, model.name)
    return PriceList(base, options, rules, _weights(catalogue, model.code, price_share=1, cost_share=0))


_LISTS: Final = Kept(_price_lists, most=LISTS_MAX)


def price_of_car(catalogue: Catalogue, *, model: str, options: Iterable[str]) -> int:
    """Return the price of a complete car under the version that it belongs to, in fen."""
    return price_vehicle(catalogue, model=model, features=catalogue.car_features.of((model, *options))).total_minor


def price_vehicle(catalogue: Catalogue, *, model: str, features: AbstractSet[str]) -> VehiclePrice:
    """Price a car from its true features, abstract ones included, for price rules may speak of any of them.

    Every option among them has a price (a published catalogue was checked).
    """
    assert catalogue.features[0] in features, "a model and its options alone are not all of a car's features"
    prices = price_list(catalogue, model)
    unpriced = [one for one in features if one not in prices.options and one in catalogue.option_by_code]
    assert not unpriced, f"{unpriced} have no price for {model}"
    lines = (
        prices.base,
        *[line for code, line in prices.options.items() if code in features],
        *[line for when, line in prices.rules if holds(when, features)],
    )
    return VehiclePrice(lines, sum(line.amount_minor for line in lines))


def price_weights(catalogue: Catalogue, *, model: str) -> Mapping[str, int]:
    """Return the price in fen of every option of one model and of every price rule, for `Engine.minimum`."""
    return price_list(catalogue, model).weights


def margin_weights(catalogue: Catalogue, *, model: str, discount_bp: int) -> dict[str, int]:
    """Return what each option adds to price·(1 − d) − cost, in 1/10,000 fen (price rules have no cost)."""
    return _weights(catalogue, model, price_share=BASIS_POINTS - discount_bp, cost_share=BASIS_POINTS)


def margin_of_model(model: CarModel, *, discount_bp: int) -> int:
    """Return the model's own part of price·(1 − d) − cost, in 1/10,000 fen."""
    return model.base_price_minor * (BASIS_POINTS - discount_bp) - model.cost_minor * BASIS_POINTS


def _weights(catalogue: Catalogue, model: str, *, price_share: int, cost_share: int) -> dict[str, int]:
    weights: dict[str, int] = {}
    for option in catalogue.options:
        price = catalogue.price_of(model=model, option=option.code)
        if price is not None:
            weights[option.code] = price.price_minor * price_share - price.cost_minor * cost_share
    for rule in catalogue.price_rules:
        weights[rule.code] = rule.amount_minor * price_share
    return weights
